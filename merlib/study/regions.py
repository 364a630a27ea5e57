"""Where the maps of a network look, against where the face moves: what claim 1 is about.

The generator of the synthetic data knows the moving regions exactly. Of a real clip only the action
units are annotated; their templates in `merlib.data.synthetic.action_units` say which places move.
"""

import itertools
import re
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from merlib.data import synthetic
from merlib.data.synthetic import Truth, action_units
from merlib.metrics import Chance, Difference, pooled_chance, variance_over_people, with_chance
from merlib.model import explain
from merlib.model.network import Network
from merlib.preprocess.face import EYES, on_face
from merlib.store import Saved

from .origin import published
from .study import PROTOCOLS, Study

VERSION = 2  # raised when this step computes something else, see merlib.versions

MOVING = 0.25
"""Part of a unit's largest displacement above which a place counts as moving."""

TOP = 0.1
"""Part of a map's places, the highest, that its look consists of."""

MEASURES = {
    "pointing": "highest place in a region",
    "energy": "energy in the regions",
    "raised": "energy above the median",
    "share": "regions covered",
}
"""Measures of `look`, of `raised` and of `with_share`, with what they are called in figures."""

COLUMNS = ["clip", "subject", "stage", "map", "pointing", "energy", "area", "covered", "regions",
           "raised", "chance"]  # fmt: skip
"""What `of_study` tells about a map. In tables that were saved before ``raised`` and its ``chance``
were measured, these are missing."""

TEXTS = ("clip", "subject", "map")
"""Those of `COLUMNS` that are text: a subject may be called ``006`` or ``NA``."""

STAGES = (1, 2, 3, 4)

MAPS = {
    "before": ("x",),
    "primary": ("x_c1", "x_c1_branch2"),
    "complementary": ("x_c2s", "x_c2s_branch2"),
    "sum": ("x_k",),
}
"""Maps of `merlib.model.explain.attention` that are measured: the stage's output, what the first
looks of both branches keep, what the second looks find, and what the module gives."""


def annotated(text: str) -> dict[str, tuple[float, float]]:
    """Return unit -> strength of the image's left and right half, of annotated action units.

    ``4+L10`` is the whole unit 4, and unit 10 on the left of the face, which is the image's right.
    What has no template is left out.
    """
    found = {}
    for side, unit in re.findall(r"([LR]?)(\d+)", str(text)):
        if unit in action_units.UNITS:
            found[unit] = {"": (1.0, 1.0), "L": (0.0, 1.0), "R": (1.0, 0.0)}[side]
    return found


def moving(units: dict[str, tuple[float, float]], size: int) -> list[np.ndarray]:
    """Return the moving regions of a face in the aligned crop.

    Parameters
    ----------
    units : dict of str to (float, float)
        Displacement of each action unit in the image's left and right half.
    size : int
        Pixels a side of the crop.

    Returns
    -------
    list of ndarray (size, size) bool
        Connected places where some unit moves more than `MOVING` of its own peak. A mouth corner
        that moves with the other one is a region of its own.
    """
    left, right = EYES * size - 0.5
    rows, columns = np.mgrid[0:size, 0:size]
    x, y = columns - (left[0] + right[0]) / 2, rows - left[1]
    x, y = x / (right[0] - left[0]), y / (right[0] - left[0])
    union = np.zeros((size, size), bool)
    for unit, (a, b) in units.items():
        halves = action_units.displacement(unit, x, y)
        length = np.hypot(*(a * halves[0] + b * halves[1]))
        union |= length > MOVING * length.max()
    count, labels = cv2.connectedComponents(union.astype(np.uint8))
    return [labels == k for k in range(1, count)]


def enlarged(values: np.ndarray, size: int) -> np.ndarray:
    """Return a map (H, W) at the resolution of a crop, (size, size) float32."""
    return cv2.resize(values.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)


def highest(values: np.ndarray, size: int) -> np.ndarray:
    """Return which places of a crop are the highest `TOP` of a map, (size, size) bool.

    Among equal places, as at the edges of an enlarged map, a lot decides, always the same one: the
    order of reading would favour one corner of the face.
    """
    large = enlarged(values, size).ravel()
    lot = np.random.default_rng(0).permutation(large.size)
    order = lot[np.argsort(large[lot], kind="stable")]
    top = np.zeros(large.size, bool)
    top[order[-round(TOP * large.size) :]] = True
    return top.reshape(size, size)


