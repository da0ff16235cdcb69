"""Any moment comes back: a copy of the cluster and its kept log of writes, by the lines of docs/back-it-up.md."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.backup import base_service
from app.database import checks, cluster
from app.database.archiving import ARCHIVER
from app.database.location import find_location
from app.database.server import admin_parameters
from app.errors import SetupFailed
from app.settings import ROOT, Settings
from tests.conftest import TEMPORARY, remove_home
from tests.safety.house import until

PAGE = ROOT / "docs" / "back-it-up.md"


@pytest.fixture
def settings() -> Iterator[Settings]:
    home = TEMPORARY / f"chengtu-tests-base-{time.time_ns()}"
    yield Settings(home=home, DATABASE_URL=None, wal_archive=home / "the log")
    remove_home(home)


def run_sql(settings: Settings, *statements: str) -> list[object]:
    with psycopg.connect(**admin_parameters(settings, "postgres"), autocommit=True) as connection:
        found = [connection.execute(one.encode()) for one in statements][-1]
        return [row[0] for row in found] if found.description else []


def test_a_moment_between_two_writes_comes_back(settings: Settings):
    cluster.ensure_started(settings)
    run_sql(settings, "CREATE TABLE told (word text)", "INSERT INTO told VALUES ('before the copy')")
    with pytest.raises(SetupFailed, match="There is no folder"):
        base_service.base_backup(settings, str(settings.home_path / "none"), lambda _: None)
    made = base_service.base_backup(settings, None, lambda _: None)
    assert made["bytes"] > 0
    run_sql(settings, "INSERT INTO told VALUES ('wanted')")
    (moment,) = run_sql(settings, "SELECT clock_timestamp()::text")
    time.sleep(0.1)
    run_sql(settings, "INSERT INTO told VALUES ('a mistake')", "SELECT pg_switch_wal()")
    cluster.stop(settings)
    _follow_the_page(settings, made["folder"], str(moment))
    cluster.ensure_started(settings)
    assert run_sql(settings, "SELECT word FROM told ORDER BY 1") == ["before the copy", "wanted"]
    run_sql(settings, "INSERT INTO told VALUES ('and on')")


def _follow_the_page(settings: Settings, base: str, moment: str) -> None:
    """Run the page's own lines, with the places and the moment of this test for those that it names."""
    block = re.search(r"```sh\n(# Back to a moment.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    location = find_location(settings.home_path)
    assert location is not None
    given = {
        "CLUSTER": str(location.root),
        "BASE": base,
        "ARCHIVE": str(settings.wal_path),
        "MOMENT": moment,
        "DBUSER": location.account.name,
    }
    lines = [line for line in block[1].splitlines() if not line.startswith((".venv/bin/", *given))]
    script = "\n".join(["set -eu", *lines])
    done = subprocess.run(
        ["bash", "-c", script], env={"PATH": "/usr/bin:/bin", **given}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_without_a_log_there_is_no_base(settings: Settings, tmp_path):
    with pytest.raises(SetupFailed, match="keeps its log") as refused:
        base_service.base_backup(Settings(home=tmp_path, DATABASE_URL=None), None, lambda _: None)
    assert "CHENGTU_WAL_ARCHIVE" in str(refused.value.hint)


def test_a_log_that_cannot_be_kept_is_told(settings: Settings):
    """By `chengtu check`; not asked for, it is not missed."""
    without = settings.model_copy(update={"wal_archive": None})
    cluster.ensure_started(without)
    run_sql(without, f"CREATE DATABASE {admin_parameters(without)['dbname']}")
    assert checks.archive(without)[1] is None
    assert "chengtu db stop" in str(checks.archive(settings)[1])
    cluster.stop(without)
    cluster.ensure_started(settings)
    run_sql(settings, "CREATE TABLE told ()", "SELECT pg_switch_wal()")
    kept = f"SELECT 1 FROM ({ARCHIVER}) archiver WHERE last_archived_time IS NOT NULL"
    until(lambda: run_sql(settings, kept), "a file is kept")
    told, hint = checks.archive(settings)
    assert (told.startswith("The log of writes (WAL) is kept, its last file at"), hint) == (True, None)
    assert settings.wal_path is not None
    settings.wal_path.rename(settings.wal_path.with_name("gone"))
    settings.wal_path.touch()
    run_sql(settings, "DROP TABLE told", "SELECT pg_switch_wal()")
    until(
        lambda: run_sql(settings, f"SELECT 1 FROM ({ARCHIVER}) archiver WHERE failed_count > 0"), "one fails"
    )
    told, hint = checks.archive(settings)
    assert "cannot be kept" in told
    location = find_location(settings.home_path)
    assert location is not None
    assert str(location.log) in str(hint)
    assert "archive command failed" in location.log.read_text(encoding="utf-8")


@pytest.mark.wide
def test_the_log_is_never_written_over(settings: Settings):
    """A copy that was broken off is made again; a file of another log is not replaced."""
    settings = settings.model_copy(update={"wal_archive": settings.home_path / "the log's \\ folder"})
    cluster.ensure_started(settings)
    assert settings.wal_path is not None
    run_sql(settings, "SELECT pg_switch_wal()", "CHECKPOINT")
    (command,) = run_sql(settings, "SHOW archive_command")
    location = find_location(settings.home_path)
    assert location is not None
    source = location.data / "PG_VERSION"
    filled = str(command).replace("%p", str(source)).replace("%f", "one")
    assert location.account.run(["/bin/sh", "-c", filled]).returncode == 0
    assert location.account.run(["/bin/sh", "-c", filled]).returncode == 0, "the same again is well"
    assert (settings.wal_path / "one").read_bytes() == source.read_bytes()
    (settings.wal_path / "one").write_text("another")
    assert location.account.run(["/bin/sh", "-c", filled]).returncode != 0
    assert (settings.wal_path / "one").read_text() == "another"
    shutil.rmtree(settings.wal_path)


def test_who_may_not_write_is_told(tmp_path: Path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SetupFailed, match="cannot keep its log"):
        cluster.ensure_started(
            Settings(home=tmp_path / "home", DATABASE_URL=None, wal_archive=file / "below")
        )
    remove_home(tmp_path / "home")
