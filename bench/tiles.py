"""Vector tiles beside tipg and the bare `SELECT ST_AsMVT`: built anew, thinned, stored, anywhere in a million features.

All ask the same PostGIS tables on this machine in turn, one worker each, with uvloop and httptools.
"""

from __future__ import annotations

import shutil
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np

from app import console
from app.settings import Settings
from app.tiles.matrix import Tile
from bench import features_servers as servers
from bench import tiles_floor as floor
from bench.features_load import Load
from bench.features_servers import Server
from bench.scratch import scratch
from bench.tiles_data import MILLION, PLAIN, RANKED, any_tiles, fill, tiles_of
from bench.tiles_load import Reply, ask, load
from bench.tools import table

SECONDS = 4
#: Tiles that are asked for in turn where they are built, where they are stored; times that a slow one is.
BUILT, STORED, SLOW = 200, 100, 15
#: Tiles of the sweep, 30 of each zoom, and the most that one may have (design §4).
ANYWHERE, MAX_BYTES = 570, 500 * 1024
NO_STORE = {"CHENGTU_TILE_STORE_MB": "0"}
Rows = list[tuple[str, str]]


@dataclass(frozen=True)
class Figures:
    """What a server does where it builds every tile."""

    alone_ms: float
    size: float
    rate: Load
    clustered: list[Reply]
    ranked: list[Reply]


def run(*, peers: bool) -> None:
    """Print every figure beside its bar."""
    if shutil.which("wrk") is None:
        print("Tiles are asked for by wrk, which is not installed: apt-get install wrk")
        return
    console.step("500,000 polygons, 1,000,000 points …")
    with scratch() as (settings, catalogue, db):
        fill(settings, catalogue, db)
        tell(settings, peers=peers)


def tell(settings: Settings, *, peers: bool) -> None:
    """The same for a database that is filled already."""
    with servers.ours(settings, **NO_STORE) as server:
        console.step("ours, built anew …")
        mine = _figures(server, our_path)
        body = urllib.request.urlopen(server.address + our_path(PLAIN, _tiles()[0]), timeout=60).read()
        sweeps = {name: _anywhere(server, start) for name, start in SWEEPS.items()}
    theirs = _peer(settings) if peers else None
    _print_zoom_14(mine, theirs, *_floor(settings, body))
    _print_zoom_10(mine, theirs)
    for name, rows in sweeps.items():
        table(f"Any tile of {name}, zooms 0 to 18, built anew, one client", rows)
    with servers.ours(settings) as server:
        table("Stored tiles of zoom 14, the data's version asked for each; wrk -t1 -c8", _stored(server))


def our_path(class_id: str, tile: Tile) -> str:
    """The address of a tile on our server."""
    return f"/collections/{class_id}{_place(tile)}"


def _place(tile: Tile) -> str:
    return f"/tiles/WebMercatorQuad/{tile.z}/{tile.row}/{tile.col}"


def _their_path(class_id: str, tile: Tile) -> str:
    return f"/collections/city.{class_id}/tiles/WebMercatorQuad/{tile.z}/{tile.col}/{tile.row}"


#: What is swept → where its tiles are.
SWEEPS = {"1,000,000 points": f"/collections/{MILLION}", "1,500,000 features, three layers": ""}


def _tiles() -> list[Tile]:
    return tiles_of(PLAIN, 14)[:BUILT]


def _figures(server: Server, path_of: Callable[[str, Tile], str]) -> Figures:
    paths = [path_of(PLAIN, tile) for tile in _tiles()]
    ask(server.address, paths[:20])
    alone = ask(server.address, paths)
    rate, _ = load(server, paths, SECONDS)
    middle = next(any_tiles(RANKED, 1, zoom=10))
    slow = {name: ask(server.address, [path_of(name, middle)] * SLOW) for name in (PLAIN, RANKED)}
    size = sum(reply.size for reply in alone) / len(alone)
    return Figures(median(reply.took_ms for reply in alone), size, rate, slow[PLAIN], slow[RANKED])


def _peer(settings: Settings) -> Figures | None:
    console.step("tipg …")
    try:
        with servers.tipg(settings, [PLAIN, RANKED]) as server:
            return _figures(server, _their_path)
    except (OSError, servers.Failed) as error:
        print(f"  tipg could not be run: {error}")
        return None


def _floor(settings: Settings, body: bytes) -> tuple[float, float]:
    """Tiles a second over 8 connections and the ms of one, each of the fastest way."""
    console.step("bare SQL …")
    ways = [floor.statements(PLAIN, way, _tiles(), body) for way in floor.WAYS]
    alone = [median(floor.one_client_ms(settings, asked)) for asked in ways]
    return max(floor.rate(settings, asked, SECONDS) for asked in ways), min(alone)


