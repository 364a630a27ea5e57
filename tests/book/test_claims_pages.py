"""The pages of ingredients, sensitivity and small classes: on trials that were run, on answers
whose truth is known, and with every alternative in the chart or excused."""

import ast
import itertools
import re
import runpy
import shutil
from dataclasses import fields
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest
from conftest import speaking
from sklearn.metrics import f1_score, recall_score

from book.tools.texts import opened
from merlib import metrics
from merlib.config import PROFILES, Config, options, profile
from merlib.data import synthetic
from merlib.data.synthetic import generate
from merlib.files import OURS
from merlib.pages import provenance, small_classes
from merlib.store import Saved
from merlib.study import origin, trials
from merlib.study.origin import PUBLISHED_SEED
from merlib.study.study import Study

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("20_ingredients", "23_sensitivity")
TINY = {"size": 32, "flow_size": 32, "frames": 3, "width": 8, "lstm_hidden": 8, "epochs": 1,
        "tvl1": "fast"}  # fmt: skip


def home_of(folder):
    """A checkout with these pages and no results."""
    (folder / "notebooks").mkdir()
    (folder / "_toc.yml").write_text(OURS)
    for page in (*PAGES, "25_imbalance"):
        shutil.copy(ROOT / "notebooks" / f"{page}.py", folder / "notebooks")
    return folder


