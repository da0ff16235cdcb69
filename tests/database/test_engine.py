"""Transactions: roles, limits, commit, failures."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.database import errors, transactions
from app.database.deadline import DEADLINE, Deadline
from app.database.engine import Database, open_database
from app.database.errors import translate
from app.database.failures import translated
from app.database.roles import ENGINE, READER, WRITER
from app.database.server import login_parameters
from app.database.stoppable import READS, Stoppable
from app.errors import Away, BadInput, Conflict, NoSpace, SetupFailed, Unavailable
from app.inventory.schema_store import leaking
from app.settings import Settings
from tests.clones import login_file


def refused(error: pytest.ExceptionInfo[DBAPIError]) -> bool:
    return isinstance(error.value.orig, psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize(
    ("kind", "role", "isolation", "read_only"),
    [
        ("read", READER, "repeatable read", "on"),
        ("engine", ENGINE, "repeatable read", "on"),
        ("write", WRITER, "read committed", "off"),
    ],
)
def test_a_transaction_takes_its_role_and_limits(shared_database: Database, kind, role, isolation, read_only):
    names = (
        "transaction_isolation",
        "transaction_read_only",
        "jit",
        "max_parallel_workers_per_gather",
        "TimeZone",
    )
    asked = ", ".join(f"current_setting('{name}')" for name in names)
    with getattr(shared_database, kind)(timeout_s=7) as conn:
        row = conn.execute(text(f"SELECT current_user, {asked}, current_setting('statement_timeout')")).one()
        assert tuple(row) == (role, isolation, read_only, "off", "0", "UTC", "7s")


def test_the_login_is_nobody_outside_a_transaction(settings: Settings):
    login_file(settings).unlink()  # that of all copies is made by the tests
    open_database(settings).dispose()
    parameters = login_parameters(settings)
    assert parameters is not None
    with psycopg.connect(**parameters, autocommit=True) as conn:
        row = conn.execute(
            "SELECT rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles "
            "WHERE rolname = session_user"
        ).fetchone()
        assert row == (False, False, False, False, False)
        for statement in (
            "SELECT * FROM city.settings",
            "SET ROLE chengtu_owner",
            "CREATE TABLE public.mine (a int)",
            "CREATE TEMPORARY TABLE mine (a int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE city.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "ALTER TABLE city.settings ADD COLUMN a int",
        "DROP TABLE city.jobs",
        "TRUNCATE city.changes",
        "UPDATE city.alembic_version SET version_num = '0000'",
        "SELECT * FROM pg_authid",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_sleep(0)",
        "SELECT lo_creat(-1)",
        "SELECT query_to_xml('SELECT 1', true, false, '')",
        "SELECT pg_terminate_backend(1)",
        "COPY city.settings TO PROGRAM 'cat'",
        "CREATE ROLE other",
        "CREATE EXTENSION dblink",
        "SET ROLE chengtu_owner",
    ],
)
@pytest.mark.parametrize("kind", ["read", "write", "engine"])
def test_no_role_of_the_service_may(shared_database: Database, kind, statement):
    with pytest.raises(DBAPIError) as error, getattr(shared_database, kind)() as conn:
        conn.execute(text(statement))
    assert refused(error) or isinstance(error.value.orig, psycopg.errors.ReadOnlySqlTransaction)


def test_readers_cannot_write(shared_database: Database):
    for opened in (shared_database.read, shared_database.engine):
        with pytest.raises(DBAPIError) as error, opened() as conn:
            conn.execute(text("INSERT INTO city.settings VALUES ('a', 'b')"))
        assert refused(error) or isinstance(error.value.orig, psycopg.errors.ReadOnlySqlTransaction)


def test_only_writers_may_stage(shared_database: Database):
    with shared_database.write() as conn:
        conn.execute(text("CREATE TEMPORARY TABLE staged (a int) ON COMMIT DROP"))
    with pytest.raises(DBAPIError), shared_database.read() as conn:
        conn.execute(text("CREATE TEMPORARY TABLE staged (a int) ON COMMIT DROP"))


def test_overlaps_is_leakproof_and_functions_are_closed_in_the_catalogue(read_conn):
    assert leaking(read_conn) == []
    leakproof = (
        "SELECT count(*) FROM pg_proc WHERE proleakproof AND proname IN ('geometry_overlaps', 'ts_match_vq')"
    )
    assert read_conn.execute(text(leakproof)).scalar_one() == 2
    create = (
        "SELECT has_schema_privilege('public', 'CREATE'), has_database_privilege(current_database(), 'TEMP')"
    )
    assert tuple(read_conn.execute(text(create)).one()) == (False, False)


def test_a_write_is_there_when_the_block_ends(database: Database):
    with database.write() as conn:
        conn.execute(text("INSERT INTO city.settings VALUES ('k', 'v')"))
    other = Database(database.settings)
    with other.read() as conn:
        assert conn.execute(text("SELECT value FROM city.settings")).scalar_one() == "v"
    other.dispose()


def test_a_write_that_raises_leaves_nothing(database: Database):
    with pytest.raises(ZeroDivisionError), database.write() as conn:  # noqa: PT012
        conn.execute(text("INSERT INTO city.settings VALUES ('k', 'v')"))
        raise ZeroDivisionError
    with database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM city.settings")).scalar_one() == 0


def test_a_server_that_went_down_on_a_full_disk_says_so(cluster_settings: Settings, monkeypatch):
    lost = psycopg.OperationalError("server closed the connection unexpectedly")
    assert type(translate(lost, cluster_settings)) is Away
    # Any disk counts as full now.
    monkeypatch.setattr(errors, "LITTLE_BYTES", 1 << 62)
    told = translate(lost, cluster_settings)
    assert isinstance(told, NoSpace)
    assert told.hint
    read = translate(lost, cluster_settings, saves=False)
    assert (type(read), "disk is full" in str(read)) == (Away, True)
    full = psycopg.errors.DiskFull("no space left")
    assert isinstance(translate(full), NoSpace)
    read = translate(full, saves=False)
    assert (type(read), "disk is full" in str(read)) == (Unavailable, True)
    elsewhere = Settings(home=cluster_settings.home_path, DATABASE_URL="postgresql://a:b@c/d")
    assert type(translate(lost, elsewhere)) is Away


def test_only_what_saves_says_that_nothing_was_saved():
    def told(
        *, writes: bool, reads: Stoppable | None = None, asked: Deadline | None = None
    ) -> type[Exception]:
        tokens = READS.set(reads), DEADLINE.set(asked)
        try:
            with pytest.raises(Unavailable) as error, translated(writes=writes):
                raise psycopg.errors.DiskFull("no space left")
        finally:
            READS.reset(tokens[0])
            DEADLINE.reset(tokens[1])
        return error.type

    # A command or job; a request that writes, and what it reads before; a request that reads, and what it records.
    assert [told(writes=writes) for writes in (True, False)] == [NoSpace, Unavailable]
    assert [told(writes=writes, asked=Deadline(1)) for writes in (True, False)] == [NoSpace, NoSpace]
    reading = [told(writes=writes, asked=Deadline(1), reads=Stoppable()) for writes in (True, False)]
    assert reading == [Unavailable, Unavailable]


def test_a_swallowed_failure_is_not_taken_for_a_commit(database: Database):
    """The server answers COMMIT after a failed statement with a silent rollback."""
    with pytest.raises(Conflict), database.write() as conn:  # noqa: PT012
        conn.execute(text("INSERT INTO city.settings VALUES ('k', 'v')"))
        with pytest.raises(DBAPIError):
            conn.execute(text("SELECT 1/0"))


def test_a_failure_in_a_savepoint_may_be_survived(database: Database):
    with database.write() as conn:
        conn.execute(text("INSERT INTO city.settings VALUES ('k', 'v')"))
        with pytest.raises(DBAPIError), conn.begin_nested():
            conn.execute(text("SELECT 1/0"))
    with database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM city.settings")).scalar_one() == 1


def test_a_constraint_checked_at_commit_is_a_conflict(database: Database):
    """`imports.change_id` is deferred: the failure comes with COMMIT, and still reaches the caller."""
    with pytest.raises(Conflict), database.write() as conn:
        conn.execute(text("INSERT INTO city.imports (path, format, change_id) VALUES ('a', 'b', 1)"))


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELECT 1/0", BadInput),
        ("SELECT 'x'::int", BadInput),
        ("INSERT INTO city.settings VALUES ('a', NULL)", Conflict),
        ("INSERT INTO city.settings VALUES ('a', 'b'), ('a', 'b')", Conflict),
        ("INSERT INTO city.jobs (kind, who, state) VALUES ('a', 'b', 'c')", Conflict),
        ("SELECT st_geomfromtext('POLYGON((0 0, 1 1')", BadInput),
        ("SELECT st_geomfromwkb('\\x0102'::bytea)", BadInput),
        ("SELECT count(*) FROM generate_series(1, 100000000)", Unavailable),
    ],
)
def test_failures_are_told_as_ours(shared_database: Database, statement, error):
    with pytest.raises(error) as caught, shared_database.write(timeout_s=0.2) as conn:
        conn.execute(text(statement))
    assert "SELECT" not in caught.value.message


def test_a_writer_waits_no_longer_than_its_lock_timeout(database: Database):
    with database.write() as first:
        first.execute(text("INSERT INTO city.settings VALUES ('k', 'v')"))
        with pytest.raises(Unavailable), database.write() as second:  # noqa: PT012
            second.execute(text("SET LOCAL lock_timeout = 100"))
            second.execute(text("INSERT INTO city.settings VALUES ('k', 'w')"))


def test_a_lost_connection_is_replaced_unseen(database: Database):
    with database.read() as conn:
        pid = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
    os.kill(pid, signal.SIGTERM)
    with database.read() as conn:
        assert conn.execute(text("SELECT 1")).scalar_one() == 1


def test_a_connection_lost_in_the_middle_is_unavailable(database: Database):
    with pytest.raises(Unavailable), database.read() as conn:  # noqa: PT012
        os.kill(conn.execute(text("SELECT pg_backend_pid()")).scalar_one(), signal.SIGTERM)
        for _ in range(1000):
            conn.execute(text("SELECT 1"))


def test_copy_goes_through_the_same_transaction(database: Database):
    with pytest.raises(ZeroDivisionError), database.write() as conn:  # noqa: PT012
        with database.raw(conn).cursor().copy("COPY city.changes (who, why) FROM STDIN") as copy:
            copy.write_row(("k", "v"))
        assert conn.execute(text("SELECT why FROM city.changes")).scalar_one() == "v"
        raise ZeroDivisionError
    with database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM city.changes")).scalar_one() == 0


def test_roles_do_not_leak_between_transactions(shared_database: Database):
    for _ in range(50):
        for kind, role in (("read", READER), ("write", WRITER), ("engine", ENGINE)):
            with getattr(shared_database, kind)() as conn:
                assert conn.execute(text("SELECT current_user")).scalar_one() == role


def test_a_connection_out_while_the_others_are_closed_is_closed_when_it_comes_back(database: Database):
    own = Database(database.settings)
    with own.read() as conn:
        driver = Database.raw(conn)
        own.dispose()
        assert conn.execute(text("SELECT 1")).scalar_one() == 1
    assert driver.closed


def test_one_that_begins_while_the_others_are_closed_is_closed_as_well(database: Database, monkeypatch):
    own, drivers = Database(database.settings), []
    begin = transactions._begin

    def begin_meanwhile(driver, *given) -> None:
        drivers.append(driver)
        own.dispose()
        begin(driver, *given)

    monkeypatch.setattr(transactions, "_begin", begin_meanwhile)
    with own.read():
        pass
    assert [driver.closed for driver in drivers] == [True]


def test_one_that_comes_back_in_the_midst_of_closing_is_closed_as_well(database: Database, monkeypatch):
    own = Database(database.settings)
    pool = own._pool.pool
    with ExitStack() as reading:
        driver = Database.raw(reading.enter_context(own.read()))
        recreate = pool.recreate
        # The pool has closed what it kept, and is still the one to which connections come back.
        monkeypatch.setattr(pool, "recreate", lambda: (reading.close(), recreate())[1])
        own.dispose()
    assert driver.closed


def test_a_successor_of_a_dead_one_is_closed_where_the_others_are_closed_meanwhile(database: Database):
    own = Database(database.settings)
    with own.read() as conn:
        pid = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
    os.kill(pid, signal.SIGTERM)
    with own.read() as conn:
        driver = Database.raw(conn)
        assert driver.info.backend_pid != pid
        own.dispose()
    assert driver.closed
    own.dispose()


def test_one_whose_transaction_cannot_begin_is_closed_as_well(database: Database, monkeypatch):
    own, drivers = Database(database.settings), []

    def refused_meanwhile(driver, *_) -> None:
        drivers.append(driver)
        own.dispose()
        raise psycopg.errors.InsufficientPrivilege

    monkeypatch.setattr(transactions, "_begin", refused_meanwhile)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), own.read():
        pass
    assert [driver.closed for driver in drivers] == [True]


def test_of_many_who_find_a_dead_connection_one_replaces_them_all(database: Database):
    own = Database(database.settings)
    dead = own._pool.pool
    transactions._replace(own._pool, dead)
    with own.read() as conn:
        driver = Database.raw(conn)
    transactions._replace(own._pool, dead)
    assert not driver.closed
    with own.read() as conn:
        assert Database.raw(conn) is driver
    own.dispose()
    assert driver.closed


def test_no_connection_is_made_before_the_first_transaction():
    Database(Settings(DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing"))


def test_a_server_that_is_away_is_one_sentence(tmp_path):
    settings = Settings(home=tmp_path, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable) as error:
        open_database(settings)
    assert error.value.hint


def test_a_wrong_password_is_one_sentence(settings: Settings):
    assert settings.database_url is not None
    wrong = Settings(
        home=settings.home / "other", DATABASE_URL=settings.database_url.replace("postgres:", "postgres:x")
    )
    with pytest.raises(SetupFailed):
        open_database(wrong)


def test_an_address_that_is_none_is_one_sentence(tmp_path):
    with pytest.raises(BadInput):
        open_database(Settings(home=tmp_path, DATABASE_URL="mysql://nowhere"))
