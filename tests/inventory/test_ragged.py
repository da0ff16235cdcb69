"""Shapes as flat arrays: the WKB that GEOS writes, and its lengths and areas."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from app.inventory.copy_binary import Cells
from app.inventory.measure import as_multi
from app.inventory.ragged import areas, lengths, ragged, wkb_cells

HOLED = "POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (1 1, 2 1, 2 2, 1 1), (4 4, 8 4, 8 8, 4 8, 4 4))"
SHAPES = {
    "points": ["POINT (1 2)", "POINT Z (3 4 5)"],
    "lines": [
        "LINESTRING (0 0, 3 4)",
        "MULTILINESTRING ((0 0, 1 0, 1 1), (5 5, 6 6))",
        "LINESTRING Z (0 0 1, 2 0 9)",
    ],
    "single lines": ["LINESTRING (0 0, 3 4)", "LINESTRING (7 7, 7 8, 9 8)"],
    "polygons": [HOLED, "POLYGON ((0 0, 1 0, 0 1, 0 0))"],
    "single rings": ["POLYGON ((0 0, 1 0, 0 1, 0 0))", "POLYGON Z ((5 5 1, 9 5 1, 9 9 1, 5 9 1, 5 5 1))"],
    "several polygons": [
        f"MULTIPOLYGON ({HOLED[8:]}, ((20 20, 21 20, 20 22, 20 20)))",
        HOLED,
        "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))",
    ],
    "one part each": ["MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))", f"MULTIPOLYGON ({HOLED[8:]})"],
}


def shapes_of(kind: str) -> np.ndarray:
    return np.array([*map(shapely.from_wkt, SHAPES[kind]), None], dtype=object)[:-1]


def values_of(cells: Cells) -> list[bytes]:
    found = cells.uneven.to_pylist()
    assert all(int.from_bytes(cell[:4]) == len(cell) - 4 for cell in found)
    return [cell[4:] for cell in found]


@pytest.mark.parametrize("kind", SHAPES)
def test_wkb_is_that_of_geos_for_parts_of_many(kind):
    shapes = shapes_of(kind)
    expected = shapely.to_wkb(as_multi(shapes), byte_order=1).tolist()
    assert values_of(wkb_cells(shapes, ragged(shapes))) == expected


@pytest.mark.parametrize("kind", SHAPES)
def test_sizes_are_those_of_geos(kind):
    shapes = shapes_of(kind)
    # Far from the origin, as coordinates in metres are.
    far = shapely.transform(shapes, lambda xy: xy * 10 + [39_388_000, 3_174_000])
    flat = ragged(far)
    if "lines" in kind:
        assert lengths(flat) == pytest.approx(shapely.length(far), rel=1e-12)
    elif "point" not in kind:
        assert areas(flat) == pytest.approx(shapely.area(far), rel=1e-9)
    else:
        assert flat.offsets == ()


@pytest.mark.parametrize("wkt", [["POINT (1 2)", HOLED], ["LINEARRING (0 0, 1 0, 1 1, 0 0)"], []])
def test_kinds_together_are_left_to_geos(wkt):
    shapes = np.array([*map(shapely.from_wkt, wkt), None], dtype=object)[:-1]
    assert ragged(shapes) is None
    assert values_of(wkb_cells(as_multi(shapes), None)) == shapely.to_wkb(as_multi(shapes)).tolist()
