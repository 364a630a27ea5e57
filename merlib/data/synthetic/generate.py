"""The embedded dataset: drawn faces moved by action units, in the layout of CASME II or SAMM.

A clip is one portrait, warped frame by frame by an exactly known displacement field, with sensor
noise, flicker and JPEG compression. The emotion decides only which action units move: identity,
pose, length, amplitude, head motion, blinks and noise are drawn independently of it.
"""

import hashlib
import json
import zlib
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import cv2
import numpy as np
import openpyxl
from joblib import delayed

from merlib.files import Damaged, alone, read_json, say, write_json
from merlib.files import write as write_file
from merlib.parallel import each

from . import portrait
from .action_units import COMBINATIONS, in_proportion
from .render import Renderer
from .truth import SHAPES, ClipTruth, read_truth, truth_path

VERSION = 2  # raised when this step computes something else, see merlib.versions

CONTEXT = 2
"""Frames before onset and after offset: without expression, but the head drifts on."""

COUNTS = {
    layout: {emotion: sum(shown.values()) for emotion, shown in emotions.items()}
    for layout, emotions in COMBINATIONS.items()
}
"""Clips of each emotion in Table 1, after the selection of section 3.1.1."""

SUBJECTS = {"casme2": 26, "samm": 27}
"""Subjects that these clips come from."""

LAPTOP = {"subjects": 10, "clips": 100}
TABLES = {"casme2": "CASME2-coding-20140508.xlsx", "samm": "SAMM_Micro_FACS_Codes_v2.xlsx"}


def write(
    root: str | Path,
    seed: int = 0,
    size: str = "laptop",
    layout: str = "casme2",
    subjects: int | None = None,
    clips: int | None = None,
    n_jobs: int = 2,
    progress: bool = True,
    amplitude: float | None = None,
) -> Path:
    """Write a synthetic dataset, unless the root holds it already; return the root.

    The same arguments give the same frames, ground truth and cells of the table, for any ``n_jobs``
    (the xlsx file notes when it was made). A stopped run can be continued:
    finished clips are not drawn again, and ``dataset.json`` is written last. Each file is compared
    with its checksum: clips with a missing or damaged one are drawn again.

    Parameters
    ----------
    root : path
        Folder to write; made if missing.
    seed : int
        Decides everything that is drawn at random.
    size : {"laptop", "paper"}
        10 subjects and 100 clips, or as many as section 3.1.1 selects: 246 of 26 or 136 of 27.
    layout : {"casme2", "samm"}
        Official layout of folders, file names, frame size, classes and table.
    subjects, clips : int, optional
        Instead of the size's own; classes stay in proportion.
    n_jobs, progress : int, bool
        Parallel processes, and whether to show a progress bar.
    amplitude : float, optional
        Strength of every action unit, on its stronger side, in pixels of 480 rows; by default each
        clip draws its own. The largest displacement is 0.7 to 1.4 times as much, by the unit.

    Raises
    ------
    ValueError
        If an argument is out of range, or the root holds something else.
    """
    root = Path(root)
    made_of = arguments(seed, size, layout, subjects, clips, amplitude)
    plans = plan(**{name: made_of[name] for name in ("seed", "layout", "subjects", "clips")})
    if is_finished(root, made_of) and not damaged(root, layout, plans):
        return root
    with alone(root):
        names = damaged(root, layout, plans) if is_finished(root, made_of) else ["all"]
        if names and (root / "dataset.json").exists():
            told = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            say(f"{root}: damaged or missing in {told}: drawn again")
        if names:  # else another process has finished it meanwhile
            draw(root, made_of, plans, n_jobs, progress)
    (root / ".lock").unlink(missing_ok=True)  # who waits for it finds a finished dataset
    return root


def draw(root: Path, made_of: dict, plans: list[dict], n_jobs: int, progress: bool) -> None:
    """Draw the clips that are not there, and write the table and, last, ``dataset.json``."""
    layout = made_of["layout"]
    write_file(root / "dataset.part.json", json.dumps(made_of))
    (root / "dataset.json").unlink(missing_ok=True)
    tasks = [delayed(write_clip)(root, made_of, clip) for clip in plans]
    list(each(tasks, n_jobs, "synthetic clips", "clip", progress))
    table = table_file(layout, [read_truth(root, clip["clip"]) for clip in plans])
    write_file(root / TABLES[layout], table)
    noted = made_of | {"content": content(root, made_of)}
    write_file(root / "dataset.json", json.dumps(noted, indent=1))
    (root / "dataset.part.json").unlink(missing_ok=True)


