"""What a square holds: of one class, or of the ground under every map. Names the parts; the store writes the SQL."""

from __future__ import annotations

from typing import Any

from app.catalogue.model import FeatureClass, Lang
from app.maps import ground, store
from app.maps.ground import GroundShapes
from app.maps.layers import has_shapes, is_pointed
from app.maps.squares import Square
from app.maps.store import Part
from app.maps.version_store import Sources

#: Squares are 512 px: square z is drawn at map zoom z + 1.
ZOOM_STEP = 1
#: From this map zoom on every point stands alone.
ALONE_FROM = 17


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
    shown = (shapes for shapes in ground.SHAPES if zoom >= shapes.from_zoom)
    return {shapes.group: _ground_part(shapes, sources[shapes.class_id]) for shapes in shown}


def _ground_part(shapes: GroundShapes, table: Any) -> Part:
    return Part(
        table,
        kind=table.c[shapes.kind] if shapes.kind else None,
        mark=store.street_mark(table) if shapes.marked else None,
        named=shapes.named,
        outline=shapes.outline,
        early=shapes.early,
    )


def _ground_labels(sources: Sources, square: Square, zoom: int, lang: Lang, *, whole: bool) -> list[Any]:
    areas = sources[ground.AREAS]
    levels = ground.ALL_LEVELS if whole else ground.named_levels(zoom)
    by_level = Part(areas, where=store.is_one_of(areas.c.level, levels))
    lists: list[tuple[Any, Part]] = [(areas.c.level, by_level)]
    for names in (names for names in ground.NAMES if zoom >= names.from_zoom):
        table = sources[names.class_id]
        kept = store.is_one_of(table.c.kind, names.kinds) if names.kinds else None
        lists.append((store.constant(names.group), Part(table, where=kept)))
    return [store.labels(group, part, square, zoom, lang) for group, part in lists]
