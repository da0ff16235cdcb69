"""Rows that are no features: the totals at the foot of a table, and the annotations of a drawing. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import accumulate
from typing import Any

from app.ingest.layer import Layer, take
from app.validation.values import clean_text, normalise

#: What the cell says that names a row of totals, alone or behind the name of what is summed up.
_TOTAL = re.compile(
    r"(?:.{0,12}(?:合计|总计|小计|共计)|累计|总数|总和|(?:grand|sub)?totals?|sum)[:：]?", re.IGNORECASE
)
_NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?")
#: Kinds of a drawing's entities that are writing about it.
_WRITING = re.compile(r"M?Text|Attribute(?:Definition)?|M?Leader|Fcf|\w*Dimension|\w*Table")
ENTITY, TEXT = "Entity", "Text"
#: Columns of a drawing by which a condition asks for its annotations.
ASKED = frozenset(map(normalise, (ENTITY, TEXT)))
SHOWN_ROWS = 5


def find_totals(layer: Layer, places: Sequence[str]) -> list[int]:
    """The positions of a table's rows of totals: a cell says so, there is no place, and all else is a sum or empty.

    `places` are the headings of the columns that say where a row is. A row of totals has no other text than its label;
    most of its cells are empty, or most of its numbers are the sums of those above them.
    """
    named = [layer.columns[name] for name in places if name in layer.columns]
    bare = [i for i in range(len(layer.rows)) if all(_is_empty(column[i]) for column in named)]
    if not named or not bare:
        return []
    others = {name: values for name, values in layer.columns.items() if name not in places}
    above = cache(lambda name: [None, *accumulate(map(_number, others[name]), _plus)])
    return [i for i in bare if _is_total(others, i, above)]


def _plus(total: float | None, number: float | None) -> float | None:
    return total if number is None else number + (total or 0.0)


def _is_total(columns: Mapping[str, list[Any]], i: int, above: Callable[[str], list[float | None]]) -> bool:
    """Whether row `i` is one of totals; `above` gives for each row of a column the sum of the numbers above it."""
    cells = {name: values[i] for name, values in columns.items() if not _is_empty(values[i])}
    labels = [
        name for name, cell in cells.items() if isinstance(cell, str) and _TOTAL.fullmatch(normalise(cell))
    ]
    numbers = {name: _number(cell) for name, cell in cells.items() if name not in labels}
    if not labels or None in numbers.values():
        return False
    sums = sum(_is_sum(above(name)[i], number) for name, number in numbers.items())
    return 2 * len(cells) <= len(columns) or 2 * sums > len(numbers)


def _is_sum(above: float | None, total: float | None) -> bool:
    return above is not None and total is not None and math.isclose(above, total, rel_tol=1e-6, abs_tol=0.01)


def _number(cell: Any) -> float | None:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return float(cell)
    text = clean_text(cell) if isinstance(cell, str) else ""
    return float(text.replace(",", "")) if _NUMBER.fullmatch(text) else None


def _is_empty(cell: Any) -> bool:
    if isinstance(cell, str):
        return not clean_text(cell)
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def find_annotations(layer: Layer) -> list[int]:
    """The positions of a drawing's texts, dimensions and leaders; old drawings (R12) do not say what is which."""
    nothing = [None] * len(layer.rows)
    kinds, texts = layer.columns.get(ENTITY, nothing), layer.columns.get(TEXT, nothing)
    return [
        i
        for i, (kind, text) in enumerate(zip(kinds, texts, strict=True))
        if not _is_empty(text) or (isinstance(kind, str) and _WRITING.fullmatch(kind))
    ]


def without(layer: Layer, places: Sequence[int]) -> Layer:
    """The layer without the rows at these positions."""
    gone = set(places)
    return take(layer, [i for i in range(len(layer.rows)) if i not in gone]) if gone else layer


def passed_notes(totals: Sequence[int], kinds: Mapping[str, int]) -> list[str]:
    """What the report says of rows that were passed over: `totals` their numbers, `kinds` entities by kind."""
    notes = []
    if totals:
        shown = ", ".join(map(str, totals[:SHOWN_ROWS])) + (" …" if len(totals) > SHOWN_ROWS else "")
        which = "row" if len(totals) == 1 else "rows"
        notes.append(f"{len(totals)} {which} of totals passed over, as they are no features: {which} {shown}")
    if kinds:
        told = ", ".join(f"{kind} {number}" for kind, number in sorted(kinds.items()))
        notes.append(
            f"{sum(kinds.values())} annotations passed over, as writing in a drawing is no feature ({told}); "
            f"ask for them with --where, such as \"{ENTITY} = 'Text'\""
        )
    return notes


def kinds_of(layer: Layer, places: Sequence[int]) -> Counter[str]:
    """How many of the entities at these positions are of which kind."""
    return Counter(layer.columns[ENTITY][i] or TEXT for i in places)
