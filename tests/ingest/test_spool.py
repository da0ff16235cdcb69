"""Layers written by the reading process and opened by the importer: nothing is changed on the way."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest
import shapely

from app.errors import UnreadableFile
from app.ingest import spool
from app.ingest.layer import Layer, skipped_layer
from app.ingest.spool import open_spool, sources, write_spool
from app.ingest.spool_values import TOO_DEEP, from_array, to_array

NAIVE = datetime(2021, 1, 2)  # noqa: DTZ001 - such are in files
CHINA = timezone(timedelta(hours=8))
DEEP: list = []
for _ in range(5000):
    DEEP = [DEEP]


def layer(name="l", count=2, *, crs="EPSG:4326", start=1, columns=None, faults=None, **more) -> Layer:
    geometry = np.array([shapely.Point(start + i, 1) for i in range(count)] + [None], dtype=object)[:-1]
    return Layer(name, list(range(start, start + count)), geometry, columns or {}, crs, faults or {}, **more)


@pytest.fixture
def through(tmp_path):
    def through(*layers: Layer) -> list:
        write_spool(iter(layers), tmp_path)
        return open_spool(tmp_path)

    return through


def same(a, b) -> bool:
    """Equal, of one type, NaN as itself."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return (math.isnan(a) and math.isnan(b)) if isinstance(a, float) and math.isnan(a) else a == b


@pytest.mark.parametrize(
    ("values", "as_json"),
    [
        ([None, None], False),
        ([True, None, False], False),
        ([1, None, -(2**63)], False),
        ([1.5, None, math.nan, math.inf, -0.0], False),
        (["亭", None, "", "nul\0", "😀"], False),
        ([b"\xff\x00", None, b""], False),
        ([date(2021, 12, 31), None, date(1, 1, 1)], False),
        ([2**63, None, 1], True),
        ([10**5000, -(10**5000)], True),
        (["\ud800", "a"], True),
        ([1, 2.0, "3", True, None], True),
        ([{"a": [1, {"b": None}], "c": math.inf}, None, []], True),
        ([{"$date": "not one"}, {"$x": 1}, {1: 2, None: 3}, {}], True),
        ([(1, (2,)), [b"x"], Decimal("1.10")], True),
        ([datetime(2021, 1, 2, 3, 4, 5, 6, tzinfo=CHINA), NAIVE, datetime(1, 1, 1, tzinfo=UTC)], True),
        ([time(1, 2, 3), timedelta(days=-1, microseconds=5), date(2020, 1, 1)], True),
    ],
)  # fmt: skip
def test_every_value_comes_back_as_it_was(values, as_json):
    array, coded = to_array(values)
    assert coded == as_json
    assert same(from_array(array, as_json=coded), values)


def test_numbers_of_numpy_become_those_of_python():
    array, coded = to_array([np.int64(1), np.float32(0.5), np.bool_(True)])
    assert same(from_array(array, as_json=coded), [1, 0.5, True])


def test_a_value_without_bottom_says_so():
    array, coded = to_array([DEEP, 1])
    assert from_array(array, as_json=coded) == [TOO_DEEP, 1]


def test_a_layer_comes_back_whole(through):
    shapes = np.array(
        [shapely.Point(1, 2, 3), None, shapely.Point(), shapely.Point(math.nan, math.nan), shapely.LineString(
            [(0, 0), (math.inf, 1)])], dtype=object,
    )  # fmt: skip
    given = Layer(
        "园", [2, 3, 5, 8, 13], shapes, {"a\ud800": [1, 2, 3, 4, 5], "": list("abcde")}, None, {1: "坏 \ud800"},
        (0, 0, 9, 9), None, "GB18030", ("encoding GB18030",), spatial=False,
    )  # fmt: skip
    (source,) = through(given)
    (chunk,) = source.chunks()
    assert (source.name, source.count, source.headings, source.crs) == ("园", 5, ("a?", ""), None)
    assert (source.extent, source.bounds) == ((0, 0, 9, 9), (0, 0, 1, 2))
    assert (source.encoding, source.notes, source.spatial) == ("GB18030", ("encoding GB18030",), False)
    assert (chunk.rows, chunk.columns, chunk.faults) == (
        given.rows,
        {"a?": [1, 2, 3, 4, 5], "": list("abcde")},
        {1: "坏 ?"},
    )
    assert chunk.geometry[0].wkt == "POINT Z (1 2 3)"
    assert chunk.geometry[1] is None
    assert chunk.geometry[2].is_empty
    assert not chunk.geometry[3].is_empty
    assert math.isinf(shapely.get_coordinates(chunk.geometry[4])[1, 0])


