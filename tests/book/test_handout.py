"""Handouts: an answer below each exercise, starter code for the hard ones, and the solutions of the
instructor; every exercise of the book has one form and one solution."""

import ast
import re

import nbformat
import pytest
from conftest import ROOT

from book.tools import handout
from book.tools.texts import opened

NOTEBOOKS = {path.stem: path.read_text() for path in sorted((ROOT / "notebooks").glob("*.py"))}
PAGES = [name for name in NOTEBOOKS if name != "index"]
TEXT = '''\
# %% [markdown]
# # A page
# With a [term](../book/glossary.md#term).
#
# :::{admonition} Is it a page?
# :class: dropdown
# Yes, secretly.
# :::
#
# :::{admonition} A sum by hand
# :class: dropdown
# Worked out.
# :::
#
# ## Exercises
#
# ### Exercise 1 (easy)
#
# How much is 1 + 1?
#
# :::{admonition} The idea of the solution
# :class: dropdown
# Secretly two.
# :::

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true}
print(1 + 1)

# %% [markdown]
# ### Exercise 2 (hard)
#
# And of many?

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true}
# It is 6: a secret.
from math import fsum


def total(numbers):
    """Return the sum of numbers."""
    return fsum(numbers)


found, size = total([1, 2, 3]), 3
if found:
    with open("/dev/null"):
        mean = found / size
for k in range(3):
    hidden = k
assert found == total([3, 2, 1])
'''
OUTLINE = '''\
# Your answer to exercise 2. Put words into comments.

from math import fsum


def total(numbers):
    """Return the sum of numbers."""
    raise NotImplementedError


found, size = ...
mean = ...
assert found == total([3, 2, 1])
'''


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The notebooks of students and of instructors, by the name of their folder."""
    home = tmp_path_factory.mktemp("handout")
    (home / "notebooks").mkdir()
    (home / "notebooks" / "01_one.py").write_text(TEXT)
    folder = handout.make(home)
    assert folder == home / "_build" / "handout"
    return {path.parent.name: nbformat.read(path, 4) for path in folder.glob("*/01_one.ipynb")}


def test_students_have_a_cell_for_each_answer(made):
    cells = made["students"].cells
    assert len(cells) == len(opened(TEXT).cells)
    assert cells[1].source.strip() == "# Your answer to exercise 1. Put words into comments."
    assert cells[3].source == OUTLINE
    assert "](../../../book/glossary.md#term)" in cells[0].source
    assert "Worked out" in cells[0].source and "**Is it a page?**" in cells[0].source
    assert "Secretly" not in cells[0].source and "secret" not in str(made["students"])
    assert "The idea of the solution" not in str(made["students"])


def test_instructors_have_the_solutions_open(made):
    assert str(made["instructors"]).lower().count("secret") == 3
    assert [cell.source for cell in made["instructors"].cells[1::2]] == [
        cell.source for cell in opened(TEXT).cells[1::2]
    ]
    assert not any("jupyter" in cell.metadata for cell in made["instructors"].cells)


def exercises(name):
    """Number and level of each exercise of a page, and the cells that follow it up to the next."""
    found = []
    for cell in opened(NOTEBOOKS[name]).cells:
        if cell.cell_type == "markdown":
            found += [(heading, []) for heading in handout.EXERCISE.findall(cell.source)]
        elif found:
            found[-1][1].append(cell)
    return found


@pytest.mark.parametrize("name", PAGES)
def test_exercises_are_labelled_alike_and_each_has_one_solution(name):
    found = exercises(name)
    assert [int(number) for (number, _), _ in found] == list(range(1, len(found) + 1))
    assert len(found) >= 3
    for (number, _), cells in found:
        solutions = [cell for cell in cells if "solution" in cell.metadata.get("tags", [])]
        assert len(solutions) == 1 and cells[0] is solutions[0], number
    after = NOTEBOOKS[name].partition("\n# ## Exercises\n")[2]
    assert not re.findall(r"^# \*\*\d", after, re.M)  # no other form of heading


@pytest.mark.parametrize("name", PAGES)
def test_a_solution_is_tagged_as_one(name):
    """What a handout leaves out is found by its tag, so no cell may lack it."""
    for cell in opened(NOTEBOOKS[name]).cells:
        tags = cell.metadata.get("tags", [])
        assert ("hide-cell" in tags) == ("solution" in tags), cell.source


@pytest.mark.parametrize("name", PAGES)
def test_no_folded_answer_is_left_for_students(name):
    cells = handout.for_students(opened(NOTEBOOKS[name])).cells
    folded = re.findall(r"\{\w+\} ?([^\n]*)\n:class: dropdown", "\n".join(c.source for c in cells))
    assert all(title.endswith(" by hand") for title in folded)  # worked examples stay


@pytest.mark.parametrize("name", PAGES)
def test_hard_exercises_have_starter_code_that_tells_no_answer(name):
    before = {cell.source for cell in opened(NOTEBOOKS[name]).cells}
    cells = handout.for_students(opened(NOTEBOOKS[name])).cells
    answers = [cell.source for cell in cells if cell.metadata.get("tags") == ["answer"]]
    levels = [level for (_, level), _ in exercises(name)]
    assert len(answers) == len(levels) and not before & set(answers)
    for level, answer in zip(levels, answers, strict=True):
        code = ast.parse(answer).body
        assert bool(code) == (level == "hard"), answer
        assert not any(isinstance(node, ast.For | ast.Expr) for node in code), answer
        bodies = [node.body[-1] for node in code if isinstance(node, ast.FunctionDef)]
        assert all(isinstance(last, ast.Raise) for last in bodies), answer


def test_the_course_names_exercises_that_exist():
    course = (ROOT / "book" / "course.md").read_text()
    named = re.findall(r"notebooks/(\w+)\.ipynb#exercise-(\d+)-(\w+)\)", course)
    assert len(named) >= 15
    for name, number, level in named:
        assert (number, level) in [heading for heading, _ in exercises(name)], (name, number)
    assert not re.findall(
        r"exercises? \d", course.replace("[exercise ", "[")
    )  # none without a link
