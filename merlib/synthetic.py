"""The embedded dataset: drawn faces moved by action units, in the layout of CASME II or SAMM.

A clip is one portrait warped by an exactly known displacement field, frame by frame, with sensor
noise, flicker and JPEG on top. The emotion decides which action units move, and nothing else:
identity, pose, length, amplitude, head motion, blinks and noise are drawn without looking at it.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import openpyxl
from joblib import delayed

from . import action_units, portrait
from .action_units import COMBINATIONS
from .files import whole
from .files import write as write_file
from .parallel import each

VERSION = 1
"""Raised whenever the same seed would give other frames."""

FPS = 200.0
LAMPS = 98.0
"""Flicker of mains lamps in Hz, a little off half the frame rate."""

CONTEXT = 2
"""Still frames before onset and after offset."""

SHAPES = {"casme2": (480, 640), "samm": (650, 960)}
"""Rows and columns of a frame; amplitudes are stated for 480 rows and grow with them."""

COUNTS = {
    "casme2": {"happiness": 32, "surprise": 25, "disgust": 63, "repression": 27, "others": 99},
    "samm": {"anger": 57, "happiness": 26, "others": 26, "surprise": 15, "contempt": 12},
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
    """Write a synthetic dataset, or return at once if it stands there already.

    The same arguments give the same bytes, whatever ``n_jobs``. A run that was stopped goes on
    where it was: finished clips are kept, and ``dataset.json`` is written last.

    Parameters
    ----------
    root : path
        Folder to write; made if missing.
    seed : int
        Decides everything that is drawn at random.
    size : {"laptop", "paper"}
        10 subjects and 100 clips, or the numbers of Table 1.
    layout : {"casme2", "samm"}
        Whose folders, file names, frame size, classes and table.
    subjects, clips : int, optional
        Instead of the size's own; classes stay in proportion.
    n_jobs : int
        Parallel processes.
    progress : bool
        Show a progress bar.
    amplitude : float, optional
        Peak displacement of every action unit, on its stronger side, in pixels of 480 rows;
        otherwise each clip draws its own.

    Returns
    -------
    Path
        The root.

    Raises
    ------
    ValueError
        If an argument is out of range, or the root holds something else.
    """
    root = Path(root)
    made_of = arguments(seed, size, layout, subjects, clips, amplitude)
    if standing(root, made_of):
        return root
    root.mkdir(parents=True, exist_ok=True)
    write_file(root / "dataset.part.json", json.dumps(made_of))
    plans = plan(**{name: made_of[name] for name in ("seed", "layout", "subjects", "clips")})
    tasks = [delayed(write_clip)(root, made_of, clip) for clip in plans]
    list(each(tasks, n_jobs, "synthetic clips", "clip", progress))
    truths = [read_truth(root, clip["clip"]) for clip in plans]
    (write_casme2_table if layout == "casme2" else write_samm_table)(root, truths)
    write_file(root / "dataset.json", json.dumps(made_of, indent=1))
    (root / "dataset.part.json").unlink()
    return root


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
        raise ValueError(f"clips={clips}: expected at least {least}, one a subject and one a class")
    if amplitude is not None and not 0 < amplitude < 100:
        raise ValueError(f"amplitude={amplitude!r}: expected pixels above 0, or None")
    given = {} if amplitude is None else {"amplitude": amplitude}
    return {
        "generator": VERSION,
        "seed": seed,
        "layout": layout,
        "subjects": subjects,
        "clips": clips,
        **given,
    }


def standing(root: Path, made_of: dict) -> bool:
    """Tell whether the root holds this very dataset; refuse a root that holds another thing."""
    for name in ("dataset.json", "dataset.part.json"):
        if (root / name).exists():
            found = json.loads((root / name).read_text())
            if found != made_of:
                raise ValueError(
                    f"{root} holds another synthetic dataset: found {found}, expected {made_of}; "
                    "name another folder or remove it"
                )
            return name == "dataset.json"
    if root.exists() and any(root.iterdir()):
        raise ValueError(f"{root} is not empty and holds no synthetic dataset: name another folder")
    return False


def random(seed: int, *key: int) -> np.random.Generator:
    """Return the generator of one purpose: its numbers do not depend on any other's."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def class_counts(layout: str, clips: int) -> dict[str, int]:
    """Return clips of each class, in proportion to Table 1, by largest remainder."""
    full = COUNTS[layout]
    exact = {name: count * clips / sum(full.values()) for name, count in full.items()}
    counts = {name: max(1, int(value)) for name, value in exact.items()}
    while sum(counts.values()) < clips:
        name = max(exact, key=lambda name: exact[name] - counts[name])
        counts[name] += 1
    while sum(counts.values()) > clips:
        counts[max(counts, key=lambda name: counts[name] - exact[name])] -= 1
    return counts


