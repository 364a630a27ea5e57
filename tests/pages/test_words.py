"""Sentences of the pages: marked up, safe, listed as people do."""

import pandas as pd
from bs4 import BeautifulSoup

from merlib.pages import plots, words


def test_names_are_listed_as_people_do():
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b"]) == "a and b"
    assert words.listed(["a", "b", "c"]) == "a, b and c"


def test_text_is_escaped_and_code_is_set_as_code():
    text = words.see("p < 0.05 for `full`.", "", "That is all.").data
    assert "p &lt; 0.05 for <code>full</code>. That is all." in text
    assert "<b>" not in words.answer("<b>", "<b>").data


def test_the_answer_is_apart_from_what_is_behind_it():
    page = BeautifulSoup(words.answer("It helps.", "", "By `x`.", "Of y.").data, "html.parser")
    assert [part.text for part in page.find_all("p")[1:]] == ["It helps.", "By x. Of y."]
    (behind,) = page.select(".computed-answer > .behind")
    assert behind.code.text == "x"
    assert not BeautifulSoup(words.answer("It helps.", "").data, "html.parser").select(".behind")


def test_chinese_has_no_blank_behind_a_sentence_or_a_bracket():
    shown = words.see("变化为 +3.3（-1.6 至 +8.3） 个百分点。", "无法判断。").data
    assert "+8.3）个百分点。无法判断。" in shown
    assert "points (95 %). It" in words.say("3.3 points (95 %).", "It helps.").data


def test_a_table_is_folded_under_one_line():
    table = plots.table(pd.DataFrame({"UF1": [0.5]}), "Scores")
    page = BeautifulSoup(words.folded(table).data, "html.parser")
    (fold,) = page.find_all("details")
    assert fold.summary.text == "Table" and "open" not in fold.attrs
    assert fold.table.caption.text == "Scores" and fold.table.tbody.td.text == "0.500"


def test_no_error_has_no_order():
    assert (words.error(0.0), words.error(2.7e-16)) == ("0", "3e-16")


def test_a_share_is_written_in_per_cent_with_a_space():
    assert (words.percent(0.95), words.percent(0.0123, 1)) == ("95 %", "1.2 %")
