"""`/metrics`: who may read it, what it says, that nobody can make it grow; limits are told as docs tell them."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.access import key_service, metrics_store, people_service
from app.access.metrics import BACKUP, metrics
from app.access.principal import NOBODY, Grant, Principal
from app.access.tally import QUIET
from app.access.watchers import MAX_KNOWN, REMEMBERED_S, Watchers
from app.database.deadline import Deadline
from app.database.engine import Database
from app.errors import Unavailable
from app.jobs import service
from app.jobs.kinds import KINDS
from app.limits import COUNTED_AS, FOLDER, LIMITS, PAGES, limit_values, with_tables
from app.main import create_app
from app.meters import BOARD, BUCKETS, Board, Family, exposition
from app.refused import LIMIT_NAMES, REFUSED
from app.serve import Child
from app.settings import Settings
from tests.clones import clone, opened
from tests.conftest import TEMPORARY

NEAR, FAR = ("127.0.0.1", 40_000), ("203.0.113.7", 40_000)
#: Of each of four kinds; `make soak` takes 500.
PATHS = int(os.environ.get("CHENGTU_SOAK_PATHS", "50"))
#: What is told only once there is a backup, the record was checked, or the log of writes is kept.
TOLD_ONCE_THERE = (
    "chengtu_audit_whole", "chengtu_audit_checked_age_seconds", "chengtu_backup_age_seconds", "chengtu_wal_archive_up",
)  # fmt: skip
HERE = "http://127.0.0.1:8000"
#: Prometheus, "Text-based format": a comment or a sample.
LINE = re.compile(
    r"# (?:HELP|TYPE) [a-z_]+ .+|([a-z_]+)(\{(?:[a-z_]+=\"(?:[^\"\\\n]|\\[\\\"n])*\",?)*\})? (-?[0-9.e+\-]+|NaN)"
)


def read(text: str) -> dict[str, float]:
    """Series → value; fails where a line has not the form, or a series comes twice."""
    found: dict[str, float] = {}
    assert text.endswith("\n")
    for line in text.splitlines():
        matched = LINE.fullmatch(line)
        assert matched is not None, line
        if matched[1]:
            assert line.rpartition(" ")[0] not in found, line
            found[line.rpartition(" ")[0]] = float(matched[3])
    return found


@pytest.fixture(scope="module")
def settings(cluster_settings, template):
    with clone(cluster_settings, template) as cloned, opened(cloned):
        yield cloned.model_copy(update={"open": None})


@pytest.fixture(scope="module")
def app(settings):
    return create_app(settings)


def _client(app, client=NEAR, url=HERE) -> TestClient:
    return TestClient(app, url, client=client, raise_server_exceptions=False)


def _status(app, client=NEAR, url=HERE, **headers: str) -> int:
    with _client(app, client, url) as asking:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return int(asking.get("/metrics", headers=named).status_code)


@pytest.fixture(scope="module")
def keys(settings):
    """Somebody is named from here on, for the tests after this one too."""
    with opened(settings) as database, database.write() as conn:
        people_service.make_person(conn, people_service.NewPerson("first", grants=(Grant("security"),)))
        return {
            role: key_service.make_key(conn, role, [Grant(role)], 1, "internal", None)[0]
            for role in ("auditor", "system", "security", "viewer", "editor")
        }


@pytest.mark.parametrize("named", [False, True], ids=["nobody named", "somebody named"])
def test_without_a_key_it_is_read_on_the_machine_itself_alone(app, settings, named, request):
    if named:
        request.getfixturevalue("keys")
    assert _status(app) == 200
    assert _status(app, FAR) == 401
    # Whoever asks through a proxy, or under a name that another site gave this machine, is not at it.
    assert _status(app, X_Forwarded_For="203.0.113.7") == 401
    assert _status(app, url="http://evil.example.org") == 401
    for behind in ({"public_url": "https://map.example.org"}, {"open": True}):
        assert _status(create_app(settings.model_copy(update=behind))) == 401


@pytest.mark.parametrize(
    ("role", "status"),
    [("auditor", 200), ("system", 200), ("security", 403), ("viewer", 403), ("editor", 403)],
)
def test_from_elsewhere_with_a_key_of_those_who_watch(app, keys, role, status):
    assert _status(app, FAR, Authorization=f"Bearer {keys[role]}") == status


def test_a_wrong_key_is_refused_on_the_machine_itself_too(app, keys):
    assert _status(app, Authorization="Bearer ck_wrong") == 401


def test_while_the_database_is_away_a_key_that_was_let_in_is_told_so(settings, keys, monkeypatch):
    """As Prometheus asks behind a proxy; what the database found good of other keys opens nothing."""
    monkeypatch.setattr("app.access.gate.TRUSTED_S", 0)
    gone = Database(settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"}))
    app = create_app(settings.model_copy(update={"public_url": "https://map.example.org"}))

    def ask(role: str, path: str = "/metrics") -> tuple[int, str]:
        reply = client.get(path, headers={"Authorization": f"Bearer {keys[role]}"})
        return reply.status_code, reply.text

    with opened(settings) as database, database.write() as conn:
        keys["revoked"], key = key_service.make_key(conn, "revoked", [Grant("system")], 1, "internal", None)
    with _client(app) as client:
        assert [ask(role)[0] for role in ("system", "revoked", "viewer")] == [200, 200, 403]
        with opened(settings) as database, database.write() as conn:
            key_service.revoke(conn, key.id)
        assert ask("revoked", "/audit")[0] == 401
        there, client.app.state.db = client.app.state.db, gone
        status, text = ask("system")
        assert (status, read(text)["chengtu_database_up"]) == (200, 0)
        assert [ask(role)[0] for role in ("revoked", "viewer", "auditor")] == [503, 503, 503]
        assert ask("system", "/audit")[0] == 503
        client.app.state.db = there
        assert read(ask("system")[1])["chengtu_database_up"] == 1
    gone.dispose()


def test_a_key_is_remembered_for_an_hour_as_long_as_it_may_watch():
    now = 0.0
    known = Watchers(lambda: now)
    watching = Principal.granted("key", "prometheus", [Grant("system")], "internal", key_id=1)
    seeing = Principal.granted("key", "prometheus", [Grant("viewer")], "internal", key_id=1)
    ended = Principal.granted(
        "key", "old", [Grant("system")], "internal", key_id=2, until=datetime(2020, 1, 1, tzinfo=UTC)
    )
    known.note("a", watching)
    known.note("b", ended)
    known.note("c", NOBODY)
    assert (known.find("a"), known.find("b"), known.find("c"), known.find("d")) == (
        watching,
        None,
        None,
        None,
    )
    now = REMEMBERED_S
    assert known.find("a") is None
    known.note("a", watching)
    known.note("a", seeing)  # its role was taken away
    assert known.find("a") is None
    known.note("a", watching)
    known.forget("a")
    assert known.find("a") is None
    for number in range(MAX_KNOWN + 1):
        known.note(f"{number}", watching)
    assert (known.find("0"), known.find("1")) == (None, watching)


def test_it_has_the_form_and_says_what_matters(app, settings, tmp_path, monkeypatch):
    # Not in the data folder, which other tests share.
    monkeypatch.setattr("app.access.metrics.BACKUP", tmp_path / BACKUP.name)
    said = {"at": "2026-01-01T00:00:00+00:00", "file": "secret name", "bytes": 12345, "verified": True}
    (tmp_path / BACKUP.name).write_text(json.dumps(said), encoding="utf-8")
    with _client(app) as client:
        client.get("/collections")
        reply = client.get("/metrics")
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = read(reply.text)
    # Refused where somebody is named already: all the same it was answered.
    assert any(
        found.get(f'chengtu_requests_total{{route="GET /collections",status="{n}xx"}}') for n in (2, 4)
    )
    assert found['chengtu_request_seconds_bucket{route="GET /collections",le="+Inf"}'] >= 1
    assert found["chengtu_database_up"] == 1
    assert found["chengtu_engine_up"] == 0
    assert found["chengtu_backup_bytes"] == 12345
    assert found["chengtu_backup_age_seconds"] > 0
    assert found["chengtu_job_oldest_waiting_seconds"] == 0
    jobs = {name: number for name, number in found.items() if name.startswith("chengtu_jobs{")}
    assert jobs == {
        f'chengtu_jobs{{kind="{kind}",state="{state}"}}': 0
        for kind in KINDS
        for state in ("queued", "running")
    }
    assert {f'chengtu_limit{{name="{name}"}}' for name in limit_values(settings)} <= set(found)
    assert "secret name" not in reply.text


@pytest.mark.parametrize("broken", ["", "[]", "{", '{"at": 5, "bytes": 1, "verified": true}'])
def test_a_backup_that_cannot_be_read_is_none(database, broken, tmp_path, monkeypatch):
    monkeypatch.setattr("app.access.metrics.BACKUP", tmp_path / BACKUP.name)
    (tmp_path / BACKUP.name).write_text(broken, encoding="utf-8")
    assert "chengtu_backup" not in metrics(database, {}, engine_up=False)


def test_jobs_that_wait_are_told_beside_those_that_might(database):
    service.enqueue(database, "areas", {})
    found = read(metrics(database, {}, engine_up=False, kinds=("areas", "import")))
    jobs = [number for name, number in found.items() if name.startswith("chengtu_jobs{")]
    assert (found['chengtu_jobs{kind="areas",state="queued"}'], jobs) == (1, [1, 0, 0, 0])


@pytest.mark.parametrize(
    ("kept_at", "failed_at", "up"), [(None, None, 1), (5, None, 1), (5, 3, 1), (5, 9, 0), (None, 9, 0)]
)
def test_a_log_of_writes_that_cannot_be_kept_is_told(database, monkeypatch, kept_at, failed_at, up):
    """And nothing of it where it is not kept, as here."""
    assert "chengtu_wal_archive" not in metrics(database, {}, engine_up=False)
    moments = [None if at is None else datetime(2026, 1, 1, at, tzinfo=UTC) for at in (kept_at, failed_at)]
    told = "SELECT 7, cast(:kept AS timestamptz), cast(:failed AS timestamptz)"
    asked = text(told).bindparams(kept=moments[0], failed=moments[1])
    monkeypatch.setattr(metrics_store, "_ARCHIVER", asked)
    found = read(metrics(database, {}, engine_up=False))
    assert (found["chengtu_wal_archive_up"], found["chengtu_wal_archive_failed_total"]) == (up, 7)
    assert ("chengtu_wal_archive_age_seconds" in found) == (kept_at is not None)


def test_what_is_free_is_told_of_each_disk_once(tmp_path):
    """Of the data folder always; of its parts and of the kept log where they are on other disks."""
    (tmp_path / "uploads").mkdir()
    (tmp_path / "tiles").symlink_to(TEMPORARY)
    settings = Settings(home=tmp_path, DATABASE_URL=None, wal_archive=TEMPORARY)
    away = Database(settings)
    found = read(metrics(away, {}, engine_up=False))
    told = {name: size for name, size in found.items() if name.startswith("chengtu_disk_free_bytes")}
    elsewhere = {"log"} if tmp_path.stat().st_dev != TEMPORARY.stat().st_dev else set()
    assert set(told) == {f'chengtu_disk_free_bytes{{folder="{name}"}}' for name in {"data", *elsewhere}}
    assert min(told.values()) > 0
    away.dispose()


def _series(client: TestClient) -> set[str]:
    return set(read(client.get("/metrics").text))


def test_made_up_paths_and_names_add_no_series(app):
    with _client(app) as client:
        for path in (
            "/x",
            "/collections/x",
            "/collections/x/items",
            "/static/x.js",
            "/metrics",
            "/collections/x/items/1",
        ):
            client.get(path)
        _series(client)
        before = _series(client)
        for number in range(PATHS):
            client.get(f"/made-up-{number}")
            client.get(f"/collections/made-up-{number}")
            client.get(f"/static/made-up-{number}.js?x={number}")
            client.get(
                f"/collections/toilets/items/made-up-{number}", headers={"X-Request-Id": f"made-up-{number}"}
            )
        after = _series(client)
    assert {series for series in after - before if "made-up" in series} == set()
    assert after == before


def test_what_is_refused_is_counted_by_the_limit_that_it_was_over(app):
    with _client(app) as client:
        series = 'chengtu_refused_total{limit="body"}'
        before = read(client.get("/metrics").text).get(series, 0)
        assert client.post("/coverage", content=b" " * 1_100_000).status_code == 413
        assert read(client.get("/metrics").text)[series] == before + 1


def test_every_limit_that_refuses_is_told_of_in_the_docs():
    names = [limit.name for limit in LIMITS]
    assert len(names) == len(set(names))
    assert set(LIMIT_NAMES) - set(names) == {"database"}
    # Each series stands beside at least one limit, and no limit beside a series that there is not.
    assert {limit.counted_as for limit in LIMITS} == {*LIMIT_NAMES, None}
    assert set(COUNTED_AS) <= set(names) - set(LIMIT_NAMES)


def test_a_request_whose_time_is_over_is_counted_as_such():
    before = REFUSED.value("request_time")
    with pytest.raises(Unavailable):
        Deadline(0).limit_s(5)
    assert REFUSED.value("request_time") == before + 1


@pytest.mark.parametrize("lang", PAGES)
def test_the_tables_of_limits_are_those_of_the_program(lang):
    page = (FOLDER / PAGES[lang]).read_text(encoding="utf-8")
    assert with_tables(page, lang) == page, "run: python -m app.limits"
    for limit in LIMITS:
        assert f"| `{limit.name}` |" in page


def test_limits_follow_the_settings():
    assert limit_values(Settings(jobs_per_person=7))["own_jobs"] == 7


def _count(board: Board, counted: Family, now: Family, place: int) -> None:
    board.enter(place)
    for _ in range(1000):
        counted.add("a")
    now.set(to=place)


def test_processes_count_together_and_what_one_counted_outlives_it():
    board = Board()
    counted = Family("c", "x", "counter", ("l",), board)
    now = Family("g", "x", "gauge", (), board)
    for values in (("a",), ("other",)):
        counted.declare(values)
    now.declare(())
    processes = multiprocessing.get_context("fork")
    for place in (1, 2):
        board.name(place, "web")
    for places in ((1, 2), (1,)):  # the first one is started again
        started = [processes.Process(target=_count, args=(board, counted, now, place)) for place in places]
        for process in started:
            process.start()
        for process in started:
            process.join()
            assert process.exitcode == 0
    assert counted.value("a") == 3000
    assert now.value() == 3
    assert board.processes == ["web"]


def test_a_process_declares_nothing_any_more_and_what_nobody_declared_counts_as_other():
    board = Board()
    counted = Family("c", "x", "counter", ("l",), board)
    for values in (("a",), ("other",)):
        counted.declare(values)
    board.enter(0)
    counted.add("whatever a client sends")
    assert (counted.value("other"), len(counted.series)) == (1, 2)
    with pytest.raises(RuntimeError, match="before the server forks"):
        counted.declare(("later",))


def test_a_histogram_adds_up():
    board = Board()
    took = Family("t", "x", "histogram", (), board)
    took.declare(())
    board.families["t"] = took
    for seconds in (0.001, 0.005, 0.3, 99):
        took.observe(seconds=seconds)
    found = read("\n".join(exposition(board)) + "\n")
    assert [found[f't_bucket{{le="{most}"}}'] for most in ("0.005", "0.25", "0.5", "30", "+Inf")] == [
        2,
        2,
        3,
        3,
        4,
    ]
    assert found["t_count"] == 4
    assert found["t_sum"] == pytest.approx(99.306)
    assert len(found) == len(BUCKETS) + 3


def test_labels_are_escaped():
    board = Board()
    odd = Family("c", "x", "gauge", ("l",), board)
    odd.declare(('a"\\\nb',))
    board.families["c"] = odd
    odd.set('a"\\\nb', to=1)
    assert list(read("\n".join(exposition(board)) + "\n")) == [r'c{l="a\"\\\nb"}']


def test_the_alert_rules_of_the_docs_name_what_there_is(app):
    """In both languages alike."""
    with _client(app) as client:
        told = client.get("/metrics").text + " ".join(TOLD_ONCE_THERE)
    assert Child  # the supervisor declares its own as it is loaded
    told += " ".join(BOARD.families)
    pages = [(Path(FOLDER) / name).read_text(encoding="utf-8") for name in ("watch-it.md", "watch-it.zh.md")]
    rules = [re.findall(r"expr: (.+)", page) for page in pages]
    assert rules[0] == rules[1]
    assert len(rules[0]) >= 5
    for name in re.findall(r"chengtu_[a-z_]+", " ".join(rules[0])):
        assert name in told, name
    # What a supervisor or Prometheus itself asks all the time is no reply that fails.
    left_out = set(re.findall(r'route!~"([^"]+)"', " ".join(rules[0])))
    asked = {line for line in QUIET if any(re.fullmatch(routes, line) for routes in left_out)}
    assert asked == {"GET /health", "GET /ready", "GET /metrics"}
