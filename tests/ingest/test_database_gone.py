"""The database goes away in the middle of an import: one sentence says so, the class is as it was, the record tells."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import text

from app.database.server import admin_parameters
from app.database.transactions import Database
from app.errors import Unavailable
from app.settings import Settings
from tests.importing import import_path, write_points

ROWS = 300


@pytest.fixture
def loaded(database: Database, catalogue, tmp_path) -> Database:
    import_path(database, catalogue, write_points(tmp_path / "toilets.geojson", range(5), "旧"))
    return database


def end_all(settings: Settings) -> None:
    """End every connection to the database, as a restart of the server does."""
    with psycopg.connect(**admin_parameters(settings, "postgres"), autocommit=True) as admin:
        name = str(settings.database_url).rpartition("/")[2].partition("?")[0]
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [name],
        )


def names(db: Database) -> list[str]:
    with db.read() as conn:
        return sorted(row[0] for row in conn.execute(text("SELECT name_zh FROM city.toilets")))


def records(db: Database) -> list[tuple[str, str | None]]:
    query = text("SELECT state, error ->> 'message' FROM city.imports ORDER BY started_at")
    with db.read() as conn:
        return [(row[0], row[1]) for row in conn.execute(query)]


def gone_at(step: str, settings: Settings) -> Callable[[float, float | None, str], None]:
    """Progress that ends all connections once, when the import says `step`."""
    said: list[str] = []

    def progress(_done: float, _total: float | None, text_: str) -> None:
        if text_ == step and step not in said:
            end_all(settings)
        said.append(text_)

    return progress


def test_what_was_written_half_is_as_it_was(loaded, settings, catalogue, tmp_path):
    before = names(loaded)
    path = write_points(tmp_path / "toilets.geojson", range(ROWS), "新")
    with pytest.raises(Unavailable, match="not reachable"):
        import_path(loaded, catalogue, path, progress=gone_at("toilets", settings))
    assert names(loaded) == before
    assert records(loaded) == [("done", None), ("failed", "The database is not reachable.")]
    import_path(loaded, catalogue, path)
    assert len(names(loaded)) == ROWS


@pytest.mark.parametrize("step", ["reading", "writing"])
def test_before_a_row_is_written_the_import_goes_on(loaded, settings, catalogue, tmp_path, step):
    path = write_points(tmp_path / "toilets.geojson", range(ROWS), "新")
    import_path(loaded, catalogue, path, progress=gone_at(step, settings))
    assert len(names(loaded)) == ROWS
    assert records(loaded) == [("done", None)] * 2
