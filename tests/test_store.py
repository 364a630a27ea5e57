"""Stored predictions: a stop loses nothing, and saved runs are those that were made."""

import copy
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from test_loso import TINY, Oracle, answers, network_data, table

from merlib import files, loso, metrics, store
from merlib.config import Config
from merlib.files import Damaged, NotWritten
from merlib.model.classifier import NetworkClassifier
from merlib.store import Saved


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Predictions of a run of the network that was never stopped, two folds at a time."""
    X, clips = network_data()
    folder = tmp_path_factory.mktemp("uninterrupted")
    return store.run(NetworkClassifier(TINY), X, clips, folder, n_jobs=2, seed=5, progress=False)


SCRIPT = """
    import signal, sys, time
    from test_loso import TINY, network_data
    from merlib import loso, store
    from merlib.model.classifier import NetworkClassifier

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    fit_fold = loso.fit_fold
    def slow(*arguments):
        time.sleep(1.5)
        return fit_fold(*arguments)
    loso.fit_fold = slow
    X, clips = network_data()
    store.run(NetworkClassifier(TINY), X, clips, sys.argv[1], n_jobs=1, seed=5, progress=False)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_stopped_at_any_moment_it_goes_on_and_the_result_is_the_same(uninterrupted, tmp_path, how):
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), tmp_path],
        env=os.environ | {"PYTHONPATH": os.path.dirname(__file__)},
        stderr=subprocess.DEVNULL,
    )
    stored = tmp_path / "folds"
    deadline = time.time() + 120
    while not list(stored.glob("*.parquet")):
        assert process.poll() is None and time.time() < deadline
        time.sleep(0.02)
    process.send_signal(how)
    assert process.wait(60) != 0
    assert not (tmp_path / "run.json").exists()
    finished = {path: os.stat(path).st_mtime_ns for path in stored.glob("*.parquet")}
    assert 0 < len(finished) < 3
    X, clips = network_data()
    done = store.run(NetworkClassifier(TINY), X, clips, tmp_path, n_jobs=1, seed=5, progress=False)
    pd.testing.assert_frame_equal(done, uninterrupted, check_exact=True)
    assert all(os.stat(path).st_mtime_ns == stamp for path, stamp in finished.items())


def test_the_results_say_nothing_of_where_the_data_lies(tmp_path):
    clips = table()
    clips.attrs["root"] = "/home/somebody/CASME2"
    store.run(Oracle(), answers(clips), clips, tmp_path, n_jobs=1, progress=False)
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"somebody" not in path.read_bytes(), path


def test_a_finished_run_is_read_and_not_run_again(tmp_path, monkeypatch):
    clips = table()
    first = store.run(Oracle(), answers(clips), clips, tmp_path, n_jobs=1, progress=False)
    monkeypatch.setattr(loso, "one_fold", lambda *_: pytest.fail("run again"))
    again = store.run(Oracle(), answers(clips), clips, tmp_path, n_jobs=1, progress=False)
    pd.testing.assert_frame_equal(again, first)


def test_two_at_once_compute_a_run_once(tmp_path, monkeypatch):
    clips, one_fold, folds = table(), loso.one_fold, []

    def slow(*arguments):
        time.sleep(0.05)
        folds.append(arguments)
        return one_fold(*arguments)

    monkeypatch.setattr(loso, "one_fold", slow)
    given = Oracle(), answers(clips), clips, tmp_path
    with ThreadPoolExecutor() as threads:
        both = [threads.submit(store.run, *given, n_jobs=1, progress=False) for _ in range(2)]
    pd.testing.assert_frame_equal(*(one.result() for one in both))
    assert len(folds) == clips["subject"].nunique()


def test_a_folder_with_another_run_is_refused(tmp_path):
    clips = table()
    store.run(Oracle(), answers(clips), clips, tmp_path, n_jobs=1, progress=False)
    with pytest.raises(ValueError, match=r"holds another run: data_hash differ"):
        store.run(Oracle(), answers(clips) + 1, clips, tmp_path, n_jobs=1, progress=False)
    with pytest.raises(ValueError, match=r"holds another run: seed differ"):
        store.run(Oracle(), answers(clips), clips, tmp_path, n_jobs=1, seed=1, progress=False)


