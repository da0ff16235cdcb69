"""Databases of tests: a cluster that nothing outlives, templates, and a copy of one for each test that commits."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier

from app.database import cluster
from app.database.engine import Database, open_database
from app.database.locks import exclusive
from app.database.roles import EDIT, ENGINE, READER, SEE, SEE_ALL, WRITER
from app.database.server import admin_parameters, database_mark
from app.settings import Settings

#: Nothing of the run is to outlive a power cut (a killed server loses nothing all the same); its few pages need
#: little memory, which each clone and end of one looks through; nobody tidies up behind a database of seconds.
FLEETING = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_compression": "off",
    "shared_buffers": "128MB",
    "autovacuum": "off",
    # Bound once, not by each of four thousand connections (0.01 s of a processor).
    "shared_preload_libraries": "postgis-3",
    # Of a service there is one; of tests as many at once as there are processes.
    "max_connections": "200",
}
#: This process's login and administrator's connection to each cluster, by its folder.
_LOGINS: dict[Path, str] = {}
_ADMINISTRATORS: dict[Path, psycopg.Connection[tuple[object, ...]]] = {}


def make_fleeting(settings: Settings) -> None:
    """Start the cluster as one that nothing outlives: by the first process, while no other one uses it."""
    with _administer(settings) as admin:
        if admin.execute("SHOW fsync").fetchone() == ("off",):
            return
        for name, value in FLEETING.items():
            admin.execute(SQL("ALTER SYSTEM SET {} = {}").format(Identifier(name), value))
        administrator = admin_parameters(settings)
        _let_in_quickly(admin, administrator["user"], administrator["password"])
    leave(settings)
    cluster.stop(settings)
    cluster.ensure_started(settings)


def leave(settings: Settings) -> None:
    """Close this process's connection to a cluster."""
    _ADMINISTRATORS.pop(settings.home_path).close()


def make_once(settings: Settings, name: str, source: str | None, fill: Callable[[Settings], object]) -> None:
    """A database to copy from, filled once a run, whichever process is first."""
    with exclusive(settings.home_path / f"{name}.lock"), _administer(settings) as admin:
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None:
            return
        draft = f"{name}_draft"
        _create(admin, settings, draft, source)
        fill(settings_for(settings, draft))
        _lighten(admin, settings, draft)
        # Renamed only when it is whole, so that a killed process leaves no half-made template.
        admin.execute(SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(draft), Identifier(name)))


def _let_in_quickly(admin: psycopg.Connection[tuple[object, ...]], user: str, password: str) -> None:
    """Ask for a password's digest once: what makes guesses slow, each connection pays for on both sides."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    keys = [hmac.digest(salted, word, "sha256") for word in (b"Client Key", b"Server Key")]
    told = [b64encode(part).decode() for part in (salt, hashlib.sha256(keys[0]).digest(), keys[1])]
    verifier = f"SCRAM-SHA-256$1:{told[0]}${told[1]}:{told[2]}"
    admin.execute(SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(Identifier(user), verifier))


def _login(admin: psycopg.Connection[tuple[object, ...]]) -> str:
    """The service's login for all copies that this process makes, as it is kept in a file.

    Migrating makes one for each database, which takes three connections of their own. Processes that share
    one would change it at the same moment.
    """
    user, password = f"chengtu_tests_{os.getpid()}", "of-tests"
    admin.execute(SQL("CREATE ROLE {} NOINHERIT").format(Identifier(user)))
    groups = SQL(", ").join(map(Identifier, (READER, WRITER, ENGINE, *SEE, *SEE_ALL, *EDIT)))
    admin.execute(SQL("GRANT {} TO {}").format(groups, Identifier(user)))
    _let_in_quickly(admin, user, password)
    return json.dumps({"user": user, "password": password})


def login_file(settings: Settings) -> Path:
    """Where the service's login for a database is kept."""
    return settings.home_path / "secrets" / f"login-{database_mark(settings)}"


def _lighten(admin: psycopg.Connection[tuple[object, ...]], settings: Settings, name: str) -> None:
    """Leave out of a template what takes a clone longer than all its files (0.18 s of a processor instead of 0.06)."""
    # That a role may see a column stands with the column. That it is named there (17,000 times) is noted for all
    # databases together, so that no such role is dropped: no test drops one of the city's.
    admin.execute(
        "DELETE FROM pg_shdepend WHERE dbid = (SELECT oid FROM pg_database WHERE datname = %s)", [name]
    )
    # The first connection writes down what each one needs to know of the system's tables; clones bring it along.
    psycopg.connect(**admin_parameters(settings, name)).close()


def _create(
    admin: psycopg.Connection[tuple[object, ...]], settings: Settings, name: str, source: str | None
) -> None:
    origin = SQL(" TEMPLATE {}").format(Identifier(source)) if source else SQL("")
    # Copying files takes 0.04 s, going through the log (the default since 15) ten times that.
    strategy = SQL(" STRATEGY FILE_COPY" if admin.info.server_version >= 150000 else "")
    admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)) + origin + strategy)
    if source:
        # Whom the template lets in, the copy does.
        admin.execute(
            "UPDATE pg_database SET datacl = (SELECT datacl FROM pg_database WHERE datname = %s) WHERE datname = %s",
            [source, name],
        )
        if settings.home_path not in _LOGINS:
            _LOGINS[settings.home_path] = _login(admin)
        file = login_file(settings_for(settings, name))
        file.write_text(_LOGINS[settings.home_path], encoding="utf-8")
        file.chmod(0o600)


@contextmanager
def _administer(settings: Settings) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """One connection a process and cluster: logging in for each clone and each end of one takes 0.01 s twice."""
    kept = _ADMINISTRATORS.get(settings.home_path)
    if kept is None or kept.broken or kept.closed:
        kept = psycopg.connect(**admin_parameters(settings, "postgres"), autocommit=True)
        _ADMINISTRATORS[settings.home_path] = kept
    yield kept


def settings_for(settings: Settings, name: str) -> Settings:
    """Settings that name another database of the same cluster by DATABASE_URL, as a child process would get them."""
    given = admin_parameters(settings)
    place = urlencode({"host": given["host"], "port": given["port"]})
    url = f"postgresql://{given['user']}:{quote(given['password'], safe='')}@/{name}?{place}"
    return Settings(home=settings.home_path, DATABASE_URL=url)


@contextmanager
def clone(settings: Settings, template: str | None) -> Iterator[Settings]:
    """A database of its own, copied from `template` (None: empty), dropped at the end."""
    name = f"test_{uuid4().hex[:12]}"
    with _administer(settings) as admin:
        _create(admin, settings, name, template)
    try:
        yield settings_for(settings, name)
    finally:
        with _administer(settings) as admin:
            admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    database = open_database(settings)
    try:
        yield database
    finally:
        database.dispose()
