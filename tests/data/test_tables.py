"""Annotation tables as people have them: copies, editions, several sheets, encodings, bad clips."""

import os
import shutil
import time
import zipfile
from pathlib import Path

import openpyxl
import pytest
from test_bad_input import GOOD
from test_clips import CASME2, RELEASE, SAMM, own_clips, write_frames, write_table

from merlib import cli
from merlib.config import Config
from merlib.data import tables
from merlib.data.clips import DatasetError, inspect, load_clips
from merlib.files import below, hint
from merlib.preprocess.pipeline import prepare
from merlib.study.check import check

CODING = "CASME2-coding-20140508.xlsx"


@pytest.fixture
def casme2(tmp_path):
    """Four clips of two people in the layout of CASME II."""
    write_table(tmp_path / CODING, CASME2, GOOD)
    for subject, name, _, onset, _, offset, *_ in GOOD:
        folder = tmp_path / "CASME2-RAW" / f"sub{subject}" / name
        write_frames(folder, range(onset - 1, offset + 2))
    return tmp_path


def notes(findings):
    return " | ".join(str(one) for one in findings.of("note"))


def objective(root):
    rows = [(row[0], row[1], 1) for row in GOOD]
    write_table(
        root / "CASME2-ObjectiveClasses.xlsx", ["Subject", "Filename", "Objective Class"], rows
    )


def formatted(root):
    """The same rows in another order, of other types, with one more column."""
    rows = [(int(row[0]), row[1], None, str(row[3]), float(row[4]), *row[5:8], row[8].upper(), "x")
            for row in GOOD[::-1]]  # fmt: skip
    write_table(root / "CASME2-coding.xlsx", [*CASME2, "Remark"], rows, skip=2)


def in_subfolder(root):
    (root / "docs").mkdir()
    shutil.copy(root / CODING, root / "docs" / "CASME2-coding.xlsx")


@pytest.mark.parametrize(
    ("add", "told"),
    [
        (objective, "CASME2-ObjectiveClasses.xlsx: no header row has the column(s)"),
        (lambda root: shutil.copy(root / CODING, root / "CASME2-coding-20140508 (1).xlsx"), "once"),
        (formatted, "they count once"),
        (in_subfolder, "they count once"),
        (lambda root: (root / "CASME2-old.xlsx").write_bytes(b"PK broken"), "it is not used"),
        (lambda root: (root / "~$CASME2-coding-20140508.xlsx").write_bytes(b"lock"), ""),
        (lambda root: (root / "CASME2-coding.xls").write_bytes(b"\xd0\xcf\x11\xe0"), ""),
        (lambda root: os.mkfifo(root / "CASME2-pipe.xlsx"), "no plain file"),
    ],
)
def test_of_several_files_the_one_with_the_rows_counts(casme2, add, told):
    before = load_clips("casme2", casme2)
    add(casme2)
    clips, findings = inspect("casme2", casme2)
    assert not findings.of("error") and told in notes(findings)
    assert clips.sort_values("clip")["frames"].to_list() == before["frames"].to_list()
    assert len(load_clips("composite", casme2, "happiness,others,repression,disgust")) == 4


def test_two_different_tables_are_named_and_one_can_be_chosen(casme2):
    write_table(casme2 / "CASME2-coding-2019.xlsx", CASME2, [*GOOD[:3], (*GOOD[3][:8], "others")])
    both = r"CASME2-coding-2019.xlsx \(4 rows\), CASME2-coding-20140508.xlsx \(4 rows, 1 other\)"
    for dataset in ("casme2", "composite"):
        with pytest.raises(DatasetError, match=f"{both}; choose one with --table"):
            load_clips(dataset, casme2)
        clips = load_clips(dataset, casme2, "all", table=casme2 / CODING)
        assert "repression" in set(clips["emotion"])


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "CASME2.xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...",
            "found CASME2.xls; save it as .xlsx",
        ),
        (
            "CASME2.xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...",
            "an .xls file or a workbook with a",
        ),
        ("CASME2.xlsx", b"<html><table>", "not a readable xlsx table (13 bytes); save it as .xlsx"),
        ("CASME2.csv", b"", "--table names another one, .xlsx or .csv"),
    ],
)
def test_a_table_of_another_kind_says_what_to_save(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError) as error:
        load_clips("casme2", tmp_path)
    assert told in str(error.value)


