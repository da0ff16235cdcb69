"""Upserts: what is new, changed, untouched; history; merge; areas; the change number; the metric CRS."""

from __future__ import annotations

import math
from typing import Any
from uuid import uuid4

import pytest
import shapely
from sqlalchemy import text

from app.errors import BadGeometry, BadInput, NotFound
from app.inventory.areas_job import recompute_within
from app.inventory.batch import Change, ImportSource, Reject
from app.inventory.service import data_version, delete_features, get_metric_crs, write_batches
from tests.inventory.town import BOXES, CHANGE, LAT, LON, batch, districts, grid, line, place, square


def rows(conn, class_id, *columns: str, history=False):
    name = f"{class_id}_history" if history else class_id
    return [
        tuple(row) for row in conn.execute(text(f"SELECT {', '.join(columns)} FROM city.{name} ORDER BY id"))
    ]


def toilets(**columns: Any):
    return batch("toilets", {"t1": place(0.5, 0.5), "t2": place(-1.5, -1.5)}, columns)


def test_a_first_load_keeps_all_columns_and_writes_no_history(town, catalogue):
    given = batch(
        "toilets", {"t1": place(1, 1), "t2": place(-1, -1)},
        {"name_zh": ["一", '\\N\t二\n"'], "stalls": [3, None], "accessible": [True, False],
         "floor_area_m2": [12.5, 0.1 + 0.2]},
        extra=[{"tag": "值"}, None], incomplete=["t2"],
    )  # fmt: skip
    (counts,) = write_batches(town, catalogue, [given], CHANGE).values()
    assert counts.as_dict() == {
        "read": 2, "loaded": 2, "rejected": 0, "unchanged": 0, "new": 2, "changed": 0,
    }  # fmt: skip
    wanted = [
        ("t1", "一", 3, True, 12.5, {"tag": "值"}, False, "C/E/E1"),
        ("t2", '\\N\t二\n"', None, False, 0.1 + 0.2, None, True, "C/W/W2"),
    ]
    columns = ("code", "name_zh", "stalls", "accessible", "floor_area_m2", "extra", "incomplete", "area_path")
    assert rows(town, "toilets", *columns) == wanted
    assert rows(town, "toilets", "id", history=True) == []


def test_only_what_differs_is_written_and_the_old_version_kept(town, catalogue):
    write_batches(town, catalogue, [toilets(stalls=[3, 4])], CHANGE)
    first = data_version(town, "toilets")
    again = batch(
        "toilets", {"t3": place(2, 2), "t2": place(-1.5, -1.5), "t1": place(0.5, 0.5)}, {"stalls": [1, 4, 5]}
    )
    (counts,) = write_batches(town, catalogue, [again], CHANGE).values()
    assert (counts.new, counts.changed, counts.unchanged, counts.loaded) == (1, 1, 1, 2)
    second = data_version(town, "toilets")
    assert second > first
    assert rows(town, "toilets", "code", "stalls", "change_id") == [
        ("t1", 5, second), ("t2", 4, first), ("t3", 1, second),
    ]  # fmt: skip
    assert rows(town, "toilets", "code", "stalls", "change_id", "until_change", history=True) == [
        ("t1", 3, first, second)
    ]


def test_equal_rows_draw_no_change_number(town, catalogue):
    given = batch("parks", {"p": square(0, 0, 1)}, {"name_zh": ["园"]}, extra=[{"a": 1}])
    write_batches(town, catalogue, [given], CHANGE)
    before = town.execute(text("SELECT count(*), max(id) FROM city.changes")).one()
    (counts,) = write_batches(town, catalogue, [given], CHANGE).values()
    assert (counts.unchanged, counts.loaded) == (1, 0)
    assert town.execute(text("SELECT count(*), max(id) FROM city.changes")).one() == before


@pytest.mark.parametrize(
    "other",
    [
        batch("parks", {"p": square(0, 0, 1.0001)}, {"name_zh": ["园"]}, extra=[{"a": 1}]),
        batch("parks", {"p": square(0, 0, 1)}, {"name_zh": [None]}, extra=[{"a": 1}]),
        batch("parks", {"p": square(0, 0, 1)}, {"name_zh": ["园"]}, extra=[{"a": 2}]),
        batch("parks", {"p": square(0, 0, 1)}, {"name_zh": ["园"]}, extra=[{"a": 1}], incomplete=["p"]),
    ],
    ids=["shape", "field", "extra", "incomplete"],
)
def test_each_kind_of_difference_is_seen(town, catalogue, other):
    given = batch("parks", {"p": square(0, 0, 1)}, {"name_zh": ["园"]}, extra=[{"a": 1}])
    write_batches(town, catalogue, [given], CHANGE)
    (counts,) = write_batches(town, catalogue, [other], CHANGE).values()
    assert counts.changed == 1


