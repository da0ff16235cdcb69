"""What a command does, read from its source: a list of all of them needs a sentence each, not every library."""

from __future__ import annotations

import ast
import inspect
from importlib.util import find_spec
from pathlib import Path


def told(module: str, name: str) -> str:
    """The help of the command `name` of a module: a function's docstring, a group's `help`; the module is not run.

    Raises:
    ------
    LookupError
        The module has no source to read, or no such command.
    """
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise LookupError(f"No source of {module}")
    for statement in ast.parse(Path(spec.origin).read_bytes()).body:
        match statement:
            case ast.FunctionDef() if statement.name == name:
                return inspect.cleandoc(ast.get_docstring(statement) or "")
            case ast.Assign(targets=[ast.Name(id=found)], value=ast.Call(keywords=given)) if found == name:
                return next(str(ast.literal_eval(one.value)) for one in given if one.arg == "help")
            case ast.ImportFrom(module=str(other), names=names) if name in {one.name for one in names}:
                return told(other, name)
    raise LookupError(f"No {name} in {module}")
