"""What a collection's features are, may be asked and sorted by, as JSON Schema (OGC API Features Parts 3 and 5). Pure.

Three documents of one kind (23-058r1 §7): `/schema` describes the features themselves, `/queryables` (19-079r2 §6) what
filters may name, `/sortables` what `sortby` may.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.catalogue.model import Catalogue, FeatureClass, Lang, Title
from app.inventory.query import VALID_FIELDS, sortable_names
from app.ogc import store
from app.ogc.queryables import GEOMETRY, Queryable, queryables_of
from app.ogc.run_collections import RUN_COLLECTIONS

MEDIA_TYPE = "application/schema+json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: Queryables that features do not show.
HIDDEN = frozenset({"areas_touched", "crosses_border"})
#: What a feature's own day of the world begins and ends with.
_ROLES: Mapping[str, str] = {
    "id": "id",
    GEOMETRY: "primary-geometry",
    "valid_from": "primary-interval-start",
    "valid_to": "primary-interval-end",
}
_FORMATS: Mapping[str, str] = {
    "point": "geometry-point",
    "line": "geometry-multilinestring",
    "polygon": "geometry-multipolygon",
    "mixed": "geometry-any",
}
_SCHEMAS: Mapping[str, str] = {
    "point": "Point",
    "line": "MultiLineString",
    "polygon": "MultiPolygon",
    "mixed": "Geometry",
}
_TYPES: Mapping[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "array": {"type": "array", "items": {"type": "string"}},
}
#: Units as UCUM writes them, where we write them otherwise; what it does not know stands in braces there.
_UCUM: Mapping[str, str] = {"years": "a", "kVA": "kV.A"}
_COUNTED = frozenset({"pieces", "people", "households", "CNY"})
_WORDS: Mapping[str, Title] = {
    "schema": Title("要素结构", "Schema"),
    "queryables": Title("可筛选属性", "Queryables"),
    "sortables": Title("可排序属性", "Sortables"),
}


def queryables_schema(catalogue: Catalogue, collection: str, lang: Lang, address: str) -> dict[str, Any]:
    """`/queryables`: every property that a filter may name; `address` is the document's own."""
    found = queryables_of(catalogue, collection)
    members = properties_schema(found.values(), lang)
    # QGIS 3.32 to 4.0 know the geometry by it (and Part 5, which forbids it, is not claimed for this document).
    members[GEOMETRY]["$ref"] = (
        f"https://geojson.org/schema/{_SCHEMAS[found[GEOMETRY].geometry or 'mixed']}.json"
    )
    return _document("queryables", catalogue, collection, lang, address, members)


def sortables_schema(catalogue: Catalogue, collection: str, lang: Lang, address: str) -> dict[str, Any]:
    """`/sortables`: every property that `sortby` may name."""
    found = queryables_of(catalogue, collection)
    if collection in RUN_COLLECTIONS:
        names = store.run_names(collection)
    else:
        names = sortable_names(catalogue.get_class(collection))
    members = properties_schema((found[name] for name in names if name in found), lang)
    return _document("sortables", catalogue, collection, lang, address, members)


def feature_schema(catalogue: Catalogue, collection: str, lang: Lang, address: str) -> dict[str, Any]:
    """`/schema`: the members of a feature; those that only the server writes are read-only."""
    found = [item for item in queryables_of(catalogue, collection).values() if item.name not in HIDDEN]
    cls = catalogue.classes.get(collection)
    members = properties_schema(found, lang)
    for name, member in members.items():
        if not _written(cls, name):
            member["readOnly"] = True
        member.update(_limits(cls, name))
    members["geometry"] = members.pop(GEOMETRY)
    required = [item.name for item in cls.fields if item.required and item.default is None] if cls else []
    document = _document("schema", catalogue, collection, lang, address, members)
    return document | {"required": [*required, "geometry"]}


def _document(
    kind: str, catalogue: Catalogue, collection: str, lang: Lang, address: str, members: Mapping[str, Any]
) -> dict[str, Any]:
    about = RUN_COLLECTIONS.get(collection) or catalogue.get_class(collection)
    return {
        "$schema": DIALECT,
        "$id": address,
        "title": f"{about.title.in_(lang)}: {_WORDS[kind].in_(lang)}",
        "description": about.description.in_(lang),
        "type": "object",
        "properties": members,
        "additionalProperties": False,
    }


def properties_schema(found: Iterable[Queryable], lang: Lang) -> dict[str, dict[str, Any]]:
    """Name → JSON Schema of each property, in order."""
    return {item.name: _member(item, lang) | {"x-ogc-propertySeq": n} for n, item in enumerate(found, 1)}


def _member(item: Queryable, lang: Lang) -> dict[str, Any]:
    member: dict[str, Any] = {"title": item.title.in_(lang)}
    if item.description:
        member["description"] = item.description
    if item.type == "geometry":
        member["format"] = _FORMATS[item.geometry or "mixed"]
    else:
        member |= _TYPES[item.type]
    if item.choices:
        member["enum"] = [choice.value for choice in item.choices]
        member["oneOf"] = [
            {"const": choice.value, "title": choice.title.in_(lang)} for choice in item.choices
        ]
    if item.unit:
        member["x-ogc-unit"] = ucum(item.unit)
    if item.name in _ROLES:
        member["x-ogc-role"] = _ROLES[item.name]
    return member


def _written(cls: FeatureClass | None, name: str) -> bool:
    """Whether a client may say what the member is; the days of a feature are said as it is made."""
    if cls is None:
        return False
    return name in {"code", GEOMETRY, *VALID_FIELDS} or any(item.name == name for item in cls.fields)


def _limits(cls: FeatureClass | None, name: str) -> dict[str, float]:
    field = next((item for item in cls.fields if item.name == name), None) if cls else None
    if field is None:
        return {}
    found = {"minimum": field.minimum, "maximum": field.maximum}
    return {key: value for key, value in found.items() if value is not None}


def ucum(unit: str) -> str:
    """A unit in the case-sensitive form of the Unified Code for Units of Measure."""
    if unit in _COUNTED:
        return f"{{{unit}}}"
    return _UCUM.get(unit, unit.replace("²", "2").replace("³", "3"))
