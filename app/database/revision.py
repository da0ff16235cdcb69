"""Which revision and which own classes a database has, and which are the newest; without Alembic: all can ask."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from app.catalogue.local import fingerprint
from app.errors import SetupFailed
from app.settings import ROOT, Settings

FOLDER = ROOT / "migrations"
LOCAL_KEY = "local"


def head() -> str:
    """The newest revision this program knows: the highest number among `migrations/versions/NNNN_*.py`."""
    names = (re.match(r"\d{4}(?=_)", path.name) for path in (FOLDER / "versions").glob("*.py"))
    return max(name.group() for name in names if name)


def current_revision(connection: psycopg.Connection[Any]) -> str | None:
    """The revision of the connected database, None before the first migration."""
    table = "city.alembic_version"
    known = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    if not known or not known[0]:
        return None
    row = connection.execute("SELECT version_num FROM city.alembic_version").fetchone()
    return str(row[0]) if row else None


def local_mark(settings: Settings) -> str:
    """What `find_local_mark` gives once the city's own classes, as they are declared now, are in the database."""
    return f"{head()} {fingerprint(settings.local_path)}"


def find_local_mark(connection: psycopg.Connection[Any]) -> str | None:
    """The mark of the last growth to the city's own classes, None where there was none."""
    row = connection.execute("SELECT value FROM city.settings WHERE key = %s", [LOCAL_KEY]).fetchone()
    return str(row[0]) if row else None


def set_local_mark(connection: psycopg.Connection[Any], settings: Settings) -> None:
    """Note that the city's own classes are in the database as they are declared now."""
    connection.execute(
        "INSERT INTO city.settings (key, value) VALUES (%s, %s) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [LOCAL_KEY, local_mark(settings)],
    )


def check_not_newer(revision: str | None) -> None:
    """Raise SetupFailed for a database that a newer program has migrated."""
    if revision is not None and revision > head():
        raise SetupFailed(
            f"The database is at revision {revision}, which this version of the program does not know.",
            "Use the newer program that migrated it, or restore a backup made before.",
        )
