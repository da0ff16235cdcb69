"""How much one may ask for: so often a minute, so long a request, so many heavy answers and jobs at once."""

from __future__ import annotations

import multiprocessing
import threading
import time
from uuid import uuid4

import anyio.to_thread
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.access.dependencies import DatabaseDep, ReadConn, WriteConn
from app.access.heavy import OWN, HeavyTurn
from app.access.key_service import make_key
from app.access.permissions import ROUTES
from app.access.principal import Grant, Principal
from app.access.rates import PERIOD_S, Meter, cost_of
from app.database.scope import SERVICE, within
from app.database.server import admin_parameters
from app.errors import TooMany
from app.jobs import service as jobs
from app.main import create_app

RATE = 60
ENDLESS = "SELECT count(n) FROM (SELECT generate_series(1, 10000000000) n) s"
FAR = ("203.0.113.7", 40_000)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """However long a test takes, no time passes for the rates of its server."""
    made = Clock()
    monkeypatch.setattr("app.main.Meter", lambda: Meter(made))
    return made


def _taken(meter: Meter, name: str, asked: int, cost: float = 1.0) -> int:
    return sum(meter.wait_s(name, RATE, cost) == 0 for _ in range(asked))


def test_a_full_rate_is_taken_and_no_more(clock):
    meter = Meter(clock)
    assert _taken(meter, "person 1", 5 * RATE) == RATE
    wait = meter.wait_s("person 1", RATE)
    assert 0 < wait <= PERIOD_S / RATE
    clock.now += wait
    assert _taken(meter, "person 1", 5) == 1


def test_over_an_hour_the_mean_is_the_rate(clock):
    meter = Meter(clock)
    taken = 0
    for _ in range(3600):
        clock.now += 1
        taken += _taken(meter, "key 2", 3)
    assert taken == pytest.approx(60 * RATE, rel=0.05)


def test_nobody_pays_for_others(clock):
    meter = Meter(clock)
    for one in range(3000):
        _taken(meter, f"address 198.51.{one // 256}.{one % 256}", 2 * RATE)
    assert [_taken(meter, f"person {one}", 2 * RATE) for one in range(20)] == [RATE] * 20


def test_a_tenth_counts_as_a_tenth(clock):
    assert _taken(Meter(clock), "person 1", 20 * RATE, cost=0.1) == pytest.approx(10 * RATE, abs=1)


@pytest.mark.parametrize(
    ("path", "cost"),
    [
        ("/collections/toilets/items", 1),
        ("/collections/toilets/tiles/WebMercatorQuad/3/1/2", 0.1),
        ("/background/tiles/WebMercatorQuad/3/1/2", 0.1),
        ("/tiles/WebMercatorQuad/3/1/2", 0.1),
        ("/static/map/vector.js", 0),
        ("/health", 0),
        ("/healthy", 1),
        ("/tiles", 1),
    ],
)
def test_what_a_request_counts_for(path, cost):
    assert cost_of(path) == cost


def _spend(meter: Meter, results) -> None:
    results.put(_taken(meter, "person 1", RATE))


