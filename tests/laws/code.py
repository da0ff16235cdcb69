"""The program's source as data for the laws: modules, what they import at import time, their functions."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "app"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file of the program: its dotted name, path, syntax tree and text."""

    name: str
    path: Path
    tree: ast.Module
    text: str

    @property
    def room(self) -> str:
        """`coverage` of `app.coverage.gaps`; `main` of `app.main`."""
        return [*self.name.split("."), ""][1]

    @property
    def file(self) -> str:
        """The last part of the name: `store`, `service`, `routes`."""
        return self.name.rsplit(".", 1)[-1]


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the program but empty `__init__`s."""
    found = []
    for path in sorted(APP.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if text.strip():
            found.append(Module(name, path, ast.parse(text), text))
    return tuple(found)


def imports(module: Module) -> set[str]:
    """Dotted names that importing `module` imports; those for the type checker alone don't count."""
    return set(_imports(module.tree.body))


def _lazy(value: ast.expr) -> str:
    """The library that `name = lazy_module("library")` names, else ''."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "lazy_module":
        return str(ast.literal_eval(value.args[0]))
    return ""


def _imports(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Assign) and (name := _lazy(node.value)):
            yield name
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            yield from _imports([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from _imports([*node.body, *node.orelse, *node.finalbody])


@cache
def graph() -> dict[str, set[str]]:
    """Module → modules of the program that it imports."""
    names = {module.name for module in modules()}
    return {module.name: {_resolve(name, names) for name in imports(module)} - {""} for module in modules()}


def _resolve(name: str, names: set[str]) -> str:
    """`app.errors.NotFound` → `app.errors`; empty for what is not ours."""
    while name and name not in names:
        name = name.rpartition(".")[0]
    return name


@cache
def nodes(module: Module) -> tuple[ast.AST, ...]:
    """Every node of the module's tree."""
    return tuple(ast.walk(module.tree))


@cache
def functions(module: Module) -> tuple[Function, ...]:
    """Every function and method, nested ones too."""
    return tuple(node for node in nodes(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def body_lines(function: Function) -> int:
    """Lines of the function's body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def tracked_files() -> list[Path]:
    """Every file that is committed or would be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]
