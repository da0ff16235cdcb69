"""Reads one class declaration: its fields, OSM rules, symbol and zoom rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast, get_args

from app.catalogue.fields import FieldParts, build_field, check_value
from app.catalogue.model import (
    FeatureClass,
    Field,
    GeometryKind,
    OsmRule,
    Sensitivity,
    Symbol,
    ZoomRule,
)
from app.catalogue.names import RESERVED, find_clash
from app.catalogue.source import Entry

FieldSources: TypeAlias = dict[str, FieldParts]
SHAPES = ("circle", "square", "diamond", "line", "area")
GEOMETRIES: tuple[str, ...] = get_args(GeometryKind)
SENSITIVITIES: tuple[str, ...] = get_args(Sensitivity)
_REQUIRED = ("id", "title", "description", "office", "geometry", "symbol", "zooms", "fields")
_OPTIONAL = ("accept", "aliases", "include", "order", "osm", "sensitivity")
MAX_ZOOM = 22


def read_fields(entry: Entry) -> FieldParts:
    """The parts of every field declared in `entry`, by field name and key, in file order."""
    return {name: dict(body.members()) for name, body in entry.members()}


def read_class(entry: Entry, class_id: str, shared: FieldSources) -> FeatureClass:
    """The class declared in `entry`; `class_id` is the name of its file, `shared` the fields by group.

    Raises BadDeclaration.
    """
    found = entry.record(_REQUIRED, _OPTIONAL)
    if found["id"].name() != class_id:
        raise found["id"].fail(
            f"'{found['id'].value}' differs from the file's name", f"Write id: {class_id}."
        )
    fields = _read_own_fields(found, shared)
    by_name = {item.name: item for item in fields}
    geometry = cast(GeometryKind, found["geometry"].choice(GEOMETRIES))
    return FeatureClass(
        id=class_id,
        title=found["title"].title(),
        description=found["description"].title(),
        office=found["office"].text(),
        geometry=geometry,
        fields=fields,
        symbol=_read_symbol(found["symbol"]),
        zooms=_read_zooms(found["zooms"], by_name, geometry),
        osm=tuple(_read_rule(item, by_name) for item in _list(found, "osm")),
        aliases=found["aliases"].texts() if "aliases" in found else (),
        sensitivity=_read_sensitivity(found),
        accept=tuple(cast(GeometryKind, item.choice(GEOMETRIES)) for item in _list(found, "accept")),
        order=found["order"].integer(0, 999) if "order" in found else 100,
    )


def _list(found: Mapping[str, Entry], key: str) -> list[Entry]:
    return found[key].items() if key in found else []


def _read_sensitivity(found: Mapping[str, Entry]) -> Sensitivity:
    if "sensitivity" not in found:
        return "public"
    return cast(Sensitivity, found["sensitivity"].choice(SENSITIVITIES))


def _read_own_fields(found: Mapping[str, Entry], shared: FieldSources) -> tuple[Field, ...]:
    """Common fields, then the included groups, then the class's own, which may amend the keys of a shared one."""
    groups = ["common", *(item.choice(sorted(set(shared) - {"common"})) for item in _list(found, "include"))]
    merged: FieldParts = {}
    for group in groups:
        merged.update(shared.get(group, {}))
    for name, parts in read_fields(found["fields"]).items():
        merged[name] = {**merged.get(name, {}), **parts}
    fields = tuple(build_field(found["fields"].child(name, None), parts) for name, parts in merged.items())
    _check_names(found["fields"], fields)
    return fields


def _check_names(entry: Entry, fields: tuple[Field, ...]) -> None:
    for item in fields:
        if item.name in RESERVED:
            raise entry.child(item.name, None).fail(
                "is a column that every class has already", f"Taken: {', '.join(RESERVED)}."
            )
    own = [(item.name, name) for item in fields for name in (item.name, item.title.zh, item.title.en)]
    clash = find_clash([*own, *((item.name, name) for item in fields for name in item.aliases)])
    if clash is not None:
        name, owner, other = clash
        raise entry.child(owner, None).fail(
            f"the heading '{name}' already means the field {other}", "A heading may lead to one field only."
        )


def _read_symbol(entry: Entry) -> Symbol:
    found = entry.record(("glyph", "color"), ("fill", "width", "shape"))
    if len(found["glyph"].text()) != 1:
        raise found["glyph"].fail(f"'{found['glyph'].value}' is not one character")
    return Symbol(
        glyph=found["glyph"].text(),
        color=found["color"].color(),
        fill=found["fill"].color() if "fill" in found else None,
        width=found["width"].number(0) if "width" in found else 2.0,
        shape=cast(Any, found["shape"].choice(SHAPES)) if "shape" in found else "circle",
    )


def _read_zooms(entry: Entry, fields: Mapping[str, Field], geometry: GeometryKind) -> tuple[ZoomRule, ...]:
    rules = tuple(_read_zoom(item, fields, geometry) for item in entry.items())
    if not rules or rules[-1] != ZoomRule(rules[-1].zoom):
        raise entry.fail(
            "the last rule must have only a zoom", "It is for the rows that no other rule takes."
        )
    return rules


def _read_zoom(entry: Entry, fields: Mapping[str, Field], geometry: GeometryKind) -> ZoomRule:
    sizes = {"line": ("length_m_min",), "polygon": ("area_m2_min",), "mixed": ("area_m2_min",)}
    found = entry.record(("zoom",), ("where", *sizes.get(geometry, ())))
    return ZoomRule(
        zoom=found["zoom"].integer(0, MAX_ZOOM),
        where=read_where(found["where"], fields) if "where" in found else {},
        area_m2_min=found["area_m2_min"].number(0) if "area_m2_min" in found else None,
        length_m_min=found["length_m_min"].number(0) if "length_m_min" in found else None,
    )


def read_where(entry: Entry, fields: Mapping[str, Field]) -> dict[str, tuple[Any, ...]]:
    """A row filter: field → the values it may have (null: unknown), each checked against the field."""
    where: dict[str, tuple[Any, ...]] = {}
    for name, values in entry.members():
        values.one_of(name, fields, "field")
        where[name] = tuple(check_value(item, fields[name], nullable=True) for item in values.items())
        if not where[name]:
            raise values.fail("lists no value, so no row could match")
    return where


def _read_rule(entry: Entry, fields: Mapping[str, Field]) -> OsmRule:
    found = entry.record(("tags",), ("unless", "set"))
    tags = _read_tags(found["tags"])
    if not tags:
        raise found["tags"].fail("names no tag, so every object would match")
    return OsmRule(
        tags=tags,
        unless=_read_tags(found["unless"]) if "unless" in found else {},
        set=_read_set(found["set"], fields) if "set" in found else {},
    )


def _read_tags(entry: Entry) -> dict[str, tuple[str, ...]]:
    tags: dict[str, tuple[str, ...]] = {}
    for key, values in entry.members():
        tags[key] = values.texts()
        if not tags[key] or ("*" in tags[key] and len(tags[key]) > 1):
            raise values.fail("lists no value, or * beside others", 'Write ["*"] for any value.')
    return tags


def _read_set(entry: Entry, fields: Mapping[str, Field]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, item in entry.members():
        item.one_of(name, fields, "field")
        values[name] = check_value(item, fields[name])
    return values
