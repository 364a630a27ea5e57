"""The experiments behind the claims: each one changes the configuration in one way.

A trial is trained on half of the subjects and tested on the others, both ways
(:data:`merlib.study.study.PROTOCOLS`), with the folds of `merlib.loso`.
A network trains on half of the clips, so it gets twice the epochs of leave-one-subject-out and
takes as many steps; so does each network of table 2, see `merlib.study.study.Study.estimator`.
The published synthetic dataset of 246 clips is the default. With the protocol
``loso`` a trial leaves one subject out, has the profile's own epochs and is saved beside the runs
of the variants::

    runs/...                                 as every other run
    results/<dataset>/<profile>-halves/      what `run` saves
    results/<dataset>/<profile>/             what it saves with the protocol ``loso``
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from joblib import delayed

from merlib import loso, metrics, store
from merlib.config import FLOW, PROFILES, VARIANTS, Config, digest, profile
from merlib.data import synthetic
from merlib.files import say, write
from merlib.methods import GROUPS as METHOD_GROUPS
from merlib.methods import METHODS
from merlib.model.classifier import NetworkClassifier
from merlib.model.training import products
from merlib.parallel import Rows, each
from merlib.preprocess.pipeline import Prepared
from merlib.store import Saved
from merlib.values import known

from . import mistakes, regions
from .needs import lacks_frames
from .study import Study

Kind = TypeVar("Kind", bound=Study)

AMPLITUDES = (0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0)
"""Pixels of the sweep: strength of every action unit, see `merlib.data.synthetic.write`."""

SWEPT: dict[str, Any] = {"subjects": 12, "clips": 60, "seed": 3}
"""Subjects and clips at each amplitude, and the seed of their generator."""


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


FULL = {"full": Trial("base + MFEM + MFFM")}

ATTENTION = FULL | {
    "single": Trial("a single gate", {"attention": "single"}),
    "cbam": Trial("CBAM", {"attention": "cbam"}),
    "no-attention": Trial("no attention", {"attention": "none"}),
}
"""Claim 1: MFEM, or something else in its place."""

FUSION = FULL | {
    "base": Trial("base", method="base"),
    "mfem": Trial("base + MFEM", method="mfem"),
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
    "one-direction": Trial("LSTM forwards alone", {"sequence": "lstm"}),
    "first-branch": Trial("SAM then CCAM alone", {"mfem_branches": "first"}),
    "second-branch": Trial("CCAM then SAM alone", {"mfem_branches": "second"}),
    "serial": Trial("MFEM's branches one after the other", {"mfem_branches": "serial"}),
    "two-frames": Trial("onset and apex frames alone", {"frames": 2}),
    "no-augmentation": Trial("no augmentation", {"flip": 0.0, "rotation": 0.0, "scaling": 0.0}),
    "no-flip": Trial("no mirror flip", {"flip": 0.0}),
    "sampled-first": Trial("frames sampled, then magnified", {"evm_order": "after"}),
    "flow-hue": Trial("flow as a picture of hues", {"flow_image": "hue"}),
    "flow-scaled": Trial("flow as a stretched picture", {"flow_image": "scaled"}),
}
"""Claim 3: what each ingredient brings."""

IMBALANCE = FULL | {
    "sampler": Trial("class-balanced sampler", {"imbalance": "sampler"}),
    "logit-adjustment": Trial("logit adjustment", {"imbalance": "logit-adjustment"}),
}
"""Claim of section 4: classes of different sizes are what to work on."""

CONTRASTS = {
    "magnification": ("full", "no-magnification"),
    "magnification, no flow": ("grey-only", "plain-grey-only"),
    "flow": ("full", "grey-only"),
    "flow and magnification": ("full", "plain-grey-only"),
    "grey": ("full", "flow-only"),
    "BiLSTM": ("full", "no-bilstm"),
    "backward direction": ("full", "one-direction"),
    "MFEM's branch 1": ("full", "second-branch"),
    "MFEM's branch 2": ("full", "first-branch"),
    "branches side by side": ("full", "serial"),
    "frames in between": ("full", "two-frames"),
    "augmentation": ("full", "no-augmentation"),
    "mirror flip": ("full", "no-flip"),
    "magnified before sampling": ("full", "sampled-first"),
    "flow as numbers, not hues": ("full", "flow-hue"),
    "flow as numbers, not stretched": ("full", "flow-scaled"),
}
"""Ingredient -> a trial with it, and one without it."""

LONGER = {
    f"{name}-2x": Trial(f"{METHODS[name].title}, twice the epochs", {"epochs": "2x"}, method=name)
    for name in VARIANTS
}
"""Of each variant a run of twice the epochs: a module that only makes a network learn sooner gains
nothing in it."""

SENSITIVITY = FULL | {
    "no-magnification": INGREDIENTS["no-magnification"],
    "larger-images": Trial("images twice as wide and high", {"size": "2x"}),
    "more-frames": Trial("1.6 times the frames", {"frames": "1.6x"}),
    "alpha-5": Trial("alpha = 5", {"evm_alpha": 5.0}),
    "alpha-20": Trial("alpha = 20", {"evm_alpha": 20.0}),
    "sampled-first": INGREDIENTS["sampled-first"],
    "butterworth": Trial("Butterworth filter", {"evm": "butterworth"}),
    "all-bands": Trial("every spatial band magnified", {"evm_bands": "all"}),
    "flow-magnified": Trial("flow of magnified frames", {"flow_source": "magnified"}),
    "flow-consecutive": Trial("flow between neighbours", {"flow_pairs": "consecutive"}),
    "flow-hue": INGREDIENTS["flow-hue"],
    "flow-scaled": INGREDIENTS["flow-scaled"],
    "flow-dis": Trial("DIS flow, not TV-L1", {"flow_method": "dis"}),
    "flow-farneback": Trial("Farnebäck's flow, not TV-L1", {"flow_method": "farneback"}),
    "head-motion": Trial("head motion not removed", {"head_motion": "keep"}),
    "grey-frames": Trial("grey frames, not their change", {"grey": "frames"}),
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
    **{name: INGREDIENTS[name] for name in ("first-branch", "second-branch", "serial")},
    "project": Trial("1x1 convolution to C channels", {"next_input": "project"}),
    "attended": Trial("next stage sees X_k alone", {"next_input": "attended"}),
    "fim-1x1": Trial("1x1 outer convolution in FIM", {"fim_kernel": 1}),
    "fim-7x7": Trial("7x7 outer convolution in FIM", {"fim_kernel": 7}),
    "fim-inner-3x3": Trial("3x3 inner convolution in FIM", {"fim_inner_kernel": 3}),
    "fim-inner-7x7": Trial("7x7 inner convolution in FIM", {"fim_inner_kernel": 7}),
    "fim-tau": Trial("7x7 both times in FIM", {"fim_kernel": 7, "fim_inner_kernel": 7}),
    "nearest": Trial("upsampled by the nearest place", {"fim_upsample": "nearest"}),
    "fim-relu": Trial("ReLU after FIM's norm", {"fim_relu": True}),
    "cascade": Trial("cascade of pairs", {"fim_pairs": "cascade"}),
    "all-pairs": Trial("all six pairs", {"fim_pairs": "all"}),
    "one-direction": INGREDIENTS["one-direction"],
    "lstm-512": Trial("LSTM twice as wide", {"lstm_hidden": "2x"}),
    "lstm-mean": Trial("mean over the LSTM's states", {"lstm_output": "mean"}),
    "one-layer-head": Trial("one linear layer", {"head": "one"}),
    "adam": Trial("Adam (0.9, 0.99)", {"optimiser": "adam", "learning_rate": "0.1x"}),
    "batch-16": Trial("batches of 16 clips", {"batch_size": 16}),
    "no-weight-decay": Trial("no weight decay", {"weight_decay": 0.0}),
    **{name: IMBALANCE[name] for name in ("sampler", "logit-adjustment")},
    "float32": Trial("products in float32", {"precision": "float32"}),
    "bfloat16": Trial("products in bfloat16", {"precision": "bfloat16"}),
    "literal": Trial("the text taken at its word", PROFILES["literal"]),
}
"""Claim 6: the alternatives of the decisions, and those of the profile ``literal`` all at once.
ImageNet weights are not among them: they need a download. A text such as ``2x`` multiplies the
profile's own value."""

