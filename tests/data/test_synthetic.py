"""The embedded dataset: deterministic, in the official layout, and true to its ground truth."""

import errno
import json
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.preprocessing import MultiLabelBinarizer

from merlib import cli, proportions
from merlib.config import CLASSES
from merlib.data.clips import load_clips, read_frames
from merlib.data.findings import DatasetError
from merlib.data.synthetic import Truth, action_units, generate, portrait
from merlib.preprocess import face
from merlib.study import paper


@pytest.fixture(scope="module", params=["casme2", "samm"])
def written(request, casme2_root, samm_root):
    """Root, clip table and truth of a dataset of each layout."""
    root = {"casme2": casme2_root, "samm": samm_root}[request.param]
    return root, load_clips("synthetic", root), Truth(root)


def files(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".xlsx"  # a workbook holds the time of writing
    }


def test_the_same_seed_gives_the_same_frames_whatever_the_processes(casme2_root, tmp_path):
    again = generate.write(tmp_path, seed=7, subjects=3, clips=9, n_jobs=2, progress=False)
    assert files(again) == files(casme2_root)
    assert (
        load_clips("synthetic", again)
        .drop(columns="frames")
        .equals(load_clips("synthetic", casme2_root).drop(columns="frames"))
    )


def test_another_seed_gives_other_faces():
    first, second = (generate.draw_person(seed, 0).open for seed in (7, 9))
    assert np.abs(first - second).mean() > 5


def test_a_stopped_run_goes_on(casme2_root, copy_of):
    root = copy_of(casme2_root)
    (root / "dataset.part.json").write_text((root / "dataset.json").read_text())
    (root / "dataset.json").unlink()
    lost = sorted((root / "ground_truth").rglob("*.json"))[4]
    truth = json.loads(lost.read_text())
    frame = generate.frame_path(root, truth, truth["onset"])
    lost.unlink()
    frame.unlink()
    generate.write(root, seed=7, subjects=3, clips=9, n_jobs=1, progress=False)
    assert files(root) == files(casme2_root)


def apart(path):
    """The same file, but no hard link to that of another copy."""
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    return path


SPOIL = {
    "deleted": lambda path: path.unlink(),
    "emptied": lambda path: apart(path).write_bytes(b""),
    "cut": lambda path: apart(path).write_bytes(path.read_bytes()[:-1]),
    "flipped": lambda path: apart(path).write_bytes(path.read_bytes()[::-1]),
}
OPTIONS = {"seed": 7, "subjects": 3, "clips": 9, "n_jobs": 1, "progress": False}


@pytest.fixture
def spoilt(casme2_root, copy_of):
    """A copy of the dataset, the names of its clips, and a frame of the fifth clip."""
    root = copy_of(casme2_root)
    names = [clip["clip"] for clip in generate.plan(7, "casme2", 3, 9)]
    return root, names, sorted((root / "CASME2-RAW" / names[4]).iterdir())[5]


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL)
def test_a_finished_dataset_is_judged_file_by_file(spoilt, spoil):
    root, names, frame = spoilt
    plans = generate.plan(7, "casme2", 3, 9)
    assert not generate.damaged(root, "casme2", plans)
    table = root / generate.TABLES["casme2"]
    content = table.read_bytes()
    spoil(table)
    assert generate.damaged(root, "casme2", plans) == [table.name]
    table.write_bytes(content)
    for path in (frame, generate.truth_path(root, names[6])):
        spoil(path)
    assert generate.damaged(root, "casme2", plans) == [names[4], names[6]]


@pytest.mark.parametrize("name", ["dataset.json", "dataset.part.json"])
def test_a_damaged_description_is_named(spoilt, name):
    (spoilt[0] / "dataset.json").unlink()
    (spoilt[0] / name).write_text('{"generator": 1')
    with pytest.raises(ValueError, match=f"{name}: damaged"):
        generate.write(spoilt[0], **OPTIONS)


