"""The README's figures and those of the results page are of saved runs; what it names works."""

import ast
import math
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, recall_score

from merlib import cli, metrics
from merlib.config import VARIANTS
from merlib.methods import METHODS
from merlib.pages import effects, language, learnt, real_motion, small_classes, verdicts
from merlib.store import Saved, name_of
from merlib.study import motion, new_people, one_grey, showcase, trials, true_flow
from merlib.study.study import Study

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PAGE = (ROOT / "book" / "results.md").read_text("utf-8")
REAL, SYNTHETIC = PAGE.split("## On real motion")[1].split("## On synthetic data")
RESULTS = ROOT / "results"


HALVES, OF_SAMM = "synthetic/narrow-halves", "synthetic-samm/narrow-halves"
QUICK, PEOPLE = "synthetic/laptop", "synthetic/narrow-people"
CLIPS = {HALVES: 246, OF_SAMM: 136, QUICK: 100, PEOPLE: 1000}

OF_RECORD = [*VARIANTS, *trials.ATTENTION, "linear", "no-magnification", "true-flow"]
OTHERS = trials.FUSION | trials.INGREDIENTS | trials.IMBALANCE

TABLES = {
    "246 clips": (HALVES, OF_RECORD),
    "1,000 clips": (PEOPLE, new_people.ASKED),
    "other trials": (HALVES, [name for name in OTHERS if name not in OF_RECORD]),
    "method": (HALVES, [name for name in METHODS if name in trials.TABLE2]),
    "136 clips": (OF_SAMM, ["majority", "logistic", "svm", *VARIANTS, "true-flow"]),
    "100 clips": (QUICK, ["majority", "logistic", *VARIANTS]),
}
"""First heading of a table of the results page -> folder of the saved runs, and their names."""


def table_of(first):
    """Return a table of the results page, counted from the saved runs."""
    folder, names = TABLES[first]
    saved = Saved(RESULTS / folder).load(dict.fromkeys(names), every_epoch=False)
    scores = list(metrics.scores(next(run for runs in saved.values() for run in runs.values())))
    heads = [{"uf1": "UF1", "uar": "UAR"}.get(score, score) for score in scores]
    lines = [f"| {' | '.join([first, 'seeds', *heads])} |", "| --- " * (2 + len(heads)) + "|"]
    for name, runs in saved.items():
        found = [metrics.scores(run) for run in runs.values()]
        values = [f"{np.mean([one[score] for one in found]):.3f}" for score in scores]
        title = {true_flow.NAME: "`logistic` on the true flow"}.get(name, effects.title(name))
        lines.append(f"| {' | '.join([f'`{name}`, {title}', str(len(runs)), *values])} |")
    return "\n".join(lines)


@pytest.mark.parametrize("first", TABLES)
def test_the_tables_of_synthetic_data_are_counted_from_the_saved_runs(first):
    assert table_of(first) in SYNTHETIC, f"{Path(__file__).name} as a script writes the table"


def steps_of_people():
    """Return the differences over many drawn people, and them as a table of the results page."""
    runs = Saved(RESULTS / PEOPLE).load(new_people.ASKED, every_epoch=False)
    found = effects.differences(runs, real_motion.PAIRS)
    lines = ["| what changes | points of UF1 | answer |", "| --- | --- | --- |"]
    lines += [
        f"| {name} | {effects.points(line)} | {line['answer']} |" for name, line in found.iterrows()
    ]
    longer = real_motion.of_longer(runs)
    lines += [
        f"| {name} | {effects.points(line)} | {line['answer']} |"
        for name, line in longer.iterrows()
    ]
    linear = real_motion.against_control(runs)
    lines += [
        f"| {name}: instead of logistic regression | {effects.points(line)} | {line['answer']} |"
        for name, line in linear.iterrows()
    ]
    return runs, found, longer, linear, "\n".join(lines)


