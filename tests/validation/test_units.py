"""Units in headings and in cells."""

from __future__ import annotations

import pytest

from app.catalogue.units import UNITS
from app.ingest.headings import match_headings, unit_notes
from app.validation.units import conversion, find_unit, split_heading


@pytest.mark.parametrize(
    ("written", "wanted", "factor"),
    [
        ("ft", "m", 0.3048),
        ("US survey feet", "m", 0.3048006096012192),
        ("ftUS", "m", 1200 / 3937),
        ("英尺", "m", 0.3048),
        ("km", "m", 1000),
        ("公里", "m", 1000),
        ("㎞", "m", 1000),
        ("in", "mm", 25.4),
        ("mu", "m²", 666.6666666666667),
        ("亩", "m²", 666.6666666666667),
        ("万亩", "m²", 6_666_666.666666667),
        ("公顷", "m²", 10_000),
        ("hm²", "m²", 10_000),
        ("ACRES", "m²", 4046.8564224),
        ("sq ft", "m²", 0.09290304),
        ("万平方米", "m²", 10_000),
        ("万m²", "m²", 10_000),
        ("㎢", "m²", 1_000_000),
        ("万吨/日", "t/d", 10_000),
        ("万元", "CNY", 10_000),
        ("万人", "people", 10_000),
        ("mph", "km/h", 1.609344),
        ("V", "kV", 0.001),
    ],
)
def test_factors(written, wanted, factor):
    assert conversion(find_unit(written), wanted) == pytest.approx(factor, rel=1e-12)


def test_every_unit_of_a_field_is_known():
    assert [unit for unit in UNITS if find_unit(unit) is None] == []


@pytest.mark.parametrize("text", ["", "kg/m²x", "名称", "x" * 50, "万", "m m m"])
def test_what_is_no_unit(text):
    assert find_unit(text) is None


def test_units_of_other_dimensions_do_not_convert():
    assert conversion(find_unit("kg"), "m") is None
    assert conversion(find_unit("m"), None) is None


@pytest.mark.parametrize(
    ("heading", "base", "symbol"),
    [
        ("长度(km)", "长度", "km"),
        ("面积（亩）", "面积", "亩"),
        ("面积（单位：公顷）", "面积", "公顷"),
        ("建筑面积[万平方米]", "建筑面积", "万平方米"),
        ("高度/ft", "高度", "ft"),
        ("area_mu", "area", "mu"),
        ("WIDTH_FT", "WIDTH", "FT"),
        ("AREA_SQ_FT", "AREA", "SQ_FT"),
        ("WidthFt", "Width", "Ft"),
        ("面积亩", "面积", "亩"),
        ("长度km", "长度", "km"),
    ],
)
def test_headings_that_bear_a_unit(heading, base, symbol):
    name, unit = next(split_heading(heading))
    assert (name, unit.symbol) == (base, symbol)


def test_a_heading_with_a_unit_is_its_field_and_the_change_is_told(catalogue):
    pipes = catalogue.get_class("pipes")
    meaning = match_headings(["长度（km）", "WIDTH_FT", "管径/mm", "埋深(kg)"], pipes)
    assert {heading: field.name for heading, field in meaning.fields.items()} == {
        "长度（km）": "registered_length_m",
        "WIDTH_FT": "width_mm",
        "管径/mm": "diameter_mm",
    }
    assert meaning.rest == ("埋深(kg)",)
    assert unit_notes(meaning) == [
        {"heading": "长度（km）", "field": "registered_length_m", "from": "km", "to": "m", "factor": 1000.0},
        {"heading": "WIDTH_FT", "field": "width_mm", "from": "FT", "to": "mm", "factor": 304.8},
    ]


def test_a_heading_as_it_stands_comes_before_one_with_a_unit(catalogue):
    meaning = match_headings(["面积（亩）", "面积"], catalogue.get_class("parks"))
    assert {h: f.name for h, f in meaning.fields.items()} == {"面积": "registered_area_m2"}
    assert (meaning.units, meaning.rest) == ({}, ("面积（亩）",))


def test_a_name_without_its_unit_is_not_known_unless_the_unit_is_said(catalogue):
    """`width` of a pipe may be metres as well as millimetres."""
    meaning = match_headings(["width"], catalogue.get_class("pipes"))
    assert (meaning.fields, meaning.rest) == ({}, ("width",))


def test_what_arcgis_measures_is_left_behind(catalogue):
    meaning = match_headings(
        ["SHAPE_Leng", "Shape_Area", "Shape__Length", "shape"], catalogue.get_class("parks")
    )
    assert (meaning.left, meaning.rest) == (("SHAPE_Leng", "Shape_Area", "Shape__Length"), ("shape",))
