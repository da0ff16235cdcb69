"""The order of features and a page's place in it: sort keys as SQL, nulls last, and what comes after or before a row.

A page begins where another ended, never after so many rows (keyset paging): the thousandth costs what the first does,
and rows written or removed in between move nothing. Pure SQL text; every value is bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "integer", "number", "boolean", "date", "datetime", "choice"]
_TYPES: dict[Kind, str] = {
    "text": "text", "choice": "text", "integer": "bigint", "number": "float8", "boolean": "boolean", "date": "date",
    "datetime": "timestamptz",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SortKey:
    """One thing to sort by: `sql` is its expression over a row; unknown values come last either way.

    `filled`: it is never unknown.
    """

    name: str
    sql: str
    kind: Kind
    descending: bool = False
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """A row's place: its `id` and its values of the sort keys, in their order."""

    id: int
    values: tuple[Any, ...] = ()


def order_by(keys: Sequence[SortKey], *, backwards: bool = False) -> str:
    """What stands after ORDER BY; the id decides among equals. `backwards` is the same order from its end."""
    parts = []
    for key in keys:
        # An index is read in the order of its nulls as well; where there are none, either way will do.
        nulls = "" if key.filled else f" NULLS {'FIRST' if backwards else 'LAST'}"
        parts.append(f"{key.sql} {'DESC' if key.descending != backwards else 'ASC'}{nulls}")
    return ", ".join([*parts, "id DESC" if backwards else "id"])


def beyond(keys: Sequence[SortKey], *, position: Position, backwards: bool = False) -> list[str]:
    """Conditions on the rows after a place (before it where `backwards`), one a stretch, nearest stretch first.

    The stretches do not overlap and each can be read along an index; `position_values` are bound.
    """
    conditions = []
    for level in range(len(keys), -1, -1):
        same = [_same(keys[place], place, position) for place in range(level)]
        conditions += [" AND ".join([*same, part]) for part in _parts(keys, level, position, backwards)]
    return conditions


def _parts(keys: Sequence[SortKey], level: int, position: Position, backwards: bool) -> Iterator[str]:
    if level == len(keys):
        yield f"id {'<' if backwards else '>'} %(at_id)s"
        return
    key, known = keys[level], position.values[level] is not None
    if known:
        yield f"{key.sql} {'<' if key.descending != backwards else '>'} {_bound(key, level)}"
    if known != backwards and not key.filled:
        yield f"{key.sql} IS {'NOT ' if backwards else ''}NULL"


def _same(key: SortKey, place: int, position: Position) -> str:
    known = position.values[place] is not None
    return f"{key.sql} = {_bound(key, place)}" if known else f"{key.sql} IS NULL"


def _bound(key: SortKey, place: int) -> str:
    return f"%(at_{place})s::{_TYPES[key.kind]}"


def position_values(position: Position | None) -> dict[str, Any]:
    """What `beyond` has bound."""
    if position is None:
        return {}
    return {"at_id": position.id} | {f"at_{place}": value for place, value in enumerate(position.values)}
