"""Fits parsed batches to what is stored: features found by their official id, stored kinds that gaps must not empty."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from app.catalogue.model import FeatureClass
from app.database.transactions import Connection
from app.ingest.store import find_codes
from app.inventory.batch import Batch
from app.inventory.staging import find_stored
from app.validation.components import FORMER_ID, ID


def settle_batch(
    conn: Connection, cls: FeatureClass, batch: Batch, learned: Collection[str], *, by_id: bool
) -> Batch:
    """The batch, where official ids are its only key, under the codes of the features that bear them.

    A feature is found by its id, else by the former id that the row names. `learned` are fields that only ids filled:
    where they told nothing, what is stored stays.
    """
    return _fill(conn, cls, _find(conn, cls, batch) if by_id else batch, learned)


def _find(conn: Connection, cls: FeatureClass, batch: Batch) -> Batch:
    ids: list[Any] = batch.columns.get(ID, [])
    former = batch.columns.get(FORMER_ID, [None] * len(ids))
    known = find_codes(conn, cls, [*filter(None, ids), *filter(None, former)])
    codes = [
        known.get(own) or known.get(before) or code
        for own, before, code in zip(ids, former, batch.codes, strict=True)
    ] if ids else batch.codes  # fmt: skip
    # Two rows that would become one feature stay as they are: which of them is meant is not ours to say.
    return replace(batch, codes=codes) if len(set(codes)) == len(set(batch.codes)) else batch


def _fill(conn: Connection, cls: FeatureClass, batch: Batch, fields: Collection[str]) -> Batch:
    """Values that only ids filled: where an id told nothing, what is stored stays."""
    gaps = sorted(name for name in fields if name in batch.columns and None in batch.columns[name])
    if not gaps:
        return batch
    stored = find_stored(conn, cls, gaps, batch.codes)
    filled = {
        name: [
            old if new is None else new for new, old in zip(batch.columns[name], stored[name], strict=True)
        ]
        for name in gaps
    }
    return replace(batch, columns={**batch.columns, **filled})
