"""OGC API Features Part 5: Schemas (23-058) by requirement: logical schemas, returnables and receivables, sortables."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from shapely.geometry import shape

from tests.ogc.conftest import Api, link

CONF = "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
SCHEMA_JSON = "application/schema+json"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
GEOMETRIES = {
    "geometry-point": {"Point"},
    "geometry-linestring": {"LineString"},
    "geometry-multilinestring": {"MultiLineString"},
    "geometry-linestring-or-multilinestring": {"LineString", "MultiLineString"},
    "geometry-multipolygon": {"MultiPolygon"},
    "geometry-polygon-or-multipolygon": {"Polygon", "MultiPolygon"},
    "geometry-any": {"Point", "LineString", "MultiLineString", "Polygon", "MultiPolygon"},
}


def schema(api: Api, collection: str = "toilets", kind: str = "schema") -> dict[str, Any]:
    return api.document(f"/collections/{collection}/{kind}", SCHEMA_JSON)


def all_schemas(api: Api) -> list[dict[str, Any]]:
    return [schema(api, item["id"]) for item in api.collections()]


def test_conf_schemas_get_conformance(api: Api):
    conforms = api.document("/conformance")["conformsTo"]
    for name in ("schemas", "returnables-and-receivables", "sortables"):
        assert f"{CONF}/{name}" in conforms


def test_req_schemas_json_schema(api: Api):
    for collection in api.collections():
        reply = api.get(f"/collections/{collection['id']}/schema", SCHEMA_JSON)
        assert reply.headers["content-type"].startswith(SCHEMA_JSON)
        found = reply.json()
        jsonschema.Draft202012Validator.check_schema(found)
        assert (found["$schema"], found["type"]) == (DRAFT, "object")
        assert "?" not in found["$id"]
        assert api.get(found["$id"], SCHEMA_JSON).json() == found


def test_req_schemas_properties(api: Api):
    for found in all_schemas(api):
        for name, told in found["properties"].items():
            if "type" not in told:
                assert told["format"] in GEOMETRIES, name
                assert "$ref" not in told
            else:
                assert isinstance(told["type"], str)
    told = schema(api)["properties"]
    assert (told["built_on"]["type"], told["built_on"]["format"]) == ("string", "date")


def test_rec_schemas_properties(api: Api):
    told = schema(api)["properties"]
    assert all(item["title"] for item in told.values())
    assert set(told["kind"]["enum"]) >= {"public", "mobile", "attached", "social"}
    assert told["stalls"]["minimum"] == 0


def test_req_schemas_additional_keywords(api: Api):
    known = set(jsonschema.Draft202012Validator.VALIDATORS) | {
        "title", "description", "type", "format", "readOnly", "writeOnly", "default", "examples", "$id", "$schema",
    }  # fmt: skip
    for found in all_schemas(api):
        names = {name for told in found["properties"].values() for name in told} | found.keys()
        assert {name for name in names - known if not name.startswith("x-ogc-")} == set()


def test_req_schemas_role(api: Api):
    for found in all_schemas(api):
        roles = [told["x-ogc-role"] for told in found["properties"].values() if "x-ogc-role" in told]
        assert all(isinstance(role, str) for role in roles)
        assert len(roles) == len(set(roles))


def test_req_schemas_role_id(api: Api, catalogue):
    for class_id in catalogue.classes:
        (found,) = [
            told for told in schema(api, class_id)["properties"].values() if told.get("x-ogc-role") == "id"
        ]
        assert found["type"] == "integer"
        assert found["readOnly"] is True


def test_req_schemas_property_seq(api: Api):
    for found in all_schemas(api):
        order = [
            told["x-ogc-propertySeq"] for told in found["properties"].values() if "x-ogc-propertySeq" in told
        ]
        assert order == sorted(set(order))
        assert all(isinstance(place, int) for place in order)


def test_req_schemas_unit(api: Api):
    """Units are UCUM's, and only numbers have them."""
    told = [
        item for found in all_schemas(api) for item in found["properties"].values() if "x-ogc-unit" in item
    ]
    assert told
    assert {item["type"] for item in told} <= {"number", "integer"}
    assert schema(api, "streets")["properties"]["width_m"]["x-ogc-unit"] == "m"


def test_req_core_roles_features_role_primary_geometry(api: Api):
    for collection in api.collections():
        told = schema(api, collection["id"])["properties"].values()
        (found,) = [item for item in told if item.get("x-ogc-role") == "primary-geometry"]
        assert found["format"].startswith("geometry-")


