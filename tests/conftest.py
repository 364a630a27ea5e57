"""Two small synthetic datasets and the book of one of them, made once for all tests."""

import gettext
import itertools
import os
import re
import shutil
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np

matplotlib.use("Agg")

import nbformat
import pandas as pd
import pytest
import torch
from filelock import FileLock

from book.tools import build, catalogues, editions, messages, pdf
from merlib.data import synthetic
from merlib.files import OURS, write
from merlib.pages import language, words
from merlib.store import Saved
from merlib.study import origin

ROOT = Path(__file__).resolve().parent.parent
TINY = {"size": 32, "flow_size": 32, "frames": 3, "width": 8, "lstm_hidden": 8, "epochs": 1,
        "tvl1": "fast"}  # fmt: skip

torch.set_num_threads(1)


class Capitals(gettext.NullTranslations):
    """A language that says in capitals what ``make messages`` finds; values stay as they are."""

    def gettext(self, message):
        if message not in messages_of_code():
            return message
        return re.sub(r"(\{.*?\})|([^{]+)", lambda part: part[1] or part[2].upper(), message)


@cache
def messages_of_code():
    return set(messages.computed(ROOT))


@contextmanager
def speaking():
    """Print the paragraphs that a page says; run as a script, it would show them to nobody."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "paragraph", lambda text, look="", below="": print(text + below))
        yield


@pytest.fixture
def untranslated(monkeypatch):
    """A function that returns the words of texts that no translation can reach.

    Until the test ends, all that code translates is in capitals.
    """
    monkeypatch.setattr(language, "catalogue", lambda _: Capitals())
    return lambda *texts: set(re.findall(r"\b[a-z]{2,}\b", "\n".join(texts)))


BOOK = "book_home"
"""The fixture whose tests are marked as `book`: `make test-book` runs them."""


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items):
    """Mark the tests of the whole book.

    The browser comes last: by then the book is built, and no test process waits for it.
    """
    for item in items:
        if BOOK in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.book)
    items.sort(key=lambda item: item.path.name == "test_browser.py")


def pytest_terminal_summary(terminalreporter):
    """Print what tests say besides that they passed: see ``record_property``."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "said":
                terminalreporter.write_line(value)


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """The folder of all test processes."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(autouse=True)
def own_style():
    """The style of the book, which a page sets, ends with the test that runs it."""
    with matplotlib.rc_context():
        yield


@pytest.fixture(scope="session")
def shared(base):
    """A function that writes a dataset into a folder of all test processes, by one of them."""

    def write(name, **options):
        with FileLock(base / f"{name}.lock"):
            return synthetic.write(base / name / "data", n_jobs=1, progress=False, **options)

    return write


@pytest.fixture(scope="session")
def casme2_root(shared):
    """Three subjects, nine clips, in the layout of CASME II."""
    return shared("casme2", seed=7, subjects=3, clips=9)


@pytest.fixture(scope="session")
def samm_root(shared):
    """Two subjects, five clips, in the layout of SAMM."""
    return shared("samm", seed=8, layout="samm", subjects=2, clips=5)


@pytest.fixture(scope="session")
def checkout(base):
    """A function that makes a folder a checkout without runs, and returns it.

    A clip that was prepared in one of them is prepared in all, as it is the same clip.
    """
    shared = base / "prepared"
    shared.mkdir(exist_ok=True)

    def make(home):
        (home / "_toc.yml").write_text(OURS)
        (home / "data").mkdir()
        (home / "data" / "prepared").symlink_to(shared)
        return home

    return make


FLOW_CLIPS = {
    ("casme2", "sub01"): {"EP02_01f": 1, "EP19_05f": 0, "EP01_2": 2},
    ("casme2", "sub02"): {"EP02_01f": 0, "EP09f": 2},
    ("smic", "s01"): {"s01_ne_01": 0, "s01_po_01": 1},
    ("smic", "s20"): {"s20_sur_01": 2, "s20_ne_02": 0},
    ("samm", "006"): {"006_1_2": 0, "006_2_1": 1, "006_5_11": 0},
}
"""Part and subject -> label of each clip of a made-up flow dataset."""


def write_flow(root, people=FLOW_CLIPS, folder="datasets/STSNet_whole_norm_u_v_os"):
    """Write made-up flow pictures and their table, in the published layout; return the root.

    A bright block moves to the right, up or down: so the classes can be told apart.
    """
    lines, random = (
        ["dataset,sub,filename_o,label,apex,imagename,sub_filename"],
        np.random.RandomState(0),
    )
    (root / folder).mkdir(parents=True)
    for (part, subject), clips in people.items():
        for name, label in clips.items():
            picture = random.randint(100, 130, (28, 28, 3)).astype(np.uint8)
            place = np.s_[4 + 6 * label : 12 + 6 * label, 10:18, 1 + label % 2]
            picture[place] += random.randint(20, 100, (8, 8)).astype(np.uint8)
            cv2.imwrite(str(root / folder / f"{subject}_{name} .png"), picture)
            lines.append(f"{part},{subject},{name},{label},,{subject}_{name}.jpg,")
    (root / "combined_3_class2_for_optical_flow.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture
def flow_root(tmp_path):
    """Twelve made-up flow pictures of five subjects, as the real ones are published."""
    return write_flow(tmp_path / "flow")


@pytest.fixture
def real_motion(tmp_path):
    """A function that saves made-up predictions of the dataset ``flow`` in a checkout.

    It takes the share of right answers of each method or trial; returns the checkout, and
    (name, seed) -> predictions.
    """

    def save(shares, seeds=(0, 1, 2), epochs=1):
        (tmp_path / "notebooks").mkdir()
        (tmp_path / "_toc.yml").write_text(OURS)
        people = [f"{part}-{k}" for part in ("casme2", "smic", "samm") for k in range(8)]
        rng, made = np.random.default_rng(0), {}
        table = pd.DataFrame({"subject": np.repeat(people, 9)})
        table["clip"] = [f"{name}/{k}" for k, name in enumerate(table["subject"])]
        table["label"] = np.tile(["negative", "negative", "positive", "surprise"], 54)
        saved = Saved(tmp_path / "results" / "flow" / "laptop")
        for name, seed in itertools.product(shares, seeds):
            of_epochs = []
            for epoch in range(1, epochs + 1):
                right = rng.random(len(table)) < shares[name]
                given = np.where(right, table["label"], rng.permutation(table["label"]))
                p = {f"p_{c}": (given == c).astype(float) for c in sorted(set(table["label"]))}
                of_epochs.append(table.assign(epoch=epoch, **p))
            made[name, seed] = pd.concat(of_epochs, ignore_index=True)
            about = {"trial": name, "seed": seed, "dataset": "flow", "profile": "laptop"}
            about |= {"data": origin.FLOW, "version": "made up"}
            saved.save(about, predictions=made[name, seed])
        return tmp_path, made

    return save


@pytest.fixture
def copy_of(tmp_path):
    """A function that copies a dataset by hard links, so that a test may remove its files."""

    def copy(root):
        target = tmp_path / "copy"
        for folder, _, names in os.walk(root):
            there = target / os.path.relpath(folder, root)
            there.mkdir(parents=True, exist_ok=True)
            for name in names:
                os.link(os.path.join(folder, name), there / name)
        return target

    return copy


@pytest.fixture(scope="session")
def both(base, casme2_root, samm_root):
    """A folder that holds a copy of each dataset."""
    folder = base / "both"
    with FileLock(base / "both.lock"):
        if not folder.exists():
            folder.mkdir()
            (folder / "CASME2").symlink_to(casme2_root)
            (folder / "SAMM").symlink_to(samm_root)
    return folder


@pytest.fixture(scope="session")
def book_home(base, casme2_root, both):
    """A checkout without results, with the executed and built book of each language.

    One process makes it. That takes minutes, so tests that ask for it have a command of their own,
    see `BOOK`.
    """
    home = base / "home"
    with FileLock(base / "home.lock"), pytest.MonkeyPatch.context() as patch:
        # Starting workers would take longer than these small tasks do.
        patch.setenv("LOKY_MAX_CPU_COUNT", "1")
        if not (built := base / "home.built").exists():
            check_out(home)
            patch.chdir(home)
            for spoken in editions.languages(home):
                patch.setenv(language.LANGUAGE, spoken)
                catalogues.compiled(home, spoken)
                language.catalogue.cache_clear()
                for text in sorted((home / "notebooks").glob("*.py")):
                    execute(text, editions.folder(home, spoken), casme2_root, both)
                assert build.build(home, spoken).exists()
            built.touch()
    return home


def check_out(home):
    """Copy the notebooks, the pages and the configuration of the book."""
    for name in ("notebooks", "book"):
        shutil.copytree(
            ROOT / name,
            home / name,
            ignore=shutil.ignore_patterns("*.ipynb", "_*build"),
            dirs_exist_ok=True,
        )
    for name in ("_config.yml", "_toc.yml", "README.md"):
        shutil.copy(ROOT / name, home / name)
    # Files beside the book are not pages of it.
    for folder in (".venv", ".pytest_cache", "data", "runs"):
        (home / folder).mkdir(exist_ok=True)
        (home / folder / "intro.md").write_text("```{tableofcontents}\n```\n")


def execute(text, tree, casme2_root, both):
    """Execute a notebook with other parameters than its own; the result is below `tree`."""
    parameters = {"data_root": str(casme2_root), "seed": 1}
    if text.stem == "14_cross_dataset":
        parameters |= {"dataset": "composite", "data_root": str(both)}
    if "overrides = " in text.read_text():
        parameters["overrides"] = TINY
    made, warned = build.page(text, parameters)
    assert not warned, (text.name, warned)
    write(tree / "notebooks" / f"{text.stem}.ipynb", nbformat.writes(made))


@pytest.fixture(scope="session")
def installed():
    """Chromium is there, or these tests are skipped; on a server for tests they fail."""
    try:
        pdf.find()
    except RuntimeError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
