"""One real PostGIS for the whole run: its own cluster in its own folder, a migrated template, a fresh clone a test.

`settings`, `database`   a clone of the template, made for this test and dropped after it (for tests that commit)
`conn`, `read_conn`      a writing, a reading transaction on a clone that all tests of the process share; rolled back
`town_database`          a clone of the migrated template that holds the sample town (`town_template`), opened
`environment`            the environment in which a child process sees the test's database
`browser`                Chromium, without a page
`started_readers`        processes that read a file are started as the product does it, not forked (`tests/reading.py`)
`catalogue`, `data_dir`  the declared city; the folder of real data (skips where it is absent)
"""

from __future__ import annotations

import gc
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, sync_playwright

from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.database import cluster
from app.database.engine import Connection, Database
from app.database.location import find_location
from app.database.locks import exclusive
from app.database.migrate import migrate
from app.ingest.reading_process import ReadingProcess
from app.sample.service import load
from app.settings import ROOT, Settings
from tests import reading
from tests.clones import clone, leave, make_fleeting, make_once, opened
from tests.width import EVERY, leave_wide

PREFIX = "chengtu-tests-"
TEMPLATE = "chengtu_template"
TOWN = "chengtu_town"
#: The shell draws and scripts as the browser does, without the browser around it: a seventh less of a processor.
CHROMIUM = [Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium")]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    # What lasts a second is not worth compiling a second time, on threads beside it: a tenth of a processor less.
    "--js-flags=--single-threaded --no-opt",
    # Chromium itself finds no other host: a question to Python before each request doubles what a page costs.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
ENOUGH_BYTES = 4 * 1024**3
#: Objects made between two looks for garbage: by the interpreter's own 700 a twentieth of all work is looking.
COLLECTED_AFTER = 50_000

#: What one run tries, the next one does: rare cases are for `make soak` to find, not for who changes something else.
hypothesis_settings.register_profile("repeatable", derandomize=not EVERY, database=None)
hypothesis_settings.load_profile("repeatable")


def _temporary() -> Path:
    """Memory where there is enough of it: a clone is a thousand small files (0.5 s on a disk, 0.1 s in memory)."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK | os.X_OK) and shutil.disk_usage(memory).free > ENOUGH_BYTES
    return memory if roomy else Path("/tmp")


TEMPORARY = _temporary()


def pytest_configure(config: pytest.Config) -> None:
    """The process that starts the run names the folder, which xdist's workers inherit: no test sees the user's data."""
    if hasattr(config, "workerinput"):
        return
    if hasattr(config.option, "loadscopereorder"):
        # By the number of tests, files of one long test would come last.
        config.option.loadscopereorder = False
    _remove_dead_runs()
    os.environ.pop("DATABASE_URL", None)
    # Clients of tests are on no machine: while nobody is named, whoever reaches the server may do everything.
    os.environ["CHENGTU_OPEN"] = "true"
    # What asks as fast as it can is not to be slowed down; tests of the rate say what it is.
    os.environ["CHENGTU_REQUESTS_PER_MINUTE"] = "0"
    os.environ["CHENGTU_HOME"] = str(TEMPORARY / f"{PREFIX}{os.getpid()}")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Modules and tests make millions of objects, none of them garbage: looking through them again costs seconds."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECTED_AFTER, *gc.get_threshold()[1:])
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files with long tests first, then those with many: no worker of xdist's is left with a long one at the end."""
    leave_wide(config, items)
    if hasattr(config, "workerinput"):
        long = {item.path for item in items if _is_long(item)}
        tests = Counter(item.path for item in items)
        items.sort(key=lambda item: (item.path not in long, -tests[item.path]))


def _is_long(item: pytest.Item) -> bool:
    """Marked so, or a page in a browser: a second of a processor each, so few of them are a long file."""
    return item.get_closest_marker("slow") is not None or "browser" in getattr(item, "fixturenames", ())


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        remove_home(TEMPORARY / f"{PREFIX}{os.getpid()}")


def _remove_dead_runs() -> None:
    """Clean up after a run of ours that was killed: the folder bears the id of its process."""
    for folder in TEMPORARY.glob(f"{PREFIX}[0-9]*"):
        alive = Path(f"/proc/{folder.name.removeprefix(PREFIX)}").exists()
        if not alive and folder.stat().st_uid == os.geteuid():
            remove_home(folder)


def remove_home(home: Path) -> None:
    """Stop the cluster of `home` and remove all of it."""
    if not home.exists():
        return
    settings = Settings(home=home, DATABASE_URL=None)
    location = find_location(home)
    cluster.stop(settings)
    if location is not None:
        shutil.rmtree(location.root, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster_settings() -> Iterator[Settings]:
    """The run's embedded cluster, started; for tests of the cluster itself. Everything else takes `settings`."""
    settings = Settings(home=Path(os.environ["CHENGTU_HOME"]), DATABASE_URL=None)
    cluster.ensure_started(settings)
    with exclusive(settings.home_path / "fleeting.lock"):
        make_fleeting(settings)
    yield settings
    leave(settings)


@pytest.fixture(scope="session")
def template(cluster_settings: Settings) -> str:
    """The migrated template: made by the first process that needs it."""
    make_once(cluster_settings, TEMPLATE, None, migrate)
    return TEMPLATE


@pytest.fixture(scope="session")
def town_template(cluster_settings: Settings, template: str, catalogue: Catalogue) -> str:
    """The migrated template with the sample town: loaded by the first process that needs it."""

    def fill(settings: Settings) -> None:
        with opened(settings) as database:
            load(database, catalogue, "town")

    make_once(cluster_settings, TOWN, template, fill)
    return TOWN


@pytest.fixture
def settings(cluster_settings: Settings, template: str) -> Iterator[Settings]:
    """Settings whose database is a fresh clone of the migrated template."""
    with clone(cluster_settings, template) as cloned:
        yield cloned


@pytest.fixture
def empty_settings(cluster_settings: Settings) -> Iterator[Settings]:
    """Settings whose database is empty and not migrated."""
    with clone(cluster_settings, None) as cloned:
        yield cloned


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """The fresh clone of `settings`, opened."""
    with opened(settings) as fresh:
        yield fresh


@pytest.fixture
def town_database(cluster_settings: Settings, town_template: str) -> Iterator[Database]:
    """A fresh clone with the sample town, opened."""
    with clone(cluster_settings, town_template) as cloned, opened(cloned) as fresh:
        yield fresh


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """The environment in which a child process sees the test's database."""
    assert settings.database_url is not None
    return {
        **os.environ,
        "CHENGTU_HOME": str(settings.home_path),
        "DATABASE_URL": settings.database_url,
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture(scope="session")
def shared_database(cluster_settings: Settings, template: str) -> Iterator[Database]:
    """One clone a process, for transactions that are rolled back; never commit into it."""
    with clone(cluster_settings, template) as cloned, opened(cloned) as shared:
        yield shared


@pytest.fixture
def conn(shared_database: Database) -> Iterator[Connection]:
    """A writing transaction that is rolled back after the test."""
    with shared_database.write() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def read_conn(shared_database: Database) -> Iterator[Connection]:
    """A reading transaction on the empty, migrated database."""
    with shared_database.read() as connection:
        yield connection


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The declared city: every class and policy."""
    return load_catalogue(ROOT / "geodata")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data: CHENGTU_DATA, else ../shared/data beside the project."""
    folder = Path(os.environ.get("CHENGTU_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}: set CHENGTU_DATA to the folder that holds it")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _forked_readers() -> Iterator[None]:
    """Reading a small file takes 0.05 s of a processor in a forked process, 0.4 s in one that is started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ReadingProcess, "_start", reading.fork)
        yield


@pytest.fixture
def started_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that reads a file is started as the product starts it: for tests of that process and its barriers."""
    monkeypatch.setattr(ReadingProcess, "_start", reading.start)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, one a process: a second one beside it cannot be driven."""
    found = next((path for path in CHROMIUM if path.exists()), None)
    if found is None:
        pytest.skip("no browser: install chromium-headless-shell or chromium to test the pages")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(found), args=ARGUMENTS)
        yield started
        started.close()
