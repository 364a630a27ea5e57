"""Every page of the built book in headless Chromium, as a reader meets it on a desk and a phone."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

import axe_playwright_python
import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup, SoupStrainer
from conftest import ROOT
from PIL import Image
from playwright.sync_api import expect
from pypdf import PdfReader

from book.tools import pdf, slides, texts
from merlib.files import OURS

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
SCREENS = {
    "desktop": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
expect.set_options(timeout=30_000)  # milliseconds; the machine may be busy


def names():
    """The pages of the book: those of its contents, the index of terms and the search."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    return [contents["root"], *chapters, "genindex", "search"]


@pytest.fixture(scope="module")
def book(book_home):
    """The folder of the built book."""
    return book_home / "_build" / "html"


@pytest.fixture(scope="module")
def chromium(installed, book):
    """The browser; started after the book is made: its event loop disturbs papermill."""
    with pdf.chromium() as started:
        yield started


@pytest.fixture(scope="module")
def address(book):
    """Where the book is served: in a folder of the server, as on Pages."""
    with pdf.served(book.parent) as server:
        yield f"{server}{book.name}/"


@pytest.fixture(scope="module")
def printed(installed, book_home):
    """The PDF that the command makes."""
    command = [sys.executable, "-m", "book.tools.pdf"]
    made = subprocess.run(command, cwd=book_home, check=True, capture_output=True, text=True)
    assert made.stdout.split() == [str(book_home / "_build" / "merlib.pdf")] and not made.stderr
    return PdfReader(book_home / "_build" / "merlib.pdf")


@pytest.fixture(scope="module", params=SCREENS)
def screen(request, chromium):
    """A window on a desk in daylight, or a phone at night."""
    with chromium.new_context(**SCREENS[request.param]) as context:
        yield Window(context)


@pytest.fixture(scope="module")
def desk(chromium):
    with chromium.new_context(**SCREENS["desktop"]) as context:
        yield Window(context)


@pytest.fixture
def sheet(chromium):
    """A sheet of paper."""
    size = {"width": pdf.WIDTH, "height": 1000}
    with chromium.new_context(viewport=size) as context:
        window = Window(context)
        window.page.emulate_media(media="print")
        yield window


class Window:
    """A window of the browser that notes what goes wrong while a page loads and is used."""

    def __init__(self, context):
        self.page, self.base, self.faults = context.new_page(), "", []
        self.page.set_default_timeout(pdf.PATIENCE)
        self.page.on("request", self.ask)
        self.page.on("response", self.answer)
        self.page.on("requestfailed", lambda r: self.faults.append(f"request failed: {r.url}"))
        self.page.on("console", self.said)
        self.page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))

    def open(self, base, path):
        """Open a page of the book at an address, and wait for its formulas; returns the page."""
        self.page.goto("about:blank")
        self.base, self.faults = base, []
        self.page.goto(base + path)
        self.page.evaluate("window.MathJax?.startup?.promise")
        return self.page

    def ask(self, request):
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.faults.append(f"request to elsewhere: {request.url}")

    def answer(self, response):
        if response.status >= 400:
            self.faults.append(f"answer {response.status}: {response.url}")

    def said(self, message):
        if message.type == "error":
            self.faults.append(f"console: {message.text}")


IMAGES = """() => [...document.images].flatMap(image => {
  const name = image.src.split('/').pop().slice(-30), faults = [];
  if (!image.complete || !image.naturalWidth) faults.push(`image not loaded: ${name}`);
  if (!image.alt.trim() || /\\.(png|gif|jpe?g|svg)$/.test(image.alt))
    faults.push(`image without alternative text: ${name}`);
  return faults;
})"""