TABLE2 = FULL | {name: Trial(METHODS[name].title, method=name) for name in METHOD_GROUPS["table2"]}
"""The paper's comparison with other methods: each is a trial without a change. The paper's own one
is first, by which the command line says how long they take."""

GROUPS = {
    "attention": ATTENTION,
    "fusion": FUSION,
    "table2": TABLE2,
    "ingredients": INGREDIENTS,
    "imbalance": IMBALANCE,
    "longer": LONGER,
    "sensitivity": SENSITIVITY,
}
SWEEP = ["base", "mfem", "mffm", "full", "linear"]
"""Trials of the amplitude sweep."""

TRIALS = {name: trial for group in GROUPS.values() for name, trial in group.items()}


def study_of(name: str, study: Study, seed: int = 0, protocol: str = "halves") -> Study:
    """Return the study of a trial: data and choices of another study, a protocol, one change.

    Raises
    ------
    ValueError
        If there is no such trial, or its change contradicts the dataset.
    """
    known("trial", [name], TRIALS)
    return like(study, name, seed, protocol, Study)


def like(study: Study, name: str, seed: int, protocol: str, kind: type[Kind]) -> Kind:
    """Return a study of a kind of `Study`, otherwise as `study_of` does."""
    return kind(
        study.dataset,
        study.data_root,
        study.profile,
        seed,
        n_jobs=study.n_jobs,
        progress=study.progress,
        home=study.home,
        protocol=protocol,
        workers=study.workers,
        **study.overrides | differences(study.config, name, protocol, study.dataset),
    )


