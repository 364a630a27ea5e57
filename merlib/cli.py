"""The command line: each command is a function, and its help is the function's docstring.

What takes long to load is imported where it is used, so that ``merlib --help`` answers at once.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from itertools import chain, product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter, Token

from . import __version__
from .config import VARIANTS, Dataset, Faces, Layout, ProfileName, Protocol, Seed, Size, kinds
from .files import (
    find_home,
    is_home,
    print_anything,
    program,
    refuse_unwritable,
    told,
    whole,
    write,
)
from .values import checked, known, meant

if TYPE_CHECKING:
    import pandas as pd

    from .parallel import Workers
    from .study.study import Study

Many = Parameter(consume_multiple=True, negative=())
Flag = Annotated[bool, Parameter(negative=())]
Names = Annotated[list[str], Many]


def filled(kind: Any, values: Sequence[Any] | None) -> None:
    """Raise a ValueError if an option of many values was given without any; None if it was not."""
    if values is not None and not values:
        raise ValueError("Expected one or more.")


def numbers(of: Any, kind: Any, tokens: Sequence[Token]) -> list[int]:
    """Return the whole numbers of an option; cyclopts itself would round 1.5."""
    return [checked(token.keyword or "", of, token.value) for token in tokens]


def number(of: Any, kind: Any, tokens: Sequence[Token]) -> int:
    """Return the whole number of an option."""
    return numbers(of, kind, tokens)[0]


Whole = Annotated[int, Parameter(converter=partial(number, int))]
OneSeed = Annotated[int, Parameter(converter=partial(number, Seed))]
Methods = Annotated[list[str], Many, Parameter(validator=filled)]
Seeds = Annotated[list[int], Many, Parameter(converter=partial(numbers, Seed), validator=filled)]

METHODS = ["majority", "logistic", "base", "full"]
SEEDS = [0, 1, 2]
YES = ("y", "yes")
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports", "--no-cache"),
    ("pytest", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder"),
)
"""The programs behind ``merlib test`` with their arguments, in order."""

app = App(
    name="merlib",
    help="Micro-expression recognition: data, training, results and book of the study.",
    version=__version__,
    help_format="plaintext",
    suppress_keyboard_interrupt=False,
)


@Parameter(name="*")
@dataclass(frozen=True)
class Reading:
    """How a dataset is read.

    Parameters
    ----------
    classes
        five, three, megc2019, all, or emotions divided by commas.
    table
        The annotation table.
    faces
        Whether the frames are cropped faces; auto goes by the folder's name.
    eyes
        CSV of eye positions.
    strict
        Refuse what would be repaired.
    leave_out
        Clips to leave out, such as sub01/EP01_1.
    skip_bad
        Share of clips that may be left out because they are bad, such as 0.05.
    """

    classes: str | None = None
    table: str | None = None
    faces: Faces = "auto"
    eyes: str | None = None
    strict: Flag = False
    leave_out: Annotated[tuple[str, ...], Many] = ()
    skip_bad: float = 0.0

    def given(self) -> dict[str, Any]:
        """Return what differs from the default."""
        values = {one.name: (getattr(self, one.name), one.default) for one in fields(Reading)}
        return {name: value for name, (value, default) in values.items() if value != default}


@Parameter(name="*")
@dataclass(frozen=True)
class Source(Reading):
    """What names a study, without a seed.

    Parameters
    ----------
    dataset
        synthetic, synthetic-samm, casme2, samm, composite, flow or own.
    data_root
        Folder of your own copy.
    profile
        Size of network, pictures and training.
    jobs
        Processes (default: all cores).
    set
        NAME=VALUE: fields of the configuration, such as evm_alpha=20.
    yes
        Do not ask before a training of more than a day.
    """

    dataset: str = "synthetic"
    data_root: str | None = None
    profile: ProfileName = "laptop"
    jobs: Whole | None = None
    set: Names = field(default_factory=list)
    yes: Flag = False


@Parameter(name="*")
@dataclass(frozen=True)
class Data(Source):
    """What names a study.

    Parameters
    ----------
    seed
        Seed of training.
    """

    seed: OneSeed = 0


@Parameter(name="*")
@dataclass(frozen=True)
class NarrowData(Source):
    """What names a study of several seeds, of the profile ``narrow`` unless another is given."""

    profile: ProfileName = "narrow"


@Parameter(name="*")
@dataclass(frozen=True)
class Where:
    """Where folds are trained.

    Parameters
    ----------
    backend
        Processes of this machine, or Ray.
    address
        HOST:PORT of a Ray cluster (default: one of this machine).
    gpus_per_fold
        0.25: four folds share a GPU; 0: the CPU (default: one GPU for each fold, if there is one).
    """

    backend: Literal["processes", "ray"] = "processes"
    address: str | None = None
    gpus_per_fold: float | None = None

    def workers(self) -> "Workers | None":
        """Return what a study takes; what was chosen but is not there stops it before any work."""
        from .parallel import Workers

        if self == Where():
            return None
        chosen = Workers(self.backend, self.address, self.gpus_per_fold)
        chosen.share()
        return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0 done, 1 refused, 2 not understood, 130 stopped."""
    print_anything()
    try:
        status = app(
            arguments, exit_on_error=False, print_error=False, result_action="return_value"
        )
    except CycloptsError as error:
        print(f"merlib: {error}\nmerlib --help and merlib COMMAND --help say more", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmerlib: stopped; run it again to go on, with all that was saved", file=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        print(f"merlib: {told(error)}", file=sys.stderr)
        return 1
    return status or 0


@app.command
def synth(
    *,
    out: Path,
    seed: OneSeed = 0,
    size: Size = "laptop",
    layout: Layout = "casme2",
    subjects: Whole | None = None,
    clips: Whole | None = None,
    jobs: Whole | None = None,
) -> None:
    """Write a synthetic dataset in an official layout.

    Parameters
    ----------
    out
        Folder to write.
    seed
        Decides everything that is drawn at random.
    size
        100 clips of 10 subjects, or as many of both as the paper has.
    layout
        Whose folders, names and table.
    subjects
        Instead of the size's own number.
    clips
        Instead of the size's own number.
    jobs
        Processes (default: all cores).
    """
    from .data import synthetic

    root = synthetic.write(out, seed, size, layout, subjects, clips, cores(jobs))
    print(f"{root} is ready: make study DATA_ROOT={root}")


@app.command
def prepare(*, data: Data = Data()) -> None:
    """Prepare the clips of a dataset, and say what was found in it."""
    report(open_study(data))


@app.command
def train(
    *,
    data: Data = Data(),
    methods: Methods = METHODS,
    seeds: Seeds | None = None,
    keep: Flag = False,
    protocol: Protocol = "loso",
    where: Where = Where(),
) -> None:
    """Leave one subject out, for some methods, and print their scores.

    Parameters
    ----------
    methods
        Names, or the groups table2, flow and all.
    seeds
        Instead of --seed.
    keep
        Save the runs below results/; not those by halves, which are trials.
    protocol
        What is left out.
    """
    if keep and protocol == "halves":  # they would replace trials of these names
        raise ValueError(
            "--keep with --protocol halves: merlib trials saves runs by halves, of variants with "
            "twice the epochs"
        )
    names = expanded(methods)
    study = open_study(data, names, protocol=protocol, workers=where.workers())
    begin(study, names, seeds or [data.seed], data.yes)
    if keep:
        print_place(study.saved().folder, study.home)
    runs = list(product(seeds or [data.seed], names))
    for seed, method in runs:
        print_scores(method, seed, study.predictions(method, seed))
    for seed, method in runs if keep else []:
        print(f"{method}, seed {seed}: {study.save(method, seed).relative_to(study.home)}")


@app.command
def trials(
    *names: str,
    data: NarrowData = NarrowData(),
    seeds: Seeds = SEEDS,
    protocol: Literal["halves", "loso"] = "halves",
    where: Where = Where(),
) -> None:
    """Run the experiments behind the claims, and save what they predict.

    Parameters
    ----------
    names
        Trials, groups of them, amplitude, mistakes, subjects or true-flow (default: all groups; of
        synthetic also amplitude, subjects and true-flow, of flow also mistakes), maps, which page 3
        shows, or grey: repeats with one grey value of each clip changed.
    seeds
        Seeds of training.
    protocol
        Half of the subjects and twice the epochs, or one subject left out.
    """
    from .study import learning_curve, one_grey, showcase, trials, true_flow

    curves, greys = (
        {f"{name}-{method}": partial(of.measure, method=method) for method in of.METHODS}
        for name, of in (("subjects", learning_curve), ("grey", one_grey))
    )
    measured: dict[str, Callable] = {"amplitude": trials.sweep, "mistakes": trials.mistaken}
    measured |= {showcase.NAME: showcase.keep_maps, true_flow.NAME: true_flow.measure}
    measured |= curves | greys
    drawn = ["amplitude", "subjects", true_flow.NAME]
    extra = {"synthetic": drawn, "flow": ["mistakes"]}.get(data.dataset, [])
    study = open_study(data, protocol=protocol, workers=where.workers())
    wanted = in_groups(
        names or [*trials.GROUPS, *extra], trials.GROUPS | {"subjects": curves, "grey": greys}
    )
    known("trial", wanted, [*trials.TRIALS, *measured])
    tested = [name for name in wanted if name not in measured]
    left_out = {name: why for name in tested if (why := trials.impossible(name, study))}
    for name, why in left_out.items():
        print(f"{name} is left out: {why}")
    protocols = dict.fromkeys(["amplitude", true_flow.NAME, *greys], "halves")
    protocols |= dict.fromkeys([showcase.NAME, "mistakes", *curves], "loso")
    for found in dict.fromkeys(protocols.get(name, protocol) for name in wanted):
        print_place(trials.saved(study, found).folder, study.home)
    todo = [name for name in tested if name not in left_out]
    if todo:  # one of them says how long all take
        like = trials.study_of(todo[0], study, seeds[0], protocol)
        method = trials.TRIALS[todo[0]].method
        foresee(like, [(method, seed) for seed in seeds] * len(todo), data.yes)
    for seed, name in product(seeds, [name for name in wanted if name not in left_out]):
        if name in measured:
            measured[name](study, seed)
        else:
            print_scores(name, seed, trials.run(name, study, seed, protocol))


@app.command
def people(
    *names: str,
    data: NarrowData = NarrowData(),
    seeds: Seeds | None = None,
    where: Where = Where(),
) -> None:
    """Train trials on many drawn datasets, test each on 1,000 clips of new people, and save that.

    Parameters
    ----------
    names
        Trials (default: the variants of table 3, the controls of both modules, logistic and base
        with twice the epochs).
    seeds
        Fits; each has a training set of its own (default: 0 to 19).
    """
    from .study import new_people, trials

    study = open_study(data, workers=where.workers())
    print_place(trials.saved(study, "people").folder, study.home)
    for seed in seeds or range(new_people.FITS):
        found = new_people.run(names or new_people.ASKED, study, seed)
        for name, predictions in found.items():
            print_scores(name, seed, predictions)


@app.command
def fit(*, data: Data = Data(), method: str = "full", out: Path) -> None:
    """Train on all subjects and save the model.

    Parameters
    ----------
    method
        A variant of the network.
    out
        File to write, *.safetensors.
    """
    from .model import saved

    saved.check_name(out)
    known("method", [method], VARIANTS)
    study = open_study(data, [method])
    foresee(study, [(method, data.seed)], data.yes, whole=True)
    report(study)
    print(saved.save(study.fit(method), out))


@app.command
def predict(
    clip: str,
    *,
    model: str,
    onset: Whole | None = None,
    apex: Whole | None = None,
    offset: Whole | None = None,
    fps: float | None = None,
    cropped: Flag = False,
    eyes: tuple[float, float, float, float] | None = None,
    landmarks: str | None = None,
    out: Path | None = None,
) -> None:
    """Predict the emotion of a new clip.

    Parameters
    ----------
    clip
        Folder of numbered images, or a video file; a manifest may name the same ones.
    model
        File made by merlib fit.
    onset
        Frame number.
    apex
        Frame number.
    offset
        Frame number.
    fps
        Frames per second.
    cropped
        The frames are cropped faces.
    eyes
        X Y X Y, the eye on the left of the image first.
    landmarks
        YuNet model that finds the eyes.
    out
        Folder to write (default: one below predictions, named after clip and options).
    """
    import matplotlib

    matplotlib.use("Agg")
    from .model import saved
    from .pages import pictures, plots
    from .study import predict as new_clip

    pair = eyes and (eyes[:2], eyes[2:])
    asked = (onset, apex, offset, fps, cropped, pair, landmarks)
    folder, key = new_clip.output_folder(clip, out, [model, *asked])
    refuse_unwritable(folder / "prediction.json")
    found = new_clip.predict(clip, saved.load(model), *asked)
    how = "found" if found.apex_found else "given"
    print(f"{found.clip}: frames {found.onset} to {found.offset}, apex {found.apex} ({how})")
    for name, value in found.probabilities.items():
        print(f"  {name:<12} {value:.3f}")
    write(folder / "prediction.json", found.as_json(key))
    plots.style()
    with whole(folder / "prediction.png") as part:
        pictures.prediction(found, pictures.Faces("own", show=True)).savefig(part)
    print(f"Flow and attention: {folder / 'prediction.png'}")


@app.command
def check(
    dataset: Dataset,
    *,
    data_root: str | None = None,
    reading: Reading = Reading(),
    profile: ProfileName = "laptop",
    methods: Methods = METHODS,
    landmarks: str | None = None,
    out: Path | None = None,
    jobs: Whole | None = None,
) -> int:
    """Report everything that is wrong with a dataset; status 1 if the study cannot run.

    Parameters
    ----------
    dataset
        What it is.
    data_root
        Folder of the dataset; without it the table alone is checked.
    profile
        Says which clips are short, and how they are magnified.
    methods
        Names or groups of the methods that the study will use.
    landmarks
        YuNet model that finds the eyes.
    out
        Folder of the report; the sheet with faces stays below runs/.
    jobs
        Processes (default: all cores).
    """
    from .config import profile as choices
    from .methods import METHODS as there
    from .study import check as study_check

    config = choices(profile, dataset, landmarks=landmarks)
    local = find_home() / "runs" / "check" / dataset
    folder = out or local
    options: dict[str, Any] = {"config": config, "methods": expanded(methods)}
    known("method", options["methods"], there)
    refuse_unwritable(folder / "report.md")
    found = study_check.check(dataset, data_root, **reading.given(), **options, n_jobs=cores(jobs))
    write(folder / "report.md", found.markdown())
    write(folder / "report.json", found.as_json())
    print(found.markdown())
    print(f"Written to {folder / 'report.md'} and report.json")
    if found.sheet:
        try:
            write(local / ".gitignore", "*\n")  # in a checkout of something else too
            write(local / "faces.html", found.sheet)
            print(f"Contact sheet, with faces, for you alone: {local / 'faces.html'}")
        except OSError as error:  # the report, which was asked for, is written
            print(f"merlib: no contact sheet: {told(error)}", file=sys.stderr)
    return 0 if found.can_run else 1


@app.command
def book(
    *,
    data: Data = Data(),
    methods: Methods = METHODS,
    show_faces: Flag = False,
    language: str = "en",
    where: Where = Where(),
) -> int:
    """Execute the notebooks and build the book.

    Parameters
    ----------
    methods
        Names, or the groups table2, flow and all.
    show_faces
        Show real people's faces.
    language
        That of the pages: en or zh_CN.
    """
    names = expanded(methods)
    return build(open_study(data, names, workers=where.workers()), names, show_faces, language)


@app.command
def study(
    *,
    data: Data = Data(),
    methods: Methods = METHODS,
    show_faces: Flag = False,
    where: Where = Where(),
) -> int:
    """Do all of it, from the data to the book.

    Parameters
    ----------
    methods
        Names, or the groups table2, flow and all.
    show_faces
        Show real people's faces.
    """
    names = expanded(methods)
    opened = open_study(data, names, workers=where.workers())
    begin(opened, names, [data.seed], data.yes)
    for method in names:
        print_scores(method, data.seed, opened.predictions(method))
    return build(opened, names, show_faces)


@app.command
def test() -> int:
    """Check and test this checkout, without the tests of the whole book and the slow ones."""
    home = find_home()
    if not is_home(home):
        raise ValueError(f"{home}: expected a checkout of the repository, with its tests")
    for name, *arguments in CHECKS:
        print(name, *arguments, flush=True)
        status = subprocess.run([program(name), *arguments], cwd=home).returncode
        if status:
            return status
    return 0


def cores(jobs: int | None) -> int:
    """Return how many processes run at a time."""
    import joblib

    return jobs or joblib.cpu_count()


def expanded(methods: Iterable[str]) -> list[str]:
    """Return names of methods; the name of a group is replaced by its methods."""
    from .methods import GROUPS

    return in_groups(methods, GROUPS)


def in_groups(names: Iterable[str], groups: Mapping[str, Iterable[str]]) -> list[str]:
    """Return names with those of groups in place of the groups, each once."""
    return list(dict.fromkeys(chain.from_iterable(groups.get(name, [name]) for name in names)))


def overrides(data: Source) -> dict[str, Any]:
    """Return the fields that ``--set`` names, with the text of their values.

    Raises
    ------
    ValueError
        If one does not have the form NAME=VALUE, has an option of its own, or is no field of the
        configuration.
    """
    found, own = {}, [option.name for option in fields(data)]
    for one in data.set:
        name, equals, value = one.partition("=")
        if not name or not equals:
            raise ValueError(f"--set {one}: expected NAME=VALUE")
        if name in own:
            raise ValueError(f"--set {one}: use --{name.replace('_', '-')} {value}")
        if name == "variant":
            raise ValueError(f"--set {one}: name it as the method, {value}")
        if name not in kinds():
            similar = meant(name, [*kinds(), *own]) or f": expected one of {', '.join(kinds())}"
            raise ValueError(f"unknown option {name!r}{similar}")
        found[name] = value
    return found


def open_study(data: Source, methods: Iterable[str] = (), **options: Any) -> "Study":
    """Return the study that the options name; an unknown method stops it before any work."""
    from .study.study import Study

    opened = Study(
        data.dataset,
        data.data_root,
        data.profile,
        data.seed if isinstance(data, Data) else 0,
        n_jobs=data.jobs,
        progress=True,
        **options,
        **data.given(),
        **overrides(data),
    )
    for method in methods:
        opened.estimator(method)
    return opened


def report(study: "Study", methods: Iterable[str] = ()) -> None:
    """Print the release that was read, its counts by class and subject, repairs, notes, warnings.

    What stops one of the methods raises an error, before any fold is computed.
    """
    from .data.clips import counts

    clips = study.clips
    counted = counts(clips)
    print(
        f"{clips.attrs['version']}: {len(clips)} clips of {len(counted)} subjects, "
        f"{clips['emotion'].nunique()} classes"
    )
    print("  " + ", ".join(f"{name} {count}" for name, count in counted.sum().items()))
    print("  " + ", ".join(f"{name} {count}" for name, count in counted.sum(axis=1).items()))
    for repair in clips.attrs["repairs"]:
        print(f"  changed: {repair}")
    for note in clips.attrs["notes"]:
        print(f"  note: {note}")
    needs = study.needs(methods)
    needs.stop(study.root)
    for warning in [*clips.attrs["warnings"], *needs.of("warning")]:
        print(f"  warning: {warning}")


def begin(study: "Study", methods: Sequence[str], seeds: Sequence[int], yes: bool) -> None:
    """Say what was read, and what the trainings that are not finished will take.

    Where they are long, that is said and asked before the clips are prepared.
    """
    from .study import outlook

    long = outlook.long(study)
    if long:
        foresee(study, list(product(methods, seeds)), yes)
    report(study, methods)
    runs = [run for run in product(methods, seeds) if not study.finished(*run)]
    if not long:
        foresee(study, runs, yes)


def foresee(
    study: "Study", runs: Sequence[tuple[str, int]], yes: bool, whole: bool = False
) -> None:
    """Say what the runs of methods and seeds will take; ask before more than a day.

    A ``whole`` run is a single training on all clips; others have their folds.
    It asks only if there is a terminal; a ValueError says that the answer was no. A card that would
    not work is named in a warning.
    """
    from . import cards
    from .study import outlook

    if study.workers.backend == "ray":  # a step that is measured here says nothing of its machines
        gpus = study.workers.share()
        count, device = study.workers.at_a_time(1, gpus), "GPUs" if gpus else "CPUs"
        print(f"  a Ray cluster trains networks on {device}, {count} folds at a time", flush=True)
        return
    if runs and (why := cards.unused()):
        print(f"  warning: {why}", flush=True)
    found = outlook.of_methods(study, dict.fromkeys(method for method, _ in runs), whole)
    for one in found:
        print(f"  {one}", flush=True)
    each = {one.method: one.seconds for one in found}
    trained = [each[method] for method, _ in runs if method in each]
    words = f"about {outlook.duration(sum(trained))} on this machine"
    if len(trained) > 1:
        print(f"  {len(trained)} trainings: {words}, less what is finished already", flush=True)
    if sum(trained) < outlook.LONG:
        return
    print("  a smaller one: --profile laptop", flush=True)
    if not yes and sys.stdin.isatty() and not agreed():
        raise ValueError(f"not begun: {words}; --yes begins without asking")


def agreed() -> bool:
    """Ask in the terminal whether to go on; the end of the input (Ctrl-D) is a no."""
    try:
        return input("Go on? [y/N] ").strip().lower() in YES
    except EOFError:
        print()
        return False


def print_scores(name: str, seed: int, predictions: "pd.DataFrame") -> None:
    """Print a line of scores of a run, and one of each dataset of several."""
    from .metrics import METRICS, by_part

    for part, row in by_part(predictions).iterrows():
        found = ", ".join(f"{score} {row[score]:.3f}" for score in METRICS)
        begin = f"{name}, seed {seed}" if part == "all" else f"  {part}, {row['clips']:.0f} clips"
        print(f"{begin}: {found}", flush=True)


def print_place(folder: Path, home: Path) -> None:
    """Print where runs will be saved, and why not below ``results/``."""
    place = folder.relative_to(home)
    why = "" if place.parts[0] == "results" else ": data or choices are not the published ones"
    print(f"Runs are saved in {place}{why}", flush=True)


def build(study: "Study", methods: list[str], show_faces: bool, language: str = "en") -> int:
    """Let the tools of the book execute the notebooks and build it; return their exit status."""
    from .parallel import CHOSEN, hand_back

    hand_back()
    root = study.data_root and str(study.data_root.resolve())
    given = {
        "dataset": study.dataset,
        "data_root": root,
        "profile": study.profile,
        "seed": study.seed,
        "n_jobs": study.n_jobs,
        "methods": methods,
        "show_faces": show_faces or None,
        "language": language,
        **study.overrides,
    }
    command = [sys.executable, "-m", "book.tools.build", json.dumps(given)]
    chosen = {CHOSEN: json.dumps(asdict(study.workers))}  # notebooks train what is missing
    return subprocess.run(command, cwd=study.home, env=os.environ | chosen).returncode


if __name__ == "__main__":
    sys.exit(main())
