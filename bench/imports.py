"""The importer beside ogr2ogr on the same files and cluster; tables and extracts at size; where the time goes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyogrio
import shapely
from numpy.typing import NDArray

from app import console
from app.catalogue.model import Catalogue
from app.database.engine import Database
from app.database.server import admin_parameters
from app.inventory import first_load, rounds
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from app.lazy import lazy_module
from app.search.service import ensure_entries
from app.settings import ROOT, Settings
from bench.scratch import scratch
from bench.tools import table

xlsxwriter = lazy_module("xlsxwriter")

BOX = (115.5, 28.4, 116.1, 29.0)
POLYGONS, LINES, POINTS, ROWS, CHUNK = 250_000, 460_000, 5_000_000, 31_000, 50_000
SYLLABLES = "东西南北湖山江河花园阳光金银中新华平安福星月云龙凤翠竹梅兰松柏春秋苑里庭轩城和谐锦绣"
STREET_KINDS = ("primary", "secondary", "tertiary", "residential", "residential", "service", "footway")
#: Classes loaded by a file of their own, with ogr2ogr's name for the type.
FILES = {"residential_areas": "Polygon", "streets": "LineString"}


def run(*, peers: bool) -> None:
    """Print ours beside ogr2ogr (which neither checks nor keeps history), then what the bars name of other formats."""
    with (
        tempfile.TemporaryDirectory(prefix="chengtu-bench-files-") as name,
        scratch() as (settings, catalogue, db),
    ):
        folder = Path(name)
        batches = {"residential_areas": estates(POLYGONS), "streets": _streets(LINES)}
        lines = []
        for class_id, batch in batches.items():
            console.step(f"{len(batch.codes):,} {class_id} …")
            lines += _side_by_side(settings, _save(batch, folder), class_id, peers=peers)
        table("Imports from GPKG beside ogr2ogr (COPY, spatial index)", lines)
        table("Where the time of a first load goes, writing alone", _stages(settings, catalogue, db, batches))
        table("Imports of other formats", [*_tables(settings, folder), *_extracts(settings)])


def _side_by_side(settings: Settings, file: Path, class_id: str, *, peers: bool) -> list[tuple[str, str]]:
    peer = (
        min(_ogr2ogr(settings, file, class_id) for _ in range(2))
        if peers and shutil.which("ogr2ogr")
        else None
    )
    first = _import(settings, file, "--class", class_id, "--key", "code")
    again = _import(settings, file, "--class", class_id, "--key", "code")
    lines = [] if peer is None else [(f"{class_id}: ogr2ogr", f"{peer:8.2f} s")]
    for what, ours, bar in (("first load", first, 2.5), ("again, unchanged", again, 1.5)):
        ratio = "" if peer is None else f", {ours.seconds / peer:.2f} × (bar: ≤ {bar} ×)"
        lines.append((f"{class_id}: {what}", f"{ours.seconds:8.2f} s{ratio}, {ours.peak_mib:,.0f} MiB"))
    return lines


def _ogr2ogr(settings: Settings, file: Path, class_id: str) -> float:
    """Seconds of the peer's load into a new table of the same database."""
    given = admin_parameters(settings)
    with psycopg.connect(**given) as admin:
        admin.execute(f"DROP TABLE IF EXISTS public.peer_{class_id}".encode())
    place = f"PG:host={given['host']} port={given['port']} user={given['user']} dbname={given['dbname']} schemas=public"
    command = ["ogr2ogr", "-q", "-f", "PostgreSQL", place, str(file), "-nln", f"peer_{class_id}",
               "-nlt", "PROMOTE_TO_MULTI", "-lco", "GEOMETRY_NAME=geom", "--config", "PG_USE_COPY", "YES"]  # fmt: skip
    started = time.perf_counter()
    subprocess.run(
        command, check=True, env={**os.environ, "PGPASSWORD": str(given["password"])}, capture_output=True
    )
    return time.perf_counter() - started


@dataclass
class Run:
    """What a command took: seconds from its start to its end, and the most memory of all its processes at once."""

    seconds: float
    peak_mib: float


def _import(settings: Settings, *words: Path | str) -> Run:
    return watched_command(settings, "import", *words)


def watched_command(settings: Settings, *words: Path | str, json: bool = True) -> Run:
    """`chengtu import` or another command as a user starts it, start of the program and all."""
    environment = {**os.environ, "CHENGTU_HOME": str(settings.home_path), "PYTHONPATH": str(ROOT)}
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "-m", "app.cli", *map(str, words), *(["--json"] if json else [])]
    started = time.perf_counter()
    with (
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
        ) as process,
        _watched(process.pid) as peak,
    ):
        out, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {errors.decode()[-2000:]}{out.decode()[-2000:]}")
    return Run(time.perf_counter() - started, peak[0] / 2**20)


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """The most bytes that a process and those it started hold by themselves, looked at ten times a second."""
    peak, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(0.1):
            peak[0] = max(peak[0], sum(map(_held, _family(pid))))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended in the meantime
                found += map(int, children.read_text().split())
    return found


