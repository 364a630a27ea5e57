"""Why a card is not used: what the driver and PyTorch say is made up here."""

import os

import pytest
import torch

from merlib import cards, parallel
from merlib.config import Config
from merlib.model import training
from merlib.preprocess import pipeline

TURING = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function that makes a card with a driver, and a PyTorch for a version of CUDA."""

    def make(told, cuda, architectures=TURING):
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\nprintf '{told}'\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setattr(torch.version, "cuda", cuda)
        monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: architectures)

    return make


@pytest.mark.parametrize(
    ("told", "cuda", "expected"),
    [
        ("Tesla T4, 580.65.06, 7.5", "13.0", ""),
        ("NVIDIA L4, 595.1, 8.9", "13.0", ""),  # code for 8.0 runs on it
        ("Some card, 600.1, 13.0", "13.0", ""),  # compiled on the card
        ("Tesla T4, 535.54.03, 7.5", "13.0", "driver 535.54.03 is too old"),
        ("Tesla T4, 535.54.03, 7.5", "12.6", ""),
        ("Tesla V100-SXM2-16GB, 580.65.06, 7.0", "13.0", "no code for its compute capability 7.0"),
        ("NVIDIA L4, 595.1, 8.9", None, "built for CPUs"),
        ("", "13.0", ""),  # the driver answers nothing
        ("NVIDIA-SMI has failed", "13.0", ""),
    ],
)
def test_a_card_that_is_not_used_is_explained(machine, told, cuda, expected):
    machine(f"{told}\\n", cuda)
    why = cards.unused()
    assert expected in why and bool(why) == bool(expected)
    if why:
        assert (
            why.startswith(told.partition(",")[0])
            and "pip uninstall -y torch, then pip install torch==" in why
        )


def test_the_build_for_older_cards_is_named(machine):
    machine("Tesla V100, 580.65.06, 7.0\\n", "13.0")
    assert cards.unused().endswith("https://download.pytorch.org/whl/cu126")
    machine("Tesla V100, 580.65.06, 7.0\\n", "12.6", ["sm_50", "sm_60", "sm_70", "sm_75"])
    assert cards.unused() == ""


@pytest.mark.parametrize(
    ("capability", "built_for", "works"),
    [
        ((9, 0), ["sm_80", "sm_90"], True),
        ((7, 0), ["sm_75", "sm_80", "compute_120"], False),  # a V100 under CUDA 13
        ((12, 1), ["sm_80", "compute_120"], True),
        ((9, 4), ["gfx942"], True),  # AMD's names
    ],
)
def test_a_card_without_code_is_not_used(capability, built_for, works, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: built_for)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert cards.works() == works
    assert training.pick_device("auto").type == ("cuda" if works else "cpu")
    assert pipeline.gpu_device(Config()) == ("cuda" if works else None)
    assert parallel.gpus_here() == (2 if works else 0)
    if not works:
        with pytest.raises(ValueError, match="no GPU that PyTorch can use"):
            training.pick_device("cuda")


def test_without_a_card_there_is_nothing_to_say(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cards.cards() == [] and cards.unused() == ""
