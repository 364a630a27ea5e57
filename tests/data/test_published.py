"""The published flow pictures are read as they are downloaded, and what is wrong is told."""

import shutil

import cv2
import numpy as np
import openpyxl
import pandas as pd
import pytest
import torch
from conftest import FLOW_CLIPS, ROOT, write_flow
from test_clips import CASME2, SAMM, write_frames, write_table
from torch.nn import functional

from merlib import cli
from merlib.config import profile
from merlib.data import published
from merlib.data.clips import DatasetError, inspect, load_clips
from merlib.metrics import by_part
from merlib.study import origin
from merlib.study.check import check
from merlib.study.study import Study

TABLE = "combined_3_class2_for_optical_flow.csv"
LABELS = ("negative", "positive", "surprise")
REAL = ROOT.parent / "shared" / "real_flow"


def picture_of(root, name="sub01_EP02_01f"):
    return root / "datasets" / published.FOLDER / f"{name} .png"


def test_the_folder_is_read_as_it_is_published(flow_root):
    clips = load_clips("flow", flow_root, strict=True)
    expected = [
        (f"{part}-{subject}/{name}", f"{part}-{subject}", part, LABELS[label])
        for (part, subject), own in FLOW_CLIPS.items()
        for name, label in own.items()
    ]
    columns = ["clip", "subject", "source", "emotion"]
    assert list(clips[columns].itertuples(index=False, name=None)) == expected
    assert set(clips[["onset", "apex", "offset"]].itertuples(index=False, name=None)) == {(0, 1, 1)}
    assert clips["frames"][0] == (picture_of(flow_root),)
    assert clips.attrs["version"] == f"flow of MEGC 2019, unknown edition, {TABLE}, 12 rows"


def test_channels_are_u_v_and_strain_around_the_median(flow_root):
    stored = np.full((28, 28, 3), 100, np.uint8)
    stored[10:18, 10:18] = (51, 202, 151)  # strain, v and u, as OpenCV writes them
    cv2.imwrite(str(picture_of(flow_root)), stored)
    pictures = published.read_pictures(load_clips("flow", flow_root))
    assert pictures.shape == (12, 3, 28, 28) and pictures.dtype == np.uint8
    assert pictures[0, :, 12, 12].tolist() == [151, 202, 51]
    flow = published.apex_flow(pictures)
    np.testing.assert_allclose(flow[0, :, 12, 12], [51 / 255, 102 / 255, 51 / 255], rtol=1e-6)
    np.testing.assert_allclose(flow[0, :, 0, 0], [0, 0, 100 / 255], rtol=1e-6)
    x = published.channels(pictures, profile("laptop", "flow"))
    assert x.shape == (12, 1, 3, 56, 56) and x.dtype == np.float32 and not x[:, :, 0].any()
    np.testing.assert_allclose(x[0, 0, 1:, 28, 28], flow[0, :2, 12, 12] / 0.25, rtol=1e-6)
    for size in (16, 28):
        x = published.channels(pictures, profile("laptop", "flow", size=size, strain=True))
        assert x.shape == (12, 1, 4, size, size)
        np.testing.assert_allclose(x[0, 0, 3].mean(), flow[0, 2].mean(), atol=0.01)


@pytest.mark.parametrize("size", [14, 56, 84])
def test_channels_are_means_over_areas_or_enlarged_bilinearly(size):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 3, 28, 28), np.uint8)
    flow = published.apex_flow(pictures)
    if size < 28:
        expected = flow.reshape(2, 3, 14, 2, 14, 2).mean(axis=(3, 5))
    else:
        large = functional.interpolate(torch.tensor(flow), size=(size, size), mode="bilinear")
        expected = large.numpy()
    expected[:, :2] /= 0.5
    config = profile("laptop", "flow", size=size, strain=True, flow_scale=0.5)
    x = published.channels(pictures, config)
    np.testing.assert_allclose(x[:, 0, 1:], expected, atol=1e-5)