def damaged(root: Path, layout: str, plans: list[dict]) -> list[str]:
    """Return the clips of a finished dataset, or its table, that are not what was written."""
    names = [clip["clip"] for clip in plans if not is_whole(root, clip["clip"])]
    if not names:
        table = table_file(layout, [read_truth(root, clip["clip"]) for clip in plans])
        try:
            same = cells(root / TABLES[layout]) == cells(BytesIO(table))
        except Exception:  # it is missing, or no table
            same = False
        names += [] if same else [TABLES[layout]]
    return names


def is_whole(root: Path, clip: str) -> bool:
    """Return whether the ground truth of a clip and all its frames are what was written."""
    try:
        truth = read_json(truth_path(root, clip))
    except Damaged:
        return False
    frames = truth.get("frames", {})
    there = truth.get("clip") == clip and frames
    return bool(there and all(checksum_of(root / name) == frames[name] for name in frames))


def checksum_of(path: Path) -> int | None:
    """Return the checksum of a file; None if it cannot be read."""
    try:
        return zlib.crc32(path.read_bytes())
    except OSError:
        return None


def arguments(
    seed: int,
    size: str,
    layout: str,
    subjects: int | None,
    clips: int | None,
    amplitude: float | None,
) -> dict:
    """Check the arguments of `write` and fill in the size's numbers."""
    if layout not in SHAPES:
        raise ValueError(f"layout={layout!r}: expected one of {tuple(SHAPES)}")
    if size not in ("laptop", "paper"):
        raise ValueError(f"size={size!r}: expected 'laptop' or 'paper'")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed={seed!r}: expected a whole number of at least 0")
    full = COUNTS[layout]
    if subjects is None:
        subjects = SUBJECTS[layout] if size == "paper" else LAPTOP["subjects"]
    if clips is None:
        clips = sum(full.values()) if size == "paper" else LAPTOP["clips"]
    if subjects < 2:
        raise ValueError(f"subjects={subjects}: expected at least 2, one is left out")
    least = max(subjects, len(full))
    if clips < least:
        raise ValueError(
            f"clips={clips}: expected at least {least}, one per subject and one per class"
        )
    if amplitude is not None and not 0 < amplitude < 100:
        raise ValueError(f"amplitude={amplitude!r}: expected pixels above 0, below 100")
    made_of = {"generator": VERSION, "seed": seed, "layout": layout}
    made_of |= {"subjects": subjects, "clips": clips}
    return made_of if amplitude is None else made_of | {"amplitude": amplitude}


def described(path: Path) -> dict:
    """Return what a dataset's own file says of it; `Damaged` if it cannot be read."""
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise Damaged(path, error) from error


def is_finished(root: Path, made_of: dict) -> bool:
    """Return whether the root holds the finished dataset; ValueError if it holds another thing."""
    for name in ("dataset.json", "dataset.part.json"):
        if (root / name).exists():
            found = described(root / name)
            found.pop("content", None)
            if found != made_of:
                raise ValueError(
                    f"{root} holds another synthetic dataset: found {found}, expected {made_of}; "
                    "name another folder or remove it"
                )
            return name == "dataset.json"
    if root.exists() and any(path.name != ".lock" for path in root.iterdir()):
        raise ValueError(f"{root} is not empty and holds no synthetic dataset: name another folder")
    return False


def content(root: Path, made_of: dict) -> str:
    """Return a digest of a dataset's files, their names, and what the generator was asked.

    Hidden files do not count, nor does what Windows leaves in a folder of pictures.
    """
    found = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode())
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    for name, path in sorted(files.items()):
        own = name in ("dataset.json", "dataset.part.json") or path.name == "Thumbs.db"
        if not own and "/." not in f"/{name}":
            part = hashlib.sha256(cells(path) if path.suffix == ".xlsx" else path.read_bytes())
            found.update(f"{name}\n{part.hexdigest()}\n".encode())
    return found.hexdigest()[:16]


def cells(file: Path | BytesIO) -> bytes:
    """Return what an xlsx file holds, without the time of its making; of another file its bytes."""
    try:
        with ZipFile(file) as table:
            names = sorted(set(table.namelist()) - {"docProps/core.xml"})
            return b"".join(table.read(name) for name in names)
    except BadZipFile:
        return file.read_bytes() if isinstance(file, Path) else file.getvalue()


