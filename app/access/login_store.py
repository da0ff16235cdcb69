"""The SQL of sessions, of logins that failed and of those begun at a provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, text

from app.access.sessions import ABSOLUTE, IDLE, Means, Session, digest

_SESSION_MAKE = text(
    "INSERT INTO city.sessions (sha256, person_id, csrf, means, expires_at, agent) "
    "VALUES (:sha256, :person_id, :csrf, :means, clock_timestamp() + :absolute, :agent)"
)
_SESSION_FIND = text(
    "SELECT person_id, encode(csrf, 'hex') AS csrf, means, made_at, seen_at, expires_at FROM city.sessions "
    "WHERE sha256 = :sha256 AND expires_at > clock_timestamp() AND seen_at > clock_timestamp() - :idle"
)
_SESSION_SEEN = text(
    "UPDATE city.sessions SET seen_at = clock_timestamp() "
    "WHERE sha256 = :sha256 AND seen_at < clock_timestamp() - interval '1 minute'"
)
_SESSION_END = text("DELETE FROM city.sessions WHERE sha256 = :sha256 RETURNING person_id")
_SESSIONS_END = text(
    "DELETE FROM city.sessions WHERE person_id = :person_id AND sha256 IS DISTINCT FROM :kept RETURNING 1"
)
_SESSIONS_OLD = text(
    "DELETE FROM city.sessions WHERE expires_at < clock_timestamp() OR seen_at < clock_timestamp() - :idle"
)
#: A try is counted before the password is looked at, so that many at once are not more than one after the other. The
#: statement gives nothing where one has to wait.
_TRY = text(
    """
    INSERT INTO city.login_failures AS f (sha256, failures) VALUES (:sha256, 1)
    ON CONFLICT (sha256) DO UPDATE SET
        failures = CASE WHEN f.last_at < clock_timestamp() - :forgotten THEN 1 ELSE f.failures + 1 END,
        last_at = clock_timestamp(),
        until = CASE WHEN f.last_at >= clock_timestamp() - :forgotten AND f.failures + 1 >= :most
            THEN clock_timestamp() + least(:first * 2 ^ (f.failures + 1 - :most), :longest) * interval '1 second' END
    WHERE f.until IS NULL OR f.until <= clock_timestamp()
    RETURNING failures
    """
)
_WAIT = text(
    "SELECT greatest(0, extract(epoch FROM until - clock_timestamp())) AS seconds "
    "FROM city.login_failures WHERE sha256 = :sha256"
)
#: An address is charged a step of time for each try, and time itself gives it back (generic cell rate algorithm, as in
#: `rates`): so an office of many people, of whom some mistype each day, never adds up to a wait.
_TRY_PLACE = text(
    """
    INSERT INTO city.login_failures AS f (sha256, failures, until)
    VALUES (:sha256, 1, clock_timestamp() + :each * interval '1 second')
    ON CONFLICT (sha256) DO UPDATE SET
        last_at = clock_timestamp(),
        until = greatest(f.until, clock_timestamp()) + :each * interval '1 second'
    WHERE :known
        OR greatest(f.until, clock_timestamp()) <= clock_timestamp() + (:most - 1) * :each * interval '1 second'
    RETURNING failures
    """
)
_WAIT_PLACE = text(
    "SELECT greatest(0, extract(epoch FROM until - clock_timestamp()) - (:most - 1) * :each) AS seconds "
    "FROM city.login_failures WHERE sha256 = :sha256"
)
_LET_IN = text(
    "INSERT INTO city.login_failures (sha256, failures) VALUES (:sha256, 1) "
    "ON CONFLICT (sha256) DO UPDATE SET last_at = clock_timestamp()"
)
_IS_LET_IN = text(
    "SELECT EXISTS (SELECT FROM city.login_failures WHERE sha256 = :sha256 AND last_at > clock_timestamp() - :within)"
)
_FORGIVEN = text("DELETE FROM city.login_failures WHERE sha256 = :sha256 RETURNING failures")
_TAKEN_BACK = text(
    "UPDATE city.login_failures SET until = until - :fewer * :each * interval '1 second' WHERE sha256 = :sha256"
)
# Rows that another login holds are left to the next one: it may wait for a row of this one's.
_FAILURES_OLD = text(
    "DELETE FROM city.login_failures WHERE sha256 IN (SELECT sha256 FROM city.login_failures "
    "WHERE last_at < clock_timestamp() - :forgotten FOR UPDATE SKIP LOCKED)"
)
_STATE_MAKE = text(
    "INSERT INTO city.login_states (sha256, browser, nonce, verifier, next, expires_at) "
    "VALUES (:sha256, :browser, :nonce, :verifier, :next, clock_timestamp() + interval '10 minutes')"
)
_STATE_TAKE = text(
    "DELETE FROM city.login_states WHERE sha256 = :sha256 AND browser = :browser AND expires_at > clock_timestamp() "
    "RETURNING nonce, verifier, next"
)
_STATES_OLD = text("DELETE FROM city.login_states WHERE expires_at < clock_timestamp()")


@dataclass(frozen=True, slots=True)
class Begun:
    """A login begun at a provider: what its answer must bear, and where to go then."""

    nonce: str
    verifier: str
    next: str


def make_session(
    conn: Connection, token: str, csrf: bytes, person_id: int, means: Means, agent: str | None
) -> None:
    """Put a session on record, and clear away those that ended."""
    conn.execute(_SESSIONS_OLD, {"idle": IDLE})
    conn.execute(
        _SESSION_MAKE,
        {"sha256": digest(token), "csrf": csrf, "person_id": person_id, "means": means, "absolute": ABSOLUTE,
         "agent": None if agent is None else agent[:300].replace("\x00", "")},
    )  # fmt: skip


def find_session(conn: Connection, token: str) -> Session | None:
    """A session that holds."""
    row = conn.execute(_SESSION_FIND, {"sha256": digest(token), "idle": IDLE}).mappings().one_or_none()
    return None if row is None else Session(**row)


def note_session(conn: Connection, token: str) -> None:
    """A session was used now; written at most once a minute."""
    conn.execute(_SESSION_SEEN, {"sha256": digest(token)})


def end_session(conn: Connection, token: str) -> int | None:
    """Log out; whose session it was."""
    found = conn.execute(_SESSION_END, {"sha256": digest(token)}).scalar_one_or_none()
    return None if found is None else int(found)


def end_sessions(conn: Connection, person_id: int, but: str | None = None) -> int:
    """End all sessions of a person except that of the token `but`; how many."""
    kept = None if but is None else digest(but)
    return len(conn.execute(_SESSIONS_END, {"person_id": person_id, "kept": kept}).all())


def count_try(
    conn: Connection, mark: bytes, most: int, first_s: float, longest_s: float, forgotten_s: float
) -> float | None:
    """Count a try under a mark; how many seconds one has to wait instead, None where one need not."""
    forgotten = timedelta(seconds=forgotten_s)
    given = {"sha256": mark, "most": most, "first": first_s, "longest": longest_s, "forgotten": forgotten}
    if conn.execute(_TRY, given).one_or_none() is not None:
        return None
    return float(conn.execute(_WAIT, {"sha256": mark}).scalar_one_or_none() or 0.0)


def forgive(conn: Connection, mark: bytes) -> int:
    """Forget the failed tries under a mark; how many they were."""
    return int(conn.execute(_FORGIVEN, {"sha256": mark}).scalar_one_or_none() or 0)


def count_at(conn: Connection, place: bytes, most: int, each_s: float, *, known: bool) -> float | None:
    """Charge a place for a try, as `count_try`; of whoever is known there it is charged, but nobody waits."""
    given = {"sha256": place, "most": most, "each": each_s}
    if conn.execute(_TRY_PLACE, {**given, "known": known}).one_or_none() is not None:
        return None
    return float(conn.execute(_WAIT_PLACE, given).scalar_one_or_none() or 0.0)


def take_back(conn: Connection, place: bytes, fewer: int, each_s: float) -> None:
    """So many tries at a place were none after all."""
    conn.execute(_TAKEN_BACK, {"sha256": place, "fewer": fewer, "each": each_s})


def let_in(conn: Connection, mark: bytes) -> None:
    """Somebody was let in under a mark now."""
    conn.execute(_LET_IN, {"sha256": mark})


def is_let_in(conn: Connection, mark: bytes, within_s: float) -> bool:
    """Whether somebody was let in under a mark within so many seconds."""
    given = {"sha256": mark, "within": timedelta(seconds=within_s)}
    return bool(conn.execute(_IS_LET_IN, given).scalar_one())


def clear_failures(conn: Connection, forgotten_s: float) -> None:
    """Forget failures so old that they count no more."""
    conn.execute(_FAILURES_OLD, {"forgotten": timedelta(seconds=forgotten_s)})


def begin(conn: Connection, state: str, browser: str, begun: Begun) -> None:
    """Put a login that begins at a provider on record, and clear away those that led nowhere."""
    conn.execute(_STATES_OLD)
    marks = {"sha256": digest(state), "browser": digest(browser)}
    conn.execute(_STATE_MAKE, {**marks, "nonce": begun.nonce, "verifier": begun.verifier, "next": begun.next})


def take_begun(conn: Connection, state: str, browser: str) -> Begun | None:
    """The login that began with a state in a browser, once; None where there is none."""
    marks = {"sha256": digest(state), "browser": digest(browser)}
    row = conn.execute(_STATE_TAKE, marks).mappings().one_or_none()
    return None if row is None else Begun(**row)
