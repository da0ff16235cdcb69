"""Tiles as they are asked for: the question behind an address, the stored tile of the data's version, or a new one."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import TypeVar
from weakref import WeakKeyDictionary

from anyio import to_thread

from app.access.turns import Turns
from app.catalogue.model import REMEMBERED, Catalogue
from app.database.scope import as_service, scope_key
from app.database.transactions import Connection, Database
from app.inventory.areas import AREA_CLASSES
from app.inventory.version_marks import version_mark
from app.settings import Settings
from app.tiles import service, shelf
from app.tiles.layers import Plan, Thinned
from app.tiles.matrix import Tile
from app.tiles.shelf import Shelf, Stored
from app.tiles.touched_store import TouchedClasses, number
from app.tiles.version_store import RUNS, Versions, read_versions, versions_together
from app.version import version

T = TypeVar("T")
_NAMED = re.compile(rb"(?:^|&)v=([0-9a-f-]+)(?:&|$)")
#: (path before the tile's zoom, query string, key of the scope that asks): all that two tiles of the same question
#: share.
Address = tuple[str, bytes, str]
MakePlan = Callable[[Connection], Plan]

#: Questions that are remembered, and the longest address that is.
QUESTIONS, ADDRESS_CHARACTERS = 1000, 4000
#: Tiles that a worker builds at once: while one is read, edits and pages have the other cores. With three a machine
#: whose clients ask for nothing but new tiles let everything else wait ten times as long, and built no more of them.
BUILDS = 1
#: How long a tile waits for its turn, and how long a statement may run for it, seconds.
TURN_S, STATEMENT_S = 20.0, 10.0


def address_of(path: str, query: bytes) -> Address:
    """What a request for a tile asks beside the place, and in which scope."""
    return path.rsplit("/", 3)[0], query, scope_key()


@dataclass(frozen=True, slots=True)
class Question:
    """What an address asks, as it is at data of `versions`, which are those of `names`; `base` tells it from others.

    `is_local`: features decide the tiles that they lie in and no others, and the plan is that of any later version.
    """

    plan: Plan
    names: tuple[str, ...]
    versions: Versions
    base: bytes
    is_local: bool

    def key(self, tile: Tile, versions: Versions) -> str:
        """Names the bytes of a tile at the versions that decide them: 32 hexadecimal digits."""
        place = f"{tile.z}/{tile.row}/{tile.col} {' '.join(versions)}"
        return hashlib.blake2b(self.base + place.encode(), digest_size=16).hexdigest()

    @property
    def mark(self) -> str:
        """Names the versions in an address (`v=`): without the moments of the changes, which pages do not know."""
        of_names = zip(self.names, self.versions, strict=True)
        return "-".join(version_mark(name, number(word)) for name, word in of_names if name != RUNS)

    @property
    def numbers(self) -> dict[str, int]:
        """Class → the number of its version, of the classes that are read as they are now."""
        return {
            name: number(word) for name, word in zip(self.names, self.versions, strict=True) if name != RUNS
        }

    def later(self, versions: Versions) -> Question | None:
        """The same at other versions; None where it must be read anew."""
        # A tile of all classes leaves out those that nobody ever wrote to.
        pairs = zip(versions, self.versions, strict=True)
        same = self.is_local and all(bool(number(new)) == bool(number(old)) for new, old in pairs)
        return replace(self, versions=versions) if same else None


@dataclass(slots=True)
class _UnderWay:
    """What an event loop is doing: questions that are being read, tiles that are being built (None: it failed)."""

    questions: dict[Address, asyncio.Event] = field(default_factory=dict)
    tiles: dict[str, asyncio.Future[Stored | None]] = field(default_factory=dict)
    bringing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Tiles:
    """Every tile of a web worker: questions that it has read before, the store, the tiles under way."""

    def __init__(self, settings: Settings, catalogue: Catalogue, db: Database) -> None:
        limit = settings.tile_store_mb * 2**20
        self._catalogue = catalogue
        self._db = db
        folder = settings.home_path / "tiles"
        self._shelf = Shelf(folder, limit, settings.workers)
        self._versions = versions_together(settings, catalogue)
        #: Tells apart the catalogues and programs that would answer otherwise from the same data.
        self.program = _fingerprint(catalogue)
        file = folder / f"{city_mark(settings)}.json" if limit else None
        self._touched = TouchedClasses(catalogue.classes, file)
        self._questions: OrderedDict[Address, Question] = OrderedDict()
        self._lock = Lock()
        self._turns = Turns(BUILDS, name="builds", limit="builds")
        self._under_way: WeakKeyDictionary[asyncio.AbstractEventLoop, _UnderWay] = WeakKeyDictionary()

    async def close(self) -> None:
        """End what belongs to the running event loop."""
        await self._versions.close()

    async def current(self, address: Address) -> Question | None:
        """What an address asks, where that was read before and the data is still of the same versions.

        Raises:
            Unavailable: The database does not answer.
        """
        question = self._questions.get(address)
        if question is None:
            return None
        found = await self._versions.ask(question.names)
        versions = tuple(found[name] for name in question.names)
        if versions != question.versions:
            question = question.later(versions)
            if question is not None:
                self._keep(address, question)
        return question

    async def get(self, question: Question, tile: Tile, *, pack: bool) -> Stored:
        """A tile, with its packed copy where `pack` says so; `question` was just found or read.

        Raises:
            Unavailable: The database is away, or the tile takes too long.
        """
        key = question.key(tile, await self._deciding(question, tile))
        found = self._shelf.recall(key)
        if found is None and self._shelf.has(key):
            found = await to_thread.run_sync(self._shelf.find, key)
        found = found or await self._built_once(key, question, tile, pack=pack)
        return await self._packed(key, found) if pack else found

    async def learn(self, address: Address, make_plan: MakePlan) -> Question:
        """What an address asks: read now, or by another who began after this call or whose finding is current.

        Raises:
            NotFound, BadInput: What `make_plan` raises.
            Unavailable: The database is away.
        """
        learning = self._doing().questions
        while (under_way := learning.get(address)) is not None:
            await under_way.wait()
            question = await self.current(address)
            if question is not None:
                return question
        learning[address] = under_way = asyncio.Event()
        try:
            question = await self._in_turn(partial(self._read_question, make_plan))
            self._keep(address, question)
            return question
        finally:
            del learning[address]
            under_way.set()

    async def _deciding(self, question: Question, tile: Tile) -> Versions:
        """The versions that decide a tile: where a class has changed elsewhere only, that of before."""
        if not question.is_local:
            return question.versions
        if self._touched.not_at(question.names, question.versions):
            async with self._doing().bringing:
                # Another request may have brought them up in the meantime, perhaps beyond what this one knows of.
                late = self._touched.not_at(question.names, question.versions)
                if late:
                    await to_thread.run_sync(self._bring, late)
        return self._touched.versions_at(question.names, tile)

    def _bring(self, names: list[str]) -> None:
        # Every change counts, also one that who asks may not see: what he sees is told by the key of his scope.
        with as_service(), self._db.read(timeout_s=STATEMENT_S) as conn:
            self._touched.bring(conn, names)

    def _doing(self) -> _UnderWay:
        return self._under_way.setdefault(asyncio.get_running_loop(), _UnderWay())

    def _keep(self, address: Address, question: Question) -> None:
        if sum(map(len, address)) <= ADDRESS_CHARACTERS:
            with self._lock:
                self._questions[address] = question
                self._questions.move_to_end(address)
                while len(self._questions) > QUESTIONS:
                    self._questions.popitem(last=False)

    def _read_question(self, make_plan: MakePlan) -> Question:
        """What an address asks, with the versions of the same snapshot."""
        with self._db.read(timeout_s=STATEMENT_S) as conn:
            plan = make_plan(conn)
            classes = [cls.id for cls in plan.classes]
            # An area's code may come to mean another area before its features are given that one.
            areas = [name for name in AREA_CLASSES if plan.by_area and name not in classes]
            names = (*classes, *areas, *([RUNS] if plan.runs else []))
            versions = read_versions(conn, self._catalogue.classes, names)
        scope = scope_key()
        # An area's path or an earlier day may stand in the plan; a run's gaps are all of one version.
        is_local = not plan.by_area and not plan.runs and _is_of_now(plan)
        base = repr((self.program, _words(plan), names, *([scope] if scope else ()))).encode()
        return Question(plan, names, versions, hashlib.blake2b(base, digest_size=16).digest(), is_local)

    async def _built_once(self, key: str, question: Question, tile: Tile, *, pack: bool) -> Stored:
        """A new tile; where it is under way already, that one."""
        flights = self._doing().tiles
        under_way = flights.get(key)
        found = None if under_way is None else await asyncio.shield(under_way)
        if found is not None:
            return found
        # Who was building it has failed, perhaps because his client left: everybody who waited tries for himself.
        mine: asyncio.Future[Stored | None] = asyncio.get_running_loop().create_future()
        flights[key] = mine
        try:
            found = await self._in_turn(partial(self._build, question, tile, pack=pack))
            self._shelf.remember(key, found)
        finally:
            if flights.get(key) is mine:
                del flights[key]
            mine.set_result(found)
        self._write_later(key, found)
        return found

    def _build(self, question: Question, tile: Tile, *, pack: bool) -> Stored:
        with self._db.read(timeout_s=STATEMENT_S) as conn:
            built = service.build(conn, question.plan, tile, question.numbers)
        found = shelf.stored(built.body, ", ".join(map(_said, built.thinned)))
        return shelf.packed(found) if pack else found

    async def _packed(self, key: str, found: Stored) -> Stored:
        if found.packed is not None or len(found.body) < shelf.MINIMUM_BYTES:
            return found
        found = await to_thread.run_sync(shelf.packed, found)
        self._shelf.remember(key, found)
        return found

    async def _in_turn(self, work: Callable[[], T]) -> T:
        async with self._turns.take(TURN_S, "Many tiles are being drawn right now."):
            return await to_thread.run_sync(work)

    def _write_later(self, key: str, found: Stored) -> None:
        """Beside the answer, which does not wait for the disk."""
        asyncio.get_running_loop().run_in_executor(None, self._shelf.write, key, found)


def is_named(question: Question, address: Address) -> bool:
    """Whether the address names the versions that the question is of, so that its answer will never be another."""
    found = _NAMED.search(address[1])
    return found is not None and not question.plan.runs and found[1].decode() == question.mark


def _is_of_now(plan: Plan) -> bool:
    return plan.times.now if plan.background else all(layer.current for layer in plan.layers)


def city_mark(settings: Settings) -> str:
    """Tells apart the databases whose tiles lie in one folder."""
    return hashlib.blake2b((settings.database_url or "own").encode(), digest_size=8).hexdigest()


def _words(plan: Plan) -> tuple[object, ...]:
    """All of a plan that decides bytes: of classes their ids, for the program's mark tells catalogues apart."""
    layers = [
        (repr(replace(layer, cls=None, values={})), layer.cls is None, sorted(layer.values.items()))
        for layer in plan.layers
    ]
    return (layers, repr(replace(plan, layers=(), classes=())))


def _said(thinned: Thinned) -> str:
    """A member of the header `Chengtu-Thinned` (a list by RFC 9651)."""
    about = "" if thinned.exact else ";at-least"
    return f"{thinned.collection};shown={thinned.shown};matched={thinned.matched}{about}"


@lru_cache(maxsize=REMEMBERED)
def _fingerprint(catalogue: Catalogue) -> str:
    """Tells apart the catalogues and programs that would draw other tiles of the same data."""
    found = hashlib.blake2b(repr((version(), list(catalogue.classes.values()))).encode(), digest_size=16)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()