def is_current(study: Study, there: Saved, name: str, seed: int) -> bool:
    """Return whether a measurement of a study is saved and would come out the same today."""
    kept = there.runs().get((name, seed))
    return kept is not None and not store.stale(kept, choices(kept, study))


def impossible(name: str, study: Study) -> str:
    """Return why a trial says nothing about a dataset; empty if it does."""
    try:
        changed = study_of(name, study, protocol="loso").config
    except ValueError as error:
        return str(error)
    if TRIALS[name].changes and changed == study.config:
        return f"it changes nothing on the dataset {study.dataset}"
    if why := lacks_frames(study.dataset, TRIALS[name].method, study.config):
        return why
    if set(TRIALS[name].changes) == {"precision"}:
        device = "auto" if study.workers.share() else "cpu"
        if products(changed, device) == products(study.config, device):
            return "it changes nothing on this machine"
    return ""


def choices(about: Mapping[str, Any], study: Study | None = None) -> dict[str, Any]:
    """Return what the profile (and trial) of a run means today, field -> value.

    Parameters
    ----------
    about : dict
        What made the run, see `merlib.store.run`. A measurement with a name of its own may say of
        which trial its network is, as ``of_trial``.
    study : Study, optional
        If the run is of its dataset and profile, its choices count instead of the profile's own.
    """
    base = profile(about["profile"], about["dataset"])
    if study is not None and (study.profile, study.dataset) == (about["profile"], about["dataset"]):
        base = study.config
    trial = about.get("of_trial", about.get("trial"))
    if trial in TRIALS:
        protocol = about.get("protocol", "halves")  # the only one of older trials
        base = replace(base, **differences(base, trial, protocol, about["dataset"]))
    files = {name: about["configuration"].get(name) for name in ("pretrained", "landmarks")}
    return base.step() | files  # a reader's own files are not a choice of the profile


def differences(
    base: Config, name: str, protocol: str = "halves", dataset: str = "synthetic"
) -> dict[str, Any]:
    """Return the fields in which a trial differs from a configuration, with their new values.

    A trial that is a profile keeps what the dataset ``flow`` changes in every profile.
    """
    kept = FLOW if dataset == "flow" and name in PROFILES else {}
    longer: dict[str, Any] = {"epochs": 2 * base.epochs} if protocol == "halves" else {}
    base = replace(base, **longer)
    changes = {
        key: multiplied(getattr(base, key), value)
        for key, value in TRIALS[name].changes.items()
        if key not in kept
    }
    return longer | changes


def multiplied(value: Any, change: Any) -> Any:
    """Return the new value of a field: the change, or ``2x`` of what it was."""
    if isinstance(change, str) and change.endswith("x") and change[:-1].replace(".", "").isdigit():
        return type(value)(round(value * float(change[:-1]), 6))
    return change


def run(name: str, study: Study, seed: int = 0, protocol: str = "halves") -> pd.DataFrame:
    """Return the predictions of a trial, and save them; folds that are not there are trained.

    A trial of `ATTENTION` by halves also saves where its maps look, see `merlib.study.regions`,
    unless the dataset has no faces.
    """
    trial, method = study_of(name, study, seed, protocol), TRIALS[name].method
    predictions = trial.predictions(method, name=name)
    about, tables = predictions.attrs["run"] | {"trial": name}, {"predictions": predictions}
    if name in ATTENTION and study.dataset == "flow":
        say("Where attention looks is not measured: the dataset flow has no faces.")
    elif name in ATTENTION and protocol == "halves":
        # The columns are in the name: a file of before one of them was measured does not count.
        measured = f"regions-{regions.VERSION}-{digest(regions.COLUMNS)}.csv"
        looks = trial.run_folder(method, seed) / measured
        if not looks.exists():
            write(looks, regions.of_study(trial, method).to_csv(index=False))
        if looks.read_text("utf-8").strip():  # else no region of any clip is known
            tables["regions"] = regions.read(looks)
        about["steps"] = about["steps"] | {"regions": regions.VERSION}
    saved(study, protocol).save(about, **tables)
    return predictions


