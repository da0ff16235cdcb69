"""What one sees of a running server: one line of the log a request, an id everywhere, numbers, no secret anywhere."""

from __future__ import annotations

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from app.database.server import admin_parameters, login_parameters
from tests.clones import clone, login_file, opened
from tests.house.running import Server, serving, wait

CANARY = "canary7Zq"
PASSWORD = f"{CANARY}-of-the-database"


@pytest.fixture(scope="module")
def settings(cluster_settings, template):
    with clone(cluster_settings, template) as cloned:
        login_file(cloned).unlink()  # that of all copies is no secret
        with opened(cloned):
            yield cloned


@pytest.fixture(scope="module")
def address(settings):
    """The DATABASE_URL of an administrator whose password is known by sight."""
    given = admin_parameters(settings)
    name = f"seen_{given['dbname']}"
    role, place = Identifier(name), urlencode({"host": given["host"], "port": given["port"]})
    with psycopg.connect(**given, autocommit=True) as admin:
        admin.execute(SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}").format(role, PASSWORD))
        yield f"postgresql://{name}:{PASSWORD}@/{given['dbname']}?{place}"
        admin.execute(SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(role))


@pytest.fixture(scope="module")
def server(settings, address, tmp_path_factory):
    environment = {
        **os.environ, "CHENGTU_HOME": str(settings.home_path), "DATABASE_URL": address,
        "CHENGTU_OPEN": "", "CHENGTU_TRUSTED_PROXIES": "127.0.0.1", "PYTHONPATH": str(Path.cwd()),
    }  # fmt: skip
    with serving(environment, tmp_path_factory.mktemp("serve")) as running:
        yield running


def _line(server: Server, request_id: str) -> dict[str, object]:
    def found() -> list[dict[str, object]]:
        return [
            line
            for line in server.lines()
            if line.get("request") == request_id and line["message"] == "request"
        ]

    wait(found, 20)
    (line,) = found()
    return line


def test_a_request_is_one_line_with_its_id(server):
    status, headers, _ = server.ask("/collections/toilets/items?limit=3")
    line = _line(server, headers["x-request-id"])
    assert status == 200
    assert line | {"time": "", "ms": 0, "bytes": 0} == {
        "time": "", "level": "info", "process": "web", "logger": "chengtu.request", "message": "request",
        "request": headers["x-request-id"], "method": "GET", "route": "/collections/{collection}/items",
        "status": 200, "ms": 0, "bytes": 0, "who": "open",
    }  # fmt: skip
    assert line["bytes"] > 0


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        (
            {"X_Forwarded_For": "192.0.2.1, 203.0.113.7", "Authorization": "Bearer ck_wrong"},
            401,
            "203.0.113.7",
        ),
        ({"Authorization": "Bearer ck_wrong"}, 401, "127.0.0.1"),
        ({}, 404, None),
    ],
    ids=["by the proxy", "by itself", "no refusal"],
)
def test_the_line_of_a_refusal_says_from_where_it_was_asked(server, asked, status, told):
    found, headers, _ = server.ask("/collections/nothing/items", **asked)
    assert (found, _line(server, headers["x-request-id"]).get("from")) == (status, told)


def test_a_problem_bears_the_id_and_its_line_is_a_warning(server):
    status, headers, text = server.ask("/collections/nothing/items", Accept="application/json")
    assert (status, headers["x-request-id"] in text) == (404, True)
    assert _line(server, headers["x-request-id"])["level"] == "warning"


def test_what_is_asked_all_the_time_is_not_told(server):
    ids = [server.ask(path)[1]["x-request-id"] for path in ("/health", "/ready", "/metrics")]
    _line(server, server.ask("/conformance")[1]["x-request-id"])
    assert not {line.get("request") for line in server.lines()} & set(ids)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("proxy-1.a_B", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("a';--", False),
        ("", False),
    ],
)
def test_the_id_of_a_trusted_proxy_is_taken_over_where_it_is_one(server, given, taken):
    _, headers, _ = server.ask("/conformance", X_Request_Id=given)
    assert (headers["x-request-id"] == given) == taken


def test_the_database_knows_the_request(server, settings):
    """While a request is held up by a lock, its id stands in the database's own list."""
    with psycopg.connect(**admin_parameters(settings)) as held:
        held.execute("LOCK TABLE city.imports IN ACCESS EXCLUSIVE MODE")
        with (
            psycopg.connect(**admin_parameters(settings), autocommit=True) as admin,
            ThreadPoolExecutor(1) as threads,
        ):
            threads.submit(server.ask, "/imports", X_Request_Id="seen-in-the-list")
            names = "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'chengtu %'"
            wait(lambda: ("chengtu web seen-in-the-list",) in admin.execute(names).fetchall(), 20)


def test_a_job_and_what_the_engine_does_for_it_bear_the_request_that_queued_it(server):
    body = '{"policy": "bus-stops", "mode": "straight"}'
    _, headers, _ = server.ask(
        "/coverage",
        "POST",
        body,
        Content_Type="application/json",
        Prefer="wait=60",
        Accept="application/json",
    )
    # What comes of it is not the point: this city is empty.

    def processes() -> set[str]:
        return {line["process"] for line in server.lines() if line.get("request") == headers["x-request-id"]}

    wait(lambda: {"jobs", "web"} <= processes(), 20)


