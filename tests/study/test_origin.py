"""Only runs of the published data, known by its content, are saved or shown as such."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, TINY

from merlib import cli
from merlib.config import DRAWN, SYNTHETIC_SIZE
from merlib.data import synthetic
from merlib.pages import provenance
from merlib.preprocess.pipeline import Prepared
from merlib.store import Saved
from merlib.study import origin, trials
from merlib.study.study import Study


@pytest.fixture(autouse=True)
def unprepared(monkeypatch):
    """Nothing is computed of the frames: whose data it is does not depend on that."""

    def prepare(clips, *arguments, **options):
        clips.attrs["notes"] = []
        return Prepared(np.zeros((len(clips), 1)), clips, str(len(clips)))

    monkeypatch.setattr("merlib.study.study.prepare", prepare)


@pytest.fixture
def published(casme2_root, monkeypatch):
    """The nine clips of the tests pass as the published dataset, the five as that beside it."""
    made_of = {
        "synthetic": synthetic.arguments(7, "laptop", "casme2", 3, 9, None),
        "synthetic-samm": synthetic.arguments(8, "laptop", "samm", 2, 5, None),
    }
    monkeypatch.setattr(origin, "published", lambda dataset, profile: made_of[dataset])
    return made_of["synthetic"]


@pytest.mark.parametrize("dataset", DRAWN)
@pytest.mark.parametrize(("profile", "size"), SYNTHETIC_SIZE.items())
def test_what_is_drawn_is_what_counts_as_published(tmp_path, monkeypatch, dataset, profile, size):
    """SAMM's layout has all clips of the paper in every profile, CASME II's has two sizes."""
    asked = {}
    monkeypatch.setattr(synthetic, "write", lambda root, **given: asked.update(given) or root)
    study = Study(dataset, profile=profile, home=tmp_path, n_jobs=1)
    name, clips, subjects = {"laptop": (size, 100, 10), "paper": (size, 246, 26)}[size]
    if dataset == "synthetic-samm":
        name, clips, subjects = "samm", 136, 27
    assert study.root == tmp_path / "data" / "synthetic" / name and study.published
    del asked["n_jobs"], asked["progress"]
    assert asked == {"seed": 0, "layout": DRAWN[dataset], "clips": clips, "subjects": subjects}
    assert study.saved().folder == tmp_path / "results" / dataset / profile
    if profile == "narrow":
        assert (trials.command(study, "18") == "make claims") == (dataset == "synthetic")


def replaced(path, content):
    """Write a file of a copy by hard links, not the original."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def noted(root, **changes):
    """Change what ``dataset.json`` says."""
    path = root / "dataset.json"
    replaced(path, json.dumps(json.loads(path.read_text()) | changes).encode())


