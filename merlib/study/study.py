"""One study: a dataset, a profile and a seed, from the frames on disk to the stored predictions.

Everything is computed when it is first asked for and kept on disk, so that a notebook that runs
alone, the command line and ``make study`` share their work::

    data/synthetic/<size>     the embedded dataset, written when it is missing
    data/prepared/...         prepared clips
    runs/<dataset>/<profile>-<key>/<method>/seed-<k>/    predictions; key names data, choices, code
    results/...               committed predictions, in the same form
"""

import shutil
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from merlib import code, config, loso, versions
from merlib.data import synthetic
from merlib.data.clips import READERS, load_clips
from merlib.files import find_home, noted, whole
from merlib.methods import METHODS, make
from merlib.methods.views import VIEWS
from merlib.model import saved
from merlib.model.saved import Model
from merlib.parallel import Cluster
from merlib.preprocess.pipeline import Prepared, gpu_device, prepare

PUBLISHED_SEED = 0
"""Generator seed of the published synthetic dataset; no choice was ever made on its clips."""

READING = {"classes": None, "table": None, "strict": False, "faces": "auto", "eyes": None}
"""Options of `merlib.data.clips.load_clips`, with their defaults."""

PROTOCOLS = {"loso": "subject", "cross": "source", "halves": "half"}
"""What is left out: one subject at a time, one dataset of a composite, or half of the subjects."""