def look(values: np.ndarray, regions: list[np.ndarray]) -> dict[str, float]:
    """Measure one map against the moving regions.

    Parameters
    ----------
    values : ndarray (H, W)
        A map of any resolution, not negative.
    regions : list of ndarray (S, S) bool
        At least one.

    Returns
    -------
    dict
        ``pointing``: whether the middle of the highest place lies in a region, and of equally high
        ones the share that does (pointing game, Zhang et al. 2018); ``energy``: share of the map's
        sum inside the regions (Wang et al. 2020); ``area``: share of the crop that they take, what
        a flat map would score in both; ``covered``: regions that the highest `TOP` of places touch;
        ``regions``: how many there are.
    """
    size = regions[0].shape[0]
    large, top = enlarged(values, size), highest(values, size)
    union = np.any(regions, axis=0)
    best = np.argwhere(values == values.max())
    rows, columns = ((best + 0.5) * size / values.shape).astype(int).T
    return {
        "pointing": float(union[rows, columns].mean()),
        "energy": float(large[union].sum() / max(large.sum(), 1e-12)),
        "area": float(union.mean()),
        "covered": float(sum((top & region).any() for region in regions)),
        "regions": float(len(regions)),
    }


def raised(values: np.ndarray, regions: list[np.ndarray]) -> float:
    """Return which share of what stands out of a map, on the face, lies in the moving regions.

    A map that is high everywhere has much energy outside the regions although it says nothing
    there. So only what is above the median counts. Nor does the background count: the head is held
    still, so what is behind it moves in the crop, by more than a face does.

    Parameters
    ----------
    values : ndarray (H, W)
        A map of any resolution.
    regions : list of ndarray (S, S) bool
        At least one.

    Returns
    -------
    float
        Of a flat map, in which nothing stands out, `by_chance`.
    """
    size = regions[0].shape[0]
    large, face = enlarged(values, size), of_face(size)
    above = np.clip(large - np.median(large[face]), 0, None) * face
    if not above.any():
        return by_chance(regions)
    return float(above[np.any(regions, axis=0)].sum() / above.sum())


def by_chance(regions: list[np.ndarray]) -> float:
    """Return the share of the face that moving regions (S, S) take: what `raised` is by chance."""
    face = of_face(regions[0].shape[0])
    return float(np.any(regions, axis=0)[face].mean())


def of_face(size: int) -> np.ndarray:
    """Return which places of a crop are on a mean face, (size, size) bool."""
    rows, columns = (np.mgrid[0:size, 0:size] + 0.5) / size
    return on_face(np.stack([columns, rows], axis=-1))


def positive_control(study: Study) -> pd.DataFrame:
    """Measure a map that must score well: how large the flow of the input is at the apex.

    The network gets this flow, and on the face little else moves than the regions. A measure that
    does not find the regions in it cannot find them in a map of attention. Beside it, as the map
    ``flat``, what a flat map scores, and as the map ``usual``, how often each place moves in the
    clips of the other subjects.

    Returns
    -------
    DataFrame
        ``clip, subject, stage, map, raised`` and ``seed``, which is 0: nothing is trained. Each row
        is one map at the resolution of one stage, of the clips with a known region.
    """
    known, rows = of_clips(study), []
    for _, some in study.clips.groupby("subject"):
        others = [regions for name, regions in known.items() if name not in set(some["clip"])]
        usual = how_often(others)
        if usual is None:
            continue
        for row, clip in some[some["clip"].isin(known)].iterrows():
            shown = {"flow": np.hypot(*study.numbers.x[row, -1, 1:3]), "usual": usual}
            about = {"clip": clip["clip"], "subject": clip["subject"], "seed": 0}
            shown["flat"] = np.ones_like(usual)
            for stage, (name, values) in itertools.product(STAGES, shown.items()):
                coarse = coarser(values, places(study.config.size, stage))
                score = raised(coarse, known[clip["clip"]])
                rows.append(about | {"stage": stage, "map": name, "raised": score})
    return pd.DataFrame(rows, columns=["clip", "subject", "seed", "stage", "map", "raised"])