def saved(study: Study, protocol: str = "halves") -> Saved:
    """Return the saved trials of a study's data and profile."""
    return study.saved(protocol=protocol)


@dataclass(frozen=True)
class Found:
    """The saved trials of a group, for a page.

    Attributes
    ----------
    group : str
        One of `GROUPS`.
    study : Study
        The study that was asked for. If it has no saved trials and its data is the published one,
        that of the profile ``narrow``.
    runs : dict
        Trial -> seed -> predictions, without trials that have none.
    """

    group: str
    study: Study
    runs: dict[str, dict[int, pd.DataFrame]]

    @property
    def where(self) -> str:
        """Data and profile, for captions."""
        data = self.study.dataset
        for seeds in self.runs.values():
            for table in seeds.values():
                data = table.attrs["run"]["version"]
        return f"{data}, profile {self.study.profile}"

    @property
    def missing(self) -> dict[str, list[str]]:
        """Seeds of 0 to 2 that are missing, as text -> trials that lack them."""
        found: dict[str, list[str]] = {}
        left_out = self.impossible
        for name in GROUPS[self.group]:
            seeds = sorted({0, 1, 2} - set(self.runs.get(name, {})))
            if seeds and name not in left_out:
                found.setdefault(", ".join(map(str, seeds)), []).append(name)
        return found

    @property
    def impossible(self) -> dict[str, str]:
        """Trials that say nothing about this data -> why, see `impossible`."""
        reasons = {name: impossible(name, self.study) for name in GROUPS[self.group]}
        return {name: why for name, why in reasons.items() if why}


def of_narrow(study: Study) -> Study | None:
    """Return the study of ``narrow`` whose saved results pages show where a published one has none.

    It is of the same dataset; None if there is no such study.
    """
    if study.published and study.profile != "narrow":
        return Study(study.dataset, profile="narrow", home=study.home)
    return None


def of_record(
    study: Study, methods: Iterable[str] = VARIANTS, protocol: str = "halves"
) -> dict[str, dict[int, pd.DataFrame]]:
    """Return the saved runs of methods in the study of record, by default those by halves.

    That is `of_narrow`, or the study itself if it is of ``narrow``; empty if nothing is saved.
    """
    narrow = study if study.profile == "narrow" else of_narrow(study)
    return saved(narrow, protocol).load(methods, every_epoch=False) if narrow else {}


def of_people(study: Study) -> dict[str, dict[int, pd.DataFrame]]:
    """Return the saved runs of many drawn people, see `merlib.study.new_people`.

    They are of the study of `of_record`; empty with fewer than :data:`merlib.metrics.MANY` fits,
    whose own spread would be unknown.
    """
    runs = of_record(study, TRIALS, "people")
    return {name: fits for name, fits in runs.items() if len(fits) >= metrics.MANY}


def find(study: Study, group: str, every_epoch: bool = True) -> Found:
    """Return the saved trials of a group, see `Found` and `merlib.store.Saved.load`."""
    runs = saved(study).load(GROUPS[group], every_epoch)
    if not runs and (narrow := of_narrow(study)):
        return find(narrow, group, every_epoch)
    return Found(group, study, runs)


def command(study: Study, group: str) -> str:
    """Return what makes the trials of a group for a study."""
    if study.published and (study.dataset, study.profile) == ("synthetic", "narrow"):
        return "make claims"
    root = "" if study.data_root is None else " --data-root ..."
    data = f"--dataset {study.dataset}{root} --profile {study.profile}"
    return f".venv/bin/merlib trials {group} {data}"


