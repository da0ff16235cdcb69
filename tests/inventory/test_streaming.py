"""Batches in chunks: one batch given lazily, first loads that take the place of an empty class, two writers at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import psycopg
import pytest
import shapely
from sqlalchemy import text

from app.database.server import admin_parameters
from app.errors import BadInput
from app.inventory import first_load, rounds, search_job, upsert
from app.inventory.batch import Batch
from app.inventory.changes import raw
from app.inventory.service import data_version, delete_features, write_batches
from app.jobs.worker import Worker
from app.search.service import Search, ensure_entries, search
from app.worker import do_search
from tests.inventory.test_tables import describe
from tests.inventory.town import CHANGE, LAT, LON, batch, districts, place

HALF = 400


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of this size are enough for a table of their own, and to be compared at once."""
    monkeypatch.setattr(rounds, "FIRST_ROWS", HALF)
    monkeypatch.setattr(upsert, "MANY_ROWS", HALF)


def chunk(start: int, count: int = HALF, class_id: str = "toilets", **columns: object) -> Batch:
    """Points with the codes from `start` on, along a line of 1 m steps to the north-east."""
    numbers = np.arange(start, start + count)
    names = [f"公厕{number}" if number % 4 == 0 else None for number in numbers.tolist()]
    given = {"name_zh": names, "stalls": (numbers % 7).tolist(), **columns}
    shapes = shapely.points(LON + 1e-4 + numbers * 1e-6, LAT + 1e-4 + numbers * 1e-6)
    return Batch(class_id, [f"t{number}" for number in numbers.tolist()], shapes, given, [None] * count)


def both(**columns: object) -> Iterator[Batch]:
    yield chunk(0, **columns)
    yield chunk(HALF, **columns)


def count(conn, what: str, where: str = "TRUE") -> int:
    return int(conn.execute(text(f"SELECT count(*) FROM city.{what} WHERE {where}")).scalar_one())


def test_chunks_of_a_first_load_are_one_batch(database, settings, catalogue):
    before = describe(settings)
    with database.write() as conn:
        write_batches(conn, catalogue, [districts()], CHANGE)
        (counts,) = write_batches(conn, catalogue, both(), CHANGE).values()
    assert (counts.read, counts.new, counts.unchanged) == (2 * HALF, 2 * HALF, 0)
    with database.read() as conn:
        number = data_version(conn, "toilets")
        same = "change_id = :n AND area_path = 'C/E/E1' AND areas_touched = '{C,E,E1}' AND stalls = id_of % 7"
        query = (
            f"SELECT count(*) FROM (SELECT *, substr(code, 2)::int AS id_of FROM city.toilets) t WHERE {same}"
        )
        assert conn.execute(text(query), {"n": number}).scalar() == 2 * HALF
        assert count(conn, "toilets_history") == 0
        assert count(conn, "search_entries", "class = 'toilets'") == HALF // 2
        assert conn.execute(text("SELECT min(id), max(id) FROM city.toilets")).one() == (1, 2 * HALF)
        # A join of entries and rows: what was made while the rows were copied bears the ids that they got.
        joined = "toilets t JOIN city.search_entries e ON e.class = 'toilets' AND e.id = t.id AND e.place ~= t.geom"
        assert count(conn, joined, r"e.keys LIKE E'\n ' || t.name_zh || E' \n%'") == HALF // 2
        found = raw(conn).execute("SELECT code FROM city.toilets WHERE code = 't7'").fetchall()
    assert found == [("t7",)]
    assert describe(settings) == before
    with database.write() as conn:
        (counts,) = write_batches(conn, catalogue, [batch("toilets", {"new": place(1, 1)})], CHANGE).values()
        assert conn.execute(text("SELECT id FROM city.toilets WHERE code = 'new'")).scalar() == 2 * HALF + 1


def test_chunks_are_compared_as_one_batch(database, catalogue):
    with database.write() as conn:
        write_batches(conn, catalogue, both(), CHANGE)
        first = data_version(conn, "toilets")
    with database.write() as conn:
        (counts,) = write_batches(conn, catalogue, both(), CHANGE).values()
        assert (counts.unchanged, counts.loaded) == (2 * HALF, 0)
        assert data_version(conn, "toilets") == first
        changed = [chunk(0, 5, stalls=[9] * 5), chunk(5, 5), chunk(2 * HALF, 3)]
        (counts,) = write_batches(conn, catalogue, iter(changed), CHANGE).values()
        assert (counts.changed, counts.unchanged, counts.new) == (5, 5, 3)
        assert count(conn, "toilets", "stalls = 9") == count(conn, "toilets_history") == 5


def test_a_chunk_is_taken_only_when_the_one_before_is_done_with(conn, catalogue):
    alive: list[int] = []

    def chunks() -> Iterator[Batch]:
        for number in range(4):
            made = chunk(number * HALF)
            assert count(conn, "changes") == 0  # asked while the chunk before is on its way
            held = [*alive]
            yield made
            assert alive == held
            alive.append(number)

    counts = write_batches(conn, catalogue, chunks(), CHANGE)
    assert alive == [0, 1, 2, 3]
    assert counts["toilets"].new == 4 * HALF


