"""The Chinese edition: what is translated, that nothing is lost in it, and how it is built."""

import json
import re
import shutil

import matplotlib
import pandas as pd
import pytest
import yaml
from babel.messages.catalog import Catalog
from bs4 import BeautifulSoup
from conftest import ROOT
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure

from book.tools import build, editions, messages
from merlib.methods import METHODS
from merlib.methods.views import VIEWS, says
from merlib.pages import effects, language, plots, printed, protocol, provenance, words
from merlib.study import audit, paper, trials

LANGUAGE = "zh_CN"
FOLDER = ROOT / messages.LOCALE / LANGUAGE
CATALOGUES = {
    path.relative_to(FOLDER).with_suffix("").as_posix(): messages.read(path)
    for path in sorted(FOLDER.rglob("*.po"))
}
LEAST = 0.95
"""Share of the words that must be translated, of each page and of all."""


def test_the_share_translated_is_held():
    report = messages.report(ROOT, LANGUAGE)
    print(report)
    for some in (CATALOGUES.values(), *([one] for one in CATALOGUES.values())):
        found = messages.share(some)
        assert found.words_translated >= LEAST * found.words, report


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_translation_has_the_links_code_and_values_of_its_message(name):
    assert not list(messages.faults(CATALOGUES[name]))


@pytest.mark.parametrize(
    ("message", "translation", "fault"),
    [
        ("See [it](a.md#b) and `c`.", "见[它](a.md#b)和 `c`。", None),
        ("See [it](a.md#b).", "见[它](a.md#c)。", "links"),
        ("Run `a`.", "运行 `b`。", "code"),
        ("Said {cite}`one`.", "据说。", "roles and citations"),
        ("It is $x$.", "它是 $y$。", "formulas"),
        ("{n} clips", "{m} 个片段", "values"),
        ("Of `{a}` and `b`, {n}", "{n} 个 `{a}` 和 `b`", None),  # a value as code is no role
    ],
)
def test_what_is_lost_in_a_translation_is_found(message, translation, fault):
    catalogue = Catalog()
    catalogue.add(message, translation)
    found = list(messages.faults(catalogue))
    assert found == ([f"other {fault}: {message}"] if fault else [])


def test_a_fuzzy_translation_is_a_fault_and_does_not_count():
    catalogue = Catalog()
    catalogue.add("Two words", "两个词", flags=["fuzzy"])
    catalogue.add("Three more words", "再三个词")
    assert list(messages.faults(catalogue)) == ["fuzzy: Two words"]
    assert messages.share([catalogue]) == (1, 2, 3, 5)


def test_computed_sentences_are_in_their_catalogue():
    known = {message.id for message in CATALOGUES[language.COMPUTED] if message.id}
    now = set(messages.computed(ROOT))
    assert {"What you see:", "MFEM helps", "drawn clips", "Table 2 of the paper, as printed"} <= now
    assert len(known & now) >= 0.9 * len(now), "make messages"


def test_messages_of_prose_are_those_of_its_text():
    def flat(text):
        return " ".join(re.sub(r"^#+ |^\s*[-*>] |\\$", "", text, flags=re.M).split())

    for name in CATALOGUES:
        if name.startswith("book/") and name != "book/api":  # its text is in the code
            text = flat((ROOT / f"{name}.md").read_text("utf-8"))
            lost = [m.id for m in CATALOGUES[name] if m.id and flat(m.id) not in text]
            assert len(lost) <= 0.1 * len(CATALOGUES[name]), (name, lost, "make messages")


def test_the_font_of_figures_has_the_letters_of_computed_sentences():
    letters = TTFont(ROOT / language.FONT).getBestCmap()
    said = "".join(message.string for message in CATALOGUES[language.COMPUTED] if message.id)
    assert {letter for letter in said if ord(letter) > 0x2FFF} <= set(map(chr, letters))


@pytest.fixture
def chinese(monkeypatch):
    """A function that returns the English words of texts, in a process of the Chinese edition."""
    messages.compiled(ROOT, LANGUAGE)
    language.catalogue.cache_clear()
    monkeypatch.setenv(language.LANGUAGE, LANGUAGE)
    return lambda *texts: set(re.findall(r"\b[a-z]{2,}\b", "\n".join(texts)))


def test_titles_are_in_the_language_of_the_edition(chinese):
    shown = {name: effects.title(name) for name in trials.TRIALS | METHODS}
    names = {"base", "alpha", "attention", "style"}  # of Micro-attention and CNN+LSTM-style
    assert not chinese(*shown.values()) - names
    assert shown["majority"] == "最大类别" and len(set(shown.values())) >= len(shown) - 1


def test_titles_on_the_results_page_are_those_of_other_pages(chinese):
    of_page = {m.id: m.string for m in CATALOGUES["book/results"]}
    for name, known in (trials.TRIALS | METHODS).items():
        for message, wanted in (
            (known.title, effects.title(name)),
            (f"`{name}`, {known.title}", f"`{name}`，{effects.title(name)}"),
        ):
            assert of_page.get(message, wanted) == wanted


