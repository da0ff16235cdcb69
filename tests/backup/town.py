"""A small town with a data folder of its own, backed up once while somebody writes: what the tests of backups share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import text

from app.backup import service
from app.backup.service import Made
from app.database.engine import Database, open_database
from app.database.scope import Scope, within
from app.database.server import admin_parameters
from app.settings import Settings
from tests.clones import clone

IDS = "SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM city.toilets"


@dataclass(frozen=True)
class Town:
    """The town's settings, the folder of its backups, and the one that was made."""

    settings: Settings
    folder: Path
    made: Made


@contextmanager
def backed_up(cluster_settings: Settings, template: str, home: Path, *, verify: bool) -> Iterator[Town]:
    """A clone of the sample town; a writer goes on while it is backed up."""
    with clone(cluster_settings, template) as cloned:
        settings = Settings(home=home, DATABASE_URL=cloned.database_url)
        with writing(settings) as written:
            (home / "kept").mkdir(mode=0o700)
            made = service.backup(settings, f"{home}/kept/", keep=None, verify=verify, tell=lambda _: None)
        assert written, "nobody wrote while the backup was made"
        yield Town(settings, home / "kept", made)


@contextmanager
def writing(settings: Settings) -> Iterator[list[int]]:
    """Changes are written one after the other while the block runs; their numbers."""
    written: list[int] = []
    over = threading.Event()

    def write() -> None:
        with open_database(settings) as db:
            while not over.is_set():
                written.append(one_change(db))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield written
    finally:
        over.set()
        writer.join()


def one_change(db: Database) -> int:
    """One more change on record, of one toilet; its number."""
    with db.write() as conn:
        number = conn.execute(
            text(
                "INSERT INTO city.changes (who, why, classes) VALUES ('test', 'test', '{toilets}') RETURNING id"
            )
        ).scalar_one()
        conn.execute(
            text("UPDATE city.toilets SET change_id = :number WHERE id = (SELECT min(id) FROM city.toilets)"),
            {"number": number},
        )
    return int(number)


def seen(db: Database, scope: Scope) -> list[int]:
    """The ids of toilets that a scope sees."""
    with within(scope), db.read() as conn:
        return list(conn.execute(text(IDS)).scalar_one())


def admin(settings: Settings, database: str | None = None) -> psycopg.Connection[tuple[object, ...]]:
    """The administrator's connection."""
    return psycopg.connect(**admin_parameters(settings, database), autocommit=True)


def databases(settings: Settings) -> set[str]:
    """The names of all databases that begin as the town's does."""
    name = str(admin_parameters(settings)["dbname"])
    with admin(settings) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [name])
        return {str(row[0]) for row in rows}
