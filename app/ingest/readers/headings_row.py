"""Where a table's headings stand and what its columns are called: title rows above, empty and double headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

#: Rows looked at for the headings.
HEAD_ROWS = 30
#: A title fills no more of the cells than this.
TITLE_SHARE = 0.55
_NUMBER = re.compile(r"\s*[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?\s*")


def heading_row(rows: Sequence[Sequence[Any]]) -> int | None:
    """The position of the heading row among the first rows of a table; None where the first row is data already.

    Rows above the first with most of the cells that a row has are titles. A row is data where half of its cells are
    numbers, years apart.
    """
    filled = [sum(not is_blank(cell) for cell in row) for row in rows[:HEAD_ROWS]]
    if not any(filled):
        return 0
    found = next(i for i, count in enumerate(filled) if count > max(filled) * TITLE_SHARE)
    return None if _is_data(rows[found]) else found


def is_blank(cell: Any) -> bool:
    """Nothing, or text of spaces."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _is_data(row: Sequence[Any]) -> bool:
    cells = [cell for cell in row if not is_blank(cell)]
    numbers = [cell for cell in cells if _is_number(cell)]
    return len(numbers) * 2 >= len(cells) > 0


def _is_number(cell: Any) -> bool:
    if isinstance(cell, bool):
        return False
    text = str(cell)
    whole = isinstance(cell, int) or text.strip().isdecimal()
    return bool(_NUMBER.fullmatch(text)) and not (whole and 1900 <= int(text) <= 2100)


def name_columns(cells: Sequence[Any]) -> tuple[list[str], list[str]]:
    """The names of the columns, and what was done to them in sentences: `column 3` for none, `name_2` for a double."""
    names: list[str] = []
    seen: set[str] = set()
    turns: dict[str, int] = {}
    empty = double = 0
    for number, cell in enumerate(cells, start=1):
        name = " ".join(str(cell).replace("\ufeff", "").split()) if not is_blank(cell) else ""
        empty += not name
        name = name or f"column {number}"
        base = name
        double += name in seen
        while name in seen:
            turns[base] = turns.get(base, 1) + 1
            name = f"{base}_{turns[base]}"
        seen.add(name)
        names.append(name)
    notes = [f"{empty} columns without a heading were named after their place"] if empty else []
    if double:
        notes.append(f"{double} headings that stand twice were numbered")
    return names, notes
