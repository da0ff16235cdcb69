"""Rows of runs as features: which runs a page holds, and when a copy of it is no longer right."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.database.engine import open_database
from app.main import create_app
from tests.clones import clone

ITEMS = "/collections/coverage_areas/items"
OLD, NEW, OTHER = (f"{n}0000000-0000-4000-8000-000000000000" for n in (1, 2, 3))
RUN = text(
    "INSERT INTO city.coverage_runs"
    " (id, policy_id, policy_version, policy_text, modes, inputs, results, areas, created_at)"
    " VALUES (:run, :policy, '1', '', ARRAY['straight', 'walk'], '{}', '{}', '[]', now() - make_interval(days => :age))"
)
AREA = text(
    "INSERT INTO city.coverage_areas (run, mode, tier, level, code, people)"
    " VALUES (:run, 'walk', 'all', 'city', 'C', 1)"
)


@pytest.fixture
def server(cluster_settings, template):
    """Two runs of one policy and one of another, the newest of all; a row of each."""
    with clone(cluster_settings, template) as settings:
        db = open_database(settings)
        with db.write() as conn:
            for run, policy, age in ((OLD, "a", 3), (OTHER, "b", 2), (NEW, "a", 1)):
                conn.execute(RUN, {"run": run, "policy": policy, "age": age})
                conn.execute(AREA, {"run": run})
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            yield client, db
        db.dispose()


def runs(client: TestClient, **query: Any) -> list[str]:
    found = client.get(ITEMS, params=query).json()["features"]
    return sorted(item["properties"]["run"] for item in found)


def test_a_filter_that_names_a_run_is_answered_from_all_of_them(server):
    client, _ = server
    assert runs(client) == runs(client, filter="people = 1") == [NEW, OTHER]
    assert runs(client, run=OLD) == runs(client, filter=f"run = '{OLD}'") == [OLD]
    assert runs(client, filter="run LIKE '%'") == [OLD, NEW, OTHER]


def test_a_number_is_never_written_as_an_integer(server):
    client, _ = server
    assert '"people":1.0,' in client.get(ITEMS).text


def test_a_page_of_runs_is_sent_anew_once_one_of_them_is_dropped(server):
    client, db = server
    tag = client.get(ITEMS).headers["etag"]
    assert client.get(ITEMS, headers={"If-None-Match": tag}).status_code == 304
    with db.write() as conn:
        conn.execute(text("DELETE FROM city.coverage_runs WHERE id = :run"), {"run": OTHER})
    again = client.get(ITEMS, headers={"If-None-Match": tag})
    assert (again.status_code, again.json()["numberReturned"]) == (200, 1)