FORMULAS = """() => {
  const faults = [];
  for (const place of document.querySelectorAll('.math'))
    if (!place.querySelector('mjx-container')) faults.push(`not typeset: ${place.textContent}`);
  for (const wrong of document.querySelectorAll('mjx-merror, [data-mjx-error]'))
    faults.push(`formula in error: ${wrong.textContent} ${wrong.dataset.mjxError || ''}`);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const inside = texts.currentNode.parentElement;
    if (/\\\\[([]|\\$\\$/.test(texts.currentNode.data)
        && !inside.closest('pre, code, script, style, .math, mjx-container'))
      faults.push(`raw formula: ${texts.currentNode.data.trim().slice(0, 60)}`);
  }
  return faults;
}"""

WIDTH = """() => {
  const over = document.scrollingElement.scrollWidth - innerWidth;
  return over > 1 ? [`${over} pixels wider than the window`] : [];
}"""

OUT = """() => [...document.querySelectorAll('article *')].filter(part =>
  part.getBoundingClientRect().right > innerWidth + 1 && !part.closest('mjx-assistive-mml')
).map(part => `sticks out: ${part.outerHTML.slice(0, 120)}`)"""

CAPTIONS = """() => [...document.querySelectorAll('caption, figcaption')].filter(one =>
  one.getBoundingClientRect().right > innerWidth + 1
).map(one => `caption sticks out: ${one.textContent.slice(0, 60)}`)"""

# What a reader at a desk sees without scrolling; 900 pixels are that screen's height. The book of
# these tests has long values in its cells of parameters, which the published one has not.
DESK = """() => {
  const faults = [], section = document.querySelector('.bd-article h2');
  const top = section ? section.getBoundingClientRect().top + scrollY : 0;
  if (top > 900) faults.push(`first section at ${Math.round(top)} pixels`);
  for (const code of document.querySelectorAll('.cell_input pre'))
    if (code.offsetParent && code.scrollWidth > code.clientWidth + 1
        && !code.closest('[class*="parameters"]'))
      faults.push(`code is cut off: ${code.textContent.slice(0, 60)}`);
  return faults;
}"""

# Axe is slow. Of code, a word of each colour and ground will do for it; of what is alike, three.
THIN = """() => {
  for (const alike of ['mjx-container', '.bd-links li:not(.current)', '.cell_output tbody tr'])
    for (const more of [...document.querySelectorAll(alike)].slice(3)) more.remove();
  const seen = new Set();
  for (const code of document.querySelectorAll('pre')) {
    const ground = getComputedStyle(code).backgroundColor;
    for (const word of code.querySelectorAll('span')) {
      const key = `${word.className} ${ground}`;
      if (seen.has(key) && !word.children.length) word.replaceWith(word.textContent);
      seen.add(key);
    }
    code.normalize();
  }
}"""

# Docutils gives a bibliography the role list and its entries doc-biblioentry, which DPUB-ARIA calls
# a kind of listitem and axe does not: that one rule passes over that one list.
ACCESS = """async () => {
  axe.configure({rules: [
    {id: 'aria-required-children', selector: '[role]:not(.citation-list)'},
  ]});
  const found = await axe.run(document, {resultTypes: ['violations'], preload: false});
  return found.violations.filter(rule => ['serious', 'critical'].includes(rule.impact)).flatMap(
    rule => rule.nodes.map(node => `axe ${rule.id}: ${node.target} ${node.html.slice(0, 120)}`));
}"""


@cache
def anchors(path):
    """The places of a page that a link may name."""
    return set(re.findall(r'\sid="([^"]+)"', path.read_text()))


def broken_links(window, folder):
    """The links to this server, as the browser resolves them, that lead to no file or anchor."""
    faults, server = [], urlsplit(window.base)[:2]
    for link in window.page.evaluate("[...document.links].map(link => link.href)"):
        if urlsplit(link)[:2] == server:
            parts = urlsplit(link.removeprefix(window.base))  # elsewhere on it is no file of ours
            file, anchor = folder / unquote(parts.path), unquote(parts.fragment)
            if not file.is_file() or anchor and anchor not in anchors(file):
                faults.append(f"broken link: {link.removeprefix(window.base)}")
    return faults


