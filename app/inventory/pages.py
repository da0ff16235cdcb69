"""The SQL of a page: some rows in an order from a place on, each as text written by the database. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.inventory.ordering import Position, SortKey, beyond, order_by, position_values


@dataclass(frozen=True, slots=True)
class Rows:
    """What a page is taken from: `source` stands after FROM, `values` are bound in it and in the condition `where`.

    `rough` is a condition on the rows' own boxes alone, for the planner to say how many there are, where counting a box
    would cost far more than the page itself.
    """

    source: str
    where: str
    values: Mapping[str, Any]
    keys: Sequence[SortKey] = ()
    rough: str | None = None

    @property
    def every(self) -> bool:
        """Whether they are all rows of a table, in the order of their ids."""
        return self.where == "TRUE" and not self.keys and not self.source.startswith("(")


@dataclass(frozen=True, slots=True)
class Cut:
    """Which part of the rows: at most `limit` of them `after` a place, or `before` one, else from the first on."""

    limit: int
    after: Position | None = None
    before: Position | None = None

    @property
    def backwards(self) -> bool:
        """Whether the page is read from its end."""
        return self.before is not None

    @property
    def place(self) -> Position | None:
        """Where the page begins, or ends."""
        return self.before if self.backwards else self.after


@dataclass(frozen=True, slots=True)
class Found:
    """A page as it was read: the text of each feature in order, and the places to go on from."""

    features: list[bytes]
    next: Position | None
    prev: Position | None


def page_sql(rows: Rows, feature: str, cut: Cut) -> tuple[str, dict[str, Any]]:
    """The statement and what is bound in it: a row a feature, its text and its place, and one row more than wanted.

    `feature` is the text of one as an expression over a row. Rows come one by one: joined by the server, a page of a
    megabyte is copied several times before it is sent.
    """
    order = order_by(rows.keys, backwards=cut.backwards)
    # Written out, not bound: the planner then knows how few rows are wanted, and keeps its plan.
    end = f"ORDER BY {order} LIMIT {cut.limit + 1}"
    found = [""] if cut.place is None else beyond(rows.keys, position=cut.place, backwards=cut.backwards)
    values = {**rows.values, **position_values(cut.place)}
    if not rows.keys:
        return f"SELECT {feature}, id FROM {_stretch(rows, found[0], end)}", values
    place = f"json_build_array(id, {', '.join(key.sql for key in rows.keys)})::text"
    chosen = [f"SELECT {feature}, {place} FROM {_stretch(rows, part, end)}" for part in found]
    if len(chosen) == 1:
        return chosen[0], values
    # Several stretches are read one after the other, until there are enough rows; texts are made of those alone.
    return f"{' UNION ALL '.join(f'({one})' for one in chosen)} LIMIT {cut.limit + 1}", values


def _stretch(rows: Rows, part: str, end: str) -> str:
    return f"{rows.source} v WHERE {' AND '.join(item for item in (rows.where, part) if item)} {end}"


def read_found(count: int, value: Callable[[int, int], bytes | None], cut: Cut) -> Found:
    """The page from the `count` rows of `page_sql`; `value` gives what was sent in a row and a column."""
    shown = min(count, cut.limit)
    features = [value(row, 0) or b"" for row in range(shown)]
    near = read_place(value(0, 1)) if shown else None
    far = read_place(value(shown - 1, 1)) if shown and count > shown else None
    if cut.backwards:
        return Found(features[::-1], near, far)
    return Found(features, far, near if cut.after is not None else None)


def read_place(text: bytes | None) -> Position:
    """A place as `page_sql` has it: an id, or an id and sort values as JSON."""
    found = orjson.loads(text or b"0")
    return Position(found[0], tuple(found[1:])) if isinstance(found, list) else Position(found)
