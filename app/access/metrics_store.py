"""What `/metrics` asks of the database: how much waits, what was imported, whether its log is kept."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.database.archiving import ARCHIVER, Archiver

#: Of jobs those that are not ended.
JOB_STATES = ("queued", "running")
#: Ended jobs are counted by the workers: there are too many to be counted here each time.
_JOBS = text(
    "SELECT kind, state, count(*), max(extract(epoch FROM clock_timestamp() - created_at)) FROM city.jobs "
    "WHERE state IN ('queued', 'running') GROUP BY kind, state"
)
_IMPORTS = text("SELECT state, count(*) FROM city.imports GROUP BY state")
_SIZE = text("SELECT pg_database_size(current_database()), (SELECT count(*) FROM pg_stat_activity)")
_ARCHIVER = text(ARCHIVER)


@dataclass(frozen=True, slots=True)
class Looked:
    """Jobs by kind and state with the age of the oldest, imports by state, bytes and connections of the database.

    `archiver` is how its log of writes is kept, None where it is not.
    """

    jobs: list[tuple[str, str, int, float]]
    imports: list[tuple[str, int]]
    size: int
    connections: int
    archiver: Archiver | None


def look(conn: Connection) -> Looked:
    """All of it."""
    size, connections = conn.execute(_SIZE).one()
    archiver = conn.execute(_ARCHIVER).one_or_none()
    return Looked(
        [(kind, state, int(number), float(age)) for kind, state, number, age in conn.execute(_JOBS)],
        [(state, int(number)) for state, number in conn.execute(_IMPORTS)],
        int(size),
        int(connections),
        None if archiver is None else Archiver(*archiver),
    )
