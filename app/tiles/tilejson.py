"""TileJSON 3.0.0 of a tileset: where its tiles are and what their layers hold. Pure."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from app.ogc.queryables import Queryable
from app.tiles.tilesets import Layer, Tileset, centre, good_zoom

VERSION = "3.0.0"
#: What clusters of a layer say, and what the points of the layer `thinned`.
CLUSTER_FIELDS = {"cluster": "Boolean", "point_count": "Number"}
THINNED_FIELDS = {"collection": "String", "shown": "Number", "matched": "Number"}
_TYPES: Mapping[str, str] = {"integer": "Number", "number": "Number", "boolean": "Boolean"}


def tilejson(tileset: Tileset, base: str) -> dict[str, Any]:
    """The document, with the addresses of tiles below `base`."""
    deepest = tileset.deepest
    document: dict[str, Any] = {
        "tilejson": VERSION,
        "name": tileset.title,
        "description": tileset.description,
        "scheme": "xyz",
        "tiles": [tileset.template(base, ("z", "y", "x"))],
        "minzoom": 0,
        "maxzoom": deepest,
        "vector_layers": _layers(tileset),
    }
    if tileset.credits:
        # The specification lets clients read it as HTML, and they do.
        document["attribution"] = html.escape(" · ".join(tileset.credits))
    if tileset.box is not None:
        document["bounds"] = list(tileset.box)
        document["center"] = [*centre(tileset.box), good_zoom(tileset.box, deepest)]
    return document


def _layers(tileset: Tileset) -> list[dict[str, Any]]:
    """The layers; that of what is `thinned` is told of like any other."""
    if tileset.picture:
        return [_layer(layer, tileset.deepest, {}) for layer in tileset.layers]
    found = [_layer(layer, tileset.deepest, CLUSTER_FIELDS) for layer in tileset.layers]
    return [*found, _thinned(tileset.deepest)]


def _layer(layer: Layer, deepest: int, more: Mapping[str, str]) -> dict[str, Any]:
    fields = {item.name: _type(item) for item in layer.fields}
    return {
        "id": layer.id,
        "description": layer.title,
        "minzoom": 0,
        "maxzoom": deepest,
        "fields": {**fields, **more},
    }


def _type(item: Queryable) -> str:
    return _TYPES.get(item.type, "String")


def _thinned(deepest: int) -> dict[str, Any]:
    return {
        "id": "thinned",
        "description": "Layers of which the tile draws fewer features than there are",
        "minzoom": 0,
        "maxzoom": deepest,
        "fields": THINNED_FIELDS,
    }
