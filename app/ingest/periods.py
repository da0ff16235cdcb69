"""Times in the world that the rows of a table bear: columns `valid_from` and `valid_to`, as our exports have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from app.catalogue.model import Field, Title
from app.ingest.layer import Layer
from app.inventory.batch import Batch, Period, Reject
from app.validation.values import BadValue, converter

FROM = Field("valid_from", "date", Title("有效起始", "Valid from"))
TO = Field("valid_to", "date", Title("有效截止", "Valid until before"))
Tell = Callable[[int, str | None, Any, str, str], None]


def read_periods(layer: Layer, headings: tuple[str | None, str | None], tell: Tell) -> list[Period] | None:
    """The time (from, until before) of each row, None where no row bears one; `tell` hears of rows that are refused."""
    if headings == (None, None):
        return None
    starts, ends = (
        [None] * len(layer.rows) if heading is None else _dates(layer.columns[heading], heading, field, tell)
        for heading, field in zip(headings, (FROM, TO), strict=True)
    )
    periods = list(zip(starts, ends, strict=True))
    for i, (start, end) in enumerate(periods):
        if start is not None and end is not None and start >= end:
            told = f"{start} … {end}"
            tell(
                i,
                headings[1],
                told,
                "ends before it begins",
                "The day on which it ends must follow the first one.",
            )
            periods[i] = (None, None)
    return periods if any(period != (None, None) for period in periods) else None


def _dates(values: Sequence[Any], heading: str, field: Field, tell: Tell) -> list[date | None]:
    convert = converter(field)
    found: list[date | None] = []
    for i, raw in enumerate(values):
        try:
            found.append(convert(raw))
        except BadValue as error:
            tell(i, heading, raw, error.reason, error.hint)
            found.append(None)
    return found


def split_untimed(batch: Batch) -> list[Batch]:
    """The rows that bear a time and those that do not, which mend what is stored; one batch where all are alike."""
    if batch.valid is None:
        return [batch]
    timed = [i for i, period in enumerate(batch.valid) if period != (None, None)]
    if len(timed) == len(batch.codes):
        return [batch]
    rest = sorted(set(range(len(batch.codes))) - set(timed))
    return [_part(batch, rest, None, batch.rejects), _part(batch, timed, [batch.valid[i] for i in timed], [])]


def _part(batch: Batch, rows: list[int], valid: list[Period] | None, rejects: list[Reject]) -> Batch:
    return Batch(
        batch.class_id,
        [batch.codes[i] for i in rows],
        batch.geometry[rows],
        {name: [values[i] for i in rows] for name, values in batch.columns.items()},
        [batch.extra[i] for i in rows],
        rejects,
        batch.incomplete,
        valid,
    )


def with_start(batch: Batch, since: date) -> list[Period]:
    """The times of a batch whose file tells how things are from a day on; rows that say more themselves keep it."""
    known = batch.valid or [(None, None)] * len(batch.codes)
    return [(start or (since if end is None or end > since else None), end) for start, end in known]
