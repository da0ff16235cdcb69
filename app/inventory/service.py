"""Writes to the inventory: everything slow first, then the classes' locks, one change number, the rows, their history.

The caller's transaction holds it all; nothing here commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import Connection

from app.catalogue.model import Catalogue, FeatureClass
from app.errors import NotFound
from app.inventory import area_store, areas_job, changes, staging, timed
from app.inventory.areas import AREA_CLASSES, Areas, same_areas
from app.inventory.batch import Batch, Change, Counts, ImportSource, Period
from app.inventory.changes import data_version, get_metric_crs
from app.inventory.crosswalk import former_fields, keep_former
from app.inventory.day_service import settle_due
from app.inventory.measure import rule_fields
from app.inventory.periods import check_period, holds, today
from app.inventory.prepare import Prepared, check_batch, prepare
from app.inventory.search_index_store import index_change
from app.inventory.staging import Diff
from app.space.metric import MetricCrs, choose_metric_crs

__all__ = [
    "Batch",
    "Change",
    "Counts",
    "ImportSource",
    "data_version",
    "delete_features",
    "get_metric_crs",
    "write_batches",
]

#: Called after each class written: (rows written so far, rows in all, class id).
Progress = Callable[[int, int, str], None]
#: From so many rows written to a class at once, the planner is told at once.
MANY_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class _Plan:
    """A round of batches, one a class, ready to be written against one state of the areas."""

    rows: list[Prepared]
    areas: Areas
    areas_version: int
    moved: bool
    first: frozenset[str]


def write_batches(
    conn: Connection,
    catalogue: Catalogue,
    batches: Sequence[Batch],
    change: Change,
    progress: Progress | None = None,
) -> dict[str, Counts]:
    """Upsert batches by code within the caller's transaction; class id → counts.

    New codes are inserted; stored rows that differ move to the history and are updated; equal rows are not touched. A
    column that a batch lacks leaves what is stored. The first load of all fixes the city's metric CRS. Where areas
    change, features already stored are located anew by the areas job (`areas_job.recompute` after the commit).

    Raises:
        BadInput, BadGeometry: A batch cannot be stored as it is.
        NotFound: A batch names an unknown class.
    """
    for batch in batches:
        check_batch(catalogue.get_class(batch.class_id), batch)
    counts = {batch.class_id: Counts() for batch in batches}
    for batch in batches:
        counts[batch.class_id] += Counts(read=batch.read, rejected=len(batch.rejects))
    change_id: int | None = None
    settled: set[str] = set()
    moved = False
    for part in _rounds(batches):
        diffs, drawn, plan = _write_round(conn, catalogue, part, change, progress or _silent)
        change_id = drawn or change_id
        # What was loaded first by these areas is right, until a later round changes them.
        settled = set(plan.first) if plan.moved else settled | plan.first
        moved = moved or plan.moved
        for batch in part:
            diff = diffs[batch.class_id]
            unchanged = len(batch.codes) - diff.new - diff.changed
            counts[batch.class_id] += Counts(unchanged=unchanged, new=diff.new, changed=diff.changed)
    if moved and change_id is not None:
        areas_job.mark_pending(conn, catalogue, change_id, change.who, skip=settled)
    changes.record_import(conn, change, counts, change_id)
    return counts


def _silent(_done: int, _total: int, _class_id: str) -> None:
    """Tell nobody."""


def _rounds(batches: Sequence[Batch]) -> list[list[Batch]]:
    """Batches with rows, in rounds that hold a class once, so that a later batch sees what an earlier one wrote."""
    rounds: list[list[Batch]] = []
    for batch in batches:
        if not batch.codes:
            continue
        place = sum(any(other.class_id == batch.class_id for other in part) for part in rounds)
        if place == len(rounds):
            rounds.append([])
        rounds[place].append(batch)
    return rounds


def _write_round(
    conn: Connection, catalogue: Catalogue, batches: list[Batch], change: Change, progress: Progress
) -> tuple[dict[str, Diff], int | None, _Plan]:
    crs = _fixed_crs(conn, batches, change)
    plan = _plan(conn, catalogue, batches, crs)
    written = {batch.class_id for batch in batches}
    # Areas are located by each other, so they are written one at a time.
    changes.lock_classes(conn, written | set(AREA_CLASSES) if written & set(AREA_CLASSES) else written)
    settle_due(conn, catalogue, written)
    if not _still_holds(conn, plan):
        # Somebody changed the areas or loaded a class first; nobody can do so again while the locks are held.
        plan = _plan(conn, catalogue, batches, crs)
    diffs = {rows.cls.id: _diff(conn, plan, rows) for rows in plan.rows}
    touched = sorted(class_id for class_id, diff in diffs.items() if diff.new or diff.changed)
    if not touched:
        return diffs, None, plan
    change_id = changes.draw_change(conn, change, touched)
    _apply(conn, plan, diffs, change, change_id, progress)
    if plan.moved:
        areas_job.relocate_areas(conn, catalogue, plan.areas, change_id)
    return diffs, change_id, plan


def _fixed_crs(conn: Connection, batches: Iterable[Batch], change: Change) -> MetricCrs:
    stored = changes.find_setting(conn, changes.METRIC_CRS)
    if stored is not None:
        return get_metric_crs(conn)
    if change.metric_crs:
        return changes.fix_metric_crs(conn, change.metric_crs)
    bounds = shapely.total_bounds(np.concatenate([batch.geometry for batch in batches]))
    chosen = choose_metric_crs(float(bounds[0] + bounds[2]) / 2, float(bounds[1] + bounds[3]) / 2)
    return changes.fix_metric_crs(conn, chosen.definition)


def _plan(conn: Connection, catalogue: Catalogue, batches: list[Batch], crs: MetricCrs) -> _Plan:
    """Everything slow: measure and locate all rows, and stage those of classes that already hold some."""
    version = changes.areas_version(conn)
    before = area_store.read_areas(conn)
    areas = area_store.with_batches(before, batches)
    classes = [catalogue.classes[batch.class_id] for batch in batches]
    first = frozenset(cls.id for cls in classes if staging.is_empty(conn, cls))
    rows = [_prepare(conn, catalogue, batch, areas, crs, first) for batch in batches]
    for item in rows:
        if item.cls.id not in first:
            staging.stage(conn, item)
    return _Plan(rows, areas, version, not same_areas(before, areas), first)


def _prepare(
    conn: Connection, catalogue: Catalogue, batch: Batch, areas: Areas, crs: MetricCrs, first: frozenset[str]
) -> Prepared:
    cls = catalogue.get_class(batch.class_id)
    kept = sorted((rule_fields(cls) - batch.columns.keys()) | former_fields(cls, batch.columns))
    stored = {}
    if kept and cls.id not in first:
        stored = staging.find_stored(conn, cls, kept, batch.codes)
        batch = replace(batch, columns=keep_former(batch.columns, stored))
    return prepare(cls, batch, stored, areas, crs)


def _still_holds(conn: Connection, plan: _Plan) -> bool:
    empty = all(staging.is_empty(conn, rows.cls) for rows in plan.rows if rows.cls.id in plan.first)
    return empty and changes.areas_version(conn) == plan.areas_version


def _diff(conn: Connection, plan: _Plan, rows: Prepared) -> Diff:
    if rows.cls.id in plan.first:
        return Diff(new=len(rows), changed=0)
    return timed.compare(conn, rows) if rows.timed else staging.compare(conn, rows)


def _apply(
    conn: Connection, plan: _Plan, diffs: dict[str, Diff], change: Change, change_id: int, progress: Progress
) -> None:
    total, done = sum(len(rows) for rows in plan.rows), 0
    for rows in plan.rows:
        if rows.cls.id in plan.first:
            _load_first(conn, rows, change_id, change.import_id)
        elif rows.timed:
            timed.apply(conn, rows, change_id, change.import_id)
        else:
            staging.apply(conn, rows, diffs[rows.cls.id], change_id, change.import_id)
        if diffs[rows.cls.id].new + diffs[rows.cls.id].changed >= MANY_ROWS:
            staging.analyze(conn, rows.cls)
        index_change(conn, rows.cls, change_id)
        done += len(rows)
        progress(done, total, rows.cls.id)


def _load_first(conn: Connection, rows: Prepared, change_id: int, import_id: UUID | None) -> None:
    """Copy the rows that hold today; those of other times find the ids of their codes there."""
    if rows.valid is None:
        staging.load_first(conn, rows, change_id, import_id)
        return
    now = np.array([holds(period, today()) for period in rows.valid], dtype=bool)
    staging.load_first(conn, rows.take(np.flatnonzero(now).tolist()), change_id, import_id)
    rest = rows.take(np.flatnonzero(~now).tolist())
    if len(rest):
        staging.stage(conn, rest)
        timed.compare(conn, rest)
        timed.apply(conn, rest, change_id, import_id)


def delete_features(
    conn: Connection,
    catalogue: Catalogue,
    class_id: str,
    codes: Sequence[str],
    change: Change,
    period: Period = (None, None),
) -> int:
    """Say that features were not there for a time, by default never; the number of them.

    What was recorded stays in the history, and what is believed of other days stays: a feature that ends on a day is
    deleted from that day on.

    Raises:
        NotFound: The class or one of the codes does not exist; nothing is deleted.
    """
    cls = catalogue.get_class(class_id)
    check_period(f"{class_id} deleted", period)
    areal = cls.id in AREA_CLASSES
    changes.lock_classes(conn, AREA_CLASSES if areal else [cls.id])
    settle_due(conn, catalogue, [cls.id])
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
