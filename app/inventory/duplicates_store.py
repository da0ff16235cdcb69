"""Rows that a write brought and that may be one thing with rows stored before: one query a class."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.inventory.changes import raw
from app.inventory.rewrite import table

#: Metres that a degree has at least, along a meridian.
DEGREE_M = 110_000.0
#: Measures of equal shapes agree to this (m or m²).
SAME_SIZE = 0.01


@dataclass(frozen=True, slots=True)
class StoredPair:
    """The code of a row just written, that of the nearest row it may repeat, and their distance in metres."""

    code: str
    other: str
    distance_m: float


@dataclass(frozen=True, slots=True)
class StoredDuplicates:
    """`total` rows just written that may repeat a stored one, and the first of them by code."""

    total: int
    pairs: list[StoredPair]


def stored_duplicates(conn: Connection, cls: FeatureClass, since: int, limit: int = 1000) -> StoredDuplicates:
    """Rows of `cls` written after change `since` beside those written before, within the caller's transaction.

    Points of one kind nearer than the class's `duplicate_m`, and lines and polygons of one kind that are equal. Take
    `since` from `changes.data_version` before the write. Where nothing was stored before, nothing is compared.
    """
    values = {"since": since, "near": cls.duplicate_m, "degree": DEGREE_M, "same": SAME_SIZE, "limit": limit}
    with raw(conn).cursor() as cursor:
        older = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE change_id <= %(since)s)").format(table(cls))
        if cursor.execute(older, values).fetchone() == (False,):
            return StoredDuplicates(0, [])
        rows = cursor.execute(_query(cls), values).fetchall()
    pairs = [StoredPair(code, other, round(apart, 2)) for code, other, apart, _ in rows]
    return StoredDuplicates(rows[0][3] if rows else 0, pairs)


#: Each new point with its nearest neighbour: the box in degrees is what the index answers.
_POINTS = """
SELECT new.code, near.code, near.apart FROM {table} new CROSS JOIN LATERAL (
    SELECT old.code, ST_DistanceSpheroid(old.geom, new.geom) AS apart FROM {table} old
    WHERE old.geom && ST_Expand(
            new.geom,
            %(near)s / %(degree)s / greatest(cos(radians(ST_YMax(new.geom))), 0.01),
            %(near)s / %(degree)s
        )
        AND old.change_id <= %(since)s AND {same_kind} AND ST_Dimension(old.geom) = 0
        AND ST_DistanceSpheroid(old.geom, new.geom) <= %(near)s
    ORDER BY 2, 1 LIMIT 1
) near
WHERE new.change_id > %(since)s AND ST_Dimension(new.geom) = 0
"""
#: Each new line or polygon with the first that has its box, vertices and size: joined by the boxes, as an index of
#: long shapes that overlap would be gone through from end to end for each.
_SHAPES = """
SELECT new.code, min(old.code), 0.0 FROM {table} new JOIN {table} old
    ON ST_XMin(old.geom) = ST_XMin(new.geom) AND ST_YMin(old.geom) = ST_YMin(new.geom)
    AND ST_XMax(old.geom) = ST_XMax(new.geom) AND ST_YMax(old.geom) = ST_YMax(new.geom)
    AND ST_NPoints(old.geom) - ST_NPoints(new.geom) = 0 AND abs(old.{size} - new.{size}) <= %(same)s
WHERE new.change_id > %(since)s AND old.change_id <= %(since)s AND {same_kind} AND ST_Dimension(new.geom) > 0
GROUP BY new.code
"""


def _query(cls: FeatureClass) -> sql.Composed:
    kind = any(item.name == "kind" for item in cls.fields)
    same_kind = sql.SQL("old.kind IS NOT DISTINCT FROM new.kind" if kind else "TRUE")
    asked: list[sql.Composed] = []
    if cls.geometry in ("point", "mixed"):
        asked.append(sql.SQL(_POINTS).format(table=table(cls), same_kind=same_kind))
    if cls.geometry != "point":
        size = sql.Identifier("length_m" if cls.geometry == "line" else "area_m2")
        asked.append(sql.SQL(_SHAPES).format(table=table(cls), same_kind=same_kind, size=size))
    return sql.SQL(
        "SELECT code, other, apart, count(*) OVER () FROM ({}) found (code, other, apart) ORDER BY 1 LIMIT %(limit)s"
    ).format(sql.SQL(" UNION ALL ").join(asked))
