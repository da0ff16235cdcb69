"""A round of a write: every class at most once, everything slow first, then the locks, the numbers and the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from sqlalchemy import Connection

from app.catalogue.model import Catalogue, FeatureClass
from app.inventory import area_store, areas_job, changes, first_load, staging, timed
from app.inventory.areas import AREA_CLASSES, Areas, same_areas
from app.inventory.batch import Batch, Change, Counts
from app.inventory.copier import Copier
from app.inventory.crosswalk import former_fields, keep_former
from app.inventory.day_service import settle_due
from app.inventory.first_load import FirstLoad, Written
from app.inventory.measure import rule_fields
from app.inventory.periods import holds, today
from app.inventory.prepare import Prepared, prepare
from app.inventory.search_index_store import index_change
from app.inventory.staging import Diff
from app.inventory.upsert import Upsert
from app.space.metric import MetricCrs

#: Called after each class written: (rows written so far, rows in all, class id).
Progress = Callable[[int, int, str], None]
#: Called once under the locks, before anything is written: raises what speaks against it.
Check = Callable[[], None]
#: From so many rows written to a class at once, the planner is told at once.
MANY_ROWS = 1_000
#: From so many rows in its first chunk, an empty class is loaded into a table of its own.
FIRST_ROWS = 10_000


class Timed:
    """Rows that bear a time in the world, held whole."""

    def __init__(self, conn: Connection, catalogue: Catalogue, batch: Batch) -> None:
        self.cls = catalogue.get_class(batch.class_id)
        self.rows = len(batch.codes)
        self.first = False
        self.diff = Diff(0, 0)
        self._conn = conn
        self._batch = batch
        self._prepared: Prepared | None = None

    def plan(self, areas: Areas, crs: MetricCrs) -> None:
        """Measure and locate the rows; stage them where the class holds some already."""
        self.first = staging.is_empty(self._conn, self.cls)
        self._prepared = self._prepare(areas, crs)
        if not self.first:
            staging.stage(self._conn, self._prepared)

    def still_holds(self, _version: int) -> bool:
        """Whether a class found empty still is; asked under its lock."""
        return not self.first or staging.is_empty(self._conn, self.cls)

    def compare(self) -> None:
        """Find, under the class's lock, what the rows would do."""
        assert self._prepared is not None
        self.diff = Diff(self.rows, 0) if self.first else timed.compare(self._conn, self._prepared)

    def apply(self, number: Written) -> None:
        """Write what was found."""
        assert self._prepared is not None
        if self.first:
            _load_first(self._conn, self._prepared, number)
        else:
            timed.apply(self._conn, self._prepared, number.change_id, number.import_id)

    def _prepare(self, areas: Areas, crs: MetricCrs) -> Prepared:
        batch, cls = self._batch, self.cls
        kept = sorted((rule_fields(cls) - batch.columns.keys()) | former_fields(cls, batch.columns))
        if not kept or self.first:
            return prepare(cls, batch, {}, areas, crs)
        stored = staging.find_stored(self._conn, cls, kept, batch.codes)
        batch = replace(batch, columns=keep_former(batch.columns, stored))
        return prepare(cls, batch, stored, areas, crs)


def _load_first(conn: Connection, rows: Prepared, number: Written) -> None:
    """Copy the rows that hold today; those of other times find the ids of their codes there."""
    now = np.array([holds(period, today()) for period in rows.valid or ()], dtype=bool)
    staging.load_first(conn, rows.take(np.flatnonzero(now).tolist()), number.change_id, number.import_id)
    rest = rows.take(np.flatnonzero(~now).tolist())
    if len(rest):
        staging.stage(conn, rest)
        timed.compare(conn, rest)
        timed.apply(conn, rest, number.change_id, number.import_id)


