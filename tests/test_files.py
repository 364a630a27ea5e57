"""Our own files are UTF-8 on every locale, and no console is too narrow for a name."""

import ast
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from merlib.files import print_anything

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [path for top in ("merlib", "book/tools", "notebooks", "benchmarks")
           for path in sorted((ROOT / top).rglob("*.py"))]  # fmt: skip


def of_locale(tree):
    """The lines of calls that read or write text in the encoding of the locale."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        keywords = {word.arg: ast.unparse(word.value) for word in call.keywords}
        values = {ast.unparse(value) for value in call.args} | {keywords.get("mode")}
        opens = name in ("open", "read_text", "write_text", "fdopen", "NamedTemporaryFile")
        opens &= ast.unparse(call.func) not in ("Image.open", "av.open")
        binary = {"'rb'", "'wb'", "'ab'", "'r+b'"} & values
        if "encoding" in keywords or "'utf-8'" in values or binary:
            continue
        if opens or "text" in keywords and "run" in name:
            yield call.lineno, ast.unparse(call)


def test_no_file_is_read_or_written_in_the_encoding_of_the_locale():
    found = [f"{path.relative_to(ROOT)}:{line}: {call}" for path in SOURCES
             for line, call in of_locale(ast.parse(path.read_text("utf-8")))]  # fmt: skip
    assert len(SOURCES) > 80 and not found


MANIFEST = """clip,subject,onset,apex,offset,emotion,frames
one,王玥 Müller,2,10,20,joy,a
two,王玥 Müller,2,10,20,calm,a
three,ann,2,10,20,joy,a
"""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk", "shift_jis"])
def test_printing_never_fails(monkeypatch, encoding):
    console = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", console)
    print_anything()
    print("王玥 Müller \udcff \U0001f642", flush=True)
    assert b"M" in console.buffer.getvalue()


def test_a_command_runs_in_the_narrowest_locale(tmp_path):
    table = tmp_path / "manifest.csv"
    table.write_text(MANIFEST, "utf-8")
    command = [sys.executable, "-m", "merlib", "check", "own", "--table", str(table)]
    narrow = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment = os.environ | narrow | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "report")], env=environment, capture_output=True
    )
    assert done.returncode == 0 and rb"\u738b\u73a5 M\xfcller" in done.stdout, done.stderr
    assert "| 王玥 Müller | 2 |" in (tmp_path / "report" / "report.md").read_text("utf-8")