def check(window, folder):
    """Return all faults of the page that is open."""
    faults = window.faults + broken_links(window, folder)
    on_desk = window.page.viewport_size == SCREENS["desktop"]["viewport"]
    for script in (IMAGES, FORMULAS, WIDTH, CAPTIONS, *([DESK] if on_desk else [])):
        faults += window.page.evaluate(script)
    window.page.evaluate(THIN)
    window.page.evaluate(AXE)
    return faults + window.page.evaluate(ACCESS)


@pytest.mark.parametrize("name", [*names(), *(f"zh_CN/{name}" for name in names())])
def test_a_page_is_sound(screen, address, book, name):
    screen.open(address, f"{name}.html")
    assert not check(screen, book)


PLACES = """() => Object.fromEntries(
  ['.other-edition a', '.header-article-items__end', '.bd-article h1'].map(name => {
    const box = document.querySelector(name).getBoundingClientRect();
    return [name, [box.top, box.bottom]];
  })
)"""


def test_the_buttons_of_a_page_and_the_link_to_the_other_edition_are_above_its_title(
    screen, address
):
    screen.open(address, "notebooks/18_mfem_regions.html")
    link, buttons, title = screen.page.evaluate(PLACES).values()
    assert 0 <= link[0] < link[1] <= title[0] and 0 <= buttons[0] < buttons[1] <= title[0]


SOUND = """<!DOCTYPE html><html lang="en"><head><title>A page</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"></head>
<body><main><h1 id="top">A page</h1><p><a href="#top">Up</a></p>{}</main></body></html>"""
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
BROKEN = [
    ("image not loaded", '<img src="none.png" alt="A face">'),
    ("without alternative text", f'<img src="{PIXEL}">'),
    ("without alternative text", f'<img src="{PIXEL}" alt="../_images/face.gif">'),
    ("answer 404", '<script src="none.js"></script>'),
    ("broken link", '<a href="/page.html">Out of the folder</a>'),
    ("request to elsewhere", '<script src="/none.js"></script>'),
    ("request to elsewhere", '<script src="https://example.org/a.js"></script>'),
    ("console: ouch", '<script>console.error("ouch")</script>'),
    ("script error", '<script>throw Error("ouch")</script>'),
    ("not typeset", r'<span class="math">\(x\)</span>'),
    ("raw formula", r"<p>Half of \(x\)</p>"),
    ("raw formula", "<p>Half of $$x$$</p>"),
    ("formula in error", "<mjx-merror>Undefined control sequence</mjx-merror>"),
    ("wider than the window", '<div style="width: 2000px">wide</div>'),
    (
        "caption sticks out",
        '<div style="overflow-x: auto"><table style="width: 2000px"><caption>wide</caption>',
    ),
    (
        "first section at",
        '<div class="bd-article"><p style="height: 900px">A screen</p><h2>Section</h2></div>',
    ),
    ("code is cut off", f'<div class="cell_input"><pre tabindex="0">{"code " * 500}</pre></div>'),
    ("axe color-contrast", '<p style="color: #bbb; background: #fff">pale</p>'),
    ("axe label", "<input>"),
    ("broken link: none.html", '<a href="none.html">nowhere</a>'),
    ("broken link: page.html#none", '<a href="#none">nowhere</a>'),
]


@pytest.mark.parametrize(("fault", "html"), [(None, ""), *BROKEN])
def test_the_check_finds_what_is_broken(desk, tmp_path, fault, html):
    (tmp_path / "page.html").write_text(SOUND.format(html))
    with pdf.served(tmp_path.parent) as server:
        desk.open(f"{server}{tmp_path.name}/", "page.html")
        found = check(desk, tmp_path)
    assert any(fault in told for told in found) if fault else not found