def test_an_unfinished_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="no finished run"):
        store.load(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({}))
    with pytest.raises(ValueError, match="predictions.parquet is missing"):
        store.load(tmp_path)


# Damage and full disks


def replaced(path):
    path.unlink()
    path.mkdir()


DAMAGE = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "emptied": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "other": lambda path: path.write_text("[1]"),
    "a folder": replaced,
}


@pytest.fixture
def oracle(tmp_path):
    """A function that makes a run of the folder of the test, or loads it."""
    clips = table()
    return lambda **options: store.run(
        Oracle(), answers(clips), clips, tmp_path, n_jobs=1, progress=False, **options
    )


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("name", ["run.json", "predictions.parquet", "folds/s1-*.parquet"])
def test_a_damaged_result_is_named_and_made_again_without_it(oracle, tmp_path, name, damage):
    first, path = oracle(), next(tmp_path.glob(name))
    if path.parent != tmp_path:
        (tmp_path / "run.json").unlink()  # only a run that goes on reads its folds
    damage(path)
    with pytest.raises(Damaged, match=rf"{path.name}: damaged or unreadable .* remove it"):
        oracle()
    path.rmdir() if path.is_dir() else path.unlink()
    pd.testing.assert_frame_equal(oracle(), first)


@pytest.mark.parametrize("name", ["run.json", "predictions.parquet"])
def test_no_flipped_bit_gives_another_result(oracle, tmp_path, name):
    first, path = oracle(), tmp_path / name
    content = path.read_bytes()
    for place in np.linspace(0, len(content) - 1, 60).astype(int):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)
        try:
            found = oracle()
        except Damaged as error:
            assert name in str(error)
        else:
            pd.testing.assert_frame_equal(found, first, check_exact=True)
            assert found.attrs["run"] == first.attrs["run"]


def test_a_fold_of_another_place_is_refused(oracle, tmp_path):
    oracle()
    (tmp_path / "run.json").unlink()
    one, other, *_ = sorted((tmp_path / "folds").iterdir())
    shutil.copy(one, other)
    with pytest.raises(Damaged, match=rf"{other.name}: .*belongs to another run or fold"):
        oracle()


def test_a_damaged_identity_is_made_again(oracle, tmp_path, capfd):
    first = oracle()
    (tmp_path / "run.json").unlink()
    (tmp_path / "identity.json").write_text("{")
    pd.testing.assert_frame_equal(oracle(), first)
    assert "identity.json is damaged" in capfd.readouterr().err
    assert (tmp_path / "identity.json.damaged").exists()


@pytest.mark.parametrize("left_out", ["a/b", "..", "s" * 300, "Ünal", "a b"])
def test_any_subject_has_a_short_file_of_its_own(tmp_path, left_out):
    folds = store.Folds(tmp_path, {"seed": 0})
    name = folds.path(left_out).name
    assert len(name) < 90 and folds.path(left_out).parent == tmp_path / "folds"
    folds.save(loso.Fold(left_out, pd.DataFrame({"clip": ["x"]}), 1.0, "CPU", {}))
    assert list(store.Folds(tmp_path, {"seed": 0}).load()) == [left_out]
    assert folds.path("a_b") not in map(folds.path, ["a/b", "a b"])


def test_a_full_disk_is_one_sentence_and_leaves_nothing(oracle, tmp_path, monkeypatch):
    def half(path, content):
        with open(path, "wb") as file:
            file.write(content[:9])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", half)
        with pytest.raises(NotWritten, match=r"json: cannot be written \(No space left.*make room"):
            oracle()
    assert {path.name for path in tmp_path.iterdir()} <= {".lock"}
    oracle()


