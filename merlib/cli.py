"""The command line: ``merlib synth``, ``prepare``, ``train``, ``book`` and ``study``."""

import argparse
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from . import __version__
from .config import PROFILES
from .study import Study

METHODS = ["majority", "logistic", "base", "full"]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status: 0 done, 1 refused, 130 stopped."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except KeyboardInterrupt:
        print("\nmerlib: stopped; what is finished is kept, run it again to go on", file=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        print(f"merlib: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(prog="merlib", description=__doc__)
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    synth = commands.add_parser("synth", help="write a synthetic dataset in an official layout")
    synth.add_argument("--out", type=Path, required=True, help="folder to write")
    synth.add_argument("--seed", type=int, default=0)
    synth.add_argument("--size", choices=sorted(PROFILES), default="laptop")
    synth.add_argument("--layout", choices=["casme2", "samm"], default="casme2")
    synth.add_argument("--subjects", type=int, help="instead of the size's own number")
    synth.add_argument("--clips", type=int, help="instead of the size's own number")
    synth.add_argument("--jobs", type=int, help="processes (default: all cores)")
    synth.set_defaults(run=run_synth)

    data = argparse.ArgumentParser(add_help=False)
    data.add_argument("--dataset", default="synthetic", help="synthetic, casme2 or samm")
    data.add_argument("--data-root", metavar="DIR", help="folder of your own copy")
    data.add_argument("--profile", choices=sorted(PROFILES), default="laptop")
    data.add_argument("--seed", type=int, default=0, help="seed of training")
    data.add_argument("--jobs", type=int, help="processes (default: all cores)")

    methods = argparse.ArgumentParser(add_help=False)
    methods.add_argument("--methods", nargs="+", default=METHODS, metavar="METHOD")

    for name, run, text, parents in (
        ("prepare", run_prepare, "prepare the clips of a dataset", [data]),
        ("train", run_train, "leave one subject out, for some methods", [data, methods]),
        ("book", run_book, "execute the notebooks and build the book", [data, methods]),
        ("study", run_study, "all of it, from the data to the book", [data, methods]),
    ):
        command = commands.add_parser(name, help=text, parents=parents)
        command.set_defaults(run=run)
        if name == "train":
            command.add_argument("--seeds", nargs="+", type=int, help="instead of --seed")
            command.add_argument("--keep", action="store_true", help="copy the runs to results/")
    return top


def open_study(options: argparse.Namespace, methods: Sequence[str] = ()) -> Study:
    """Return the study that the options name; an unknown method stops it before any work."""
    study = Study(
        options.dataset,
        options.data_root,
        options.profile,
        options.seed,
        n_jobs=options.jobs,
        progress=True,
    )
    for method in methods:
        study.estimator(method)
    return study


def run_synth(options: argparse.Namespace) -> None:
    """Write a synthetic dataset."""
    from joblib import cpu_count

    from . import synthetic

    root = synthetic.write(
        options.out,
        seed=options.seed,
        size=options.size,
        layout=options.layout,
        subjects=options.subjects,
        clips=options.clips,
        n_jobs=options.jobs or cpu_count(),
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
            print(study.keep(method, seed).relative_to(study.home))


def run_book(options: argparse.Namespace) -> None:
    """Execute the notebooks and build the book."""
    book(open_study(options, options.methods), options.methods)


def run_study(options: argparse.Namespace) -> None:
    """Do everything, and print where the book lies."""
    study = open_study(options, options.methods)
    report(study)
    train(study, options.methods, [options.seed])
    book(study, options.methods)


def report(study: Study) -> None:
    """Print the release that was read, its size and every repair."""
    clips = study.clips
    print(
        f"{clips.attrs['version']}: {len(clips)} clips of {clips['subject'].nunique()} subjects, "
        f"{clips['emotion'].nunique()} classes"
    )
    for repair in clips.attrs["repairs"]:
        print(f"  repaired: {repair}")


def train(study: Study, methods: list[str], seeds: list[int]) -> None:
    """Run the methods for each seed and print a line of scores for each run."""
    from . import metrics

    for seed in seeds:
        for method in methods:
            found = metrics.scores(study.predictions(method, seed))
            scores = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
            print(f"{method}, seed {seed}: {scores}")


def book(study: Study, methods: list[str]) -> None:
    """Execute the notebooks, build the book, print where it lies."""
    from . import publish

    publish.execute(study, methods)
    print(f"The book: {publish.build(study.home)}")


if __name__ == "__main__":
    sys.exit(main())
