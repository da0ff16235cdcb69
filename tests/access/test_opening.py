"""Open while nobody is named, and only to the machine itself; a server that others would reach refuses to start so."""

from __future__ import annotations

import threading

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from starlette.datastructures import Headers

from app.access import key_service, opening, people_service
from app.access.opening import Opening, check_start
from app.access.people_service import NewPerson
from app.access.principal import Grant
from app.database.own_login import check_own_login
from app.database.server import admin_parameters
from app.errors import SetupFailed
from app.main import create_app
from app.settings import Settings
from app.web import assets
from tests.commandline import chengtu

NEAR, FAR = ("127.0.0.1", 40000), ("192.0.2.77", 40000)
HERE = "http://127.0.0.1:8000"
JSON = {"Accept": "application/json"}
NOTICE = "no person is named yet"
#: A page of each kind: text, the portal, a map of one class, vector tiles, the phone, the API.
PAGES = (
    "/collections?f=html&lang=en", "/?f=html&lang=en", "/map/toilets?lang=en", "/overview?lang=en", "/field?lang=en",
    "/tiles/WebMercatorQuad?f=html&lang=en", "/docs?lang=en", "/nothing?f=html&lang=en",
)  # fmt: skip


def name_somebody(database) -> None:
    with database.write() as conn:
        people_service.make_person(conn, NewPerson("first", grants=(Grant("security"),)))


@pytest.mark.parametrize(
    ("taken", "peer", "header", "let_in"),
    [
        (None, "127.0.0.1", None, True),
        (None, "::1", None, True),
        (None, "::ffff:127.0.0.1", None, True),
        (None, "192.0.2.77", None, False),
        (None, "", None, False),
        (None, "testclient", None, False),
        # What a proxy on this machine passes on, somebody elsewhere asks.
        (None, "127.0.0.1", "x-forwarded-for", False),
        (None, "127.0.0.1", "forwarded", False),
        (None, "127.0.0.1", "x-real-ip", False),
        (None, "127.0.0.1", "via", False),
        (True, "192.0.2.77", "x-forwarded-for", True),
        (False, "127.0.0.1", None, False),
    ],
)
def test_who_is_let_in_while_nobody_is_named(taken, peer, header, let_in):
    headers = {"host": "127.0.0.1:8000"} | ({} if header is None else {header: "127.0.0.1"})
    assert Opening(Settings(open=taken)).lets(peer, Headers(headers)) is let_in


def by_names(*names: str, kind: str = "host", **more) -> bool:
    headers = Headers(raw=[(kind.encode(), name.encode()) for name in names])
    return Opening(Settings(open=None, **more)).lets("127.0.0.1", headers)


@pytest.mark.parametrize(
    "name",
    ["localhost", "localhost:8000", "LOCALHOST:8000", "localhost.:8000", "city.localhost", "127.0.0.1",
     "127.0.0.1:8000", "127.4.5.6:80", "[::1]", "[::1]:8000", "[0:0:0:0:0:0:0:1]:1",
     "[::ffff:127.0.0.1]", "127.0.0.1:"],
)  # fmt: skip
def test_by_its_own_names_it_is_open(name):
    assert by_names(name)
    assert by_names(name, kind=":authority")


@pytest.mark.parametrize(
    "name",
    ["rebound.example.org", "rebound.example.org:8000", "localhost.example.org", "127.0.0.1.example.org",
     "notlocalhost", "example.org.", "localhost@example.org", "example.org#localhost", "example.org/.localhost",
     "example.org\\.localhost:1:2", "127.0.0.1, example.org", "192.0.2.1", "10.0.0.1:8000", "0.0.0.0", "[::]",
     "[2001:db8::1]", "[::ffff:192.0.2.1]", "2130706433", "::1", "[localhost]", "[::1", "", ":8000", "测试.example"],
)  # fmt: skip
def test_by_the_name_of_another_site_it_is_closed(name):
    """A page of a site whose name was made to point at this machine (DNS rebinding) is let in nowhere."""
    assert not by_names(name)
    assert not by_names(name, kind=":authority")
    assert not by_names("localhost", name)
    assert not by_names(name, "localhost")


def test_by_no_name_it_is_closed():
    assert not by_names()


def test_by_the_configured_names_it_is_open():
    assert by_names("map.example.org:443", public_url="https://Map.example.org")
    assert by_names("10.0.0.5:8000", host="10.0.0.5")
    assert not by_names("other.example.org", host="10.0.0.5", public_url="https://map.example.org")
    risk = Opening(Settings(open=True))
    assert risk.lets("127.0.0.1", Headers({"host": "rebound.example.org"}))


def test_a_site_whose_name_points_here_neither_reads_nor_writes(database):
    app = create_app(database.settings.model_copy(update={"open": None}))
    site = "http://rebound.example.org:8000"
    own = {"Origin": site, "Sec-Fetch-Site": "same-origin"}
    with TestClient(app, client=NEAR, base_url=site, headers=JSON | own) as page:
        for method, path in (("GET", "/"), ("GET", "/collections"), ("POST", "/imports"), ("GET", "/users")):
            reply = page.request(method, path)
            assert (reply.status_code, reply.json()["code"]) == (401, "key-required"), path
            assert "its own address" in reply.json()["detail"]
            assert "http://127.0.0.1:" in reply.json()["hint"]
    with TestClient(app, client=NEAR, base_url=HERE, headers=JSON) as page:
        assert page.get("/users").status_code == 200
        assert page.get("/collections", headers={"Host": "rebound.example.org"}).status_code == 401