def test_what_many_people_say_is_counted():
    runs, steps, longer, linear, table = steps_of_people()
    assert table in SYNTHETIC, f"{Path(__file__).name} as a script writes the table"
    prose = " ".join(SYNTHETIC.split())
    (fits,) = {len(seeds) for name, seeds in runs.items() if name != "base-2x"}
    assert fits == new_people.FITS
    assert f"All {fits} planned fits of the first nine rows are done" in prose
    shown = ["MFFM: added to base", "MFFM: added to base + MFEM", "both: added to base"]
    base, beside = (f"{100 * steps.loc[name, 'value']:.1f}" for name in shown[:2])
    assert f"MFFM brings {base} points added to base and {beside} points" in prose
    found = steps["answer"].to_dict()
    assert found == dict.fromkeys(found, metrics.UNDER) | dict.fromkeys(shown, "better")
    assert "MFFM is shown to help here" in prose and "one linear layer in its place" in prose
    assert f"All {sum(name.startswith('MFEM') for name in found)} differences of MFEM" in prose
    simple, modules = linear["answer"].iloc[:2], linear["answer"].iloc[2:]
    assert set(simple) == {"worse"} and "base + MFEM are shown to be worse" in prose
    assert set(modules) == {metrics.UNDER} and "to logistic regression on the flow" in prose
    shares = [f"{100 * learnt.training_accuracy(runs[n]):.0f}" for n in runs if n != "logistic"]
    (slow, _), others, longest = shares[:2], shares[2:], shares[-1]
    assert slow == shares[1] and f"have {slow} % of their own training clips right" in prose
    assert f"the other networks {min(others)} to {max(others)} %" in prose
    names = [f"{module}: against base with twice the epochs" for module in ("MFFM", "both")]
    assert [*longer.loc[names, "answer"]] == [metrics.UNDER] * 2
    uf1, n = effects.mean_scores(runs["base-2x"])["uf1"], len(runs["base-2x"])
    assert f"has {longest} % of its training clips right, and a UF1 of {uf1:.3f} ({n} of" in prose
    mffm, both = (100 * longer.loc[name, ["value", "low", "high"]] for name in names)
    assert "MFFM differs by {:.1f} points ({:+.1f} to {:+.1f})".format(*mffm) in prose
    assert "both modules by {:.1f} ({:+.1f} to {:+.1f}): both are shown".format(*both) in prose
    words = ("one linear layer", "by {:+.1f} ({:+.1f} to {:+.1f})"), (
        "一个线性层", "{:+.1f} 个百分点（{:+.1f} 至 {:+.1f}）"
    )  # fmt: skip
    for path, (simple, points) in zip(READMES.values(), words, strict=True):
        text = " ".join(path.read_text("utf-8").split())
        assert simple in text and points.format(*both) in text


def test_every_saved_run_has_a_row_and_all_of_the_clips():
    others = {showcase.NAME, "grey-logistic"}  # maps, and repeats; not runs of their own
    for folder, clips in CLIPS.items():
        rows = {name for of, names in TABLES.values() if of == folder for name in names}
        there = Saved(RESULTS / folder)
        assert {name for name, _ in there.runs()} - others <= rows
        for runs in there.load(rows, every_epoch=False).values():
            assert all(run["clip"].nunique() == clips for run in runs.values())


def test_a_row_is_the_mean_of_its_runs_as_scikit_learn_scores_them():
    row = re.search(r"^\| `full`, [^|]* \| (\d) \| (\S+) \| (\S+) \| (\S+) \|", SYNTHETIC, re.M)
    runs = Saved(RESULTS / HALVES).load(["full"], every_epoch=False)["full"]
    found = []
    for run in runs.values():
        assert run["clip"].is_unique and len(run) == 246
        given = run.filter(like="p_").idxmax(axis=1).str.removeprefix("p_")
        of_classes = f1_score(run["label"], given, average=None)
        recall = recall_score(run["label"], given, average="macro")
        found.append([(given == run["label"]).mean(), np.mean(of_classes), recall])
    assert int(row[1]) == len(runs)
    assert [float(value) for value in row.groups()[1:]] == pytest.approx(
        np.mean(found, 0), abs=6e-4
    )


def test_the_spread_of_the_logistic_regression_is_counted():
    found, _ = one_grey.find(Study(home=ROOT))
    right = one_grey.scores(found["logistic"])["accuracy"]
    assert f"between {right.min():.3f} and {right.max():.3f} if one grey value" in " ".join(
        SYNTHETIC.split()
    )


