"""Part of a file by a condition on its own headings."""

from __future__ import annotations

import math
import sqlite3
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import BadInput
from app.ingest.where import compile_where
from tests.effort import is_little

COLUMNS = {
    "用地代码": ["0701", "0702", "0801", None, " 0701 ", "701"],
    "area": [100.0, "400", 400, math.nan, "n/a", 1e3],
    "Land use": ["residential", "Park", "park", "", None, "it's"],
    "on": [date(2020, 1, 1), date(2021, 6, 1), None, "2021-06-02", None, None],
    "ok": [True, False, None, True, None, False],
}


def rows(text):
    return [i for i, taken in enumerate(compile_where(text).mask(COLUMNS, 6)) if taken]


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("用地代码 = '0701'", [0, 4]),
        ("用地代码 LIKE '07%'", [0, 1, 4]),
        ("用地代码 like '07_2'", [1]),
        ("用地代码 IN ('0702', '0801')", [1, 2]),
        ("用地代码 NOT IN ('0702', '0801')", [0, 4, 5]),
        ("用地代码 = 701", [0, 4, 5]),
        ("用地代码 IS NULL", [3]),
        ("用地代码 IS NOT NULL AND area >= 400", [1, 2, 5]),
        ("area < 400", [0]),
        ("NOT area < 400", [1, 2, 5]),
        ("area BETWEEN 100 AND 400", [0, 1, 2]),
        ("area NOT BETWEEN 100 AND 400", [5]),
        ("\"Land use\" = 'park'", [2]),
        ("\"Land use\" ILIKE 'p%'", [1, 2]),
        ("\"land_use\" = 'it''s'", [5]),
        ("`Land use` <> 'park'", [0, 1, 5]),
        ("on >= '2021-01-01'", [1, 3]),
        ("ok = 'true' OR area = 1e3", [0, 3, 5]),
        ("(area = 100 OR area = 400) AND NOT (用地代码 = '0701')", [1, 2]),
        ("area = 100 OR area = 400 AND 用地代码 = '0801'", [0, 2]),
        ("用地代码 LIKE '%'", [0, 1, 2, 4, 5]),
        ("用地代码 LIKE '%7%1'", [0, 4, 5]),
    ],
)
def test_conditions(text, taken):
    assert rows(text) == taken


def test_the_headings_that_a_condition_names():
    assert compile_where("用地代码 = '07' AND \"Land use\" = 'x' OR 用地代码 IS NULL").headings == (
        "用地代码",
        "Land use",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "ends at character 1 where a heading"),
        ("area", "ends at character 5 where a comparison"),
        ("area = ", "ends at character"),
        ("area = x", "'x' at character 8 where a number, or a text in single quotes"),
        ("code = 0701", "'0701' in single quotes, as it begins with 0"),
        ("area > 1 area", "'area' at character 10 where AND, OR or the end"),
        ("(area > 1", "'\\)' is expected"),
        ("area IN ()", "a number, or a text"),
        ("area ; DROP TABLE x", "cannot be read at character 6"),
        ("name = 'open", "cannot be read at character 8"),
        ("NULL = 1", "a heading of the file"),
        ("area IS 5", "'NULL' is expected"),
        ("(" * 200 + "a = 1" + ")" * 200, "nested more than 50"),
        ("NOT " * 200 + "a = 1", "nested more than 50"),
        ("a = 1 OR " * 2000 + "a = 1", "has 18005 characters"),
    ],
)
def test_what_cannot_be_understood_is_told_by_its_place(text, told):
    with pytest.raises(BadInput, match=told):
        compile_where(text)


def test_an_unknown_heading_names_the_nearest():
    with pytest.raises(BadInput, match="no column 'aera'") as caught:
        compile_where("aera > 1").resolve(["area", "code"])
    assert caught.value.hint == "Did you mean area? Columns: area, code."


def test_headings_are_found_in_another_case_or_width():
    assert compile_where('"ＡＲＥＡ" > 1').resolve(["x", "area"]) == {"ＡＲＥＡ": "area"}


def test_many_wildcards_take_no_long():
    where = compile_where(f"a LIKE '{'%a' * 400}%b'")
    assert not is_little(lambda: where.mask({"a": ["a" * 10_000]}, 1), 1)[0]


CELL = st.none() | st.integers(-3, 3)
WORD = st.none() | st.text("abAB_%", max_size=4)
TEST = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from("xy"),
        st.sampled_from("= != < <= > >=".split()),
        st.integers(-3, 3),
    ),
    st.builds("{} IN ({}, {})".format, st.sampled_from("xy"), st.integers(-3, 3), st.integers(-3, 3)),
    st.builds("{} IS {}NULL".format, st.sampled_from("xyz"), st.sampled_from(["", "NOT "])),
    st.builds(
        "x {}BETWEEN {} AND {}".format, st.sampled_from(["", "NOT "]), st.integers(-3, 3), st.integers(-3, 3)
    ),
    st.builds("z {}LIKE '{}'".format, st.sampled_from(["", "NOT "]), st.text("ab_%", max_size=5)),
    st.builds("z = '{}'".format, st.text("abAB", min_size=1, max_size=3)),
)
CONDITION = st.recursive(
    TEST,
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(cells=st.lists(st.tuples(CELL, CELL, WORD), min_size=1, max_size=8), text=CONDITION)
def test_it_means_what_it_means_in_sql(cells, text):
    """SQLite is the oracle; empty text is nothing in a table."""
    cells = [(x, y, z or None) for x, y, z in cells]
    with sqlite3.connect(":memory:") as conn:
        conn.execute("PRAGMA case_sensitive_like = ON")
        conn.execute("CREATE TABLE t (i INTEGER, x INTEGER, y INTEGER, z TEXT)")
        conn.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", [(i, *row) for i, row in enumerate(cells)])
        expected = [i for (i,) in conn.execute(f"SELECT i FROM t WHERE {text} ORDER BY i")]
    columns = dict(zip("xyz", map(list, zip(*cells, strict=True)), strict=True))
    mask = compile_where(text).mask(columns, len(cells))
    assert [i for i, taken in enumerate(mask) if taken] == expected


def test_a_condition_without_a_hit_tells_the_values_that_occur():
    many = {"a": [str(n) for n in range(12)] + [None, "3"]}
    told = compile_where("a = 'x'").no_hit([many])
    assert told.startswith("No row fulfils the condition a = 'x' (a holds '3' (2 rows), '0' (1 row)")
    assert told.endswith("and 5 other values).")
    assert compile_where("\"Land use\" = 'x'").no_hit([]).endswith("(Land use holds nothing).")
