"""`chengtu check` says what is there and what is missing, with the way out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import psycopg

from app.backup import checks as backup_checks
from app.database import checks as server_checks
from app.database.audit import Event, note
from app.database.server import admin_parameters
from app.settings import Settings
from tests.commandline import chengtu


def test_all_is_well_on_a_migrated_database(database, environment):
    done = chengtu(environment, "check", "--json")
    told = json.loads(done.stdout)
    # The cluster of the tests does not wait for the disk, which is told.
    well = {item["check"]: item["ok"] for item in told["checks"]}
    assert (done.returncode, told["ok"], well.pop("durability")) == (1, False, False), done.stderr
    assert set(well.values()) == {True}, told
    assert list(well) == [
        "declarations", "coordinate systems", "database", "revision", "archive", "connections", "clocks", "room",
        "backup", "audit", "reading files", "basemap",
    ]  # fmt: skip


def test_what_would_lose_data_or_refuse_people_is_told(database, environment, tmp_path):
    """No sync to the disk, a clock that was turned back, too few connections, a backup that is old."""
    settings = Settings(home=tmp_path, DATABASE_URL=environment["DATABASE_URL"], workers=64)
    told, hint = server_checks.durability(settings)
    assert "fsync" in told
    assert "ALTER SYSTEM SET fsync = on" in str(hint)
    assert "max_connections" in str(server_checks.connections(settings)[1])
    assert server_checks.clocks(settings)[1] is None
    assert "chengtu db backup" in str(backup_checks.last_backup(settings)[1])
    for at, verified, said in (
        (datetime.now(UTC), True, None),
        (datetime.now(UTC), False, "verified"),
        (datetime.now(UTC) - timedelta(days=5), True, "5 days"),
    ):
        (tmp_path / "backups").mkdir(exist_ok=True)
        last = {"at": at.isoformat(), "file": "x", "bytes": 1, "verified": verified}
        (tmp_path / "backups" / "last.json").write_text(json.dumps(last))
        told, hint = backup_checks.last_backup(settings)
        assert (hint is None) == (said is None)
        assert said is None or said in told
    with database.write() as conn:
        note(conn, Event.EXPORTED, "toilets")
    with psycopg.connect(**admin_parameters(settings)) as admin:
        admin.execute("ALTER TABLE city.audit DISABLE TRIGGER audit_refuse")
        admin.execute("UPDATE city.audit SET at = at + interval '1 day'")
    assert "turned back" in server_checks.clocks(settings)[0]


def test_what_is_missing_has_a_hint_and_an_exit_code(environment, tmp_path):
    secret = tmp_path / "crs.yaml"
    secret.write_text("systems: {}\n")
    secret.chmod(0o644)
    away = {
        **environment,
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "CHENGTU_CRS_FILE": str(secret),
    }
    done = chengtu(away, "check", "--json")
    told = {item["check"]: item for item in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert told["declarations"]["ok"]
    assert "chmod" in told["coordinate systems"]["hint"]
    assert not told["database"]["ok"]


def test_an_index_that_rights_would_slow_is_told(database, environment):
    with database.write() as conn:
        may = conn.exec_driver_sql("SELECT rolsuper FROM pg_roles WHERE rolname = session_user").scalar_one()
    assert may is False
    done = chengtu(environment, "check")
    assert "slow its indexes" in done.stderr
