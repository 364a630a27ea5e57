"""Prose that must not go stale: glossary, notation, map; and the buttons lead where they say."""

import importlib
import json
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import nbformat
import pytest
import torch
import yaml
from bs4 import BeautifulSoup
from IPython.core.inputtransformer2 import TransformerManager

import merlib
from book.tools import api, build, launch, texts
from merlib import config, files, metrics
from merlib.model import mfem, mffm, network

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = {path.stem: path.read_text() for path in sorted((ROOT / "notebooks").glob("*.py"))}
PROSE = {path.stem: path.read_text() for path in sorted((ROOT / "book").glob("*.md"))}


def anchor(term):
    return re.sub(r"[^\w -]", "", term.lower()).replace(" ", "-")


def glossary():
    """Themes with their terms, and the list from Chinese to English."""
    *themes, back = re.split(r"^## .*\n", PROSE["glossary"], flags=re.M)[1:]
    entry = r"^### (.+)\n\n\*\*(.+)\*\*(?:\\\*)? · ((?:.+\n)+)"
    entries = [re.findall(entry, theme, re.M) for theme in themes]
    assert sum(map(len, entries)) == PROSE["glossary"].count("\n### ")
    return entries, re.findall(r"^- \[(.+)\]\(#(.+)\) (.+): (.+)$", back, re.M)


def test_every_term_is_explained_in_both_languages_and_in_order():
    for theme in glossary()[0]:
        terms = [term.lower() for term, _, _ in theme]
        assert terms == sorted(terms)
        for term, chinese, meaning in theme:
            assert re.search(r"[\u4e00-\u9fff]", chinese), term
            (page,) = re.findall(r"\]\((?:\.\./notebooks/)?([\w.]+)\)$", meaning.strip())
            assert page.split(".")[0] in NOTEBOOKS | PROSE, term


def test_the_way_back_from_chinese_holds_the_same_terms_by_their_sound():
    entries, back = glossary()
    there = {term: chinese for theme in entries for term, chinese, _ in theme}
    assert {term: chinese for chinese, _, _, term in back} == there and len(back) == len(there)
    assert all(target == anchor(term) for _, target, _, term in back)
    sounds = []
    for chinese, _, sound, _ in back:
        plain = unicodedata.normalize("NFD", sound)
        plain = "".join(c for c in plain if not unicodedata.combining(c)).lower().split()
        sounds.append(plain)
        assert sum("\u4e00" <= c <= "\u9fff" for c in chinese) + bool(
            re.search(r"[A-Za-z]", chinese)
        ) == len(plain), chinese  # a syllable for each character, a word for letters
    assert sounds == sorted(sounds)


def test_the_terms_that_pages_link_to_exist():
    there = {anchor(term) for theme in glossary()[0] for term, _, _ in theme}
    for name, text in (NOTEBOOKS | PROSE).items():
        used = set(re.findall(r"glossary\.md#([\w-]+)", text))
        assert used <= there, (name, used - there)


def rows(page):
    """The rows of all tables of a page, without their headers."""
    lines = [line.strip("| ") for line in PROSE[page].splitlines() if line.startswith("|")]
    rules = [i for i, line in enumerate(lines) if line.startswith("---")]
    heads = rules + [i - 1 for i in rules]
    return [re.split(r" \| +", line) for i, line in enumerate(lines) if i not in heads]


def small(variant="full"):
    return config.Config(variant=variant, width=8, size=32, frames=3, lstm_hidden=8)


@pytest.fixture(scope="module")
def things():
    """One of each class that the notation page names."""
    net = network.Network(5, small())
    made = [mfem.SAM(), mfem.GeM(8), mfem.CAM(8), mfem.CCAM(8), net, net.mfem[0], net.mffm]
    made += [net.mffm.fims[0], net.head, net.layer1[0], small()]
    return {f"{type(one).__module__.split('.')[-1]}.{type(one).__name__}": one for one in made}


FOLDERS = {"config": "", "metrics": "", "flow": "preprocess.", "magnify": "preprocess."}


def test_the_notation_names_what_is_in_the_code(things):
    names = set(re.findall(r"`((?:\w+\.)+\w+)`", PROSE["notation"]))
    assert len(names) > 40
    for name in names:
        first, *rest = name.split(".")
        found = {"torch": torch, "functional": torch.nn.functional}.get(first)
        if found is None:
            thing, *rest = rest
            folder = FOLDERS.get(first, "model.")
            home = importlib.import_module(f"merlib.{folder}{first}")
            found = things.get(f"{first}.{thing}", getattr(home, thing))
        for part in rest:
            assert hasattr(found, part), name
            found = getattr(found, part)


