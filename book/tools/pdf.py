"""The book in a headless Chromium: served to it, and printed as a PDF without TeX."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import SphinxError

from merlib.files import find_home, print_anything, whole

TEMPLATES = Path(__file__).parent / "templates" / "pdf"
WIDTH = 672  # of what is printed on a sheet of A4, in pixels; see pdf.css
PATIENCE = 300_000  # milliseconds
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (  # the browser finds no other machine
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-gpu",
    "--disable-quic",
)


def find() -> str:
    """Return the path of Chromium or Chrome: the variable ``CHROMIUM``, or what the system has.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    names = [os.environ["CHROMIUM"]] if "CHROMIUM" in os.environ else NAMES
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise RuntimeError(
            f"no Chromium or Chrome is installed: {', '.join(names)} not found "
            "(Debian: apt-get install chromium); if it lies elsewhere, set CHROMIUM to its path"
        )
    return found


@contextmanager
def chromium() -> Iterator:
    """Start a headless Chromium; yields a ``playwright.sync_api.Browser``.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    from playwright.sync_api import sync_playwright

    path = find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET, timeout=PATIENCE)
        try:
            yield browser
        finally:
            browser.close()


class Handler(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder to this machine alone; yields its address, ``http://127.0.0.1:PORT/``."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def pdf(home: Path) -> Path:
    """Print the book, all its pages in order, and return the path of the PDF.

    Raises
    ------
    RuntimeError
        If there is no built book or no browser.
    """
    from pypdf import PdfReader

    if not (home / "_build" / "html" / "index.html").exists():
        raise RuntimeError("there is no book to print: run `make book` first")
    target = home / "_build" / "merlib.pdf"
    with chromium() as browser, served(one_page(home)) as address, whole(target) as part:
        tab = browser.new_page(viewport={"width": WIDTH, "height": 1000})
        tab.emulate_media(media="print", color_scheme="light")
        tab.goto(address, timeout=PATIENCE)
        tab.evaluate("fit()")
        sheet = {"path": part, "prefer_css_page_size": True, "print_background": True}
        tab.pdf(**sheet)
        printed = PdfReader(part)
        places = printed.named_destinations.items()
        starts = {name: printed.get_destination_page_number(place) + 1 for name, place in places}
        tab.evaluate("starts => number(starts)", starts)
        tab.pdf(**sheet, outline=True, tagged=True)
    return target


def one_page(home: Path) -> Path:
    """Let Sphinx write the book of executed notebooks as one page, and return its folder."""
    from jupyter_book.config import get_final_config
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    folder, trees = home / "_build" / "pdf", home / "_build" / ".doctrees"  # `make book` read them
    told = {"external_toc_path": str(home / "_toc.yml"), "latex_individualpages": False}
    config, _ = get_final_config(user_yaml=home / "_config.yml", cli_config=told, sourcedir=home)
    config["html_css_files"].append("pdf.css")
    config["templates_path"].append(str(TEMPLATES))
    config["html_permalinks"] = False
    with patch_docutils(), docutils_namespace():
        app = Sphinx(home, None, folder, trees, "singlehtml", config, None, warningiserror=True)
        app.set_html_assets_policy("always")  # MathJax, even if the first page has no formula
        app.connect("doctree-resolved", arrange)
        app.build()
    os.replace(app.builder.get_outfilename(app.config.root_doc), folder / "index.html")
    return folder


def arrange(app, book: nodes.document, root: str) -> None:
    """Arrange what Sphinx has put into one tree: the first page, the contents, the other pages.

    Each begins with a heading of the first level. To Sphinx a name may stand for places of several
    pages; here the name of the page comes before it.
    """
    from sphinx.environment.adapters.toctree import global_toctree_for_doc

    for link in book.findall(nodes.reference):  # "#document-page#place"
        if link.get("refuri", "").startswith("#"):
            link["refuri"] = "#" + link["refuri"][1:].replace("#", "--")
    pages = list(book.findall(addnodes.start_of_file))
    for page in pages:
        page.parent.remove(page)
    first = addnodes.start_of_file("", *book.children, docname=root)
    for page in (first, *pages):
        for node in page.findall(nodes.Element):
            node["ids"] = [f"document-{page['docname']}--{place}" for place in node["ids"]]
            if "refid" in node:
                node["refid"] = f"document-{page['docname']}--{node['refid']}"
    contents = nodes.section("", nodes.title("", "Contents"), ids=["contents"])
    contents += global_toctree_for_doc(app.env, root, app.builder, titles_only=True)
    book[:] = [first, contents, *pages]


def main() -> int:
    """Print the book; return the exit status."""
    print_anything()
    try:
        print(pdf(find_home()))
    except (OSError, RuntimeError, SphinxError) as error:
        print(f"merlib: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
