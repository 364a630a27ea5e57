"""Look-alikes of the official tables, with their quirks; bad input ends in one clear error."""

import shutil
import time

import cv2
import numpy as np
import openpyxl
import pytest

from merlib.data.clips import DatasetError, counts, inspect, load_clips, read_frames
from merlib.study.check import check

CASME2 = ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None,
          "Action Units", "Estimated Emotion"]  # fmt: skip
SAMM = ["Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame",
        "Duration", "Micro", "Action Units", "Estimated Emotion", "Objective Classes",
        "Notes"]  # fmt: skip

ROWS = [
    ("01", "EP01_1", None, 5, 8, 12, None, 12, "happiness"),
    ("01", "EP01_2", None, 9, "/", 13, None, "4+7+L10", "disgust"),
    ("02", "EP01_1", None, 95, 99, 102, None, "?", "others"),
    ("02", "EP02_1", None, 3, 7, 7, None, 15, "repression"),
    ("02", "EP09f", None, 3, 3, 7, None, 1, "surprise"),
    ("02", "EP10", None, 3, 5, 7, None, 1, "fear"),
]


def write_table(path, header, rows, skip=0):
    book = openpyxl.Workbook()
    for _ in range(skip):
        book.active.append(["a note"])
    book.active.append(header)
    for row in rows:
        book.active.append(list(row))
    book.save(path)


def write_frames(folder, numbers, name="img{}.jpg", shape=(12, 16)):
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        content = np.random.default_rng([number, *f"{folder.parent.name}/{folder.name}".encode()])
        cv2.imwrite(str(folder / name.format(number)), content.integers(0, 200, shape, np.uint8))


@pytest.fixture
def casme2(tmp_path):
    """A look-alike of CASME II with its odd apexes, a fear clip and stray files."""
    write_table(tmp_path / "CASME2-coding-20140508.xlsx", CASME2, ROWS)
    for subject, name, _, onset, _, offset, *_ in ROWS:
        folder = tmp_path / "CASME2-RAW" / f"sub{subject}" / name
        write_frames(folder, range(onset - 1, offset + 2))
        (folder / "Thumbs.db").write_bytes(b"stray")
        (folder / "._img5.jpg").write_bytes(b"stray")
    return tmp_path


