"""A served town and a browser that may reach nothing but it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page

from app.catalogue.model import Catalogue
from app.coverage.engine import Engine
from app.coverage.service import run
from app.database.engine import Database
from app.inventory.batch import Change
from app.inventory.service import write_batches
from app.main import create_app
from app.settings import Settings
from app.web import assets
from tests.clones import clone, opened
from tests.maps.hostile import HOSTILE, hostile_batches
from tests.width import EVERY

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 640}
#: A point of the map's container as the mouse and boxes of elements count it: the bar of an open server lies above.
ON_PAGE = """((point) => { const box = chengtuApp.map.getContainer().getBoundingClientRect();
  return { x: point.x + box.left, y: point.y + box.top }; })"""


@pytest.fixture(scope="session", autouse=True)
def fetched_assets() -> None:
    """Leaflet is in place, as `make run` leaves it."""
    assets.fetch()


@pytest.fixture(scope="session")
def town_settings(cluster_settings: Settings, town_template: str) -> Iterator[Settings]:
    """A database of the sample town with a run of two policies."""
    with clone(cluster_settings, town_template) as cloned:
        yield cloned


@dataclass(frozen=True)
class Town:
    """The town's database and its runs by policy."""

    settings: Settings
    database: Database
    runs: dict[str, str]


@pytest.fixture(scope="session")
def town(town_settings: Settings, catalogue: Catalogue) -> Iterator[Town]:
    with opened(town_settings) as database:
        engine = Engine(database, catalogue)
        runs = {
            policy: run(database, engine.answer, {"policy": policy, "mode": "both"})["run"]
            for policy in ("green-300-500", "toilet-300")
        }
        yield Town(town_settings, database, runs)


#: Ports that servers of this process had: a browser keeps what an address gave, which is of one city alone.
_HAD: set[int] = set()


def _new_port() -> socket.socket:
    """A listening place at loopback that no earlier server of this process had."""
    while True:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        if port not in _HAD:
            _HAD.add(port)
            return listener
        listener.close()


@contextmanager
def served(settings: Settings, engine: Engine | None = None) -> Iterator[str]:
    """The whole application at a free loopback port, with an engine where one is given; yields its address."""
    with _new_port() as listener:
        config = uvicorn.Config(create_app(settings, engine), log_level="warning", ws="none", lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        until = time.monotonic() + 30
        while not server.started and time.monotonic() < until:
            time.sleep(0.02)
        assert server.started
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture(scope="session")
def address(town: Town, catalogue: Catalogue) -> Iterator[str]:
    with served(town.settings, Engine(town.database, catalogue)) as where:
        yield where


@pytest.fixture(scope="session")
def hostile_database(cluster_settings: Settings, template: str, catalogue: Catalogue) -> Iterator[Database]:
    """A city whose every text is hostile."""
    with clone(cluster_settings, template) as cloned, opened(cloned) as database:
        with database.write() as conn:
            write_batches(conn, catalogue, hostile_batches(), Change(who=HOSTILE[0], why=HOSTILE[1]))
        yield database


@pytest.fixture(scope="session")
def hostile_address(hostile_database: Database) -> Iterator[str]:
    with served(hostile_database.settings) as where:
        yield where


#: No tile is on its way, nothing moves, and the overlay is as it will stay.
SETTLED = """() => {
  const app = window.chengtuApp;
  if (!app || !chengtu.settled(app)) return false;
  const run = app.run ? [app.run.areaTiles, app.run.gapTiles] : [];
  return run.every((tiles) => tiles && !tiles.isLoading());
}"""


@dataclass
class Watched:
    """A page, and everything that went wrong or left the machine while it was open."""

    page: Page
    problems: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    lang: str = "zh"

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.settle()

    def settle(self) -> None:
        """Wait until every square of every layer is there and the overlay is drawn."""
        self.page.wait_for_load_state(
            "networkidle"
        )  # of the page itself: it does not begin anew with later requests
        self.page.wait_for_function(SETTLED)

    def clean(self) -> None:
        """Nothing failed, nothing left the machine, no script of the data ran."""
        assert self.problems == []
        assert self.foreign == []
        assert self.page.evaluate("() => window.ran") is None


@contextmanager
def _watch(context: BrowserContext) -> Iterator[Watched]:
    """A new page of the context, watched until its end."""
    watched = Watched(context.new_page())
    page = watched.page

    def note(request) -> None:
        watched.requests.append(request.url)
        if is_foreign(request.url):
            watched.foreign.append(request.url)

    context.on("request", note)
    page.on(
        "console",
        lambda said: watched.problems.append(said.text) if is_problem(said) else None,
    )
    page.on("pageerror", lambda error: watched.problems.append(str(error)))
    page.on("dialog", lambda dialog: (watched.problems.append("dialog"), dialog.dismiss()))
    page.on("response", lambda answer: watched.problems.append(answer.url) if answer.status >= 400 else None)
    try:
        yield watched
    finally:
        context.remove_listener("request", note)


def is_problem(said) -> bool:
    """Whether the page should not have said it; that a test reads a canvas is no fault of the page."""
    return said.type in {"error", "warning"} and "willReadFrequently" not in said.text


def is_foreign(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname != "127.0.0.1"


@contextmanager
def _context(browser: Browser, **options) -> Iterator[BrowserContext]:
    # Fading and gliding are a fifth of what a page costs; tests that look at them ask for motion, as does `make soak`.
    motion = "no-preference" if EVERY else "reduce"
    given = {"viewport": DESKTOP, "locale": "zh-CN", "reduced_motion": motion}
    context = browser.new_context(**{**given, **options})
    context.set_default_timeout(15_000)
    try:
        yield context
    finally:
        context.close()


@contextmanager
def watched_page(browser: Browser, **options) -> Iterator[Watched]:
    """A page in a context of its own, which knows nothing of any other."""
    with _context(browser, **options) as context, _watch(context) as watched:
        yield watched


#: All that pages may leave behind for the next one, but for the files that a browser keeps by address.
LEFT_BEHIND = "cookies,local_storage,indexeddb,service_workers,cache_storage,file_systems"


@contextmanager
def tab(context: BrowserContext) -> Iterator[Watched]:
    """A page beside others' files: compiling the maps' scripts anew costs more than most of what a test looks at."""
    with _watch(context) as watched:
        try:
            yield watched
        finally:
            _forget(context, watched)


def _forget(context: BrowserContext, watched: Watched) -> None:
    session = context.new_cdp_session(watched.page)
    for origin in {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, watched.requests)}:
        if origin.startswith("http"):
            session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": LEFT_BEHIND})
    context.clear_cookies()
    for page in context.pages:
        page.close()


@pytest.fixture(scope="session")
def desk(browser: Browser) -> Iterator[BrowserContext]:
    with _context(browser) as context:
        yield context


@pytest.fixture(scope="session")
def pocket(browser: Browser) -> Iterator[BrowserContext]:
    with _context(browser, viewport=PHONE, has_touch=True, is_mobile=True) as context:
        yield context


@pytest.fixture
def desktop(desk: BrowserContext) -> Iterator[Watched]:
    with tab(desk) as watched:
        yield watched


@pytest.fixture
def phone(pocket: BrowserContext) -> Iterator[Watched]:
    with tab(pocket) as watched:
        yield watched
