"""Bad input, a kind a row: each ends in one clear error that names where, what and what instead."""

import json
import shutil

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_clips import CASME2, ROWS, SAMM, own_clips, write_frames, write_table

from merlib import cli
from merlib.data.clips import READERS, DatasetError, load_clips
from merlib.data.findings import Findings
from merlib.data.tables import LAYOUTS, parse, read_rows
from merlib.study.check import check

GOOD = [(*row[:4], 6 if row[4] == "/" else row[4], *row[5:]) for row in ROWS[:4]]
GOOD[1] = ("01", "EP01_2", None, 9, 11, 13, None, "4", "disgust")


def casme2_findings(tmp_path, rows, header=CASME2, **kwargs):
    path = tmp_path / "CASME2-coding-x.xlsx"
    write_table(path, header, rows, **kwargs)
    return check("casme2", table=path)


def row(**cells):
    """Return a good row with some cells changed."""
    names = ["subject", "name", "", "onset", "apex", "offset", "", "units", "emotion"]
    values = list(GOOD[0])
    for name, value in cells.items():
        values[names.index(name)] = value
    return tuple(values)


@pytest.mark.parametrize(
    ("cells", "level", "message"),
    [
        ({"subject": "one"}, "error", "row 2: Subject is 'one', expected a whole number from 0"),
        ({"subject": None}, "error", "row 2: Subject is "),
        ({"subject": -3}, "error", "row 2: Subject is -3, expected a whole number"),
        ({"subject": 1.5}, "error", "row 2: Subject is 1.5, expected a whole number"),
        ({"subject": 5000}, "error", "row 2: Subject is 5000, expected a whole number"),
        ({"name": None}, "error", "row 2: Filename is "),
        ({"name": "../EP01"}, "error", "row 2: Filename is '../EP01', expected a folder's name"),
        ({"name": ".hidden"}, "error", "row 2: Filename is '.hidden', expected a folder's name"),
        ({"name": "x" * 300}, "error", "row 2: Filename is 'xxx"),
        ({"onset": "x"}, "error", "row 2 (sub01/EP01_1): OnsetFrame is 'x', expected a frame"),
        ({"onset": None}, "error", "(sub01/EP01_1): OnsetFrame is "),
        ({"onset": -5}, "error", "(sub01/EP01_1): OnsetFrame is -5, expected a frame number"),
        ({"onset": 2.5}, "error", "(sub01/EP01_1): OnsetFrame is 2.5, expected a frame number"),
        ({"offset": "/"}, "error", "(sub01/EP01_1): OffsetFrame is '/', expected a frame number"),
        ({"offset": 10**12}, "error", "OffsetFrame is 1000000000000, expected a frame number"),
        ({"offset": True}, "error", "OffsetFrame is True, expected a frame number"),
        ({"onset": 12}, "error", "(sub01/EP01_1): onset 12 is not before offset 12"),
        ({"onset": 90}, "error", "(sub01/EP01_1): onset 90 is not before offset 12"),
        ({"apex": "/"}, "repair", "apex is '/', expected a frame after 5 and up to 12; the frame"),
        ({"apex": None}, "repair", "apex is empty, expected a frame after 5 and up to 12"),
        ({"apex": 5}, "repair", "apex is 5, expected a frame after 5 and up to 12"),
        ({"apex": 13}, "repair", "apex is 13, expected a frame after 5 and up to 12"),
        ({"apex": "late"}, "repair", "apex is 'late', expected a frame after 5"),
        ({"emotion": "joy"}, "error", "Emotion is 'joy', expected one of disgust, fear, happiness"),
        ({"emotion": None}, "error", "(sub01/EP01_1): Estimated Emotion is "),
        ({"emotion": 7}, "error", "(sub01/EP01_1): Estimated Emotion is 7, expected"),
        ({"name": "EP01_2"}, "error", "row 3 (sub01/EP01_2): the clip is in row 2 already"),
    ],
)
def test_a_bad_cell_is_named(tmp_path, cells, level, message):
    report = casme2_findings(tmp_path, [row(**cells), *GOOD[1:]])
    told = [str(finding) for finding in report.findings.of(level)]
    assert any(message in text for text in told), told
    assert report.can_run == (level != "error")


