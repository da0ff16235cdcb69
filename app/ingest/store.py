"""The SQL of imports: the report that is kept with the record of an import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

_KEEP = text("UPDATE city.imports SET report = CAST(:report AS jsonb) WHERE id = :id")


def keep_report(conn: Connection, import_id: UUID, report: Mapping[str, Any]) -> None:
    """Put the whole report beside the record that the write of the same transaction has made."""
    conn.execute(_KEEP, {"id": import_id, "report": orjson.dumps(report, default=str).decode()})
