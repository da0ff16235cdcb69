"""The SQL of imports: the report that is kept with the record of an import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from app.ingest.report import Origin

_KEEP = text("UPDATE city.imports SET report = CAST(:report AS jsonb) WHERE id = :id")

_KEEP_ORIGIN = text(
    "UPDATE city.imports SET source = coalesce(:source, source), licence = coalesce(:licence, licence),"
    " attribution = coalesce(:attribution, attribution)"
    " WHERE sha256 = (SELECT sha256 FROM city.imports WHERE id = :id)"
)


def keep_origin(conn: Connection, import_id: UUID, origin: Origin) -> None:
    """What is said of a file holds for earlier imports of the very same file too: their rows stay theirs."""
    conn.execute(_KEEP_ORIGIN, {"id": import_id, **asdict(origin)})


def keep_report(conn: Connection, import_id: UUID, report: Mapping[str, Any]) -> None:
    """Put the whole report beside the record that the write of the same transaction has made."""
    conn.execute(_KEEP, {"id": import_id, "report": orjson.dumps(report, default=str).decode()})