@pytest.fixture
def samm(tmp_path):
    rows = [
        ("006", "006_1_2", 1, 98, 100, 103, "=F15-D15+1", "1/2", "L12 or R14", "Contempt", 1, None),
        ("006", "006_1_3", 1, 5, 6, 9, "=F16-D16+1", "1", "4", "Anger", 1, None),
        ("028", "028_4_1", 1, 71, 143, 74, "=F17-D17+1", "1", 20, "Other", 1, None),
        ("028", "028_4_2", 1, 3, 4, 6, "=F18-D18+1", "1", 9, "Disgust", 1, None),
    ]
    write_table(tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx", SAMM, rows, skip=13)
    for subject, name, _, onset, _, offset, *_ in rows:
        folder = tmp_path / "SAMM" / subject / name
        write_frames(folder, range(onset, offset + 1), subject + "_{:05d}.jpg")
    return tmp_path


def test_casme2_with_its_quirks(casme2):
    clips = load_clips("casme2", casme2)
    assert clips["clip"].to_list() == [
        "sub01/EP01_1", "sub01/EP01_2", "sub02/EP01_1", "sub02/EP02_1", "sub02/EP09f",
    ]  # fmt: skip
    assert clips["apex"].to_list() == [8, -1, 99, 7, -1]
    assert clips["action_units"].to_list() == ["12", "4+7+L10", "?", "15", "1"]
    assert [text.split(":")[0] for text in clips.attrs["repairs"]] == [
        "sub01/EP01_2", "sub02/EP09f",
    ]  # fmt: skip
    assert clips.attrs["version"] == (
        "CASME II, unknown edition, CASME2-coding-20140508.xlsx, 6 rows"
    )
    assert not clips["cropped"].any() and clips["eyes"].isna().all()
    numbers = [int(path.stem[3:]) for path in clips["frames"][2]]
    assert numbers == list(range(95, 103))  # 99 before 100: by number, not by text


def test_eyes_are_those_that_the_csv_names_for_each_clip(casme2):
    lines = ["clip;right_x;right_y;left_x;left_y", "sub02/EP01_1;9;5.5;4;5", "sub02/EP10;8;3;2;3"]
    lines.append("sub01/EP01_1;10.25;6;3;4.5")
    (casme2 / "eyes.csv").write_text("\n".join(lines))
    clips, findings, *_ = inspect("casme2", casme2)
    assert not findings.of("error")
    found = dict(zip(clips["clip"], clips["eyes"], strict=True))
    assert found.pop("sub01/EP01_1") == ((3, 4.5), (10.25, 6))
    assert found.pop("sub02/EP01_1") == ((4, 5), (9, 5.5))
    assert set(found.values()) == {None}  # they are searched
    (unused,) = (one for one in findings.of("note") if one.kind == "eyes")
    assert unused.clip == "sub02/EP10"  # a clip of fear


def test_samm_with_its_quirks(samm):
    clips = load_clips("samm", samm)
    assert clips["emotion"].to_list() == ["contempt", "anger", "others"]
    assert clips.attrs["version"] == "SAMM, unknown edition, SAMM_Micro_FACS_Codes_v2.xlsx, 4 rows"
    assert clips["subject"].to_list() == ["006", "006", "028"]
    assert clips["apex"].to_list() == [100, 6, -1]
    assert (
        "028/028_4_1: apex is 143, expected a frame after 71 and up to 74"
        in (clips.attrs["repairs"][0])
    )
    assert [path.name for path in clips["frames"][0]][:2] == ["006_00098.jpg", "006_00099.jpg"]


def test_the_ready_cropped_faces_are_read_as_such(casme2):
    (casme2 / "CASME2-RAW").rename(casme2 / "Cropped")
    for path in list((casme2 / "Cropped").rglob("img*.jpg")):
        path.rename(path.with_name("reg_" + path.name))
    clips = load_clips("casme2", casme2)
    assert clips["cropped"].all()
    assert clips["frames"][0][0].name == "reg_img5.jpg"
    assert not load_clips("casme2", casme2, faces="find")["cropped"].any()


def test_a_folder_that_holds_other_things_of_the_subjects_is_not_taken(casme2):
    (casme2 / "CASME2-RAW").rename(casme2 / "Cropped")
    (casme2 / "CASME2 compressed" / "sub01").mkdir(parents=True)
    clips = load_clips("casme2", casme2)
    assert clips["cropped"].all() and "Cropped" in str(clips["frames"][0][0])


def test_of_raw_and_cropped_frames_the_raw_ones_are_taken_unless_asked(casme2):
    shutil.copytree(casme2 / "CASME2-RAW", casme2 / "Cropped")
    raw, cropped = load_clips("casme2", casme2), load_clips("casme2", casme2, faces="cropped")
    assert "CASME2-RAW" in str(raw["frames"][0][0]) and not raw["cropped"].any()
    assert "Cropped" in str(cropped["frames"][0][0]) and cropped["cropped"].all()


def test_the_folder_of_frames_is_found_two_levels_down_whatever_its_name(casme2):
    (casme2 / "CASME2-RAW").rename(casme2 / "inner")
    (casme2 / "unpacked").mkdir()
    (casme2 / "inner").rename(casme2 / "unpacked" / "CASME2_RAW_selected")
    assert len(load_clips("casme2", casme2)) == 5


def test_selections_by_name(casme2):
    every = load_clips("casme2", casme2, "all")
    assert every.attrs["classes"] == (
        "happiness", "surprise", "disgust", "repression", "others", "fear",
    )  # fmt: skip
    three = load_clips("casme2", casme2, "three")
    assert three["emotion"].to_list() == [
        "positive", "negative", "negative", "surprise", "negative",
    ]  # fmt: skip
    assert load_clips("casme2", casme2, " Three")["clip"].equals(three["clip"])
    two = load_clips("casme2", casme2, "Happiness, others")
    assert two.attrs["classes"] == ("happiness", "others") and len(two) == 2
    with pytest.raises(
        ValueError, match="'joy' is no emotion of CASME II .*, and no selection by itself"
    ):
        load_clips("casme2", casme2, "happiness,joy")


def test_frames_beyond_the_ends_of_the_disk_are_cut_off_and_told(casme2):
    """The table and the frames of the release differ in a few clips."""
    for number in (3, 4):  # the clip's last frames, 6 and 7, and the spare ones after it
        (casme2 / "CASME2-RAW" / "sub02" / "EP02_1" / f"img{number + 4}.jpg").unlink()
    clips = load_clips("casme2", casme2).set_index("clip")
    row = clips.loc["sub02/EP02_1"]
    assert (row["onset"], row["apex"], row["offset"]) == (3, -1, 6) and len(row["frames"]) == 4
    told = [text for text in clips.attrs["repairs"] if text.startswith("sub02/EP02_1")]
    assert "the table says frames 3 to 7, there are only 3 to 6" in told[0]
    assert "apex 7 is outside of the frames that are there" in told[1]
    with pytest.raises(DatasetError, match="there are only 3 to 6"):
        load_clips("casme2", casme2, strict=True)


def test_the_first_frame_that_is_there_is_no_apex(casme2):
    """Frames 95 to 98 are missing of a clip from 95 to 102 with its apex at 99, or at 100."""
    for number in range(94, 99):
        (casme2 / "CASME2-RAW" / "sub02" / "EP01_1" / f"img{number}.jpg").unlink()
    write_frames(casme2 / "CASME2-RAW" / "sub02" / "EP01_1", [103, 104])
    for top, expected in ((99, -1), (100, 100)):
        rows = [(*row[:4], top, 104, *row[6:]) if row[3] == 95 else row for row in ROWS]
        write_table(casme2 / "CASME2-coding-20140508.xlsx", CASME2, rows)
        clip = load_clips("casme2", casme2).set_index("clip").loc["sub02/EP01_1"]
        assert (clip["onset"], clip["apex"], clip["offset"]) == (99, expected, 104)


def test_strict_refuses_repairs_but_not_those_of_clips_that_are_left_out(casme2):
    with pytest.raises(DatasetError, match=r"row 3 \(sub01/EP01_2\): apex is '/'"):
        load_clips("casme2", casme2, strict=True)
    assert len(load_clips("casme2", casme2, "happiness,others,repression", strict=True)) == 3


def test_columns_are_found_by_name_wherever_they_stand(casme2):
    order = [8, 0, 4, 3, 5, 7, 1]
    write_table(
        casme2 / "CASME2-coding-20140508.xlsx",
        ["ESTIMATED EMOTION" if k == 8 else CASME2[k] for k in order],
        [tuple(row[k] for k in order) for row in ROWS],
        skip=3,
    )
    assert load_clips("casme2", casme2)["apex"].to_list() == [8, -1, 99, 7, -1]


def look_alike(path, emotions, header=CASME2):
    """Write a table of the size of the release: 26 subjects, so many clips of each emotion."""
    labels = [name for name, count in emotions.items() for _ in range(count)]
    rows = [
        (f"{1 + k % 26:02d}", f"EP{k:03d}", None, 10, 40, 80, None, "4+7", emotion)
        for k, emotion in enumerate(labels)
    ]
    write_table(path, header, rows)
    return path


RELEASE = {"happiness": 32, "surprise": 25, "disgust": 63, "sadness": 7, "fear": 2,
           "repression": 27, "others": 99}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "header", "five", "version"),
    [
        ({}, CASME2, 246, "CASME II of 2014"),
        ({"sadness": 4, "surprise": 28}, [*CASME2, "Objective Classes"], 249, "of 2019"),
        ({"disgust": 64}, CASME2, 247, "CASME II, updated table, CASME2-coding.xlsx, 256 rows"),
        ({"disgust": 65}, CASME2, 248, "CASME II, unknown edition, CASME2-coding.xlsx, 257 rows"),
    ],
)
def test_the_tables_in_the_wild(tmp_path, changes, header, five, version):
    path = look_alike(tmp_path / "CASME2-coding.xlsx", RELEASE | changes, header)
    clips, findings = inspect("casme2", None, table=path)
    assert len(clips) == five and version in clips.attrs["version"]
    notes = ["columns that are not used: 'Objective Classes'"] if len(header) > 9 else []
    assert [str(one) for one in findings] == notes


