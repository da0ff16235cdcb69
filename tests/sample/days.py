"""Batches of the sample as they hold on a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from app.inventory.batch import Batch
from app.inventory.periods import holds

BEFORE, AFTER = date(2020, 12, 31), date(2021, 12, 31)


def on(batch: Batch, day: date) -> Batch:
    """The rows of a batch that hold on a day, without their times."""
    if batch.valid is None:
        return batch
    rows = [k for k, period in enumerate(batch.valid) if holds(period, day)]
    return replace(
        batch,
        codes=[batch.codes[k] for k in rows],
        geometry=batch.geometry[rows],
        columns={name: [values[k] for k in rows] for name, values in batch.columns.items()},
        extra=[batch.extra[k] for k in rows],
        valid=None,
    )


def all_on(batches: Iterable[Batch], day: date) -> dict[str, Batch]:
    """The batch of each class as it holds on a day."""
    return {batch.class_id: on(batch, day) for batch in batches}
