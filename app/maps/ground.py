"""What the ground of every map is drawn of, declared once for Folium pages and tiles: classes, zooms, names.

Zooms are those of maps whose world is 256 · 2^zoom pixels wide (Leaflet's).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GroundShapes:
    """One group of lines or areas: the class drawn, from which zoom on, how many zooms before its rows' own.

    `kind` is the field that tells its rows apart. `marked` adds whether a row is in a tunnel or on a bridge.
    `outline` draws the borders of areas. `named`: names are written along the lines, from the zoom `named_from` on.
    """

    group: str
    class_id: str
    from_zoom: int = 0
    early: int = 0
    kind: str | None = None
    marked: bool = False
    named: bool = False
    named_from: int = 0
    outline: bool = False


@dataclass(frozen=True, slots=True)
class GroundNames:
    """The names of one class, from which zoom on; `kinds` are the only kinds that are named, where not all are."""

    class_id: str
    group: str
    from_zoom: int = 0
    kinds: tuple[str, ...] = ()


#: Ground areas are drawn this many zooms before their own layer shows them one by one.
EARLY = 2
SHAPES = (
    GroundShapes("water", "water_bodies", early=EARLY),
    GroundShapes("green", "green_spaces", early=1),
    GroundShapes("parks", "parks", early=EARLY),
    GroundShapes("residential", "residential_areas", from_zoom=13),
    GroundShapes("buildings", "buildings", from_zoom=15),
    GroundShapes("streets", "streets", kind="kind", marked=True, named=True, named_from=14),
    GroundShapes("borders", "districts", kind="level", outline=True),
)
NAMES = (
    GroundNames("water_bodies", "water"),
    GroundNames("parks", "park", from_zoom=14),
    GroundNames("residential_areas", "estate", from_zoom=16, kinds=("estate",)),
)
#: The class whose names stand by level, and which levels are named from which zoom on.
AREAS = "districts"
_LEVELS = ((16, ("community",)), (13, ("district", "subdistrict")), (0, ("district",)))
ALL_LEVELS = ("district", "subdistrict", "community")
#: Classes whose rows are the ground of every map; its version is that of the newest of them.
GROUND_CLASSES = tuple(shapes.class_id for shapes in SHAPES)
#: Zoom of the deepest tiles of the ground, which hold all there is; deeper views are drawn from these.
DEEPEST = 15


def named_levels(zoom: int) -> tuple[str, ...]:
    """The levels of areas that are named at a zoom."""
    return next(levels for first, levels in _LEVELS if zoom >= first)
