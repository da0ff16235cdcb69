"""An export of ours that comes back edited: only what was edited is written, and what was changed here is a conflict.

Three versions of a row are compared: as it was exported (`base`), as it is now (`stored`), as the file has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from app.catalogue.model import FeatureClass
from app.database.transactions import Connection
from app.ingest.layer import Layer
from app.ingest.own_export import Marks
from app.ingest.sameness import Same, same_objects, same_shapes, same_values
from app.inventory.batch import Batch, Period, Reject
from app.inventory.known_versions import Versions, find_believed, find_written
from app.validation.values import plain

OnConflict: TypeAlias = Literal["refuse", "file", "stored"]
GEOMETRY, EXTRA, VALID = "geometry", "extra", "valid"
CHANGED, DELETED = "changed here since the export", "deleted here since the export"
HINT = "Export the class again and edit that, or choose with --on-conflict: file or stored."
SHOWN_CHARACTERS = 200
OPEN: Period = (None, None)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What is to be written of a batch.

    `batch` holds new and edited rows alone, unedited fields as they are stored; conflicts that are refused are among
    its rejects. `kept` are its rows' positions in the batch that was given; `unchanged` rows were left as they are
    stored, `deleted` of them are no longer stored. `ended` are features with days that their row gave up.
    """

    batch: Batch
    kept: list[int]
    unchanged: int
    deleted: int
    conflicts: list[dict[str, Any]]
    ended: list[tuple[str, Period]]


def fill_geometry(conn: Connection, cls: FeatureClass, layer: Layer, marks: Marks) -> Layer:
    """The chunk with the exported shapes where its rows have none: a spreadsheet's cell cannot hold every shape."""
    bare = np.flatnonzero(shapely.is_missing(layer.geometry) | shapely.is_empty(layer.geometry)).tolist()
    rows = [i for i in bare if marks.change_ids[i] is not None and i not in layer.faults]
    if not rows or "code" not in layer.columns:
        return layer
    codes = [str(plain(layer.columns["code"][i])) for i in rows]
    found = find_written(conn, cls, codes, [marks.change_ids[i] for i in rows], [OPEN] * len(rows))
    geometry = layer.geometry.copy()
    geometry[rows] = found.geometry
    return replace(layer, geometry=geometry)


def reconcile(
    conn: Connection,
    cls: FeatureClass,
    batch: Batch,
    rows: Sequence[int | str],
    marks: Marks,
    on_conflict: OnConflict = "refuse",
) -> Reconciled:
    """Compare the rows of an own export with what was exported and what is stored, within the write's transaction.

    `rows` (n) are the numbers and `marks` those of the batch's rows (n). A row equal to what was exported stays as it
    is stored, whatever happened here meanwhile. One that differs, of a feature that is as it was, is written: only what
    differs is taken from the file. Where the feature changed here too, it is a conflict, which is rejected (`refuse`),
    decided field by field for what was edited (`file`), or left (`stored`). A row without a change number is new; where
    its code is stored it is compared with that. Columns that the file lacks and derived ones stay as they are.
    """
    told = batch.valid or [OPEN] * len(batch.codes)
    base = find_written(conn, cls, batch.codes, marks.change_ids, told)
    stored = _find_stored(conn, cls, batch.codes, base, told)
    return _Rows(cls, batch, rows, marks, base, stored).settle(on_conflict)


def _find_stored(
    conn: Connection, cls: FeatureClass, codes: Sequence[str], base: Versions, told: Sequence[Period]
) -> Versions:
    """What is believed now of the days of each row: mostly the very version that was exported."""
    others = [i for i, believed in enumerate(base.believed) if not believed]
    days = [told[i] if base.change_id[i] is None else base.valid[i] for i in others]
    found = find_believed(conn, cls, [codes[i] for i in others], days) if others else None
    return base if found is None else base.with_rows(others, found)