def random(seed: int, *key: int) -> np.random.Generator:
    """Return the generator of one purpose (key), independent of all others of the seed."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def plan(seed: int, layout: str, subjects: int, clips: int) -> list[dict]:
    """Return a dict for each clip: its name, subject, person (from 0), index, emotion and units.

    The number of clips differs between subjects, as in the real datasets. Emotions and action units
    are in proportion to the full dataset's, and are assigned independently of the subject.
    """
    rng = random(seed, 0)
    shares = rng.dirichlet(np.full(subjects, 2.0))
    least = min(2, clips // subjects)
    takes = np.full(subjects, least) + rng.multinomial(clips - least * subjects, shares)
    shown = [
        (emotion, units)
        for emotion, count in in_proportion(COUNTS[layout], clips, least=1).items()
        for units, share in in_proportion(COMBINATIONS[layout][emotion], count).items()
        for _ in range(share)
    ]
    order = rng.permutation(clips)
    numbers = np.arange(1, subjects + 1)
    if layout == "samm":
        numbers = np.sort(rng.choice(np.arange(6, 6 + 2 * subjects), subjects, replace=False))
    plans: list[dict] = []
    for person, (number, count) in enumerate(zip(numbers, takes, strict=True)):
        for take in range(1, count + 1):
            if layout == "casme2":
                subject, name = f"sub{number:02d}", f"EP{1 + (take - 1) // 3:02d}_{take:02d}"
            else:
                subject, name = f"{number:03d}", f"{number:03d}_{1 + take % 7}_{take}"
            index = len(plans)
            clip = {"clip": f"{subject}/{name}", "subject": subject, "person": person}
            emotion, units = shown[order[index]]
            plans.append(clip | {"index": index, "emotion": emotion, "units": units})
    return plans


@lru_cache(maxsize=2)
def draw_person(seed: int, person: int) -> portrait.Portrait:
    """Draw a subject whose face and eyes OpenCV's cascades find in the upright pose."""
    for attempt in range(50):
        rng = random(seed, 1, person, attempt)
        drawn = portrait.draw(rng, ipd=rng.uniform(118, 132))
        if shows_face(drawn.open[108:588, 80:720].astype(np.uint8)):
            return drawn
    raise RuntimeError(f"no face found by the cascades in 50 drawings of person {person}")


def shows_face(image: np.ndarray) -> bool:
    """Return whether the cascades find one frontal face with two eyes."""
    folder = cv2.data.haarcascades  # type: ignore[attr-defined]
    faces = cv2.CascadeClassifier(folder + "haarcascade_frontalface_default.xml")
    eyes = cv2.CascadeClassifier(folder + "haarcascade_eye.xml")
    boxes = faces.detectMultiScale(image, 1.1, 5, minSize=(120, 120))
    if len(boxes) != 1:
        return False
    x, y, width, height = boxes[0]
    upper = image[y : y + int(0.6 * height), x : x + width]
    return len(eyes.detectMultiScale(upper, 1.1, 5, minSize=(30, 30))) == 2


def draw_events(seed: int, clip: dict, layout: str) -> dict:
    """Draw everything that happens in a clip, as plain numbers for its ground truth."""
    rng = random(seed, 2, clip["index"])
    strengths = {}
    for unit in clip["units"].split("+"):
        peak = float(np.clip(rng.lognormal(np.log(0.9), 0.45), 0.3, 2.0))
        weak = float(rng.uniform(0.6, 1.0) if rng.random() > 0.12 else 0.0)
        strengths[unit] = [peak, peak * weak] if rng.random() < 0.5 else [peak * weak, peak]
    rise = int(np.clip(rng.gamma(6, 5.5), 8, 80))
    fall = int(np.clip(rng.gamma(5, 6.5), 8, 141 - rise))
    fall = max(fall, 24 - rise)
    onset = int(rng.integers(CONTEXT + 1, 150))
    length = rise + fall
    blink = None
    if rng.random() < 0.2:
        blink = [int(onset + rng.integers(0, max(1, length - 20))), int(rng.integers(24, 44))]
    return {
        **clip,
        "layout": layout,
        "onset": onset,
        "apex": onset + rise,
        "offset": onset + length,
        "units": strengths,
        "blink": blink,
        "head": {
            "shift": rng.normal(0, 1.0, 2).tolist(),
            "turn": rng.normal(0, 0.7, 2).tolist(),
            "roll": float(rng.normal(0, 0.2)),
            "approach": float(rng.normal(0, 0.002)),
            "sway": rng.uniform(0, 0.5, 5).tolist(),
        },
        "noise": float(rng.uniform(1.2, 2.2)),
        "flicker": rng.uniform([0.0, 0.0, -0.01], [0.006, 2 * np.pi, 0.01]).tolist(),
        "jpeg": int(rng.integers(88, 96)),
    }


def draw_pose(rng: np.random.Generator, drawn: portrait.Portrait, layout: str) -> np.ndarray:
    """Draw the pose of the head: the similarity (2, 3) from portrait pixels to frame pixels."""
    height, width = SHAPES[layout]
    scale = height / 480 * rng.uniform(0.96, 1.04)
    matrix = cv2.getRotationMatrix2D(drawn.centre, rng.uniform(-4, 4), scale)
    place = width / 2 + rng.uniform(-15, 15), height * 0.36 + rng.uniform(-10, 10)
    matrix[:, 2] += np.subtract(place, drawn.centre)
    return matrix


