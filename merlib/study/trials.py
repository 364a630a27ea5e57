"""The experiments behind the claims: one change of the configuration each.

Every trial is trained on half of the subjects and tested on the others, both ways
(:data:`merlib.study.study.PROTOCOLS`), with the folds of `merlib.loso`.
Half of the clips are seen twice as often as in leave-one-subject-out, so that a network takes as
many steps. The published synthetic dataset of 246 clips is the default::

    runs/...                                        as every other run
    results/<dataset>/<profile>/halves/<trial>/seed-<k>/    what `run` copies there
"""

import json
import shutil
import textwrap
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import delayed

from merlib import loso
from merlib.config import Config
from merlib.data import synthetic
from merlib.files import noted, write
from merlib.model.classifier import NetworkClassifier
from merlib.parallel import Rows, each
from merlib.preprocess.pipeline import Prepared

from . import regions
from .study import Study, kept_runs

AMPLITUDES = (0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0)
"""Pixels of the sweep: peak displacement of every action unit."""

SWEPT = {"subjects": 12, "clips": 60, "seed": 3}
"""Subjects and clips at each amplitude, of a generator's seed of their own."""


@dataclass(frozen=True)
class Trial:
    """One experiment.

    Attributes
    ----------
    title : str
        As tables print it.
    changes : dict
        Fields of the configuration that differ from the profile's.
    method : str
        A name of :data:`merlib.methods.METHODS`.
    """

    title: str
    changes: dict[str, Any] = field(default_factory=dict)
    method: str = "full"


FULL = {"full": Trial("the paper")}

ATTENTION = FULL | {
    "single": Trial("a single gate", {"attention": "single"}),
    "cbam": Trial("CBAM", {"attention": "cbam"}),
    "no-attention": Trial("no attention", {"attention": "none"}),
}
"""Claim 1: what stands in MFEM's place."""

FUSION = FULL | {
    "base": Trial("base", method="base"),
    "mfem": Trial("base + MFEM, no fusion", method="mfem"),
    "mffm": Trial("base + MFFM", method="mffm"),
    "linear": Trial("pooled stages, one linear layer", {"fusion": "linear"}),
    "pairs-adjacent": Trial("adjacent pairs only", {"fim_pairs": "12 23 34"}),
    "pairs-second": Trial("pairs two apart only", {"fim_pairs": "13 24"}),
    "pairs-deep": Trial("the deepest pair only", {"fim_pairs": "34"}),
    "pairs-shallow": Trial("the shallowest pair only", {"fim_pairs": "12"}),
}
"""Claim 2: what is fused, and how."""

INGREDIENTS = FULL | {
    "no-magnification": Trial("no magnification", {"evm": "off"}),
    "flow-only": Trial("flow alone, no grey", {"inputs": "flow"}),
    "grey-only": Trial("grey alone, no flow", {"inputs": "grey"}),
    "plain-grey-only": Trial("grey alone, not magnified", {"inputs": "grey", "evm": "off"}),
    "no-bilstm": Trial("mean over frames, no BiLSTM", {"sequence": "mean"}),
    "two-frames": Trial("onset and apex frames alone", {"frames": 2}),
    "no-augmentation": Trial("no augmentation", {"flip": 0.0, "rotation": 0.0, "scaling": 0.0}),
    "no-flip": Trial("no mirror flip", {"flip": 0.0}),
}
"""Claim 3: what each ingredient brings."""

SENSITIVITY = FULL | {
    "no-magnification": INGREDIENTS["no-magnification"],
    "larger-images": Trial("twice the pixels a side", {"size": "2x"}),
    "more-frames": Trial("1.6 times the frames", {"frames": "1.6x"}),
    "alpha-5": Trial("alpha = 5", {"evm_alpha": 5.0}),
    "alpha-20": Trial("alpha = 20", {"evm_alpha": 20.0}),
    "butterworth": Trial("Butterworth filter", {"evm": "butterworth"}),
    "flow-magnified": Trial("flow of magnified frames", {"flow_source": "magnified"}),
    "flow-consecutive": Trial("flow between neighbours", {"flow_pairs": "consecutive"}),
    "head-motion": Trial("head motion kept", {"head_motion": "keep"}),
    "tvl1-default": Trial("OpenCV's settings of TV-L1", {"tvl1": "default"}),
    "strain": Trial("strain as a fourth channel", {"strain": True}),
    "per-block": Trial("MFEM in every block", {"mfem_place": "block"}),
    "sam-norm": Trial("batch norm in SAM", {"sam_batch_norm": True}),
    "p-1": Trial("p = 1, fixed", {"gem_p": 1.0, "gem_learn": False}),
    "p-3": Trial("p = 3, fixed", {"gem_learn": False}),
    "r-8": Trial("r = 8", {"cam_reduction": 8}),
    "no-relu": Trial("no ReLU in the MLP", {"cam_relu": False}),
    "shared": Trial("shared weights in MFEM", {"mfem_shared": True}),
    "mean-of-terms": Trial("mean of the four terms", {"mfem_sum": "mean"}),
    "project": Trial("1x1 convolution to C channels", {"next_input": "project"}),
    "fim-1x1": Trial("1x1 convolution in FIM", {"fim_kernel": 1}),
    "fim-relu": Trial("ReLU after FIM's norm", {"fim_relu": True}),
    "cascade": Trial("cascade of pairs", {"fim_pairs": "cascade"}),
    "all-pairs": Trial("all six pairs", {"fim_pairs": "all"}),
    "lstm-512": Trial("LSTM twice as wide", {"lstm_hidden": "2x"}),
    "lstm-mean": Trial("mean over the LSTM's states", {"lstm_output": "mean"}),
    "one-layer-head": Trial("one linear layer", {"head": "one"}),
    "adam": Trial("Adam (0.9, 0.99)", {"optimiser": "adam", "learning_rate": "0.1x"}),
    "batch-16": Trial("16 clips a batch", {"batch_size": 16}),
    "sampler": Trial("class-balanced sampler", {"imbalance": "sampler"}),
    "logit-adjustment": Trial("logit adjustment", {"imbalance": "logit-adjustment"}),
}
"""Claim 6: the alternatives of the decisions, a row each. ImageNet weights are not among them: none
can be had without a download. A text such as ``2x`` multiplies the profile's own value."""