EDITS = {
    "frame": lambda root: replaced(next(root.rglob("*.jpg")), b"another picture"),
    "last byte": lambda root: replaced(
        frame := max(root.rglob("*.jpg")), frame.read_bytes()[:-1] + b"x"
    ),
    "frame gone": lambda root: min(root.rglob("*.jpg")).unlink(),
    "frame more": lambda root: replaced(min(root.rglob("*.jpg")).with_name("img999.jpg"), b"x"),
    "label": lambda root: (
        pd.read_excel(root / "CASME2-coding-20140508.xlsx")
        .replace("disgust", "others")
        .pipe(lambda table: (root / "CASME2-coding-20140508.xlsx").unlink() or table)
        .to_excel(root / "CASME2-coding-20140508.xlsx", index=False)
    ),
    "eyes": lambda root: replaced(root / "eyes.csv", b"clip,x,y,x,y"),
    "truth": lambda root: replaced(next(root.rglob("EP*.json")), b"{}"),
    "seed": lambda root: noted(root, seed=0),
    "digest": lambda root: noted(root, content="0" * 16),
    "damaged": lambda root: replaced(root / "dataset.json", b'{"seed": 7'),
    "a list": lambda root: replaced(root / "dataset.json", b"[1, 2]"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_drawing_is_no_drawing_of_the_generator(casme2_root, copy_of, edit):
    root = copy_of(casme2_root)
    EDITS[edit](root)
    assert origin.drawn(root)["changed"]


def test_what_systems_leave_in_folders_is_no_edit(published, casme2_root, copy_of):
    root = copy_of(casme2_root)
    for name in (".DS_Store", "CASME2-RAW/Thumbs.db", "CASME2-RAW/sub01/._img1.jpg"):
        (root / name).write_text("left by a system")
    assert origin.drawn(root) == published == origin.drawn(casme2_root)
    (root / "dataset.json").unlink()
    assert origin.drawn(root) is None


def test_public_data_is_known_by_its_content(
    published, casme2_root, samm_root, both, copy_of, tmp_path
):
    """The same bytes anywhere are the published data; edited files at its usual place are not."""
    options = {"home": tmp_path, "n_jobs": 1, "progress": False}
    results, runs = tmp_path / "results", tmp_path / "runs"
    assert Study(home=tmp_path).saved().folder == results / "synthetic" / "laptop"
    copy = Study(data_root=casme2_root, **options)
    assert copy.saved().folder == results / "synthetic" / "laptop"
    assert copy.saved("narrow", "halves").folder == results / "synthetic" / "narrow-halves"
    chosen = Study(data_root=casme2_root, epochs=2, **options)
    read = Study(data_root=casme2_root, strict=True, **options)
    folders = [study.saved().folder for study in (chosen, read)]
    assert all(folder.is_relative_to(runs) for folder in folders) and len(set(folders)) == 2
    assert chosen.saved("narrow").folder == results / "synthetic" / "narrow"
    beside = Study("synthetic-samm", samm_root, **options)
    assert beside.saved("narrow").folder == results / "synthetic-samm" / "narrow"
    edited = copy_of(casme2_root)
    EDITS["last byte"](edited)
    usual = tmp_path / "data" / "synthetic" / "laptop"
    usual.parent.mkdir(parents=True)
    usual.symlink_to(edited)
    theirs = [
        Study(home=tmp_path),
        Study(data_root=samm_root, **options),
        Study("casme2", casme2_root, **options),
        Study("composite", both, **options),
    ]
    theirs[0].__dict__["root"] = usual
    for study in theirs:
        place = study.saved().folder
        assert place.is_relative_to(runs) and f"saved-{len(study.clips)}" in place.parts
    theirs[2].clips.attrs["version"] = "CASME II of 2014"
    assert theirs[2].saved().folder == results / "casme2" / "laptop"


def test_keep_leaves_the_published_results_alone(casme2_root, tmp_path, monkeypatch, capsys):
    """What the command line is asked to keep of a reader's own drawing goes to another place."""
    (tmp_path / "_toc.yml").touch()
    monkeypatch.chdir(tmp_path)
    words = f"train --data-root {casme2_root} --methods majority --keep --jobs 1"
    assert cli.main(words.split()) == 0
    told = capsys.readouterr().out
    assert "not the published dataset: 9 clips" in told
    assert "Runs are saved in runs/synthetic/saved-" in told.split("majority, seed 0")[0]
    assert not (tmp_path / "results").exists()


def about(**changes):
    """What a published run would tell, but for some changes."""
    made_of = synthetic.arguments(0, "laptop", "casme2", None, None, None)
    told = {"dataset": "synthetic", "profile": "laptop", "drawn": made_of, "reading": {}}
    return told | {"method": "majority", "seed": 0, "version": "synthetic data"} | changes


def own(**changes):
    """What a run of another drawing would tell."""
    return about(drawn=about()["drawn"] | changes)


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (about(), ""),
        (own(generator=99), ""),  # stale, but of the published data
        ({name: v for name, v in about(data="6527691c6dbe").items() if name != "drawn"}, ""),
        ({name: v for name, v in about(data="abc").items() if name != "drawn"}, "not of the pub"),
        (own(seed=7), "seed 7"),
        (own(clips=60), "clips 60"),
        (own(changed=True), "changed True"),
        (own(amplitude=0.5), "amplitude 0.5"),
        (about(drawn=None), "not drawn by the generator"),
        (about(dataset="casme2"), "casme2"),
        (about(profile="narrow"), "narrow"),
        (about(dataset="synthetic-samm"), "synthetic-samm"),
        (about(reading={"classes": "three"}), "classes"),
    ],
)  # fmt: skip
def test_a_foreign_run_among_the_published_ones_is_not_shown(tmp_path, run, why):
    folder = tmp_path / "results" / "synthetic" / "laptop"
    told = origin.foreign(run, folder)
    assert (why in told) if why else told == ""
    Saved(folder).save(run, amplitude=pd.DataFrame({"clip": ["a"]}))  # as by hand
    kept = Saved(folder, origin.foreign)
    assert (len(kept.runs()), len(kept.measured("amplitude"))) == (0 if why else 1,) * 2
    if why:
        assert why in str(provenance.stale_runs(tmp_path))
        with pytest.raises(ValueError, match=f"{why}.*is not saved here"):
            kept.save(run)


