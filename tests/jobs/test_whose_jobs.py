"""A job is done in the scope of who asked for it, and shown to them; the queue itself is the service's."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.access import key_service, key_store, people_service
from app.access.keys import new_key
from app.access.people_service import NewPerson
from app.access.principal import OPEN, Grant, Principal
from app.access.principals import of_key
from app.database.engine import Database
from app.database.scope import SERVICE, within
from app.errors import NotFound
from app.jobs import routes, service
from app.jobs.context import JobContext
from app.jobs.worker import Worker
from app.main import create_app

#: The key that bears the name anna.
TOKEN = new_key()


@pytest.fixture
def anna(database: Database) -> Principal:
    """Who bears a key for a district."""
    grants = [Grant("editor", "990201"), Grant("planner", "990201")]
    with database.write() as conn:
        ends = datetime.now(UTC) + timedelta(hours=1)
        return of_key(key_store.make_key(conn, TOKEN, "anna", grants, ends))


def principal(name: str, *roles: str) -> Principal:
    """Somebody else, whatever the name."""
    return Principal.granted("user", name, [Grant(role) for role in roles], "internal", person_id=99)


def tell_scope(context: JobContext) -> dict[str, object]:
    """What the handler's own transactions see; telling how far it is goes on as the service."""
    context.progress(0.5, "half")
    with context.db.read() as conn:
        role = conn.exec_driver_sql("SELECT current_user").scalar_one()
    return {"scope": context.db.scope.plain(), "role": role}


def worker(database: Database) -> Worker:
    return Worker(database, {"tell": tell_scope})


@pytest.mark.parametrize("by", ["anna", "command", "open"])
def test_a_job_is_done_in_the_scope_of_who_asked(database, anna, by):
    scope = {"anna": anna.scope, "command": None, "open": SERVICE}[by]
    with nullcontext() if scope is None else within(scope):
        job_id = service.enqueue(database, "tell", {})
    assert worker(database).run_one()
    job = service.get(database, job_id)
    whose = ("anna", anna.owner) if by == "anna" else ("server", None)
    assert (job.state, job.who, job.owner) == ("done", *whose)
    role = "chengtu_see_internal" if by == "anna" else "chengtu_ro"
    assert job.result == {"scope": (scope or SERVICE).plain(), "role": role}


def test_a_job_is_seen_and_stopped_by_who_asked_and_by_system_administrators(database, anna):
    with within(anna.scope):
        job_id = service.enqueue(database, "tell", {})
    for by in (anna, principal("ops", "system"), OPEN):
        assert service.get(database, job_id, by).id == job_id
    for by in (principal("bert", "editor"), principal("bert", "security"), principal("anna", "planner")):
        for ask in (service.get, service.cancel):
            with pytest.raises(NotFound):
                ask(database, job_id, by)
    assert service.get(database, job_id).state == "queued"
    assert service.cancel(database, job_id, principal("ops", "system")).state == "cancelled"


def test_the_services_own_jobs_are_nobodys(database, anna):
    job_id = service.enqueue(database, "tell", {}, "anna")
    with pytest.raises(NotFound):
        service.get(database, job_id, anna)


def test_over_http_others_see_how_it_stands_and_not_what_came_of_it(database, anna):
    with database.write() as conn:
        people_service.make_person(conn, NewPerson("first", grants=(Grant("security"),)))
        keys = {
            name: key_service.make_key(conn, name, [Grant(role)], 1)[0]
            for name, role in (("twin", "planner"), ("bert", "planner"), ("ops", "system"))
        } | {"anna": TOKEN}
    with within(anna.scope):
        job_id = service.enqueue(database, "tell", {})
    assert worker(database).run_one()
    with TestClient(create_app(database.settings)) as client:

        def ask(name: str, method: str = "GET") -> Response:
            return client.request(
                method, f"/jobs/{job_id}", headers={"Authorization": f"Bearer {keys[name]}"}
            )

        assert ask("anna").json()["result"]["role"] == "chengtu_see_internal"
        assert (ask("ops").json()["state"], ask("ops").json()["result"]) == ("done", None)
        for other in ("bert", "twin"):
            assert (ask(other).status_code, ask(other, "DELETE").status_code) == (404, 404)


def test_what_went_wrong_is_told_in_words_to_who_asked_alone(database, anna):
    def fails(_: JobContext) -> dict[str, object]:
        raise NotFound("toilets holds no feature with the code 'secret'.")

    with within(anna.scope):
        job_id = service.enqueue(database, "tell", {})
    assert Worker(database, {"tell": fails}).run_one()
    job = service.get(database, job_id)
    assert "secret" in str(routes._told(job, anna)["error"])
    assert routes._told(job, principal("ops", "system"))["error"] == {"code": "not-found"}
