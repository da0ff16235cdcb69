"""What a square holds: of one class, or of the ground under every map. Names the parts; the store writes the SQL."""

from __future__ import annotations

from typing import Any

from app.catalogue.model import FeatureClass, Lang
from app.maps import store
from app.maps.layers import has_shapes, is_pointed
from app.maps.squares import Square
from app.maps.store import Part
from app.maps.version_store import Sources

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
    cls: FeatureClass, sources: Sources, square: Square, zoom: int, lang: Lang, *, whole: bool = False
) -> dict[str, Any]:
    """The members of a class's square: `points`, `shapes` {own} and `labels`, as far as the class has them."""
    part = _class_part(cls, sources)
    members: dict[str, Any] = {}
    if is_pointed(cls):
        cell = 1 if whole or zoom >= ALONE_FROM else store.CELL
        members["points"] = store.points(part, square, lang, cell=cell)
    if has_shapes(cls):
        members["shapes"] = {"own": store.shapes(part, square, zoom, lang, whole=whole)}
        if not is_pointed(cls) and cls.geometry != "line":
            members["labels"] = store.labels(store.constant("own"), part, square, zoom, lang)
    return members


def _class_part(cls: FeatureClass, sources: Sources) -> Part:
    table = sources[cls.id]
    return Part(table, kind=table.c.kind if "kind" in table.c else None)


def ground_members(
    sources: Sources, square: Square, zoom: int, lang: Lang, *, whole: bool = False
) -> dict[str, Any]:
    """The members of a square of the ground: shapes by group and the names on it."""
    shapes = {
        group: store.shapes(part, square, zoom, lang, whole=whole)
        for group, part in _ground_parts(sources, zoom).items()
    }
    return {
        "shapes": shapes,
        "labels": store.joined(_ground_labels(sources, square, zoom, lang, whole=whole)),
    }


def _ground_parts(sources: Sources, zoom: int) -> dict[str, Part]:
    streets, districts = sources["streets"], sources["districts"]
    parts = {
        "water": Part(sources["water_bodies"], named=False, early=EARLY),
        "green": Part(sources["green_spaces"], named=False, early=1),
        "parks": Part(sources["parks"], named=False, early=EARLY),
        "streets": Part(streets, kind=streets.c.kind, mark=store.street_mark(streets)),
        "borders": Part(districts, kind=districts.c.level, named=False, outline=True),
    }
    if zoom >= 13:
        parts["residential"] = Part(sources["residential_areas"], named=False)
    if zoom >= 15:
        parts["buildings"] = Part(sources["buildings"], named=False)
    return parts


def _ground_labels(sources: Sources, square: Square, zoom: int, lang: Lang, *, whole: bool) -> list[Any]:
    districts, homes = sources["districts"], sources["residential_areas"]
    lists = [
        (
            districts.c.level,
            Part(districts, where=store.is_one_of(districts.c.level, _levels(zoom, whole=whole))),
        ),
        (store.constant("water"), Part(sources["water_bodies"])),
    ]
    if zoom >= 14:
        lists.append((store.constant("park"), Part(sources["parks"])))
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
