"""The embedded cluster survives what happens to it, and touches nothing else."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.database import cluster, guardian, location, postmaster, sizing
from app.database.binaries import find_binaries
from app.database.cluster import Status
from app.database.engine import open_database
from app.database.server import admin_parameters
from app.errors import ChengtuError, NoSpace, SetupFailed, Unavailable
from app.settings import ROOT, Settings
from tests.conftest import TEMPORARY, remove_home
from tests.effort import TRIES, is_little

AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="needs root, who hands the database to another user")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter, with a name that is hard on shells and path lengths."""
    base = Path(tempfile.mkdtemp(prefix="chengtu folder ", dir=TEMPORARY))
    base.chmod(0o755)
    yield base
    for home in (base / "home", base / "moved", base / "copy"):
        remove_home(home)
    shutil.rmtree(base)


@pytest.fixture
def settings(folder: Path) -> Settings:
    return Settings(home=folder / "home", DATABASE_URL=None)


@pytest.fixture(scope="module")
def kept() -> Iterator[Settings]:
    """One cluster for the tests that leave it as they found it."""
    base = Path(tempfile.mkdtemp(prefix="chengtu kept ", dir=TEMPORARY))
    base.chmod(0o755)
    home = base / "城 'one' \"two\" $(touch three) `four`"
    settings = Settings(home=home, DATABASE_URL=None)
    cluster.ensure_started(settings)
    yield settings
    remove_home(home)
    shutil.rmtree(base)


def data_of(settings: Settings) -> Path:
    data = cluster.status(settings).data
    assert data is not None
    return data


