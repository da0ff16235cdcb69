"""Which revision a database is at, and which is the newest; without Alembic, so that every process can ask."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from app.errors import SetupFailed
from app.settings import ROOT

FOLDER = ROOT / "migrations"


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


def check_not_newer(revision: str | None) -> None:
    """Raise SetupFailed for a database that a newer program has migrated."""
    if revision is not None and revision > head():
        raise SetupFailed(
            f"The database is at revision {revision}, which this version of the program does not know.",
            "Use the newer program that migrated it, or restore a backup made before.",
        )
