"""Features as GeoJSON written by the database."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import BadInput, NotFound
from app.inventory import store
from app.inventory.query import FeatureQuery, boxes
from app.inventory.service import data_version, write_batches
from tests.inventory.town import CHANGE, batch, line, place, square


@pytest.fixture
def toilets(town, catalogue):
    """Twelve toilets from west to east along the middle of the town, every third of them with stalls."""
    points = {f"t{n}": place(-1.65 + n * 0.3, 0.5) for n in range(12)}
    stalls = [n if n % 3 == 0 else None for n in range(12)]
    kinds = [("public", "attached", "mobile")[n % 3] for n in range(12)]
    write_batches(town, catalogue, [batch("toilets", points, {"stalls": stalls, "kind": kinds})], CHANGE)
    return town


def read(conn, catalogue, class_id="toilets", **query: Any):
    found = json.loads(store.features_json(conn, catalogue, FeatureQuery(class_id, **query)))
    assert found["type"] == "FeatureCollection"
    assert found["numberReturned"] == len(found["features"])
    return found


def codes(found):
    return [feature["properties"]["code"] for feature in found["features"]]


def test_a_feature_shows_its_fields_and_derived_values(toilets, catalogue):
    (feature,) = read(toilets, catalogue, limit=1)["features"]
    properties = feature["properties"]
    assert feature["type"] == "Feature"
    assert feature["geometry"] == {"type": "Point", "coordinates": [115.8435, 28.685]}
    wanted = {"code": "t0", "kind": "public", "stalls": 0, "area_path": "C/W/W1", "incomplete": False}
    assert wanted.items() <= properties.items()
    assert properties["change_id"] == data_version(toilets, "toilets")
    assert list(properties) == [
        "code", *(field.name for field in catalogue.classes["toilets"].fields),
        "area_path", "incomplete", "min_zoom", "change_id", "valid_from", "valid_to",
    ]  # fmt: skip


def test_pages_follow_each_other_by_id(toilets, catalogue):
    seen, after = [], None
    for _ in range(3):
        page = store.features_page(toilets, catalogue, FeatureQuery("toilets", limit=5, after=after))
        assert (page.matched, page.matched_exact) == (12, True)
        seen += codes(json.loads(page.text))
        after = page.next
    assert seen == [f"t{n}" for n in range(12)]
    assert after is None


def test_the_last_full_page_has_no_next(toilets, catalogue):
    assert store.features_page(toilets, catalogue, FeatureQuery("toilets", limit=12)).next is None
    empty = store.features_page(toilets, catalogue, FeatureQuery("markets"))
    assert (empty.returned, empty.matched, empty.next) == (0, 0, None)
    assert json.loads(empty.text)["features"] == []


def test_members_are_added_without_reading_the_features(toilets, catalogue):
    page = store.features_page(toilets, catalogue, FeatureQuery("toilets", limit=1))
    whole = json.loads(page.body({"links": [{"href": 'x"y'}]}))
    assert whole["links"] == [{"href": 'x"y'}]
    assert len(whole["features"]) == 1


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"kind": ["mobile"]}, [2, 5, 8, 11]),
        ({"kind": ["mobile", "public"], "stalls": [3, "6"]}, [3, 6]),
        ({"stalls": [None], "kind": ["attached"]}, [1, 4, 7, 10]),
        ({"stalls": [None, 9]}, [1, 2, 4, 5, 7, 8, 9, 10, 11]),
        ({"stalls": []}, []),
        ({"code": ["t4", "t7"]}, [4, 7]),
        ({"incomplete": ["true"]}, []),
        ({"name_zh": ["'; DROP TABLE city.toilets; --"]}, []),
    ],
)
def test_fields_choose_features(toilets, catalogue, where, expected):
    found = read(toilets, catalogue, where=where, limit=100)
    assert codes(found) == [f"t{n}" for n in expected]
    assert found["numberMatched"] == len(expected)


def test_an_area_chooses_features_at_home_there(toilets, catalogue):
    assert codes(read(toilets, catalogue, area="W", limit=100)) == [f"t{n}" for n in range(6)]
    assert codes(read(toilets, catalogue, area="Area E1", limit=100)) == [f"t{n}" for n in range(6, 12)]
    with pytest.raises(NotFound):
        read(toilets, catalogue, area="W%")


def test_only_the_properties_asked_for_are_shown(toilets, catalogue):
    (feature,) = read(toilets, catalogue, properties=["kind", "code"], limit=1)["features"]
    assert feature["properties"] == {"code": "t0", "kind": "public"}
    (bare,) = read(toilets, catalogue, geometry=False, limit=1)["features"]
    assert bare["geometry"] is None


@pytest.mark.parametrize(
    "query",
    [
        {"where": {"stols": [1]}},
        {"where": {"stalls": ["many"]}},
        {"where": {"kind": ["palace"]}},
        {"where": {"accessible": ["perhaps"]}},
        {"where": {"built_on": ["2020-13-01"]}},
        {"where": {"stalls": [2**70]}},
        {"where": {"name_zh": ["\x00"]}},
        {"properties": ["stols"]},
        {"limit": -1},
        {"limit": 10_001},
        {"zoom": 40},
        {"bbox": [1, 2, 3]},
        {"bbox": [1, 5, 3, 2]},
        {"bbox": [1, float("nan"), 3, 4]},
        {"bbox": [-190, 0, 3, 4]},
    ],
)
def test_what_cannot_be_asked_is_told_in_a_sentence(read_conn, catalogue, query):
    with pytest.raises(BadInput):
        store.features_json(read_conn, catalogue, FeatureQuery("toilets", **query))


def test_an_unknown_class_is_not_found(read_conn, catalogue):
    with pytest.raises(NotFound, match="tolets"):
        store.features_json(read_conn, catalogue, FeatureQuery("tolets"))


def test_a_box_across_the_date_line_holds_the_strip_and_not_the_world(conn, catalogue):
    points = {f"p{lon}": shapely.Point(lon, 0) for lon in (-180, -175, -160, 0, 160, 175, 180)}
    write_batches(conn, catalogue, [batch("toilets", points)], CHANGE)
    found = read(conn, catalogue, bbox=[170, -1, -170, 1], limit=100)
    assert codes(found) == ["p-180", "p-175", "p175", "p180"]
    assert found["numberMatched"] == 4
    assert len(codes(read(conn, catalogue, bbox=[-180, -1, -9, 180, 1, 9], limit=100))) == 7
    assert boxes((170, -1, -170, 1)) == [(170, -1, 180, 1), (-180, -1, -170, 1)]


degrees = st.integers(-200, 200).map(lambda x: x / 100)


def test_a_box_finds_what_shapely_finds(shapes, catalogue):
    conn, stored = shapes

    @given(xs=st.tuples(degrees, degrees), ys=st.tuples(degrees, degrees))
    @settings(max_examples=40, deadline=None, derandomize=True, database=None)
    def check(xs, ys) -> None:
        low, high = place(min(xs), min(ys)), place(max(xs), max(ys))
        box = (low.x, low.y, high.x, high.y)
        # The convex hull of the corners is a line or a point where the box has no width.
        area = shapely.MultiPoint([box[:2], box[2:], (box[0], box[3]), (box[2], box[1])]).convex_hull
        found = read(conn, catalogue, "streets", bbox=box, limit=1000)
        assert codes(found) == [code for code, shape in stored.items() if shapely.intersects(shape, area)]
        assert found["numberMatched"] == found["numberReturned"]

    check()


@pytest.fixture
def shapes(town, catalogue):
    rng = np.random.default_rng(3)
    stored = {f"s{n}": line(*rng.uniform(-2, 2, (3, 2)).round(3).tolist()) for n in range(60)}
    write_batches(town, catalogue, [batch("streets", stored)], CHANGE)
    return town, stored


def test_a_map_gets_what_it_draws_with_shapes_to_a_pixel(town, catalogue):
    wave = line(*((n / 1000, (n % 2) / 1000) for n in range(1000)))
    given = batch("streets", {"big": wave, "small": line((0, 0), (0, 1))}, {"kind": ["trunk", "steps"]})
    write_batches(town, catalogue, [given], CHANGE)
    small = catalogue.classes["streets"].zooms[-1].zoom
    (big,) = read(town, catalogue, "streets", zoom=small - 1)["features"]
    assert big["properties"]["code"] == "big"
    assert len(big["geometry"]["coordinates"][0]) < 50
    assert len(read(town, catalogue, "streets", zoom=small + 5)["features"]) == 2


def test_beyond_the_limit_the_number_is_estimated_unless_wanted_exactly(toilets, catalogue, monkeypatch):
    monkeypatch.setattr(store, "COUNT_LIMIT", 5)
    page = store.features_page(toilets, catalogue, FeatureQuery("toilets", limit=1))
    assert page.matched > 5
    assert not page.matched_exact
    boxed = store.features_page(toilets, catalogue, FeatureQuery("toilets", bbox=(115, 28, 116, 29), limit=1))
    assert boxed.matched > 5
    whole = store.features_page(
        toilets, catalogue, FeatureQuery("toilets", bbox=(115, 28, 116, 29), limit=50)
    )
    assert (whole.matched, whole.next) == (12, None)
    exact = store.features_page(toilets, catalogue, FeatureQuery("toilets", limit=1, count="exact"))
    assert (exact.matched, exact.matched_exact) == (12, True)
    none = store.features_page(toilets, catalogue, FeatureQuery("toilets", limit=1, count="none"))
    assert none.matched is None
    assert "numberMatched" not in none.text


def test_one_feature_by_id_or_code(toilets, catalogue):
    by_code = json.loads(store.feature_json(toilets, catalogue, "toilets", "t3"))
    assert by_code["properties"]["stalls"] == 3
    assert json.loads(store.feature_json(toilets, catalogue, "toilets", by_code["id"])) == by_code
    for nothing in ("t99", 10**30, -1, 0):
        assert store.feature_json(toilets, catalogue, "toilets", nothing) is None


def test_bounds_and_counts(toilets, catalogue):
    write_batches(toilets, catalogue, [batch("parks", {"p": square(0, 0, 1)})], CHANGE)
    west, south, east, north = store.bounds(toilets, [catalogue.classes["parks"]])
    assert (west, south, east, north) == pytest.approx((115.86, 28.68, 115.87, 28.69))
    assert store.bounds(toilets, [catalogue.classes[name] for name in ("parks", "toilets")])[
        0
    ] == pytest.approx(115.8435)
    assert store.bounds(toilets, [catalogue.classes["markets"]]) is None
    counts = store.class_counts(toilets, catalogue)
    assert list(counts) == list(catalogue.classes)
    assert (counts["toilets"], counts["parks"], counts["markets"], counts["districts"]) == (12, 1, 0, 7)
