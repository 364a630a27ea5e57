"""Every notebook runs alone on a small dataset, clean; the book builds and reads offline."""

import base64
import io
import os
import re
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import av
import nbformat
import numpy as np
import papermill
import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import ROOT, TINY
from jupyter_client.provisioning.local_provisioner import LocalPortCache

from book.tools import build, texts
from merlib import code
from merlib.files import OURS
from merlib.pages import plots
from merlib.study.parameters import NO_FRAMES
from merlib.study.study import Study

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


@pytest.fixture(scope="session", autouse=True)
def one_process():
    """Notebooks see one core: starting workers would take longer than these small tasks do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOKY_MAX_CPU_COUNT", "1")
        yield


@pytest.fixture(scope="session")
def executed(book_home):
    """All notebooks, executed."""
    return {
        text.stem: nbformat.read(book_home / "notebooks" / f"{text.stem}.ipynb", 4)
        for text in NOTEBOOKS
    }


@pytest.mark.parametrize("name", ["01_data", "02_preprocessing"])
def test_a_real_dataset_shows_no_face_unasked_and_claims_no_truth(
    book_home, casme2_root, copy_of, name
):
    """The same folders, read as an official release: nobody knows the true motion."""
    path = book_home / "notebooks" / f"real_{name}.ipynb"
    nbformat.write(texts.opened((ROOT / "notebooks" / f"{name}.py").read_text()), path)
    parameters = {"dataset": "casme2", "data_root": str(copy_of(casme2_root)), "overrides": TINY}
    (Path(parameters["data_root"]) / "dataset.json").unlink()  # it looks like a licensed copy now
    papermill.execute_notebook(
        path, path, parameters, kernel_name="python3", cwd=path.parent, progress_bar=False
    )
    text = path.read_text()
    for output in outputs(nbformat.read(path, 4)):
        for frame in film_frames(output):  # a face that moves is an even grey
            assert np.ptp(frame) <= 2  # as far as the codec keeps it even
    path.unlink()
    told = {
        "01_data": ["Faces of real people are not shown", "CASME II, unknown edition"],
        "02_preprocessing": ["true eye centres are not known", "true motion is not known"],
    }
    for words in told[name]:
        assert words in text


@pytest.mark.slow
@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_every_page_runs_on_flow_alone(tmp_path, flow_root, name):
    """One that needs frames says so, and goes on with the drawn faces."""
    path, text = tmp_path / f"{name}.ipynb", (ROOT / "notebooks" / f"{name}.py").read_text()
    (tmp_path / "_toc.yml").write_text(OURS)
    nbformat.write(texts.opened(text), path)
    given = {"dataset": "flow", "data_root": str(flow_root), "repeats": 1}
    given |= {"methods": ["majority", "logistic", "base", "full"]}
    given |= {"overrides": {"width": 8, "epochs": 1}}
    parameters = {key: value for key, value in given.items() if f"\n{key} = " in text}
    papermill.execute_notebook(
        path, path, parameters, kernel_name="python3", cwd=path.parent, progress_bar=False
    )
    assert ("frames=True" in text) == (NO_FRAMES in path.read_text())
    if name == "01_data":  # nothing is made up: no moments, no lengths, no action units
        told = str(outputs(nbformat.read(path, as_version=4)))
        assert "Their table has no frame numbers" in told and "Its movement is largest" not in told
        assert "shortest movement of all" not in told and "with the units of other" not in told
        assert "2 (here)" in told  # all three classes count, of 5, 4 and 3 clips


def film_frames(output):
    """Yield the frames of all films of an output, as grey values."""
    for content in re.findall(r'data:video/webm;base64,([^"]+)"', str(output.get("data", {}))):
        with av.open(io.BytesIO(base64.b64decode(content))) as container:
            yield from (frame.to_ndarray(format="gray") for frame in container.decode(video=0))


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_every_notebook_begins_with_parameters():
    for path in NOTEBOOKS:
        cells = texts.opened(path.read_text()).cells
        code = [cell for cell in cells if cell.cell_type == "code"]
        assert "parameters" in code[0].metadata.get("tags", []), path.name
        for name in ("dataset", "data_root", "profile", "seed"):
            assert re.search(rf"^{name} = ", code[0].source, re.M), (path.name, name)


def test_every_page_of_the_contents_exists():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [contents["root"]]
    files += [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    for name in files:
        assert (ROOT / f"{name}.md").exists() or (ROOT / f"{name}.py").exists(), name
    assert {f"notebooks/{path.stem}" for path in NOTEBOOKS} <= set(files)


def test_cells_are_clean(executed, book_home, casme2_root):
    """No warnings, progress bars or paths of this machine."""
    for name, notebook in executed.items():
        for output in outputs(notebook):
            assert output.output_type != "error"
            assert output.get("name") != "stderr", (name, output.get("text"))
        text = nbformat.writes(notebook)
        for path in (str(book_home), str(casme2_root), str(ROOT), str(Path.home()) + "/"):
            assert path not in text, (name, path)
        for word in ("Warning", "it/s]", "\\r"):
            assert word not in text.replace("\\\\r", ""), (name, word)


def test_no_table_shows_a_p_value_of_zero(executed):
    for name, notebook in executed.items():
        for output in outputs(notebook):
            page = BeautifulSoup(output.get("data", {}).get("text/html", ""), "html.parser")
            for row in page.select("tbody tr"):
                head = row.find_parent("table").thead.find_all("tr")[-1].find_all("th")
                cells = zip(head[-len(row.find_all("td")) :], row.find_all("td"), strict=True)
                zeros = [a.text for a, b in cells if plots.is_p(a.text) and float_of(b.text) == 0]
                assert not zeros, (name, zeros)


def float_of(text):
    """Return the number of a cell, or nothing."""
    return float(text) if re.fullmatch(r"\d+\.\d+", text.strip()) else None


def test_the_parameters_decide(executed):
    text = nbformat.writes(executed["07_results"])
    assert "9 clips of 3 people" in text and "seed 1" in text


def test_every_figure_of_data_is_there(executed):
    images = {
        name: sum("image/png" in output.get("data", {}) for output in outputs(notebook))
        for name, notebook in executed.items()
    }
    assert images["02_preprocessing"] >= 6 and images["03_mfem"] >= 4
    assert all(images[name] for name in list(images)[:9]), images
    for name in ("01_data", "02_preprocessing"):
        assert any(np.ptp(f) > 50 for out in outputs(executed[name]) for f in film_frames(out)), (
            name
        )


@pytest.fixture(scope="session")
def pages(book_home):
    return {
        path: BeautifulSoup(path.read_text(), "html.parser")
        for path in (book_home / "_build" / "html").rglob("*.html")
    }


def test_the_book_fetches_nothing_from_elsewhere(pages):
    for path, page in pages.items():
        for tag, attribute in (
            ("script", "src"),
            ("img", "src"),
            ("iframe", "src"),
            ("link", "href"),
        ):
            for found in page.find_all(tag):
                if tag == "link" and found.get("rel") == ["canonical"]:
                    continue
                assert not re.match(r"(https?:)?//", found.get(attribute) or ""), (path.name, found)
        for style in page.find_all("style"):
            assert "http" not in style.text
        for script in page.find_all("script"):
            assert "://cdn" not in script.text and "unpkg" not in script.text, path.name


def test_no_link_inside_the_book_is_broken(pages):
    for path, page in pages.items():
        for link in page.find_all("a", href=True):
            target, _, anchor = link["href"].partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            there = (path.parent / target).resolve() if target else path
            assert there.exists(), (path.name, link["href"])
            if anchor and there in pages:
                assert pages[there].find(id=anchor), (path.name, link["href"])


def test_executing_again_does_nothing_and_another_seed_does(book_home, casme2_root):
    alone = book_home.parent / "alone"
    (alone / "notebooks").mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / "09_audit.py", alone / "notebooks")
    (alone / "_toc.yml").write_text(OURS)
    study = Study(data_root=casme2_root, home=alone, n_jobs=1, **TINY)
    (made,) = build.execute(study, ["majority"])
    stamp = made.stat().st_mtime_ns
    build.execute(study, ["majority"])
    assert made.stat().st_mtime_ns == stamp
    build.execute(Study(data_root=casme2_root, home=alone, n_jobs=1, seed=2, **TINY), ["majority"])
    assert made.stat().st_mtime_ns != stamp


PAGE = """# %% [markdown]
# # A page