GROUPS = {
    "attention": ATTENTION,
    "fusion": FUSION,
    "ingredients": INGREDIENTS,
    "sensitivity": SENSITIVITY,
}
SWEEP = ["base", "mfem", "mffm", "full", "linear"]
"""Trials of the amplitude sweep."""

TRIALS = {name: trial for group in GROUPS.values() for name, trial in group.items()}


def study_of(name: str, study: Study, seed: int = 0) -> Study:
    """Return the study of a trial: the data and choices of another study, halves, one change.

    Raises
    ------
    ValueError
        If there is no such trial.
    """
    if name not in TRIALS:
        raise ValueError(f"trial {name!r}: expected one of {', '.join(TRIALS)}")
    return Study(
        study.dataset,
        study.data_root,
        study.profile,
        seed,
        n_jobs=study.n_jobs,
        progress=study.progress,
        home=study.home,
        protocol="halves",
        **study.overrides | differences(study.config, name),
    )


def differences(base: Config, name: str) -> dict[str, Any]:
    """Return the fields in which a trial differs from a configuration, with their new values."""
    changes = {
        key: multiplied(getattr(base, key), value) for key, value in TRIALS[name].changes.items()
    }
    return {"epochs": 2 * base.epochs} | changes


def multiplied(value: Any, change: Any) -> Any:
    """Return the new value of a field: the change, or ``2x`` of what it was."""
    if isinstance(change, str) and change.endswith("x") and change[:-1].replace(".", "").isdigit():
        return type(value)(round(value * float(change[:-1]), 6))
    return change


def run(name: str, study: Study, seed: int = 0) -> pd.DataFrame:
    """Return the predictions of a trial, training what is not stored yet, and keep them.

    A trial of `ATTENTION` also stores where its maps look, see `merlib.study.regions`.
    """
    trial, method = study_of(name, study, seed), TRIALS[name].method
    predictions = trial.predictions(method)
    made, target = trial.run_folder(method, seed), folder(study, name, seed)
    target.mkdir(parents=True, exist_ok=True)
    if name in ATTENTION:
        looks = made / f"regions-{regions.VERSION}.csv"
        if not looks.exists():
            write(looks, regions.of_study(trial, method).to_csv(index=False))
        shutil.copyfile(looks, target / "regions.csv")
    shutil.copyfile(made / "predictions.parquet", target / "predictions.parquet")
    about = predictions.attrs["run"] | {"trial": name}
    if name in ATTENTION:
        about["steps"] = about["steps"] | {"regions": regions.VERSION}
    write(target / "run.json", json.dumps(about, indent=1))
    return predictions


def folder(study: Study, name: str, seed: int) -> Path:
    """Return where the results of a trial are kept."""
    return base_folder(study) / "halves" / name / f"seed-{seed}"


def base_folder(study: Study) -> Path:
    """Return where results are kept: under ``runs/`` those of a dataset of one's own drawing, which
    would be taken for the published one otherwise."""
    if study.dataset == "synthetic" and not study.published:
        return study.home / "runs" / study.dataset / f"trials-{study.prepared.key}"
    return study.home / "results" / study.dataset / study.profile


def stored(study: Study, names: Iterable[str]) -> dict[str, dict[int, pd.DataFrame]]:
    """Return the kept predictions of some trials, those that there are: trial -> seed -> table."""
    return kept_runs(base_folder(study) / "halves", names)


