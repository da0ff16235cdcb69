"""Base, stored and file compared: only edits are written, conflicts show all three, formats' losses are no edits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from app.catalogue.export_names import cut_bytes, quoted, unquoted
from app.ingest.layer import Layer
from app.ingest.own_export import Marks, find_own, layer_names, restore
from app.ingest.roundtrip import CHANGED, DELETED, fill_geometry, reconcile
from app.ingest.sameness import same_objects, same_shapes, same_values
from app.inventory.batch import Batch, Change
from app.inventory.known_versions import find_believed, find_written
from app.inventory.service import data_version, delete_features, write_batches

LON, LAT = 115.86, 28.68
GIVEN = frozenset({"name_zh", "stalls", "floor_area_m2", "accessible", "built_on"})


def places(count: int) -> np.ndarray:
    return np.array([shapely.Point(LON + i / 7000, LAT + i / 3000) for i in range(count)], dtype=object)


def exported(count: int = 3) -> Batch:
    return Batch(
        "toilets",
        [f"t{i}" for i in range(count)],
        places(count),
        {
            "name_zh": [f"公厕{i}" for i in range(count)],
            "stalls": list(range(count)),
            "floor_area_m2": [1 / 3 + i for i in range(count)],
            "accessible": [i % 2 == 0 for i in range(count)],
            "built_on": [date(1960 + i, 1, 2) for i in range(count)],
        },
        [{"n": i} for i in range(count)],
    )


@pytest.fixture
def written(conn, catalogue) -> int:
    """Three toilets; the change that wrote them."""
    write_batches(conn, catalogue, [exported()], Change("t", "made"))
    return data_version(conn, catalogue.get_class("toilets"))


def marks(change: int, count: int = 3, given: frozenset[str] = GIVEN, *, has_extra: bool = True) -> Marks:
    return Marks([change] * count, change, given, has_extra)


def changed(batch: Batch, column: str, row: int, value: object) -> Batch:
    values = list(batch.columns[column])
    values[row] = value
    return replace(batch, columns={**batch.columns, column: values})


def run(conn, catalogue, batch, told, on_conflict="refuse"):
    rows = list(range(2, 2 + len(batch.codes)))
    return reconcile(conn, catalogue.get_class("toilets"), batch, rows, told, on_conflict)


def test_what_was_not_edited_is_not_written_whatever_happened_here(conn, catalogue, written):
    write_batches(conn, catalogue, [changed(exported(), "stalls", 1, 99)], Change("t", "elsewhere"))
    delete_features(conn, catalogue, "toilets", ["t2"], Change("t", "gone"))
    done = run(conn, catalogue, exported(), marks(written))
    assert (done.batch.codes, done.unchanged, done.deleted, done.conflicts) == ([], 3, 1, [])


def test_only_the_edited_field_is_taken(conn, catalogue, written):
    batch = changed(exported(), "stalls", 1, 7)
    blurred = [value * (1 + 1e-12) for value in batch.columns["floor_area_m2"]]
    batch = replace(
        batch, columns={**batch.columns, "floor_area_m2": blurred}, geometry=_shifted(batch.geometry)
    )
    done = run(conn, catalogue, batch, marks(written))
    assert (done.batch.codes, done.kept, done.unchanged) == (["t1"], [1], 2)
    assert done.batch.columns["stalls"] == [7]
    assert done.batch.columns["floor_area_m2"] == [1 / 3 + 1]
    assert shapely.equals_identical(done.batch.geometry[0], places(3)[1])
    assert done.batch.extra == [{"n": 1}]


def _shifted(geometry: np.ndarray) -> np.ndarray:
    return shapely.transform(geometry, lambda xy: xy + 4e-8)


def test_a_moved_place_is_an_edit(conn, catalogue, written):
    moved = exported().geometry.copy()
    moved[0] = shapely.Point(LON + 1e-6, LAT)
    done = run(conn, catalogue, replace(exported(), geometry=moved), marks(written))
    assert done.batch.codes == ["t0"]
    assert done.batch.geometry[0].x == LON + 1e-6


def test_columns_that_the_file_lacks_stay(conn, catalogue, written):
    batch = changed(exported(), "stalls", 0, 5)
    batch = replace(
        batch,
        columns={"stalls": batch.columns["stalls"], "name_zh": ["filled"] * 3},
        extra=[{"note": "new"}, None, None],
    )
    done = run(conn, catalogue, batch, marks(written, given=frozenset({"stalls"}), has_extra=False))
    assert done.batch.codes == ["t0"]
    assert done.batch.columns == {"stalls": [5], "name_zh": ["公厕0"]}
    assert done.batch.extra == [{"n": 0, "note": "new"}]


def test_rows_without_a_change_number_are_new_or_compared_with_what_is_stored(conn, catalogue, written):
    batch = replace(exported(), codes=["t0", "new", "t2"])
    told = Marks([None, None, written + 77], written, GIVEN, has_extra=True)
    done = run(conn, catalogue, changed(batch, "stalls", 2, 50), told)
    assert done.batch.codes == ["new", "t2"]
    assert done.batch.columns["stalls"] == [1, 50]


def test_a_row_changed_here_and_there_is_a_conflict_with_all_values(conn, catalogue, written):
    write_batches(conn, catalogue, [changed(exported(), "stalls", 1, 99)], Change("t", "elsewhere"))
    edited = changed(changed(exported(), "stalls", 1, 7), "name_zh", 1, "改")
    done = run(conn, catalogue, edited, marks(written))
    (conflict,) = done.conflicts
    assert (conflict["row"], conflict["code"], conflict["reason"], conflict["taken"]) == (
        3,
        "t1",
        CHANGED,
        None,
    )
    assert conflict["fields"] == [
        {"field": "name_zh", "base": "公厕1", "file": "改", "stored": "公厕1"},
        {"field": "stalls", "base": 1, "file": 7, "stored": 99},
    ]
    assert (done.batch.codes, done.unchanged, len(done.batch.rejects)) == ([], 2, 1)
    assert done.batch.rejects[0].row == 3
    theirs = run(conn, catalogue, edited, marks(written), "file")
    assert (theirs.batch.codes, theirs.batch.columns["stalls"], theirs.batch.rejects) == (["t1"], [7], [])
    ours = run(conn, catalogue, edited, marks(written), "stored")
    assert (ours.batch.codes, ours.unchanged, ours.conflicts[0]["taken"]) == ([], 3, "stored")


def test_choosing_the_file_keeps_what_was_changed_here_in_other_fields(conn, catalogue, written):
    write_batches(conn, catalogue, [changed(exported(), "name_zh", 1, "这里")], Change("t", "elsewhere"))
    done = run(conn, catalogue, changed(exported(), "stalls", 1, 7), marks(written), "file")
    assert (done.batch.columns["name_zh"], done.batch.columns["stalls"]) == (["这里"], [7])


def test_the_same_edit_on_both_sides_is_none_and_a_change_taken_back_neither(conn, catalogue, written):
    write_batches(conn, catalogue, [changed(exported(), "stalls", 1, 7)], Change("t", "same"))
    assert run(conn, catalogue, changed(exported(), "stalls", 1, 7), marks(written)).unchanged == 3
    write_batches(conn, catalogue, [exported()], Change("t", "back"))
    done = run(conn, catalogue, changed(exported(), "stalls", 1, 8), marks(written))
    assert (done.batch.codes, done.conflicts) == (["t1"], [])


def test_a_feature_deleted_here_and_edited_there_is_a_conflict(conn, catalogue, written):
    delete_features(conn, catalogue, "toilets", ["t1"], Change("t", "gone"))
    edited = changed(exported(), "stalls", 1, 7)
    done = run(conn, catalogue, edited, marks(written))
    assert [(c["code"], c["reason"], c["fields"][0]["stored"]) for c in done.conflicts] == [
        ("t1", DELETED, None)
    ]
    again = run(conn, catalogue, edited, marks(written), "file")
    assert again.batch.columns["name_zh"] == ["公厕1"]


def test_a_timed_version_is_compared_with_itself(conn, catalogue):
    cls = catalogue.get_class("toilets")
    old = replace(exported(1), valid=[(date(2010, 1, 1), date(2020, 1, 1))])
    new = replace(changed(exported(1), "stalls", 0, 9), valid=[(date(2020, 1, 1), None)])
    write_batches(conn, catalogue, [old], Change("t", "old"))
    first = data_version(conn, cls)
    write_batches(conn, catalogue, [new], Change("t", "new"))
    done = run(conn, catalogue, old, marks(first, 1))
    assert (done.unchanged, done.conflicts) == (1, [])
    done = run(conn, catalogue, changed(old, "stalls", 0, 5), marks(first, 1))
    assert (done.batch.valid, done.batch.columns["stalls"]) == (old.valid, [5])
    shorter = replace(old, valid=[(date(2010, 1, 1), date(2015, 1, 1))])
    done = run(conn, catalogue, shorter, marks(first, 1))
    assert done.ended == [("t0", (date(2015, 1, 1), date(2020, 1, 1)))]


def test_versions_are_found_row_by_row(conn, catalogue, written):
    cls = catalogue.get_class("toilets")
    write_batches(conn, catalogue, [changed(exported(), "stalls", 1, 99)], Change("t", "elsewhere"))
    base = find_written(conn, cls, ["t1", "none", "t1"], [written, written, None], [(None, None)] * 3)
    assert base.change_id == [written, None, None]
    assert (base.believed, base.columns["stalls"]) == ([False, False, False], [1, None, None])
    assert find_believed(conn, cls, ["t1", "none"], [(None, None)] * 2).columns["stalls"] == [99, None]
    assert len(find_written(conn, cls, [], [], [])) == 0


def test_a_shape_that_no_cell_held_is_filled_in(conn, catalogue, written):
    bare = np.array([None, shapely.Point(1, 1), None], dtype=object)
    layer = Layer("toilets", [2, 3, 4], bare, {"code": ["t0", "t1", "new"]}, None)
    told = Marks([written, written, None], written, GIVEN, has_extra=True)
    filled = fill_geometry(conn, catalogue.get_class("toilets"), layer, told).geometry
    assert shapely.equals_identical(filled[0], places(1)[0])
    assert (filled[1], filled[2]) == (shapely.Point(1, 1), None)


def test_an_own_export_is_known_by_its_marks_in_every_spelling(catalogue):
    cls = catalogue.get_class("toilets")
    assert find_own(["code", "name_zh", "stalls"], cls) is None
    plain = find_own(["OBJECTID", "CODE", "Stalls", "AREA_PATH", "CHANGE_ID", "Shape_Area", "mine"], cls)
    assert plain is not None
    assert (plain.fields, plain.dropped) == (frozenset({"stalls"}), ("OBJECTID", "Shape_Area"))
    short = find_own(["fid", "area_path", "floor_area", "chg_id", "data_ver", "code"], cls)
    assert short is not None
    assert short.names["floor_area"] == "floor_area_m2"
    sheet = find_own(
        ["lon", "lat", "编码 Code", "厕位数 Stalls (pieces)", "所属区域 Home areas", "变更号 Change number"],
        cls,
    )
    assert sheet is not None
    columns = {
        "lon": ["1"], "lat": ["2"], "编码 Code": ["'=c"], "厕位数 Stalls (pieces)": [3.0], "所属区域 Home areas": ["C"],
        "变更号 Change number": [42.0],
    }  # fmt: skip
    layer, told = restore(Layer("toilets", [2], places(1), columns, None), sheet, quoted=True)
    assert (sheet.places, short.places) == ({"lon": "lon", "lat": "lat"}, {})
    assert list(layer.columns) == ["lon", "lat", "code", "stalls", "area_path", "change_id"]
    assert (layer.columns["code"], layer.columns["stalls"]) == (["=c"], [3.0])
    assert (told.change_ids, told.data_version, told.given) == ([42], 42, frozenset({"stalls"}))
    assert layer_names("markets_point") == ("markets_point", "markets")


@given(st.text())
def test_quoting_is_undone(text):
    assert unquoted(quoted(text)) == text


@given(st.text())
def test_cutting_never_splits_a_character(text):
    cut = cut_bytes(text, 10)
    assert text.startswith(cut)
    assert len(cut.encode()) <= 10


def test_texts_cut_by_a_format_are_the_same():
    long = "长" * 300
    assert same_values("text", [cut_bytes(long), "长", None, "a\nb"], [long, long, "", "a\r\nb "]).tolist() == [
        True, False, True, True,
    ]  # fmt: skip
    assert same_objects([None, {"a": 1}, {"extra": "x" * 32_767}], [None, {"a": 2}, {"b": "x" * 40_000}]).tolist() == [
        True, False, True,
    ]  # fmt: skip


def test_rings_may_turn_and_begin_elsewhere_but_lines_may_not():
    ring = shapely.box(0, 0, 1, 1)
    lines = shapely.LineString([(0, 0), (1, 1)])
    other = np.array(
        [ring.reverse(), shapely.MultiPolygon([ring]), lines.reverse(), ring.buffer(1e-6)], dtype=object
    )
    assert same_shapes(other, np.array([ring, ring, lines, ring], dtype=object)).tolist() == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("quarter", [8, 400])
def test_a_ring_blurred_by_another_crs_is_the_same(quarter):
    circle = shapely.Point(LON, LAT).buffer(0.001, quad_segs=quarter)
    blur = np.random.default_rng(1).uniform(-4e-8, 4e-8, (shapely.get_num_coordinates(circle), 2))
    blur[-1] = blur[0]
    blurred = shapely.transform(circle, lambda xy: xy + blur).reverse()
    moved = shapely.transform(circle, lambda xy: np.where(xy == xy[3], xy + 1e-6, xy))
    base = np.array([circle, circle], dtype=object)
    assert same_shapes(np.array([blurred, moved], dtype=object), base).tolist() == [True, False]
