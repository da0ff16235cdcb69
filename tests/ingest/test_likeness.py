"""What a heading may mean is suggested with a likeness, and never decided."""

from __future__ import annotations

from typing import Any

import pytest

from app.ingest import suggestions
from app.ingest.headings import match_headings
from app.ingest.likeness import suggest_classes, suggest_fields


def suggested(catalogue, class_id, headings):
    cls = catalogue.get_class(class_id)
    meaning = match_headings(headings, cls)
    return meaning, {item["heading"]: item for item in suggest_fields(meaning, cls, "layer")}


@pytest.mark.parametrize(
    ("class_id", "heading", "field"),
    [
        ("parks", "MC", "name"),
        ("parks", "GYMC", "name"),
        ("parks", "BH", "code"),
        ("parks", "PARK_ID", "code"),
        ("parks", "LX", "kind"),
        ("parks", "PARKTYPE", "kind"),
        ("parks", "CLASSIFICA", "kind"),  # cut off by a Shapefile
        ("parks", "REGISTERED", "registered_area_m2"),
        ("parks", "养护单", "maintainer"),  # nine bytes of UTF-8
        ("parks", "PARK_STATU", "state"),
        ("parks", "OWNERSHIP", "owner"),
        ("parks", "lvdimianji", "green_area_m2"),
        ("parks", "Opening hour", "opening_hours"),
        ("pipes", "QDMS", "start_depth_m"),
        ("pipes", "start depht", "start_depth_m"),
        ("toilets", "TOILET_TYPE_TEXT", "kind"),
        ("streets", "DLMC", "name"),
    ],
)
def test_a_heading_is_told_its_likeliest_field_and_stays_unmatched(catalogue, class_id, heading, field):
    meaning, found = suggested(catalogue, class_id, [heading])
    assert (dict(meaning.fields), meaning.name, meaning.rest) == ({}, None, (heading,))
    assert found[heading]["field"] == field
    assert 0.6 <= found[heading]["likeness"] <= 1
    assert found[heading]["layer"] == "layer"


@pytest.mark.parametrize("heading", ["备用1", "x", "FUND_PROGR", "zzzzzzzzzz", "a" * 5000])
def test_what_is_like_nothing_gets_no_suggestion(catalogue, heading):
    assert suggested(catalogue, "parks", [heading])[1] == {}


def test_what_is_filled_is_not_suggested_and_nothing_twice(catalogue):
    _, found = suggested(catalogue, "parks", ["编码", "名称", "PARKNAME", "PARKTYPE", "PARK_CLASS"])
    fields = [item["field"] for item in found.values()]
    assert len(fields) == len(set(fields))
    assert "code" not in fields
    assert "name_zh" not in fields
    assert "kind" in fields


@pytest.mark.parametrize(
    ("name", "class_id"),
    [
        ("Public_Toilets_in_the_ACT", "toilets"),
        ("Public_Furniture_in_the_ACT", "street_furniture"),
        ("Playgrounds_in_the_ACT", "street_furniture"),
        ("parks-polygon-representation", "parks"),
        ("武昌区公厕2024", "toilets"),
        ("brigdes", "bridges"),
    ],
)
def test_a_name_suggests_its_class(catalogue, name, class_id):
    assert suggest_classes(catalogue, [name])[0][0] == class_id


def test_a_name_that_says_nothing_suggests_nothing(catalogue):
    assert suggest_classes(catalogue, ["export_final_v2", "数据"]) == []
    assert suggest_classes(catalogue, []) == []


def test_suggestions_begun_early_are_the_same_and_found_once(catalogue, monkeypatch):
    cls = catalogue.get_class("parks")
    meaning = match_headings(["GYMC", "BH"], cls)
    calls = []

    def counted(*asked: Any) -> list[dict[str, Any]]:
        calls.append(asked)
        return suggest_fields(*asked)

    monkeypatch.setattr(suggestions, "suggest_fields", counted)
    layers = [suggestions.Suggestions(meaning, cls, name) for name in ("first", "second")]
    suggestions.begin(layers)
    assert [layer.find() for layer in layers] == [
        suggest_fields(meaning, cls, "first"),
        suggest_fields(meaning, cls, "second"),
    ]
    assert len(calls) == 2