def plan(seed: int, layout: str, subjects: int, clips: int) -> list[dict]:
    """Return who shows what, a dict a clip: clip, subject, number of the person, emotion.

    Clips are spread unevenly over the subjects, as in the real datasets; the emotions are dealt
    without looking at the subject.
    """
    rng = random(seed, 0)
    shares = rng.dirichlet(np.full(subjects, 2.0))
    least = min(2, clips // subjects)
    each = np.full(subjects, least) + rng.multinomial(clips - least * subjects, shares)
    emotions = [name for name, count in class_counts(layout, clips).items() for _ in range(count)]
    emotions = iter(rng.permutation(emotions))
    numbers = np.arange(1, subjects + 1)
    if layout == "samm":
        numbers = np.sort(rng.choice(np.arange(6, 6 + 2 * subjects), subjects, replace=False))
    plans = []
    for person, (number, count) in enumerate(zip(numbers, each, strict=True)):
        for take in range(1, count + 1):
            if layout == "casme2":
                subject, name = f"sub{number:02d}", f"EP{1 + (take - 1) // 3:02d}_{take:02d}"
            else:
                subject, name = f"{number:03d}", f"{number:03d}_{1 + take % 7}_{take}"
            plans.append(
                {
                    "clip": f"{subject}/{name}",
                    "subject": subject,
                    "person": person,
                    "index": len(plans),
                    "emotion": str(next(emotions)),
                }
            )
    return plans


@lru_cache(maxsize=2)
def draw_person(seed: int, person: int) -> portrait.Portrait:
    """Draw a subject whose face and eyes OpenCV's cascades find in the straight pose."""
    for attempt in range(50):
        rng = random(seed, 1, person, attempt)
        drawn = portrait.draw(rng, ipd=rng.uniform(118, 132))
        if found(drawn.open[80:560, 80:720].astype(np.uint8)):
            return drawn
    raise RuntimeError(f"no face found by the cascades in 50 drawings of person {person}")


def found(image: np.ndarray) -> bool:
    """Tell whether the frontal-face cascade finds one face, and the eye cascade two eyes in it."""
    folder = cv2.data.haarcascades
    faces = cv2.CascadeClassifier(folder + "haarcascade_frontalface_default.xml")
    eyes = cv2.CascadeClassifier(folder + "haarcascade_eye.xml")
    boxes = faces.detectMultiScale(image, 1.1, 5, minSize=(120, 120))
    if len(boxes) != 1:
        return False
    x, y, width, height = boxes[0]
    upper = image[y : y + int(0.6 * height), x : x + width]
    return len(eyes.detectMultiScale(upper, 1.1, 5, minSize=(30, 30))) == 2


def draw_events(seed: int, clip: dict, layout: str) -> dict:
    """Draw everything that happens in a clip, as plain numbers that go into its ground truth."""
    rng = random(seed, 2, clip["index"])
    options = COMBINATIONS[layout][clip["emotion"]]
    units = rng.choice(list(options), p=list(options.values())).split("+")
    strengths = {}
    for unit in units:
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
    """Draw where the head is: the similarity (2, 3) from portrait pixels to frame pixels."""
    height, width = SHAPES[layout]
    scale = height / 480 * rng.uniform(0.96, 1.04)
    matrix = cv2.getRotationMatrix2D(drawn.centre, rng.uniform(-4, 4), scale)
    place = width / 2 + rng.uniform(-15, 15), height * 0.42 + rng.uniform(-10, 10)
    matrix[:, 2] += np.subtract(place, drawn.centre)
    return matrix


@dataclass(frozen=True)
class ClipTruth:
    """Exact ground truth of one clip, computed from the numbers that made it.

    Displacements are forward: a point of the onset frame at pixel x lies at x + w(x, t) in
    frame t. Frame numbers are those of the table.
    """

    events: dict

    @property
    def action_units(self) -> dict[str, tuple[float, float]]:
        """Peak displacement in pixels of each unit, image-left and image-right half."""
        return {unit: tuple(pair) for unit, pair in self.events["units"].items()}

    @property
    def onset(self) -> int:
        """First frame of the movement."""
        return self.events["onset"]

    @property
    def apex(self) -> int:
        """Frame of the largest movement."""
        return self.events["apex"]

    @property
    def offset(self) -> int:
        """Last frame of the movement."""
        return self.events["offset"]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame."""
        return SHAPES[self.events["layout"]]

    @property
    def pose(self) -> np.ndarray:
        """Similarity (2, 3) from portrait pixels to pixels of the onset frame."""
        return np.array(self.events["pose"])

    @property
    def eyes(self) -> np.ndarray:
        """Eye centres of the onset frame, ((x, y) image-left, (x, y) image-right), pixels."""
        centre, half = np.array(self.events["centre"]), np.array([self.events["ipd"] / 2, 0])
        points = np.array([centre - half, centre + half])
        return points @ self.pose[:, :2].T + self.pose[:, 2]

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the face coordinates x, y (H, W) of the onset frame's pixels."""
        rows, columns = np.mgrid[0 : self.shape[0], 0 : self.shape[1]].astype(np.float32)
        back = cv2.invertAffineTransform(self.pose).astype(np.float32)
        x = back[0, 0] * columns + back[0, 1] * rows + back[0, 2]
        y = back[1, 0] * columns + back[1, 1] * rows + back[1, 2]
        centre, ipd = self.events["centre"], self.events["ipd"]
        return (x - centre[0]) / ipd, (y - centre[1]) / ipd

    def progress(self, t: int) -> float:
        """Return how far the expression is at frame t: 0 at onset and offset, 1 at apex."""
        if t <= self.onset or t >= self.offset:
            return 0.0
        if t <= self.apex:
            share = (t - self.onset) / (self.apex - self.onset)
        else:
            share = (self.offset - t) / (self.offset - self.apex)
        return float(0.5 - 0.5 * np.cos(np.pi * share))

    def unit_displacement(self, unit: str) -> np.ndarray:
        """Return one unit's displacement at the apex, (2, H, W) float32, pixels."""
        left, right = action_units.displacement(unit, *self.coordinates())
        scale = self.shape[0] / 480
        pair = self.events["units"][unit]
        return (scale * (pair[0] * left + pair[1] * right)).astype(np.float32)

    def apex_displacement(self) -> np.ndarray:
        """Return the displacement of all units at the apex, (2, H, W) float32, pixels."""
        return np.sum([self.unit_displacement(unit) for unit in self.events["units"]], axis=0)

    def au_displacement(self, t: int) -> np.ndarray:
        """Return the displacement of all units at frame t, (2, H, W) float32, pixels."""
        return self.progress(t) * self.apex_displacement()

    def head_fields(self) -> np.ndarray:
        """Return the fields (5, 2, H, W) that the head's motion is a mixture of.

        Shift right and down, turn right and nod down (nearer parts move more), and roll and
        approach in one. The wall behind the head stays where it is.
        """
        x, y = self.coordinates()
        head = self.events["head"]
        near = np.exp(-0.7 * (x**2 + (y - 0.4) ** 2))
        near += 0.35 * np.exp(-12 * x**2 - 8 * (y - 0.55) ** 2)
        stays = np.exp(-(((x / 1.75) ** 2 + ((y - 0.35) / 2.3) ** 2) ** 3))
        zero, ipd = np.zeros_like(x), self.events["ipd"] * self.shape[0] / 480
        roll, approach = np.deg2rad(head["roll"]) * ipd, head["approach"] * ipd
        fields = [
            [np.full_like(x, head["shift"][0]), zero],
            [zero, np.full_like(x, head["shift"][1])],
            [head["turn"][0] * near, zero],
            [zero, head["turn"][1] * near],
            [-roll * (y - 1.5) + approach * x, roll * x + approach * (y - 1.5)],
        ]
        scale = self.shape[0] / 480
        return (scale * np.array(fields) * stays).astype(np.float32)

    def head_weights(self, t: int) -> np.ndarray:
        """Return the weights (5,) of `head_fields` at frame t, all 0 at onset and 1 at offset."""
        share = (t - self.onset) / (self.offset - self.onset)
        return share + np.array(self.events["head"]["sway"]) * np.sin(2 * np.pi * share)

    def displacement(self, t: int) -> np.ndarray:
        """Return the whole displacement at frame t, (2, H, W) float32, pixels."""
        head = np.tensordot(self.head_weights(t), self.head_fields(), 1)
        return (self.au_displacement(t) + head).astype(np.float32)

    @property
    def masks(self) -> dict[str, np.ndarray]:
        """Where each unit moves more than a quarter of its peak at the apex, bool (H, W)."""
        masks = {}
        for unit in self.events["units"]:
            size = np.hypot(*self.unit_displacement(unit))
            masks[unit] = size > 0.25 * size.max()
        return masks

    def closing(self, t: int) -> float:
        """Return how far the eyes are shut at frame t, 0 to 1."""
        if self.events["blink"] is None:
            return 0.0
        start, length = self.events["blink"]
        share = (t - start) / length
        return float(np.sin(np.pi * share) ** 2) if 0 < share < 1 else 0.0

    def blink_mask(self, t: int) -> np.ndarray:
        """Return where a blink hides the eyes at frame t, bool (H, W)."""
        x, y = self.coordinates()
        eyes = ((np.abs(x) - 0.5) / 0.25) ** 2 + (y / 0.14) ** 2 < 1
        return eyes & (self.closing(t) > 0)


class Truth:
    """Reader of the ground truth of a synthetic dataset.

    Raises
    ------
    ValueError
        If the root holds no finished synthetic dataset; on `clip`, if there is no such clip.
    """

    def __init__(self, root: str | Path):
        self.root = Path(root)
        if not (self.root / "dataset.json").exists():
            raise ValueError(f"{root}: no finished synthetic dataset (dataset.json is missing)")

    def clip(self, clip: str) -> ClipTruth:
        """Return the truth of a clip, named as in the clip table."""
        if not truth_path(self.root, clip).exists():
            raise ValueError(f"{self.root}: no ground truth of clip {clip!r}")
        return ClipTruth(read_truth(self.root, clip))


def truth_path(root: Path, clip: str) -> Path:
    """Return where the numbers of a clip stand."""
    return root / "ground_truth" / f"{clip}.json"


def read_truth(root: Path, clip: str) -> dict:
    """Return the numbers that made a clip."""
    return json.loads(truth_path(root, clip).read_text())


def frame_path(root: Path, truth: dict, number: int) -> Path:
    """Return the official name of a frame."""
    subject, name = truth["clip"].split("/")
    if truth["layout"] == "casme2":
        return root / "CASME2-RAW" / subject / name / f"img{number}.jpg"
    return root / subject / name / f"{subject}_{number:05d}.jpg"


def write_clip(root: Path, made_of: dict, clip: dict) -> None:
    """Draw one clip and write its frames, then its ground truth: a clip with truth is finished."""
    path = truth_path(root, clip["clip"])
    if path.exists():
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
        if found(first):
            break
    else:
        raise RuntimeError(f"no face found by the cascades in 50 poses of {clip['clip']}")
    for number in range(truth.onset - CONTEXT, truth.offset + CONTEXT + 1):
        file = frame_path(root, events, number)
        file.parent.mkdir(parents=True, exist_ok=True)
        image = first if number == truth.onset else render.frame(number)
        cv2.imwrite(str(file), image, [cv2.IMWRITE_JPEG_QUALITY, events["jpeg"]])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, json.dumps(truth.events))


