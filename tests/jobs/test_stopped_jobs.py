"""A worker that is to stop, or a job that is cancelled, ends in the middle of a statement too, and nothing is saved."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.database.engine import Database
from app.database.stoppable import carried_out
from app.database.transactions import Connection
from app.jobs import service, store
from app.jobs.context import Handler, JobContext
from app.jobs.worker import Worker
from tests.jobs.test_jobs import until

#: Far longer than any of this takes: a statement that nobody stops ends by itself, and the job is done.
LONG = "SELECT count(*) FROM generate_series(1, 20000) AS a, generate_series(1, 20000) AS b"
#: A handler is about to ask it.
BEGUN = threading.Event()


def ask_long(conn: Connection) -> None:
    BEGUN.set()
    conn.execute(text(LONG))


def write_long(context: JobContext) -> dict[str, Any]:
    with context.db.write() as conn:
        conn.execute(text("INSERT INTO city.changes (who, why) VALUES ('job', 'half')"))
        ask_long(conn)
        context.finish(conn, {})
    return {}


def write_by_driver(context: JobContext) -> dict[str, Any]:
    """As COPY does: straight to the driver, by a thread beside."""
    with context.db.write() as conn:
        conn.execute(text("INSERT INTO city.changes (who, why) VALUES ('job', 'half')"))
        driver, failed = context.db.raw(conn), []

        def work() -> None:
            try:
                BEGUN.set()
                driver.execute(LONG.encode())
            except psycopg.Error as error:
                failed.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        context.finish(conn, {})
    return {}


def read_long(context: JobContext) -> dict[str, Any]:
    with context.db.read(timeout_s=0) as conn:
        ask_long(conn)
    return {}


def go_on(context: JobContext) -> dict[str, Any]:
    """A handler that takes the failure of a statement for something else."""
    with context.db.write() as conn:
        try:
            ask_long(conn)
        except DBAPIError:
            conn.execute(text("SELECT 1"))
    return {}


def after_the_end(context: JobContext) -> dict[str, Any]:
    """What follows from work that is saved already."""
    with context.db.write() as conn:
        conn.execute(text("INSERT INTO city.changes (who, why) VALUES ('job', 'whole')"))
        context.finish(conn, {"whole": True})
    with context.db.write() as conn:
        ask_long(conn)
    return {}


HANDLERS: Mapping[str, Handler] = {
    "write": write_long, "driver": write_by_driver, "read": read_long, "on": go_on, "after": after_the_end,
}  # fmt: skip


def changes(database: Database) -> list[str]:
    with database.read() as conn:
        return [str(why) for why in conn.execute(text("SELECT why FROM city.changes")).scalars()]


def interrupted(
    database: Database,
    kind: str,
    stop: Callable[[Worker, Any], object],
    handlers: Mapping[str, Handler] = HANDLERS,
) -> store.Job:
    """The job after `stop` was called in the middle of its long statement."""
    BEGUN.clear()
    job = service.enqueue(database, kind, {})
    worker = Worker(database, handlers, beat_s=0.1)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        until(BEGUN.is_set, 30)
        stop(worker, job)
        until(lambda: service.get(database, job).state != "running", 60)
        return service.get(database, job)
    finally:
        worker.stop()
        thread.join()


@pytest.mark.parametrize("kind", ["write", "driver", "read", "on"])
def test_a_long_statement_is_stopped_with_the_worker_and_its_job_goes_back(database: Database, kind: str):
    job = interrupted(database, kind, lambda worker, _: worker.stop())
    assert (job.state, job.attempts, job.worker, job.error) == ("queued", 0, None, None)
    assert changes(database) == []


def test_a_long_statement_is_stopped_with_its_job(database: Database):
    job = interrupted(database, "write", lambda _, job: service.cancel(database, job))
    assert (job.state, changes(database)) == ("cancelled", [])


def test_what_is_saved_stays_where_what_follows_is_stopped(database: Database, caplog):
    caplog.set_level("INFO")
    job = interrupted(database, "after", lambda worker, _: worker.stop())
    assert (job.state, job.result, changes(database)) == ("done", {"whole": True}, ["whole"])
    ended = [record.told["outcome"] for record in caplog.records if record.getMessage() == "job"]
    assert ended == ["done"]


def test_the_end_of_what_is_stopped_is_still_written_down(database: Database):
    def note_end(context: JobContext) -> dict[str, Any]:
        try:
            with context.db.write() as conn:
                ask_long(conn)
        finally:
            with carried_out(), context.db.write() as conn:
                conn.execute(text("INSERT INTO city.changes (who, why) VALUES ('job', 'stopped')"))
        return {}

    job = interrupted(database, "note", lambda worker, _: worker.stop(), {"note": note_end})
    assert (job.state, changes(database)) == ("queued", ["stopped"])


def test_chores_are_left_to_the_next_worker(database: Database):
    BEGUN.clear()

    def chore(db: Database) -> None:
        with db.write() as conn:
            conn.execute(text("INSERT INTO city.changes (who, why) VALUES ('chore', 'half')"))
            ask_long(conn)

    worker = Worker(database, HANDLERS, chore=chore)
    thread = threading.Thread(target=worker.run)
    thread.start()
    until(BEGUN.is_set)
    worker.stop()
    thread.join()
    assert changes(database) == []