def test_all_bad_cells_are_told_at_once(tmp_path):
    rows = [row(apex="/"), row(name="a", onset="x", emotion="joy"), row(subject="q"), *GOOD[1:]]
    report = casme2_findings(tmp_path, rows)
    assert [(f.row, f.kind) for f in report.findings.of("error")] == [
        (3, "emotion"), (3, "onset"), (4, "subject"),
    ]  # fmt: skip
    assert [f.kind for f in report.findings.of("repair")].count("apex") == 1
    told = json.loads(report.as_json())
    assert told["can_run"] is False and len(told["findings"]) == len(report.findings)
    assert {"level", "kind", "message", "row", "clip", "file"} == set(told["findings"][0])
    table = [line for line in report.markdown().splitlines() if line.startswith("| error")]
    assert len(table) == 3


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (CASME2[:8], GOOD, "no header row has the column(s) Estimated Emotion"),
        (["a"], GOOD, "no header row has the column(s) Action Units, ApexFrame"),
        ([*CASME2[:2], "Subject", *CASME2[3:]], GOOD, "row 1 has the column Subject twice"),
        (CASME2, [], "0 clips of 0 subject(s) and 0 class(es) are left"),
        (CASME2, GOOD[:1], "1 clips of 1 subject(s) and 1 class(es) are left"),
    ],
)
def test_a_bad_table_is_named(tmp_path, header, rows, message):
    report = casme2_findings(tmp_path, rows, header)
    assert not report.can_run and message in str(report.findings.of("error")[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a workbook", "not a readable xlsx table"),
        (b"", "not a readable xlsx table"),
        (None, "cannot be opened"),
    ],
)
def test_a_table_that_is_no_workbook(tmp_path, content, message):
    path = tmp_path / "CASME2-coding.xlsx"
    if content is not None:
        path.write_bytes(content)
    report = check("casme2", table=path)
    assert not report.can_run and message in str(report.findings[0])


