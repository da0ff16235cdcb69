"""Disks that fill, writers that are killed, clients that leave, names that climb: what is offered is whole."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import shapely
import uvicorn
from fastapi.testclient import TestClient
from pyogrio import read_info

from app.errors import BadInput, NoSpace
from app.exports.formats import FORMATS
from app.exports.kept import KEPT_S
from app.exports.service import export
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from app.main import create_app
from app.settings import ROOT, Settings
from tests.clones import clone, opened
from tests.importing import own_home

TREES = 2_000


@pytest.fixture(scope="module")
def trees(cluster_settings, template, catalogue):
    """Street trees with words that do not pack well."""
    random = np.random.default_rng(1)
    notes = [random.bytes(40).hex() for _ in range(TREES)]
    places = np.array(
        [shapely.Point(115.8 + i / 1e5, 28.6 + i % 7 / 1e3) for i in range(TREES)], dtype=object
    )
    batch = Batch("street_trees", [f"t{i}" for i in range(TREES)], places, {"note": notes}, [None] * TREES)
    with clone(cluster_settings, template) as settings, opened(settings) as database:
        with database.write() as conn:
            write_batches(conn, catalogue, [batch], Change("test", "made"))
        yield settings, database


@contextmanager
def _short_files(most: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes: writes fail in the middle, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("ending", list(FORMATS))
def test_a_file_that_cannot_grow_leaves_the_old_one(trees, catalogue, tmp_path, ending):
    path = tmp_path / f"street_trees.{ending}"
    size = export(trees[1], catalogue, "street_trees", path)["bytes"]
    path.write_text("the old one")
    with (
        _short_files(size // 2),
        pytest.raises((NoSpace, BadInput), match=r"was not written|cannot be written"),
    ):
        export(trees[1], catalogue, "street_trees", path)
    assert path.read_text() == "the old one"
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_a_geodatabase_that_lacks_its_last_bytes_is_refused(trees, catalogue, tmp_path):
    path = tmp_path / "street_trees.gdb.zip"
    export(trees[1], catalogue, "street_trees", path)
    with zipfile.ZipFile(path) as archive:
        sizes = sorted(part.file_size for part in archive.infolist())[-2:]
    path.unlink()
    # The last bytes of a table are written when GDAL closes the file, which tells nobody.
    for size in sizes:
        with _short_files(size - 1), pytest.raises(NoSpace):
            export(trees[1], catalogue, "street_trees", path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.wide
def test_a_disk_that_is_full_is_told_and_left_clean(trees, tmp_path):
    unshared = ["unshare", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*unshared, "true"], check=False).returncode != 0:
        pytest.skip("no disk of its own can be mounted here: only root may")
    environment = {
        **os.environ, "DATABASE_URL": trees[0].database_url, "CHENGTU_HOME": str(trees[0].home_path),
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    done = subprocess.run(
        [*unshared, sys.executable, Path(__file__).with_name("fill_disk.py"), tmp_path, "street_trees"],
        env=environment, check=True, capture_output=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == {ending: ["NoSpace", []] for ending in FORMATS}


def _own(settings: Settings, folder: Path) -> Settings:
    """Settings with a data folder in which nothing was exported yet."""
    (folder / "home").mkdir()
    own = own_home(settings, folder / "home")
    (folder / "home" / "exports").unlink(missing_ok=True)
    return own


@pytest.fixture
def served(trees, tmp_path):
    """The service on loopback with a data folder of its own: its address and that of its files."""
    settings = _own(trees[0], tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="critical", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname(), tmp_path / "home" / "exports"
        server.should_exit = True
        thread.join()


def _ask(at: tuple[str, int], path: str) -> socket.socket:
    client = socket.create_connection(at)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: {at[0]}:{at[1]}\r\n\r\n".encode())
    return client


def _names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir() if item.suffix != ".lock") if folder.is_dir() else []


def _wait(condition) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here: install it to test resumed downloads")
def test_a_client_that_leaves_midway_finds_a_whole_file_and_goes_on_in_it(served, trees, catalogue, tmp_path):
    at, folder = served
    # The first one leaves while the file is written, which ends its work; another one after the first bytes.
    with _ask(at, "/exports/street_trees.gpkg"):
        _wait(lambda: _names(folder))
    _wait(lambda: not any(name.startswith(".") for name in _names(folder)))
    with _ask(at, "/exports/street_trees.gpkg") as client:
        head = client.recv(2_000)
    assert b"200 OK" in head
    whole = folder / _names(folder)[0]
    assert whole.read_bytes().startswith(b"SQLite format 3\x00")
    assert _names(folder) == [whole.name]
    assert read_info(whole, layer="street_trees")["features"] == TREES
    part = tmp_path / "t.gpkg"
    tag = head.lower().split(b"etag: ")[1].split(b"\r\n")[0].decode()
    for if_range, code in ((tag, 206), ('"older"', 200)):
        part.write_bytes(whole.read_bytes()[:12_345])
        url = f"http://{at[0]}:{at[1]}/exports/street_trees.gpkg"
        resume = [
            "curl",
            "-sS",
            "-C",
            "-",
            "-H",
            f"If-Range: {if_range}",
            "-o",
            part,
            "-w",
            "%{http_code}",
            url,
        ]
        done = subprocess.run(resume, check=False, capture_output=True)
        assert done.stdout == str(code).encode()
        # Nothing of another file is put behind what is there.
        assert part.read_bytes() == whole.read_bytes()[: None if code == 206 else 12_345]


@pytest.fixture
def client(trees, tmp_path):
    settings = _own(trees[0], tmp_path)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def test_what_killed_writers_left_is_removed(client, tmp_path):
    folder = tmp_path / "home" / "exports"
    (folder / ".dead.shp.zipabc").mkdir(parents=True)
    (folder / ".dead.shp.zipabc" / "x.shp").write_bytes(b"half")
    (folder / ".dead.gpkg").write_bytes(b"half")
    old = time.time() - 2 * KEPT_S
    for path in folder.iterdir():
        os.utime(path, (old, old))
    answer = client.get("/exports/street_trees.csv")
    assert answer.status_code == 200, answer.text
    assert [name.split(".", 1)[1] for name in _names(folder)] == ["csv"]


#: Parts of names that climb out of a folder, as clients write them.
CLIMBS = [
    "..", "../..", "..\\..", "%2e%2e", "%2e%2e%2f", "..%2f..", "..%5c..", "%252e%252e%252f", "....//", "..;/", ".%00.",
    "%c0%ae%c0%ae/", "..%c0%af", "/", "//", "\\", "\\\\server\\share", "C:\\", "file:///", "~", "~root", "\x00",
]  # fmt: skip
TARGETS = [
    "etc/passwd", "etc%2fpasswd", "secrets.json", "windows\\win.ini", "proc/self/environ", "home/exports/x", "toilets",
    "city", ".env", "boot.ini", "x",
]  # fmt: skip


def test_two_hundred_names_that_climb_write_and_give_nothing(client, tmp_path):
    (tmp_path / "secrets.json").write_text("do not tell")
    pairs = [(climb, target) for climb in CLIMBS for target in TARGETS]
    names = [f"{climb}{('/', '%2f')[i % 2]}{target}" for i, (climb, target) in enumerate(pairs)]
    assert len(names) > 200
    endings = ["gpkg", "csv", "shp.zip"]
    for i, name in enumerate(names):
        raw = f"/exports/{quote(name, safe='/%.;~:')}.{endings[i % 3]}"
        answer = client.get(raw, headers={"Accept": "application/json"})
        assert answer.status_code in (400, 404, 422), (raw, answer.status_code)
        assert b"do not tell" not in answer.content
        assert b"root:" not in answer.content
    assert sorted(item.name for item in tmp_path.iterdir()) == ["home", "secrets.json"]
    assert _names(tmp_path / "home" / "exports") == []
