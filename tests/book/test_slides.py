"""Slides hold the cells that are marked and nothing else, and need no network; handouts hold no
solution."""

import base64
import io
import re

import jupytext
import nbformat
import papermill
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from book.tools import slides
from merlib.files import find_home

TEXT = """
# %% [markdown] slideshow={"slide_type": "slide"}
# # The title & more
#
# Words with $a < b$, a [term](../book/glossary.md#term), a source {cite}`wu2012eulerian` and
# [a place](https://example.org).
#
# $$c^2 = a^2 + b^2$$
#
# :::{admonition} What you will learn
# :class: tip
# - *One* thing
# :::

# %% [markdown]
# Not marked as a slide.

# %% slideshow={"slide_type": "subslide"}
print("an" + "swer")
print("and more")

# %% slideshow={"slide_type": "-"}
from IPython.display import HTML
HTML("<table><tr><td>0</td></tr></table>")

# %% tags=["hide-input"] slideshow={"slide_type": "-"} mystnb={"image": {"alt": "A grey \\"square\\""}}
from IPython.display import Image, display
from PIL import Image as Picture
import io
file = io.BytesIO()
Picture.new("L", (4, 3), 128).save(file, "PNG")
display(Image(file.getvalue()))

# %% [markdown] slideshow={"slide_type": "skip"}
# Skipped on purpose.

# %% [markdown] slideshow={"slide_type": "slide"}
# | a | b |
# | --- | --- |
# | 1 | 2 |

# %% tags=["solution", "hide-cell"] slideshow={"slide_type": "slide"}
print("the " + "solution")
"""  # noqa: E501


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A checkout of one chapter, executed, and one that no slide is marked in."""
    home = tmp_path_factory.mktemp("slides")
    (home / "book").mkdir()
    (home / "book" / "_static").symlink_to(find_home() / "book" / "_static")
    (home / "notebooks").mkdir()
    (home / "_toc.yml").write_text(
        "root: book/index\nparts:\n- caption: Only part\n  chapters:\n"
        "  - file: book/words\n  - file: notebooks/01_one\n"
    )
    (home / "notebooks" / "01_one.py").write_text(TEXT)
    path = home / "notebooks" / "01_one.ipynb"
    nbformat.write(jupytext.reads(TEXT, "py:percent"), path)
    papermill.execute_notebook(path, path, kernel_name="python3", progress_bar=False)
    return home


@pytest.fixture(scope="module")
def page(home):
    slides.build(home)
    return BeautifulSoup((home / "_build" / "slides" / "01_one.html").read_text(), "html.parser")


def test_marked_cells_and_no_others(page):
    text = page.get_text()
    assert "The title & more" in text and "answer" in text
    for absent in ("Not marked", "Skipped", "solution", "Picture.new"):
        assert absent not in text
    assert 'print("an" + "swer")' in text  # code is shown where nothing hides it ...
    assert "from IPython.display import HTML" not in text  # ... but not beside its table
    assert "answer\nand more" in [pre.text.strip() for pre in page.find_all("pre")]
    columns = page.select_one(".slides").find_all("section", recursive=False)
    assert [len(column.find_all("section")) for column in columns] == [2, 1]


def test_text_is_that_of_the_page(page):
    first = page.select_one("section section").get_text()
    assert "$a < b$" in first and "$$c^2 = a^2 + b^2$$" in first
    assert "(Wu 2012)" in first and "a term" in first
    box = page.blockquote
    assert box.strong.text == "What you will learn" and box.li.em.text == "One"
    assert ":class:" not in box.text
    assert [link["href"] for link in page.find_all("a")] == ["https://example.org"]
    assert [cell.text for cell in page.select("td")] == ["0", "1", "2"]


def test_pictures_are_inside_and_described(page):
    (image,) = page.find_all("img")
    assert image["alt"] == 'A grey "square"'
    kind, _, content = image["src"].partition(";base64,")
    assert kind == "data:image/png"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (4, 3)


def test_nothing_is_fetched_from_elsewhere(home, page):
    folder = home / "_build" / "slides"
    index = BeautifulSoup((folder / "index.html").read_text(), "html.parser")
    for one in (page, index):
        named = [tag["src"] for tag in one.find_all(["script", "img", "iframe"])]
        named += [tag["href"] for tag in one.find_all("link")]
        files = [name for name in named if not name.startswith("data:")]
        assert files and all((folder / name).is_file() for name in files)
    for style in (folder / "_static").rglob("*.css"):
        assert not re.search(r"@import|url\((?!\"?data:)", style.read_text())
    assert [link["href"] for link in index.find_all("a")] == ["01_one.html"]


@pytest.mark.parametrize("made", [False, True], ids=["missing", "not executed"])
def test_what_is_not_executed_is_named(tmp_path, made):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "_toc.yml").write_text(
        "parts: [{caption: A, chapters: [{file: notebooks/02_two}]}]"
    )
    if made:
        notebook = jupytext.reads(TEXT, "py:percent")
        nbformat.write(notebook, tmp_path / "notebooks" / "02_two.ipynb")
    with pytest.raises(ValueError, match=r"02_two.ipynb is not executed: run `make book`"):
        slides.build(tmp_path)


def test_the_handout_is_the_book_without_solutions(home):
    folder = slides.handout(home)
    notebook = nbformat.read(folder / "01_one.ipynb", 4)
    nbformat.validate(notebook)
    whole = jupytext.reads(TEXT, "py:percent").cells
    assert len(notebook.cells) == len(whole) - 1
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "solution" not in text and "Not marked" in text
    assert "](../../book/glossary.md#term)" in text
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_every_solution_of_the_book_is_tagged_as_one():
    """What a handout leaves out is found by its tag, so no cell may lack it."""
    for path in sorted((find_home() / "notebooks").glob("*.py")):
        for cell in jupytext.read(path).cells:
            tags = cell.metadata.get("tags", [])
            assert ("hide-cell" in tags) == ("solution" in tags), path.name


def test_the_course_fits_its_time_and_names_exercises_that_exist():
    home = find_home()
    course = (home / "book" / "course.md").read_text()
    lecture = course.partition("## A lecture of 90 minutes")[2].partition("## A lab")[0]
    assert sum(int(minutes) for minutes in re.findall(r"^\| (\d+) \|", lecture, re.M)) == 90
    named = re.findall(r"\(\.\./notebooks/(\w+)\.ipynb\),\s+exercises? (\d)(?: and (\d))?", course)
    assert len(named) >= 15
    for page, *numbers in named:
        text = (home / "notebooks" / f"{page}.py").read_text()
        for number in filter(None, numbers):
            assert f"\n# **{number}." in text, (page, number)