MANIFEST = "clip,subject,onset,apex,offset,emotion,frames,fps\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x,,2,5,9,joy,a,", "row 6: subject is empty, expected a name of letters, digits"),
        ("x,a/b,2,5,9,joy,a,", "row 6: subject is 'a/b', expected a name of letters"),
        (",ann,2,5,9,joy,a,", "row 6: clip is empty, expected a name without / and"),
        ("a/x,ann,2,5,9,joy,a,", "row 6: clip is 'a/x', expected a name without / and"),
        ("one,ann,2,5,9,joy,a,", "row 6 (one): the clip is in row 2 already"),
        ("x,ann,2,5,9,,a,", "row 6 (x): emotion is empty, expected a word"),
        ("x,ann,2,5,9,nan,a,", "row 6 (x): emotion is 'nan', expected a word"),
        ("x,ann,2,5,9,#N/A,a,", "row 6 (x): emotion is '#N/A', expected a word"),
        ("x,NaN,2,5,9,joy,a,", "row 6: subject is 'NaN', expected a name of letters"),
        ("x,ann,2,5,9,joy,,", "row 6 (x): frames is empty, expected a folder of images or a video"),
        ("x,ann,2,5,9,joy,nowhere,", "row 6 (x): no folder"),
        ("x,ann,2,5,9,joy,nowhere.mp4,", "row 6 (x): no file"),
        ("x,ann,2,5,9,joy,text.mp4,", "text.mp4: not a readable video (4 bytes)"),
        ("x,ann,2,5,9,joy,a,fast", "row 6 (x): fps is 'fast', expected frames per second"),
        ("x,ann,2,5,9,joy,a,0", "(x): fps is '0', expected frames per second from 5 to 10000"),
        ("x,ann,2,5,9,joy,a,-25", "row 6 (x): fps is '-25', expected frames per second"),
        ("x,ann,2,5,9,joy,a,nan", "row 6 (x): fps is 'nan', expected frames per second"),
        ("x,ann,2,5,9,joy,a,inf", "row 6 (x): fps is 'inf', expected frames per second"),
        ("x,ann,2,5,9,joy,a,1e9", "row 6 (x): fps is '1e9', expected frames per second"),
        ("x,ann,2,5,9,joy,a,0.001", "row 6 (x): fps is '0.001', expected frames per second"),
        ("x,ann,2,5,90,joy,a,200", "61 of the frames 2 to 90 missing in"),
        ("x,ann,2,5,90,joy,d.avi,200", "61 of the frames 2 to 90 missing in"),
        ("x,ann,2,5,2000000000,joy,a,200", "missing in"),
        ("x,ann,2", "row 6 (x): offset is empty, expected a frame number"),
    ],
)
def test_a_bad_line_of_a_manifest_is_named(tmp_path, line, message):
    own_clips(tmp_path)
    path = tmp_path / "manifest.csv"
    good = path.read_text(encoding="utf-8-sig").replace(";x\n", "\n").replace(";\n", "\n")
    path.write_text(good.replace(";", ",").replace(",remark", "") + line + "\n")
    (tmp_path / "text.mp4").write_text("text")
    with pytest.raises(DatasetError) as told:
        load_clips("own", tmp_path)
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no header row has the column(s) apex, clip"),
        (
            b"clip,subject\na,b\n",
            "the column(s) apex, emotion, frames, offset, onset; the first row has 'clip, subject'",
        ),
        (b"clip,subject\n\xff\xfe", "not text in UTF-8 (byte 13)"),
        (
            b"clip,subject,onset,apex,offset,emotion,frames\n",
            "0 clips of 0 subject(s) and 0 class(es) are left; leaving one subject out needs",
        ),
    ],
)
def test_a_bad_manifest_is_named(tmp_path, content, message):
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(DatasetError) as told:
        load_clips("own", tmp_path)
    assert message in str(told.value)


@pytest.fixture
def casme2(tmp_path):
    write_table(tmp_path / "CASME2-coding-20140508.xlsx", CASME2, GOOD)
    for subject, name, _, onset, _, offset, *_ in GOOD:
        folder = tmp_path / "CASME2-RAW" / f"sub{subject}" / name
        write_frames(folder, range(onset - 1, offset + 2))
    return tmp_path


def first(root, number=7):
    return root / "CASME2-RAW" / "sub01" / "EP01_1" / f"img{number}.jpg"


def cut(root):
    first(root).write_bytes(first(root).read_bytes()[:-9])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: first(root).unlink(), "1 of the frames 5 to 12 missing in"),
        (lambda root: first(root).write_bytes(b""), "img7.jpg is empty"),
        (lambda root: shutil.rmtree(first(root).parent), "(sub01/EP01_1): no folder"),
        (lambda root: shutil.copy(first(root), first(root, "007")), "are the same frame in"),
        (lambda root: first(root).write_bytes(b"\0" * 99), "not a readable image (99 bytes)"),
        (cut, "img7.jpg: the picture is damaged or cut short (Corrupt JPEG"),
        (
            lambda root: cv2.imwrite(str(first(root)), np.zeros((20, 20))),
            "img7.jpg: is 20x20 pixels, the clip's first frame 16x12",
        ),
        (lambda root: shutil.rmtree(root / "CASME2-RAW"), "no frames; expected a folder in it"),
        (
            lambda root: write_table(root / "CASME2-coding-2019.xlsx", CASME2, GOOD[1:]),
            "expected one annotation table, found CASME2-coding-2019.xlsx (3 rows), CASME2-coding-"
            "20140508.xlsx (4 rows, 1 other); choose one with --table",
        ),
    ],
)
def test_bad_frames_are_named_by_the_check(casme2, spoil, message):
    spoil(casme2)
    report = check("casme2", casme2, faces="cropped", n_jobs=1, progress=False)
    told = [str(finding) for finding in report.findings.of("error")]
    assert not report.can_run and any(message in text for text in told), told