def test_what_is_missing_is_drawn_again_by_one_of_two(casme2_root, spoilt, monkeypatch, capfd):
    """Of two at once the second waits; both succeed."""
    root, names, frame = spoilt
    frame.unlink()
    written, write_frame = [], generate.write_frame

    def slow(path, *arguments):
        written.append(path)
        time.sleep(0.2 if len(written) < 3 else 0)
        return write_frame(path, *arguments)

    monkeypatch.setattr(generate, "write_frame", slow)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(generate.write, root, **OPTIONS) for _ in range(2)]
        assert [one.result() for one in both] == [root, root]
    assert files(root) == files(casme2_root)
    assert len(written) == len(set(written))
    told = capfd.readouterr().err
    assert f"missing in {names[4]}: drawn again" in told
    assert "another process is at work there; waiting" in told


def test_a_full_disk_ends_with_one_sentence_and_loses_nothing(
    casme2_root, spoilt, monkeypatch, capsys
):
    root, _, frame = spoilt
    (root / "dataset.json").rename(root / "dataset.part.json")
    with pytest.raises(DatasetError, match="a synthetic dataset that is not finished; run"):
        load_clips("synthetic", root)
    for table in root.glob("*.xlsx"):  # which is written after all clips
        table.unlink()
    with pytest.raises(DatasetError, match="a synthetic dataset that is not finished; run"):
        load_clips("synthetic", root)
    frame.unlink()
    words = ["synth", "--out", str(root), "--seed", "7", "--subjects", "3", "--clips", "9"]

    def full(path, content):
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert cli.main([*words, "--jobs", "1"]) == 1
    told = capsys.readouterr()
    assert "cannot be written (No space left on device); make room" in told.err
    assert "is ready" not in told.out and not frame.exists()
    assert not list(root.rglob(".part-*"))
    assert cli.main([*words, "--jobs", "1"]) == 0
    assert files(root) == files(casme2_root)


def test_another_dataset_is_not_overwritten(casme2_root, tmp_path):
    with pytest.raises(ValueError, match="holds another synthetic dataset"):
        generate.write(casme2_root, seed=8, subjects=3, clips=9, progress=False)
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(ValueError, match="is not empty"):
        generate.write(tmp_path, progress=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layout": "casme3"}, "layout='casme3'"),
        ({"size": "huge"}, "size='huge'"),
        ({"seed": -1}, "seed=-1"),
        ({"subjects": 1}, "subjects=1: expected at least 2"),
        ({"subjects": 9, "clips": 8}, "clips=8: expected at least 9"),
    ],
)
def test_wrong_arguments_are_named(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        generate.write(tmp_path / "new", progress=False, **arguments)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("layout", ["casme2", "samm"])
def test_the_paper_size_has_the_counts_of_table_1(layout):
    made_of = generate.arguments(0, "paper", layout, None, None, None)
    clips = generate.plan(0, layout, made_of["subjects"], made_of["clips"])
    shown = [clip["emotion"] for clip in clips]
    for name in CLASSES[layout]:
        assert shown.count(name) == paper.TABLE1[layout][name]
    assert len(clips) == paper.USED[layout]
    assert len({clip["subject"] for clip in clips}) == made_of["subjects"]
    assert len({clip["clip"] for clip in clips}) == len(clips)


def test_laptop_has_about_ten_subjects_and_a_hundred_clips():
    made_of = generate.arguments(0, "laptop", "casme2", None, None, None)
    assert (made_of["subjects"], made_of["clips"]) == (10, 100)
    counts = action_units.in_proportion(generate.COUNTS["casme2"], 100)
    assert sum(counts.values()) == 100
    assert counts["others"] == 40


def test_the_layout_is_the_official_one(casme2_root, samm_root):
    header = [cell.value for cell in openpyxl.load_workbook(
        casme2_root / "CASME2-coding-20140508.xlsx")["Sheet1"][1]]  # fmt: skip
    assert header == ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame",
                      None, "Action Units", "Estimated Emotion"]  # fmt: skip
    image = cv2.imread(str(next(casme2_root.glob("CASME2-RAW/sub01/EP*/img*.jpg"))), 0)
    assert image.shape == (480, 640)
    sheet = openpyxl.load_workbook(samm_root / "SAMM_Micro_FACS_Codes_v2.xlsx")["MICRO_ONLY"]
    assert [sheet.cell(14, k).value for k in (1, 4, 10)] == [
        "Subject", "Onset Frame", "Estimated Emotion"]  # fmt: skip
    image = cv2.imread(str(next(samm_root.glob("[0-9]*/*/*.jpg"))), 0)
    assert image.shape == (650, 960)


