"""Exports beside ogr2ogr from the same tables: seconds and memory of the command, start and all; the whole city."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from app import console
from app.database.server import admin_parameters
from app.inventory.batch import Change
from app.inventory.service import write_batches
from app.settings import Settings
from bench.imports import POLYGONS, Run, chunks, estates, watched_command
from bench.scratch import scratch
from bench.tools import table

#: Format → the most that ours may take of the peer's time.
BARS = {"gpkg": ("GPKG", 0.5), "fgb": ("FlatGeobuf", 1.0)}
MEMORY_MIB, CITY_S = 300, 30
RUNS = 2
#: What the peer is asked for: types that it has no other way to write are left out or told it by name.
COLUMNS = (
    "id, code, name_zh, name_en, state, owner, maintainer, department, state_since, built_on, "
    "renovated_on, removed_on, address, data_source, surveyed_on, survey_method, accuracy_m, note, kind, "
    "land_use_code, people, households, houses, floor_area_m2, registered_area_m2, built_year, old, "
    "renovation, renovation_year, gated, water_supply, property_manager, berths, green_pct, plot_ratio, "
    "area_m2, area_path, incomplete, lower(valid) AS valid_from, upper(valid) AS valid_to, change_id, "
    "extra::text AS extra, geom"
)


def run(*, peers: bool) -> None:
    """Print ours beside ogr2ogr, in turns, so that a busy moment hits both alike; then the sample `city`."""
    with tempfile.TemporaryDirectory(prefix="chengtu-bench-exports-") as name:
        folder = Path(name)
        with scratch() as (settings, catalogue, db):
            console.step(f"{POLYGONS:,} residential_areas …")
            with db.write() as conn:
                write_batches(conn, catalogue, chunks(estates(POLYGONS)), Change("bench", "bench"))
            lines = [line for ending in BARS for line in _side_by_side(settings, folder, ending, peers=peers)]
        table(f"{POLYGONS:,} polygons with all their columns", lines)
        table("The whole city", [_city(folder)])


def _side_by_side(settings: Settings, folder: Path, ending: str, *, peers: bool) -> list[tuple[str, str]]:
    driver, bar = BARS[ending]
    theirs, ours = float("inf"), Run(float("inf"), 0)
    for _ in range(RUNS):
        if peers and shutil.which("ogr2ogr"):
            theirs = min(theirs, _ogr2ogr(settings, folder / f"peer.{ending}", driver))
        done = _export(settings, "residential_areas", folder / f"ours.{ending}")
        ours = Run(min(ours.seconds, done.seconds), max(ours.peak_mib, done.peak_mib))
    peer = theirs < float("inf")
    ratio = f", {ours.seconds / theirs:.2f} × (bar: ≤ {bar} ×)" if peer else ""
    said = f"{ours.seconds:8.2f} s{ratio}, {ours.peak_mib:,.0f} MiB (bar: < {MEMORY_MIB})"
    lines = [(f"{ending}: ogr2ogr", f"{theirs:8.2f} s")] if peer else []
    return [*lines, (f"{ending}: chengtu export", said)]


def _export(settings: Settings, name: str, to: Path) -> Run:
    return watched_command(settings, "export", name, "--to", to)


def _ogr2ogr(settings: Settings, to: Path, driver: str) -> float:
    given = admin_parameters(settings)
    place = f"PG:host={given['host']} port={given['port']} user={given['user']} dbname={given['dbname']} schemas=city"
    to.unlink(missing_ok=True)
    command = ["ogr2ogr", "-q", "-f", driver, str(to), place, "-nln", "residential_areas",
               "-sql", f"SELECT {COLUMNS} FROM city.residential_areas"]  # fmt: skip
    started = time.perf_counter()
    subprocess.run(
        command, check=True, env={**os.environ, "PGPASSWORD": str(given["password"])}, capture_output=True
    )
    return time.perf_counter() - started


def _city(folder: Path) -> tuple[str, str]:
    with scratch() as (settings, _, _):
        console.step("the sample city …")
        watched_command(settings, "sample", "load", "--size", "city", json=False)
        done = _export(settings, "city", folder / "city.gpkg")
    size = (folder / "city.gpkg").stat().st_size / 2**20
    said = f"{done.seconds:8.2f} s (bar: < {CITY_S}), {done.peak_mib:,.0f} MiB, {size:,.0f} MiB on disk"
    return "city.gpkg", said
