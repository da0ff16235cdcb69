"""Migrations: one transaction, one at a time, the same result everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from urllib.parse import quote

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from psycopg.sql import SQL, Identifier

from app.database.binaries import find_binaries
from app.database.engine import open_database
from app.database.migrate import LOCK_KEY, migrate
from app.database.revision import FOLDER, current_revision, head
from app.database.roles import EDIT, ENGINE, SEE, SEE_ALL
from app.database.server import admin_parameters, login_parameters
from app.errors import SetupFailed
from app.settings import ROOT, Settings
from tests.clones import login_file

MIGRATE = (
    "from app.settings import Settings; from app.database.migrate import migrate; print(migrate(Settings()))"
)


def start_migration(settings: Settings) -> subprocess.Popen[str]:
    assert settings.database_url is not None
    environment = {
        **os.environ,
        "CHENGTU_HOME": str(settings.home_path),
        "DATABASE_URL": settings.database_url,
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen(
        [sys.executable, "-c", MIGRATE], env=environment, stdout=subprocess.PIPE, text=True
    )


def revision_of(settings: Settings) -> str | None:
    with psycopg.connect(**admin_parameters(settings)) as connection:
        return current_revision(connection)


def dump(settings: Settings) -> list[str]:
    """The whole schema with owners and privileges; newer pg_dump adds a random word, which is left out."""
    given = admin_parameters(settings)
    environment = {f"PG{name.upper()}": given[name] for name in ("host", "port", "user", "password")}  # type: ignore[literal-required]
    command = [find_binaries().program("pg_dump"), "--schema-only", given["dbname"]]
    done = subprocess.run(
        command,
        env={**environment, "PGDATABASE": given["dbname"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        line
        for line in done.stdout.splitlines()
        if "restrict " not in line and f"{given['dbname']}" not in line
    ]


def test_head_is_the_one_alembic_sees():
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    assert ScriptDirectory.from_config(config).get_heads() == [head()]


@pytest.mark.wide
def test_two_at_once_both_end_right(empty_settings: Settings):
    with start_migration(empty_settings) as one, start_migration(empty_settings) as other:
        assert (one.communicate()[0].strip(), other.communicate()[0].strip()) == (head(), head())
    assert (one.returncode, other.returncode) == (0, 0)
    assert revision_of(empty_settings) == head()


@pytest.mark.wide
def test_one_that_is_killed_leaves_nothing(empty_settings: Settings):
    """It is killed while it waits in its transaction, right after making its roles and schema."""
    with psycopg.connect(**admin_parameters(empty_settings)) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
        with start_migration(empty_settings) as killed:
            _wait_for_lock(holder)
            killed.kill()
    with start_migration(empty_settings) as killed:
        time.sleep(1.5)
        killed.kill()
    assert revision_of(empty_settings) in {None, head()}
    assert migrate(empty_settings) == head()
    assert revision_of(empty_settings) == head()


def _wait_for_lock(holder: psycopg.Connection[tuple[object, ...]]) -> None:
    waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    deadline = time.monotonic() + 20
    while holder.execute(waiting).fetchone() is None and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.mark.wide
def test_what_comes_after_the_revisions_is_one_with_them(empty_settings: Settings):
    def fail(connection: psycopg.Connection[tuple[object, ...]]) -> None:
        assert connection.execute(
            "SELECT current_user, version_num FROM city.alembic_version"
        ).fetchone() == (
            "chengtu_owner",
            head(),
        )
        raise SetupFailed("no")

    with pytest.raises(SetupFailed):
        migrate(empty_settings, then=fail)
    assert revision_of(empty_settings) is None


def test_it_is_tried_again_while_a_reader_is_in_the_way(settings: Settings):
    tried: list[int] = []

    def wait(connection: psycopg.Connection[tuple[object, ...]]) -> None:
        tried.append(1)
        if len(tried) == 1:
            raise LockNotAvailable
        connection.execute("COMMENT ON TABLE city.settings IS 'second'")

    migrate(settings, then=wait)
    assert len(tried) == 2


@pytest.mark.wide
def test_a_migration_can_stop_before_the_newest_revision(empty_settings: Settings):
    assert migrate(empty_settings, to="0001") == revision_of(empty_settings) == "0001"
    assert migrate(empty_settings) == head()


@pytest.mark.wide
def test_the_result_is_the_same_everywhere(settings: Settings, empty_settings: Settings):
    migrate(empty_settings)
    one, other = dump(settings), dump(empty_settings)
    assert "CREATE TABLE city.jobs (" in one
    assert one == other


def test_migrating_again_changes_nothing(settings: Settings):
    before = dump(settings)
    assert migrate(settings) == migrate(settings) == head()
    assert dump(settings) == before


def test_everything_in_the_schema_belongs_to_the_owner(read_conn):
    owners = (
        "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'city'::regnamespace"
    )
    assert read_conn.exec_driver_sql(owners).scalars().all() == ["chengtu_owner"]


def test_tables_to_come_are_open_to_the_service_and_to_nobody_else(settings: Settings):
    """Default privileges: a later revision need not remember to grant, nor to revoke."""
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as admin:
        admin.execute("SET ROLE chengtu_owner")
        admin.execute("CREATE TABLE city.later (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int)")
    database = open_database(settings)
    with database.write() as conn:
        conn.exec_driver_sql("INSERT INTO city.later (a) VALUES (1)")
    with database.read() as conn:
        assert conn.exec_driver_sql("SELECT a FROM city.later").scalar_one() == 1
        may = "SELECT has_table_privilege('{}', 'city.later', 'SELECT, INSERT, UPDATE, DELETE')"
        others = (ENGINE, *SEE, *SEE_ALL, *EDIT)
        assert [conn.exec_driver_sql(may.format(role)).scalar_one() for role in others] == [False] * len(
            others
        )
    database.dispose()


def test_a_newer_database_is_refused(settings: Settings):
    open_database(settings).dispose()
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as admin:
        admin.execute("UPDATE city.alembic_version SET version_num = '9999'")
    for attempt in (open_database, migrate):
        with pytest.raises(SetupFailed) as error:
            attempt(settings)
        assert "9999" in error.value.message


def test_a_login_that_the_server_forgot_is_made_anew(settings: Settings):
    """A database restored on another server has no roles of ours that can log in."""
    login_file(settings).unlink()  # that of all copies, which others need
    open_database(settings).dispose()
    login = login_parameters(settings)
    assert login is not None
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as admin:
        admin.execute(SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(Identifier(login["user"])))
    database = open_database(settings)
    with database.read() as conn:
        assert conn.exec_driver_sql("SELECT session_user").scalar_one() == login["user"]
    database.dispose()


@pytest.mark.wide
def test_an_owner_who_is_no_superuser_can_migrate(empty_settings: Settings, cluster_settings: Settings):
    """A managed server: the administrator made PostGIS, the user of DATABASE_URL owns the database and makes roles."""
    assert empty_settings.database_url is not None
    given = admin_parameters(empty_settings)
    manager = f"manager_{given['dbname']}"
    with psycopg.connect(**given, autocommit=True) as admin:
        admin.execute(SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD 'p'").format(Identifier(manager)))
        admin.execute(
            SQL("ALTER DATABASE {} OWNER TO {}").format(Identifier(given["dbname"]), Identifier(manager))
        )
    url = empty_settings.database_url.replace(
        f"postgres:{quote(given['password'], safe='')}@", f"{manager}:p@"
    )
    settings = Settings(home=cluster_settings.home_path / manager, DATABASE_URL=url)
    with pytest.raises(SetupFailed) as error:
        migrate(settings)
    assert "CREATE EXTENSION postgis" in str(error.value.hint)
    with psycopg.connect(**given, autocommit=True) as admin:
        admin.execute("CREATE EXTENSION postgis")
    database = open_database(settings)
    with database.write() as conn:
        conn.exec_driver_sql("INSERT INTO city.settings VALUES ('a', 'b')")
    database.dispose()
