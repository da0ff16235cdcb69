"""What a square holds: of one class, or of the ground under every map. Names the parts; the store writes the SQL."""

from __future__ import annotations

from typing import Any

from app.catalogue.model import FeatureClass, Lang
from app.inventory.tables import Tables
from app.maps import store
from app.maps.layers import has_shapes, is_pointed
from app.maps.squares import Square
from app.maps.store import Part

#: Squares are 512 px: square z is drawn at map zoom z + 1.
ZOOM_STEP = 1
#: From this map zoom on every point stands alone.
ALONE_FROM = 17
#: Classes whose rows are the ground of every map; its version is that of the newest of them.
GROUND_CLASSES = (
    "water_bodies",
    "green_spaces",
    "parks",
    "residential_areas",
    "buildings",
    "streets",
    "districts",
)
#: Ground areas are drawn this many zooms before their own layer shows them one by one.
EARLY = 2


def class_members(
    cls: FeatureClass, tables: Tables, square: Square, zoom: int, lang: Lang, *, whole: bool = False
) -> dict[str, Any]:
    """The members of a class's square: `points`, `shapes` {own} and `labels`, as far as the class has them."""
    part = _class_part(cls, tables)
    members: dict[str, Any] = {}
    if is_pointed(cls):
        cell = 1 if whole or zoom >= ALONE_FROM else store.CELL
        members["points"] = store.points(part, square, lang, cell=cell)
    if has_shapes(cls):
        members["shapes"] = {"own": store.shapes(part, square, zoom, lang, whole=whole)}
        if not is_pointed(cls) and cls.geometry != "line":
            members["labels"] = store.labels(store.constant("own"), part, square, zoom, lang)
    return members


def _class_part(cls: FeatureClass, tables: Tables) -> Part:
    table = tables.current[cls.id]
    return Part(table, kind=table.c.kind if "kind" in table.c else None)


def ground_members(
    tables: Tables, square: Square, zoom: int, lang: Lang, *, whole: bool = False
) -> dict[str, Any]:
    """The members of a square of the ground: shapes by group and the names on it."""
    shapes = {
        group: store.shapes(part, square, zoom, lang, whole=whole)
        for group, part in _ground_parts(tables, zoom).items()
    }
    return {"shapes": shapes, "labels": store.joined(_ground_labels(tables, square, zoom, lang, whole=whole))}


def _ground_parts(tables: Tables, zoom: int) -> dict[str, Part]:
    table = tables.current
    streets, districts = table["streets"], table["districts"]
    parts = {
        "water": Part(table["water_bodies"], named=False, early=EARLY),
        "green": Part(table["green_spaces"], named=False, early=1),
        "parks": Part(table["parks"], named=False, early=EARLY),
        "streets": Part(streets, kind=streets.c.kind, mark=store.street_mark(streets)),
        "borders": Part(districts, kind=districts.c.level, named=False, outline=True),
    }
    if zoom >= 13:
        parts["residential"] = Part(table["residential_areas"], named=False)
    if zoom >= 15:
        parts["buildings"] = Part(table["buildings"], named=False)
    return parts


def _ground_labels(tables: Tables, square: Square, zoom: int, lang: Lang, *, whole: bool) -> list[Any]:
    table = tables.current
    districts, homes = table["districts"], table["residential_areas"]
    lists = [
        (
            districts.c.level,
            Part(districts, where=store.is_one_of(districts.c.level, _levels(zoom, whole=whole))),
        ),
        (store.constant("water"), Part(table["water_bodies"])),
    ]
    if zoom >= 14:
        lists.append((store.constant("park"), Part(table["parks"])))
    if zoom >= 16:
        estates = store.is_one_of(homes.c.kind, ("estate",))
        lists.append((store.constant("estate"), Part(homes, where=estates)))
    return [store.labels(group, part, square, zoom, lang) for group, part in lists]


def _levels(zoom: int, *, whole: bool) -> tuple[str, ...]:
    if whole:
        return ("district", "subdistrict", "community")
    if zoom < 13:
        return ("district",)
    return ("district", "subdistrict") if zoom < 16 else ("community",)
