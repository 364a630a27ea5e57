"""Names of code: two texts have the same name if they compute the same.

The working caches use these names (prepared clips, unfinished runs, executed notebooks), because
code changes between two versions while somebody edits it; saved results use the versions of their
steps (`merlib.versions`). A name ignores what cannot change a result: comments, docstrings,
annotations of functions, names of local variables, the order of imports, and the place of a module.
"""

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

from . import PLACES
from .config import digest

PACKAGE = Path(__file__).resolve().parent

Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Named = ast.ExceptHandler | ast.MatchAs | ast.MatchStar


def key(*modules: str) -> str:
    """Return 12 hex digits that name the code of modules and of all that they import of merlib.

    The modules have full names, such as ``merlib.preprocess.flow``.
    """
    return digest(sorted(meaning(text_of(name)) for name in behind(*modules)))


def behind(*modules: str) -> set[str]:
    """Return modules and all modules of merlib that they import, directly or indirectly."""
    found: set[str] = set()
    todo = set(modules)
    while todo:
        name = todo.pop()
        found.add(name)
        todo |= imported(text_of(name), name) - found
    return found


def imported(text: str, name: str = "") -> set[str]:
    """Return the full names of merlib's modules that Python code imports anywhere.

    ``name`` is the module of the code, where its relative imports start.
    """
    path = path_of(name)
    package = name if path and path.stem == "__init__" else name.rpartition(".")[0]
    found: set[str] = set()
    for start, alias in written(text, package):
        public = PLACES.get(alias) if start == PACKAGE.name else None
        part = f"{start}.{public or alias}"
        found.add(part if alias and path_of(part) else start)
    return {one for one in found if path_of(one)}


@cache
def written(text: str, package: str) -> frozenset[tuple[str, str]]:
    """Return what code imports: modules, and the names from them; without ``from`` no name."""
    found: set[tuple[str, str]] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = resolve_name("." * node.level + (node.module or ""), package)
            found |= {(start, alias.name) for alias in node.names}
    return frozenset(found)


def path_of(name: str) -> Path | None:
    """Return the file of a module of merlib; None if there is no such module."""
    first, *rest = name.split(".")
    place = PACKAGE.joinpath(*rest)
    files = [place / "__init__.py", place.with_suffix(".py")] if first == PACKAGE.name else []
    return next((path for path in files if path.is_file()), None)


def text_of(name: str) -> str:
    """Return the code of a module of merlib."""
    path = path_of(name)
    if path is None:
        raise ValueError(f"{name}: no such module of merlib")
    return path.read_text("utf-8")


@cache
def meaning(text: str) -> str:
    """Return 12 hex digits that name what Python code computes."""
    canonical = Canonical()
    tree = canonical.visit(ast.parse(text))
    return digest([sorted(canonical.imports), ast.dump(tree)])


class Canonical(ast.NodeTransformer):
    """Removes from a tree what cannot change a result, and numbers its local variables.

    Parameters keep their names, since callers use them.
    """

    def __init__(self) -> None:
        self.imports: set[str] = set()  # of merlib's modules the names without their places
        self.scopes: list[dict[str, str]] = []  # canonical names, from the outermost function
        self.count = 0

    def called(self, name: str) -> str:
        """Return the canonical form of a name."""
        return next((scope[name] for scope in reversed(self.scopes) if name in scope), name)

    @contextmanager
    def inside(self, variables: Iterable[str], parameters: Iterable[str] = ()) -> Iterator[None]:
        """Open a scope where variables have numbers and parameters keep their names."""
        scope = {name: name for name in parameters}
        for name in variables:
            if name not in scope:
                scope[name] = f"_{self.count}"
                self.count += 1
        self.scopes.append(scope)
        yield
        self.scopes.pop()

    def visit(self, node: ast.AST) -> Any:
        """Return the canonical form of a node."""
        if isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, Named):
            node.name = node.name and self.called(node.name)
        elif isinstance(node, ast.Name):
            node.id = self.called(node.id)
        elif isinstance(node, ast.Nonlocal):
            node.names = [self.called(name) for name in node.names]
        elif isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, Function):
            return self.function(node)
        if isinstance(node, Comprehension):
            return self.comprehension(node)
        return super().visit(node)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        """Number a function's own variables; its defaults and decorators are outside of it."""
        node.name, node.returns = self.called(node.name), None
        node.decorator_list = [self.visit(one) for one in node.decorator_list]
        self.visit(node.args)
        shared = {name for one in own(node.body) if isinstance(one, ast.Global | ast.Nonlocal)
                  for name in one.names}  # fmt: skip
        names = [name for name in stored(node.body) if name not in shared]
        with self.inside(names, parameters(node.args)):
            node.body = [self.visit(one) for one in node.body]
        return node

    def comprehension(self, node: Comprehension) -> ast.AST:
        """Number the variables of a comprehension; its first iterator is outside of it."""
        first = node.generators[0]
        outside, first.iter = self.visit(first.iter), ast.Constant(None)
        with self.inside(stored([one.target for one in node.generators])):
            self.generic_visit(node)
        first.iter = outside
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        """Let the parameters keep their names."""
        self.visit(node.args)
        with self.inside([], parameters(node.args)):
            node.body = self.visit(node.body)
        return node

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> ast.Pass:
        """Note what is imported, and remove the import."""
        place = getattr(node, "module", None) or PACKAGE.name
        if getattr(node, "level", 0) or place.split(".")[0] == PACKAGE.name:
            place = PACKAGE.name
        self.imports |= {f"{place} {alias.name} {alias.asname}" for alias in node.names}
        return ast.Pass()

    visit_ImportFrom = visit_Import


def parameters(arguments: ast.arguments) -> list[str]:
    """Return the names of a function's parameters."""
    return [node.arg for node in ast.walk(arguments) if isinstance(node, ast.arg)]


def stored(parts: Iterable[ast.AST]) -> list[str]:
    """Return the names that get a value in parts of a tree, each once, in their order."""
    names = []
    for node in own(parts):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
        elif isinstance(node, Named | Function) and node.name:
            names.append(node.name)
    return list(dict.fromkeys(names))


def own(parts: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes of parts of a tree, without the bodies of functions and classes in them."""
    for node in parts:
        yield node
        if not isinstance(node, Function | Comprehension | ast.Lambda | ast.ClassDef):
            yield from own(list(ast.iter_child_nodes(node)))
