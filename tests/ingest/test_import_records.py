"""An import is on record from its first moment on: running, then done, failed or interrupted, and its rows are kept."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import random
import threading
import time
from uuid import UUID

import numpy as np
import openpyxl
import pyogrio
import pytest
import shapely
from pyproj import Transformer
from sqlalchemy import text

from app.errors import Conflict, NoSpace, UnreadableFile
from app.ingest.options import ImportOptions, Origin
from app.ingest.rejects import ADDED, ADDED_CHINESE
from app.ingest.sandbox import Limits
from app.ingest.upload_service import tidy_imports
from app.inventory.history_store import list_imports, read_rejects
from app.jobs.context import JobCancelled
from tests.commandline import chengtu
from tests.importing import import_path, write_points
from tests.ingest import killable_import

pytestmark = pytest.mark.slow

ROWS = 1500


@pytest.fixture
def load(database, catalogue):
    return lambda path, **options: import_path(database, catalogue, path, who="test", **options)


@pytest.fixture
def records(database):
    def records() -> list[dict]:
        with database.read() as conn:
            return list_imports(conn)

    return records


@pytest.fixture
def names(database):
    def names() -> dict[str, str]:
        with database.read() as conn:
            return dict(map(tuple, conn.execute(text("SELECT code, name_zh FROM city.toilets")).all()))

    return names


def test_a_record_runs_while_its_import_does_and_is_done_with_its_rows(load, records, names, tmp_path):
    seen: list[tuple[str, int]] = []

    def look(*_: object) -> None:
        seen.extend((one["state"], len(names())) for one in records())

    load(write_points(tmp_path / "toilets.geojson", range(20), "厕"), progress=look)
    assert set(seen) == {("running", 0)}
    assert len(names()) == 20
    (one,) = records()
    assert (one["state"], one["who"], one["error"], one["format"]) == ("done", "test", None, "geojson")
    assert one["started_at"] < one["finished_at"]
    assert one["change"]


def test_what_fails_is_on_record_with_the_reason_and_counts_as_no_data(load, records, database, tmp_path):
    good = write_points(tmp_path / "toilets.geojson", range(3), "厕")
    load(good, origin=Origin("城管局"))
    broken = tmp_path / "broken.geojson"
    broken.write_text('{"type": "FeatureCollection", "features": [', encoding="utf-8")
    with pytest.raises(UnreadableFile) as error:
        load(broken, class_id="toilets", origin=Origin("别处"))
    one, _ = records()
    assert (one["state"], one["error"]["message"]) == ("failed", error.value.message)
    assert (one["classes"], one["change"], one["source"]) == ([], None, None)
    load(good, origin=Origin("城管局"))
    assert [one["state"] for one in records()] == ["done", "failed", "done"]


def test_a_stopped_import_is_interrupted_and_leaves_nothing(load, records, names, tmp_path):
    path = write_points(tmp_path / "toilets.geojson", range(20), "厕")
    for stop in ("reading", "writing"):

        def end(_done: float, _total: float | None, said: str, stop: str = stop) -> None:
            if said == stop:
                raise JobCancelled

        with pytest.raises(JobCancelled):
            load(path, progress=end)
    assert {(one["state"], one["error"]["code"]) for one in records()} == {("interrupted", "cancelled")}
    assert names() == {}


@pytest.mark.wide
def test_a_full_disk_is_told_and_recorded(load, records, names, tmp_path, settings):
    path = write_points(tmp_path / "toilets.geojson", range(20_000), "厕")
    limits = Limits(disk_mb=1, folder=tmp_path / "spool")
    with pytest.raises(UnreadableFile, match="unfolds to more than"):
        load(path, limits=limits)

    def full(*_: object) -> None:
        raise NoSpace("The disk is full.", "Free some space.")

    with pytest.raises(NoSpace):
        load(path, progress=full)
    assert [(one["state"], one["error"]["code"]) for one in records()] == [
        ("failed", "no-space"),
        ("failed", "unreadable-file"),
    ]
    assert names() == {}


def test_two_imports_into_one_class_at_once_both_end_right(load, records, names, tmp_path):
    first = write_points(tmp_path / "a.geojson", range(ROWS), "甲")
    second = write_points(tmp_path / "b.geojson", range(ROWS // 2, 2 * ROWS), "乙")
    threads = [
        threading.Thread(target=load, args=(path,), kwargs={"class_id": "toilets"})
        for path in (first, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = names()
    assert set(found) == {f"c{i}" for i in range(2 * ROWS)}
    shared = {found[f"c{i}"][0] for i in range(ROWS // 2, ROWS)}
    assert len(shared) == 1
    assert [one["state"] for one in records()] == ["done", "done"]


KILLS = 4


@pytest.mark.wide
def test_kill_9_leaves_the_class_as_it_was_and_the_record_interrupted(
    settings, database, load, records, names, tmp_path
):
    """From `GET /imports` a killed import is interrupted at once; the worker's chore writes it down."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.ingest.killable_import"])
    path = tmp_path / "toilets.geojson"
    load(write_points(path, range(ROWS), "旧"))
    before = names()
    write_points(path, range(2 * ROWS), "新")
    dice = random.Random(9)
    states = []
    for step in range(KILLS):
        ours, theirs = context.Pipe(duplex=False)
        arguments = (settings, path, ImportOptions(), theirs)
        process = context.Process(target=killable_import.run, args=arguments)
        process.start()
        theirs.close()
        said: list[str] = []
        while len(said) <= step and said[-1:] != ["done"] and ours.poll(60):
            said.append(ours.recv())
        time.sleep(dice.uniform(0, 0.1))
        process.kill()
        process.join(10)
        deadline = time.monotonic() + 10
        while any(one["state"] == "running" for one in records()) and time.monotonic() < deadline:
            time.sleep(0.02)
        newest = records()[0]
        states.append(newest["state"])
        if len(said) == 1 and len(records()) == step + 1:
            continue  # killed before it had begun
        assert newest["state"] in {"interrupted", "done"}, said
        assert names() == ({f"c{i}": f"新{i}" for i in range(2 * ROWS)} if "done" in states[1:] else before)
        if newest["state"] == "done" and len(records()) > 1 + states.count("interrupted"):
            break
    assert "interrupted" in states
    with database.read() as conn:
        query = text("SELECT count(*) FROM city.imports WHERE state = 'running'")
        assert conn.execute(query).scalar_one() == states.count("interrupted")
    tidy_imports(database)
    with database.read() as conn:
        assert conn.execute(query).scalar_one() == 0
    load(path)
    assert names() == {f"c{i}": f"新{i}" for i in range(2 * ROWS)}
    assert records()[0]["state"] == "done"


