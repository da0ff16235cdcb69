"""Tilesets and the tile matrix set as OGC documents (20-057, 17-083r4): plain values, no SQL and no HTTP."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from app.catalogue.model import Lang
from app.maps.squares import HALF_M, WORLD_M
from app.ogc.collections import Box
from app.ogc.crs import CRS84
from app.ogc.links import HTML, HTML_QUERY, JSON, OGC_RELATION, Links, Query
from app.ogc.queryables import Queryable
from app.ogc.schemas import properties_schema
from app.tiles.matrix import MAX_ZOOM, NAME

MVT = "application/vnd.mapbox-vector-tile"
STYLE = "application/vnd.mapbox.style+json"
SETS = "/tileMatrixSets"
SET_PATH = f"{SETS}/{NAME}"
SET_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{NAME}"
MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
SCALES = "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible"
TILING_SCHEME, GEODATA, TILESETS = (
    f"{OGC_RELATION}{name}" for name in ("tiling-scheme", "geodata", "tilesets-vector")
)
#: Pixels of a side of a tile, and metres of the standardised rendering pixel (17-083r4 §6.2).
PIXELS, PIXEL_M = 256, 0.00028
#: Least zoom of the deepest tiles that clients ask for: a unit of their grid is 15 cm there.
DEEPEST = 16
_DIMENSIONS: Mapping[str, int] = {"point": 0, "line": 1, "polygon": 2}
_SET_TITLE = {"zh": "Web 墨卡托瓦片网格（谷歌地图兼容）", "en": "Google Maps Compatible for the World"}
_TILES_TITLE = {"zh": "矢量瓦片", "en": "vector tiles"}


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a tileset: `geometry` is point, line, polygon or mixed, `fields` are what its features may show."""

    id: str
    title: str
    description: str
    geometry: str
    fields: tuple[Queryable, ...]
    box: Box | None


@dataclass(frozen=True, slots=True)
class Tileset:
    """Vector tiles of something at `path` (`/collections/toilets`; empty: of the whole city) in WebMercatorQuad.

    `data` is the path of what they are made from; `query` chooses what is in them; `credits` are whose data it is.
    `deepest` is the last zoom that clients need: nearer, the same tiles are drawn larger. Of a `picture` nothing is
    clustered, and nobody is told what is left out.
    """

    path: str
    data: str
    title: str
    description: str
    layers: tuple[Layer, ...]
    box: Box | None
    deepest: int = DEEPEST
    query: Query = ()
    credits: tuple[str, ...] = ()
    picture: bool = False

    @property
    def list_path(self) -> str:
        """Where the list of its tilesets is, which are one."""
        return f"{self.path}/tiles"

    @property
    def own_path(self) -> str:
        """Where its documents are."""
        return f"{self.path}/tiles/{NAME}"

    def template(self, base: str, names: tuple[str, str, str]) -> str:
        """The address of a tile below `base`, with the names of zoom, row and column in braces."""
        places = "/".join(f"{{{name}}}" for name in names)
        return f"{base}{self.own_path}/{places}{f'?{urlencode(list(self.query))}' if self.query else ''}"


def matrix_set(links: Links, lang: Lang) -> dict[str, Any]:
    """`/tileMatrixSets/WebMercatorQuad` (17-083r4 §6.3 and Annex D.1)."""
    return {
        "id": NAME,
        "title": _SET_TITLE[lang],
        "uri": SET_URI,
        "crs": MERCATOR,
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": SCALES,
        "tileMatrices": [_matrix(zoom) for zoom in range(MAX_ZOOM + 1)],
        "links": [
            links.to(SET_PATH, "self", JSON, "This document"),
            links.to(SET_PATH, "alternate", HTML, "This document as a page", HTML_QUERY),
        ],
    }


def _matrix(zoom: int) -> dict[str, Any]:
    cell = WORLD_M / PIXELS / 2**zoom
    return {
        "id": str(zoom),
        "scaleDenominator": cell / PIXEL_M,
        "cellSize": cell,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": [-HALF_M, HALF_M],
        "tileWidth": PIXELS,
        "tileHeight": PIXELS,
        "matrixWidth": 2**zoom,
        "matrixHeight": 2**zoom,
    }


def matrix_sets(links: Links, lang: Lang) -> dict[str, Any]:
    """`/tileMatrixSets`: the one set that there is."""
    own = links.to(SET_PATH, "self", JSON, "Its definition")
    return {
        "tileMatrixSets": [
            {"id": NAME, "title": _SET_TITLE[lang], "uri": SET_URI, "crs": MERCATOR, "links": [own]}
        ],
        "links": [
            links.to(SETS, "self", JSON, "This document"),
            links.to(SETS, "alternate", HTML, "This document as a page", HTML_QUERY),
        ],
    }


