"""What a cell may hold, and what becomes of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.catalogue.model import Choice, Field, Title
from app.validation.values import BadValue, converter, normalise, plain

TITLE = Title("字段", "Field")


def field(kind, **more: Any):
    return Field("x", kind, TITLE, **more)


@pytest.mark.parametrize(
    ("unit", "raw", "value"),
    [
        ("m", "5 m", 5.0),
        ("m", "3.5", 3.5),
        ("m", "3,5", 3.5),
        ("m", 7, 7.0),
        ("m", "0.3 km", 300.0),
        ("m", "120cm", 1.2),
        ("m", "10 ft", 3.048),
        ("mm", "0.5 m", 500.0),
        ("mm", "300", 300.0),
        ("m²", "15 亩", 10_000.0),
        ("m²", "2.5ha", 25_000.0),
        ("m²", "1,250,000", 1_250_000.0),
        ("m", "１２ 米", 12.0),
        (None, "1e3", 1000.0),
        ("m", "-0.5", -0.5),
    ],
)
def test_a_number_is_changed_to_the_unit_of_its_field(unit, raw, value):
    assert converter(field("number", unit=unit))(raw) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("raw", ["wide", "5 kg", "1;2", "12 34", "--3", True, float("inf"), "nan m"])
def test_what_is_no_number_is_refused_with_a_hint(raw):
    with pytest.raises(BadValue):
        converter(field("number", unit="m"))(raw)


@pytest.mark.parametrize("raw", [None, "", "  ", float("nan"), "\x00", "\t\n"])
@pytest.mark.parametrize("kind", ["text", "integer", "number", "boolean", "date"])
def test_nothing_stays_nothing(kind, raw):
    assert converter(field(kind))(raw) is None


@pytest.mark.parametrize(("raw", "value"), [(12, 12), ("12", 12), (12.0, 12), ("12.0", 12), ("1,234", 1234)])
def test_whole_numbers(raw, value):
    found = converter(field("integer"))(raw)
    assert found == value
    assert type(found) is int


@pytest.mark.parametrize("raw", [12.5, "12.5", 2**40, "many"])
def test_what_is_no_whole_number_is_refused(raw):
    with pytest.raises(BadValue):
        converter(field("integer"))(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("2021-12-31", date(2021, 12, 31)),
        ("2021/3/5", date(2021, 3, 5)),
        ("2021年3月5日", date(2021, 3, 5)),
        ("20210305", date(2021, 3, 5)),
        ("2021-03", date(2021, 3, 1)),
        ("2021", date(2021, 1, 1)),
        (2021, date(2021, 1, 1)),
        ("2021-03-05T10:00:00+08:00", date(2021, 3, 5)),
        (datetime(2021, 3, 5, 23, 59, tzinfo=UTC), date(2021, 3, 5)),
    ],
)
def test_dates(raw, value):
    assert converter(field("date"))(raw) == value


@pytest.mark.parametrize("raw", ["2021-02-30", "C19", "yesterday", "31.12.2021", "1", 12])
def test_what_is_no_date_is_refused(raw):
    with pytest.raises(BadValue):
        converter(field("date"))(raw)


@pytest.mark.parametrize(
    ("raw", "value"), [("是", True), ("否", False), (1, True), ("No", False), (True, True), ("0", False)]
)
def test_yes_and_no(raw, value):
    assert converter(field("boolean"))(raw) is value


CHOICES = (
    Choice("public", Title("独立式", "Free standing"), ("独立",)),
    Choice("mobile", Title("活动式", "Mobile")),
)


@pytest.mark.parametrize(
    "raw", ["public", "独立式", " 独立 ", "free_standing", "FREE STANDING", "Free-Standing"]
)
def test_a_choice_is_known_by_value_title_and_alias(raw):
    assert converter(field("choice", choices=CHOICES))(raw) == "public"


def test_a_wrong_choice_lists_the_valid_ones():
    with pytest.raises(BadValue) as caught:
        converter(field("choice", choices=CHOICES))("floating")
    assert caught.value.hint == "Valid values: public (独立式), mobile (活动式)."


def test_limits_are_held():
    limited = converter(field("integer", minimum=0, maximum=30))
    assert limited(30) == 30
    with pytest.raises(BadValue, match="above the largest value 30"):
        limited(31)
    with pytest.raises(BadValue, match="below the smallest value 0"):
        limited("-1")


def test_text_is_clean_and_whole_numbers_have_no_point():
    text = converter(field("text"))
    assert text(" 公厕\x00甲 ") == "公厕 甲"
    assert text(12.0) == "12"
    assert text("\ud800x") == "?x"
    assert text({"a": 1}) == '{"a": 1}'
    with pytest.raises(BadValue, match="not UTF-8"):
        text(b"\xc4\xe3")


def test_what_no_field_takes_is_kept_as_json():
    assert plain(date(2021, 1, 2)) == "2021-01-02"
    assert plain(float("inf")) is None
    assert plain([1, {"a": None}]) == [1, {"a": None}]
    assert plain(b"\xff") is None


@pytest.mark.parametrize("text", ["Name_ZH", "name zh", "NAME-zh", "ｎａｍｅ＿ｚｈ", "\ufeffname_zh"])
def test_headings_are_compared_in_one_form(text):
    assert normalise(text) == "namezh"