def places(size: int, stage: int) -> tuple[int, int]:
    """Return how many places a stage's map of a crop has, down and across."""
    side = -(-size // 2 ** (stage + 1))  # rounded up
    return side, side


def of_clips(study: Study) -> dict[str, list[np.ndarray]]:
    """Return the moving regions of every clip in which some are known: clip -> see `moving`."""
    found = {name: moving(pair, study.config.size) for name, pair in units_of(study).items()}
    return {name: regions for name, regions in found.items() if regions}


def units_of(study: Study) -> dict[str, dict[str, tuple[float, float]]]:
    """Return the action units of every clip: clip -> unit -> strength, see `moving`.

    By the truth of a drawn clip, by the annotated units of a recorded one.
    """
    if study.published:
        return published_units(study.dataset, study.profile)
    if (study.root / "dataset.json").exists():
        truth = Truth(study.root)
        return {name: truth.clip(name).action_units for name in study.clips["clip"]}
    annotations = study.clips.set_index("clip")["action_units"]
    return {name: annotated(text) for name, text in annotations.items()}


def published_units(dataset: str, profile: str) -> dict[str, dict[str, tuple[float, float]]]:
    """Return the action units of published synthetic clips, from their seed: none is drawn."""
    made = published(dataset, profile)
    plans = synthetic.plan(**{k: made[k] for k in ("seed", "layout", "subjects", "clips")})
    events = [synthetic.draw_events(made["seed"], plan, made["layout"]) for plan in plans]
    return {event["clip"]: event["units"] for event in events}


def maps(network: Network, x: np.ndarray) -> dict[int, dict[str, np.ndarray]]:
    """Return the `MAPS` of a network at the apex.

    Parameters
    ----------
    network : Network
        With MFEM, or with a control in its place; of a control only ``before`` and ``sum`` exist.
    x : ndarray (N, T, C, S, S)
        Prepared clips, whose last frame is the apex.

    Returns
    -------
    dict of int to dict of str to ndarray (N, H, W)
        Stage -> map, mean over the channels.
    """
    return {
        stage: {
            name: np.sum([found[part][:, 0] for part in parts if part in found], axis=0)
            for name, parts in MAPS.items()
            if parts[0] in found
        }
        for stage, found in explain.attention(network, x[:, -1:].copy()).items()
    }


def overlap(maps: dict[int, dict[str, np.ndarray]], size: int) -> pd.DataFrame:
    """Return how alike the first and the second look of a network are, as a mean over clips.

    Parameters
    ----------
    maps : dict
        See `maps`, with ``primary`` and ``complementary``.
    size : int
        Pixels a side of the crop.

    Returns
    -------
    DataFrame
        Indexed by ``stage``: ``places a side`` of the maps, as text, Pearson's ``correlation``
        (clips with a flat map do not count) and the share of the ``highest tenth in common``.
    """
    rows = {}
    for stage, here in maps.items():
        looks = here["primary"], here["complementary"]
        one, two = (pd.DataFrame(values.reshape(len(values), -1)) for values in looks)
        tops = np.array([[highest(value, size) for value in values] for values in looks])
        rows[stage] = {
            "places a side": str(looks[0].shape[-1]),
            "correlation": one.corrwith(two, axis=1).mean(),
            "highest tenth in common": tops.all(axis=0).sum() / tops[0].sum(),
        }
    return pd.DataFrame(rows).T.rename_axis("stage")


def of_study(study: Study, method: str) -> pd.DataFrame:
    """Measure the maps of every fold's network on the subjects that it has not seen.

    The apex frame of every clip with a known region; see `look` for the columns. Beside them, as
    the map ``usual``: how often each place moves in the clips that the network was trained on.
    A map that scores no better than this fixed one need not have looked at the clip.

    Returns
    -------
    DataFrame
        ``clip, subject, stage, map``, then the measures; each row is one map.
    """
    known, rows = of_clips(study), []
    for left_out, some in study.clips.groupby(PROTOCOLS[study.protocol]):
        network = study.fold_classifier(method, left_out).network_
        seen = set(study.clips["clip"]) - set(some["clip"])
        usual = how_often([regions for name, regions in known.items() if name in seen])
        for row, clip in some[some["clip"].isin(known)].iterrows():
            about = {"clip": clip["clip"], "subject": clip["subject"]}
            for stage, shown in maps(network, study.prepared.x[row : row + 1]).items():
                if usual is not None:
                    shown["usual"] = coarser(usual, shown["sum"].shape[1:])[None]
                for name, (values,) in shown.items():
                    measures = look(values, known[clip["clip"]])
                    measures["raised"] = raised(values, known[clip["clip"]])
                    measures["chance"] = by_chance(known[clip["clip"]])
                    rows.append(about | {"stage": stage, "map": name} | measures)
    return pd.DataFrame(rows).round(6)


def measured(saved: Saved) -> pd.DataFrame:
    """Return what is saved of `of_study`, with the trial's ``name``, its ``seed``, and ``share``.

    If nothing is saved, the table has no rows.
    """
    table = saved.measured("regions")
    return with_share(table.reindex(columns=list(dict.fromkeys([*table, *COLUMNS]))))


def read(path: Path) -> pd.DataFrame:
    """Return what `of_study` has found from a CSV file; its `TEXTS` stay as they are."""
    numbers = [name for name in COLUMNS if name not in TEXTS]
    texts, empty = dict.fromkeys(TEXTS, str), dict.fromkeys(numbers, "")
    return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=empty)


def with_share(looks: pd.DataFrame) -> pd.DataFrame:
    """Add the share of its regions that a map covers, of clips that have several."""
    several = looks["regions"] > 1
    return looks.assign(share=(looks["covered"] / looks["regions"]).where(several))


