"""One field a decision, and a hash that names what was done."""

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from merlib import config
from merlib.config import Config, profile
from merlib.study import paper
from merlib.values import in_words


def test_every_field_has_a_reason_and_a_step_and_a_default_among_its_options():
    for item in fields(Config):
        assert item.metadata["step"] in ("prepare", "network", "train"), item.name
        assert len(item.metadata["why"]) > 10, item.name
        if config.options(item.name):
            assert item.default in config.options(item.name), item.name


def test_the_hash_of_a_step_changes_with_its_own_fields_only():
    default = Config()
    other = {
        bool: lambda v: not v,
        int: lambda v: v + 1,
        float: lambda v: v + 0.01,
        str: lambda v: "12",
    }
    for item in fields(Config):
        value, options = item.default, config.options(item.name)
        if options:
            new = next(option for option in options if option != value)
        else:
            new = other[type(value)](value) if value is not None else "weights.pth"
        changed = replace(default, **{item.name: new})
        for step in ("prepare", "network", "train"):
            same = changed.hash(step) == default.hash(step)
            assert same == (step != item.metadata["step"]), (item.name, step)
        assert changed.hash() != default.hash()


def test_the_paper_profile_holds_what_section_3_1_4_fixes():
    printed = paper.HYPERPARAMETERS
    for dataset in ("casme2", "samm", "synthetic-samm"):
        found = profile("paper", dataset)
        assert found.learning_rate == printed["learning rate"]
        assert found.epochs == printed["epochs"][dataset.removeprefix("synthetic-")]
        assert profile("narrow", dataset).epochs == found.epochs
        assert profile("narrow", dataset, epochs=7).epochs == 7
        assert (found.dropout, found.dropout_fc) == (0.3, 0.5)
        assert found.momentum == printed["momentum"][0]
        assert (found.width, found.optimiser) == (64, "sgd")
        assert profile("literal", dataset).step("train") == found.step("train") | {
            "weight_decay": 0.0,
            "precision": "float32",
        }


def test_the_literal_profile_differs_from_the_paper_in_what_the_text_does_not_have():
    expected = {"head_motion": ("remove", "keep"), "grey": ("change", "frames"),
                "evm_order": ("before", "after"),
                "cam_relu": (True, False), "fim_kernel": (3, 7), "fim_inner_kernel": (1, 7),
                "weight_decay": (5e-4, 0.0), "precision": ("auto", "float32")}  # fmt: skip
    for dataset in ("synthetic", "synthetic-samm", "casme2", "samm"):
        assert config.differences("paper", "literal", dataset) == expected
    for name in ("head_motion", "grey", "evm_order"):  # the published flow is what it is
        del expected[name]
    assert config.differences("paper", "literal", "flow") == expected
    swapped = {name: (b, a) for name, (a, b) in expected.items()}
    assert config.differences("literal", "paper", "flow") == swapped
    assert config.differences("paper", "paper") == {}
    assert {"laptop", "paper", "literal", "narrow"} == set(config.PROFILES)
    assert set(config.PROFILES) == set(config.SYNTHETIC_SIZE) == set(get_args(config.ProfileName))


def test_the_profiles_of_the_published_flow():
    for name in config.PROFILES:
        found = profile(name, "flow", size=28, strain=True, attention="cbam")
        assert (found.frames, found.inputs, found.sequence) == (1, "flow", "mean")
        assert (found.evm, found.flow_size, found.epochs) == ("off", 28, 50)
        assert (found.size, found.strain, found.attention) == (28, True, "cbam")


@pytest.mark.parametrize("name", [name for names in config.GIVEN.values() for name in names])
def test_what_the_published_flow_fixes_cannot_be_chosen(name):
    usual = getattr(profile("laptop", "flow"), name)
    other = next((value for value in config.options(name) if value != usual), None)
    other = "model.onnx" if name == "landmarks" else other or 2 * usual
    told = rf"^{name}={other!r}: the dataset flow has .*; expected {usual!r}$"
    with pytest.raises(ValueError, match=told):
        profile("laptop", "flow", **{name: other})
    assert profile("laptop", "flow", **{name: usual}) == profile("laptop", "flow")
    assert getattr(profile("laptop", "own", **{name: other}), name) == other


