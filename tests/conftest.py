"""Two small synthetic datasets, one in each official layout, written once for all tests."""

import os

import matplotlib

matplotlib.use("Agg")

import pytest
import torch
from filelock import FileLock

from merlib import synthetic

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A function that writes a dataset into a folder of all test processes, by one of them."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent

    def write(name, **options):
        with FileLock(base / f"{name}.lock"):
            return synthetic.write(base / name / "data", n_jobs=1, progress=False, **options)

    return write


@pytest.fixture(scope="session")
def casme2_root(shared):
    """Three subjects, nine clips, in the layout of CASME II."""
    return shared("casme2", seed=7, subjects=3, clips=9)


@pytest.fixture(scope="session")
def samm_root(shared):
    """Two subjects, five clips, in the layout of SAMM."""
    return shared("samm", seed=8, layout="samm", subjects=2, clips=5)


@pytest.fixture
def copy_of(tmp_path):
    """A function that copies a dataset by hard links, so that a test may remove its files."""

    def copy(root):
        target = tmp_path / "copy"
        for folder, _, names in os.walk(root):
            there = target / os.path.relpath(folder, root)
            there.mkdir(parents=True, exist_ok=True)
            for name in names:
                os.link(os.path.join(folder, name), there / name)
        return target

    return copy