def test_req_core_roles_features_primary_interval(api: Api):
    told = schema(api)["properties"]
    assert told["valid_from"]["x-ogc-role"] == "primary-interval-start"
    assert told["valid_to"]["x-ogc-role"] == "primary-interval-end"


def test_req_returnables_and_receivables_link(api: Api):
    for collection in api.collections():
        single = api.document(f"/collections/{collection['id']}")
        for found in (collection, single):
            assert link(found, f"{REL}/schema", SCHEMA_JSON).endswith(
                f"/collections/{collection['id']}/schema"
            )


def test_req_returnables_and_receivables_op(api: Api):
    assert api.status("/collections/nowhere/schema", SCHEMA_JSON) == 404


@pytest.mark.parametrize("collection", ["toilets", "parks", "streets", "monuments", "districts"])
def test_req_returnables_and_receivables_response(api: Api, collection: str):
    """Every feature, as listed and alone, is what the schema says; null stands for a value that is not known."""
    told = schema(api, collection)["properties"]
    roles = {item.get("x-ogc-role"): item for item in told.values()}
    listed = api.items(collection)["features"]
    alone = api.document(f"/collections/{collection}/items/{listed[0]['id']}", "application/geo+json")
    for feature in [*listed, alone]:
        jsonschema.validate(feature["id"], roles["id"])
        assert shape(feature["geometry"]).geom_type in GEOMETRIES[roles["primary-geometry"]["format"]]
        known = {name: value for name, value in feature["properties"].items() if value is not None}
        assert known.keys() <= told.keys()
        for name, value in known.items():
            jsonschema.validate(value, told[name])


def test_req_returnables_and_receivables_response_2_receivables_are_taken(api: Api):
    """A body after the schema is taken; one against it is not."""
    told = schema(api, "monuments")["properties"]
    assert not told["name_zh"].get("readOnly", False)
    assert told["change_id"]["readOnly"] is True
    point = {"type": "Point", "coordinates": [115.861, 28.681]}
    body = {"type": "Feature", "geometry": point, "properties": {"name_zh": "旧址"}}
    made = _post(api, body)
    assert made.status_code == 201, made.text
    api.client.delete(made.headers["location"])
    bad = {**body, "properties": {"accuracy_m": "many"}}
    assert _post(api, bad).status_code == 400


def test_req_sortables_link_op_and_response(api: Api):
    for collection in api.collections():
        assert link(collection, f"{REL}/sortables").endswith(f"/collections/{collection['id']}/sortables")
        found = schema(api, collection["id"], "sortables")
        assert (found["$schema"], found["type"]) == (DRAFT, "object")
        assert found["$id"].endswith(f"/collections/{collection['id']}/sortables")
        assert {told["type"] for told in found["properties"].values()} <= {
            "string", "number", "integer", "boolean"
        }  # fmt: skip


def test_sortables_sort_both_ways_and_others_are_refused_with_the_list(api: Api):
    assert {"code", "stalls"} <= schema(api, kind="sortables")["properties"].keys()
    assert api.codes(sortby="-code") == sorted(api.codes(), reverse=True)
    assert api.codes(sortby="stalls,code")[-1] == "WC00"
    reply = api.get("/collections/toilets/items", sortby="nonsense")
    assert reply.status_code == 400
    assert "code" in reply.json()["hint"]


def _post(api: Api, body: dict[str, Any]) -> Any:
    return api.client.post(
        "/collections/monuments/items",
        content=json.dumps(body).encode(),
        headers={"Content-Type": "application/geo+json"},
    )


@pytest.mark.parametrize(
    ("path", "english", "chinese"),
    [
        ("/conformance", "create-replace-delete", "符合的标准"),
        ("/collections/toilets/queryables", "Queryables", "可筛选属性"),
        ("/collections/toilets/sortables", "Sortables", "可排序属性"),
        ("/collections/toilets/schema", "read-only", "只读"),
        ("/collections/coverage_gaps/schema", "read-only", "要素结构"),
    ],
)
def test_documents_without_features_are_pages_too(api, path, english, chinese):
    """Part 1 /req/html/definition: every 200 has text/html; each form leads to the other."""
    for found in (api.get(path, "text/html", lang="en"), api.get(path, f="html", lang="en")):
        assert (found.status_code, found.headers["content-type"][:9]) == (200, "text/html")
        assert all(piece in found.text for piece in (english, "<h1>", "<table>"))
    assert chinese in api.get(path, f="html", lang="zh").text
    assert f'{path}?f=json>; rel="alternate"' in found.headers["link"]
    plain = api.get(path, "text/html", f="json")
    assert plain.json()
    assert f'{path}?f=html>; rel="alternate"; type="text/html"' in plain.headers["link"]