class Study:
    """A dataset, a profile and a seed, and all that follows from them.

    Parameters
    ----------
    dataset : {"synthetic", "casme2", "samm", "composite", "own"}
    data_root : path, optional
        Folder of your own copy. Without it, ``synthetic`` uses (and writes, if need be) the
        published dataset of the profile's size; the others raise.
    profile : {"laptop", "paper", "night"}
    seed : int
        Seed of training. The generator of the synthetic dataset has its own.
    n_jobs : int, optional
        Parallel processes; by default the number of CPU cores.
    progress : bool
        Show progress bars.
    home : path, optional
        Where ``data``, ``runs`` and ``results`` lie; see :func:`find_home`.
    protocol : {"loso", "cross", "halves"}
        Leave one subject out; train on one dataset of a composite and test on the other, both
        ways; or train on half of the subjects and test on the others, both ways: as strict as the
        first, and many times cheaper.
    cluster : Cluster, optional
        A Ray cluster where the folds run, see :class:`merlib.parallel.Cluster`.
    **overrides
        Fields of :class:`merlib.config.Config` that replace the profile's, and options of
        :func:`merlib.data.clips.load_clips`: ``classes``, ``table``, ``strict``, ``faces``,
        ``eyes``.

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
        cluster: Cluster | None = None,
        **overrides,
    ):
        if dataset not in READERS:
            raise ValueError(f"dataset={dataset!r}: expected one of {tuple(READERS)}")
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise ValueError(f"seed={seed!r}: expected a whole number of at least 0")
        if protocol not in PROTOCOLS:
            raise ValueError(f"protocol={protocol!r}: expected one of {tuple(PROTOCOLS)}")
        self.protocol, self.overrides = protocol, dict(overrides)
        self.reading = {name: overrides.pop(name, READING[name]) for name in READING}
        self.config = config.profile(profile, dataset, **overrides)
        self.dataset, self.profile, self.seed = dataset, profile, int(seed)
        self.data_root = None if data_root in (None, "") else Path(data_root).expanduser()
        self.n_jobs = n_jobs or joblib.cpu_count()
        self.progress = progress
        self.cluster = cluster
        self.views: dict[str, np.ndarray] = {}
        self.home = find_home() if home is None else Path(home)
        if dataset != "synthetic" and self.data_root is None:
            raise ValueError(f"dataset={dataset!r} needs data_root, the folder of your own copy")

    @property
    def published(self) -> bool:
        """Whether this is the published synthetic dataset, not one of a reader's own drawing."""
        return self.dataset == "synthetic" and self.data_root is None

    @cached_property
    def root(self) -> Path:
        """Folder of the dataset; the published synthetic one is written if it is missing."""
        if self.data_root is not None:
            return self.data_root
        size = config.SYNTHETIC_SIZE[self.profile]
        root = self.home / "data" / "synthetic" / size
        return synthetic.write(
            root,
            seed=PUBLISHED_SEED,
            size=size,
            n_jobs=self.n_jobs,
            progress=self.progress,
        )

    @cached_property
    def prepared(self) -> Prepared:
        """Prepared clips of section 3.1.2, an array of shape (N, T, C, H, W)."""
        return prepare(
            load_clips(self.dataset, self.root, **self.reading),
            self.config,
            cache=self.home
            / "data"
            / "prepared"
            / code.key("merlib.preprocess.pipeline", "merlib.data.clips"),
            n_jobs=self.n_jobs,
            progress=self.progress,
        )

    def view(self, method: str) -> np.ndarray:
        """Return what a method takes of the clips (N, ...), in the order of :attr:`clips`."""
        name = METHODS[method].view
        if name is None:
            return np.zeros((len(self.clips), 1), np.float32)
        if name == "channels":
            return self.prepared.x
        if name not in self.views:
            self.views[name] = prepare(
                self.clips,
                self.config,
                cache=self.home
                / "data"
                / "prepared"
                / code.key("merlib.methods.views", "merlib.data.clips"),
                n_jobs=self.n_jobs,
                progress=self.progress,
                view=VIEWS[name],
            ).x
        return self.views[name]

    @cached_property
    def clips(self) -> pd.DataFrame:
        """The clip table, in the order of :attr:`prepared`."""
        clips = self.prepared.clips
        if self.protocol == "halves":
            clips = clips.assign(half=clips["subject"].map(halves(clips["subject"])))
        return clips

    def estimator(self, method: str):
        """Return the unfitted classifier of a method."""
        return make(method, self.config)

    def predictions(self, method: str, seed: int | None = None) -> pd.DataFrame:
        """Return the stored predictions of a method, running leave-one-subject-out if need be.

        Parameters
        ----------
        method : str
            A name of :data:`merlib.methods.METHODS`.
        seed : int, optional
            Instead of the study's own.
        """
        seed = self.seed if seed is None else seed
        return loso.run(
            self.estimator(method),
            self.view(method),
            self.clips,
            self.run_folder(method, seed),
            n_jobs=self.n_jobs,
            seed=seed,
            progress=self.progress,
            info=self.info() | {"method": method, "steps": self.steps(method)},
            by=PROTOCOLS[self.protocol],
            cluster=self.cluster,
        )

    def steps(self, method: str) -> dict[str, int]:
        """Return the steps behind the predictions of a method, with their versions."""
        return versions.of_method(
            method,
            self.config,
            drawn=(self.root / "dataset.json").exists(),
            searched=any("apex set to frame" in repair for repair in self.clips.attrs["repairs"]),
            gpu=gpu_device() is not None,
        )

    def info(self) -> dict:
        """Return what a result must say about its data and choices; no folder of this machine."""
        choices = self.config.step()
        for name in ("pretrained", "landmarks"):
            choices[name] = choices[name] and Path(choices[name]).name
        return {
            "dataset": self.dataset,
            "profile": self.profile,
            "protocol": self.protocol,
            "data": self.prepared.key,
            "version": self.clips.attrs["version"],
            "counts": {
                column: self.clips[column].value_counts(sort=False).sort_index().to_dict()
                for column in ("emotion", "subject")
            },
            "repairs": sorted(self.clips.attrs["repairs"]),
            "configuration": choices,
            "configuration_hash": self.config.hash(),
        }

    def run_folder(self, method: str, seed: int) -> Path:
        """Return where the run of a method and a seed lies, by its data, choices and code."""
        shared = replace(self.config, variant="full").step()
        made_of = [self.prepared.key, shared, self.code_key(method)]
        key = config.digest(made_of + [self.protocol] * (self.protocol != "loso"))
        return self.home / "runs" / self.dataset / f"{self.profile}-{key}" / method / f"seed-{seed}"

    def code_key(self, method: str) -> str:
        """Return the key of the code that a method's run is made by."""
        estimator = type(self.estimator(method)).__module__
        return code.key(
            "merlib.loso", "merlib.methods.views", *[estimator] * ("merlib" in estimator)
        )

    def fold_classifier(self, method: str, left_out: str):
        """Return the classifier of one fold of this study, trained on everybody else.

        It is the one behind the stored predictions of that subject (or, of the protocol ``cross``,
        that dataset); trained when first asked for, then kept beside them.

        Raises
        ------
        ValueError
            If there is no such method or subject.
        """
        path = self.run_folder(method, self.seed) / "classifiers" / f"{left_out}.joblib"
        if not path.exists():
            with loso.one_thread():
                fitted = loso.fit_fold(
                    self.estimator(method),
                    self.view(method),
                    self.clips,
                    left_out,
                    self.seed,
                    by=PROTOCOLS[self.protocol],
                )
            if hasattr(fitted, "network_"):  # so that a machine without a GPU can read it
                fitted.device_ = next(fitted.network_.cpu().parameters()).device
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole(path) as part:
                joblib.dump(fitted, part)
        return joblib.load(path)

    def fit(self, method: str = "full") -> Model:
        """Return a variant of the network, trained on all subjects, for new clips.

        Nobody is left out, so its quality is not known from it: the leave-one-subject-out scores of
        the same method say what to expect.

        Raises
        ------
        ValueError
            If the method is no variant of the network.
        """
        if method not in config.VARIANTS:
            raise ValueError(f"method {method!r}: expected one of {', '.join(config.VARIANTS)}")
        X, clips, _ = loso.ordered(self.prepared.x, self.clips)
        state, epochs = loso.fold_seed(self.seed, ""), self.config.epochs
        with loso.one_thread(), tqdm(total=epochs, unit="epoch", disable=not self.progress) as bar:
            fitted = loso.fit(self.estimator(method), X, clips, state, lambda *_: bar.update())
        about = self.info() | {"method": method, "seed": self.seed} | loso.surroundings()
        return Model(fitted, about)

    def model(self, method: str = "full") -> Model:
        """Return the model of `fit`, trained when first asked for and then kept beside the runs."""
        path = self.run_folder(method, self.seed) / "model.safetensors"
        if not path.exists():
            saved.save(self.fit(method), path)
        return saved.load(path)

    @property
    def results(self) -> Path:
        """Folder of the committed predictions of this dataset, profile and protocol."""
        protocol = [self.protocol] * (self.protocol != "loso")
        return self.home.joinpath("results", self.dataset, self.profile, *protocol)

    def keep(self, method: str, seed: int) -> Path:
        """Copy the finished run of a method and a seed to ``results/``; return the folder."""
        target = self.results / method / f"seed-{seed}"
        target.mkdir(parents=True, exist_ok=True)
        for name in ("predictions.parquet", "run.json"):
            shutil.copyfile(self.run_folder(method, seed) / name, target / name)
        return target

    def committed(self, method: str) -> list[pd.DataFrame]:
        """Return the predictions of a method under ``results/`` that are of this study's data.

        One table a seed, perhaps none. The published synthetic data is known by its place, an
        official release by its name, since its frames are the same everywhere.
        """
        if self.dataset == "synthetic" and not self.published:
            return []
        runs = kept_runs(self.results, [method]).get(method, {}).values()
        return [run for run in runs if run.attrs["run"]["version"] == self.clips.attrs["version"]]


def halves(subjects: pd.Series) -> dict[str, str]:
    """Return the half, A or B, of every subject: halves of about as many clips each.

    The subject with most clips left goes to the smaller half; the order of rows has no part in it.
    """
    clips = subjects.value_counts()
    half, size = {}, {"A": 0, "B": 0}
    for subject in sorted(clips.index, key=lambda name: (-clips[name], name)):
        half[subject] = min(size, key=size.get)
        size[half[subject]] += clips[subject]
    return half


def kept_runs(folder: str | Path, names: Iterable[str]) -> dict[str, dict[int, pd.DataFrame]]:
    """Return the predictions kept in a folder, of whatever code: method or trial -> seed -> table.

    They lie as ``<name>/seed-<k>/``; names without any are left out.
    """
    found = {}
    for name in names:
        paths = noted(Path(folder, name)).glob("seed-*/run.json")
        runs = [loso.load(path.parent) for path in paths]
        if runs:
            seeds = {run.attrs["run"]["seed"]: run for run in runs}
            found[name] = dict(sorted(seeds.items()))
    return found