@pytest.mark.parametrize("form", ["hue", "scaled"])
def test_an_image_of_the_flow_is_made_of_its_own_u_and_v(flow_root, form):
    pictures = published.read_pictures(load_clips("flow", flow_root))
    config = profile("laptop", "flow", size=28, flow_image=form, strain=True)
    x = published.channels(pictures, config)
    assert x.shape == (12, 1, 5, 28, 28) and not x[:, :, 0].any()
    image = x[:, 0, 1:4]
    np.testing.assert_allclose(image.min(axis=(2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(image.max(axis=(1, 2, 3)), 1, atol=1e-6)
    flow = published.apex_flow(pictures)
    np.testing.assert_allclose(x[:, 0, 4], flow[:, 2], atol=1e-6)
    if form == "scaled":  # as they are published, or so
        u = pictures[:, 0].astype(float)
        low, high = (part(u, axis=(1, 2), keepdims=True) for part in (np.min, np.max))
        np.testing.assert_allclose(x[:, 0, 1], (u - low) / (high - low), atol=1e-5)


def without(text):
    """Return what removes a text from the table."""
    return lambda root: replaced(root, text, "")


def replaced(root, old, new):
    path = root / TABLE
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))


def stored(image):
    """Return what puts another picture in the place of the first clip's."""
    return lambda root: cv2.imwrite(str(picture_of(root)), image)


RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 255, (28, 28), np.uint8)
COLOUR = RANDOM.integers(0, 255, (28, 28, 3), np.uint8)