def test_a_table_of_255_rows_is_checked_within_a_second(tmp_path):
    path = look_alike(tmp_path / "CASME2-coding.xlsx", RELEASE)
    begun = time.perf_counter()
    assert check("casme2", table=path).can_run
    assert time.perf_counter() - begun < 1


def test_samm_has_136_clips_of_27_subjects_in_five_classes(tmp_path):
    counts = {"Anger": 57, "Happiness": 26, "Other": 26, "Surprise": 15, "Contempt": 12,
              "Disgust": 9, "Fear": 8, "Sadness": 6}  # fmt: skip
    labels = [name for name, count in counts.items() for _ in range(count)]
    rows = []
    for k, emotion in enumerate(labels):
        subject = 24 + 12 * (k % 2) if emotion == "Disgust" else 100 + k % 27
        name, numbers = f"{subject:03d}_{k}", (10, 20, 90, "=F15-D15+1")
        cell = subject if k % 2 else f"{subject:03d}"  # both kinds are found in the wild
        rows.append((cell, name, 1, *numbers, "1/2", "L12 or R14", emotion, 1, None))
    write_table(tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx", SAMM, rows, skip=13)
    clips, _ = inspect("samm", None, table=tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx")
    assert len(clips) == 136 and clips["subject"].nunique() == 27
    assert clips["emotion"].value_counts().to_dict() == {
        "anger": 57, "happiness": 26, "others": 26, "surprise": 15, "contempt": 12,
    }  # fmt: skip


def test_a_composite_is_whatever_is_there(tmp_path, casme2_root, samm_root):
    (tmp_path / "CASME2").symlink_to(casme2_root)
    alone = load_clips("composite", tmp_path)
    assert set(alone["source"]) == {"casme2"} and "others" not in set(alone["emotion"])
    (tmp_path / "SAMM").symlink_to(samm_root)
    both = load_clips("composite", tmp_path)
    assert both.attrs["classes"] == ("negative", "positive", "surprise")
    assert set(both["subject"].str.split("-").str[0]) == {"casme2", "samm"}
    assert both["clip"].is_unique and len(both) > len(alone)
    assert both.attrs["version"].count("synthetic data") == 2


def own_clips(folder):
    """Write four clips of two subjects: three folders of images and a video."""
    for name in ("a", "b", "c"):
        write_frames(folder / name, range(0, 30), "f{:03d}.png")
    video = cv2.VideoWriter(
        str(folder / "d.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 100, (16, 12), isColor=False
    )
    for number in range(30):
        video.write(np.full((12, 16), 4 * number, np.uint8) + np.uint8(40) * (np.arange(16) > 7))
    video.release()
    (folder / "manifest.csv").write_text(
        "\ufeffclip;Subject;onset;apex;offset;emotion;frames;fps;remark\n"
        "one;ann;2;10;20;joy;a;120;x\n"
        "two;ann;2;;20;Calm ;b;120;\n"
        "three;bob;2;10;20;joy;c;;\n"
        "four;bob;5;10;20;calm;d.avi;;\n"
    )
    return folder


def test_own_clips_from_a_manifest_with_folders_and_a_video(tmp_path):
    clips = load_clips("own", own_clips(tmp_path))
    assert clips["clip"].to_list() == ["one", "two", "three", "four"]
    assert clips.attrs["classes"] == ("calm", "joy")
    assert clips["fps"].to_list() == [120, 120, 200, 100]  # told, told, assumed, the video's own
    assert clips["apex"].to_list() == [10, -1, 10, 10]
    assert clips.attrs["repairs"] == ["three: fps is missing; 200 frames a second are taken"]
    _, findings = inspect("own", tmp_path)
    assert {str(one) for one in findings.of("note")} == {
        "row 3 (two): apex is empty; the frame of largest motion is taken",
        "columns that are not used: 'remark'",
    }
    frames = read_frames(clips["frames"][3])
    assert frames.shape == (16, 12, 16)
    np.testing.assert_allclose(frames.mean(axis=(1, 2)), 20 + 4 * np.arange(5, 21), atol=3)
    np.testing.assert_array_equal(
        read_frames([clips["frames"][3][k] for k in (2, 9)]), frames[[2, 9]]
    )
    assert load_clips("own", tmp_path / "manifest.csv").equals(clips)


def test_the_order_of_the_tables_rows_decides_nothing_but_the_order(casme2):
    before = load_clips("casme2", casme2).set_index("clip")
    write_table(casme2 / "CASME2-coding-20140508.xlsx", CASME2, ROWS[::-1])
    after = load_clips("casme2", casme2).set_index("clip")
    assert after.loc[before.index].equals(before)


def spoil_frame(root):
    (root / "CASME2-RAW" / "sub01" / "EP01_1" / "img7.jpg").unlink()


def spoil_folder(root):
    (root / "CASME2-RAW" / "sub02" / "EP02_1").rename(root / "elsewhere")


def test_all_problems_are_told_at_once(casme2):
    spoil_frame(casme2)
    spoil_folder(casme2)
    with pytest.raises(DatasetError, match="2 problems") as told:
        load_clips("casme2", casme2)
    assert "EP01_1" in str(told.value) and "EP02_1" in str(told.value)


def test_an_empty_folder_a_missing_one_and_an_unknown_dataset(tmp_path):
    with pytest.raises(DatasetError, match="expected the annotation table .* an empty folder"):
        load_clips("casme2", tmp_path)
    with pytest.raises(DatasetError, match="expected one annotation table .* an empty folder"):
        load_clips("synthetic", tmp_path)
    with pytest.raises(DatasetError, match="nowhere: no such folder"):
        load_clips("samm", tmp_path / "nowhere")
    with pytest.raises(ValueError, match="dataset='smic': expected one of"):
        load_clips("smic", tmp_path)


def test_unreadable_images_are_named(tmp_path):
    write_frames(tmp_path, [1, 2, 3])
    write_frames(tmp_path, [4], shape=(20, 20))
    paths = [tmp_path / f"img{k}.jpg" for k in (1, 2, 3)]
    frames = read_frames(paths)
    assert frames.shape == (3, 12, 16) and frames.dtype == np.uint8
    np.testing.assert_array_equal(frames[1], cv2.imread(str(paths[1]), cv2.IMREAD_GRAYSCALE))
    with pytest.raises(DatasetError, match="img4.jpg: is 20x20 pixels, .* first frame 16x12"):
        read_frames([*paths, tmp_path / "img4.jpg"])
    with pytest.raises(DatasetError, match="img9.jpg: cannot be opened"):
        read_frames([tmp_path / "img9.jpg"])
    whole = paths[0].read_bytes()
    paths[0].write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="img1.jpg"):
        read_frames(paths)
    paths[1].write_bytes(b"\x00" * 100)
    with pytest.raises(DatasetError, match="img2.jpg: not a readable image"):
        read_frames(paths[1:])


def test_counts_by_subject_and_class(casme2):
    table = counts(load_clips("casme2", casme2))
    assert table.loc["sub02", "others"] == 1
    assert table.loc["sub01"].to_list() == [1, 0, 1, 0, 0]
    clips = load_clips("casme2", casme2)
    table = counts(clips[clips["emotion"] != "others"])
    assert list(table) == list(clips.attrs["classes"]) and (table["others"] == 0).all()