class Round:
    """Batches of different classes that are written together; those of one class that follow are chunks of one."""

    def __init__(
        self, copier: Copier, catalogue: Catalogue, change: Change, crs: MetricCrs, *, first: bool
    ) -> None:
        """`first`: this transaction has written no areas yet."""
        self.conn = copier.conn
        self.moved = False
        self.settled: set[str] = set()
        self.counts: dict[str, Counts] = {}
        self._copier = copier
        self._catalogue = catalogue
        self._change = change
        self._crs = crs
        self._version = changes.areas_version(self.conn)
        self._before = (area_store.known_areas if first else area_store.read_areas)(self.conn)
        self._areas = self._before
        self._area_batches: list[Batch] = []
        self._loads: dict[str, FirstLoad] = {}
        self._upserts: dict[str, Upsert] = {}
        self._timed: dict[str, Timed] = {}
        self._reserved: Written | None = None

    def takes(self, batch: Batch) -> bool:
        """Whether a batch can be part of this round: it must not see what another batch of it writes."""
        known = {*self._loads, *self._upserts}
        if batch.valid is not None:
            return batch.class_id not in known | self._timed.keys()
        return batch.class_id not in self._timed

    def add(self, batch: Batch) -> None:
        """Take a checked batch with rows; nothing of an untimed one is kept in memory, unless it holds areas."""
        if batch.class_id in AREA_CLASSES:
            self._area_batches.append(batch)
        if batch.valid is not None:
            self._timed[batch.class_id] = Timed(self.conn, self._catalogue, batch)
            return
        load = self._loads.get(batch.class_id) or self._begin(batch)
        if load is not None:
            load.add(batch, self._areas, self._crs)
            return
        cls = self._catalogue.get_class(batch.class_id)
        self._upserts.setdefault(cls.id, Upsert(self._copier, cls)).add(batch)

    def _begin(self, batch: Batch) -> FirstLoad | None:
        """The load of an empty class that begins with this chunk, where it is worth a table of its own."""
        cls = self._catalogue.get_class(batch.class_id)
        if cls.id in self._upserts or cls.id in AREA_CLASSES or len(batch.codes) < FIRST_ROWS:
            return None
        self._copier.wait()
        if self._reserved is None:
            # Nobody else's number of this class can stand between: it is empty until this load takes its place.
            self._reserved = Written(changes.reserve_change(self.conn), self._change.import_id)
        load = first_load.begin(self._copier, cls, self._reserved)
        if load is not None:
            self._loads[cls.id] = load
        return load

    def write(self, progress: Progress, check: Check) -> int | None:
        """Write what was taken, unless `check` raises; the number of the change, None where there was nothing to do."""
        self._plan_slow()
        written = {*self._loads, *self._upserts, *self._timed}
        # Areas are located by each other, so they are written one at a time.
        changes.lock_classes(
            self.conn, written | set(AREA_CLASSES) if written & set(AREA_CLASSES) else written
        )
        settle_due(self.conn, self._catalogue, written)
        check()
        self._check_plans()
        self._keep_empty()
        done = _Told(progress, sum(item.rows for item in [*self._loads.values(), *self._planned()]))
        number = self._write_others(list(self._upserts.values()), done)
        return self._write_loads(done) or number

    def _planned(self) -> list[Upsert | Timed]:
        return [*self._upserts.values(), *self._timed.values()]

    def _plan_slow(self) -> None:
        """Everything that takes long, before any lock."""
        self._copier.wait()
        self._find_areas()
        for load in self._loads.values():
            load.seal()
        for item in self._planned():
            item.plan(self._areas, self._crs)

    def _find_areas(self) -> None:
        self._areas = area_store.with_batches(self._before, self._area_batches)
        self.moved = self._areas is not self._before and not same_areas(self._before, self._areas)

    def _check_plans(self) -> None:
        """Plan again what somebody else has overtaken; nobody can do so once more while the locks are held."""
        areas, found = self._versions()
        same = areas == self._version
        if not same:
            self._before = area_store.known_areas(self.conn)
            self._find_areas()
        for item in self._planned():
            if not (same and item.still_holds(found[item.cls.id])):
                item.plan(self._areas, self._crs)
        for one in self._timed.values():
            one.compare()

    def _versions(self) -> tuple[int, dict[str, int]]:
        """The version of the areas, and of each planned class."""
        planned = [item.cls for item in self._planned()]
        found = changes.data_versions(self.conn, [*sorted(AREA_CLASSES), *planned])
        count = len(AREA_CLASSES)
        return max(found[:count]), {cls.id: one for cls, one in zip(planned, found[count:], strict=True)}

    def _keep_empty(self) -> None:
        """Go on with the loads of classes that are still empty; rows of the others are compared with what is there."""
        for class_id, load in list(self._loads.items()):
            if staging.is_empty(self.conn, load.cls):
                load.index()
            else:
                self._upserts[class_id] = self._compared(self._loads.pop(class_id))

    def _compared(self, load: FirstLoad) -> Upsert:
        upsert = Upsert(self._copier, load.cls)
        upsert.take_over(load.hand_over(), load.rows)
        upsert.plan(self._areas, self._crs)
        return upsert

    def _write_loads(self, done: _Told) -> int | None:
        """Let the loaded tables take their classes' places: the last thing to do, since readers wait from then on."""
        placed = [load for load in self._loads.values() if load.finish()]
        kept = [load for load in self._loads.values() if load not in placed]
        number = None
        if placed and self._reserved is not None:
            number = self._reserved.change_id
            changes.draw_change(self.conn, self._change, sorted(load.cls.id for load in placed), number)
        for load in placed:
            if load.areas is not None and not same_areas(load.areas, self._areas):
                area_store.relocate(self.conn, load.cls, self._areas, number)
            self._tell(load.cls, load.rows, Diff(load.rows, 0), done, first=True)
        for load in kept:
            load.forget()
        return self._write_others([self._compared(load) for load in kept], done) or number

    def _write_others(self, upserts: list[Upsert], done: _Told) -> int | None:
        items: list[Upsert | Timed] = [*upserts, *self._timed.values()]
        touched = [item for item in items if item.diff.new or item.diff.changed]
        number = None
        if touched:
            number = changes.draw_change(self.conn, self._change, sorted(item.cls.id for item in touched))
        for item in items:
            if number is not None and item in touched:
                self._apply(item, number)
            self._tell(item.cls, item.rows, item.diff, done, first=item.first)
        self._timed = {}
        if self.moved and number is not None:
            areas_job.relocate_areas(self.conn, self._catalogue, self._areas, number)
        return number

    def _apply(self, item: Upsert | Timed, number: int) -> None:
        if isinstance(item, Upsert):
            item.apply(number, self._change.import_id)
        else:
            item.apply(Written(number, self._change.import_id))
        if item.diff.new + item.diff.changed >= MANY_ROWS:
            staging.analyze(self.conn, item.cls)
        index_change(self.conn, item.cls, number)

    def _tell(self, cls: FeatureClass, rows: int, diff: Diff, done: _Told, *, first: bool) -> None:
        counted = Counts(unchanged=rows - diff.new - diff.changed, new=diff.new, changed=diff.changed)
        self.counts[cls.id] = self.counts.get(cls.id, Counts()) + counted
        if first:
            self.settled.add(cls.id)
        done.add(rows, cls.id)


class _Told:
    """How many rows were written so far."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def add(self, rows: int, class_id: str) -> None:
        """Tell of a class that is written."""
        self._done += rows
        self._progress(self._done, self._total, class_id)
