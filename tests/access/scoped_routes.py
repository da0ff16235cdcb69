"""An address for every route that reads features, drawn by chance."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.access.scoped_town import KINDS, QUARTERS, Town
from tests.tiles.tiled import tile_at

Ask = Callable[[Town, random.Random], str]
_CLASSES = sorted(KINDS)
_STREAMED = ("csv", "geojsonseq", "flatgeobuf", "arrow", "parquet")


def _cls(rng: random.Random) -> str:
    return rng.choice(_CLASSES)


def _item(town: Town, rng: random.Random) -> str:
    cls, number = town.ids[rng.choice(sorted(town.ids))]
    return f"/collections/{cls}/items/{number}"


def _word(town: Town, rng: random.Random) -> str:
    return rng.choice(town.canaries).text


def _area(rng: random.Random) -> str:
    return rng.choice(("C", "W", "E", *QUARTERS))


def _tile(rng: random.Random) -> str:
    place = (rng.choice((115.845, 115.855, 115.865, 115.875)), rng.choice((28.665, 28.675, 28.685, 28.695)))
    tile = tile_at(rng.choice((3, 9, 12, 14, 15, 16)), *place)
    return f"/tiles/WebMercatorQuad/{tile.z}/{tile.row}/{tile.col}"


def _run(town: Town, rng: random.Random) -> str:
    return rng.choice((*town.runs, town.closed_run))


#: Route → an address of it. What is not told anything of features, or has no address here, stands in `ASIDE`.
ASKS: dict[str, list[Ask]] = {
    "GET /": [lambda *_: "/?f=html"],
    "GET /collections": [lambda *_: "/collections", lambda *_: "/collections?f=html"],
    "GET /collections/{collection}": [lambda _, r: f"/collections/{_cls(r)}"],
    "GET /collections/{collection}/items": [
        lambda _, r: f"/collections/{_cls(r)}/items?limit=1000",
        lambda _, r: f"/collections/{_cls(r)}/items?limit=2&sortby=-name_zh",
        lambda _, r: f"/collections/{_cls(r)}/items?f=html",
        lambda _, r: f"/collections/{_cls(r)}/items?f={r.choice(_STREAMED)}",
        lambda _, r: f"/collections/{_cls(r)}/items?bbox=115.84,28.66,115.866,28.69&limit=1000",
        lambda _, r: f"/collections/{_cls(r)}/items?area={_area(r)}&limit=1000",
        lambda t, r: f"/collections/{_cls(r)}/items?code={_word(t, r)}",
        lambda t, r: f"/collections/{_cls(r)}/items?filter=name_zh LIKE 'qx%25' OR code='{_word(t, r)}'",
        lambda _, r: f"/collections/{_cls(r)}/items?known_at=4&limit=1000",
        lambda _, r: f"/collections/{_cls(r)}/items?datetime=2026-01-01/..&limit=1000",
        lambda _, r: f"/collections/coverage_{r.choice(('areas', 'gaps', 'units', 'differences'))}/items?limit=1000",
        lambda t, r: f"/collections/coverage_gaps/items?run={_run(t, r)}&limit=1000",
    ],
    "GET /collections/{collection}/items/{item}": [_item, lambda t, r: f"{_item(t, r)}?f=html"],
    "GET /collections/{collection}/items/{item}/assessments": [lambda t, r: f"{_item(t, r)}/assessments"],
    "GET /assessments": [lambda *_: "/assessments", lambda *_: "/assessments?f=csv"],
    "GET /collections/{collection}/items/{item}/history": [
        lambda t, r: f"{_item(t, r)}/history",
        lambda t, r: f"{_item(t, r)}/history?f=html",
    ],
    "GET /collections/{collection}/queryables": [lambda _, r: f"/collections/{_cls(r)}/queryables"],
    "GET /collections/{collection}/sortables": [lambda _, r: f"/collections/{_cls(r)}/sortables"],
    "GET /collections/{collection}/schema": [lambda _, r: f"/collections/{_cls(r)}/schema"],
    "GET /changes": [lambda *_: "/changes", lambda _, r: f"/changes?class={_cls(r)}", lambda *_: "/changes?f=html"],
    "GET /imports": [lambda *_: "/imports"],
    "GET /summary": [
        lambda *_: "/summary",
        lambda _, r: f"/summary?area={_area(r)}&area_level=subdistrict",
        lambda *_: "/summary?f=html",
        lambda *_: "/summary?area=nowhere",
    ],
    "GET /completeness": [lambda *_: "/completeness", lambda *_: "/completeness?f=html"],
    "GET /completeness/{collection}": [lambda _, r: f"/completeness/{_cls(r)}"],
    "GET /areas/check": [lambda *_: "/areas/check"],
    "GET /search": [
        lambda t, r: f"/search?q={_word(t, r)}",
        lambda *_: "/search?q=qx&limit=100",
        lambda t, r: f"/search?q={_word(t, r)}&f=html",
    ],
    "GET /tiles": [lambda *_: "/tiles"],
    "GET /tiles/{tileMatrixSetId}": [lambda *_: "/tiles/WebMercatorQuad"],
    "GET /tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}": [lambda _, r: _tile(r)],
    "GET /collections/{collection}/tiles": [lambda _, r: f"/collections/{_cls(r)}/tiles"],
    "GET /collections/{collection}/tiles/{tileMatrixSetId}": [
        lambda _, r: f"/collections/{_cls(r)}/tiles/WebMercatorQuad"
    ],
    "GET /collections/{collection}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}": [
        lambda _, r: f"/collections/{_cls(r)}{_tile(r)}"
    ],
    "GET /background/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}": [
        lambda _, r: f"/background{_tile(r)}"
    ],
    "GET /coverage": [lambda *_: "/coverage", lambda *_: "/coverage?f=html"],
    "GET /coverage/{run}": [lambda t, r: f"/coverage/{_run(t, r)}?f=json"],
    "GET /coverage/{run}/areas": [lambda t, r: f"/coverage/{_run(t, r)}/areas?f={r.choice(('json', 'csv', 'xlsx'))}"],
    "GET /coverage/{run}/gaps": [
        lambda t, r: f"/coverage/{_run(t, r)}/gaps?f={r.choice(('json', 'csv', 'xlsx'))}",
        lambda t, r: f"/coverage/{_run(t, r)}/gaps?merged=true",
    ],
    "GET /coverage/{run}/difference": [lambda t, r: f"/coverage/{_run(t, r)}/difference"],
    "GET /coverage/{run}/service-area": [
        lambda t, r: f"/coverage/{_run(t, r)}/service-area?mode=straight&facility={_word(t, r)}",
        lambda t, r: f"/coverage/{_run(t, r)}/service-area?mode=straight",
    ],
    "GET /coverage/{run}/entrances": [lambda t, r: f"/coverage/{_run(t, r)}/entrances"],
    "GET /coverage/{run}/report": [lambda t, r: f"/coverage/{_run(t, r)}/report"],
    "GET /coverage/{run}/map": [lambda t, r: f"/coverage/{_run(t, r)}/map"],
    "GET /coverage/{run}/map/page.js": [lambda t, r: f"/coverage/{_run(t, r)}/map/page.js"],
    "GET /coverage/{run}/map/areas.json": [lambda t, r: f"/coverage/{_run(t, r)}/map/areas.json"],
    "GET /coverage/{run}/map/classes.json": [lambda t, r: f"/coverage/{_run(t, r)}/map/classes.json"],
    "GET /coverage/{run}/map/gaps/{mode}/{tier}.json": [
        lambda t, r: f"/coverage/{_run(t, r)}/map/gaps/straight/all.json"
    ],
    "GET /coverage/{run}/tiles": [lambda t, r: f"/coverage/{_run(t, r)}/tiles"],
    "GET /coverage/{run}/tiles/{tileMatrixSetId}": [lambda t, r: f"/coverage/{_run(t, r)}/tiles/WebMercatorQuad"],
    "GET /coverage/{run}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}": [
        lambda t, r: f"/coverage/{_run(t, r)}{_tile(r)}"
    ],
    "GET /coverage/compare": [lambda t, r: f"/coverage/compare?a={_run(t, r)}&b={_run(t, r)}&f=json"],
    "GET /coverage/compare/land": [lambda t, r: f"/coverage/compare/land?a={_run(t, r)}&b={_run(t, r)}"],
    "GET /coverage/compare/map": [lambda t, r: f"/coverage/compare/map?a={_run(t, r)}&b={_run(t, r)}"],
    "GET /coverage/compare/map/page.js": [
        lambda t, r: f"/coverage/compare/map/page.js?a={_run(t, r)}&b={_run(t, r)}"
    ],
    "GET /reach": [lambda _, r: f"/reach?lon={r.choice((115.85, 115.87))}&lat={r.choice((28.67, 28.69))}"],
    "GET /network": [lambda *_: "/network"],
    "GET /map": [lambda *_: "/map"],
    "GET /overview": [lambda *_: "/overview"],
    "GET /map/page.js": [lambda *_: "/map/page.js"],
    "GET /map/{collection}": [lambda _, r: f"/map/{_cls(r)}"],
    "GET /map/{collection}/page.js": [lambda _, r: f"/map/{_cls(r)}/page.js"],
    "GET /map/{collection}/features/{feature}.json": [
        lambda t, r: "/map/{}/features/{}.json".format(*town_id(t, r))
    ],
    "GET /map/planner/options.json": [lambda *_: "/map/planner/options.json"],
    "GET /map/planner/runs.json": [lambda *_: "/map/planner/runs.json"],
    "GET /map/planner/layers.json": [lambda *_: "/map/planner/layers.json"],
    "GET /map/planner/runs/{run}.json": [lambda t, r: f"/map/planner/runs/{_run(t, r)}.json"],
    "GET /map/planner/runs/{run}/gaps/{mode}/{tier}.json": [
        lambda t, r: f"/map/planner/runs/{_run(t, r)}/gaps/straight/all.json"
    ],
    "GET /field": [lambda *_: "/field"],
    "GET /field/near.json": [lambda _, r: f"/field/near.json?lon={r.choice((115.85, 115.87))}&lat=28.685"],
    "GET /field/features.json": [lambda _, r: f"/field/features.json?collection={_cls(r)}&area={_area(r)}"],
    "GET /field/{collection}/{item}.json": [lambda t, r: "/field/{}/{}.json".format(*town_id(t, r))],
    "GET /exports/{name}.{ext}": [
        lambda _, r: f"/exports/{_cls(r)}.{r.choice(('csv', 'geojson', 'gpkg', 'xlsx', 'kml', 'fgb', 'dxf'))}",
        lambda _, r: f"/exports/{_cls(r)}.csv?area={_area(r)}",
        lambda t, r: f"/exports/{_run(t, r)}.gpkg",
        lambda *_: "/exports/city.gpkg",
    ],
    "GET /exports/{name}.{kind}.zip": [lambda _, r: f"/exports/{_cls(r)}.{r.choice(('shp', 'csv'))}.zip"],
    "GET /exports/city.qgz": [lambda *_: "/exports/city.qgz"],
}  # fmt: skip
#: Routes that read and tell nothing of features, or refuse everybody here: nothing of that kind is drawn.
ASIDE = {
    "GET /conformance", "GET /api", "GET /docs", "GET /tileMatrixSets", "GET /tileMatrixSets/{tileMatrixSetId}",
    "OPTIONS /collections/{collection}/items", "OPTIONS /collections/{collection}/items/{item}",
    "GET /policies", "GET /policies/{policy}", "GET /basemap.pmtiles", "GET /photos/{photo}.jpg",
    "GET /imports/{import_id}", "GET /background/tiles", "GET /background/tiles/{tileMatrixSetId}",
    "GET /coverage/compare/map/land/{mode}/{tier}.json", "GET /exports/{name}.qgz",
    "GET /exports/{name}.pmtiles",
}  # fmt: skip


def town_id(town: Town, rng: random.Random) -> tuple[str, int]:
    return town.ids[rng.choice(sorted(town.ids))]
