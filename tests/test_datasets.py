"""Look-alikes of the official tables, with their quirks; bad input ends in one clear error."""

import cv2
import numpy as np
import openpyxl
import pytest

from merlib import datasets
from merlib.datasets import DatasetError, load_clips, read_frames

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
        cv2.imwrite(str(folder / name.format(number)), np.full(shape, number % 200, np.uint8))


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
    assert clips.attrs["version"] == "CASME II of 2014, CASME2-coding-20140508.xlsx, 6 rows"
    assert load_clips("synthetic", casme2).attrs["version"] == "synthetic data, layout of CASME II"
    assert not clips.attrs["cropped"]
    numbers = [int(path.stem[3:]) for path in clips["frames"][2]]
    assert numbers == list(range(95, 103))  # 99 before 100: by number, not by text


def test_samm_with_its_quirks(samm):
    clips = load_clips("samm", samm)
    assert clips["emotion"].to_list() == ["contempt", "anger", "others"]
    assert clips.attrs["version"] == "SAMM, SAMM_Micro_FACS_Codes_v2.xlsx, 4 rows"
    assert load_clips("synthetic", samm).attrs["version"] == "synthetic data, layout of SAMM"
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
    assert clips.attrs["cropped"]
    assert clips["frames"][0][0].name == "reg_img5.jpg"


def test_the_release_of_2019_is_told_apart(casme2):
    path = casme2 / "CASME2-coding-20140508.xlsx"
    path.unlink()
    write_table(
        casme2 / "CASME2-coding-20190701.xlsx",
        [*CASME2, "Objective Classes"],
        [(*row, 1) for row in ROWS],
    )
    assert load_clips("casme2", casme2).attrs["version"].startswith("CASME II of 2019")


def test_the_order_of_the_tables_rows_decides_nothing_but_the_order(casme2):
    before = load_clips("casme2", casme2).set_index("clip")
    write_table(casme2 / "CASME2-coding-20140508.xlsx", CASME2, ROWS[::-1])
    after = load_clips("casme2", casme2).set_index("clip")
    assert after.loc[before.index].equals(before)


def spoil_frame(root):
    (root / "CASME2-RAW" / "sub01" / "EP01_1" / "img7.jpg").unlink()


def spoil_folder(root):
    (root / "CASME2-RAW" / "sub02" / "EP02_1").rename(root / "elsewhere")


def spoil_column(root):
    write_table(root / "CASME2-coding-20140508.xlsx", [*CASME2[:8], "Feeling"], ROWS)


def spoil_onset(root):
    rows = [ROWS[0], ("02", "EP01_1", None, "x", 99, 102, None, 1, "others")]
    write_table(root / "CASME2-coding-20140508.xlsx", CASME2, rows)


def spoil_emotion(root):
    write_table(
        root / "CASME2-coding-20140508.xlsx",
        CASME2,
        [*ROWS, (*ROWS[0][:1], "EPx", *ROWS[0][2:8], "joy")],
    )


def spoil_twice(root):
    write_table(root / "CASME2-coding-20140508.xlsx", CASME2, [*ROWS, ROWS[0]])


def spoil_order(root):
    rows = [*ROWS[1:], ("01", "EP01_1", None, 12, 8, 5, None, 12, "happiness")]
    write_table(root / "CASME2-coding-20140508.xlsx", CASME2, rows)


def spoil_table(root):
    (root / "CASME2-coding-20140508.xlsx").write_text("not a workbook")


def spoil_all_frames(root):
    (root / "CASME2-RAW").rename(root / "pictures")


def spoil_empty_image(root):
    (root / "CASME2-RAW" / "sub01" / "EP01_1" / "img7.jpg").write_bytes(b"")


def spoil_classes(root):
    write_table(root / "CASME2-coding-20140508.xlsx", CASME2, ROWS[:1])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_frame, r"sub01/EP01_1: 1 of the frames 5 to 12 missing in .*EP01_1: 7 \(found 4 to"),
        (spoil_folder, r"sub02/EP02_1: no folder .*EP02_1"),
        (spoil_column, r"20140508.xlsx: no sheet has a header row .* Estimated Emotion"),
        (spoil_onset, r"row 3 \(sub02/EP01_1\): OnsetFrame is 'x', expected a frame number"),
        (spoil_emotion, r"row 8 \(sub01/EPx\): emotion is 'joy', expected one of"),
        (spoil_twice, r"row 8 \(sub01/EP01_1\): the clip stands in row 2 already"),
        (spoil_order, r"onset 12 is not before offset 5"),
        (spoil_table, r"20140508.xlsx: not a readable xlsx table"),
        (spoil_all_frames, r"no frames; expected folders such as CASME2-RAW/sub01"),
        (spoil_empty_image, r"img7.jpg is empty"),
        (spoil_classes, r"1 clips of 1 subject\(s\) and 1 class"),
    ],
)
def test_bad_input_is_named(casme2, spoil, message):
    spoil(casme2)
    with pytest.raises(DatasetError, match=message):
        load_clips("casme2", casme2)


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
    assert abs(int(frames[1].mean()) - 2) <= 1
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
    table = datasets.counts(load_clips("casme2", casme2))
    assert table.loc["sub02", "others"] == 1
    assert table.loc["sub01"].to_list() == [1, 0, 1, 0, 0]
