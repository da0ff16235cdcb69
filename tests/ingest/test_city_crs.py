"""A city's own coordinate system through the whole house: used by its name, its parameters nowhere to be found."""

import json
import logging
import os
import re
import shutil
import subprocess
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from fastapi.testclient import TestClient
from pyproj import CRS
from sqlalchemy import text

from app.database.binaries import find_binaries
from app.database.server import admin_parameters
from app.main import create_app
from app.settings import Settings
from app.space.city_systems import load_city_systems
from app.space.transform import from_lonlat
from tests.commandline import chengtu
from tests.ingest.nanchang import districts, places
from tests.space.test_city_systems import KEY, KRASS, MODERN, PLANE, SECRETS, declare, entry

pytestmark = pytest.mark.slow

DECLARED = declare(entry("honggu", KRASS), entry("plane", PLANE), entry("modern", MODERN))
#: As numbers may be written elsewhere: rounded, in radians.
MORE = ("501733", "3177.6", "17.339", "151.887", "79.661", "2.015632", *SECRETS, KEY)


@pytest.fixture
def declared(environment, tmp_path) -> dict[str, str]:
    """An environment that declares three systems in a private file."""
    path = tmp_path / "private" / "crs.yaml"
    path.parent.mkdir(mode=0o700)
    path.write_text(DECLARED, encoding="utf-8")
    path.chmod(0o600)
    return {**environment, "CHENGTU_CRS_FILE": str(path)}


def write(
    path: Path, shapes: np.ndarray, columns: dict[str, list[str]], crs: str | None, driver: str
) -> Path:
    with warnings.catch_warnings():
        # A file without a CRS is what a surveyor gives.
        warnings.simplefilter("ignore")
        pyogrio.raw.write(
            str(path), shapely.to_wkb(shapes), [np.array(values, dtype=object) for values in columns.values()],
            list(columns), driver=driver, geometry_type=shapes[0].geom_type, crs=crs, layer=path.stem,
        )  # fmt: skip
    return path


def dump(settings: Settings) -> str:
    """All rows of the database as text."""
    given = admin_parameters(settings)
    command = [find_binaries().program("pg_dump"), "--data-only", given["dbname"]]
    access = {
        "PGHOST": given["host"],
        "PGPORT": str(given["port"]),
        "PGUSER": given["user"],
        "PGPASSWORD": given["password"],
    }
    done = subprocess.run(command, env={**os.environ, **access}, capture_output=True, text=True, check=True)
    return done.stdout


def all_bytes(folder: Path) -> bytes:
    """Everything below a folder, archives unpacked."""
    found = b""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found += path.name.encode() + path.read_bytes()
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    found += b"".join(name.encode() + archive.read(name) for name in archive.namelist())
    return found


def leaks(*told: str | bytes) -> list[str]:
    """The parameters that some text or file holds."""
    whole = b"\n".join(item.encode() if isinstance(item, str) else item for item in told)
    whole = re.sub(rb":[0-5][0-9]\.[0-9]+", b"", whole)  # 17.339 s after a minute is a time of day
    return [secret for secret in MORE if secret.encode() in whole]


def system_of(environment: dict[str, str], name: str) -> str:
    """Name and fingerprint as the command line lists them."""
    listed = json.loads(chengtu(environment, "crs", "list", "--json").stdout)["systems"]
    return next(f"{name} (fingerprint {item['fingerprint']})" for item in listed if item["name"] == name)