def test_the_notation_covers_every_equation():
    told = {row[1] for row in rows("notation")}
    assert set(map(str, range(1, 18))) <= {part for cell in told for part in cell.split(", ")}


def test_the_shapes_of_the_notation(things):
    """C = 8, H = 6, W = 7, r = 2; shallow and deep features of 8 and 16 channels."""
    x = torch.rand(1, 8, 6, 7)
    sam, ccam = mfem.SAM(), mfem.CCAM(8, reduction=2)
    x_s = sam(x)
    first, second = ccam.gates(x_s)
    shallow, deep = torch.rand(2, 8, 6, 7), torch.rand(2, 16, 3, 4)
    numbers = {"C": 8, "H": 6, "W": 7, "C_1": 8, "H_1": 6, "W_1": 7, "C_2": 16, "H_2": 3, "W_2": 4}
    there = {
        "X": x[0],
        "g_s": sam.gate(x)[0],
        "X_s": x_s[0],
        "f_3": ccam.first.pool(x_s)[0],
        "p(k)": ccam.first.pool.p,
        "W_0": ccam.first.w0.weight,
        "W_1": ccam.first.w1.weight,
        "W_2": ccam.second.w0.weight,
        "W_3": ccam.second.w1.weight,
        "g_c^1": first[0],
        "g_1$, $g_2": second[0],
        "X_c^1": ccam(x_s)[0][0],
        "X_c^{2s}": ccam(x_s)[1][0],
        "X_1": shallow[0],
        "X_2": deep[0],
        "Y": mffm.FIM(8, 16)(shallow, deep)[0],
    }
    told = {row[0].strip("$"): row[-1].strip("$ ") for row in rows("notation")}
    for symbol, tensor in there.items():
        text = told[symbol].replace("C/r", "4").replace("(C_1 + C_2)", "24")
        sides = [numbers.get(side, side) for side in text.split(r" \times ")]
        assert [int(side) for side in sides] == list(tensor.shape), symbol


WRITTEN = {  # what a page must not do -> how it would look in the code
    "a p value is written by plots.p_value alone": r"\bp (=|<) \{[^{}]*:\.|\{p:\.",
    "a difference of scores is in points, with one decimal": r"\{[^{}]*:\+\.[2-9]f\}",
    "a method is named by effects.title alone": r"METHODS\[\w+\]\.title|TRIALS\[\w+\]\.title",
}


@pytest.mark.parametrize("rule", WRITTEN)
def test_pages_write_figures_and_names_by_one_rule(rule):
    pages = {path.name: path.read_text() for path in (ROOT / "merlib" / "pages").glob("*.py")}
    found = {
        (name, line)
        for name, text in (NOTEBOOKS | pages).items()
        for line in text.splitlines()
        if re.search(WRITTEN[rule], line) and name not in ("plots.py", "16_own_method")
    }
    assert not found


def files_of(folder, pattern):
    """Return the files of a folder without their ending, but what makes folders packages."""
    paths = (ROOT / folder).rglob(pattern)
    found = {path.relative_to(ROOT / folder).with_suffix("").as_posix() for path in paths}
    return {name for name in found if not name.endswith("__init__")}


def test_the_map_is_complete_and_names_what_is_there():
    links = re.findall(r"\[(\w+)\]\(\.\./notebooks/(\w+)\.ipynb\)", PROSE["map"])
    assert all(label == target for label, target in links)
    assert len(links) == len(set(links)) and {name for name, _ in links} == set(NOTEBOOKS)
    named = [set(re.findall(r"`([\w/]+)`", row[-2])) for row in rows("map")]
    tests = [set(re.findall(r"`([\w/]+)`", row[-1])) for row in rows("map")]
    modules = files_of("merlib", "*.py")
    rivals = {name for name in modules if name.startswith("methods/")}
    rivals -= {"methods/views", "methods/lbp", "methods/backbones"}
    assert set.union(*named) == modules - rivals | {"methods"}
    assert set.union(*tests) == files_of("tests", "test_*.py")
    assert all(named) and all(tests)


