"""History, restore of a feature, a class, an import; conflicts show both values."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.errors import BadInput, Conflict, NotFound
from app.inventory.arrays import read_arrays
from app.inventory.batch import Change, ImportSource
from app.inventory.changes import read_times
from app.inventory.history_store import get_import, list_changes, list_imports
from app.inventory.restore_service import feature_history, restore_class, restore_feature, undo_import
from app.inventory.service import data_version, delete_features, write_batches
from app.inventory.times import Times
from tests.inventory.town import CHANGE, batch, districts, place


def put(conn, catalogue, change=CHANGE, valid=None, **stalls: int) -> int:
    shapes = {code: place(0, n / 10) for n, code in enumerate(sorted(stalls))}
    made = batch("toilets", shapes, {"stalls": [stalls[code] for code in shapes]})
    write_batches(conn, catalogue, [replace(made, valid=valid)], change)
    return data_version(conn, "toilets")


def stalls(conn, catalogue, times: Times = Times()) -> dict[str, int]:
    arrays = read_arrays(conn, catalogue, "toilets", ["stalls"], times=times)
    return dict(zip(arrays.code, arrays.columns["stalls"].tolist(), strict=True))


def load(conn, catalogue, **numbers: int) -> UUID:
    """An import of a file."""
    name = uuid4()
    put(conn, catalogue, Change("importer", "import", name, ImportSource("厕所.gpkg", "gpkg")), **numbers)
    return name


def test_the_history_tells_who_when_why_before_and_after(town, catalogue):
    first = put(town, catalogue, Change("li", "survey"), a=4)
    put(town, catalogue, Change("wang", "rebuilt"), [(date(2021, 3, 1), None)], a=8)
    put(town, catalogue, Change("zhao", "typing error"), a=9)
    delete_features(town, catalogue, "toilets", ["a"], Change("sun", "demolished"), (date(2022, 5, 1), None))
    told = feature_history(town, catalogue, "toilets", "a")
    seen = [(e["who"], e["why"], e["action"], e["valid"]) for e in told["events"]]
    assert seen == [
        ("li", "survey", "created", [None, None]),
        ("wang", "rebuilt", "changed", ["2021-03-01", None]),
        ("zhao", "typing error", "changed", ["2021-03-01", None]),
        ("sun", "demolished", "ended", None),
    ]
    changed = {f["field"]: (f["before"], f["after"]) for f in told["events"][1]["fields"]}
    assert changed == {"stalls": (4, 8)}
    assert told["events"][0]["change"] == first
    assert [v["valid"] for v in told["versions"] if v["until_change"] is None] == [
        [None, "2021-03-01"], ["2021-03-01", "2022-05-01"]
    ]  # fmt: skip
    assert feature_history(town, catalogue, "toilets", told["id"])["events"] == told["events"]


def test_the_history_tells_a_restore_as_one_not_as_a_second_deletion(town, catalogue):
    first = put(town, catalogue, a=4)
    delete_features(town, catalogue, "toilets", ["a"], CHANGE, (date(2022, 5, 1), None))
    restore_feature(town, catalogue, "toilets", "a", first, Change("li", "it is there"))
    told = feature_history(town, catalogue, "toilets", "a")["events"]
    assert [(event["action"], event["valid"]) for event in told] == [
        ("created", [None, None]), ("ended", None), ("restored", [None, None])
    ]  # fmt: skip
    assert told[-1]["fields"] == []
    delete_features(town, catalogue, "toilets", ["a"], CHANGE, (date(2022, 5, 1), None))
    assert feature_history(town, catalogue, "toilets", "a")["events"][-1]["action"] == "ended"


def test_a_feature_is_restored_to_what_was_known_at_a_change(town, catalogue):
    first = put(town, catalogue, a=4, b=1)
    put(town, catalogue, a=8)
    done = restore_feature(town, catalogue, "toilets", "a", first, Change("li", "restore"))
    assert stalls(town, catalogue) == {"a": 4, "b": 1}
    assert done.classes == {"toilets": 1}
    delete_features(town, catalogue, "toilets", ["a"], CHANGE)
    ids = town.execute(text("SELECT DISTINCT id FROM city.toilets_history WHERE code = 'a'")).scalars().all()
    restore_feature(town, catalogue, "toilets", "a", first, CHANGE)
    assert stalls(town, catalogue) == {"a": 4, "b": 1}
    assert town.execute(text("SELECT id FROM city.toilets WHERE code = 'a'")).scalars().all() == ids
    again = restore_feature(town, catalogue, "toilets", "b", first, CHANGE)
    assert again.change is None


def test_a_class_is_restored_to_an_earlier_data_version_with_its_past(town, catalogue):
    put(town, catalogue, CHANGE, [(None, date(2020, 1, 1))], a=2)
    before = put(town, catalogue, CHANGE, [(date(2020, 1, 1), None)], a=4)
    known = [stalls(town, catalogue, Times(day)) for day in (date(2019, 1, 1), date(2021, 1, 1))]
    put(town, catalogue, CHANGE, [(date(2019, 6, 1), None)], a=7)
    put(town, catalogue, c=3)
    delete_features(town, catalogue, "toilets", ["a"], CHANGE)
    done = restore_class(town, catalogue, "toilets", before, CHANGE)
    assert done.classes == {"toilets": 2}
    assert [stalls(town, catalogue, Times(day)) for day in (date(2019, 1, 1), date(2021, 1, 1))] == known
    assert stalls(town, catalogue) == {"a": 4}
    assert restore_class(town, catalogue, "toilets", before, CHANGE).change is None


def test_an_import_taken_back_is_gone_but_known_before(town, catalogue):
    put(town, catalogue, a=1)
    name = load(town, catalogue, a=5, b=6)
    then = data_version(town, "toilets")
    undo_import(town, catalogue, name, Change("li", "wrong file"))
    assert stalls(town, catalogue) == {"a": 1}
    for day in (date(2000, 1, 1), date(2030, 1, 1)):
        assert stalls(town, catalogue, Times(day)) == {"a": 1}
    assert stalls(town, catalogue, read_times(town, known_at=then)) == {"a": 5, "b": 6}
    assert stalls(town, catalogue, read_times(town, known_at=str(then - 1))) == {"a": 1}
    with pytest.raises(Conflict, match=r"already taken back on .* by li"):
        undo_import(town, catalogue, name, CHANGE, "restore")


def test_conflicts_show_both_values_and_nothing_is_changed_unless_asked(town, catalogue):
    put(town, catalogue, a=1)
    name = load(town, catalogue, a=5, b=6)
    put(town, catalogue, a=7)
    with pytest.raises(Conflict, match="1 features") as refused:
        undo_import(town, catalogue, name, CHANGE)
    [conflict] = refused.value.members["conflicts"]
    assert (conflict["code"], conflict["fields"]) == (
        "a",
        [{"field": "stalls", "now": 7, "before_import": 1}],
    )
    assert stalls(town, catalogue) == {"a": 7, "b": 6}
    kept = undo_import(town, catalogue, name, CHANGE, "keep")
    assert (stalls(town, catalogue), len(kept.kept)) == ({"a": 7}, 1)
    other = load(town, catalogue, a=9, d=2)
    put(town, catalogue, d=3)
    undo_import(town, catalogue, other, CHANGE, "restore")
    assert stalls(town, catalogue) == {"a": 7}


def test_a_restore_across_a_changed_class_is_a_clear_error(database, catalogue):
    with database.write() as conn:
        write_batches(conn, catalogue, [districts()], CHANGE)
        before = put(conn, catalogue, a=4)
        put(conn, catalogue, a=5)
    with database.admin() if hasattr(database, "admin") else database.write() as conn:
        conn.execute(text("UPDATE city.toilets_history SET stalls = -4"))
    with pytest.raises(Conflict, match="does not fit the class"), database.write() as conn:
        restore_class(conn, catalogue, "toilets", before, CHANGE)
    with database.read() as conn:
        assert stalls(conn, catalogue) == {"a": 5}


def test_changes_and_imports_are_listed_newest_first(town, catalogue):
    name = load(town, catalogue, a=1)
    put(town, catalogue, Change("li", "mend"), a=2)
    told = list_changes(town, "toilets")
    assert [one["why"] for one in told[:2]] == ["mend", "import"]
    assert [one["change"] for one in list_changes(town, "toilets", before=told[0]["change"], limit=1)] == [
        told[1]["change"]
    ]
    assert list_changes(town, "parks") == []
    assert list_imports(town)[0]["id"] == str(name) == get_import(town, name)["id"]


def test_what_does_not_exist_is_named(town, catalogue):
    put(town, catalogue, a=1)
    second = put(town, catalogue, b=1)
    for call in (
        lambda: feature_history(town, catalogue, "toilets", "nobody"),
        lambda: feature_history(town, catalogue, "toilets", -1),
        lambda: restore_feature(town, catalogue, "toilets", "a", 10**9, CHANGE),
        lambda: restore_class(town, catalogue, "toilets", -3, CHANGE),
        lambda: restore_feature(town, catalogue, "toilets", "b", second - 1, CHANGE),
        lambda: undo_import(town, catalogue, uuid4(), CHANGE),
        lambda: read_times(town, known_at=0),
        lambda: read_times(town, known_at="1999-01-01"),
    ):
        with pytest.raises(NotFound):
            call()
    with pytest.raises(BadInput, match="known_at"):
        read_times(town, known_at="yesterday")