def test_the_table_tells_the_truth(written):
    _, clips, truths = written
    for row in clips.itertuples():
        truth = truths.clip(row.clip)
        assert (row.onset, row.apex, row.offset) == (truth.onset, truth.apex, truth.offset)
        units = set(truth.action_units)
        assert {unit.lstrip("LR") for unit in row.action_units.split("+")} == units
        layout = "samm" if "contempt" in clips.attrs["classes"] else "casme2"
        drawn = [set(name.split("+")) for name in action_units.COMBINATIONS[layout][row.emotion]]
        assert units in drawn


def test_eyes_are_found_near_their_true_centres_in_every_clip(written):
    _, clips, truths = written
    for row in clips.itertuples():
        found = face.find_eyes(read_frames(row.frames[:1])[0])
        error = np.hypot(*(found - truths.clip(row.clip).eyes).T)
        assert error.max() < 3.0, row.clip  # the eyes are about 125 px apart, in SAMM 170


def test_a_movement_rises_to_the_apex_and_falls_to_the_offset(written):
    _, clips, truths = written
    truth = truths.clip(clips["clip"][0])
    progress = [truth.progress(t) for t in range(truth.onset, truth.offset + 1)]
    rise = truth.apex - truth.onset
    assert progress[0] == progress[-1] == 0
    assert progress[rise] == max(progress) == 1
    assert all(np.diff(progress[: rise + 1]) > 0)
    assert all(np.diff(progress[rise:]) < 0)


def test_amplitudes_are_those_of_micro_expressions_and_asymmetric():
    peaks, ratios, blinks = [], [], 0
    for index in range(400):
        clip = {"index": index, "units": ("12", "4+7")[index % 2]}
        events = generate.draw_events(3, clip, "casme2")
        for pair in events["units"].values():
            peaks.append(max(pair))
            ratios.append(min(pair) / max(pair))
        blinks += events["blink"] is not None
        assert 24 <= events["offset"] - events["onset"] <= 141
    assert 0.3 <= min(peaks) and max(peaks) <= 2.0
    assert 0.7 < np.median(peaks) < 1.1
    assert np.mean(np.array(ratios) < 0.95) > 0.7
    assert 0.15 < blinks / 400 < 0.25


def test_frames_show_the_true_displacement(written):
    """Frame t at x + w(x, t) looks like the onset frame at x, as far as noise allows."""
    root, clips, truths = written
    row = next(r for r in clips.itertuples() if truths.clip(r.clip).events["blink"] is None)
    truth = truths.clip(row.clip)
    frames = read_frames(row.frames).astype(np.float32)
    onset, apex = (
        cv2.GaussianBlur(f, (0, 0), 1.5) for f in (frames[0], frames[row.apex - row.onset])
    )
    w = truth.displacement(row.apex)
    rows, columns = np.mgrid[0 : apex.shape[0], 0 : apex.shape[1]].astype(np.float32)
    moved = cv2.remap(apex, columns + w[0], rows + w[1], cv2.INTER_CUBIC)
    textured = np.hypot(cv2.Sobel(onset, cv2.CV_32F, 1, 0), cv2.Sobel(onset, cv2.CV_32F, 0, 1)) > 40
    moving = (np.hypot(*w) > 0.5 * np.hypot(*w).max()) & textured
    before = (apex - onset)[moving]
    after = (moved - onset)[moving]
    assert moving.sum() > 200
    assert after.std() < 0.55 * before.std()


def test_masks_lie_where_the_unit_pulls(written):
    _, clips, truths = written
    for name in clips["clip"][:4]:
        truth = truths.clip(name)
        for unit, mask in truth.masks.items():
            size = np.hypot(*truth.unit_displacement(unit))
            assert (size[mask] ** 2).sum() > 0.8 * (size**2).sum()
            assert mask.mean() < 0.2
            x, y = (values[mask] for values in truth.coordinates())
            pulls = action_units.UNITS[unit]
            heights = [pull.y for pull in pulls]
            assert min(heights) - 0.6 < y.mean() < max(heights) + 0.6
            assert np.abs(x).max() < max(abs(pull.x) + 3 * pull.rx for pull in pulls)