def test_the_table_of_real_motion_is_counted_too():
    runs = motion.find(ROOT).runs
    table, rows = motion.table(runs)["all"], []
    for name in (name for name, where in table.index if where == "here"):
        scores = table.loc[(name, "here")]
        title = real_motion.title(name) + (", an eighth of its width" if name == "htnet" else "")
        rows.append(f"| {title} | {len(runs[name])} | {scores['uf1']:.3f} | {scores['uar']:.3f} |")
    assert re.findall(r"^\| [^|]+ \| \d \| [\d.]+ \| [\d.]+ \|", REAL, re.M) == rows
    printed = motion.printed()
    for (name, where), found in printed.items():
        if name == "ststnet" or (name, where) in (
            ("bi-woof", "STSTNet's table"),
            ("htnet", "its table"),
        ):
            assert f"{found['all', 'uf1']:.3f}" in REAL
    prose, log = " ".join(REAL.split()), printed["ststnet", "its PyTorch log"]
    lacking = [
        log["all", score] - table.loc[("ststnet", "here"), score] for score in ("uf1", "uar")
    ]
    uf1, uar = (f"{100 * points:.1f}" for points in lacking)
    assert f"is {uf1} points of UF1 and {uar} of UAR below the log" in prose
    assert all(f"{log['all', score]:.3f}" in prose for score in ("uf1", "uar"))
    assert len(runs["ststnet"]) == 1 and "It is one seed; and ours shuffles" in prose
    best = np.mean(
        [metrics.best_epoch(run)["uf1"] for run in motion.find(ROOT).epochs["htnet"].values()]
    )
    assert f"a UF1 of {best:.3f} instead of {table.loc[('htnet', 'here'), 'uf1']:.3f}" in prose
    steps = real_motion.of_modules(runs)
    interaction = effects.synergies(runs).loc[["UF1"]]
    told = pd.concat([steps, interaction])[["value", "low", "high"]]
    for value, low, high in 100 * told.to_numpy():
        told = re.escape(f"({low:+.1f} to {high:+.1f})")
        assert re.search(rf"\b{abs(value):.1f}[^()]* {told}", prose)
    assert f"p is {steps['holm'].min():.3f} after Holm's correction" in prose


def test_what_variants_have_learnt_of_real_motion_is_counted():
    runs = motion.find(ROOT).runs
    base, *others = (f"{100 * learnt.training_accuracy(runs[name]):.0f}" for name in VARIANTS)
    prose = " ".join(REAL.split())
    assert f"it has only {base} % of its own training clips right" in prose
    assert f"variants {min(others)} to {max(others)} %" in prose
    folds = [share for run in runs["base"].values() for share in learnt.by_fold(run).values()]
    well = sum(share >= learnt.WELL_FROM for share in folds)
    assert f"In the {well} of {len(folds)} folds" in prose
    assert f"in the other {len(folds) - well} it adds" in prose
    ends, found = ["value", "low", "high"], motion.find(ROOT)
    gains = learnt.gains(runs)[ends]
    by_learning = gains[gains.index.isin([learnt.WELL, learnt.BADLY], level=1)]
    gains = pd.concat([by_learning, gains.loc[[("MFEM", "SAMM")]]])
    adjusted = real_motion.of_modules(small_classes.adjusted(runs))[ends].iloc[:1]
    longer = real_motion.of_longer(found.every).loc[
        lambda table: table.index.str.contains("against")
    ]
    for value, low, high in 100 * pd.concat([gains, adjusted, longer[ends]]).to_numpy():
        interval = re.escape(f"{low:+.1f} to {high:+.1f})")
        assert re.search(rf"{re.escape(f'{value:.1f}')}.{{0,12}}{interval}", prose)
    assert not set(longer["answer"]) & {"better", "worse"} and "none of these is shown" in prose
    seeds = found.longer["base-2x"]
    uf1, share = effects.mean_scores(seeds)["uf1"], learnt.training_accuracy(seeds)
    assert f"UF1 of {uf1:.3f} ({len(seeds)} seeds), with {100 * share:.0f} % of its" in prose
    both = [f"{100 * longer[end].iloc[-1]:+.1f}" for end in ends]
    for path in READMES.values():
        text = path.read_text(encoding="utf-8")
        assert all(part in text for part in (f"{base} %", *both))


def test_what_uar_says_of_real_motion_is_counted():
    found, prose = motion.find(ROOT), " ".join(REAL.split())
    steps = real_motion.of_modules(found.runs, metrics.uar)
    shown = steps[steps["answer"] == "better"]
    longer = real_motion.of_longer(found.every, metrics.uar)
    assert shown.index.str.endswith("added to base").all() and len(shown) == 3
    assert "In UAR three steps are shown" in prose and not (steps["answer"] == "worse").any()
    least, most = shown["holm"].min(), shown["holm"].max()
    assert f"p is {least:.3f} to {most:.3f} after Holm's correction" in prose
    assert [*longer["answer"]] == ["better", *[metrics.UNTOLD] * 3] and "shown, too" in prose
    assert "In UAR each module is shown to help base; so are more epochs." in " ".join(
        README.split()
    )
    beyond = effects.synergies(found.runs).loc[["UAR"]]
    assert [*beyond["answer"]] == ["overlap"] and "it speaks against the paper" in prose
    assert f"p is {beyond['holm'].iloc[0]:.4f} after Holm's correction for three scores" in prose
    told = pd.concat([shown, longer, beyond])
    for value, low, high in 100 * told[["value", "low", "high"]].to_numpy():
        assert re.search(
            rf"{abs(value):.1f}[^()]* {re.escape(f'({low:+.1f} to {high:+.1f})')}", prose
        )