def at_amplitude(units: dict[str, list[float]], amplitude: float) -> dict[str, list[float]]:
    """Return the strengths of units, scaled so that each one's stronger side is an amplitude."""
    return {unit: [amplitude * side / max(pair) for side in pair] for unit, pair in units.items()}


class Renderer:
    """Frames of one clip: the portrait warped back by the displacement, then the camera."""

    def __init__(self, drawn: portrait.Portrait, truth: ClipTruth, rng: np.random.Generator):
        self.drawn, self.truth, self.rng = drawn, truth, rng
        fields = np.concatenate([truth.apex_displacement()[None], truth.head_fields()])
        self.fields = np.ascontiguousarray(np.moveaxis(fields, 1, 3))
        rows, columns = np.mgrid[0 : truth.shape[0], 0 : truth.shape[1]].astype(np.float32)
        self.grid = np.dstack([columns, rows])
        self.back = cv2.invertAffineTransform(truth.pose).astype(np.float32)

    def frame(self, t: int) -> np.ndarray:
        """Return frame t, (H, W) uint8."""
        truth = self.truth
        weights = np.array([truth.progress(t), *truth.head_weights(t)], np.float32)
        source = self.grid + inverse(np.tensordot(weights, self.fields, 1), self.grid)
        image = cv2.remap(
            self.face(t),
            cv2.transform(source, self.back),
            None,
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        depth, phase, drift = truth.events["flicker"]
        share = (t - truth.onset) / (truth.offset - truth.onset)
        image *= 1 + depth * np.sin(2 * np.pi * LAMPS / FPS * t + phase) + drift * share
        image += truth.events["noise"] * self.rng.standard_normal(image.shape, np.float32)
        return cv2.convertScaleAbs(np.maximum(image, 0, out=image))

    def face(self, t: int) -> np.ndarray:
        """Return the portrait of frame t: during a blink the lids come down over the eyes."""
        closing = self.truth.closing(t)
        if closing == 0:
            return self.drawn.open
        rows = np.arange(portrait.CANVAS[0], dtype=np.float32)
        y = (rows - self.drawn.centre[1]) / self.drawn.ipd
        lid = -0.14 + 0.24 * closing  # the lid's edge goes from above the eye to below it
        shut = portrait.edge((lid - y) * self.drawn.ipd, 1.5)[:, None]
        return (shut * self.drawn.closed + (1 - shut) * self.drawn.open).astype(np.float32)


def inverse(forward: np.ndarray, grid: np.ndarray, steps: int = 2) -> np.ndarray:
    """Return b (H, W, 2) with b(y) = -w(y + b(y)), by fixed-point iteration on the smooth w."""
    back = -forward
    for _ in range(steps):
        back = -cv2.remap(
            forward, grid + back, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return back


def coded(units: dict[str, list[float]]) -> int | str:
    """Return action units as the tables write them: 12, '4+7', 'L14+17'.

    L and R are the left and right of the *face*: its left is the image's right.
    """
    sides = {(True, False): "R", (False, True): "L", (True, True): ""}
    names = [sides[left > 0, right > 0] + unit for unit, (left, right) in units.items()]
    text = "+".join(names)
    return int(text) if text.isdigit() else text


def write_casme2_table(root: Path, truths: list[dict]) -> None:
    """Write the coding table of CASME II: blank third and seventh column, subjects as text."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sheet1"
    sheet.append(
        ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None]
        + ["Action Units", "Estimated Emotion"]
    )
    for truth in truths:
        subject, name = truth["clip"].split("/")
        numbers = [truth["onset"], truth["apex"], truth["offset"]]
        emotion = truth["emotion"]
        sheet.append([subject[3:], name, None, *numbers, None, coded(truth["units"]), emotion])
    book.create_sheet("Sheet2")
    book.create_sheet("Sheet3")
    with whole(root / TABLES["casme2"]) as part:
        book.save(part)


def write_samm_table(root: Path, truths: list[dict]) -> None:
    """Write the table of SAMM v2: header in row 14, formula cells, capitalised emotions."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "MICRO_ONLY"
    sheet["A1"] = "Synthetic look-alike of the SAMM micro-movement table, version 2"
    header = ["Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame"]
    header += ["Offset Frame", "Duration", "Micro", "Action Units", "Estimated Emotion"]
    header += ["Objective Classes", "Notes"]
    for column, name in enumerate(header, 1):
        sheet.cell(14, column, name)
    for row, truth in enumerate(truths, 15):
        subject, name = truth["clip"].split("/")
        emotion = "Other" if truth["emotion"] == "others" else truth["emotion"].capitalize()
        values = [subject, name, int(name.split("_")[1]), truth["onset"], truth["apex"]]
        values += [truth["offset"], f"=F{row}-D{row}+1", "1/2", coded(truth["units"]), emotion]
        for column, value in enumerate(values, 1):
            sheet.cell(row, column, value)
    with whole(root / TABLES["samm"]) as part:
        book.save(part)