def test_a_column_that_a_batch_lacks_keeps_its_value(town, catalogue):
    given = batch("parks", {"p": square(0, 0, 1)}, {"name_zh": ["园"], "registered_area_m2": [5.0]},
                  extra=[{"a": 1}])  # fmt: skip
    write_batches(town, catalogue, [given], CHANGE)
    write_batches(town, catalogue, [batch("parks", {"p": square(0, 0, 2)}, {"name_en": ["Park"]})], CHANGE)
    columns = ("name_zh", "name_en", "registered_area_m2", "size_flag", "extra")
    assert rows(town, "parks", *columns) == [("园", "Park", 5.0, True, {"a": 1})]


def test_zoom_follows_a_stored_field_that_the_batch_lacks(town, catalogue):
    street = batch("streets", {"s": line((0, 0), (1, 0))}, {"kind": ["trunk"]})
    write_batches(town, catalogue, [street], CHANGE)
    ((before,),) = rows(town, "streets", "min_zoom")
    write_batches(town, catalogue, [batch("streets", {"s": line((0, 0), (1, 1))}, {"lanes": [2]})], CHANGE)
    assert rows(town, "streets", "min_zoom", "lanes") == [(before, 2)]


def test_sizes_are_measured_and_flagged(town, catalogue):
    parks = batch("parks", {"p": square(0, 0, 1), "q": square(0, 0, 1)}, {"registered_area_m2": [5e5, None]})
    write_batches(town, catalogue, [parks, batch("streets", {"s": line((0, 0), (0, 1))})], CHANGE)
    (p, q), ((length_m,),) = rows(town, "parks", "area_m2", "size_flag"), rows(town, "streets", "length_m")
    expected = 0.01 * 111_320 * math.cos(math.radians(LAT)) * 0.01 * 110_850
    assert p[0] == q[0] == pytest.approx(expected, rel=2e-3)
    assert (p[1], q[1]) == (True, False)
    assert length_m == pytest.approx(0.01 * 110_850, rel=2e-3)


def test_two_batches_of_one_class_are_chunks_of_one(town, catalogue):
    more = batch("toilets", {"t3": place(1, 1)}, {"stalls": [3]})
    counts = write_batches(town, catalogue, [toilets(stalls=[1, 2]), more], CHANGE)["toilets"]
    assert (counts.read, counts.new) == (3, 3)
    assert rows(town, "toilets", "stalls") == [(1,), (2,), (3,)]
    with pytest.raises(BadInput, match=r"'t[12]' stands more than once"):
        write_batches(town, catalogue, [toilets(stalls=[1, 1]), toilets(stalls=[1, 2])], CHANGE)


def test_rejected_rows_are_counted(town, catalogue):
    given = toilets()
    given.rejects.append(Reject(3, "stalls", "x", "no number"))
    counts = write_batches(town, catalogue, [given], CHANGE)["toilets"]
    assert (counts.read, counts.rejected, counts.loaded) == (3, 1, 2)


def test_areas_imported_later_give_stored_features_their_home(conn, catalogue):
    given = [toilets(), batch("streets", {"s": line((-1, 1), (1.5, 1))})]
    write_batches(conn, catalogue, given, CHANGE)
    assert rows(conn, "toilets", "area_path") == [("",), ("",)]
    version = data_version(conn, "toilets")
    write_batches(conn, catalogue, [districts()], CHANGE)
    assert rows(conn, "toilets", "area_path") == [("",), ("",)]
    moved = recompute_within(conn, catalogue)
    assert {class_id: count for class_id, count in moved.items() if count} == {"streets": 1, "toilets": 2}
    assert recompute_within(conn, catalogue) == {}
    assert rows(conn, "toilets", "area_path") == [("C/E/E1",), ("C/W/W2",)]
    assert rows(conn, "streets", "area_path", "areas_touched", "crosses_border") == [
        ("C/E/E1", ["C", "E", "W", "E1", "W1"], True)
    ]
    assert data_version(conn, "toilets") > data_version(conn, "districts") > version
    assert rows(conn, "toilets", "id", history=True) == []


def test_grid_and_features_in_one_load_nest(conn, catalogue):
    write_batches(conn, catalogue, [toilets(), grid(), districts()], CHANGE)
    assert rows(conn, "toilets", "area_path") == [("C/E/E1/g22",), ("C/W/W2/g00",)]
    assert rows(conn, "grid_cells", "area_path")[0] == ("C/W/W2/g00",)


def test_a_moved_border_moves_only_what_it_passes(town, catalogue):
    write_batches(town, catalogue, [toilets(), batch("markets", {"m": place(-1, 1)})], CHANGE)
    before = data_version(town, "markets")
    wider = {"W": shapely.box(LON - 0.02, LAT - 0.02, LON + 0.015, LAT + 0.02),
             "E": shapely.box(LON + 0.015, LAT - 0.02, LON + 0.02, LAT + 0.02)}  # fmt: skip
    write_batches(town, catalogue, [districts(**wider)], CHANGE)
    recompute_within(town, catalogue)
    assert rows(town, "toilets", "area_path")[0] == ("C/W/E1",)
    assert data_version(town, "toilets") > before
    assert data_version(town, "markets") == before