def test_the_tables_of_the_audit_are_in_the_language_of_the_edition(chinese):
    classes = {name for names in paper.CLASSES.values() for name in names}
    claims, found = printed.claims_told(), printed.differences_told(audit.differences())
    assert not chinese(*claims.astype(str).to_numpy().flat) - classes
    assert not chinese(*found.astype(str).to_numpy().flat) - {"base"}
    assert len(claims) == len(paper.CLAIMS)


def test_parts_of_a_text_are_in_the_language_of_the_edition(chinese):
    assert protocol.told("of the person: F1 per fold") == "随人而定：每折的 F1"
    assert not chinese(*map(provenance.reason, provenance.CHANGED))
    assert provenance.reason("steps (flow, face)").endswith(" (flow, face)")
    assert not chinese(*(language.translated(says(view)) for view in VIEWS.values())) - set(
        " ".join(VIEWS).split("_")
    )


def test_a_heading_with_an_apostrophe_is_in_the_language_of_the_edition(chinese):
    table = pd.DataFrame({"seed": [0]}, index=["MFEM's branch 1"])
    assert not chinese(BeautifulSoup(plots.table(table, "").to_html(), "html.parser").table.text)


def test_chinese_sentences_have_no_blank_between_them(chinese):
    assert (
        words.say("一句。", "`b`？", "三句。 四句。").data
        == "<p>一句。<code>b</code>？三句。四句。</p>"
    )
    assert "：</strong>一句。" in words.see("一句。").data


def test_a_computed_sentence_is_in_the_language_of_the_edition(chinese, monkeypatch):
    with monkeypatch.context() as english:
        english.delenv(language.LANGUAGE)
        assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.listed(["a", "b", "c"]) == "a、b和c"
    assert "从中可以看到" in words.see("x").data
    assert language.translated("no message at all") == "no message at all"


def test_a_bold_text_of_a_figure_is_drawn_without_a_warning(monkeypatch, caplog):
    monkeypatch.setenv(language.LANGUAGE, LANGUAGE)
    with matplotlib.rc_context({"font.family": language.fonts()}):
        figure = Figure()
        figure.text(0.5, 0.5, "折 fold", weight="bold")
        figure.draw_without_rendering()
    assert not caplog.records


def test_an_unknown_language_is_named():
    with pytest.raises(ValueError, match="language='de': the book has en, zh_CN"):
        editions.checked(ROOT, "de")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Both editions of a book of two pages."""
    home = tmp_path_factory.mktemp("book")
    for name in ("book/_static", "book/tools"):
        shutil.copytree(ROOT / name, home / name)
    for name in ("_config.yml", "README.md", "book/references.bib"):
        shutil.copy(ROOT / name, home / name)
    contents = {"format": "jb-book", "root": "book/glossary"}
    contents["parts"] = [{"caption": "To look up", "chapters": [{"file": "book/page"}]}]
    (home / "_toc.yml").write_text(yaml.safe_dump(contents))
    (home / "book/glossary.md").write_text(
        "# Glossary\n\n## optical flow\n\n**光流** it\n\n## fold\n"
    )
    said = "First [fold](glossary.md#fold), then [optical flow](glossary.md#optical-flow)."
    (home / "book/page.md").write_text(f"# Page\n\n{said}\n")
    for name, told in {
        "book/page": {
            "Page": "页面",
            said: "先看[光流](glossary.md#optical-flow)，再看[折](glossary.md#fold)。",
        },
        "book/glossary": {"fold": "折", "optical flow": "光流"},
        "notebooks/index": {"To look up": "查阅"},
    }.items():
        catalogue = Catalog(locale=LANGUAGE)
        for message, translation in told.items():
            catalogue.add(message, translation)
        messages.save(home / messages.LOCALE / LANGUAGE / f"{name}.po", catalogue)
    build.build(home)
    return build.build(home, LANGUAGE).parent


def page(path):
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


@pytest.mark.book
def test_links_of_a_translated_paragraph_keep_their_targets(built):
    found = page(built / "book/page.html").find("article").find_all("a", href=re.compile("#"))
    leads = {link.text: link["href"] for link in found if "glossary" in link["href"]}
    assert leads == {"光流": "glossary.html#optical-flow", "折": "glossary.html#fold"}
    ids = {tag["id"] for tag in page(built / "book/glossary.html").find_all(id=True)}
    assert {"fold", "optical-flow"} <= ids


@pytest.mark.book
def test_the_parts_of_the_contents_are_translated(built):
    assert "查阅" in page(built / "book/page.html").find("nav", class_="bd-links").text


@pytest.mark.book
def test_editions_link_to_each_other_page_by_page(built):
    for here, there in ((built, built.parent), (built.parent, built)):
        for name in ("book/page.html", "book/glossary.html"):
            (link,) = page(here / name).find(class_="other-edition").find_all("a")
            target = (here / name).parent / link["href"]
            assert target.resolve() == (there / name).resolve()


@pytest.mark.book
def test_a_chinese_word_is_in_the_search(built):
    index = (built / "searchindex.js").read_text("utf-8")
    assert f"{json.dumps('光流')}: " in index.partition('"terms"')[2], (
        "jieba is missing, or does not know the glossary's terms"
    )
