"""Columns as binary COPY: whatever value goes in comes out of the database as it was, whole columns at a time."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from psycopg import sql

from app.errors import BadInput
from app.inventory.changes import raw
from app.inventory.copy_binary import (
    Cells,
    booleans,
    constant,
    days,
    integers,
    lists,
    numbers,
    objects,
    ranges,
    texts,
    vectors,
)
from app.inventory.staging import copy_rows

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


def stored(conn, types: str, columns: dict[str, Cells]) -> list[tuple[Any, ...]]:
    with raw(conn).cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE copied (place serial, {types})".encode())
        copy_rows(cursor, sql.Identifier("copied"), columns)
        rows = cursor.execute(f"SELECT {', '.join(columns)} FROM copied ORDER BY place".encode()).fetchall()
        cursor.execute("DROP TABLE copied")
    return rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_every_value_comes_back_as_it_was(conn, rows):
    kinds = (texts, numbers, integers, booleans, days)
    given = {
        name: make(list(values))
        for name, make, values in zip("abcde", kinds, zip(*rows, strict=True), strict=True)
    }
    found = stored(conn, "a text, b float8, c int8, d bool, e date", given)
    assert found == rows
    assert all(math.copysign(1, one[1]) == math.copysign(1, other[1])
               for one, other in zip(found, rows, strict=True) if one[1] is not None)  # fmt: skip


def test_arrays_json_words_and_values_for_all_rows(conn):
    columns = {
        "a": lists([("x\\y", "", '"q"'), ()]),
        "b": objects([b'{"k": "a\\nb"}', None]),
        "c": constant(b"always"),
        "d": constant(None),
        "e": vectors([["路", "b", "a'b"], []]),
        "f": integers([7, None], 2),
    }
    assert stored(conn, "a text[], b jsonb, c text, d text, e tsvector, f smallint", columns) == [
        (["x\\y", "", '"q"'], {"k": "a\nb"}, "always", None, "'a''b' 'b' '路'", 7),
        ([], None, "always", None, "", None),
    ]


def test_days_from_and_until(conn):
    start, end = date(1949, 10, 1), date(2024, 2, 29)
    periods = [(None, None), (start, None), (None, end), (start, end)]
    found = stored(conn, "a daterange, b text", {"a": ranges(periods), "b": texts("abcd")})
    assert [(row[0].lower, row[0].upper) for row in found] == periods
    assert [row[0].bounds for row in found] == ["()", "[)", "()", "[)"]


def test_what_is_nearly_of_a_kind_is_taken_for_it(conn):
    columns = {
        "a": texts(["x", 1, None]),
        "b": numbers([2**70, 0.5, None]),
        "c": integers([1.0, "2", None]),
        "d": numbers(np.array([math.nan, math.inf, -0.0])),
    }
    found = stored(conn, "a text, b float8, c int8, d float8", columns)
    assert found[0][:3] + found[1] + found[2] == (
        "x", 2.0**70, 1, "1", 0.5, 2, math.inf, None, None, None, 0.0,
    )  # fmt: skip
    assert math.isnan(found[0][3])


@pytest.mark.parametrize(
    ("make", "values", "said"),
    [
        (texts, ["\ud800"], "no Unicode"),
        (integers, [1, 2.5], "'2.5' cannot be stored as a whole number"),
        (integers, [2**63], "'9223372036854775808' cannot be stored as a whole number"),
        (numbers, [1.0, "many"], "'many' cannot be stored as a number"),
        (booleans, ["perhaps"], "'perhaps' cannot be stored"),
        (days, ["1999", None], "'1999' cannot be stored as a day"),
    ],
)
def test_what_is_of_no_kind_is_refused_with_a_sentence(make, values, said):
    with pytest.raises(BadInput, match=said):
        make(values)


def test_rows_are_taken_by_their_places(conn):
    columns = {
        "a": texts(["a", "b", None]).take([2, 0]),
        "b": integers([1, 2, 3]).take([2, 0]),
        "c": constant(b"x").take([2, 0]),
    }
    assert stored(conn, "a text, b int8, c text", columns) == [(None, 3, "x"), ("a", 1, "x")]