def tileset_list(tileset: Tileset, links: Links, lang: Lang) -> dict[str, Any]:
    """`…/tiles`: the tilesets of something (20-057 §9), of which there is one, for there is one matrix set."""
    query, path = list(tileset.query), tileset.list_path
    return {
        "title": tileset.title,
        "tilesets": [
            {
                **_head(tileset, lang),
                "links": [
                    links.to(tileset.own_path, "self", JSON, "The tileset", query),
                    links.to(SET_PATH, TILING_SCHEME, JSON, "The tile matrix set"),
                ],
            }
        ],
        "links": [
            links.to(path, "self", JSON, "This document", query),
            links.to(path, "alternate", HTML, "This document as a page", [*query, *HTML_QUERY]),
            links.to(tileset.data, GEODATA, JSON, "What the tiles are made from"),
        ],
    }


def tileset_document(tileset: Tileset, links: Links, lang: Lang) -> dict[str, Any]:
    """`…/tiles/WebMercatorQuad`: all there is to say of the tileset (17-083r4 §7, 20-057 §8).

    It names no tileMatrixSetLimits: an edit may bring a feature to any tile, and outside of limits none could be asked.
    """
    document = {
        **_head(tileset, lang),
        "tileMatrixSetId": NAME,
        "description": tileset.description,
        "keywords": [layer.title for layer in tileset.layers],
        "links": _links(tileset, links),
        "layers": [_layer(layer, tileset.deepest, lang) for layer in tileset.layers],
    }
    if tileset.credits:
        document["attribution"] = " · ".join(tileset.credits)
    if tileset.box is not None:
        document |= {
            "boundingBox": _box(tileset.box),
            "centerPoint": _centre(tileset.box, tileset.deepest),
        }
    return document


def good_zoom(box: Box, deepest: int, width: int = 800, height: int = 600) -> int:
    """The zoom at which a box fills a map of so many pixels, 512 of them a tile, as MapLibre counts zooms."""
    across = max((box[2] - box[0]) / 360, 1e-9)
    upward = max((_mercator(box[3]) - _mercator(box[1])) / (2 * math.pi), 1e-9)
    return max(0, min(deepest, math.floor(math.log2(min(width / across, height / upward) / 512))))


def _mercator(lat: float) -> float:
    return math.asinh(math.tan(math.radians(max(-85.05, min(85.05, lat)))))


def _head(tileset: Tileset, lang: Lang) -> dict[str, Any]:
    """What the list and the document both say."""
    between = "：" if lang == "zh" else ": "
    return {
        "title": f"{tileset.title}{between}{_TILES_TITLE[lang]}",
        "dataType": "vector",
        "crs": MERCATOR,
        "tileMatrixSetURI": SET_URI,
    }


def _links(tileset: Tileset, links: Links) -> list[dict[str, Any]]:
    query, own = list(tileset.query), tileset.own_path
    item: dict[str, Any] = {
        "href": tileset.template(links.base, ("tileMatrix", "tileRow", "tileCol")),
        "rel": "item",
        "type": MVT,
        "title": "The tiles",
        "templated": True,
    }
    return [
        links.to(own, "self", JSON, "This document", query),
        links.to(own, "alternate", HTML, "The tiles on a map", [*query, *HTML_QUERY]),
        item,
        links.to(own, "describedby", JSON, "TileJSON", [*query, ("f", "tilejson")]),
        links.to(own, "stylesheet", STYLE, "MapLibre style", [*query, ("f", "style")]),
        links.to(SET_PATH, TILING_SCHEME, JSON, "The tile matrix set"),
        links.to(tileset.data, GEODATA, JSON, "What the tiles are made from"),
    ]


def _layer(layer: Layer, deepest: int, lang: Lang) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": layer.id,
        "title": layer.title,
        "description": layer.description,
        "dataType": "vector",
        "minTileMatrix": "0",
        "maxTileMatrix": str(deepest),
        "propertiesSchema": {"type": "object", "properties": properties_schema(layer.fields, lang)},
    }
    if layer.geometry in _DIMENSIONS:
        found["geometryDimension"] = _DIMENSIONS[layer.geometry]
    if layer.box is not None:
        found["boundingBox"] = _box(layer.box)
    return found


def _box(box: Box) -> dict[str, Any]:
    return {
        "lowerLeft": list(box[:2]),
        "upperRight": list(box[2:]),
        "crs": CRS84,
        "orderedAxes": ["Lon", "Lat"],
    }


def centre(box: Box) -> list[float]:
    """Longitude and latitude of the middle of a box."""
    return [round((box[0] + box[2]) / 2, 6), round((box[1] + box[3]) / 2, 6)]


def _centre(box: Box, deepest: int) -> dict[str, Any]:
    zoom = good_zoom(box, deepest)
    matrix = _matrix(zoom)
    told = {name: matrix[name] for name in ("scaleDenominator", "cellSize")}
    return {"coordinates": centre(box), "crs": CRS84, "tileMatrix": str(zoom), **told}
