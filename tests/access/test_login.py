"""Getting in by password: sessions and their ends, equal cost for unknown names, waiting after failures."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from starlette.requests import Request

from app.access import gate, login_service, passwords
from app.access.forms import next_path
from app.access.peer import network_of, peer_address
from app.errors import BadInput
from app.settings import Settings
from tests.access.entrance import PASSWORD, Door, door, log_in, me, token_of

#: As it is outside of tests.
OURS = passwords._HASHER


@pytest.fixture
def entrance(cluster_settings: Settings, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    monkeypatch.setattr(gate, "TRUSTED_S", 0.0)
    with door(cluster_settings, template) as made:
        yield made


@pytest.fixture
def hashes(entrance: Door, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each password that is compared, whatever with; the comparison itself is as it is."""
    seen: list[str] = []

    class Counted(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002 - its name
            seen.append(str(password))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_HASHER", Counted(time_cost=1, memory_cost=1024, parallelism=1))
    return seen


def test_without_a_login_a_browser_is_sent_to_the_page_and_a_program_is_refused(entrance):
    browser = entrance.browser()
    reply = browser.get("/collections?lang=en")
    assert (reply.status_code, reply.headers["location"]) == (303, "/login?next=%2Fcollections%3Flang%3Den")
    assert browser.get("/collections", headers={"Accept": "application/json"}).status_code == 401
    page = browser.get(reply.headers["location"])
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert 'value="/collections?lang=en"' in page.text


def test_a_login_begins_a_session_of_which_the_server_keeps_the_hash(entrance):
    browser = entrance.browser()
    reply = log_in(browser, "LI", next="/collections?f=json")
    assert (reply.status_code, reply.headers["location"]) == (303, "/collections?f=json")
    cookie = reply.headers["set-cookie"].lower()
    assert cookie.startswith("chengtu=cs_")
    for part in ("httponly", "samesite=lax", "path=/", "max-age=604800"):
        assert part in cookie, part
    assert browser.get("/collections", headers={"Accept": "application/json"}).status_code == 200
    known = me(browser).json()
    assert (known["name"], known["roles"], known["level"], known["kind"]) == (
        "li",
        ["viewer"],
        "internal",
        "user",
    )
    token = browser.cookies["chengtu"]
    stored = str(entrance.rows("SELECT to_jsonb(s)::text FROM city.sessions s"))
    assert "sha256" in stored
    assert token not in stored
    assert token[3:] not in stored


def test_by_https_the_cookie_is_one_that_https_alone_can_set(entrance):
    browser = entrance.browser("https")
    cookie = log_in(browser, "li").headers["set-cookie"]
    assert cookie.startswith("__Host-chengtu=")
    for part in ("secure", "httponly", "path=/"):
        assert part in cookie.lower()
    assert "domain" not in cookie.lower()
    assert me(browser).status_code == 200
    other = entrance.browser("https")
    other.cookies.set("chengtu", browser.cookies["__Host-chengtu"])
    assert me(other).status_code == 401


@pytest.mark.parametrize(
    "asked",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\/evil.example", "/a\nb", "javascript:alert(1)",
     "", "/login?next=/x", "/logout", "x", "/a b", "/" + "a" * 2000],
)  # fmt: skip
def test_after_a_login_one_stays_on_this_server(asked):
    assert next_path(asked) == "/"
    assert next_path("/map?f=html#3/1/2") == "/map?f=html#3/1/2"


def test_what_is_wrong_is_not_told(entrance):
    entrance.person("off")
    entrance.sql("UPDATE city.people SET disabled_at = now() WHERE name = 'off'")
    entrance.person("provider", password=None, oidc=("https://login.example.org", "s"))
    told = set()
    for name, password in (("li", "wrong"), ("nobody", "wrong"), ("off", PASSWORD), ("provider", ""), ("", ""),
                           ("a\x00b", "x"), ("li", PASSWORD.upper())):  # fmt: skip
        reply = log_in(entrance.browser(), name, password)
        assert reply.status_code == 401
        assert "set-cookie" not in reply.headers
        told.add(reply.text.replace(f'value="{name}"', 'value=""'))
    assert len(told) == 1


