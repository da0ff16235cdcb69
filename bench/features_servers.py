"""The servers that the feature benchmark asks: ours, tipg and pygeoapi, one worker each, all with uvloop and httptools.

The peers have environments of their own in `.bench/`, made at first need and never imported by the product.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from app.database.server import admin_parameters
from app.settings import Settings

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
HOME = Path(".bench")
TIPG = ("tipg==1.6.1", "uvicorn[standard]")
PYGEOAPI = (
    "pygeoapi==0.21.0",
    "geoalchemy2",
    "psycopg2-binary",
    "pygeofilter[backend-sqlalchemy]",
    "starlette",
    "uvicorn[standard]",
)
SERVING = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")


#: What a peer that cannot be made or started raises beside OSError.
Failed = subprocess.SubprocessError


@dataclass(frozen=True)
class Server:
    """A running server: where it answers, its process, and how it calls a class's collection."""

    name: str
    address: str
    pid: int
    prefix: str = ""

    def items(self, class_id: str, query: str) -> str:
        """The address of a page of features."""
        return f"{self.address}/collections/{self.prefix}{class_id}/items?{query}"


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ours(settings: Settings, **others: str) -> Iterator[Server]:
    """One web worker of the product, as `chengtu serve` runs several; `others` are more of its environment."""
    given = {"CHENGTU_HOME": str(settings.home_path), **others}
    with _served("ours", Path(sys.executable), ["--factory", "app.main:from_environment"], given) as server:
        yield server


@contextmanager
def tipg(settings: Settings, classes: list[str]) -> Iterator[Server]:
    """Tipg over the same tables."""
    tables = json.dumps([f"city.{name}" for name in classes])
    given = {"DATABASE_URL": _dsn(settings), "TIPG_DB_SCHEMAS": '["city"]', "TIPG_DB_TABLES": tables}
    with _served("tipg", _python("tipg", TIPG), ["tipg.main:app"], given, prefix="city.") as server:
        yield server


@contextmanager
def pygeoapi(settings: Settings, classes: Mapping[str, Sequence[str]], folder: Path) -> Iterator[Server]:
    """Pygeoapi over the same tables, by its Starlette application; class → the columns that it shows.

    It answers 500 where it is to write a daterange, so it is spared that column.
    """
    python, port = _python("pygeoapi", PYGEOAPI), free_port()
    config, definition = folder / "pygeoapi.json", folder / "openapi.json"
    config.write_text(json.dumps(_pygeoapi_config(settings, classes, port)), encoding="utf-8")
    given = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(definition)}
    subprocess.run(
        [python.with_name("pygeoapi"), "openapi", "generate", config, "--format", "json", "--output-file", definition],
        env={**os.environ, **given}, check=True, capture_output=True,
    )  # fmt: skip
    with _served("pygeoapi", python, ["pygeoapi.starlette_app:APP"], given, port=port) as server:
        yield server


@contextmanager
def _served(
    name: str,
    python: Path,
    words: list[str],
    environment: Mapping[str, str],
    *,
    port: int | None = None,
    prefix: str = "",
) -> Iterator[Server]:
    port = port or free_port()
    inherited = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    process = subprocess.Popen(
        [python, "-m", "uvicorn", *words, "--port", str(port), *SERVING],
        env={**inherited, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        server = Server(name, f"http://127.0.0.1:{port}", process.pid, prefix)
        _wait_for(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{server.address}/conformance?f=json", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise OSError(f"{server.name} did not start.")


def _python(name: str, packages: tuple[str, ...]) -> Path:
    """The Python of a peer's own environment, made where it is missing."""
    python = (HOME / name / "bin" / "python").absolute()
    stamp = HOME / name / "packages.json"
    if not stamp.exists() or json.loads(stamp.read_text(encoding="utf-8")) != list(packages):
        print(f"  … making .bench/{name}", flush=True)
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "-q", "--clear", HOME / name], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", python, *packages], check=True)
        stamp.write_text(json.dumps(list(packages)), encoding="utf-8")
    return python


def _dsn(settings: Settings) -> str:
    given = admin_parameters(settings)
    user, password, host = (quote(str(given[name]), safe="") for name in ("user", "password", "host"))
    return f"postgresql://{user}:{password}@{host}:{given['port']}/{given['dbname']}"


def _pygeoapi_config(
    settings: Settings, classes: Mapping[str, Sequence[str]], port: int
) -> dict[str, object]:
    given = admin_parameters(settings)
    data = {
        "host": given["host"], "port": int(given["port"]), "dbname": given["dbname"], "user": given["user"],
        "password": given["password"], "search_path": ["city", "public"],
    }  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    contact = {"name": "bench", "url": address}
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port}, "url": address, "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8", "gzip": False, "languages": ["en-US"], "map": {"url": "", "attribution": ""},
            "limits": {"default_items": 10, "max_items": 10_000},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": "bench", "description": "bench", "keywords": ["bench"], "keywords_type": "theme",
                "terms_of_service": address, "url": address,
            },
            "license": {"name": "bench", "url": address},
            "provider": contact,
            "contact": contact,
        },
        "resources": {
            name: {
                "type": "collection", "title": name, "description": name, "keywords": [name], "links": [],
                "extents": {"spatial": {"bbox": [-180, -90, 180, 90], "crs": CRS84}},
                "providers": [
                    {"type": "feature", "name": "PostgreSQL", "data": data, "id_field": "id", "table": name,
                     "geom_field": "geom", "properties": list(columns)}
                ],
            }
            for name, columns in classes.items()
        },
    }  # fmt: skip
