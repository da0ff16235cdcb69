"""A drawn example: its figure as SVG and its numbers, each with the arithmetic that gives it by hand."""

from __future__ import annotations

from dataclasses import dataclass

from app.catalogue.title import Title

#: Keeps a number and its unit on one line.
NO_BREAK = "\u00a0"


@dataclass(frozen=True, slots=True)
class Worked:
    """One number of an example: what it is, how it is worked out by hand, and what the library gives.

    `formula` is plain arithmetic with + − × ÷ √ ² π and brackets; a test works it out and holds `value` to it within
    `tolerance` (relative: arcs are polygons).
    """

    key: str
    title: Title
    formula: str
    value: float
    unit: str = ""
    digits: int = 0
    tolerance: float = 1e-9

    @property
    def shown(self) -> str:
        """The value as the page shows it."""
        number = 100 * self.value if self.unit == "%" else self.value
        return f"{number:,.{self.digits}f}{NO_BREAK}{self.unit}".rstrip(NO_BREAK)


@dataclass(frozen=True, slots=True)
class Example:
    """A family of figures: `name` is that of its file, `title` what it shows."""

    name: str
    title: Title
    svg: str
    numbers: tuple[Worked, ...]
