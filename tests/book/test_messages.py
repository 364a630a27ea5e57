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
from conftest import ROOT, check_out
from fontTools.ttLib import TTFont
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from matplotlib.figure import Figure
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from book.tools import build, catalogues, editions, messages, texts
from merlib.files import write
from merlib.methods import METHODS
from merlib.methods.views import VIEWS, says
from merlib.pages import effects, language, looks, plots, printed, protocol, provenance, words
from merlib.study import audit, paper, trials

LANGUAGE = "zh_CN"
FOLDER = ROOT / catalogues.LOCALE / LANGUAGE
CATALOGUES = {
    path.relative_to(FOLDER).with_suffix("").as_posix(): catalogues.read(path)
    for path in sorted(FOLDER.rglob("*.po"))
}
LEAST = 0.95
"""Share of the words that must be translated, of each page and of all."""

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
MARKDOWN = create_md_parser(
    MdParserConfig(enable_extensions=CONFIG["parse"]["myst_enable_extensions"]), RendererHTML
)


def ids(catalogue):
    """Return the messages of a catalogue, each on one line."""
    return {" ".join(message.id.split()) for message in catalogue if message.id}


def text(name):
    """Return the Markdown of a page, piece by piece."""
    if name.startswith("book/"):
        return [(ROOT / f"{name}.md").read_text("utf-8")]
    cells = texts.opened((ROOT / f"{name}.py").read_text("utf-8")).cells
    return [cell.source for cell in cells if cell.cell_type == "markdown"]


def paragraphs(markdown):
    """Yield the paragraphs, headings, cells of tables and formulas, also those in boxes."""
    for token in MARKDOWN.parse(markdown):
        box = re.fullmatch(r"\{\w+\} *(.*)", token.info.strip())
        if box:
            yield box[1]
            yield from paragraphs(re.sub(r"^(:\w+:.*\n)+", "", token.content))
        elif token.type == "inline" or "math" in token.type:
            yield token.content


def test_the_share_translated_is_held(record_property):
    """Of what the catalogues hold; other tests compare them with the text."""
    report = catalogues.report(ROOT, LANGUAGE)
    print(report)
    for some in (*([one] for one in CATALOGUES.values()), CATALOGUES.values()):
        found = catalogues.share(some)
        share = found.words_translated / found.words
        assert share >= LEAST, report
    record_property("said", f"{LANGUAGE}: {share:.2%} of {found.words:,} words are translated")


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_translation_has_the_links_code_and_values_of_its_message(name):
    assert not list(catalogues.faults(CATALOGUES[name]))


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
    found = list(catalogues.faults(catalogue))
    assert found == ([f"other {fault}: {message}"] if fault else [])


def test_a_fuzzy_translation_is_a_fault_and_does_not_count():
    catalogue = Catalog()
    catalogue.add("Two words", "两个词", flags=["fuzzy"])
    catalogue.add("Three more words", "再三个词")
    assert list(catalogues.faults(catalogue)) == ["fuzzy: Two words"]
    assert catalogues.share([catalogue]) == (1, 2, 3, 5)


def test_computed_sentences_are_those_of_the_catalogue():
    now = set(messages.computed(ROOT))
    assert {"What you see:", "MFEM helps", "drawn clips", "Table 2 of the paper, as printed"} <= now
    known = {message.id for message in CATALOGUES[language.COMPUTED] if message.id}
    assert known == now, "make messages"


@pytest.mark.parametrize("name", [name for name in CATALOGUES if name != language.COMPUTED])
def test_messages_of_a_page_are_those_of_its_text(name):
    """Its paragraphs, as markdown-it finds them; Sphinx needs half a minute, see below."""
    said = {" ".join(one.split()) for markdown in text(name) for one in paragraphs(markdown)}
    now = {messages.without_stars(one) for one in said if messages.has_words(one)}
    known = ids(CATALOGUES[name])
    if name == catalogues.CONTENTS:
        contents = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
        now |= {part["caption"] for part in contents["parts"]}
    if name == "book/api":  # headings of docstrings
        known -= {"Parameters", "Raises", "Return type", "Returns", "Variables"}
    assert known == now, "make messages"


