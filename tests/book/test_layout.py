"""A notebook becomes a page: one cell of parameters, captions, folds, a word on stale results."""

import ast
import inspect
import re
from types import SimpleNamespace

import nbformat
import pytest
from conftest import ROOT

from book.tools import layout, texts
from merlib.pages import language, words

NOTEBOOKS = {path.stem: path.read_text() for path in sorted((ROOT / "notebooks").glob("*.py"))}


def cells(name, kind="code"):
    return [cell for cell in texts.opened(NOTEBOOKS[name]).cells if cell.cell_type == kind]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_code_fits_the_width_of_a_page(name):
    """79 columns; what a reader would have to scroll to is cut off on paper."""
    assert not [line for cell in cells(name) for line in cell.source.splitlines() if len(line) > 79]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_code_fits_the_height_of_a_screen(name):
    assert all(len(cell.source.splitlines()) < 60 for cell in cells(name))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_parameter_has_a_line_of_its_own(name):
    """So that its value can be written into the cell."""
    (cell,) = (cell for cell in cells(name) if "parameters" in layout.tags(cell))
    assert all(re.match(r"\w+ = \S+", line) for line in cell.source.splitlines())


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_prepares_a_page_or_prints_a_source_is_hidden(name):
    for cell in cells(name):
        tags = set(layout.tags(cell))
        if re.match(r"(from|import) ", cell.source):
            assert tags & {"hide-input", "remove-input", "hide-cell"}, cell.source
        if re.fullmatch(r"plots\.source\([^\n]*\)", cell.source):
            assert "remove-input" in tags, cell.source


def ends(statement):
    """What a statement can end in: the functions that are called last, without `display`."""
    if isinstance(statement, ast.If):
        branches = filter(None, (statement.body, statement.orelse))
        return [end for branch in branches for end in ends(branch[-1])]
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if ast.unparse(call.func) == "display" and call.args:
            return ends(ast.Expr(call.args[-1]))
        return [ast.unparse(call.func)]
    return [""]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_solution_ends_in_a_computed_sentence(name):
    """It says what the output shows: a table or a bare number does not answer an exercise."""
    for cell in cells(name):
        if "solution" in layout.tags(cell):
            last = ends(ast.parse(cell.source).body[-1])
            assert set(last) <= {"words.see", "words.say"}, f"{last}\n{cell.source}"
            assert "translated(" in cell.source, cell.source


@pytest.mark.parametrize(
    "code, last",
    [
        ("words.see(said)", ["words.see"]),
        ("display(words.see(said))", ["words.see"]),
        ("if a:\n    words.say(b)\nelse:\n    plots.table(c)", ["words.say", "plots.table"]),
        ("if a:\n    display(plots.table(c))", ["plots.table"]),
        ("for a in b:\n    print(a)", [""]),
        ("table", [""]),
    ],
)
def test_the_end_of_a_solution_is_found(code, last):
    assert ends(ast.parse(code).body[-1]) == last


PAGE = """\
# %% [markdown]
# # A page
#
# What it is about.

# %% tags=["parameters"]
dataset = "synthetic"  # or "casme2"
seed = 0
overrides = {}  # fields of the configuration

# %% tags=["hide-input"]
import pandas

# %% tags=["hide-input"]
plots.show(figure, alt="A grey square.")

# %% [markdown] slideshow={"slide_type": "slide"}
# *Left, **a square** with [a link](other.ipynb).*
#
# ## Next

# %% mystnb={"figure": {"name": "cited"}}
slider.slider(draw, "alpha", (1, 2), alt="Picture {value}.")

# %% [markdown]
# *One slider.*

# %%
plots.table(frame, "Numbers")

# %% [markdown]
# *Italics below a table are no caption.*

# %% tags=["hide-input"]
print("words")

# %% tags=["solution", "hide-cell"]
print("solved")

# %% tags=["hide-output"]
frame
"""


def shown(kind, content, **about):
    return nbformat.v4.new_output("display_data", {kind: content}, metadata={kind: about})


@pytest.fixture
def page():
    """The page as papermill leaves it."""
    page = texts.opened(PAGE)
    figure, _, slider, _, table = page.cells[3:8]
    figure.outputs = [
        nbformat.v4.new_output("stream", name="stderr", text="Warning in /home/me\nmore\n"),
        nbformat.v4.new_output("stream", name="stdout", text="one clip\n"),
        shown("image/png", "AAAA", alt="A grey square."),
    ]
    slider.outputs = [shown("text/html", '<div><figure data-value="1"></figure></div>')]
    table.outputs = [shown("text/html", "<table></table>")]
    return page


def test_parameters_are_in_one_cell():
    made = layout.given(texts.opened(PAGE), {"seed": 3, "overrides": {"width": 8}})
    assert made.cells[1].source.splitlines() == [
        'dataset = "synthetic"  # or "casme2"',
        "seed = 3",
        "overrides = {'width': 8}  # fields of the configuration",
    ]
    assert len(made.cells) == len(texts.opened(PAGE).cells)


