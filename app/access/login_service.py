"""Use cases of getting in: by password, by a provider, out again; how long to wait after failures."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from app.access import login_store, passwords, people_store
from app.access.audit_login import failures_noted
from app.access.login_store import Begun
from app.access.oidc import Provider
from app.access.peer import network_of
from app.access.people import Person
from app.access.sessions import Means, new_csrf, new_token
from app.database.scope import as_service
from app.database.transactions import Connection, Database
from app.errors import BadInput, LoginFailed, TooMany

#: From the tenth failure in a row one waits: half a minute, then twice as long each time, a quarter of an hour at most.
MOST, FIRST_S, LONGEST_S = 10, 30.0, 900.0
#: An address may be an office of hundreds. It may fail so often at once, then once in so many seconds.
PLACE_MOST, PLACE_EACH_S = 300, 60.0
#: Who was let in is known at that address for so long, seconds: neither others' failures there nor strangers' failures
#: under the name elsewhere shut them out.
KNOWN_S = 3600.0
#: Failures are forgotten when none came for so long, seconds.
FORGOTTEN_S = 86_400.0
MAX_NAME, MAX_PASSWORD = 320, 1000


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A session that has just begun: its token, which only the browser keeps, and whose it is."""

    token: str
    person: Person
    means: Means


def log_in(
    db: Database, name: str, password: str, address: str, agent: str | None, before: str | None = None
) -> LoggedIn:
    """Begin a session by name and password; the session `before`, if any, ends.

    Whether a name exists, may log in or has a password is told neither by the answer nor by the time that it takes.

    Raises:
        TooMany: Too many tries failed under this name, or far too many from this address.
        LoginFailed: Name or password are wrong.
    """
    given = name.strip()[:MAX_NAME]
    marks = _marks(given, address)
    with as_service(), failures_noted(db, "password", given):
        with db.write(timeout_s=10) as conn:
            _admit(conn, marks)
        with db.read(timeout_s=10) as conn:
            person = people_store.find_named(conn, given) if given and "\x00" not in given else None
            active = person is not None and person.disabled_at is None
            hashed = people_store.password_hash(conn, person.id) if person is not None and active else None
        right = passwords.is_password(hashed, password[:MAX_PASSWORD])
        if not right or person is None or hashed is None:
            raise LoginFailed("Name or password are wrong.", "Capital letters matter in the password.")
        with db.write(timeout_s=10) as conn:
            _let_in(conn, marks)
            login_store.clear_failures(conn, FORGOTTEN_S)
            if passwords.is_outdated(hashed):
                people_store.rehash(conn, person.id, hashed, passwords.hash_password(password))
            return _begin_session(conn, person, "password", agent, before)


@dataclass(frozen=True, slots=True)
class _Marks:
    """Under what a try counts: the name at this address, the name anywhere, the address; and whether it is known."""

    pair: bytes
    name: bytes
    place: bytes
    known: bytes


def _marks(name: str, address: str) -> _Marks:
    place, name = network_of(address), _same(name)
    pair = f"{place}\0{name}"
    return _Marks(_mark("pair", pair), _mark("name", name), _mark("address", place), _mark("known", pair))


def _admit(conn: Connection, marks: _Marks) -> None:
    """Count a try; rows are always taken in this order, so that two logins never wait for each other."""
    known = login_store.is_let_in(conn, marks.known, KNOWN_S)
    _wait(_count(conn, marks.pair))
    wait = _count(conn, marks.name)
    if not known:
        _wait(wait)
    _wait(login_store.count_at(conn, marks.place, PLACE_MOST, PLACE_EACH_S, known=known))


def _let_in(conn: Connection, marks: _Marks) -> None:
    """A success forgives one's own mistakes: what this name failed at this address was no guessing."""
    own = login_store.forgive(conn, marks.pair)
    login_store.forgive(conn, marks.name)
    login_store.take_back(conn, marks.place, own, PLACE_EACH_S)
    login_store.let_in(conn, marks.known)


def _count(conn: Connection, mark: bytes) -> float | None:
    return login_store.count_try(conn, mark, MOST, FIRST_S, LONGEST_S, FORGOTTEN_S)


def _wait(wait: float | None) -> None:
    if wait is not None:
        raise TooMany(
            "Too many logins failed.", "Wait, then try again; it takes longer each time.", wait_s=wait
        )


