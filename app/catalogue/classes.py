"""Reads one class declaration: its fields, OSM rules, symbol and zoom rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast, get_args

from app.catalogue.codes import NO_CODES, check_components, read_codes
from app.catalogue.fields import FieldParts, build_field, check_value
from app.catalogue.model import (
    CodeSystem,
    FeatureClass,
    Field,
    GeometryKind,
    OsmRule,
    Parts,
    Symbol,
    ZoomRule,
)
from app.catalogue.names import (
    CLASS_LIMIT,
    HISTORY,
    RESERVED,
    RESERVED_CLASSES,
    RULE_LIMIT,
    find_clash,
)
from app.catalogue.sensitivity import OWNERS, with_sensitivity
from app.catalogue.source import Entry


class FieldSources(dict[str, FieldParts]):
    """The parts of shared fields by group and name; `built` keeps those built as their group declares them."""

    def __init__(self, groups: Mapping[str, FieldParts]) -> None:
        super().__init__(groups)
        self.built: dict[int, Field] = {}


SHAPES = ("circle", "square", "diamond", "line", "area")
GEOMETRIES: tuple[str, ...] = get_args(GeometryKind)
PARTS: tuple[str, ...] = get_args(Parts)
#: A pictogram of one of the two sets.
_ICON = re.compile(r"(maki|temaki)/[A-Za-z0-9_-]{1,60}")
_REQUIRED = ("id", "title", "description", "office", "geometry", "symbol", "zooms", "fields")
_OPTIONAL = (
    "accept", "aliases", "components", "counter", "duplicate_m", "include", "order", "osm", "owned_by", "parts",
    "restricted", "sensitivity", "z",
)  # fmt: skip
#: Fields that take the heights of a shape: that of a point, those of the ends of a line.
HEIGHTS: Mapping[str, int] = {"point": 1, "mixed": 1, "line": 2, "polygon": 0}
#: Points of one kind this near are reported as possible duplicates, where the class does not say (m).
DUPLICATE_M = 1.0
MAX_ZOOM = 22


def read_fields(entry: Entry) -> FieldParts:
    """The parts of every field declared in `entry`, by field name and key, in file order."""
    return {name: dict(body.members()) for name, body in entry.members()}


def read_class(
    entry: Entry, class_id: str, shared: FieldSources, codes: Mapping[str, CodeSystem] = NO_CODES
) -> FeatureClass:
    """The class declared in `entry`; `class_id` is the name of its file, `shared` the fields by group.

    `codes` are the code systems that it may name.

    Raises BadDeclaration.
    """
    found = entry.record(_REQUIRED, _OPTIONAL)
    if found["id"].name() != class_id:
        raise found["id"].fail(
            f"'{found['id'].value}' differs from the file's name", f"Write id: {class_id}."
        )
    check_class_name(found["id"])
    fields = _read_own_fields(found, shared, codes)
    components = read_codes(found["components"], codes) if "components" in found else {}
    check_components(found["fields"], fields, components, codes)
    by_name = {item.name: item for item in fields}
    geometry = cast(GeometryKind, found["geometry"].choice(GEOMETRIES))
    cls = FeatureClass(
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
        accept=tuple(cast(GeometryKind, item.choice(GEOMETRIES)) for item in _list(found, "accept")),
        order=found["order"].integer(0, 999) if "order" in found else 100,
        components=components,
        z=_read_heights(found["z"], by_name, geometry) if "z" in found else (),
        parts=_read_parts(found, geometry),
        duplicate_m=_read_duplicate(found, geometry),
        counter=found["counter"].text() if "counter" in found else "个",
        owned_by=tuple(name for name in OWNERS if name in by_name),
    )
    return with_sensitivity(cls, found)


def _read_heights(entry: Entry, fields: Mapping[str, Field], geometry: GeometryKind) -> tuple[str, ...]:
    names = entry.texts()
    if len(names) != HEIGHTS[geometry]:
        raise entry.fail(
            f"names {len(names)} fields",
            "A class of points names one, a class of lines that of the start and that of the end, others none.",
        )
    for item in entry.items():
        field = fields[item.one_of(item.value, fields, "field")]
        if field.type != "number" or field.unit != "m":
            raise item.fail(f"'{field.name}' is no number in m, so it cannot take a height")
    return names


def _read_parts(found: Mapping[str, Entry], geometry: GeometryKind) -> Parts:
    if "parts" in found:
        return cast(Parts, found["parts"].choice(PARTS))
    return "split" if geometry in ("point", "mixed") else "keep"


def _read_duplicate(found: Mapping[str, Entry], geometry: GeometryKind) -> float | None:
    pointlike = geometry in ("point", "mixed")
    if "duplicate_m" not in found:
        return DUPLICATE_M if pointlike else None
    if not pointlike:
        raise found["duplicate_m"].fail("is for points only", "Lines and polygons are compared as a whole.")
    return found["duplicate_m"].number(0)


def check_class_name(entry: Entry) -> None:
    """Refuse a name that something else bears, or that the names made of it would be too long for."""
    name = entry.name()
    if name in RESERVED_CLASSES or name.endswith(HISTORY):
        raise entry.fail(
            f"no class may be called '{name}'",
            f"Taken: {', '.join(RESERVED_CLASSES)} and all that ends in {HISTORY}.",
        )
    if len(name) > CLASS_LIMIT:
        raise entry.fail(f"'{name}' has {len(name)} characters", f"At most {CLASS_LIMIT}.")


def check_rule_name(entry: Entry, class_id: str, column: str) -> None:
    """Refuse a field whose name, together with that of its class, is longer than the database keeps."""
    room = RULE_LIMIT - len(class_id)
    if len(column) > room:
        raise entry.fail(f"'{column}' has {len(column)} characters", f"At most {room} in {class_id}.")


def _list(found: Mapping[str, Entry], key: str) -> list[Entry]:
    return found[key].items() if key in found else []


def _read_own_fields(
    found: Mapping[str, Entry], shared: FieldSources, codes: Mapping[str, CodeSystem]
) -> tuple[Field, ...]:
    """Common fields, then the included groups, then the class's own, which may amend the keys of a shared one."""
    # A field that the class leaves as the group declares it is built once for all classes.
    groups = ["common", *(item.choice(sorted(set(shared) - {"common"})) for item in _list(found, "include"))]
    merged: FieldParts = {}
    for group in groups:
        merged.update(shared.get(group, {}))
    for name, parts in read_fields(found["fields"]).items():
        merged[name] = {**merged.get(name, {}), **parts}
    at = found["fields"]
    fields = tuple(_build(at.child(name, None), parts, codes, shared) for name, parts in merged.items())
    check_names(found["fields"], fields)
    for item in fields:
        check_rule_name(found["fields"].child(item.name, None), found["id"].text(), item.name)
    return fields


