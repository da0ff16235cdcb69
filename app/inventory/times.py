"""Which version of a feature is read: of what day in the world, as known at which change. Pure SQL text.

The class table holds the version of each feature that is valid now, its history all others. A version whose
`until_change` is null is believed to this day; the believed versions of one feature never overlap in `valid`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from app.catalogue.model import FeatureClass
from app.errors import BadInput
from app.inventory.tables import quoted, table_name


@dataclass(frozen=True, slots=True)
class Times:
    """A day in the world `as_of`, an interval of days (`since` to `as_of`, both of them in it), a change `known_at`.

    Without any of them the current rows are read. In an interval each feature is its latest version there.
    `interval` tells an interval whose ends are both open from no time at all. `past` is set by who has looked: no
    current row holds on that day, so that only the history is read.
    """

    as_of: date | None = None
    since: date | None = None
    interval: bool = False
    known_at: int | None = None
    past: bool = False

    def __post_init__(self) -> None:
        """Refuse an interval that ends before it begins.

        Raises:
            BadInput: The ends are swapped.
        """
        if self.since and self.as_of and self.since > self.as_of:
            raise BadInput(
                f"The interval begins ({self.since}) after it ends ({self.as_of}).",
                "Write the earlier day first.",
            )

    @property
    def now(self) -> bool:
        """Whether the current rows are meant."""
        return self.as_of is None and self.known_at is None and not self.interval

    @property
    def values(self) -> dict[str, Any]:
        """The values that `versions` has bound, by name as psycopg takes them."""
        end = None if self.as_of is None or self.as_of == date.max else self.as_of + timedelta(days=1)
        return {"as_of": self.as_of, "since": self.since, "before": end, "known_at": self.known_at}

    def as_dict(self) -> dict[str, Any]:
        """What was asked for, as plain values, for results and cache keys."""
        asked: dict[str, Any] = {}
        if self.interval:
            asked["interval"] = [_iso(self.since), _iso(self.as_of)]
        elif self.as_of is not None:
            asked["as_of"] = self.as_of.isoformat()
        if self.known_at is not None:
            asked["known_at"] = self.known_at
        return asked


#: The current rows.
NOW = Times()


def versions(cls: FeatureClass | str, columns: Iterable[str], times: Times) -> str:
    """What to read FROM: the class's table, or its versions of the time asked for, one a feature.

    `columns` are those that the statement uses; `times.values` must be bound. Any condition on the columns reaches
    the indexes of both tables.
    """
    current, history = table_name(cls), table_name(cls, history=True)
    if times.now:
        return current
    names = ", ".join(quoted(name) for name in sorted({*columns, "id", "valid", "change_id"}))
    believed = "until_change IS NULL"
    if times.known_at is not None:
        believed = "change_id <= %(known_at)s AND (until_change IS NULL OR until_change > %(known_at)s)"
    # The conditions stand outside the union: only members without any are planned as one table, in order of an index.
    now = "" if times.past else f"SELECT {names}, NULL::bigint AS until_change FROM {current} UNION ALL "
    every = (
        f"SELECT {names} FROM ({now}SELECT {names}, until_change FROM {history}) both_tables "
        f"WHERE {believed} AND {_valid(times)}"
    )
    if not times.interval:
        return f"({every})"
    return f"(SELECT DISTINCT ON (id) * FROM ({every}) every_version ORDER BY id, valid DESC)"


def _valid(times: Times) -> str:
    if times.interval:
        # One bound null is an open end to a range as well.
        return "valid && daterange(%(since)s::date, %(before)s::date)"
    return "valid @> %(as_of)s::date"


def parse_date(name: str, value: str) -> date:
    """A day written as 2021-12-31.

    Raises:
        BadInput: The text is no day; the sentence names the parameter.
    """
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise BadInput(f"{name}: '{value}' is not a date.", "Write a day as 2021-12-31.") from error


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