class _Rows:
    """The rows of a batch beside their versions."""

    def __init__(
        self,
        cls: FeatureClass,
        batch: Batch,
        rows: Sequence[int | str],
        marks: Marks,
        base: Versions,
        stored: Versions,
    ) -> None:
        self._cls, self._batch, self._rows, self._marks = cls, batch, rows, marks
        self._stored = stored
        self._base = _or(base, stored)
        self._edited = self._find_edited()
        self._any = _any(self._edited, len(rows))
        self._untouched = np.array(
            [a == b for a, b in zip(base.change_id, stored.change_id, strict=True)], dtype=bool
        ) & np.array([a == b for a, b in zip(base.valid, stored.valid, strict=True)], dtype=bool)

    def settle(self, on_conflict: OnConflict) -> Reconciled:
        known = np.array([number is not None for number in self._base.change_id], dtype=bool)
        gone = known & np.array([number is None for number in self._stored.change_id], dtype=bool)
        clashing = self._find_clashing(known & ~gone)
        agreed = self._find_agreed(clashing)
        conflict = (gone & self._any) | (clashing & ~agreed)
        write = (~known | self._any) & ~agreed & (~conflict | (on_conflict == "file"))
        kept = np.flatnonzero(write).tolist()
        conflicts = [
            self._told(i, on_conflict, gone=bool(gone[i])) for i in np.flatnonzero(conflict).tolist()
        ]
        refused = self._rejects(conflicts, np.flatnonzero(conflict)) if on_conflict == "refuse" else []
        return Reconciled(
            self._merged(kept, refused),
            kept,
            len(self._rows) - len(kept) - len(refused),
            int((gone & ~conflict).sum()),
            conflicts,
            [cut for i in kept if known[i] for cut in self._ended(i)],
        )

    def _find_edited(self) -> dict[str, Same]:
        """Column → whether the file says something else than was exported (n)."""
        batch, base = self._batch, self._base
        types = {field.name: field.type for field in self._cls.fields}
        edited = {
            name: ~same_values(types[name], batch.columns[name], base.columns[name])
            for name in sorted(self._marks.given & batch.columns.keys())
        }
        edited[GEOMETRY] = ~same_shapes(batch.geometry, base.geometry)
        edited[EXTRA] = ~same_objects([self._extra(i) for i in range(len(batch.codes))], base.extra)
        if batch.valid is not None:
            pairs = zip(batch.valid, base.valid, strict=True)
            edited[VALID] = np.array([told not in (OPEN, held) for told, held in pairs], dtype=bool)
        return edited

    def _extra(self, i: int) -> dict[str, Any] | None:
        """Other attributes as the row tells them; where the file has no column of them it only adds some."""
        told = self._batch.extra[i]
        if self._marks.has_extra:
            return told
        return {**(self._base.extra[i] or {}), **told} if told else self._base.extra[i]

    def _find_clashing(self, both: Same) -> Same:
        """Rows that were edited in the file and whose feature says something else here than it did."""
        clashing: Same = both & self._any & ~self._untouched
        for i in np.flatnonzero(clashing).tolist():
            clashing[i] = bool(self._changed_here(i))
        return clashing

    def _changed_here(self, i: int) -> list[str]:
        base, stored = self._base, self._stored
        names = [name for name, values in base.columns.items() if values[i] != stored.columns[name][i]]
        if not shapely.equals_identical(base.geometry[i], stored.geometry[i]):
            names.append(GEOMETRY)
        return (
            names
            + [EXTRA] * (base.extra[i] != stored.extra[i])
            + [VALID] * (base.valid[i] != stored.valid[i])
        )

    def _find_agreed(self, clashing: Same) -> Same:
        """Of these rows those whose every edit was made here too."""
        agreed = np.zeros(len(clashing), dtype=bool)
        for i in np.flatnonzero(clashing).tolist():
            agreed[i] = all(self._is_stored(name, i) for name, mask in self._edited.items() if mask[i])
        return agreed

    def _is_stored(self, name: str, i: int) -> bool:
        if name == GEOMETRY:
            return bool(same_shapes(self._batch.geometry[[i]], self._stored.geometry[[i]])[0])
        if name in (EXTRA, VALID):
            return bool(self._file(name, i) == _value_of(self._stored, name, i))
        kind = self._cls.get_field(name).type
        return bool(same_values(kind, [self._batch.columns[name][i]], [self._stored.columns[name][i]])[0])

    def _file(self, name: str, i: int) -> Any:
        """What the row says of a column; as exported where the file lacks it."""
        if name == GEOMETRY:
            return self._batch.geometry[i]
        if name == EXTRA:
            return self._extra(i)
        if name == VALID:
            return self._batch.valid[i] if self._batch.valid else self._base.valid[i]
        return self._batch.columns[name][i] if name in self._edited else self._base.columns[name][i]

    def _told(self, i: int, on_conflict: OnConflict, *, gone: bool) -> dict[str, Any]:
        """The conflict of a row: each field that was edited there or changed here, with its three values."""
        here = [] if gone else self._changed_here(i)
        names = [
            name for name in (*self._edited, *self._base.columns) if name in here or self._is_edited(name, i)
        ]
        fields = [
            {
                "field": name,
                "base": _shown(_value_of(self._base, name, i)),
                "file": _shown(self._file(name, i)),
                "stored": None if gone else _shown(_value_of(self._stored, name, i)),
            }
            for name in dict.fromkeys(names)
        ]
        return {
            "class": self._cls.id, "row": self._rows[i], "code": self._batch.codes[i],
            "reason": DELETED if gone else CHANGED, "change_id": self._base.change_id[i],
            "stored_change": self._stored.change_id[i], "taken": None if on_conflict == "refuse" else on_conflict,
            "fields": fields,
        }  # fmt: skip

    def _is_edited(self, name: str, i: int) -> bool:
        return name in self._edited and bool(self._edited[name][i])

    def _rejects(self, conflicts: list[dict[str, Any]], places: NDArray[np.intp]) -> list[Reject]:
        rejects = []
        for conflict, i in zip(conflicts, places.tolist(), strict=True):
            edited = next(item for item in conflict["fields"] if self._is_edited(item["field"], i))
            here = "" if conflict["reason"] == DELETED else f" (here: {edited['stored']})"
            value = None if edited["file"] is None else str(edited["file"])
            rejects.append(Reject(self._rows[i], edited["field"], value, f"{conflict['reason']}{here}", HINT))
        return rejects

    def _merged(self, kept: list[int], refused: list[Reject]) -> Batch:
        batch, stored = self._batch, _or(self._stored, self._base)
        columns = {name: [self._value(name, i, stored) for i in kept] for name in batch.columns}
        geometry = batch.geometry[kept]
        same = [
            k for k, i in enumerate(kept) if stored.change_id[i] is not None and not self._edited[GEOMETRY][i]
        ]
        geometry[same] = stored.geometry[[kept[k] for k in same]]
        extra = [self._extra_of(i, stored) for i in kept]
        return Batch(
            batch.class_id,
            [batch.codes[i] for i in kept],
            geometry,
            columns,
            extra,
            [*batch.rejects, *refused],
            frozenset(batch.codes[i] for i in kept if self._is_incomplete(i, stored)),
            self._periods(kept, stored),
        )

    def _value(self, name: str, i: int, stored: Versions) -> Any:
        told = self._batch.columns[name][i]
        return told if stored.change_id[i] is None or self._is_edited(name, i) else stored.columns[name][i]

    def _extra_of(self, i: int, stored: Versions) -> dict[str, Any] | None:
        if stored.change_id[i] is None:
            return self._batch.extra[i]
        if not self._edited[EXTRA][i]:
            return stored.extra[i]
        told = self._batch.extra[i]
        # An emptied cell is an empty object: it says that nothing is left, None would say nothing.
        return told or {} if self._marks.has_extra else {**(stored.extra[i] or {}), **(told or {})}

    def _is_incomplete(self, i: int, stored: Versions) -> bool:
        known = stored.change_id[i] is not None
        return stored.incomplete[i] if known else self._batch.codes[i] in self._batch.incomplete

    def _periods(self, kept: list[int], stored: Versions) -> list[Period] | None:
        """The days of each row: those it names, else those of the version it tells of."""
        if self._batch.valid is None:
            return None
        periods = []
        for i in kept:
            told = self._batch.valid[i]
            periods.append(stored.valid[i] if told == OPEN and stored.change_id[i] is not None else told)
        return periods if any(period != OPEN for period in periods) else None

    def _ended(self, i: int) -> list[tuple[str, Period]]:
        """The days at either end that the row had and gave up."""
        if not self._is_edited(VALID, i):
            return []
        (start, end), (first, last) = self._file(VALID, i), self._base.valid[i]
        code, cuts = self._batch.codes[i], []
        if start is not None and (first is None or first < start):
            cuts.append((code, (first, start)))
        if end is not None and (last is None or end < last):
            cuts.append((code, (end, last)))
        return cuts


def _any(masks: Mapping[str, Same], count: int) -> Same:
    every = np.zeros(count, dtype=bool)
    for mask in masks.values():
        every |= mask
    return every


def _value_of(version: Versions, name: str, i: int) -> Any:
    if name == GEOMETRY:
        return version.geometry[i]
    if name == EXTRA:
        return version.extra[i]
    return version.valid[i] if name == VALID else version.columns[name][i]


def _or(first: Versions, second: Versions) -> Versions:
    """The first versions, and the second ones of rows that have none."""
    lacking = [i for i, number in enumerate(first.change_id) if number is None]
    return first.with_rows(lacking, second.take(lacking)) if lacking else first


def _shown(value: Any) -> Any:
    """A value for the report: plain, short, a geometry as WKT with the digits of a centimetre."""
    if isinstance(value, shapely.Geometry):
        value = shapely.to_wkt(value, rounding_precision=7)
    if isinstance(value, tuple):
        return [_shown(day) for day in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and len(value) > SHOWN_CHARACTERS:
        return f"{value[:SHOWN_CHARACTERS]}…"
    return value
