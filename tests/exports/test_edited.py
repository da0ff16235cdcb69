"""Export, edit with another program, import: in every format that holds attributes exactly the edited rows change."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pyogrio
import pytest
import shapely

from app.exports.service import export
from app.inventory.batch import Change
from app.inventory.service import write_batches
from tests.clones import clone, opened
from tests.importing import import_path
from tests.ingest.test_roundtrip import CODES, parks, shape, stored

#: What the analyst writes into the park `a`, and where the park `b` goes.
AREA, NAME = 33.5, "东湖公园（改）"
MOVED = shape(1, 0.0003)


def _csv(path: Path) -> Path:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    _edit(rows, lambda row, wkt: row.update(wkt=wkt))
    with path.open("w", encoding="gb18030", newline="") as file:
        # As Excel in China saves it.
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


def _edit(rows: list[dict[str, Any]], move: Callable[[dict[str, Any], str], object]) -> None:
    by_code = {row["code"]: row for row in rows}
    by_code["a"].update(registered_area_m2=AREA, name_zh=NAME)
    move(by_code["b"], MOVED.wkt)


def _geojson(path: Path) -> Path:
    root = json.loads(path.read_text("utf-8"))
    _edit_features(root["features"])
    path.write_text(json.dumps(root, indent=1), encoding="utf-8")
    return path


def _sequence(path: Path) -> Path:
    features = [json.loads(line) for line in path.read_bytes().split(b"\x1e") if line]
    _edit_features(features)
    # Without the separators, one in a line: as ogr2ogr and GeoPandas write it.
    path.write_text(
        "".join(json.dumps(feature, ensure_ascii=False) + "\n" for feature in features), encoding="utf-8"
    )
    return path


def _edit_features(features: list[dict[str, Any]]) -> None:
    geometry = {feature["properties"]["code"]: feature for feature in features}["b"]
    geometry["geometry"] = shapely.geometry.mapping(MOVED)
    _edit([feature["properties"] for feature in features], lambda _row, _wkt: None)


def _gdal(path: Path, driver: str, inner: str, **options: Any) -> Path:
    """Read and written again by GDAL, the columns in another order, integers as floats."""
    meta, _, wkb, arrays = pyogrio.raw.read(inner)
    names = list(meta["fields"])
    columns = dict(zip(names, arrays, strict=True))
    at = list(columns["code"]).index("a")
    area = next(name for name in names if name.startswith("regist"))
    columns[area][at], columns["name_zh"][at] = AREA, NAME
    wkb[list(columns["code"]).index("b")] = shapely.to_wkb(shapely.MultiPolygon([MOVED]))
    target = path.with_name(f"edited.{driver.rsplit(maxsplit=1)[-1][:3].lower()}")
    pyogrio.raw.write(
        str(target), wkb, [columns[name] for name in names[::-1]], names[::-1], driver=driver, layer="parks",
        geometry_type="MultiPolygon", crs=meta["crs"], **options,
    )  # fmt: skip
    return target


def _flatgeobuf(path: Path) -> Path:
    made = _gdal(path, "FlatGeobuf", str(path))
    return made.rename(path.with_name("edited.fgb"))


def _gbk(path: Path) -> Path:
    made = _gdal(path, "ESRI Shapefile", f"/vsizip/{path}", encoding="GBK")
    zipped = path.with_name("edited.zip")
    with zipfile.ZipFile(zipped, "w") as archive:
        for file in (made if made.is_dir() else made.parent).glob("edited.*" if made.is_file() else "*"):
            if file.suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg") or made.is_dir():
                archive.write(file, f"parks{file.suffix}")
    return zipped


def _parquet(path: Path) -> Path:
    table = pyarrow.parquet.read_table(path)
    rows = table.to_pylist()
    _edit(rows, lambda row, _wkt: row.update(geometry=shapely.to_wkb(MOVED)))
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    return path


def _kml(path: Path) -> Path:
    text = path.read_text("utf-8")
    marks = re.split(r"(?=<Placemark>)", text)
    at = {code: i for i, mark in enumerate(marks) for code in ("a", "b") if f'name="code">{code}<' in mark}
    marks[at["a"]] = re.sub(r'(name="registered_area_m2">)[^<]*', rf"\g<1>{AREA}", marks[at["a"]])
    marks[at["a"]] = re.sub(r'(name="name_zh">)[^<]*', rf"\g<1>{NAME}", marks[at["a"]])
    ring = " ".join(f"{x!r},{y!r},0" for x, y in np.asarray(MOVED.exterior.coords).tolist())
    hole = " ".join(f"{x!r},{y!r},0" for x, y in np.asarray(MOVED.interiors[0].coords).tolist())
    rings = iter([ring, hole])
    marks[at["b"]] = re.sub(r"(<coordinates>)[^<]*", lambda found: found[1] + next(rings), marks[at["b"]])
    path.write_text("".join(marks), encoding="utf-8")
    return path


EDITORS: dict[str, Callable[[Path], Path]] = {
    "csv": _csv, "geojson": _geojson, "geojsons": _sequence, "fgb": _flatgeobuf, "parquet": _parquet, "kml": _kml,
    "shp.zip": _gbk,
}  # fmt: skip


@pytest.fixture(scope="module")
def kept(cluster_settings, template):
    with clone(cluster_settings, template) as settings, opened(settings) as database:
        yield database


@pytest.fixture
def loaded(kept, catalogue):
    """Five parks as they were before anybody edited them."""
    with kept.write() as conn:
        write_batches(conn, catalogue, [parks()], Change("t", "made"))
    return kept


@pytest.mark.parametrize("ending", list(EDITORS))
def test_exactly_the_edited_rows_and_fields_change(loaded, catalogue, tmp_path, ending):
    before = stored(loaded)
    path = tmp_path / f"parks.{ending}"
    export(loaded, catalogue, "parks", path, encoding="GBK" if ending == "shp.zip" else None)
    edited = EDITORS[ending](path)
    (report,) = import_path(loaded, catalogue, edited, class_id="parks")["files"]
    counts = report["classes"]["parks"]
    assert report["rejects"] == []
    assert (counts["read"], counts["new"], counts["changed"], counts["unchanged"]) == (5, 0, 2, 3)
    after = stored(loaded)
    assert after["a"] == {**before["a"], "registered_area_m2": AREA, "name_zh": NAME}
    assert {**after["b"], "geometry": None} == {**before["b"], "geometry": None}
    assert shapely.from_wkb(after["b"]["geometry"]).symmetric_difference(MOVED).area < 1e-12
    assert {code: after[code] for code in CODES[2:]} == {code: before[code] for code in CODES[2:]}
