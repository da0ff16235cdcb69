"""Ids that people type: the whole UUID of what is on record, or the first digits of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from app.database.origin import ORIGIN
from app.errors import BadInput, NotFound
from app.inventory.tables import SCHEMA

#: Hexadecimal digits of an id that name a row at least.
MIN_PREFIX = 4
#: Digits that tables show of an id, enough to name it in other commands.
SHOWN_DIGITS = 8
_PREFIX = re.compile(rf"[0-9a-f]{{{MIN_PREFIX},32}}")
_SHOWN_CANDIDATES = 6


@dataclass(frozen=True, slots=True)
class Recorded:
    """A table of what is on record: its name, what a row is called, what tells rows apart, since when, who lists it."""

    table: str
    noun: str
    label: str
    since: str
    listed_by: str
    #: Who lists it for a command of the machine, where that is another.
    command: str | None = None


IMPORTS = Recorded("imports", "import", "path", "at", "`chengtu imports`")
RUNS = Recorded("coverage_runs", "run", "policy_id", "created_at", "GET /coverage", "`chengtu runs`")


def digits_of(given: str) -> str | None:
    """The hexadecimal digits that begin an id, in lower case without hyphens; None where `given` is no part of one."""
    digits = given.strip().lower().replace("-", "")
    return digits if _PREFIX.fullmatch(digits) else None


def find_id(conn: Connection, of: Recorded, given: str) -> UUID:
    """The id that `given` is, or begins: its hexadecimal digits, MIN_PREFIX of them at least.

    Raises:
        BadInput: It is no part of an id, or more than one id begins so; the hint lists them.
        NotFound: No id begins so.
    """
    article = "an" if of.noun[0] in "aeiou" else "a"
    of_command = of.command if ORIGIN.get() is None else None  # a request or a job has an origin
    lister = of_command or of.listed_by
    digits = digits_of(given)
    if digits is None:
        hint = f"Give its id, or the first {MIN_PREFIX} or more digits of it; {lister} lists them."
        raise BadInput(f"'{given}' is not the id of {article} {of.noun}.", hint)
    query = text(  # only constants of this module are put in
        f"SELECT id, {of.label} AS label FROM {SCHEMA}.{of.table}"
        f" WHERE replace(id::text, '-', '') LIKE :digits || '%' ORDER BY {of.since} DESC LIMIT :limit"
    )
    found = conn.execute(query, {"digits": digits, "limit": _SHOWN_CANDIDATES + 1}).all()
    if not found:
        raise NotFound(f"There is no {of.noun} {given}.", f"{lister} lists them.")
    if len(found) > 1:
        shown = ", ".join(f"{row.id} ({row.label})" for row in found[:_SHOWN_CANDIDATES])
        more = " …" if len(found) > _SHOWN_CANDIDATES else ""
        raise BadInput(f"More than one {of.noun}'s id begins with '{given}'.", f"Candidates: {shown}{more}")
    return UUID(str(found[0].id))
