"""No page tells where somebody's copy of the data lies, however that is spelled."""

import ast
import html
import json
import os
import unicodedata
from urllib.parse import quote

import nbformat
import pytest
from conftest import ROOT
from papermill.translators import PythonTranslator

from book.tools import handout, privacy, texts

MARK = "geheim"
NAMES = ["plain", "two words", "it's", 'a "quote"', "back\\slash", "für", "日本", "😀", "a&b<c>",
         "50%", "#x", "$HOME", "(x)[y]*", "tab\there"]  # fmt: skip
FOLDERS = [f"/{MARK}/{name}/CASME2" for name in NAMES]
FOLDERS += [f"../{MARK}/x", f"~/{MARK}/x", f"C:\\Users\\{MARK}\\Ärzte", f"\\\\server\\{MARK}",
            f"/{MARK}/x/", f"~{MARK}/x"]  # fmt: skip

SPELLINGS = {
    "as it is": str,
    "with more": lambda path: f"Error in {path}/sub01/img1.jpg: no such file",
    "Python": repr,
    "ASCII": ascii,
    "JSON": json.dumps,
    "JSON twice": lambda path: json.dumps(json.dumps(path)),
    "JSON of letters": lambda path: json.dumps(path, ensure_ascii=False),
    "HTML": html.escape,
    "HTML of text": lambda path: html.escape(path, quote=False),
    "HTML of Python": lambda path: html.escape(repr(path)),
    "HTML twice": lambda path: html.escape(html.escape(path)),
    "HTML numbers": lambda path: path.encode("ascii", "xmlcharrefreplace").decode(),
    "all numbers": lambda path: "".join(f"&#x{ord(letter):X};" for letter in path),
    "named": lambda path: path.replace("ü", "&uuml;").replace("'", "&apos;"),
    "address": quote,
    "whole address": lambda path: "file://" + quote(path, safe="").lower(),
    "address twice": lambda path: quote(quote(path)),
    "form": lambda path: quote(path).replace("%20", "+"),
    "bytes": lambda path: repr(path.encode()),
    "composed": lambda path: unicodedata.normalize("NFC", path),
    "decomposed": lambda path: unicodedata.normalize("NFD", path),
    "Windows": lambda path: path.replace("/", "\\"),
    "Windows in JSON": lambda path: json.dumps(path.replace("/", "\\")),
    "wrapped": lambda path: path.replace(" ", "\n    "),
    "absolute": lambda path: os.path.abspath(os.path.expanduser(path)),
    "relative": lambda path: os.path.relpath(os.path.expanduser(path)),
    "doubled": lambda path: path.replace("/", "//"),
    "in JSON slashes": lambda path: json.dumps(path).replace("/", "\\/"),
}


def executed(parameters):
    """What papermill leaves of a page, and the cell into which it writes the parameters."""
    notebook = nbformat.v4.new_notebook(metadata={"papermill": {"parameters": parameters}})
    own = nbformat.v4.new_code_cell("data_root = None\nseed = 0", metadata={"tags": ["parameters"]})
    cell = nbformat.v4.new_code_cell(PythonTranslator.codify(parameters))
    cell.metadata = nbformat.from_dict({"tags": ["injected-parameters"], "papermill": parameters})
    notebook.cells = [own, cell, nbformat.v4.new_code_cell("print(study.root)")]
    return notebook, cell


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_is_taken_out_of_cells_outputs_and_metadata_however_it_is_spelled(folder):
    told = {name: spell(folder) for name, spell in SPELLINGS.items()}
    parameters = {"dataset": "casme2", "data_root": folder, "seed": 3}
    notebook, cell = executed(parameters | {"overrides": {"table": folder, "classes": "three"}})
    output = nbformat.v4.new_output("display_data", dict.fromkeys(["text/html", "text/plain"], ""))
    output.data |= {"application/json": told, "text/html": list(told.values())}
    trace = nbformat.v4.new_output("error", ename="E", evalue=folder, traceback=list(told.values()))
    notebook.cells[2].outputs = [
        nbformat.v4.new_output("stream", text="\n".join(told.values())), output, trace,
    ]  # fmt: skip
    notebook.cells[2].metadata["where"] = told
    privacy.clean(notebook)
    kept = notebook.cells[2].outputs[1].data["application/json"]
    left = {name: text for name, text in kept.items() if privacy.NEUTRAL not in text}
    assert left == {} and MARK not in nbformat.writes(notebook).lower()
    values = {
        name: ast.literal_eval(value) for name, value in privacy.assigned(ast.parse(cell.source))
    }
    neutral = dict.fromkeys(("data_root", "table"), privacy.NEUTRAL)
    assert values == {"dataset": "casme2", "seed": 3, "classes": "three"} | neutral


