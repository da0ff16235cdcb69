"""The dates of a row in the order of a life: built, renovated, removed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

#: Days of a life in their order: a later one may not lie before an earlier one.
LIFE = (("built_on", "renovated_on"), ("built_on", "removed_on"), ("renovated_on", "removed_on"))
MEND = "Mend whichever date is wrong."


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the value of one field of a row."""

    field: str
    value: date
    reason: str
    hint: str


def find_disorder(columns: Mapping[str, Sequence[Any]]) -> Iterator[tuple[int, Fault]]:
    """Of dates by field (n,), None unknown: the position of each row in which they are out of order, and why."""
    for first, then in LIFE:
        for i, (before, after) in enumerate(zip(columns.get(first, ()), columns.get(then, ()), strict=False)):
            if before is not None and after is not None and after < before:
                yield i, Fault(then, after, f"lies before {first} ({before})", MEND)
