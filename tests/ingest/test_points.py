"""Places in the columns of a table: found by what headings and cells say, never by likeness; bad cells told by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from app.errors import BadInput
from app.ingest.coordinates import coordinate
from app.ingest.files import SourceFile
from app.ingest.layer import Ask, Layer, whole
from app.ingest.points import PlaceColumns, draw, find_places
from app.ingest.readers import READERS
from app.ingest.spool import sources
from tests.effort import is_little


def table(**columns: list[Any]) -> Layer:
    count = len(next(iter(columns.values())))
    rows = list(range(2, count + 2))
    return Layer("table", rows, np.full(count, None, dtype=object), columns, None, spatial=False)


def found(**columns: list[Any]) -> PlaceColumns | None:
    return find_places(list(columns), columns)


def drawn(**columns: list[Any]) -> Layer:
    place = found(**columns)
    assert place is not None
    return draw(table(**columns), place)


def wkt(layer: Layer) -> list[str | None]:
    return [
        None if shape is None else shapely.to_wkt(shape, rounding_precision=6) for shape in layer.geometry
    ]


HEADINGS = [
    ("lon", "lat"), ("lng", "lat"), ("Longitude", "Latitude"), ("经度", "纬度"), ("东经", "北纬"), ("x", "y"),
    ("经度(°)", "纬度(°)"), ("WGS84_LON", "WGS84_LAT"), ("GPS经度", "GPS纬度"), ("坐标经度", "坐标纬度"),
    ("经度坐标", "纬度坐标"), ("X坐标", "Y坐标"), ("POINT_X", "POINT_Y"), ("X_COORD", "Y_COORD"),
    ("gcj_lng", "gcj_lat"), ("百度经度", "百度纬度"), ("lon_bd09", "lat_bd09"),
]  # fmt: skip


@pytest.mark.parametrize(("lon", "lat"), HEADINGS)
def test_longitude_and_latitude(lon, lat):
    layer = drawn(名称=["甲"], **{lat: ["28.683"], lon: ["115.858"]})
    assert wkt(layer) == ["POINT (115.858 28.683)"]
    assert (list(layer.columns), layer.spatial, layer.crs) == (["名称"], True, None)
    assert layer.notes[0] == f"places from the columns {lon}, {lat}"


def test_the_datum_in_headings_is_said_and_others_come_first():
    place = found(gcj_lng=["115.86"], gcj_lat=["28.68"])
    assert place is not None
    assert place.likely == "gcj02"
    assert "the headings say GCJ-02 (gcj02)" in place.notes
    both = found(bd_lng=["115.87"], bd_lat=["28.69"], lng=["115.858"], lat=["28.683"])
    assert both is not None
    assert (both.columns, both.likely) == (("lng", "lat"), None)


@pytest.mark.parametrize(
    "headings",
    [("X", "Y"), ("X坐标", "Y坐标"), ("纵坐标", "横坐标"), ("X（北）", "Y（东）"), ("纵坐标X", "横坐标Y")],
)
@pytest.mark.parametrize("east", [388382.945, 39388382.945])
def test_x_is_north_in_chinese_surveys(headings, east):
    layer = drawn(**{headings[0]: [3174669.149, "3174670"], headings[1]: [east, str(east + 1)]})
    assert wkt(layer) == [f"POINT ({east} 3174669.149)", f"POINT ({east + 1} 3174670)"]


def test_x_is_east_where_its_size_says_so():
    layer = drawn(X=["388382.945"], Y=["3174669.149"])
    assert wkt(layer) == ["POINT (388382.945 3174669.149)"]


def test_where_nothing_tells_which_axis_is_north_it_is_said():
    place = found(X=["85000"], Y=["50000"])
    assert place is not None
    assert not place.sure
    assert place.notes == (
        "places from the columns X, Y: nothing tells which axis is north: X is taken as east",
    )


def test_a_latitude_over_90_is_a_longitude():
    assert wkt(drawn(lon=["28.683"], lat=["115.858"])) == ["POINT (115.858 28.683)"]


WRITTEN = {
    "115°51'29.1\"E": 115 + 51 / 60 + 29.1 / 3600,
    "115-51-29.1": 115 + 51 / 60 + 29.1 / 3600,
    "115度51分29.1秒": 115 + 51 / 60 + 29.1 / 3600,
    "东经115°51′29.1″": 115 + 51 / 60 + 29.1 / 3600,
    "115 51 29.1": 115 + 51 / 60 + 29.1 / 3600,
    "115:51:29.1": 115 + 51 / 60 + 29.1 / 3600,
    "115º51.5'": 115 + 51.5 / 60,
    "E115.858": 115.858,
    "115,858": 115.858,
    "１１５．８５８": 115.858,
    "35°17'30\"S": -(35 + 17 / 60 + 30 / 3600),
    "-35-17-30": -(35 + 17 / 60 + 30 / 3600),
    "3.5 W": -3.5,
}
NO_COORDINATES = [
    "abc",
    "115°61'",
    "115°10'61\"",
    "115.5°30'",
    "1e400",
    "",
    "N/A",
    "115.8.5",
    "12_3",
    "1,2,3",
    "nan",
    "inf",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_degrees_as_people_write_them(text):
    assert coordinate(text, degrees=True) == pytest.approx(WRITTEN[text], abs=1e-12)


@pytest.mark.parametrize("text", NO_COORDINATES)
def test_what_is_no_coordinate(text):
    assert coordinate(text, degrees=True) is None


def test_metres_may_have_thousands_parted():
    values = {"3,174,669.149": 3174669.149, "388,382": 388382.0, "388382,5": 388382.5, "388382.9 m": 388382.9}
    assert {text: coordinate(text, degrees=False) for text in values} == values


def test_degrees_minutes_and_seconds_in_columns_of_their_own():
    layer = drawn(
        经度_度=["115", "115"], 经度_分=["51", "61"], 经度_秒=["29.1", "0"],
        纬度_度=["28", "28"], 纬度_分=["40", "40"], 纬度_秒=["58.8", "0"],
    )  # fmt: skip
    assert wkt(layer) == ["POINT (115.858083 28.683)", None]
    assert layer.faults == {1: "minutes or seconds are not between 0 and 60"}
    assert layer.columns == {}


def test_each_bad_cell_is_told_with_its_value():
    layer = drawn(
        经度=["115.8", "东湖", None, "115.8", "nan", "0"], 纬度=["28.6", "28.6", None, " ", "28.6", "0"]
    )
    assert wkt(layer) == ["POINT (115.8 28.6)", None, None, None, None, None]
    assert layer.faults == {
        1: "经度: '东湖' is no coordinate",
        3: "纬度 is missing",
        4: "经度: 'nan' is no coordinate",
        5: "the position is 0, 0, which stands for none",
    }


@pytest.mark.parametrize(
    ("heading", "cells", "expected"),
    [
        ("Location", ["(-35.29, 149.12)"], "POINT (149.12 -35.29)"),
        ("Location 1", ["(51.5, -0.12)"], "POINT (-0.12 51.5)"),
        ("坐标", ["115.858,28.683"], "POINT (115.858 28.683)"),
        ("坐标", ["28.683，115.858"], "POINT (115.858 28.683)"),
        ("经纬度", ["115.858 28.683"], "POINT (115.858 28.683)"),
        ("经度,纬度", ["24.9,60.1"], "POINT (24.9 60.1)"),
        ("lat_lon", ["60.1;24.9"], "POINT (24.9 60.1)"),
        ("coordinates", ["115°51'29.1\"E, 28°40'58.8\"N"], "POINT (115.858083 28.683)"),
    ],
)
def test_two_numbers_in_one_cell(heading, cells, expected):
    layer = drawn(**{heading: cells}, name=["a"])
    assert wkt(layer) == [expected]
    assert list(layer.columns) == ["name"]


@pytest.mark.parametrize(
    "columns", [{"坐标": ["24.9,60.1"]}, {"Size": ["(35, 149)"]}, {"location": ["by the lake"]}]
)
def test_two_numbers_whose_order_or_meaning_nothing_tells_are_not_used(columns):
    assert found(**columns) is None


@pytest.mark.parametrize(
    "columns",
    [
        {"经度值域": ["115.8"], "纬度值域": ["28.6"]},
        {"platform": ["1"], "belong": ["2"]},
        {"lon": ["1"]},
        {"东": ["1"], "北": ["2"]},
    ],
)
def test_what_is_only_like_a_coordinate_is_never_used(columns):
    assert found(**columns) is None


def test_wkt_and_the_crs_it_names():
    layer = drawn(
        geom=["SRID=4548;POINT (388382 3174669)", "POINT Z (1 2 3)", "POINT ZM (1 2 3 4)", "broken", None,
              "SRID=4326;POINT (1 2)", "GEOMETRYCOLLECTION (CIRCULARSTRING (0 0, 1 1, 2 0))",
              "SRID=4548;POLYGON ((0 0, 1 0, 1 1, 0 0))"],
    )  # fmt: skip
    assert layer.crs == "EPSG:4548"
    assert wkt(layer)[7] == "POLYGON ((0 0, 1 0, 1 1, 0 0))"
    assert wkt(layer)[1:3] == ["POINT Z (1 2 3)", "POINT Z (1 2 3)"]
    assert layer.faults == {
        3: "geom: 'broken' is no WKT",
        5: "geom: its CRS is EPSG:4326, that of the other rows EPSG:4548",
        6: "geom: curves in WKT are not read",
    }
    assert "M values were dropped" in layer.notes


def test_wkb_in_hexadecimal_digits():
    shapes = shapely.set_srid(shapely.points([[388382, 3174669], [388383, 3174670]]), 4548)
    cells = [shapely.to_wkb(shape, hex=True, include_srid=True) for shape in shapes]
    layer = drawn(the_geom=[*cells, "0101zz", cells[0][:30]], name=["a", "b", "c", "d"])
    assert wkt(layer) == ["POINT (388382 3174669)", "POINT (388383 3174670)", None, None]
    assert layer.crs == "EPSG:4548"
    assert list(layer.faults) == [2, 3]
    assert not shapely.get_srid(layer.geometry[0])


def test_geojson_cells():
    layer = drawn(
        shape=['{"type": "Point", "coordinates": [115.8, 28.6]}', '{"type": "Point", "coordinates": [115.8, "x"]}',
               '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}', "{broken", None],
        name=["a", "b", "c", "d", "e"],
    )  # fmt: skip
    assert wkt(layer) == ["POINT (115.8 28.6)", None, "POINT (1 2)", None, None]
    assert sorted(layer.faults) == [1, 3]


def test_shapes_in_cells_count_before_other_columns():
    layer = drawn(lon=["1"], lat=["2"], geometry=["LINESTRING (0 0, 1 1)"])
    assert wkt(layer) == ["LINESTRING (0 0, 1 1)"]
    assert list(layer.columns) == ["lon", "lat"]


def test_a_mapping_names_the_columns():
    columns = {"横": ["115.8"], "竖": ["28.6"]}
    place = find_places(list(columns), columns, {"lon": "横", "lat": "竖"})
    assert place is not None
    assert wkt(draw(table(**columns), place)) == ["POINT (115.8 28.6)"]
    with pytest.raises(BadInput, match="no column 'z'"):
        find_places(list(columns), columns, {"lon": "z", "lat": "竖"})
    with pytest.raises(BadInput, match="half"):
        find_places(list(columns), columns, {"lon": "横"})


@pytest.mark.parametrize("name", ["Public_Toilets", "Playgrounds", "Public_Furniture"])
def test_canberra(data_dir, name):
    file = SourceFile(data_dir / "canberra" / f"{name}_in_the_ACT.csv", "delimited")
    (source,) = sources(READERS["delimited"](file, Ask()))
    layer = whole(source)
    place = find_places(source.headings, layer.columns)
    assert place is not None
    assert "latitude first" in place.notes[0]
    points = draw(layer, place)
    assert set(points.faults) == {i for i, shape in enumerate(points.geometry) if shape is None}
    west, south, east, north = shapely.total_bounds(points.geometry)
    assert (148.7 < west < east < 149.4, -36.0 < south < north < -35.1) == (True, True)


def test_fifty_thousand_rows_are_drawn_at_once():
    count = 50_000
    columns = {"lon": [f"115.{i:07d}" for i in range(count)], "lat": [f"28.{i:07d}" for i in range(count)]}
    place = find_places(list(columns), columns)
    assert place is not None
    rows = table(**columns)
    layer = is_little(lambda: draw(rows, place), 1)
    assert shapely.get_x(layer.geometry[-1]) == float(columns["lon"][-1])