def test_what_the_system_says_names_the_file():
    error = PermissionError(errno.EACCES, "Permission denied", "x/y")
    assert files.told(error) == "x/y: Permission denied; name a place that you may use"
    assert files.told(ValueError("as it is")) == "as it is"


def test_a_functions_place_in_memory_makes_no_other_run():
    """A pipeline names its functions by their addresses, which differ from process to process."""
    clips = pd.DataFrame({"clip": ["a", "b"], "subject": ["1", "2"], "emotion": ["x", "y"]})
    clips.attrs["classes"] = ["x", "y"]

    def named(function):
        estimator = make_pipeline(FunctionTransformer(function), DummyClassifier())
        return store.identity(estimator, np.zeros((2, 1)), clips, 0, {})

    def function(X):
        return X

    first = function

    def function(X):
        return X

    assert named(first) == named(function)
    assert named(first) != named(np.abs)


# Saved runs


@pytest.fixture(scope="module")
def made(uninterrupted, tmp_path_factory):
    """Three runs as `run` returns them, two seeds of a method and a trial."""
    runs = {}
    for name, seed in (("full", 0), ("full", 1), ("cbam", 0)):
        run = uninterrupted.copy()
        columns = ["p_a", "p_b", "p_c"]
        rng = np.random.default_rng([seed, len(name)])
        run[columns] = rng.dirichlet(np.ones(3), len(run)).astype(np.float32)
        run.attrs["run"] = uninterrupted.attrs["run"] | {"method": "full", "seed": seed}
        if name == "cbam":
            run.attrs["run"]["trial"] = name
        runs[name, seed] = run
    return runs


@pytest.fixture
def saved(made, tmp_path):
    """These runs, saved."""
    there = Saved(tmp_path / "results")
    for run in made.values():
        there.save(run.attrs["run"], predictions=run)
    return there


def test_saved_runs_are_those_that_were_made(saved, made):
    assert set(saved.runs()) == set(made)
    found = saved.load(["cbam", "full", "unknown"])
    assert list(found) == ["cbam", "full"] and list(found["full"]) == [0, 1]
    for (name, seed), run in made.items():
        loaded = found[name][seed]
        assert loaded.attrs["run"] == run.attrs["run"] == saved.runs()[name, seed]
        assert list(loaded) == [*run, "predicted"]
        final = metrics.last(loaded)[list(run)]
        pd.testing.assert_frame_equal(final, metrics.last(run), check_exact=True)
        assert metrics.by_epoch(loaded).equals(metrics.by_epoch(run))
        for epoch, rows in loaded.groupby("epoch"):
            assert metrics.by_epoch(loaded).loc[epoch].to_dict() == metrics.scores(rows)
        assert copy.deepcopy(loaded.attrs)["run"] is loaded.attrs["run"]  # pandas copies it often
        assert metrics.best_epoch(loaded) == metrics.best_epoch(run)
        assert loaded.loc[loaded["epoch"] < 2, "p_a"].isna().all()  # answers alone are kept
        alone = saved.load([name], every_epoch=False)[name][seed]
        assert alone.attrs["run"] == loaded.attrs["run"]
        pd.testing.assert_frame_equal(alone, metrics.last(loaded), check_exact=True)


def test_rows_come_back_in_the_order_of_clips_and_epochs(made, tmp_path):
    run, there = made["full", 0], Saved(tmp_path)
    there.save(run.attrs["run"], predictions=run.sample(frac=1, random_state=0))
    found = there.load(["full"])["full"][0]
    assert found[["clip", "epoch"]].equals(run[["clip", "epoch"]])
    pd.testing.assert_frame_equal(metrics.last(found)[list(run)], metrics.last(run))


def test_a_run_saved_again_takes_the_place_of_the_first(saved, made):
    other = made["full", 1].assign(p_a=np.float32(2))
    saved.save(made["full", 0].attrs["run"], predictions=other)
    found = saved.load(["full"])["full"]
    assert list(found) == [0, 1] and set(metrics.predicted(found[0])) == {"a"}
    pd.testing.assert_frame_equal(
        metrics.last(found[1])[list(other)], metrics.last(made["full", 1]), check_exact=True
    )


