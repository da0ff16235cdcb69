"""A drawn city, asked in-process, for the suite that goes through the standards requirement by requirement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient

from app.database.engine import open_database
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from app.main import create_app
from tests.clones import clone
from tests.inventory.town import LAT, LON, batch, districts, line, square

TOILETS, TIMED, PARKS = 25, 3, 6
#: West, south, east, north of what is drawn.
BOX = (115.84, 28.66, 115.88, 28.70)
CHANGE = Change(who="test", why="drawn")


@dataclass(frozen=True)
class Api:
    """The application, asked as a client asks that knows only the standards."""

    client: TestClient

    def get(self, path: str, accept: str = "application/json", **query: Any) -> Any:
        """A reply; `filter_lang` stands for `filter-lang`."""
        given = {name.replace("_", "-"): value for name, value in query.items()}
        return self.client.get(path, params=given or None, headers={"Accept": accept})

    def document(self, path: str, accept: str = "application/json", **query: Any) -> Any:
        """The document of a reply that must be 200."""
        reply = self.get(path, accept, **query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def items(self, collection: str = "toilets", **query: Any) -> Any:
        """A page of features, GeoJSON, 1,000 unless `limit` says otherwise."""
        return self.document(
            f"/collections/{collection}/items", "application/geo+json", **({"limit": 1000} | query)
        )

    def codes(self, collection: str = "toilets", **query: Any) -> list[str]:
        return [item["properties"]["code"] for item in self.items(collection, **query)["features"]]

    def status(self, path: str, accept: str = "application/json", **query: Any) -> int:
        """The status of a refusal, which must be a problem document with a detail and a hint."""
        reply = self.get(path, accept, **query)
        if reply.status_code >= 400:
            assert reply.headers["content-type"].startswith("application/problem+json")
            assert reply.json()["detail"]
        return reply.status_code

    def collections(self) -> list[dict[str, Any]]:
        return self.document("/collections")["collections"]


def links(document: dict[str, Any], rel: str) -> list[dict[str, Any]]:
    """The links of a relation; each must have an address."""
    found = [link for link in document["links"] if link["rel"] == rel]
    assert all(urlsplit(link["href"]).scheme for link in found)
    return found


def link(document: dict[str, Any], rel: str, media: str | None = None) -> str:
    """The address of the one link of a relation and type."""
    found = [item for item in links(document, rel) if media is None or item["type"].startswith(media)]
    assert found, (rel, media)
    return str(found[0]["href"])


def parameters(api: Api) -> list[dict[str, Any]]:
    """The query parameters of a page of features, as the API definition declares them."""
    definition = api.document(link(api.document("/"), "service-desc"), "*/*")
    found = definition["paths"]["/collections/{collection}/items"]["get"]["parameters"]
    named = definition.get("components", {}).get("parameters", {})
    return [named[item["$ref"].rsplit("/", 1)[1]] if "$ref" in item else item for item in found]


def _toilets() -> Batch:
    numbers = range(TOILETS)
    columns = {
        "name_zh": [f"公厕{n}" for n in numbers],
        "kind": ["mobile" if n % 5 == 0 else "public" for n in numbers],
        "stalls": [n or None for n in numbers],
        "built_on": [date(2000 + n, 6, 1) for n in numbers],
        "accessible": [n % 2 == 0 for n in numbers],
    }
    points = shapely.points(LON - 0.018 + 0.0015 * np.arange(TOILETS), LAT + 0.001)
    return Batch("toilets", [f"WC{n:02}" for n in numbers], points, columns, [None] * TOILETS)


def _timed() -> Batch:
    """Monuments that stood from one year to the next, and one that always did."""
    shapes = {f"M{n}": shapely.Point(LON + 0.001 * n, LAT - 0.005) for n in range(TIMED + 1)}
    found = batch("monuments", shapes, {"name_zh": [f"旧址{n}" for n in range(TIMED + 1)]})
    valid = [*((date(2010 + n, 1, 1), date(2011 + n, 1, 1)) for n in range(TIMED)), (None, None)]
    return Batch(found.class_id, found.codes, found.geometry, found.columns, found.extra, valid=valid)


def _drawn() -> list[Batch]:
    parks = {f"P{n}": square(-1.8 + 0.6 * n, 0.5, 0.3) for n in range(PARKS)}
    streets = {f"S{n}": line((-1.8, -1.8 + 0.3 * n), (1.8, -1.8 + 0.3 * n)) for n in range(4)}
    return [
        districts(),
        _toilets(),
        _timed(),
        batch("parks", parks, {"name_zh": [f"公园{n}" for n in range(PARKS)]}),
        batch("streets", streets, {"name_zh": [f"路{n}" for n in range(4)]}),
    ]


@pytest.fixture(scope="session")
def api(cluster_settings, template, catalogue) -> Iterator[Api]:
    """A server over the drawn city."""
    with clone(cluster_settings, template) as settings:
        db = open_database(settings)
        with db.write() as conn:
            write_batches(conn, catalogue, _drawn(), CHANGE)
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            yield Api(client)
        db.dispose()
