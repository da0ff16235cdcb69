"""What a single file draws: of one class, or of the ground. Names the parts; the store writes the SQL."""

from __future__ import annotations

from typing import Any

from app.catalogue.model import FeatureClass, Lang
from app.maps import ground, store
from app.maps.ground import GroundShapes
from app.maps.layers import has_shapes, is_pointed
from app.maps.squares import Square
from app.maps.store import Part
from app.maps.version_store import Sources

#: Every row is drawn at this zoom.
EVERY_ZOOM = 20


def class_members(cls: FeatureClass, sources: Sources, square: Square, lang: Lang) -> dict[str, Any]:
    """The members of a class: `points` and `shapes` {own}, as far as it has them."""
    table = sources[cls.id]
    part = Part(table, kind=table.c.kind if "kind" in table.c else None)
    members: dict[str, Any] = {}
    if is_pointed(cls):
        members["points"] = store.points(part, square, lang)
    if has_shapes(cls):
        members["shapes"] = {"own": store.shapes(part, square, EVERY_ZOOM, lang)}
    return members


def ground_members(sources: Sources, square: Square, zoom: int, lang: Lang) -> dict[str, Any]:
    """The members of the ground as detailed as at a zoom: shapes by group and the names on it."""
    shapes = {
        group: store.shapes(part, square, zoom, lang) for group, part in _ground_parts(sources, zoom).items()
    }
    return {"shapes": shapes, "labels": store.joined(_ground_labels(sources, square, zoom, lang))}


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


def _ground_labels(sources: Sources, square: Square, zoom: int, lang: Lang) -> list[Any]:
    areas = sources[ground.AREAS]
    by_level = Part(areas, where=store.is_one_of(areas.c.level, ground.ALL_LEVELS))
    lists: list[tuple[Any, Part]] = [(areas.c.level, by_level)]
    for names in (names for names in ground.NAMES if zoom >= names.from_zoom):
        table = sources[names.class_id]
        kept = store.is_one_of(table.c.kind, names.kinds) if names.kinds else None
        lists.append((store.constant(names.group), Part(table, where=kept)))
    return [store.labels(group, part, square, zoom, lang) for group, part in lists]
