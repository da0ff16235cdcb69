"""A job is done in the scope of who asked for it, and shown to them; the queue itself is the service's."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.access import key_service, people_service
from app.access.people_service import NewPerson
from app.access.principal import OPEN, Grant, Principal
from app.database.engine import Database
from app.database.scope import SERVICE, Scope, within
from app.errors import NotFound
from app.jobs import routes, service
from app.jobs.context import JobContext
from app.jobs.worker import Worker
from app.main import create_app

ANNA = Scope("internal", ("990201",), ("990201",), None, "anna")


def principal(name: str, *roles: str) -> Principal:
    return Principal.granted("user", name, [Grant(role) for role in roles], "internal")


def tell_scope(context: JobContext) -> dict[str, object]:
    """What the handler's own transactions see; telling how far it is goes on as the service."""
    context.progress(0.5, "half")
    with context.db.read() as conn:
        role = conn.exec_driver_sql("SELECT current_user").scalar_one()
    return {"scope": context.db.scope.plain(), "role": role}


def worker(database: Database) -> Worker:
    return Worker(database, {"tell": tell_scope})


@pytest.mark.parametrize(
    ("scope", "role", "who"),
    [
        (ANNA, "chengtu_see_internal", "anna"),
        (None, "chengtu_ro", "server"),
        (SERVICE, "chengtu_ro", "server"),
    ],
    ids=["area", "command", "open"],
)
def test_a_job_is_done_in_the_scope_of_who_asked(database, scope, role, who):
    if scope is None:
        job_id = service.enqueue(database, "tell", {})
    else:
        with within(scope):
            job_id = service.enqueue(database, "tell", {})
    assert worker(database).run_one()
    job = service.get(database, job_id)
    assert (job.state, job.who) == ("done", who)
    assert job.result == {"scope": (scope or SERVICE).plain(), "role": role}


def test_a_job_is_seen_and_stopped_by_who_asked_and_by_system_administrators(database):
    with within(ANNA):
        job_id = service.enqueue(database, "tell", {})
    for by in (principal("anna", "editor"), principal("ops", "system"), OPEN):
        assert service.get(database, job_id, by).id == job_id
    for by in (principal("bert", "editor"), principal("bert", "planner"), principal("bert", "security")):
        for ask in (service.get, service.cancel):
            with pytest.raises(NotFound):
                ask(database, job_id, by)
    assert service.get(database, job_id).state == "queued"
    assert service.cancel(database, job_id, principal("ops", "system")).state == "cancelled"


def test_the_services_own_jobs_are_nobodys(database):
    job_id = service.enqueue(database, "tell", {}, "anna")
    with pytest.raises(NotFound):
        service.get(database, job_id, principal("anna", "editor"))


def test_over_http_others_see_how_it_stands_and_not_what_came_of_it(database):
    with database.write() as conn:
        people_service.make_person(conn, NewPerson("first", grants=(Grant("security"),)))
        keys = {
            name: key_service.make_key(conn, name, [Grant(role)], 1)[0]
            for name, role in (("anna", "planner"), ("bert", "planner"), ("ops", "system"))
        }
    with within(ANNA):
        job_id = service.enqueue(database, "tell", {})
    assert worker(database).run_one()
    with TestClient(create_app(database.settings)) as client:

        def ask(name: str, method: str = "GET") -> Response:
            return client.request(
                method, f"/jobs/{job_id}", headers={"Authorization": f"Bearer {keys[name]}"}
            )

        assert ask("anna").json()["result"]["role"] == "chengtu_see_internal"
        assert (ask("ops").json()["state"], ask("ops").json()["result"]) == ("done", None)
        assert (ask("bert").status_code, ask("bert", "DELETE").status_code) == (404, 404)


def test_what_went_wrong_is_told_in_words_to_who_asked_alone(database):
    def fails(_: JobContext) -> dict[str, object]:
        raise NotFound("toilets holds no feature with the code 'secret'.")

    with within(ANNA):
        job_id = service.enqueue(database, "tell", {})
    assert Worker(database, {"tell": fails}).run_one()
    job = service.get(database, job_id)
    assert "secret" in str(routes._told(job, principal("anna", "planner"))["error"])
    assert routes._told(job, principal("ops", "system"))["error"] == {"code": "not-found"}
