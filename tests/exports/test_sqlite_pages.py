"""Pages of a SQLite table written by us: SQLite finds them whole and reads from them what was written."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.exports.sqlite_pages import LOCK_PAGE, PAGE, PageFile, TableWriter
from app.exports.sqlite_records import NULLS, Column, column

KINDS = {"a": pa.int64(), "b": pa.float64(), "c": pa.bool_(), "d": pa.string(), "e": pa.binary()}
VALUES = {
    "a": st.integers(-(2**63), 2**63 - 1) | st.integers(-200, 200),
    "b": st.floats(allow_nan=False),
    "c": st.booleans(),
    # Beside short ones texts around the bounds of a leaf, and of the pages for their rest.
    "d": st.text("a\u57ce\U00020bb7", max_size=9) | st.integers(3_990, 4_080).map("x".__mul__),
    "e": st.binary(max_size=9) | st.integers(8_100, 8_200).map(b"\0".__mul__),
}
ROWS = st.lists(st.tuples(*(st.none() | VALUES[name] for name in KINDS)), max_size=30)


def _made(path) -> int:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as base:
        base.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b REAL, c BOOLEAN, d TEXT, e BLOB)")
        return base.execute("SELECT rootpage FROM sqlite_schema").fetchone()[0]


def _columns(rows) -> list[Column]:
    arrays = (pa.array([row[i] for row in rows], kind) for i, kind in enumerate(KINDS.values()))
    return [NULLS, *map(column, arrays)]


def _read(path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as base:
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return base.execute("SELECT * FROM t ORDER BY id").fetchall()


@settings(max_examples=40, deadline=None)
@given(batches=st.lists(ROWS, max_size=3), step=st.integers(1, 2**40))
def test_sqlite_reads_what_was_written(tmp_path_factory, batches, step):
    path = tmp_path_factory.getbasetemp() / "pages.db"
    root, first, wanted = _made(path), 1, []
    with PageFile(path) as file:
        table = TableWriter(file, root)
        for rows in batches:
            ids = first + step * np.arange(len(rows))
            if rows:
                table.add(ids, _columns(rows))
                first = int(ids[-1]) + 1
            wanted += [(int(number), *row) for number, row in zip(ids, rows, strict=True)]
        table.finish()
    assert _read(path) == wanted


def test_a_tree_of_three_levels_takes_rows_later_on(tmp_path):
    path = tmp_path / "pages.db"
    root = _made(path)
    rows = [(i, None, None, "x" * 4_000, None) for i in range(700)]
    with PageFile(path) as file:
        table = TableWriter(file, root)
        for start in range(0, 700, 300):
            part = rows[start : start + 300]
            table.add(1 + np.arange(start, start + len(part)), _columns(part))
        table.finish()
    with closing(sqlite3.connect(path)) as base:
        base.execute("DELETE FROM t WHERE id % 2 = 0")
        base.executemany("INSERT INTO t (id, a) VALUES (?, 7)", [(2,), (900,)])
        base.commit()
    found = _read(path)
    assert [row[0] for row in found] == sorted([*range(1, 701, 2), 2, 900])
    assert all(row[1] == row[0] - 1 and len(row[4]) == 4_000 for row in found if row[0] not in (2, 900))


def test_the_page_that_sqlite_locks_holds_nothing(tmp_path):
    """A file of a gigabyte, of which only the last pages take room on disk."""
    path = tmp_path / "pages.db"
    root = _made(path)
    with path.open("rb+") as file:
        file.seek(28)
        file.write((LOCK_PAGE - 4).to_bytes(4))
        file.truncate((LOCK_PAGE - 4) * PAGE)
    rows = [(i, None, None, "x" * 4_000, b"y" * 9_000 if i % 5 == 0 else None) for i in range(20)]
    with PageFile(path) as file:
        table = TableWriter(file, root)
        table.add(1 + np.arange(20), _columns(rows))
        table.finish()
    with closing(sqlite3.connect(path)) as base:
        assert base.execute("SELECT a, b, c, d, e FROM t").fetchall() == rows
    with path.open("rb") as file:
        file.seek((LOCK_PAGE - 1) * PAGE)
        assert file.read(PAGE) == bytes(PAGE)


@pytest.mark.parametrize("ids", [[2, 1], [1, 1], [-1, 5], [1, 2**56]])
def test_ids_that_a_table_does_not_take_are_refused(tmp_path, ids):
    path = tmp_path / "pages.db"
    root = _made(path)
    with pytest.raises(OSError, match=r"order of their ids|number of a row"), PageFile(path) as file:
        TableWriter(file, root).add(np.array(ids), _columns([(1, None, None, None, None)] * 2))
    assert _read(path) == []
