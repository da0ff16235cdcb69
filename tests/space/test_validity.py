"""What may be stored, what is repaired, what is refused and why."""

import numpy as np
import pytest
import shapely

from app.space.validity import clean
from tests.effort import is_little

BOWTIE = shapely.from_wkt("POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))")
SQUARE = shapely.box(0, 0, 1, 1)
NAN, INF = float("nan"), float("inf")


def run(geometry, kind, accept=(), *, split=False):
    """One shape: what is stored, why it is refused, how it was repaired, what is said of it."""
    array = np.empty(1, dtype=object)
    with np.errstate(invalid="ignore"):
        array[0] = shapely.from_wkt(geometry) if isinstance(geometry, str) else geometry
    result = clean(array, kind, accept, split=split)
    return result.geometry[0], result.refused.get(0), result.repaired.get(0), result.warned.get(0)


def test_bowtie_is_repaired_to_its_two_triangles():
    geometry, reason, repair, _ = run(BOWTIE, "polygon")
    assert reason is None
    assert (repair.reason, repair.at) == ("Self-intersection", (0.5, 0.5))
    assert geometry.geom_type == "MultiPolygon"
    assert geometry.area == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("shape", "area", "why"),
    [
        ("MULTIPOLYGON (((0 0, 2 0, 2 2, 0 2, 0 0)), ((1 1, 3 1, 3 3, 1 3, 1 1)))", 7, "Self-intersection"),
        ("POLYGON ((0 0, 1 0, 1 1, 0.5 1, 0.5 5, 0.5 1, 0 1, 0 0))", 1, "Self-intersection"),
        ("POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (2 2, 2 2, 2 2, 2 2))", 81, "Too few points"),
        ("POLYGON ((0 0, 3 0, 3 3, 1 1, 0 3, 3 3.5, 0 4, 0 0))", 7.5, "Ring Self-intersection"),
    ],
    ids=["overlapping parts", "spike", "collapsed hole", "ring that touches itself"],
)
def test_broken_polygons_are_repaired_and_told(shape, area, why):
    geometry, reason, repair, _ = run(shape, "polygon")
    assert reason is None
    assert repair.reason.startswith(why)
    assert repair.at is not None
    assert geometry.is_valid
    assert geometry.area == pytest.approx(area)


@pytest.mark.parametrize(
    ("geometry", "kind", "words"),
    [
        (None, "point", "no geometry"),
        (shapely.Point(), "point", "empty"),
        ("GEOMETRYCOLLECTION EMPTY", "polygon", "empty"),
        ("MULTIPOLYGON (EMPTY, EMPTY)", "polygon", "empty"),
        (shapely.Point(NAN, 1), "point", "finite"),
        (shapely.Point(INF, 1), "mixed", "finite"),
        ("LINESTRING (0 0, 1 1, NaN 2)", "line", "finite"),
        (shapely.Point(200, 1), "point", "not longitudes"),
        (shapely.LineString([(0, 0), (0, 91)]), "line", "not longitudes"),
        (SQUARE, "point", "the geometry is a polygon, this class holds points"),
        (shapely.LineString([(0, 0), (1, 1)]), "polygon", "is a line"),
        (shapely.LineString([(0, 0), (1, 1)]), "mixed", "points or polygons"),
        (shapely.Point(0, 0), "line", "is a point"),
        ("POLYGON ((0 0, 1 1, 0 0, 0 0))", "polygon", "no area"),
        ("POLYGON ((5 5, 5 5, 5 5, 5 5))", "polygon", "no area"),
        ("POLYGON ((0 0, 4 0, 4 4, 0 0), (0 0, 4 0, 4 4, 0 0))", "polygon", "no area"),
        (shapely.box(9, 9, 9 + 5e-8, 9 + 5e-8), "polygon", "no area"),
        ("LINESTRING (3 3, 3 3)", "line", "no length"),
        ("MULTILINESTRING ((3 3, 3 3), (4 4, 4 4, 4 4))", "line", "no length"),
        (shapely.MultiPoint([(0, 0), (1, 1)]), "point", "2 places"),
        ("GEOMETRYCOLLECTION (POINT (0 0))", "line", "collection of points"),
        ("GEOMETRYCOLLECTION (POINT (0 0), POLYGON ((0 0, 1 0, 1 1, 0 0)))", "mixed", "points and polygons"),
    ],
)
def test_refusals_say_why(geometry, kind, words):
    result, reason, repair, _ = run(geometry, kind)
    assert result is None
    assert words in reason
    assert repair is None


