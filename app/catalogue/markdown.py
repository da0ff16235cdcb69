"""Tables of the generated pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTICE = "<!-- Written by `python -m app.catalogue.docs` from geodata/; don't edit it. -->"
CONFIDENCE = {"V": "its text was seen", "S": "a secondary source", "M": "from memory, unverified"}


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, one row a line."""
    lines = [headings, ["---"] * len(headings), *([_cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