def _secrets(server: Server) -> None:
    """Secrets in every place where a client may put one, right or wrong."""
    key = f"ck_{CANARY}0000000000000000000000000000000000000"
    session = f"cs_{CANARY}0000000000000000000000000000000000000"
    form = {"Content_Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
    origin = f"http://127.0.0.1:{server.port}"
    for path in ("/collections", "/nothing", "/collections/toilets/items?filter=((("):
        server.ask(path, Authorization=f"Bearer {key}")
        server.ask(path, Authorization=f"Bearer eyJhbGciOiJub25lIn0.{CANARY}.x")
        server.ask(path, Authorization=f"Basic {CANARY}")
        server.ask(path, Cookie=f"chengtu={session}; chengtu_key={key}; __Host-chengtu={session}")
        for name in ("key", "code", "state", "token", "access_token", "password"):
            server.ask(f"{path}{'&' if '?' in path else '?'}{name}={CANARY}")
    server.ask(f"/login/oidc/callback?code={CANARY}&state={CANARY}")
    server.ask(f"/field/start?key={key}")
    server.ask("/login", "POST", f"name=zhou&password={CANARY}", Origin=origin, **form)
    server.ask("/login", "POST", f"name={CANARY}&password={CANARY}%0d%0a", Origin=origin, **form)
    server.ask("/me/password", "POST", f"old={CANARY}&new={CANARY}&csrf={CANARY}", Origin=origin, **form)
    server.ask(
        "/coverage", "POST", f'{{"policy": "{CANARY}", "key": "{CANARY}"', Content_Type="application/json"
    )
    server.ask(f"/{CANARY}/{quote('a' + chr(13) + chr(10))}?x=%0d%0a{CANARY}", X_Csrf_Token=CANARY)


def test_no_secret_reaches_the_log_and_no_client_writes_a_line_of_it(server, settings):
    before = len(server.lines())
    _secrets(server)
    _line(server, server.ask("/conformance", X_Request_Id="after-the-secrets")[1]["x-request-id"])
    text = server.log.read_text(encoding="utf-8")
    assert CANARY not in text
    assert len(server.lines()) - before > 30  # each line is an object of ours: `lines` has read them all
    # Of both logins of the database: the administrator's bears the canary, the service's was made up by the server.
    login = login_parameters(settings)
    assert login is not None
    assert login["password"] not in text
    environment = Path(f"/proc/{server.process.pid}/environ").read_bytes()
    assert PASSWORD.encode() in environment, "the server knows no password that it could tell"


def _numbers(server: Server) -> dict[str, float]:
    """What `/metrics` says, as a program of the same machine reads it."""
    status, _, text = server.ask("/metrics")
    assert status == 200
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_each_scrape_answers_for_all_workers(server):
    series = 'chengtu_requests_total{route="GET /conformance",status="2xx"}'
    before = _numbers(server).get(series, 0)
    for _ in range(40):
        server.ask("/conformance")
    assert [_numbers(server)[series] - before for _ in range(6)] == [40] * 6
    memory = {name: value for name, value in _numbers(server).items() if "resident" in name}
    assert len(memory) >= 3  # engine, jobs, web
    assert min(memory.values()) > 1e6


def test_a_child_that_is_killed_is_counted_and_what_it_counted_stays(server):
    series = 'chengtu_requests_total{route="GET /conformance",status="2xx"}'
    restarts = 'chengtu_process_restarts_total{process="web"}'
    before = _numbers(server)
    family = (
        Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        .read_text(encoding="ascii")
        .split()
    )
    (victim, *_) = [pid for pid in family if Path(f"/proc/{pid}/comm").read_text().strip() == "chengtu web"]
    os.kill(int(victim), signal.SIGKILL)
    wait(lambda: _after(server, restarts) == before.get(restarts, 0) + 1, 60)
    assert _numbers(server)[series] == before[series]


def _after(server: Server, series: str) -> float:
    return _numbers(server).get(series, 0) if server.ask("/health")[0] == 200 else -1


def test_asked_to_stop_it_finishes_what_runs_and_takes_nothing_new(server):
    """The last test: the server is gone after it."""
    body = b"x" * 100
    head = f"POST /coverage HTTP/1.1\r\nHost: localhost:{server.port}\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body[:10])
        wait(lambda: _in_flight(server) >= 2, 20)  # this one, and the scrape
        server.process.send_signal(signal.SIGTERM)
        wait(lambda: server.ask("/conformance", timeout=1)[0] == 0, 20)
        client.sendall(body[10:])
        assert client.recv(12) == b"HTTP/1.1 400"  # read to its end, and no JSON
    assert server.process.wait(60) == 0
    told = server.lines()
    assert [line for line in told if line["level"] == "error" and "status" not in line] == []
    assert told[-1]["message"] == "Stopped."


def _in_flight(server: Server) -> float:
    return _numbers(server)['chengtu_requests_in_flight{process="web"}']