def _mark(kind: str, value: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{value}".encode()).digest()


def _same(name: str) -> str:
    """The same text for all names that the database takes for one, whose `lower` makes an i of U+0130."""
    return name.replace("\u0130", "i").casefold()


def _begin_session(
    conn: Connection, person: Person, means: Means, agent: str | None, before: str | None
) -> LoggedIn:
    if before is not None:
        login_store.end_session(conn, before)
    token = new_token()
    login_store.make_session(conn, token, new_csrf(), person.id, means, agent)
    people_store.note_login(conn, person.id)
    return LoggedIn(token, person, means)


def log_out(db: Database, token: str) -> None:
    """End a session."""
    with as_service(), db.write(timeout_s=10) as conn:
        login_store.end_session(conn, token)


def change_password(db: Database, person_id: int | None, old: str, new: str, agent: str | None) -> LoggedIn:
    """Take a password of one's own: all sessions end, and a new one begins.

    Tries count for whoever bears the session, wherever they are: others' failed logins keep nobody from changing it.

    Raises:
        LoginFailed: The old password is wrong.
        TooMany: It was wrong too often.
        BadInput: The new one is not taken.
    """
    with as_service():
        with db.read(timeout_s=10) as conn:
            person = None if person_id is None else people_store.find_person(conn, person_id)
            hashed = None if person is None else people_store.password_hash(conn, person.id)
        if person is None or hashed is None:
            raise BadInput("There is no password to change.", "You log in at the provider; change it there.")
        mark = _mark("change", _same(person.name))
        with db.write(timeout_s=10) as conn:
            _wait(_count(conn, mark))
        if not passwords.is_password(hashed, old[:MAX_PASSWORD]):
            raise LoginFailed("The old password is wrong.", "Capital letters matter in the password.")
        passwords.check_password(new, person.name)
        if passwords.is_password(hashed, new):
            raise BadInput("The new password is the old one.", "Take another one.")
        made = passwords.hash_password(new)
        with db.write(timeout_s=10) as conn:
            login_store.forgive(conn, mark)
            people_store.set_password(conn, person.id, made, once=False)
            login_store.end_sessions(conn, person.id)
            return _begin_session(conn, person, "password", agent, None)


@dataclass(frozen=True, slots=True)
class Departure:
    """A login that begins at a provider: where the browser goes, and what it keeps until it comes back."""

    address: str
    browser: str


def depart(db: Database, provider: Provider, redirect_uri: str, then: str) -> Departure:
    """Begin a login at the provider; raises Unavailable where it does not answer."""
    state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    address = provider.address(redirect_uri, state, nonce, challenge)
    with as_service(), db.write(timeout_s=10) as conn:
        login_store.begin(conn, state, browser, Begun(nonce, verifier, then))
    return Departure(address, browser)


@dataclass(frozen=True, slots=True)
class Return:
    """With what the browser comes back from the provider."""

    code: str
    state: str
    issuer: str | None
    browser: str | None


def come_back(
    db: Database,
    provider: Provider,
    back: Return,
    redirect_uri: str,
    *,
    by_email: bool,
    agent: str | None,
    before: str | None,
) -> tuple[LoggedIn, str]:
    """Begin a session by the provider's answer; the session, and where to go.

    Raises:
        LoginFailed: The answer does not hold, belongs to no login of this browser, or names nobody on record.
        Unavailable: The provider does not answer.
    """
    if not back.code:
        raise LoginFailed("The login was stopped at the provider.", "Log in again: /login")
    with as_service(), failures_noted(db, "oidc"):
        with db.write(timeout_s=10) as conn:
            begun = login_store.take_begun(conn, back.state, back.browser or "")
        if begun is None:
            raise LoginFailed(
                "This login was not begun in this browser, or long ago.", "Log in again: /login"
            )
        if back.issuer is not None and back.issuer != provider.issuer:
            raise LoginFailed("Another provider answers (RFC 9207).", "Log in again: /login")
        token = provider.exchange(back.code, begun.verifier, redirect_uri)
        claims = provider.check_identity(token, begun.nonce)
        with db.write(timeout_s=10) as conn:
            person = _known(conn, provider.issuer, claims, by_email=by_email)
            return _begin_session(conn, person, "oidc", agent, before), begun.next


def _known(conn: Connection, issuer: str, claims: dict[str, Any], *, by_email: bool) -> Person:
    """The person whom the claims name, by issuer and subject, else (where allowed) by a verified e-mail address."""
    person = people_store.find_subject(conn, issuer, claims["sub"])
    email = claims.get("email")
    if person is None and by_email and claims.get("email_verified") is True and isinstance(email, str):
        named = people_store.find_named(conn, email) if "\x00" not in email else None
        if named is not None and named.oidc_subject is None and named.disabled_at is None:
            people_store.set_subject(conn, named.id, issuer, claims["sub"])
            person = named
    if person is None or person.disabled_at is not None:
        raise LoginFailed(
            "The provider knows you, but this server does not.",
            f"Ask a security administrator to make you known as {claims['sub'][:100]}.",
        )
    return person
