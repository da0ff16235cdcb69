"""OGC API Features Part 4: Create, Replace, Update, Delete (20-002r1) by requirement and abstract test."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.ogc.conftest import Api

ITEMS = "/collections/markets/items"
GEOJSON, MERGE_PATCH = "application/geo+json", "application/merge-patch+json"
CONF = "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf"
ZONE = "http://www.opengis.net/def/crs/EPSG/0/4548"
LINE = {"type": "LineString", "coordinates": [[115.861, 28.681], [115.862, 28.681]]}
SQUARE = {
    "type": "Polygon",
    "coordinates": [
        [[115.861, 28.681], [115.862, 28.681], [115.862, 28.682], [115.861, 28.682], [115.861, 28.681]]
    ],
}


def send(
    api: Api, method: str, path: str, body: Any = None, media: str | None = GEOJSON, **headers: str
) -> Any:
    """A request with a JSON body; `if_match` stands for `If-Match`."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if media is not None:
        given["Content-Type"] = media
    content = None if body is None else json.dumps(body).encode()
    return api.client.request(method, path, content=content, headers=given)


def market(**properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": SQUARE, "properties": {"name_zh": "市场"} | properties}


def path_of(reply: Any) -> str:
    assert reply.status_code == 201, reply.text
    return reply.headers["location"].removeprefix("http://testserver")


@pytest.fixture
def item(api: Api):
    """The path of a new feature, deleted after the test."""
    made = path_of(send(api, "POST", ITEMS, market(note="一")))
    yield made
    send(api, "DELETE", made)


def stored(api: Api, path: str, **query: str) -> dict[str, Any]:
    return api.document(path, GEOJSON, **query)


def tag_of(api: Api, path: str) -> str:
    return api.get(path, GEOJSON).headers["etag"]


def test_conf_edit_get_conformance(api: Api):
    conforms = api.document("/conformance")["conformsTo"]
    for name in ("create-replace-delete", "update", "features", "optimistic-locking-etags"):
        assert f"{CONF}/{name}" in conforms


def test_req_create_replace_delete_options_op(api: Api, item: str):
    for collection in api.collections():
        assert send(api, "OPTIONS", f"/collections/{collection['id']}/items", media=None).status_code == 200
    assert send(api, "OPTIONS", item, media=None).status_code == 200
    assert send(api, "OPTIONS", "/collections/nowhere/items", media=None).status_code == 404


def test_req_create_replace_delete_options_response(api: Api, item: str):
    allowed = send(api, "OPTIONS", ITEMS, media=None).headers["allow"].split(", ")
    assert {"GET", "HEAD", "POST", "OPTIONS"} <= set(allowed)
    assert {"GET", "PUT", "PATCH", "DELETE"} <= set(
        send(api, "OPTIONS", item, media=None).headers["allow"].split(", ")
    )
    runs = send(api, "OPTIONS", "/collections/coverage_areas/items", media=None).headers["allow"]
    assert "POST" not in runs
    assert send(api, "POST", "/collections/coverage_areas/items", market()).status_code == 405


def test_req_create_replace_delete_options_accept_post(api: Api):
    assert GEOJSON in send(api, "OPTIONS", ITEMS, media=None).headers["accept-post"]


def test_req_create_replace_delete_post_op(api: Api, item: str):
    assert stored(api, item)["geometry"]["type"] in {"Polygon", "MultiPolygon"}


def test_req_create_replace_delete_post_body(api: Api):
    for body in ({"type": "nonsense"}, [], {"type": "Feature"}, market() | {"geometry": LINE}):
        assert send(api, "POST", ITEMS, body).status_code == 400
    assert send(api, "POST", ITEMS, market(nonsense=1)).status_code == 400


def test_req_create_replace_delete_post_content_type(api: Api):
    assert send(api, "POST", ITEMS, market(), media=None).status_code in {400, 415}
    assert send(api, "POST", ITEMS, market(), media="text/plain").status_code == 415


def test_req_create_replace_delete_post_response(api: Api, item: str):
    assert api.get(item).status_code == 200


def test_req_create_replace_delete_post_response_rid(api: Api):
    """An id in the body is no way to name a new feature: the server names it, and says how."""
    before = {feature["id"] for feature in api.items("markets")["features"]}
    reply = send(api, "POST", ITEMS, market() | {"id": 4711})
    if reply.status_code == 201:
        made = path_of(reply)
        assert int(made.rsplit("/", 1)[1]) not in before
        assert stored(api, made)["id"] == int(made.rsplit("/", 1)[1])
        send(api, "DELETE", made)
    else:
        assert reply.status_code == 400
        assert {feature["id"] for feature in api.items("markets")["features"]} == before


def test_req_create_replace_delete_put_op(api: Api, item: str):
    assert send(api, "PUT", item, market(name_zh="大市场")).status_code in {200, 204}
    assert stored(api, item)["properties"]["name_zh"] == "大市场"


def test_req_create_replace_delete_put_body(api: Api, item: str):
    """The whole content is replaced: what is not sent is empty afterwards."""
    send(api, "PUT", item, market())
    assert stored(api, item)["properties"]["note"] is None


def test_req_create_replace_delete_put_content_type(api: Api, item: str):
    assert send(api, "PUT", item, market(), media=None).status_code in {400, 415}
    assert stored(api, item)["properties"]["note"] == "一"


def test_req_create_replace_delete_put_rid(api: Api, item: str):
    reply = send(api, "PUT", item, market(name_zh="别号") | {"id": 4711})
    assert reply.status_code in {200, 204, 400}
    assert stored(api, item)["id"] == int(item.rsplit("/", 1)[1])
    assert api.status(f"{ITEMS}/4711") == 404


def test_req_create_replace_delete_put_rid_exception(api: Api):
    assert send(api, "PUT", f"{ITEMS}/99999999", market()).status_code == 404
    assert send(api, "PUT", f"{ITEMS}/99999998", market(), If_Match='"xyz"').status_code in {404, 412}
    assert api.status(f"{ITEMS}/99999998") == 404


def test_req_create_replace_delete_delete_op_and_response(api: Api):
    made = path_of(send(api, "POST", ITEMS, market()))
    assert send(api, "DELETE", made, media=None).status_code in {200, 204}
    assert api.status(made) == 404
    assert send(api, "DELETE", made, media=None).status_code == 404


def test_req_update_methods_and_accept_patch(api: Api, item: str):
    reply = send(api, "OPTIONS", item, media=None)
    assert "PATCH" in reply.headers["allow"]
    assert MERGE_PATCH in reply.headers["accept-patch"]


def test_req_update_patch_op(api: Api, item: str):
    before = stored(api, item)
    assert send(api, "PATCH", item, {"properties": {"note": "二"}}, MERGE_PATCH).status_code in {200, 204}
    after = stored(api, item)
    assert after["properties"]["note"] == "二"
    assert after["geometry"] == before["geometry"]
    assert after["properties"]["name_zh"] == before["properties"]["name_zh"]


def test_req_update_patch_content_type(api: Api, item: str):
    assert send(api, "PATCH", item, {"properties": {}}, None).status_code in {400, 415}
    assert send(api, "PATCH", item, {"properties": {}}, "application/json-patch+json").status_code == 415


def test_req_update_rid(api: Api, item: str):
    reply = send(api, "PATCH", item, {"id": 4711}, MERGE_PATCH)
    assert reply.status_code in {200, 204, 400}
    assert stored(api, item)["id"] == int(item.rsplit("/", 1)[1])


def test_req_features_update_json_merge_patch(api: Api, item: str):
    """One value is changed, one emptied by null, the place is a new one: the rest stays (RFC 7396)."""
    moved = {"type": "Polygon", "coordinates": [[[x + 0.001, y] for x, y in SQUARE["coordinates"][0]]]}
    patch = {"properties": {"name_zh": "新市场", "note": None}, "geometry": moved}
    assert send(api, "PATCH", item, patch, MERGE_PATCH).status_code in {200, 204}
    after = stored(api, item)
    assert (after["properties"]["name_zh"], after["properties"]["note"]) == ("新市场", None)
    assert "115.863" in str(after["geometry"]["coordinates"])


def test_req_features_content_crs_header_and_default_crs(api: Api):
    plain = path_of(send(api, "POST", ITEMS, market()))
    sent = {**market(), "geometry": stored(api, plain, crs=ZONE)["geometry"]}
    moved = path_of(send(api, "POST", ITEMS, sent, Content_Crs=f"<{ZONE}>"))
    here, there = (str(stored(api, path)["geometry"]["coordinates"])[:30] for path in (plain, moved))
    assert here == there
    bad = "<http://www.opengis.net/def/crs/EPSG/0/999999>"
    assert send(api, "POST", ITEMS, sent, Content_Crs=bad).status_code == 400
    for path in (plain, moved):
        send(api, "DELETE", path)


def test_req_optimistic_locking_etags_get_etag_response(api: Api, item: str):
    assert tag_of(api, item).startswith('"')


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_req_optimistic_locking_etags_ifmatch(api: Api, item: str, method: str):
    """A tag that is not the current one is 412 and changes nothing; the current one is honoured and replaced."""
    body = {"PUT": market(note="二"), "PATCH": {"properties": {"note": "二"}}, "DELETE": None}[method]
    media = {"PUT": GEOJSON, "PATCH": MERGE_PATCH, "DELETE": None}[method]
    tag = tag_of(api, item)
    assert send(api, method, item, body, media, If_Match='"0"').status_code == 412
    assert stored(api, item)["properties"]["note"] == "一"
    done = send(api, method, item, body, media, If_Match=tag)
    assert done.status_code in {200, 204}
    if method == "DELETE":
        assert api.status(item) == 404
    else:
        assert done.headers["etag"].split("-")[0] != tag.split("-")[0]
        assert send(api, method, item, body, media, If_Match=tag).status_code == 412


def test_req_optimistic_locking_etags_put_and_patch_etag_response(api: Api, item: str):
    """The tag of the answer is that of the feature as it is now: the next edit may name it."""
    first = send(api, "PATCH", item, {"properties": {"note": "二"}}, MERGE_PATCH)
    again = send(
        api, "PATCH", item, {"properties": {"note": "三"}}, MERGE_PATCH, If_Match=first.headers["etag"]
    )
    assert again.status_code in {200, 204}


def test_conf_return_resource_representation_in_response(api: Api, item: str):
    told = send(
        api, "PATCH", item, {"properties": {"note": "四"}}, MERGE_PATCH, Prefer="return=representation"
    )
    assert told.headers["preference-applied"] == "return=representation"
    assert told.headers["content-type"].startswith(GEOJSON)
    assert told.json()["properties"]["note"] == "四"
    silent = send(api, "PATCH", item, {"properties": {"note": "五"}}, MERGE_PATCH, Prefer="return=minimal")
    assert (silent.status_code, silent.content) == (204, b"")


def test_edits_are_in_the_history_with_what_they_did(api: Api, item: str):
    send(api, "PATCH", item, {"properties": {"note": "六"}}, MERGE_PATCH)
    told = api.document(f"{item}/history")
    assert len(str(told)) > 20
    assert "六" in json.dumps(told, ensure_ascii=False)
