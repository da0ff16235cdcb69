"""Disks that fill in the middle (S25): a clear word, nothing half-written, readers go on, and all goes on after."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from app.database.location import find_location
from app.settings import Settings
from tests.conftest import TEMPORARY
from tests.safety.audits import check_record, names_of
from tests.safety.house import (
    CHENGTU,
    LONG,
    PREFIX,
    Served,
    asking,
    environment,
    house,
    postmaster,
    serving,
    until,
)
from tests.safety.load import Client, Told

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk"),
]

CLASS, ITEMS = "monuments", "/collections/monuments/items?limit=5"
#: Rows of more than any of the small disks has room for, and what is left of a disk that is to be full in between.
MANY, LEFT_BYTES = (20_000, 3_000_000) if LONG else (8_000, 1_000_000)


@contextmanager
def small_disk(place: Path, megabytes: int, uid: int = 0) -> Iterator[Path]:
    """A disk of its own at `place`; skips where the machine lets nobody mount one."""
    place.mkdir(parents=True, exist_ok=True)
    options = f"size={megabytes}m,mode=700,uid={uid}"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True)
    if done.returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


def fill(disk: Path, leave: int = 0) -> Path:
    """Fill a disk but for some bytes, by a file that may be removed again."""
    filler, found = disk / "filler", os.statvfs(disk)
    left = found.f_bavail * found.f_frsize - leave
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while left > 0:
            left -= file.write(bytes(min(left, 1 << 20)))
    return filler


def table(many: int, word: str) -> str:
    rows = [
        f"m{i},{word}{i},{115.8 + i % 1000 / 10000:.4f},{28.6 + i // 1000 / 1000:.3f}" for i in range(many)
    ]
    return "\n".join(["code,name,lon,lat", *rows]) + "\n"


def command(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of ours in the house."""
    return subprocess.run([*CHENGTU, *words], env=environment(settings), capture_output=True, text=True)


def brought(settings: Settings, path: Path) -> subprocess.CompletedProcess[str]:
    return command(settings, "import", str(path), "--class", CLASS, "--allow-outside")


def test_s25_an_import_into_a_full_tablespace_and_the_same_once_there_is_room(tmp_path):
    """Only the table's own disk is full: the server lives, the job fails as `no-space`, every read is answered."""
    with house("space") as settings:
        location = find_location(settings.home_path)
        assert location is not None
        place = settings.home_path / "small"
        with small_disk(place, 12, location.account.uid) as disk:
            with asking(settings) as admin:
                admin.execute(f"CREATE TABLESPACE small LOCATION '{disk}'".encode())
                admin.execute(f"ALTER TABLE city.{CLASS} SET TABLESPACE small".encode())
            filler = fill(disk, leave=200_000)
            before = names_of(settings, CLASS)
            with (
                serving(settings, tmp_path / "serve.log") as served,
                Client(served.port, Told()) as client,
            ):
                status, said, _ = sent(client, table(MANY, "a"))
                assert (status, said["code"]) == (507, "no-space"), said
                assert [client.ask("GET", ITEMS)[0] for _ in range(50)] == [200] * 50
                assert names_of(settings, CLASS) == before
                with asking(settings) as admin:
                    jobs = admin.execute(
                        "SELECT state, error ->> 'code' FROM city.jobs WHERE kind = 'import'"
                    )
                    assert jobs.fetchall() == [("failed", "no-space")]
                path = tmp_path / "monuments.csv"
                path.write_text(table(MANY, "a"), encoding="utf-8")
                done = brought(settings, path)
                assert (done.returncode, "disk" in done.stderr) == (2, True), done.stderr
                assert "Traceback" not in done.stderr
                assert names_of(settings, CLASS) == before

                filler.unlink()
                subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
                status, said, _ = sent(client, table(MANY, "a"))
                assert status == 201, said
                assert len(names_of(settings, CLASS)) == len(before) + MANY
                check_record(settings)
            with asking(settings) as admin:
                admin.execute(f"ALTER TABLE city.{CLASS} SET TABLESPACE pg_default".encode())
                admin.execute(b"DROP TABLESPACE small")


def sent(client: Client, body: str):
    """An import over HTTP, and what came of its job."""
    status, said, headers = client.ask(
        "POST", f"/imports?class={CLASS}&allow_outside=true&filename=m.csv", body.encode(),
        Content_Type="text/csv", Prefer="wait=60",
    )  # fmt: skip
    assert status != 202, said
    return status, said, headers