def test_which_runs_of_real_motion_are_there_is_counted():
    found, prose = motion.find(ROOT), " ".join(REAL.split())
    assert all(len(found.runs[name]) == 3 for name in VARIANTS)
    assert "All four variants have three seeds" in prose
    controls = {"single", "cbam", "no-attention", "linear"} & {*found.runs}
    assert controls == {"single"} and len(found.runs["single"]) == 1
    assert "One control of a module has a run, of one seed" in prose
    assert {*found.longer} == {"base-2x"} and "no run of twice the epochs yet" in prose
    uf1 = [metrics.scores(run)["uf1"] for run in found.runs["mfem"].values()]
    assert f"UF1 of {uf1[0]:.3f} there" in prose
    assert f"today lie {100 * np.ptp(uf1):.1f} points apart" in prose
    devices = {
        name: {effects.made_by(run)["device"] for run in seeds.values()}
        for name, seeds in found.runs.items()
    }
    on_gpu = {name for name, some in devices.items() if any("H100" in one for one in some)}
    assert (
        on_gpu == {"ststnet", "htnet"}
        and "runs of STSTNet and HTNet are from a GPU (H100)" in prose
    )
    networks = real_motion.against_control(found.runs)
    assert not (networks["answer"] == "better").any()
    assert "No network is shown to be better than the linear control yet" in prose
    base = networks.loc["base"]
    assert f"`base` is {-100 * base['value']:.1f} points below" in prose
    assert base["answer"] == metrics.UNTOLD and "which is not shown either" in prose
    accuracy = real_motion.of_modules(found.runs, metrics.accuracy)["answer"]
    assert not accuracy.isin(["better", "worse"]).any() and "in accuracy no step" in prose


def test_methods_that_take_fewer_steps_than_published_are_named():
    prose, runs = " ".join(SYNTHETIC.split()), Saved(RESULTS / HALVES).runs()
    for name, published in (("micro-attention", 2500), ("lgccon", 4501)):  # in their public code
        about = runs[name, 0]
        half, batch = sum(about["counts"]["emotion"].values()) / 2, about["estimator"]["batch_size"]
        steps = about["estimator"]["epochs"] * math.ceil(half / batch)
        title = METHODS[name].title.removesuffix("-style")
        assert steps < published and f"{title} {steps:,} of {published:,}" in prose
    assert runs["slstt", 0]["estimator"]["batch_size"] == 8 and "SLSTT has batches of 8" in prose


def test_what_is_missing_of_synthetic_data_is_missing():
    prose, there = " ".join(SYNTHETIC.split()), {name for name, _ in Saved(RESULTS / HALVES).runs()}
    missing = set(trials.SENSITIVITY) - there
    assert 2 * len(missing) > len(trials.SENSITIVITY) and "Most runs of page 23" in prose
    for name in ("amplitude", "subjects"):
        assert not (RESULTS / HALVES / f"{name}.parquet").exists()
    assert "page 19's sweep of movements, page 22's learning curve of synthetic data" in prose
    assert "grey-base" not in there and "repeats of a network" in prose


def test_what_the_small_studies_have_learnt_is_counted():
    prose, names = " ".join(SYNTHETIC.split()), ("base", "mfem", "mffm", "full")
    quick = Saved(ROOT / "results" / "synthetic" / "laptop").load(names, every_epoch=False)
    base, mfem, mffm, full = (f"{100 * learnt.training_accuracy(quick[n]):.0f}" for n in names)
    assert f"with {base} and {mfem} % of their own training clips right" in prose
    assert f"`mffm` and `full` with {mffm} %" in prose and mffm == full
    record = Saved(ROOT / "results" / "synthetic" / "narrow-halves").load(["full"])["full"]
    uf1 = np.mean([metrics.scores(record[seed])["uf1"] for seed in (0, 1)])
    assert f"`full` has a UF1 of {uf1:.3f}" in prose