def cut_short(root):
    data = picture_of(root).read_bytes()
    picture_of(root).write_bytes(data[: len(data) // 2])


def no_blank_and_another(root):
    cv2.imwrite(str(picture_of(root)).replace(" .png", ".png"), COLOUR)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda root: (root / TABLE).unlink(), "repository wangzhifengharrison/HTNet on Git"),
        (lambda root: shutil.rmtree(root / "datasets"), "no pictures; expected the folder"),
        (without("label"), "no header row has the column(s) label"),
        (lambda root: replaced(root, "EP19_05f,0", "EP19_05f,3"), "row 3 (casme2-sub01/EP19_05f): "
         "label is '3', expected one of 0 (negative), 1 (positive), 2 (surprise)"),
        (lambda root: replaced(root, "EP19_05f,0", "EP19_05f,"), "label is empty"),
        (lambda root: replaced(root, "casme2,sub01,EP19", "casme3,sub01,EP19"),
         "row 3: dataset is 'casme3', expected one of casme2, smic, samm"),
        (lambda root: replaced(root, "samm,006,006_1_2", "samm,anna,006_1_2"),
         "sub is 'anna', expected a number"),
        (lambda root: replaced(root, "smic,s01,s01_ne_01", "smic,s01,"), "filename_o is empty"),
        (lambda root: replaced(root, "EP19_05f", "EP02_01f"), "the clip is in row 2 already"),
        (lambda root: picture_of(root).unlink(), "there is no picture 'sub01_EP02_01f .png' below"),
        (lambda root: picture_of(root).write_bytes(b"no image"), ".png: no picture (8 bytes)"),
        (lambda root: picture_of(root).write_bytes(b""), ".png: no picture (0 bytes)"),
        (lambda root: (root / TABLE).write_text("dataset,sub,filename_o,label"),
         "0 clips of 0 subject(s) and 0 class(es) are left of negative, positive, surprise"),
        (cut_short, "not a readable picture"),
        (no_blank_and_another, "differ; expected one picture"),
        (stored(np.tile(COLOUR, (2, 1, 1))), "is 28x56 pixels, 3 channel(s) of uint8; expected 28"),
        (stored(GREY), "1 channel(s) of uint8"),
        (stored(np.dstack([COLOUR, GREY])), "4 channel(s) of uint8"),
        (stored(COLOUR.astype(np.uint16) * 256), "3 channel(s) of uint16"),
        (stored(np.dstack([GREY] * 3)), "is grey"),
        (stored(COLOUR * np.array([1, 0, 1], np.uint8)), "its channel v shows nothing"),
        (lambda root: shutil.copy(picture_of(root), picture_of(root, "sub02_EP09f")),
         "casme2-sub02/EP09f): has the same frames as casme2-sub01/EP02_01f"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_error_that_names_it(flow_root, spoil, told):
    spoil(flow_root)
    with pytest.raises(DatasetError) as error:
        load_clips("flow", flow_root)
    assert told in str(error.value)
    report = check("flow", flow_root, n_jobs=1, progress=False)
    assert not report.can_run and told.partition("): ")[2] in report.markdown()


def level_up(root):
    return root.parent


def zipped(root):
    """The folder as GitHub's ZIP has it, and some other folders of that repository."""
    (root / "datasets" / "combined_datasets_whole").mkdir()
    cv2.imwrite(str(root / "datasets" / "combined_datasets_whole" / "sub01_EP02_01f.png"), GREY)
    return root.rename(root.parent / "HTNet-master").parent


def no_blanks(root):
    for path in (root / "datasets" / published.FOLDER).iterdir():
        path.rename(str(path).replace(" .png", ".PNG"))
    return root


def marked(root):
    """As Excel saves it: a mark, semicolons, numbers without leading zeros, another order."""
    lines = (root / TABLE).read_text().replace(",", ";").replace("samm;006", "samm;6").splitlines()
    (root / TABLE).write_bytes("\r\n".join([lines[0], *lines[:0:-1], ""]).encode("utf-8-sig"))
    return root


def workbook(root):
    book = openpyxl.Workbook()
    for line in (root / TABLE).read_text().splitlines():
        book.active.append([int(cell) if cell.isdigit() else cell for cell in line.split(",")])
    book.save(root / TABLE.replace(".csv", ".xlsx"))
    (root / TABLE).unlink()
    return root


@pytest.mark.parametrize(
    "given",
    [
        level_up,
        zipped,
        lambda root: root / "datasets",
        lambda root: root / "datasets" / published.FOLDER,
        lambda root: root / TABLE,
        no_blanks,
        marked,
        workbook,
        lambda root: (root / "datasets" / published.FOLDER).rename(root / "pictures").parent,
    ],
)
def test_the_folder_is_found_and_the_table_read_however_they_were_saved(flow_root, given):
    before = load_clips("flow", flow_root).drop(columns="frames")
    found = load_clips("flow", given(flow_root)).drop(columns="frames")
    found = found.set_index("clip").loc[before["clip"]].reset_index()
    pd.testing.assert_frame_equal(found[before.columns], before)


def test_what_is_doubtful_is_told(flow_root):
    shutil.copy(picture_of(flow_root), picture_of(flow_root, "sub01_EP19_05f"))
    cv2.imwrite(str(picture_of(flow_root, "sub99_EP01")), COLOUR)
    clips, findings = inspect("flow", flow_root)
    (warning,) = findings.of("warning")
    assert "begins with the same frame as casme2-sub01/EP02_01f" in str(warning)
    (note,) = [one for one in findings.of("note") if one.kind == "stray pictures"]
    assert "1 picture(s) without a row in the table" in str(note) and "sub99_EP01" in str(note)
    assert len(clips) == 12


def test_bad_clips_are_left_out_as_of_other_datasets(flow_root):
    picture_of(flow_root).write_bytes(b"no image")
    clips = load_clips("flow", flow_root, skip_bad=0.1)
    assert len(clips) == 11 and "without 1 clip(s)" in clips.attrs["version"]
    with pytest.raises(DatasetError, match="1 repair|1 problem"):
        load_clips("flow", flow_root, skip_bad=0.1, strict=True)
    clips = load_clips("flow", flow_root, leave_out="casme2-sub01/EP02_01f")
    assert len(clips) == 11
    with pytest.raises(DatasetError, match="similar names: casme2-sub01/EP02_01f"):
        load_clips("flow", flow_root, leave_out="sub01/EP02_01f", skip_bad=0.1)


@pytest.mark.parametrize(
    ("classes", "count", "labels"),
    [
        (None, 12, LABELS),
        ("three", 12, LABELS),
        ("all", 12, LABELS),
        ("Three", 12, LABELS),
        ("Surprise, negative", 9, ("surprise", "negative")),
        (["positive", "negative"], 9, ("positive", "negative")),
    ],
)
def test_classes(flow_root, classes, count, labels):
    clips = load_clips("flow", flow_root, classes)
    assert len(clips) == count and clips.attrs["classes"] == labels


@pytest.mark.parametrize("classes", ["megc2019", " MEGC2019"])
def test_a_part_of_the_pictures_is_not_the_list_of_the_challenge(flow_root, classes):
    with pytest.raises(DatasetError) as error:
        load_clips("flow", flow_root, classes)
    told = str(error.value)
    assert "follows from the table of the published flow; flow of MEGC 2019, unknown" in told
    assert "CASME II negative 2 instead of 88" in told and "SAMM surprise 0 instead" in told
    assert "SMIC" not in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"classes": "five"},
            "'five' is a selection of CASME II and SAMM, not of the dataset flow",
        ),
        ({"classes": "anger"}, "no emotion of flow of MEGC 2019 (negative, positive, surprise)"),
        ({"faces": "cropped"}, "faces='cropped': the dataset flow has no faces"),
        ({"eyes": "eyes.csv"}, "eyes='eyes.csv': the dataset flow has no faces"),
    ],
)
def test_what_flow_does_not_have_cannot_be_asked_for(flow_root, options, told):
    with pytest.raises(ValueError) as error:
        load_clips("flow", flow_root, **options)
    assert told in str(error.value)


