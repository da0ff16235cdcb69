"""Rows of a file that its sender may not write: those at home elsewhere, of others, or hidden from the sender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.catalogue.model import FeatureClass
from app.database.scope import Scope
from app.database.transactions import Connection
from app.ingest.rows import take_rows
from app.inventory.batch import Batch, Reject
from app.inventory.staging import find_stored
from app.inventory.territory import find_outside, hiding_field, owner_field, writing_scope
from app.inventory.territory_store import taken_codes, writable_codes

#: Codes of areas that a hint names.
MAX_NAMED = 8
OUTSIDE = "the feature is not in your area"
FOREIGN = "the code is that of a feature which you may not change"
FOREIGN_HINT = "Give the row another code, or leave it to who may change that feature."
NOT_YOURS = "a contractor does not say whose a feature is"


def own_rows(
    conn: Connection, cls: FeatureClass, batch: Batch, rows: Sequence[int | str]
) -> tuple[Batch, list[int], list[Reject]]:
    """The rows that the scope that holds may write, their places in the batch, and the others (`rows`: numbers (n)).

    What a contractor brings is its own. Of a row that is several features all are written or none.
    """
    scope = writing_scope()
    if scope is None or not batch.codes:
        return batch, list(range(len(batch.codes))), []
    rejects: dict[int | str, Reject] = {}
    for i in find_outside(conn, scope, cls, batch.codes, batch.geometry):
        _refuse(rejects, rows[i], "geometry", batch.codes[i], OUTSIDE, _yours(scope))
    own = writable_codes(conn, cls, batch.codes)
    foreign = taken_codes(conn, cls, batch.codes) - own
    for i, code in enumerate(batch.codes):
        if code in foreign:
            _refuse(rejects, rows[i], "code", code, FOREIGN, FOREIGN_HINT)
    _refuse_hidden(scope, cls, batch, rows, own, rejects)
    if scope.party is not None:
        batch = _owned(conn, scope.party, cls, batch, rows, own, rejects)
    stay = [i for i, row in enumerate(rows) if row not in rejects]
    kept = batch if len(stay) == len(rows) else take_rows(batch, stay)
    return kept, stay, list(rejects.values())


def _refuse(
    rejects: dict[int | str, Reject], row: int | str, field: str, value: str | None, reason: str, hint: str
) -> None:
    rejects.setdefault(row, Reject(row, field, value, reason, hint))


def _yours(scope: Scope) -> str:
    own = scope.edits or ()
    return f"Yours: {', '.join(own[:MAX_NAMED])}{' …' if len(own) > MAX_NAMED else ''}."


def _refuse_hidden(
    scope: Scope,
    cls: FeatureClass,
    batch: Batch,
    rows: Sequence[int | str],
    own: set[str],
    rejects: dict[int | str, Reject],
) -> None:
    """Rows that would be hidden: by a value, or by none where they are new or the file empties it."""
    for i, code in enumerate(batch.codes):
        said = {
            name: batch.columns[name][i] if name in batch.columns else None
            for name in cls.restricted_rows
            if name in batch.columns or code not in own
        }
        name = hiding_field(scope, cls, said)
        if name is not None:
            title = cls.get_field(name).title
            hint = f"Fill in {title.en} ({title.zh})."
            _refuse(rejects, rows[i], name, None, "a value is required", hint)


def _owned(
    conn: Connection,
    party: str,
    cls: FeatureClass,
    batch: Batch,
    rows: Sequence[int | str],
    own: set[str],
    rejects: dict[int | str, Reject],
) -> Batch:
    """The batch with whose its rows are: new ones the contractor's, stored ones as they are."""
    fields = cls.owned_by
    first = owner_field(cls)
    if first is None:
        for i, row in enumerate(rows):
            _refuse(rejects, row, "code", batch.codes[i], NOT_YOURS, "Ask the office that keeps them.")
        return batch
    count = len(batch.codes)
    stored = find_stored(conn, cls, fields, batch.codes)
    columns: dict[str, list[Any]] = {name: list(batch.columns.get(name) or [None] * count) for name in fields}
    for i, code in enumerate(batch.codes):
        for name in fields:
            said, kept = columns[name][i], stored[name][i] if code in own else party
            if said is not None and said != kept:
                hint = f"Leave out {', '.join(fields)}: what you bring is {party}'s."
                _refuse(rejects, rows[i], name, str(said), NOT_YOURS, hint)
            if code in own:
                columns[name][i] = kept
        if code not in own and party not in {columns[name][i] for name in fields}:
            columns[first][i] = party
    return replace(batch, columns={**batch.columns, **columns})