def test_runs_of_drawn_clips_are_foreign_among_those_of_an_official_release(tmp_path):
    run = about(dataset="casme2", version="synthetic data, layout of CASME II")
    assert origin.foreign(run, tmp_path / "casme2" / "laptop") == "of drawn clips"
    run = about(dataset="casme2", version="CASME II of 2014", drawn=None)
    assert origin.foreign(run, tmp_path / "casme2" / "laptop") == ""


@pytest.mark.parametrize(
    ("changes", "why"), [({}, ""), ({"clips": 100}, "clips 100"), ({"layout": "casme2"}, "layout")]
)
def test_runs_of_the_layout_of_samm_have_their_own_place(tmp_path, changes, why):
    run = about(dataset="synthetic-samm", drawn=origin.published("synthetic-samm", "laptop"))
    told = origin.foreign(
        run | {"drawn": run["drawn"] | changes}, tmp_path / "synthetic-samm/laptop"
    )
    assert (why in told) if why else told == ""


def test_the_runs_beside_a_dataset_are_those_of_the_other_layout(
    published, casme2_root, samm_root, tmp_path
):
    options = {"home": tmp_path, "n_jobs": 1, "progress": False}
    one = Study(data_root=casme2_root, **options)
    other = Study("synthetic-samm", samm_root, **options)
    told = provenance.beside_missing(one, ["majority", "full"])
    assert "merlib train --dataset synthetic-samm --profile laptop --methods majority full" in told
    assert one.beside(["majority"]) == {}
    record = Study("synthetic-samm", samm_root, "narrow", **options)
    trials.run("majority", record, 4)  # it counts where no run of the same protocol is
    assert list(one.beside(["majority"])["majority"]) == [4]
    other.save("majority", 3)
    ((found,),) = [seeds.values() for seeds in one.beside(["majority", "full"]).values()]
    assert set(found["clip"]) == set(other.clips["clip"]) and other.beside(["majority"]) == {}
    for private in (Study(data_root=samm_root, **options), Study("own", tmp_path, **options)):
        private.__dict__["published"] = False
        assert private.beside(["majority"]) == {}
        assert "it is not public" in provenance.beside_missing(private, ["majority"])


def test_all_saved_runs_of_the_repository_are_of_the_published_data():
    for path in ROOT.glob("results/synthetic*/*/runs.parquet"):
        assert Saved(path.parent, origin.foreign).runs() == Saved(path.parent).runs() != {}


def test_saved_runs_count_if_they_are_of_the_same_clips(published, casme2_root, tmp_path):
    study = Study(data_root=casme2_root, home=tmp_path, n_jobs=1, **TINY)
    study.save("majority", 3)
    assert list(study.runs(["majority"])) == ["majority"]
    fewer = Study(data_root=casme2_root, home=tmp_path, n_jobs=1, **TINY)
    fewer.__dict__["clips"] = study.clips[2:]
    assert fewer.runs(["majority"]) == {}


@pytest.mark.parametrize(
    ("name", "value", "seeds"),
    [("date", "2020-01-01", [0, 3]), ("machine", "another", [0]), ("device", "a GPU", [0])],
)
def test_a_mean_never_mixes_two_machines(published, casme2_root, tmp_path, name, value, seeds):
    study = Study(data_root=casme2_root, home=tmp_path, n_jobs=1, **TINY)
    saved = study.predictions("majority", 3)
    study.saved().save(saved.attrs["run"] | {name: value}, predictions=saved)
    assert list(study.runs(["majority"], make=["majority"])["majority"]) == seeds
    assert list(study.runs(["majority"])["majority"]) == [3]


def test_an_official_release_keeps_runs_of_other_frames_apart(casme2_root, copy_of, tmp_path):
    root = copy_of(casme2_root)
    (root / "dataset.json").unlink()  # now it looks like the release
    shutil.rmtree(root / "ground_truth")
    clip = "sub01/" + next(path.name for path in root.glob("*/sub01/*") if path.is_dir())
    raw = Study("casme2", root, home=tmp_path)
    assert raw.saved().folder == tmp_path / "results" / "casme2" / "laptop"
    (root / "eyes.csv").write_text(f"clip,left_x,left_y,right_x,right_y\n{clip},250,200,370,200\n")
    named = Study("casme2", root, home=tmp_path, n_jobs=1, progress=False).saved().folder
    (root / "eyes.csv").unlink()
    (root / "CASME2-RAW").rename(root / "Cropped")
    cropped = Study("casme2", root, home=tmp_path, n_jobs=1, progress=False).saved().folder
    assert all(folder.is_relative_to(tmp_path / "runs") for folder in (named, cropped))
