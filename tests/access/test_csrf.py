"""What changes something needs a session's own page: a token beside the cookie, from no other site."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.access import gate
from app.access.permissions import ROUTES
from app.settings import Settings
from tests.access.entrance import Door, door, log_in, me, token_of

#: Where a session, or a phone's key, only begins: other sites are refused there by who sends.
BEGINNINGS = {"POST /login", "POST /field/start"}
#: Every unsafe route that a session can reach.
UNSAFE = sorted(
    line for line in ROUTES if line.split(" ")[0] not in {"GET", "OPTIONS"} and line not in BEGINNINGS
)


@pytest.fixture(scope="module")
def entrance(cluster_settings: Settings, template: str) -> Iterator[Door]:
    with pytest.MonkeyPatch.context() as patch, door(cluster_settings, template) as made:
        patch.setattr(gate, "TRUSTED_S", 0.0)
        for role in ("editor", "planner", "assessor", "field"):
            made.sql(
                "INSERT INTO city.grants (person_id, role, made_by) "
                f"SELECT id, '{role}', 'test' FROM city.people WHERE name = 'li'"
            )
        yield made


def test_the_list_of_unsafe_routes_is_not_empty():
    assert len(UNSAFE) > 15


@pytest.mark.parametrize("line", UNSAFE)
def test_no_unsafe_route_takes_a_cookie_without_the_sessions_token(entrance, line):
    method, _, path = line.partition(" ")
    for part in ("{item}", "{person}", "{key}"):
        path = path.replace(part, "1")
    path = path.replace("{collection}", "toilets").replace(
        "{import_id}", "00000000-0000-0000-0000-000000000000"
    )
    path = path.replace("{job}", "1").replace("{policy}", "x")
    for name in ("li", "zhou"):
        browser = entrance.browser()
        log_in(browser, name)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for headers in ({}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": ""}, form):
            reply = browser.request(
                method, path, headers={"Accept": "application/json", **headers}, content="csrf=" + "0" * 64
            )
            assert reply.status_code == 403, (name, headers, reply.text)
        assert entrance.rows("SELECT FROM city.sessions")


def test_with_the_token_it_is_taken_as_header_and_as_field(entrance):
    browser = entrance.browser()
    log_in(browser, "zhou")
    token = token_of(browser)
    assert token == me(browser).json()["csrf"]
    assert browser.post("/users/parties", data={"name": "one", "csrf": token}).status_code == 303
    assert (
        browser.post("/users/parties", data={"name": "two"}, headers={"X-CSRF-Token": token}).status_code
        == 303
    )
    assert [row.name for row in entrance.rows("SELECT name FROM city.parties ORDER BY 1")] == ["one", "two"]


def test_the_token_of_another_session_is_not(entrance):
    browser, other = entrance.browser(), entrance.browser()
    log_in(browser, "zhou")
    log_in(other, "zhou")
    form = {"name": "three", "csrf": token_of(other)}
    assert browser.post("/users/parties", data=form).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
    ids=["cross-site", "same-site", "origin", "null"],
)
def test_no_other_site_sends_anything_not_even_a_login(entrance, headers):
    browser = entrance.browser()
    reply = browser.post("/login", data={"name": "zhou", "password": "x"}, headers=headers)
    assert reply.status_code == 400
    log_in(browser, "zhou")
    form = {"name": "four", "csrf": token_of(browser)}
    assert browser.post("/users/parties", data=form, headers=headers).status_code == 400


def test_a_key_needs_no_token_and_a_wrong_one_is_not_helped_by_a_cookie(entrance):
    browser = entrance.browser()
    log_in(browser, "zhou")
    form = {"name": "feed", "role": "security", "csrf": token_of(browser)}
    made = browser.post("/users/keys", data=form, headers={"Accept": "application/json"})
    assert made.status_code == 201
    program = entrance.browser()
    program.headers["Authorization"] = f"Bearer {made.json()['key']}"
    assert program.post("/users/parties", data={"name": "five"}).status_code == 303
    browser.headers["Authorization"] = "Bearer ck_wrong"
    assert browser.get("/users").status_code == 401