def sweep(study: Study, seed: int = 0) -> pd.DataFrame:
    """Train variants on all clips, and test them on new subjects at one amplitude after another.

    Only the synthetic generator can do that: the same new people and expressions, moved by
    `AMPLITUDES` pixels. It is saved as the measurement ``amplitude``.

    Returns
    -------
    DataFrame
        ``trial, amplitude, clip, label, predicted``.

    Raises
    ------
    ValueError
        If the dataset is not ``synthetic``.
    """
    if study.dataset != "synthetic":
        raise ValueError(
            f"amplitude: dataset={study.dataset!r}, expected 'synthetic': only its faces are drawn "
            "again, and nobody can set how far a real face moves"
        )
    there = saved(study)
    if is_current(study, there, "amplitude", seed):
        return sweeps(study)[seed]
    begun = time.perf_counter()
    tests = [swept(study, amplitude) for amplitude in AMPLITUDES]
    labels = [one.clips[["clip", "emotion"]] for one in tests]
    X, clips, faces = study.prepared.x, study.clips, [one.x for one in tests]
    tasks = []
    for name in SWEEP:
        changes = {"variant": TRIALS[name].method} | TRIALS[name].changes
        estimator = NetworkClassifier(replace(study.config, **changes))
        estimator, gpus = loso.placed(estimator, study.workers)
        tasks.append(delayed(sweep_one)(name, estimator, X, clips, seed, labels, *faces))
    title, where = f"sweep, seed {seed}", study.workers
    folds = list(each(tasks, study.n_jobs, title, "trial", study.progress, 0, where, gpus))
    folds.sort(key=lambda one: SWEEP.index(one.left_out))
    table = pd.concat([one.table for one in folds], ignore_index=True)
    devices = [one.device for one in folds]
    there.save(measured(study, "amplitude", "full", seed, begun, devices), amplitude=table)
    return table


def measured(
    study: Study,
    name: str,
    method: str,
    seed: int,
    begun: float,
    devices: Iterable[str] = ("CPU",),
) -> dict[str, Any]:
    """Return what made a measurement: steps of a method, seconds since it was begun, devices."""
    about = study.info() | {"method": method, "trial": name, "seed": seed}
    about |= {"steps": study.steps(method)}
    about |= {"seconds": {"all": round(time.perf_counter() - begun, 3)}}
    return about | store.surroundings(devices)


def mistaken(study: Study, seed: int = 0) -> pd.DataFrame:
    """Score a quick classifier honestly and with each known mistake, on labels of three kinds.

    It is saved beside the runs of leave-one-subject-out, as the measurement ``mistakes``.

    Returns
    -------
    DataFrame
        Each row is one of `merlib.study.mistakes.kinds`, its name in the column ``labels``; the
        other columns are those of `merlib.study.mistakes.scores`.
    """
    there = saved(study, "loso")
    if not is_current(study, there, "mistakes", seed):
        begun = time.perf_counter()
        clips, X = study.clips, mistakes.coarse(study.numbers.x)
        labels, subjects = (clips[name].to_numpy(str) for name in ("emotion", "subject"))
        kinds = mistakes.kinds(labels, subjects, seed)
        given = subjects, clips.attrs["classes"], seed
        tasks = [delayed(mistakes.scores_of)(name, X, kinds[name], *given) for name in kinds]
        title, where = f"mistakes, seed {seed}", study.workers
        found = dict(each(tasks, study.n_jobs, title, "kind", study.progress, workers=where))
        table = pd.DataFrame([{"labels": name} | found[name] for name in kinds])
        about = measured(study, "mistakes", "logistic", seed, begun) | {"protocol": "loso"}
        there.save(about, mistakes=table)
    table = there.measured("mistakes")
    return table[table["seed"] == seed].drop(columns=["name", "seed"]).reset_index(drop=True)


def sweeps(study: Study) -> dict[int, pd.DataFrame]:
    """Return the saved sweeps, seed -> table; ``attrs["run"]`` says what made each."""
    there, found = saved(study), {}
    everything = there.table("amplitude")
    for (name, seed), about in there.runs().items():
        if name == "amplitude":
            table = everything[everything["seed"] == seed].drop(columns=["name", "seed"])
            found[seed] = table.reset_index(drop=True)
            found[seed].attrs["run"] = about
    return found