def test_two_series_in_a_folder_are_one_problem_not_one_for_each_frame(casme2):
    folder = first(casme2).parent
    for path in list(folder.iterdir()):
        shutil.copy(path, folder / f"reg_{path.name}")
    report = check("casme2", casme2, faces="cropped", n_jobs=1, progress=False)
    (error,) = (str(one) for one in report.findings.of("error"))
    told = "img5.jpg and reg_img5.jpg are the same frame in"
    assert told in error and "and so are 7 more pairs; keep one series in the folder" in error


def test_the_check_of_good_frames_tells_stray_files_and_lone_clips(casme2):
    for folder in (first(casme2).parent, first(casme2).parent.parent / "EP01_2"):
        (folder / "Thumbs.db").write_bytes(b"stray")
        (folder / ".DS_Store").write_bytes(b"stray")
    report = check("casme2", casme2, faces="cropped", n_jobs=1, progress=False)
    assert report.can_run
    (note,) = (finding for finding in report.findings if finding.kind == "stray files")
    assert note.message.startswith("4 file(s) in 2 folder(s) of frames are no numbered images")
    assert note.message.count("Thumbs.db") + note.message.count(".DS_Store") == 2
    assert "8 frames" not in report.verdict and "repair" in report.verdict


def test_short_clips_are_repairs_which_strict_refuses(casme2):
    told = check("casme2", casme2, faces="cropped", n_jobs=1, progress=False)
    assert {finding.kind for finding in told.findings.of("repair")} == {"short clip"}
    strict = check("casme2", casme2, faces="cropped", strict=True, n_jobs=1, progress=False)
    assert told.can_run and not strict.can_run


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("clip,left_x\na,1\n", "column(s) left_y, right_x, right_y missing"),
        ("clip,left_x,left_y,right_x,right_y\nsub01/EP01_1,1,2,x,4\n", "(1, 2, x, 4)"),
        ("clip,left_x,left_y,right_x,right_y\nsub01/EP01_1,9,2,3,4\n", "image-left eye first"),
        ("clip,left_x,left_y,right_x,right_y\nsub01/EP01_1,1,2,3\n", "expected four numbers"),
        (
            "clip,left_x,left_y,right_x,right_y\n" + "sub01/EP01_1,1,2,3,4\n" * 2,
            "the clip is listed twice",
        ),
        (
            "clip,left_x,left_y,right_x,right_y\nsub01/EP01_1,1,2,300,4\n",
            "lie outside of a frame of 16x12",
        ),
    ],
)
def test_bad_eye_positions_are_named(casme2, content, message):
    (casme2 / "eyes.csv").write_text(content)
    report = check("casme2", casme2, n_jobs=1, progress=False)
    assert any(message in str(finding) for finding in report.findings.of("error"))


def named_eyes(path, clip="sub01/EP01_1"):
    path.write_text(f"clip,left_x,left_y,right_x,right_y\n{clip},4,5,11,5\n")


def test_eyes_are_read_beside_the_table_also_below_the_root(casme2):
    (casme2 / "tables").mkdir()
    (casme2 / "CASME2-coding-20140508.xlsx").rename(casme2 / "tables" / "CASME2-coding.xlsx")
    named_eyes(casme2 / "tables" / "eyes.csv")
    clips = load_clips("casme2", casme2)
    assert clips.set_index("clip")["eyes"].dropna().to_dict() == {
        "sub01/EP01_1": ((4.0, 5.0), (11.0, 5.0))
    }
    assert clips.attrs["version"].endswith(", eyes named for 1 clips")


def test_eyes_of_no_clip_are_an_error_with_similar_names(casme2):
    named_eyes(casme2 / "eyes.csv", "sub01/EP01_01")
    told = r"eyes.csv: it names 'sub01/EP01_01', which is no clip .* names: sub01/EP01_1"
    with pytest.raises(DatasetError, match=told):
        load_clips("casme2", casme2)