def test_italics_below_a_figure_are_its_caption_and_stay_for_other_readers(page):
    layout.arrange(page, "03_mfem")
    figure, caption, rest, slider, other = page.cells[3:8]
    assert figure.metadata["mystnb"]["figure"] == {
        "name": "mfem-figure-1",
        "caption": "Left, **a square** with [a link](other.ipynb).",
    }
    assert figure.metadata["mystnb"]["image"] == {"alt": "A grey square."}
    assert caption.source == "*Left, **a square** with [a link](other.ipynb).*"
    assert layout.tags(caption) == layout.tags(other) == ["remove-cell"]
    assert rest.source == "## Next" and "slideshow" in rest.metadata
    assert slider.metadata["mystnb"]["figure"] == {"name": "cited", "caption": "One slider."}
    assert "mystnb" not in page.cells[8].metadata and "no caption" in page.cells[9].source


def test_a_caption_with_its_experiment_is_in_the_language_of_the_page(page, monkeypatch):
    """A catalogue has the caption alone; the experiment is known when the page has run."""
    asked = []

    def catalogue(language, name="computed"):
        asked.append(name)
        return SimpleNamespace(gettext=lambda message: f"zh {message}")

    monkeypatch.setattr(language, "catalogue", catalogue)
    page.cells[3].outputs[-1].metadata["image/png"]["of"] = "9 clips"
    layout.arrange(page, "03_mfem")
    caption = page.cells[3].metadata["mystnb"]["figure"]["caption"]
    assert caption == "zh Left, **a square** with [a link](other.ipynb).zh  Experiment: 9 clips."
    assert "notebooks/03_mfem" in asked


def test_the_caption_of_a_figure_that_is_not_drawn_is_left_out(page):
    page.cells[3].outputs = []
    layout.arrange(page, "03_mfem")
    rest = page.cells[4]
    assert rest.source == "## Next" and "slideshow" in rest.metadata
    assert not any("a square" in cell.source for cell in page.cells)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_outputs_that_are_folded_are_tables(name):
    """The fold says so; a picture or a printed line is not worth one."""
    for cell in cells(name):
        if "hide-output" in layout.tags(cell):
            assert re.search(r"(plots|effects|related)\.table\(", cell.source), cell.source


def test_a_fold_says_what_is_in_it(page):
    layout.arrange(page, "03_mfem")
    told = {cell.source[:8]: cell.metadata.get("mystnb", {}).get("code_prompt_show")
            for cell in page.cells if cell.cell_type == "code"}  # fmt: skip
    assert told == {
        "dataset ": None,
        "import p": "Imports and set-up",
        "plots.sh": "Code of the figure",
        "slider.s": None,
        "plots.ta": None,
        'print("w': "Code",
        'print("s': "Solution",
        "frame": "Table",
    }


def test_what_a_page_writes_to_stderr_is_told_and_not_published(page):
    assert layout.arrange(page, "03_mfem") == ["Warning in /home/me", "more"]
    assert "/home/me" not in nbformat.writes(page) and "one clip" in nbformat.writes(page)


@pytest.mark.parametrize("old", [0, 1, 3])
def test_a_page_with_stale_results_says_so_below_its_title(page, old):
    page.cells[-2].outputs = [shown("text/html", "<details></details>", stale=old)]
    layout.arrange(page, "03_mfem")
    title, _, rest = page.cells[0].source.partition("\n")
    assert title == "# A page" and rest.endswith("What it is about.")
    assert ("Stale" in rest) == (old > 0)
    if old:
        assert rest.startswith(f"\n:::{{warning}}\nStale results on this page: {old}.")


@pytest.mark.parametrize("apart", [False, True])
def test_the_answer_is_above_what_one_will_learn(page, apart):
    learn, rest = f"{layout.LEARN}\n:class: tip\n- much\n:::", "\n\n## What the answer rests on"
    title = page.cells[0].source
    if apart:
        page.cells.insert(1, nbformat.v4.new_markdown_cell(learn + rest))
    else:
        page.cells[0].source += f"\n\n{learn}{rest}"
    setup = next(cell for cell in page.cells if cell.source.startswith("import pandas"))
    data = {"text/html": words.answer("It helps.").data}
    setup.outputs = [nbformat.v4.new_output("execute_result", data, execution_count=2)]
    layout.arrange(page, "03_mfem")
    first, answer, second = page.cells[:3]
    assert (first.source, second.source) == (title, learn + rest) and setup.outputs == []
    assert answer.outputs[0].data == data and layout.tags(answer) == ["remove-input"]
    assert answer.source  # else MyST-NB leaves the cell out
    nbformat.validate(page)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_page_that_answers_has_a_place_for_it(name):
    answers = any("words.answer(" in cell.source for cell in cells(name))
    places = [cell for cell in cells(name, "markdown") if layout.LEARN in cell.source]
    assert not answers or len(places) == 1 or name == "index"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_film_and_slider_names_what_it_is_of(name):
    for cell in cells(name):
        calls = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
        for call in calls:
            if ast.unparse(call.func) in ("film.films", "slider.slider"):
                assert "of" in {word.arg for word in call.keywords}, ast.unparse(call)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_a_page_takes_of_the_package_is_there(name):
    """A renamed function is found here at once, not when the page is executed."""
    tree, modules = ast.parse(NOTEBOOKS[name]), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("merlib"):
            exec(ast.unparse(node), modules)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            home = modules.get(node.value.id)
            assert not inspect.ismodule(home) or hasattr(home, node.attr), ast.unparse(node)
