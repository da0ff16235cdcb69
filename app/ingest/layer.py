"""What the readers hand on: the rows of one layer, as they stand in the file, whole or in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Extent = tuple[float, float, float, float]
#: Rows of one chunk: what is held of a layer at once, however long it is. With fewer of them each step of an import
#: begins sooner and ends sooner after the one before it, with more each statement is worth its while.
CHUNK_ROWS = 20_000
#: Columns by which a file tells that this program wrote it.
MARKS = frozenset({"area_path", "change_id"})


@dataclass(frozen=True, slots=True)
class Ask:
    """What the importer says of how to read a file: its encoding, and one layer of several."""

    encoding: str | None = None
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """Rows of one layer before anything is understood; a reader gives a long layer as several of the same name.

    `rows` (n,) row numbers in the file; `geometry` (n,) shapely geometries in `crs` or None; `columns` heading → n raw
    values; `crs` as the file names it, None where it names none; `faults` position → why its geometry cannot be read;
    `skipped` says why the whole layer is left out (then it has no rows). `encoding` is that of its text, `notes` say
    how CRS and encoding were found and what was left behind ("M values were dropped"), each once a layer. `spatial` is
    False for a table without a geometry column: its places may stand in its columns. `alone`: the file has this layer
    only, and its chunks that follow have the same headings, CRS, extent and encoding.
    """

    name: str
    rows: list[int]
    geometry: NDArray[np.object_]
    columns: dict[str, list[Any]]
    crs: str | None
    faults: dict[int, str] = field(default_factory=dict)
    extent: Extent | None = None
    skipped: str | None = None
    encoding: str | None = None
    notes: tuple[str, ...] = ()
    spatial: bool = True
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Totals:
    """What is known of a layer once its last row is read: see `LayerSource`."""

    count: int
    notes: tuple[str, ...]
    bounds: Extent | None


@dataclass(frozen=True, slots=True)
class LayerSource:
    """A layer to be gone through as often as asked: what holds for all of it, and its chunks.

    `headings` in the order of the file; `noted` what its first rows gave reason to note, which says all of where their
    places were found; `empty`: it has no rows; `chunks` gives layers of up to CHUNK_ROWS rows, each
    as soon as it is read; `totals` waits for the last of them, unless it `is_whole` by now.
    """

    name: str
    headings: tuple[str, ...]
    crs: str | None
    extent: Extent | None
    skipped: str | None
    encoding: str | None
    spatial: bool
    noted: tuple[str, ...]
    empty: bool
    chunks: Callable[[], Iterator[Layer]]
    totals: Callable[[], Totals]
    is_whole: Callable[[], bool] = field(default=lambda: True)

    @property
    def count(self) -> int:
        """The rows in all."""
        return self.totals().count

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of all chunks, each once."""
        return self.totals().notes

    @property
    def bounds(self) -> Extent | None:
        """West, south, east, north of all finite coordinates in the layer's own CRS, None where there are none."""
        return self.totals().bounds

    def columns_of(self, headings: list[str]) -> Iterator[Mapping[str, list[Any]]]:
        """The values of some headings, chunk by chunk."""
        for chunk in self.chunks():
            yield {name: chunk.columns.get(name, [None] * len(chunk.rows)) for name in headings}


def skipped_layer(name: str, reason: str) -> Layer:
    """A layer that is named in the report and not read."""
    return Layer(name, [], np.empty(0, dtype=object), {}, None, skipped=reason)


def take(layer: Layer, places: Sequence[int]) -> Layer:
    """The rows of a layer at these places."""
    kept = list(places)
    return replace(
        layer,
        rows=[layer.rows[i] for i in kept],
        geometry=layer.geometry[np.array(kept, dtype=np.int64)],
        columns={name: [values[i] for i in kept] for name, values in layer.columns.items()},
        faults={place: layer.faults[i] for place, i in enumerate(kept) if i in layer.faults},
    )


def whole(source: LayerSource) -> Layer:
    """All rows of a layer in one piece, each column with a value for every row."""
    parts = list(source.chunks())
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0, *(len(part.rows) for part in parts)]).tolist()
    columns = {
        name: [value for part in parts for value in part.columns.get(name, [None] * len(part.rows))]
        for name in source.headings
    }
    geometry = np.concatenate([part.geometry for part in parts]) if parts else np.empty(0, dtype=object)
    faults = {
        start + i: text for start, part in zip(starts, parts, strict=False) for i, text in part.faults.items()
    }
    return Layer(
        source.name, [row for part in parts for row in part.rows], geometry, columns, source.crs, faults,
        source.extent, source.skipped, source.encoding, source.notes, source.spatial,
    )  # fmt: skip
