"""A column at once is the same as its values one by one."""

from __future__ import annotations

import math
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalogue.model import Choice, Field, Title
from app.ingest.columns import convert_column
from app.ingest.mapping import ColumnMapping
from app.validation.units import find_unit
from app.validation.values import BadValue, converter

TITLE = Title("字段", "Field")
CHOICES = (
    Choice("public", Title("独立式公厕", "Free standing"), ("yes",), {"cjt214_2007": ("0301",)}),
    Choice("mobile", Title("活动式公厕", "Mobile"), ("no",)),
    Choice("first", Title("一类", "First class"), ("1",)),
)
FIELDS = {
    "text": Field("x", "text", TITLE),
    "number": Field("x", "number", TITLE, unit="m", minimum=0, maximum=1e6),
    "integer": Field("x", "integer", TITLE, unit="people", minimum=-5),
    "boolean": Field("x", "boolean", TITLE),
    "date": Field("x", "date", TITLE),
    "choice": Field("x", "choice", TITLE, choices=CHOICES),
}
UNIT = {"number": find_unit("ft"), "integer": find_unit("千人"), "date": find_unit("excel day")}
CELLS = {
    "text": st.text(max_size=6) | st.sampled_from([" a ", "\u3000甲", "\ud800", "a\x00b"]),
    "number": st.floats() | st.floats(0, 100),
    "integers": st.integers(-(10**12), 10**12),
    "digits": st.from_regex(r"[-+]?[0-9]{1,4}(\.[0-9]{0,3})?(e[0-9])?( m|km|,5)?", fullmatch=True),
    "boolean": st.booleans(),
    "date": st.dates() | st.datetimes(),
    "choice": st.sampled_from(["public", "0301 独立式公厕", "活动式公厕", "?", "1", "yes ", "ＹＥＳ"]),
    "other": st.lists(st.integers(), max_size=2) | st.binary(max_size=2),
}
COLUMNS = st.one_of(
    *(st.lists(cell | st.none(), max_size=8) for cell in CELLS.values()),
    st.lists(st.one_of(*CELLS.values()) | st.none(), max_size=8),
)


def one_by_one(values, field, unit):
    convert = converter(field, unit)
    found, faults = [], {}
    for i, raw in enumerate(values):
        try:
            found.append(convert(raw))
        except BadValue as error:
            found.append(None)
            faults[i] = (error.reason, error.hint)
    return found, faults


@pytest.mark.parametrize("stated", [False, True])
@pytest.mark.parametrize("kind", FIELDS)
@settings(max_examples=60, deadline=None)
@given(values=COLUMNS)
def test_a_column_is_its_values_one_by_one(kind, stated, values):
    unit = UNIT.get(kind) if stated else None
    expected, faults = one_by_one(values, FIELDS[kind], unit)
    column = convert_column(values, FIELDS[kind], unit=unit)
    assert list(map(type, column.values)) == list(map(type, expected))
    assert column.values == expected
    assert {i: (fault.reason, fault.hint) for i, fault in column.faults.items()} == faults
    assert column.kept == {}


def test_equal_values_of_other_types_are_not_mixed_up():
    assert convert_column([True, 1, 1.0, "1"], FIELDS["text"]).values == ["true", "1", "1", "1"]
    column = convert_column([1, True, 1.0], FIELDS["number"])
    assert (column.values, set(column.faults)) == ([1.0, None, 1.0], {1})


def test_the_unit_of_the_heading_is_for_bare_numbers_alone():
    column = convert_column(["2", "2 m", 2, None, "0.5km", math.nan], FIELDS["number"], unit=find_unit("ft"))
    assert column.values == pytest.approx([0.6096, 2.0, 0.6096, None, 500.0, None])


def test_limits_hold_after_the_conversion():
    column = convert_column([900.0, 1100.0], FIELDS["number"], unit=find_unit("km"))
    assert column.values == [900_000.0, None]
    assert column.faults[1].reason == "above the largest value 1e+06"


@pytest.mark.parametrize("raw", ["1e400", "9" * 400, 10**400])
def test_numbers_beyond_all_bounds_are_refused(raw):
    assert convert_column([raw], FIELDS["number"]).faults[0].reason == "the number is infinite"


def test_a_serial_day_is_refused_with_what_it_may_be():
    fault = convert_column([44197, date(2020, 1, 1)], FIELDS["date"]).faults[0]
    assert "serial day (2021-01-01)" in fault.hint
    assert "unit: excel day" in fault.hint


def test_serial_days_are_read_where_a_mapping_says_so():
    values = [44197, 44197.75, "36526", date(2020, 5, 1), datetime(2020, 5, 1, 8), "2020-05-01", 61]  # noqa: DTZ001
    column = convert_column(values, FIELDS["date"], unit=find_unit("excel day"))
    day = date(2020, 5, 1)
    assert column.values == [
        date(2021, 1, 1),
        date(2021, 1, 1),
        date(2000, 1, 1),
        day,
        day,
        day,
        date(1900, 3, 1),
    ]


def test_a_mapping_says_what_values_mean():
    rule = ColumnMapping("x", values={"旱厕": "mobile", "A": "public", "Ｂ": None})
    column = convert_column(["旱厕", " a", "b", "独立式公厕", "什么"], FIELDS["choice"], rule=rule)
    assert column.values == ["mobile", "public", None, "public", None]
    assert set(column.faults) == {4}


def test_a_mapping_may_keep_what_is_unknown_or_say_what_all_others_are():
    kept = convert_column(
        ["public", "什么", None], FIELDS["choice"], rule=ColumnMapping("x", unknown="extra")
    )
    assert (kept.values, kept.kept, kept.faults) == (["public", None, None], {1: "什么"}, {})
    others = convert_column(["no", "什么"], FIELDS["choice"], rule=ColumnMapping("x", values={"*": "first"}))
    assert others.values == ["mobile", "first"]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("0301 独立式公厕", "public"),
        ("99-活动式公厕", "mobile"),
        ("独立式公厕(0301)", "public"),
        ("１ 一类", "first"),
        ("活动式公厕  ", "mobile"),
        ("0301", "public"),
    ],
)
def test_a_choice_with_its_code(raw, value):
    assert convert_column([raw], FIELDS["choice"]).values == [value]


@pytest.mark.parametrize("raw", ["not public", "0301 活动式公厕", "yes/no", "non-public", "03 什么"])
def test_a_label_that_its_code_contradicts_is_no_choice(raw):
    assert set(convert_column([raw], FIELDS["choice"]).faults) == {0}


def test_a_choice_that_is_nearly_right_is_named():
    fault = convert_column(["活动公厕"], FIELDS["choice"]).faults[0]
    assert fault.hint.startswith("Did you mean mobile (活动式公厕)? Valid values: public (独立式公厕)")


def test_codes_that_came_as_numbers_and_cells_without_anything():
    rule = ColumnMapping("x", values={"7": "mobile", "none": "public", "true": "first"})
    column = convert_column([7.0, 7, "7", None, "", "None", True, math.nan], FIELDS["choice"], rule=rule)
    assert column.values == ["mobile", "mobile", "mobile", None, None, "public", "first", None]


def test_values_of_a_mapping_are_in_the_unit_of_the_field():
    rule = ColumnMapping("x", "ft", {"浅": 1.5})
    column = convert_column(["浅", "10"], FIELDS["number"], unit=find_unit("ft"), rule=rule)
    assert column.values == pytest.approx([1.5, 3.048])
