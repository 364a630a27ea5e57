"""Parameters as papermill and the shell pass them: text in the form of Python, JSON or YAML."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from merlib import __version__, cli
from merlib.config import Config
from merlib.study.parameters import KINDS, NO_FRAMES, read
from merlib.study.study import Study

PAGES = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.py"))
FIELDS = ", ".join(field.name for field in fields(Config))
CHANGES = {"epochs": 3, "strain": False, "evm": "iir"}


@pytest.mark.parametrize(
    "text",
    [
        CHANGES,
        "{'epochs': 3, 'strain': False, 'evm': 'iir'}",
        '{"epochs": 3, "strain": false, "evm": "iir"}',
        "{epochs: 3, strain: no, evm: iir}",
        "epochs: 3\nstrain: False\nevm: iir",
    ],
)
def test_names_and_values_in_every_form(text):
    assert read({"overrides": text, "other": 1}) == {"overrides": CHANGES}
    assert Study(**read({"overrides": text})["overrides"]).overrides == CHANGES


@pytest.mark.parametrize(
    "text", [("base", "full"), "base full", "base, full", "['base', 'full']", "[base, full]",
             "('base', 'full')", "- base\n- full"],
)  # fmt: skip
def test_lists_in_every_form(text):
    assert read({"methods": text}) == {"methods": ["base", "full"]}


def test_single_values():
    page = {
        "dataset": "casme2",
        "data_root": "",
        "seed": "3",
        "show_faces": "False",
        "clip": "None",
    }
    expected = {
        "dataset": "casme2",
        "data_root": None,
        "seed": 3,
        "show_faces": False,
        "clip": None,
    }
    assert read(page | {"unrelated": "x"}) == expected
    assert read({"epochs": "None", "repeats": "5"}) == {"epochs": None, "repeats": 5}


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ({"overrides": "{'epochs'"}, "overrides=.*: expected names and values"),
        ({"overrides": "__import__('os')"}, "overrides=.*: expected names and values"),
        ({"overrides": [1]}, "expected names and values"),
        ({"overrides": {"seed": 1}, "seed": 0}, "overrides: 'seed' is a parameter of its own"),
        ({"methods": "base ful"}, "unknown method 'ful'; did you mean 'full'"),
        ({"method": "fulll"}, "unknown method 'fulll'; did you mean 'full'"),
        ({"methods": None}, "methods=None: expected a list of names"),
        ({"seed": "-1"}, "seed='-1': expected a whole number of at least 0"),
        ({"show_faces": "maybe"}, "show_faces='maybe': expected True or False or None"),
        ({"dataset": "SAMM"}, "did you mean 'samm'"),
    ],
)
def test_what_is_no_parameter_is_refused(page, message):
    with pytest.raises(ValueError, match=message):
        read(page)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"clases": 3}, "unknown option 'clases'; did you mean 'classes'"),
        ({"classes": 5}, "classes=5: expected text or a list or None"),
        ({"strict": "perhaps"}, "strict='perhaps': expected True or False"),
        ({"faces": "Find"}, "did you mean 'find'"),
        ({"seed": "x"}, "seed='x': expected a whole number"),
        ({"n_jobs": 0}, "n_jobs=0: expected a whole number of at least 1"),
        ({"protocol": "half"}, "did you mean 'halves'"),
        ({"strain": "False."}, "strain='False.': expected True or False"),
    ],
)
def test_a_study_refuses_before_any_work(chosen, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        Study(home=tmp_path, **chosen)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_reads_all_its_parameters_first(page):
    text = page.read_text("utf-8")
    cell = re.search(r'tags=\["parameters".*\]\n((?:\w+ = .*\n)+)', text)
    assert set(re.findall(r"^\w+", cell[1], re.M)) <= set(KINDS)
    before = text[cell.end() :].partition("globals().update(parameters.read(globals()")[0]
    assert "Study(" not in before and "plots.style()" not in before


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("strain=perhaps", "strain='perhaps': expected True or False"),
        ("dropout=0,3", "dropout='0,3': expected a finite number of at least 0 and below 1"),
        ("clases=three", "unknown option 'clases'; did you mean 'classes'?"),
        ("epochs", "--set epochs: expected NAME=VALUE"),
        ("classes=three", "--set classes=three: use --classes three"),
        ("data_root=x", "--set data_root=x: use --data-root x"),
        ("variant=base", "--set variant=base: name it as the method, base"),
        ("n_jobs=1", "unknown option 'n_jobs'; did you mean 'jobs'?"),
        ("progress=no", f"unknown option 'progress': expected one of {FIELDS}"),
        ("protocol=halves", f"unknown option 'protocol': expected one of {FIELDS}"),
    ],
)
def test_the_command_line_refuses_in_one_sentence(chosen, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["prepare", "--set", chosen]) == 1
    assert capsys.readouterr().err.strip() == f"merlib: {message}"


@pytest.mark.parametrize("number", ["1.5", "-1", str(2**63), "x"])
@pytest.mark.parametrize("option", ["--seed", "--seeds"])
def test_no_seed_is_rounded(option, number, capsys):
    assert cli.main(["train" if option == "--seeds" else "fit", option, number]) == 2
    assert f"{option}='{number}': expected a whole number of at least 0" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--subjects", "--clips", "--jobs"])
def test_no_count_is_rounded(option, capsys):
    assert cli.main(["synth", "--out", "x", option, "2.4"]) == 2
    assert f"{option}='2.4': expected a whole number" in capsys.readouterr().err


def test_python_m_merlib_is_the_command():
    told = subprocess.run([sys.executable, "-m", "merlib", "--version"], capture_output=True)
    assert told.stdout.decode().strip() == __version__ and told.returncode == 0


def test_a_page_about_frames_says_that_flow_has_none_and_shows_the_drawn_faces(capsys):
    flow = {"dataset": "flow", "data_root": "somewhere", "seed": 1}
    assert read(flow) == flow and not capsys.readouterr().out
    shown = {"dataset": "synthetic", "data_root": None, "seed": 1}
    assert read(flow, frames=True) == shown
    assert capsys.readouterr().out == NO_FRAMES + "\n" and NO_FRAMES.count(". ") == 0
    own = flow | {"dataset": "own"}
    assert read(own, frames=True) == own and not capsys.readouterr().out


def test_no_page_shows_a_picture_of_the_flow():
    """A page that draws a clip is about frames, or draws it of other datasets only."""
    for page in PAGES:
        text = page.read_text()
        draws = re.search(
            r"plots\.(flow_field|flow_image|arrows|prediction|gif)\(|read_frames", text
        )
        about_frames = "read(globals(), frames=True)" in text
        asks = re.search(r'if dataset != "flow":|if faces.shown:', text)
        assert not draws or about_frames or asks or page.stem == "12_photograph", page.name
