"""Rows that became several features: which of these an import wrote, so that rows are counted as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg import sql
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.inventory.batch import Counts
from app.inventory.changes import raw
from app.inventory.rewrite import believed, table, temporary
from app.inventory.staging import copy_rows


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """What became of rows that were split: counted as `features`, and as the `rows` that these were made of."""

    rows: Counts
    features: Counts


def remember_parts(conn: Connection, cls: FeatureClass, numbers: Sequence[int], codes: Sequence[str]) -> None:
    """Note features (n,) and the numbers of the rows that they are parts of; forgotten with the transaction."""
    parts = temporary("parts", cls)
    with raw(conn).cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "CREATE TEMP TABLE IF NOT EXISTS {} (row_number bigint NOT NULL, code text NOT NULL) ON COMMIT DROP"
            ).format(parts)
        )
        copy_rows(cursor, parts, {"row_number": numbers, "code": codes})


def count_parts(conn: Connection, cls: FeatureClass, import_id: UUID) -> SplitCounts:
    """Counts of the remembered features once they are written.

    A feature is new where nothing was believed of its code before; a row is new where all of its features are, changed
    where any was written, else unchanged.
    """
    query = sql.SQL(
        "WITH own AS (SELECT id FROM city.changes WHERE import_id = %(import)s), "
        "known AS (SELECT p.row_number, p.code, "
        "EXISTS (SELECT FROM {believed} v WHERE v.code = p.code AND v.change_id IN (SELECT id FROM own)) AS written, "
        "EXISTS (SELECT FROM {history} h WHERE h.code = p.code AND h.change_id NOT IN (SELECT id FROM own) "
        "AND (h.until_change IS NULL OR h.until_change IN (SELECT id FROM own))) AS had FROM {parts} p), "
        "by_row AS (SELECT count(*) AS n, count(*) FILTER (WHERE written AND NOT had) AS new, "
        "count(*) FILTER (WHERE written) AS written FROM known GROUP BY row_number) "
        "SELECT count(*) FILTER (WHERE new = n), count(*) FILTER (WHERE written > 0), count(*), "
        "coalesce(sum(new), 0)::bigint, coalesce(sum(written), 0)::bigint, coalesce(sum(n), 0)::bigint FROM by_row"
    ).format(
        believed=believed(cls, ["code", "change_id"]),
        history=table(cls, history=True),
        parts=temporary("parts", cls),
    )
    row = raw(conn).execute(query, {"import": import_id}).fetchone() or (0,) * 6
    return SplitCounts(_counts(*row[:3]), _counts(*row[3:]))


def _counts(new: int, written: int, total: int) -> Counts:
    return Counts(unchanged=total - written, new=new, changed=written - new)
