"""What is told and done where the database leaves in the middle: of a commit, of a job, of an upload."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import PendingRollbackError
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from app.access.middleware import HouseMiddleware
from app.database.errors import translate
from app.database.transactions import Database
from app.errors import Away, InDoubt, error_from_plain, error_to_plain
from app.jobs import service, store
from app.jobs.context import JobContext
from app.jobs.worker import Worker
from app.main import create_app
from app.settings import Settings
from tests.importing import own_home
from tests.ogc.edits import feature, post, served_town
from tests.safety.house import asking

LEAVE = """
CREATE FUNCTION city.leave() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER leave AFTER INSERT ON city.{table} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION city.leave();
"""


@contextmanager
def leaving(settings: Settings, table: str) -> Iterator[None]:
    """Whoever inserts into the table loses the connection in the middle of the commit."""
    with asking(settings) as admin:
        admin.execute(LEAVE.format(table=table).encode())
        try:
            yield
        finally:
            admin.execute(f"DROP TRIGGER leave ON city.{table}; DROP FUNCTION city.leave()".encode())


def count(database: Database, table: str) -> int:
    with database.read() as conn:
        return int(conn.execute(text(f"SELECT count(*) FROM city.{table}")).scalar_one())


def test_a_connection_lost_in_a_commit_is_in_doubt_and_the_next_transaction_goes_on(settings, database):
    with leaving(settings, "settings"), pytest.raises(InDoubt) as error, database.write() as conn:
        conn.exec_driver_sql("INSERT INTO city.settings VALUES ('doubt', '1')")
    assert "Idempotency-Key" in str(error.value.hint)
    with database.write() as conn:
        conn.exec_driver_sql("INSERT INTO city.settings VALUES ('doubt', '2')")
    with database.read() as conn:
        found = conn.exec_driver_sql("SELECT value FROM city.settings WHERE key = 'doubt'").scalars().all()
    assert found == ["2"]


def test_what_stumbles_over_a_lost_connection_while_it_cleans_up_is_told_as_away():
    assert isinstance(translate(PendingRollbackError("Can't reconnect")), Away)


def test_an_error_of_another_process_stays_what_it_was():
    for kind in (Away, InDoubt):
        assert type(error_from_plain(error_to_plain(kind("gone", "wait")))) is kind


def test_who_sends_it_again_under_the_same_key_has_it_once(cluster_settings, template, catalogue):
    body = feature(name_zh="存疑")
    with served_town(cluster_settings, template, catalogue) as (client, settings, database):
        with leaving(settings, "toilets"):
            lost = post(client, body, idempotency_key="doubt")
        assert (lost.status_code, lost.json()["code"]) == (503, "in-doubt")
        assert lost.headers["retry-after"]
        again = [post(client, body, idempotency_key="doubt") for _ in range(2)]
        assert [reply.status_code for reply in again] == [201, 201]
        assert again[0].headers["location"] == again[1].headers["location"]
        assert count(database, "toilets") == 1


def test_an_upload_whose_job_may_have_been_queued_is_kept_for_it(settings, database, tmp_path):
    home = own_home(settings, tmp_path)
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        with leaving(settings, "jobs"):
            lost = client.post(
                "/imports?class=toilets",
                content=b"code,lon,lat\na,115.8,28.6\n",
                headers={"content-type": "text/csv"},
            )
        assert (lost.status_code, lost.json()["code"]) == (503, "in-doubt")
        assert len(list((tmp_path / "uploads").iterdir())) == 1
        refused = client.post(
            "/imports?class=nothing", content=b"a\n1\n", headers={"content-type": "text/csv"}
        )
        assert refused.status_code == 404
        assert len(list((tmp_path / "uploads").iterdir())) == 1


@pytest.mark.parametrize(("fails", "state"), [(1, "done"), (store.MAX_ATTEMPTS, "failed")])
def test_a_job_whose_database_or_engine_leaves_is_done_again_and_not_for_ever(database, fails, state):
    tries: list[int] = []

    def work(_: JobContext) -> dict[str, Any]:
        tries.append(1)
        if len(tries) <= fails:
            raise Away("The engine is not running.")
        return {"done": True}

    job = service.enqueue(database, "leaves", {})
    worker = Worker(database, {"leaves": work})
    while worker.run_one():
        pass
    found = service.get(database, job)
    assert (found.state, len(tries)) == (state, min(fails + 1, store.MAX_ATTEMPTS))
    assert (found.error or {}).get("code") == ("away" if state == "failed" else None)


def test_who_is_cut_off_as_the_server_stops_is_told_to_come_again():
    """Uvicorn cancels what is not through in its grace, and would answer 500."""
    sent: list[Any] = []

    async def cut_off(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise asyncio.CancelledError

    async def receive() -> Message:
        await asyncio.sleep(3600)
        return {}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": "/collections", "headers": [], "query_string": b"",
        "app": Starlette(), "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "scheme": "http",
    }  # fmt: skip
    with ThreadPoolExecutor(1) as pool:  # a browser's test before may have left a loop running in this thread
        pool.submit(lambda: asyncio.run(HouseMiddleware(cut_off)(scope, receive, send))).result()
    assert sent[0]["status"] == 503
    assert b"retry-after" in dict(sent[0]["headers"])