def by_amplitude(sweeps: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Return the accuracy of each network of the sweeps at each amplitude.

    Parameters
    ----------
    sweeps : dict
        Seed -> answers, see `sweep`.

    Returns
    -------
    DataFrame
        Each row is one amplitude in pixels, ascending; the columns are ``(trial, seed)``. It is
        empty without a sweep.
    """
    table = together(sweeps)
    right = table["label"] == table["predicted"]
    keys = ["amplitude", "trial", "seed"]
    return right.groupby([table[key] for key in keys]).mean().unstack(keys[1:])


def breakdown(accuracy: pd.Series, chance: float, clips: int) -> float:
    """Return the amplitude at which a curve falls to half-way between chance and its best.

    Parameters
    ----------
    accuracy : Series
        Amplitude in pixels, ascending -> accuracy.
    chance : float
        Accuracy of a method that always answers the largest class.
    clips : int
        Clips at each amplitude.

    Returns
    -------
    float
        Pixels, interpolated on the logarithm of the amplitude. It is the smallest amplitude if the
        curve never falls so low, and NaN if its best cannot be told from chance (`metrics.wilson`).
    """
    best = int(np.argmax(accuracy))
    if metrics.wilson(round(accuracy.iloc[best] * clips), clips)[0] <= chance:
        return np.nan
    half = (chance + accuracy.iloc[best]) / 2
    below = np.flatnonzero(accuracy.iloc[:best] < half)
    if not len(below):
        return float(accuracy.index[0])
    around = slice(below[-1], below[-1] + 2)
    return float(np.exp(np.interp(half, accuracy.iloc[around], np.log(accuracy.index[around]))))


def breakdowns(accuracies: pd.DataFrame, chance: float, clips: int) -> pd.DataFrame:
    """Return the `breakdown` of each network of the sweeps, in pixels.

    Parameters
    ----------
    accuracies : DataFrame
        See `by_amplitude`.
    chance, clips
        See `breakdown`.

    Returns
    -------
    DataFrame
        Each row is one trial, in the order of `SWEEP`; each column is one seed.
    """
    found = accuracies.apply(breakdown, args=(chance, clips)).unstack("seed")
    return found.loc[[name for name in SWEEP if name in found.index]]


def small_movements(
    sweeps: Mapping[int, pd.DataFrame], below: float = 1.0
) -> dict[str, dict[int, pd.DataFrame]]:
    """Return the answers of sweeps to small movements as predictions.

    Parameters
    ----------
    sweeps : dict
        Seed -> answers, see `sweep`.
    below : float
        Pixels; only smaller amplitudes count.

    Returns
    -------
    dict
        Trial -> seed -> predictions, as `merlib.loso` makes them: each row is one clip at one
        amplitude, and the answer has probability 1.
    """
    table = together(sweeps)
    table = table[table["amplitude"] < below]
    classes = sorted({*table["label"], *table["predicted"]})
    answers = {f"p_{name}": (table["predicted"] == name).astype(float) for name in classes}
    table = table.assign(
        clip=table["clip"] + " at " + table["amplitude"].astype(str),
        subject=table["clip"].str.split("/").str[0],
        epoch=1,
        **answers,
    )
    return {name: dict(list(rows.groupby("seed"))) for name, rows in table.groupby("trial")}


def together(sweeps: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Return the answers of all sweeps in one table, with the column ``seed``."""
    columns = ["trial", "amplitude", "clip", "label", "predicted", "seed"]
    tables = [table.assign(seed=seed) for seed, table in sweeps.items()]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def swept(study: Study, amplitude: float) -> Prepared:
    """Return the prepared clips of one amplitude, drawn and prepared if they are not there yet."""
    root = study.home / "data" / "synthetic" / f"amplitude-{amplitude}"
    options: dict[str, Any] = {"n_jobs": study.n_jobs, "progress": study.progress}
    synthetic.write(root, amplitude=amplitude, **SWEPT, **options)
    return Study(
        data_root=root, profile=study.profile, home=study.home, **options, **study.overrides
    ).prepared


def sweep_one(
    name: str,
    estimator: NetworkClassifier,
    X: np.ndarray,
    clips: pd.DataFrame,
    seed: int,
    labels: list[pd.DataFrame],
    *faces: np.ndarray,
) -> loso.Fold:
    """Train one trial on all clips and predict the faces of every amplitude."""
    begun = time.perf_counter()
    with loso.one_thread():
        fitted = loso.fit(estimator, Rows(X, np.arange(len(X))), clips, seed)
        tables = [
            pd.DataFrame(
                {
                    "trial": name,
                    "amplitude": amplitude,
                    "clip": test["clip"],
                    "label": test["emotion"],
                    "predicted": fitted.predict(x),
                }
            )
            for amplitude, test, x in zip(AMPLITUDES, labels, faces, strict=True)
        ]
    table, device = pd.concat(tables, ignore_index=True), loso.device_of(estimator)
    return loso.Fold(name, table, time.perf_counter() - begun, device, {})
