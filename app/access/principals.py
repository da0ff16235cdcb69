"""Who asks, by what a request brought: a key, a session's cookie, a provider's token. For the gate."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from app.access import key_store, login_store, oidc, people_store
from app.access.key_service import REFUSAL as REFUSAL
from app.access.key_service import get_holding
from app.access.keys import Key
from app.access.people import Person
from app.access.principal import Principal
from app.access.sessions import MAX_LENGTH, PREFIX
from app.database.audit import Event, note_once
from app.database.scope import as_service
from app.database.transactions import Connection, Database
from app.errors import ChengtuError, KeyRequired, LoginRequired
from app.settings import Settings

log = logging.getLogger("chengtu.web")
#: A use is noted at most this often, seconds; so many tokens are known to a process.
NOTED_S = 60.0
MAX_NOTED = 10_000
#: No token is asked about when it ends after the year 9999.
_FAR = 253_000_000_000
AGAIN = "Log in again: /login"


def by_key(conn: Connection, token: str) -> Principal:
    """Who bears an API key; raises KeyRequired where it was never made, was revoked or has expired."""
    return of_key(get_holding(conn, token))


def of_key(key: Key) -> Principal:
    """Who bears a key that holds."""
    return Principal.granted(
        "key",
        key.name,
        key.grants,
        key.level,
        key_id=key.id,
        party=key.party,
        party_kind=key.party_kind,
        until=key.expires_at,
    )


def by_session(conn: Connection, token: str) -> Principal:
    """Who is logged in by a session; of one whose password somebody else made, nobody with a role.

    Raises:
        LoginRequired: The session has ended, or the person may not log in any more.
    """
    known = token.startswith(PREFIX) and len(token) <= MAX_LENGTH
    session = login_store.find_session(conn, token) if known else None
    person = None if session is None else people_store.find_person(conn, session.person_id)
    if session is None or person is None or person.disabled_at is not None:
        raise LoginRequired("The session has ended.", AGAIN)
    if session.means == "password" and person.password_once:
        return of_person(person, csrf=session.csrf, until=session.expires_at, held=False)
    return of_person(person, csrf=session.csrf, until=session.expires_at)


def by_jwt(settings: Settings, db: Database, token: str) -> Principal:
    """Who bears a token of the provider, which is asked before the database: it may take its time.

    Raises:
        KeyRequired: There is no provider, the token does not hold, or whom it names is not on record here.
    """
    provider = oidc.provider_of(settings)
    if provider is None:
        raise KeyRequired("This is no key.", REFUSAL)
    claims = provider.check_bearer(token)
    with as_service(), db.read(timeout_s=5) as conn:
        person = people_store.find_subject(conn, provider.issuer, claims["sub"])
    if person is None or person.disabled_at is not None:
        raise KeyRequired(
            "Whom this token names is not on record here.",
            "A security administrator makes people known: /users",
        )
    return of_person(person, until=datetime.fromtimestamp(min(claims["exp"], _FAR), UTC))


def anyone_configured(conn: Connection) -> bool:
    """Whether any person is on record: from then on nobody is let in unknown."""
    return people_store.anyone(conn)


def of_person(
    person: Person, *, csrf: str | None = None, until: datetime | None = None, held: bool = True
) -> Principal:
    """Somebody on record, with what they were granted (`held`)."""
    return Principal.granted(
        "user",
        person.name,
        person.grants if held else (),
        person.level,
        person_id=person.id,
        party=person.party,
        party_kind=person.party_kind,
        csrf=csrf,
        until=until,
    )


class Uses:
    """Notes that keys and sessions are used, each at most once a minute in a process."""

    def __init__(self) -> None:
        self._noted: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def note(self, db: Database, mark: bytes, token: str, principal: Principal) -> None:
        """Note a use of a token that has just been found good; what fails is told to the log alone."""
        if principal.key_id is None and principal.csrf is None:
            return
        now = time.monotonic()
        with self._lock:
            last = self._noted.get(mark)
            if last is not None and now < last + NOTED_S:
                return
            if len(self._noted) >= MAX_NOTED:
                self._noted.clear()
            self._noted[mark] = now
        try:
            with as_service(), db.write(timeout_s=5) as conn:
                if principal.key_id is not None:
                    key_store.note_use(conn, principal.key_id)
                    note_once(conn, Event.KEY_USED, str(principal.key_id), seconds=86_400, who=principal.name)
                else:
                    login_store.note_session(conn, token)
        except ChengtuError as error:
            log.warning("The use of a key or session could not be noted: %s", error.message)
