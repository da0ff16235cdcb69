"""Requests that edit features of the drawn town, as clients send them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import psycopg
from fastapi.testclient import TestClient

from app.catalogue.model import Catalogue
from app.database.engine import Database, open_database
from app.database.server import admin_parameters
from app.inventory.batch import Batch
from app.inventory.service import write_batches
from app.main import create_app
from app.settings import Settings
from tests.clones import clone
from tests.inventory.town import CHANGE, LAT, LON, districts

GEOJSON, MERGE_PATCH = "application/geo+json", "application/merge-patch+json"
PROBLEM = "application/problem+json"
ITEMS = "/collections/toilets/items"


@contextmanager
def served_town(
    cluster_settings: Settings, template: str, catalogue: Catalogue, rows: Batch | None = None
) -> Iterator[tuple[TestClient, Settings, Database]]:
    """A server over a town of two districts, or over `rows` alone: its client, its settings and its database."""
    with clone(cluster_settings, template) as settings:
        db = open_database(settings)
        with db.write() as conn:
            write_batches(conn, catalogue, [rows or districts()], CHANGE)
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            yield client, settings, db
        db.dispose()


def point(dx: float = 0.5, dy: float = 0.5) -> dict[str, Any]:
    """A GeoJSON point `dx`, `dy` hundredths of a degree from the crossing of all borders."""
    return {"type": "Point", "coordinates": [round(LON + dx / 100, 7), round(LAT + dy / 100, 7)]}


def feature(geometry: Any = None, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry or point(), "properties": properties}


def _headers(media: str, given: dict[str, str]) -> dict[str, str]:
    return {"Content-Type": media, **{name.replace("_", "-"): value for name, value in given.items()}}


def post(client: Any, body: Any, items: str = ITEMS, **headers: str) -> Any:
    given = _headers(GEOJSON, headers)
    if isinstance(body, bytes):
        return client.post(items, content=body, headers=given)
    return client.post(items, json=body, headers=given)


def created(client: Any, geometry: Any = None, items: str = ITEMS, **properties: Any) -> str:
    """The address of a new feature."""
    reply = post(client, feature(geometry, **properties), items)
    assert reply.status_code == 201, reply.text
    return str(reply.headers["location"])


def patch(client: Any, address: str, body: Any, **headers: str) -> Any:
    return client.patch(address, json=body, headers=_headers(MERGE_PATCH, headers))


def put(client: Any, address: str, body: Any, **headers: str) -> Any:
    return client.put(address, json=body, headers=_headers(GEOJSON, headers))


def properties(client: Any, address: str) -> Any:
    return client.get(address).json()["properties"]


def faults(reply: Any) -> dict[str, str]:
    """Field → reason of each fault."""
    assert reply.status_code == 400, reply.text
    assert reply.headers["content-type"] == PROBLEM
    return {fault["field"]: fault["reason"] for fault in reply.json()["errors"]}


def until_it_waits(settings: Settings, asked: Future[Any]) -> None:
    """Wait until a request under way waits for a class's lock; it must not be answered before."""
    waiting = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as admin:
        while admin.execute(waiting).fetchone() == (0,):
            assert not asked.done(), asked.result().text