def test_what_somebody_changed_after_it_was_compared_is_mended(database, catalogue):
    with database.write() as conn:
        write_batches(conn, catalogue, both(), CHANGE)

    def overtaken(conn) -> Iterator[Batch]:
        yield chunk(0)
        assert count(conn, "toilets") == 2 * HALF  # the chunk has been compared
        with database.write() as other:
            write_batches(other, catalogue, [chunk(1, 1, stalls=[9]), chunk(2 * HALF, 1)], CHANGE)
            delete_features(other, catalogue, "toilets", ["t2"], CHANGE)
        yield chunk(HALF)

    with database.write() as conn:
        (counts,) = write_batches(conn, catalogue, overtaken(conn), CHANGE).values()
    assert (counts.changed, counts.new, counts.unchanged) == (1, 1, 2 * HALF - 2)
    with database.read() as conn:
        rows = raw(conn).execute("SELECT id, code, stalls FROM city.toilets ORDER BY id LIMIT 3").fetchall()
        assert rows[:2] == [(1, "t0", 0), (2, "t1", 1)]
        assert count(conn, "toilets", "code = 't2' AND stalls = 2") == 1
        assert count(conn, "toilets") == 2 * HALF + 1


def test_a_code_in_two_chunks_is_refused_though_nothing_changes(database, catalogue):
    with database.write() as conn:
        write_batches(conn, catalogue, both(), CHANGE)
    for again in ([chunk(0), chunk(3, 1)], [chunk(0), chunk(3, HALF)], [chunk(3, 1, stalls=[9]), chunk(0)]):
        with pytest.raises(BadInput, match=r"'t\d+' stands more than once"), database.write() as conn:
            write_batches(conn, catalogue, iter(again), CHANGE)


def test_what_another_chunk_brings_is_empty_in_rows_already_compared(conn, catalogue):
    names = [f"Toilet {number}" for number in range(HALF)]
    write_batches(conn, catalogue, iter([chunk(0, name_en=names), chunk(HALF)]), CHANGE)
    (counts,) = write_batches(conn, catalogue, both(), CHANGE).values()
    assert counts.unchanged == 2 * HALF
    named = chunk(HALF, name_en=["new", *[None] * (HALF - 1)])
    (counts,) = write_batches(conn, catalogue, iter([chunk(0), named]), CHANGE).values()
    assert (counts.changed, counts.unchanged) == (HALF + 1, HALF - 1)
    assert count(conn, "toilets", "name_en IS NOT NULL") == 1


@pytest.mark.parametrize("size", [3, HALF])
def test_a_code_in_two_chunks_is_refused_by_name(database, catalogue, size):
    with pytest.raises(BadInput, match="'t2' stands more than once"), database.write() as conn:
        write_batches(conn, catalogue, iter([chunk(0, size), chunk(2, 1)]), CHANGE)
    with database.read() as conn:
        assert count(conn, "toilets") == 0


