"""Chunks of a batch beside what is stored, as they come: only rows that may tell something new are staged.

A row is let go where the stored one says the same, as long as nobody writes to the class; what somebody wrote before
the class is locked is found in the history, where the rows let go are as the batch has them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.inventory.changes import raw, version_term
from app.inventory.copy_binary import Rows
from app.inventory.rewrite import Cursor, names, table, temporary
from app.inventory.staging import given_names, send


class Codes:
    """The codes of all rows of a batch in 8 bytes each: once in 10^6 files of 5 million two of them are the same."""

    def __init__(self) -> None:
        self._hashes: list[NDArray[np.int64]] = []

    def add(self, codes: Sequence[str]) -> None:
        """Remember codes (n,), each of them once."""
        self._hashes.append(np.fromiter(map(hash, codes), np.int64, len(codes)))

    def hold(self, codes: Sequence[str]) -> NDArray[np.bool_]:
        """(n,) whether each code is among them."""
        given = np.fromiter(map(hash, codes), np.int64, len(codes))
        return np.any([np.isin(given, known) for known in self._hashes], axis=0) if len(codes) else given > 0

    def find_twice(self, conn: Connection, cls: FeatureClass) -> str | None:
        """A code that stood in two chunks, of rows that are staged or stored."""
        found, count = np.unique(np.concatenate(self._hashes), return_counts=True)
        twice = set(found[count > 1].tolist())
        if not twice:
            return None
        query = sql.SQL("SELECT code FROM {} UNION SELECT code FROM {} ORDER BY 1").format(
            temporary("staging", cls), table(cls)
        )
        bearers: dict[int, list[str]] = defaultdict(list)
        for (code,) in raw(conn).execute(query):
            if hash(code) in twice:
                bearers[hash(code)].append(code)
        return next((codes[0] for codes in bearers.values() if len(codes) == 1), None)


def sift(cursor: Cursor, cls: FeatureClass, rows: Rows, version: int) -> int:
    """Stage the rows of a chunk that differ from what is stored, all of them once the class is beyond `version`.

    A row stays too where the stored one ends on a day, or holds what the chunk lacks and another one may bring. The
    number of rows staged.
    """
    chunk, compared = temporary("chunk", cls), [name for name in rows.names if name != "code"]
    lacking = [name for name in given_names(cls) if name not in rows.names]
    make = sql.SQL(
        "CREATE TEMP TABLE IF NOT EXISTS {} ON COMMIT DROP AS SELECT * FROM {} WITH NO DATA; "
        "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
    )
    query = sql.SQL(
        "INSERT INTO {staging} ({given}) SELECT {staged} FROM {chunk} s LEFT JOIN {table} t ON t.code = s.code "
        "WHERE t.id IS NULL OR ({stored}) IS DISTINCT FROM ({told}) OR NOT upper_inf(t.valid) OR {more} "
        "OR (SELECT {newest}) <> %s ORDER BY s.ctid"
    ).format(
        staging=temporary("staging", cls),
        given=names(rows.names),
        staged=names(rows.names, "s"),
        chunk=chunk,
        table=table(cls),
        stored=names(compared, "t"),
        told=names(compared, "s"),
        more=sql.SQL("NOT (ROW({}) IS NULL)").format(names(lacking, "t")) if lacking else sql.SQL("FALSE"),
        newest=sql.SQL(version_term(cls)),
    )
    cursor.execute(make.format(chunk, temporary("staging", cls)), prepare=False)
    send(cursor, chunk, rows)
    # Each row is looked up by its code: whatever goes through the class once a chunk gets slower with each chunk.
    cursor.execute(query, [version], prepare=False)
    staged = cursor.rowcount
    end = "TRUNCATE {}; SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT"
    cursor.execute(sql.SQL(end).format(chunk), prepare=False)
    return staged


def stage_overtaken(
    conn: Connection, cls: FeatureClass, given: Sequence[str], codes: Codes, version: int
) -> None:
    """Stage the rows let go whose stored ones somebody changed or deleted after `version`: as they were then."""
    where = sql.SQL("h.change_id <= %(version)s AND h.until_change > %(version)s AND upper_inf(h.valid)")
    history, staging = table(cls, history=True), temporary("staging", cls)
    query = sql.SQL("SELECT h.code FROM {} h WHERE {}").format(history, where)
    gone = [row[0] for row in raw(conn).execute(query, {"version": version}).fetchall()]
    held = [code for code, known in zip(gone, codes.hold(gone).tolist(), strict=True) if known]
    put = sql.SQL(
        "INSERT INTO {staging} ({given}) SELECT {old} FROM {history} h WHERE {where} AND h.code = ANY(%(codes)s) "
        "AND NOT EXISTS (SELECT FROM {staging} s WHERE s.code = h.code)"
    ).format(staging=staging, given=names(given), old=names(given, "h"), history=history, where=where)
    raw(conn).execute(put, {"version": version, "codes": held})
