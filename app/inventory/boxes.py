"""The SQL of a box: features that meet it, exactly, in degrees or in the system in which it was named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.space.served_crs import Box, ServedCrs, served_crs

LONLAT = 4326
#: From so many vertices a shape is clipped by a box without looking at how its parts lie to each other.
MANY_VERTICES = 10_000


def box_conditions(
    box: Sequence[float], srid: int = LONLAT, *, points: bool, rough: bool = False, geom: str = "geom"
) -> tuple[str, dict[str, Any]]:
    """The condition on the column `geom` and what it has bound: rows that meet a box of the system `srid`.

    `box` is x before y; west above east crosses 180°. `points`: the column holds points alone. `rough`: by the rows'
    own boxes, where only the planner reads it.
    """
    crs = served_crs(srid)
    asked: Box = (box[0], box[1], box[2], box[3])
    around = crs.lonlat_boxes(asked) if not crs.stored else crs.parts(asked)
    if not around:
        return "FALSE", {}
    values = _bound("", around)
    exact = crs.stored and not rough
    found = " OR ".join(
        _lonlat_condition(place, geom, points=points, exact=exact) for place in range(len(around))
    )
    if crs.stored or rough:
        return f"({found})", values
    parts = crs.parts(asked)
    inside = " OR ".join(f"ST_Intersects(p, {_envelope('p', place, srid)})" for place in range(len(parts)))
    # What the system cannot hold is cut off: a far vertex would make the whole statement fail.
    shape = f"(SELECT {inside} FROM (SELECT {projected(geom, crs)} AS p) projected)"
    return f"(({found}) AND {shape})", {**values, **_bound("p", parts)}


def projected(geom: str, crs: ServedCrs) -> str:
    """A stored shape in the system, x before y; what lies outside of where that is used is cut off.

    No limit of time stops an intersection, which of a very large shape may take minutes. Such a one is clipped, which
    goes along it once.
    """
    if crs.stored:
        return geom
    west, south, east, north = crs.domain
    domain = f"ST_MakeEnvelope({west}, {south}, {east}, {north}, {LONLAT})"
    large = f"WHEN ST_NPoints({geom}) > {MANY_VERTICES} THEN ST_ClipByBox2D({geom}, {domain}::box2d)"
    held = f"CASE WHEN {geom} @ {domain} THEN {geom} {large} ELSE ST_Intersection({geom}, {domain}) END"
    return f"ST_Transform({held}, {crs.srid})"


def _bound(prefix: str, boxes: Sequence[Box]) -> dict[str, float]:
    names = "wsen"
    return {
        f"{prefix}{side}{place}": number
        for place, box in enumerate(boxes)
        for side, number in zip(names, box, strict=True)
    }


def _sides(prefix: str, place: int) -> tuple[str, ...]:
    return tuple(f"%({prefix}{side}{place})s::float8" for side in "wsen")


def _envelope(prefix: str, place: int, srid: int) -> str:
    """The box bound as w, s, e, n with its prefix and place.

    The envelope of a diagonal is a line or a point where the box has no width; such a polygon would find nothing.
    """
    west, south, east, north = _sides(prefix, place)
    diagonal = f"ST_MakeLine(ST_MakePoint({west}, {south}), ST_MakePoint({east}, {north}))"
    return f"ST_SetSRID(ST_Envelope({diagonal}), {srid})"


def _lonlat_condition(place: int, geom: str, *, points: bool, exact: bool) -> str:
    envelope = _envelope("", place, LONLAT)
    if not exact:
        return f"{geom} && {envelope}"
    if not points:
        return f"ST_Intersects({geom}, {envelope})"
    west, south, east, north = _sides("", place)
    # The index knows single precision; comparing coordinates is exact and cheaper than ST_Intersects. The planner takes
    # a CASE for one row in two, the comparisons themselves for one in ten thousand, and would sort the whole box.
    outside = (
        f"ST_X({geom}) < {west} OR ST_X({geom}) > {east} OR ST_Y({geom}) < {south} OR ST_Y({geom}) > {north}"
    )
    return f"({geom} && {envelope} AND CASE WHEN {outside} THEN FALSE ELSE TRUE END)"
