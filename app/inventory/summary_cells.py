"""The features of one class added up in cells of kind, state, year and area: numbers by home, sizes cut at borders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.inventory.areas import RANK
from app.inventory.changes import data_version, raw
from app.inventory.conditions import AT_HOME
from app.inventory.kept import once
from app.inventory.summary_scope import Scope
from app.inventory.times import Times, versions
from app.space.metric import MetricCrs

#: Kind, state, year built and code of the area; None where it is not known, or in no area of the level.
Key = tuple[str | None, str | None, int | None, str | None]
#: Sizes below this share of the whole are what bending and rounding leave at a border, not a part outside.
ROUNDING = 1e-6
READ = ("geom", "area_path", "areas_touched", "crosses_border", "incomplete")
SIZES = {"line": "length_m", "polygon": "area_m2", "mixed": "area_m2"}


@dataclass(slots=True)
class Figure:
    """A number of features, how many of them are known not to be whole, their metres and square metres."""

    count: int = 0
    incomplete: int = 0
    length_m: float = 0.0
    area_m2: float = 0.0

    def add(self, other: Figure) -> None:
        """Add the features of another figure."""
        self.count += other.count
        self.incomplete += other.incomplete
        self.length_m += other.length_m
        self.area_m2 += other.area_m2


Cells = dict[Key, Figure]


def read_cells(conn: Connection, cls: FeatureClass, scope: Scope, times: Times) -> Cells:
    """The cells of a class within a scope, as of a time; kept until the class or the areas change, or the day ends."""
    day = datetime.now(UTC).date()
    key = ("summary", cls.id, data_version(conn, cls), *scope.key, times, day)
    return once(conn, key, lambda: _read(conn, cls, scope, times))


def _read(conn: Connection, cls: FeatureClass, scope: Scope, times: Times) -> Cells:
    cells: Cells = {}
    for key, figure in _whole(conn, cls, scope, times):
        cells.setdefault(key, Figure()).add(figure)
    if cls.geometry != "point" and scope.crs is not None:
        for key, figure in _cut(conn, cls, scope, times, scope.crs):
            cells.setdefault(key, Figure()).add(figure)
    return cells


def _source(cls: FeatureClass, times: Times) -> str:
    own = {"kind", "state", "built_on"} & {item.name for item in cls.fields}
    size = {SIZES[cls.geometry]} if cls.geometry in SIZES else set()
    return f"{versions(cls, {*READ, *own, *size}, times)} v"


def _columns(cls: FeatureClass, scope: Scope) -> str:
    """Kind, state, year and home area of the level, as SQL."""
    names = {item.name for item in cls.fields}
    kind, state = ("kind" if "kind" in names else "NULL::text", "state" if "state" in names else "NULL::text")
    year = "extract(year FROM built_on)::int" if "built_on" in names else "NULL::int"
    # Levels may be missing above an area, so its code stands at the place of its level in the path, or before it.
    places = [f"split_part(area_path, '/', {place})" for place in range(RANK[scope.level] + 1, 0, -1)]
    found = " ".join(f"WHEN {place} = ANY(%(parts)s) THEN {place}" for place in places)
    return f"{kind}, {state}, {year}, CASE {found} END"


def _is_cut(scope: Scope) -> str:
    """Rows that a border of the level, or of the area asked for, cuts."""
    either = ["crosses_border"]
    if scope.area is not None:
        either.append("areas_touched && %(siblings)s::text[]")
    if RANK[scope.level] > RANK["district"]:
        # Most touch nothing but their homes: compared as a whole before the areas of the level are counted.
        touched = "SELECT count(*) FROM unnest(areas_touched) t(code) WHERE code = ANY(%(parts)s)"
        either.append(f"(areas_touched <> string_to_array(area_path, '/') AND ({touched}) > 1)")
    if scope.covered is not None:
        either.append("NOT ST_CoveredBy(geom, ST_GeomFromWKB(%(covered)s, 4326))")
    return f"({' OR '.join(either)})"


def _whole(conn: Connection, cls: FeatureClass, scope: Scope, times: Times) -> Iterable[tuple[Key, Figure]]:
    """Sums of the rows that no border cuts."""
    where = ["TRUE" if cls.geometry == "point" else f"NOT {_is_cut(scope)}"]
    if scope.area is not None:
        where.append(AT_HOME)
    size = f"coalesce(sum({SIZES[cls.geometry]}), 0)" if cls.geometry in SIZES else "0::float8"
    query = (
        f"SELECT {_columns(cls, scope)}, count(*), count(*) FILTER (WHERE incomplete), {size} "
        f"FROM {_source(cls, times)} WHERE {' AND '.join(where)} GROUP BY 1, 2, 3, 4"
    )
    for *key, count, incomplete, sized in raw(conn).execute(query.encode(), scope.values() | times.values):
        figure = _sized(cls, sized)
        figure.count, figure.incomplete = count, incomplete
        yield (key[0], key[1], key[2], key[3]), figure


TOUCHING = (
    "geom && ST_MakeEnvelope((%(box)s::float8[])[1], (%(box)s::float8[])[2], (%(box)s::float8[])[3], "
    "(%(box)s::float8[])[4], 4326) AND areas_touched @> %(code)s::text[]"
)


def _cut(
    conn: Connection, cls: FeatureClass, scope: Scope, times: Times, crs: MetricCrs
) -> Iterable[tuple[Key, Figure]]:
    """The parts of rows that borders cut: the number at home, sizes where they lie."""
    home, touching = ("TRUE", "") if scope.area is None else (AT_HOME, f" AND {TOUCHING}")
    query = (
        f"SELECT {_columns(cls, scope)}, {home}, incomplete, geom FROM {_source(cls, times)} "
        f"WHERE {_is_cut(scope)}{touching}"
    )
    values = scope.values() | times.values
    rows = raw(conn).cursor(binary=True).execute(query.encode(), values).fetchall()
    if not rows:
        return
    for kind, state, year, part, at_home, incomplete, _ in rows:
        if at_home:
            yield (kind, state, year, part), Figure(1, int(incomplete))
    shapes = shapely.from_wkb(np.array([*(row[-1] for row in rows), None], dtype=object)[:-1])
    for place, code, size in cut(shapes, [row[3] for row in rows], scope, crs, line=cls.geometry == "line"):
        kind, state, year, *_ = rows[place]
        yield (kind, state, year, code), _sized(cls, size)


def cut(
    shapes: NDArray[np.object_], homes: Sequence[str | None], scope: Scope, crs: MetricCrs, *, line: bool
) -> Iterable[tuple[int, str | None, float]]:
    """(row, area code, size in m or m²) of each part of shapes (n,) in lon/lat; None for what lies in no area.

    The parts of a row add up to what of it lies in the scope: what two areas claim (a street along their border) is
    the home's, else the first one's.
    """
    measure = shapely.length if line else shapely.area

    def size(parts: NDArray[np.object_]) -> NDArray[np.float64]:
        return np.asarray(measure(crs.to_metric(parts)))

    codes = scope.codes
    inside = shapes if scope.whole is None else shapely.intersection(shapes, scope.whole)
    total = size(inside)
    row, at = shapely.STRtree(scope.shapes).query(inside, predicate="intersects")
    sizes = size(shapely.intersection(inside[row], scope.shapes[at]))
    several = np.bincount(row, minlength=len(inside)) > 1
    # Of what leaves the areas, too large a sum does not tell that two of them claim the same.
    leaves = several.copy()
    leaves[several] = ~shapely.covers(scope.ground, inside[several])
    twice = leaves | (several & (np.bincount(row, sizes, len(inside)) > total * (1 + ROUNDING)))
    _share(inside, scope, row, at, sizes, twice, homes, size)
    rest = total.copy()
    np.subtract.at(rest, row, sizes)
    least = total * ROUNDING
    for place, area, part in zip(row.tolist(), at.tolist(), sizes.tolist(), strict=True):
        if part > least[place]:
            yield place, codes[area], part
    for place in np.flatnonzero(rest > least).tolist():
        yield place, None, float(rest[place])


def _share(
    inside: NDArray[np.object_],
    scope: Scope,
    row: NDArray[np.int64],
    at: NDArray[np.int64],
    sizes: NDArray[np.float64],
    twice: NDArray[np.bool_],
    homes: Sequence[str | None],
    size: Any,
) -> None:
    """Give each part that areas claim together to one of them: round by round, each row's next claim at once."""
    left, codes = inside.copy(), scope.codes
    claims: dict[int, list[int]] = {}
    for pair in np.flatnonzero(twice[row]).tolist():
        claims.setdefault(int(row[pair]), []).append(pair)
    for place, pairs in claims.items():
        pairs.sort(key=lambda pair: (codes[at[pair]] != homes[place], pair), reverse=True)
    while claims:
        pairs_now = np.array([pairs.pop() for pairs in claims.values()])
        places, areas = row[pairs_now], scope.shapes[at[pairs_now]]
        sizes[pairs_now] = size(shapely.intersection(left[places], areas))
        left[places] = shapely.difference(left[places], areas)
        claims = {place: pairs for place, pairs in claims.items() if pairs}


def _sized(cls: FeatureClass, size: float) -> Figure:
    return Figure(length_m=size) if cls.geometry == "line" else Figure(area_m2=size)
