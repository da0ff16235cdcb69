"""OGC API Features Part 3: Filtering (19-079r2) by requirement; the language itself is tested in tests/ogc/cql2."""

from __future__ import annotations

import json

import pyproj
import pytest

from tests.ogc.conftest import BOX, TOILETS, Api, link, parameters

SPEC = "http://www.opengis.net/spec"
QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
ITEMS = "/collections/toilets/items"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
SCHEMA_JSON = "application/schema+json"
WHOLE = f"S_INTERSECTS(geom,BBOX({','.join(map(str, BOX))}))"


def queryables(api: Api, collection: str = "toilets") -> dict:
    return api.document(f"/collections/{collection}/queryables", SCHEMA_JSON)


def test_conf_filter_get_conformance(api: Api):
    conforms = set(api.document("/conformance")["conformsTo"])
    # queryables-query-parameters is not among them: the field as_of of three classes bears a parameter's name.
    names = ("queryables", "filter", "features-filter")
    assert {f"{SPEC}/ogcapi-features-3/1.0/conf/{name}" for name in names} <= conforms
    assert {f"{SPEC}/cql2/1.0/conf/{name}" for name in ("cql2-text", "cql2-json", "basic-cql2")} <= conforms


def test_req_queryables_queryables_link(api: Api):
    for collection in api.collections():
        assert link(collection, QUERYABLES).endswith(f"/collections/{collection['id']}/queryables")


def test_req_queryables_get_queryables_op(api: Api):
    for collection in api.collections():
        assert api.get(link(collection, QUERYABLES), SCHEMA_JSON).status_code == 200
    assert api.status("/collections/nowhere/queryables", SCHEMA_JSON) == 404


def test_req_queryables_get_queryables_response(api: Api):
    for collection in api.collections():
        reply = api.get(f"/collections/{collection['id']}/queryables", SCHEMA_JSON)
        assert reply.headers["content-type"].startswith(SCHEMA_JSON)
        document = reply.json()
        assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert document["$id"].endswith(f"/collections/{collection['id']}/queryables")
        assert document["type"] == "object"
        assert document["properties"]


def test_rec_queryables_queryables_schema(api: Api):
    """Titles, types, choices; places without a type, found by their format and by the reference that QGIS needs."""
    for collection in ("toilets", "parks", "coverage_areas"):
        for name, told in queryables(api, collection)["properties"].items():
            assert told["title"], name
            if "type" not in told:
                assert told["format"].startswith("geometry-")
                assert told["$ref"].startswith("https://geojson.org/schema/")
            else:
                assert told["type"] in {"string", "number", "integer", "boolean", "array"}
    told = queryables(api)["properties"]
    assert set(told["kind"]["enum"]) >= {"public", "mobile"}
    assert told["built_on"]["format"] == "date"
    assert told["stalls"]["type"] == "integer"


def test_req_queryables_expression_construction(api: Api):
    assert api.status(ITEMS, filter="this_is_not_a_queryable IS NULL") == 400
    for collection in api.collections():
        path = f"/collections/{collection['id']}/items"
        name = next(iter(queryables(api, collection["id"])["properties"]))
        assert api.status(path, filter=f"{name} IS NULL", limit=1) == 200


def test_req_queryables_query_parameters_parameters(api: Api):
    for name, value, expected in (("kind", "mobile", 5), ("stalls", "7", 1), ("code", "WC03", 1)):
        assert len(api.codes(**{name: value})) == expected
    assert api.codes(accessible="true") == [f"WC{n:02}" for n in range(0, TOILETS, 2)]


def test_req_filter_filter_param(api: Api):
    (found,) = [item for item in parameters(api) if item["name"] == "filter"]
    assert (found["in"], found.get("required", False)) == ("query", False)
    assert api.codes(filter="kind = 'mobile'") == api.codes(kind="mobile")
    assert api.status(ITEMS, filter="THIS IS NOT A FILTER") == 400


def test_req_filter_filter_lang_param(api: Api):
    (found,) = [item for item in parameters(api) if item["name"] == "filter-lang"]
    assert {"cql2-text", "cql2-json"} <= set(str(found["schema"]).replace("'", " ").split())
    text = api.codes(filter="stalls > 20", filter_lang="cql2-text")
    same = json.dumps({"op": ">", "args": [{"property": "stalls"}, 20]})
    assert text == api.codes(filter=same, filter_lang="cql2-json") == [f"WC{n}" for n in range(21, TOILETS)]
    assert api.status(ITEMS, filter="stalls > 20", filter_lang="sql") == 400
    assert api.status(ITEMS, filter="stalls > 20", filter_lang="cql2-json") == 400


def test_conf_filter_filter_lang_default(api: Api):
    assert api.codes(filter="stalls > 20") == api.codes(filter="stalls > 20", filter_lang="cql2-text")


def test_req_filter_filter_crs_wgs84(api: Api):
    for collection in ("toilets", "parks", "streets", "monuments"):
        assert api.codes(collection, filter=WHOLE) == api.codes(collection)
    assert api.status(ITEMS, filter="S_INTERSECTS(geom,BBOX(1000000,1000000,2000000,2000000))") == 400