def test_the_api_names_what_merlib_offers_and_leaves_out_what_is_no_function_or_class():
    links = re.findall(r"\{py:\w+\}`(\w+) <merlib\.([\w.]+)\.(\w+)>`", PROSE["api"])
    assert {name: module for name, module, _ in links} == merlib.PLACES
    assert all(name == target for name, _, target in links)
    modules = re.findall(r"automodule:: (merlib[\w.]*)", PROSE["api"])
    assert re.findall(r"^### `(.+)`$", PROSE["api"], re.M) == modules
    assert {f"merlib.{place}" for place in merlib.PLACES.values()} <= set(modules)
    shown = [("module", "scores", metrics.scores), ("module", "Config", config.Config)]
    shown += [("module", "hash_of", files.hash_of), ("class", "step", config.Config.step)]
    hidden = [("module", "PLACES", merlib.PLACES), ("module", "Variant", config.Variant)]
    hidden += [("class", "value", metrics.Difference.value), ("class", "set_fit_request", len)]
    for expected, items in ((None, shown), (True, hidden)):
        for item in items:
            assert api.left_out(None, *item, False, None) is expected, item


def test_every_page_of_prose_is_in_the_contents():
    contents = (ROOT / "_toc.yml").read_text()
    files = set(re.findall(r"book/(\w+)$", contents, re.M))
    assert files == set(PROSE)


