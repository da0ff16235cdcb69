"""Requests for tiles that mean harm or nothing: a problem or 204, quickly, never 5xx, nothing of the inside told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.effort import is_little
from tests.ogc.cql2 import hostile
from tests.ogc.edits import created, served_town
from tests.tiles.test_routes import MVT, tile_path

SET = "tiles/WebMercatorQuad"
#: A run that is not there; the same in every process, which must find the same tests.
GONE = "5ad14990-3de7-42f8-a069-6a32e63bba62"
STARTS = ("/collections/toilets", "", "/background", f"/coverage/{GONE}")
PROBLEM = "application/problem+json"
#: Seconds of processor time of this process for a refusal, on a machine that does other things.
QUICK_S = 0.5


@pytest.fixture(scope="module")
def client(cluster_settings, template, catalogue) -> Iterator[TestClient]:
    with served_town(cluster_settings, template, catalogue) as (client, _, _):
        created(client, name_zh="here")
        yield client


def asked(client: TestClient, path: str, **headers: str) -> Response:
    """The reply to a request that takes little."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return is_little(lambda: client.get(path, headers=named), QUICK_S, time.process_time)


def refused(client: TestClient, path: str, *statuses: int, **headers: str) -> dict[str, object]:
    """The problem of a request, whose status must be one of those given."""
    reply = asked(client, path, **headers)
    assert reply.status_code in statuses, (path, reply.status_code, reply.text)
    assert reply.headers["content-type"] == PROBLEM
    assert "etag" not in reply.headers
    document: dict[str, object] = reply.json()
    assert document["detail"]
    return document


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(
    "place",
    ["25/0/0", "40/0/0", "-1/0/0", "1/2/0", "1/0/2", "0/-1/0", "0/0/-1", "24/16777216/0", "24/0/16777216",
     "99999999999/0/0", "3/8/8"],
)  # fmt: skip
def test_a_tile_that_the_set_does_not_have_is_404(client, start, place):
    assert refused(client, f"{start}/{SET}/{place}", 404)["hint"]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(
    "number",
    ["NaN", "nan", "Infinity", "1e3", "1.0", "+1", " 1", "1 ", "0x1", "１", "٣", "²", "一", "%00", "1%00", "9" * 99,
     "1" * 5000, "1,2", "--1", "-", "1;DROP TABLE x", "../0", "{z}", "%F0%9F%97%BA", "%ff"],
)  # fmt: skip
def test_what_is_no_number_is_refused(client, start, number):
    for place in (f"{number}/0/0", f"3/{number}/0", f"3/0/{number}"):
        refused(client, f"{start}/{SET}/{place}", 400, 404)


@pytest.mark.parametrize(
    ("path", "near"),
    [("/collections/toilet/{set}/3/1/1", "toilets"),
     ("/collections/toilets/tiles/WebMercatorQad/3/1/1", "WebMercatorQuad"),
     ("/tiles/WorldCRS84Quad/3/1/1", "WebMercatorQuad"), ("/background/tiles/x/3/1/1", "WebMercatorQuad"),
     ("/{set}/3/1/1?collections=toilet,parks", "toilets"), (f"/coverage/{GONE}/{{set}}/3/1/1", "GET /coverage")],
)  # fmt: skip
def test_unknown_names_are_404_with_the_nearest(client, path, near):
    assert near in str(refused(client, path.format(set=SET), 404)["hint"])


@pytest.mark.parametrize("run", ["x", "00000000", "%00", "' OR 1=1", "é" * 90, "coverage_areas"])
def test_what_is_no_run_is_refused(client, run):
    refused(client, f"/coverage/{quote(run)}/{SET}/3/1/1", 400, 404)


@pytest.mark.parametrize(
    "query",
    ["x=1", "nam_zh=a", "filter=%00", "filter=", "filter=stalls", "filter-lang=sql&filter=1", "f=png", "f=json", "f=",
     "datetime=tomorrow", "as_of=2021-02-30", "known_at=99999999999999999999", "known_at=x", "area=nowhere",
     "properties=no_such", "properties=" + "a," * 3000, "run=" + GONE, "policy=x", "z=3", "bbox=1,2,3,4",
     "limit=1", "crs=http://www.opengis.net/def/crs/EPSG/0/4490", "filter=stalls%3E1&filter=stalls%3E2",
     "filter=stalls%3E1&filter-crs=EPSG:99", "kind=public&kind=%00", "&".join(f"a{n}=1" for n in range(500)),
     "%F0%9F%97%BA=1", "=", "collections=parks"],
)  # fmt: skip
def test_what_cannot_be_asked_is_400(client, query):
    place = tile_path(14, "")
    for start in ("/collections/toilets", "/background"):
        if start == "/background" and query == "=":
            continue
        refused(client, f"{start}{place}?{query}", 400, 404)


def test_hostile_filters_are_refused_or_answered_quickly(client):
    place = tile_path(14)
    statuses = set()
    for lang, text in hostile.drawn(seed=14, count=40):
        reply = asked(client, f"{place}?{urlencode({'filter': text, 'filter-lang': lang})}")
        assert reply.status_code in {200, 204, 400}, (text, reply.text)
        if reply.status_code == 400:
            assert reply.headers["content-type"] == PROBLEM
        statuses.add(reply.status_code)
    assert 400 in statuses


@pytest.mark.parametrize("accept", ["image/png", "text/html", "application/json", "*/*;q=0", "x", "", "é"])
def test_a_tile_is_a_tile_whatever_is_accepted(client, accept):
    reply = client.get(tile_path(14), headers={"Accept": accept.encode()})
    assert (reply.status_code, reply.headers["content-type"]) == (200, MVT)


@pytest.mark.parametrize(
    "headers",
    [{"If-None-Match": "," * 5000}, {"If-None-Match": '"' + "x" * 9000}, {"Accept-Encoding": "gzip;q=NaN, " * 400},
     {"Accept-Encoding": "gzip;q=0"}, {"Range": "bytes=0-1"}, {"If-Modified-Since": "yesterday"}],
)  # fmt: skip
def test_odd_headers_change_nothing(client, headers):
    for _ in range(2):
        reply = client.get(tile_path(14), headers=headers)
        assert (reply.status_code, reply.headers["content-type"]) == (200, MVT)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_tiles_are_only_read(client, method):
    reply = client.request(method, tile_path(14))
    assert (reply.status_code, reply.headers["content-type"]) == (405, PROBLEM)


def test_empty_layers_and_the_whole_world_are_204_or_small(client):
    for collection in ("parks", "coverage_gaps", "pipes"):
        for z in (0, 9, 18, 24):
            assert client.get(f"/collections/{collection}/{SET}/{z}/0/0").status_code == 204
    assert client.get(f"/{SET}/0/0/0").status_code == 200