@pytest.mark.parametrize(
    ("edition", "query", "name", "title"),
    [
        ("", "clusters", "book/clusters.html", "cluster"),
        ("zh_CN/", "微表情识别", "notebooks/index.html", "微表情识别"),  # two words of the index
    ],
)
def test_the_search_finds_a_page(desk, address, edition, query, name, title):
    page = desk.open(address, f"{edition}notebooks/index.html")
    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog input").fill(query)
    page.keyboard.press("Enter")
    found = page.locator(f"#search-results li a[href*='{name}']").first
    expect(found).to_be_visible()
    page.wait_for_load_state("networkidle")  # the excerpts of all pages that were found
    found.click()
    expect(page.locator("article h1")).to_contain_text(title)
    assert not desk.faults


def test_a_link_to_an_anchor_shows_it(desk, address):
    page = desk.open(address, "notebooks/03_mfem.html")
    link = page.locator(".bd-sidebar-secondary a").last
    link.click()
    place = page.locator(link.get_attribute("href")).locator("h2, h3").first
    expect(place).to_be_in_viewport()


def test_the_menus_open(screen, address):
    """On a desk the button hides the list of pages; on a phone it shows it."""
    page = screen.open(address, "notebooks/03_mfem.html")
    last = page.locator(".bd-links a.internal").last
    button = page.locator(".primary-toggle:visible")
    contents = page.locator("dialog .page-toc a").first
    if last.is_visible():  # on a desk
        button.click()
        expect(last).to_be_hidden()
        return
    page.locator(".secondary-toggle:visible").click()
    expect(contents).to_be_visible()
    page.keyboard.press("Escape")
    expect(contents).to_be_hidden()
    button.click()
    expect(last).to_be_visible()
    page.evaluate(AXE)
    assert not page.evaluate(ACCESS)
    last.click()
    page.wait_for_url(f"**/{names()[-3]}.html")
    assert not screen.faults


def test_the_book_reads_from_a_folder(desk, book):
    """Without a server: formulas, and search, if without excerpts: no file may read another."""
    base = book.as_uri() + "/"
    page = desk.open(base, "notebooks/03_mfem.html")
    assert page.locator("mjx-container").count()
    assert not desk.faults + page.evaluate(FORMULAS)
    page = desk.open(base, "search.html?q=clusters")
    found = page.locator("#search-results li a").first
    expect(found).to_have_attribute("href", re.compile("book/clusters.html"))


# The slides that are higher than the screen, or wider, or have a thing on top of another one.
UNFIT = """() => Reveal.getSlides().filter((slide) => {
  const box = (one) => one.getBoundingClientRect();
  const all = slide.querySelector(".fit"), cells = [...all.children];
  const wide = [...all.querySelectorAll("table, img, pre")].some((one) =>
    box(one).right > box(all).right + 1);
  const covered = cells.some((one, k) => cells.slice(k + 1).some((other) =>
    box(other).top < box(one).bottom - 1 && box(one).top < box(other).bottom - 1 &&
    box(other).left < box(one).right - 1 && box(one).left < box(other).right - 1));
  return wide || covered || box(all).height / Reveal.getScale() > 720;
}).map((slide) => slide.querySelector("h2").textContent)"""


def test_the_slides_show_without_a_fault_and_fit(desk, book_home):
    path = slides.build(book_home)
    with pdf.served(path.parent) as address:
        page = desk.open(address, path.name)
        page.wait_for_selector("body[data-fitted]")
        faults = desk.faults + page.evaluate(IMAGES) + page.evaluate(FORMULAS)
        assert not faults + page.evaluate(UNFIT)


def titles(outline, level=1):
    """The bookmarks of a PDF down to a level, in order."""
    for entry in outline:
        if not isinstance(entry, list):
            yield entry
        elif level > 1:
            yield from titles(entry, level - 1)


