"""What a transaction may see and write: how sensitive, in which areas, whose; PostgreSQL enforces it (`city.guards`).

A request's scope is set once, where it comes in (`app.access.gate`); every transaction takes the role and the settings
that it names. What no scope was set for sees nothing in a server, and everything in a command of the machine itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from app.database.roles import READER, WRITER, edit_role, see_all_role, see_role

Level = Literal["public", "internal", "restricted"]
#: From what anybody may know to what few may.
LEVELS: tuple[Level, ...] = ("public", "internal", "restricted")
#: How a setting says "the whole city"; no area's code may be so.
EVERYWHERE = "*"
#: Between codes in a setting: a character that no code holds.
_BETWEEN = "\x1f"


@dataclass(frozen=True, slots=True)
class Scope:
    """What one may see and write.

    `areas` are the codes of the areas whose features are seen (those that touch one), None the whole city, () none.
    `edits` are the codes of the areas in which features may be written (those at home there), likewise. With a `party`
    only features that are this party's own are seen and written. `who` stands in the record of what is written; `owner`
    (`user:7`, `key:5`) is whose jobs, imports and keys of idempotency are: two may bear the same name.
    """

    level: Level
    areas: tuple[str, ...] | None
    edits: tuple[str, ...] | None = ()
    party: str | None = None
    who: str = ""
    owner: str = ""

    @property
    def whole(self) -> bool:
        """Whether it sees every row and field there is."""
        return self.level == "restricted" and self.areas is None and self.party is None

    @property
    def everywhere(self) -> bool:
        """Whether it sees all areas and parties, at whatever level."""
        return self.areas is None and self.party is None

    @property
    def reads_as(self) -> str:
        """The role of a transaction that reads."""
        if self.whole:
            return READER
        return see_all_role(self.level) if self.everywhere else see_role(self.level)

    @property
    def writes_as(self) -> str:
        """The role of a transaction that writes features; one without areas to write in is refused by the database."""
        return WRITER if self.whole and self.edits is None else edit_role(self.level)

    @property
    def key(self) -> str:
        """What tells answers for this scope from others, in keys of caches and in ETags; "" for the whole."""
        if self.whole:
            return ""
        areas = EVERYWHERE if self.areas is None else _BETWEEN.join(sorted(self.areas))
        return "\x1e".join((self.level, areas, "" if self.party is None else "=" + self.party))

    def settings(self) -> str:
        """The statements that tell it to the database within a transaction, each after a semicolon."""
        who = f";SET LOCAL chengtu.who={_literal(self.who)}" if self.who else ""
        who += f";SET LOCAL chengtu.owner={_literal(self.owner)}" if self.owner else ""
        if self.whole and self.edits is None:
            return who
        party = "" if self.party is None else self.party
        return who + (
            f";SET LOCAL chengtu.areas={_literal(_codes(self.areas))}"
            f";SET LOCAL chengtu.edits={_literal(_codes(self.edits))}"
            f";SET LOCAL chengtu.party={_literal(party)}"
        )

    def plain(self) -> dict[str, Any]:
        """It as plain values, for a job that runs for whoever asked for it."""
        return {
            "level": self.level,
            "areas": None if self.areas is None else list(self.areas),
            "edits": None if self.edits is None else list(self.edits),
            "party": self.party,
            "who": self.who,
            "owner": self.owner,
        }

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Self:
        """It again, from what `plain` gave."""
        areas, edits = (None if plain[name] is None else tuple(plain[name]) for name in ("areas", "edits"))
        return cls(plain["level"], areas, edits, plain["party"], plain["who"], plain.get("owner", ""))

    def named(self, who: str, owner: str = "") -> Self:
        """The same for somebody."""
        return replace(self, who=who, owner=owner)

    def holds(self, other: Scope) -> bool:
        """Whether all that `other` sees and writes is seen and written here too, as far as codes of areas tell."""
        return (
            LEVELS.index(other.level) <= LEVELS.index(self.level)
            and _within(other.areas, self.areas)
            and _within(other.edits, self.edits)
            and self.party == other.party
        )


#: The machine's own commands, its worker and what a server does for itself: all rows, all areas.
SERVICE = Scope("restricted", None, None)
#: What a server takes where nobody said who asks.
NOTHING = Scope("public", ())
#: The scope of the request or job that runs; threads that work for it see the same one.
SCOPE: ContextVar[Scope | None] = ContextVar("chengtu_scope", default=None)


@contextmanager
def within(scope: Scope) -> Iterator[None]:
    """Let the block run in a scope."""
    token = SCOPE.set(scope)
    try:
        yield
    finally:
        SCOPE.reset(token)


@contextmanager
def as_service() -> Iterator[None]:
    """Let the block run as the service itself, keeping whose doing it is: for what is no feature (jobs, sessions)."""
    scope = SCOPE.get()
    with within(SERVICE if scope is None else SERVICE.named(scope.who, scope.owner)):
        yield


def scope_key() -> str:
    """The key of the scope that holds here; "" where none is set."""
    scope = SCOPE.get()
    return "" if scope is None else scope.key


def by_role(query: str) -> str:
    """A query that the server keeps, as the scope that holds here asks it.

    A kept query is analysed anew whenever another role asks it (0.4 ms for a tile): under this each role has its own.
    """
    scope = SCOPE.get()
    return query if scope is None else f"/* {scope.reads_as} */ {query}"


def author(otherwise: str) -> str:
    """Who does what is done here: of the scope that holds, else `otherwise`."""
    scope = SCOPE.get()
    return (scope.who if scope is not None else "") or otherwise


def own_key(key: str) -> str:
    """An `Idempotency-Key` as it is kept: what one person sent under it is not another's."""
    scope = SCOPE.get()
    whose = "" if scope is None else scope.owner or scope.who
    return f"{whose}{_BETWEEN}{key}" if whose else key


def _within(inner: tuple[str, ...] | None, outer: tuple[str, ...] | None) -> bool:
    return outer is None or (inner is not None and set(inner) <= set(outer))


def _codes(areas: tuple[str, ...] | None) -> str:
    return EVERYWHERE if areas is None else _BETWEEN.join(areas)


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