@pytest.mark.book
def test_the_pages_show_what_was_run(tmp_path, casme2_root, monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    home = home_of(tmp_path)
    study = Study(data_root=casme2_root, home=home, n_jobs=1, **TINY)
    for name, seed in itertools.product(("full", "no-bilstm", "adam"), (0, 1)):
        trials.run(name, study, seed)
    parameters = {"data_root": str(casme2_root), "overrides": TINY}
    for page in PAGES:
        path = home / "notebooks" / f"{page}.ipynb"
        nbformat.write(opened(path.with_suffix(".py").read_text()), path)
        papermill.execute_notebook(
            path, path, parameters, kernel_name="python3", cwd=path.parent, progress_bar=False
        )
        made = nbformat.read(path, 4)
        assert not [o for cell in made.cells for o in cell.get("outputs", []) if "stderr" in str(o)]
        outputs = [output for cell in made.cells for output in cell.get("outputs", [])]
        figures = [output for output in outputs if "image/png" in output.get("data", {})]
        assert figures and all(figure.metadata["image/png"]["alt"] for figure in figures)
        shown = {
            "20_ingredients": "**BiLSTM**",
            "23_sensitivity": "Only one decision is judged so far",
        }
        told = [str(output.get("data", {}).get("text/markdown", "")) for output in outputs]
        (foot,) = [str(o["data"]) for o in outputs if 'id="made-from"' in str(o.get("data", ""))]
        assert shown[page] in "".join(told) and "none stale" in foot
        assert "Shown: " in str(made) and "9 clips of 3 people" in str(made)


def answers(rng, right):
    """Answers of 26 people with eight clips each, a share of them right."""
    subject = np.repeat([f"s{k:02d}" for k in range(26)], 8)
    label = np.tile(list("abca"), 52)
    other = np.where(label == "a", "b", "a")
    given = np.where(rng.random(208) < right, label, other)
    clip = [f"{name}/{k}" for k, name in enumerate(subject)]
    table = pd.DataFrame({"clip": clip, "subject": subject, "label": label, "epoch": 1})
    table["half"] = np.where(subject < "s13", "A", "B")
    return table.assign(**{f"p_{name}": (given == name).astype(float) for name in "abc"})


@pytest.fixture
def invented(tmp_path, monkeypatch):
    """A function that saves trials of known shares of right answers where the published ones lie,
    runs a page there, and returns its variables and the answers."""
    home = home_of(tmp_path)
    monkeypatch.chdir(home)
    monkeypatch.setattr(provenance, "show", lambda *_: None)  # invented answers have none
    monkeypatch.setattr(  # fewer draws, for time's sake
        metrics, "paired_difference", partial(metrics.paired_difference, n=400)
    )

    def run(page, shares):
        rng, made = np.random.default_rng(0), {}
        saved = Saved(home / "results" / "synthetic" / "narrow-halves")
        for name, share in shares.items():
            for seed in range(3):
                made[name, seed] = answers(rng, share)
                about = {"trial": name, "seed": seed, "version": "invented"}
                about |= {"dataset": "synthetic", "profile": "narrow"}
                about |= {"drawn": origin.published("synthetic", "narrow")}
                saved.save(about, predictions=made[name, seed])
        with speaking():
            variables = runpy.run_path(str(home / "notebooks" / f"{page}.py"))
        plt.close("all")
        return variables, made

    return run


def f1(table):
    """scikit-learn's UF1."""
    given = table[["p_a", "p_b", "p_c"]].to_numpy().argmax(axis=1)
    return f1_score(table["label"], np.array(list("abc"))[given], average="macro")


@pytest.mark.book
def test_the_verdict_on_ingredients_follows_the_numbers(invented, capsys):
    """Without augmentation fewer are right, without the flip more, without the BiLSTM as many; grey
    alone finds something only if magnified."""
    shares = {"full": 0.6, "no-augmentation": 0.4, "no-flip": 0.8, "no-bilstm": 0.6,
              "no-magnification": 0.6, "grey-only": 0.6, "plain-grey-only": 0.4}  # fmt: skip
    page, made = invented("20_ingredients", shares)
    told = capsys.readouterr().out
    lines = {re.match(r"- \*\*(.*?)\*\*: ", line)[1]: line for line in page["lines"]}
    begin = {name: line.split("**: ")[1] for name, line in lines.items()}
    assert begin["augmentation"].startswith("brings ")
    assert begin["mirror flip"].startswith("costs ")
    for name in ("BiLSTM", "magnification", "flow"):
        assert begin[name].startswith("no difference seen; anything from -"), begin[name]
    assert not any("not certain" in line for line in page["lines"])
    for name, found in (("no-augmentation", "augmentation"), ("no-flip", "mirror flip")):
        steps = [f1(made["full", k]) - f1(made[name, k]) for k in range(3)]
        line = page["answers"].loc[found]
        assert line["value"] == pytest.approx(np.mean(steps))
        low, high = np.abs([line["low"], line["high"]]).round(3) * 100
        assert {f"{low:.1f}", f"{high:.1f}"} <= set(re.findall(r"\d+\.\d", lines[found]))
    assert "helps where grey is alone; beside flow no gain is seen" in told
    missing = told.split("seeds 0, 1, 2: ")[1].split(". Made by")[0]
    names = re.findall("<code>(.*?)</code>", missing)
    assert names == [name for name in trials.INGREDIENTS if name not in shares]
    assert "make claims" in told and lines["BiLSTM"].endswith("(3 seeds)")


@pytest.mark.book
def test_the_verdict_on_decisions_follows_the_numbers(invented, capsys):
    shares = {"full": 0.6, "adam": 0.35, "strain": 0.85, "p-1": 0.6, "r-8": 0.6, "batch-16": 0.6}
    page, made = invented("23_sensitivity", shares)
    told = capsys.readouterr().out
    titles = {name: trials.SENSITIVITY[name].title for name in shares if name != "full"}
    assert set(page["beyond"].index) == {titles["adam"], titles["strain"]}
    steps = [f1(made["adam", k]) - f1(made["full", k]) for k in range(3)]
    values = page["answers"]["value"]
    assert values[titles["adam"]] == pytest.approx(np.mean(steps))
    text = "\n".join(page["lines"])
    assert "Of 5 decisions taken the other way, 2 are shown to move UF1" in text
    named = re.findall(r"\*\*(.*?)\*\*: ([+-])", text)
    assert named == [(titles["adam"], "-"), (titles["strain"], "+")]
    same = sorted([titles["p-1"], titles["r-8"]], key=values.get)
    assert list(values.index) == [titles["strain"], *same, titles["adam"], titles["batch-16"]]
    assert len(page["same"]) == 18  # three pairs of each trial
    missing = re.findall("<code>(.*?)</code>", told.split("seeds 0, 1, 2: ")[1])
    assert "head-motion" in missing and "adam" not in missing


@pytest.mark.book
def test_the_verdict_on_small_classes_follows_the_numbers(invented, monkeypatch):
    """Of two ways to weigh classes one is worse and one is better; probabilities of 0 and 1 cannot
    be adjusted. Every recall is counted by scikit-learn."""
    monkeypatch.setattr(Study, "finished", lambda *_: False)  # nothing is drawn to find that out
    names = {"sampler": "class-balanced sampler", "logit-adjustment": "logit adjustment"}
    page, made = invented("25_imbalance", {"full": 0.6, "sampler": 0.35, "logit-adjustment": 0.85})
    answers, by_class, lines = page["answers"], page["by_class"], page["lines"]
    classes = np.array(list("abc"))

    def recalls(name, k):
        given = classes[made[name, k][["p_a", "p_b", "p_c"]].to_numpy().argmax(axis=1)]
        return recall_score(made[name, k]["label"], given, average=None, labels=classes)

    for name, title in names.items():
        change = np.mean([recalls(name, k) - recalls("full", k) for k in range(3)], axis=0)
        assert answers.loc[f"UAR: {title}", "value"] == pytest.approx(change.mean())
        rows = [f"{title}: a (104)", f"{title}: b (52)", f"{title}: c (52)"]  # the largest first
        found = by_class[by_class.index.str.startswith(f"{title}: ")]
        assert list(found.index) == rows and found["value"].to_list() == pytest.approx(change)
        (line,) = [line for line in lines if line.startswith(f"- **Recall with {title}**")]
        assert f"class: a (104) {100 * change[0]:+.1f}" in line
        assert f"smallest: c (52) {100 * change[2]:+.1f}" in line
    kinds = [*names.values(), "logit adjustment afterwards"]
    for score in ("UAR", "UF1", "accuracy"):
        found = answers["answer"].loc[[f"{score}: {title}" for title in kinds]]
        assert found.to_list() == ["lower", "higher", "cannot be told"]  # no answer is another
        assert any(line.startswith(f"- **{score}: {kinds[1]}**: raises it by") for line in lines)
    assert small_classes.told(answers) == [
        f"With {kinds[1]} these scores are higher: UAR, UF1 and accuracy.",
        f"With {kinds[0]} these scores are lower: UAR, UF1 and accuracy.",
        f"With {kinds[2]} it cannot be told whether these change: UAR, UF1 and accuracy.",
    ]
    assert page["uneven"].loc["invented, profile narrow", "ratio"] == 2


def alternatives_not_run():
    """The list of the page, with its reasons."""
    tree = ast.parse((ROOT / "notebooks" / "23_sensitivity.py").read_text())
    (value,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "NOT_RUN"
    ]
    return eval(ast.unparse(value), {"marked": str})


def test_every_alternative_is_in_the_chart_or_excused():
    """Every value of a closed set, and those without one that the decisions name."""
    narrow, excused = profile("narrow"), alternatives_not_run()
    alone = [trial for name, trial in trials.SENSITIVITY.items() if name not in PROFILES]
    tried = {(k, v) for trial in alone for k, v in trial.changes.items()}
    assert PROFILES["literal"].items() <= tried  # each of its changes is in the chart, too
    for item in fields(Config):
        if item.name == "variant":  # the rows of Table 3
            continue
        own = getattr(narrow, item.name)
        for option in set(options(item.name)) - {own}:
            assert ((item.name, option) in tried) != ((item.name, option) in excused), item.name
    numbers = {("size", "2x"), ("frames", "1.6x"), ("evm_alpha", 5.0), ("evm_alpha", 20.0),
               ("gem_p", 1.0), ("cam_reduction", 8), ("fim_kernel", 1), ("fim_pairs", "cascade"),
               ("fim_pairs", "all"), ("lstm_hidden", "2x"), ("batch_size", 16)}  # fmt: skip
    assert numbers <= tried


def test_the_excuses_hold():
    """An excuse that names another trial names one that does just that; no published clip is short
    enough to be dropped."""
    for (name, value), why in alternatives_not_run().items():
        assert not options(name) or value in options(name), name
        if other := re.search("trial '(.*?)'", why):
            assert trials.TRIALS[other[1]].changes == {name: value}
    full = {"layout": "casme2", "subjects": generate.SUBJECTS["casme2"], "clips": 246}
    plans = synthetic.plan(PUBLISHED_SEED, **full)
    events = [synthetic.draw_events(PUBLISHED_SEED, clip, "casme2") for clip in plans]
    shortest = min(clip["apex"] - clip["onset"] + 1 for clip in events)
    assert shortest >= profile("narrow").frames == profile("laptop").frames
    assert profile("narrow").tvl1 == profile("laptop").tvl1 == "fast"