def _build(
    at: Entry, parts: Mapping[str, Entry], codes: Mapping[str, CodeSystem], shared: FieldSources
) -> Field:
    if not any(group.get(at.path[-1]) is parts for group in shared.values()):
        return build_field(at, parts, codes)
    # The group holds `parts` for as long as this table lives, so no other object takes its id.
    if id(parts) not in shared.built:
        shared.built[id(parts)] = build_field(at, parts, codes)
    return shared.built[id(parts)]


def check_names(entry: Entry, fields: tuple[Field, ...]) -> None:
    """Refuse a field named like a column of every class, and a heading that would lead to two fields."""
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
    found = entry.record(("glyph", "color"), ("fill", "width", "shape", "icon"))
    if len(found["glyph"].text()) != 1:
        raise found["glyph"].fail(f"'{found['glyph'].value}' is not one character")
    return Symbol(
        glyph=found["glyph"].text(),
        color=found["color"].color(),
        fill=found["fill"].color() if "fill" in found else None,
        width=found["width"].number(0) if "width" in found else 2.0,
        shape=cast(Any, found["shape"].choice(SHAPES)) if "shape" in found else "circle",
        icon=_read_icon(found["icon"]) if "icon" in found else None,
    )


def _read_icon(entry: Entry) -> str:
    if not _ICON.fullmatch(entry.text()):
        raise entry.fail(
            f"'{entry.value}' names no pictogram", "Write maki/NAME or temaki/NAME, as maki/toilet."
        )
    return entry.text()


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