def kept(study: Study, group: str) -> tuple[Study, dict[str, dict[int, pd.DataFrame]], str]:
    """Find the kept trials of a group for a page, and print what is shown and what is missing.

    Returns
    -------
    study : Study
        The study asked for, or that of the profile ``night`` where only that has kept trials.
    trials : dict
        See `stored`.
    where : str
        Data and profile, for captions.
    """
    names = GROUPS[group]
    found = stored(study, names)
    if not found and study.published:
        study = Study(profile="night")
        found = stored(study, names)
    where = f"{study.dataset}, profile {study.profile}"
    if found:
        some = next(iter(next(iter(found.values())).values()))
        where = f"{some.attrs['run']['version']}, profile {study.profile}"
        counted = f"{some['clip'].nunique()} clips of {some['subject'].nunique()} subjects"
        print(f"Shown: {where}: {counted}")
    else:
        print(f"No trial of {where} is kept: nothing can be shown yet.")
    lacking: dict[str, list[str]] = {}
    for name in names:
        if seeds := sorted({0, 1, 2} - set(found.get(name, {}))):
            lacking.setdefault(", ".join(map(str, seeds)), []).append(name)
    if lacking:
        print("Missing, of seeds 0 to 2:")
        for seeds, some in lacking.items():
            line = f"{seeds}: {', '.join(some)}"
            print(textwrap.fill(line, 80, subsequent_indent="   ", break_on_hyphens=False))
        print(f"Made by: {command(study, group)}")
    return study, found, where


def command(study: Study, group: str) -> str:
    """Return what makes the trials of a group for a study."""
    if study.published and study.profile == "night":
        return "make claims"
    root = "" if study.data_root is None else " --data-root ..."
    data = f"--dataset {study.dataset}{root} --profile {study.profile}"
    return f".venv/bin/merlib trials {group} {data}"


def sweep(study: Study, seed: int = 0) -> pd.DataFrame:
    """Train variants on all clips, and test them on new subjects at one amplitude after another.

    Only the synthetic generator can do that: the same new people and expressions, moved by
    `AMPLITUDES` pixels. Kept as ``results/<dataset>/<profile>/amplitude/seed-<k>/``.

    Returns
    -------
    DataFrame
        ``trial, amplitude, clip, label, predicted``.

    Raises
    ------
    ValueError
        If the study is of real data.
    """
    if study.dataset != "synthetic":
        raise ValueError(
            f"amplitude: dataset={study.dataset!r}, expected 'synthetic': nobody can set how far a "
            "real face moves"
        )
    kept = sweeps(study)
    if seed in kept:
        return kept[seed]
    target = sweep_folder(study, seed)
    begun = time.perf_counter()
    clips = {amplitude: swept(study, amplitude) for amplitude in AMPLITUDES}
    tasks = [delayed(sweep_one)(study, name, seed, clips) for name in SWEEP]
    tables = list(each(tasks, study.n_jobs, f"sweep, seed {seed}", "trial", study.progress))
    tables.sort(key=lambda one: SWEEP.index(one["trial"].iloc[0]))
    table = pd.concat(tables, ignore_index=True)
    write(target / "predictions.csv", table.to_csv(index=False))
    about = study.info() | {"method": "full", "trial": "amplitude", "seed": seed}
    about |= {"steps": study.steps("full")}
    about |= {"seconds": {"all": round(time.perf_counter() - begun, 3)}}
    about |= loso.surroundings()
    write(target / "run.json", json.dumps(about, indent=1))
    return table


def sweeps(study: Study) -> dict[int, pd.DataFrame]:
    """Return the kept sweeps, seed -> table; what made each is its ``attrs["run"]``."""
    found = {}
    for path in sorted(noted(sweep_folder(study, 0).parent).glob("seed-*/run.json")):
        table = pd.read_csv(path.with_name("predictions.csv"))
        table.attrs["run"] = json.loads(path.read_text())
        found[table.attrs["run"]["seed"]] = table
    return found


def sweep_folder(study: Study, seed: int) -> Path:
    """Return where a sweep is kept."""
    return base_folder(study) / "amplitude" / f"seed-{seed}"


def swept(study: Study, amplitude: float) -> Prepared:
    """Return the prepared clips of one amplitude, drawn and prepared if they are not there yet."""
    root = study.home / "data" / "synthetic" / f"amplitude-{amplitude}"
    options = {"n_jobs": study.n_jobs, "progress": study.progress}
    synthetic.write(root, amplitude=amplitude, **SWEPT, **options)
    return Study(
        data_root=root, profile=study.profile, home=study.home, **options, **study.overrides
    ).prepared


def sweep_one(study: Study, name: str, seed: int, tests: dict[float, Prepared]) -> pd.DataFrame:
    """Train one trial on all clips and predict those of every amplitude."""
    trial = TRIALS[name]
    config = replace(study.config, variant=trial.method, **trial.changes)
    with loso.one_thread():
        estimator = loso.fit(
            NetworkClassifier(config), Rows(study.prepared.x, np.arange(len(study.clips))),
            study.clips, seed,
        )  # fmt: skip
        tables = [
            pd.DataFrame(
                {
                    "trial": name,
                    "amplitude": amplitude,
                    "clip": test.clips["clip"],
                    "label": test.clips["emotion"],
                    "predicted": estimator.predict(test.x),
                }
            )
            for amplitude, test in tests.items()
        ]
    return pd.concat(tables, ignore_index=True)