# %% tags=["parameters"]
seed = 0

# %%
from pathlib import Path
from types import SimpleNamespace

from merlib import metrics
from merlib.files import noted

for name in ("there", "absent"):
    print(name, noted(Path("../results") / name).exists())
"""


def test_a_damaged_page_is_told_and_counts_as_not_executed(tmp_path, capfd):
    path, notebook = tmp_path / "01_page.ipynb", texts.opened(PAGE)
    made = {"key": "k", "read": {}, "cells": build.digest_of(notebook)}
    notebook.metadata["merlib"] = made
    content = nbformat.writes(notebook)
    path.write_text(content)
    assert build.made_before(path) == made
    for damaged in (content[:200], "", "[]", content.replace("A page", "A pagf")):
        path.write_text(damaged)
        assert build.made_before(path) == {}
        assert "01_page.ipynb is damaged" in capfd.readouterr().err
    path.unlink()
    assert build.made_before(path) == {} and not capfd.readouterr().err


@pytest.mark.book
def test_a_page_is_executed_again_only_for_what_changed(tmp_path, casme2_root, monkeypatch):
    """Its text, its parameters, the code behind it, the results that it reads, absent ones too."""
    alone = tmp_path / "checkout"
    page, results = alone / "notebooks" / "01_page.py", alone / "results"
    for folder in (page.parent, results):
        folder.mkdir(parents=True)
    page.write_text(PAGE)
    (results / "there").write_text("1")
    shutil.copytree(code.PACKAGE, alone / "merlib", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "PACKAGE", alone / "merlib")
    options = {"data_root": casme2_root, "home": alone, "n_jobs": 1, **TINY}

    def executed(methods=("majority",), **more):
        path = page.with_suffix(".ipynb")
        before = path.stat().st_mtime_ns if path.exists() else 0
        build.execute(Study(**options | more), list(methods))
        return path.stat().st_mtime_ns != before

    def edit(name, before, after):
        path = alone / "merlib" / name
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after))

    assert executed() and not executed()
    assert not executed(methods=["majority", "base"])  # the page has no such parameter
    edit("metrics.py", "matrix = np.asarray(matrix)", "table = matrix = np.asarray(matrix)")
    assert executed()
    edit("metrics.py", "    correct = matrix.diagonal(", "    right = matrix.diagonal(")
    edit("metrics.py", "divide(2 * correct,", "divide(2 * right,")
    edit("metrics.py", "Return eq. 15", "This is eq. 15")
    edit("pages/plots.py", "COLOURS = (", "COLOURS = ('#123456',")  # not behind this page
    (results / "other").write_text("1")  # not read by it
    assert not executed()
    (results / "there").write_text("2")
    assert executed() and not executed()
    (results / "absent").write_text("3")
    assert executed() and not executed()
    assert executed(seed=1) and not executed(seed=1)
    page.write_text(PAGE.replace("A page", "The page"))
    assert executed(seed=1)


MEETING = """# %% tags=["parameters"]
seed = 0

