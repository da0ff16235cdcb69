"""Other sites' pages: none may read unless the operator lists their origin, and then only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from app.main import create_app
from app.settings import Settings
from tests.ogc.conftest import Api

LISTED, OTHER = "https://map.example.org", "https://elsewhere.example.org"
ADDRESSES = [
    "/collections/toilets/tiles/WebMercatorQuad/0/0/0",
    "/collections/toilets/tiles/WebMercatorQuad?f=style",
    "/collections/toilets/items?limit=1",
    "/tiles/WebMercatorQuad?f=tilejson",
]
ALLOW, POLICY = "access-control-allow-origin", "cross-origin-resource-policy"


@pytest.fixture(scope="module")
def client(api: Api) -> Iterator[TestClient]:
    """The drawn city, served with one origin listed."""
    settings = api.client.app.state.settings.model_copy(update={"cors_origins": (LISTED,)})
    with TestClient(create_app(settings), raise_server_exceptions=False) as found:
        yield found


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_listed_page_may_read(client: TestClient, address: str):
    reply = client.get(address, headers={"Origin": LISTED})
    assert reply.status_code == 200
    assert (reply.headers[ALLOW], reply.headers[POLICY]) == (LISTED, "cross-origin")
    assert "etag" in reply.headers["access-control-expose-headers"].lower()
    assert "access-control-allow-credentials" not in reply.headers
    assert "origin" in reply.headers["vary"].lower()


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_other_page_may(client: TestClient, api: Api, address: str):
    for asked, origin in ((client, OTHER), (client, "null"), (api.client, LISTED)):
        reply = asked.get(address, headers={"Origin": origin})
        assert ALLOW not in reply.headers
        assert reply.headers[POLICY] == "same-origin"


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_reply_says_that_it_depends_on_the_page(client: TestClient, address: str):
    """Else a copy that one page got might be given to another one, which may not read it or could not."""
    for headers in ({}, {"Origin": OTHER}, {"Origin": LISTED}):
        asked = client.get(address, headers=headers).headers["vary"].lower()
        assert asked.count("origin") == 1


def test_it_may_ask_again_with_its_tag(client: TestClient):
    asked = {
        "Origin": LISTED,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "if-none-match",
    }
    reply = client.options(ADDRESSES[0], headers=asked)
    assert (reply.status_code, reply.headers[ALLOW]) == (200, LISTED)
    tag = client.get(ADDRESSES[0]).headers["etag"]
    again = client.get(ADDRESSES[0], headers={"Origin": LISTED, "If-None-Match": tag})
    assert (again.status_code, again.headers[ALLOW]) == (304, LISTED)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_it_may_not_write(client: TestClient, method: str):
    asked = {"Origin": LISTED, "Access-Control-Request-Method": method}
    reply = client.options("/collections/toilets/items/1", headers=asked)
    assert reply.status_code == 400
    assert method not in reply.headers["access-control-allow-methods"]


def test_origins_are_listed_by_comma(monkeypatch):
    monkeypatch.setenv("CHENGTU_CORS_ORIGINS", f" {LISTED}/, http://10.0.0.5:8080 ,")
    assert Settings().cors_origins == (LISTED, "http://10.0.0.5:8080")
    monkeypatch.setenv("CHENGTU_CORS_ORIGINS", "")
    assert Settings().cors_origins == ()
    monkeypatch.setenv("CHENGTU_CORS_ORIGINS", f"{LISTED}/map")
    with pytest.raises(ValidationError, match="is no origin"):
        Settings()