@pytest.mark.wide
def test_s25_where_the_whole_disk_of_the_database_is_full_it_comes_back_once_there_is_room(tmp_path):
    """The log cannot be written either: PostgreSQL gives up; it is tried again, and with room all is as it was."""
    with small_disk(TEMPORARY / f"{PREFIX}{os.getpid()}-disk", 400) as disk:
        disk.chmod(0o755)
        with house("whole", disk) as settings, serving(settings, tmp_path / "serve.log") as served:
            before = names_of(settings, CLASS)
            path = tmp_path / "monuments.csv"
            path.write_text(table(MANY, "b"), encoding="utf-8")
            filler = fill(disk, leave=LEFT_BYTES)
            done = brought(settings, path)
            assert done.returncode == 2, done.stderr
            assert "Traceback" not in done.stderr
            assert "disk" in done.stderr, done.stderr
            filler.rename(disk / "first")
            second = fill(disk)
            use_up_log(settings)
            assert post(served) in {503, 507}
            until(lambda: postmaster(settings) is None, "the database is down")
            check_told(served)
            (disk / "first").unlink()
            second.unlink()
            until(lambda: postmaster(settings) and served.get("/ready") == 200, "the database is back")
            assert names_of(settings, CLASS) == before
            done = brought(settings, path)
            assert done.returncode == 0, done.stderr
            assert len(names_of(settings, CLASS)) == len(before) + MANY
            check_record(settings)


def check_told(served: Served) -> None:
    """Who reads hears that it passes, and why."""
    with Client(served.port, Told()) as client:
        for path in ("/ready", "/", ITEMS):
            status, said, headers = client.ask("GET", path)
            assert (status, "disk is full" in said["detail"]) == (503, True), (path, said)
            assert headers["retry-after"], path
    # 503 where the house could not even look who asks.
    assert post(served) in {503, 507}


def use_up_log(settings: Settings) -> None:
    """Write to the log until the server cannot any more: it panics, and cannot recover on the full disk either."""
    with suppress(psycopg.OperationalError), asking(settings) as admin:
        for _ in range(200):
            admin.execute(b"SELECT pg_logical_emit_message(true, 'x', 'x'), pg_switch_wal()")
        pytest.fail("the log had room for 3 GB on a disk of 400 MB")


def post(served: Served) -> int | None:
    """The answer to many small writes, the first that is no success."""
    with Client(served.port, Told()) as client:
        for number in range(2000):
            feature = {
                "type": "Feature", "geometry": {"type": "Point", "coordinates": [115.81, 28.61]},
                "properties": {"name_zh": "满" * 200, "code": f"full-{number}"},
            }  # fmt: skip
            status, _, _ = client.ask(
                "POST",
                "/collections/toilets/items?allow_outside=true",
                json.dumps(feature).encode(),
                Content_Type="application/geo+json",
            )
            if status != 201:
                return status
    return 201


def test_s25_nothing_is_offered_that_a_full_disk_cut_off(tmp_path):
    """The folders of downloads and uploads are full: 507, no file at all, pages go on; with room all is given."""
    with (
        house("files") as settings,
        serving(settings, tmp_path / "serve.log") as served,
        Client(served.port, Told()) as client,
    ):
        exports, uploads = settings.home_path / "exports", settings.home_path / "uploads"
        with small_disk(exports, 1), small_disk(uploads, 1):
            filler = fill(uploads)
            for ending in ("gpkg", "geojson", "csv", "xlsx", "shp.zip"):
                status, said, _ = client.ask("GET", f"/exports/street_trees.{ending}")
                assert (status, said["code"]) == (507, "no-space"), ending
            left = [path.name for path in exports.iterdir() if path.suffix != ".lock"]
            assert left == []
            status, said, _ = client.ask(
                "POST",
                f"/imports?class={CLASS}&filename=m.csv",
                table(MANY, "c").encode(),
                Content_Type="text/csv",
            )
            assert (status, said["code"]) == (507, "no-space")
            assert [client.ask("GET", ITEMS)[0] for _ in range(20)] == [200] * 20
            out = exports / "own.gpkg"
            done = command(settings, "export", "street_trees", "--to", str(out))
            assert done.returncode != 0
            assert "disk" in done.stderr
            assert not out.exists()
            filler.unlink()
            subprocess.run(["mount", "-o", "remount,size=50m", str(exports)], check=True)
            assert client.ask("GET", "/exports/street_trees.gpkg")[0] == 200
