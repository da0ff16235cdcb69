"""Tables as reports show them, in one language: headings, plain values, number formats. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

#: A cell: text, a number, or nothing.
Cell = str | int | float | None

COUNT, KM, M2, SHARE, TEXT = "#,##0", "#,##0.000", "#,##0.00", "0.0%", "@"


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and how its numbers are written (a spreadsheet's number format); `@` is text."""

    title: str
    format: str = TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; `name` is short, fit for the tab of a sheet."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: list[Sequence[Cell]] = field(default_factory=list)