def test_the_same_areas_again_move_nothing(town, catalogue):
    write_batches(town, catalogue, [toilets()], CHANGE)
    version = data_version(town, "toilets")
    counts = write_batches(town, catalogue, [districts()], CHANGE)["districts"]
    assert counts.unchanged == len(BOXES)
    assert data_version(town, "toilets") == version


def test_the_first_load_fixes_the_metric_crs_once(conn, catalogue):
    with pytest.raises(NotFound, match="no data yet"):
        get_metric_crs(conn)
    write_batches(conn, catalogue, [toilets()], CHANGE)
    assert get_metric_crs(conn).definition == "EPSG:4548"
    helsinki = batch("toilets", {"h": shapely.Point(24.9, 60.2)})
    write_batches(conn, catalogue, [helsinki], Change("t", "t", metric_crs="EPSG:3067"))
    assert get_metric_crs(conn).definition == "EPSG:4548"


def test_the_setting_overrides_the_choice(conn, catalogue):
    write_batches(conn, catalogue, [toilets()], Change("t", "t", metric_crs="EPSG:4547"))
    assert get_metric_crs(conn).definition == "EPSG:4547"


def test_deleted_features_leave_the_class_and_stay_in_the_history(town, catalogue):
    write_batches(town, catalogue, [toilets()], CHANGE)
    version = data_version(town, "toilets")
    assert delete_features(town, catalogue, "toilets", ["t1"], CHANGE) == 1
    assert rows(town, "toilets", "code") == [("t2",)]
    ((code, until),) = rows(town, "toilets", "code", "until_change", history=True)
    assert code == "t1"
    assert data_version(town, "toilets") == until > version
    with pytest.raises(NotFound, match="t1"):
        delete_features(town, catalogue, "toilets", ["t2", "t1"], CHANGE)
    assert rows(town, "toilets", "code") == [("t2",)]


def test_an_id_is_never_given_out_again(town, catalogue):
    write_batches(town, catalogue, [toilets()], CHANGE)
    ((old,), _) = rows(town, "toilets", "id")
    delete_features(town, catalogue, "toilets", ["t1"], CHANGE)
    write_batches(town, catalogue, [toilets()], CHANGE)
    assert old not in [key for (key,) in rows(town, "toilets", "id")]


def test_deleting_an_area_makes_its_features_homeless_there(town, catalogue):
    write_batches(town, catalogue, [toilets()], CHANGE)
    delete_features(town, catalogue, "districts", ["E1"], CHANGE)
    assert rows(town, "districts", "area_path")[1] == ("C/W",)
    recompute_within(town, catalogue)
    assert rows(town, "toilets", "area_path")[0] == ("C/E",)


def test_an_import_keeps_its_record(conn, catalogue):
    source = ImportSource("a.gpkg", "gpkg", "0" * 64, "EPSG:4548", "UTF-8", "office", "CC0", "© office",
                          (115.0, 28.0, 116.0, 29.0))  # fmt: skip
    key = uuid4()
    write_batches(conn, catalogue, [toilets(), batch("parks", {})], Change("t", "t", key, source))
    row = conn.execute(text("SELECT *, ST_AsText(extent) AS box FROM city.imports")).one()
    assert (row.id, row.path, row.classes, row.attribution) == (
        key,
        "a.gpkg",
        ["parks", "toilets"],
        "© office",
    )
    assert row.box == "POLYGON((115 28,115 29,116 29,116 28,115 28))"
    assert row.report["classes"]["toilets"]["new"] == 2
    assert row.change_id == data_version(conn, "toilets")
    assert rows(conn, "toilets", "import_id") == [(key,), (key,)]


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (batch("tolets", {"a": place(0, 0)}), NotFound),
        (batch("toilets", {"a": square(0, 0, 1)}), BadGeometry),
        (batch("toilets", {"a": place(0, 0)}, {"depth": [1]}), BadInput),
    ],
)
def test_what_cannot_be_stored_is_refused_with_a_sentence(conn, catalogue, bad, error):
    with pytest.raises(error):
        write_batches(conn, catalogue, [toilets(), bad], CHANGE)
    assert rows(conn, "toilets", "id") == []


def test_progress_is_told_by_class(conn, catalogue):
    told = []
    write_batches(
        conn, catalogue, [toilets(), batch("markets", {"m": place(0, 1)})], CHANGE,
        lambda *now: told.append(now),
    )  # fmt: skip
    assert told == [(2, 3, "toilets"), (3, 3, "markets")]
