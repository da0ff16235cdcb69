"""People, parties, grants and keys on record: what excludes what, and who may read it at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from app.access import key_service, people_service, people_store
from app.access.people import PARTY_KINDS
from app.access.people_service import NewPerson
from app.access.principal import ALONE, ROLES, Grant
from app.access.principals import by_key
from app.database.engine import Connection, Database
from app.database.roles import EDIT, ENGINE, SEE, SEE_ALL
from app.database.server import admin_parameters
from app.errors import BadInput, Conflict, NotFound
from app.settings import Settings
from tests.commandline import chengtu

PRIVATE = ("parties", "people", "grants", "access_keys", "sessions", "login_states", "login_failures")


def make(conn: Connection, name: str, *roles: str) -> Any:
    return people_service.make_person(conn, NewPerson(name, tuple(Grant(role) for role in roles)))  # type: ignore[arg-type]


def test_a_person_is_known_by_name_whatever_the_case(conn):
    made = make(conn, "LiSi", "viewer")
    assert people_service.get_named(conn, "lisi") == made
    with pytest.raises(Conflict):
        make(conn, "LISI")
    with pytest.raises(NotFound, match="Did you mean LiSi"):
        people_service.get_named(conn, "LiSu")


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "a\u202eb", "a\x00b", "a\u200bb"])
def test_a_name_can_be_seen(conn, name):
    with pytest.raises(BadInput):
        make(conn, name)


@pytest.mark.parametrize("alone", sorted(ALONE))
@pytest.mark.parametrize("other", sorted(ROLES))
def test_administrators_hold_no_other_role(conn, alone, other):
    if other == alone:
        return
    with pytest.raises(BadInput, match="Nobody may be both"):
        make(conn, "one", alone, other)
    person = make(conn, "two", other)
    with pytest.raises(BadInput, match="Nobody may be both"):
        people_service.grant(conn, person, alone, None)
    # the database refuses it too, whoever writes
    with pytest.raises(Exception, match="Nobody may be both"), conn.begin_nested():
        people_store.add_grants(conn, person.id, [Grant(alone)], "test")


def test_of_two_exclusive_grants_at_the_same_time_one_is_refused(database: Database):
    with database.write() as conn:
        person = make(conn, "racer")
    ready, outcomes = threading.Barrier(2), []

    def add(role: Any) -> None:
        try:
            with database.write() as conn:
                ready.wait()
                people_store.add_grants(conn, person.id, [Grant(role)], "test")
            outcomes.append("granted")
        except Conflict:
            outcomes.append("refused")

    threads = [threading.Thread(target=add, args=(role,)) for role in ("system", "security")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["granted", "refused"]


def test_an_administrators_area_is_the_city(conn):
    for role in ALONE:
        with pytest.raises(BadInput, match="whole city"):
            people_service.make_person(conn, NewPerson("one", (Grant(role, "990201"),)))


def test_what_is_granted_is_there(conn):
    with pytest.raises(NotFound, match="area"):
        people_service.make_person(conn, NewPerson("one", (Grant("viewer", "no such area"),)))
    with pytest.raises(NotFound, match="role"):
        make(conn, "one", "emperor")
    with pytest.raises(NotFound, match="party"):
        people_service.make_person(conn, NewPerson("one", party="nobody"))
    with pytest.raises(NotFound, match="kind of party"):
        people_service.make_party(conn, "x", "circus")
    with pytest.raises(NotFound, match="holds no such grant"):
        people_service.revoke(conn, make(conn, "one", "viewer"), "editor", None)


def test_the_last_who_grants_stays(conn):
    first = make(conn, "first", "security")
    with pytest.raises(Conflict, match="last security administrator"):
        people_service.revoke(conn, first, "security", None)
    with pytest.raises(Conflict, match="last security administrator"):
        people_service.set_disabled(conn, first, disabled=True)
    make(conn, "second", "security")
    assert people_service.set_disabled(conn, first, disabled=True).disabled_at is not None


@pytest.mark.parametrize("kind", PARTY_KINDS)
def test_a_party_stands_in_the_scope_of_a_contractor_alone(conn, kind):
    people_service.make_party(conn, "市政公司", kind)
    key, _ = key_service.make_key(conn, "k", [Grant("editor")], 1, party="市政公司")
    principal = by_key(conn, key)
    assert (principal.party, principal.party_kind) == ("市政公司", kind)
    assert principal.scope.party == ("市政公司" if kind == "contractor" else None)


def test_no_role_of_a_request_reads_what_lets_people_in(settings: Settings):
    with psycopg.connect(**admin_parameters(settings)) as connection:
        for role in (*SEE, *SEE_ALL, *EDIT, ENGINE):
            for table in PRIVATE:
                connection.execute(SQL("SET LOCAL ROLE {}").format(Identifier(role)))
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(SQL("SELECT FROM city.{}").format(Identifier(table)))
                connection.rollback()


def run_json(environment: Mapping[str, str], *words: str) -> Any:
    done = chengtu(environment, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_commands(environment, database):
    made = run_json(environment, "user", "new", "wang", "--role", "security", "--one-time")
    assert len(made["one_time_password"]) > 20
    assert (made["password"], made["grants"]) == ("one-time", [{"role": "security", "area": None}])
    run_json(environment, "party", "new", "测评公司", "--kind", "assessor")
    assert [one["name"] for one in run_json(environment, "party", "list")["parties"]] == ["测评公司"]
    other = run_json(
        environment, "user", "new", "li", "--role", "viewer", "--role", "assessor", "--restricted",
        "--party", "测评公司", "--oidc", "https://login.example.org", "sub-1",
    )  # fmt: skip
    assert (other["level"], other["party_kind"], other["one_time_password"]) == (
        "restricted",
        "assessor",
        None,
    )
    assert run_json(environment, "user", "grant", "li", "planner")["grants"][-1]["role"] == "planner"
    assert len(run_json(environment, "user", "revoke", "li", "viewer")["grants"]) == 2
    assert run_json(environment, "user", "level", "li", "public")["level"] == "public"
    assert run_json(environment, "user", "disable", "li")["disabled_at"]
    assert [one["name"] for one in run_json(environment, "user", "list")["people"]] == ["wang", "li"]
    refused = chengtu(environment, "user", "grant", "wang", "editor")
    assert (refused.returncode, "Nobody may be both" in refused.stderr) == (2, True)
    key = run_json(
        environment, "key", "new", "--name", "feed", "--role", "viewer", "--days", "3", "--level", "public"
    )
    assert key["key"].startswith("ck_")
    assert (key["level"], key["scopes"], key["last_used_at"]) == ("public", ["viewer"], None)
    assert run_json(environment, "key", "revoke", str(key["id"]))["state"] == "revoked"
    with database.read() as conn:
        stored = conn.exec_driver_sql("SELECT to_jsonb(p)::text FROM city.people p").scalars().all()
    assert made["one_time_password"] not in "".join(stored)
