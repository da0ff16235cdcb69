"""The requests of later QGIS versions, one after the other as its OAPIF provider sends them, and of ArcGIS Pro.

After QGIS's own sources (src/providers/wfs/oapif: provider, landing page, API, conformance, queryables, schema, items,
options, create, put, patch, delete): 3.28 has no CQL2, 3.32 brought filters and edits, 3.42 schemas, 4.0 CRSs in the
first request. Debian's QGIS is older than all of these. Written anew: which link is taken, what is asked with which
headers, what the answer must hold for the client to go on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from shapely.geometry import shape

from tests.clients.conftest import Served

USER_AGENT = {"User-Agent": "Mozilla/5.0 QGIS/34404/Linux", "Accept-Language": "zh-CN,en,*"}
OPENAPI_3_0 = "application/vnd.oai.openapi+json;version=3.0"
API_ACCEPT = f"{OPENAPI_3_0}, application/openapi+json;version=3.0, application/json"
ITEMS_ACCEPT = "application/geo+json, application/json"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
SCHEMA = "http://www.opengis.net/def/rel/ogc/1.0/schema"
SPEC = "http://www.opengis.net/spec"
#: What `/conformance` must list before QGIS sends a filter at all, then LIKE, BETWEEN and IN, then CASEI, then places.
FILTERS = {
    f"{SPEC}/cql2/1.0/conf/cql2-text",
    f"{SPEC}/cql2/1.0/conf/basic-cql2",
    f"{SPEC}/ogcapi-features-3/1.0/conf/filter",
    f"{SPEC}/ogcapi-features-3/1.0/conf/features-filter",
    f"{SPEC}/cql2/1.0/conf/advanced-comparison-operators",
    f"{SPEC}/cql2/1.0/conf/case-insensitive-comparison",
    f"{SPEC}/cql2/1.0/conf/basic-spatial-functions",
}


@pytest.fixture(scope="module")
def http(served: Served) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=served.address, timeout=30, headers=USER_AGENT, trust_env=False) as made:
        yield made


def ask(http: httpx2.Client, address: str, accept: str) -> Any:
    """A document that QGIS asks for; it goes on with no other status than 200."""
    reply = http.get(address, headers={"Accept": accept})
    assert reply.status_code == 200, (address, reply.text)
    return reply.json()


def find_link(document: dict[str, Any], rel: str, *types: str) -> str:
    """The address that QGIS takes: of the first type that there is, else the first of the relation."""
    links = [link for link in document["links"] if link["rel"] == rel]
    for wanted in types:
        for link in links:
            if link.get("type") == wanted:
                return link["href"]
    return links[0]["href"]


def open_layer(http: httpx2.Client, collection: str) -> dict[str, Any]:
    """All that QGIS asks before a layer is there; what it keeps of the answers."""
    landing = ask(http, "/", "application/json")
    api = ask(http, find_link(landing, "service-desc", OPENAPI_3_0), API_ACCEPT)
    assert api["openapi"].startswith("3.0")
    collections = find_link(landing, "data", "application/json").split("?")[0]
    described = ask(http, f"{collections}/{collection}", "application/json")
    conforms = set(ask(http, find_link(landing, "conformance"), "application/json")["conformsTo"])
    queryables = ask(http, f"{collections}/{collection}/queryables", "application/schema+json")
    items = f"{collections}/{collection}/items"
    first = ask(http, f"{items}?limit=10", ITEMS_ACCEPT)
    schema = find_link(described, SCHEMA, "application/schema+json", "application/json")
    fields = ask(http, schema, "application/schema+json")["properties"]
    return {
        "described": described, "conforms": conforms, "queryables": queryables["properties"], "items": items,
        "first": first, "fields": fields,
    }  # fmt: skip


def read(http: httpx2.Client, address: str) -> list[dict[str, Any]]:
    """Page after page, as the downloader goes: it stops at an empty page."""
    found: list[dict[str, Any]] = []
    while address:
        assert len(found) < 10_000
        page = ask(http, address, ITEMS_ACCEPT)
        found += page["features"]
        links = [link for link in page["links"] if link["rel"] == "next"]
        address = find_link(page, "next", "application/geo+json") if links and page["features"] else ""
    return found


@pytest.fixture(scope="module")
def toilets(http: httpx2.Client) -> dict[str, Any]:
    return open_layer(http, "toilets")


def test_conformance_lists_what_qgis_needs_to_send_filters(toilets):
    assert toilets["conforms"] >= FILTERS
    assert f"{SPEC}/ogcapi-features-2/1.0/conf/crs" in toilets["conforms"]
    assert f"{SPEC}/ogcapi-features-5/1.0/conf/schemas" in toilets["conforms"]


def test_queryables_are_of_a_form_that_qgis_reads(toilets):
    """A type is one text, never a list; the geometry is a `$ref` to GeoJSON's own schema."""
    places = [name for name, told in toilets["queryables"].items() if "type" not in told]
    assert len(places) == 1
    assert toilets["queryables"][places[0]]["$ref"].startswith("https://geojson.org/schema/")
    assert {type(told["type"]) for name, told in toilets["queryables"].items() if name not in places} == {str}
    assert toilets["queryables"]["built_on"]["format"] == "date"


