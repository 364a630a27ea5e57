"""Addresses are found whole in files of all kinds, and those that do not answer are named."""

import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from book.tools import links

TEXTS = {
    "page.md": "See [it](https://a.org/x_(y)), <https://b.org/p?q=1#r>, `https://c.org`; "
    "http://localhost:8000/ is yours. Also https://d.org/end.",
    "code.py": 'URL = "https://a.org/x_(y)"  # (https://e.org/f)',
    "references.bib": "@article{a, doi = {10.1000/xyz}, url = {https://g.org/h}}",
    "tests/test_it.py": '"https://nowhere.org"',
    "not_known_to_git.md": "https://secret.org",
}


@pytest.fixture
def home(tmp_path):
    for name, text in TEXTS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    known = [name for name in TEXTS if "not_known" not in name]
    subprocess.run(["git", "add", *known], cwd=tmp_path, check=True)
    return tmp_path


def test_addresses_are_found_whole(home):
    assert links.addresses(home) == {
        "https://a.org/x_(y)": ["code.py", "page.md"],
        "https://b.org/p?q=1#r": ["page.md"],
        "https://c.org": ["page.md"],
        "https://d.org/end": ["page.md"],
        "https://e.org/f": ["code.py"],
        "https://doi.org/10.1000/xyz": ["references.bib"],
        "https://g.org/h": ["references.bib"],
    }


class Answers(BaseHTTPRequestHandler):
    """Answers with the status that the address ends with."""

    def do_GET(self):
        self.send_response(int(self.path.rpartition("/")[2]))
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("status", "told"), [(200, ""), (403, ""), (404, "404"), (410, "410")])
def test_a_page_that_is_gone_is_a_fault_and_a_closed_door_is_none(server, status, told):
    assert links.fault(f"{server}/{status}").startswith(told)
    assert bool(links.fault(f"{server}/{status}")) == bool(told)


def test_the_command_names_what_does_not_answer(server, home, monkeypatch, capsys):
    found = {f"{server}/200": ["a.md"], f"{server}/404": ["b.md", "c.md"], "http://[": ["d.md"]}
    monkeypatch.setattr(links, "addresses", lambda home: found)
    assert links.main() == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{server}/404: 404 Not Found (b.md, c.md)"
    assert told[1].startswith("http://[: ") and told[2] == "1 of 3 addresses answer"
    del found["http://["], found[f"{server}/404"]
    assert links.main() == 0