def test_an_unknown_name_costs_as_much_as_a_known_one(entrance, hashes):
    costs = []
    for name in ("li", "nobody", "off"):
        log_in(entrance.browser(), name, "wrong")
        costs.append(len(hashes))
        hashes.clear()
    assert costs == [1, 1, 1]


def fail(entrance: Door, times: int, name: str = "li", host: str = "192.0.2.1") -> list[int]:
    return [log_in(entrance.browser(host=host), name, "wrong").status_code for _ in range(times)]


@pytest.mark.parametrize("name", ["li", "nobody"])
def test_after_ten_failures_one_waits_longer_each_time(entrance, hashes, name):
    assert fail(entrance, 10, name) == [401] * 10
    waits = []
    for _ in range(7):
        reply = log_in(entrance.browser(), name, PASSWORD)
        assert reply.status_code == 429
        waits.append(int(reply.headers["retry-after"]))
        entrance.sql("UPDATE city.login_failures SET until = now()")
        assert fail(entrance, 1, name) == [401]
    assert waits == [30, 60, 120, 240, 480, 900, 900]
    assert len(hashes) == 17


HEADERS = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP")


def test_no_other_address_and_no_header_shortens_the_wait_for_a_name(entrance):
    fail(entrance, 10)
    assert log_in(entrance.browser(host="198.51.100.7"), "li").status_code == 429
    for header in HEADERS:
        form = {"name": "li", "password": PASSWORD}
        reply = entrance.browser().post("/login", data=form, headers={header: "203.0.113.9"})
        assert reply.status_code == 429, header
    # another name is not kept waiting, neither from another address nor from the guesser's own: it may be an office's
    assert log_in(entrance.browser(host="198.51.100.8"), "zhou").status_code == 303
    assert log_in(entrance.browser(), "zhou").status_code == 303


