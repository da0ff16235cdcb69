"""Versions of many features at once: those that a change wrote, and those believed now; set-based, for round trips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.inventory.batch import Period
from app.inventory.changes import raw
from app.inventory.rewrite import table

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Versions:
    """One version for each row asked for (n), or none: `change_id` is None there and all else empty.

    `believed` is whether it still holds; `columns` field → n values; `geometry` (n,) in lon/lat; `extra` n objects.
    """

    change_id: list[int | None]
    believed: list[bool]
    valid: list[Period]
    columns: dict[str, list[Any]]
    geometry: NDArray[np.object_]
    extra: list[dict[str, Any] | None]
    incomplete: list[bool]

    def __len__(self) -> int:
        """The number of rows asked for."""
        return len(self.change_id)

    def take(self, places: Sequence[int]) -> Versions:
        """The rows at these places."""
        rows = list(places)
        return Versions(
            [self.change_id[i] for i in rows],
            [self.believed[i] for i in rows],
            [self.valid[i] for i in rows],
            {name: [values[i] for i in rows] for name, values in self.columns.items()},
            self.geometry[rows],
            [self.extra[i] for i in rows],
            [self.incomplete[i] for i in rows],
        )

    def with_rows(self, places: Sequence[int], other: Versions) -> Versions:
        """The same with the rows at these places (m) taken from other versions (m)."""
        geometry = self.geometry.copy()
        geometry[list(places)] = other.geometry
        return Versions(
            _put(self.change_id, places, other.change_id),
            _put(self.believed, places, other.believed),
            _put(self.valid, places, other.valid),
            {name: _put(values, places, other.columns[name]) for name, values in self.columns.items()},
            geometry,
            _put(self.extra, places, other.extra),
            _put(self.incomplete, places, other.incomplete),
        )


def _put(values: list[T], places: Sequence[int], others: Sequence[T]) -> list[T]:
    result = list(values)
    for place, value in zip(places, others, strict=True):
        result[place] = value
    return result


def find_written(
    conn: Connection,
    cls: FeatureClass,
    codes: Sequence[str],
    changes: Sequence[int | None],
    valid: Sequence[Period],
) -> Versions:
    """The version of each code (n) that a change wrote; of several that of just these days, else the one of today."""
    rule = sql.SQL("v.code = k.code AND v.change_id = k.change_id")
    return _find(conn, cls, rule, codes, changes, valid)


def find_believed(
    conn: Connection, cls: FeatureClass, codes: Sequence[str], valid: Sequence[Period]
) -> Versions:
    """The version of each code (n) that is believed of any of its days; of several the one of today."""
    rule = sql.SQL("v.code = k.code AND v.until_change IS NULL AND v.valid && daterange(k.start, k.stop)")
    return _find(conn, cls, rule, codes, [None] * len(codes), valid)


def _find(
    conn: Connection,
    cls: FeatureClass,
    rule: sql.SQL,
    codes: Sequence[str],
    changes: Sequence[int | None],
    valid: Sequence[Period],
) -> Versions:
    fields = [field.name for field in cls.fields]
    every = sql.SQL("code, change_id, valid, extra, incomplete, geom{}").format(
        sql.SQL("").join(sql.SQL(", {}").format(sql.Identifier(name)) for name in fields)
    )
    # Both rules stand inside the members of the union, where they meet the indexes on codes.
    query = sql.SQL(
        "SELECT DISTINCT ON (k.i) k.i, v.change_id, v.until_change IS NULL, lower(v.valid), upper(v.valid), "
        "v.extra::text, v.incomplete, ST_AsBinary(v.geom){values} "
        "FROM unnest(%(codes)s::text[], %(changes)s::bigint[], %(start)s::date[], %(stop)s::date[]) "
        "WITH ORDINALITY k(code, change_id, start, stop, i) JOIN LATERAL ("
        "SELECT * FROM (SELECT {every}, NULL::bigint AS until_change, 0 AS place FROM {now}) v WHERE {rule} UNION ALL "
        "SELECT * FROM (SELECT {every}, until_change, 1 FROM {history}) v WHERE {rule}) v ON TRUE "
        "ORDER BY k.i, v.valid = daterange(k.start, k.stop) DESC, v.place, v.valid"
    ).format(
        values=sql.SQL("").join(sql.SQL(", v.{}").format(sql.Identifier(name)) for name in fields),
        every=every,
        now=table(cls),
        history=table(cls, history=True),
        rule=rule,
    )
    values = {
        "codes": list(codes), "changes": list(changes),
        "start": [start for start, _ in valid], "stop": [stop for _, stop in valid],
    }  # fmt: skip
    with raw(conn).cursor(binary=True) as cursor:
        found = cursor.execute(query, values).fetchall()
    return _arranged(found, fields, len(codes))


def _arranged(found: Sequence[tuple[Any, ...]], fields: Sequence[str], count: int) -> Versions:
    rows: list[tuple[Any, ...] | None] = [None] * count
    for row in found:
        rows[row[0] - 1] = row
    nothing = (0, None, False, None, None, None, False, None, *[None] * len(fields))
    columns = list(zip(*(row or nothing for row in rows), strict=True)) or [()] * len(nothing)
    return Versions(
        list(columns[1]),
        list(columns[2]),
        list(zip(columns[3], columns[4], strict=True)),
        {name: list(values) for name, values in zip(fields, columns[8:], strict=True)},
        shapely.from_wkb(np.array([*columns[7], None], dtype=object)[:-1]),
        _objects(columns[5]),
        list(columns[6]),
    )


def _objects(texts: Sequence[str | None]) -> list[dict[str, Any] | None]:
    return [None if text is None else orjson.loads(text) for text in texts]
