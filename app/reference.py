"""Writes docs/reference.md from the code: settings, commands and routes (`make docs`).

The laws fail where the page is stale, so nothing can be added without being documented.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn, get_type_hints

import typer
from fastapi.routing import APIRoute
from pydantic_core import PydanticUndefined

from app.catalogue.parameters import PARAMETERS
from app.cli import app as command_line
from app.main import ROUTERS
from app.secret_files import is_secret, variable_of
from app.settings import ROOT, Settings

PAGE = ROOT / "docs" / "reference.md"
HEAD = """# Reference

Generated from the code by `make docs`; don't edit it. [Settings](#settings) · [commands](#commands) ·
[parameters](#parameters) · [routes](#routes) · [classes](classes.md) · [policies](policies.md) · [words](glossary.md)
"""


def reference() -> str:
    """The whole page as Markdown."""
    return "\n".join([HEAD, *_settings(), *_commands(), *_parameters(), *_routes()]).rstrip() + "\n"


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [list(headings), ["---"] * len(headings), *([_cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _cell(value: object) -> str:
    return " ".join(str("" if value is None else value).split()).replace("|", "\\|")


def _settings() -> Iterator[str]:
    yield "## Settings\n\nEach is an environment variable. A secret (🔑) may instead stand in a file that"
    yield "`<VARIABLE>_FILE` names, such as `DATABASE_URL_FILE`: nobody then sees it in the list of processes.\n"
    rows = []
    for name, field in Settings.model_fields.items():
        variable = variable_of(name, field)
        default = (
            "" if field.default in {None, PydanticUndefined} else str(field.default).replace(f"{ROOT}/", "")
        )
        rows.append(
            (
                f"`{variable}`{' 🔑' if is_secret(field) else ''}",
                f"`{default}`" if default else "",
                field.description,
            )
        )
    yield _table(("variable", "default", "meaning"), rows)


def _commands() -> Iterator[str]:
    yield "## Commands\n"
    root = typer.main.get_command(command_line)
    for path, command in _walk(root, ()):
        yield f"### `chengtu {' '.join(path)}`\n\n{_help(command)}\n"
        rows = [_parameter(item) for item in command.params if item.name != "help"]
        if rows:
            yield _table(("parameter", "default", "meaning"), rows)


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    # Typer carries its own copy of click, so a command's type has no public name.
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    if path and command.invoke_without_command and command.callback is not None:
        yield path, command
    for name in sorted(below):
        yield from _walk(below[name], (*path, name))


def _help(command: Any) -> str:
    return inspect.cleandoc(command.help or "").split("\f")[0].strip()


def _parameter(item: Any) -> tuple[str, str, str]:
    names = " ".join(f"`{name}`" for name in [*item.opts, *item.secondary_opts])
    if not item.opts[0].startswith("-"):
        names = f"`{(item.name or '').upper()}`"
    shown = "" if item.default in {None, False, ()} or callable(item.default) else f"`{item.default}`"
    return names, "required" if item.required else shown, getattr(item, "help", None) or ""


def _parameters() -> Iterator[str]:
    yield "## Parameters\n"
    yield "What a request may change of a policy: `parameters` in `POST /coverage`, `--set NAME=VALUE`.\n"
    rows = [
        (f"`{item.name}`", item.title.zh, item.title.en, item.changes.zh, item.changes.en, item.valid)
        for item in PARAMETERS.values()
    ]
    yield _table(("name", "中文", "English", "改变什么", "what it changes", "valid"), rows)


def _routes() -> Iterator[str]:
    yield "## Routes\n\n`/docs` shows them with their parameters and examples.\n"
    rows: set[tuple[str, str]] = set()
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and not _only_refuses(route):
                first = _first_line(route)
                rows.add((f"`{' '.join(sorted(route.methods or ()))} {route.path}`", first))
    ordered = sorted(rows, key=_path_of)
    yield _table(("route", "what"), ordered)


def _only_refuses(route: APIRoute) -> bool:
    """Whether a route is there only to say why there is nothing: no answer of it can be used."""
    return get_type_hints(route.endpoint).get("return") is NoReturn


def _path_of(row: tuple[str, str]) -> tuple[str, str]:
    method, path = row[0].split(" ", 1)
    return path, method


def _first_line(route: APIRoute) -> str:
    text: str = route.summary or route.description or ""
    return text.split("\n", maxsplit=1)[0]


def main() -> None:
    """Write the page."""
    PAGE.write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