def frame_path(root: Path, truth: dict, number: int) -> Path:
    """Return the official name of a frame."""
    subject, name = truth["clip"].split("/")
    if truth["layout"] == "casme2":
        return root / "CASME2-RAW" / subject / name / f"img{number}.jpg"
    return root / subject / name / f"{subject}_{number:05d}.jpg"


def write_clip(root: Path, made_of: dict, clip: dict) -> None:
    """Draw one clip and write its frames, then its ground truth, which marks it as finished."""
    if is_whole(root, clip["clip"]):
        return
    cv2.setNumThreads(1)
    seed, layout = made_of["seed"], made_of["layout"]
    drawn = draw_person(seed, clip["person"])
    events = draw_events(seed, clip, layout)
    if "amplitude" in made_of:
        events["units"] = at_amplitude(events["units"], made_of["amplitude"])
    events |= {"centre": list(drawn.centre), "ipd": drawn.ipd}
    for attempt in range(50):
        rng = random(seed, 3, clip["index"], attempt)
        truth = ClipTruth(events | {"pose": draw_pose(rng, drawn, layout).tolist()})
        render = Renderer(drawn, truth, rng)
        first = render.frame(truth.onset)
        if shows_face(first):
            break
    else:
        raise RuntimeError(f"no face found by the cascades in 50 poses of {clip['clip']}")
    frames = {}
    for number in range(truth.onset - CONTEXT, truth.offset + CONTEXT + 1):
        image = first if number == truth.onset else render.frame(number)
        file = frame_path(root, events, number)
        frames[file.relative_to(root).as_posix()] = write_frame(file, image, events["jpeg"])
    write_json(truth_path(root, clip["clip"]), truth.events | {"frames": frames})


def write_frame(path: Path, image: np.ndarray, quality: int) -> int:
    """Write a frame as JPEG, whole or not at all; return the checksum of the file."""
    content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    write_file(path, content)
    return zlib.crc32(content)


def at_amplitude(units: dict[str, list[float]], amplitude: float) -> dict[str, list[float]]:
    """Return the strengths of units, scaled so that the stronger side of each is the amplitude."""
    return {unit: [amplitude * side / max(pair) for side in pair] for unit, pair in units.items()}


def coded(units: dict[str, list[float]]) -> int | str:
    """Return action units as the tables write them: 12, '4+7', 'L14+17'.

    L and R are the sides of the person; the person's left is the image's right.
    """
    sides = {(True, False): "R", (False, True): "L", (True, True): ""}
    text = "+".join(sides[left > 0, right > 0] + unit for unit, (left, right) in units.items())
    return int(text) if text.isdigit() else text


def casme2_rows(truths: list[dict]) -> list[list]:
    """Return the rows of CASME II's table: blank third and seventh column, subjects as text."""
    header = ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None]
    rows: list[list] = [[*header, "Action Units", "Estimated Emotion"]]
    for truth in truths:
        subject, name = truth["clip"].split("/")
        numbers = [truth["onset"], truth["apex"], truth["offset"], None]
        rows.append([subject[3:], name, None, *numbers, coded(truth["units"]), truth["emotion"]])
    return rows


def samm_rows(truths: list[dict]) -> list[list]:
    """Return the rows of SAMM's table v2: header in row 14, formulas, capitalised emotions."""
    title = "Synthetic look-alike of the SAMM micro-movement table, version 2"
    header = ["Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame"]
    header += ["Offset Frame", "Duration", "Micro", "Action Units", "Estimated Emotion"]
    header += ["Objective Classes", "Notes"]
    rows: list[list] = [[title], *([] for _ in range(12)), header]
    for truth in truths:
        subject, name = truth["clip"].split("/")
        row = len(rows) + 1
        emotion = "Other" if truth["emotion"] == "others" else truth["emotion"].capitalize()
        numbers = [int(name.split("_")[1]), truth["onset"], truth["apex"], truth["offset"]]
        units = coded(truth["units"])
        rows.append([subject, name, *numbers, f"=F{row}-D{row}+1", "1/2", units, emotion])
    return rows


def table_file(layout: str, truths: list[dict]) -> bytes:
    """Return the annotation table in the official layout, an xlsx file."""
    book = openpyxl.Workbook()
    sheet = book.active
    if layout == "casme2":
        sheet.title, rows = "Sheet1", casme2_rows(truths)
        book.create_sheet("Sheet2")
        book.create_sheet("Sheet3")
    else:
        sheet.title, rows = "MICRO_ONLY", samm_rows(truths)
    for row in rows:
        sheet.append(row)
    content = BytesIO()
    book.save(content)
    return content.getvalue()
