"""The SQL of imports: the report kept with the record of an import, and what is stored that a file refers to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import orjson
from psycopg import sql
from sqlalchemy import Connection, text

from app.catalogue.model import FeatureClass
from app.ingest.options import Origin
from app.ingest.stored_points import StoredPoint
from app.inventory.changes import raw

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


def find_codes(conn: Connection, cls: FeatureClass, ids: list[str]) -> dict[str, str]:
    """The codes of the features that bear these official ids, by id; an id that two features bear is left out."""
    query = sql.SQL(
        "SELECT component_code, min(code) FROM {} WHERE component_code = ANY(%s) GROUP BY 1 HAVING count(*) = 1"
    ).format(sql.Identifier(cls.schema, cls.id))
    return dict(raw(conn).execute(query, (ids,)).fetchall())


def read_nodes(conn: Connection, names: Sequence[str]) -> list[StoredPoint]:
    """The stored pipe nodes whose code or number in the survey is one of these names."""
    query = text(
        "SELECT code, survey_number, ST_X(geom), ST_Y(geom) FROM city.pipe_nodes"
        " WHERE code = ANY(:names) OR survey_number = ANY(:names) ORDER BY id"
    )
    rows = conn.execute(query, {"names": list(names)}).all()
    return [StoredPoint(row[0], row[1], (row[2], row[3])) for row in rows]


def read_places(conn: Connection, cls: FeatureClass, codes: list[str]) -> dict[str, tuple[float, float]]:
    """Lon/lat of the middle of the features that are stored under these codes, by code."""
    query = sql.SQL(
        "SELECT code, ST_X(middle), ST_Y(middle) FROM"
        " (SELECT code, ST_Centroid(geom) AS middle FROM {} WHERE code = ANY(%s)) AS found"
    ).format(sql.Identifier(cls.schema, cls.id))
    return {code: (lon, lat) for code, lon, lat in raw(conn).execute(query, (codes,)).fetchall()}
