"""OGC API Features Part 1: Core (17-069r4): classes Core, GeoJSON and HTML by requirement, each id in a test's name."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
import shapely
from shapely.geometry import shape

from tests.ogc.conftest import BOX, PARKS, TIMED, TOILETS, Api, link, links, parameters

SPEC = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
ITEMS = "/collections/toilets/items"


def test_req_core_root_op(api: Api):
    assert api.get("/").status_code == 200


def test_req_core_root_success(api: Api):
    landing = api.document("/")
    assert {"self", "service-desc", "service-doc", "conformance", "data"} <= {
        item["rel"] for item in landing["links"]
    }


def test_req_core_api_definition_op(api: Api):
    landing = api.document("/")
    for item in [*links(landing, "service-desc"), *links(landing, "service-doc")]:
        assert api.get(item["href"], item["type"]).status_code == 200


def test_req_core_api_definition_success(api: Api):
    for item in links(api.document("/"), "service-desc"):
        reply = api.get(item["href"], item["type"])
        assert reply.headers["content-type"].replace(" ", "") == item["type"].replace(" ", "")
        assert "/collections/{collection}/items" in reply.json()["paths"]


def test_req_core_conformance_op(api: Api):
    assert link(api.document("/"), "conformance").endswith("/conformance")
    assert api.get("/conformance").status_code == 200


def test_req_core_conformance_success(api: Api):
    reply = api.get("/conformance")
    assert reply.headers["content-type"].startswith("application/json")
    conforms = reply.json()["conformsTo"]
    assert {f"{SPEC}/core", f"{SPEC}/geojson", f"{SPEC}/html"} <= set(conforms)
    assert len(conforms) == len(set(conforms))


def test_req_core_http_methods_and_status(api: Api):
    assert api.client.head(ITEMS).status_code == 200
    assert api.client.head(ITEMS).content == b""
    refused = api.client.request("PUT", "/collections")
    assert refused.status_code == 405
    assert "GET" in refused.headers["allow"]
    assert api.status("/collections/toilets/items/999999") == 404
    assert api.status("/nowhere") == 404


@pytest.mark.parametrize(
    "path", ["/", "/conformance", "/collections", "/collections/toilets", ITEMS, f"{ITEMS}/1"]
)
def test_req_core_query_param_unknown(api: Api, path: str):
    assert api.status(path, nonsense="1") == 400


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "ten"), ("limit", "0"), ("limit", "-1"), ("bbox", "1,2,3"), ("bbox", "a,b,c,d"),
     ("bbox", "nan,0,1,1"), ("bbox", "0,10,1,0"), ("datetime", "2021-99-99"), ("datetime", "../.."), ("f", "doc")],
)  # fmt: skip
def test_req_core_query_param_invalid(api: Api, name: str, value: str):
    assert api.status(ITEMS, **{name: value}) == 400


def test_req_core_crs84(api: Api):
    assert [item["storageCrs"] for item in api.collections() if item["id"] == "toilets"] == [CRS84]
    longitude, latitude = api.items(limit=1)["features"][0]["geometry"]["coordinates"]
    assert BOX[0] <= longitude <= BOX[2]
    assert BOX[1] <= latitude <= BOX[3]


def test_req_core_fc_md_op(api: Api):
    assert link(api.document("/"), "data").endswith("/collections")
    assert api.get("/collections").status_code == 200


def test_req_core_fc_md_success(api: Api):
    document = api.document("/collections")
    assert {"links", "collections"} <= document.keys()


def test_req_core_fc_md_links(api: Api):
    document = api.document("/collections")
    assert links(document, "self")
    assert links(document, "alternate")
    assert all("type" in item for item in document["links"])


def test_req_core_fc_md_items(api: Api, catalogue):
    found = [item["id"] for item in api.collections()]
    assert set(catalogue.classes) < set(found)
    assert len(found) == len(set(found))


def test_req_core_fc_md_items_links(api: Api):
    for collection in api.collections():
        for item in links(collection, "items"):
            assert item["type"]
        assert any(item["type"] == "application/geo+json" for item in links(collection, "items"))


def test_req_core_fc_md_extent(api: Api):
    by_id = {item["id"]: item for item in api.collections()}
    west, south, east, north = by_id["toilets"]["extent"]["spatial"]["bbox"][0]
    drawn = shapely.union_all([shape(item["geometry"]) for item in api.items()["features"]])
    assert shapely.box(west, south, east, north).buffer(1e-9).covers(drawn)
    start, end = by_id["monuments"]["extent"]["temporal"]["interval"][0]
    assert (start, end) == (None, None)


def test_req_core_sfc_md_op(api: Api):
    for collection in api.collections():
        assert api.get(link(collection, "self")).status_code == 200


def test_req_core_sfc_md_success(api: Api):
    for collection in api.collections():
        single = api.document(f"/collections/{collection['id']}")
        for member in ("id", "title", "description", "extent"):
            assert single.get(member) == collection.get(member)
        found = {(item["rel"], item["href"]) for item in single["links"]}
        assert {(item["rel"], item["href"]) for item in collection["links"]} <= found


def test_req_core_fc_op(api: Api):
    for collection in api.collections():
        assert api.get(f"/collections/{collection['id']}/items", limit=1).status_code == 200
    assert api.status("/collections/nowhere/items") == 404


def test_req_core_fc_limit_definition(api: Api):
    (limit,) = [item for item in parameters(api) if item["name"] == "limit"]
    assert limit["in"] == "query"
    assert not limit.get("required")
    assert "integer" in str(limit["schema"])


def test_req_core_fc_limit_response_1(api: Api):
    for limit in (1, 7, TOILETS, 1000):
        page = api.items(limit=limit)
        assert page["numberReturned"] == len(page["features"]) == min(limit, TOILETS)


def test_per_core_fc_limit_response_2_more_than_the_most_is_served_with_the_most(api: Api):
    assert len(api.codes(limit=10**12)) == TOILETS


def test_req_core_fc_bbox_definition(api: Api):
    (bbox,) = [item for item in parameters(api) if item["name"] == "bbox"]
    assert (bbox["in"], bbox.get("required", False)) == ("query", False)


def test_req_core_fc_bbox_response(api: Api):
    box = (BOX[0], BOX[1], 115.85, BOX[3])
    for collection in ("toilets", "parks", "streets", "districts"):
        found = api.codes(collection, bbox=",".join(map(str, box)))
        expected = [
            item["properties"]["code"]
            for item in api.items(collection)["features"]
            if shapely.box(*box).intersects(shape(item["geometry"]))
        ]
        assert found == expected
        assert len(found) > 0
    six = f"{box[0]},{box[1]},-100,{box[2]},{box[3]},9000"
    assert api.codes(bbox=six) == api.codes(bbox=",".join(map(str, box)))
    assert len(api.codes(bbox="-180,-90,180,90")) == TOILETS
    assert len(api.codes(bbox=f"{BOX[0]},-90,-179,90")) == TOILETS
    assert api.codes(bbox="-170,-90,-160,90") == []


def test_req_core_fc_time_definition(api: Api):
    (found,) = [item for item in parameters(api) if item["name"] == "datetime"]
    assert (found["in"], found.get("required", False)) == ("query", False)
    assert "string" in str(found["schema"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2010-06-01", ["M0"]),
        ("2011-01-01T00:00:00Z", ["M1"]),
        ("2010-06-01/2011-06-01", ["M0", "M1"]),
        ("2010-06-01T00:00:00Z/2011-06-01T00:00:00Z", ["M0", "M1"]),
        ("../2010-06-01", ["M0"]),
        ("2012-06-01/..", ["M2"]),
        ("/2010-06-01", ["M0"]),
        ("2013-06-01/", []),
    ],
)
def test_req_core_fc_time_response(api: Api, value: str, expected: list[str]):
    always = f"M{TIMED}"
    assert sorted(api.codes("monuments", datetime=value)) == [*expected, always]
    assert len(api.codes("toilets", datetime=value)) == TOILETS


def test_req_core_fc_response(api: Api):
    """Filters together choose what each of them chooses."""
    box = f"{BOX[0]},{BOX[1]},115.86,{BOX[3]}"
    both = api.codes(bbox=box, kind="mobile", datetime="2021-12-31")
    assert both == [code for code in api.codes(bbox=box) if code in api.codes(kind="mobile")]
    assert both


def test_req_core_fc_links(api: Api):
    page = api.items(limit=3, kind="public")
    assert "kind=public" in link(page, "self")
    assert {item["type"] for item in links(page, "alternate")} >= {"text/html"}


def test_req_core_fc_rel_type(api: Api):
    assert all(item["rel"] and item["type"] for item in api.items(limit=3)["links"])


def test_req_core_fc_links_next_until_there_is_none(api: Api):
    page = api.items(limit=7)
    found = [item["properties"]["code"] for item in page["features"]]
    for _ in range(TOILETS // 7):
        page = api.document(link(page, "next", "application/geo+json"), "application/geo+json")
        found += [item["properties"]["code"] for item in page["features"]]
    assert found == api.codes()
    assert not links(page, "next")
    assert not links(api.items(), "next")


def test_req_core_fc_time_stamp(api: Api):
    stamp = api.items(limit=1).get("timeStamp")
    if stamp is not None:
        assert datetime.fromisoformat(stamp).tzinfo is not None


def test_req_core_fc_number_matched(api: Api):
    assert api.items(limit=2)["numberMatched"] == TOILETS
    assert api.items(limit=2, kind="mobile")["numberMatched"] == TOILETS // 5


def test_req_core_fc_number_returned(api: Api):
    for collection in ("toilets", "parks", "barriers", "coverage_areas"):
        page = api.items(collection, limit=4)
        assert page["numberReturned"] == len(page["features"])


def test_req_core_f_op(api: Api):
    for feature in api.items("parks")["features"]:
        assert api.get(f"/collections/parks/items/{feature['id']}").status_code == 200


def test_req_core_f_success(api: Api):
    listed = api.items("parks")["features"]
    for feature in listed:
        single = api.document(f"/collections/parks/items/{feature['id']}", "application/geo+json")
        assert (single["type"], single["id"]) == ("Feature", feature["id"])
        assert single["geometry"]["type"] == feature["geometry"]["type"]
        assert single["properties"]["code"] == feature["properties"]["code"]
    assert len(listed) == PARKS


def test_req_core_f_links(api: Api):
    (feature,) = api.items(limit=1)["features"]
    single = api.document(f"{ITEMS}/{feature['id']}", "application/geo+json")
    assert link(single, "self").endswith(f"{ITEMS}/{feature['id']}")
    assert link(single, "collection").endswith("/collections/toilets")
    assert {item["type"] for item in links(single, "alternate")} >= {"text/html"}


def test_req_geojson_definition(api: Api):
    for path in (ITEMS, f"{ITEMS}/{api.items(limit=1)['features'][0]['id']}"):
        assert api.get(path, "application/geo+json").headers["content-type"] == "application/geo+json"
    for path in ("/", "/conformance", "/collections", "/collections/toilets"):
        assert api.get(path).headers["content-type"].startswith("application/json")


def test_req_geojson_content(api: Api):
    """RFC 7946: every feature has a geometry of the type it says, properties, and right-handed rings."""
    for collection in ("toilets", "parks", "streets"):
        page = api.items(collection)
        assert page["type"] == "FeatureCollection"
        for feature in page["features"]:
            assert (feature["type"], type(feature["properties"])) == ("Feature", dict)
            drawn = shape(feature["geometry"])
            assert drawn.is_valid
            assert not drawn.is_empty
            for part in shapely.get_parts(drawn):
                if part.geom_type == "Polygon":
                    assert part.exterior.is_ccw


def test_req_html_definition(api: Api):
    for path in ("/", "/collections", "/collections/toilets", ITEMS, f"{ITEMS}/{_first(api)}"):
        assert api.get(path, "text/html").headers["content-type"].startswith("text/html")
        assert api.get(path, f="html").headers["content-type"].startswith("text/html")


def test_req_html_content(api: Api):
    """The page holds what the document holds, and the links of its answer."""
    page = api.get(f"{ITEMS}?limit=3", "text/html").text
    for feature in api.items(limit=3)["features"]:
        assert feature["properties"]["name_zh"] in page
        assert re.search(rf"{ITEMS}/{feature['id']}\b", page)
    listed = api.get("/collections", "text/html").text
    assert all(f"/collections/{item['id']}" in listed for item in api.collections())


def test_rec_core_etag(api: Api):
    tag = api.get(ITEMS).headers["etag"]
    again = api.client.get(ITEMS, headers={"Accept": "application/json", "If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_rec_core_string_i18n(api: Api):
    reply = api.client.get("/collections/toilets", headers={"Accept-Language": "en"})
    assert reply.headers["content-language"].startswith("en")
    assert reply.json()["title"] == "Public toilets"


def test_rec_core_fc_filters(api: Api):
    assert api.codes(kind="mobile") == [f"WC{n:02}" for n in range(0, TOILETS, 5)]


def _first(api: Api) -> int:
    return api.items(limit=1)["features"][0]["id"]
