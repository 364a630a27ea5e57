"""One study: a dataset, a profile and a seed, from the frames on disk to the predictions.

Everything is computed when it is first asked for and written to disk, so that a notebook that runs
alone, the command line and ``make study`` share their work::

    data/synthetic/<size>     an embedded dataset, written when it is missing
    data/prepared/...         prepared clips
    runs/<dataset>/<profile>-<key>/<method>/seed-<k>/    predictions; key names data, choices, code
    runs/<dataset>/<profile>-<key>/<method>/seed-<k>-<name>/    of the true flow, for example
    results/<dataset>/<profile>/                         saved runs, see `merlib.store`
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, get_type_hints

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from merlib import code, config, loso, store, versions
from merlib.data import published, synthetic
from merlib.data.clips import load_clips
from merlib.data.findings import Findings, without_bad
from merlib.data.frames import read_frames
from merlib.data.tables import LAYOUTS
from merlib.files import alone, find_home, noted, short_name, usable
from merlib.methods import METHODS, make
from merlib.methods.deep import DeepClassifier
from merlib.methods.views import VIEWS
from merlib.model import saved
from merlib.model.saved import Model
from merlib.parallel import Workers
from merlib.preprocess.pipeline import (
    Prepared,
    apex_searched,
    gpu_device,
    grey_crops,
    magnified,
    prepare,
    transform,
)
from merlib.store import Saved
from merlib.values import checked, known

from . import check, origin
from .needs import lacks_frames, needs

READING = {"classes": None, "table": None, "strict": False, "faces": "auto", "eyes": None,
           "leave_out": (), "skip_bad": 0.0}  # fmt: skip
"""Options of `merlib.data.clips.load_clips`, with their defaults."""

PROTOCOLS = {"loso": "subject", "cross": "source", "halves": "half"}
"""What is left out: one subject at a time, one dataset of several, or half of the subjects."""


class Study:
    """A dataset, a profile and a seed, and all that follows from them.

    Parameters
    ----------
    dataset : {"synthetic", "synthetic-samm", "casme2", "samm", "composite", "flow", "own"}
    data_root : path, optional
        Folder of your own copy. Without it, ``synthetic`` uses (and writes, if it is missing) the
        published dataset of the profile's size in CASME II's layout, and ``synthetic-samm`` that
        in SAMM's layout, 136 clips of 27 subjects; the others raise.
    profile : {"laptop", "paper", "literal", "narrow"}
    seed : int
        Seed of training. The generator of the synthetic dataset has its own.
    n_jobs : int, optional
        Parallel processes; by default the number of CPU cores.
    progress : bool
        Show progress bars.
    home : path, optional
        Where ``data``, ``runs`` and ``results`` lie; see :func:`find_home`.
    protocol : {"loso", "cross", "halves"}
        Leave one subject out; leave out one dataset of several (``composite``, ``flow``), each in
        turn; or train on half of the subjects and test on the others, both ways: as strict as the
        first, and many times cheaper.
    workers : Workers, optional
        Where the folds run, see :class:`merlib.parallel.Workers`.
    **overrides
        Fields of :class:`merlib.config.Config` that replace the profile's, and options of
        :func:`merlib.data.clips.load_clips`: ``classes``, ``table``, ``strict``, ``faces``,
        ``eyes``, ``leave_out``, ``skip_bad``.

    Raises
    ------
    ValueError
        If an argument is unknown; see also the errors of each step.
    """

    def __init__(
        self,
        dataset: str = "synthetic",
        data_root: str | Path | None = None,
        profile: str = "laptop",
        seed: int = 0,
        *,
        n_jobs: int | None = None,
        progress: bool = False,
        home: str | Path | None = None,
        protocol: str = "loso",
        workers: Workers | None = None,
        **overrides,
    ):
        known("option", overrides, [*READING, *config.kinds()])
        self.dataset = checked("dataset", config.Dataset, dataset)
        self.profile = checked("profile", config.ProfileName, profile)
        self.protocol = checked("protocol", config.Protocol, protocol)
        self.seed = checked("seed", config.Seed, seed)
        root, jobs = (
            checked("data_root", str | None, data_root),
            checked("n_jobs", config.Jobs, n_jobs),
        )
        self.data_root = root and Path(root).expanduser()
        self.n_jobs = jobs if jobs and jobs > 0 else joblib.cpu_count()
        fields = {name: value for name, value in overrides.items() if name not in READING}
        self.config = config.profile(self.profile, self.dataset, **fields)
        if self.config.frames < 2 and self.dataset != "flow":  # the first frame is the onset
            raise ValueError(f"frames={self.config.frames}: expected 2 or more; one has no change")
        kinds = get_type_hints(load_clips)
        self.reading = {
            name: checked(name, kinds[name], overrides.get(name, default))
            for name, default in READING.items()
        }
        chosen = self.config.step() | self.reading
        self.overrides = {name: chosen[name] for name in overrides}
        self.progress = progress
        self.workers = workers or Workers.chosen()
        self.views: dict[str, np.ndarray] = {}
        self.home = find_home() if home is None else Path(home)
        if self.dataset not in config.DRAWN and self.data_root is None:
            where = f"; {LAYOUTS['flow'].source}" if self.dataset == "flow" else ""
            raise ValueError(
                f"dataset={self.dataset!r} needs data_root, the folder of your own copy{where}"
            )

    @cached_property
    def published(self) -> bool:
        """Whether this is a published synthetic dataset, by what its files hold."""
        if self.dataset not in config.DRAWN:
            return False
        if self.data_root is None and not (self.usual_root / "dataset.json").exists():
            return True  # it is drawn when it is needed
        return self.drawn == origin.published(self.dataset, self.profile)

    @property
    def public(self) -> bool:
        """Whether everybody can get this data: the published one, or an official release."""
        if self.dataset in (*config.DRAWN, "own"):
            return self.published
        if self.dataset == "flow":
            return self.prepared.key == origin.FLOW
        return "synthetic data" not in self.clips.attrs["version"]

    @property
    def as_recorded(self) -> bool:
        """Whether no frame is a cropped face, and no eyes are named, so that only pixels count."""
        if self.dataset in (*config.DRAWN, "own", "flow"):
            return True
        return not (self.clips["cropped"].any() or self.clips["eyes"].notna().any())

    @cached_property
    def drawn(self) -> dict[str, Any] | None:
        """What the generator was asked for this data; see `merlib.study.origin.drawn`."""
        return origin.drawn(self.root)

    def chosen_reading(self) -> dict[str, Any]:
        """Return the options of reading that are not the default; of a file only its name."""
        files = ("table", "eyes")
        default = {name: value or None for name, value in READING.items()}
        chosen = {name: v for name, v in self.reading.items() if (v or None) != default[name]}
        return {name: Path(v).name if name in files else v for name, v in chosen.items()}

    @property
    def usual_root(self) -> Path:
        """Folder of the published synthetic dataset: its size, or ``samm`` for that layout."""
        size = config.SYNTHETIC_SIZE[self.profile]
        name = size if self.dataset == "synthetic" else config.DRAWN[self.dataset]
        return self.home / "data" / "synthetic" / name

    @cached_property
    def root(self) -> Path:
        """Folder of the dataset; the published synthetic one is written if it is missing."""
        if self.data_root is not None:
            return self.data_root
        options = origin.published(self.dataset, self.profile) | {"progress": self.progress}
        del options["generator"]
        return synthetic.write(self.usual_root, n_jobs=self.n_jobs, **options)

    @cached_property
    def prepared(self) -> Prepared:
        """Prepared clips of section 3.1.2, an array of shape (N, T, C, H, W)."""
        return self.prepared_by(self.config)

    @cached_property
    def numbers(self) -> Prepared:
        """The clips with their flow as u and v, also where the network gets an image of it.

        The other methods take these, and pages that draw the flow.
        """
        if self.config.flow_image == "numbers":
            return self.prepared
        return self.prepared_by(replace(self.config, flow_image="numbers"))

    def frames_of(self, row: int) -> np.ndarray:
        """Return the sampled frames of a clip (T, S, S), magnified, grey 0 to 255.

        A page shows them; a prepared clip has only how they differ from the onset.
        """
        clip, choices = self.clips.loc[row], self.config
        frames = read_frames(clip["frames"])
        matrix = transform(frames[0], choices, clip["cropped"], clip["eyes"])
        crops, index = grey_crops(frames, clip["apex"] - clip["onset"], choices, matrix)
        return magnified(crops, choices, clip["fps"], index)

    def read(self) -> pd.DataFrame:
        """Return the clip table as it is read, before anything is prepared."""
        clips = load_clips(self.dataset, self.root, **self.reading)
        if self.protocol == "cross" and clips["source"].nunique() < 2:
            raise ValueError(
                f"protocol='cross' leaves out one dataset of several: {self.root} was read as "
                f"{clips['source'].iloc[0]} alone, expected a composite of CASME II and SAMM"
            )
        if self.dataset in config.DRAWN and not self.published:
            clips.attrs["version"] += ", not the published dataset"
        return clips

    @property
    def gpu_chosen(self) -> bool:
        """Whether a GPU that is there may be used."""
        return self.workers.gpus != 0

    def prepared_by(self, choices: config.Config) -> Prepared:
        """Return the clips, prepared by these choices."""
        clips = self.read()
        if self.dataset == "flow":
            return self.of_pictures(clips, choices)
        if choices.short_clips == "repeat":
            check.short_clips(clips, choices).stop(self.root, self.reading["strict"])
        cache = self.cache("merlib.preprocess.pipeline")
        made = prepare(
            self.compared(clips, notes=cache),
            choices,
            cache=cache,
            n_jobs=self.n_jobs,
            progress=self.progress,
            gpu=self.gpu_chosen,
        )
        made.clips.attrs["repairs"] += repeated(made.clips, choices)
        return made

    def compared(self, clips: pd.DataFrame, notes: Path) -> pd.DataFrame:
        """Return clips that show no frame of another subject, see `merlib.study.check.same_frames`.

        A DatasetError names the others; they are left out if ``skip_bad`` allows it.
        """
        findings = check.same_frames(clips, notes, self.n_jobs, self.progress)
        clips = without_bad(clips, findings, set(clips["clip"]))
        findings.stop(self.root, self.reading["strict"])
        told = [*clips.attrs["warnings"], *map(str, findings.of("warning"))]
        clips.attrs["warnings"] = list(dict.fromkeys(told))  # equal files were told before
        return clips

    def of_pictures(self, clips: pd.DataFrame, choices: config.Config) -> Prepared:
        """Return the prepared clips of the dataset ``flow``; its few pictures need no cache."""
        pictures, clips.attrs["notes"] = published.read_pictures(clips), []
        shown = [hashlib.sha256(picture).hexdigest() for picture in pictures]
        rows = zip(clips["clip"], clips["subject"], clips["emotion"], shown, strict=True)
        x = published.channels(pictures, choices)
        return Prepared(x, clips, config.digest(sorted(rows)))

    def cache(self, module: str) -> Path:
        """Return the folder of what a module has prepared of the clips, by its code of today."""
        return self.home / "data" / "prepared" / code.key(module, "merlib.data.clips")

    def view(self, method: str) -> np.ndarray:
        """Return what a method takes of the clips (N, ...), in the order of :attr:`clips`.

        A ValueError says that it needs frames, and there is only flow.
        """
        name = METHODS[method].view
        if name is None:
            return np.zeros((len(self.clips), 1), np.float32)
        if why := lacks_frames(self.dataset, method, self.config):
            raise ValueError(why)
        if name == "channels":
            return (self.prepared if method in config.VARIANTS else self.numbers).x
        if name not in self.views and self.dataset == "flow":
            self.views[name] = published.VIEWS[name](published.read_pictures(self.clips))
        elif name not in self.views:
            self.views[name] = prepare(
                self.clips,
                self.config,
                cache=self.cache("merlib.methods.views"),
                n_jobs=self.n_jobs,
                progress=self.progress,
                view=VIEWS[name],
            ).x
        return self.views[name]

    @cached_property
    def clips(self) -> pd.DataFrame:
        """The clip table, in the order of :attr:`prepared`."""
        return self.divided(self.prepared.clips)

    def divided(self, clips: pd.DataFrame, seed: int | None = None) -> pd.DataFrame:
        """Return clips with the column by which they are left out; each seed has its own halves."""
        if self.protocol == "halves":
            dealt = loso.halves(clips["subject"], self.seed if seed is None else seed)
            return clips.assign(half=clips["subject"].map(dealt))
        return clips

    def estimator(self, method: str):
        """Return the unfitted classifier of a method.

        By halves, a network of table 2 has twice its epochs: half of the clips, as many steps. The
        epochs of the paper's network are a choice of the configuration, which a trial doubles.
        """
        found = make(method, self.config)
        if self.protocol == "halves" and isinstance(found, DeepClassifier):
            found.set_params(epochs=2 * found.epochs)
        return found

    def single(self, method: str):
        """Return the unfitted classifier of a method, for a training in this process."""
        return loso.placed(self.estimator(method), self.workers.here)[0]

    def needs(self, methods: Iterable[str]) -> Findings:
        """Return what stops or limits methods on these clips, see `merlib.study.needs`."""
        return needs(self.clips, methods, self.config, PROTOCOLS[self.protocol])

    def predictions(
        self, method: str, seed: int | None = None, name: str | None = None
    ) -> pd.DataFrame:
        """Return the predictions of a method; leave-one-subject-out runs if they are not there.

        Parameters
        ----------
        method : str
            A name of :data:`merlib.methods.METHODS`.
        seed : int, optional
            Instead of the study's own.
        name : str, optional
            What the progress bar says instead of the method.

        Raises
        ------
        DatasetError
            If these clips do not give the method what it needs, see :meth:`needs`.
        FoldError
            If a fold cannot be computed; see :func:`merlib.loso.leave_one_subject_out`.
        """
        seed = self.seed if seed is None else checked("seed", config.Seed, seed)
        self.needs([method]).stop(self.root)
        return store.run(
            self.estimator(method),
            self.view(method),
            self.divided(self.prepared.clips, seed),
            self.run_folder(method, seed),
            n_jobs=self.n_jobs,
            seed=seed,
            progress=self.progress,
            name=name,
            info=self.info() | {"method": method, "steps": self.steps(method)},
            by=PROTOCOLS[self.protocol],
            workers=self.workers,
        )

    def steps(self, method: str) -> dict[str, int]:
        """Return the steps behind the predictions of a method, with their versions."""
        return versions.of_method(
            method,
            self.config,
            drawn=(self.root / "dataset.json").exists(),
            searched=apex_searched(self.clips.attrs["repairs"]),
            gpu=self.gpu_chosen and gpu_device(self.config) is not None,
            given=self.dataset == "flow",
        )

    def info(self) -> dict:
        """Return what a result must say about its data and choices; no folder of this machine."""
        return {
            "dataset": self.dataset,
            "profile": self.profile,
            "protocol": self.protocol,
            "drawn": self.drawn,
            "reading": self.chosen_reading(),
            "data": self.prepared.key,
            "version": self.clips.attrs["version"],
            "counts": {
                column: self.clips[column].value_counts(sort=False).sort_index().to_dict()
                for column in ("emotion", "subject")
            },
            "repairs": sorted(self.clips.attrs["repairs"]),
            "configuration": store.choices_of(self.config),
            "configuration_hash": self.config.hash(),
        }

    def run_folder(self, method: str, seed: int) -> Path:
        """Return where the run of a method and a seed lies, by its data, choices and code."""
        shared = replace(self.config, variant="full").step()
        made_of = [self.prepared.key, shared, self.code_key(method)]
        if self.protocol != "loso":
            made_of.append(self.protocol)
        if reading := self.chosen_reading():  # the run tells it, even if the clips are the same
            made_of.append(reading)
        key = config.digest(made_of)
        return self.home / "runs" / self.dataset / f"{self.profile}-{key}" / method / f"seed-{seed}"

    def code_key(self, method: str) -> str:
        """Return the key of the code that a method's run is made by."""
        views = "merlib.data.published" if self.dataset == "flow" else "merlib.methods.views"
        modules = ["merlib.loso", views]
        estimator = type(self.estimator(method)).__module__
        if estimator.startswith("merlib."):
            modules.append(estimator)
        return code.key(*modules)

    def fold_classifier(self, method: str, left_out: str):
        """Return the classifier of one fold of this study, trained on all other subjects.

        It made the predictions of that subject (or, of the protocol ``cross``, of that dataset). It
        is trained when first asked for. A variant of the network is saved beside them; other
        methods are trained each time.

        Raises
        ------
        ValueError
            If there is no such method or subject.
        """

        def train():
            by, estimator = PROTOCOLS[self.protocol], self.single(method)
            with loso.one_thread():
                given = estimator, self.view(method), self.clips, left_out, self.seed
                return loso.fit_fold(*given, by=by)

        if method not in config.VARIANTS:
            return train()
        about = self.about(method) | {"left_out": left_out}
        folder = self.run_folder(method, self.seed)
        path = folder / "classifiers" / f"{short_name(left_out, left_out)}.safetensors"
        with alone(folder):
            return kept(path, lambda: Model(train(), about), about).classifier

    def about(self, method: str) -> dict[str, Any]:
        """Return what a model must say about its method, data and choices."""
        where = store.surroundings([loso.device_of(self.single(method))])
        cropped = self.clips["cropped"]
        kind = "all" if cropped.all() else "mixed" if cropped.any() else "none"
        return self.info() | {"method": method, "seed": self.seed, "cropped": kind} | where

    def fit(self, method: str = "full") -> Model:
        """Return a variant of the network, trained on all subjects, for new clips.

        Nobody is left out, so its quality is not known from it: the leave-one-subject-out scores of
        the same method say what to expect.

        Raises
        ------
        ValueError
            If the method is not a variant of the network.
        """
        if method not in config.VARIANTS:
            raise ValueError(f"method {method!r}: expected one of {', '.join(config.VARIANTS)}")
        X, clips, _ = loso.ordered(self.prepared.x, self.clips)
        state, epochs = loso.fold_seed(self.seed, ""), self.config.epochs
        with loso.one_thread(), tqdm(total=epochs, unit="epoch", disable=not self.progress) as bar:
            fitted = loso.fit(self.single(method), X, clips, state, lambda *_: bar.update())
        return Model(fitted, self.about(method))

    def saved(self, profile: str | None = None, protocol: str | None = None) -> Saved:
        """Return the saved runs of this data, perhaps of another profile or protocol.

        Below ``results/`` are runs of public data with the profile's own choices, on frames as they
        were recorded. All others, such as those of cropped faces or named eyes, are saved below
        ``runs/``, so that nobody confuses them with those.
        """
        name, protocol = profile or self.profile, protocol or self.protocol
        own = [] if self.public and self.as_recorded else [self.prepared.key]
        usual = config.profile(self.profile, self.dataset)
        if name == self.profile and (self.config != usual or self.chosen_reading()):
            own.append(config.digest([self.config.step(), self.chosen_reading()]))
        ending = "" if protocol == "loso" else f"-{protocol}"
        if own:
            folder = self.home / "runs" / self.dataset / "-".join(["saved", *own])
            return Saved(folder / f"{name}{ending}")
        return Saved(self.home / "results" / self.dataset / f"{name}{ending}", origin.foreign)

    @property
    def pair(self) -> str | None:
        """Dataset that the paper shows beside this one; None if it has none or is not public."""
        name = config.BESIDE.get(self.dataset)
        return name if name and self.public else None

    def beside(self, methods: Iterable[str]) -> dict[str, dict[int, pd.DataFrame]]:
        """Return the saved runs of the dataset that the paper shows beside this one.

        They are of the same profile and protocol, or else those of record (`narrow`, by halves),
        with the profile's own choices: name -> seed -> predictions. There are none beside data that
        is not public.
        """
        if self.pair is None:
            return {}
        of_pair, wanted = self.home / "results" / self.pair, list(methods)
        same, record = (
            Saved(of_pair / there.folder.name, origin.foreign)
            for there in (self.saved(), self.saved("narrow", "halves"))
        )
        return same.load(wanted) or record.load(wanted)

    def save(self, method: str, seed: int) -> Path:
        """Save the run of a method and a seed; return the folder of the saved runs.

        Raises
        ------
        ValueError
            If the study is by halves: such runs are trials, see `merlib.study.trials.run`.
        """
        if self.protocol == "halves":
            raise ValueError("protocol='halves': merlib trials saves its runs")
        predictions, target = self.predictions(method, seed), self.saved()
        target.save(predictions.attrs["run"], predictions=predictions)
        return target.folder

    def runs(
        self, methods: Iterable[str], make: Collection[str] = ()
    ) -> dict[str, dict[int, pd.DataFrame]]:
        """Return the runs of methods that there are: name -> seed -> predictions.

        Parameters
        ----------
        methods : iterable of str
            Whose saved runs are wanted. They count if they are of the same clips and choices. An
            official release is known by its name: its recorded frames are the same everywhere.
        make : collection of str
            Methods that this study runs itself, with its own seed, unless it has done so. Saved
            seeds are beside it only if they are `merlib.store.comparable`: one mean never mixes
            two machines, or two versions of a step.
        """
        known("method", make, METHODS)
        found: dict[str, dict[int, pd.DataFrame]] = {}
        wanted = list(methods)
        there = self.saved().load(wanted)
        for name in wanted:
            own = {self.seed: self.predictions(name)} if name in make else {}
            seeds = {
                seed: table
                for seed, table in there.get(name, {}).items()
                if table.attrs["run"]["counts"] == self.info()["counts"]
                and all(
                    store.comparable(table.attrs["run"], one.attrs["run"]) for one in own.values()
                )
            }
            if seeds | own:
                found[name] = dict(sorted((seeds | own).items()))
        return found

    def finished(self, method: str, seed: int | None = None) -> bool:
        """Return whether this study has run a method, with its own seed or another one."""
        folder = self.run_folder(method, self.seed if seed is None else seed)
        return noted(folder / "run.json").exists()


