"""One person under two names, and the same frames twice, are found before they leak."""

import shutil

import cv2
import numpy as np
import pytest
from test_clips import CASME2, write_frames, write_table

from merlib.data.clips import DatasetError, inspect, load_clips
from merlib.data.doubles import person
from merlib.study.check import check, same_frames
from merlib.study.study import Study

HEADER = "clip,subject,onset,apex,offset,emotion,frames"


@pytest.mark.parametrize(
    "names",
    [
        ("1", "01", "001", "1.0", "S01", "s1", "sub01", "Sub-1", "subject 01", "P1", "０１"),
        ("Anna", "anna", "ANNA"),
        ("Anna B", "anna_b", "Anna-B."),
        ("lab2_s03", "Lab2-S3"),
    ],
)
def test_one_person_has_one_name(names):
    assert len({person(name) for name in names}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "11"),
        ("a-1-1", "a-11"),
        ("anna", "annab"),
        ("casme2-sub01", "samm-001"),
        ("sub01", "sub01b"),
        ("+", "-"),
    ],
)
def test_two_people_have_two(one, other):
    assert person(one) != person(other)


def own(tmp_path, *rows):
    """Clips of four frames; a row is clip, subject and, if it is not the clip, its folder."""
    lines = [HEADER]
    for clip, subject, *source in rows:
        source = source[0] if source else clip
        lines.append(f"{clip},{subject},1,3,4,{'joy' if clip < 'c' else 'fear'},{source}")
        if not (tmp_path / source).exists():
            write_frames(tmp_path / source, range(1, 5), "{}.png", (24, 32))
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def found(root, kind, dataset="own"):
    findings = inspect(dataset, root)[1]
    return [(one.level, str(one)) for one in findings if one.kind == kind]


def test_names_of_one_person_are_a_warning_of_the_study(tmp_path):
    root = own(tmp_path, ("a", "S01"), ("b", "1"), ("c", "s2"), ("d", "3"))
    ((level, message),) = found(root, "two names")
    assert level == "warning" and "subjects '1', 'S01' differ in spelling only" in message
    assert load_clips("own", root).attrs["warnings"] == [message]
    assert not found(own(tmp_path, ("a", "1"), ("b", "2"), ("c", "11")), "two names")


def test_a_folder_named_after_another_subject_is_a_warning(tmp_path):
    root = own(tmp_path, ("a", "1", "s01/x"), ("b", "2", "s01/y"), ("c", "3", "clips/2"))
    ((level, message),) = found(root, "two names")
    assert level == "warning"
    assert message.startswith("row 3 (b): is of the subject 2, but ")
    assert message.endswith("y names 1; correct one of them")


def test_an_unread_folder_of_a_subject_in_the_table_is_a_warning(tmp_path):
    rows = [(k, "EP", None, 1, 3, 4, None, 1, ["disgust", "others"][k - 1]) for k in (1, 2)]
    write_table(tmp_path / "CASME2.xlsx", CASME2, rows)
    for name in ("sub01", "sub02"):
        write_frames(tmp_path / name / "EP", range(1, 5))
    assert not found(tmp_path, "two names", "casme2")
    (tmp_path / "s1").mkdir()
    ((level, message),) = found(tmp_path, "two names", "casme2")
    assert level == "warning" and "s1 may be of the subject sub01; it is not read" in message


def copied(root):
    shutil.rmtree(root / "c")
    shutil.copytree(root / "a", root / "c")


def renumbered(root):
    """The apex frame of one clip is the onset frame of the other, under another name."""
    shutil.copy(root / "a" / "3.png", root / "c" / "1.png")


def linked(root):
    shutil.rmtree(root / "c")
    (root / "c").symlink_to(root / "a")


@pytest.mark.parametrize("spoil", [copied, renumbered, linked])
def test_equal_frames_of_two_subjects_stop_the_study(tmp_path, spoil):
    root = own(tmp_path, ("a", "1"), ("b", "2"), ("c", "3"))
    load_clips("own", root)
    spoil(root)
    with pytest.raises(DatasetError, match=r"row 4 \(c\): has the same frames as a of the subject"):
        load_clips("own", root)


def test_the_same_images_saved_anew_are_found_by_the_check(tmp_path):
    root = own(tmp_path, ("a", "1"), ("b", "2"), ("c", "3"))
    for number in range(1, 5):
        saved_anew(root / "a" / f"{number}.png", root / "c" / f"{(number + 1) % 4 + 1}.png")
    load_clips("own", root)
    (error,) = check("own", root, faces="cropped", n_jobs=1, progress=False).findings.of("error")
    assert error.clip == "c" and "has the same frames as a of the subject 1" in error.message