def own_places(count: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Places of the city as lon/lat and in the declared system `honggu`."""
    shapes = shapely.points(*places(count))
    systems = load_city_systems(Settings(crs_systems=DECLARED))
    return shapes, from_lonlat(shapes, "honggu", systems)


def test_list_and_check_name_the_systems(declared, tmp_path):
    listed, checked = chengtu(declared, "crs", "list"), chengtu(declared, "crs", "check")
    assert (listed.returncode, checked.returncode) == (0, 0)
    assert "洪城坐标系" in listed.stdout
    assert "honggu (fingerprint " in checked.stderr
    none = chengtu(declared, "crs", "check", "hongu")
    assert none.returncode == 2
    assert "Did you mean honggu?" in none.stderr
    Path(declared["CHENGTU_CRS_FILE"]).chmod(0o644)
    refused = chengtu(declared, "crs", "list")
    assert refused.returncode == 2
    assert "chmod 600" in refused.stderr
    assert not leaks(
        *(item for done in (listed, checked, none, refused) for item in (done.stdout, done.stderr))
    )


@pytest.mark.wide
def test_in_and_out_by_name_with_no_parameter_anywhere(declared, settings, database, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    work = tmp_path / "work"
    work.mkdir()
    lonlat, own = own_places()
    codes = [f"T{i}" for i in range(len(own))]
    areas = districts()
    border = np.array([shapely.MultiPolygon(shapely.get_parts(area.shape).tolist()) for area in areas])
    write(
        work / "districts.gpkg",
        border,
        {"code": [a.words[0] for a in areas], "name_zh": [a.words[1] for a in areas]},
        "EPSG:4490",
        "GPKG",
    )
    # One row is far away: its rejection is told in the system's own coordinates or none.
    shapes = np.append(own, shapely.Point(0.5, 0.5))
    write(work / "toilets.gpkg", shapes, {"code": [*codes, "far"]}, None, "GPKG")
    told = []

    def run(*words: str, code: int = 0) -> str:
        done = chengtu(declared, *words)
        told.extend([done.stdout, done.stderr])
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout

    run("import", str(work / "districts.gpkg"), "--crs", "EPSG:4490")
    report = json.loads(run(
        "import", str(work / "toilets.gpkg"), "--class", "toilets", "--crs", "honggu", "--json",
        "--report", str(work / "report.json"),
    ))["files"][0]  # fmt: skip
    label = system_of(declared, "honggu")
    assert label in json.dumps(report, ensure_ascii=False)
    assert [item["row"] for item in report["rejects"]] == [13]
    with database.read() as conn:
        rows = conn.execute(text("SELECT code, ST_X(geom), ST_Y(geom) FROM city.toilets")).all()
        kept = conn.execute(text("SELECT crs FROM city.imports ORDER BY crs")).scalars().all()
    stored = {code: (x, y) for code, x, y in rows}
    assert set(stored) == set(codes)
    for code, shape in zip(codes, lonlat, strict=True):
        assert stored[code] == pytest.approx((shape.x, shape.y), abs=2e-8)
    assert label in kept
    for name in ("own.gpkg", "own.shp.zip"):
        run("export", "toilets", "--to", str(work / name), "--crs", "honggu")
    run("export", "toilets", "--to", str(work / "plain.gpkg"))
    assert pyogrio.read_info(str(work / "plain.gpkg"), layer="toilets")["crs"] == "EPSG:4490"
    meta, _, wkb, _ = pyogrio.raw.read(str(work / "own.gpkg"), layer="toilets")
    assert label in meta["crs"]
    assert shapely.distance(shapely.from_wkb(wkb)[0], own).min() < 0.01
    # The file knows its name: coming back, nothing need be said, and nothing has changed.
    again = json.loads(run("import", str(work / "own.gpkg"), "--class", "toilets", "--json"))["files"][0]
    assert label in json.dumps(again, ensure_ascii=False)
    counts = again["classes"]["toilets"]
    assert (counts["unchanged"], counts["loaded"]) == (12, 0)
    told += _break_everything(declared, work)
    told += _ask_everything(declared)
    assert leaks(KRASS)  # The search finds what is there.
    assert not leaks(*told, caplog.text, dump(settings), all_bytes(work))


def _break_everything(declared: dict[str, str], work: Path) -> list[str]:
    """What errors say about definitions that cannot be used, given by hand, in a file, or declared."""
    told = []
    cut = work.parent / "given"
    cut.mkdir()
    _, own = own_places()
    plain = write(
        cut / "toilets.shp", own, {"code": [f"S{i}" for i in range(len(own))]}, None, "ESRI Shapefile"
    )
    for definition in (KRASS, MODERN.replace("tmerc", "tmercator"), CRS(MODERN).to_wkt()[:-30], PLANE):
        done = chengtu(
            declared,
            "import",
            str(plain),
            "--class",
            "toilets",
            "--crs",
            definition,
            "--dry-run",
            "--json",
        )
        assert done.returncode == 2
        told += [done.stdout, done.stderr]
    given = chengtu(declared, "import", str(plain), "--class", "toilets", "--crs", MODERN, "--json")
    assert given.returncode == 0, given.stderr
    told += [given.stdout, given.stderr]
    # A surveyor's .prj that holds the definition itself: used or refused, and not repeated.
    for definition in (CRS(MODERN).to_wkt("WKT1_ESRI"), CRS(KRASS).source_crs.to_wkt("WKT1_ESRI")):
        plain.with_suffix(".prj").write_text(definition)
        done = chengtu(declared, "import", str(plain), "--class", "toilets", "--json")
        told += [done.stdout, done.stderr]
    for broken in (
        DECLARED.replace("tmerc", "tmercator"),
        DECLARED.replace("title", "tittle"),
        DECLARED.replace("'+proj", "'+proj'"),
    ):
        path = cut / "crs.yaml"
        path.write_text(broken, encoding="utf-8")
        path.chmod(0o600)
        for words in (
            ["crs", "check"],
            ["import", str(plain), "--crs", "honggu"],
            ["export", "toilets", "--to", str(cut / "x.gpkg"), "--crs", "honggu"],
        ):
            done = chengtu({**declared, "CHENGTU_CRS_FILE": str(path), "CHENGTU_DEBUG": "1"}, *words)
            assert done.returncode == 2
            told += [done.stdout, done.stderr]
    shutil.rmtree(cut)
    return told


def _ask_everything(declared: dict[str, str]) -> list[str]:
    """What the web application answers: every page without parameters in its path, and exports in the system."""
    settings = Settings(
        crs_file=Path(declared["CHENGTU_CRS_FILE"]),
        home=Path(declared["CHENGTU_HOME"]),
        DATABASE_URL=declared["DATABASE_URL"],
    )
    app, told = create_app(settings), []
    paths = [path for path in (getattr(route, "path", "{") for route in app.state.routes) if "{" not in path]
    paths += [
        "/collections/toilets/items", "/collections/toilets/items?crs=honggu",
        "/exports/toilets.gpkg?crs=honggu", "/imports?f=json",
    ]  # fmt: skip
    with TestClient(app, raise_server_exceptions=False) as client:
        for path in dict.fromkeys(paths):
            if path.startswith("/static"):
                continue
            answer = client.get(path)
            told.append(str(answer.headers) + answer.content.decode("utf-8", "replace"))
    assert len(told) > 15
    return told