def test_leftovers_of_a_day_ago_are_removed_but_not_what_a_job_waits_for(database, settings, tmp_path):
    home = settings.model_copy(update={"home": tmp_path})
    old, wanted, new = (tmp_path / "uploads" / name for name in ("old", "wanted", "new"))
    for folder in (old, wanted, new):
        folder.mkdir(parents=True)
    for folder in (old, wanted):
        os.utime(folder, (time.time() - 90_000,) * 2)
    with database.write() as conn:
        conn.execute(
            text(
                "INSERT INTO city.jobs (kind, who, request) VALUES ('import', 'x', '{\"upload\": \"wanted\"}')"
            )
        )
    database.settings = home
    tidy_imports(database)
    assert [folder.exists() for folder in (old, wanted, new)] == [False, True, True]


def mended(database, records) -> tuple[str, bytes]:
    with database.read() as conn:
        ((name, content),) = read_rejects(conn, UUID(records()[0]["id"]))
    return name, content


def test_a_workbook_comes_back_as_one(load, database, records, names, tmp_path):
    path = tmp_path / "台账.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "toilets"
    sheet.append(["编号", "名称", "经度", "纬度", "蹲位数", "老系统号"])
    for i in range(10):
        sheet.append(
            [f"t{i}", f"厕所{i}", 115.8 + i / 1000, 128.68 if i < 3 else 28.68, i, "=1+1" if i else "-"]
        )
    for row in sheet.iter_rows(min_row=2):
        row[5].data_type = "s"
    book.save(path)
    first = load(path, crs="EPSG:4326")["files"][0]["classes"]["toilets"]
    assert (first["loaded"], first["rejected"]) == (7, 3)
    name, content = mended(database, records)
    assert name == "台账.rejected.xlsx"
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["toilets"]
    cells = [cell for row in book.active.iter_rows(min_row=2) for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type == "f"]
    for row in book.active.iter_rows(min_row=2):
        row[3].value -= 100
    book.save(tmp_path / name)
    again = load(tmp_path / name, crs="EPSG:4326")["files"][0]
    assert again["classes"]["toilets"]["loaded"] == 3
    assert again["layers"][0]["extra"] == ["老系统号"]
    with database.read() as conn:
        found = (
            conn.execute(text("SELECT DISTINCT extra FROM city.toilets WHERE code <> 't0'")).scalars().all()
        )
    assert found == [{"老系统号": "=1+1"}]
    assert len(names()) == 10