def test_eyes_beside_cropped_faces_are_not_used_and_that_is_said(casme2):
    named_eyes(casme2 / "eyes.csv")
    clips = load_clips("casme2", casme2, faces="cropped")
    assert "eyes are named, but the frames are cropped" in " ".join(clips.attrs["warnings"])
    assert clips.attrs["version"].endswith(", cropped faces")


@pytest.mark.parametrize("root", [".", "../Cropped_x", "../Cropped_x/CASME2-RAW/..", None])
def test_faces_are_cropped_however_the_path_is_written(casme2, monkeypatch, root):
    top = casme2 / "Cropped_x"
    (casme2 / "CASME2-RAW").rename(top)
    (casme2 / "CASME2-coding-20140508.xlsx").rename(top / "CASME2-coding-20140508.xlsx")
    (top / "CASME2-RAW").mkdir()
    monkeypatch.chdir(top)
    assert load_clips("casme2", root or top)["cropped"].all()
    for path in [*top.glob("sub*")]:  # the innermost name that tells counts
        path.rename(top / "CASME2-RAW" / path.name)
    assert not load_clips("casme2", root or top)["cropped"].any()


def test_a_number_has_no_underscore(casme2):
    rows = [row if k else [*row[:3], "1_0", *row[4:]] for k, row in enumerate(map(list, GOOD))]
    write_table(casme2 / "CASME2-coding-20140508.xlsx", CASME2, rows)
    with pytest.raises(DatasetError, match="OnsetFrame is '1_0', expected a frame number"):
        load_clips("casme2", casme2)


def test_own_clips_that_no_class_takes_are_counted(tmp_path):
    manifest = own_clips(tmp_path) / "manifest.csv"
    rows = manifest.read_text().replace("120;x", "120;").splitlines()
    words = ["emotion", "happiness", "calm", "surprise", "joy"]
    rows = [
        row.replace("joy", word).replace("calm", word)
        for row, word in zip(rows, words, strict=True)
    ]
    manifest.write_text("\n".join(rows) + "\n")
    clips = load_clips("own", tmp_path, "three")
    (told,) = [one for one in clips.attrs["warnings"] if "no class" in one]
    assert len(clips) == 2 and told == "2 clips are in no class of three: calm, joy"


def test_a_missing_file_of_eye_positions_is_named_only_if_asked_for(casme2):
    assert load_clips("casme2", casme2)["eyes"].isna().all()
    with pytest.raises(DatasetError, match=r"none.csv: cannot be opened"):
        load_clips("casme2", casme2, eyes=casme2 / "none.csv")


def test_arguments_are_checked(casme2):
    for arguments, message in (
        ({"dataset": "smic", "root": casme2}, "dataset='smic': expected one of"),
        ({"dataset": "casme2", "root": casme2, "faces": "no"}, "faces='no': expected one of"),
        ({"dataset": "casme2", "root": None}, "expected a root folder, a table or both"),
        ({"dataset": "own", "root": casme2, "classes": "five"}, "expected the annotation table"),
        ({"dataset": "synthetic", "root": casme2}, "no synthetic dataset .* dataset=casme2"),
        (
            {"dataset": "synthetic-samm", "root": casme2},
            r"samm\*.xlsx, found only CASME2",
        ),
        ({"dataset": "composite", "root": casme2 / "CASME2-RAW"}, "expected one table of CASME II"),
        ({"dataset": "samm", "root": casme2 / "x"}, "no such folder"),
        ({"dataset": "own", "root": __file__, "table": "t.csv"}, "is a table, and table=t.csv"),
    ):
        with pytest.raises(ValueError, match=message):
            load_clips(**arguments)


