"""Use cases of the documents on tiles: what tilesets there are, what is in them, and whose data versions decide it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.catalogue.model import Catalogue, FeatureClass, Lang, Title
from app.coverage.service import get_run, parse_run
from app.database.transactions import Connection
from app.errors import unknown
from app.inventory.changes import data_versions, list_origins
from app.inventory.kept import once
from app.inventory.store import bounds
from app.inventory.times import Times
from app.maps import run_store
from app.maps import service as maps
from app.maps.ground import GROUND_CLASSES
from app.maps.run_service import run_title
from app.ogc.collections import Box
from app.ogc.items_service import times_of
from app.ogc.queryables import Kind, Queryable, queryables_of
from app.ogc.run_collections import RUN_COLLECTIONS
from app.tiles.asked import TilesAsked
from app.tiles.attributes import FULL_FROM, class_attributes, run_attributes
from app.tiles.background import ATTRIBUTES, LAST_ZOOM, layer_names
from app.tiles.layers import Layer as Planned
from app.tiles.matrix import NAME
from app.tiles.plan import plan_of
from app.tiles.tilesets import DEEPEST, Layer, Tileset
from app.tiles.version_store import RUNS, read_versions

#: Layers that a title names.
TITLED = 3
CITY_TITLE = Title("全市", "The whole city")
CITY_DESCRIPTION = Title(
    "全部设施类别，每类一个图层；用 collections 选择类别。",
    "Every class as a layer; `collections` chooses among them.",
)
RUN_DESCRIPTION = Title(
    "一次覆盖率计算：分区、缺口、需求单元、差异。",
    "One coverage run: its areas, gaps, units of demand and the difference of its modes.",
)
GROUND_TITLE = Title("底图", "Background")
GROUND_DESCRIPTION = Title(
    "由本市自有数据绘成的底图：水体、绿地、公园、居住区、建筑、道路、界线与注记。",
    "The ground of every map, from the city's own data: water, green, parks, buildings, streets, borders, names.",
)
_GROUND_TITLES = {
    "water": Title("水体", "Water"),
    "green": Title("绿地", "Green spaces"),
    "parks": Title("公园", "Parks"),
    "residential": Title("居住区", "Residential areas"),
    "buildings": Title("建筑", "Buildings"),
    "streets": Title("道路", "Streets"),
    "borders": Title("界线", "Borders"),
    "labels": Title("注记", "Names"),
}
_GROUND_SHAPES = {"streets": "line", "borders": "line", "labels": "point"}
_KINDS: dict[str, Kind] = {"string": "text", "boolean": "boolean", "integer": "integer"}


def check_set(name: str) -> None:
    """Raise NotFound for a tile matrix set that there is not."""
    if name != NAME:
        raise unknown("tile matrix set", name, [NAME])


def version(conn: Connection, catalogue: Catalogue) -> str:
    """What decides every document on tiles: a change of any class, or a new run.

    Of every class by itself: an import may draw its number long before a change of another class that is seen earlier.
    """
    found = read_versions(conn, catalogue.classes, (*catalogue.classes, RUNS))
    return hashlib.blake2b(repr(found).encode(), digest_size=8).hexdigest()


def collection_tileset(
    conn: Connection, catalogue: Catalogue, collection: str, asked: TilesAsked, lang: Lang
) -> Tileset:
    """The tiles of one collection; raises NotFound and BadInput as `plan_of` does."""
    plan = plan_of(conn, catalogue, [collection], asked)
    (layer,) = _layers(conn, catalogue, plan.layers, asked, lang)
    path = f"/collections/{collection}"
    return Tileset(
        path=path,
        data=path,
        title=layer.title,
        description=layer.description,
        layers=(layer,),
        box=layer.box,
        deepest=_deepest(plan.classes),
        query=asked.kept,
        credits=_credits(conn, plan.classes),
    )


def city_tileset(conn: Connection, catalogue: Catalogue, asked: TilesAsked, lang: Lang) -> Tileset:
    """The tiles of several collections, by default of every class that holds anything; raises as `plan_of` does."""
    names = asked.chosen
    plan = plan_of(conn, catalogue, names, asked)
    layers = _layers(conn, catalogue, plan.layers, asked, lang)
    shown = tuple(layer for layer in layers if names is not None or layer.box is not None)
    return Tileset(
        path="",
        data="/collections",
        title=CITY_TITLE.in_(lang) if names is None else _titles(shown, lang),
        description=CITY_DESCRIPTION.in_(lang),
        layers=shown,
        box=_around(layer.box for layer in shown),
        deepest=_deepest(plan.classes),
        query=asked.kept,
        credits=_city_credits(conn, catalogue, lang),
    )


def run_tileset(conn: Connection, catalogue: Catalogue, run: str, asked: TilesAsked, lang: Lang) -> Tileset:
    """The tiles of one coverage run: its collections as layers; raises NotFound and BadInput."""
    found, key = get_run(conn, run, areas=False), parse_run(run)
    own = replace(asked, where=(*asked.where, ("run", (str(key),))))
    plan = plan_of(conn, catalogue, list(RUN_COLLECTIONS), own)
    box = once(conn, ("run extent", str(key)), lambda: run_store.extent(conn, key))
    layers = _layers(conn, catalogue, plan.layers, own, lang)
    return Tileset(
        path=f"/coverage/{key}",
        data=f"/coverage/{key}",
        title=run_title(found, lang),
        description=RUN_DESCRIPTION.in_(lang),
        layers=tuple(replace(layer, box=box) for layer in layers),
        box=box,
        query=asked.kept,
        credits=_city_credits(conn, catalogue, lang),
    )


def background_tileset(conn: Connection, catalogue: Catalogue, lang: Lang) -> Tileset:
    """The tiles of the ground under every map."""
    ground_classes = [catalogue.get_class(class_id) for class_id in GROUND_CLASSES]
    return Tileset(
        path="/background",
        data="/",
        title=GROUND_TITLE.in_(lang),
        description=GROUND_DESCRIPTION.in_(lang),
        layers=tuple(_ground_layer(name, lang) for name in layer_names()),
        box=_around(_extents(conn, ground_classes, TilesAsked()).values()),
        deepest=LAST_ZOOM,
        credits=_city_credits(conn, catalogue, lang),
        picture=True,
    )


def held_versions(conn: Connection, catalogue: Catalogue) -> dict[str, int]:
    """Class id → data version of every class that may be shown, by one question."""
    shown = maps.shown_classes(catalogue)
    return dict(zip(shown, data_versions(conn, list(shown.values())), strict=True))


def town_of(conn: Connection, catalogue: Catalogue, lang: Lang) -> maps.City:
    """The city as its pages introduce it, without the name of the library that draws them."""
    town = maps.city(conn, catalogue, held_versions(conn, catalogue), lang)
    return replace(town, attribution=[item for item in town.attribution if item["text"] != "Leaflet"])


def _ground_layer(name: str, lang: Lang) -> Layer:
    title = _GROUND_TITLES[name].in_(lang)
    fields = tuple(
        Queryable(field, _KINDS[kind], Title(field, field), field, frozenset())
        for field, kind in ATTRIBUTES.get(name, {}).items()
    )
    return Layer(name, title, title, _GROUND_SHAPES.get(name, "polygon"), fields, None)


def _layers(
    conn: Connection, catalogue: Catalogue, planned: Sequence[Planned], asked: TilesAsked, lang: Lang
) -> tuple[Layer, ...]:
    boxes = _extents(conn, [layer.cls for layer in planned if layer.cls is not None], asked)
    return tuple(_layer(catalogue, layer, boxes.get(layer.collection), lang) for layer in planned)


def _layer(catalogue: Catalogue, planned: Planned, box: Box | None, lang: Lang) -> Layer:
    about = planned.cls or RUN_COLLECTIONS[planned.collection]
    known = queryables_of(catalogue, planned.collection)
    names = planned.properties or _names(planned)
    return Layer(
        id=planned.collection,
        title=about.title.in_(lang),
        description=about.description.in_(lang),
        geometry=about.geometry,
        fields=tuple(known[name] for name in names if name in known),
        box=box,
    )


def _names(planned: Planned) -> tuple[str, ...]:
    if planned.cls is None:
        return run_attributes(planned.collection)
    return class_attributes(planned.cls, FULL_FROM)


def _extents(conn: Connection, classes: Sequence[FeatureClass], asked: TilesAsked) -> dict[str, Box | None]:
    """Where the features of classes are at the times that are asked for, each found once a data version."""
    if not classes:
        return {}
    times = times_of(conn, classes[0].id, datetime=asked.datetime, as_of=asked.as_of, known_at=asked.known_at)
    held = zip(classes, data_versions(conn, classes), strict=True)
    return {cls.id: _extent(conn, cls, times, now) for cls, now in held if now}


def _extent(conn: Connection, cls: FeatureClass, times: Times, now: int) -> Box | None:
    return once(conn, ("tiles extent", cls.id, now, times), lambda: bounds(conn, [cls], times))


def _deepest(classes: Iterable[FeatureClass]) -> int:
    """The zoom from which on every row of the classes is drawn, by their rules."""
    return max([DEEPEST, *(rule.zoom for cls in classes for rule in cls.zooms)])


def _around(boxes: Iterable[Box | None]) -> Box | None:
    found = [box for box in boxes if box is not None]
    if not found:
        return None
    west, south, east, north = zip(*found, strict=True)
    return min(west), min(south), max(east), max(north)


def _titles(layers: Sequence[Layer], lang: Lang) -> str:
    """The layers by name, of many the first ones."""
    said = ("、" if lang == "zh" else ", ").join(layer.title for layer in layers[:TITLED])
    return said if len(layers) <= TITLED else f"{said}…"


def _credits(conn: Connection, classes: Iterable[FeatureClass]) -> tuple[str, ...]:
    """Whose data the rows of classes are, where an import has said so."""
    texts = (
        origin["attribution"] or origin["source"] for cls in classes for origin in list_origins(conn, cls)
    )
    return tuple(dict.fromkeys(text for text in texts if text))


def _city_credits(conn: Connection, catalogue: Catalogue, lang: Lang) -> tuple[str, ...]:
    """Whose data the city's map is."""
    return tuple(item["text"] for item in town_of(conn, catalogue, lang).attribution)