READMES = {"en": ROOT / "README.md", "zh_CN": ROOT / "README.zh-CN.md"}


def claims(spoken):
    """Return the table of claims, as the README of a language has it."""
    from book.tools import catalogues

    catalogues.compiled(ROOT, spoken)
    language.catalogue.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(language.LANGUAGE, spoken)
        return verdicts.markdown(verdicts.table(Study(home=ROOT)), "notebooks/{}.py")


@pytest.mark.parametrize("spoken", READMES)
def test_the_table_of_claims_is_that_of_the_first_page(spoken):
    there = READMES[spoken].read_text("utf-8")
    assert claims(spoken) in there, f"{Path(__file__).name} as a script writes the table"


def test_the_lines_of_python_are_the_same_in_each_language():
    blocks = {
        re.search(r"```python\n.*?```", path.read_text("utf-8"), re.S)[0]
        for path in READMES.values()
    }
    assert len(blocks) == 1


def test_each_language_has_the_same_sections():
    assert len({path.read_text("utf-8").count("\n## ") for path in READMES.values()}) == 1


def test_saved_runs_say_what_made_them():
    saved = Saved(RESULTS / QUICK)
    for (name, seed), about in saved.runs().items():
        assert (name_of(about), about["seed"]) == (name, seed)
        assert "+changes" not in about["revision"] and about["versions"]["torch"]
        if name not in METHODS:
            assert name == showcase.NAME and len(saved.measured(name))
            continue
        final = metrics.last(saved.load([name])[name][seed])
        assert final["clip"].is_unique and len(final) == 100


def test_results_are_a_few_small_files():
    there = [path for path in (ROOT / "results").rglob("*") if path.is_file()]
    files = [path for path in there if path.suffix != ".lock"]
    assert sum(path.stat().st_size for path in files) < 11e6
    assert len(files) < 30


@pytest.mark.parametrize("name", ["README.md", "how_to_read.md", "commands.md", "results.md"])
def test_make_targets_and_commands_exist(name):
    text = README if name == "README.md" else (ROOT / "book" / name).read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.M))
    assert targets, "each of these pages names some"
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), target
    for command in set(re.findall(r"(?:bin/|python -m )merlib (\w+)", text)):
        assert cli.main([command, "--help"]) == 0


def test_it_begins_with_the_two_commands_and_fits_a_screen():
    first = README.partition("```\n")[2].partition("```")[0]
    assert re.findall("^make ([a-z]+)", first, re.M) == ["study", "test"]
    assert README.count("\n") <= 85


def test_its_lines_of_python_run(casme2_root, tmp_path, monkeypatch):
    """They draw the dataset that the tests have already: it is put where they look for it."""
    lines = re.search(r"```python\n(.*?)```", README, re.S)[1]
    imports = [one for one in ast.parse(lines).body if isinstance(one, ast.Import | ast.ImportFrom)]
    assert all(one.module.split(".")[0] == "merlib" for one in imports)
    assert len([line for line in lines.splitlines() if line]) == 10
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "small").symlink_to(casme2_root)
    monkeypatch.chdir(tmp_path)
    found = {}
    exec(lines, found)
    assert found["flow"].shape == (4, 2, 56, 56) and np.ptp(found["flow"]) > 0
    last = found["answers"].query("epoch == 3")
    assert set(last["clip"]) == set(found["clips"]["clip"]) and len(last) == 9
    guessed = last.filter(like="p_").idxmax(axis=1).str.removeprefix("p_")
    accuracy = found["scores"](found["answers"])["accuracy"]
    assert accuracy == pytest.approx((guessed == last["label"]).mean())


if __name__ == "__main__":
    sys.path.append(str(ROOT))  # a script's own folder is there, which has a folder `book` too
    table = re.compile(r"^\| \S+ \|[^\n]*\n\| --- \| --- .*?(?=^## )", re.M | re.S)
    for spoken, path in READMES.items():
        made = claims(spoken) + "\n\n"
        path.write_text(table.sub(lambda _, made=made: made, path.read_text("utf-8")), "utf-8")
    for first in TABLES:
        there = re.compile(rf"^\| {first} \| seeds .*?(?=\n\n)", re.M | re.S)
        PAGE = there.sub(lambda _, first=first: table_of(first), PAGE)
    steps = re.compile(r"^\| what changes \| .*?(?=\n\n)", re.M | re.S)
    PAGE = steps.sub(lambda _: steps_of_people()[-1], PAGE)
    (ROOT / "book" / "results.md").write_text(PAGE, "utf-8")
