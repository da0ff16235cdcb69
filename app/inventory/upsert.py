"""The write to a class that may hold rows: staged chunk by chunk, compared with these, computed where it differs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import shapely
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.inventory import staging
from app.inventory.areas import Areas
from app.inventory.batch import Batch
from app.inventory.changes import data_version, find_relocated
from app.inventory.copier import Copier
from app.inventory.copy_binary import Cells, Rows, encoded, texts
from app.inventory.crosswalk import FORMER, former_fields, keep_former
from app.inventory.measure import as_multi, measure, rule_fields
from app.inventory.prepare import derived_columns, find_areas, given_columns
from app.inventory.ragged import ragged
from app.inventory.rewrite import Cursor, temporary
from app.inventory.sifting import Codes, sift, stage_overtaken
from app.inventory.staging import Diff
from app.space.metric import MetricCrs

#: From so many rows on, a chunk is compared with what is stored before it is staged.
MANY_ROWS = 1_000


class Upsert:
    """Rows staged for a class, and what they would do there."""

    def __init__(self, copier: Copier, cls: FeatureClass) -> None:
        self.cls = cls
        self.rows = 0
        self.first = False
        self.diff = Diff(0, 0)
        self._copier = copier
        self._chunks = 0
        self._codes = Codes()
        self._sifts = False
        self._given: dict[str, None] = {}
        self._derived: list[str] = []
        self._closed = False
        self._version = 0

    def add(self, batch: Batch) -> None:
        """Stage a checked chunk; a column that it lacks and another one has is empty in its rows."""
        if not self._chunks:
            self._begin()
        whole = self._with_former(batch)
        count = len(whole.codes)
        if count < MANY_ROWS:
            self._copier.run(lambda cursor: self._stage(cursor, self._make(whole), count))
        else:
            self._copier.feed(
                lambda: self._make(whole), lambda cursor, rows: self._stage(cursor, rows, count)
            )
        self._codes.add(batch.codes)
        self._chunks += 1
        self.rows += len(batch.codes)

    def _begin(self) -> None:
        self._copier.wait()
        # Asked before the rows are: what is written in between is a later version, which is seen under the lock.
        self._version = data_version(self._conn, self.cls)
        self.first = staging.is_empty(self._conn, self.cls)
        self._sifts = not self.first
        staging.make_staging(self._conn, self.cls)

    def _make(self, batch: Batch) -> Rows:
        columns = given_columns(self.cls, batch, ragged(batch.geometry))
        self._given |= dict.fromkeys(columns)
        return encoded(columns)

    def _stage(self, cursor: Cursor, rows: Rows, count: int) -> None:
        if self._sifts and count >= MANY_ROWS:
            staged = sift(cursor, self.cls, rows, self._version)
            # Where most rows are new or changed, looking at each of them twice is in vain.
            self._sifts = staged <= count // 2
        else:
            staging.send(cursor, temporary("staging", self.cls), rows)

    def take_over(self, given: list[str], rows: int) -> None:
        """Go on with rows that are staged already, each code once."""
        self._given, self.rows = dict.fromkeys(given), rows
        self._version = data_version(self._conn, self.cls)

    def plan(self, areas: Areas, crs: MetricCrs) -> None:
        """Find what differs from what is stored, and compute the derived columns of those rows.

        Raises:
            BadInput: A code stands more than once.
        """
        self._copier.wait()
        self._close()
        version = data_version(self._conn, self.cls)
        if version != self._version:
            # Whoever wrote in between may have filled what was empty.
            self.first = False
        if version != self._version and self._chunks:
            stage_overtaken(self._conn, self.cls, list(self._given), self._codes, self._version)
        self._version = version
        self.diff = staging.compare(self._conn, self.cls, list(self._given))
        self._compute(areas, crs)

    def _close(self) -> None:
        if self._closed:
            return
        if self._chunks > 1:
            staging.close_staging(self._conn, self.cls)
            code = self._codes.find_twice(self._conn, self.cls)
            if code is not None:
                raise staging.doubled(self.cls, code)
        self._closed = True

    def still_holds(self, version: int) -> bool:
        """Whether nobody wrote to these rows since the plan was made: under its lock the class is of `version`."""
        if version == self._version:
            return True
        # Rows of a large chunk may be let go, and of those nothing is staged that could be looked up.
        few = not self.first and self.rows < MANY_ROWS
        # A day that passed moves versions without a change of their own.
        moved = few and find_relocated(self._conn, self.cls) > self._version
        return few and not moved and not staging.is_overtaken(self._conn, self.cls, self._version)

    def apply(self, change_id: int, import_id: UUID | None) -> None:
        """Write what the plan found."""
        columns = (list(self._given), self._derived)
        staging.apply(self._conn, self.cls, columns, self.diff, change_id, import_id)

    @property
    def _conn(self) -> Connection:
        return self._copier.conn

    def _with_former(self, batch: Batch) -> Batch:
        """The batch with the official ids that its own ones replace; a column of them is there in every chunk."""
        wanted = set() if self.first else former_fields(self.cls, batch.columns)
        if not wanted:
            return batch
        self._copier.wait()
        stored = staging.find_stored(self._conn, self.cls, sorted(wanted), batch.codes)
        kept = {name: stored[name] for name in FORMER}
        return replace(batch, columns=kept | keep_former(batch.columns, stored))

    def _compute(self, areas: Areas, crs: MetricCrs) -> None:
        fields = sorted(rule_fields(self.cls))
        made = False
        for rows in staging.read_differing(self._conn, self.cls, list(self._given), fields, self.diff):
            columns = self._derive(rows, fields, areas, crs)
            if not made:
                self._derived = [name for name in columns if name != "code"]
                staging.make_derived(self._conn, self.cls, self._derived)
                made = True
            staging.copy_derived(self._conn, self.cls, columns)

    def _derive(
        self, rows: list[tuple[Any, ...]], fields: list[str], areas: Areas, crs: MetricCrs
    ) -> dict[str, Cells]:
        codes, geometry, *values = zip(*rows, strict=True)
        shapes = as_multi(shapely.from_wkb(geometry))
        sizes = measure(self.cls, shapes, dict(zip(fields, values, strict=True)), crs, ragged(shapes))
        located = find_areas(self.cls, codes, shapes, areas)
        return {"code": texts(codes), **derived_columns(self.cls, sizes, located)}