def test_the_report_counts_by_part(flow_root, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    report = check("flow", flow_root, n_jobs=1, progress=False, methods=["majority", "lbp-top"])
    assert not report.sheet and "| CASME II | 2 | 1 | 2 |" in report.markdown()
    assert "lbp-top needs frames; the dataset flow has one flow picture for" in report.markdown()
    table = check("flow", table=flow_root / TABLE, progress=False)
    assert table.verdict.startswith("The table is in order") and len(table.clips) == 12
    assert cli.main(["check", "flow", "--data-root", str(flow_root), "--out", str(tmp_path)]) == 0
    assert "| SAMM | 2 | 1 | 0 |" in capsys.readouterr().out


# The list of MEGC 2019

ODD = ["EP01_2", "EP09f", "EP06_02_01", "EP06_02_02", "EP08_1", "EP11_04f", "EP03_02f"]
"""Names of the first clips of each subject, as odd as the official ones."""

PEOPLE = {
    "casme2": [f"sub{k:02d}" for k in range(1, 27) if k not in (10, 18)],
    "smic": [f"s{k:02d}" for k in range(1, 17)],
    "samm": [f"{k:03d}" for k in range(6, 34)],
}


def challenge():
    """Return as many invented clips as the list of the challenge has, as `write_flow` takes them.

    Names are those of CASME II and SAMM in kind: odd ones, and the same one of several people.
    """
    found = {}
    for part, subjects in PEOPLE.items():
        labels = np.repeat(range(3), list(published.CLIPS[part].values()))
        for k, label in enumerate(labels):
            subject, turn = subjects[k % len(subjects)], k // len(subjects)
            name = ODD[turn] if part == "casme2" else f"{subject}_{turn}_{k % 9}"
            found.setdefault((part, subject), {})[name] = label
    return found


def write_official(root, people):
    """Write the official tables and frames of the clips of CASME II and SAMM, and of some more."""
    kinds = {
        "casme2": (["disgust"] * 61 + ["repression"] * 27, ["happiness"], ["surprise"]),
        "samm": (
            ["Anger"] * 57 + ["Contempt"] * 12 + ["Disgust"] * 9 + ["Fear"] * 8 + ["Sadness"] * 6,
            ["Happiness"],
            ["Surprise"],
        ),
    }
    rows = {
        "casme2": [("04", "EP12_01f", "disgust", "/"), ("05", "EP09_05f", "disgust", 1)],
        "samm": [(f"{k:03d}", f"{k:03d}_9_9", "Other", 2) for k in range(6, 32)],
    }
    rows["casme2"] += [(f"{k % 26 + 1:02d}", f"EP20_{k}", word, 2) for k, word in
                       enumerate(["others"] * 99 + ["sadness"] * 7 + ["fear"] * 2)]  # fmt: skip
    for (part, subject), clips in people.items():
        for name, label in clips.items() if part in kinds else ():
            words = kinds[part][label]
            word = words.pop() if len(words) > 1 else words[0]
            rows[part].append((subject.removeprefix("sub"), name, word, 2))
            folder = ("CASME2-RAW/" if part == "casme2" else "") + f"{subject}/{name}"
            write_frames(root / part / folder, (1, 2), shape=(4, 4))
    table = [
        (who, name, None, 1, apex, 2, None, 4, word) for who, name, word, apex in rows["casme2"]
    ]
    write_table(root / "casme2" / "CASME2-coding-20140508.xlsx", CASME2, table)
    table = [(int(who), name, 1, 1, apex, 2, 2, "", "4", word, 1, "")
             for who, name, word, apex in rows["samm"]]  # fmt: skip
    write_table(root / "samm" / "SAMM_Micro_FACS_Codes_v2.xlsx", SAMM, table, skip=13)


def test_the_composite_has_the_same_278_clips(tmp_path):
    people = challenge()
    write_official(tmp_path, people)
    frames = load_clips("composite", tmp_path, "megc2019")
    flow = load_clips("flow", write_flow(tmp_path / "flow", people), "megc2019")
    columns = ["clip", "subject", "emotion", "source"]
    first, second = (one[columns].sort_values("clip", ignore_index=True) for one in (frames, flow))
    assert len(flow) == 278
    pd.testing.assert_frame_equal(first, second)
    assert frames.attrs["classes"] == flow.attrs["classes"]
    version = f"flow of MEGC 2019, {TABLE}, 442 rows"  # the numbers of the challenge: it is known
    assert flow.attrs["version"] == f"{version}, list of MEGC 2019"


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the published pictures are not there")
def test_the_real_pictures_are_read(tmp_path):
    study = Study("flow", REAL, home=tmp_path, n_jobs=1)
    table = by_part(study.predictions("majority"))
    assert study.public and study.prepared.key == origin.FLOW
    assert table["clips"].to_dict() == {"all": 442, "CASME II": 145, "SMIC": 164, "SAMM": 133}
    assert len(load_clips("flow", REAL, "megc2019", strict=True)) == 278