def test_measurements_are_saved_under_a_name_of_their_own(saved, made):
    about = made["cbam", 0].attrs["run"]
    looks = pd.DataFrame({"clip": ["x", "y"], "energy": [0.25, 0.5]})
    for _ in range(2):
        saved.save(about, regions=looks)
    table = saved.table("regions")
    assert table["name"].to_list() == ["cbam"] * 2 and table["seed"].to_list() == [0, 0]
    pd.testing.assert_frame_equal(table[["clip", "energy"]], looks)
    assert list(saved.load(["cbam"])) == ["cbam"]  # its predictions are still there


def test_numbers_of_an_older_table_become_text_beside_names(saved, made):
    numbers, names = (
        pd.DataFrame({"clip": ["x", "y"], "subject": s}) for s in ([6, 7], ["006", "NA"])
    )
    saved.save(made["full", 0].attrs["run"], regions=numbers)
    saved.save(made["full", 1].attrs["run"], regions=names)
    assert saved.table("regions")["subject"].to_list() == ["6", "7", "006", "NA"]
    saved.save(made["full", 0].attrs["run"], regions=names)
    assert saved.table("regions")["subject"].to_list() == ["006", "NA"] * 2


def test_nothing_is_saved_where_nothing_was(tmp_path):
    there = Saved(tmp_path / "absent")
    assert there.runs() == {} and there.load(["full"]) == {}
    assert not there.folder.exists()


def test_a_stopped_save_leaves_the_runs_as_they_were(saved, made, monkeypatch):
    before = saved.load(["full"])["full"]

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_parquet", stop)
        with pytest.raises(KeyboardInterrupt):
            saved.save(made["full", 0].attrs["run"] | {"seed": 2}, predictions=made["full", 0])
    after = saved.load(["full"])["full"]
    assert list(after) == list(before)
    assert not [path for path in saved.folder.iterdir() if path.suffix != ".parquet"
                and path.name != ".lock"]  # fmt: skip


def test_a_stopped_replacement_leaves_no_new_answers_under_an_old_name(saved, made, monkeypatch):
    about, replace = made["full", 0].attrs["run"], saved.replace
    other = made["full", 1].assign(p_a=np.float32(2))

    def stop(name, rows, key):
        if name == "runs" and len(rows):
            raise KeyboardInterrupt
        replace(name, rows, key)

    with monkeypatch.context() as patch:
        patch.setattr(saved, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            saved.save(about, predictions=other)
    assert list(saved.load(["full"])["full"]) == [1]
    saved.save(about, predictions=made["full", 0])
    assert list(saved.load(["full"])["full"]) == [0, 1]


def test_no_folder_of_a_machine_is_in_what_made_a_run(tmp_path):
    """Files that a reader names are told by their names alone, wherever a run tells its choices."""
    files = {"landmarks": str(tmp_path / "eyes.onnx"), "pretrained": str(tmp_path / "w.pth")}
    (tmp_path / "eyes.onnx").touch()
    (tmp_path / "w.pth").touch()
    config = Config(**files)
    for told in (store.choices_of(config), store.described(config)):
        assert (told["landmarks"], told["pretrained"]) == ("eyes.onnx", "w.pth")
    estimator = NetworkClassifier(config)
    told = json.dumps(store.described(estimator), default=store.described)
    assert "w.pth" in told and str(tmp_path) not in told


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("name", ["predictions", "answers", "runs"])
def test_a_damaged_table_of_saved_runs_is_named(saved, name, damage):
    damage(saved.folder / f"{name}.parquet")
    with pytest.raises(Damaged, match=f"{name}.parquet: damaged or unreadable"):
        saved.load(["full"])


def test_a_table_in_the_place_of_another_is_named(saved):
    shutil.copy(saved.folder / "answers.parquet", saved.folder / "predictions.parquet")
    with pytest.raises(Damaged, match="predictions.parquet: .*it is another table"):
        saved.load(["full"])
