"""Files and names made to harm, sent over HTTP and given to the command: nothing is read, called or written by them."""

from __future__ import annotations

import os
import random
import socket
import stat
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import text

from app.database.engine import Database
from app.ingest.upload import NAME_BYTES, safe_name
from app.main import create_app
from tests.clones import clone, opened
from tests.commandline import chengtu
from tests.importing import own_home, working
from tests.ingest.hostile_files import BUILDERS, CANARY
from tests.ingest.hostile_names import drawn
from tests.ingest.test_hostile_files import HARMLESS, SENT
from tests.width import few

#: `make soak` takes 500 of each, three times.
FILES = int(os.environ.get("CHENGTU_SOAK_FILES", "12"))
SEEDS = range(1, 1 + int(os.environ.get("CHENGTU_SOAK_SEEDS", "1")))
#: What cannot be sent: it is no file with bytes of its own.
ONLY_LOCAL = {"no_such_scheme", "pipe", "endless_device"}
#: A Shapefile without its other parts: its one row is refused, not the file.
WITHOUT_OTHERS = {"huge_shape"}
#: What a worker may use for one of them.
SMALL = {"import_memory_mb": 512, "import_seconds": 4, "import_disk_mb": 64}
#: How long a worker may take to remove what it has read, seconds.
CLEAN_S = 20.0
#: The largest that is mutated, bytes.
MUTATED_BYTES = 200_000


@pytest.fixture(scope="module")
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


@pytest.fixture(scope="module")
def home(cluster_settings, template, tmp_path_factory):
    with clone(cluster_settings, template) as settings, opened(settings):
        yield own_home(settings, tmp_path_factory.mktemp("home")).model_copy(update=SMALL)


@pytest.fixture(scope="module")
def client(home):
    with working(home), TestClient(create_app(home), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def built(tmp_path, listener):
    """A file of the corpus by its name, and the secret that it reaches for."""
    (folder := tmp_path / "in").mkdir()
    secret = tmp_path / "secret.csv"
    secret.write_text(f"name,lon,lat\n{CANARY},1,2\n", encoding="utf-8")
    return lambda name: BUILDERS[name](folder, secret, listener.getsockname()[1])


def _rows(home) -> int:
    with Database(home) as db, db.read() as conn:
        return int(conn.execute(text("SELECT count(*) FROM city.toilets")).scalar_one())


def _send(client, name: str, content: bytes) -> Response:
    headers = {"Content-Type": "application/octet-stream", "Prefer": "wait=60"}
    named = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    query = {"class": "toilets", "crs": "EPSG:4326"}
    return client.post(
        "/imports", content=content, params=query, headers={**headers, "Content-Disposition": named}
    )


def _check(reply, home, listener) -> None:
    assert reply.status_code in {200, 201, 202, 400, 404, 409, 413, 415}, reply.text[:400]
    assert CANARY not in reply.text
    assert "Traceback" not in reply.text
    assert str(home.home_path) not in reply.text
    with pytest.raises(BlockingIOError):
        listener.accept()


def _check_clean(home) -> None:
    """Nothing is left of a file soon after its answer, which is given as soon as the job has ended."""
    asked = time.monotonic()
    while left := _left(home):
        assert time.monotonic() - asked < CLEAN_S, left
        time.sleep(0.05)


def _left(home) -> list[str]:
    """What is left in the data folder of a file that was sent."""
    kept = {"audit"}  # what the record is anchored by
    own = [item for item in home.home_path.iterdir() if not item.is_symlink() and item.name not in kept]
    assert {item.name for item in own} <= {"uploads", "spool", "exports"}
    return [str(item) for folder in own for item in folder.iterdir() if item.name != ".lock"]


@pytest.mark.usefixtures("started_readers")
@pytest.mark.parametrize("name", few(sorted(BUILDERS.keys() - ONLY_LOCAL), SENT))
def test_a_file_that_is_sent_does_no_harm(client, home, listener, built, name):
    path, before = built(name), _rows(home)
    reply = _send(client, path.name, path.read_bytes())
    _check(reply, home, listener)
    _check_clean(home)
    if name not in HARMLESS:
        assert _rows(home) == before
    if name not in HARMLESS | WITHOUT_OTHERS:
        assert reply.status_code == 400
        assert reply.json()["hint"]


#: One of each kind; the others are read by the same process.
GIVEN = (
    "vrt as a.geojson", "vrt as a.gpkg", "vrt calling as a.json", "no_such_scheme", "scheme_in_a_name", "bomb",
    "outside", "link", "pipe", "endless_device", "reading_kml", "calling_kml", "table_that_is_a_view",
)  # fmt: skip


@pytest.mark.usefixtures("started_readers")
@pytest.mark.parametrize(
    "name", few(GIVEN, ("vrt as a.gpkg", "no_such_scheme", "outside", "pipe", "reading_kml"))
)
def test_a_file_that_is_given_to_the_command_does_no_harm(home, listener, built, name):
    path, before = built(name), _rows(home)
    environment = {
        "CHENGTU_HOME": str(home.home_path), "DATABASE_URL": home.database_url or "", "CHENGTU_IMPORT_SECONDS": "4",
        "CHENGTU_IMPORT_MEMORY_MB": "512", "CHENGTU_IMPORT_DISK_MB": "64",
    }  # fmt: skip
    done = chengtu(environment, "import", str(path), "--class", "toilets", "--crs", "EPSG:4326")
    assert done.returncode == 2
    assert CANARY not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert _rows(home) == before


def _mutated(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.randint(1, 8)):
        if not changed:
            break
        at, kind = draw.randrange(len(changed)), draw.randint(0, 4)
        if kind == 0:
            changed[at] ^= 1 << draw.randint(0, 7)
        elif kind == 1:
            del changed[at : at + draw.randint(1, 200)]
        elif kind == 2:
            changed[at:at] = changed[at : at + draw.randint(1, 200)] * draw.randint(1, 50)
        elif kind == 3:
            changed[at : at + 4] = draw.choice(
                [b"\xff" * 4, b"\x00" * 4, b"\x7f\xff\xff\xff", b"<!DO", b"NaN,"]
            )
        else:
            del changed[at:]
    return bytes(changed)


@pytest.mark.wide
@pytest.mark.parametrize("seed", SEEDS)
def test_broken_files_under_odd_names_do_no_harm(client, home, listener, built, seed, tmp_path):
    draw, names = random.Random(seed), drawn(seed, FILES)
    corpus = {}
    for kind in sorted(BUILDERS.keys() - ONLY_LOCAL):
        (folder := tmp_path / kind.replace(" ", "_")).mkdir()
        path = BUILDERS[kind](folder, tmp_path / "secret.csv", listener.getsockname()[1])
        if path.stat().st_size <= MUTATED_BYTES and stat.S_ISREG(path.stat().st_mode):
            corpus[path.name, kind] = path.read_bytes()
    for name in names:
        (ending, _), content = draw.choice(list(corpus.items()))
        chosen = name if draw.random() < 0.5 else name + Path(ending).suffix
        reply = _send(client, chosen, _mutated(content, draw))
        _check(reply, home, listener)
        _check_clean(home)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_name_never_leaves_its_folder(tmp_path, seed):
    for name in drawn(seed, 500):
        safe = safe_name(name)
        assert safe not in {"", ".", ".."}
        assert not safe.startswith((".", "-", "~"))
        assert not set(safe) & set("/\\\0\r\n:;|<>\"'`$%{}*?")
        assert len(safe.encode()) <= NAME_BYTES + 10
        assert (tmp_path / safe).resolve().parent == tmp_path