def test_the_layer_has_typed_fields_with_chinese_names_and_the_storages_crs(toilets):
    fields = toilets["fields"]
    assert fields["stalls"]["type"] == "integer"
    assert fields["stalls"]["title"].startswith("厕位数")
    assert fields["change_id"]["readOnly"] is True
    order = [told["x-ogc-propertySeq"] for told in fields.values() if "x-ogc-propertySeq" in told]
    assert len(order) == len(set(order))
    places = [told for told in fields.values() if told.get("x-ogc-role") == "primary-geometry"]
    assert [told["format"] for told in places] == ["geometry-point"]
    assert toilets["described"]["storageCrs"] == CRS84
    assert isinstance(toilets["first"]["numberMatched"], int)


def geometry_of(toilets: dict[str, Any]) -> str:
    return next(name for name, told in toilets["queryables"].items() if "type" not in told)


Oracle = Callable[[dict[str, Any]], bool]
#: Expressions as QGIS's compiler writes them, and the same asked of the properties.
EXPRESSIONS: list[tuple[str, Oracle]] = [
    ("(kind = 'public')", lambda p: p["kind"] == "public"),
    ("(kind <> 'public')", lambda p: p["kind"] not in (None, "public")),
    ("(NOT ((kind = 'public')))", lambda p: p["kind"] not in (None, "public")),
    ("((kind = 'public') AND (stalls >= 10))", lambda p: p["kind"] == "public" and (p["stalls"] or 0) >= 10),
    ("((stalls < 5) OR (stalls > 12))", lambda p: p["stalls"] is not None and not 5 <= p["stalls"] <= 12),
    ("\"name_zh\" LIKE '%公厕'".join("()"), lambda p: (p["name_zh"] or "").endswith("公厕")),
    (
        "(CASEI(\"name_en\") LIKE CASEI('%TOILET%'))",
        lambda p: "toilet" in (p["name_en"] or "").casefold(),
    ),
    (
        "(\"name_zh\" NOT LIKE '%公厕')",
        lambda p: p["name_zh"] is not None and not p["name_zh"].endswith("公厕"),
    ),
    ("stalls BETWEEN 5 AND 12", lambda p: p["stalls"] is not None and 5 <= p["stalls"] <= 12),
    ("kind IN ('public','mobile')", lambda p: p["kind"] in ("public", "mobile")),
    ("kind NOT IN ('public')", lambda p: p["kind"] not in (None, "public")),
    ("(grade IS NULL)", lambda p: p["grade"] is None),
    ("(grade IS NOT NULL)", lambda p: p["grade"] is not None),
    ("(((stalls + 2) * 2) > 20)", lambda p: p["stalls"] is not None and (p["stalls"] + 2) * 2 > 20),
    ("((stalls % 2) = 0)", lambda p: p["stalls"] is not None and p["stalls"] % 2 == 0),
    ("(stalls > ( - (5)))", lambda p: p["stalls"] is not None),
    ("(\"built_on\" >= DATE('2015-01-01'))", lambda p: (p["built_on"] or "") >= "2015-01-01"),
    ("(accessible = TRUE)", lambda p: p["accessible"] is True),
]


