"""What every request handler may ask for: settings, catalogue, a transaction, the language, the form of the answer.

Each is one `Annotated` type. What only looks at the request is `async`: the framework sends everything else through a
thread, which costs more than it does. A transaction for writing is a dependency with `scope="function"`: it commits
before the answer is sent, so that nobody is told 201 for a commit that failed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from typing import Annotated, Any, Literal, cast

from fastapi import Depends, Query, Request

from app.access.negotiation import choose_format, choose_lang
from app.access.turns import Turns
from app.catalogue.model import Catalogue, Lang
from app.coverage.engine_client import EngineClient
from app.database.scope import Level, as_service
from app.database.transactions import POOL_KEPT, POOL_WAIT_S, Connection, Database
from app.settings import Settings

#: Whoever reads for the length of a handler leaves some of the connections to those that take one within it.
READERS, READERS_LINE = POOL_KEPT - 2, 200
_READERS = Turns(READERS, line=READERS_LINE, name="readers")
#: Requests that ask the engine at once, which answers one after the other; those that wait for that, and how long.
ASKERS, ASKERS_LINE, ASKERS_WAIT_S = 2, 100, 20.0
_ASKERS = Turns(ASKERS, line=ASKERS_LINE, name="engine", limit="engine")


def get_settings(request: Request) -> Settings:
    """The settings the server was started with."""
    return cast("Settings", request.app.state.settings)


def get_catalogue(request: Request) -> Catalogue:
    """Every class and policy, as far as who asks may see them; of a public view (`?view=public`) the public part."""
    level = get_level(request)
    state = request.app.state
    return cast("Catalogue", state.catalogue if level == "restricted" else state.catalogues[level])


def get_level(request: Request) -> Level:
    """How sensitive the data may be that the answer tells: what who asks may see, in a public view what all may."""
    return "public" if request.query_params.get("view") == "public" else get_db(request).scope.level


def get_db(request: Request) -> Database:
    """The database; connections are taken only by `ReadConn` and `WriteConn`."""
    return cast("Database", request.app.state.db)


def get_engine(request: Request) -> EngineClient:
    """The client of the engine process, which alone holds arrays: `engine.answer(request) -> dict`."""
    return cast("EngineClient", request.app.state.engine)


async def _settings(request: Request) -> Settings:
    return get_settings(request)


ViewParameter = Annotated[
    Literal["public"] | None,
    Query(description="`public`: only the classes and fields that are declared public."),
]


async def _catalogue(request: Request, view: ViewParameter = None) -> Catalogue:  # noqa: ARG001 - declared
    return get_catalogue(request)


async def _db(request: Request) -> Database:
    return get_db(request)


async def _engine(request: Request) -> EngineClient:
    return get_engine(request)


SettingsDep = Annotated[Settings, Depends(_settings)]
CatalogueDep = Annotated[Catalogue, Depends(_catalogue)]
DatabaseDep = Annotated[Database, Depends(_db)]
EngineDep = Annotated[EngineClient, Depends(_engine)]


def reading() -> AbstractAsyncContextManager[None]:
    """Fewer readers at once than there are connections; those that wait hold no thread that one of them needs."""
    return _READERS.take(POOL_WAIT_S, "Many pages are being read right now.")


def asking_engine() -> AbstractAsyncContextManager[None]:
    """A turn to ask the engine, which may be at work on something long: whoever waits holds no thread.

    Who has one holds no connection while the engine is asked, and reads before and after it in transactions of its own:
    else pages would wait for connections until the engine has answered.
    """
    return _ASKERS.take(ASKERS_WAIT_S, "The engine is at work for others right now.")


async def read_turn() -> AsyncIterator[None]:
    """A turn of `reading` for the length of the handler."""
    async with reading():
        yield


async def engine_turn() -> AsyncIterator[None]:
    """A turn of `asking_engine` for the length of the handler."""
    async with asking_engine():
        yield


async def merged_turn(
    merged: Annotated[
        bool,
        Query(description="Neighbouring gaps as one patch, of one mode and tier (default: walked, first)."),
    ] = False,
) -> AsyncIterator[bool]:
    """Whether patches are asked for, which the engine makes, with a turn to ask it; else with one to read."""
    async with asking_engine() if merged else reading():
        yield merged


ReadTurn = Annotated[None, Depends(read_turn, scope="function")]
EngineTurn = Annotated[None, Depends(engine_turn, scope="function")]
MergedTurn = Annotated[bool, Depends(merged_turn, scope="function")]


def read_connection(db: DatabaseDep, _turn: ReadTurn) -> Iterator[Connection]:
    """A read-only snapshot for the length of the handler."""
    with db.read() as conn:
        yield conn


def write_connection(db: DatabaseDep) -> Iterator[Connection]:
    """A transaction that commits when the handler returns and rolls back when it raises."""
    with db.write() as conn:
        yield conn


def service_connection(db: DatabaseDep) -> Iterator[Connection]:
    """A transaction that writes what is no feature (policies, for one) as the service; it commits so."""
    with ExitStack() as held:
        # The scope of a transaction is asked as it begins; what ends in another thread must not have set it.
        with as_service():
            conn = held.enter_context(db.write())
        yield conn


ReadConn = Annotated[Connection, Depends(read_connection, scope="function")]
WriteConn = Annotated[Connection, Depends(write_connection, scope="function")]
ServiceConn = Annotated[Connection, Depends(service_connection, scope="function")]

LangParameter = Annotated[
    Literal["zh", "en"] | None,
    Query(description="Language of titles and texts; else `Accept-Language` decides."),
]
FormatParameter = Annotated[
    Literal["html", "json"] | None, Query(description="Form of the answer; else `Accept` decides.")
]


async def get_lang(request: Request, settings: SettingsDep, lang: LangParameter = None) -> Lang:
    """The language of the answer: `?lang=`, else `Accept-Language`, else the setting."""
    return lang or choose_lang(request.headers.get("accept-language"), settings.lang)


async def get_html_wanted(request: Request, f: FormatParameter = None) -> bool:
    """True where the client wants a page: `?f=html`, else an `Accept` that prefers HTML to JSON."""
    return (f or choose_format(request.headers.get("accept"))) == "html"


LangDep = Annotated[Lang, Depends(get_lang)]
HtmlWanted = Annotated[bool, Depends(get_html_wanted)]
#: What such a route answers beside JSON, for the API definition.
ALSO_A_PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}
