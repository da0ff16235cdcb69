"""The parameters of a request for tiles, as texts of its address. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.errors import BadInput
from app.ogc.asked import Asked

#: Parameters that say how an answer looks, not what a tile holds: documents leave them out of the addresses they name.
LOOKS = frozenset({"f", "lang", "background", "v"})


_END = r'("[^":()]+(?::[^":()]+)*"|\*)'
_SUBSET = re.compile(rf"datetime\({_END}(?::{_END})?\)")


def datetime_of(subset: str | None, datetime: str | None) -> str | None:
    """The time that a request names as `datetime` or as the axis of that name in `subset` (OGC 20-057, 19-087r3).

    Raises:
        BadInput: Both are there, or `subset` is not of time.
    """
    if subset is None:
        return datetime
    found = _SUBSET.fullmatch(subset)
    if datetime is not None or found is None or found.groups() == ("*", None):
        raise BadInput(
            "subset chooses by time alone, and where datetime does not.",
            'Write subset=datetime("2020-01-01":"2021-12-31"), or datetime=2020-01-01/2021-12-31.',
        )
    ends = [".." if end == "*" else end.strip('"') for end in found.groups() if end is not None]
    return "/".join(ends)


@dataclass(frozen=True, slots=True)
class TilesAsked:
    """What an address says of tiles; None is what it does not say.

    `collections` are ids by comma (tiles of several collections); `where` are filters on fields as (field, allowed
    values); `v` the versions that a page names;
    `given` is the whole query in its order.
    """

    filter: str | None = None
    filter_lang: Literal["cql2-text", "cql2-json"] | None = None
    filter_crs: str | None = None
    datetime: str | None = None
    as_of: str | None = None
    known_at: str | None = None
    area: str | None = None
    properties: str | None = None
    collections: str | None = None
    v: str | None = None
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    given: tuple[tuple[str, str], ...] = ()

    @property
    def kept(self) -> tuple[tuple[str, str], ...]:
        """What documents carry on into the addresses of tiles."""
        return tuple((name, value) for name, value in self.given if name not in LOOKS)

    @property
    def chosen(self) -> list[str] | None:
        """The ids in `collections`; None where it names none, and so every class is meant."""
        return self.collections.split(",") if self.collections else None

    @property
    def names(self) -> list[str]:
        """The fields by which features are chosen."""
        return [name for name, _ in self.where]

    def features(self, *, without: Iterable[str] = ()) -> Asked:
        """The same as a request for features; `without` are fields whose filter does not count."""
        left = set(without)
        return Asked(
            datetime=self.datetime,
            as_of=self.as_of,
            known_at=self.known_at,
            properties=self.properties,
            area=self.area,
            filter=self.filter,
            filter_lang=self.filter_lang,
            filter_crs=self.filter_crs,
            where={name: values for name, values in self.where if name not in left},
        )
