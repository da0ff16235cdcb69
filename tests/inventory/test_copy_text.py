"""Columns as COPY text: whatever value goes in comes out of the database as it was, whole columns at a time."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from app.errors import BadInput
from app.inventory.changes import raw
from app.inventory.copy_text import constant, copy_text, taken, texts

TEXT = some.text(some.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
AWKWARD = some.sampled_from(
    ["", "\\", "\\N", "\\.", "a\\\nb", "\t", "\r\n", '"', "'", ",", "路", "𠮷", "{}", "NULL"]
)
ROWS = some.lists(
    some.tuples(
        some.none() | AWKWARD | TEXT,
        some.none() | some.floats(allow_nan=False),
        some.none() | some.integers(-(2**63), 2**63 - 1),
        some.none() | some.booleans(),
        some.none() | some.dates(date(1, 1, 1), date(9999, 12, 31)),
    ),
    min_size=1,
    max_size=30,
)


def stored(conn, types: str, columns: dict[str, Any]) -> list[tuple[Any, ...]]:
    with raw(conn).cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE copied (place serial, {types})".encode())
        with cursor.copy(f"COPY copied ({', '.join(columns)}) FROM STDIN".encode()) as copy:
            copy.write(copy_text(columns))
        rows = cursor.execute(f"SELECT {', '.join(columns)} FROM copied ORDER BY place".encode()).fetchall()
        cursor.execute("DROP TABLE copied")
    return rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_every_value_comes_back_as_it_was(conn, rows):
    columns = dict(zip("abcde", map(list, zip(*rows, strict=True)), strict=True))
    found = stored(conn, "a text, b float8, c int8, d bool, e date", columns)
    assert found == rows
    assert all(math.copysign(1, one[1]) == math.copysign(1, other[1])
               for one, other in zip(found, rows, strict=True) if one[1] is not None)  # fmt: skip


def test_arrays_json_and_texts_for_all_rows(conn):
    columns = {
        "a": ['{"x\\\\y","","\\"q\\""}', "{}"],
        "b": ['{"k": "a\\nb\\\\"}', None],
        "c": constant("always"),
        "d": constant(None),
    }
    assert stored(conn, "a text[], b jsonb, c text, d text", columns) == [
        (["x\\y", "", '"q"'], {"k": "a\nb\\"}, "always", None),
        ([], None, "always", None),
    ]


def test_values_of_mixed_kinds_are_written_one_by_one(conn):
    assert stored(conn, "a text, b numeric", {"a": ["x", 1, None], "b": [2**70, 0.5, None]}) == [
        ("x", 2**70), ("1", 0.5), (None, None),
    ]  # fmt: skip


def test_half_a_character_is_refused_with_a_sentence():
    with pytest.raises(BadInput, match="no Unicode"):
        texts(["\ud800"])


def test_rows_are_taken_by_their_places():
    assert taken(texts(["a", "b", None]), [2, 0]).to_pylist() == [None, "a"]
    assert taken(constant("x"), [2, 0]).as_py() == "x"
