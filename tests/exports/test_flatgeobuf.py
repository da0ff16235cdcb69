"""The spatial index of our FlatGeobuf: GDAL finds by it what lies in a box, and reads all rows without it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyogrio
import pytest
import shapely
from numpy.typing import NDArray

from app.catalogue.model import Title
from app.exports.arrow import made
from app.exports.flatgeobuf import hilbert, write_flatgeobuf
from app.exports.model import Batches, ExportColumn, ExportData, ExportLayer

NUMBER = (ExportColumn("n", "integer", Title("编号", "Number")),)


def _layer(shapes, kind) -> ExportLayer:
    """A layer of these shapes (n,), numbered; the first half in one batch."""

    def read() -> Batches:
        half = len(shapes) // 2
        for part in (range(half), range(half, len(shapes))):
            yield made(NUMBER, [list(part)], pa.array(shapely.to_wkb(shapes[part]), pa.binary()))

    held = {"point": len(shapes)}
    return ExportLayer("places", Title("地点", "Places"), kind, NUMBER, held, read, dict, lambda: None)


def _boxes(count) -> NDArray[np.object_]:
    random = np.random.default_rng(count)
    low = random.uniform((115, 28), (116, 29), (count, 2))
    return np.asarray(shapely.multipolygons(shapely.box(*low.T, *(low + 0.01).T)[:, np.newaxis]))


def _numbers(path, **chosen) -> list[int]:
    return sorted(pyogrio.raw.read(path, **chosen)[3][0].tolist())


@pytest.mark.parametrize("count", [0, 1, 16, 17, 300, 3_000])
def test_a_box_finds_what_touches_it(tmp_path, count):
    path, shapes = tmp_path / "places.fgb", _boxes(count)
    assert write_flatgeobuf(path, ExportData((_layer(shapes, "MultiPolygon"),))) == {}
    assert _numbers(path) == list(range(count))
    info = pyogrio.read_info(path)
    # A header without a number of features does not tell of any.
    assert (info["features"], info["crs"], info["geometry_type"]) == (
        count or -1,
        "EPSG:4326",
        "MultiPolygon",
    )
    assert not count or info["total_bounds"] == pytest.approx(shapely.total_bounds(shapes), abs=0)
    for west in (114, 115, 115.5, 116):
        box = (west, 28.4, west + 0.3, 28.6)
        wanted = np.flatnonzero(shapely.intersects(shapes, shapely.box(*box)))
        assert _numbers(path, bbox=box) == wanted.tolist()
    assert [item.name for item in tmp_path.iterdir()] == ["places.fgb"]


@pytest.mark.parametrize("held", [0, 1, 40])
def test_rows_without_a_place_are_kept(tmp_path, held):
    path, shapes = tmp_path / "places.fgb", np.full(50, None, dtype=object)
    shapes[50 - held :] = shapely.points(np.linspace(115, 116, held), np.full(held, 28.5))
    write_flatgeobuf(path, ExportData((_layer(shapes, "Point"),)))
    _, _, geometry, (numbers,) = pyogrio.raw.read(path)
    assert sorted(numbers.tolist()) == list(range(50))
    assert {n for n, wkb in zip(numbers.tolist(), geometry, strict=True) if wkb is not None} == set(
        range(50 - held, 50)
    )
    assert _numbers(path, bbox=(110, 20, 120, 30)) == list(range(50 - held, 50))


def test_a_reading_that_stops_early_leaves_nothing_beside(tmp_path):
    layer = _layer(_boxes(10), "MultiPolygon")
    cut = ExportLayer(
        layer.name, layer.title, layer.geometry_type, NUMBER, {"polygon": 11}, layer.read, dict, lambda: None
    )
    with pytest.raises(OSError, match="only 10 of 11"):
        write_flatgeobuf(tmp_path / "places.fgb", ExportData((cut,)))
    assert list(tmp_path.glob("*.features")) == []


def test_the_curve_goes_from_neighbour_to_neighbour():
    """Of a lattice of 16 by 16 corners, a step of the curve at a time."""
    x, y = (part.ravel().astype(np.uint32) for part in np.meshgrid(np.arange(16), np.arange(16)))
    order = np.argsort(hilbert(x << 12, y << 12))
    steps = np.abs(np.diff(x[order].astype(int))) + np.abs(np.diff(y[order].astype(int)))
    assert (steps == 1).all()
    assert len(np.unique(hilbert(x, y))) == 256
