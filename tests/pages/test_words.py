"""Sentences of the pages: marked up, safe, listed as people do."""

from merlib.pages import words


def test_names_are_listed_as_people_do():
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b"]) == "a and b"
    assert words.listed(["a", "b", "c"]) == "a, b and c"


def test_text_is_escaped_and_code_is_set_as_code():
    text = words.see("p < 0.05 for `full`.", "", "That is all.").data
    assert "p &lt; 0.05 for <code>full</code>. That is all." in text
    assert "<b>" not in words.answer("<b>").data