def test_the_make_targets_that_pages_name_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for name, text in PROSE.items():
        used = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.M))
        assert used <= targets, (name, used - targets)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A book of three pages: the glossary, a notebook that links to all terms, the references."""
    home = tmp_path_factory.mktemp("book")
    (home / "notebooks").mkdir()
    shutil.copytree(ROOT / "book", home / "book", ignore=shutil.ignore_patterns("*.md"))
    shutil.copy(ROOT / "book" / "references.md", home / "book")
    shutil.copy(ROOT / "_config.yml", home)
    contents = {"format": "jb-book", "root": "book/glossary"}
    contents["chapters"] = [{"file": "notebooks/page"}, {"file": "book/references"}]
    (home / "_toc.yml").write_text(yaml.safe_dump(contents))
    alone = re.sub(r"\[([^]]+)\]\([^#)]+\)", r"\1", PROSE["glossary"])  # its links inside stay
    (home / "book" / "glossary.md").write_text(alone)
    terms = [term for theme in glossary()[0] for term, _, _ in theme]
    links = [f"[{term}](../book/glossary.md#{anchor(term)})" for term in terms]
    page = texts.opened(NOTEBOOKS["09_audit"])
    page.cells = [nbformat.v4.new_markdown_cell("# Page\n\n" + "\n".join(links))]
    nbformat.write(page, home / "notebooks" / "page.ipynb")
    pages = build.build(home).parent  # a link that leads nowhere would stop it
    return {
        name: BeautifulSoup((pages / f"{name}.html").read_text(), "html.parser")
        for name in ("book/glossary", "notebooks/page")
    }


def test_every_term_has_its_anchor(built):
    ids = {found["id"] for found in built["book/glossary"].find_all(id=True)}
    found = built["notebooks/page"].find_all("a", href=re.compile(r"glossary\.html#"))
    assert len(found) == PROSE["glossary"].count("\n### ")
    for link in found:
        assert link["href"].partition("#")[2] == anchor(link.text) and anchor(link.text) in ids


def test_the_buttons_of_a_notebook_lead_to_it(built):
    where = launch.repository(ROOT)
    owner = urlsplit(where["url"]).path
    assert built["book/glossary"].find(class_="dropdown-launch-buttons") is None
    buttons = built["notebooks/page"].find(class_="dropdown-launch-buttons")
    binder, colab = (urlsplit(link["href"]) for link in buttons.find_all("a"))
    assert (binder.scheme, binder.netloc) == ("https", "mybinder.org")
    assert binder.path == f"/v2/gh{owner}/{where['branch']}"
    assert parse_qs(binder.query) == {"urlpath": ["lab/tree/notebooks/page.ipynb"]}
    assert (colab.scheme, colab.netloc) == ("https", "colab.research.google.com")
    assert colab.path == f"/github{owner}/blob/{where['branch']}/notebooks/page.ipynb"
    for image in buttons.find_all("img"):
        assert image["src"].startswith("../_static/") and image["alt"]
    for page in built.values():  # reading asks nobody for anything
        for found in page.find_all(["script", "img"], src=True):
            assert not re.match(r"(https?:)?//", found["src"]), found


def git(home, *words):
    done = subprocess.run(["git", *words], cwd=home, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_address_stands_in_one_file():
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of git")
    address = launch.repository(ROOT)["url"].removeprefix("https://")
    assert git(ROOT, "grep", "-lF", address).split() == ["_config.yml"]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository with one committed notebook, another address, and an executed notebook."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.org")
    home = tmp_path / "home"
    (home / "notebooks").mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / "09_audit.py", home / "notebooks")
    shutil.copy(ROOT / ".gitignore", home)
    address = {"url": "https://example.org/some/place", "branch": "open"}
    (home / "_config.yml").write_text(yaml.safe_dump({"repository": address}))
    git(home, "init", "--quiet")
    git(home, "add", ".")
    git(home, "commit", "--quiet", "-m", "all")
    executed = texts.opened(NOTEBOOKS["09_audit"])
    executed.cells[1].outputs = [nbformat.v4.new_output("stream", text="a licensed face")]
    nbformat.write(executed, home / "notebooks" / "09_audit.ipynb")
    with (home / "notebooks" / "09_audit.py").open("a") as text:
        text.write("\n# %%\nnot_committed = True\n")
    return home


def test_the_branch_holds_what_is_committed_and_nothing_that_ran(checkout):
    before = git(checkout, "status", "--porcelain"), git(checkout, "rev-parse", "HEAD")
    branch = launch.publish(checkout)
    assert branch == "open"
    assert (git(checkout, "status", "--porcelain"), git(checkout, "rev-parse", "HEAD")) == before
    assert git(checkout, "diff", "--name-status", "HEAD", "open", "--").split() == [
        "A",
        "notebooks/09_audit.ipynb",
    ]
    text = git(checkout, "show", "open:notebooks/09_audit.ipynb")
    assert "licensed" not in text and "not_committed" not in text
    made = nbformat.reads(text, 4)
    nbformat.validate(made)
    source = texts.opened(git(checkout, "show", "HEAD:notebooks/09_audit.py"))
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert "git clone" in code[0].source and "https://example.org/some/place" in code[0].source
    made.cells.remove(code[0])
    assert [cell.source for cell in made.cells] == [cell.source for cell in source.cells]
    assert made.metadata.kernelspec.name == "python3"  # without it a page has no buttons
    tree = git(checkout, "rev-parse", "open^{tree}")
    launch.publish(checkout)
    assert git(checkout, "rev-parse", "open^{tree}") == tree


def run(cell, folder, monkeypatch):
    """Run a notebook's cell in a folder; return the shell commands and magics it calls."""
    calls = []
    monkeypatch.chdir(folder)

    def magic(name, line):
        calls.append(f"%{name} {line}")
        if name == "cd":
            monkeypatch.chdir(line)

    def system(line):
        calls.append(line)
        (folder / "checkout" / "notebooks").mkdir(parents=True)

    shell = SimpleNamespace(run_line_magic=magic, system=system)
    exec(TransformerManager().transform_cell(cell), {"get_ipython": lambda: shell})
    return calls


def test_the_first_cell_fetches_and_installs_only_what_is_missing(tmp_path, monkeypatch):
    text = launch.notebook(NOTEBOOKS["09_audit"], "https://example.org/some/place", "open")
    cell = next(c for c in json.loads(text)["cells"] if c["cell_type"] == "code")
    source = "".join(cell["source"])
    assert run(source, ROOT / "notebooks", monkeypatch) == []
    calls = run(source, tmp_path, monkeypatch)
    assert "git clone" in calls[0] and "--branch open https://example.org/some/place" in calls[0]
    assert calls[1:] == ["%cd checkout/notebooks"]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run(source, ROOT / "notebooks", monkeypatch) == ["%pip install --quiet .."]


def test_binder_installs_the_lock_file_and_this_package():
    folder = ROOT / ".binder"
    lines = (folder / "requirements.txt").read_text().splitlines()
    (lock,) = (line.removeprefix("-r ") for line in lines if line.startswith("-r "))
    assert (folder / lock).resolve() == ROOT / "requirements.lock"
    assert "-e ." in lines  # pip takes it from where it runs, the root of the repository
    version = (folder / "runtime.txt").read_text().strip().removeprefix("python-")
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert f"python={version}" in environment["dependencies"]