def _print_zoom_14(mine: Figures, theirs: Figures | None, rate: float, alone_ms: float) -> None:
    rows = [
        ("bytes of a tile", f"{mine.size / 1000:8.1f} KB"),
        (
            "ours, 8 clients",
            f"{mine.rate.rate:8.1f} tiles/s, p99 {mine.rate.p99_ms:.1f} ms{mine.rate.faults}",
        ),
        ("  floor: the fastest ST_AsMVT on 8 connections", f"{rate:8.1f} tiles/s"),
        ("  ours ÷ floor", f"{mine.rate.rate / rate:8.2f} ×   (bar: ≥ 0.6 ×)"),
        ("ours, one client", f"{mine.alone_ms:8.2f} ms"),
        ("  floor", f"{alone_ms:8.2f} ms"),
        ("  above it", f"{mine.alone_ms - alone_ms:8.2f} ms   (bar: ≤ 2 ms)"),
    ]
    if theirs is not None:
        ratio = mine.rate.rate / max(theirs.rate.rate, 0.01)
        rows += [
            (
                "tipg, 8 clients",
                f"{theirs.rate.rate:8.1f} tiles/s of {theirs.size / 1000:.1f} KB{theirs.rate.faults}",
            ),
            ("  ours ÷ tipg", f"{ratio:8.2f} ×   (bar: ≥ 1.0 ×)"),
            ("tipg, one client", f"{theirs.alone_ms:8.2f} ms"),
        ]
    table(f"Zoom 14 of 250,000 polygons, {len(_tiles())} tiles in turn, built anew", rows)


def _print_zoom_10(mine: Figures, theirs: Figures | None) -> None:
    for title, ours, other in (
        ("clusters", mine.clustered, theirs and theirs.clustered),
        ("the largest, by an area rule", mine.ranked, theirs and theirs.ranked),
    ):
        took = median(reply.took_ms for reply in ours)
        rows = [
            ("ours, one client", f"{took:8.1f} ms   (bar: ≤ 25 ms)"),
            ("  bytes", f"{ours[0].size / 1000:8.1f} KB   (bar: ≤ 512 KB)"),
            ("  thinned", ours[0].thinned or "nothing is left out"),
        ]
        if other:
            theirs_ms = median(reply.took_ms for reply in other)
            rows += [
                ("tipg, which cuts at 10,000", f"{theirs_ms:8.1f} ms, {other[0].size / 1000:.1f} KB"),
                ("  ours ÷ tipg, by rate", f"{theirs_ms / took:8.2f} ×   (bar: ≥ 4 ×)"),
            ]
        table(f"Zoom 10 of 250,000 polygons: {title}, built anew", rows)


def _anywhere(server: Server, start: str) -> Rows:
    console.step(f"anywhere in {start or 'all layers'} …")
    tiles = list(any_tiles(MILLION, ANYWHERE))
    replies = ask(server.address, [start + _place(tile) for tile in tiles])
    took = np.array([reply.took_ms for reply in replies])
    slowest = tiles[int(took.argmax())]
    largest = max(reply.size for reply in replies)
    statuses = sorted({reply.status for reply in replies})
    return [
        ("p50", f"{np.percentile(took, 50):8.1f} ms"),
        ("p99", f"{np.percentile(took, 99):8.1f} ms   (bar: ≤ 1,000 ms)"),
        ("slowest", f"{took.max():8.1f} ms at {slowest.z}/{slowest.row}/{slowest.col}"),
        ("largest", f"{largest / 1000:8.1f} KB   (bar: ≤ {MAX_BYTES / 1000:g} KB)"),
        ("statuses", ", ".join(map(str, statuses))),
    ]


def _stored(server: Server) -> Rows:
    console.step("ours, stored …")
    paths = [our_path(PLAIN, tile) for tile in _tiles()[:STORED]]
    ask(server.address, paths)
    tags = [reply.etag for reply in ask(server.address, paths)]
    load(server, paths, 1)
    rows = []
    for title, given in (("200", ()), ("304", tags)):
        found, processor_us = load(server, paths, SECONDS, given)
        rows += [
            (title, f"{found.rate:8.0f} /s, p99 {found.p99_ms:.1f} ms{found.faults}   (bar: ≥ 2,000 /s)"),
            (
                "  processor time of the server",
                f"{processor_us:8.0f} µs each: {1e6 / processor_us:.0f} /s on a core",
            ),
        ]
    return rows
