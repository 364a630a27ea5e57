"""The command line: one function a command."""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, product
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

from . import __version__, config
from .config import PROFILES
from .data.clips import READERS, counts
from .files import find_home, whole, write
from .methods import GROUPS
from .parallel import Cluster
from .study.study import PROTOCOLS, READING, Study

METHODS = ["majority", "logistic", "base", "full"]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status: 0 done, 1 refused, 130 stopped."""
    options = parser().parse_args(arguments)
    if hasattr(options, "methods"):
        options.methods = expanded(options.methods, GROUPS)
    try:
        return options.run(options) or 0
    except KeyboardInterrupt:
        print("\nmerlib: stopped; what is finished is kept, run it again to go on", file=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        print(f"merlib: {error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(prog="merlib", description=__doc__)
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    synth = commands.add_parser("synth", help="write a synthetic dataset in an official layout")
    synth.add_argument("--out", type=Path, required=True, help="folder to write")
    synth.add_argument("--seed", type=int, default=0)
    synth.add_argument("--size", choices=("laptop", "paper"), default="laptop")
    synth.add_argument("--layout", choices=["casme2", "samm"], default="casme2")
    synth.add_argument("--subjects", type=int, help="instead of the size's own number")
    synth.add_argument("--clips", type=int, help="instead of the size's own number")
    synth.add_argument("--jobs", type=int, help="processes (default: all cores)")
    synth.set_defaults(run=run_synth)

    data = data_options()
    methods = argparse.ArgumentParser(add_help=False)
    methods.add_argument(
        "--methods", nargs="+", default=METHODS, metavar="METHOD", help="names, table2 or all"
    )
    pages = argparse.ArgumentParser(add_help=False)
    pages.add_argument("--show-faces", action="store_true", help="show real people's faces")

    for name, run, text, parents in (
        ("prepare", run_prepare, "prepare the clips of a dataset", [data]),
        ("train", run_train, "leave one subject out, for some methods", [data, methods]),
        ("fit", run_fit, "train on all subjects and save the model", [data]),
        ("book", run_book, "execute the notebooks and build the book", [data, methods, pages]),
        ("study", run_study, "all of it, from the data to the book", [data, methods, pages]),
    ):
        command = commands.add_parser(name, help=text, parents=parents)
        command.set_defaults(run=run)
        if name == "train":
            command.add_argument("--seeds", nargs="+", type=int, help="instead of --seed")
            command.add_argument("--keep", action="store_true", help="copy the runs to results/")
            command.add_argument("--protocol", choices=sorted(PROTOCOLS), default="loso")
            add_cluster(command)
        if name == "fit":
            command.add_argument("--method", default="full", help="a variant of the network")
            command.add_argument("--out", type=Path, required=True, help="*.safetensors to write")
    # A default of its own needs options of its own: commands share those of a parent.
    own = [data_options()]
    trials = commands.add_parser("trials", help="the experiments behind the claims", parents=own)
    trials.add_argument("trials", nargs="*", metavar="TRIAL", help="names or groups (default: all)")
    trials.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    trials.set_defaults(run=run_trials, profile="night")
    add_check(commands)
    add_predict(commands)
    return top


def data_options() -> argparse.ArgumentParser:
    """Return the options that name a study."""
    data = argparse.ArgumentParser(add_help=False)
    data.add_argument("--dataset", default="synthetic", help=", ".join(READERS))
    data.add_argument("--data-root", metavar="DIR", help="folder of your own copy")
    data.add_argument("--profile", choices=sorted(PROFILES), default="laptop")
    data.add_argument("--seed", type=int, default=0, help="seed of training")
    data.add_argument("--jobs", type=int, help="processes (default: all cores)")
    data.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="fields of the configuration, such as evm_alpha=20",
    )
    add_reading(data)
    return data


def add_reading(command: argparse.ArgumentParser) -> None:
    """Add the options that say how a dataset is read."""
    command.add_argument("--classes", help="five, three, all, or emotions divided by commas")
    command.add_argument("--table", metavar="FILE", help="the annotation table")
    command.add_argument("--faces", choices=["auto", "find", "cropped"], default="auto")
    command.add_argument("--eyes", metavar="FILE", help="CSV of eye positions")
    command.add_argument("--strict", action="store_true", help="refuse what would be repaired")


def add_cluster(command: argparse.ArgumentParser) -> None:
    """Add the options that say where the folds run."""
    command.add_argument("--backend", choices=["processes", "ray"], default="processes")
    command.add_argument(
        "--address", metavar="HOST:PORT", help="Ray cluster (default: one of this machine)"
    )
    command.add_argument(
        "--gpus-per-fold", type=float, default=0.0, metavar="PART", help="0.25: four share one"
    )


def add_check(commands) -> None:
    """Add ``merlib check``."""
    command = commands.add_parser("check", help="tell everything that is wrong with a dataset")
    command.add_argument("dataset", choices=READERS)
    command.add_argument("--root", metavar="DIR", help="folder of the dataset")
    add_reading(command)
    command.add_argument("--profile", choices=sorted(PROFILES), default="laptop")
    command.add_argument("--landmarks", metavar="FILE", help="YuNet model that finds the eyes")
    command.add_argument("--out", type=Path, metavar="DIR", help="folder of the report")
    command.add_argument("--jobs", type=int, help="processes (default: all cores)")
    command.set_defaults(run=run_check)


def add_predict(commands) -> None:
    """Add ``merlib predict``."""
    command = commands.add_parser("predict", help="predict the emotion of a new clip")
    command.add_argument("clip", help="folder of numbered images, or a video file")
    command.add_argument("--model", required=True, metavar="FILE", help="made by merlib fit")
    for name in ("onset", "apex", "offset"):
        command.add_argument(f"--{name}", type=int, help="frame number")
    command.add_argument("--fps", type=float, help="frames a second")
    command.add_argument("--cropped", action="store_true", help="the frames are cropped faces")
    command.add_argument(
        "--eyes", nargs=4, type=float, metavar=("X", "Y", "X", "Y"), help="image-left eye first"
    )
    command.add_argument("--landmarks", metavar="FILE", help="YuNet model that finds the eyes")
    command.add_argument("--out", type=Path, metavar="DIR", help="default: predictions/CLIP")
    command.set_defaults(run=run_predict)


def expanded(names: Sequence[str], groups: Mapping[str, Iterable[str]]) -> list[str]:
    """Return names with those of groups in place of the groups, each once."""
    return list(dict.fromkeys(chain.from_iterable(groups.get(name, [name]) for name in names)))


def override(text: str) -> tuple[str, Any]:
    """Return name and value of NAME=VALUE; the value is JSON where it can be, else text.

    Raises
    ------
    ValueError
        If there is no name.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError(f"--set {text}: expected NAME=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def reading_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options of reading that differ from the default."""
    values = {name: getattr(options, name) for name in READING}
    return {name: value for name, value in values.items() if value != READING[name]}


def open_study(options: argparse.Namespace, methods: Sequence[str] = ()) -> Study:
    """Return the study that the options name; an unknown method stops it before any work."""
    study = Study(
        options.dataset,
        options.data_root,
        options.profile,
        options.seed,
        n_jobs=options.jobs,
        progress=True,
        protocol=getattr(options, "protocol", "loso"),
        cluster=cluster_of(options),
        **reading_of(options),
        **dict(override(text) for text in options.set),
    )
    for method in methods:
        study.estimator(method)
    return study


def cluster_of(options: argparse.Namespace) -> Cluster | None:
    """Return the Ray cluster that the options name, if any."""
    if getattr(options, "backend", "processes") == "processes":
        return None
    return Cluster(options.address, options.gpus_per_fold)


def run_synth(options: argparse.Namespace) -> None:
    """Write a synthetic dataset."""
    from .data import synthetic

    root = synthetic.write(
        options.out,
        seed=options.seed,
        size=options.size,
        layout=options.layout,
        subjects=options.subjects,
        clips=options.clips,
        n_jobs=options.jobs or joblib.cpu_count(),
    )
    print(f"{root} is ready: make study DATA_ROOT={root}")


def run_prepare(options: argparse.Namespace) -> None:
    """Prepare a dataset and say what was found in it."""
    report(open_study(options))


def run_train(options: argparse.Namespace) -> None:
    """Run leave-one-subject-out for the methods and print their scores."""
    study = open_study(options, options.methods)
    report(study)
    seeds = options.seeds or [options.seed]
    train(study, options.methods, seeds)
    if options.keep:
        for method, seed in product(options.methods, seeds):
            print(f"{method}, seed {seed}: {study.save(method, seed).relative_to(study.home)}")


def run_trials(options: argparse.Namespace) -> None:
    """Run the trials and keep what they predict; each prints a line of scores."""
    from .study import trials

    everything = [*trials.GROUPS] + ["amplitude"] * (options.dataset == "synthetic")
    names = expanded(options.trials or everything, trials.GROUPS)
    study = open_study(options)
    for seed, name in product(options.seeds, names):
        if name == "amplitude":
            trials.sweep(study, seed)
            continue
        print_scores(name, seed, trials.run(name, study, seed))


def run_book(options: argparse.Namespace) -> int:
    """Execute the notebooks and build the book."""
    return book(open_study(options, options.methods), options)


def run_study(options: argparse.Namespace) -> int:
    """Do everything, and print where the book lies."""
    study = open_study(options, options.methods)
    report(study)
    train(study, options.methods, [options.seed])
    return book(study, options)


def run_fit(options: argparse.Namespace) -> None:
    """Train on all subjects and save the model."""
    from .model import saved

    study = open_study(options, [options.method])
    report(study)
    print(saved.save(study.fit(options.method), options.out))


def run_check(options: argparse.Namespace) -> int:
    """Check a dataset, print and write the report; return 1 if the study cannot run."""
    from .study import check

    found = check.check(
        options.dataset,
        options.root,
        **reading_of(options),
        config=config.profile(options.profile, options.dataset, landmarks=options.landmarks),
        n_jobs=options.jobs or joblib.cpu_count(),
    )
    folder = options.out or find_home() / "runs" / "check" / options.dataset
    write(folder / "report.md", found.markdown())
    write(folder / "report.json", found.as_json())
    print(found.markdown())
    print(f"Written to {folder / 'report.md'} and report.json")
    return 0 if found.can_run else 1


def run_predict(options: argparse.Namespace) -> None:
    """Predict a clip, print the probabilities, write them and a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from .model import saved
    from .pages import plots
    from .study.predict import predict

    eyes = options.eyes and (tuple(options.eyes[:2]), tuple(options.eyes[2:]))
    found = predict(
        options.clip,
        saved.load(options.model),
        options.onset,
        options.apex,
        options.offset,
        options.fps,
        options.cropped,
        eyes,
        options.landmarks,
    )
    apex = "found" if found.apex_found else "given"
    print(f"{found.clip}: frames {found.onset} to {found.offset}, apex {found.apex} ({apex})")
    for name, value in found.probabilities.items():
        print(f"  {name:<12} {value:.3f}")
    folder = options.out or Path("predictions") / found.clip
    write(folder / "prediction.json", found.as_json())
    plots.style()
    with whole(folder / "prediction.png") as part:
        plots.prediction(found, plots.Faces("own", show=True)).savefig(part)
    print(f"Flow and attention: {folder / 'prediction.png'}")


def report(study: Study) -> None:
    """Print the release that was read, its counts by class and subject, and every repair."""
    clips = study.clips
    counted = counts(clips)
    print(
        f"{clips.attrs['version']}: {len(clips)} clips of {len(counted)} subjects, "
        f"{clips['emotion'].nunique()} classes"
    )
    print("  " + ", ".join(f"{name} {count}" for name, count in counted.sum().items()))
    print("  " + ", ".join(f"{name} {count}" for name, count in counted.sum(axis=1).items()))
    for repair in clips.attrs["repairs"]:
        print(f"  repaired: {repair}")


def train(study: Study, methods: list[str], seeds: list[int]) -> None:
    """Run the methods for each seed and print a line of scores for each run."""
    for seed in seeds:
        for method in methods:
            print_scores(method, seed, study.predictions(method, seed))


def print_scores(name: str, seed: int, predictions: pd.DataFrame) -> None:
    """Print a line of scores of a run."""
    from . import metrics

    found = metrics.scores(predictions)
    scores = ", ".join(f"{score} {value:.3f}" for score, value in found.items())
    print(f"{name}, seed {seed}: {scores}", flush=True)


def book(study: Study, options: argparse.Namespace) -> int:
    """Let the tools of the book execute the notebooks and build it; return their exit status."""
    given = {
        "dataset": study.dataset,
        "data_root": None if study.data_root is None else str(study.data_root.resolve()),
        "profile": study.profile,
        "seed": study.seed,
        "n_jobs": study.n_jobs,
        "methods": options.methods,
        "show_faces": options.show_faces or None,
        **study.overrides,
    }
    command = [sys.executable, "-m", "book.tools.build", json.dumps(given)]
    return subprocess.run(command, cwd=study.home).returncode


if __name__ == "__main__":
    sys.exit(main())