def test_an_open_server_answers_its_machine_alone(database):
    app = create_app(database.settings.model_copy(update={"open": None}))
    with TestClient(app, client=NEAR, base_url=HERE) as here:
        assert here.get("/collections", headers=JSON).status_code == 200
        assert here.get("/collections", headers=JSON | {"X-Forwarded-For": "192.0.2.1"}).status_code == 401
    with TestClient(app, client=FAR) as there:
        assert there.get("/collections", headers=JSON).status_code == 401
        for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Host"):
            assert there.get("/collections", headers=JSON | {name: "127.0.0.1"}).status_code == 401


def test_the_first_person_closes_a_running_server(database, monkeypatch):
    assert (opening.AGAIN_S, opening.SURE_S) == (2.5, 5.0)
    monkeypatch.setattr(opening, "AGAIN_S", 0.0)
    monkeypatch.setattr(opening, "SURE_S", 0.0)
    app = create_app(database.settings.model_copy(update={"open": None}))
    with TestClient(app, client=NEAR, base_url=HERE) as client:
        assert client.get("/collections", headers=JSON).status_code == 200
        name_somebody(database)
        reply = client.get("/collections", headers=JSON)
        assert (reply.status_code, reply.json()["code"]) == (401, "login-required")
        # Whoever named them may not open it again but by the machine's own commands.
        with database.write() as conn:
            conn.exec_driver_sql("UPDATE city.people SET disabled_at = now()")
        assert client.get("/collections", headers=JSON).status_code == 401


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_says_that_it_is_open(database, lang):
    assets.fetch()
    notice = {"zh": "尚未设用户", "en": NOTICE}[lang]
    app = create_app(database.settings.model_copy(update={"open": None}))
    with TestClient(app, client=NEAR, base_url=HERE) as client:
        for page in PAGES:
            reply = client.get(page.replace("lang=en", f"lang={lang}"), headers={"Accept": "text/html"})
            assert (reply.status_code, reply.text.count(notice)) == (404 if "nothing" in page else 200, 1), (
                page
            )


def test_no_page_says_so_once_somebody_is_named(database):
    assets.fetch()
    name_somebody(database)
    with database.write() as conn:
        key = opening_key(conn)
    with TestClient(create_app(database.settings), client=NEAR) as client:
        for page in PAGES:
            reply = client.get(page, headers={"Accept": "text/html", "Authorization": f"Bearer {key}"})
            assert reply.status_code in {200, 404}, page
            assert NOTICE not in reply.text, page


def opening_key(conn) -> str:
    return key_service.make_key(conn, "reader", [Grant("viewer")], 1)[0]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "map.example.org"])
def test_where_others_would_reach_it_a_server_refuses_to_start_open(database, host):
    settings = database.settings.model_copy(update={"host": host, "open": None})
    with pytest.raises(SetupFailed, match=r"chengtu user new NAME --role security.*chengtu serve --tls"):
        check_start(settings, database)
    assert check_start(settings.model_copy(update={"tls": True}), database) == [opening.OPEN_NOTICE]
    assert check_start(settings.model_copy(update={"open": True}), database) == [opening.RISK_NOTICE]
    assert check_start(settings.model_copy(update={"open": False}), database) == []
    name_somebody(database)
    assert check_start(settings, database) == [opening.CLEAR_NOTICE]
    assert check_start(settings.model_copy(update={"tls": True}), database) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_loopback_it_starts_and_says_that_it_is_open(database, host):
    settings = database.settings.model_copy(update={"host": host, "open": None})
    assert check_start(settings, database) == [opening.OPEN_NOTICE]
    name_somebody(database)
    assert check_start(settings, database) == []


def test_the_command_names_both_commands_and_ends(environment, database):
    done = chengtu({**environment, "CHENGTU_OPEN": ""}, "serve", "--host", "0.0.0.0", "--port", "18437")
    assert done.returncode == 2, done.stderr
    assert "chengtu user new" in done.stderr
    assert "chengtu serve --tls" in done.stderr


@pytest.mark.parametrize(
    ("right", "said"),
    [
        ("SUPERUSER", "administrator"), ("BYPASSRLS", "administrator"), ("CREATEROLE", "administrator"),
        ("IN ROLE chengtu_owner", "owner of the tables"), ("IN ROLE chengtu_ro", None),
    ],
)  # fmt: skip
def test_a_login_that_no_rule_binds_is_refused(database, right, said):
    parameters = admin_parameters(database.settings)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(**parameters))
    with engine.connect() as conn:
        conn.exec_driver_sql(f"CREATE ROLE test_opening_login {right}")
        conn.exec_driver_sql("SET LOCAL SESSION AUTHORIZATION test_opening_login")
        try:
            if said is None:
                check_own_login(conn)
            else:
                with pytest.raises(SetupFailed, match=said):
                    check_own_login(conn)
        finally:
            conn.rollback()
    engine.dispose()
    with database.read() as conn:
        check_own_login(conn)


def test_what_is_asked_beside_the_requests_ends_before_the_database_is_closed(database, monkeypatch):
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(conn) -> bool:
        began.set()
        go_on.wait(10)
        ended.set()
        return False

    app = create_app(database.settings.model_copy(update={"open": True}))
    with TestClient(app, client=NEAR) as client:
        assert client.get("/collections", headers=JSON).status_code == 200
        monkeypatch.setattr(opening, "AGAIN_S", 0.0)
        monkeypatch.setattr(opening, "anyone_configured", slow)
        assert client.get("/collections", headers=JSON).status_code == 200
        assert began.wait(10)
        threading.Timer(0.2, go_on.set).start()
    assert ended.is_set()
