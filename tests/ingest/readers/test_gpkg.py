"""GeoPackage layers: real tables only, exact values, nothing in the file is ever run."""

from __future__ import annotations

import sqlite3
import time

import numpy as np
import pyogrio
import pytest
import shapely

from app.errors import UnreadableFile
from tests.ingest.readers.reading import read


@pytest.fixture
def package(tmp_path):
    """A GeoPackage with one layer `spots` of three points, the last without geometry."""
    path = tmp_path / "a b'c.gpkg"
    pyogrio.raw.write(
        str(path),
        np.array([shapely.to_wkb(shapely.Point(115.8 + i, 28.7)) for i in range(2)] + [None], dtype=object),
        [
            np.array([2**53 + 1, 0, 3]),
            np.array(["甲", None, "丙"], dtype=object),
            np.array([True, False, True]),
        ],
        ["big", "名称", "open"],
        field_mask=[np.array([False, True, False]), None, None],
        layer="spots",
        driver="GPKG",
        geometry_type="Point",
        crs="EPSG:4490",
    )
    return path


def run(path, *statements: str):
    base = sqlite3.connect(path)
    for statement in statements:
        base.execute(statement)
    base.commit()
    base.close()


def test_values_are_exact_and_nulls_are_null(package):
    (layer,) = read(package)
    assert layer.columns == {
        "big": [2**53 + 1, None, 3],
        "名称": ["甲", None, "丙"],
        "open": [True, False, True],
    }
    assert (layer.name, layer.crs, layer.rows) == ("spots", "EPSG:4490", [1, 2, 3])
    assert layer.geometry[0] == shapely.Point(115.8, 28.7)
    assert layer.geometry[2] is None
    assert layer.faults == {}


def test_a_view_is_never_run(package):
    run(
        package,
        "CREATE VIEW endless AS WITH RECURSIVE r(fid) AS (SELECT 1 UNION ALL SELECT fid + 1 FROM r)"
        " SELECT fid, (SELECT geom FROM spots LIMIT 1) AS geom FROM r",
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)"
        " VALUES ('endless', 'features', 'e', 4326)",
        "INSERT INTO gpkg_geometry_columns VALUES ('endless', 'geom', 'POINT', 4326, 0, 0)",
    )
    started = time.monotonic()
    layers = {layer.name: layer for layer in read(package)}
    assert time.monotonic() - started < 2
    assert "view" in (layers["endless"].skipped or "")
    assert len(layers["spots"].rows) == 3


def test_a_view_in_the_place_of_the_contents_is_refused(package):
    run(
        package,
        "DROP TABLE gpkg_contents",
        "CREATE VIEW gpkg_contents AS WITH RECURSIVE r(table_name) AS (SELECT 'a' UNION ALL SELECT 'b' FROM r)"
        " SELECT table_name, 'features' AS data_type, 1 AS rowid FROM r",
    )
    with pytest.raises(UnreadableFile, match="lacks the table gpkg_contents"):
        read(package)


def test_damage_is_told_by_row_or_by_file(package):
    run(
        package,
        *_without_triggers(package),
        "UPDATE spots SET geom = x'00112233445566778899aabbcc' WHERE fid = 2",
    )
    (layer,) = read(package)
    assert layer.faults == {1: "the geometry is damaged"}
    content = package.read_bytes()
    package.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableFile, match=r"damaged|lacks the table"):
        read(package)


def _without_triggers(path) -> list[str]:
    base = sqlite3.connect(path)
    names = [row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    base.close()
    return [f'DROP TRIGGER "{name}"' for name in names]


def test_text_that_is_not_utf8_stays_apart(package):
    run(package, *_without_triggers(package), "UPDATE spots SET 名称 = CAST(x'c4e3' AS TEXT) WHERE fid = 1")
    (layer,) = read(package)
    assert layer.columns["名称"] == [b"\xc4\xe3", None, "丙"]


@pytest.mark.parametrize(
    ("name", "kind", "rows"),
    [("curvepolygon", "Polygon", 1), ("line_zm", "LineString", 1), ("test_gpkg_nulls", "Point", 4)],
)
def test_defective_files_from_outside(data_dir, name, kind, rows):
    (layer,) = read(data_dir / "messy" / f"{name}.gpkg")
    assert len(layer.rows) == rows
    assert {shape.geom_type for shape in layer.geometry} == {kind}


def test_every_layer_has_its_own_crs(data_dir):
    layers = read(data_dir / "messy" / "mixed_crs.gpkg")
    assert [layer.crs for layer in layers] == ["EPSG:2269", "EPSG:4326"]
    (unknown,) = read(data_dir / "messy" / "null_crs_gdal.gpkg")
    assert unknown.crs is None


def test_tables_without_places_are_layers_too(package, data_dir):
    run(
        package,
        "CREATE TABLE owners (id INTEGER PRIMARY KEY, 权属 TEXT)",
        "INSERT INTO owners VALUES (7, '市政'), (9, NULL)",
        "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('owners', 'attributes', 'o')",
    )
    owners = read(package, layer="owners")[0]
    assert (owners.rows, owners.columns, owners.spatial, owners.crs) == (
        [7, 9],
        {"权属": ["市政", None]},
        False,
        None,
    )
    oregon, washington = read(data_dir / "messy" / "data_only_tables.gpkg")
    assert (oregon.spatial, len(oregon.rows), washington.spatial, len(washington.rows)) == (
        False,
        5,
        False,
        6,
    )
    assert oregon.notes == ("its geometry column is empty throughout",)
    assert oregon.columns["LAT"][0] == pytest.approx(42.332)


def test_long_layers_come_in_chunks(package, monkeypatch):
    monkeypatch.setattr("app.ingest.readers.gpkg.CHUNK_ROWS", 2)
    assert [layer.rows for layer in read(package)] == [[1, 2], [3]]
