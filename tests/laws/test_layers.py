"""Imports go down only: rooms in their order, layers in theirs; libraries stay in the rooms that may use them."""

from __future__ import annotations

from functools import cache

from networkx import DiGraph, simple_cycles

from tests.laws.code import Module, graph, imports, modules

#: Room → the rooms it may import, besides itself. What is not listed here is not allowed.
BASE = {
    "errors", "garbage", "lazy", "logs", "meters", "parallel", "refused", "secret_files", "settings", "traces",
    "version",
}  # fmt: skip
DECLARED = BASE | {"catalogue", "space"}
STORED = DECLARED | {"database", "console"}
ROOMS = {
    "errors": set(),
    "garbage": set(),
    "lazy": set(),
    "told": set(),
    "parallel": set(),
    "version": set(),
    "pmtiles": {"errors"},
    "basemap": set(),
    "traces": set(),
    "meters": set(),
    "refused": {"meters"},
    "logs": {"settings", "traces"},
    "secret_files": {"errors"},
    "settings": {"errors", "basemap", "secret_files"},
    "setting_names": {"secret_files", "settings"},
    "console": BASE,
    "catalogue": BASE,
    "space": BASE | {"catalogue"},
    "database": BASE | {"catalogue", "console"},
    "network": DECLARED,
    "inventory": STORED | {"access", "jobs"},
    "jobs": STORED | {"access", "words"},
    "access": STORED | {"problems", "coverage", "web", "words"},
    "problems": BASE | {"access", "catalogue", "web", "words"},
    "words": BASE | {"catalogue"},
    "web": BASE | {"catalogue"},
    "history": STORED | {"inventory", "web", "access", "maps", "words"},
    "validation": STORED | {"inventory"},
    "ingest": STORED | {"inventory", "validation", "jobs", "access", "words"},
    "sample": STORED | {"inventory"},
    "coverage": STORED | {"inventory", "network", "jobs", "access", "web"},
    "maps": STORED | {"inventory", "coverage", "web", "access", "basemap", "pmtiles"},
    "exports": STORED | {"inventory", "coverage", "access", "jobs", "ogc", "tiles", "web"},
    "search": STORED | {"inventory", "web", "access", "maps", "ogc"},
    "reports": STORED | {"inventory", "web", "access", "maps"},
    "ogc": STORED | {"inventory", "validation", "coverage", "web", "access", "maps", "words"},
    "tiles": STORED | {"inventory", "coverage", "web", "access", "maps", "ogc", "pmtiles"},
    "field": STORED | {"inventory", "validation", "web", "access", "maps", "ogc", "words"},
    "assess": STORED | {"inventory", "access", "ogc"},
    "backup": STORED | {"access", "inventory"},
    "start": STORED | {"inventory", "coverage", "sample"},
}
#: Those that wire all rooms together.
WIRING = {"main", "cli", "city", "commands", "check_commands", "reference", "worker", "serve", "limits"}

#: Layer of a file by the last word of its name (`area_store` is a store); the others are as high as what they import.
LAYERS = {"routes": 4, "commands": 4, "service": 3, "store": 2}

#: By the last word of a file's name, as `…_store`, `…_routes`, `…_commands`.
SQLALCHEMY_FILES = {"store"}
SQLALCHEMY_ROOMS = {"database", "inventory"}
WEB_FILES = {"routes", "main", "problems", "reference", "serve"}
WEB_ROOMS = {"access"}


def _room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


@cache
def _layer(name: str) -> int:
    declared = LAYERS.get(name.rsplit(".", 1)[-1].rsplit("_", 1)[-1], 1)
    return declared if declared > 1 else max([1, *(_layer(used) for used in graph()[name])])


def test_a_room_imports_only_rooms_below_it():
    found = {}
    for module in modules():
        if module.room in WIRING or module.room == "":
            continue
        assert module.room in ROOMS, f"{module.name} is in a new room: say in ROOMS which rooms it may import"
        used = {_room(name) for name in graph()[module.name]} - {module.room, ""}
        found[module.name] = used - ROOMS[module.room]
    assert _offenders(found) == {}


def test_a_layer_imports_only_layers_below_it():
    """`routes|commands → service → store → pure`; only what wires all rooms together imports routes and commands."""
    found = {}
    for module in modules():
        limit = LAYERS.get(module.file.rsplit("_", 1)[-1], 5 if module.room in WIRING else 3)
        found[module.name] = {name for name in graph()[module.name] if _layer(name) > limit}
    assert _offenders(found) == {}


def _offenders(found: dict[str, set[str]]) -> dict[str, set[str]]:
    """The modules that import what they may not."""
    assert len(found) > 100
    return {name: used for name, used in found.items() if used}


def test_no_modules_import_each_other_in_a_circle():
    assert (
        list(simple_cycles(DiGraph([(name, used) for name, below in graph().items() for used in below])))
        == []
    )


def test_libraries_stay_where_they_belong():
    assert _offenders({module.name: _misplaced(module) for module in modules()}) == {}


def _misplaced(module: Module) -> set[str]:
    """Libraries that the module may not import."""
    libraries = {name.split(".")[0] for name in imports(module)}
    kind = module.file.rsplit("_", 1)[-1]
    refused = set()
    if kind not in SQLALCHEMY_FILES and module.room not in SQLALCHEMY_ROOMS:
        refused |= {"sqlalchemy", "psycopg", "geoalchemy2", "alembic"}
    if kind not in WEB_FILES and module.room not in WEB_ROOMS:
        refused |= {"fastapi", "starlette", "uvicorn"}
    if kind not in {"commands", "cli", "reference"}:
        refused |= {"typer", "click"}
    return libraries & refused


def test_past_revisions_do_not_change_with_the_catalogue():
    for path in sorted((modules()[0].path.parents[1] / "migrations").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert "app.catalogue" not in text, path.name
        assert "app.inventory" not in text, path.name
