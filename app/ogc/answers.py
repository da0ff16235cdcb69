"""What the documents of OGC API Features look like, for the API definition: plain JSON Schema, none from elsewhere."""

from __future__ import annotations

from typing import Any

from app.access.openapi import PROBLEM, PROBLEM_REFERENCE
from app.ogc.links import GEOJSON, HTML, JSON

Schema = dict[str, Any]
Answers = dict[int | str, dict[str, Any]]

_TEXT: Schema = {"type": "string"}
_LINKS: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["href", "rel"],
        "properties": {"href": _TEXT, "rel": _TEXT, "type": _TEXT, "title": _TEXT},
    },
}


def _object(required: list[str], **properties: Schema) -> Schema:
    return {"type": "object", **({"required": required} if required else {}), "properties": properties}


_BBOX: Schema = {"type": "array", "items": {"type": "array", "items": {"type": "number"}, "minItems": 4}}
_EXTENT = _object([], spatial=_object(["bbox"], bbox=_BBOX, crs=_TEXT), temporal=_object([], trs=_TEXT))
LANDING = _object(["links"], title=_TEXT, description=_TEXT, links=_LINKS)
CONFORMANCE = _object(["conformsTo"], conformsTo={"type": "array", "items": _TEXT})
COLLECTION = _object(
    ["id", "links"],
    id=_TEXT,
    title=_TEXT,
    description=_TEXT,
    attribution=_TEXT,
    itemType=_TEXT,
    crs={"type": "array", "items": _TEXT},
    storageCrs=_TEXT,
    extent=_EXTENT,
    links=_LINKS,
)
COLLECTIONS = _object(
    ["collections", "links"], collections={"type": "array", "items": COLLECTION}, links=_LINKS
)
FEATURE = _object(
    ["type", "geometry", "properties"],
    type={"type": "string", "enum": ["Feature"]},
    id={"type": "integer"},
    geometry=_object(["type"], type=_TEXT) | {"type": ["object", "null"]},
    properties={"type": "object"},
    links=_LINKS,
)
FEATURES = _object(
    ["type", "features"],
    type={"type": "string", "enum": ["FeatureCollection"]},
    features={"type": "array", "items": FEATURE},
    numberReturned={"type": "integer", "minimum": 0},
    numberMatched={"type": "integer", "minimum": 0},
    links=_LINKS,
)

_TILESET = _object(
    ["dataType", "crs", "links"], title=_TEXT, dataType=_TEXT, crs=_TEXT, tileMatrixSetURI=_TEXT, links=_LINKS
)
TILESETS = _object(["tilesets"], tilesets={"type": "array", "items": _TILESET}, links=_LINKS)
MATRIX_SET = _object(
    ["id", "crs", "tileMatrices"],
    id=_TEXT,
    crs=_TEXT,
    tileMatrices={"type": "array", "items": {"type": "object"}},
)
MATRIX_SETS = _object(
    ["tileMatrixSets"], tileMatrixSets={"type": "array", "items": _object(["links"], id=_TEXT, links=_LINKS)}
)


def document(schema: Schema, description: str) -> Answers:
    """The answers of a route that gives a document as JSON and as a page."""
    return {
        200: {"description": description, "content": {JSON: {"schema": schema}, HTML: {"schema": _TEXT}}},
        304: {"description": "The client's copy (`If-None-Match`) is still right."},
    }


def feature(schema: Schema, description: str, example: Any = None, others: tuple[str, ...] = ()) -> Answers:
    """The answers of a route that gives features as GeoJSON, as a page and in the media types `others`."""
    shown = {"schema": schema} if example is None else {"schema": schema, "example": example}
    content = {GEOJSON: shown, HTML: {"schema": _TEXT}}
    files: dict[str, Any] = {name: {"schema": {"type": "string", "format": "binary"}} for name in others}
    return {
        200: {"description": description, "content": content | files},
        304: {"description": "The client's copy (`If-None-Match`) is still right."},
        400: {
            "description": "What cannot be asked, and why; a browser is told on the page.",
            "content": {PROBLEM: {"schema": PROBLEM_REFERENCE}, HTML: {"schema": _TEXT}},
        },
    }


def tileset(description: str, style: str) -> Answers:
    """The answers of a route that gives a tileset: its metadata or TileJSON, a style of media type `style`, a map."""
    forms = {
        JSON: {"schema": _TILESET | {"required": []}},
        style: {"schema": {"type": "object"}},
        HTML: {"schema": _TEXT},
    }
    return {
        200: {"description": description, "content": forms},
        304: {"description": "The client's copy (`If-None-Match`) is still right."},
    }
