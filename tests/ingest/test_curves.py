"""Curves become straight pieces that differ from them by less than a share that is stated."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pyogrio
import pytest
import shapely

from app.ingest.files import recognise
from app.ingest.layer import Ask
from app.ingest.place_cells import shapes_of
from app.ingest.readers import READERS

X, Y, R = 388382.0, 3174669.0, 50.0


def circle() -> bytes:
    """A CURVEPOLYGON (WKB 10) whose ring is a CIRCULARSTRING (WKB 8) through three points of a circle and back."""
    places = [(X - R, Y), (X, Y + R), (X + R, Y), (X, Y - R), (X - R, Y)]
    ring = struct.pack("<BII", 1, 8, len(places)) + b"".join(struct.pack("<2d", *place) for place in places)
    return struct.pack("<BII", 1, 10, 1) + ring


def gpkg(path: Path) -> Path:
    pyogrio.raw.write(
        str(path), [circle()], [], [], layer="parks", driver="GPKG", geometry_type="Unknown", crs="EPSG:4548"
    )
    return path


def read_gpkg(path: Path) -> tuple[shapely.Geometry, tuple[str, ...]]:
    (layer,) = READERS["gpkg"](recognise(path), Ask())
    return layer.geometry[0], layer.notes


RING = f"{X - R} {Y}, {X} {Y + R}, {X + R} {Y}, {X} {Y - R}, {X - R} {Y}"
HALVES = f"COMPOUNDCURVE (CIRCULARSTRING ({X - R} {Y}, {X} {Y + R}, {X + R} {Y}), ({X + R} {Y}, {X - R} {Y}))"
SMALL = f"({X + 99} {Y}, {X + 100} {Y}, {X + 99} {Y + 1}, {X + 99} {Y})"
#: WKT → its area as a share of a circle's.
WKT = {
    f"CURVEPOLYGON (CIRCULARSTRING ({RING}))": 1.0,
    f"SRID=4548;CURVEPOLYGON(CIRCULARSTRING({X - R} {Y}, {X + R} {Y}, {X - R} {Y}))": 1.0,
    f"CurvePolygon ({HALVES})": 0.5,
    f"MULTISURFACE (CURVEPOLYGON (CIRCULARSTRING ({RING})), ({SMALL}))": 1.0,
    f"CURVEPOLYGON Z (CIRCULARSTRING Z ({RING.replace(',', ' 3,')} 3))": 1.0,
}


@pytest.mark.parametrize("wkt", WKT)
def test_circles_in_wkt_keep_their_area(wkt):
    (shape,), faults, notes = shapes_of([wkt], "wkt", "wkt", None)
    assert faults == {}
    assert shape.is_valid
    assert 0.999 < shape.area / (WKT[wkt] * math.pi * R * R) < 1.001
    assert any("straight pieces" in note for note in notes)


def test_an_arc_in_wkt_lies_near_its_circle():
    (shape,), _, _ = shapes_of(
        [f"CIRCULARSTRING ({X - R} {Y}, {X} {Y + R}, {X + R} {Y})"], "wkt", "wkt", None
    )
    assert shape.length == pytest.approx(math.pi * R, rel=1e-3)
    assert shape.bounds == pytest.approx((X - R, Y, X + R, Y + R))
    (straight,), _, _ = shapes_of(
        ["MULTICURVE (CIRCULARSTRING (0 0, 1 1, 2 2), (5 5, 6 6))"], "wkt", "wkt", None
    )
    assert straight.wkt == "MULTILINESTRING ((0 0, 1 1, 2 2), (5 5, 6 6))"


@pytest.mark.parametrize(
    "wkt", ["CIRCULARSTRING (0 0, 1 1)", "CURVEPOLYGON (CIRCULARSTRING (0 0, x 1, 2 2))",
            "GEOMETRYCOLLECTION (CIRCULARSTRING (0 0, 1 1, 2 0))"],
)  # fmt: skip
def test_what_is_no_curve_is_a_fault(wkt):
    _, faults, _ = shapes_of([wkt], "wkt", "wkt", None)
    assert faults == {0: "wkt: curves in WKT are not read"}


def test_a_circle_in_a_geopackage_keeps_its_area(tmp_path):
    shape, notes = read_gpkg(gpkg(tmp_path / "parks.gpkg"))
    assert shape.geom_type == "Polygon"
    assert 0.999 < shape.area / (math.pi * R * R) < 1.0
    assert any("straight pieces" in note for note in notes)