def test_the_classes_are_those_of_table_1():
    for dataset, classes in config.CLASSES.items():
        assert sum(paper.TABLE1[dataset][name] for name in classes) == paper.USED[dataset]


@pytest.mark.parametrize(
    ("field", "values", "expected"),
    [
        ("strain", ["False", " no ", "off", False, np.False_], False),
        ("strain", ["True", "yes", "ON", np.True_], True),
        ("epochs", ["7", "+7", "7e0", 7.0, np.int64(7), np.array(7), torch.tensor(7)], 7),
        ("learning_rate", ["1e-2", ".01", np.float32(0.01), np.array(0.01)], 0.01),
        ("learning_rate", ["1", 1, np.uint8(1)], 1.0),
        ("momentum", [0, -0.0, "0"], 0.0),
        ("landmarks", [None, "None", "null", "~", ""], None),
        ("landmarks", ["a.onnx", Path("a.onnx"), np.str_("a.onnx")], "a.onnx"),
        ("evm", ["off", False], "off"),  # YAML reads the word as False
        ("attention", ["none", None], "none"),
        ("fim_kernel", [1, "1", np.int8(1)], 1),
    ],
)
def test_spellings_of_a_value_make_the_same_configuration(field, values, expected):
    for value in values:
        made = Config(**{field: value})
        assert getattr(made, field) == expected
        assert type(getattr(made, field)) is type(expected)
        assert made.hash() == Config(**{field: expected}).hash()


def test_the_hashes_of_the_profiles_name_saved_runs():
    """If a default changes on purpose, its hash changes here too."""
    assert [Config().hash("network"), Config().hash("train")] == ["31fd8df22f86", "7f1f1fa6182d"]
    assert profile("laptop").hash("train") == "b72798303140"


WRONG = {
    "strain": ["maybe", 1, "1", None],
    "epochs": [0, -1, 2.5, "2.5", True, None, "", "abc", math.nan, "inf", [3], b"3", 10**5000],
    "learning_rate": ["0,01", 0, -1, "nan", math.inf, "1e400", True, 1j],
    "dropout": [1.5, 1, -0.1, "0,3", False],
    "momentum": [1, 1.5],
    "flip": [2, -1],
    "rotation": [-1, 181],
    "scaling": [1],
    "gem_p": [0, 0.5],
    "cam_reduction": [0],
    "batch_size": [1],
    "width": [7, 10**6],
    "size": [4, 10**9],
    "frames": [0, 1000],
    "evm": ["ideal", 3],
    "fim_kernel": [2, True],
    "fim_pairs": ["41", "12,34", 12],
    "landmarks": [3, ["a"], b"a"],
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_refused_by_name_value_and_what_is_expected(name):
    for value in WRONG[name]:
        with pytest.raises(ValueError) as error:
            Config(**{name: value})
        told = str(error.value)
        assert told.startswith(f"{name}=")
        assert f": expected {in_words(config.kinds()[name])}" in told
        assert len(told) < 250


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: profile("tablet"), "profile='tablet': expected one of"),
        (lambda: profile("Laptop"), "did you mean 'laptop'"),
        (lambda: profile("paper", colour=1), "unknown configuration field 'colour': expected one"),
        (lambda: profile("paper", learnig_rate=1), "'learnig_rate'; did you mean 'learning_rate'"),
        (lambda: Config(evm="IIR"), r"one of \('iir', .*did you mean 'iir'"),
        (
            lambda: Config(dropout=1),
            "dropout=1: .* of at least 0 and below 1",
        ),
        (lambda: Config(learning_rate=-1), "learning_rate=-1: expected a finite number above 0$"),
    ],
)
def test_a_message_says_what_to_do(call, message):
    with pytest.raises(ValueError, match=message):
        call()
