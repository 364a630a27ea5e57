"""Whether the addresses in the repository still answer: those in prose, code and references."""

import re
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from merlib.files import find_home, print_anything

FILES = ("*.md", "*.py", "*.yml", "*.toml", "*.cff", "*.bib", ".binder/*")
ADDRESS = re.compile(r"""https?://[^\s<>"'`\\{}|^*[\]]+""")
DOI = re.compile(r"""\bdoi\s*=\s*["{]([^"}]+)""", re.IGNORECASE)
OWN = re.compile(r"https?://(localhost|127\.|example\.)")
GONE = {404, 410}
"""What a server answers if a page is not there. Other refusals, such as 403, are meant for
programs: publishers send them for pages that a reader can open."""

SECONDS = 30
BROWSER = {"User-Agent": "Mozilla/5.0 (compatible; link check)"}


def addresses(home: Path) -> dict[str, list[str]]:
    """Return the addresses in the files that git knows, but tests, with the files that have it."""
    command = ["git", "ls-files", "-z", "--", *FILES, ":!tests"]
    names = subprocess.check_output(command, cwd=home, encoding="utf-8").strip("\0").split("\0")
    found = defaultdict(list)
    for name in names:
        text = (home / name).read_text("utf-8")
        told = {trimmed(one) for one in ADDRESS.findall(text)}
        told |= {f"https://doi.org/{doi}" for doi in DOI.findall(text)}
        for address in sorted(told):
            if not OWN.match(address):
                found[address].append(name)
    return found


def trimmed(address: str) -> str:
    """Return an address without what is behind it: the end of a sentence, a closing bracket."""
    address = address.rstrip(".,;:!?")
    while address.endswith(")") and address.count(")") > address.count("("):
        address = address[:-1].rstrip(".,;:!?")
    return address


def fault(address: str) -> str:
    """Return why an address does not answer; empty if it does."""
    try:
        with urlopen(Request(address, headers=BROWSER), timeout=SECONDS):
            return ""
    except HTTPError as error:
        return f"{error.code} {error.reason}" if error.code in GONE else ""
    except (OSError, HTTPException, ValueError) as error:
        return str(error) or type(error).__name__


def main() -> int:
    """Print the addresses that do not answer; return 1 if there are some."""
    print_anything()
    found = addresses(find_home())
    with ThreadPoolExecutor(8) as pool:
        faults = dict(zip(found, pool.map(fault, found), strict=True))
    broken = {address: why for address, why in faults.items() if why}
    for address, why in broken.items():
        print(f"{address}: {why} ({', '.join(found[address])})")
    print(f"{len(found) - len(broken)} of {len(found)} addresses answer")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
