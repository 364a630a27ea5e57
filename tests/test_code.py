"""Which changes of the code are changes: what computes the same has the same name."""

import re
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
    found = code.behind("merlib.methods.ststnet")
    assert {"merlib.methods.together", "merlib.methods.deep", "merlib.model.training"} < found
    assert not {"merlib.model.network", "merlib.study", "merlib.pages.plots"} & found
    assert "merlib.preprocess.gpu" in code.behind(
        "merlib.preprocess.pipeline"
    )  # imported inside of a function
    with pytest.raises(ValueError, match="merlib.none: no such module"):
        code.key("merlib.none")


def test_the_modules_of_a_page():
    text = "from merlib import Study, metrics\nfrom merlib.pages.plots import style\nimport numpy"
    found = {"merlib.study.study", "merlib.metrics", "merlib.pages.plots"}
    assert code.imported(text) == found
    assert code.imported("import merlib.methods.bi_woof") == {"merlib.methods.bi_woof"}
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
    names = ["merlib.preprocess.pipeline", "merlib.methods.views", "merlib.metrics"]
    keys = {name: code.key(name) for name in names}

    def changed():
        return [name for name in names if code.key(name) != keys[name]]

    old, new = package / "preprocess" / "flow.py", package / "motion" / "field.py"
    edit(old, "Return the optical strain magnitude", "Return how skin stretches:")
    edit(old, "weighted", "heavy")
    assert changed() == []
    new.parent.mkdir()
    (new.parent / "__init__.py").touch()
    shutil.move(old, new)
    for path in package.rglob("*.py"):
        text = re.sub(r"from (\.|merlib\.preprocess\.)flow import", MOVED, path.read_text())
        path.write_text(text)
    assert changed() == []
    edit(new, '"lambda_": 0.05', '"lambda_": 0.06')
    assert changed() == names[:2]


MOVED = "from merlib.motion.field import"
