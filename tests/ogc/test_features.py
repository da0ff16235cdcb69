"""OGC API Features over a drawn collection: pages, filters, boxes, versions, and pages for a browser."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient

from app.database.engine import open_database
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from app.main import create_app
from app.ogc.conformance import CLASSES
from tests.clones import clone

COUNT = 25
HOSTILE = "<script>alert(1)</script>${x}"


@pytest.fixture(scope="module")
def client(cluster_settings, template, catalogue):
    """A server over 25 toilets on a line, 0.01° apart from 115.80° E, every fifth one of kind `mobile`."""
    with clone(cluster_settings, template) as settings:
        db = open_database(settings)
        with db.write() as conn:
            write_batches(conn, catalogue, [_toilets()], Change(who="test", why="drawn"))
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            yield client
        db.dispose()


def _toilets() -> Batch:
    numbers = range(COUNT)
    columns = {
        "name_zh": [HOSTILE if n == 0 else f"公厕{n}" for n in numbers],
        "kind": ["mobile" if n % 5 == 0 else "public" for n in numbers],
        "stalls": [n or None for n in numbers],
    }
    points = shapely.points(115.80 + 0.01 * np.arange(COUNT), 28.68)
    return Batch("toilets", [f"WC{n:02}" for n in numbers], points, columns, [None] * COUNT)


def _items(client, query: str = "") -> dict:
    reply = client.get(f"/collections/toilets/items?{query}")
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("application/geo+json")
    return reply.json()


def _link(document: dict, rel: str) -> str | None:
    return next((link["href"] for link in document["links"] if link["rel"] == rel), None)


def _codes(document: dict) -> list[str]:
    return [item["properties"]["code"] for item in document["features"]]


def test_pages_by_key_give_every_feature_once(client):
    found, address, pages = [], "http://testserver/collections/toilets/items?limit=7&kind=public", 0
    while address:
        document = client.get(address).json()
        found += _codes(document)
        address, pages = _link(document, "next"), pages + 1
    assert found == [f"WC{n:02}" for n in range(COUNT) if n % 5]
    assert pages == 3


def test_a_page_tells_how_many_and_has_ten_by_default(client):
    document = _items(client)
    assert (document["numberReturned"], document["numberMatched"]) == (10, COUNT)
    assert _link(document, "self") == "http://testserver/collections/toilets/items"


def test_a_place_copied_from_an_answer_is_that_of_its_feature(client):
    for item in _items(client, "limit=25")["features"]:
        lon, lat = item["geometry"]["coordinates"]
        found = _items(client, f"filter=S_EQUALS(geom, POINT({lon} {lat}))")
        assert _codes(found) == [item["properties"]["code"]]
        assert _codes(_items(client, f"filter=S_EQUALS(POINT({lon} {lat + 2e-9:.9f}), geom)")) == []


def test_a_box_chooses_by_place_and_across_180_degrees(client):
    assert _codes(_items(client, "bbox=115.795,28.6,115.815,28.7")) == ["WC00", "WC01"]
    assert _codes(_items(client, "bbox=115.795,28.6,0,115.815,28.7,9")) == ["WC00", "WC01"]
    assert len(_codes(_items(client, "bbox=116.0,28.6,-170,28.7&limit=100"))) == 5
    assert _items(client, "bbox=0,0,1,1")["numberReturned"] == 0


def test_filters_choose_by_value_and_several_mean_any(client):
    assert _codes(_items(client, "kind=mobile&limit=100")) == [f"WC{n:02}" for n in range(0, COUNT, 5)]
    assert _codes(_items(client, "code=WC03&code=WC04")) == ["WC03", "WC04"]


def test_only_the_wanted_properties_come(client):
    (item,) = _items(client, "limit=1&properties=code,kind")["features"]
    assert item["properties"].keys() == {"code", "kind"}


def test_a_limit_above_the_most_is_served_with_the_most(client):
    assert len(_codes(_items(client, "limit=1000000"))) == COUNT


@pytest.mark.parametrize("text", ["2021-12-31", "2021-12-31T10:00:00Z", "../2021-12-31", "2020-01-01/.."])
def test_features_without_a_time_match_every_time(client, text):
    assert _items(client, f"datetime={text}")["numberMatched"] == COUNT


@pytest.mark.parametrize(
    "query",
    [
        "datetime=yesterday", "datetime=2021-12-31/2020-01-01", "datetime=../..", "datetime=1/2/3",
        "bbox=1,2,3", "bbox=nan,0,1,1", "limit=0", "limit=-1", "limit=1e3", "after=-1", "after=x",
        "kind=nonsense", "stalls=many", "nonsense=1", "properties=nonsense", "zoom=99", "offset=3", "code=%00",
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_a_400_that_says_why(client, query):
    reply = client.get(f"/collections/toilets/items?{query}")
    assert reply.status_code == 400
    assert reply.json()["detail"]


def test_a_feature_has_its_own_address(client):
    (first,) = _items(client, "limit=1")["features"]
    feature = client.get(f"/collections/toilets/items/{first['id']}").json()
    assert feature["geometry"] == {"type": "Point", "coordinates": [115.8, 28.68]}
    assert _link(feature, "collection") == "http://testserver/collections/toilets"
    for item in ("0", "999999", "x", "9" * 30, "-1", "１"):
        assert client.get(f"/collections/toilets/items/{item}").status_code == 404


def test_an_unchanged_page_is_304_and_a_changed_question_is_not(client):
    first = client.get("/collections/toilets/items")
    tag = first.headers["etag"]
    again = client.get("/collections/toilets/items", headers={"if-none-match": f'"x", W/{tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/collections/toilets/items?limit=3", headers={"if-none-match": tag}).status_code == 200
    english = {"if-none-match": tag, "accept-language": "en"}
    assert client.get("/collections/toilets/items", headers=english).status_code == 200


def test_collections_are_titled_in_the_language_asked_for_and_have_their_extent(client):
    document = client.get("/collections", headers={"accept-language": "en"}).json()
    by_id = {item["id"]: item for item in document["collections"]}
    assert by_id["toilets"]["title"] == client.get("/collections/toilets?lang=en").json()["title"]
    assert by_id["toilets"]["extent"]["spatial"]["bbox"] == [pytest.approx([115.80, 28.68, 116.04, 28.68])]
    assert "extent" not in by_id["parks"]
    assert {"coverage_areas", "coverage_gaps", "coverage_units"} <= by_id.keys()
    assert client.get("/collections/toilets?lang=zh").json()["title"] != by_id["toilets"]["title"]


def test_every_link_of_the_documents_leads_somewhere(client):
    for path in ("/", "/collections", "/collections/toilets", "/collections/toilets/items?limit=1"):
        for link in client.get(path).json()["links"]:
            assert client.get(link["href"]).status_code == 200, link


def test_conformance_lists_what_is_tested_here(client):
    assert client.get("/conformance").json() == {"conformsTo": list(CLASSES)}


BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/", "/collections", "/collections/toilets", "/collections/toilets/items"])
def test_a_browser_gets_a_page_and_the_data_in_it_is_escaped(client, path):
    reply = client.get(path, headers=BROWSER)
    assert reply.headers["content-type"].startswith("text/html")
    assert "<script>alert" not in reply.text
    assert client.get(f"{path}?f=json", headers=BROWSER).headers["content-type"].endswith("json")


def test_the_page_of_a_feature_shows_its_values_as_text(client):
    (first,) = _items(client, "limit=1")["features"]
    page = client.get(f"/collections/toilets/items/{first['id']}?f=html").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_the_page_of_a_class_links_its_files_and_a_command_that_asks_for_large_pages(client):
    whole = client.get("/collections/toilets/items?f=html&lang=en&filter=stalls > 99&as_of=2021-01-01").text
    for page in (client.get("/collections/toilets?f=html&lang=en").text, whole):
        assert "toilets -oo PAGE_SIZE=1000" in page
        assert all(
            f"/exports/toilets.{ending}" in page
            for ending in ("gpkg", "xlsx", "shp.zip", "gdb.zip", "dxf", "kml")
        )
    assert "/exports/toilets.gpkg?as_of=2021-01-01" in whole
    assert "copies the whole collection" in whole
    assert "/exports/" not in client.get("/collections/coverage_gaps/items?f=html").text


@pytest.mark.parametrize("query", ["filter=nonsense > 3", "filter=stalls > 99"])
def test_a_page_without_features_shows_where_the_collection_is(client, query):
    page = client.get(f"/collections/toilets/items?f=html&{query}").text
    told = re.search('id="features-view">(.*?)</script>', page)
    assert told
    assert json.loads(told[1])["home"] == pytest.approx([115.80, 28.68, 116.04, 28.68])


@pytest.mark.parametrize("collection", ["toilets", "parks", "districts", "coverage_gaps", "coverage_areas"])
def test_the_filter_that_is_proposed_can_be_asked(client, collection):
    page = html.unescape(client.get(f"/collections/{collection}/items?f=html&lang=en").text)
    proposed = re.search('placeholder="For example: ([^"]+)"', page)
    assert proposed
    reply = client.get(f"/collections/{collection}/items", params={"filter": proposed[1]})
    assert reply.status_code == 200, reply.text
    assert collection != "toilets" or reply.json()["numberMatched"] > 0


def test_no_optional_parameter_is_filled_in_where_a_form_tries_a_route(client):
    for path, operations in client.get("/api?f=oas31").json()["paths"].items():
        for item in (item for one in operations.values() for item in one.get("parameters", [])):
            told = {"example", "examples"} & {*item, *item["schema"]}
            assert item.get("required") or not told, (path, item["name"])


def test_run_collections_are_empty_before_a_run_and_know_their_filters(client):
    assert client.get("/collections/coverage_gaps/items").json()["features"] == []
    for query in ("run=nonsense", "nonsense=1", "zoom=3"):
        assert client.get(f"/collections/coverage_gaps/items?{query}").status_code == 400


def test_more_readers_than_threads_and_connections_are_all_served(client):
    count = 80  # a server runs handlers in 40 threads, on 10 connections
    with ThreadPoolExecutor(count) as pool:
        found = Counter(pool.map(lambda _: client.get("/collections/toilets").status_code, range(count)))
    assert found == {200: count}
