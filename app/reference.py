"""Writes docs/reference.md from the code: settings, commands, routes, classes, policies (`make docs`).

The laws fail where the page is stale, so nothing can be added without being documented.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence

import click
import typer
from fastapi.routing import APIRoute
from pydantic_core import PydanticUndefined

from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue, FeatureClass, Field, Policy
from app.cli import app as command_line
from app.main import ROUTERS
from app.settings import ROOT, Settings

PAGE = ROOT / "docs" / "reference.md"
HEAD = """# Reference

Generated from the code by `make docs`; don't edit it. Contents: [settings](#settings) · [commands](#commands) ·
[routes](#routes) · [classes](#classes) · [policies](#policies).
"""


def reference() -> str:
    """The whole page as Markdown."""
    catalogue = load_catalogue(ROOT / "geodata")
    parts = [HEAD, *_settings(), *_commands(), *_routes(), *_classes(catalogue), *_policies(catalogue)]
    return "\n".join(parts).rstrip() + "\n"


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [list(headings), ["---"] * len(headings), *([_cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _cell(value: object) -> str:
    return " ".join(str("" if value is None else value).split()).replace("|", "\\|")


def _settings() -> Iterator[str]:
    yield "## Settings\n\nEach is an environment variable.\n"
    rows = []
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        variable = alias if isinstance(alias, str) else f"CHENGTU_{name.upper()}"
        default = (
            "" if field.default in {None, PydanticUndefined} else str(field.default).replace(f"{ROOT}/", "")
        )
        rows.append((f"`{variable}`", f"`{default}`" if default else "", field.description))
    yield _table(("variable", "default", "meaning"), rows)


def _commands() -> Iterator[str]:
    yield "## Commands\n"
    root = typer.main.get_command(command_line)
    for path, command in _walk(root, ()):
        yield f"### `chengtu {' '.join(path)}`\n\n{_help(command)}\n"
        rows = [_parameter(item) for item in command.params if item.name != "help"]
        if rows:
            yield _table(("parameter", "default", "meaning"), rows)


def _walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name in sorted(below):
        yield from _walk(below[name], (*path, name))


def _help(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "").split("\f")[0].strip()


def _parameter(item: click.Parameter) -> tuple[str, str, str]:
    names = " ".join(f"`{name}`" for name in [*item.opts, *item.secondary_opts])
    if isinstance(item, click.Argument) or not item.opts[0].startswith("-"):
        names = f"`{(item.name or '').upper()}`"
    shown = "" if item.default in {None, False, ()} or callable(item.default) else f"`{item.default}`"
    return names, "required" if item.required else shown, getattr(item, "help", None) or ""


def _routes() -> Iterator[str]:
    yield "## Routes\n\n`/docs` shows them with their parameters and examples.\n"
    rows = []
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute):
                first = (route.summary or route.description or "").split("\n")[0]
                rows.append((f"`{' '.join(sorted(route.methods))} {route.path}`", first))
    yield _table(("route", "what"), sorted(set(rows), key=lambda row: row[0].split(" ", 1)[1]))


def _classes(catalogue: Catalogue) -> Iterator[str]:
    yield "## Classes\n"
    for item in sorted(catalogue.classes.values(), key=lambda found: (found.order, found.id)):
        yield f"### `{item.id}` {item.title.zh} · {item.title.en}\n\n{item.description.en} {_class_facts(item)}\n"
        yield _table(("field", "type", "中文", "English", "unit", "values"), map(_field, item.fields))


def _class_facts(item: FeatureClass) -> str:
    return f"Geometry: {item.geometry}; office: {item.office}; sensitivity: {item.sensitivity}."


def _field(item: Field) -> tuple[object, ...]:
    values = ", ".join(f"`{choice.value}` {choice.title.zh}" for choice in item.choices)
    return f"`{item.name}`", item.type, item.title.zh, item.title.en, item.unit, values


def _policies(catalogue: Catalogue) -> Iterator[str]:
    yield "## Policies\n"
    for item in sorted(catalogue.policies.values(), key=lambda found: found.id):
        yield f"### `{item.id}` {item.title.zh} · {item.title.en}\n\n{item.description.en}\n\n{_source(item)}\n"
        yield _table(("tier", "中文", "English", "served by", "target"), _tiers(item))


def _source(item: Policy) -> str:
    standing = "An official figure." if item.official else "Not an official figure."
    source = item.source
    return f"Version {item.version}. {standing} Source ({source.confidence}): {source.document}, {source.clause}."


def _tiers(item: Policy) -> Iterator[tuple[object, ...]]:
    for tier in item.tiers:
        served = "; ".join(f"`{supply.cls}` within {supply.radius_m:g} m" for supply in tier.supplies)
        yield f"`{tier.id}`", tier.title.zh, tier.title.en, served, tier.target


def main() -> None:
    """Write the page."""
    PAGE.write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
