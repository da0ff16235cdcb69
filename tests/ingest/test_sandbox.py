"""The process that reads a stranger's file: what it cannot do, how it is stopped, what the user is told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pyogrio
import pytest
import shapely

from app.errors import UnreadableFile
from app.ingest import reading_process, sandbox
from app.ingest.files import SourceFile, recognise
from app.ingest.gdal import DRIVERS, gdal_environment
from app.ingest.layer import Ask
from app.ingest.osm_file import read_osm
from app.ingest.sandbox import Limits, ReaderStopped, load_osm, open_layers
from app.settings import ROOT, Settings
from tests.width import thin

pytestmark = pytest.mark.usefixtures("started_readers")

POINTS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": f"亭{i}", "n": i},
            "geometry": {"type": "Point", "coordinates": [i, 1]},
        }
        for i in range(3)
    ],
}


@pytest.fixture
def limits(tmp_path) -> Limits:
    return Limits(memory_mb=512, seconds=20, disk_mb=16, folder=tmp_path / "spool")


@pytest.fixture
def geojson(tmp_path) -> SourceFile:
    path = tmp_path / "points.geojson"
    path.write_text(json.dumps(POINTS), encoding="utf-8")
    return recognise(path)


@pytest.fixture
def deeds(tmp_path, monkeypatch, limits):
    """Runs a reader that does the named deeds within the real process; what became of each."""
    monkeypatch.setattr(sandbox, "MODULE", "tests.ingest.hostile_reader")

    def run(limits=limits, /, **named) -> dict[str, str]:
        path = tmp_path / "deeds.geojson"
        path.write_text(json.dumps({"deeds": named}), encoding="utf-8")
        with open_layers(SourceFile(path, "geojson"), Ask(), None, limits) as (layer,):
            (chunk,) = layer.chunks()
            return {name: values[0] for name, values in chunk.columns.items()}

    return run


def nothing_left(limits) -> bool:
    return [path.name for path in limits.folder.iterdir()] == [".lock"]


def test_layers_come_out_as_they_are_and_nothing_is_left(geojson, limits):
    told = []
    with open_layers(geojson, Ask(), lambda *step: told.append(step), limits) as (layer,):
        (chunk,) = layer.chunks()
        assert (layer.name, layer.count, layer.bounds) == ("points", 3, (0, 1, 2, 1))
        assert chunk.columns == {"name": ["亭0", "亭1", "亭2"], "n": [0, 1, 2]}
        assert shapely.to_wkt(chunk.geometry[2]) == "POINT (2 1)"
    assert told[-1] == (3.0, None, "reading")
    assert set(told) <= {(0, None, "reading"), (3.0, None, "reading")}
    assert nothing_left(limits)


def test_what_a_reader_refuses_is_said_in_its_words(tmp_path, limits):
    path = tmp_path / "none.geojson"
    path.write_text('{"type": "Topology"}', encoding="utf-8")
    with pytest.raises(UnreadableFile) as caught, open_layers(recognise(path), Ask(), None, limits):
        pass
    assert caught.value.message == "'none.geojson' is JSON but not GeoJSON."
    assert caught.value.hint == "A FeatureCollection is expected."
    assert nothing_left(limits)


def test_the_process_looks_at_the_file_itself(tmp_path, limits):
    path = tmp_path / "a.gpkg"
    path.write_text(json.dumps(POINTS), encoding="utf-8")
    with open_layers(SourceFile(path, "gpkg"), Ask(), None, limits) as (layer,):
        assert layer.count == 3


def test_every_barrier_stands_here(geojson, limits):
    assert sandbox.missing_barriers(limits) == []


def test_no_network_no_process_no_other_file(deeds, tmp_path):
    canary = tmp_path / "canary.txt"
    canary.write_text("CANARY", encoding="utf-8")
    inner, outer = tmp_path / "unix", tmp_path / "out.txt"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(inner))
        local.listen()
        server.settimeout(0.05)
        seen = deeds(
            connect=server.getsockname()[1], connect_to_file=str(inner), fork=0, start=0, read=str(canary),
            write=str(outer), end_other=os.getpid(),
        )  # fmt: skip
        with pytest.raises(TimeoutError):
            server.accept()
    assert set(seen) == {"connect", "connect_to_file", "fork", "start", "read", "write", "end_other"}
    assert set(seen.values()) == {"PermissionError"}
    assert not outer.exists()


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/environ", "/root", "/proc/{parent}/environ"])
def test_files_of_the_system_stay_shut(deeds, path):
    assert deeds(read=path.format(parent=os.getpid())) == {"read": "PermissionError"}


def test_it_has_nothing_of_our_environment(deeds, monkeypatch):
    for name in ("DATABASE_URL", "CHENGTU_SECRET", "https_proxy", "PYTHONSTARTUP", "LD_LIBRARY_PATH"):
        monkeypatch.setenv(name, "CANARY")
    (told,) = deeds(environment=0).values()
    names = set(json.loads(told.removeprefix("done: ").replace("'", '"')))
    assert names == {
        "ARROW_DEFAULT_MEMORY_POOL", "HOME", "LANG", "MALLOC_ARENA_MAX", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
        "PATH", "PYTHONPATH", "PYTHONUTF8", "TMPDIR", "TZ",
    }  # fmt: skip


def test_floods_of_text_are_not_kept(deeds):
    assert deeds(streams=0)["streams"].startswith("done: (b''")


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"eat": 5000}, "needs more than 512 MiB of memory to read."),
        ({"spin": 0}, "takes more than 1 s of processor time to read."),
        ({"wait": 60}, "takes more than 1 s to read."),
        ({"fill": 60}, "unfolds to more than 16 MiB."),
        ({"fill_in_silence": 60}, "unfolds to more than 16 MiB."),
        ({"fill_one": 60}, "unfolds to more than 16 MiB."),
        ({"eat_in_c": 5000}, "cannot be read: the reader ended unexpectedly on this file."),
        ({"crash": 0}, "cannot be read: the reader ended unexpectedly on this file."),
        ({"fail": 0}, "cannot be read: the reader ended unexpectedly on this file."),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_whoever_goes_too_far_is_stopped_and_the_user_is_told(deeds, limits, monkeypatch, named, said):
    if "wait" in named:
        monkeypatch.setattr(reading_process, "WALL_FACTOR", 1)
    short = {"spin", "wait"} & set(named)
    tight = Limits(memory_mb=512, seconds=1 if short else 20, disk_mb=16, folder=limits.folder)
    started = time.monotonic()
    with pytest.raises(ReaderStopped) as caught:
        deeds(tight, **named)
    assert caught.value.message == f"'deeds.geojson' {said}"
    assert caught.value.hint
    assert time.monotonic() - started < 10
    assert nothing_left(limits)


def _descendants(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def _until(condition, seconds=10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("sent", thin([signal.SIGKILL, signal.SIGINT]))
def test_it_dies_with_its_parent_and_the_next_run_tidies_up(tmp_path, limits, geojson, sent):
    path = tmp_path / "deeds.geojson"
    path.write_text(json.dumps({"deeds": {"wait": 60}}), encoding="utf-8")
    code = (
        "import signal\nfrom pathlib import Path\nfrom app.ingest import sandbox\n"
        "from app.ingest.files import SourceFile\nfrom app.ingest.layer import Ask\n"
        # Whoever runs the tests in the background has it ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sandbox.MODULE = 'tests.ingest.hostile_reader'\n"
        f"with sandbox.open_layers(SourceFile(Path({str(path)!r}), 'geojson'), Ask(), None,"
        f" sandbox.Limits(folder=Path({str(limits.folder)!r}))): pass\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)
    assert _until(lambda: bool(_descendants(parent.pid)) and any(limits.folder.glob("read-*/spool")))
    (child,) = _descendants(parent.pid)
    parent.send_signal(sent)
    parent.wait(10)
    assert _until(lambda: _gone(child))
    assert nothing_left(limits) == (sent == signal.SIGINT)
    with open_layers(geojson, Ask(), None, limits):
        assert len(list(limits.folder.glob("read-*/"))) == 1
    assert nothing_left(limits)


def test_a_run_that_goes_on_is_not_tidied_up(geojson, limits):
    with (
        open_layers(geojson, Ask(), None, limits) as (first,),
        open_layers(geojson, Ask(), None, limits) as (second,),
    ):
        assert (
            [chunk.rows for chunk in first.chunks()]
            == [chunk.rows for chunk in second.chunks()]
            == [[1, 2, 3]]
        )


def test_a_folder_that_is_not_our_own_is_not_used(geojson, limits, tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox.tempfile, "tempdir", str(tmp_path))
    limits.folder.mkdir()
    limits.folder.chmod(0o777)
    with open_layers(geojson, Ask(), None, limits) as (layer,):
        assert layer.count == 3
        assert list(limits.folder.iterdir()) == []
        assert list((tmp_path / f"chengtu-spool-{os.getuid()}").glob("read-*/spool"))


def test_limits_are_settings(tmp_path):
    settings = Settings(home=tmp_path, import_memory_mb=300, import_seconds=7, import_disk_mb=20)
    assert Limits.of(settings) == Limits(300, 7, 20, tmp_path / "spool")


@pytest.mark.wide
def test_osm_objects_are_the_same_through_the_process(tmp_path, limits, catalogue, data_dir):
    file = recognise(data_dir / "berlin" / "o2s_neukolln.osm")
    classes = [cls for cls in catalogue.classes.values() if cls.osm]
    here, there = read_osm(file, classes), load_osm(file, classes, None, limits)
    assert there.objects == here.objects
    assert len(there.objects) > 800
    assert (shapely.to_wkb(there.geometry) == shapely.to_wkb(here.geometry)).all()
    assert there.extent == here.extent


@pytest.mark.wide
def test_gdal_knows_one_driver_only(tmp_path, limits):
    """In the process GDAL is asked which drivers it has, under the environment of each format."""
    there = set(pyogrio.list_drivers())
    code = "import pyogrio; print('|'.join(pyogrio.list_drivers()))"
    for form in ("kml", "osm"):
        told = subprocess.run(
            [sys.executable, "-c", code],
            env=gdal_environment(form),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        assert set(filter(None, told.split("|"))) == there & DRIVERS.get(form, set())