@pytest.mark.parametrize("code", [4326, 4490, 3857, 4548, 32650])
def test_req_filter_filter_crs_param(api: Api, code: int):
    to = pyproj.Transformer.from_crs("OGC:CRS84", f"EPSG:{code}")
    corners = [to.transform(BOX[0] - 0.01, BOX[1] - 0.01), to.transform(BOX[2] + 0.01, BOX[3] + 0.01)]
    box = ",".join(f"{number:.6f}" for corner in corners for number in corner)
    asked = {"filter": f"S_INTERSECTS(geom,BBOX({box}))", "filter_crs": f"{EPSG}{code}"}
    for collection in ("toilets", "parks"):
        assert api.codes(collection, **asked) == api.codes(collection)
    small = [to.transform(BOX[0] - 0.01, BOX[1] - 0.01), to.transform(115.85, BOX[3] + 0.01)]
    box = ",".join(f"{number:.6f}" for corner in small for number in corner)
    some = api.codes(filter=f"S_INTERSECTS(geom,BBOX({box}))", filter_crs=f"{EPSG}{code}")
    assert 0 < len(some) < TOILETS


def test_req_filter_filter_crs_param_unknown(api: Api):
    bad = "http://www.opengis.net/def/crs/OGC/0/does_not_exist"
    assert api.status(ITEMS, filter=WHOLE, filter_crs=bad) == 400


def test_req_filter_mixing_expressions(api: Api):
    assert api.codes(filter=WHOLE, bbox=",".join(map(str, BOX))) == api.codes()
    assert api.codes(filter=WHOLE, bbox="10,10,11,11") == []
    both = api.codes(filter="stalls > 10", kind="mobile", limit=1000)
    assert both == ["WC15", "WC20"]


def test_req_filter_response(api: Api):
    page = api.items(filter="stalls > 20", limit=2)
    assert (page["numberMatched"], page["numberReturned"]) == (4, 2)
    assert "filter=stalls" in link(page, "next")


def test_req_features_filter_filter_param(api: Api):
    """Every collection answers a filter on a queryable of its own, and 400 to nonsense."""
    for collection in api.collections():
        path = f"/collections/{collection['id']}/items"
        assert api.status(path, filter="THIS IS NOT A FILTER") == 400
        found = api.document(path, "application/geo+json", filter="code IS NULL AND code IS NOT NULL")
        assert found["features"] == []


def test_req_features_filter_follows_to_the_last_page(api: Api):
    page = api.items(filter="kind = 'public'", limit=6)
    found = [item["properties"]["code"] for item in page["features"]]
    for _ in range(3):
        page = api.document(link(page, "next", "application/geo+json"), "application/geo+json")
        found += [item["properties"]["code"] for item in page["features"]]
    assert found == api.codes(filter="kind = 'public'")


WEST_POLYGON = "POLYGON((115.84 28.68, 115.8425 28.68, 115.8425 28.69, 115.84 28.69, 115.84 28.68))"
#: Conformance class of CQL2 (21-065r2), a filter that needs it, and the codes that it chooses.
LANGUAGE = [
    ("basic-cql2", "NOT (kind = 'mobile') AND stalls <= 3", ["WC01", "WC02", "WC03"]),
    ("advanced-comparison-operators", "stalls BETWEEN 3 AND 4 OR code IN ('WC20')", ["WC03", "WC04", "WC20"]),
    ("advanced-comparison-operators", "name_zh LIKE '公厕1_' AND stalls < 12", ["WC10", "WC11"]),
    ("case-insensitive-comparison", "CASEI(code) = CASEI('wc07')", ["WC07"]),
    ("accent-insensitive-comparison", "ACCENTI(code) = ACCENTI('WC07')", ["WC07"]),
    ("basic-spatial-functions", "S_INTERSECTS(geom, POINT(115.842 28.681))", ["WC00"]),
    ("basic-spatial-functions-plus", f"S_INTERSECTS(geom, {WEST_POLYGON})", ["WC00"]),
    ("spatial-functions", "S_WITHIN(geom, BBOX(115.84, 28.68, 115.844, 28.69))", ["WC00", "WC01"]),
    ("temporal-functions", "T_BEFORE(built_on, DATE('2002-01-01'))", ["WC00", "WC01"]),
    ("property-property", "stalls >= stalls AND stalls < 2", ["WC01"]),
    ("arithmetic", "stalls * 2 - 1 > 45", ["WC24"]),
    ("array-functions", "A_CONTAINS(areas_touched, ('W1')) AND stalls < 2", ["WC01"]),
]


@pytest.mark.parametrize(("name", "expression", "expected"), LANGUAGE)
def test_cql2_class_holds_on_items(api: Api, name: str, expression: str, expected: list[str]):
    assert f"{SPEC}/cql2/1.0/conf/{name}" in api.document("/conformance")["conformsTo"]
    assert api.codes(filter=expression) == expected
