"""What an address asks of tiles: collections, filters, times, areas, properties, runs; and what it may not ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import orjson
import pytest

from app.catalogue.public_part import part_of
from app.errors import BadInput, NotFound
from app.inventory.changes import data_version
from app.inventory.service import write_batches
from app.ogc.asked import Asked
from app.ogc.items_service import items_page, items_query
from app.tiles.asked import TilesAsked, datetime_of
from app.tiles.plan import plan_of
from bench.places import tiles_over
from tests.inventory.town import CHANGE, LAT, LON, batch, districts, place
from tests.tiles.tiled import TOWN, built, decoded, points, rows_of, squares, tile_at, tiled_town

TILE = tile_at(12, LON, LAT)


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue):
    toilets = points(
        "toilets", 80, 1, stalls=[n % 20 for n in range(80)], name_zh=[f"厕{n % 3}" for n in range(80)]
    )
    old = replace(
        batch("toilets", {f"o{n}": place(n / 20, 1) for n in range(9)}),
        valid=[(date(2010, 1, 1), date(2015, 1, 1))] * 9,
    )
    trees = points("street_trees", 40, 2)
    first = (districts(), toilets, trees, squares("parks", 60, 3))
    with tiled_town(cluster_settings, template, catalogue, *first) as db:
        with db.write() as conn:
            write_batches(conn, catalogue, [old], CHANGE)
        yield db


@pytest.fixture
def reading(town):
    with town.read() as conn:
        yield conn


def ids(conn, catalogue, name, z=12, **asked):
    return {
        item["id"]
        for tile in tiles_over(z, TOWN)
        for item in decoded(built(conn, catalogue, tile, name, **asked).body).get(name, [])
    }


def items(conn, catalogue, name, **asked):
    """The ids that the items of the same address hold."""
    query = replace(items_query(conn, catalogue, name, Asked(**asked), ""), limit=1000)
    page = items_page(conn, catalogue, query)
    return {orjson.loads(text)["id"] for text in page.features}


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": "stalls > 10"},
        {"filter": "name_zh LIKE '厕1%' AND NOT (stalls BETWEEN 3 AND 5)"},
        {"filter": "S_INTERSECTS(geom, POLYGON((115.85 28.67, 115.87 28.67, 115.87 28.69, 115.85 28.67)))"},
        {"filter": '{"op": "<", "args": [{"property": "stalls"}, 4]}', "filter_lang": "cql2-json"},
        {"area": "W"},
        {"area": "E1", "filter": "stalls < 9"},
        {"as_of": "2012-06-01"},
        {"datetime": "2012-06-01"},
        {"datetime": "2009-01-01/2012-01-01"},
        {"as_of": "2012-06-01", "filter": "stalls > 3"},
    ],
)
def test_a_tile_holds_what_the_items_of_the_same_address_hold(reading, catalogue, asked):
    expected = items(reading, catalogue, "toilets", **asked)
    assert expected
    assert ids(reading, catalogue, "toilets", **asked) == expected


def test_fields_choose_by_equality(reading, catalogue):
    found = ids(reading, catalogue, "toilets", where=(("stalls", ("3", "7")),))
    assert found == {row[0] for row in rows_of(reading, "SELECT id FROM city.toilets WHERE stalls IN (3, 7)")}


def test_what_was_known_then_is_drawn_and_counted(town, catalogue):
    with town.read() as conn:
        before = data_version(conn, "toilets")
        was = ids(conn, catalogue, "toilets")
    with town.write() as conn:
        write_batches(conn, catalogue, [batch("toilets", {"late": place(0.1, 0.1)})], CHANGE)
    with town.read() as conn:
        assert len(ids(conn, catalogue, "toilets")) == len(was) + 1
        assert ids(conn, catalogue, "toilets", known_at=str(before)) == was
        for asked in ({}, {"known_at": str(before)}, {"as_of": "2012-01-01"}):
            tiles = [
                decoded(built(conn, catalogue, tile, "street_trees", **asked).body)
                for tile in tiles_over(12, TOWN)
            ]
            clusters = [item for layers in tiles for item in layers.get("street_trees", [])]
            assert sum(item["properties"]["point_count"] for item in clusters) == 40


def test_filtered_tiles_say_how_many_of_how_many_match_the_filter(reading, catalogue):
    found = built(reading, catalogue, tile_at(11, LON, LAT), "parks", filter="area_m2 > 100")
    total = rows_of(reading, "SELECT count(*) FROM city.parks WHERE area_m2 > 100")[0][0]
    drawn = decoded(found.body).get("parks", [])
    if drawn and "cluster" in drawn[0]["properties"]:
        assert sum(item["properties"]["point_count"] for item in drawn) == total
    else:
        (said,) = found.thinned
        assert (said.shown, said.matched) == (len(drawn), total)


def test_properties_choose_what_features_say(reading, catalogue):
    found = decoded(built(reading, catalogue, TILE, "toilets", properties="stalls,valid_from,area_path").body)
    assert {name for item in found["toilets"] for name in item["properties"]} == {"stalls", "area_path"}
    assert {type(item["properties"].get("stalls", 0)) for item in found["toilets"]} == {int}
    far = decoded(built(reading, catalogue, tile_at(16, LON, LAT), "parks").body)
    near = decoded(built(reading, catalogue, tile_at(13, LON, LAT), "parks").body)
    assert "min_zoom" in near["parks"][0]["properties"]
    assert far


def test_several_collections_are_layers_in_the_order_asked(reading, catalogue):
    found = decoded(built(reading, catalogue, tile_at(14, LON, LAT), "toilets", "districts", "parks").body)
    assert list(found) == ["toilets", "districts", "parks", "thinned"]


def test_by_default_every_class_that_holds_anything_is_a_layer(reading, catalogue):
    plan = plan_of(reading, catalogue, None, TilesAsked())
    assert {layer.collection for layer in plan.layers} == {"districts", "toilets", "street_trees", "parks"}
    assert len(plan.classes) > 40
    assert not plan.runs


def test_what_one_of_several_collections_does_not_know_is_told_with_its_name(reading, catalogue):
    with pytest.raises(BadInput, match="stalls") as refused:
        plan_of(reading, catalogue, ["toilets", "parks"], TilesAsked(filter="stalls > 3"))
    assert refused.value.members["collection"] == "parks"


def test_a_filter_on_all_leaves_the_classes_that_know_its_fields(reading, catalogue):
    plan = plan_of(reading, catalogue, None, TilesAsked(filter="stalls > 3"))
    assert [layer.collection for layer in plan.layers] == ["toilets"]
    with pytest.raises(BadInput):
        plan_of(reading, catalogue, None, TilesAsked(filter="nothing > 3"))


@pytest.mark.parametrize(
    ("collection", "asked", "error", "told"),
    [
        ("toilet", {}, NotFound, "toilets"),
        ("toilets", {"filter": "stals > 3"}, BadInput, "stalls"),
        ("toilets", {"filter": "stalls >"}, BadInput, ""),
        ("toilets", {"filter": "(" * 5000}, BadInput, ""),
        ("toilets", {"where": (("stals", ("3",)),)}, BadInput, "stalls"),
        ("toilets", {"where": (("filtr", ("3",)),)}, BadInput, "filter"),
        ("toilets", {"where": (("stalls", ("many",)),)}, BadInput, ""),
        ("toilets", {"properties": "stals"}, BadInput, "stalls"),
        ("toilets", {"as_of": "yesterday"}, BadInput, ""),
        ("toilets", {"known_at": "999999"}, BadInput, ""),
        ("toilets", {"area": "Nowhere"}, NotFound, ""),
        ("coverage_gaps", {"area": "W"}, BadInput, ""),
        ("coverage_gaps", {"as_of": "2020-01-01"}, BadInput, ""),
        ("coverage_gaps", {"where": (("run", ("x",)),)}, BadInput, ""),
        ("coverage_gaps", {"where": (("run", ("10000000-0000-4000-8000-000000000000",)),)}, NotFound, "/coverage"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_a_hint(reading, catalogue, collection, asked, error, told):
    with pytest.raises(error) as caught:
        plan_of(reading, catalogue, [collection], TilesAsked(**asked))
    assert told in (caught.value.hint or "")


def test_no_class_or_field_above_the_level_is_in_a_tile(reading, catalogue):
    closed = replace(catalogue.get_class("toilets"), sensitivity="restricted")
    whole = replace(catalogue, classes={**catalogue.classes, "toilets": closed})
    assert "toilets" in {layer.collection for layer in plan_of(reading, whole, None, TilesAsked()).layers}
    hidden = part_of(whole, "internal")
    assert "toilets" not in {
        layer.collection for layer in plan_of(reading, hidden, None, TilesAsked()).layers
    }
    with pytest.raises(NotFound):
        plan_of(reading, hidden, ["toilets"], TilesAsked())
    cls = catalogue.get_class("toilets")
    fields = tuple(
        replace(item, sensitivity="restricted") if item.name == "stalls" else item for item in cls.fields
    )
    whole = replace(catalogue, classes={**catalogue.classes, "toilets": replace(cls, fields=fields)})
    found = decoded(built(reading, whole, tile_at(14, LON, LAT), "toilets").body)
    assert any("stalls" in item["properties"] for item in found["toilets"])
    partly = part_of(whole, "internal")
    found = decoded(built(reading, partly, tile_at(14, LON, LAT), "toilets").body)
    assert found["toilets"]
    assert not any("stalls" in item["properties"] for item in found["toilets"])
    with pytest.raises(BadInput):
        plan_of(reading, partly, ["toilets"], TilesAsked(properties="stalls"))
    for asked in (TilesAsked(filter="stalls > 3"), TilesAsked(where=(("stalls", ("3",)),))):
        with pytest.raises(BadInput, match="stalls"):
            plan_of(reading, partly, ["toilets"], asked)


def test_nothing_there_is_an_empty_body(reading, catalogue):
    assert built(reading, catalogue, tile_at(14, 10, 50), "toilets", "parks", "street_trees").body == b""
    assert built(reading, catalogue, TILE, "markets").body == b""
    assert built(reading, catalogue, TILE, "toilets", filter="stalls > 1000").body == b""


def test_the_time_axis_of_subset_is_datetime():
    day, later = "2020-01-01", "2021-12-31T00:00:00Z"
    assert datetime_of(None, day) == day
    assert datetime_of(f'datetime("{day}")', None) == day
    assert datetime_of(f'datetime("{day}":"{later}")', None) == f"{day}/{later}"
    assert datetime_of(f'datetime(*:"{later}")', None) == f"../{later}"
    assert datetime_of(f'datetime("{day}":*)', None) == f"{day}/.."
    for bad in ("datetime(*)", "Lat(3:4)", 'datetime("a"', "datetime()", 'datetime("a":"b":"c")', '"'):
        with pytest.raises(BadInput, match="subset"):
            datetime_of(bad, None)
    with pytest.raises(BadInput, match="subset"):
        datetime_of(f'datetime("{day}")', day)
