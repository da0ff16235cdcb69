"""EWKB taken apart as arrays gives the shapes that GEOS reads and projects one by one, whatever is among them."""

import numpy as np
import pytest
import shapely
from shapely import GeometryType

from app.inventory.stored_shapes import metric_shapes
from app.space.metric import metric_crs

CRS = metric_crs("EPSG:4548")
MADE = {
    GeometryType.POINT: ["POINT (115.8 28.6)", "POINT (115.9 28.7)"],
    GeometryType.MULTILINESTRING: [
        "MULTILINESTRING ((115.8 28.6, 115.9 28.7))",
        "MULTILINESTRING ((115.8 28.6, 115.81 28.6, 115.82 28.61, 115.83 28.6))",
        "MULTILINESTRING ((115.7 28.5, 115.8 28.6, 115.9 28.7))",
    ],
    GeometryType.MULTIPOLYGON: [
        "MULTIPOLYGON (((115.8 28.6, 115.9 28.6, 115.9 28.7, 115.8 28.6)))",
        "MULTIPOLYGON (((115.8 28.6, 115.9 28.6, 115.9 28.7, 115.8 28.7, 115.8 28.6)))",
    ],
}
ODD = {
    GeometryType.POINT: ["POINT EMPTY", "POINT Z (115.8 28.6 40)"],
    GeometryType.MULTILINESTRING: [
        "MULTILINESTRING ((115.8 28.6, 115.9 28.7), (115 28, 116 29))",
        "MULTILINESTRING EMPTY",
        "MULTILINESTRING Z ((115.8 28.6 1, 115.9 28.7 2, 115.9 28.8 3, 115.9 28.9 4))",
    ],
    GeometryType.MULTIPOLYGON: [
        "MULTIPOLYGON (((115 28, 116 28, 116 29, 115 28)), ((117 28, 118 28, 118 29, 117 28)))",
        "MULTIPOLYGON (((115 28, 116 28, 116 29, 115 28), (115.8 28.3, 115.9 28.3, 115.9 28.4, 115.8 28.3)))",
        "MULTIPOLYGON EMPTY",
    ],
}


def ewkb(texts: list[str]) -> list[bytes]:
    return shapely.to_wkb(shapely.set_srid(shapely.from_wkt(texts), 4326), include_srid=True).tolist()


def same(found: np.ndarray, cells: list[bytes]) -> bool:
    plain = CRS.to_metric(shapely.from_wkb(np.array(cells, dtype=object)))
    return bool(shapely.equals_identical(found, plain).all() and not shapely.has_z(found).any())


@pytest.mark.parametrize("kind", MADE)
def test_shapes_of_one_part_are_those_that_geos_reads(kind: GeometryType):
    cells = ewkb(MADE[kind])
    found = metric_shapes(cells, CRS)
    assert shapely.get_type_id(found).tolist() == [kind] * len(cells)
    assert same(found, cells)


@pytest.mark.parametrize("kind", MADE)
def test_odd_shapes_among_plain_ones_keep_their_places(kind: GeometryType):
    plain, odd = ewkb(MADE[kind]), ewkb(ODD[kind])
    mixed = [cell for pair in zip(plain, odd, strict=False) for cell in pair]
    for cells in (mixed, mixed[::-1], odd, [*plain, *ewkb(["LINESTRING (115 28, 116 29)"])]):
        assert same(metric_shapes(cells, CRS), cells)


def test_nothing_stays_nothing():
    assert len(metric_shapes([], CRS)) == 0
