"""Rows that were not always so: objects of the sample's year, and what others were before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from app.inventory.batch import Period
from app.sample.draw import Ints, Shapes
from app.sample.rows import Rows, as_list

ALWAYS: Period = (None, None)


def begun(rows: Rows, days: Sequence[date | None]) -> Rows:
    """The rows (n), each there from its day on; None: since ever."""
    return replace(rows, valid=[(day, None) for day in days])


def with_former(
    rows: Rows,
    places: Ints,
    days: Sequence[date],
    columns: Mapping[str, Any],
    shapes: Shapes | None = None,
) -> Rows:
    """Add what the rows at `places` (k,) were until their `days` (k): other `columns` and, if given, other shapes.

    Each of `columns` is one value for all, an array or a list of k; the others are as they were after it.
    """
    n, at = len(rows.codes), [int(place) for place in places]
    valid = list(rows.valid or [ALWAYS] * n)
    before: list[Period] = [(valid[place][0], day) for place, day in zip(at, days, strict=True)]
    for place, day in zip(at, days, strict=True):
        valid[place] = (day, valid[place][1])
    merged = {}
    for name, values in rows.columns.items():
        now = as_list(values, n)
        then = as_list(columns[name], len(at)) if name in columns else [now[place] for place in at]
        merged[name] = now + then
    old_shapes = rows.shapes[places] if shapes is None else shapes
    return Rows(
        rows.class_id,
        np.concatenate([rows.shapes, old_shapes]),
        rows.codes + [rows.codes[place] for place in at],
        merged,
        valid + before,
    )


def begun_in_year(rows: Rows, field: str, year: int) -> Rows:
    """The rows of which those with a date of the year in `field` are there from that day on, the others since ever."""
    dates = as_list(rows.columns[field], len(rows.codes))
    return begun(rows, [day if day is not None and day.year == year else None for day in dates])


def changed_in_year(rows: Rows, field: str, year: int, former: Mapping[str, Any]) -> Rows:
    """Add to the rows with a date of the year in `field` what they were until then: columns that differ."""
    dates = as_list(rows.columns[field], len(rows.codes))
    places = [k for k, day in enumerate(dates) if day is not None and day.year == year]
    return with_former(rows, np.array(places, dtype=np.int64), [dates[k] for k in places], former)