def test_a_unit_moves_its_mirror_image_mirrored():
    """AU12 draws both corners of the mouth up and outwards, AU4 the brows down and together."""
    y, x = np.mgrid[-1:2:61j, -1:1:41j]
    for unit in action_units.UNITS:
        left, right = action_units.displacement(unit, x, y)
        np.testing.assert_allclose(left[0], -right[0][:, ::-1], atol=1e-6)
        np.testing.assert_allclose(left[1], right[1][:, ::-1], atol=1e-6)
    _, right = action_units.displacement("12", np.array([[0.4]]), np.array([[1.05]]))
    assert right[0] > 0.5 and right[1] < -0.5
    _, right = action_units.displacement("4", np.array([[0.27]]), np.array([[-0.3]]))
    assert right[0] < -0.4 and right[1] > 0.6


def shown(layout, size, seed=0):
    """Subjects, emotions and action units of the clips of a dataset."""
    made_of = generate.arguments(seed, size, layout, None, None, None)
    plans = generate.plan(seed, layout, made_of["subjects"], made_of["clips"])
    return zip(*((plan["subject"], plan["emotion"], plan["units"]) for plan in plans), strict=True)


def test_action_units_are_as_frequent_as_in_the_published_tables():
    _, emotions, units = shown("casme2", "paper", seed=3)
    pairs, chin = Counter(zip(emotions, units, strict=True)), Counter()
    for (emotion, shown_units), count in pairs.items():
        chin[emotion] += count * ("17" in shown_units.split("+"))
    assert pairs["others", "4"] == 60
    assert pairs["disgust", "4"] + pairs["disgust", "4+7"] == 32
    assert pairs["repression", "17"] == 13
    assert chin["repression"] == 19 and chin.total() == 25
    _, _, units = shown("samm", "paper")
    assert sum("17" in some.split("+") for some in units) == 4


@pytest.mark.parametrize(
    ("layout", "size", "least", "most"),
    [
        ("casme2", "paper", 0.80, 0.87),
        ("casme2", "laptop", 0.75, 0.89),
        ("samm", "paper", 0.85, 0.96),
    ],
)
def test_coded_units_tell_emotions_apart_as_well_as_in_fact(layout, size, least, most):
    """A logistic regression on CASME II's own codes is right on 0.81, on SAMM's on 0.93."""
    subjects, emotions, units = shown(layout, size)
    x = MultiLabelBinarizer().fit_transform([some.split("+") for some in units])
    model = LogisticRegression(max_iter=1000)
    told = cross_val_predict(model, x, emotions, groups=subjects, cv=LeaveOneGroupOut())
    matrix = pd.crosstab(np.array(emotions), told)
    right = np.diag(matrix).sum() / len(emotions)
    ceiling = action_units.ceiling(layout, Counter(emotions))
    assert least < right <= ceiling < most + 0.02
    if layout == "casme2":
        wrong = matrix - np.diag(np.diag(matrix))
        assert wrong.stack().idxmax() == ("disgust", "others")


def test_the_ceiling_is_below_one_because_classes_share_units():
    counts = {"happiness": 0, "surprise": 0, "disgust": 63, "repression": 0, "others": 99}
    shared = {"4": (13, 60), "4+7": (19, 3), "7": (2, 2), "14": (1, 13)}
    lost = sum(min(pair) for pair in shared.values())
    assert action_units.ceiling("casme2", counts) == pytest.approx(1 - lost / 162)


def test_the_drawn_chin_lies_where_it_should():
    """The lower edge of the face, found in the picture."""
    drawn = portrait.draw(generate.random(7, 1), ipd=125.0)
    chin = portrait.Face(generate.random(7, 1), 125.0, drawn.centre).chin
    x, y = (round(value) for value in drawn.centre)
    column = cv2.GaussianBlur(drawn.open, (0, 0), 3)[:, x - 8 : x + 9].mean(axis=1)
    heights = (np.arange(len(column)) - y) / drawn.ipd
    below = (heights > 1.45) & (heights < 2.2)
    found = heights[below][np.abs(np.gradient(column[below])).argmax()]
    assert abs(found - chin) < 0.05
    assert proportions.CHIN.least <= chin <= proportions.CHIN.most