@pytest.mark.parametrize(("expression", "oracle"), EXPRESSIONS)
def test_a_filter_of_qgis_is_answered_by_the_server(http, toilets, served, expression, oracle):
    query = f"limit=1000&{httpx2.QueryParams({'filter': expression})}&filter-lang=cql2-text"
    counted = ask(http, f"{toilets['items']}?limit=1&{query.removeprefix('limit=1000&')}", ITEMS_ACCEPT)
    found = read(http, f"{toilets['items']}?{query}")
    expected = [item for item in served.features("toilets") if oracle(item["properties"])]
    assert sorted(_codes(found)) == sorted(_codes(expected))
    assert counted["numberMatched"] == len(expected)


def test_places_and_a_map_extent_are_asked_together_with_a_filter(http, toilets, served):
    place = geometry_of(toilets)
    box = "115.855,28.675,115.865,28.685"
    expected = _codes(served.features("toilets", f"&bbox={box}"))
    by_box = httpx2.QueryParams({"filter": f"S_INTERSECTS({place},BBOX({box}))"})
    assert _codes(read(http, f"{toilets['items']}?limit=1000&{by_box}&filter-lang=cql2-text")) == expected
    public = served.features("toilets", f"&bbox={box}&kind=public")
    combined = "filter=(kind%20%3D%20%27public%27)%20AND%20(stalls%20%3E%200)&filter-lang=cql2-text"
    found = read(http, f"{toilets['items']}?limit=3&{combined}&bbox={box}")
    assert _codes(found) == [code for code in _codes(public) if code in _codes(found)]
    assert found


def test_the_area_under_a_point_is_found_by_the_server(http, served):
    """ "Identify" on the map: QGIS sends the point as it was clicked."""
    parks = open_layer(http, "parks")
    drawn = [(item, shape(item["geometry"]).representative_point()) for item in served.features("parks")]
    for item, point in drawn[:3]:
        clicked = httpx2.QueryParams(
            {"filter": f"S_INTERSECTS({geometry_of(parks)},POINT({point.x} {point.y}))"}
        )
        found = read(http, f"{parks['items']}?limit=1000&{clicked}&filter-lang=cql2-text")
        assert item["properties"]["code"] in _codes(found)
        assert len(found) < len(drawn)


def test_a_layer_in_the_citys_own_zone_is_asked_and_answered_in_it(http, toilets):
    """QGIS takes any of the listed systems: `crs` for the features, `bbox-crs` for the extent of the map."""
    zone = next(uri for uri in toilets["described"]["crs"] if uri.endswith("/4548"))
    page = http.get(f"{toilets['items']}?limit=10&crs={zone}", headers={"Accept": ITEMS_ACCEPT})
    assert page.headers["content-crs"] == f"<{zone}>"
    north, east = page.json()["features"][0]["geometry"]["coordinates"]
    box = f"{north - 1},{east - 1},{north + 1},{east + 1}"
    found = read(http, f"{toilets['items']}?limit=1000&bbox={box}&bbox-crs={zone}&crs={zone}")
    assert _codes(page.json()["features"])[0] in _codes(found)


def test_a_feature_is_drawn_changed_and_deleted_as_qgis_does(http):
    layer = open_layer(http, "monuments")
    items = layer["items"]
    assert "POST" in _allowed(http, items)
    known = layer["first"]["features"][0]["id"]
    assert {"PUT", "PATCH", "DELETE"} <= _allowed(http, f"{items}/{known}")
    assert {"PUT", "PATCH", "DELETE"} <= _allowed(http, f"{items}/unknown_id")

    # Every field of the layer is sent, null where the user left it empty, those that the server computes too.
    fields = [name for name, told in layer["fields"].items() if "x-ogc-role" not in told]
    properties = dict.fromkeys(fields) | {"name_zh": "滕王阁旧址"}
    point = {"type": "Point", "coordinates": [115.8612, 28.6803]}
    body = {"type": "Feature", "geometry": point, "properties": properties}
    made = http.post(items, content=_dumped(body), headers={"Content-Type": "application/geo+json"})
    assert made.status_code == 201, made.text
    item = made.headers["location"].rsplit("/items/", 1)[1]
    try:
        _change_as_qgis(http, f"{items}/{item}", fields)
    finally:
        gone = http.delete(f"{items}/{item}")
    assert gone.status_code in {200, 204}
    assert http.get(f"{items}/{item}").status_code == 404


