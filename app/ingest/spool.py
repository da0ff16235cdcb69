"""What the reading process hands to the importer: layers as Arrow files in a folder, and a manifest of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import count, pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from app.errors import UnreadableFile
from app.ingest.layer import CHUNK_ROWS, Extent, Layer, LayerSource, Totals
from app.ingest.plain_files import read_plain
from app.ingest.spool_values import CODING, JSON_CODING, from_array, to_array
from app.lazy import lazy_module
from app.parallel import ahead
from app.validation.values import apart, storable

#: Slow to start, and not needed by most commands.
pa = lazy_module("pyarrow")

MANIFEST = "manifest.json"
#: What is said of the one layer of a file while it is still read.
COMING = "coming.json"
MAX_MANIFEST_BYTES = 64 * 1024**2
MAX_CHUNK_BYTES = 4 * 1024**3
#: A chunk ends where its shapes have so many vertices, before it has CHUNK_ROWS rows.
CHUNK_VERTICES = 4_000_000
#: Key of the schema's metadata: headings, and the points whose coordinates WKB cannot tell from an empty point.
ABOUT = b"chengtu"
DAMAGED = "the geometry is damaged"
#: A name that nothing bears.
NEVER = "never"
#: pyarrow has no types of its own.
RecordBatch: TypeAlias = Any
Wait: TypeAlias = Callable[[Path], bool]


@dataclass(slots=True)
class _Head:
    """What holds for all of a layer, gathered chunk by chunk."""

    name: str
    crs: str | None
    spatial: bool
    base: str
    count: int = 0
    extent: Extent | None = None
    skipped: str | None = None
    encoding: str | None = None
    headings: dict[str, None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    bounds: Extent | None = None
    chunks: list[int] = field(default_factory=list)

    def takes(self, layer: Layer) -> bool:
        """Whether `layer` is the next chunk of this layer, not another one of the same name."""
        same_crs = layer.crs == self.crs or layer.crs is None or self.crs is None
        return layer.name == self.base and layer.spatial == self.spatial and same_crs

    def add(self, layer: Layer) -> None:
        self.count += len(layer.rows)
        self.crs = self.crs or layer.crs
        self.extent = self.extent or layer.extent
        self.skipped = self.skipped or layer.skipped
        self.encoding = self.encoding or layer.encoding
        self.headings |= dict.fromkeys(layer.columns)
        self.notes |= dict.fromkeys(layer.notes)
        self.bounds = join_extents(self.bounds, finite_bounds(layer.geometry))

    def source(self, chunks: Any) -> LayerSource:
        totals = Totals(self.count, tuple(self.notes), self.bounds)
        return LayerSource(
            self.name, tuple(self.headings), self.crs, self.extent, self.skipped, self.encoding, self.spatial,
            totals.notes, not self.count, chunks, lambda: totals,
        )  # fmt: skip


class _Heads:
    """Sorts layers as readers give them: consecutive ones of one name are chunks of one layer."""

    def __init__(self) -> None:
        self.heads: list[_Head] = []
        self._names: dict[str, int] = {}

    def add(self, layer: Layer) -> _Head:
        last = self.heads[-1] if self.heads else None
        if last is None or not last.takes(layer):
            times = self._names[layer.name] = self._names.get(layer.name, 0) + 1
            name = layer.name if times == 1 else f"{layer.name} ({times})"
            last = _Head(name, layer.crs, layer.spatial, layer.name)
            self.heads.append(last)
        last.add(layer)
        return last


def finite_bounds(geometry: NDArray[np.object_]) -> Extent | None:
    """West, south, east, north of all finite coordinates of shapes (n,); None where there are none."""
    places = shapely.get_coordinates(geometry)
    # A sum is finite only where all of it is: one pass in the usual case.
    if len(places) and math.isfinite(places.sum()):
        west, south, east, north = shapely.total_bounds(geometry).tolist()
        return west, south, east, north
    places = places[np.isfinite(places).all(axis=1)]
    if not len(places):
        return None
    (west, south), (east, north) = places.min(axis=0).tolist(), places.max(axis=0).tolist()
    return west, south, east, north


def join_extents(first: Extent | None, second: Extent | None) -> Extent | None:
    """The extent of both; None where both are None."""
    if first is None or second is None:
        return first or second
    return (
        min(first[0], second[0]),
        min(first[1], second[1]),
        max(first[2], second[2]),
        max(first[3], second[3]),
    )


def sources(layers: Iterable[Layer]) -> list[LayerSource]:
    """Layers as a reader gives them, kept in memory; two of one name that do not follow each other stay two."""
    heads = _Heads()
    chunks: dict[str, list[Layer]] = {}
    for layer in layers:
        head = heads.add(layer)
        if layer.rows:
            chunks.setdefault(head.name, []).append(replace(layer, name=head.name))
    return [head.source(partial(iter, chunks.get(head.name, []))) for head in heads.heads]


def write_spool(layers: Iterable[Layer], folder: Path, tell: Callable[[], None] = lambda: None) -> None:
    """Write layers as a reader gives them into `folder`; the manifest comes last, so that none means not whole.

    A layer that is alone in its file is announced as soon as its first rows are read, and `tell` called for each chunk.
    """
    heads = _Heads()
    for layer in ahead(layers):
        head = heads.add(layer)
        number = len(heads.heads) - 1
        if layer.alone and layer.rows and not head.chunks:
            _write_json(_to_json(head), folder / COMING)
        for part in _parts(layer):
            _write_chunk(part, folder / _chunk_name(number, len(head.chunks)))
            head.chunks.append(len(part.rows))
            tell()
    _write_json({"layers": [_to_json(head) for head in heads.heads]}, folder / MANIFEST)


def _write_json(value: Mapping[str, Any], path: Path) -> None:
    """Under its name the file is whole: who looks for it may be reading along."""
    with _appearing(path) as unnamed:
        unnamed.write_text(json.dumps(value), encoding="ascii")


@contextmanager
def _appearing(path: Path) -> Iterator[Path]:
    unnamed = path.with_suffix(".part")
    yield unnamed
    unnamed.rename(path)


def _chunk_name(layer: int, chunk: int) -> str:
    return f"{layer}-{chunk}.arrow"


def _parts(layer: Layer) -> Iterator[Layer]:
    """The layer in parts of at most CHUNK_ROWS rows and about CHUNK_VERTICES vertices; none where it has no rows."""
    ends = _ends(layer.geometry)
    if len(ends) == 1:
        yield layer
        return
    for start, end in pairwise([0, *ends]):
        part = slice(start, end)
        yield replace(
            layer,
            rows=layer.rows[part],
            geometry=layer.geometry[part],
            columns={name: values[part] for name, values in layer.columns.items()},
            faults={i - start: why for i, why in layer.faults.items() if start <= i < end},
        )


def _ends(geometry: NDArray[np.object_]) -> list[int]:
    """The positions at which parts end."""
    vertices = np.cumsum(shapely.get_num_coordinates(geometry))
    ends, start = [], 0
    while start < len(geometry):
        before = vertices[start - 1] if start else 0
        full = int(np.searchsorted(vertices, before + CHUNK_VERTICES, side="right"))
        start = min(max(full, start + 1), start + CHUNK_ROWS, len(geometry))
        ends.append(start)
    return ends


def _to_json(head: _Head) -> dict[str, Any]:
    return {
        "name": head.name, "count": head.count, "headings": list(head.headings), "crs": head.crs,
        "extent": head.extent, "skipped": head.skipped, "encoding": head.encoding, "notes": list(head.notes),
        "spatial": head.spatial, "bounds": head.bounds, "chunks": head.chunks,
    }  # fmt: skip


def _write_chunk(layer: Layer, path: Path) -> None:
    arrays: list[Any] = [
        pa.array(layer.rows, pa.int64()),
        pa.array(shapely.to_wkb(layer.geometry), pa.large_binary()),
        pa.array(_texts(layer.faults, len(layer.rows)), pa.large_string()),
    ]
    fields = [pa.field("row", pa.int64()), pa.field("geometry", pa.large_binary()),
              pa.field("fault", pa.large_string())]  # fmt: skip
    for number, values in enumerate(layer.columns.values()):
        array, as_json = to_array(values)
        arrays.append(array)
        fields.append(pa.field(f"c{number}", array.type, metadata=JSON_CODING if as_json else None))
    about = {"headings": list(layer.columns), "nowhere": _nowhere(layer.geometry)}
    schema = pa.schema(fields, metadata={ABOUT: json.dumps(about).encode("ascii")})
    batch = pa.record_batch(arrays, schema=schema)
    with (
        _appearing(path) as unnamed,
        pa.OSFile(str(unnamed), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        writer.write_batch(batch)


def _texts(faults: Mapping[int, str], count: int) -> list[str | None]:
    texts: list[str | None] = [None] * count
    for i, text in faults.items():
        texts[i] = text.encode("utf-8", "replace").decode()
    return texts


def _nowhere(geometry: NDArray[np.object_]) -> list[int]:
    """Positions of points whose both coordinates are NaN: WKB says so of empty points, which they are not."""
    points = np.flatnonzero((shapely.get_type_id(geometry) == 0) & ~shapely.is_empty(geometry))
    shapes = geometry[points]
    found: list[int] = points[np.isnan(shapely.get_x(shapes)) & np.isnan(shapely.get_y(shapes))].tolist()
    return found


def open_spool(folder: Path) -> list[LayerSource]:
    """The layers that `write_spool` has put into `folder`, which must stay while they are used.

    Raises:
        UnreadableFile: The folder holds no whole spool.
    """
    with _whole():
        items = _read_json(folder / MANIFEST)["layers"]
        return [_open_layer(folder, number, item) for number, item in enumerate(items)]


def open_coming(folder: Path, wait: Wait, first: Wait) -> list[LayerSource] | None:
    """The one layer of a spool that is still written; None where there are more, or it is all written.

    `wait(path)` waits until a file is there, False where it never comes since the writing has ended well; `first` does
    so for the first of them.

    Raises:
        UnreadableFile: The spool is damaged; and whatever `wait` raises.
    """
    if not first(folder / COMING):
        return None
    with _whole():
        item = _read_json(folder / COMING)
        head = _open_layer(folder, 0, item)
        names = _names(item)

    @cache
    def end() -> LayerSource:
        wait(folder / NEVER)
        found = open_spool(folder)
        if len(found) != 1 or _lasting(found[0]) != _lasting(head):
            raise _cut_short()
        return found[0]

    def chunks() -> Iterator[Layer]:
        for number in count():
            path = folder / _chunk_name(0, number)
            if not wait(path):
                break
            yield from _read_chunks(head, names, [path])
        end()

    return [
        replace(
            head, empty=False, chunks=chunks, totals=lambda: end().totals(), is_whole=(folder / MANIFEST).exists
        )
    ]  # fmt: skip


def _lasting(source: LayerSource) -> tuple[Any, ...]:
    """What must not change from the first chunk of a layer to its last."""
    return source.name, source.headings, source.crs, source.extent, source.encoding, source.spatial


@contextmanager
def _whole() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _cut_short() from error


def _read_json(path: Path) -> Any:
    return json.loads(read_plain(path, MAX_MANIFEST_BYTES))


def _cut_short() -> UnreadableFile:
    return UnreadableFile("The file was not read to its end.", "Import it once more.")


def _open_layer(folder: Path, number: int, item: Mapping[str, Any]) -> LayerSource:
    names = _names(item)
    notes = tuple(storable(str(note)) for note in item["notes"])
    totals = Totals(int(item["count"]), notes, _extent(item["bounds"]))
    source = LayerSource(
        storable(str(item["name"])), tuple(names.values()), _text(item["crs"]), _extent(item["extent"]),
        _text(item["skipped"]), _text(item["encoding"]), bool(item["spatial"]), notes, not totals.count,
        lambda: iter(()), lambda: totals,
    )  # fmt: skip
    paths = [folder / _chunk_name(number, chunk) for chunk in range(len(item["chunks"]))]
    return replace(source, chunks=partial(_read_chunks, source, names, paths))


def _names(item: Mapping[str, Any]) -> dict[str, str]:
    """Heading as the file has it → as it can be stored."""
    given = list(map(str, item["headings"]))
    return dict(zip(given, apart([storable(heading) for heading in given]), strict=True))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _extent(value: Any) -> Extent | None:
    if value is None:
        return None
    west, south, east, north = map(float, value)
    return west, south, east, north


def _read_chunks(head: LayerSource, names: Mapping[str, str], paths: list[Path]) -> Iterator[Layer]:
    for path in paths:
        try:
            file = pa.BufferReader(read_plain(path, MAX_CHUNK_BYTES))
            chunk = _read_chunk(pa.ipc.open_file(file).get_batch(0), head, names)
        except (OSError, ValueError, KeyError, TypeError, IndexError, pa.ArrowException) as error:
            raise _cut_short() from error
        yield chunk


def _read_chunk(batch: RecordBatch, head: LayerSource, names: Mapping[str, str]) -> Layer:
    """A chunk of `head`; `names` heading as the file has it → as it can be stored."""
    # What wrote it had read a stranger's file: lengths and texts are checked before they are used.
    batch.validate(full=True)
    about = json.loads((batch.schema.metadata or {})[ABOUT])
    geometry, damaged = _geometries(batch.column("geometry"), about["nowhere"])
    told = batch.column("fault")
    faults = {
        i: told[i].as_py() for i in np.flatnonzero(told.is_valid().to_numpy(zero_copy_only=False)).tolist()
    }
    columns = {
        names[str(heading)]: from_array(batch.column(f"c{i}"), as_json=_is_json(batch.schema.field(f"c{i}")))
        for i, heading in enumerate(about["headings"])
    }
    return Layer(
        head.name, batch.column("row").to_pylist(), geometry, columns, head.crs,
        dict.fromkeys(damaged, DAMAGED) | faults, head.extent, None, head.encoding, spatial=head.spatial,
    )  # fmt: skip


def _is_json(column: Any) -> bool:
    return bool(column.metadata) and CODING in column.metadata


def _geometries(column: Any, nowhere: list[int]) -> tuple[NDArray[np.object_], list[int]]:
    """Shapes (n,), and the positions of those that are there and cannot be read."""
    wkb = np.asarray(column.to_numpy(zero_copy_only=False), dtype=object)
    geometry = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)
    given = column.is_valid().to_numpy(zero_copy_only=False)
    lost: list[int] = np.flatnonzero(shapely.is_missing(geometry) & given).tolist()
    if nowhere:
        geometry[nowhere] = shapely.points(np.full((len(nowhere), 2), np.nan))
    return geometry, lost
