"""Whole downloads of a million features beside ogr2ogr from the same table: speed, first byte, the server's memory."""

from __future__ import annotations

import http.client
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from app.database.server import admin_parameters
from app.settings import Settings
from bench.features_data import COPIES, SEEDS
from bench.features_servers import Server, ours

#: Form → ogr2ogr's driver and what it is told beside.
FORMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "geojsonseq": ("GeoJSONSeq", ()),
    "flatgeobuf": ("FlatGeobuf", ("-lco", "SPATIAL_INDEX=NO", "-mapFieldType", "StringList=String")),
}
BLOCK = 1 << 20


def downloads(settings: Settings, class_id: str, folder: Path) -> list[tuple[str, str]]:
    """Each form from a server just started, and from ogr2ogr."""
    features, rows = COPIES[class_id] * SEEDS, []
    for form, (driver, options) in FORMS.items():
        with ours(settings) as server:
            server_s, first_s, size = _fetch(server, class_id, form)
            memory = _peak_mib(server)
        peer_s = _ogr2ogr(settings, class_id, driver, options, folder / "peer.fgb")
        rows += [
            (f"{driver}: ours", f"{features / server_s:12,.0f} features/s, {size / 2**20:,.0f} MiB"),
            ("  ogr2ogr", f"{features / peer_s:12,.0f} features/s"),
            ("  ours ÷ ogr2ogr", f"{peer_s / server_s:12.2f} ×   (bar: ≥ 0.8 ×)"),
            ("  first byte", f"{first_s * 1000:12.0f} ms  (bar: < 200 ms)"),
            ("  server's memory at most", f"{memory:12.0f} MiB (bar: < 300 MiB)"),
        ]
    return rows


def _fetch(server: Server, class_id: str, form: str) -> tuple[float, float, int]:
    """Seconds of the whole and to the first byte, and the bytes."""
    parts = urlsplit(server.items(class_id, f"f={form}"))
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=300)
    connection.request("GET", "/health")
    connection.getresponse().read()
    started = time.perf_counter()
    connection.request("GET", f"{parts.path}?{parts.query}")
    reply = connection.getresponse()
    assert reply.status == http.HTTPStatus.OK, reply.read()
    size = len(reply.read(1))
    first = time.perf_counter() - started
    while block := reply.read(BLOCK):
        size += len(block)
    whole = time.perf_counter() - started
    connection.close()
    return whole, first, size


def _peak_mib(server: Server) -> float:
    """The most memory that the server's process has held."""
    lines = Path(f"/proc/{server.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _ogr2ogr(settings: Settings, class_id: str, driver: str, options: tuple[str, ...], target: Path) -> float:
    given = admin_parameters(settings)
    source = "PG:" + " ".join(
        f"{name}={given[name]}" for name in ("host", "port", "dbname", "user", "password")
    )
    place = "/vsistdout/" if driver == "GeoJSONSeq" else str(target)
    started = time.perf_counter()
    subprocess.run(
        ["ogr2ogr", "-f", driver, place, source, f"city.{class_id}", *options],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    took = time.perf_counter() - started
    target.unlink(missing_ok=True)
    return took
