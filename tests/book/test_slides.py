"""The lecture shows the outputs that its text names, in the order of the course, and needs no
network."""

import base64
import io
import re

import jupytext
import nbformat
import papermill
import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from PIL import Image

from book.tools import slides
from book.tools.texts import opened

NOTEBOOK = """
# %% [markdown]
# # Words of the page, on no slide

# %% slide="sum"
print("an" + "swer")
print("and more")

# %% slide="table"
from IPython.display import HTML, Markdown, display
display(HTML("<table><tr><td>0</td></tr></table>"))
Markdown("After {cite}`wu2012eulerian`, a [term](../book/glossary.md#term).")

# %% tags=["hide-input"] slide="square" mystnb={"image": {"alt": "A grey \\"square\\""}}
from IPython.display import Image, display
from PIL import Image as Picture
import io
file = io.BytesIO()
Picture.new("L", (4, 3), 128).save(file, "PNG")
display(Image(file.getvalue()))

# %%
print("no " + "name")
"""
LECTURE = """\
# [Part one](../notebooks/01_one.ipynb), 4 minutes

## The title & more

Words with $a < b$ and [a place](https://example.org).

$$c^2 = a^2 + b^2$$

![](01_one#square)

**Remember:** the square

Notes:
Say **this** first.

# [Part two](../notebooks/02_two.ipynb), 3 minutes

## A second slide

Notes:
Say that.

## A third slide

![](01_one#table)

![](01_one#sum)

**Remember:** nothing

Notes:
Ask.
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A checkout of one executed notebook and a lecture of two parts."""
    home = tmp_path_factory.mktemp("slides")
    (home / "book" / "lecture").mkdir(parents=True)
    (home / "book" / "_static").symlink_to(ROOT / "book" / "_static")
    (home / "book" / "lecture" / "lecture.md").write_text(LECTURE)
    (home / "notebooks").mkdir()
    path = home / "notebooks" / "01_one.ipynb"
    nbformat.write(opened(NOTEBOOK), path)
    papermill.execute_notebook(path, path, kernel_name="python3", progress_bar=False)
    return home


@pytest.fixture(scope="module")
def page(home):
    return BeautifulSoup(slides.build(home).read_text(), "html.parser")


def sections(page):
    """The slides; each is alone in a column."""
    return [
        column.section for column in page.select_one(".slides").find_all("section", recursive=False)
    ]


def test_a_slide_has_its_words_its_outputs_and_its_notes(page):
    first, second, third = sections(page)
    assert [one.h2.text for one in (first, second, third)] == [
        "The title & more", "A second slide", "A third slide"
    ]  # fmt: skip
    assert [one.select_one(".part").text for one in (first, third)] == ["Part one", "Part two"]
    words = first.get_text()
    assert "$a < b$" in words and "$$c^2 = a^2 + b^2$$" in words
    assert words.index("c^2") < words.index("Remember: the square") < words.index("Say this first.")
    assert first.aside.get_text().strip() == "Say this first." and first.aside.strong.text == "this"
    assert "answer\nand more" in third.pre.text and third.td.text == "0"
    for absent in ("Words of the page", "no name", "Picture.new", "import", "Notes:"):
        assert absent not in page.select_one(".slides").get_text()


def test_the_speaker_sees_how_long_a_slide_takes(page):
    assert [one["data-timing"] for one in sections(page)] == ["240", "90", "90"]


def test_what_only_the_book_can_show_is_told_in_words(page):
    third = sections(page)[2].get_text()
    assert "After (Wu 2012), a term." in third
    links = [link["href"] for link in page.select(".slides a")]
    assert links == ["https://example.org"]


def test_pictures_are_inside_and_described(page):
    (image,) = page.find_all("img")
    assert image["alt"] == 'A grey "square"'
    kind, _, content = image["src"].partition(";base64,")
    assert kind == "data:image/png"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (4, 3)


def test_nothing_is_fetched_from_elsewhere(home, page):
    folder = home / "_build" / "slides"
    named = [tag["src"] for tag in page.find_all(["script", "img", "iframe"]) if tag.get("src")]
    named += [tag["href"] for tag in page.find_all("link")]
    files = [name for name in named if not name.startswith("data:")]
    assert files and all((folder / name).is_file() for name in files)
    for style in (folder / "_static").rglob("*.css"):
        assert not re.search(r"@import|url\((?!\"?data:)", style.read_text())


@pytest.mark.parametrize(
    ("made", "why"),
    [(None, "is not executed"), ("{", "is damaged"), (NOTEBOOK, "is not executed")],
    ids=["missing", "damaged", "not executed"],
)
def test_a_page_that_cannot_be_shown_is_named(tmp_path, made, why):
    path = tmp_path / "01_one.ipynb"
    if made == NOTEBOOK:
        nbformat.write(opened(NOTEBOOK), path)
    elif made:
        path.write_text(made)
    with pytest.raises(ValueError, match=f"01_one.ipynb {why}: run `make book`"):
        slides.named(path)


def test_an_output_that_is_not_there_is_named(tmp_path, home):
    (tmp_path / "book" / "lecture").mkdir(parents=True)
    (tmp_path / "book" / "lecture" / "lecture.md").write_text(LECTURE.replace("#sum", "#total"))
    (tmp_path / "notebooks").symlink_to(home / "notebooks")
    with pytest.raises(ValueError, match="lecture.md shows 01_one#total"):
        slides.build(tmp_path)


# The lecture of this book.


@pytest.fixture(scope="module")
def parts():
    return slides.plan((ROOT / "book" / "lecture" / "lecture.md").read_text())


def test_the_lecture_is_the_one_of_the_course(parts):
    course = (ROOT / "book" / "course.md").read_text()
    row = r"^\| (\d+) \| \[[^]]+\]\(\.\./notebooks/(\w+)\.ipynb\) \|(?:[^|]*\|)+? ([^|]+) \|$"
    rows = re.findall(row, course.partition("## A lab")[0], re.M)
    assert [(str(part.minutes), part.page, part.remember) for part in parts] == rows
    assert sum(part.minutes for part in parts) == 90


def test_every_slide_has_notes_and_little_text_and_nearly_all_show_something(parts):
    for slide in (slide for part in parts for slide in part.slides):
        assert slide.notes and not re.search(r"^#|^!\[", slide.notes, re.M), slide.title
        assert sum(len(text.split()) for text in slide.pieces[::2]) <= 45, slide.title
        assert len(slide.pieces) > 1, slide.title


def test_every_slide_has_a_picture(parts):
    """A table or text alone is no picture, and most of a table cannot be read on a slide."""
    draws = re.compile(r"\balt=|\bdrawing\.show\(")  # whoever draws says what is seen
    pictures = {
        f"{path.stem}#{cell.metadata['slide']}"
        for path in (ROOT / "notebooks").glob("*.py")
        for cell in jupytext.read(path).cells
        if "slide" in cell.metadata and draws.search(cell.source)
    }
    slides = [slide for part in parts for slide in part.slides]
    assert [one.title for one in slides if not pictures & set(one.pieces[1::2])] == []


def test_every_output_of_the_lecture_exists_once_and_is_shown(parts):
    shown = [piece for part in parts for slide in part.slides for piece in slide.pieces[1::2]]
    found = [
        f"{path.stem}#{cell.metadata['slide']}"
        for path in sorted((ROOT / "notebooks").glob("*.py"))
        for cell in jupytext.read(path).cells
        if "slide" in cell.metadata
    ]
    assert len(found) == len(set(found)) and set(found) == set(shown)
    assert "08_ablation#table-3" in shown
