"""OWSLib against the running server: collections, queryables, filters, and edits of which a stale one sees 412."""

from __future__ import annotations

import json
from typing import Any

import pytest
from owslib.ogcapi import REQUEST_HEADERS
from owslib.ogcapi.features import Features

MONUMENT = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [115.8612, 28.6803]},
    "properties": {"code": "OWS-1", "name_zh": "滕王阁旧址", "state": "in_service"},
}


@pytest.fixture
def api(served) -> Features:
    """A client with headers of its own: OWSLib's are one dictionary for all clients."""
    made = Features(served.address)
    made.headers = dict(REQUEST_HEADERS)
    return made


def test_the_landing_page_leads_to_the_api_of_openapi_3_0(api):
    assert api.api()["openapi"].startswith("3.0")
    assert any(uri.endswith("/conf/core") for uri in api.conformance()["conformsTo"])


def test_collections_are_listed_and_told(api, served):
    assert api.feature_collections() == served.ids()
    told = api.collection("toilets")
    assert told["title"] == "公共厕所"
    assert told["extent"]["spatial"]["bbox"][0][0] == pytest.approx(115.85, abs=0.05)


def test_queryables_have_titles_types_and_choices(api):
    told = api.collection_queryables("toilets")["properties"]
    assert told["name_zh"]["type"] == "string"
    assert told["stalls"]["type"] == "integer"
    assert told["stalls"]["title"].startswith("厕位数")
    assert "mobile" in json.dumps(told["kind"])


def test_items_by_filter_box_order_and_limit(api, served):
    by_filter = api.collection_items("toilets", filter="kind = 'public' AND stalls > 10", limit=1000)
    expected = [
        item["properties"]["code"]
        for item in served.features("toilets", "&kind=public")
        if (item["properties"]["stalls"] or 0) > 10
    ]
    assert sorted(_codes(by_filter)) == sorted(expected)
    assert expected
    boxed = api.collection_items("street_trees", bbox=[115.858, 28.678, 115.862, 28.682], limit=1000)
    assert 0 < boxed["numberReturned"] < served.count("street_trees")
    ordered = api.collection_items("toilets", sortby=("code", "desc"), limit=5)
    assert _codes(ordered) == sorted(_codes(ordered), reverse=True)
    assert api.collection_items("toilets", datetime_="2021-12-31/..", limit=3)["numberReturned"] == 3


def test_a_feature_is_created_replaced_and_deleted_and_a_stale_edit_is_refused(api, served):
    api.collection_item_create("monuments", MONUMENT | {})
    item = api.response_headers["Location"].rsplit("/", 1)[1]
    try:
        first = api.collection_item("monuments", item)
        tag = api.response_headers["ETag"]
        assert first["properties"]["name_zh"] == "滕王阁旧址"
        _replace(api, item, tag, name_zh="滕王阁")
        assert api.collection_item("monuments", item)["properties"]["name_zh"] == "滕王阁"
        with pytest.raises(RuntimeError, match=r'"status": ?412'):
            _replace(api, item, tag, name_zh="过时")
        assert api.collection_item("monuments", item)["properties"]["name_zh"] == "滕王阁"
    finally:
        api.headers.pop("If-Match", None)
        api.collection_item_delete("monuments", item)
    with pytest.raises(RuntimeError, match=r'"status": ?404'):
        api.collection_item("monuments", item)


def _replace(api: Features, item: str, tag: str, **properties: Any) -> None:
    api.headers |= {"If-Match": tag, "Content-Type": "application/geo+json"}
    body = MONUMENT | {"properties": MONUMENT["properties"] | properties}
    api.collection_item_update("monuments", item, json.dumps(body))


def _codes(document: dict[str, Any]) -> list[str]:
    return [item["properties"]["code"] for item in document["features"]]