@pytest.mark.parametrize(
    "line",
    [
        f"data_root = '{MARK}'",
        f"data_root = r'C:\\{MARK}'  # ü before",
        f"data_root = Path('/x') / '{MARK}'",
        f"data_root: str = (\n    '/home/ü'\n    '/{MARK}'\n)",
        f"data_root = f'/{MARK}/{{seed}}'",
        f"data_root = b'/{MARK}'",
        f"overrides = {{'landmarks': '{MARK}.onnx', 'evm': 'off'}}",
        f"overrides = dict(table='/{MARK}.xlsx')",
        f"anything = ['/{MARK}', 1]",
        f"a = b = '~/{MARK}'",
    ],
)
def test_a_folder_that_a_reader_writes_into_a_page_is_taken_out_too(line):
    source, found = privacy.without_paths(f"dataset = 'own'\n{line}\nseed = 0")
    assert MARK not in source and privacy.NEUTRAL in source and any(MARK in one for one in found)
    ast.parse(source)
    assert source.startswith("dataset = 'own'\n") and source.endswith("\nseed = 0")


def test_what_is_no_path_stays():
    source = "data_root = None  # a folder\nmethods = ['base', 'full']\noverrides = {'evm': 'off'}"
    assert privacy.without_paths(source) == (source, set())
    for page in (ROOT / "notebooks").glob("*.py"):
        notebook = texts.opened(page.read_text("utf-8"))
        before = [cell.source for cell in notebook.cells]
        privacy.clean(notebook)
        assert [cell.source for cell in notebook.cells] == before


def test_a_link_is_found_by_what_it_leads_to(tmp_path):
    (tmp_path / MARK).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / MARK)
    pattern = privacy.spelled([str(tmp_path / "link")])
    assert MARK not in pattern.sub("", f"{tmp_path / MARK}/a {tmp_path / 'link'}")


def test_pictures_stay_as_they_are():
    notebook, _ = executed({"data_root": "/a"})
    picture = nbformat.v4.new_output("display_data", {"image/png": "/a/a/a", "image/svg+xml": "/a"})
    picture.data["text/html"] = '<img src="data:image/png;base64,/a/a/a=="> /a'
    notebook.cells[2].outputs = [picture]
    privacy.clean(notebook)
    assert notebook.cells[2].outputs[0].data == {
        "image/png": "/a/a/a", "image/svg+xml": privacy.NEUTRAL,
        "text/html": f'<img src="data:image/png;base64,/a/a/a=="> {privacy.NEUTRAL}',
    }  # fmt: skip


def test_a_handout_keeps_no_folder(tmp_path):
    (tmp_path / "notebooks").mkdir()
    text = (ROOT / "notebooks" / "01_data.py").read_text("utf-8")
    page = tmp_path / "notebooks" / "01_data.py"
    page.write_text(text.replace("data_root = None", f"data_root = '/x/{MARK}'"), "utf-8")
    for folder in handout.make(tmp_path).iterdir():
        made = (folder / "01_data.ipynb").read_text("utf-8")
        assert MARK not in made and privacy.NEUTRAL in made
