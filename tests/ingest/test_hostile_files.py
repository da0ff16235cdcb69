"""Files made to harm: each ends soon and with a sentence, opens no other file, calls nobody, leaves nothing."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from app.errors import UnreadableFile
from app.ingest.files import recognise
from app.ingest.layer import Ask
from app.ingest.sandbox import Limits, load_osm, open_layers
from tests.ingest.hostile_files import BUILDERS, CANARY, POINT, collection
from tests.width import few

pytestmark = pytest.mark.usefixtures("started_readers")

#: What still holds rows that are no harm; all other files are refused as a whole.
HARMLESS = {
    "foreign_coordinates", "endless_view", "trigger", "virtual_table", "generated_column", "network_link",
    "deep_property", "huge_numbers", "huge_table", "one_long_line", "many_columns",
}  # fmt: skip

#: One of each kind of harm: `make test` sends these and reads the others where they lie, `make wide` does the rest.
SENT = {
    "vrt as a.geojson", "vrt calling as a.json", "gdalg", "scheme_in_a_name", "table_that_is_a_view", "trigger", "bomb",
    "many_members", "outside", "link", "laughing_kml", "reading_osm", "calling_kml", "deep_property", "huge_shape",
}  # fmt: skip


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


@pytest.fixture
def limits(tmp_path):
    return Limits(memory_mb=512, seconds=4, disk_mb=64, folder=tmp_path / "spool")


def everything_of(path: Path, limits: Limits, catalogue) -> str:
    """All that reading the file brings to light, as one text."""
    file = recognise(path)
    if file.format == "osm":
        return repr(load_osm(file, [catalogue.get_class("toilets")], None, limits).objects)
    with open_layers(file, Ask(), None, limits) as layers:
        return repr([(layer, list(layer.chunks())) for layer in layers])


def outcome(path: Path, limits: Limits, catalogue) -> tuple[str, bool]:
    """All that is told of a file, and whether it was refused as a whole."""
    try:
        return everything_of(path, limits, catalogue), False
    except UnreadableFile as error:
        return f"{error.message} {error.hint or 1 / 0}", True


@pytest.mark.parametrize("name", few(BUILDERS, BUILDERS.keys() - SENT))
def test_a_file_made_to_harm_does_none(tmp_path, limits, listener, catalogue, name):
    (folder := tmp_path / "in").mkdir()
    secret = tmp_path / "secret.csv"
    secret.write_text(f"name,lon,lat\n{CANARY},1,2\n", encoding="utf-8")
    path = BUILDERS[name](folder, secret, listener.getsockname()[1])
    before = sorted(item.name for item in folder.rglob("*"))
    started = time.monotonic()
    told, refused = outcome(path, limits, catalogue)
    assert time.monotonic() - started < 15
    assert "Traceback" not in told
    assert CANARY not in told
    assert refused == (name not in HARMLESS)
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert sorted(item.name for item in folder.rglob("*")) == before
    assert not list(limits.folder.glob("read-*")) if limits.folder.exists() else True


def test_a_file_that_grows_while_it_is_read_is_read_or_refused(tmp_path, limits):
    path = tmp_path / "a.geojson"
    path.write_text(collection(*[POINT] * 20_000), encoding="utf-8")
    stop = threading.Event()

    def grow() -> None:
        with path.open("a", encoding="utf-8") as file:
            while not stop.is_set():
                file.write(collection(*[POINT] * 100))
                file.flush()

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        told, refused = outcome(path, limits, None)
    finally:
        stop.set()
        writer.join()
    assert refused or "count=2" in told
