"""Long work: taken soon, told truly, never lost, never done twice, whatever dies."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from anyio.from_thread import start_blocking_portal
from sqlalchemy import text

from app.database.engine import Database
from app.errors import BadInput, Conflict, NotFound, SetupFailed
from app.jobs import service, store
from app.jobs.context import Handler, JobContext
from app.jobs.store import Job
from app.jobs.worker import Worker
from app.settings import Settings

BEAT_S = 0.1
STALE_S = 0.7


def add(context: JobContext) -> dict[str, Any]:
    return {"sum": sum(context.request["numbers"])}


def refuse(context: JobContext) -> dict[str, Any]:
    raise BadInput("The file is empty.", "Give another one.")


def break_down(context: JobContext) -> dict[str, Any]:
    raise ZeroDivisionError("secret")


def wait_for_cancel(context: JobContext) -> dict[str, Any]:
    for step in range(1000):
        context.progress(step / 1000, f"step {step}")
        time.sleep(0.02)
    return {}


def change(context: JobContext) -> dict[str, Any]:
    """Work that writes: one row of `changes` a job, saved together with the job's end."""
    time.sleep(0.05)
    with context.db.write() as conn:
        conn.execute(
            text("INSERT INTO city.changes (who, why) VALUES ('job', :id)"), {"id": str(context.job_id)}
        )
        time.sleep(0.02)
        context.finish(conn, {"changed": 1})
        time.sleep(0.02)
    return {}


HANDLERS: Mapping[str, Handler] = {
    "add": add,
    "refuse": refuse,
    "break": break_down,
    "wait": wait_for_cancel,
    "change": change,
}


@contextmanager
def working(database: Database) -> Iterator[Worker]:
    worker = Worker(database, HANDLERS, BEAT_S, STALE_S)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join()


def claim(database: Database, run: UUID | None = None) -> Job:
    with database.write() as conn:
        job = store.claim(conn, list(HANDLERS), run or uuid4())
    assert job is not None
    return job


