"""`chengtu check` says what is there and what is missing, with the way out."""

from __future__ import annotations

import errno
import json
import socket
import subprocess
from datetime import UTC, datetime, timedelta

import psycopg

from app import check_commands
from app.backup import checks as backup_checks
from app.database import checks as server_checks
from app.database.audit import Event, note
from app.database.server import admin_parameters
from app.setting_names import told_unknown, unknown_settings
from app.settings import ROOT, Settings
from tests.commandline import chengtu


def test_all_is_well_on_a_migrated_database(database, environment):
    done = chengtu(environment, "check", "--json")
    told = json.loads(done.stdout)
    # The cluster of the tests does not wait for the disk, which is told.
    well = {item["check"]: item["ok"] for item in told["checks"]}
    assert (done.returncode, told["ok"], well.pop("durability")) == (1, False, False), done.stderr
    assert set(well.values()) == {True}, told
    assert list(well) == [
        "settings", "declarations", "coordinate systems", "database", "revision", "archive", "connections", "clocks",
        "room", "backup", "audit", "reading files", "basemap",
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
    assert "slow its indexes" in done.stdout  # a result: `chengtu check | grep index` finds it


def test_a_backup_that_is_gone_is_told(tmp_path):
    """Where its place can be looked at: a path of another machine's form, or behind a closed folder, says nothing."""
    settings = Settings(home=tmp_path, DATABASE_URL=None)
    file = tmp_path / "a.backup"
    (tmp_path / "backups").mkdir()
    last = {"at": datetime.now(UTC).isoformat(), "file": str(file), "bytes": 1, "verified": True}
    (tmp_path / "backups" / "last.json").write_text(json.dumps(last))
    told, hint = backup_checks.last_backup(settings)
    assert f"is not there any more: {file}" in told
    assert "chengtu db backup" in str(hint)
    file.touch()
    assert backup_checks.last_backup(settings)[1] is None


def test_a_full_disk_is_one_line_among_the_others(environment, monkeypatch):
    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(check_commands, "missing_barriers", full)
    done = chengtu(environment, "check", "--json")
    told = {item["check"]: item for item in json.loads(done.stdout)["checks"]}
    assert told["reading files"]["told"] == "The disk is full."
    assert not told["reading files"]["ok"]
    assert told["database"]["told"]
    assert told["basemap"]["ok"]


def test_a_mistyped_setting_is_told_with_the_nearest_name(environment):
    given = {
        "CHENGTU_WORKRES": "3", "CHENGTU_REQUEST_SECONDS_FILE": "/x", "CHENGTU_PORT": "1", "CHENGTU_ZZZ": "secret",
        "CHENGTU_SAMPLE_SIZE": "town", "CHENGTU_CRS_SYSTEMS_FILE": "", "CHENGTU_DEBUG": "", "chengtu_host": "::1",
    }  # fmt: skip
    assert dict(unknown_settings(given)) == {
        "CHENGTU_WORKRES": "CHENGTU_WORKERS", "CHENGTU_REQUEST_SECONDS_FILE": "CHENGTU_REQUEST_SECONDS",
        "CHENGTU_PORT": "PORT", "CHENGTU_ZZZ": None,
    }  # fmt: skip
    assert "secret" not in str(told_unknown(given))
    done = chengtu({**environment, "CHENGTU_WORKRES": "3"}, "check")
    assert "CHENGTU_WORKRES (CHENGTU_WORKERS?)" in done.stdout
    # A server says so in its log before it listens; the port of this one is taken.
    away = {**environment, "CHENGTU_WORKRES": "3", "DATABASE_URL": "postgresql://x:longenough9@127.0.0.1:1/x"}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = chengtu(away, "serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "CHENGTU_WORKRES (CHENGTU_WORKERS?)" in done.stderr


def test_every_variable_that_the_source_names_is_known():
    """Of proxy, tests and scripts as well: a warning for one of them would be noise."""
    listed = ["git", "-C", str(ROOT), "grep", "-hoE", r"\bCHENGTU_[A-Z_]*[A-Z]\b", "--", "deploy", "compose.yaml",
              "Makefile", "scripts", "bench", "Dockerfile"]  # fmt: skip
    named = set(subprocess.run(listed, capture_output=True, text=True).stdout.split())
    assert not dict(unknown_settings(dict.fromkeys(named, "")))
