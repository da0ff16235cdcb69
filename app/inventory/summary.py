"""What the city owns, in figures: numbers, kilometres and square metres by class, kind, state, year and district.

Numbers go by a feature's home; lengths and areas are cut at the borders of districts, and of the area asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from app.catalogue.model import AREA_LEVELS, Catalogue, FeatureClass
from app.inventory.area_rows import get_area, list_areas
from app.inventory.areas import AREA_CLASSES
from app.inventory.changes import METRIC_CRS, find_setting, raw, table_name
from app.inventory.conditions import AT_HOME, home_values
from app.space.metric import MetricCrs, metric_crs

Key = tuple[Any, Any, Any, Any]
#: Sizes below this share of the whole are what bending and rounding leave at a border, not a part outside.
ROUNDING = 1e-6


@dataclass(slots=True)
class Figure:
    """A number of features, their metres and square metres."""

    count: int = 0
    length_m: float = 0.0
    area_m2: float = 0.0

    def add(self, count: int, length_m: float, area_m2: float) -> None:
        """Add features to the figure."""
        self.count += count
        self.length_m += length_m
        self.area_m2 += area_m2


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is summed up: all, or one area; in lon/lat `shapes` of the districts (cut to it) and `whole`, the area.

    Borders are cut in lon/lat, where areas share them exactly, and the parts are then measured in metres.
    """

    area: Mapping[str, Any] | None
    siblings: list[str]
    districts: Sequence[Mapping[str, Any]]
    shapes: NDArray[np.object_]
    whole: Any | None
    crs: MetricCrs | None

    @property
    def codes(self) -> list[str]:
        return [str(district["code"]) for district in self.districts]


def summary(conn: Connection, catalogue: Catalogue, area: str | None = None) -> dict[str, Any]:
    """Figures of every class, in the city or in one area (code or name): count, km, m², by kind, state, year, district.

    Every feature counts; `incomplete` says how many of them are known not to be whole. A value or district of None is
    "unknown" or "outside all districts".

    Raises:
        NotFound: There is no such area; the hint names the nearest ones.
    """
    scope = _scope(conn, None if area is None else get_area(conn, area))
    return {
        "area": None if scope.area is None else dict(scope.area),
        "metric_crs": None if scope.crs is None else scope.crs.definition,
        "classes": [_class_summary(conn, cls, scope) for cls in catalogue.classes.values()],
    }


def _scope(conn: Connection, area: Mapping[str, Any] | None) -> _Scope:
    definition = find_setting(conn, METRIC_CRS)
    crs = None if definition is None else metric_crs(definition)
    districts = list_areas(conn, "district")
    shapes = _area_shapes(conn, [row["code"] for row in districts])
    if area is None:
        return _Scope(None, [], districts, shapes, None, crs)
    whole = _area_shapes(conn, [area["code"]])[0]
    siblings = [row["code"] for row in list_areas(conn, area["level"]) if row["code"] != area["code"]]
    return _Scope(area, siblings, districts, shapely.intersection(shapes, whole), whole, crs)


def _area_shapes(conn: Connection, codes: Sequence[str]) -> NDArray[np.object_]:
    union = " UNION ALL ".join(
        f"SELECT code, geom FROM {table_name(name)} WHERE code = ANY(%(codes)s)" for name in AREA_CLASSES
    )
    cursor = raw(conn).cursor(binary=True)
    found: dict[str, bytes] = dict(cursor.execute(union.encode(), {"codes": list(codes)}).fetchall())
    shapes: NDArray[np.object_] = shapely.from_wkb(
        np.array([*(found[code] for code in codes), None], dtype=object)[:-1]
    )
    return shapes