def repeated(clips: pd.DataFrame, choices: config.Config, named: int = 5) -> list[str]:
    """Return one repair that counts the clips that repeat frames and names some; else nothing.

    Filmed at a low rate, nearly all clips do. A missing apex has been found by now.
    """
    short = sorted(one.clip for one in check.short_clips(clips, choices))
    if not short:
        return []
    names = ", ".join([*short[:named], *["..."] * (len(short) > named)])
    return [
        f"{len(short)} of {len(clips)} clips have fewer frames from onset to apex than "
        f"T = {choices.frames} and repeat some: {names}"
    ]


def beside(run: Path, name: str) -> Path:
    """Return the folder of what else is made with the method and seed of a run: beside its own.

    Who works in the folder of a run removes what is half written there, at any depth. Older
    versions worked inside of it; what they have left is moved.
    """
    folder = run.with_name(f"{run.name}-{name}")
    with suppress(OSError):  # there is none, or it was moved before
        (run / name).rename(folder)
    return folder


def kept(path: Path, make: Callable[[], Model], about: Mapping[str, Any]) -> Model:
    """Return the model of a file; if it is missing, damaged or of another run, make and save it."""

    def load(path: Path) -> Model:
        model = saved.load(path)
        for name in ("method", "seed", "left_out", "data"):
            if model.about.get(name) != saved.printable(about.get(name)):
                raise ValueError(f"its {name} is {model.about.get(name)!r}")
        return model

    model = usable(path, load)
    if model is None:
        saved.save(make(), path)
        model = saved.load(path)
    return model