def test_the_command_writes_both_reports_and_its_status_says_whether_to_go_on(casme2, capsys):
    out = casme2 / "report"
    command = ["check", "casme2", "--data-root", str(casme2), "--faces", "cropped", "--jobs", "1"]
    assert cli.main([*command, "--out", str(out)]) == 0
    assert "The study can run" in capsys.readouterr().out
    assert cli.main([*command, "--out", str(out), "--strict"]) == 1
    told = json.loads((out / "report.json").read_text())
    assert told["strict"] and not told["can_run"] and told["subjects"] == {"sub01": 2, "sub02": 2}
    assert (out / "report.md").read_text().startswith("# Check of casme2")
    table = casme2 / "CASME2-coding-20140508.xlsx"
    assert cli.main(["check", "casme2", "--table", str(table), "--out", str(out)]) == 0
    assert "The table is in order" in capsys.readouterr().out


def test_the_command_looks_at_its_arguments_before_it_reads_a_frame(casme2, capsys, monkeypatch):
    monkeypatch.setattr("merlib.study.check.check", None)
    command = ["check", "casme2", "--data-root", str(casme2)]
    assert cli.main([*command, "--methods", "ful"]) == 1
    assert "unknown method 'ful'; did you mean 'full'?" in capsys.readouterr().err
    taken = casme2 / "taken"
    taken.touch()
    assert cli.main([*command, "--out", str(taken)]) == 1
    assert "report.md: cannot be written" in capsys.readouterr().err


cell = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.dates(),
    st.text(st.characters(blacklist_categories=("Cs", "Cc"))),
    st.sampled_from(["/", "01", "sub02", "~x", "NaN", "1e400", "happiness", "Other", "2", "5"]),
)  # fmt: skip
tables = st.lists(st.lists(cell, min_size=9, max_size=9), max_size=6)


@pytest.mark.parametrize(("dataset", "header"), [("casme2", CASME2), ("samm", SAMM)])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=tables)
def test_random_workbooks_raise_nothing_but_the_loaders_own_error(tmp_path, dataset, header, rows):
    path = tmp_path / f"{dataset}.xlsx"
    try:
        write_table(path, header, [[None if x != x else x for x in line] for line in rows])
    except (ValueError, OverflowError):
        return  # what a workbook cannot hold
    report = check(dataset, table=path)
    assert isinstance(report.can_run, bool) and report.markdown() and json.loads(report.as_json())
    (tmp_path / "frames" / "sub01").mkdir(parents=True, exist_ok=True)
    try:
        load_clips(dataset, tmp_path / "frames", table=path)
    except DatasetError:
        pass


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    content=st.one_of(
        st.binary(), st.text().map(lambda text: (MANIFEST + text).encode(errors="ignore"))
    )
)
def test_random_manifests_raise_nothing_but_the_loaders_own_error(tmp_path, content):
    (tmp_path / "manifest.csv").write_bytes(content)
    try:
        load_clips("own", tmp_path)
    except DatasetError:
        pass


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[cell] * 7), max_size=5))
def test_a_parsed_clip_is_always_in_order(rows):
    import pandas as pd

    columns = list(LAYOUTS["casme2"].columns)
    table = pd.DataFrame(rows, columns=columns, dtype=object).assign(row=range(len(rows)), sheet="")
    clips = parse(table, LAYOUTS["casme2"], Findings())
    assert (clips["onset"] < clips["offset"]).all() and clips["clip"].is_unique
    inside = (clips["onset"] < clips["apex"]) & (clips["apex"] <= clips["offset"])
    assert (inside | (clips["apex"] == -1)).all()


def test_reading_rows_goes_by_what_the_sheets_hold(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["nothing here"])
    sheet = book.create_sheet("any name")
    sheet.append(["a note"])
    sheet.append(CASME2)
    sheet.append(list(GOOD[0]))
    book.save(tmp_path / "casme2.xlsx")
    rows = read_rows(tmp_path / "casme2.xlsx", LAYOUTS["casme2"])
    assert rows["row"].to_list() == [3] and rows["name"].to_list() == ["EP01_1"]
    assert READERS[0] == "synthetic"
