"""Shapes of one class: caps, what is shown of refused ones, repairs with their sizes, rows of several places."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import shapely

from app.validation.clean import MAX_VERTICES, clean_rows, part_codes, shape_hint, shape_notes, split_rows
from app.validation.heights import take_heights


def shapes(*items):
    array = np.empty(len(items), dtype=object)
    array[:] = [shapely.from_wkt(item) if isinstance(item, str) else item for item in items]
    return array


def circle(vertices):
    turn = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    return shapely.Polygon(np.stack([115 + 0.01 * np.cos(turn), 28 + 0.01 * np.sin(turn)], axis=1))


def test_each_refusal_has_a_value_and_a_hint(catalogue):
    given = shapes("POINT (200 1)", "LINESTRING (1 1, 2 2)", None, "POINT (115.1 28.2)", circle(20))
    found = clean_rows(given, catalogue.get_class("manholes"))
    assert found.reasons == {
        0: "coordinates are not longitudes and latitudes (±180, ±90)",
        1: "the geometry is a line, this class holds points",
        2: "no geometry",
        4: "the geometry is a polygon, this class holds points",
    }
    assert found.values == {
        0: "POINT (200 1)",
        1: "LINESTRING (1 1, 2 2)",
        4: "polygon of 21 vertices from 115.01 28",
    }
    assert all(
        "again" not in shape_hint(reason) or "row" in shape_hint(reason) for reason in found.reasons.values()
    )
    assert "--class" in shape_hint(found.reasons[1])


def test_rows_refused_before_keep_their_own_reason(catalogue):
    found = clean_rows(shapes(None, None), catalogue.get_class("parks"), known={1})
    assert list(found.reasons) == [0]


def test_shapes_are_shown_as_the_file_has_them(catalogue):
    found = clean_rows(
        shapes("POINT (inf inf)"), catalogue.get_class("toilets"), read=shapes("POINT (1e30 5)")
    )
    assert found.values == {0: "POINT (1e+30 5)"}


def test_a_repair_tells_reason_place_and_sizes_and_warns_where_much_changed(catalogue):
    bowtie = "POLYGON ((115 28, 115.01 28.01, 115.01 28, 115 28.01, 115 28))"
    spike = "POLYGON ((115 28, 115.01 28, 115.01 28.01, 115.005 28.01, 115.005 29, 115.005 28.01, 115 28.01, 115 28))"
    found = clean_rows(shapes(bowtie, spike), catalogue.get_class("parks"))
    first, second = found.repaired[0], found.repaired[1]
    assert first["reason"] == "Self-intersection"
    assert first["at"] == [115.005, 28.005]
    assert first["area_after_m2"] == pytest.approx(545_000, rel=0.01)
    assert second["area_before_m2"] == pytest.approx(second["area_after_m2"], rel=1e-6)
    assert list(found.warned) == [0]
    assert "changed its area from" in found.warned[0]


def test_a_part_of_many_vertices_is_stored_whole_and_told(catalogue):
    found = clean_rows(shapes(circle(10_001), circle(9_000)), catalogue.get_class("parks"))
    assert not found.reasons
    assert list(found.warned) == [0]
    assert found.warned[0].startswith("one part has 10,002 vertices")
    assert shapely.get_num_coordinates(found.geometry[0]) == 10_002


def test_a_shape_of_too_many_vertices_is_refused(catalogue):
    line = shapely.linestrings(np.stack([np.linspace(115, 116, MAX_VERTICES + 1)] * 2, axis=1) - [0, 87])
    found = clean_rows(shapes(line), catalogue.get_class("pipes"))
    assert found.reasons == {0: "the shape has more than 1000000 vertices"}


def test_places_of_a_row_become_rows_with_codes_of_their_own(catalogue):
    trees = catalogue.get_class("street_trees")
    cleaned = clean_rows(shapes("POINT (1 1)", "MULTIPOINT (4 4, 3 3, 4 4)", None, "MULTIPOINT (5 5)"), trees)
    split = split_rows(cleaned.geometry, trees)
    assert part_codes(["a", "b", "c", "d"], split) == ["a", "b-1", "b-2", "c", "d"]
    assert [None if shape is None else shape.wkt for shape in split.geometry] == [
        "POINT (1 1)", "POINT (4 4)", "POINT (3 3)", None, "POINT (5 5)",
    ]  # fmt: skip
    assert split.told == Counter(split_rows=1, split_features=2)
    assert shape_notes(split.told, trees) == [
        "1 rows of several places became 2 street trees, coded <code>-1, <code>-2 …."
    ]
    assert split_rows(cleaned.geometry[[0, 3]], trees) is None


def test_a_class_of_one_place_a_code_refuses_several(catalogue):
    manholes = catalogue.get_class("manholes")
    found = clean_rows(shapes("MULTIPOINT (1 1, 2 2)", "MULTIPOINT (3 3)"), manholes)
    assert found.reasons == {0: "a multipoint of 2 places, this class holds one place a row"}
    assert split_rows(found.geometry, manholes) is None


def test_a_mixed_class_splits_points_and_keeps_polygons(catalogue):
    markets = catalogue.get_class("markets")
    two = "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))"
    split = split_rows(clean_rows(shapes(two, "MULTIPOINT (1 1, 2 2)"), markets).geometry, markets)
    assert [shape.geom_type for shape in split.geometry] == ["MultiPolygon", "Point", "Point"]
    assert split.part.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("class_id", "shape", "kind"),
    [
        ("pipes", "MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))", "MultiLineString"),
        ("parks", "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))", "MultiPolygon"),
    ],
)
def test_lines_and_polygons_stay_whole_unless_their_class_says_split(catalogue, class_id, shape, kind):
    cls = catalogue.get_class(class_id)
    cleaned = clean_rows(shapes(shape), cls).geometry
    assert split_rows(cleaned, cls) is None
    split = split_rows(cleaned, replace(cls, parts="split"))
    assert [part.geom_type for part in split.geometry] == [kind, kind]
    assert part_codes(["x"], split) == ["x-1", "x-2"]


def test_heights_go_to_the_fields_of_the_class_where_the_file_says_nothing(catalogue):
    nodes = catalogue.get_class("pipe_nodes")
    columns = {"elevation_m": [None, 7.0, None, None, None, None]}
    given = shapes(
        "POINT Z (1 1 12.34567)",
        "POINT Z (1 1 3)",
        "POINT Z (1 1 0)",
        "POINT (1 1)",
        "POINT Z (1 1 99999)",
        None,
    )
    told = take_heights(given, columns, nodes)
    assert columns == {"elevation_m": [12.3457, 7.0, None, None, None, None]}
    assert {name: count for name, count in told.items() if count} == {
        "z_taken": 1,
        "z_dropped": 2,
        "z_strange": 1,
    }
    assert [note.split(":")[0] for note in shape_notes(told, nodes)] == [
        "Z values were taken for elevation_m in 1 rows.",
        "Z values of 2 rows were dropped",
        "Z values of 1 rows were dropped",
    ]


def test_heights_of_the_ends_of_a_pipe(catalogue):
    pipes = catalogue.get_class("pipes")
    columns: dict[str, list[object]] = {}
    several = "MULTILINESTRING Z ((0 0 1, 1 1 2), (2 2 3, 3 3 4))"
    take_heights(
        shapes("LINESTRING Z (0 0 3.5, 1 1 9, 2 2 2.25)", several, "LINESTRING ZM (0 0 0 1, 1 1 8 2)"),
        columns,
        pipes,
    )
    assert columns == {"start_elevation_m": [3.5, None, None], "end_elevation_m": [2.25, None, 8.0]}


def test_a_class_without_heights_drops_z_and_m_with_a_word(catalogue):
    parks = catalogue.get_class("parks")
    columns: dict[str, list[object]] = {}
    told = take_heights(
        shapes("POLYGON Z ((0 0 1, 1 0 1, 1 1 1, 0 0 1))", "POLYGON ((0 0, 1 0, 1 1, 0 0))"), columns, parks
    )
    assert columns == {}
    assert shape_notes(told, parks) == ["Z values of 1 rows were dropped: parks keep none."]
    measured = take_heights(shapes("LINESTRING M (0 0 1, 1 1 2)"), {}, catalogue.get_class("pipes"))
    assert shape_notes(measured, parks) == ["M values of 1 rows were dropped: no class keeps measures."]