def _change_as_qgis(http: httpx2.Client, address: str, fields: list[str]) -> None:
    """Attributes, then the shape, each by PATCH; then all of it by PUT, as QGIS does where PATCH is not allowed."""
    stored = ask(http, address, ITEMS_ACCEPT)
    assert stored["properties"]["name_zh"] == "滕王阁旧址"
    merge = {"Content-Type": "application/merge-patch+json"}
    changed = http.patch(
        address, content=_dumped({"properties": {"note": "重建", "name_zh": "滕王阁"}}), headers=merge
    )
    assert changed.status_code in {200, 204}, changed.text
    moved = {"type": "Point", "coordinates": [115.8613, 28.6804]}
    changed = http.patch(address, content=_dumped({"geometry": moved}), headers=merge)
    assert changed.status_code in {200, 204}, changed.text
    stored = ask(http, address, ITEMS_ACCEPT)
    assert (stored["properties"]["name_zh"], stored["properties"]["note"]) == ("滕王阁", "重建")
    assert stored["geometry"]["coordinates"] == pytest.approx(moved["coordinates"])
    whole = {
        "type": "Feature",
        "id": int(address.rsplit("/", 1)[1]),
        "geometry": moved,
        "properties": {name: stored["properties"].get(name) for name in fields} | {"note": "再建"},
    }
    changed = http.put(address, content=_dumped(whole), headers={"Content-Type": "application/geo+json"})
    assert changed.status_code in {200, 204}, changed.text
    assert ask(http, address, ITEMS_ACCEPT)["properties"]["note"] == "再建"


def test_a_collection_of_runs_is_read_only_to_qgis(http, served):
    layer = open_layer(http, "coverage_areas")
    assert "POST" not in _allowed(http, layer["items"])
    assert len(read(http, f"{layer['items']}?limit=1000")) == served.count("coverage_areas")


def test_an_empty_collection_is_a_layer_with_fields_all_the_same(http):
    layer = open_layer(http, "barriers")
    assert layer["first"]["features"] == []
    assert layer["first"]["numberMatched"] == 0
    assert layer["fields"]["name_zh"]["type"] == "string"


def test_arcgis_pro_reads_by_page_and_by_box(http, served):
    """Part 1 alone, read-only (ArcGIS Pro 3.4, "Use an OGC API service"): as its documentation says, not recorded."""
    landing = ask(http, "/?f=json", "*/*")
    conforms = ask(http, find_link(landing, "conformance"), "*/*")["conformsTo"]
    assert {f"{SPEC}/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "geojson", "oas30")} <= set(
        conforms
    )
    listed = ask(http, find_link(landing, "data") + "?f=json", "*/*")["collections"]
    assert [item["id"] for item in listed] == served.ids()
    trees = ask(http, "/collections/street_trees?f=json", "*/*")
    west, south, east, north = trees["extent"]["spatial"]["bbox"][0]
    items = find_link(trees, "items", "application/geo+json")
    found = read(http, f"{items}?f=json&limit=100&bbox={west},{south},{east},{north}")
    assert sorted(_codes(found)) == sorted(_codes(served.features("street_trees")))


def _allowed(http: httpx2.Client, address: str) -> set[str]:
    reply = http.options(address)
    assert reply.status_code in {200, 204}
    return {name.strip() for name in reply.headers["allow"].split(",")}


def _dumped(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _codes(features: list[dict[str, Any]]) -> list[str]:
    return [item["properties"]["code"] for item in features]