def test_the_pdf_has_every_page_in_order(printed, book):
    article = SoupStrainer("article")
    pages = [
        BeautifulSoup((book / f"{name}.html").read_text(), "html.parser", parse_only=article)
        for name in names()[:-2]
    ]
    chapters = [page.h1.text.removesuffix("#") for page in pages]
    chapters.insert(1, "Contents")
    found = list(titles(printed.outline))
    assert [chapter.title for chapter in found] == chapters
    headings = {place.title for place in titles(printed.outline, 2)}
    assert {heading.text.removesuffix("#") for page in pages for heading in page("h2")} < headings
    starts = [printed.get_destination_page_number(chapter) for chapter in found]
    assert starts == sorted(set(starts))
    told = " ".join(sheet.extract_text() for sheet in printed.pages[starts[1] : starts[2]])
    told = " ".join(normalize("NFKC", told).split())
    for chapter, number in list(zip(chapters, starts, strict=True))[2:]:
        assert f"{chapter} {number + 1}" in told


def test_links_of_the_pdf_lead_into_it(printed):
    places, count = printed.named_destinations, 0
    for page in printed.pages:
        for note in page.get("/Annots", []):
            link = note.get_object()
            if "/A" in link:
                assert re.match("https?://(?!127)", link["/A"]["/URI"])
            else:
                assert link["/Dest"] in places
                count += 1
    assert count > len(names())


def test_nothing_sticks_out_of_a_sheet(sheet, printed, book_home):
    with pdf.served(book_home / "_build" / "pdf") as address:
        page = sheet.open(address, "index.html")
        page.evaluate("fit()")
        assert not sheet.faults + page.evaluate(FORMULAS) + page.evaluate(OUT)


PAGES = {
    "_toc.yml": "format: jb-book\nroot: book/index\nchapters: [{file: notebooks/two}]\n",
    "book/index.md": "# A\n\n## Place\n\n[there](../notebooks/two.ipynb#place)\n",
    "notebooks/two.py": """
# %% [markdown]
# # B
#
# ![A face](../pictures/face.png) [back](../book/index.md) [above](../book/index.md#place)
# [here](#place) [file](../_toc.yml)
#
# ## Place

# %% tags=["hide-input"]
drawn = 1

# %% tags=["solution", "hide-cell"]
solved = 2
""",
}


@pytest.mark.filterwarnings("ignore")  # the libraries of the book use old names
def test_the_pdf_leaves_out_folded_code_and_keeps_solutions(sheet, tmp_path):
    for name, text in PAGES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    text = tmp_path / "notebooks" / "two.py"
    nbformat.write(texts.opened(text.read_text()), text.with_suffix(".ipynb"))
    for name in ("_config.yml", "book/_static", "book/references.bib", "book/tools"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "pictures").mkdir()
    Image.new("L", (4, 3)).save(tmp_path / "pictures" / "face.png")
    with pdf.served(pdf.one_page(tmp_path)) as address:
        page = sheet.open(address, "index.html")
        page.evaluate("fit()")
        faults = sheet.faults + page.evaluate(IMAGES) + page.evaluate(FORMULAS)
        assert not faults + broken_links(sheet, tmp_path / "_build" / "pdf")
        assert page.locator("h1").all_text_contents() == ["A", "Contents", "B"]
        links = page.evaluate("[...document.links].map(link => [link.innerText, link.hash])")
        two, index = "#document-notebooks/two", "#document-book/index"
        assert links == [
            ["there", f"{two}--place"],
            ["B", two],
            ["back", index],
            ["above", f"{index}--place"],
            ["here", f"{two}--place"],
        ]
        told = page.inner_text("article")
        assert "drawn" not in told and "solved" in told and "file" in told


def test_without_a_book_or_a_browser_the_command_says_so(book_home, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "_toc.yml").write_text(OURS)
    assert pdf.main() == 1
    assert capsys.readouterr().err == ("merlib: there is no book to print: run `make book` first\n")
    monkeypatch.chdir(book_home)
    monkeypatch.setenv("CHROMIUM", "nowhere")
    assert pdf.main() == 1
    assert "nowhere not found (Debian: apt-get install chromium)" in capsys.readouterr().err