def _held(pid: int) -> int:
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE")


def _tables(settings: Settings, folder: Path) -> list[tuple[str, str]]:
    console.step(f"{POINTS:,} points as CSV, {ROWS:,} rows as XLSX …")
    csv = _import(settings, _points(folder), "--class", "street_trees", "--key", "code")
    xlsx = _import(settings, _workbook(folder), "--class", "street_lights", "--key", "code")
    return [
        (f"{POINTS:,} points from CSV", f"{csv.peak_mib:8,.0f} MiB (bar: < 1,024), {csv.seconds:.1f} s"),
        (f"{ROWS:,} rows from XLSX", f"{xlsx.seconds:8.2f} s (bar: < 10)"),
    ]


def _extracts(settings: Settings) -> list[tuple[str, str]]:
    """Real data, where the folder of it is there."""
    data = Path(os.environ.get("CHENGTU_DATA", ROOT.parent / "shared" / "data"))
    files = {
        "andorra, all classes": (data / "andorra" / "andorra-260403.osm.pbf", 15, ()),
        "Wuhan's streets": (data / "wuhan" / "wuhan_streets.parquet", 4, ("--class", "streets")),
    }
    lines = []
    for title, (file, bar, words) in files.items():
        if file.exists():
            _empty(settings)
            lines.append((title, f"{_import(settings, file, *words).seconds:8.2f} s (bar: < {bar})"))
    return lines


def _empty(settings: Settings) -> None:
    """A city without data: another one may lie elsewhere and have another metric CRS."""
    with psycopg.connect(**admin_parameters(settings)) as admin:
        names = admin.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'city' "
            "AND tablename <> 'alembic_version'"
        ).fetchall()
        admin.execute(f"TRUNCATE {', '.join(name for (name,) in names)} RESTART IDENTITY CASCADE".encode())


