"""Nothing that tells about people slips into git, and what belongs there is not hidden."""

import shutil
import subprocess

import pytest
from conftest import ROOT

ENDINGS = """
png jpg JPG jpeg PNG bmp tif TIFF webp gif pgm jp2 heic exr avi AVI mp4 mov mkv webm mpg
MPEG wmv m4v flv mts xlsx XLSX xls csv ods tsv txt zip tar.gz rar 7z npy npz mat h5 pt pth
onnx safetensors joblib pkl parquet json ipynb
""".split()
PLACES = """
data/ data/CASME2/ notebooks/ notebooks/predictions/x/ predictions/x/ merlib/ merlib/data/
tests/ tests/data/ book/ book/predictions/ CASME2-RAW/sub01/ runs/x/ results/casme2/laptop/
results/ benchmarks/predictions/a/ neuer_Ordner/ü/
""".split()
BAD = [f"{place}one{k}.{ending}" for place in ["", *PLACES] for k, ending in enumerate(ENDINGS)]
BAD += """
out.ipynb notebooks/01_data.ipynb notebooks/01_data.part.ipynb .env run.json
runs/own/x/run.json runs/x.py data/x.py data/CASME2/README.md report.md
results/own/laptop/runs.parquet results/synthetic/narrow/.lock predictions/x/p.json
results/synthetic-samm/laptop/run.json results/flow/laptop/picture.png results/flow/laptop/clips.csv
book/_static/face.JPG book/_static/face.jpg notebooks/predictions/a/note.py Makefile.bak
.venv .venv/x.py _build/html/index.html .coverage Thumbs.db merlib/__pycache__/a.py
notebooks/.ipynb_checkpoints/a.py sub01/EP02_01f/img1.jpg merlib.egg-info/PKG-INFO one.py
manifest.csv eyes.csv tests/x/manifest.csv .github/face.png .github/workflows/clips.csv .coverage.x
""".split()
GOOD = """
README.md merlib/new.py merlib/data/synthetic/new.py tests/data/test_new.py
notebooks/24_new.py book/new.md book/_static/new.png book/_static/figures/new.svg
results/synthetic/laptop/predictions.parquet results/synthetic/paper/new.parquet
results/development/new.csv benchmarks/new_cpu.csv benchmarks/new.py data/README.md
results/synthetic-samm/laptop/runs.parquet
results/flow/laptop/predictions.parquet results/flow/laptop/mistakes.parquet
book/tools/templates/slides/new.j2 book/locale/de/notebooks/new.po README.zh-CN.md
book/_static/fonts/new.ttf tests/fingerprints.json .github/workflows/test.yml
.github/NEW.md .github/ISSUE_TEMPLATE/new.yml benchmarks/README.md
""".split()


@pytest.fixture(scope="module")
def ignored(tmp_path_factory):
    """A function that says which of some paths git ignores, in a repository of its own."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copy(ROOT / ".gitignore", folder)
    subprocess.run(["git", "init", "-q", folder], check=True)

    def ask(paths):
        command = ["git", "-c", "core.excludesFile=", "check-ignore", "--stdin", "-z"]
        given = "\0".join(paths).encode()
        done = subprocess.run(command, cwd=folder, input=given, stdout=subprocess.PIPE)
        return set(done.stdout.decode().split("\0")) - {""}

    return ask


def test_what_tells_about_people_is_ignored(ignored):
    assert sorted(set(BAD) - ignored(BAD)) == []


def test_what_belongs_here_is_not_ignored(ignored):
    there = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    paths = [*GOOD, *there.stdout.decode().strip("\0").split("\0")]
    assert ignored(paths) == set()
