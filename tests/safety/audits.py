"""What has to hold of a house whatever was killed in it: looked at from outside, by SQL and in its folders."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from typing import Any

import psycopg

from app.settings import Settings
from tests.safety.house import CHENGTU, PATIENCE_S, asking, environment, until
from tests.safety.load import BROUGHT, GIVEN_UP, Told, Write, is_whole


def check_house(settings: Settings, told: Told) -> None:
    """All that has to hold after load, whatever was killed or restarted under it: jobs, writes, files, the record."""
    no_jobs_left(settings)
    check_writes(settings, told)
    check_files(settings, told)
    check_record(settings)
    assert failed_jobs(settings) == []


def check_writes(settings: Settings, told: Told) -> None:
    """Nothing told to be saved is lost, nothing is there twice, what was in doubt is whole or not at all."""
    with asking(settings) as admin:
        rows = admin.execute(
            "SELECT name_zh, count(*), min(stalls), max(stalls) FROM city.toilets WHERE name_zh = ANY(%s) GROUP BY 1",
            [list(told.writes)],
        ).fetchall()
    stored = {row[0]: row[1:] for row in rows}
    lost = [write.name for write in told.acked if write.name not in stored]
    assert lost == []
    assert {name: found for name, found in stored.items() if found[0] != 1} == {}
    wrong = [write for write in told.acked if not _holds(write, stored[write.name])]
    assert wrong == []


def check_files(settings: Settings, told: Told) -> None:
    """The last file that was told to be imported is there whole, or the one that was sent after it."""
    found = [name for code, name in names_of(settings, BROUGHT).items() if code.startswith("m")]
    assert is_whole(found)
    assert {*found} <= {f"第{number}份" for number in range(told.brought, told.sent + 1)}
    assert found or not told.brought


def _holds(write: Write, found: tuple[Any, ...]) -> bool:
    _, least, most = found
    return least == most and most in {write.stalls, write.open if write.open is not None else write.stalls}


def check_record(settings: Settings) -> None:
    """History, changes and search entries fit each other; the audit chain is whole; nothing is left over."""
    with asking(settings) as admin:
        until(lambda: _quiet(admin), "nobody writes any more")
        assert _first(admin, _FOREIGN_CHANGES) is None, "a row names a change that is not on record"
        assert _first(admin, _OVERLAPS) is None, "two believed versions of a feature overlap"
        assert _first(admin, _NOT_FOUND) is None, "a feature with a name cannot be found by it"
        assert _first(admin, _FOUND_IN_VAIN) is None, "what is found is not there"
        assert _first(admin, "SELECT relname FROM pg_class WHERE relname LIKE '%\\_load\\_%'") is None
        assert _first(admin, "SELECT gid FROM pg_prepared_xacts") is None
    done = subprocess.run(
        [*CHENGTU, "audit", "verify"], env=environment(settings), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def no_jobs_left(settings: Settings, seconds: float = PATIENCE_S) -> float:
    """Wait until every job has ended, as its worker or the next one left it; how long it took."""
    with asking(settings) as admin:
        return until(
            lambda: _first(admin, "SELECT id FROM city.jobs WHERE state IN ('queued', 'running')") is None,
            "every job has ended", seconds,
        )  # fmt: skip


def failed_jobs(settings: Settings) -> list[str]:
    """Why jobs failed, of those that were not given up after their last try."""
    with asking(settings) as admin:
        rows = admin.execute(
            "SELECT error ->> 'code', error ->> 'message' FROM city.jobs WHERE state = 'failed'"
        )
        return [str(row[1]) for row in rows if row[0] not in GIVEN_UP]


def names_of(settings: Settings, class_id: str) -> dict[str, str]:
    """Code → name of a class's rows; each code once."""
    with asking(settings) as admin:
        rows = admin.execute(f"SELECT code, name_zh FROM city.{class_id}".encode()).fetchall()
    found = {str(code): str(name) for code, name in rows}
    assert len(found) == len(rows)
    return found


def left_over(settings: Settings, folders: Iterable[str] = ("spool", "exports")) -> list[str]:
    """Half-made files that nobody writes any more."""
    found = []
    for name in folders:
        folder = settings.home_path / name
        found += (
            [str(path) for path in folder.glob("*") if path.name.startswith((".", "read-"))]
            if folder.is_dir()
            else []
        )
    return [path for path in found if not path.endswith("/.lock")]


def _quiet(admin: psycopg.Connection[tuple[Any, ...]]) -> bool:
    busy = "SELECT 1 FROM pg_locks WHERE mode = 'RowExclusiveLock' AND pid <> pg_backend_pid() LIMIT 1"
    return admin.execute(busy.encode()).fetchone() is None


def _first(admin: psycopg.Connection[tuple[Any, ...]], query: str) -> Any:
    return admin.execute(query.encode()).fetchone()


_FOREIGN_CHANGES = (
    "SELECT id FROM (SELECT id, change_id AS n FROM city.toilets"
    " UNION ALL SELECT id, change_id FROM city.toilets_history"
    " UNION ALL SELECT id, until_change FROM city.toilets_history WHERE until_change IS NOT NULL) AS named"
    " WHERE NOT EXISTS (SELECT FROM city.changes WHERE changes.id = n) LIMIT 1"
)
_OVERLAPS = (
    "SELECT a.id FROM (SELECT id, valid, change_id FROM city.toilets UNION ALL SELECT id, valid, change_id FROM"
    " city.toilets_history WHERE until_change IS NULL) a JOIN city.toilets b"
    " ON a.id = b.id AND a.valid && b.valid AND (a.change_id, a.valid) <> (b.change_id, b.valid) LIMIT 1"
)
_NOT_FOUND = (
    "SELECT id FROM city.toilets WHERE name_zh IS NOT NULL AND NOT EXISTS"
    " (SELECT FROM city.search_entries e WHERE e.class = 'toilets' AND e.id = toilets.id) LIMIT 1"
)
_FOUND_IN_VAIN = (
    "SELECT id FROM city.search_entries e WHERE class = 'toilets' AND NOT EXISTS"
    " (SELECT FROM city.toilets WHERE toilets.id = e.id) LIMIT 1"
)
