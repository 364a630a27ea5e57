"""One field a decision, and a hash that names what was done."""

from dataclasses import fields, replace

import pytest

from merlib import config
from merlib.config import Config, profile
from merlib.study import paper


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
        float: lambda v: v * 2 + 1,
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
    for dataset in ("casme2", "samm"):
        found = profile("paper", dataset)
        assert found.learning_rate == printed["learning rate"]
        assert found.epochs == printed["epochs"][dataset]
        assert (found.dropout, found.dropout_fc) == (0.3, 0.5)
        assert found.momentum == printed["momentum"][0]
        assert (found.width, found.optimiser) == (64, "sgd")


def test_the_classes_are_those_of_table_1():
    for dataset, classes in config.CLASSES.items():
        assert sum(paper.TABLE1[dataset][name] for name in classes) == paper.USED[dataset]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: profile("tablet"), "profile='tablet': expected one of"),
        (lambda: profile("paper", colour=1), r"unknown configuration field\(s\): colour"),
        (lambda: Config(evm="ideal"), "evm='ideal': expected one of"),
        (lambda: Config(frames=0), "frames=0: expected a whole number of at least 1"),
        (lambda: Config(width=7), "width=7: expected at least 8 channels"),
        (lambda: Config(epochs=2.5), "epochs=2.5: expected a whole number"),
        (lambda: Config(epochs=True), "epochs=True: expected a whole number"),
        (lambda: Config(strain="False"), "strain='False': expected True or False"),
        (lambda: Config(dropout="0,3"), "dropout='0,3': expected a number"),
        (lambda: Config(dropout=False), "dropout=False: expected a number"),
        (lambda: Config(fim_kernel=True), "fim_kernel=True: expected one of"),
        (lambda: Config(landmarks=3), "landmarks=3: expected a text or None"),
        (lambda: Config(flow_scale=0.0), "flow_scale=0.0: expected a number above 0"),
        (lambda: Config(learning_rate=float("nan")), "learning_rate=nan: expected a number"),
    ],
)
def test_a_wrong_value_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