@pytest.mark.book
def test_the_catalogues_hold_what_sphinx_finds(tmp_path):
    check_out(tmp_path)
    found = messages.found(tmp_path)
    assert set(found) == set(CATALOGUES)
    for name, page in found.items():
        if name != language.COMPUTED:  # its sentences are in merlib, too
            assert ids(page) == ids(CATALOGUES[name]), (name, "make messages")


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_translation_shows_no_stars(name):
    """Before a Chinese letter, ``？*`` closes no emphasis: the reader would see the star."""
    for message in CATALOGUES[name]:
        if message.id and "*" in message.string:
            assert stars(message.string) == stars(message.id), message.string


def stars(markdown):
    """Return how many stars of a paragraph are left in its text, except escaped ones."""
    tokens = MarkdownIt().parseInline(markdown.replace(r"\*", ""))[0].children
    return sum(token.content.count("*") for token in tokens if token.type == "text")


def test_a_star_that_is_left_is_found():
    assert stars("*一句* ？讲") == 0 and stars("*一句？*讲") == 2


def test_the_font_of_figures_has_the_letters_of_computed_sentences():
    letters = TTFont(ROOT / language.FONT).getBestCmap()
    said = "".join(message.string for message in CATALOGUES[language.COMPUTED] if message.id)
    assert {letter for letter in said if ord(letter) > 0x2FFF} <= set(map(chr, letters))


@pytest.fixture
def chinese(monkeypatch):
    """A function that returns the English words of texts, in a process of the Chinese edition."""
    catalogues.compiled(ROOT, LANGUAGE)
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


def test_the_name_of_a_measure_keeps_the_colon_at_which_code_splits_it(chinese):
    measure, maps = looks.named("share", "sum", "first look").split(": ")
    assert not chinese(measure, maps)


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
    assert words.listed(["a", "b", "c"]) == "a、b、c"
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
    chapters = [{"file": "book/page"}, {"file": "notebooks/08_ablation"}]
    contents["parts"] = [{"caption": "To look up", "chapters": chapters}]
    (home / "_toc.yml").write_text(yaml.safe_dump(contents))
    (home / "book/glossary.md").write_text(
        "# Glossary\n\n## optical flow\n\n**光流** it\n\n## fold\n"
    )
    said = "First [fold](glossary.md#fold), then [optical flow](glossary.md#optical-flow)."
    (home / "book/page.md").write_text(f"# Page\n\n{said}\n")
    for edition in (home, editions.folder(home, LANGUAGE)):
        write(edition / "notebooks/08_ablation.md", "# The ablation\n")
    theme = {text: CATALOGUES[language.COMPUTED][text].string for text in editions.THEME.values()}
    for name, told in {
        "book/page": {
            "Page": "页面",
            said: "先看[光流](glossary.md#optical-flow)，再看[折](glossary.md#fold)。",
        },
        "book/glossary": {"Glossary": "术语表", "fold": "折", "optical flow": "光流"},
        "notebooks/index": {"To look up": "查阅"},
        "notebooks/08_ablation": {"The ablation": "消融"},
        "computed": theme,
    }.items():
        catalogue = Catalog(locale=LANGUAGE)
        for message, translation in told.items():
            catalogue.add(message, translation)
        catalogues.save(home / catalogues.LOCALE / LANGUAGE / f"{name}.po", catalogue)
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
def test_a_numbered_page_has_its_number_in_the_title_and_in_the_contents(built):
    for edition, title in ((built, "8 · 消融"), (built.parent, "8 · The ablation")):
        assert page(edition / "notebooks/08_ablation.html").h1.text.startswith(title)
        contents = page(edition / "book/page.html").find("nav", class_="bd-links")
        assert title in contents.text and "· Page" not in contents.text


@pytest.mark.book
def test_what_the_theme_writes_is_translated(built):
    paths = [*built.rglob("*.html"), built / "_static" / "togglebutton.js"]
    assert not [path for path in paths if editions.QUOTED.search(path.read_text("utf-8"))]
    names = ("aria-label", "placeholder", "title", "value")
    tags = [tag for path in paths for tag in page(path).find_all(True)]
    said = {tag.get(name, "") for tag in tags for name in names}
    assert not {one for one in said if re.search("[A-Za-z]{3}", one) and one.isascii()}


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
