"""Coordinates as people write them in cells → numbers: decimals, decimal commas, degrees, minutes and seconds."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Signs of degrees, minutes and seconds that Unicode's compatibility form would turn into letters or leave apart.
_SIGNS = str.maketrans(
    {"º": "°", "˚": "°", "′": "'", "’": "'", "‘": "'", "″": '"', "”": '"', "“": '"', "−": "-"}
)
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_COMMA = re.compile(r"([+-]?\d+),(\d+)")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DMS = re.compile(
    r"(?P<before>[NSEW东西南北])?[经纬]?:?\s*(?P<sign>[+-])?"
    r"(?P<d>\d{1,3}(?:\.\d+)?)\s*(?:[°度d:\s-]\s*"
    r"(?:(?P<m>\d{1,2}(?:\.\d+)?)\s*(?:['分m:\s-]\s*"
    r"(?:(?P<s>\d{1,2}(?:\.\d+)?)\s*(?:\"|''|秒|s)?)?)?)?)?\s*(?P<after>[NSEW东西南北])?",
    re.IGNORECASE,
)
_METRES = re.compile(r"\s*(?:m|米)$", re.IGNORECASE)


def coordinate(cell: Any, *, degrees: bool) -> float | None:
    """The number in one cell, None where it holds none.

    `degrees`: minutes and seconds are understood, and a comma is a decimal one; else a comma before each three digits
    parts thousands.
    """
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return float(cell) if math.isfinite(cell) else None
    text = unicodedata.normalize("NFKC", str(cell).translate(_SIGNS)).strip()
    if not degrees:
        text = _METRES.sub("", text)
        text = text.replace(",", "") if _THOUSANDS.fullmatch(text) else text
    text = _COMMA.sub(r"\1.\2", text) if text.count(",") == 1 and "." not in text else text
    if _DECIMAL.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else None
    return _sexagesimal(text) if degrees else None


def _sexagesimal(text: str) -> float | None:
    found = _DMS.fullmatch(text)
    if found is None:
        return None
    parts = [found["d"], found["m"], found["s"]]
    minutes, seconds = float(parts[1] or 0), float(parts[2] or 0)
    # Only the last part may have decimals.
    broken = any(part and "." in part and following for part, following in pairwise(parts))
    if broken or minutes >= 60 or seconds >= 60:
        return None
    side = (found["before"] or found["after"] or "").upper()
    value = float(parts[0]) + minutes / 60 + seconds / 3600
    return -value if (found["sign"] == "-") != (side in {"S", "W", "南", "西"} and side != "") else value


def column_numbers(values: Sequence[Any], *, degrees: bool) -> tuple[NDArray[np.float64], list[int]]:
    """The numbers in the cells (n,), NaN where a cell is empty or bad, and the positions of the bad ones."""
    numbers = _plain(values)
    if numbers is None:
        found = [None if is_empty(cell) else coordinate(cell, degrees=degrees) for cell in values]
        numbers = np.array(found, dtype=object).astype(np.float64)
    odd = np.flatnonzero(~np.isfinite(numbers)).tolist()
    numbers[odd] = np.nan
    return numbers, [i for i in odd if not is_empty(values[i])]


def _plain(values: Sequence[Any]) -> NDArray[np.float64] | None:
    """All cells at once where each is empty or a number as Python writes it, else None."""
    if any(isinstance(cell, bool) or (isinstance(cell, str) and "_" in cell) for cell in values):
        return None
    array = np.empty(len(values), dtype=object)
    array[:] = values
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return None


def is_empty(cell: Any) -> bool:
    """Nothing, text of spaces, or not a number."""
    return (
        cell is None
        or (isinstance(cell, str) and not cell.strip())
        or (isinstance(cell, float) and math.isnan(cell))
    )


def join_sexagesimal(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Degrees, minutes and seconds (n,) each → degrees; NaN where minutes or seconds are not within 0 to 60."""
    degrees, minutes, seconds = (*parts, np.zeros_like(parts[0]))[:3]
    minutes, seconds = np.nan_to_num(minutes), np.nan_to_num(seconds)
    good = (minutes >= 0) & (minutes < 60) & (seconds >= 0) & (seconds < 60)
    value = np.abs(degrees) + minutes / 60 + seconds / 3600
    joined: NDArray[np.float64] = np.where(good, np.copysign(value, degrees), np.nan)
    return joined
