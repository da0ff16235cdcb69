"""Two times: every write is compared with a model that keeps, for each day, what is believed of it at each change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.errors import BadInput
from app.inventory import areas_job, day_service, periods, rewrite, staging, store
from app.inventory.arrays import read_arrays
from app.inventory.day_service import turn_day
from app.inventory.query import FeatureQuery
from app.inventory.service import data_version, delete_features, write_batches
from app.inventory.times import Times
from app.search.service import Search, search
from tests.inventory.town import BOXES, CHANGE, batch, districts, place

DAY = date(2020, 1, 1)
DAYS = 6
ENDS = st.one_of(st.none(), st.integers(0, DAYS))


def on(day: int | None) -> date | None:
    return None if day is None else DAY + timedelta(days=30 * day)


def period(start: int | None, end: int | None) -> tuple[date | None, date | None]:
    return on(start), on(end)


class Model:
    """For each code the value of every day: before the first, each of the days, after the last."""

    def __init__(self) -> None:
        self.believed: dict[str, list[int | None]] = {}
        self.changes: list[tuple[int, dict[str, list[int | None]]]] = []

    def put(self, code: str, value: int | None, start: int | None, end: int | None) -> None:
        days = self.believed.setdefault(code, [None] * (DAYS + 2))
        first = 0 if start is None else start + 1
        last = DAYS + 2 if end is None else end + 1
        days[first:last] = [value] * (last - first)

    def keep(self, change_id: int) -> None:
        self.changes.append((change_id, {code: list(days) for code, days in self.believed.items()}))


steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "mend", "delete"]), st.sampled_from("ab"), st.integers(1, 3), ENDS, ENDS
    ),
    min_size=1,
    max_size=7,
)


@settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=steps)
def test_any_row_of_writes_reads_as_the_model_says_on_any_day_at_any_change(conn, catalogue, steps):
    model = Model()
    with conn.begin_nested() as savepoint:
        for kind, code, value, start, end in steps:
            take(conn, catalogue, model, kind, code, value, *in_order(start, end))
        for nth, (change_id, believed) in enumerate(model.changes):
            for place_, day in enumerate(
                [date(2019, 1, 1), *(on(n) for n in range(DAYS)), date(2020, 12, 1)]
            ):
                expected = {code: days[place_] for code, days in believed.items() if days[place_] is not None}
                then = Times(day, known_at=change_id)
                # each change on another day is counted
                read = counted if place_ == nth % (DAYS + 2) else stalls
                assert read(conn, catalogue, then) == expected
                if change_id == model.changes[-1][0]:
                    assert stalls(conn, catalogue, Times(day)) == expected
        now = {c: d[-1] for c, d in model.believed.items() if d[-1] is not None}
        assert counted(conn, catalogue, Times()) == now
        assert overlaps(conn) == 0
        savepoint.rollback()


def in_order(start: int | None, end: int | None) -> tuple[int | None, int | None]:
    return (None, start) if start is not None and end is not None and start >= end else (start, end)


def take(conn, catalogue, model: Model, kind: str, code: str, value: int, start, end) -> None:
    known = any(day is not None for day in model.believed.get(code, []))
    row = batch("toilets", {code: place(0, 0)}, {"stalls": [value]})
    if kind == "put":
        write_batches(conn, catalogue, [replace(row, valid=[period(start, end)])], CHANGE)
        model.put(code, value, start, end)
    elif kind == "mend":
        now = model.believed.get(code, [None])[-1]
        if known and now is None:
            return  # mending what is not there now would make a new feature of the same code
        write_batches(conn, catalogue, [row], CHANGE)
        if not known:
            model.put(code, value, None, None)
        days = model.believed[code]
        place_ = len(days) - 1
        while place_ >= 0 and days[place_] == now and now is not None:
            days[place_] = value
            place_ -= 1
    elif known and model.believed[code][-1] is not None:
        delete_features(conn, catalogue, "toilets", [code], CHANGE, period(start, end))
        model.put(code, None, start, end)
    model.keep(data_version(conn, "toilets"))


def stalls(conn, catalogue, times: Times) -> dict[str, int]:
    arrays = read_arrays(conn, catalogue, "toilets", ["stalls"], times=times)
    found = dict(zip(arrays.code, arrays.columns["stalls"].tolist(), strict=True))
    page = store.features_json(conn, catalogue, FeatureQuery("toilets", times=times))
    assert {f["properties"]["code"]: f["properties"]["stalls"] for f in json.loads(page)["features"]} == found
    return found


def counted(conn, catalogue, times: Times) -> dict[str, int]:
    """As `stalls`, and the class counts as many; that counts every class, so it takes long."""
    found = stalls(conn, catalogue, times)
    assert store.class_counts(conn, catalogue, times)["toilets"] == len(found)
    return found


def overlaps(conn) -> int:
    statement = (
        "WITH v AS (SELECT id, change_id, valid FROM city.toilets UNION ALL "
        "SELECT id, change_id, valid FROM city.toilets_history WHERE until_change IS NULL) "
        "SELECT count(*) FROM v a JOIN v b ON a.id = b.id AND a.valid && b.valid "
        "AND (a.change_id, a.valid) < (b.change_id, b.valid)"
    )
    return int(conn.execute(text(statement)).scalar_one())


def versions(conn, catalogue, *rows: tuple[str, int, Any, Any]) -> None:
    write_timed(conn, catalogue, [(code, value, (start, end)) for code, value, start, end in rows])


def write_timed(conn, catalogue, rows: Sequence[tuple[str, int, Any]]) -> dict[str, int]:
    made = batch(
        "toilets", {str(n): place(0, 0) for n in range(len(rows))}, {"stalls": [row[1] for row in rows]}
    )
    timed = replace(made, codes=[row[0] for row in rows], valid=[row[2] for row in rows])
    return write_batches(conn, catalogue, [timed], CHANGE)["toilets"].as_dict()


NEW, REBUILT = date(2018, 5, 1), date(2021, 3, 1)


def test_one_file_may_bring_several_versions_of_a_feature_at_the_first_load(town, catalogue):
    rows = [
        ("a", 4, (NEW, REBUILT)),
        ("a", 8, (REBUILT, None)),
        ("gone", 2, (None, NEW)),
        ("b", 1, (None, None)),
    ]
    assert write_timed(town, catalogue, rows)["new"] == 4
    assert stalls(town, catalogue, Times()) == {"a": 8, "b": 1}
    assert stalls(town, catalogue, Times(date(2021, 2, 28))) == {"a": 4, "b": 1}
    assert stalls(town, catalogue, Times(date(2018, 4, 30))) == {"gone": 2, "b": 1}
    ids = town.execute(text("SELECT DISTINCT id FROM city.toilets_history WHERE code = 'a' UNION "
                            "SELECT id FROM city.toilets WHERE code = 'a'")).scalars().all()  # fmt: skip
    assert len(ids) == 1
    assert write_timed(town, catalogue, rows) == {**dict.fromkeys(("loaded", "rejected", "new", "changed"), 0),
                                                  "read": 4, "unchanged": 4}  # fmt: skip


def test_an_interval_shows_each_feature_once_in_its_latest_version_there(town, catalogue):
    versions(town, catalogue, ("a", 4, NEW, REBUILT), ("a", 8, REBUILT, None), ("b", 1, None, NEW))
    assert stalls(town, catalogue, Times(date(2020, 1, 1), since=date(2018, 1, 1), interval=True)) == {
        "a": 4,
        "b": 1,
    }
    assert stalls(town, catalogue, Times(None, since=date(2020, 1, 1), interval=True)) == {"a": 8}
    assert stalls(town, catalogue, Times(NEW - timedelta(days=1), interval=True)) == {"b": 1}
    assert stalls(town, catalogue, Times(REBUILT - timedelta(days=1), since=NEW, interval=True)) == {"a": 4}


def test_a_column_that_a_later_version_does_not_tell_stays(town, catalogue):
    first = batch("toilets", {"a": place(0, 0)}, {"stalls": [3], "name_zh": ["东湖公厕"]})
    write_batches(town, catalogue, [first], CHANGE)
    versions(town, catalogue, ("a", 8, REBUILT, None))
    found = read_arrays(town, catalogue, "toilets", ["name_zh", "stalls"])
    assert (found.columns["name_zh"][0], found.columns["stalls"][0]) == ("东湖公厕", 8)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("a", 1, (REBUILT, NEW))], "out of order"),
        ([("a", 1, (NEW, NEW))], "out of order"),
        ([("a", 1, (None, REBUILT)), ("a", 2, (NEW, None))], "two things at once"),
        ([("a", 1, (None, None)), ("a", 2, (NEW, REBUILT))], "two things at once"),
    ],
)
def test_dates_out_of_order_and_overlapping_validity_are_refused(town, catalogue, rows, words):
    with pytest.raises(BadInput, match=words):
        write_timed(town, catalogue, rows)


def test_an_interval_that_ends_before_it_begins_is_refused():
    with pytest.raises(BadInput, match="begins"):
        Times(NEW, since=REBUILT, interval=True)


def test_a_day_that_passes_lets_the_version_of_the_future_become_the_current_one(
    database, catalogue, monkeypatch
):
    tomorrow = periods.today() + timedelta(days=1)
    with database.write() as conn:
        write_batches(conn, catalogue, [districts()], CHANGE)
        versions(
            conn, catalogue, ("a", 4, None, tomorrow), ("a", 8, tomorrow, None), ("b", 1, None, tomorrow)
        )
        seen = data_version(conn, "toilets")
    turn_day(database, catalogue)
    with database.read() as conn:
        assert counted(conn, catalogue, Times()) == {"a": 4, "b": 1}
        assert counted(conn, catalogue, Times(tomorrow)) == {"a": 8}
    for module in (day_service, rewrite):
        monkeypatch.setattr(module, "today", lambda: tomorrow)
    assert turn_day(database, catalogue) == {"toilets": 2}
    assert turn_day(database, catalogue) == {}
    with database.read() as conn:
        assert counted(conn, catalogue, Times()) == {"a": 8} == counted(conn, catalogue, Times(tomorrow))
        assert counted(conn, catalogue, Times(tomorrow - timedelta(days=1))) == {"a": 4, "b": 1}
        assert data_version(conn, "toilets") > seen


def names_found(conn, catalogue, word: str) -> list[str]:
    found = search(conn, catalogue, Search(word, None, None, None, 10))
    return [row["code"] for row in found["results"]]


def test_a_row_of_the_past_leaves_the_current_one_to_be_found(town, catalogue):
    made = batch("toilets", {"0": place(0, 0), "1": place(0, 0)}, {"name_zh": ["解放公厕", "人民公厕"]})
    both = replace(made, codes=["a", "a"], valid=[(None, NEW), (NEW, None)])
    write_batches(town, catalogue, [both], CHANGE)
    mended = batch("toilets", {"a": place(0, 0)}, {"name_zh": ["解放路公厕"]})
    write_batches(town, catalogue, [replace(mended, valid=[(None, NEW)])], CHANGE)
    assert names_found(town, catalogue, "人民") == ["a"]


def test_a_feature_that_ended_and_comes_again_keeps_its_id_and_its_past(town, catalogue):
    versions(town, catalogue, ("a", 4, NEW, REBUILT))
    write_batches(town, catalogue, [batch("toilets", {"a": place(0, 0)}, {"stalls": [9]})], CHANGE)
    assert stalls(town, catalogue, Times(NEW)) == {"a": 4}
    assert stalls(town, catalogue, Times(REBUILT)) == {"a": 9} == stalls(town, catalogue, Times())
    ids = town.execute(
        text("SELECT id FROM city.toilets UNION SELECT id FROM city.toilets_history")
    ).scalars()
    assert len(ids.all()) == 1
    assert overlaps(town) == 0


def test_a_feature_of_the_future_is_there_today_too_once_it_is_imported(town, catalogue):
    later = periods.today() + timedelta(days=10)
    versions(town, catalogue, ("a", 4, later, None))
    write_batches(town, catalogue, [batch("toilets", {"a": place(0, 0)}, {"stalls": [9]})], CHANGE)
    assert stalls(town, catalogue, Times()) == {"a": 9}
    assert stalls(town, catalogue, Times(later)) == {"a": 4}
    assert overlaps(town) == 0


def test_a_planned_feature_can_be_deleted(town, catalogue):
    later = periods.today() + timedelta(days=10)
    versions(town, catalogue, ("a", 4, later, None))
    delete_features(town, catalogue, "toilets", ["a"], CHANGE)
    assert stalls(town, catalogue, Times(later)) == {}


def test_a_write_after_midnight_mends_the_version_of_today(town, catalogue, monkeypatch):
    tomorrow = periods.today() + timedelta(days=1)
    versions(town, catalogue, ("a", 1, None, tomorrow), ("a", 2, tomorrow, None))
    for module in (day_service, rewrite, staging):
        monkeypatch.setattr(module, "today", lambda: tomorrow)
    write_batches(town, catalogue, [batch("toilets", {"a": place(0, 0)}, {"stalls": [9]})], CHANGE)
    assert stalls(town, catalogue, Times()) == {"a": 9}
    assert stalls(town, catalogue, Times(tomorrow - timedelta(days=1))) == {"a": 1}


def test_features_follow_areas_that_begin_on_a_day(database, catalogue, monkeypatch):
    tomorrow = periods.today() + timedelta(days=1)
    with database.write() as conn:
        write_batches(conn, catalogue, [districts()], CHANGE)
        areas_job.recompute_within(conn, catalogue)
        write_batches(conn, catalogue, [batch("toilets", {"a": place(-0.5, 0.5)})], CHANGE)
        whole = replace(districts(E=BOXES["C"], W=BOXES["C"].buffer(-0.015)), valid=[(tomorrow, None)] * 2)
        write_batches(conn, catalogue, [whole], CHANGE)
    for module in (day_service, rewrite):
        monkeypatch.setattr(module, "today", lambda: tomorrow)
    turn_day(database, catalogue)
    with database.read() as conn:
        assert "toilets" in areas_job.list_pending(conn)


def test_a_column_that_a_row_lacks_keeps_its_own_times(town, catalogue):
    made = batch("toilets", {"0": place(0, 0), "1": place(0, 0)}, {"name_zh": ["旧", "新"], "stalls": [1, 1]})
    named = replace(made, codes=["a", "a"], valid=[(date(2010, 1, 1), NEW), (NEW, None)])
    write_batches(town, catalogue, [named], CHANGE)
    versions(town, catalogue, ("a", 5, date(2005, 1, 1), None))

    def told(day: date) -> list:
        found = read_arrays(town, catalogue, "toilets", ["name_zh", "stalls"], times=Times(day))
        return list(zip(found.columns["name_zh"], found.columns["stalls"], strict=True))

    assert told(date(2006, 1, 1)) == [("旧", 5)]
    assert told(NEW - timedelta(days=1)) == [("旧", 5)]
    assert told(NEW) == [("新", 5)]
    assert overlaps(town) == 0