@pytest.mark.parametrize(
    ("geometry", "kind"),
    [
        ("LINESTRING (0 0, 2 2, 2 0, 0 2)", "line"),
        ("LINESTRING (0 0, 1 1, 1 1, 2 2)", "line"),
        ("POLYGON ((0 0, 1 0, 1 0, 1 1, 0 1, 0 0))", "polygon"),
        ("POLYGON ((0 0, 1e-6 0, 1e-6 1e-6, 0 0))", "polygon"),
        ("POINT (180 90)", "point"),
    ],
    ids=["line that crosses itself", "vertices twice in a line", "in a ring", "13 cm wide", "last place"],
)
def test_what_is_odd_but_right_stays_as_it_is(geometry, kind):
    result, reason, repair, warned = run(geometry, kind)
    assert (reason, repair, warned) == (None, None, None)
    assert (
        shapely.get_coordinates(result).tolist()
        == shapely.get_coordinates(shapely.from_wkt(geometry)).tolist()
    )


def test_single_parts_stay_single_and_heights_and_measures_are_dropped():
    line, _, _, _ = run("LINESTRING ZM (0 0 5 1, 1 1 6 2)", "line")
    assert line.geom_type == "LineString"
    assert not line.has_z
    assert not line.has_m
    polygon, _, _, _ = run(SQUARE, "mixed")
    assert polygon.geom_type == "Polygon"


def test_accepted_kinds_become_points_or_outlines():
    point, _, _, _ = run(SQUARE, "point", ("polygon",))
    assert SQUARE.contains(point)
    line = shapely.LineString([(0, 0), (2, 2)])
    assert line.distance(run(line, "point", ("line",))[0]) == 0
    outline, _, _, _ = run(SQUARE, "line", ("polygon",))
    assert outline.geom_type == "LineString"
    assert outline.length == pytest.approx(4)
    mended, reason, repair, _ = run(BOWTIE, "point", ("polygon",))
    assert (reason, repair.reason) == (None, "Self-intersection")
    assert mended.geom_type == "Point"


def test_closed_lines_are_areas_only_where_the_class_accepts_lines():
    ring, knot = "LINESTRING (0 0, 1 0, 1 1, 0 0)", "LINESTRING (0 0, 2 2, 2 0, 0 2, 0 0)"
    area, reason, _, _ = run(ring, "polygon", ("line",))
    assert (reason, area.area) == (None, pytest.approx(0.5))
    assert run(ring, "polygon")[1] == "the geometry is a closed line, this class holds polygons"
    assert run(knot, "polygon", ("line",))[1] == "the geometry is a line, this class holds polygons"


@pytest.mark.parametrize(
    ("shape", "kind", "expected", "warned"),
    [
        ("GEOMETRYCOLLECTION (POINT (1 2))", "point", "POINT (1 2)", None),
        (
            "GEOMETRYCOLLECTION (GEOMETRYCOLLECTION (POLYGON ((0 0, 1 0, 1 1, 0 0))), LINESTRING (0 0, 5 5))",
            "polygon",
            "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))",
            "the lines of its collection were left out",
        ),
        (
            "GEOMETRYCOLLECTION (MULTILINESTRING ((0 0, 1 1), (2 2, 2 2)), LINESTRING (5 5, 6 6), POINT EMPTY)",
            "line",
            "MULTILINESTRING ((0 0, 1 1), (5 5, 6 6))",
            "1 of its 3 parts without size were left out",
        ),
    ],
)
def test_collections_of_one_useful_kind_are_taken_apart(shape, kind, expected, warned):
    result, reason, _, said = run(shape, kind)
    assert reason is None
    assert result.wkt == shapely.from_wkt(expected).wkt
    assert said == warned


def test_multipoints_are_unwrapped_and_stay_where_they_are_to_be_split():
    assert run("MULTIPOINT (1 2)", "point")[0].wkt == "POINT (1 2)"
    assert run("MULTIPOINT (1 2, 1 2)", "point")[0].wkt == "POINT (1 2)"
    assert run("MULTIPOINT (3 4, 1 2, 3 4)", "point", split=True)[0].wkt == "MULTIPOINT ((3 4), (1 2))"


def test_each_row_of_a_mixed_lot_gets_its_own_answer():
    shapes = np.array(
        [SQUARE, None, BOWTIE, shapely.Point(1, 1), shapely.Point(NAN, 0), shapely.box(2, 2, 3, 3)],
        dtype=object,
    )
    result = clean(shapes, "polygon")
    assert sorted(result.refused) == [1, 3, 4]
    assert list(result.repaired) == [2]
    assert [shape is None for shape in result.geometry] == [False, True, False, True, True, False]
    assert shapes[2] is BOWTIE


def test_good_rows_cost_no_loop():
    """100,000 polygons of 21 vertices: what a loop of Python over rows would not reach on this machine."""
    random = np.random.default_rng(4)
    turn = np.linspace(0, 2 * np.pi, 21)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1) * 1e-4
    shapes = shapely.polygons(np.array([118.0, 32.0]) + random.uniform(0, 1, (100_000, 1, 2)) + ring)
    result = is_little(lambda: clean(shapes, "polygon"), 3)
    assert not result.refused
    assert not result.repaired
