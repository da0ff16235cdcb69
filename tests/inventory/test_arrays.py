"""Classes as arrays: values, metres, filters, frame, time in the world."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest
import shapely

from app.errors import BadInput, NotFound
from app.inventory.arrays import read_arrays
from app.inventory.batch import Change, ImportSource
from app.inventory.service import data_version, delete_features, get_metric_crs, write_batches
from app.inventory.times import Times
from tests.inventory.town import CHANGE, LAT, LON, batch, place, square


@pytest.fixture
def toilets(town, catalogue):
    shapes = {"a": place(-1, 1), "b": place(1, 1), "c": place(1, -1), "d": place(0.5, 0.5)}
    columns = {"state": ["in_service", None, "removed", None], "stalls": [1, 2, 3, None]}
    write_batches(town, catalogue, [batch("toilets", shapes, columns, incomplete=["d"])], CHANGE)
    return town


def test_whole_features_come_in_order_of_id_in_metres(toilets, catalogue):
    crs = get_metric_crs(toilets)
    found = read_arrays(toilets, catalogue, "toilets", ["stalls", "state"], {}, crs)
    assert found.code == ["a", "b", "c"]
    assert sorted(found.id.tolist()) == found.id.tolist()
    assert found.columns["stalls"].tolist() == [1, 2, 3]
    assert found.columns["state"].tolist() == ["in_service", None, "removed"]
    assert found.area_path == ["C/W/W1", "C/E/E1", "C/E/E2"]
    assert found.change_id == data_version(toilets, "toilets")
    x, y = crs.xy(LON - 0.01, LAT + 0.01)
    assert (found.geometry[0].x, found.geometry[0].y) == pytest.approx((x, y), abs=1e-6)
    assert len(found) == 3


def test_null_may_stand_among_the_allowed_values(toilets, catalogue):
    served = read_arrays(toilets, catalogue, "toilets", where={"state": ("in_service", None)})
    assert served.code == ["a", "b"]
    assert read_arrays(toilets, catalogue, "toilets", where={"state": (None,)}).code == ["b"]
    assert read_arrays(toilets, catalogue, "toilets", where={"stalls": (2, 3)}).code == ["b", "c"]


def test_incomplete_rows_come_only_when_asked_for(toilets, catalogue):
    assert len(read_arrays(toilets, catalogue, "toilets", incomplete=True)) == 4


def test_an_empty_class_gives_empty_arrays(toilets, catalogue):
    found = read_arrays(toilets, catalogue, "parks", ["kind", "area_m2"], crs=get_metric_crs(toilets))
    assert len(found) == 0
    assert found.geometry.shape == found.columns["kind"].shape == (0,)
    assert found.change_id == 0


def test_unknown_names_are_told(toilets, catalogue):
    with pytest.raises(BadInput, match="stols"):
        read_arrays(toilets, catalogue, "toilets", ["stols"])
    with pytest.raises(BadInput, match="stols"):
        read_arrays(toilets, catalogue, "toilets", where={"stols": (1,)})
    with pytest.raises(NotFound):
        read_arrays(toilets, catalogue, "tolets")


def load(conn, catalogue, shapes, extent):
    source = ImportSource("f", "gpkg", extent=extent)
    write_batches(conn, catalogue, [batch("toilets", shapes)], Change("t", "t", uuid4(), source))


def test_the_frame_joins_declared_extents_and_boxes_of_other_data(conn, catalogue):
    load(conn, catalogue, {"a": place(0, 0), "b": place(1, 1)}, None)
    assert read_arrays(conn, catalogue, "toilets").frame is None
    load(conn, catalogue, {"c": place(5, 5)}, (116.0, 28.7, 116.1, 28.8))
    frame = read_arrays(conn, catalogue, "toilets").frame
    wanted = [shapely.box(116.0, 28.7, 116.1, 28.8), shapely.box(LON, LAT, LON + 0.01, LAT + 0.01)]
    assert frame.area == pytest.approx(shapely.union_all(wanted).area)
    crs = get_metric_crs(conn)
    assert read_arrays(conn, catalogue, "toilets", crs=crs).frame.bounds[0] == pytest.approx(
        crs.xy(LON, LAT)[0], abs=30
    )
    assert read_arrays(conn, catalogue, "parks").frame is None


def test_a_class_that_an_import_looked_for_in_vain_has_its_frame(conn, catalogue):
    source = ImportSource("f", "osm.pbf", extent=(24.9, 60.1, 25.0, 60.2))
    given = [batch("toilets", {"a": shapely.Point(24.95, 60.15)}), batch("parks", {})]
    write_batches(conn, catalogue, given, Change("t", "t", uuid4(), source))
    assert read_arrays(conn, catalogue, "parks").frame.bounds == pytest.approx((24.9, 60.1, 25.0, 60.2))


def test_a_day_in_the_world_gives_the_version_that_held_then(toilets, catalogue):
    """`a` was rebuilt in 2021; `b` was once recorded wrongly, which is no history of the world."""
    write_batches(toilets, catalogue, [batch("toilets", {"b": place(1, 1)}, {"stalls": [7]})], CHANGE)
    before = batch("toilets", {"a": place(0, 0)}, {"stalls": [9]})
    until = [(date(2010, 1, 1), date(2021, 6, 1))]
    write_batches(toilets, catalogue, [replace(before, valid=until)], CHANGE)
    delete_features(toilets, catalogue, "toilets", ["a"], CHANGE, (None, date(2010, 1, 1)))

    def stalls(day) -> dict[str, int]:
        found = read_arrays(toilets, catalogue, "toilets", ["stalls"], {"code": ("a", "b")}, times=Times(day))
        return dict(zip(found.code, found.columns["stalls"].tolist(), strict=True))

    assert stalls(date(2022, 1, 1)) == {"a": 1, "b": 7}
    assert stalls(date(2021, 5, 31)) == {"a": 9, "b": 7}
    assert stalls(date(2009, 1, 1)) == {"b": 7}
    assert stalls(None) == {"a": 1, "b": 7}


def test_the_engines_role_may_read_arrays(database, catalogue):
    with database.write() as conn:
        write_batches(conn, catalogue, [batch("parks", {"p": square(0, 0, 1)})], CHANGE)
    with database.engine() as conn:
        crs = get_metric_crs(conn)
        found = read_arrays(conn, catalogue, "parks", ["area_m2", "kind"], {"access": ("public", None)}, crs)
    assert found.geometry[0].geom_type == "MultiPolygon"
    assert found.columns["area_m2"][0] == pytest.approx(found.geometry[0].area)
