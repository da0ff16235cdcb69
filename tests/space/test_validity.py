"""What may be stored, what is repaired, what is refused and why."""

import numpy as np
import pytest
import shapely

from app.space.validity import clean

BOWTIE = shapely.from_wkt("POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))")
SQUARE = shapely.box(0, 0, 1, 1)


def run(geometry, kind, accept=()):
    array = np.empty(1, dtype=object)
    array[0] = geometry
    result = clean(array, kind, accept)
    return result.geometry[0], result.reason[0], bool(result.repaired[0])


def test_bowtie_is_repaired_to_its_two_triangles():
    geometry, reason, repaired = run(BOWTIE, "polygon")
    assert reason is None
    assert repaired
    assert geometry.geom_type == "MultiPolygon"
    assert geometry.area == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("geometry", "kind", "words"),
    [
        (None, "point", "no geometry"),
        (shapely.Point(), "point", "empty"),
        (shapely.Point(float("nan"), 1), "point", "finite"),
        (shapely.Point(float("inf"), 1), "mixed", "finite"),
        (shapely.Point(200, 1), "point", "finite"),
        (SQUARE, "point", "polygon"),
        (shapely.LineString([(0, 0), (1, 1)]), "polygon", "line"),
        (shapely.from_wkt("POLYGON ((0 0, 1 1, 0 0, 0 0))"), "polygon", "no area"),
        (shapely.MultiPoint([(0, 0), (1, 1)]), "point", "2 places"),
        (shapely.from_wkt("GEOMETRYCOLLECTION (POINT (0 0))"), "point", "collection"),
    ],
)
def test_refusals_say_why(geometry, kind, words):
    result, reason, _ = run(geometry, kind)
    assert result is None
    assert words in reason


def test_types_are_made_multi_and_heights_dropped():
    line, _, _ = run(shapely.LineString([(0, 0, 5), (1, 1, 6)]), "line")
    assert line.geom_type == "MultiLineString"
    assert not line.has_z
    polygon, _, _ = run(SQUARE, "mixed")
    assert polygon.geom_type == "MultiPolygon"


def test_accepted_polygons_become_points_or_outlines():
    point, _, _ = run(SQUARE, "point", ("polygon",))
    assert SQUARE.contains(point)
    outline, _, _ = run(SQUARE, "line", ("polygon",))
    assert outline.length == pytest.approx(4)
