"""Tags of tiles: 304 for the same bytes, after edits far away too; every edit shows in the next request."""

from __future__ import annotations

from collections.abc import Iterator

import mapbox_vector_tile
import pytest
from fastapi.testclient import TestClient

from app.database.engine import Database
from app.settings import Settings
from tests.ogc.edits import created, patch, point, served_town
from tests.tiles.test_routes import tile_path


@pytest.fixture(scope="module")
def served(cluster_settings, template, catalogue) -> Iterator[tuple[TestClient, Settings, Database]]:
    with served_town(cluster_settings, template, catalogue) as found:
        yield found


@pytest.fixture
def client(served) -> TestClient:
    return served[0]


def names(reply) -> set[str]:
    layers = mapbox_vector_tile.decode(reply.content) if reply.content else {}
    return {item["properties"].get("name_zh") for item in layers.get("toilets", {"features": []})["features"]}


def test_the_same_bytes_are_304(client):
    created(client, name_zh="here")
    path = tile_path(16)
    first = client.get(path)
    tag = first.headers["etag"]
    for asked in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = client.get(path, headers={"If-None-Match": asked})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == "private, no-cache, max-age=0"
        assert "accept-encoding" in again.headers["vary"].lower()
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("start", ["/collections/toilets", ""])
def test_an_edit_far_away_leaves_304_and_one_in_the_tile_shows_at_once(client, start):
    address = created(client, name_zh="before")
    path = tile_path(16, start)
    tag = client.get(path).headers["etag"]
    created(client, point(-1.9, -1.9), name_zh="far away")
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert patch(client, address, {"properties": {"name_zh": "after"}}, If_Match="*").status_code < 300
    changed = client.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert "after" in names(changed)
    assert "before" not in names(changed)
    assert patch(client, address, {"properties": {"name_zh": "before"}}, If_Match="*").status_code < 300
    assert patch(client, address, {"geometry": point(1.9, 1.9)}, If_Match="*").status_code < 300
    assert "before" not in names(client.get(path))
