"""From frames on disk to stored predictions in one object, and the same by the command line."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from merlib import cli, loso, metrics
from merlib.config import DRAWN, PROFILES, digest, profile
from merlib.data import synthetic
from merlib.data.clips import DatasetError, load_clips
from merlib.files import OURS, find_home
from merlib.parallel import CHOSEN, Workers
from merlib.store import Saved
from merlib.study import origin, trials
from merlib.study.study import Study

ROOT = Path(__file__).resolve().parents[2]
TINY = {"size": 16, "flow_size": 32, "frames": 2, "width": 8, "lstm_hidden": 8, "epochs": 1}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def study(casme2_root, home):
    return Study(data_root=casme2_root, home=home, n_jobs=1, tvl1="fast", **TINY)


def test_predictions_are_made_once_and_then_read(study, monkeypatch):
    first = study.predictions("base")
    assert len(first) == 9 and set(first["subject"]) == {"sub01", "sub02", "sub03"}
    run = first.attrs["run"]
    assert run["method"] == "base" and run["configuration"]["width"] == 8
    assert run["configuration_hash"] == study.config.hash()
    again = Study(data_root=study.data_root, home=study.home, n_jobs=1, tvl1="fast", **TINY)
    monkeypatch.setattr("merlib.loso.one_fold", lambda *_: pytest.fail("trained again"))
    monkeypatch.setattr(
        "merlib.preprocess.pipeline.read_frames", lambda _: pytest.fail("prepared again")
    )
    pd.testing.assert_frame_equal(again.predictions("base"), first)


def test_shuffling_the_rows_of_the_table_changes_no_bit(study, casme2_root, copy_of, tmp_path):
    root = copy_of(casme2_root)
    path = next(root.glob("*.xlsx"))
    book = openpyxl.load_workbook(path)
    rows = [[cell.value for cell in row] for row in book["Sheet1"].iter_rows(min_row=2)]
    order = np.random.default_rng(0).permutation(len(rows))
    for number, k in enumerate(order, 2):
        for column, value in enumerate(rows[k], 1):
            book["Sheet1"].cell(number, column, value)
    path.unlink()
    book.save(path)
    shuffled = Study(data_root=root, home=tmp_path, n_jobs=1, tvl1="fast", **TINY)
    assert shuffled.clips["clip"].to_list() != study.clips["clip"].to_list()
    pd.testing.assert_frame_equal(
        shuffled.predictions("base"), study.predictions("base"), check_exact=True
    )
    home = shuffled.home
    assert shuffled.run_folder("base", 0).relative_to(home) == study.run_folder(
        "base", 0
    ).relative_to(study.home)


def test_another_choice_or_seed_is_another_run(study):
    longer = Study(data_root=study.data_root, home=study.home, n_jobs=1, tvl1="fast",
                   **{**TINY, "epochs": 2})  # fmt: skip
    assert longer.run_folder("base", 0) != study.run_folder("base", 0)
    assert longer.prepared.key == study.prepared.key
    assert study.predictions("majority", 1).attrs["run"]["seed"] == 1


def test_clips_that_were_read_otherwise_are_another_run(study):
    """Even if they are the same: a run tells how its clips were read."""
    given = {"data_root": study.data_root, "home": study.home, "n_jobs": 1, "tvl1": "fast", **TINY}
    usual, strict = Study(strict=False, **given), Study(strict=True, **given)
    assert strict.prepared.key == study.prepared.key
    for one, reading in ((study, {}), (strict, {"strict": True})):
        assert one.predictions("majority").attrs["run"]["reading"] == reading
    assert usual.run_folder("majority", 0) == study.run_folder("majority", 0)
    shared = replace(study.config, variant="full").step()
    key = digest([study.prepared.key, shared, study.code_key("majority")])  # as it always was
    assert study.run_folder("majority", 0).parts[-3] == f"laptop-{key}"


QUICK = TINY | {"flow_method": "dis", "evm": "off", "head_motion": "keep"}


def short(root, frames):
    """The clips with fewer frames from onset to apex, in the table as the generator wrote it."""
    cells = next(root.glob("*.xlsx"))
    table = pd.read_excel(cells, usecols=["Subject", "Filename", "OnsetFrame", "ApexFrame"])
    few = table[table["ApexFrame"] - table["OnsetFrame"] + 1 < frames]
    return [f"sub{clip.Subject:02d}/{clip.Filename}" for clip in few.itertuples()]


@pytest.mark.parametrize("frames", [20, 30])
def test_a_run_counts_the_clips_that_repeat_frames_and_names_five(
    casme2_root, own_home, capsys, frames
):
    options = QUICK | {"frames": frames}
    study = Study(data_root=casme2_root, home=own_home, n_jobs=1, **options)
    names = sorted(short(casme2_root, frames))
    assert len(names) == {20: 2, 30: 6}[frames]
    named = ", ".join(names if len(names) < 6 else [*names[:5], "..."])
    why = f"fewer frames from onset to apex than T = {frames} and repeat some"
    repair = f"{len(names)} of 9 clips have {why}: {named}"
    assert study.predictions("majority").attrs["run"]["repairs"] == [repair]
    given = [f"{name}={value}" for name, value in options.items()]
    command = ["prepare", "--data-root", str(casme2_root), "--jobs", "1", "--set", *given]
    assert cli.main(command) == 0
    assert capsys.readouterr().out.count("changed: ") == 1 == len(study.clips.attrs["repairs"])


def test_strict_refuses_clips_that_repeat_frames_before_any_work(casme2_root, own_home):
    given = {"data_root": casme2_root, "home": own_home, "n_jobs": 1} | QUICK | {"frames": 20}
    with pytest.raises(DatasetError, match="2 problems") as told:
        Study(strict=True, **given).prepared  # noqa: B018
    for name in short(casme2_root, 20):
        assert f"({name}): 1" in str(told.value)  # 17 and 18 frames
    assert not (own_home / "data").exists()
    dropped = Study(strict=True, short_clips="drop", **given).clips
    assert len(dropped) == 7 and all("dropped" in one for one in dropped.attrs["repairs"])


def test_an_apex_that_is_found_too_near_is_named_too(casme2_root, own_home, monkeypatch):
    """No clip has 200 frames; none has an apex in its table, and strict would refuse that."""
    lost = load_clips("synthetic", casme2_root)[:4]
    lost = lost.assign(apex=-1)
    monkeypatch.setattr(Study, "read", lambda self: lost)
    study = Study(data_root=casme2_root, home=own_home, n_jobs=1, **QUICK | {"frames": 200})
    *found, last = study.clips.attrs["repairs"]
    assert len(found) == 4 and all("apex set to frame" in one for one in found)
    assert last.startswith("4 of 4 clips have fewer frames from onset to apex than T = 200")


@pytest.mark.parametrize("dataset", DRAWN)
@pytest.mark.parametrize("name", PROFILES)
def test_no_clip_of_the_published_datasets_repeats_a_frame(dataset, name):
    """So that their runs name no repair."""
    drawn = origin.published(dataset, name)
    seed, layout = drawn["seed"], drawn["layout"]
    for clip in synthetic.plan(seed, layout, drawn["subjects"], drawn["clips"]):
        events = synthetic.draw_events(seed, clip, layout)
        assert events["apex"] - events["onset"] + 1 >= profile(name, dataset).frames


def test_an_image_of_the_flow_is_for_the_network_alone(study):
    options = TINY | {"tvl1": "fast", "flow_image": "hue"}
    other = Study(data_root=study.data_root, home=study.home, n_jobs=1, **options)
    for method in ("logistic", "merta"):
        np.testing.assert_array_equal(other.view(method), study.view(method))
    assert other.view("base").shape == (9, 2, 4, 16, 16) and study.numbers is study.prepared
    found, usual = (one.predictions("base").filter(like="p_") for one in (other, study))
    assert np.isfinite(found).all(axis=None) and not found.equals(usual)


def test_the_majority_class_scores_what_it_must(study):
    found = study.predictions("majority")
    for subject, rows in found.groupby("subject"):
        others = study.clips.loc[study.clips["subject"] != subject, "emotion"].value_counts()
        best = set(others.index[others == others.max()])
        assert set(metrics.predicted(rows)) <= best


def test_fold_classifier_is_the_one_behind_the_predictions(study, monkeypatch):
    stored = study.predictions("base").set_index("clip")
    fitted = study.fold_classifier("base", "sub02")
    mine = (study.clips["subject"] == "sub02").to_numpy()
    names = [f"p_{label}" for label in fitted.classes_]
    p = fitted.predict_proba(study.prepared.x[mine]).astype(np.float32)
    np.testing.assert_array_equal(p, stored.loc[study.clips["clip"][mine], names])
    monkeypatch.setattr("merlib.loso.fit_fold", lambda *a, **k: pytest.fail("trained again"))
    study.fold_classifier("base", "sub02")
    with pytest.raises(pytest.fail.Exception):
        study.fold_classifier("base", "sub01")


def test_two_pages_that_need_a_classifier_train_it_once(study, monkeypatch):
    fit_fold, trained = loso.fit_fold, []

    def slow(*given, **options):
        time.sleep(0.1)
        trained.append(given[3])
        return fit_fold(*given, **options)

    monkeypatch.setattr(loso, "fit_fold", slow)
    with ThreadPoolExecutor() as threads:
        both = threads.map(lambda _: study.fold_classifier("base", "sub03"), range(2))
        one, other = (found.predict_proba(study.prepared.x) for found in both)
    np.testing.assert_array_equal(one, other)
    assert trained == ["sub03"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dataset": "casme3"}, "dataset='casme3'"),
        ({"dataset": "samm"}, "needs data_root"),
        ({"profile": "phone"}, "profile='phone'"),
        ({"seed": -1}, "seed=-1"),
        ({"colour": 1}, "colour"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Study(**arguments)


def test_blanks_around_a_dataset_do_not_count(home):
    assert Study("synthetic ", home=home).dataset == "synthetic"
    with pytest.raises(ValueError, match="dataset='samm' needs data_root"):
        Study(" samm", home=home)


def test_methods_whose_runs_are_asked_for_may_come_one_by_one(study):
    expected = study.runs(["majority", "logistic"], make=["majority"])
    found = study.runs(iter(["majority", "logistic"]), make=["majority"])
    assert list(found) == list(expected) == ["majority"]


def test_home_is_the_checkout_of_the_working_directory_or_of_the_package(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: intro\n")  # of another book
    assert (find_home() / "merlib" / "study" / "study.py").exists()
    (tmp_path / "_toc.yml").write_text(OURS)
    assert find_home() == tmp_path


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """The working directory is a checkout of its own."""
    (tmp_path / "_toc.yml").write_text(OURS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_line_trains_and_prints_the_scores(casme2_root, own_home, capsys):
    arguments = ["train", "--data-root", str(casme2_root), "--methods", "majority", "--jobs", "1"]
    assert cli.main([*arguments, "--seeds", "0", "1"]) == 0
    told = capsys.readouterr().out
    assert "layout of CASME II, not the published dataset: 9 clips of 3 subjects" in told
    for seed in (0, 1):
        assert f"majority, seed {seed}: accuracy 0." in told
    assert len(list(own_home.glob("runs/synthetic/*/majority/seed-*/run.json"))) == 2


def test_the_command_line_writes_data_in_either_layout(samm_root, copy_of, capsys):
    """All but one clip is there already: it is drawn as the function draws it."""
    root = copy_of(samm_root)
    min(root.glob("ground_truth/*/*.json")).unlink()
    (root / "dataset.json").rename(root / "dataset.part.json")
    arguments = ["--subjects", "2", "--clips", "5", "--layout", "samm", "--jobs", "1"]
    assert cli.main(["synth", "--out", str(root), "--seed", "8", *arguments]) == 0
    assert "make study DATA_ROOT=" in capsys.readouterr().out
    assert (root / "dataset.json").read_text() == (samm_root / "dataset.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prepare", "--data-root", "nowhere"], "nowhere: no such folder"),
        (["prepare", "--dataset", "samm"], "needs data_root"),
        (["train", "--data-root", ".", "--methods", "majority"], "expected one annotation table"),
        (["synth", "--out", "x", "--subjects", "1"], "subjects=1: expected at least 2"),
    ],
)
def test_bad_input_is_one_clear_line(arguments, message, own_home, capsys):
    assert cli.main(arguments) == 1
    told = capsys.readouterr().err
    assert message in told and told.startswith("merlib: ")


def test_the_command_ends_with_status_1_and_no_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "merlib.cli", "prepare", "--data-root", "nowhere"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("merlib: nowhere: no such folder")
    assert "Traceback" not in done.stderr


def test_an_unknown_method_is_named_before_anything_runs(casme2_root, own_home, capsys):
    arguments = ["train", "--data-root", str(casme2_root), "--methods", "majority", "tree"]
    assert cli.main(arguments) == 1
    assert "method 'tree': expected one of majority" in capsys.readouterr().err
    assert not (own_home / "runs").exists()


def test_runs_by_halves_are_kept_by_trials_alone(study, monkeypatch, capsys):
    monkeypatch.setattr(cli, "open_study", lambda *_, **__: pytest.fail("something was read"))
    assert cli.main(["train", "--protocol", "halves", "--methods", "base", "--keep"]) == 1
    assert "--keep with --protocol halves: merlib trials saves runs by" in capsys.readouterr().err
    by_halves = Study(data_root=study.data_root, home=study.home, protocol="halves", n_jobs=1)
    with pytest.raises(ValueError, match="protocol='halves': merlib trials saves its runs"):
        by_halves.save("base", 0)


def stopped_at_the_study(monkeypatch, arguments):
    """What a command asks a study for, and the methods that it names; nothing is run."""
    asked = []

    def stop(data, methods=(), **options):
        asked.extend([data, list(methods), options])
        raise ValueError("stopped here")

    monkeypatch.setattr(cli, "open_study", stop)
    assert cli.main(arguments) == 1
    return asked


@pytest.mark.parametrize("group", ["all", "table2"])
def test_a_group_stands_for_its_methods_each_once(group, monkeypatch):
    asked = stopped_at_the_study(monkeypatch, ["train", "--methods", "full", group])[1]
    assert asked[0] == "full" and len(asked) == len(set(asked))
    assert {"majority", "logistic", "lbp-top", "elrcn", "am3f-flownet", "ststnet"} < set(asked)
    assert ("base" in asked) == ("mfem" in asked) == (group == "all")


def test_cross_dataset_trains_on_one_and_tests_on_the_other(tmp_path, casme2_root, samm_root):
    (tmp_path / "CASME2").symlink_to(casme2_root)
    (tmp_path / "SAMM").symlink_to(samm_root)
    options = {"home": tmp_path, "n_jobs": 1, "tvl1": "fast", **TINY}
    study = Study("composite", tmp_path, protocol="cross", **options)
    run = study.predictions("majority")
    clips = study.clips
    for name in ("casme2", "samm"):
        most = clips.loc[clips["source"] != name, "emotion"].mode()
        answers = set(metrics.predicted(run[run["source"] == name]))
        assert len(answers) == 1 and answers <= set(most)
    left_out = Study("composite", tmp_path, **options).predictions("majority")
    assert set(left_out["clip"]) == set(run["clip"]) and "source" not in left_out
    with pytest.raises(ValueError, match="was read as casme2 alone, expected a composite"):
        options["home"] = tmp_path / "new"
        Study(data_root=casme2_root, protocol="cross", **options).predictions("majority")
    assert not (tmp_path / "new").exists()  # it was told before anything was prepared
    with pytest.raises(ValueError, match="protocol='holdout': expected one of"):
        Study("composite", tmp_path, protocol="holdout", n_jobs=1)


def test_results_hold_names_and_probabilities_and_no_folder(study):
    run = study.predictions("majority")
    classes = [f"p_{name}" for name in study.clips.attrs["classes"]]
    assert list(run.columns) == ["clip", "subject", "label", "epoch", *classes]
    folder = study.run_folder("majority", study.seed)
    for path in (folder / "run.json", folder / "predictions.parquet"):
        assert str(study.data_root).encode() not in path.read_bytes()
    counts = run.attrs["run"]["counts"]
    assert counts["emotion"] == study.clips["emotion"].value_counts().to_dict()
    assert sum(counts["subject"].values()) == len(study.clips)


@pytest.mark.parametrize("command", ["prepare", "train", "book", "study", "trials"])
def test_the_profile_is_laptop_but_for_trials(command, monkeypatch):
    data = stopped_at_the_study(monkeypatch, [command])[0]
    assert data.profile == ("narrow" if command == "trials" else "laptop")


def test_every_option_reaches_the_study(monkeypatch):
    monkeypatch.setattr(Workers, "share", lambda self: 0.25)  # there is no such cluster
    words = "--dataset own --data-root there --profile paper --seed 4 --jobs 3 --classes three"
    words += " --table t.csv --faces cropped --eyes e.csv --strict --set evm=off --set size=64 a=b"
    more = "--protocol cross --backend ray --address host:1 --gpus-per-fold 0.25 --methods base"
    data, methods, options = stopped_at_the_study(
        monkeypatch, ["train", *f"{words} {more}".split()]
    )
    assert (data.dataset, data.data_root, data.profile) == ("own", "there", "paper")
    assert (data.seed, data.jobs, data.set) == (4, 3, ["evm=off", "size=64", "a=b"])
    assert data.given() == {"classes": "three", "table": "t.csv", "faces": "cropped",
                            "eyes": "e.csv", "strict": True}  # fmt: skip
    assert methods == ["base"] and options["protocol"] == "cross"
    assert options["workers"] == Workers("ray", "host:1", 0.25)


@pytest.mark.parametrize("command", ["train", "trials", "book", "study"])
def test_where_folds_run_is_chosen_in_one_way(command, monkeypatch):
    choice = ["--backend", "ray", "--gpus-per-fold", "0"]
    assert stopped_at_the_study(monkeypatch, [command, *choice])[2]["workers"] == Workers(
        "ray", None, 0
    )
    assert stopped_at_the_study(monkeypatch, [command])[2]["workers"] is None
    monkeypatch.setattr("merlib.parallel.gpus_here", lambda: 0)
    assert cli.main([command, "--gpus-per-fold", "0.5"]) == 1  # before any work


def test_notebooks_run_where_the_command_runs(study, monkeypatch):
    asked = []

    def run(command, cwd, env):
        asked.append(env[CHOSEN])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("merlib.parallel.hand_back", lambda: asked.append("memory handed back"))
    chosen = Workers("ray", "host:1", 0.25)
    there = Study(data_root=study.data_root, home=study.home, workers=chosen)
    assert cli.build(there, ["full"], False) == 0
    assert asked[0] == "memory handed back"
    monkeypatch.setenv(CHOSEN, asked[1])
    assert Study(data_root=study.data_root, home=study.home).workers == chosen
    assert trials.study_of("cbam", there).workers == chosen


@pytest.mark.parametrize(
    "arguments",
    [["nothing"], ["train", "--colour", "red"], ["train", "--profile", "phone"], ["fit"],
     ["check", "casme3"], ["synth", "--out", "x", "--seed", "one"]],
)  # fmt: skip
def test_what_is_not_understood_is_named_and_ends_with_status_2(arguments, capsys):
    assert cli.main(arguments) == 2
    told = capsys.readouterr().err
    named = {"nothing": "nothing", "red": "--colour", "phone": '"phone" for --profile'}
    named |= {"fit": "--out", "casme3": "casme3", "one": "for --seed"}
    assert told.startswith("merlib: ") and named[arguments[-1]] in told


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["trials", "--seed", "5"], "Unknown option: --seed."),  # it takes --seeds alone
        (["people", "--seed", "5"], "Unknown option: --seed."),
        (["train", "--seeds"], "for --seeds"),
        (["trials", "--seeds"], "for --seeds"),
        (["people", "--seeds"], "for --seeds"),
    ],
)
def test_a_seed_that_would_not_count_is_refused(arguments, named, monkeypatch, capsys):
    monkeypatch.setattr(cli, "open_study", lambda *_, **__: pytest.fail("something was read"))
    assert cli.main(arguments) == 2
    assert named in capsys.readouterr().err


def test_help_and_version_need_no_heavy_library():
    code = "import sys; from merlib import cli; cli.main(sys.argv[1:]); "
    code += "heavy = {'torch', 'cv2', 'pandas', 'matplotlib', 'sklearn'} & set(sys.modules); "
    code += "sys.exit(str(heavy) if heavy else 0)"
    for words in (["--help"], ["train", "--help"], ["--version"]):
        subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=True)


def test_the_published_runs_are_found_by_profile_and_method():
    found = Saved(ROOT / "results/synthetic/laptop").load(["majority", "base", "unknown"])
    assert list(found) == ["majority", "base"] and list(found["base"]) == [0, 1, 2]
    # 40 of the 100 clips are of the largest class, one of five: 2 * 40 / (40 + 100) / 5
    scores = metrics.scores(found["majority"][0])
    assert scores["accuracy"] == 0.4 and scores["uf1"] == pytest.approx(0.8 / 7)


def test_one_frame_shows_no_change_and_is_refused(tmp_path):
    with pytest.raises(ValueError, match="frames=1: expected 2 or more"):
        Study(home=tmp_path, frames=1)
    assert Study("flow", tmp_path, home=tmp_path).config.frames == 1
