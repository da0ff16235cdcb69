"""The record of change: settings, locks, change numbers, data versions and imports of the one city a database holds."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Connection, text

from app.catalogue.model import FeatureClass
from app.database.transactions import Database, remembered
from app.errors import BadInput, NotFound
from app.inventory.areas import AREA_CLASSES
from app.inventory.batch import Change, Counts, ImportSource
from app.inventory.tables import SCHEMA, quoted
from app.inventory.times import NOW, Times, versions
from app.space.metric import MetricCrs, metric_crs

METRIC_CRS = "metric_crs"
_NEXT_CHANGE = f"nextval(pg_get_serial_sequence('{SCHEMA}.changes', 'id'))"
#: First half of every advisory lock on a class, so that no other use of such locks meets ours.
LOCK_SPACE = zlib.crc32(b"chengtu.inventory") & 0x7FFFFFFF


def raw(conn: Connection) -> psycopg.Connection[Any]:
    """The psycopg connection below, in the same transaction: for COPY and binary rows."""
    return Database.raw(conn)


def writes_all(conn: Connection) -> bool:
    """Whether the transaction writes to the whole city: only then may it replace tables or make entries of all."""
    row = raw(conn).execute("SELECT pg_has_role(current_user, 'chengtu_rw', 'USAGE')").fetchone()
    return bool(row and row[0])


def find_setting(conn: Connection, key: str) -> str | None:
    """The stored value of a city setting, None where it is not set."""
    value = conn.execute(text(f"SELECT value FROM {SCHEMA}.settings WHERE key = :key"), {"key": key}).scalar()
    return None if value is None else str(value)


def set_setting(conn: Connection, key: str, value: str) -> None:
    """Store a city setting, over the one before."""
    conn.execute(
        text(
            f"INSERT INTO {SCHEMA}.settings (key, value) VALUES (:key, :value) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        ),
        {"key": key, "value": value},
    )


def get_metric_crs(conn: Connection) -> MetricCrs:
    """The city's metric CRS, fixed at its first load.

    Raises:
        NotFound: Nothing has been loaded yet.
    """
    definition = find_setting(conn, METRIC_CRS)
    if definition is None:
        raise NotFound(
            "The database holds no data yet, so the city's metric CRS is not fixed.",
            "Load data first: `chengtu sample load --size town` or `chengtu import PATH`.",
        )
    return metric_crs(definition)


def fix_metric_crs(conn: Connection, definition: str) -> MetricCrs:
    """Fix the metric CRS if no load has fixed it before; the one that holds is returned."""
    metric_crs(definition)
    conn.execute(
        text(
            f"INSERT INTO {SCHEMA}.settings (key, value) VALUES (:key, :value) ON CONFLICT (key) DO NOTHING"
        ),
        {"key": METRIC_CRS, "value": definition},
    )
    return get_metric_crs(conn)


def lock_classes(conn: Connection, class_ids: Iterable[str]) -> None:
    """Hold the write locks of classes until the transaction ends, taken in one order so that none wait in a ring."""
    for class_id in sorted(set(class_ids)):
        key = zlib.crc32(class_id.encode()) - 2**31
        conn.execute(text("SELECT pg_advisory_xact_lock(:space, :key)"), {"space": LOCK_SPACE, "key": key})


def draw_change(conn: Connection, change: Change, classes: Sequence[str], number: int | None = None) -> int:
    """A new change number, drawn under the locks of `classes`: numbers of a class follow the order of commit.

    `number` is one that was reserved before.
    """
    statement = text(
        f"INSERT INTO {SCHEMA}.changes (id, who, why, import_id, classes) OVERRIDING SYSTEM VALUE "
        f"VALUES (coalesce(:number, {_NEXT_CHANGE}), :who, :why, :import_id, :classes) RETURNING id"
    )
    values = {"who": change.who, "why": change.why, "import_id": change.import_id, "classes": list(classes)}
    return int(conn.execute(statement, {**values, "number": number}).scalar_one())


def reserve_change(conn: Connection) -> int:
    """A change number to be drawn later, for rows of a class that nobody can write to in the meantime."""
    return int(conn.execute(text(f"SELECT {_NEXT_CHANGE}")).scalar_one())


def data_version(conn: Connection, cls: FeatureClass | str) -> int:
    """The highest change that touched a class (rows written or taken back, areas recomputed); 0 where there is none."""
    return data_versions(conn, [cls])[0]


def data_versions(conn: Connection, classes: Sequence[FeatureClass | str]) -> list[int]:
    """The data version of each class, by one question: see `data_version`."""
    if not classes:
        return []
    terms = [version_term(cls) for cls in classes]
    known = remembered(conn)
    known = {} if known is None else known
    missing = [term for term in terms if term not in known]
    if missing:
        # Asked before every read, so without the detour through SQLAlchemy (many: reading it takes longest).
        statement = f"SELECT {', '.join(missing)}".encode()
        row = raw(conn).execute(statement, prepare=len(missing) > 1).fetchone() or [0] * len(missing)
        known |= zip(missing, map(int, row), strict=True)
    return [known[term] for term in terms]


def version_term(cls: FeatureClass | str) -> str:
    """The data version of a class as a term of a query: the same whatever of the class one sees."""
    schema, class_id = (SCHEMA, cls) if isinstance(cls, str) else (cls.schema, cls.id)
    return f"{schema}.{quoted('version_of_' + class_id)}()"


def areas_version(conn: Connection) -> int:
    """The highest change of any class of areas."""
    return max(data_versions(conn, AREA_CLASSES))


def mark_relocated(conn: Connection, class_id: str, change_id: int) -> None:
    """Note that a change gave rows of a class other areas without making new versions of them."""
    set_setting(conn, _relocated_key(class_id), str(change_id))


def find_relocated(conn: Connection, cls: FeatureClass) -> int:
    """The last change that `mark_relocated` noted for a class; 0 where there is none."""
    return int(find_setting(conn, _relocated_key(cls.id)) or 0)


def _relocated_key(class_id: str) -> str:
    return f"areas_change.{class_id}"


def record_import(
    conn: Connection, change: Change, counts: Mapping[str, Counts], change_id: int | None
) -> None:
    """Keep what is known of the loaded file under the change's `import_id`."""
    if change.import_id is None or change.source is None:
        return
    values = _import_values(change.import_id, change.source, counts)
    conn.execute(_INSERT_IMPORT, {**values, "change_id": change_id, "who": change.who})


