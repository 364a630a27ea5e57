"""Which changes of the code are changes: what computes the same has the same name."""

import shutil
from pathlib import Path

import pytest

from merlib import code

TEXT = '''
"""A module."""
import numpy as np
from .flow import strain


def total(x, power=3):
    """Return a sum."""
    found = 0
    for value in x:
        found += value**power
    parts = [value * k for k in x if k]
    add = lambda z: z + found

    def reset(start):
        nonlocal found
        found = start

    try:
        reset(strain(parts))
    except ValueError as error:
        raise KeyError(str(error)) from error
    with open("x") as file:
        return found, add, file
'''

SAME = {
    "renamed local variable": ("found", "result"),
    "renamed variable of a loop": ("value", "number"),
    "renamed variable of a comprehension": ("k for k in x if k", "f for f in x if f"),
    "renamed error": ("error", "problem"),
    "renamed file": ("file", "handle"),
    "renamed inner function": ("reset", "put_back"),
    "docstring": ("Return a sum.", "Return the sum of powers."),
    "no docstring": ('"""Return a sum."""\n    ', ""),
    "comment": ("found = 0", "found = 0  # so far"),
    "annotations": ("total(x, power=3)", "total(x: list, power: int = 3) -> tuple"),
    "moved module": ("from .flow", "from merlib.preprocess.flow"),
    "order of imports": (
        "import numpy as np\nfrom .flow import strain",
        "from .flow import strain\nimport numpy as np",
    ),
}

OTHER = {
    "constant": ("found = 0", "found = 1"),
    "operator": ("value**power", "value*power"),
    "other variable": ("value * k for", "value * value for"),
    "default": ("power=3", "power=2"),
    "parameter": ("z: z + found", "y: y + found"),
    "attribute": ("np\n", "numpy\n"),
    "name taken from a module": ("import strain", "import tvl1 as strain"),
    "other module": ("import numpy as np", "import scipy as np"),
    "global name": ("strain(parts)", "abs(parts)"),
    "shadowed parameter": ("z: z + found", "found: found + found"),
}


@pytest.mark.parametrize("change", SAME)
def test_what_computes_the_same_has_the_same_name(change):
    before, after = SAME[change]
    assert before in TEXT
    assert code.meaning(TEXT.replace(before, after)) == code.meaning(TEXT)


@pytest.mark.parametrize("change", OTHER)
def test_what_computes_something_else_has_another_name(change):
    before, after = OTHER[change]
    assert before in TEXT
    assert code.meaning(TEXT.replace(before, after)) != code.meaning(TEXT)


def test_two_variables_are_not_taken_for_each_other():
    first = "def f(x):\n    a = x\n    b = 1\n    return a - b"
    assert code.meaning(first) != code.meaning(first.replace("a - b", "b - a"))
    outside = "def f(x):\n    y = [x for x in {}]\n    return y"
    assert code.meaning(outside.format("x")) != code.meaning(outside.format("z"))


def test_a_module_is_known_by_all_that_it_imports():
    found = code.behind("merlib.baselines.ststnet")
    assert {"merlib.baselines.together", "merlib.baselines.deep", "merlib.training"} < found
    assert not {"merlib.network", "merlib.study", "merlib.plots"} & found
    assert "merlib.on_device" in code.behind("merlib.prepare")  # imported inside of a function


def test_the_modules_of_a_page():
    text = "from merlib import metrics, plots\nfrom merlib.study import Study\nimport numpy"
    assert code.imported(text) == {"merlib.metrics", "merlib.plots", "merlib.study"}
    assert code.imported("import merlib.baselines.bi_woof") == {"merlib.baselines.bi_woof"}
    assert code.imported("import merlibrary\nfrom os import path") == set()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package whose files may be edited."""
    copy = tmp_path / "merlib"
    shutil.copytree(code.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "PACKAGE", copy)
    return copy


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_an_edited_package_keeps_its_names_or_not(package):
    keys = {name: code.key(f"merlib.{name}") for name in ("prepare", "views", "metrics")}

    def changed():
        return {name for name in keys if code.key(f"merlib.{name}") != keys[name]}

    edit(package / "flow.py", "Return the optical strain magnitude", "Return how skin stretches:")
    edit(package / "flow.py", "weighted", "heavy")
    assert changed() == set()
    (package / "preprocess").mkdir()
    (package / "preprocess" / "__init__.py").touch()
    shutil.move(package / "flow.py", package / "preprocess" / "flow.py")
    for path in package.rglob("*.py"):
        text = path.read_text()
        text = text.replace("from .flow import", "from merlib.preprocess.flow import")
        path.write_text(text.replace("from ..flow import", "from ..preprocess.flow import"))
    assert changed() == set()
    edit(package / "preprocess" / "flow.py", '"lambda_": 0.05', '"lambda_": 0.06')
    assert changed() == {"prepare", "views"}
