"""SQL of a run's printed report: one area's border and worst gaps, and what its small map is drawn of."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Connection,
    FromClause,
    Integer,
    MetaData,
    String,
    Table,
    cast,
    func,
    literal,
    select,
    text,
    true,
)

from app.catalogue.model import Lang
from app.coverage.store import run_table
from app.maps.squares import Square
from app.maps.store import name_of

#: Shapes of one class on a report's map, largest first.
SHAPES = 6_000
#: Paths are told in steps from point to point, whole units: a third of the length.
_SVG = "ST_AsSVG(ST_Scale({shape}, 1, -1), 1, 0)"
_UNITS = (
    "ST_AsMVTGeom(ST_Transform({geom}, 3857), ST_MakeBox2D(ST_Point(:west, :south), ST_Point(:east, :north)),"
    " :extent, 64, true)"
)
_IN_AREA = "(CAST(:area AS text) IS NULL OR :area = ANY(string_to_array(area_path, '/')))"


@dataclass(frozen=True, slots=True)
class Named:
    """An area of the city: its level and its name."""

    level: str
    name: str


def named_areas(conn: Connection, table: FromClause, lang: Lang) -> dict[str, Named]:
    """Code → level and name of every area (`districts` of every level); the code is the name of those without."""
    rows = conn.execute(select(table.c.code, table.c.level, name_of(table, lang)))
    return {code: Named(level or "district", name or code) for code, level, name in rows}


def area_extent(conn: Connection, run: uuid.UUID, area: str) -> tuple[float, float, float, float] | None:
    """(west, south, east, north) in degrees of one area of a run; None where it has no border."""
    row = conn.execute(
        text(
            "SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box) FROM ("
            "SELECT ST_Extent(geom) AS box FROM city.coverage_areas WHERE run = :run AND code = :area) boxes"
        ),
        {"run": run, "area": area},
    ).one()
    return None if row[0] is None else (row[0], row[1], row[2], row[3])


def area_paths(conn: Connection, run: uuid.UUID, square: Square) -> list[dict[str, Any]]:
    """Each area of a run with a border as an SVG path in units of a square, with its level: `{code, level, path}`."""
    statement = text(
        f"SELECT code, level, {_SVG.format(shape='shape')} AS path FROM ("
        f"SELECT code, level, {_UNITS.format(geom='geom')} AS shape FROM ("
        "SELECT DISTINCT ON (code) code, level, geom FROM city.coverage_areas"
        " WHERE run = :run AND geom IS NOT NULL ORDER BY code) areas) shapes WHERE shape IS NOT NULL"
    )
    return [dict(row) for row in conn.execute(statement, {"run": run, **_bounds(square)}).mappings()]


def worst_gaps(
    conn: Connection, run: uuid.UUID, mode: str, tier: str, area: str | None, limit: int, square: Square
) -> list[dict[str, Any]]:
    """The gaps with most people (without people the largest), each with its path and a point inside, in units."""
    point = "ST_Transform(ST_PointOnSurface(geom), 3857)"
    statement = text(
        f"SELECT *, {_SVG.format(shape='shape')} AS path FROM ("
        "SELECT id, name, code, people, area_m2, nearest_m, nearest_name, nearest_code, area_path,"
        f" {_UNITS.format(geom='geom')} AS shape,"
        f" round((ST_X({point}) - :west) / :unit) AS x, round((:north - ST_Y({point})) / :unit) AS y"
        f" FROM {run_table('coverage_gaps')} g WHERE run = :run AND mode = :mode AND tier = :tier AND {_IN_AREA}"
        " ORDER BY people DESC NULLS LAST, area_m2 DESC, id LIMIT :limit) worst"
    )
    values = {"run": run, "mode": mode, "tier": tier, "area": area, "limit": limit, **_bounds(square)}
    return [dict(row) for row in conn.execute(statement, values).mappings()]


def gap_paths(
    conn: Connection, run: uuid.UUID, mode: str, tier: str, area: str | None, square: Square
) -> list[tuple[float | None, str]]:
    """People and SVG path of every gap of an area, at most SHAPES of them, those with most people first."""
    statement = text(
        f"SELECT people, {_SVG.format(shape='shape')} AS path FROM ("
        f"SELECT people, {_UNITS.format(geom='geom')} AS shape"
        f" FROM city.coverage_gaps WHERE run = :run AND mode = :mode AND tier = :tier AND {_IN_AREA}"
        " ORDER BY people DESC NULLS LAST, area_m2 DESC, id LIMIT :limit) gaps WHERE shape IS NOT NULL"
    )
    values = {"run": run, "mode": mode, "tier": tier, "area": area, "limit": SHAPES, **_bounds(square)}
    return [(row.people, row.path) for row in conn.execute(statement, values)]


def estate_names(
    conn: Connection, run: uuid.UUID, estates: FromClause, ids: Sequence[int], lang: Lang
) -> dict[int, str]:
    """Gap id → name of the smallest estate (residential area of that kind) in which the gap lies, of these gaps.

    Figures are counted on parcels of residential land, which mostly have no name of their own.
    """
    gaps = Table("coverage_gaps", MetaData(schema="city"), Column("id"), Column("run"), Column("geom"))
    point = func.ST_PointOnSurface(gaps.c.geom)
    inside = (
        select(name_of(estates, lang).label("name"))
        .where(
            estates.c.kind == "estate",
            estates.c.geom.op("&&")(point),
            func.ST_Intersects(estates.c.geom, point),
            name_of(estates, lang).is_not(None),
        )
        .order_by(estates.c.area_m2)
        .limit(1)
        .lateral()
    )
    chosen = (gaps.c.run == run) & (gaps.c.id == func.any(cast(list(ids), ARRAY(BigInteger))))
    rows = conn.execute(select(gaps.c.id, inside.c.name).select_from(gaps.join(inside, true())).where(chosen))
    return {int(gap): name for gap, name in rows}


def facility_names(
    conn: Connection, features: FromClause, codes: Sequence[str], lang: Lang
) -> dict[str, str]:
    """Code → name in a language of these features of a class, as far as they have one."""
    name = name_of(features, lang)
    chosen = features.c.code.in_(codes) & name.is_not(None)
    found = conn.execute(select(features.c.code, name.label("name")).where(chosen))
    return {row.code: row.name for row in found}


def gap_sums(conn: Connection, run: uuid.UUID, mode: str, tier: str, area: str | None) -> tuple[int, float]:
    """How many gaps an area has in a mode and tier, and how many people live in them."""
    statement = text(
        "SELECT count(*), coalesce(sum(people), 0) FROM city.coverage_gaps"
        f" WHERE run = :run AND mode = :mode AND tier = :tier AND {_IN_AREA}"
    )
    row = conn.execute(statement, {"run": run, "mode": mode, "tier": tier, "area": area}).one()
    return int(row[0]), float(row[1])


def class_paths(
    conn: Connection, table: FromClause, square: Square, zoom: int, *, kinds: Sequence[str] = ()
) -> list[tuple[str | None, str]]:
    """Kind and SVG path of a class's lines and areas in a square, each as it is drawn at a zoom; the largest first."""
    west, south, east, north = square.bounds
    box = func.ST_MakeBox2D(func.ST_Point(west, south), func.ST_Point(east, north))
    shape = func.ST_AsMVTGeom(func.ST_Transform(table.c.geom, 3857), box, square.extent, 64, literal(True))
    size = next((table.c[name] for name in ("area_m2", "length_m") if name in table.c), table.c.id)
    kind = cast(table.c.kind, String) if "kind" in table.c else cast(literal(None), String)
    where = [table.c.geom.op("&&")(_lonlat(square)), table.c.min_zoom <= text(str(int(zoom)))]
    if kinds:
        where.append(table.c.kind.in_(kinds))
    rows = select(kind.label("kind"), shape.label("shape")).where(*where).order_by(size.desc()).limit(SHAPES)
    drawn = rows.subquery()
    path = func.ST_AsSVG(func.ST_Scale(drawn.c.shape, 1, -1), cast(1, Integer), cast(0, Integer))
    found = conn.execute(select(drawn.c.kind, path).where(func.ST_Dimension(drawn.c.shape) > 0))
    return [(kind, path) for kind, path in found if path]


def class_points(conn: Connection, table: FromClause, square: Square) -> list[tuple[int, int]]:
    """Where the features of a class stand in a square, in its units."""
    point = func.ST_Transform(func.ST_PointOnSurface(table.c.geom), 3857)
    unit = square.side_m / square.extent
    x, y = (func.ST_X(point) - square.left_m) / unit, (square.top_m - func.ST_Y(point)) / unit
    rows = select(x, y).where(table.c.geom.op("&&")(_lonlat(square))).limit(SHAPES)
    return [(round(x), round(y)) for x, y in conn.execute(rows)]


def _lonlat(square: Square) -> Any:
    return func.ST_MakeEnvelope(*square.lonlat(0.0), 4326)


def _bounds(square: Square) -> dict[str, float]:
    west, south, east, north = square.bounds
    return {
        "west": west, "south": south, "east": east, "north": north, "extent": square.extent,
        "unit": square.side_m / square.extent,
    }  # fmt: skip
