"""OGC API Features beside tipg, pygeoapi and the floor: pages, filters, deep paging, whole downloads, 200 clients.

All ask the same PostGIS tables on this machine in turn, one worker each, with uvloop and httptools; `wrk -t1 -c8`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from app import console
from app.catalogue.model import Catalogue
from app.settings import Settings
from bench import features_servers as servers
from bench.features_data import MILLION, POINTS, POLYGONS, fill
from bench.features_downloads import downloads
from bench.features_floor import floor
from bench.features_load import Load, load, loader, matched
from bench.features_paging import paging
from bench.features_servers import Server
from bench.scratch import scratch
from bench.tools import table

SECONDS, CONNECTIONS = 4, 8
CLIENTS = 200
#: A tenth of the drawn city, and a filter that half of what is there meets.
BOX = "bbox=115.86,28.62,115.96,28.72"
FILTER = f"filter=storeys%20%3E%2010&filter-lang=cql2-text&{BOX}"
POINT_FILTER = f"filter=depth_m%20%3E%201&filter-lang=cql2-text&{BOX}"


@dataclass(frozen=True)
class Case:
    """One question to all servers, and how many times a peer's requests a second ours must be."""

    title: str
    class_id: str
    query: str
    bars: dict[str, float]


CASES = (
    Case("1,000 of 250,000 polygons", POLYGONS, "limit=1000", {"tipg": 6}),
    Case("10 of 20,000 points", POINTS, "limit=10", {"tipg": 1.3}),
    Case("10 of 250,000 polygons", POLYGONS, "limit=10", {"tipg": 4, "pygeoapi": 4}),
    Case("10 points, CQL2 filter and box", POINTS, f"limit=10&{POINT_FILTER}", {"tipg": 1.3}),
    Case("10 polygons, CQL2 filter and box", POLYGONS, f"limit=10&{FILTER}", {"tipg": 4, "pygeoapi": 4}),
)


def run(*, peers: bool) -> None:
    """Print every figure beside its bar."""
    console.step("250,000 polygons, 1,020,000 points …")
    with (
        scratch() as (settings, catalogue, db),
        tempfile.TemporaryDirectory(prefix="chengtu-bench-") as folder,
    ):
        fill(settings, catalogue, db)
        with servers.ours(settings) as server:
            mine = _loads(server)
            whole = floor(settings, server.items(POLYGONS, "limit=1000"), POLYGONS, SECONDS)
            _pages(mine, _peers(settings, catalogue, Path(folder)) if peers else {}, whole)
            table("A million points, page by page", paging(server))
            table(f"{CLIENTS} clients at once, 10 points each time", _crowd(server))
        table(
            "A million points at once, beside ogr2ogr from the same table",
            downloads(settings, MILLION, Path(folder)),
        )


def _loads(server: Server) -> dict[str, Load]:
    """Case → requests a second; a case that the server cannot answer is missing."""
    console.step(f"{server.name} …")
    found = {}
    for case in CASES:
        address = server.items(case.class_id, _spoken(server, case.query))
        if matched(address) is not None:
            load(address, 1)
            first = load(address, SECONDS)
            # Eight questions at once may take a slow server longer than that to answer a single one.
            found[case.title] = (
                first if first.rate * SECONDS > 2 * CONNECTIONS else load(address, 4 * SECONDS)
            )
    return found


def _spoken(server: Server, query: str) -> str:
    """A question as a server wants it: tipg calls GeoJSON by its name, pygeoapi CQL2 by that of a draft."""
    if server.name == "pygeoapi":
        query = query.replace("cql2-text", "cql-text")
    return f"{query}&f={'geojson' if server.name == 'tipg' else 'json'}"


def _peers(settings: Settings, catalogue: Catalogue, folder: Path) -> dict[str, dict[str, Load]]:
    names = [POINTS, POLYGONS]
    columns = {name: [item.name for item in catalogue.get_class(name).fields] for name in names}
    made: dict[str, Callable[[], AbstractContextManager[Server]]] = {
        "tipg": lambda: servers.tipg(settings, names),
        "pygeoapi": lambda: servers.pygeoapi(settings, columns, folder),
    }
    found = {}
    for name, make in made.items():
        try:
            with make() as server:
                found[name] = _loads(server)
        except (OSError, servers.Failed) as error:
            print(f"  {name} could not be run: {error}")
    return found


def _pages(mine: dict[str, Load], peers: dict[str, dict[str, Load]], whole: float) -> None:
    rows = []
    for case in CASES:
        ours = mine.get(case.title)
        if ours is None:
            rows.append((case.title, "ours does not answer it"))
            continue
        rows.append(
            (f"{case.title}: ours", f"{ours.rate:9.1f} requests/s, p99 {ours.p99_ms:.1f} ms{ours.faults}")
        )
        if case is CASES[0]:
            rows.append(("  floor: the fastest SQL on 8 connections", f"{whole:9.1f} requests/s"))
            rows.append(("  ours ÷ floor", f"{ours.rate / whole:9.2f} ×   (bar: ≥ 0.6 ×)"))
        for name, loads in peers.items():
            rows += _beside(case, ours, name, loads.get(case.title))
    table(f"Pages of features, {loader()}", rows)


def _beside(case: Case, ours: Load, name: str, theirs: Load | None) -> list[tuple[str, str]]:
    if theirs is None:
        return [(f"  {name}", "does not answer it")]
    bar = f"   (bar: ≥ {case.bars[name]:g} ×)" if name in case.bars else ""
    return [
        (f"  {name}", f"{theirs.rate:9.1f} requests/s, p99 {theirs.p99_ms:.1f} ms{theirs.faults}"),
        (f"  ours ÷ {name}", f"{ours.rate / max(theirs.rate, 0.01):9.2f} ×{bar}"),
    ]


def _crowd(server: Server) -> list[tuple[str, str]]:
    found = load(server.items(POINTS, "limit=10"), 2 * SECONDS, CLIENTS)
    return [
        ("requests/s", f"{found.rate:9.1f}"),
        ("p99", f"{found.p99_ms:9.1f} ms"),
        ("errors", f"{found.errors:9d}   (bar: 0)"),
    ]
