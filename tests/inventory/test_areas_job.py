"""Areas that change: the write marks classes and queues the job, which locates class by class, now and in history."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
import shapely
from sqlalchemy import text

from app.errors import BadInput
from app.inventory.areas import AREA_CLASSES
from app.inventory.areas_job import KIND, list_pending, recompute
from app.inventory.batch import Change
from app.inventory.service import data_version, write_batches
from app.inventory.summary import summary
from app.jobs.context import JobCancelled, JobContext
from app.jobs.worker import Worker
from app.worker import do_areas
from tests.inventory.town import CHANGE, LAT, LON, batch, districts, line, place


def toilets():
    return batch("toilets", {"t1": place(1, 1), "t2": place(-1, -1)})


WIDER = {"W": shapely.box(LON - 0.02, LAT - 0.02, LON + 0.015, LAT + 0.02),
         "E": shapely.box(LON + 0.015, LAT - 0.02, LON + 0.02, LAT + 0.02)}  # fmt: skip


@pytest.fixture
def town(database, catalogue):
    """The drawn town with two toilets and a street, whose areas come last and are not yet looked at."""
    with database.write() as conn:
        write_batches(conn, catalogue, [toilets(), batch("streets", {"s": line((-1, 1), (1.5, 1))})], CHANGE)
    with database.write() as conn:
        write_batches(conn, catalogue, [districts()], CHANGE)
    return database


def paths(database, class_id="toilets", table=""):
    with database.read() as conn:
        query = f"SELECT code, area_path FROM city.{class_id}{table} ORDER BY code"
        return {code: path for code, path in conn.execute(text(query))}  # noqa: C416 - rows are no pairs to dict()


def queued(database):
    with database.read() as conn:
        return conn.execute(text("SELECT count(*) FROM city.jobs WHERE kind = 'areas'")).scalar()


def pending(database):
    with database.read() as conn:
        return list_pending(conn)


def test_a_write_of_areas_marks_the_classes_and_queues_one_job(town, catalogue):
    assert set(pending(town)) == set(catalogue.classes) - set(AREA_CLASSES)
    assert paths(town) == {"t1": "", "t2": ""}
    assert paths(town, "districts")["E1"] == "C/E/E1", "areas are located by the write itself"
    with town.write() as conn:
        write_batches(conn, catalogue, [districts(**WIDER)], CHANGE)
    assert queued(town) == 1
    with town.read() as conn:
        assert summary(conn, catalogue)["areas_pending"] is True


def test_the_job_locates_every_class_and_takes_the_marks_away(town, catalogue):
    told: list[tuple[int, int, str]] = []
    moved = recompute(town, catalogue, lambda *step: told.append(step))
    assert {name: count for name, count in moved.items() if count} == {"streets": 1, "toilets": 2}
    assert [class_id for _, _, class_id in told] == sorted(moved)
    assert paths(town) == {"t1": "C/E/E1", "t2": "C/W/W2"}
    assert pending(town) == []
    assert queued(town) == 0, "nothing is left to do for a worker"
    with town.read() as conn:
        assert summary(conn, catalogue)["areas_pending"] is False


def test_the_worker_does_the_job(town, catalogue):
    worker = Worker(town, {KIND: lambda context: do_areas(context, catalogue)})
    assert worker.run_one()
    with town.read() as conn:
        state, result = conn.execute(text("SELECT state, result FROM city.jobs")).one()
    assert (state, result["moved"]["toilets"]) == ("done", 2)
    assert paths(town) == {"t1": "C/E/E1", "t2": "C/W/W2"}
    assert not worker.run_one()


def test_a_cancelled_job_leaves_the_other_classes_marked(town, catalogue):
    with town.write() as conn:
        run = conn.execute(
            text("UPDATE city.jobs SET state = 'running', worker = gen_random_uuid() RETURNING id, worker")
        ).one()
    context = JobContext(town, run.id, run.worker, {}, "test")
    before = pending(town)

    def cancel_at_third(done, total, class_id) -> None:
        if done == 2:
            context.cancelled.set()
        context.progress(done / total, class_id)

    with pytest.raises(JobCancelled):
        recompute(town, catalogue, cancel_at_third)
    assert pending(town) == before[2:]
    recompute(town, catalogue)
    assert pending(town) == []
    assert paths(town)["t1"] == "C/E/E1"


def test_what_is_written_meanwhile_is_located_by_the_new_areas(town, catalogue):
    with town.write() as conn:
        write_batches(conn, catalogue, [batch("toilets", {"new": place(-1, 1)})], CHANGE)
    assert paths(town) == {"new": "C/W/W1", "t1": "", "t2": ""}
    assert recompute(town, catalogue)["toilets"] == 2


def test_areas_that_change_again_during_the_job_are_looked_at_again(town, catalogue):
    def change_again(done, _total, class_id) -> None:
        if class_id == "toilets":
            with town.write() as conn:
                write_batches(conn, catalogue, [districts(**WIDER)], CHANGE)

    recompute(town, catalogue, change_again)
    assert paths(town)["t1"] == "C/W/E1", "toilets were done after the change"
    assert "streets" in pending(town), "streets before it"
    assert queued(town) == 1
    recompute(town, catalogue)
    assert paths(town, "streets") == {"s": "C/W/E1"}


def test_believed_versions_of_other_days_are_located_too(database, catalogue):
    early, late = (None, date(2021, 1, 1)), (date(2021, 1, 1), None)
    moved = replace(batch("toilets", {"t": place(-1, -1)}, {"stalls": [2]}), valid=[early])
    stays = replace(batch("toilets", {"t": place(1, 1)}, {"stalls": [9]}), valid=[late])
    with database.write() as conn:
        write_batches(conn, catalogue, [moved, stays], CHANGE)
        write_batches(conn, catalogue, [batch("toilets", {"w": place(1, 1)}, {"stalls": [1]})], CHANGE)
        write_batches(conn, catalogue, [batch("toilets", {"w": place(1, 1)}, {"stalls": [5]})], CHANGE)
        write_batches(conn, catalogue, [districts()], CHANGE)
    assert recompute(database, catalogue)["toilets"] == 3
    assert paths(database) == {"t": "C/E/E1", "w": "C/E/E1"}
    with database.read() as conn:
        query = "SELECT code, area_path FROM city.toilets_history WHERE until_change IS {} ORDER BY code"
        assert conn.execute(text(query.format("NULL"))).all() == [("t", "C/W/W2")]
        assert conn.execute(text(query.format("NOT NULL"))).all() == [("w", "")], "as it was recorded"


def test_only_classes_whose_rows_move_get_a_new_data_version(town, catalogue):
    recompute(town, catalogue)
    with town.write() as conn:
        write_batches(conn, catalogue, [batch("markets", {"m": place(-1, 1)})], CHANGE)
        write_batches(conn, catalogue, [toilets()], Change("x", "y"))
        before = {name: data_version(conn, name) for name in ("toilets", "markets")}
        write_batches(conn, catalogue, [districts(**WIDER)], CHANGE)
    recompute(town, catalogue)
    with town.read() as conn:
        assert data_version(conn, "toilets") > data_version(conn, "districts") > before["toilets"]
        assert data_version(conn, "markets") == before["markets"]
        whys = conn.execute(text("SELECT who, classes FROM city.changes ORDER BY id DESC LIMIT 2")).all()
    assert [tuple(why) for why in whys] == [("areas", ["toilets"]), ("areas", ["streets"])]


def test_a_dry_or_failed_write_marks_nothing(database, catalogue):
    with pytest.raises(BadInput), database.write() as conn:
        write_batches(
            conn, catalogue, [districts(), batch("toilets", {"x": place(1, 1)}, {"no": [1]})], CHANGE
        )
    assert pending(database) == []
    assert queued(database) == 0


def test_the_sample_leaves_nothing_to_do(town_database):
    assert pending(town_database) == []
    assert queued(town_database) == 0


@pytest.mark.parametrize(
    ("parents", "chain"),
    [
        ({"W": "W"}, "W is in W"),
        ({"C": "W1"}, "C is in W1 is in W is in C"),
        ({"W": "E", "E": "W"}, "W is in E is in W"),
    ],
)
def test_an_area_that_contains_itself_is_refused(database, catalogue, parents, chain):
    given = districts()
    codes = given.codes
    given.columns["parent"] = [
        parents.get(code, old) for code, old in zip(codes, given.columns["parent"], strict=True)
    ]
    with pytest.raises(BadInput) as error, database.write() as conn:
        write_batches(conn, catalogue, [given], CHANGE)
    turned = [chain.split(" is in ")[:-1][place:] + chain.split(" is in ")[:-1][:place] for place in range(3)]
    said = str(error.value.message)
    assert any(" is in ".join([*names, names[0]]) in said for names in turned if names), said
    with database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM city.districts")).scalar() == 0


def test_a_circle_through_stored_areas_is_found(town, catalogue):
    city = districts(C=shapely.box(LON - 0.02, LAT - 0.02, LON + 0.02, LAT + 0.02))
    city.columns["parent"] = ["W2"]
    with pytest.raises(BadInput, match="would contain itself"), town.write() as conn:
        write_batches(conn, catalogue, [city], CHANGE)
