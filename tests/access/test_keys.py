"""API keys: roles in areas up to a clearance, an end, a last use; only hashes are kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.access import gate, key_service, principals
from app.access.keys import new_key
from app.access.principal import Grant
from app.errors import BadInput, KeyRequired, NotFound
from app.settings import Settings
from tests.access.entrance import Door, door, me


@pytest.fixture(scope="module")
def entrance(cluster_settings: Settings, town_template: str) -> Iterator[Door]:
    with pytest.MonkeyPatch.context() as patch, door(cluster_settings, town_template) as made:
        patch.setattr(gate, "TRUSTED_S", 0.0)
        yield made


def bearing(entrance: Door, *grants: Grant, **more):
    with entrance.database.write() as conn:
        key, made = key_service.make_key(conn, "feed", grants, 1, **more)
    program = entrance.browser()
    program.headers.update({"Authorization": f"Bearer {key}", "Accept": "application/json"})
    return program, key, made


def test_a_key_is_256_random_bits_and_not_kept(entrance):
    assert len({new_key() for _ in range(100)}) == 100
    assert len(new_key()) == len("ck_") + 43
    _, key, made = bearing(entrance, Grant("viewer"))
    stored = str(entrance.rows("SELECT to_jsonb(k)::text FROM city.access_keys k"))
    assert made.hint in stored
    assert key not in stored
    assert key[8:] not in stored


def test_it_is_its_roles_areas_and_clearance(entrance):
    program, _, _ = bearing(
        entrance, Grant("viewer", "990201"), Grant("editor", "990202"), level="restricted"
    )
    known = me(program).json()
    assert (known["kind"], known["name"], known["level"]) == ("key", "feed", "restricted")
    assert known["roles"] == ["editor", "viewer"]
    assert {one["area"] for one in known["grants"]} == {"990201", "990202"}
    assert known["csrf"] is None
    assert program.get("/collections/toilets/items?limit=1").status_code == 200
    assert program.get("/users").status_code == 403
    assert program.post("/coverage", json={}).status_code == 403
    guard, _, _ = bearing(entrance, Grant("security"))
    assert guard.get("/users").status_code == 200
    assert guard.get("/collections/toilets/items?limit=1").status_code == 403


def test_it_ends_by_time_and_by_revocation(entrance):
    program, _, made = bearing(entrance, Grant("viewer"))
    assert me(program).status_code == 200
    entrance.sql(f"UPDATE city.access_keys SET expires_at = now() WHERE id = {made.id}")
    assert "expired" in me(program).json()["detail"]
    entrance.sql(f"UPDATE city.access_keys SET expires_at = now() + interval '1 h' WHERE id = {made.id}")
    with entrance.database.write() as conn:
        key_service.revoke(conn, made.id)
    assert "revoked" in me(program).json()["detail"]
    assert me(program).status_code == 401


def test_its_last_use_is_noted_once_a_minute(entrance, monkeypatch):
    program, key, made = bearing(entrance, Grant("viewer"))
    asked = f"SELECT last_used_at, xmin::text FROM city.access_keys WHERE id = {made.id}"
    me(program)
    (first,) = entrance.rows(asked)
    assert first.last_used_at is not None
    me(program)
    assert entrance.rows(asked) == [first]
    # another process knows of no use yet, and the database holds it back
    uses = principals.Uses()
    with entrance.database.read() as conn:
        bearer = principals.by_key(conn, key)
    uses.note(entrance.database, b"x", key, bearer)
    entrance.sql(
        f"UPDATE city.access_keys SET last_used_at = now() - interval '2 minutes' WHERE id = {made.id}"
    )
    uses.note(entrance.database, b"x", key, bearer)
    ((old, _),) = entrance.rows(asked)
    monkeypatch.setattr(principals, "NOTED_S", 0.0)
    uses.note(entrance.database, b"x", key, bearer)
    ((new, _),) = entrance.rows(asked)
    assert new > old


@pytest.mark.parametrize(
    "sent", ["ck_", "ck_x", "ck_" + "x" * 43, "ck_" + "x" * 500, "Bearer", "x", "ck_\u00e9"]
)
def test_what_is_no_key_is_refused(entrance, sent):
    program = entrance.browser()
    program.headers.update({"Authorization": f"Bearer {sent}".encode(), "Accept": "application/json"})
    assert me(program).status_code == 401


def test_what_is_made_is_checked(entrance):
    with entrance.database.write() as conn:
        for hours in (0, -1, 24 * 366 + 1, float("nan")):
            with pytest.raises(BadInput):
                key_service.make_key(conn, "feed", [Grant("viewer")], hours)
        with pytest.raises(BadInput, match="Nobody may be both"):
            key_service.make_key(conn, "feed", [Grant("viewer"), Grant("system")], 1)
        with pytest.raises(NotFound):
            key_service.make_key(conn, "feed", [Grant("viewer", "nowhere")], 1)
        with pytest.raises(KeyRequired):
            key_service.get_holding(conn, "cs_" + "x" * 43)