@dataclass
class _Stages:
    """Seconds by stage, taken at the calls that make them up."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def watching(self) -> Iterator[None]:
        watched: list[tuple[Any, str, str]] = [
            (first_load.FirstLoad, "_make", "measured and encoded (beside the reading)"),
            (first_load.FirstLoad, "_send", "copied (beside that)"),
            (first_load.FirstLoad, "seal", "indexes (search words of few made meanwhile)"),
            (first_load.FirstLoad, "index", "search entries of few stored, of many put off"),
            (rounds.Round, "write", "indexes, entries, taking the place: in all"),
        ]
        kept = [(owner, name, getattr(owner, name)) for owner, name, _ in watched]
        for owner, name, stage in watched:
            setattr(owner, name, self._timed(getattr(owner, name), stage))
        try:
            yield
        finally:
            for owner, name, work in kept:
                setattr(owner, name, work)

    def _timed(self, work: Callable[..., Any], stage: str) -> Callable[..., Any]:
        def timed(*args: Any) -> Any:
            started = time.perf_counter()
            try:
                return work(*args)
            finally:
                self.seconds[stage] = self.seconds.get(stage, 0) + time.perf_counter() - started

        return timed


def _stages(
    settings: Settings, catalogue: Catalogue, db: Database, batches: dict[str, Batch]
) -> list[tuple[str, str]]:
    _empty(settings)
    lines = []
    for class_id, batch in batches.items():
        stages = _Stages()
        started = time.perf_counter()
        with stages.watching(), db.write() as conn:
            write_batches(conn, catalogue, chunks(batch), Change("bench", "bench"))
        lines.append((f"{class_id}, commit and all", f"{time.perf_counter() - started:8.2f} s"))
        lines += [(f"  {stage}", f"{seconds:8.2f} s") for stage, seconds in stages.seconds.items()]
        started = time.perf_counter()
        ensure_entries(db, catalogue)
        lines.append(("  the search job, after the load", f"{time.perf_counter() - started:8.2f} s"))
    return lines


def chunks(batch: Batch) -> Iterator[Batch]:
    """The batch in pieces, as a reader brings them."""
    for start in range(0, len(batch.codes), CHUNK):
        part = slice(start, start + CHUNK)
        columns = {name: values[part] for name, values in batch.columns.items()}
        yield Batch(batch.class_id, batch.codes[part], batch.geometry[part], columns, batch.extra[part])


def _save(batch: Batch, folder: Path) -> Path:
    file = folder / f"{batch.class_id}.gpkg"
    columns = {"code": batch.codes, **batch.columns, "geom": shapely.to_wkb(batch.geometry)}
    pyogrio.write_arrow(
        pa.table(columns), file, layer=batch.class_id, geometry_name="geom", crs="EPSG:4326", driver="GPKG",
        geometry_type=FILES[batch.class_id],
    )  # fmt: skip
    return file


def _names(random: np.random.Generator, count: int, share: float, kinds: int, end: str) -> list[str | None]:
    """Chinese names for a share of the rows, `kinds` different ones at most."""
    marks = random.integers(0, len(SYLLABLES), (kinds, 4)).tolist()
    names = ["".join(SYLLABLES[mark] for mark in row) + end for row in marks]
    which, named = random.integers(0, kinds, count).tolist(), (random.random(count) < share).tolist()
    return [names[place] if has else None for place, has in zip(which, named, strict=True)]


def estates(count: int) -> Batch:
    """Parcels of 5 to 12 corners about places of a lattice, in no order; one in five has a name of its own."""
    random = np.random.default_rng(1)
    side = int(np.ceil(np.sqrt(count)))
    order = random.permutation(count)
    west, south, east, north = BOX
    x, y = (
        west + (east - west) * (order % side + 0.5) / side,
        south + (north - south) * (order // side + 0.5) / side,
    )
    corners = random.integers(5, 13, count)
    which = np.repeat(np.arange(count), corners + 1)
    first = np.cumsum(corners + 1) - (corners + 1)
    turn = (np.arange(len(which)) - first[which]) % corners[which]
    reach = random.uniform(0.6, 1.0, len(which)) * 0.45 * (east - west) / side
    reach[first + corners] = reach[first]
    angle = 2 * np.pi * turn / corners[which]
    xy = np.column_stack([x[which] + reach * np.cos(angle), y[which] + reach * np.sin(angle)])
    columns: dict[str, list[Any]] = {
        "name_zh": _names(random, count, 0.2, count, "小区"),
        "kind": [("land", "estate")[value] for value in random.integers(0, 2, count).tolist()],
        "people": random.integers(0, 5000, count).tolist(),
        "households": random.integers(0, 2000, count).tolist(),
        "registered_area_m2": np.round(random.uniform(500, 3000, count), 1).tolist(),
    }
    shapes = np.asarray(shapely.polygons(shapely.linearrings(xy, indices=which)), dtype=object)
    return _batch("residential_areas", shapes, columns)


def _streets(count: int) -> Batch:
    """Pieces of streets of 2 to 8 vertices about 45 m apart; one in three has a name, twenty share it."""
    random = np.random.default_rng(2)
    west, south, east, north = BOX
    vertices = random.integers(2, 9, count)
    which = np.repeat(np.arange(count), vertices)
    first = np.cumsum(vertices) - vertices
    steps = random.normal(0, 0.0004, (len(which), 2))
    steps[first] = np.column_stack([random.uniform(west, east, count), random.uniform(south, north, count)])
    walked = np.cumsum(steps, axis=0)
    xy = walked - (walked[first] - steps[first])[which]
    columns: dict[str, list[Any]] = {
        "name_zh": _names(random, count, 0.33, 8_000, "路"),
        "kind": [STREET_KINDS[value] for value in random.integers(0, len(STREET_KINDS), count).tolist()],
        "lanes": random.integers(1, 7, count).tolist(),
        "width_m": np.round(random.uniform(3, 30, count), 1).tolist(),
        "oneway": (random.random(count) < 0.2).tolist(),
    }
    return _batch("streets", np.asarray(shapely.linestrings(xy, indices=which), dtype=object), columns)


def _batch(class_id: str, shapes: NDArray[np.object_], columns: dict[str, list[Any]]) -> Batch:
    count = len(shapes)
    return Batch(class_id, [f"{class_id[0]}{n:07}" for n in range(count)], shapes, columns, [None] * count)


def _points(folder: Path) -> Path:
    """A CSV of lon, lat and three columns more."""
    random, file = np.random.default_rng(3), folder / "trees.csv"
    with file.open("w", encoding="utf-8") as out:
        out.write("code,lon,lat,note,species\n")
        for start in range(0, POINTS, CHUNK):
            x, y = random.uniform(BOX[0], BOX[2], CHUNK), random.uniform(BOX[1], BOX[3], CHUNK)
            rows = zip(range(start, start + CHUNK), x.tolist(), y.tolist(), strict=True)
            out.writelines(f"T{n:08},{lon:.7f},{lat:.7f},第{n % 97}排,香樟\n" for n, lon, lat in rows)
    return file


def _workbook(folder: Path) -> Path:
    random, file = np.random.default_rng(4), folder / "lights.xlsx"
    with xlsxwriter.Workbook(str(file), {"constant_memory": True}) as book:
        sheet = book.add_worksheet("street_lights")
        sheet.write_row(0, 0, ["code", "lon", "lat", "note", "address"])
        x, y = random.uniform(BOX[0], BOX[2], ROWS).tolist(), random.uniform(BOX[1], BOX[3], ROWS).tolist()
        for n in range(ROWS):
            sheet.write_row(n + 1, 0, [f"L{n:06}", x[n], y[n], f"第{n % 97}排", f"阳明路{n}号"])
    return file