def saved_anew(path, other):
    """Write the pixels of an image into another file, which has other bytes."""
    cv2.imwrite(str(other), cv2.imread(str(path), cv2.IMREAD_UNCHANGED), [16, 9])
    assert other.suffix != path.suffix or other.read_bytes() != path.read_bytes()


def as_bmp(root):
    """All images of a clip in another format."""
    for number in range(1, 5):
        (root / "c" / f"{number}.png").unlink()
        saved_anew(root / "a" / f"{number}.png", root / "c" / f"{number}.bmp")


def apex_as_onset(root):
    saved_anew(root / "a" / "3.png", root / "c" / "1.png")


def as_video(root):
    """A video without loss of one clip's images, which the other clip and its table name."""
    video = cv2.VideoWriter(
        str(root / "c.avi"), cv2.VideoWriter_fourcc(*"FFV1"), 200, (32, 24), False
    )
    for number in (1, 1, 2, 3, 4):  # a video begins with frame 0
        video.write(cv2.imread(str(root / "a" / f"{number}.png"), 0))
    video.release()
    manifest = root / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("fear,c\n", "fear,c.avi\n"))


def study_of(root, **options):
    tiny = {"size": 16, "flow_size": 32, "frames": 2, "flow_method": "dis", "faces": "cropped"}
    return Study("own", root, home=root / "home", n_jobs=1, **tiny, **options)


@pytest.mark.parametrize("spoil", [as_bmp, apex_as_onset, as_video])
def test_the_study_refuses_equal_pixels_of_two_subjects_in_other_files(tmp_path, spoil):
    root = own(tmp_path, ("a", "1"), ("b", "2"), ("c", "3"), ("d", "3"))
    assert len(study_of(root).prepared.x) == 4
    spoil(root)
    load_clips("own", root)  # the files are others
    for _ in range(2):  # decoded, and noted
        with pytest.raises(DatasetError, match=r"row 4 \(c\): has the same frames as a of the"):
            study_of(root).prepared  # noqa: B018
    left = study_of(root, skip_bad=0.3).clips
    assert left["clip"].to_list() == ["a", "b", "d"]
    assert left.attrs["repairs"][-1] == "c: left out as bad (same frames)"


@pytest.mark.parametrize("spoil", [copied, as_bmp])
def test_equal_pixels_of_one_subject_are_a_warning_told_once(tmp_path, spoil):
    root = own(tmp_path, ("a", "1"), ("b", "2"), ("c", "1"))
    spoil(root)
    message = "row 4 (c): begins with the same frame as a; is it one clip twice?"
    assert study_of(root).clips.attrs["warnings"] == [message]


def test_what_key_frames_show_is_decoded_once(tmp_path, monkeypatch):
    root = own(tmp_path, ("a", "1"), ("b", "2"), ("c", "3"))
    clips = load_clips("own", root)
    assert not same_frames(clips, tmp_path / "notes", 1, progress=False)
    monkeypatch.setattr("merlib.study.check.read_images", lambda _: pytest.fail("decoded again"))
    assert not same_frames(clips, tmp_path / "notes", 1, progress=False)
    assert len(list((tmp_path / "notes").iterdir())) == 1
    apex_as_onset(root)
    with pytest.raises(pytest.fail.Exception, match="decoded again"):
        same_frames(load_clips("own", root), tmp_path / "notes", 1, progress=False)


def test_overlapping_clips_of_one_folder(tmp_path):
    root = own(tmp_path, ("a", "1"), ("b", "1", "a"), ("c", "2"))
    ((level, message),) = found(root, "same frames")
    assert level == "warning" and message == (
        "row 3 (b): begins with the same frame as a; is it one clip twice?"
    )
    root = own(tmp_path, ("a", "1"), ("b", "2", "a"), ("c", "2"))
    assert [level for level, _ in found(root, "same frames")] == ["error"]


@pytest.mark.parametrize("name", ["a.avi", "copy.avi"])
def test_one_video_of_two_subjects(tmp_path, name):
    video = cv2.VideoWriter(
        str(tmp_path / "a.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 50, (32, 24), False
    )
    for frame in np.random.default_rng(0).integers(0, 255, (20, 24, 32), np.uint8):
        video.write(frame)
    video.release()
    if name != "a.avi":
        shutil.copy(tmp_path / "a.avi", tmp_path / name)
    for onset, expected in ((8, ("one source", "warning")), (3, ("same frames", "error"))):
        rows = ["a,1,1,3,4,joy,a.avi", f"b,2,{onset},9,10,fear,{name}"]
        (tmp_path / "manifest.csv").write_text("\n".join([HEADER, *rows]))
        findings = inspect("own", tmp_path)[1]
        assert [(one.kind, one.level) for one in findings if one.level != "note"] == [
            ("fps", "repair")
        ] * sum(one.kind == "fps" for one in findings) + [expected]