def _class_summary(conn: Connection, cls: FeatureClass, scope: _Scope) -> dict[str, Any]:
    cells: dict[Key, Figure] = {}
    for kind, state, year, district, count, length_m, area_m2 in _whole_rows(conn, cls, scope):
        cells.setdefault((kind, state, year, district), Figure()).add(count, length_m, area_m2)
    if cls.geometry != "point" and scope.crs is not None:
        for key, part in _cut_rows(conn, cls, scope):
            cells.setdefault(key, Figure()).add(part.count, part.length_m, part.area_m2)
    total = _roll_up(cells, lambda _key: None).get(None, Figure())
    return {
        "id": cls.id,
        "title": {"zh": cls.title.zh, "en": cls.title.en},
        "geometry": cls.geometry,
        "measure": cls.measure,
        **_figure(cls, total),
        "incomplete": _incomplete(conn, cls, scope),
        "by_kind": _by_choice(cls, "kind", _roll_up(cells, lambda key: key[0])),
        "by_state": _by_choice(cls, "state", _roll_up(cells, lambda key: key[1])),
        "by_year": _by_year(cls, _roll_up(cells, lambda key: key[2])),
        "by_district": _by_district(cls, scope, _roll_up(cells, lambda key: key[3])),
    }


def _columns(cls: FeatureClass) -> str:
    """Kind, state, year and home district of a row as SQL; the district stands first or second in the path."""
    names = {item.name for item in cls.fields}
    kind, state = (
        ("kind" if "kind" in names else "NULL::text"),
        ("state" if "state" in names else "NULL::text"),
    )
    year = "extract(year FROM built_on)::int" if "built_on" in names else "NULL::int"
    district = (
        "CASE WHEN split_part(area_path, '/', 2) = ANY(%(districts)s) THEN split_part(area_path, '/', 2) "
        "WHEN split_part(area_path, '/', 1) = ANY(%(districts)s) THEN split_part(area_path, '/', 1) END"
    )
    return f"{kind}, {state}, {year}, {district}"


def _sizes(cls: FeatureClass) -> str:
    length = "coalesce(sum(length_m), 0)" if cls.geometry == "line" else "0::float8"
    area = "coalesce(sum(area_m2), 0)" if cls.geometry in {"polygon", "mixed"} else "0::float8"
    return f"{length}, {area}"


def _parameters(scope: _Scope) -> dict[str, Any]:
    area = scope.area or {"code": "", "area_path": ""}
    return {
        **home_values(str(area["area_path"])),
        "districts": scope.codes,
        "siblings": scope.siblings,
        "code": [area["code"]],
        "box": [-180.0, -90.0, 180.0, 90.0] if scope.whole is None else list(scope.whole.bounds),
    }


TOUCHING = (
    "geom && ST_MakeEnvelope((%(box)s::float8[])[1], (%(box)s::float8[])[2], (%(box)s::float8[])[3], "
    "(%(box)s::float8[])[4], 4326) AND areas_touched @> %(code)s::text[]"
)
IS_CUT = "(crosses_border OR areas_touched && %(siblings)s::text[])"


def _whole_rows(conn: Connection, cls: FeatureClass, scope: _Scope) -> list[tuple[Any, ...]]:
    """Sums of the rows that no border cuts."""
    where = ["TRUE" if cls.geometry == "point" else f"NOT {IS_CUT}"]
    if scope.area is not None:
        where.append(AT_HOME)
    query = (
        f"SELECT {_columns(cls)}, count(*), {_sizes(cls)} FROM {table_name(cls.id)} "
        f"WHERE {' AND '.join(where)} GROUP BY 1, 2, 3, 4"
    )
    return raw(conn).execute(query.encode(), _parameters(scope)).fetchall()


def _incomplete(conn: Connection, cls: FeatureClass, scope: _Scope) -> int:
    where = "incomplete" if scope.area is None else f"incomplete AND {AT_HOME}"
    query = f"SELECT count(*) FROM {table_name(cls.id)} WHERE {where}"
    row = raw(conn).execute(query.encode(), _parameters(scope)).fetchone()
    return int(row[0]) if row else 0


def _cut_rows(conn: Connection, cls: FeatureClass, scope: _Scope) -> Iterable[tuple[Key, Figure]]:
    """The parts of rows that borders cut: the number at home, sizes where they lie."""
    home = "TRUE" if scope.area is None else AT_HOME
    touching = "" if scope.area is None else f" AND {TOUCHING}"
    query = f"SELECT {_columns(cls)}, {home}, geom FROM {table_name(cls.id)} WHERE {IS_CUT}{touching}"
    rows = raw(conn).cursor(binary=True).execute(query.encode(), _parameters(scope)).fetchall()
    if not rows or scope.crs is None:
        return
    for kind, state, year, district, at_home, _ in rows:
        if at_home:
            yield (kind, state, year, district), Figure(1)
    shapes = shapely.from_wkb(np.array([*(row[5] for row in rows), None], dtype=object)[:-1])
    for place, part_of, size in _parts(cls, scope, scope.crs, shapes):
        kind, state, year, *_ = rows[place]
        yield (kind, state, year, part_of), _sized(cls, size)


