"""Writes to the inventory: everything slow first, then the classes' locks, one change number, the rows, their history.

The caller's transaction holds it all; nothing here commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import shapely
from sqlalchemy import Connection

from app.catalogue.model import Catalogue, FeatureClass
from app.errors import NotFound
from app.inventory import area_store, areas_job, changes, staging
from app.inventory.areas import AREA_CLASSES
from app.inventory.batch import Batch, Change, Counts, ImportSource, Period
from app.inventory.changes import data_version, get_metric_crs
from app.inventory.copier import Copier
from app.inventory.day_service import settle_due
from app.inventory.periods import check_period
from app.inventory.prepare import check_batch
from app.inventory.rounds import MANY_ROWS, Check, Progress, Round
from app.inventory.search_index_store import index_change
from app.space.metric import MetricCrs, choose_metric_crs, metric_crs

__all__ = [
    "MANY_ROWS",
    "Batch",
    "Change",
    "Check",
    "Counts",
    "ImportSource",
    "data_version",
    "delete_features",
    "get_metric_crs",
    "write_batches",
]


def write_batches(
    conn: Connection,
    catalogue: Catalogue,
    batches: Iterable[Batch],
    change: Change,
    progress: Progress | None = None,
    check: Check | None = None,
) -> dict[str, Counts]:
    """Upsert batches by code within the caller's transaction; class id → counts.

    New codes are inserted; stored rows that differ move to the history and are updated; equal rows are not touched. A
    column that a batch lacks leaves what is stored. The first load of all fixes the city's metric CRS. Where areas
    change, features already stored are located anew by the areas job (`areas_job.recompute` after the commit).

    Batches are taken one by one and not kept: those of one class without a time are chunks of one batch, each code in
    one of them; what one chunk lacks and another one has is empty in its rows. A chunk is copied while
    `batches` makes the next one; where that asks something on `conn`, it waits for the copy. Batches with times are
    held whole, and each sees what those before it wrote.

    `check` is called once, when the locks are held and nothing is written yet: it raises what speaks against the write.

    Raises:
        BadInput, BadGeometry: A batch cannot be stored as it is.
        NotFound: A batch names an unknown class.
    """
    counts: dict[str, Counts] = {}
    rounds = _Rounds(conn, catalogue, change, progress or _silent, check or _agree)
    with rounds.copier:
        centre = _Centre(conn, change, batches)
        for batch in batches:
            check_batch(catalogue.get_class(batch.class_id), batch)
            read = Counts(read=batch.read, rejected=len(batch.rejects))
            counts[batch.class_id] = counts.get(batch.class_id, Counts()) + read
            if batch.codes:
                rounds.add(batch, centre)
        rounds.close()
    for class_id, written in rounds.counts.items():
        counts[class_id] += written
    if rounds.moved and rounds.change_id is not None:
        areas_job.mark_pending(conn, catalogue, rounds.change_id, change.who, skip=rounds.settled)
    changes.record_import(conn, change, counts, rounds.change_id)
    return counts


def _agree() -> None:
    """Nothing speaks against it."""


def _silent(_done: int, _total: int, _class_id: str) -> None:
    """Tell nobody."""


class _Centre:
    """Where the data lies, for the metric CRS of a city whose first load this is."""

    def __init__(self, conn: Connection, change: Change, batches: Iterable[Batch]) -> None:
        self._conn = conn
        self._change = change
        self._all = batches if isinstance(batches, Sequence) else ()
        self._crs: MetricCrs | None = None

    def crs(self, batch: Batch) -> MetricCrs:
        """The metric CRS: the stored one, the setting's, else by the middle of a list's batches, a stream's first."""
        if self._crs is None:
            self._crs = self._fix(batch)
        return self._crs

    def _fix(self, batch: Batch) -> MetricCrs:
        definition = changes.find_setting(self._conn, changes.METRIC_CRS)
        if definition is not None:
            return metric_crs(definition)
        if self._change.metric_crs:
            return changes.fix_metric_crs(self._conn, self._change.metric_crs)
        known = [item.geometry for item in self._all] or [batch.geometry]
        west, south, east, north = shapely.total_bounds(np.concatenate(known)).tolist()
        return changes.fix_metric_crs(
            self._conn, choose_metric_crs((west + east) / 2, (south + north) / 2).definition
        )


class _Rounds:
    """Batches in rounds that hold a class once, so that a later batch with a time sees what an earlier one wrote."""

    def __init__(
        self, conn: Connection, catalogue: Catalogue, change: Change, progress: Progress, check: Check
    ) -> None:
        self.copier = Copier(conn)
        self.counts: dict[str, Counts] = {}
        self.change_id: int | None = None
        self.settled: set[str] = set()
        self.moved = False
        self._catalogue = catalogue
        self._change = change
        self._progress = progress
        self._check = check
        self._open: Round | None = None

    def add(self, batch: Batch, centre: _Centre) -> None:
        """Take a batch with rows into the open round, or write that one and open the next."""
        if self._open is not None and not self._open.takes(batch):
            self.close()
        if self._open is None:
            self.copier.wait()
            first = self.change_id is None
            self._open = Round(self.copier, self._catalogue, self._change, centre.crs(batch), first=first)
        self._open.add(batch)

    def close(self) -> None:
        """Write the open round."""
        part, self._open = self._open, None
        if part is None:
            return
        check, self._check = self._check, _agree
        self.change_id = part.write(self._progress, check) or self.change_id
        # What was loaded first by these areas is right, until a later round changes them.
        self.settled = part.settled if part.moved else self.settled | part.settled
        self.moved = self.moved or part.moved
        for class_id, written in part.counts.items():
            self.counts[class_id] = self.counts.get(class_id, Counts()) + written


def delete_features(
    conn: Connection,
    catalogue: Catalogue,
    class_id: str,
    codes: Sequence[str],
    change: Change,
    period: Period = (None, None),
    check: Check | None = None,
) -> int:
    """Say that features were not there for a time, by default never; the number of them.

    What was recorded stays in the history, and what is believed of other days stays: a feature that ends on a day is
    deleted from that day on. `check` is called when the locks are held: it raises what speaks against it.

    Raises:
        NotFound: The class or one of the codes does not exist; nothing is deleted.
    """
    cls = catalogue.get_class(class_id)
    check_period(f"{class_id} deleted", period)
    areal = cls.id in AREA_CLASSES
    # Areas are located by each other: both classes of them are locked together, as a write locks them.
    changes.lock_classes(conn, AREA_CLASSES if areal else [cls.id])
    settle_due(conn, catalogue, [cls.id])
    (check or _agree)()
    _check_stored(conn, cls, codes)
    change_id = changes.draw_change(conn, change, [cls.id])
    staging.end_rows(conn, cls, codes, change_id, period)
    index_change(conn, cls, change_id)
    if areal:
        areas_job.relocate_areas(conn, catalogue, area_store.read_areas(conn), change_id)
        areas_job.mark_pending(conn, catalogue, change_id, change.who)
    return len(set(codes))


def _check_stored(conn: Connection, cls: FeatureClass, codes: Sequence[str]) -> None:
    known = staging.believed_codes(conn, cls, codes)
    missing = [code for code in codes if code not in known]
    if missing:
        raise NotFound(
            f"There is no {cls.id} with the code '{missing[0]}'.",
            f"{len(missing)} of {len(codes)} codes are not stored; nothing was deleted.",
        )