def test_chunks_of_one_layer_are_one_source(through):
    made = [
        layer(columns={"a": [1, 2]}, notes=("x", "y")),
        layer(start=3, columns={"b": ["u", "v"], "a": [3, "4"]}, notes=("y", "z"), faults={1: "bad"}),
    ]
    for found in (through(*made), sources(made)):
        (source,) = found
        assert (source.count, source.headings, source.notes) == (4, ("a", "b"), ("x", "y", "z"))
        assert source.bounds == (1, 1, 4, 1)
        for _ in range(2):
            assert [chunk.columns.get("a") for chunk in source.chunks()] == [[1, 2], [3, "4"]]
        assert [chunk.faults for chunk in source.chunks()] == [{}, {1: "bad"}]
        assert list(source.columns_of(["b"])) == [{"b": [None, None]}, {"b": ["u", "v"]}]


def test_layers_of_one_name_apart_stay_two(through):
    made = [
        layer("a"),
        layer("b"),
        layer("a", start=7),
        layer("a", start=9, crs="EPSG:3857"),
        skipped_layer("c", "no"),
    ]
    for found in (through(*made), sources(made)):
        assert [source.name for source in found] == ["a", "b", "a (2)", "a (3)", "c"]
        assert [source.crs for source in found] == ["EPSG:4326"] * 3 + ["EPSG:3857", None]
        assert [[chunk.name for chunk in source.chunks()] for source in found] == [
            ["a"],
            ["b"],
            ["a (2)"],
            ["a (3)"],
            [],
        ]
        assert (found[4].skipped, found[4].count, found[4].bounds) == ("no", 0, None)


def test_an_empty_layer_keeps_its_headings(through):
    (source,) = through(layer(count=0, columns={"a": []}))
    assert (source.count, source.headings, list(source.chunks())) == (0, ("a",), [])


def test_long_layers_are_cut(through, monkeypatch):
    monkeypatch.setattr(spool, "CHUNK_ROWS", 2)
    (source,) = through(layer(count=5, columns={"a": list("vwxyz")}, faults={0: "first", 3: "bad"}))
    assert [(c.rows, c.columns["a"], c.faults) for c in source.chunks()] == [
        ([1, 2], ["v", "w"], {0: "first"}), ([3, 4], ["x", "y"], {1: "bad"}), ([5], ["z"], {}),
    ]  # fmt: skip


def test_layers_of_large_shapes_are_cut_sooner(through, monkeypatch):
    monkeypatch.setattr(spool, "CHUNK_VERTICES", 3)
    shapes = [shapely.MultiPoint([(i, 0) for i in range(n)]) for n in (1, 2, 9, 2, 1, 1)]
    (source,) = through(Layer("l", [1, 2, 3, 4, 5, 6], np.array(shapes, dtype=object), {}, None))
    assert [chunk.rows for chunk in source.chunks()] == [[1, 2], [3], [4, 5], [6]]


def test_a_shape_that_cannot_be_read_is_a_fault(through, tmp_path, monkeypatch):
    monkeypatch.setattr(spool.shapely, "to_wkb", lambda _: [b"\x01\x03\x00", None])
    (source,) = through(layer())
    (chunk,) = source.chunks()
    assert chunk.faults == {0: "the geometry is damaged"}
    assert chunk.geometry.tolist() == [None, None]


def test_a_spool_without_its_end_is_refused(through, tmp_path):
    through(layer())
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(UnreadableFile, match="not read to its end"):
        open_spool(tmp_path)


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_damaged_chunk_is_refused(through, tmp_path, at):
    (source,) = through(layer(count=50, columns={"a": ["x"] * 50}))
    path = tmp_path / "0-0.arrow"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * at)])
    with pytest.raises(UnreadableFile, match="not read to its end"):
        list(source.chunks())