def test_a_column_that_one_chunk_lacks_is_empty_there(conn, catalogue):
    write_batches(conn, catalogue, [chunk(0, 4)], CHANGE)
    lacking = replace(chunk(0, 2), columns={}, extra=[{"a": 1}, None])
    write_batches(conn, catalogue, iter([lacking, chunk(2, 2)]), CHANGE)
    rows = conn.execute(text("SELECT stalls, extra FROM city.toilets ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [(None, {"a": 1}), (None, None), (2, None), (3, None)]


def test_areas_that_come_after_a_load_hold_its_rows(conn, catalogue):
    write_batches(conn, catalogue, iter([chunk(0), districts()]), CHANGE)
    assert count(conn, "toilets", "area_path = 'C/E/E1'") == HALF


def test_rows_with_a_time_follow_those_without(conn, catalogue):
    timed = replace(chunk(0, 2), valid=[(date(2020, 1, 1), None)] * 2)
    counts = write_batches(conn, catalogue, iter([chunk(0, 2), timed, chunk(2, 2)]), CHANGE)["toilets"]
    assert (counts.read, counts.new, counts.unchanged) == (6, 4, 2)


def test_a_class_with_a_rule_of_its_own_is_loaded_by_the_common_way(database, settings, catalogue):
    rule = """CREATE FUNCTION city.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        CREATE TRIGGER seen BEFORE INSERT ON city.toilets FOR EACH ROW EXECUTE FUNCTION city.see()"""
    with psycopg.connect(**admin_parameters(settings)) as admin:
        admin.execute(rule)
    with database.write() as conn:
        assert write_batches(conn, catalogue, both(), CHANGE)["toilets"].new == 2 * HALF
    with database.read() as conn:
        assert count(conn, "toilets") == 2 * HALF
        assert (
            count(
                conn,
                "pg_trigger".replace("pg_", "toilets t, pg_catalog.pg_"),
                "t.code = 't1' AND tgname = 'seen'",
            )
            == 1
        )


def test_two_first_loads_at_once_both_end_right(database, catalogue):
    with database.write() as conn:
        write_batches(conn, catalogue, [batch("markets", {"m": place(0, 0)})], CHANGE)
    started, told = threading.Event(), []

    def slow() -> Iterator[Batch]:
        yield chunk(0)
        started.set()
        loaded.wait(20)
        yield chunk(HALF)

    def work() -> None:
        with database.write() as conn:
            told.append(write_batches(conn, catalogue, slow(), CHANGE)["toilets"])

    loaded, thread = threading.Event(), threading.Thread(target=work)
    thread.start()
    assert started.wait(20)
    with database.write() as conn:
        write_batches(conn, catalogue, iter([chunk(0, stalls=[9] * HALF), chunk(3 * HALF)]), CHANGE)
        before = data_version(conn, "toilets")
    loaded.set()
    thread.join(60)
    # The slower one is compared with what the faster one stored.
    assert (told[0].new, told[0].changed) == (HALF, HALF)
    with database.read() as conn:
        assert data_version(conn, "toilets") > before
        assert count(conn, "toilets") == 3 * HALF
        assert count(conn, "toilets", "stalls = 9") == 0
        assert count(conn, "toilets_history", "stalls = 9") == HALF
        assert count(conn, "search_entries", "class = 'toilets'") == 3 * HALF // 4
        left = "SELECT count(*) FROM pg_class WHERE relname LIKE 'toilets_load%'"
        assert conn.execute(text(left)).scalar() == 0


def test_readers_see_the_empty_class_until_the_commit(database, catalogue):
    with database.write() as conn:
        write_batches(conn, catalogue, [batch("markets", {"m": place(0, 0)})], CHANGE)

    def watched() -> Iterator[Batch]:
        for part in both():
            yield part
            with database.read() as reader:
                assert count(reader, "toilets") == 0

    with database.read() as old:
        assert count(old, "changes") == 1
        with database.write() as conn:
            write_batches(conn, catalogue, watched(), CHANGE)
        # A snapshot of before shows the state of before, though the table is another one now.
        assert count(old, "toilets") == 0
    with database.read() as conn:
        assert count(conn, "toilets") == 2 * HALF


def test_a_reader_that_stays_does_not_keep_the_load_from_its_end(database, catalogue):
    with database.read() as old:
        assert count(old, "toilets") == 0
        began = time.monotonic()
        with database.write() as conn:
            assert write_batches(conn, catalogue, both(), CHANGE)["toilets"].new == 2 * HALF
        assert time.monotonic() - began < 25
        assert count(old, "toilets") == 0
    with database.read() as conn:
        assert count(conn, "toilets") == 2 * HALF
        assert (
            count(conn, "search_entries e JOIN city.toilets t USING (id)", "e.class = 'toilets'") == HALF // 2
        )


def test_a_load_that_is_killed_leaves_the_class_as_it_was(database, settings, catalogue):
    def killed() -> Iterator[Batch]:
        yield chunk(0)
        with psycopg.connect(**admin_parameters(settings), autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid()"
            )
        yield chunk(HALF)

    before = describe(settings)
    with pytest.raises(Exception, match="not reachable"), database.write() as conn:
        write_batches(conn, catalogue, killed(), CHANGE)
    assert describe(settings) == before
    with database.write() as conn:
        assert count(conn, "toilets") == 0
        assert write_batches(conn, catalogue, both(), CHANGE)["toilets"].new == 2 * HALF


def test_what_many_features_are_found_by_is_made_by_the_job(database, catalogue, monkeypatch):
    monkeypatch.setattr(first_load, "MANY_NAMED", HALF // 8)
    with database.write() as conn:
        write_batches(conn, catalogue, both(), CHANGE)
        assert count(conn, "jobs", "kind = 'search' AND state = 'queued'") == 1
        # A write in the meantime does not wait for it either.
        write_batches(conn, catalogue, [chunk(0, 1, name_zh=["银河公厕"])], CHANGE)
        assert count(conn, "search_entries", "class = 'toilets'") == 0
    worker = Worker(database, {search_job.KIND: lambda context: do_search(context, catalogue)})
    assert worker.run_one()
    with database.read() as conn:
        assert count(conn, "search_entries", "class = 'toilets'") == HALF // 2
        found = search(conn, catalogue, Search("银河"))["results"]
        assert [item["code"] for item in found] == ["t0"]


def test_a_search_job_that_is_lost_is_queued_again(database, catalogue, monkeypatch):
    monkeypatch.setattr(first_load, "MANY_NAMED", HALF // 8)
    with database.write() as conn:
        write_batches(conn, catalogue, both(), CHANGE)
        conn.execute(text("DELETE FROM city.jobs"))
        search_job.requeue(conn, catalogue)
        assert count(conn, "jobs", "kind = 'search'") == 1
    assert ensure_entries(database, catalogue)
    with database.write() as conn:
        search_job.requeue(conn, catalogue)
        assert count(conn, "jobs", "kind = 'search'") == 0
