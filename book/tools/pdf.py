"""The book in a headless Chromium: served to it, and printed as a PDF without TeX."""

import html
import os
import posixpath
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urldefrag, urlsplit

from bs4 import BeautifulSoup, Tag

from merlib.files import find_home, whole

WIDTH = 658  # of what is printed on a sheet of A4, in pixels; see pdf.css
PATIENCE = 300_000  # milliseconds
HTML = "text/html; charset=utf-8"
HEAD = (  # what of a page's head its article needs
    "link[rel=icon], link[rel=stylesheet], "
    "script[src*=mathjax], script:-soup-contains('window.MathJax')"
)
PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="light" data-mode="light">
<head>
<meta charset="utf-8">
<title>{title}</title>
{head}
<link rel="stylesheet" href="_static/pdf.css">
</head>
<body class="bd-content">
{pages}
</body>
</html>
"""
# What is too wide for the sheet, a table or a formula, is made smaller.
FIT = """() => {
  for (const wide of document.querySelectorAll("table, .math > mjx-container")) {
    const room = wide.parentElement.clientWidth;
    if (wide.scrollWidth > room) wide.style.zoom = room / wide.scrollWidth;
  }
}"""
# The contents tell on which sheet a page of the book begins.
NUMBER = """starts => {
  for (const link of document.querySelectorAll("nav.bd-links a"))
    link.dataset.sheet = starts["/" + link.hash.slice(1)];
}"""
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (  # the browser asks for nothing on its own, and finds no other machine
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
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
    """Print the built book, all its pages in order, and return the path of the PDF.

    Raises
    ------
    RuntimeError
        If there is no built book or no browser.
    """
    from pypdf import PdfReader

    built, target = home / "_build" / "html", home / "_build" / "merlib.pdf"
    if not (built / "index.html").exists():
        raise RuntimeError("there is no book to print: run `make book` first")
    with chromium() as browser, served(built) as address, whole(target) as part:
        page = one_page(built)
        tab = browser.new_page(viewport={"width": WIDTH, "height": 1000})
        tab.emulate_media(media="print", color_scheme="light")
        tab.route("**/print.html", lambda route: route.fulfill(body=page, content_type=HTML))
        tab.goto(f"{address}print.html", timeout=PATIENCE)
        tab.evaluate("window.MathJax?.startup?.promise")
        tab.evaluate(FIT)
        sheet = {"path": part, "prefer_css_page_size": True, "print_background": True}
        tab.pdf(**sheet)
        printed = PdfReader(part)
        places = printed.named_destinations.items()
        starts = {name: printed.get_destination_page_number(place) + 1 for name, place in places}
        tab.evaluate(NUMBER, starts)
        tab.pdf(**sheet, outline=True, tagged=True)
    return target


def one_page(built: Path) -> str:
    """Return all pages of a built book as one HTML page, for ``pdf.css`` to lay out.

    Links between the pages lead to places in it. Code that the pages fold away is left out; cells
    folded away as a whole, the solutions of exercises, are not.
    """
    first = re.search('url=([^"]+)', (built / "index.html").read_text())[1]
    front = BeautifulSoup((built / first).read_text(), "html.parser")
    contents = front.select_one("nav.bd-links")
    contents.insert(0, BeautifulSoup("<h1>Contents</h1>", "html.parser"))
    names = [resolve(first, link["href"])[0] for link in contents.select("a.internal")]
    pages = {name: BeautifulSoup((built / name).read_text(), "html.parser") for name in names}
    head = dict.fromkeys(  # each once
        str(tag) for name, page in pages.items() for tag in relocate(name, page.head).select(HEAD)
    )
    articles = {name: relocate(name, page.article) for name, page in pages.items()}
    wanted = set()
    for name, part in [*articles.items(), (first, contents)]:
        for link in part.select("a[href]"):
            to = resolve(name, link["href"])
            if to[0] in pages:
                link["href"] = "#" + "--".join(filter(None, to))
                wanted.add(to)
            elif not urlsplit(link["href"]).scheme:
                link.unwrap()  # to a file beside the book
    for name, article in articles.items():
        for tag in article.find_all(id=True):
            if (name, tag["id"]) in wanted:
                tag["id"] = f"{name}--{tag['id']}"
        article["id"] = name
        for folded in article.select(".tag_hide-input details.above-input, a.headerlink"):
            folded.decompose()
        for folded in article.find_all("details"):
            folded["open"] = ""
    cover, *chapters = articles.values()
    return PAGE.format(
        title=html.escape(front.article.h1.text.rstrip("#")),
        head="\n".join(head),
        pages="\n".join(map(str, [cover, contents, *chapters])),
    )


def resolve(page: str, link: str) -> tuple[str, str]:
    """Return the file, from the book's folder on, and the anchor that a page's link leads to."""
    target, anchor = urldefrag(link)
    if not target:
        return page, anchor
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), target)), anchor


def relocate(page: str, part: Tag) -> Tag:
    """Let what a part of a page loads be found from the book's folder; returns the part."""
    for attribute in ("src", "href"):
        for tag in part.select(f"[{attribute}]:not(a)"):
            if not urlsplit(tag[attribute]).scheme:
                tag[attribute] = resolve(page, tag[attribute])[0]
    return part


def main() -> int:
    """Print the book; return the exit status."""
    try:
        print(pdf(find_home()))
    except (OSError, RuntimeError) as error:
        print(f"merlib: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
