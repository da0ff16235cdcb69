"""What a summary adds up: the whole city or one area, and the areas of one level that it is broken down by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from app.catalogue.model import AREA_LEVELS
from app.inventory.area_rows import get_area, list_areas
from app.inventory.areas import AREA_CLASSES, RANK
from app.inventory.changes import METRIC_CRS, areas_version, find_setting, raw
from app.inventory.conditions import home_values
from app.inventory.kept import once
from app.inventory.tables import table_name
from app.space.metric import MetricCrs, metric_crs

#: A part of the upper level that the areas of a level leave out, as a share of all: less is rounding.
GAP = 1e-9


@dataclass(frozen=True, slots=True)
class Scope:
    """The city, or one area, broken down by the `parts`: the areas of one level; `shapes` theirs, cut to the area.

    All shapes are in lon/lat: areas share borders there exactly, and the cut parts are then measured in metres.
    `ground` is what `shapes` cover together; `covered` the same of the level in the whole city, None where it leaves
    nothing of the districts out.
    """

    area: Mapping[str, Any] | None
    level: str
    siblings: list[str]
    parts: Sequence[Mapping[str, Any]]
    shapes: NDArray[np.object_]
    ground: Any
    whole: Any | None
    covered: Any | None
    crs: MetricCrs | None
    version: int

    @property
    def codes(self) -> list[str]:
        """Codes of the areas that figures are broken down by."""
        return [str(part["code"]) for part in self.parts]

    @property
    def key(self) -> tuple[object, ...]:
        """What tells this scope from any other, for keeping what was added up in it."""
        code = None if self.area is None else self.area["code"]
        return (code, self.level, self.version, None if self.crs is None else self.crs.definition)

    def values(self) -> dict[str, Any]:
        """The values that the statements of a summary have bound."""
        area = self.area or {"code": "", "area_path": ""}
        return {
            **home_values(str(area["area_path"])),
            "parts": self.codes,
            "siblings": self.siblings,
            "code": [area["code"]],
            "box": [-180.0, -90.0, 180.0, 90.0] if self.whole is None else list(self.whole.bounds),
            "covered": None if self.covered is None else shapely.to_wkb(self.covered),
        }


def read_scope(conn: Connection, area: str | None, level: str) -> Scope:
    """The scope of an area (code or name; None is the city) and a level; kept until the areas change.

    Raises:
        NotFound: There is no such area; the hint names the nearest ones.
    """
    found = None if area is None else get_area(conn, area)
    definition = find_setting(conn, METRIC_CRS)
    version = areas_version(conn)
    key = ("summary scope", None if found is None else found["code"], level, version, definition)
    return once(conn, key, lambda: _read(conn, found, level, definition, version))


def _read(
    conn: Connection, area: Mapping[str, Any] | None, level: str, definition: str | None, version: int
) -> Scope:
    crs = None if definition is None else metric_crs(definition)
    parts = list_areas(conn, level)
    shapes = area_shapes(conn, [row["code"] for row in parts])
    covered = _covered(conn, level, shapes)
    if area is None:
        return Scope(None, level, [], parts, shapes, _ground(shapes), None, covered, crs, version)
    whole = area_shapes(conn, [area["code"]])[0]
    siblings = [row["code"] for row in list_areas(conn, area["level"]) if row["code"] != area["code"]]
    inside = shapely.intersection(shapes, whole)
    return Scope(area, level, siblings, parts, inside, _ground(inside), whole, covered, crs, version)


def _ground(shapes: NDArray[np.object_]) -> Any:
    ground = shapely.union_all(shapes)
    shapely.prepare(ground)
    return ground


def area_shapes(conn: Connection, codes: Sequence[str]) -> NDArray[np.object_]:
    """The shapes of areas of any level, in lon/lat, in the order of the codes."""
    union = " UNION ALL ".join(
        f"SELECT code, geom FROM {table_name(name)} WHERE code = ANY(%(codes)s)" for name in AREA_CLASSES
    )
    cursor = raw(conn).cursor(binary=True)
    found: dict[str, bytes] = dict(cursor.execute(union.encode(), {"codes": list(codes)}).fetchall())
    shapes: NDArray[np.object_] = shapely.from_wkb(
        np.array([*(found[code] for code in codes), None], dtype=object)[:-1]
    )
    return shapes


def _covered(conn: Connection, level: str, shapes: NDArray[np.object_]) -> Any | None:
    """The union of a level below the districts where it leaves out some of them, else None.

    That a feature leaves its district is stored with it; that it leaves the only community it touches is not.
    """
    if RANK[level] <= RANK["district"] or not len(shapes):
        return None
    covered = shapely.union_all(shapes)
    districts = area_shapes(conn, [row["code"] for row in list_areas(conn, "district")])
    if not len(districts):
        return covered
    whole = shapely.union_all(districts)
    missing = shapely.area(shapely.difference(whole, covered))
    return covered if missing > GAP * shapely.area(whole) else None


def is_shown(scope: Scope, part: Mapping[str, Any]) -> bool:
    """Whether an area is shown even when empty: all are, or those above or within the area asked for."""
    if scope.area is None:
        return True
    coarser = AREA_LEVELS.index(scope.area["level"]) <= AREA_LEVELS.index(scope.level)
    above, below = (scope.area, part) if coarser else (part, scope.area)
    return f"{below['area_path']}/".startswith(f"{above['area_path']}/")