def ask(settings: Settings, query: str) -> object:
    with psycopg.connect(**admin_parameters(settings, "postgres"), autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone()[0] if cursor.description else None


def pid_of(settings: Settings) -> int:
    pid = cluster.status(settings).pid
    assert pid is not None
    return pid


def crash(settings: Settings) -> int:
    """Kill the server outright; returns its id once it is dead (a signal takes its time)."""
    pid = pid_of(settings)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while cluster.status(settings).running and time.monotonic() < deadline:
        time.sleep(0.005)
    return pid


def write_pid_file(settings: Settings, pid: int) -> None:
    data = data_of(settings)
    lines = [str(pid), str(data), "1700000000", "5432", "/tmp", "", "  1234567    987654", "ready   "]
    (data / "postmaster.pid").write_text("\n".join(lines) + "\n")
    if AS_ROOT:
        owner = data.stat()
        os.chown(data / "postmaster.pid", owner.st_uid, owner.st_gid)


def test_it_starts_in_a_folder_with_any_name_and_a_second_start_changes_nothing(kept: Settings):
    first = cluster.ensure_started(kept)
    assert is_little(lambda: cluster.ensure_started(kept), 0.1, time.perf_counter) == first
    assert first.running
    assert not list(kept.home_path.parent.glob("three"))


def test_a_stopped_cluster_starts_in_under_a_second(kept: Settings):
    assert cluster.stop(kept)
    assert not cluster.status(kept).running
    assert not cluster.stop(kept)

    def started_s() -> float:
        cluster.stop(kept)
        began = time.perf_counter()
        cluster.ensure_started(kept)
        return time.perf_counter() - began

    # A machine that does other things is slow once.
    assert any(started_s() < 1.0 for _ in range(TRIES))
    assert ask(kept, "SELECT 1") == 1


def test_it_is_durable_and_has_no_network(kept: Settings):
    expected = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "listen_addresses": "",
        "server_encoding": "UTF8",
        "random_page_cost": "1.1",
        "TimeZone": "UTC",
    }
    assert {name: ask(kept, f"SHOW {name}") for name in expected} == expected
    assert ask(kept, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == "C.UTF-8"


def test_its_log_tells_nothing_that_people_wrote(kept: Settings):
    with psycopg.connect(**admin_parameters(kept, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE told (word text PRIMARY KEY)")
        connection.execute("INSERT INTO told VALUES ('quiet-77')")
        for statement in ("INSERT INTO told VALUES ('quiet-77')", "SELECT 1 / 0 -- quiet-77"):
            with pytest.raises(psycopg.Error):
                connection.execute(statement)
    log = data_of(kept).with_name("server.log").read_text(encoding="utf-8")
    assert "duplicate key" in log
    assert "division by zero" in log
    assert "quiet-77" not in log


def test_the_statement_of_a_program_that_was_killed_ends_with_it(kept: Settings):
    running = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(77)' AND state = 'active'"
    words = [
        sys.executable,
        "-c",
        "import psycopg, sys; psycopg.connect(sys.argv[1]).execute('SELECT pg_sleep(77)')",
    ]
    with subprocess.Popen([*words, make_conninfo(**admin_parameters(kept, "postgres"))]) as program:
        assert within(10, lambda: ask(kept, running) == 1)
        program.kill()
    assert within(10, lambda: ask(kept, running) == 0)


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it holds before the time is over."""
    end = time.perf_counter() + seconds
    while not holds():
        if time.perf_counter() > end:
            return False
        time.sleep(0.1)
    return True


def test_nobody_connects_without_a_password(kept: Settings):
    given = admin_parameters(kept, "postgres")
    for password in ("", "wrong"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(**{**given, "password": password})
    assert ask(kept, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'") == 0


def test_secrets_and_socket_are_for_their_owner_alone(kept: Settings):
    now = cluster.status(kept)
    assert now.socket_dir is not None
    private = [kept.home_path / "secrets", now.socket_dir, now.data]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (kept.home_path / "secrets").iterdir()} == {0o600}
    assert len(str(now.socket_dir / f".s.PGSQL.{now.port}")) < 107


@needs_root
def test_as_root_it_runs_under_an_unprivileged_user(kept: Settings):
    assert Path(f"/proc/{pid_of(kept)}").stat().st_uid == data_of(kept).stat().st_uid != 0


def test_a_stale_pid_file_does_not_matter(kept: Settings):
    cluster.stop(kept)
    write_pid_file(kept, 4_194_300)
    assert not cluster.status(kept).running
    assert cluster.ensure_started(kept).running
    assert ask(kept, "SELECT 1") == 1


def test_a_pid_that_belongs_to_another_process_does_not_matter(kept: Settings):
    cluster.stop(kept)
    user = data_of(kept).stat().st_uid if AS_ROOT else None
    with subprocess.Popen(["sleep", "60"], user=user) as other:
        for pid in (other.pid, os.getpid(), 1):
            write_pid_file(kept, pid)
            assert not cluster.status(kept).running
            assert cluster.ensure_started(kept).pid != pid
            assert ask(kept, "SELECT 1") == 1
            assert cluster.stop(kept)
        assert other.poll() is None, "the other process was left alone"
        other.kill()
    cluster.ensure_started(kept)


@pytest.mark.parametrize("text", ["", "\n", "nonsense", "12\n/x\n"])
def test_a_broken_pid_file_does_not_matter(kept: Settings, text: str):
    cluster.stop(kept)
    (data_of(kept) / "postmaster.pid").write_text(text)
    assert cluster.ensure_started(kept).running


def test_a_crash_loses_nothing_that_was_committed(kept: Settings):
    ask(kept, "CREATE TABLE IF NOT EXISTS kept (a int)")
    with psycopg.connect(**admin_parameters(kept, "postgres"), autocommit=True) as busy:
        busy.execute("INSERT INTO kept VALUES (42)")
        before = crash(kept)
        now = cluster.ensure_started(kept)
    assert now.pid != before
    assert ask(kept, "SELECT a FROM kept") == 42
    ask(kept, "DROP TABLE kept")


def test_a_backend_that_does_not_notice_the_crash_is_ended(kept: Settings, monkeypatch: pytest.MonkeyPatch):
    """A frozen child keeps the shared memory of the dead server; a new one beside it would destroy the data."""
    monkeypatch.setattr(postmaster, "ORPHAN_S", 0.5)
    with psycopg.connect(**admin_parameters(kept, "postgres"), autocommit=True) as busy:
        backend = busy.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        crash(kept)
        cluster.ensure_started(kept)
        assert not Path(f"/proc/{backend}/exe").exists()
    assert ask(kept, "SELECT 1") == 1


def test_a_socket_folder_that_was_cleaned_away_is_made_again(kept: Settings):
    now = cluster.status(kept)
    assert now.socket_dir is not None
    shutil.rmtree(now.socket_dir)
    assert cluster.ensure_started(kept).running
    assert ask(kept, "SELECT 1") == 1


def test_a_lost_password_is_renewed_at_the_next_start(kept: Settings):
    (kept.home_path / "secrets" / "superuser").unlink()
    with pytest.raises(SetupFailed) as error:
        admin_parameters(kept)
    assert "chengtu db stop" in str(error.value.hint)
    cluster.stop(kept)
    cluster.ensure_started(kept)
    assert ask(kept, "SELECT 1") == 1


@pytest.mark.wide
def test_a_connection_pool_survives_a_restart(kept: Settings):
    database = open_database(kept)
    with database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    cluster.stop(kept)
    with pytest.raises(Unavailable), database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    cluster.ensure_started(kept)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
    database.dispose()


def test_a_server_that_cannot_start_says_why(kept: Settings):
    cluster.stop(kept)
    overrides = data_of(kept) / "postgresql.auto.conf"
    before = overrides.read_text()
    overrides.write_text(before + "shared_buffers = 'much'\n")
    with pytest.raises(SetupFailed) as error:
        cluster.ensure_started(kept)
    assert "configuration file" in error.value.message
    overrides.write_text(before)
    assert cluster.ensure_started(kept).running


def test_a_cluster_of_another_version_is_left_alone(kept: Settings):
    cluster.stop(kept)
    data = data_of(kept)
    version = (data / "PG_VERSION").read_text()
    (data / "PG_VERSION").write_text("9\n")
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    try:
        with pytest.raises(SetupFailed) as error:
            cluster.ensure_started(kept)
        assert "PostgreSQL 9" in error.value.message
        assert "pg_dumpall" in str(error.value.hint)
        assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before
    finally:
        (data / "PG_VERSION").write_text(version)
    assert cluster.ensure_started(kept).running


@pytest.mark.wide
def test_starts_at_the_same_time_make_one_cluster_and_stopping_it_touches_no_other(
    kept: Settings, settings: Settings
):
    home = settings.home_path
    left = home / "postgres" / "data.new"  # by a first start that was killed
    left.mkdir(parents=True)
    (left / "PG_VERSION").write_text("15\n")
    home.chmod(0o755)
    code = (
        "from app.database.cluster import ensure_started; from app.settings import Settings; "
        "print(ensure_started(Settings()).pid)"
    )
    environment = {**os.environ, "CHENGTU_HOME": str(home), "PYTHONPATH": str(ROOT)}

    def start(_: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        ).stdout.strip()

    assert not cluster.stop(settings)
    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(start, range(3))) == {str(pid_of(settings))}
    assert not left.exists()
    other = pid_of(kept)
    assert cluster.stop(settings)
    assert pid_of(kept) == other
    assert ask(kept, "SELECT 1") == 1


def test_with_database_url_nothing_is_started(folder: Path):
    settings = Settings(home=folder / "home", DATABASE_URL="postgresql://127.0.0.1:1/x")
    assert cluster.ensure_started(settings) == Status(folder / "home", embedded=False, running=False)
    assert not cluster.stop(settings)
    assert not (folder / "home").exists()


@needs_root
class TestFolderThatTheDatabaseUserCannotEnter:
    """The cluster lies in /var/lib/chengtu, and the data folder names it."""

    @pytest.fixture
    def settings(self, folder: Path) -> Settings:
        folder.chmod(0o700)
        return Settings(home=folder / "home", DATABASE_URL=None)

    def test_it_lies_outside_and_follows_its_data_folder(self, settings: Settings, folder: Path):
        home = settings.home_path
        outside = location.OUTSIDE / hashlib.sha256(str(home).encode()).hexdigest()[:16]
        assert cluster.ensure_started(settings).data == outside / "data"
        assert (home / "cluster").read_text().strip() == str(outside)
        assert ask(settings, "SELECT 1") == 1

        shutil.copytree(home, folder / "copy")
        with pytest.raises(SetupFailed) as error:
            cluster.ensure_started(Settings(home=folder / "copy", DATABASE_URL=None))
        assert "copy" in error.value.message
        shutil.rmtree(folder / "copy")

        home.rename(folder / "moved")
        moved = Settings(home=folder / "moved", DATABASE_URL=None)
        before = cluster.ensure_started(moved)
        assert before.data == outside / "data"
        assert ask(moved, "SELECT 1") == 1

        # A deleted data folder: its cluster is set aside, not reused, and not destroyed.
        shutil.rmtree(folder / "moved")
        assert cluster.ensure_started(settings).pid != before.pid
        assert ask(settings, "SELECT 1") == 1
        aside = list(location.OUTSIDE.glob(f"{outside.name}.old-*"))
        assert [(one / "data" / "PG_VERSION").is_file() for one in aside] == [True]
        shutil.rmtree(aside[0])

    def test_a_pointer_to_nowhere_is_one_sentence(self, settings: Settings):
        settings.home_path.mkdir()
        (settings.home_path / "cluster").write_text("/var/lib/chengtu/nothing\n")
        with pytest.raises(SetupFailed):
            cluster.ensure_started(settings)
        (settings.home_path / "cluster").unlink()


def as_user(uid: int, gid: int, action: Callable[[], object]) -> object:
    """Run `action` in a child that has become another user (modules are loaded: theirs may be out of its reach)."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            result: object = action()
        except BaseException as error:  # noqa: BLE001 - told to the parent
            result = (type(error).__name__, str(error))
        os.write(writing, pickle.dumps(result))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(answer)


@needs_root
def test_an_ordinary_user_runs_it_as_oneself(settings: Settings, folder: Path):
    nobody = 65534
    os.chown(folder, nobody, nobody)

    def use() -> object:
        now = cluster.ensure_started(settings)
        return (
            replace(now, socket_dir=None),
            ask(settings, "SELECT 1"),
            Path(f"/proc/{now.pid}").stat().st_uid,
        )

    now, answer, owner = as_user(nobody, nobody, use)  # type: ignore[misc]
    assert (now.running, now.user, answer, owner) == (True, "nobody", 1, nobody)
    # Root finds the same cluster, and runs it as its owner.
    assert pid_of(settings) == now.pid
    assert cluster.stop(settings)
    assert Path(f"/proc/{cluster.ensure_started(settings).pid}").stat().st_uid == nobody


@needs_root
def test_another_users_database_is_one_sentence(kept: Settings):
    for settings in (kept, Settings(home=Path("/root") / "x"), Settings(home=Path("/var/lib"))):
        kind, sentence = as_user(65534, 65534, lambda: cluster.ensure_started(settings))  # type: ignore[misc]  # noqa: B023
        assert kind == "SetupFailed", sentence


def test_what_died_is_told_from_what_was_stopped(kept: Settings):
    """The guardian of a running server starts again what died alone."""
    cluster.ensure_started(kept)
    assert not cluster.has_died(kept)
    crash(kept)
    assert cluster.has_died(kept)
    cluster.ensure_started(kept)
    socket_dir = cluster.status(kept).socket_dir
    assert socket_dir is not None
    shutil.rmtree(socket_dir)  # as those do who clean temporary folders
    assert cluster.has_died(kept)
    cluster.ensure_started(kept)
    assert not cluster.has_died(kept)
    cluster.stop(kept)
    assert not cluster.has_died(kept)
    cluster.ensure_started(kept)


def test_each_start_by_the_guardian_is_told(kept: Settings, monkeypatch: pytest.MonkeyPatch):
    class EnoughError(Exception):
        """The guardian looks after a cluster until its process is ended."""

    def enough() -> None:
        raise EnoughError

    monkeypatch.setattr(
        guardian, "leave_pages_small", lambda **_: None
    )  # of this process they stay as they are
    cluster.ensure_started(kept)
    crash(kept)
    with pytest.raises(EnoughError):
        guardian.keep_up(kept, enough)
    assert not cluster.has_died(kept)
    assert cluster.status(kept).running


@needs_root
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_made(settings: Settings, folder: Path):
    home = folder / "home"
    home.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m,mode=755", "tmpfs", str(home)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        with pytest.raises(NoSpace) as error:
            cluster.ensure_started(settings)
        assert error.value.hint
        subprocess.run(["mount", "-o", "remount,size=500m", str(home)], check=True)
        assert cluster.ensure_started(settings).running
        cluster.stop(settings)
    finally:
        subprocess.run(["umount", str(home)], check=True)


class TestBinaries:
    @staticmethod
    def folder(base: Path, major: int, postgis: bool) -> Path:
        programs = base / "lib" / "postgresql" / str(major) / "bin"
        programs.mkdir(parents=True)
        for name in ("postgres", "initdb"):
            (programs / name).touch()
        extension = base / "share" / "postgresql" / str(major) / "extension"
        extension.mkdir(parents=True)
        if postgis:
            (extension / "postgis.control").touch()
        return programs

    def test_the_newest_with_postgis_is_taken(self, tmp_path: Path):
        folders = [self.folder(tmp_path, major, postgis=major < 17) for major in (15, 16, 17)]
        assert find_binaries(folders=folders).major == 16
        assert find_binaries(15, folders=folders).major == 15

    def test_what_is_missing_is_named(self, tmp_path: Path):
        told: list[str] = []
        for folders in ([self.folder(tmp_path, 16, postgis=False)], []):
            with pytest.raises(ChengtuError) as error:
                find_binaries(folders=folders)
            told.append(f"{error.value.message} {error.value.hint}")
        assert "PostGIS is missing" in told[0]
        assert "apt install postgresql-16-postgis-3" in told[0]
        assert "apt install postgresql-postgis" in told[1]


class TestSizing:
    @pytest.mark.parametrize("memory", [256, 2048, 8192, 262_144])
    def test_it_leaves_most_of_the_machine_to_others(self, memory: int):
        values = sizing.server_settings(memory * sizing.MIB, sizing.SHARED_MEMORY_MIN)
        assert int(values["shared_buffers"].removesuffix("MB")) <= memory // 4

    def test_small_shared_memory_is_avoided(self):
        kind = "dynamic_shared_memory_type"
        assert sizing.server_settings(2**30, 64 * sizing.MIB)[kind] == "mmap"
        assert sizing.server_settings(2**30, sizing.SHARED_MEMORY_MIN)[kind] == "posix"

    def test_values_are_quoted(self):
        assert sizing.as_config({"a": "it's"}) == "a = 'it''s'\n"
