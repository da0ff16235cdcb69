"""What happens to a chunk before its rows are understood: rows chosen, own exports recognised, places drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from app.ingest.layer import Extent, Layer, LayerSource, Totals, take
from app.ingest.own_export import Marks, OwnExport, restore
from app.ingest.passed import find_annotations, find_totals, kinds_of, passed_notes, without
from app.ingest.points import PlaceColumns, draw
from app.ingest.rejects import unmend
from app.ingest.spool import finite_bounds, join_extents
from app.ingest.where import Where

OWN_CRS = "EPSG:4490"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chunk ready to be understood: `skipped` rows were not asked for, or are no features; `marks` are those of our
    own export. Of the skipped rows `totals` are the numbers of rows of totals, `writing` counts annotations by kind.
    """

    layer: Layer
    marks: Marks | None
    skipped: int
    totals: tuple[int, ...] = ()
    writing: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preparation:
    """How the chunks of one layer are prepared: `where` chooses rows, `own` names our own columns, `places` draws.

    `quoted` files (CSV, XLSX) guard cells that look like formulas. `mended` is a file of refused rows, imported again.
    `drawing`: annotations are passed over.
    """

    where: Where | None = None
    own: OwnExport | None = None
    quoted: bool = False
    places: PlaceColumns | None = None
    mended: bool = False
    drawing: bool = False

    def apply(self, layer: Layer) -> Prepared:
        """One chunk, prepared."""
        count, marks = len(layer.rows), None
        if self.mended:
            layer = unmend(layer, guarded=self.quoted)
        if self.where is not None:
            mask = self.where.mask(layer.columns, count)
            layer = take(layer, np.flatnonzero(mask).tolist()) if not mask.all() else layer
        writing = find_annotations(layer) if self.drawing else []
        kinds, layer = kinds_of(layer, writing), without(layer, writing)
        if self.own is not None:
            layer, marks = restore(layer, self.own, quoted=self.quoted)
        totals: tuple[int, ...] = ()
        if self.places is not None and not layer.spatial:
            found = find_totals(layer, self.places.columns) if self.own is None else []
            totals = tuple(layer.rows[i] for i in found)
            layer = draw(without(layer, found), self.places)
        return Prepared(layer, marks, count - len(layer.rows), totals, kinds)

    def source(self, given: LayerSource) -> LayerSource:
        """The layer as it is after the preparation, to be looked through before it is loaded."""

        def chunks() -> Iterator[Layer]:
            return (self.apply(chunk).layer for chunk in given.chunks())

        totals: list[int] = []
        writing: Counter[str] = Counter()
        headings: dict[str, None] = {}
        bounds: Extent | None = None
        # Tables have no place for a CRS: ours hold longitudes and latitudes in CGCS2000.
        crs = given.crs or (OWN_CRS if self.own is not None and self.places is not None else None)
        notes = dict.fromkeys(given.notes)
        for prepared in map(self.apply, given.chunks()):
            chunk = prepared.layer
            totals.extend(prepared.totals)
            writing.update(prepared.writing)
            notes |= dict.fromkeys(chunk.notes)
            headings |= dict.fromkeys(chunk.columns)
            bounds = join_extents(bounds, finite_bounds(chunk.geometry))
            crs = crs or chunk.crs
        drawn = given.spatial or self.places is not None
        told = Totals(given.count, (*notes, *passed_notes(totals, writing)), bounds)
        return replace(
            given, headings=tuple(headings), spatial=drawn, chunks=chunks, crs=crs, noted=told.notes,
            totals=lambda: told,
        )  # fmt: skip