def test_forked_workers_count_together():
    meter = Meter()
    processes = multiprocessing.get_context("fork")
    results = processes.Queue()
    workers = [processes.Process(target=_spend, args=(meter, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    taken = sum(results.get(timeout=60) for _ in workers)
    for worker in workers:
        worker.join()
    # What two of them write at the very same moment counts once, and a little time passes meanwhile.
    assert RATE <= taken < 1.5 * RATE


@pytest.fixture
def limited(shared_database):
    settings = shared_database.settings.model_copy(
        update={"requests_per_minute": RATE, "trusted_proxies": ()}
    )
    with TestClient(create_app(settings), client=FAR, raise_server_exceptions=False) as client:
        yield client


def test_the_rate_is_told_by_429_and_retry_after(limited):
    replies = [limited.get("/field/authority") for _ in range(RATE + 20)]
    statuses = [reply.status_code for reply in replies]
    assert abs(statuses.index(429) - RATE) <= 0.05 * RATE
    refused = replies[-1]
    assert refused.json()["code"] == "too-many-requests"
    assert 1 <= int(refused.headers["retry-after"]) <= 5
    assert refused.headers["x-request-id"]
    assert limited.get("/health").status_code == 200


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "Via"])
def test_no_header_gives_a_rate_of_its_own(limited, name):
    statuses = [
        limited.get("/field/authority", headers={name: f"192.0.2.{one}"}).status_code
        for one in range(RATE + 20)
    ]
    assert statuses.count(429) >= 15


def test_a_trusted_proxy_names_whose_rate_it_is(shared_database):
    changes = {"requests_per_minute": RATE, "trusted_proxies": ("203.0.113.0/24",)}
    settings = shared_database.settings.model_copy(update=changes)
    with TestClient(create_app(settings), client=FAR) as client:

        def ask(said: str, times: int) -> list[int]:
            headers = {"X-Forwarded-For": said}
            return [client.get("/field/authority", headers=headers).status_code for _ in range(times)]

        assert 429 in ask("192.0.2.1", RATE + 5)
        assert 429 not in ask("192.0.2.2", RATE - 5)
        # What the client itself wrote stands left of what the proxy wrote.
        assert set(ask("192.0.2.77, 192.0.2.1", 3)) == {429}


def test_who_guesses_is_slowed_down_before_the_gate(shared_database):
    changes = {"requests_per_minute": 10 * RATE, "open": False}
    settings = shared_database.settings.model_copy(update=changes)
    with TestClient(create_app(settings), client=FAR) as client:
        statuses = [
            client.get("/collections", headers={"Authorization": f"Bearer {uuid4()}"}).status_code
            for _ in range(RATE + 20)
        ]
    assert set(statuses) == {401, 429}
    assert abs(statuses.index(429) - RATE) <= 0.05 * RATE


@pytest.fixture
def office(database):
    """Asks from the address of an office, with what is given."""
    with database.write() as conn:
        keys = [make_key(conn, name, [Grant("viewer")], 1)[0] for name in ("one", "two")]
    changes = {"requests_per_minute": 10 * RATE, "open": False}
    with TestClient(create_app(database.settings.model_copy(update=changes)), client=FAR) as client:

        def ask(bearer: str | None, times: int = 1, path: str = "/collections", **headers: str) -> set[int]:
            given = headers if bearer is None else {"Authorization": f"Bearer {bearer}", **headers}
            return {client.get(path, headers=given).status_code for _ in range(times)}

        yield ask, keys


def test_what_a_foreign_page_has_a_browser_ask_shuts_nobody_out(office):
    ask, keys = office
    for headers in (
        {},
        {"Authorization": "Basic Y2s6eA=="},
        {"Cookie": "chengtu=cs_ended; chengtu_key=ck_x"},
    ):
        assert ask(None, 2 * RATE, **headers) == {401}
    ask(None, 2 * RATE, "/field/start?key=ck_wrong")
    assert ask(None, 1, "/login") == {200}
    assert ask(keys[0]) == {200}


def test_a_wrong_key_is_slowed_down_by_itself(office):
    """A program whose key has ended asks and asks: it is told to wait, and nobody beside it."""
    ask, keys = office
    wrong = [f"ck_{number:05}{'x' * 38}" for number in range(3 * RATE)]
    assert ask(wrong[0], RATE // 2) == {401}
    assert ask(keys[0]) == {200}
    assert ask(wrong[0], RATE) == {401, 429}
    # However many others are guessed from the same address, who was let in is answered.
    statuses = [ask(one) for one in wrong]
    assert statuses[-1] == {429}
    assert ask(keys[0], 5) == {200}
    assert ask(None, 1, "/login") == {200}


@pytest.fixture
def listed(monkeypatch):
    """Routes of these tests that the gate lets everybody use."""
    made = dict.fromkeys(("GET /slow", "POST /slow", "GET /many", "GET /heavy"), "self")
    monkeypatch.setattr("app.access.gate.ROUTES", {**ROUTES, **made})


@pytest.fixture
def slow(settings, database, listed):
    app: FastAPI = create_app(settings.model_copy(update={"request_seconds": 1.0}))

    def read(conn: ReadConn) -> str:
        return str(conn.exec_driver_sql(ENDLESS).scalar())

    def write(conn: WriteConn, body: dict) -> str:
        return str(conn.exec_driver_sql(ENDLESS).scalar())

    def many(db: DatabaseDep) -> str:
        for _ in range(100):
            with db.read() as conn:
                conn.exec_driver_sql("SELECT 1")
            time.sleep(0.2)
        return "never"

    app.add_api_route("/slow", read)
    app.add_api_route("/slow", write, methods=["POST"])
    app.add_api_route("/many", many)
    return app


def _at_work(settings) -> int:
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as conn:
        statement = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        row = conn.execute(statement).fetchone()
        return int(row[0]) if row else -1


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [("GET", "/slow", "stopped"), ("POST", "/slow", "stopped"), ("GET", "/many", "stopped")],
)
def test_a_request_has_its_time_and_leaves_nothing_running(settings, slow, method, path, said):
    with TestClient(slow, raise_server_exceptions=False) as client:
        reply = client.request(method, path, json={} if method == "POST" else None)
    assert reply.status_code == 503
    assert said in reply.json()["detail"]
    assert reply.json()["hint"]
    assert int(reply.headers["retry-after"]) >= 1
    assert _at_work(settings) == 0


def test_heavy_answers_are_few_and_one_cannot_take_all(shared_database, listed):
    app = create_app(shared_database.settings)
    go_on, begun = threading.Event(), threading.Semaphore(0)

    async def heavy(_turn: HeavyTurn) -> str:
        begun.release()
        await anyio.to_thread.run_sync(go_on.wait)
        return "whole"

    app.add_api_route("/heavy", heavy)
    replies: list[int] = []
    with TestClient(app) as client:
        threads = [
            threading.Thread(target=lambda: replies.append(client.get("/heavy").status_code))
            for _ in range(OWN)
        ]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert begun.acquire(timeout=60)
        refused = client.get("/heavy")
        assert client.get("/health").status_code == 200
        go_on.set()
        for thread in threads:
            thread.join()
        assert client.get("/heavy").status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-requests")
    assert int(refused.headers["retry-after"]) >= 1
    assert replies == [200] * OWN


def test_one_person_fills_no_queue(database):
    asking = Principal("user", "zhang", SERVICE.named("zhang", "user:1"), frozenset(("planner",)))
    most = database.settings.jobs_per_person
    with within(asking.scope):
        queued = [jobs.enqueue(database, "nothing", {}) for _ in range(most)]
        with pytest.raises(TooMany, match="waiting or running"):
            jobs.enqueue(database, "nothing", {})
    with within(SERVICE.named("li", "user:2")):
        jobs.enqueue(database, "nothing", {})
    with within(asking.scope):
        jobs.cancel(database, queued[0])
        jobs.enqueue(database, "nothing", {})
