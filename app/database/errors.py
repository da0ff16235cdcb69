"""What a database failure means to a user: one table from SQLSTATE to our errors."""

from __future__ import annotations

import shutil

import psycopg
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.database.location import find_location
from app.errors import (
    Away,
    BadGeometry,
    BadInput,
    ChengtuError,
    Conflict,
    Forbidden,
    InDoubt,
    NoSpace,
    SetupFailed,
    Unavailable,
)
from app.settings import Settings

START = "If it is the embedded database, start it: chengtu db start. Otherwise look at the server in DATABASE_URL."
LATER = "Try again in a moment."
AWAY = "The database is not reachable."
#: What who reads hears of a full disk.
NO_ANSWER = (
    "The database cannot answer: its disk is full.",
    "Free some space; the database then comes back by itself.",
)
#: With less free space than this the embedded server cannot go on: it makes its log in files of 16 MiB.
LITTLE_BYTES = 32 * 1024**2
#: How PostgreSQL speaks of a row that no policy lets be written; other privileges that lack are faults of ours.
POLICY = "row-level security policy"
#: Words by which PostGIS and GEOS speak of a geometry in an internal error (XX000).
GEOMETRY_WORDS = (
    "geometr", "topolog", "geos", "lwgeom", "lwpoly", "polygon", "coordinate", "linestring", "wkb", "wkt",
)  # fmt: skip


def translate(error: Exception, settings: Settings | None = None, *, saves: bool = True) -> Exception:
    """The app error that tells `error` to a user; `error` itself where it is not a database failure we can name.

    With `settings`, an embedded server that went down because its disk is full is told as such. What `saves` nothing
    hears of a full disk as of any other reason why there is no answer just now.
    """
    told = _translate(error)
    is_away = isinstance(told, Away) and not isinstance(told, InDoubt)
    if is_away and settings is not None and _has_no_space(settings):
        return _full() if saves else Away(*NO_ANSWER)
    return Unavailable(*NO_ANSWER) if isinstance(told, NoSpace) and not saves else told


def _has_no_space(settings: Settings) -> bool:
    """Whether the disk of the embedded server is as good as full; False where that cannot be known."""
    if settings.database_url is not None:
        return False
    try:
        location = find_location(settings.home_path)
        return location is not None and shutil.disk_usage(location.root).free < LITTLE_BYTES
    except (OSError, ChengtuError):
        return False


def _full() -> NoSpace:
    return NoSpace("The disk of the database is full; nothing was saved.", "Free some space and try again.")


def _translate(error: Exception) -> Exception:
    if isinstance(error, PoolTimeoutError):
        return Unavailable("All connections to the database are busy.", LATER)
    if isinstance(error, PendingRollbackError):  # what cleans up after a lost connection stumbles
        return Away(AWAY, START)
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.Error):
        return error
    state = cause.sqlstate
    if state is None:
        return _without_state(cause) if isinstance(cause, psycopg.OperationalError) else error
    return _by_state(state, cause) or error


def _by_state(state: str, cause: psycopg.Error) -> ChengtuError | None:
    """The error for a SQLSTATE: exact codes first, then classes (its first two characters)."""
    message = cause.diag.message_primary or str(cause)
    if state == "42501":
        return _forbidden() if POLICY in message else None
    if state == "XX000" and not any(word in message.lower() for word in GEOMETRY_WORDS):
        return None
    exact = {
        "53100": _full(),
        "57014": Unavailable(
            "The question took the database longer than allowed and was stopped.", "Ask for less at once."
        ),
        "55P03": Unavailable("Somebody else is writing the same data right now.", LATER),
        "25P03": Unavailable("The transaction was left idle for too long and was ended.", LATER),
        "54001": BadInput("The question is too complex for the database.", "Ask for less at once."),
        "3D000": Unavailable("The database does not exist yet.", "Make it: chengtu db migrate"),
        "XX000": BadGeometry(f"A geometry cannot be used: {message}.", "Repair it and try again."),
    }
    return exact.get(state) or _by_class(state, message, cause.diag.message_detail)


def _forbidden() -> Forbidden:
    return Forbidden(
        "You may not write this; nothing was saved.",
        "Write only what you may see, in the areas and of the party that you may write for.",
    )


def _by_class(state: str, message: str, detail: str | None) -> ChengtuError | None:
    match state[:2]:
        case "08" | "57":
            return Away(AWAY, START)
        case "53":
            return Unavailable(f"The database is out of resources: {message}.", LATER)
        case "40":
            return Unavailable("Two writers got in each other's way; nothing was saved.", LATER)
        case "28":
            return _refused()
        case "23":
            return Conflict(f"The data forbids the change: {message}.", detail)
        case "22":
            return BadInput(f"A value cannot be used: {message}.", detail or "Ask with another value.")
        case _:
            return None


def _without_state(cause: psycopg.OperationalError) -> ChengtuError:
    """A failure to connect, or a connection lost: libpq has words for it, no code."""
    text = str(cause)
    if "password authentication failed" in text or "no password supplied" in text:
        return _refused()
    if "does not exist" in text and "database" in text:
        return Unavailable("The database does not exist yet.", "Make it: chengtu db migrate")
    return Away(AWAY, START)


def _refused() -> ChengtuError:
    return SetupFailed(
        "The database refuses our login.",
        "Make the login anew: chengtu db migrate (or correct DATABASE_URL).",
    )