def until(reached: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def waited(database: Database, job: UUID, seconds: float) -> Job:
    """The job as who waits for it so long finds it."""
    with start_blocking_portal() as portal:
        return portal.call(service.wait, database, job, seconds)


def test_a_job_is_done_and_its_result_kept(database: Database):
    job_id = service.enqueue(database, "add", {"numbers": [1, 2, 3]}, "me")
    assert Worker(database, HANDLERS).run_one()
    job = service.get(database, job_id)
    assert (job.state, job.result, job.who, job.progress, job.attempts) == ("done", {"sum": 6}, "me", 1, 1)
    assert job.finished_at is not None
    assert not Worker(database, HANDLERS).run_one()


def test_a_waiting_worker_takes_a_job_at_once(database: Database):
    with working(database):
        time.sleep(0.5)  # it has gone to sleep by now
        began = time.monotonic()
        job = waited(database, service.enqueue(database, "add", {"numbers": [1]}), 5)
        assert (job.state, time.monotonic() - began < 0.5) == ("done", True)


def test_waiting_ends_in_time_where_nobody_works(database: Database):
    job_id = service.enqueue(database, "add", {"numbers": []})
    began = time.monotonic()
    assert waited(database, job_id, 0.3).state == "queued"
    assert time.monotonic() - began < 1


def test_a_failure_is_told_with_its_hint(database: Database):
    job_id = service.enqueue(database, "refuse", {})
    Worker(database, HANDLERS).run_one()
    job = service.get(database, job_id)
    assert job.state == "failed"
    assert job.error == {
        "code": "bad-input",
        "status": 400,
        "message": "The file is empty.",
        "hint": "Give another one.",
    }


def test_an_unexpected_failure_is_told_without_its_inside(database: Database):
    job_id = service.enqueue(database, "break", {})
    Worker(database, HANDLERS).run_one()
    job = service.get(database, job_id)
    assert (job.state, job.error and job.error["status"]) == ("failed", 500)
    assert "secret" not in str(job.error)


def test_what_a_job_says_names_no_folder_of_the_machine_and_its_log_does(database: Database, caplog):
    def lack(_: JobContext) -> dict[str, Any]:
        raise SetupFailed("The data folder /srv/chengtu/home belongs to another user.", "Run as that user.")

    job_id = service.enqueue(database, "lack", {})
    Worker(database, {"lack": lack}).run_one()
    error = service.get(database, job_id).error
    assert error is not None
    assert (error["code"], "/srv" in str(error)) == ("setup-failed", False)
    assert "/srv/chengtu/home" in caplog.text


def test_the_oldest_comes_first_and_each_goes_to_one(database: Database):
    ids = [service.enqueue(database, "add", {"numbers": [n]}) for n in range(5)]
    assert [claim(database).id for _ in range(5)] == ids
    with database.write() as conn:
        assert store.claim(conn, list(HANDLERS), uuid4()) is None


def test_claiming_waits_for_nobody(database: Database):
    first, second = (service.enqueue(database, "add", {"numbers": []}) for _ in range(2))
    with database.write() as one, database.write() as other:
        taken = [store.claim(conn, ["add"], uuid4()) for conn in (one, other)]
        assert [job and job.id for job in taken] == [first, second]


def test_a_worker_takes_only_what_it_can_do(database: Database):
    job_id = service.enqueue(database, "unknown", {})
    assert not Worker(database, HANDLERS).run_one()
    assert service.get(database, job_id).state == "queued"


def test_a_job_that_is_rolled_back_was_never_queued(database: Database):
    with pytest.raises(ZeroDivisionError), database.write() as conn:  # noqa: PT012
        store.enqueue(conn, "add", {}, "me")
        raise ZeroDivisionError
    assert not Worker(database, HANDLERS).run_one()


def test_cancelling(database: Database):
    queued = service.enqueue(database, "add", {"numbers": []})
    assert service.cancel(database, queued).state == "cancelled"
    running = service.enqueue(database, "wait", {})
    with working(database):
        until(lambda: (service.get(database, running).progress or 0) > 0)
        assert service.cancel(database, running).cancel
        assert waited(database, running, 5).state == "cancelled"
    done = service.enqueue(database, "add", {"numbers": []})
    Worker(database, HANDLERS).run_one()
    assert service.cancel(database, done).state == "done"


def test_what_does_not_exist_is_not_found(database: Database):
    for ask in (service.get, service.cancel):
        with pytest.raises(NotFound):
            ask(database, uuid4())


def test_a_stopping_worker_gives_its_job_back(database: Database):
    job_id = service.enqueue(database, "wait", {})
    with working(database):
        until(lambda: service.get(database, job_id).state == "running")
    job = service.get(database, job_id)
    assert (job.state, job.attempts) == ("queued", 0)


def test_a_database_that_is_away_is_told_once(tmp_path, caplog):
    away = Database(Settings(home=tmp_path, DATABASE_URL="postgresql://nobody:no@127.0.0.1:1/none"))
    with working(away):
        time.sleep(2.5)
    assert caplog.text.count("Waiting for the database") == 1


def test_a_run_that_lost_its_job_cannot_finish_it(database: Database):
    service.enqueue(database, "add", {"numbers": []})
    slow = claim(database)
    with database.write() as conn:
        assert store.reap(conn, stale_s=0) == 1
    fast = claim(database)
    assert (fast.id, fast.attempts) == (slow.id, 2)
    assert slow.worker is not None
    with database.write() as conn:
        assert store.beat(conn, slow.worker) is None
    with pytest.raises(Conflict), database.write() as conn:  # noqa: PT012
        conn.execute(text("INSERT INTO city.changes (who, why) VALUES ('slow', 'late')"))
        store.finish(conn, slow.worker, {})
    with database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM city.changes")).scalar_one() == 0


def test_a_job_that_kills_every_worker_fails_in_the_end(database: Database):
    job_id = service.enqueue(database, "add", {"numbers": []})
    for _ in range(store.MAX_ATTEMPTS):
        claim(database)
        with database.write() as conn:
            store.reap(conn, stale_s=0)
    job = service.get(database, job_id)
    assert (job.state, job.error and job.error["code"]) == ("failed", "worker-died")


def test_a_living_run_is_not_reaped(database: Database):
    service.enqueue(database, "add", {"numbers": []})
    claim(database)
    with database.write() as conn:
        assert store.reap(conn, stale_s=5) == 0


def _work(settings: Settings) -> None:
    Worker(Database(settings), HANDLERS, BEAT_S, STALE_S).run()


def test_killed_workers_lose_nothing_and_double_nothing(database: Database):
    """20 jobs that write, two workers, one of them killed outright at a random moment, ten times."""
    database.dispose()
    with database.write() as conn:
        ids = [store.enqueue(conn, "change", {}, "me") for _ in range(20)]
    database.dispose()
    # Forked: a started interpreter costs more than all the work.
    processes = multiprocessing.get_context("fork")
    chance = random.Random(20)
    workers = [processes.Process(target=_work, args=(database.settings,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for _ in range(10):
        time.sleep(chance.uniform(0.02, 0.3))
        place = chance.randrange(2)
        os.kill(workers[place].pid or 0, signal.SIGKILL)
        workers[place].join()
        workers[place] = processes.Process(target=_work, args=(database.settings,))
        workers[place].start()
    # A job may be hit more than once: what the reaper gave up is put back, so that all must come to an end.
    until(lambda: all(service.get(database, job_id).ended for job_id in ids), 30)
    for worker in workers:
        worker.kill()
        worker.join()
    ended = [service.get(database, job_id) for job_id in ids]
    with database.read() as conn:
        written = conn.execute(text("SELECT why, count(*) FROM city.changes GROUP BY why")).all()
    assert dict(map(tuple, written)) == {str(job.id): 1 for job in ended if job.state == "done"}
    assert {job.state for job in ended} <= {"done", "failed"}
    assert sum(job.state == "done" for job in ended) >= 18