def _parts(
    cls: FeatureClass, scope: _Scope, crs: MetricCrs, shapes: NDArray[np.object_]
) -> Iterable[tuple[int, str | None, float]]:
    """(row, district code, size) of each part, None for what lies in no district."""

    def size(parts: NDArray[np.object_]) -> NDArray[np.float64]:
        metric = crs.to_metric(parts)
        return np.asarray(shapely.length(metric) if cls.geometry == "line" else shapely.area(metric))

    inside = shapes if scope.whole is None else shapely.intersection(shapes, scope.whole)
    rest = size(inside)
    least = rest * ROUNDING
    row, district = shapely.STRtree(scope.shapes).query(inside, predicate="intersects")
    sizes = size(shapely.intersection(inside[row], scope.shapes[district]))
    np.subtract.at(rest, row, sizes)
    codes = scope.codes
    for place, at, part in zip(row.tolist(), district.tolist(), sizes.tolist(), strict=True):
        if part > least[place]:
            yield place, codes[at], part
    for place in np.flatnonzero(rest > least).tolist():
        yield place, None, float(rest[place])


def _sized(cls: FeatureClass, size: float) -> Figure:
    return Figure(0, size, 0.0) if cls.geometry == "line" else Figure(0, 0.0, size)


def _roll_up(cells: Mapping[Key, Figure], by: Callable[[Key], Any]) -> dict[Any, Figure]:
    result: dict[Any, Figure] = {}
    for key, figure in cells.items():
        result.setdefault(by(key), Figure()).add(figure.count, figure.length_m, figure.area_m2)
    return result


def _figure(cls: FeatureClass, figure: Figure) -> dict[str, Any]:
    shown: dict[str, Any] = {"count": figure.count}
    if cls.geometry == "line":
        shown["length_km"] = round(figure.length_m / 1000, 6)
    if cls.geometry in {"polygon", "mixed"}:
        shown["area_m2"] = round(figure.area_m2, 2)
    return shown


def _by_choice(cls: FeatureClass, name: str, figures: Mapping[Any, Figure]) -> list[dict[str, Any]]:
    """In the order of the declared choices, then other values, unknown last."""
    choices = {}
    if any(item.name == name for item in cls.fields):
        choices = {choice.value: choice.title for choice in cls.get_field(name).choices}
    order = {value: place for place, value in enumerate(choices)}
    values = sorted(figures, key=lambda value: (value is None, order.get(value, len(order)), str(value)))
    return [
        {
            "value": value,
            "title": {"zh": choices[value].zh, "en": choices[value].en} if value in choices else None,
            **_figure(cls, figures[value]),
        }
        for value in values
    ]


def _by_year(cls: FeatureClass, figures: Mapping[Any, Figure]) -> list[dict[str, Any]]:
    years = sorted(figures, key=lambda year: (year is None, year or 0))
    return [{"year": year, **_figure(cls, figures[year])} for year in years]


def _by_district(cls: FeatureClass, scope: _Scope, figures: Mapping[Any, Figure]) -> list[dict[str, Any]]:
    """Every district of the scope, also one that has nothing; the part outside all of them last, if there is any."""
    rows = [
        {
            "code": district["code"],
            "name_zh": district["name_zh"],
            "name_en": district["name_en"],
            **_figure(cls, figures.get(district["code"], Figure())),
        }
        for district in scope.districts
        if district["code"] in figures or _in_scope(scope, district)
    ]
    if None in figures:
        rows.append({"code": None, "name_zh": None, "name_en": None, **_figure(cls, figures[None])})
    return rows


def _in_scope(scope: _Scope, district: Mapping[str, Any]) -> bool:
    """Whether the district is shown even when empty: all are, or those above or within the area asked for."""
    if scope.area is None:
        return True
    levels = AREA_LEVELS.index(scope.area["level"]) <= AREA_LEVELS.index("district")
    above, below = (scope.area, district) if levels else (district, scope.area)
    return f"{below['area_path']}/".startswith(f"{above['area_path']}/")