# %%
import time
from pathlib import Path
from types import SimpleNamespace

from merlib.files import noted, say

noted(Path("../{mine}")).touch()
say("{mine} waits for {other}")
end = time.monotonic() + 60
while not Path("../{other}").exists():
    assert time.monotonic() < end
    time.sleep(0.05)
"""


@pytest.mark.book
def test_pages_run_at_the_same_time_and_each_knows_what_it_read(
    tmp_path, casme2_root, monkeypatch, capfd
):
    """Each of two pages waits for the other one; what they say of it is not in them."""
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    (tmp_path / "_toc.yml").write_text(OURS)
    (tmp_path / "notebooks").mkdir()
    for mine, other in (("one", "two"), ("two", "one")):
        page = tmp_path / "notebooks" / f"{mine}.py"
        page.write_text(MEETING.format(mine=mine, other=other))
    study = Study(data_root=casme2_root, home=tmp_path, n_jobs=2, **TINY)
    made = build.execute(study, ["majority"])
    assert [path.name for path in made] == ["one.ipynb", "two.ipynb"]
    for path in made:
        page = nbformat.read(path, 4)
        assert set(page.metadata["merlib"]["read"]) == {path.stem}
        assert not any(cell.get("outputs") for cell in page.cells)
    said = capfd.readouterr().err.splitlines()
    assert {"one waits for two", "two waits for one"} <= set(said)


@pytest.mark.skipif(os.name == "nt", reason="kernels are reached by ports on Windows")
def test_a_page_is_made_where_another_program_has_taken_the_port(tmp_path, monkeypatch):
    page = tmp_path / "01_page.py"
    page.write_text(PAGE)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(LocalPortCache, "find_available_port", lambda *_: port)
        made, warned = build.page(page, {})
    assert not warned and outputs(made)[-1]["text"] == "there False\nabsent False\n"


def test_few_pages_run_at_a_time_where_memory_is_short(monkeypatch):
    def available(gigabytes):
        memory = SimpleNamespace(available=gigabytes * 2**30)
        monkeypatch.setattr(build.psutil, "virtual_memory", lambda: memory)
        return build.at_once(4)

    assert [available(0.5), available(3.5), available(100)] == [1, 2, 4]


def test_a_failing_cell_is_named(book_home, casme2_root):
    broken = book_home.parent / "broken"
    (broken / "notebooks").mkdir(parents=True)
    header = (ROOT / "notebooks" / "09_audit.py").read_text().partition("# %%")[0]
    (broken / "notebooks" / "01_bad.py").write_text(
        header + '# %% tags=["parameters"]\nseed = 0\n\n# %%\n1 / 0\n'
    )
    study = Study(data_root=casme2_root, home=broken, n_jobs=1, **TINY)
    with pytest.raises(RuntimeError, match=r"01_bad.py, cell \d+: ZeroDivisionError"):
        build.execute(study, ["majority"])


def test_environment_yml_is_a_door_to_the_lock_file():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert "python=3.11" in environment["dependencies"]
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pip[0] == "-r requirements.lock"
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    assert "torch==2.13.0" in lock
    assert all("==" in line for line in lock if line and not line.startswith("#"))