def by_number(looks: pd.DataFrame) -> pd.DataFrame:
    """Return how many regions the maps cover, by the number of regions of the clip.

    Parameters
    ----------
    looks : DataFrame
        Rows of `measured` of one network with MFEM.

    Returns
    -------
    DataFrame
        Indexed by ``regions``: ``clips``, then the mean over clips, stages and seeds of each of
        `MAPS`, and of the least and the most that both looks can cover together.
    """
    looks = looks.astype({"regions": int})
    keys = ["clip", "stage", "seed", "regions"]
    covered = looks.pivot_table("covered", keys, "map")[list(MAPS)]
    one, two = covered["primary"], covered["complementary"]
    covered["together, at least"] = np.maximum(one, two)
    covered["together, at most"] = np.minimum(one + two, covered.index.get_level_values("regions"))
    table = covered.groupby("regions").mean()
    table.insert(0, "clips", looks.groupby("regions")["clip"].nunique())
    return table


def blind(known: dict[str, list[np.ndarray]], size: int, seed: int = 0) -> pd.DataFrame:
    """Measure maps that see nothing: random ones, and the usual places as one map for all clips.

    Parameters
    ----------
    known : dict
        See `of_clips`.
    size : int
        Pixels a side of the crop.
    seed : int
        Of the random maps, three for each clip.

    Returns
    -------
    DataFrame
        Mean of the `MEASURES` over clips, indexed by ``map`` and ``stage``.
    """
    rng, rows = np.random.default_rng(seed), []
    usual = how_often(list(known.values()))
    for stage in STAGES:
        shape = places(size, stage)
        for regions in known.values():
            maps = [("random map", rng.random(shape)) for _ in range(3)]
            if usual is not None:
                maps.append(("usual places", coarser(usual, shape)))
            rows += [
                {"map": name, "stage": stage, "raised": raised(m, regions)} | look(m, regions)
                for name, m in maps
            ]
    return with_share(pd.DataFrame(rows)).groupby(["map", "stage"])[list(MEASURES)].mean()


def chance_in_training(looks: pd.DataFrame, measure: str) -> Chance | None:
    """Return the chance in training of a measure, of the difference of two networks.

    How far the seeds of a trial lie apart is pooled over trials, as
    `merlib.metrics.chance_in_training` does for scores.

    Parameters
    ----------
    looks : DataFrame
        Rows of `measured`, one map of each trial.
    measure : str
        One of `MEASURES`.

    Returns
    -------
    Chance or None
        None if no trial has two seeds that differ.
    """
    values = looks.dropna(subset=measure).groupby(["name", "seed"])[measure].mean()
    of_trials = (seeds.tolist() for _, seeds in values.groupby("name") if seeds.nunique() > 1)
    found = pooled_chance(of_trials)
    return found and found._replace(variance=2 * found.variance)  # of two networks


def difference(
    one: pd.DataFrame, other: pd.DataFrame, measure: str, chance: Chance | None = None
) -> Difference | None:
    """Return a measure of one map minus that of another, paired by clip, stage and seed.

    The interval holds chance in people and in seeds, see `merlib.metrics.with_chance`.

    Parameters
    ----------
    one, other : DataFrame
        Rows of `of_study`, with a column ``seed``.
    measure : str
        One of `MEASURES`.
    chance : Chance, optional
        See `chance_in_training`; by default the spread of the seeds of this difference.

    Returns
    -------
    Difference or None
        None if no clip of a seed has the measure in both.
    """
    keys = ["subject", "clip", "stage", "seed"]
    values = (one.set_index(keys)[measure] - other.set_index(keys)[measure]).dropna()
    if not len(values):
        return None
    seeds = values.groupby("seed").mean().to_dict()
    people = values.index.unique("subject").size
    of_people = variance_over_people(drawn_means(per_clip(values)), people)
    return with_chance(seeds, of_people, people, chance=chance)


def per_clip(values: pd.Series) -> pd.Series:
    """Return the mean over stages and seeds of values, each row one clip of one subject."""
    return values.groupby(["subject", "clip"]).mean()


def drawn_means(values: pd.Series, draws: int = 4000) -> np.ndarray:
    """Return means over the clips of subjects that are drawn with replacement, (draws,)."""
    sums = values.groupby("subject").agg(["sum", "size"]).to_numpy(float)
    chosen = np.random.default_rng(0).integers(0, len(sums), (draws, len(sums)))
    return np.divide(*sums[chosen].sum(axis=1).T)


def how_often(clips: list[list[np.ndarray]]) -> np.ndarray | None:
    """Return the share of clips in which each place moves, (size, size), None of no clip."""
    return np.mean([np.any(regions, axis=0) for regions in clips], axis=0) if clips else None


def coarser(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return a map at a lower resolution (H, W), mean over areas."""
    return cv2.resize(values.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA)
