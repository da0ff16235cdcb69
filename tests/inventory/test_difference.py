"""What an import did is told with old and new values, and what its file lacks is found by where it came from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import uuid4

import numpy as np
import pytest
import shapely

from app.inventory.batch import Batch, Change, ImportSource
from app.inventory.difference import difference, missing, remember_codes
from app.inventory.service import data_version, delete_features, write_batches
from tests.inventory.town import LAT, LON

CODES = ["a", "b", "c", "d"]


def trees(codes: list[str] = CODES, **columns: list) -> Batch:
    geometry = np.array([shapely.Point(LON + ord(code) / 9000, LAT) for code in codes], dtype=object)
    given = {"name_zh": [f"树{code}" for code in codes], **columns}
    return Batch("toilets", codes, geometry, given, [None] * len(codes))


def imported(path: str, source: str | None = None) -> Change:
    return Change("t", f"import of {path}", uuid4(), ImportSource(path, "gpkg", source=source))


def told(conn, catalogue, change: Change) -> dict:
    assert change.import_id is not None
    return difference(conn, catalogue.get_class("toilets"), change.import_id)


def test_new_changed_and_deleted_are_told_with_both_values(conn, catalogue):
    first = imported("a.gpkg")
    write_batches(conn, catalogue, [trees(stalls=[1, 2, 3, 4])], first)
    found = told(conn, catalogue, first)
    assert (found["new"], found["changed"], found["deleted"], found["fields"]) == (4, 0, 0, {})
    assert found["examples"]["new"][0] == {"code": "a", "name": "树a"}
    moved = trees(["a", "b", "e"], stalls=[1, 20, 5])
    moved.geometry[0] = shapely.Point(LON, LAT)
    second = imported("b.gpkg")
    write_batches(conn, catalogue, [moved], second)
    delete_features(conn, catalogue, "toilets", ["c"], second)
    found = told(conn, catalogue, second)
    assert (found["new"], found["changed"], found["deleted"]) == (1, 2, 1)
    assert found["fields"] == {"stalls": 1, "geometry": 1}
    changed = {item["code"]: item["fields"] for item in found["examples"]["changed"]}
    title = catalogue.get_class("toilets").get_field("stalls").title
    assert changed["b"] == [
        {"field": "stalls", "title": {"zh": title.zh, "en": title.en}, "before": 2, "after": 20}
    ]
    (shape,) = changed["a"]
    assert (shape["field"], shape["after"]) == ("geometry", f"POINT({LON} {LAT})")
    assert found["examples"]["deleted"] == [{"code": "c", "name": "树c"}]


def test_an_import_without_changes_says_so(conn, catalogue):
    write_batches(conn, catalogue, [trees()], Change("t", "made"))
    change = imported("same.gpkg")
    write_batches(conn, catalogue, [trees()], change)
    found = told(conn, catalogue, change)
    assert (found["new"], found["changed"], found["deleted"]) == (0, 0, 0)
    assert found["examples"] == {"new": [], "changed": [], "deleted": []}


def test_an_import_in_several_changes_is_one_difference(conn, catalogue):
    write_batches(conn, catalogue, [trees(["a"], stalls=[1])], Change("t", "made"))
    change = imported("parts.gpkg")
    write_batches(conn, catalogue, [trees(["b"])], change)
    second = Change(change.who, change.why, change.import_id)
    write_batches(conn, catalogue, [trees(["a"], stalls=[2])], second)
    found = told(conn, catalogue, change)
    assert (found["new"], found["changed"], found["fields"]) == (1, 1, {"stalls": 1})


def test_a_written_time_is_compared_with_what_was_believed_of_it(conn, catalogue):
    write_batches(conn, catalogue, [trees(["a"], stalls=[1])], Change("t", "made"))
    change = imported("past.gpkg")
    past = replace(trees(["a"], stalls=[7]), valid=[(date(2010, 1, 1), date(2012, 1, 1))])
    write_batches(conn, catalogue, [past], change)
    (example,) = told(conn, catalogue, change)["examples"]["changed"]
    values = {field["field"]: (field["before"], field["after"]) for field in example["fields"]}
    assert values["stalls"] == (1, 7)
    assert values["valid"][1] == "[2010-01-01,2012-01-01)"


def test_an_own_export_lacks_what_stood_in_it_only(conn, catalogue):
    cls = catalogue.get_class("toilets")
    write_batches(conn, catalogue, [trees(stalls=[1, 2, 3, 4])], Change("t", "made"))
    version = data_version(conn, cls)
    write_batches(conn, catalogue, [trees(["d", "l"], stalls=[40, 5])], Change("t", "since"))
    remember_codes(conn, cls, ["a"])
    remember_codes(conn, cls, ["b"])
    found = missing(conn, cls, data_version=version)
    assert (found.codes, found.changed) == (["c"], ["d"])
    assert found.examples == [{"code": "c", "change": version, "name": "树c"}]


@pytest.mark.parametrize(
    ("path", "source", "codes"),
    [
        ("/here/a.gpkg", "the office", ["c", "d"]),
        ("/other/folder/a.gpkg", "the office", ["c", "d"]),
        ("/other/folder/a.gpkg", None, []),  # another office may call its file so
        ("/here/new name.csv", "the office", []),  # and this one may have several
        ("/here/a.gpkg", "another office", []),
    ],
)
def test_another_file_lacks_what_came_from_a_file_of_its_name_and_source(
    conn, catalogue, path, source, codes
):
    cls = catalogue.get_class("toilets")
    write_batches(conn, catalogue, [trees()], imported("/here/a.gpkg", "the office"))
    write_batches(conn, catalogue, [trees(["x"])], imported("/here/x.gpkg"))
    write_batches(conn, catalogue, [trees(["y"])], Change("t", "drawn"))
    write_batches(conn, catalogue, [trees(["c"], stalls=[9])], Change("t", "edited here"))
    remember_codes(conn, cls, ["a", "b"])
    assert missing(conn, cls, path=path, source=source).codes == codes


def test_nothing_remembered_means_all_of_it_is_missing(conn, catalogue):
    cls = catalogue.get_class("toilets")
    write_batches(conn, catalogue, [trees()], imported("/a.gpkg"))
    found = missing(conn, cls, path="/a.gpkg", examples=2)
    assert (found.codes, len(found.examples)) == (CODES, 2)
