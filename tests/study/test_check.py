"""`merlib check` shows where it found the eyes, and doubts those that are far from the others."""

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from skimage.data import astronaut

from merlib import cli
from merlib.config import Config
from merlib.preprocess import face
from merlib.study import check as study_check
from merlib.study import sheet
from merlib.study.check import check

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Config(size=56)


class Clip:
    clip, cropped = "sub01/<b>EP</b>", False


@pytest.fixture(scope="module")
def photograph():
    grey = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2GRAY)
    return grey, face.find_eyes(grey)


def looked(grey, eyes):
    return sheet.look(Clip, grey, CONFIG, face.similarity(eyes, CONFIG.size))


def test_good_eyes_are_not_doubted_and_are_marked(photograph):
    found = looked(*photograph)
    assert found.doubt == "" and abs(found.roll) < 5
    assert found.picture.shape == (sheet.SIDE, sheet.SIDE, 3)
    red = found.picture[..., 2] > found.picture[..., 0].astype(int) + 60
    centres = face.EYES * sheet.SIDE
    assert red.any()
    for row, column in np.argwhere(red):
        assert 3 < np.hypot(*(centres - (column, row)).T).min() < 8


@pytest.mark.parametrize(
    ("move", "reason"),
    [
        (lambda eyes, between: eyes + [[0, -0.3 * between], [0, 0]], "elsewhere"),  # on the brow
        (lambda eyes, between: eyes + [[0, 0], [0, -0.3 * between]], "elsewhere"),
        (lambda eyes, between: eyes + [0, 0.6 * between], ""),  # the mouth's corners
        (lambda eyes, between: eyes + [2.4 * between, 3 * between], "no upright face"),  # a flag
        (lambda eyes, between: eyes[:, ::1] * 0.3 + 5, "no upright face"),
    ],
)
def test_wrong_eyes_are_doubted(photograph, move, reason):
    grey, eyes = photograph
    doubt = looked(grey, move(eyes, np.ptp(eyes[:, 0]))).doubt
    assert doubt and reason in doubt


def clips_and_looks(rolls, distances, subjects):
    clips = pd.DataFrame({"subject": subjects, "source": "own"})
    clips["clip"] = [f"c{k}" for k in range(len(clips))]
    picture = np.zeros((4, 4, 3), np.uint8)
    looks = [
        sheet.Look(clip, picture, roll, distance)
        for clip, roll, distance in zip(clips["clip"], rolls, distances, strict=True)
    ]
    return looks, clips


@pytest.mark.parametrize(
    ("rolls", "distances", "subjects", "expected"),
    [
        ([0, 1, -1, 17, 0, 1], [60] * 6, "aaaabb", {"c3": "roll of 17 degrees"}),
        ([0, 1, -1, 6, 0, 1], [60] * 6, "aaaabb", {}),
        ([0, 9, -9, 12, 3, -6], [60] * 6, "aaaaaa", {}),  # a subject who moves the head
        ([0] * 6, [60, 62, 59, 40, 60, 61], "aaaabb", {"c3": "40 pixels between the eyes"}),
        ([0] * 6, [60, 62, 59, 90, 80, 100], "aaabbb", {}),  # a nearer subject
        ([2, -2, 0, 17, 1, -1], [60] * 6, "aabcdd", {"c3": "the median of all clips"}),
        ([0, 40], [60, 20], "ab", {}),  # two clips tell nothing
        ([np.nan] * 4, [np.nan] * 4, "aaaa", {}),  # cropped faces
    ],
)
def test_a_clip_far_from_the_others_is_doubted(rolls, distances, subjects, expected):
    looks, clips = clips_and_looks(rolls, distances, list(subjects))
    found = sheet.doubts(looks, clips)
    assert set(found) == set(expected)
    for clip, reason in expected.items():
        assert reason in found[clip]


def test_the_page_shows_doubtful_clips_first_and_escapes_names(photograph):
    grey, eyes = photograph
    looks = [looked(grey, eyes)._replace(clip=name) for name in ("a", "<script>b", "c")]
    page = sheet.page("own", looks, {"c": "roll & <more>"})
    assert page.count("<img") == 3 and "<script>" not in page
    assert page.index("c<b>roll &amp; &lt;more&gt;</b>") < page.index(">a<")
    assert 'src="http' not in page and "href" not in page


def test_the_command_writes_the_sheet_where_git_ignores_it(
    casme2_root, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(cli, "find_home", lambda: tmp_path)
    shift = face.find_eyes

    def wrong(grey, landmarks=None):
        return shift(grey, landmarks) + [[0, -25], [0, 0]]

    monkeypatch.setattr(face, "find_eyes", wrong)
    command = ["check", "synthetic", "--data-root", str(casme2_root), "--jobs", "1"]
    assert cli.main([*command, "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    place = tmp_path / "runs" / "check" / "synthetic" / "faces.html"
    assert str(place) in told and told.count("| doubtful eyes |") == 9
    assert "face_detection_yunet_2023mar.onnx" in told
    page = place.read_text("utf-8")
    assert page.count("<img") == 9 and "9 of them doubtful" in page
    assert (place.parent / ".gitignore").read_text() == "*\n"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "report.json",
        "report.md",
    ]


def test_git_and_the_book_take_nothing_from_the_folder_of_the_sheet():
    path = "runs/check/casme2/faces.html"
    done = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT)
    assert done.returncode == 0
    tools = "".join(path.read_text("utf-8") for path in (ROOT / "book").rglob("*.py"))
    assert "runs/check" not in tools and "faces.html" not in tools


def test_the_needs_of_the_methods_are_checked_too(casme2_root):
    found = check("synthetic", casme2_root, methods=["logistic"], n_jobs=1, progress=False)
    assert found.can_run
    with pytest.raises(ValueError, match="method 'tree': expected one of"):
        check("synthetic", casme2_root, methods=["tree"], n_jobs=1, progress=False)


def test_a_frame_without_content_is_equal_to_no_other():
    frame = np.random.default_rng(0).integers(0, 255, (480, 640), np.uint8)
    assert study_check.key(frame) == study_check.key(frame.copy()) is not None
    assert study_check.key(np.full((480, 640), 9, np.uint8)) is None