def test_the_typos_of_an_office_keep_no_colleague_out(entrance, hashes):
    names = [f"colleague{number}" for number in range(25)]
    for name in names:
        assert fail(entrance, 4, name) == [401] * 4
    assert log_in(entrance.browser(), "li").status_code == 303
    assert len(hashes) == 101
    # what an office fails is given back by time alone: nothing adds up from day to day
    ((left,),) = entrance.rows(
        "SELECT extract(epoch FROM max(until) - now())::float FROM city.login_failures"
    )
    assert 99 * 60 < left <= 100 * 60


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if twenty were what no office fails: three hundred logins would be half a minute of these tests."""
    monkeypatch.setattr(login_service, "PLACE_MOST", 20)


@pytest.mark.usefixtures("small")
def test_who_tries_one_password_with_many_names_waits_and_who_was_let_in_there_does_not(entrance, hashes):
    assert log_in(entrance.browser(), "li").status_code == 303
    assert [fail(entrance, 1, f"name{number}") for number in range(20)] == [[401]] * 20
    hashes.clear()
    for number in range(20, 30):
        reply = log_in(entrance.browser(), f"name{number}", "wrong")
        assert reply.status_code == 429
        assert 0 < int(reply.headers["retry-after"]) <= 60
    for header in HEADERS:
        form = {"name": "name31", "password": "wrong"}
        reply = entrance.browser().post("/login", data=form, headers={header: "203.0.113.9"})
        assert reply.status_code == 429, header
    # whether a name is on record is not told: one that is waits as one that is not
    assert log_in(entrance.browser(), "zhou").status_code == 429
    assert hashes == []
    assert log_in(entrance.browser(), "li").status_code == 303
    assert log_in(entrance.browser(host="198.51.100.7"), "zhou").status_code == 303
    # a minute later one more, not all of them again
    entrance.sql("UPDATE city.login_failures SET until = until - interval '1 minute'")
    assert [fail(entrance, 1, f"later{number}") for number in range(2)] == [[401], [429]]
    # after an hour nobody is known any more
    entrance.sql("UPDATE city.login_failures SET last_at = now() - interval '61 minutes'")
    assert log_in(entrance.browser(), "li").status_code == 429


def test_strangers_cannot_shut_out_who_was_let_in_and_a_known_address_is_no_licence_to_guess(
    entrance, hashes
):
    browser = entrance.browser()
    assert log_in(browser, "li").status_code == 303
    assert fail(entrance, 11, host="198.51.100.7") == [401] * 10 + [429]
    assert log_in(entrance.browser(host="203.0.113.5"), "li").status_code == 429
    assert log_in(browser, "li").status_code == 303
    # where the person was let in the name waits from its tenth failure as everywhere
    hashes.clear()
    assert fail(entrance, 12) == [401] * 10 + [429] * 2
    assert len(hashes) == 10
    assert log_in(entrance.browser(), "li").status_code == 429
    # and for everybody else these counted, too
    assert log_in(entrance.browser(host="203.0.113.5"), "li").status_code == 429


@pytest.mark.usefixtures("small")
def test_ones_own_successes_give_back_no_more_than_ones_own_failures(entrance):
    assert [fail(entrance, 1, f"name{number}") for number in range(15)] == [[401]] * 15
    for _ in range(2):
        fail(entrance, 3, "zhou")
        assert log_in(entrance.browser(), "zhou").status_code == 303
    # from elsewhere: nothing is given back for failures that this address was not charged for
    fail(entrance, 4, "li", host="198.51.100.7")
    assert log_in(entrance.browser(), "li").status_code == 303
    assert [fail(entrance, 1, f"more{number}") for number in range(6)] == [[401]] * 5 + [[429]]


def test_who_guesses_the_old_password_in_a_session_waits_wherever_they_are(entrance, hashes):
    browser = entrance.browser()
    log_in(browser, "li")
    token, new = token_of(browser), "ein anderer Morgen, 5 Worte"
    fail(entrance, 10, host="198.51.100.7")

    def change(browser: TestClient, old: str) -> int:
        form = {"csrf": token, "old": old, "new": new, "again": new}
        return int(browser.post("/me/password", data=form).status_code)

    thief = entrance.browser(host="203.0.113.5")
    thief.cookies.set("chengtu", browser.cookies["chengtu"])
    hashes.clear()
    assert [change(thief, "wrong") for _ in range(11)] == [401] * 10 + [429]
    assert change(browser, PASSWORD) == 429
    assert len(hashes) == 10
    entrance.sql("UPDATE city.login_failures SET until = now()")
    # that strangers failed under the name is nothing to whoever is in
    assert change(browser, PASSWORD) == 303


def test_a_name_that_the_database_takes_for_another_waits_with_it(entrance):
    other = "l\u0130"  # lower() makes an i of it, Python's casefold() two characters
    assert log_in(entrance.browser(), other).status_code == 303
    fail(entrance, 10, other)
    assert log_in(entrance.browser(host="198.51.100.7"), "li").status_code == 429


def test_of_many_tries_at_once_ten_are_looked_at(entrance, hashes):
    ready = threading.Barrier(20)

    def one(_: int) -> int:
        browser = entrance.browser()
        ready.wait()
        return int(log_in(browser, "li", "wrong").status_code)

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(one, range(20)))
    assert (found.count(401), found.count(429)) == (10, 10)
    assert len(hashes) == 10


def test_a_success_forgives_ones_own_mistakes_and_nobody_elses(entrance):
    fail(entrance, 5, "zhou")
    fail(entrance, 4)
    assert log_in(entrance.browser(), "li").status_code == 303
    assert fail(entrance, 5, "zhou") == [401] * 5
    assert fail(entrance, 11) == [401] * 10 + [429]
    assert fail(entrance, 1, "zhou") == [429]
    entrance.sql("UPDATE city.login_failures SET last_at = now() - interval '25 hours', until = NULL")
    assert fail(entrance, 11, "zhou") == [401] * 10 + [429]
    assert log_in(entrance.browser(), "li").status_code == 303
    old = entrance.rows("SELECT FROM city.login_failures WHERE last_at < now() - interval '1 day'")
    assert old == []


@pytest.mark.parametrize(
    ("peer", "said", "trusted", "found"),
    [
        ("192.0.2.1", "203.0.113.9", (), "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", ("10.0.0.0/8",), "192.0.2.1"),
        ("10.0.0.2", "203.0.113.9", ("10.0.0.0/8",), "203.0.113.9"),
        ("10.0.0.2", "1.1.1.1, 203.0.113.9", ("10.0.0.0/8",), "203.0.113.9"),
        ("10.0.0.2", "203.0.113.9, 10.0.0.3", ("10.0.0.0/8",), "203.0.113.9"),
        ("10.0.0.2", "nonsense", ("10.0.0.0/8",), "10.0.0.2"),
        ("10.0.0.2", "203.0.113.9, ", ("10.0.0.0/8",), "10.0.0.2"),
        ("10.0.0.2", "", ("10.0.0.0/8",), "10.0.0.2"),
        ("10.0.0.2", "[2001:db8::1]:443", ("10.0.0.2",), "2001:db8::1"),
        ("::ffff:10.0.0.2", "203.0.113.9:5000", ("10.0.0.0/8",), "203.0.113.9"),
    ],
)
def test_only_a_trusted_proxy_says_who_asks(peer, said, trusted, found):
    headers = [(b"x-forwarded-for", said.encode())] if said else []
    request = Request({"type": "http", "client": (peer, 1), "headers": headers})
    assert peer_address(request, Settings(trusted_proxies=trusted)) == found


def test_an_ipv6_customer_is_one_address():
    assert (
        network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9") != network_of("2001:db8:1:3::1")
    )
    assert network_of("192.0.2.1") == "192.0.2.1"


def test_sessions_end(entrance):
    browser = entrance.browser()
    ended = [
        lambda: entrance.sql("UPDATE city.sessions SET seen_at = now() - interval '12 hours 1 minute'"),
        lambda: entrance.sql("UPDATE city.sessions SET expires_at = now()"),
        lambda: entrance.sql("UPDATE city.people SET disabled_at = now() WHERE name = 'li'"),
        lambda: browser.post("/logout", data={"csrf": token_of(browser)}),
    ]
    for end in ended:
        entrance.sql("UPDATE city.people SET disabled_at = NULL")
        assert log_in(browser, "li").status_code == 303
        token = browser.cookies["chengtu"]
        assert me(browser).status_code == 200
        end()
        other = entrance.browser()
        other.cookies.set("chengtu", token)
        assert me(other).status_code == 401


def test_a_session_in_use_goes_on(entrance):
    browser = entrance.browser()
    log_in(browser, "li")
    entrance.sql("UPDATE city.sessions SET seen_at = now() - interval '11 hours'")
    assert me(browser).status_code == 200
    assert entrance.rows("SELECT FROM city.sessions WHERE seen_at > now() - interval '1 minute'")


def test_a_login_makes_a_new_token_and_ends_the_one_before(entrance):
    browser = entrance.browser()
    log_in(browser, "li")
    before = browser.cookies["chengtu"]
    log_in(browser, "li")
    assert browser.cookies["chengtu"] != before
    assert len(entrance.rows("SELECT FROM city.sessions")) == 1
    planted = entrance.browser()
    planted.cookies.set("chengtu", "cs_planted-by-somebody-else")
    log_in(planted, "li")
    assert "cs_planted-by-somebody-else" not in [
        cookie.value for cookie in planted.cookies.jar if cookie.domain != ""
    ]


def test_what_is_granted_counts_for_sessions_that_are_there(entrance):
    browser = entrance.browser()
    log_in(browser, "li")
    entrance.sql("UPDATE city.grants SET role = 'editor' WHERE role = 'viewer'")
    assert me(browser).json()["roles"] == ["editor"]


def test_another_password_ends_all_other_sessions(entrance):
    browser, phone = entrance.browser(), entrance.browser()
    log_in(browser, "li")
    log_in(phone, "li")
    new = "ein anderer Morgen, 5 Worte"

    def change(old: str, new: str, again: str) -> int:
        form = {"csrf": token_of(browser), "old": old, "new": new, "again": again}
        return int(browser.post("/me/password", data=form).status_code)

    assert change("wrong", new, new) == 401
    assert change(PASSWORD, new, new + "x") == 400
    assert change(PASSWORD, "short", "short") == 400
    assert change(PASSWORD, PASSWORD, PASSWORD) == 400
    assert me(phone).status_code == 200
    stolen = entrance.browser()
    stolen.cookies.set("chengtu", browser.cookies["chengtu"])
    assert me(stolen).status_code == 200
    assert change(PASSWORD, new, new) == 303
    assert me(stolen).status_code == 401
    assert (me(browser).status_code, me(phone).status_code) == (200, 401)
    assert log_in(entrance.browser(), "li").status_code == 401
    assert log_in(entrance.browser(), "li", new).status_code == 303


def test_a_one_time_password_opens_nothing_but_its_change(entrance):
    entrance.person("new", "viewer", once=True)
    browser = entrance.browser()
    assert log_in(browser, "new").headers["location"] == "/me"
    assert me(browser).json()["change_password"] is True
    assert me(browser).json()["roles"] == []
    assert browser.get("/collections", headers={"Accept": "application/json"}).status_code == 403
    new = "nun mein eigenes, langes"
    form = {"csrf": token_of(browser), "old": PASSWORD, "new": new, "again": new}
    assert browser.post("/me/password", data=form).status_code == 303
    assert browser.get("/collections", headers={"Accept": "application/json"}).status_code == 200


def test_a_hash_of_older_parameters_is_renewed_by_a_login(entrance, monkeypatch):
    monkeypatch.setattr(passwords, "_HASHER", OURS)
    old = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
    entrance.sql(f"UPDATE city.people SET password_hash = '{old}' WHERE name = 'li'")
    assert log_in(entrance.browser(), "li").status_code == 303
    ((now,),) = entrance.rows("SELECT password_hash FROM city.people WHERE name = 'li'")
    assert now.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert log_in(entrance.browser(), "li").status_code == 303


@pytest.mark.parametrize(
    "password",
    ["short", "password1234", "admin123456789", "qwertyuiop12", "aaaaaaaaaaaa", "abcabcabcabcabc", "139123456789",
     "iloveyou12345", "zhangsan2026!!", "ZhangSan ZhangSan", "1qaz2wsx3edc", "x" * 201],
)  # fmt: skip
def test_passwords_that_are_tried_first_are_not_taken(password):
    with pytest.raises(BadInput):
        passwords.check_password(password, "zhangsan")
    passwords.check_password("vier Worte am Morgen", "zhangsan")
    passwords.check_password(passwords.make_password(), "zhangsan")


def test_the_login_page_says_how_to_begin_where_nobody_is_named(cluster_settings, template):
    with door(cluster_settings, template) as made:
        made.sql("DELETE FROM city.grants")
        made.sql("DELETE FROM city.people")
        assert "chengtu user new" in made.browser().get("/login").text


def test_waiting_is_the_same_for_all_processes():
    # what the lock-out counts stands in the database, not in a module
    assert not [
        name
        for name, value in vars(login_service).items()
        if isinstance(value, dict | list) and name[0] != "_"
    ]