def test_shapes_come_back_as_wkt_in_the_crs_of_their_file(load, database, records, names, tmp_path):
    east, north = Transformer.from_crs(4326, 4548, always_xy=True).transform(
        np.full(10, 115.86), np.linspace(28.6, 28.7, 10)
    )
    path = tmp_path / "toilets.gpkg"
    pyogrio.raw.write(
        path, shapely.to_wkb(shapely.points(east, north)),
        [np.array([f"t{i}" for i in range(10)], dtype=object), np.array([-1] * 3 + [4] * 7)], ["code", "stalls"],
        geometry_type="Point", crs="EPSG:4548", layer="toilets",
    )  # fmt: skip
    assert load(path)["files"][0]["classes"]["toilets"]["rejected"] == 3
    name, content = mended(database, records)
    lines = content.decode("utf-8-sig").splitlines()
    assert lines[0].split(",") == ["code", "stalls", "wkt", *ADDED, *ADDED_CHINESE]
    assert all("SRID=4548;POINT (" in line for line in lines[1:])
    (tmp_path / name).write_bytes(content.replace(b",-1,", b",5,"))
    again = load(tmp_path / name)["files"][0]
    assert (again["crs"], again["classes"]["toilets"]["loaded"], len(names())) == ("EPSG:4548", 3, 10)
    with database.read() as conn:
        extras = conn.execute(text("SELECT DISTINCT extra FROM city.toilets")).scalars().all()
        places = conn.execute(
            text("SELECT count(*) FROM city.toilets WHERE round(ST_X(geom)::numeric, 6) = 115.86")
        ).scalar_one()
    assert (extras, places) == ([None], 10)


def test_a_strict_import_keeps_its_refused_rows_too(load, database, records, tmp_path):
    path = tmp_path / "toilets.csv"
    path.write_text("code,lon,lat\na,115.8,28.6\nb,x,28.6\nc,y,28.6\n", encoding="utf-8")
    with pytest.raises(Conflict):
        load(path, strict=True)
    assert records()[0]["state"] == "failed"
    load(path)
    (tmp_path / "toilets.rejected.csv").write_bytes(mended(database, records)[1].replace(b",x,", b",115.8,"))
    assert load(tmp_path / "toilets.rejected.csv", rejects=tmp_path)["files"][0]["rejects_file"] == str(
        tmp_path / "toilets.rejected-2.csv"
    )
    name, content = mended(database, records)
    assert (name, len(content.decode().splitlines())) == ("toilets.rejected-2.csv", 2)


def test_the_command_line_shows_the_states(load, environment, tmp_path):
    load(write_points(tmp_path / "toilets.geojson", range(3), "厕"))
    told = json.loads(chengtu(environment, "imports", "--json").stdout)["imports"]
    assert [one["state"] for one in told] == ["done"]
    assert "done" in chengtu(environment, "imports").stdout