_INSERT_IMPORT = text(
    f"INSERT INTO {SCHEMA}.imports (id, path, format, sha256, crs, encoding, source, licence, attribution, "
    "classes, extent, report, change_id, who, finished_at) VALUES (:id, :path, :format, :sha256, :crs, :encoding, "
    ":source, :licence, :attribution, :classes, ST_MakeEnvelope(:west, :south, :east, :north, 4326), "
    "CAST(:report AS jsonb), :change_id, :who, clock_timestamp()) "
    # What was on record as running is done with the rows that it wrote.
    "ON CONFLICT (id) DO UPDATE SET path = excluded.path, format = excluded.format, sha256 = excluded.sha256, "
    "crs = excluded.crs, encoding = excluded.encoding, source = excluded.source, licence = excluded.licence, "
    "attribution = excluded.attribution, classes = excluded.classes, extent = excluded.extent, "
    "report = excluded.report, change_id = excluded.change_id, at = clock_timestamp(), state = 'done', error = NULL, "
    "finished_at = excluded.finished_at"
)


def _import_values(import_id: UUID, source: ImportSource, counts: Mapping[str, Counts]) -> dict[str, Any]:
    west, south, east, north = source.extent or (None, None, None, None)
    report = source.report or {"classes": {name: got.as_dict() for name, got in counts.items()}}
    return {
        "id": import_id,
        "path": source.path,
        "format": source.format,
        "sha256": source.sha256,
        "crs": source.crs,
        "encoding": source.encoding,
        "source": source.source,
        "licence": source.licence,
        "attribution": source.attribution,
        "classes": sorted(counts),
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "report": orjson.dumps(report, default=str).decode(),
    }


def list_origins(
    conn: Connection, cls: FeatureClass | str, times: Times = NOW
) -> list[dict[str, str | None]]:
    """Source, licence and attribution of the imports that the rows of a class at a time came from, each once."""
    # a subquery a file, ended at its first row: no scan of the whole table
    query = (
        f"SELECT source, licence, attribution FROM {SCHEMA}.import_origins() i"
        f" WHERE (SELECT true FROM {versions(cls, {'import_id'}, times)} v WHERE import_id = i.id LIMIT 1)"
        " GROUP BY source, licence, attribution ORDER BY min(at)"
    )
    with raw(conn).cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), times.values).fetchall()


def read_times(conn: Connection, as_of: date | None = None, known_at: str | int | None = None) -> Times:
    """What to read for a day in the world and a time of record: a change number or a moment (ISO 8601) as text.

    What was known at a change is read as of its day, unless another day is asked for.

    Raises:
        BadInput: `known_at` is neither a number nor a moment.
        NotFound: Nothing was recorded yet at that moment, or there is no such change.
    """
    if known_at is None:
        return Times(as_of)
    change_id, day = _find_change(conn, known_at)
    return Times(as_of or day, known_at=change_id)


def _find_change(conn: Connection, known_at: str | int) -> tuple[int, date]:
    """The last change until then and the day on which it was made."""
    written = str(known_at).strip()
    number = written.isdecimal() and len(written) < 19
    value = int(written) if number else _moment(written)
    rule = "id = :value" if number else "at <= :value"
    statement = text(f"SELECT id, at FROM {SCHEMA}.changes WHERE {rule} ORDER BY id DESC LIMIT 1")
    row = conn.execute(statement, {"value": value}).one_or_none()
    if row is None:
        raise NotFound(
            f"Nothing is recorded for known_at={written}.",
            "Give the number of a change (`chengtu changes` lists them) or a moment after the first one.",
        )
    return row.id, row.at.astimezone().date()


def _moment(written: str) -> datetime:
    try:
        return datetime.fromisoformat(written).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise BadInput(
            f"known_at: '{written}' is neither a change number nor a moment.",
            "Write 42 or 2021-12-31T18:00+08:00.",
        ) from error
