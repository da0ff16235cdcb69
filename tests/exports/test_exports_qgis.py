"""QGIS itself (Debian's, without windows) opens each export: counts equal, Chinese whole, styles drawn."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from app.exports.service import export
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches

pytestmark = pytest.mark.slow

READER = Path(__file__).with_name("exports_qgis.py")
ENDINGS = ("gpkg", "shp.zip", "gdb.zip", "fgb", "geojson", "geojsons", "kml", "dxf", "csv", "xlsx")


@pytest.fixture
def town(database, catalogue):
    """Three toilets, a park with a hole, a market that is a point and one that is an area."""
    point, box = shapely.Point(115.86, 28.68), shapely.box(115.86, 28.68, 115.87, 28.69)
    park = box.difference(shapely.box(115.863, 28.683, 115.866, 28.686))
    toilets = [shapely.Point(115.861 + i / 300, 28.681) for i in range(3)]
    rows = [
        ("toilets", ["a", "b", "c"], toilets, ["东湖公厕", "𠮷祥里", None]),
        ("parks", ["p"], [park], ["人民公园"]),
        ("markets", ["m", "n"], [point, shapely.box(115.87, 28.68, 115.871, 28.681)], ["菜场", "大市场"]),
    ]  # fmt: skip
    batches = []
    for class_id, codes, shapes, names in rows:
        geometry = np.empty(len(shapes), dtype=object)
        geometry[:] = shapes
        batches.append(Batch(class_id, codes, geometry, {"name_zh": names}, [None] * len(codes)))
    with database.write() as conn:
        write_batches(conn, catalogue, batches, Change("test", "made"))


def _opened(folder: Path, files: list[Path]) -> dict[str, Any]:
    if not Path("/usr/lib/python3/dist-packages/qgis").is_dir():
        pytest.skip("no QGIS here: install python3-qgis to test it")
    (folder / "run").mkdir(mode=0o700)
    environment = {
        "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run"),
        "QT_QPA_PLATFORM": "offscreen",
    }  # fmt: skip
    done = subprocess.run(
        ["/usr/bin/python3", READER, folder / "drawn.png", *files],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(
        next(line for line in done.stdout.splitlines() if line.startswith("{"))
    )
    return found


def test_qgis_opens_every_export(database, catalogue, town, tmp_path):
    files = [tmp_path / "city.gpkg"]
    export(database, catalogue, "city", files[0])
    for ending in ENDINGS:
        files.append(tmp_path / f"toilets.{ending}")
        export(database, catalogue, "toilets", files[-1])
        if ending == "gdb.zip":
            # As the documentation says: QGIS wants to write, which no zip allows.
            with zipfile.ZipFile(files[-1]) as archive:
                archive.extractall(tmp_path / "toilets")
            files[-1] = (tmp_path / "toilets" / "city.gdb").rename(tmp_path / "toilets.gdb")
    told = _opened(tmp_path, files)
    found = {Path(path).name.removesuffix(".zip"): layers for path, layers in told["files"].items()}
    city = found["city.gpkg"]
    assert {name: (layer["valid"], layer["rows"]) for name, layer in city.items()} == {
        "toilets": (True, 3), "parks": (True, 1), "markets": (True, 1), "markets_point": (True, 1),
    }  # fmt: skip
    assert city["parks"]["names"] == ["人民公园"]
    assert city["markets_point"]["names"] == ["菜场"]
    _check_styles(catalogue, city)
    rows = {
        ending: sum(n["rows"] for n in found[f"toilets.{ending.removesuffix('.zip')}"].values())
        for ending in ENDINGS
    }
    # A drawing has a text for each name beside the points.
    assert {ending: n for ending, n in rows.items() if ending != "xlsx"} == {
        ending: 5 if ending == "dxf" else 3 for ending in ENDINGS if ending != "xlsx"
    }
    assert found["toilets.xlsx"]["toilets"]["rows"] == 3
    for ending in ("gpkg", "gdb.zip", "fgb", "geojson", "geojsons", "kml"):
        (layer,) = found[f"toilets.{ending.removesuffix('.zip')}"].values()
        assert (layer["valid"], layer["names"]) == (True, ["东湖公厕", "𠮷祥里"]), ending
    symbol = catalogue.get_class("parks").symbol
    assert symbol.color in told["colors"]
    assert len(told["colors"]) > 10


def _check_styles(catalogue, city: dict[str, Any]) -> None:
    for name in ("toilets", "parks"):
        symbol = catalogue.get_class(name).symbol
        color = symbol.color if name == "toilets" else symbol.fill
        rgb = ",".join(str(int(color[i : i + 2], 16)) for i in (1, 3, 5))
        assert rgb in city[name]["symbol"], city[name]["symbol"]
        assert city[name]["alias"].startswith("名称")
        assert (city[name]["widget"], city[name]["labels"]) == ("ValueMap", True)
        first = catalogue.get_class(name).get_field("state").choices[0]
        assert first.title.zh in city[name]["choices"]
