"""Related work names every method that runs, with its reference and its printed scores."""

import re

import pytest
from conftest import ROOT

from merlib.methods import METHODS
from merlib.pages import related
from merlib.study import paper

WORKS = related.NAMED | related.OTHERS
STORY = (ROOT / "notebooks" / "00_story.py").read_text()


def test_every_method_that_runs_is_named_once():
    named = [name for work in WORKS.values() for name in work.runs]
    assert sorted([*named, *related.CONTROLS]) == sorted(METHODS)


def test_the_page_cites_what_sections_0_and_1_cite():
    keys = [paper.REFERENCES[number] for number in range(1, 28)]
    assert [key for key in keys if key not in STORY] == []
    assert {work.key for work in related.NAMED.values()} <= {*keys, "cao2025micro"}


def test_every_row_of_table_2_is_there():
    assert set(paper.TABLE2_AS_PRINTED) <= set(related.NAMED)


@pytest.mark.parametrize("name", WORKS)
def test_a_row_has_a_reference_that_the_page_cites_and_what_is_asked_of_a_method(name):
    work, references = WORKS[name], (ROOT / "book" / "references.bib").read_text()
    assert re.search(rf"^@\w+{{{work.key},$", references, re.M), work.key
    assert name in related.OTHERS or f"{{cite}}`{work.key}`" in STORY
    assert all((work.input, work.attention, work.layers))
    title = METHODS[work.runs[0]].title if work.runs else name
    assert name == "the paper" or title.startswith(name)


def test_the_table_links_what_runs_and_prints_the_digits_of_table_2():
    lines = related.table(related.NAMED, "page.ipynb").splitlines()
    assert len({line.count("|") for line in lines}) == 1  # as many cells in each row
    assert len(lines) == 2 + len(related.NAMED)
    cells = (line.split(" {cite}")[0].removeprefix("| ") for line in lines[2:])
    titles = [re.sub(r"\[(.+)\]\(page.ipynb\)", r"\1", cell) for cell in cells]
    rows = dict(zip(titles, lines[2:], strict=True))
    assert titles == list(related.NAMED)
    for name, work in related.NAMED.items():
        assert ("(page.ipynb)" in rows[name]) == bool(work.runs)
        printed = paper.TABLE2_AS_PRINTED.get(name, ())
        assert all(text in rows[name] for text in printed if text)
    assert "| 46.46, 0.424 | – |" in rows["LBP-TOP"] and "| 60.98 | – |" in rows["CNN+LSTM"]