def test_what_is_no_plain_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "CASME2-pipe.xlsx")
    (tmp_path / "CASME2-folder.xlsx").mkdir()
    for path in (tmp_path / "CASME2-pipe.xlsx", tmp_path / "CASME2-folder.xlsx", "/dev/zero"):
        with pytest.raises(DatasetError, match="no plain file, expected a table"):
            inspect("casme2", None, table=path)


SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def add_rows(path, rows):
    """Write rows of XML at the end of the first sheet of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    parts[name] = parts[name].replace(b"</sheetData>", rows + b"</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)


LAST = b'<row r="1048576"><c r="XFD1048576"%s</c></row>'


@pytest.mark.parametrize("cell", [b' t="inlineStr"><is><t> </t></is>', b' s="0"><v></v>'])
def test_a_blank_in_the_last_cell_costs_nothing(tmp_path, cell):
    write_table(tmp_path / "CASME2.xlsx", CASME2, GOOD)
    add_rows(tmp_path / "CASME2.xlsx", LAST % cell)
    begun = time.perf_counter()
    rows = tables.read_rows(tmp_path / "CASME2.xlsx", tables.LAYOUTS["casme2"])
    assert len(rows) == 4 and time.perf_counter() - begun < 10  # a table of all cells: a minute


def test_sheets_without_end_and_zip_bombs_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "CASME2.xlsx"
    wide = b"".join(b'<row r="%d"><c r="XFD%d" s="0"/></row>' % (k, k) for k in range(9, 19))
    monkeypatch.setattr(tables, "CELLS", 150_000)
    for rows, told in (
        (b" " * (tables.LARGEST + 1), "32 MB .unpacked., expected a table of at most 32"),
        (wide, "expected a row for each clip"),
    ):
        write_table(path, CASME2, GOOD)
        add_rows(path, rows)
        with pytest.raises(DatasetError, match=told):
            inspect("casme2", None, table=path)
    monkeypatch.setattr(tables, "ROWS", 3)
    write_table(path, CASME2, GOOD)
    with pytest.raises(DatasetError, match="more than 3 rows"):
        inspect("casme2", None, table=path)


def write_sheets(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)


def test_all_sheets_with_the_header_are_read(tmp_path):
    path = tmp_path / "CASME2.xlsx"
    other = (*GOOD[0][:3], 6, *GOOD[0][4:])
    write_sheets(path, A=[CASME2, *GOOD[:2]], B=[["b"], CASME2, *GOOD[1:]], C=[["remark"]], D=[])
    clips, findings = inspect("casme2", None, table=path)
    assert len(clips) == 4 and not findings.of("error")
    told = notes(findings)
    assert "sheet 'A' has the header and 2 row(s)" in told
    assert "sheet 'B' has the header and 3 row(s)" in told
    assert "sheet 'C' has 1 row(s) but not the header; it is not read" in told and "'D'" not in told
    assert [str(one) for one in findings.of("repair")] == [
        "1 row(s) of sheet 'B' are in an earlier sheet too; they count once"
    ]
    write_sheets(path, A=[CASME2, *GOOD], B=[CASME2, other])
    (error,) = inspect("casme2", None, table=path)[1].of("error")
    assert str(error) == (
        "row 2 (sub01/EP01_1): sheet 'B': the clip is in row 2 of sheet 'A' already"
    )


def test_what_is_not_used_is_named_and_nothing_is_lost_without_a_word(tmp_path):
    path = own_clips(tmp_path) / "manifest.csv"
    content = path.read_text("utf-8-sig").replace("remark", "Light")
    path.write_text(content + ";;2;10;20;joy;a;;\nfive;bob;12;15;20;joy;c;;x;b\n;;;;;;;a remark\n",
                    encoding="utf-8")  # fmt: skip
    _, findings = inspect("own", tmp_path)
    assert "columns that are not used: 'Light'" in notes(findings)
    assert {str(one)[:60] for one in findings.of("error")} == {
        "row 6: subject is empty, expected a name of letters, digits,",
        "row 6: clip is empty, expected a name without / and \\",
        "row 7: 10 cells, the header has 9; a cell that holds the div",
    }


MANIFEST = "clip,subject,onset,apex,offset,emotion,frames,remark\n" + "".join(
    f"{name},{who},2,10,20,{word},{name},\n"
    for name, who, word in (("一", "王玥", "高兴"), ("二", "王玥", "厌恶"), ("三", "李", "高兴"))
)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["Unix", "Windows", "old Mac"])
def test_a_manifest_is_read_whatever_ends_its_lines(tmp_path, end):
    (tmp_path / "manifest.csv").write_bytes(MANIFEST.replace("\n", end).encode())
    clips, findings = inspect("own", None, table=tmp_path / "manifest.csv")
    assert not findings.of("error") and clips.attrs["rows"] == {"一": 2, "二": 3, "三": 4}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "gbk"]
)
@pytest.mark.parametrize("divider", [",", ";", "\t"])
def test_a_manifest_is_read_in_the_encodings_and_dividers_of_spreadsheets(
    tmp_path, encoding, divider
):
    before = "sep=;\nnotes, with, many, commas, in, a, row, of, their, own\n"
    content = before + MANIFEST.replace(",", divider).replace("\n", "\r\n")
    (tmp_path / "manifest.csv").write_bytes(content.encode(encoding))
    clips, findings = inspect("own", None, table=tmp_path / "manifest.csv")
    assert not findings.of("error")
    assert clips["subject"].to_list() == ["王玥", "王玥", "李"]
    assert clips.attrs["rows"] == {"一": 4, "二": 5, "三": 6}
    assert ("read as Chinese" in notes(findings)) == encoding.startswith("gb")


@pytest.mark.parametrize("text", ["Müller", "Café,Zoë,naïve", "Ångström", "señor", "Übung straße"])
def test_text_of_the_old_western_encoding_is_no_chinese(tmp_path, text):
    (tmp_path / "manifest.csv").write_bytes((MANIFEST[:53] + text).encode("cp1252"))
    with pytest.raises(DatasetError, match=r"not text in UTF-8 .*; save it as 'CSV UTF-8'"):
        load_clips("own", tmp_path)


def test_a_quotation_mark_that_never_ends_does_not_swallow_rows(tmp_path):
    path = own_clips(tmp_path) / "manifest.csv"
    path.write_bytes(path.read_bytes().replace(b";x\n", b';"x\n'))
    with pytest.raises(DatasetError, match="not a readable CSV table"):
        load_clips("own", tmp_path)


def test_paths_of_a_table_may_be_those_of_windows_or_of_home(tmp_path, monkeypatch):
    root = own_clips(tmp_path)
    (root / "in" / "Ä").mkdir(parents=True)
    (root / "a").rename(root / "in" / "Ä" / "a")
    content = (root / "manifest.csv").read_text("utf-8").replace(";a;", ";in\\Ä\\a;")
    monkeypatch.setenv("HOME", str(root))
    (root / "manifest.csv").write_text(content.replace(";b;", ";~/b;"), "utf-8")
    assert len(load_clips("own", root)) == 4
    (root / "manifest.csv").write_text(content.replace(";b;", ";B;"), "utf-8")
    with pytest.raises(DatasetError, match=r"no folder .*/B \(but .*/b, which differs in upper"):
        load_clips("own", root)
    assert hint(root / "nothing" / "here") == "" == hint(root / "b")


def test_a_folder_that_cannot_be_opened_is_a_note(casme2, monkeypatch):
    (casme2 / "private").mkdir()
    there = os.listdir

    def listdir(folder):
        if Path(folder).name == "private":
            raise PermissionError(13, "Permission denied")
        return there(folder)

    monkeypatch.setattr(os, "listdir", listdir)
    report = check("casme2", casme2, faces="cropped", n_jobs=1, progress=False)
    told = "private cannot be opened (Permission denied); nothing in it is used"
    assert report.can_run and [told in str(one) for one in report.findings].count(True) == 1
    assert list(below(casme2 / "private", 0)) == []


def challenge_of(path, apexes=(("04", "EP12_01f", "/"), ("05", "EP09_05f", 10)), **changes):
    """Write a table with the numbers of 2014; its first clips of disgust have these apexes."""
    labels = [name for name, count in (RELEASE | changes).items() for _ in range(count)]
    rows = [[f"{1 + k % 26:02d}", f"EP{k}", None, 10, 40, 80, None, 4, name]
            for k, name in enumerate(labels)]  # fmt: skip
    for k, (subject, name, apex) in enumerate(apexes, labels.index("disgust")):
        rows[k][:2], rows[k][4] = (subject, name), apex
    write_table(path, CASME2, rows)


def test_the_list_of_megc_2019_follows_from_the_tables(tmp_path):
    path = tmp_path / "CASME2-coding.xlsx"
    odd = ("04", "EP12_01f", "/"), ("07", "x", 10)
    repaired = ("04", "EP12_01f", 20), ("05", "EP09_05f", 20)
    late = ("08", "y", 400)  # outside of the clip: a repair, but the clip is on the list
    for apexes in (odd, repaired, (*odd, late)):
        challenge_of(path, apexes)
        clips, findings = inspect("casme2", None, "megc2019", table=path)
        assert len(findings.of("repair")) == apexes.count(late) and not findings.of("error")
        assert clips["emotion"].value_counts().to_dict() == {
            "negative": 88, "positive": 32, "surprise": 25,
        }  # fmt: skip
        assert "CASME II of 2014" in clips.attrs["version"]
        assert clips.attrs["version"].endswith("255 rows, list of MEGC 2019")
        assert not set(clips["clip"]) & {"sub04/EP12_01f", "sub05/EP09_05f"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sadness": 4, "surprise": 28}, "CASME II of 2019 (with objective classes), CASME2.xlsx, "
         "255 rows gives surprise 28 instead of 25"),
        ({"disgust": 64}, "256 rows gives negative 89 instead of 88"),
        ({"apexes": [("04", "EP99", 7)]}, "gives negative 90 instead of 88"),
        ({"happiness": 31}, "unknown edition, CASME2.xlsx, 254 rows gives positive 31 instead of"),
    ],
)  # fmt: skip
def test_another_table_gives_no_list_of_megc_2019(tmp_path, changes, told):
    challenge_of(tmp_path / "CASME2.xlsx", **changes)
    _, findings = inspect("casme2", None, "MEGC2019", table=tmp_path / "CASME2.xlsx")
    (error,) = findings.of("error")
    assert told in str(error) and "follows from the table CASME II of 2014" in str(error)


def test_megc_2019_takes_all_of_samm_and_nothing_of_own_clips(tmp_path):
    counts = tables.EDITIONS["SAMM, version 2"]
    labels = [name for name, count in counts.items() for _ in range(count)]
    rows = [(f"{k % 29:03d}", f"{k}", 1, 10, 400 if k < 2 else 20, 90, "", "1", "4",
             label.title(), 1, "") for k, label in enumerate(labels)]  # fmt: skip
    write_table(tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx", SAMM, rows, skip=13)
    table = tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx"
    clips, findings = inspect("samm", None, "megc2019", table=table)
    assert len(clips) == 133 and not findings.of("error")
    assert clips.attrs["version"].startswith("SAMM, version 2, SAMM_Micro")
    with pytest.raises(ValueError, match="list of clips of CASME II and SAMM"):
        load_clips("own", own_clips(tmp_path), "megc2019")


def test_clips_are_left_out_by_name(casme2):
    shutil.rmtree(casme2 / "CASME2-RAW" / "sub01" / "EP01_1")
    with pytest.raises(DatasetError, match="EP01_1"):
        load_clips("casme2", casme2)
    for names in (["sub01/EP01_1"], "sub01/EP01_1", (" sub01/EP01_1 ", "")):
        clips = load_clips("casme2", casme2, leave_out=names, strict=True)
        assert clips["clip"].to_list() == ["sub01/EP01_2", "sub02/EP01_1", "sub02/EP02_1"]
        assert clips.attrs["repairs"] == ["sub01/EP01_1: left out, as leave_out says"]
        assert ", 4 rows, without 1 clip(s) (list " in clips.attrs["version"]
    for two in ("sub01/EP01_1,sub02/EP01_1", ["sub01/EP01_1, sub02/EP01_1"]):  # of Python, a shell
        other = load_clips("casme2", casme2, leave_out=two)
        assert "without 2 clip(s)" in other.attrs["version"] and len(other) == 2
    with pytest.raises(DatasetError) as error:
        load_clips("casme2", casme2, leave_out=["01/EP01_1", "sub01/EP01_1"])
    assert "'01/EP01_1', which is no clip of the table; similar names: sub01/EP01_1" in str(
        error.value
    )
    with pytest.raises(DatasetError, match=r"2 clips of 1 subject\(s\) and 2 class\(es\) are left"):
        load_clips("casme2", casme2, leave_out="sub01/EP01_1,sub01/EP01_2")


def test_a_clip_of_another_class_or_dataset_is_left_out_by_its_own_name(casme2):
    clips = load_clips("casme2", casme2, "happiness,others", leave_out="sub02/EP02_1")
    assert "without" not in clips.attrs["version"]
    name = "casme2-sub02/EP02_1"
    clips = load_clips("composite", casme2, "all", leave_out=name)
    assert len(clips) == 3 and clips.attrs["left_out"] == [name]
    with pytest.raises(DatasetError, match="similar names: casme2-sub02/EP02_1"):
        load_clips("composite", casme2, "all", leave_out="sub02/EP02_1")


def spoil(root):
    """Make one clip bad at loading and another one, of the same person, at decoding."""
    (root / "CASME2-RAW" / "sub01" / "EP01_1" / "img7.jpg").unlink()
    (root / "CASME2-RAW" / "sub02" / "EP02_1" / "img4.jpg").write_bytes(b"no image")


def test_bad_clips_are_skipped_up_to_a_share(casme2, tmp_path):
    spoil(casme2)
    options = {"faces": "cropped", "skip_bad": 0.5}
    clips = load_clips("casme2", casme2, **options)
    assert len(clips) == 3 and "without 1 clip(s)" in clips.attrs["version"]
    assert clips.attrs["repairs"] == ["sub01/EP01_1: left out as bad (frames absent)"]
    config = Config(size=32, flow_size=32, frames=3, tvl1="fast")
    made = prepare(clips, config, tmp_path / "cache", n_jobs=1, progress=False)
    assert made.clips["clip"].to_list() == ["sub01/EP01_2", "sub02/EP01_1"] and len(made.x) == 2
    assert "without 2 clip(s)" in made.clips.attrs["version"]
    assert made.clips.attrs["repairs"][1] == "sub02/EP02_1: left out as bad (frames)"
    named = load_clips("casme2", casme2, faces="cropped",
                       leave_out=["sub01/EP01_1", "sub02/EP02_1"])  # fmt: skip
    assert prepare(named, config, tmp_path / "cache", n_jobs=1, progress=False).key == made.key
    assert named.attrs["version"] == made.clips.attrs["version"]
    report = check("casme2", casme2, n_jobs=1, progress=False, **options)
    assert report.can_run and len(report.clips) == 2
    assert sum("left out" in str(one) for one in report.findings.of("repair")) == 2
    clips = load_clips("casme2", casme2, faces="cropped", skip_bad=0.3)
    sentence = "2 of 4 clips are bad (50.0%); skip_bad=0.3 allows 1"
    with pytest.raises(DatasetError) as error:
        prepare(clips, config, tmp_path / "cache", n_jobs=1, progress=False)
    assert sentence in str(error.value) and "1 of 3 clips cannot be prepared" in str(error.value)
    report = check("casme2", casme2, faces="cropped", skip_bad=0.3, n_jobs=1, progress=False)
    assert not report.can_run and sentence in report.markdown()
    with pytest.raises(DatasetError, match="1 of 4 clips are bad .*allows 0"):
        load_clips("casme2", casme2, skip_bad=0.1)
    with pytest.raises(ValueError, match="skip_bad=1: expected .*below 1"):
        load_clips("casme2", casme2, skip_bad=1)


def test_bad_rows_are_skipped_too_but_not_what_names_no_clip(tmp_path):
    rows = [
        (*GOOD[0][:3], "x", *GOOD[0][4:]),
        *GOOD[1:],
        (None, None, None, 1, 2, 3, None, 1, "fear"),
    ]
    write_table(tmp_path / "CASME2.xlsx", CASME2, rows)
    _, findings = inspect("casme2", None, table=tmp_path / "CASME2.xlsx", skip_bad=0.5)
    assert [one.row for one in findings.of("error")] == [6, 6]
    assert "left out, OnsetFrame is 'x'" in str(findings.of("repair")[0])


def test_the_shell_leaves_out_and_skips(casme2, capsys):
    spoil(casme2)
    command = ["check", "casme2", "--data-root", str(casme2), "--faces", "cropped", "--jobs", "1",
               "--out", str(casme2 / "report")]  # fmt: skip
    assert cli.main(command) == 1
    assert cli.main([*command, "--leave-out", "sub01/EP01_1", "--skip-bad", "0.34"]) == 0
    assert "without 2 clip(s)" in capsys.readouterr().out
    assert cli.main([*command, "--leave-out", "sub01/EP01_1", "sub02/EP02_1"]) == 0
    assert cli.main([*command, "--leave-out", "sub01/EP01_1", "--leave-out", "sub02/EP02_1"]) == 0
