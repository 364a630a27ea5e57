"""Two small synthetic datasets, one in each official layout, written once for all tests."""

import os

import matplotlib

matplotlib.use("Agg")

import pytest
import torch

from merlib import synthetic

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def casme2_root(tmp_path_factory):
    """Three subjects, nine clips, in the layout of CASME II."""
    root = tmp_path_factory.mktemp("casme2") / "data"
    return synthetic.write(root, seed=7, subjects=3, clips=9, n_jobs=1, progress=False)


@pytest.fixture(scope="session")
def samm_root(tmp_path_factory):
    """Two subjects, five clips, in the layout of SAMM."""
    root = tmp_path_factory.mktemp("samm") / "data"
    return synthetic.write(
        root, seed=8, layout="samm", subjects=2, clips=5, n_jobs=1, progress=False
    )


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
