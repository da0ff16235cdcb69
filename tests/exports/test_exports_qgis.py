"""QGIS itself (Debian's, without windows) opens each export: counts equal, Chinese whole, styles drawn."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pyogrio
import pytest
import shapely
from sqlalchemy import text

from app.exports.formats import FORMATS
from app.exports.service import export
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from tests.clones import clone, opened
from tests.exports.runs import store_run

pytestmark = [pytest.mark.slow, pytest.mark.wide]

READER = Path(__file__).with_name("exports_qgis.py")
#: Formats of one layer, and those of several; GeoParquet is not among those that Debian's GDAL (3.6) reads.
SINGLE = ("fgb", "geojson", "geojsons", "csv")
SEVERAL = ("gpkg", "shp.zip", "gdb.zip", "kml", "dxf", "xlsx")
#: Those in which symbols and lists of values are embedded, and those that QGIS takes Chinese titles from.
STYLED, TITLED = ("gpkg",), ("gpkg", "gdb.zip")
ROWS = {"toilets": 3, "parks": 1, "markets": 2, "pipes": 2}
NAMES = ["东湖公厕", "𠮷祥里"]
WHERE = (115.86, 28.68)


def _park() -> shapely.Geometry:
    x, y = WHERE
    return shapely.box(x, y, x + 0.01, y + 0.01).difference(
        shapely.box(x + 0.003, y + 0.003, x + 0.006, y + 0.006)
    )


def _market() -> shapely.Geometry:
    x, y = WHERE
    return shapely.box(x + 0.01, y, x + 0.012, y + 0.002)


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue):
    """Toilets, a park with a hole, pipes, a market that is a point and one that is an area, and a run with gaps."""
    x, y = WHERE
    toilets = [shapely.Point(x + 0.001 + i / 300, y + 0.001) for i in range(3)]
    pipes = [shapely.LineString([(x, y + i / 1e3), (x + 0.009, y + 0.004 + i / 1e3)]) for i in range(2)]
    rows = [
        ("toilets", ["a", "b", "c"], toilets, [*NAMES, None]),
        ("parks", ["p"], [_park()], ["人民公园"]),
        ("pipes", ["r", "s"], pipes, ["雨水管", None]),
        ("markets", ["m", "n"], [shapely.Point(x, y), _market()], ["菜场", "大市场"]),
    ]  # fmt: skip
    batches = []
    for class_id, codes, shapes, names in rows:
        geometry = np.empty(len(shapes), dtype=object)
        geometry[:] = shapes
        batches.append(Batch(class_id, codes, geometry, {"name_zh": names}, [None] * len(codes)))
    with clone(cluster_settings, template) as settings, opened(settings) as database:
        with database.write() as conn:
            write_batches(conn, catalogue, batches, Change("test", "made"))
        yield database


@pytest.fixture(scope="module")
def run(town):
    """A run with two gaps and one unit."""
    with town.write() as conn:
        run = store_run(conn)
        for i in range(2):
            conn.execute(
                text(
                    "INSERT INTO city.coverage_gaps (run, mode, tier, code, name, people, geom) VALUES (:run,"
                    " 'straight', 'main', :code, '东湖缺口', 12.5,"
                    " ST_Multi(ST_MakeEnvelope(:x, 28, :x + 0.5, 29, 4326)))"
                ),
                {"run": run, "code": f"g{i}", "x": 115 + i},
            )
    return run


@pytest.fixture(scope="module")
def opened_files(town, run, catalogue, tmp_path_factory) -> dict[str, Any]:
    """Every export as QGIS found it, by its name: its layers, and the colours of its picture."""
    if not Path("/usr/lib/python3/dist-packages/qgis").is_dir():
        pytest.skip("no QGIS here: install python3-qgis to test it")
    folder = tmp_path_factory.mktemp("qgis")
    files = []
    for ending in SEVERAL:
        for name in ("city", run):
            path = folder / f"{'run' if name == run else name}.{ending}"
            export(town, catalogue, name, path)
            files.append(_unpacked(path) if ending == "gdb.zip" else path)
    for ending in SINGLE:
        for class_id in ROWS:
            files.append(folder / f"{class_id}.{ending}")
            export(town, catalogue, class_id, files[-1])
        files.append(folder / f"gaps.{ending}")
        export(town, catalogue, run, files[-1], part="gaps")
    told = _read(folder, files)
    colors = {Path(path).name: found for path, found in told["colors"].items()}
    return {
        Path(path).name: {"layers": layers, "colors": colors[Path(path).name]}
        for path, layers in told["files"].items()
    }


def _unpacked(path: Path) -> Path:
    """As the documentation says: QGIS wants to write, which no zip allows."""
    place = path.with_suffix("").with_suffix("")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(place)
    return (place / "city.gdb").rename(path.with_suffix(""))


def _read(folder: Path, files: list[Path]) -> dict[str, Any]:
    (folder / "run").mkdir(mode=0o700, exist_ok=True)
    environment = {
        "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run"),
        "QT_QPA_PLATFORM": "offscreen",
    }  # fmt: skip
    done = subprocess.run(
        ["/usr/bin/python3", READER, folder, *files],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(
        next(line for line in done.stdout.splitlines() if line.startswith("{"))
    )
    return found


def _counts(layers: list[dict[str, Any]]) -> dict[str, int]:
    """Class → rows, parts of a class by kind put together."""
    found: dict[str, int] = {}
    for layer in layers:
        name = layer["name"].removesuffix("_point")
        found[name] = found.get(name, 0) + layer["rows"]
    return found


@pytest.mark.parametrize("ending", SEVERAL)
def test_the_city_is_whole_in_formats_of_several_layers(opened_files, ending):
    found = opened_files[f"city.{ending.removesuffix('.zip') if ending == 'gdb.zip' else ending}"]
    layers = found["layers"]
    assert layers
    assert all(layer["valid"] for layer in layers)
    if ending == "dxf":
        # Points, lines, rings of areas and a text for each name in one layer of entities.
        assert sum(layer["rows"] for layer in layers) == (3 + 1) + 2 + (2 + 1) + (2 + 1 + 1 + 2)
    else:
        counts = _counts(layers)
        assert {name: counts[name] for name in ROWS} == ROWS
        names = {name for layer in layers for name in layer["names"]}
        if ending not in {"shp.zip", "xlsx"}:
            assert names == {*NAMES, "人民公园", "雨水管", "菜场", "大市场"}
    if ending != "xlsx":
        assert len(found["colors"]) > 2


@pytest.mark.parametrize("ending", SEVERAL)
def test_a_run_is_whole_in_formats_of_several_layers(opened_files, ending):
    layers = opened_files[f"run.{ending.removesuffix('.zip') if ending == 'gdb.zip' else ending}"]["layers"]
    assert all(layer["valid"] for layer in layers)
    if ending == "dxf":
        assert sum(layer["rows"] for layer in layers) == 4
    else:
        assert _counts(layers)["coverage_gaps"] == 2


@pytest.mark.parametrize("ending", SINGLE)
def test_each_kind_of_class_is_whole_in_formats_of_one_layer(opened_files, ending):
    for class_id, rows in ROWS.items():
        found = opened_files[f"{class_id}.{ending}"]
        assert all(layer["valid"] for layer in found["layers"]), class_id
        # Of a table with points and areas QGIS shows those of the first kind alone.
        assert sum(layer["rows"] for layer in found["layers"]) >= (1 if ending == "csv" else rows), class_id
        assert len(found["colors"]) > 1, class_id
    (toilets,) = opened_files[f"toilets.{ending}"]["layers"]
    assert toilets["names"] == NAMES
    assert sum(layer["rows"] for layer in opened_files[f"gaps.{ending}"]["layers"]) == 2


def test_styles_titles_and_lists_of_values_come_with_the_geopackage(opened_files, catalogue):
    city = {layer["name"]: layer for layer in opened_files["city.gpkg"]["layers"]}
    for name in ("toilets", "parks", "pipes"):
        cls = catalogue.get_class(name)
        colors = [cls.symbol.color, cls.symbol.fill or cls.symbol.color]
        rgb = [",".join(str(int(color[i : i + 2], 16)) for i in (1, 3, 5)) for color in colors]
        assert any(color in city[name]["symbol"] for color in rgb), city[name]["symbol"]
        assert city[name]["alias"].startswith("名称")
        assert (city[name]["widget"], city[name]["labels"]) == ("ValueMap", True)
        assert cls.get_field("state").choices[0].title.zh in city[name]["choices"]
    assert catalogue.get_class("parks").symbol.color in opened_files["city.gpkg"]["colors"]
    near, far = city["toilets"]["marker_mm"]
    # At the scale of a whole city symbols of their full size would hide it.
    assert 0 < far < near / 2
    gdb = {layer["name"]: layer for layer in opened_files["city.gdb"]["layers"]}
    assert gdb["parks"]["alias"].startswith("名称")


def test_geoparquet_is_read_by_newer_programs(town, catalogue, tmp_path):
    """Debian's GDAL has no driver for it: GDAL 3.12 of pyogrio's wheel has none either, Arrow itself reads it."""
    for class_id, rows in ROWS.items():
        path = tmp_path / f"{class_id}.parquet"
        export(town, catalogue, class_id, path)
        table = pyarrow.parquet.read_table(path)
        shapes = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
        assert (len(table), shapely.is_valid(shapes).all()) == (rows, True)
    assert "Parquet" not in pyogrio.list_drivers()


def test_every_format_was_opened():
    zips = {f"{ending}.zip" for ending in ("csv", "geojson", "fgb", "parquet")}
    assert {*SINGLE, *SEVERAL, "parquet"} == set(FORMATS) - zips
