"""The sentences that the program says, as they stand in its sources: a value in them is written as 7."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "app"
#: Call → places of its arguments that are sentences about a row.
ROW_CALLS = {
    "BadValue": (0, 1), "Outside": (0, 1), "_Cause": (0, 1), "BadShapeError": (0,), "refuse": (1,), "refuse_one": (1,),
    "_refuse_at": (2,), "add": (3, 4), "fault": (3, 4), "tell": (3, 4), "Reject": (3, 4), "Warned": (3, 4),
}  # fmt: skip
#: Errors that refuse a whole file, or a request: message and hint.
FILE_CALLS = dict.fromkeys(
    ("BadInput", "UnreadableFile", "TooLarge", "Conflict", "NoSpace", "NotFound", "BadGeometry"), (0, 1)
)
#: What is wrong with a value of an edit, and errors that only edits raise.
EDIT_CALLS = {"Fault": (2, 3), "BadValue": (0, 1), "_fault": (0,)} | dict.fromkeys(
    ("PreconditionFailed", "PreconditionRequired", "WrongMedia", "NotAllowed", "Unavailable", "_not_allowed"),
    (0, 1),
)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def files(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (APP / room).rglob("*.py"))


def said(path: Path, calls: dict[str, tuple[int, ...]]) -> Iterator[str]:
    """The sentences in the named calls of a module, and those that are noted as the faults of rows."""
    constants = {
        target.id: node.value
        for node in tree(path).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for place in calls.get(name, ()):
                if place < len(node.args):
                    yield from texts(node.args[place], constants)
        elif isinstance(node, ast.Assign) and calls is ROW_CALLS:
            for target in node.targets:
                if isinstance(target, ast.Subscript) and getattr(target.value, "id", "") == "faults":
                    yield from texts(node.value, constants)


def texts(node: ast.expr, constants: dict[str, ast.expr]) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            part.value if isinstance(part, ast.Constant) else _place(part, constants) for part in node.values
        )
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body, constants)
        yield from texts(node.orelse, constants)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from texts(value, constants)
    elif isinstance(node, ast.Name) and node.id in constants:
        yield from texts(constants[node.id], {})


def _place(part: ast.expr, constants: dict[str, ast.expr]) -> str:
    """A value as 7, a constant of the module as it is."""
    value = part.value if isinstance(part, ast.FormattedValue) else part
    return next(texts(value, constants), "7") if isinstance(value, ast.Name) else "7"


def every_text() -> str:
    """All texts of the program, one under another, with \\0 where a value stands."""
    found = []
    rooms = (
        "ingest", "validation", "access", "ogc", "catalogue", "space", "inventory", "history", "database", "coverage",
        "exports", "jobs", "maps", "network", "search", "tiles",
    )  # fmt: skip
    for path in (*files(*rooms), APP / "problems.py", APP / "errors.py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                found.append("".join(p.value if isinstance(p, ast.Constant) else "\0" for p in node.values))
    return "\n".join(found)
