"""What goes into the inventory and what it answers: batches of rows, the change they make, and the counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

#: From this day on, until before that day; None is open.
Period: TypeAlias = tuple[date | None, date | None]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not taken: `row` is its number in the file from 1, or the source id (OSM `w123`)."""

    row: int | str
    field: str | None
    value: str | None
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one class, column by column.

    `codes` (n,) text keys, unique in the batch; `geometry` (n,) shapely geometries in EPSG:4326 lon/lat, valid,
    2-D, of the class's kind; `columns` field name → list of n Python values (None = unknown), already of the field's
    type; `extra` (n) dicts of unmatched source attributes or None. `read` counts source rows: len(codes) +
    len(rejects). `incomplete` holds codes of rows kept but not whole (none by default).

    `valid` (n) pairs of days (from, to): the row was so in the world from the first day on, until before the second;
    None is an open end. What was believed of the feature for other days stays. A code may then stand more than once,
    for days that do not overlap. Without `valid` the batch does not speak of time: what it changes is mended.
    """

    class_id: str
    codes: list[str]
    geometry: NDArray[np.object_]
    columns: dict[str, list[Any]]
    extra: list[dict[str, Any] | None]
    rejects: list[Reject] = field(default_factory=list)
    incomplete: frozenset[str] = frozenset()
    valid: list[Period] | None = None

    @property
    def read(self) -> int:
        return len(self.codes) + len(self.rejects)


@dataclass(frozen=True, slots=True)
class ImportSource:
    """The file that a change loads: kept as a row of `city.imports` under the change's `import_id`.

    `extent` is (west, south, east, north) in lon/lat as the file itself declares it, None where it declares none:
    it is the frame of the data, outside which nothing is known. `report` is the plain import report.
    """

    path: str
    format: str
    sha256: str | None = None
    crs: str | None = None
    encoding: str | None = None
    source: str | None = None
    licence: str | None = None
    attribution: str | None = None
    extent: tuple[float, float, float, float] | None = None
    report: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes the inventory and why; with `import_id` and `source` where a file is loaded.

    `metric_crs` is the setting that overrides the choice by the data's centre; it counts only at the first load.
    """

    who: str
    why: str
    import_id: UUID | None = None
    source: ImportSource | None = None
    metric_crs: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one class in a write: `read` = `loaded` + `unchanged` + `rejected`; `loaded` = `new` + `changed`.

    A row with a time of its own counts as new where its code was not known before.
    """

    read: int = 0
    rejected: int = 0
    unchanged: int = 0
    new: int = 0
    changed: int = 0

    @property
    def loaded(self) -> int:
        """Rows written: new ones and changed ones."""
        return self.new + self.changed

    def __add__(self, other: Counts) -> Counts:
        """The counts of two writes together."""
        return Counts(
            self.read + other.read,
            self.rejected + other.rejected,
            self.unchanged + other.unchanged,
            self.new + other.new,
            self.changed + other.changed,
        )

    def as_dict(self) -> dict[str, int]:
        """The counts under the names that `import --json` prints."""
        return {
            "read": self.read,
            "loaded": self.loaded,
            "rejected": self.rejected,
            "unchanged": self.unchanged,
            "new": self.new,
            "changed": self.changed,
        }
