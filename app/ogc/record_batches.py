"""Rows of a stream as Arrow record batches, and these as an Arrow IPC stream or a GeoParquet file, block by block."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

import orjson

from app.inventory.copy_arrow import RowBlock, arrays
from app.inventory.streams import StreamColumn
from app.lazy import lazy_module

pa = lazy_module("pyarrow")
parquet = lazy_module("pyarrow.parquet")

GEOMETRY = "geometry"
#: Rows of a group of a Parquet file at most: a reader takes it up whole.
GROUP_ROWS = 20_000
_TYPES = {"integer": "int64", "number": "float64", "boolean": "bool_", "date": "date32"}


def schema(columns: Sequence[StreamColumn], crs: dict[str, Any]) -> Any:
    """The columns with their titles, and the shapes as WKB in the system `crs` (PROJJSON), as GeoArrow calls them.

    https://geoarrow.org/extension-types: `geoarrow.wkb`.
    """
    fields = [pa.field(column.name, _type(column), metadata=_title(column)) for column in columns]
    shape = {
        "ARROW:extension:name": "geoarrow.wkb",
        "ARROW:extension:metadata": orjson.dumps({"crs": crs, "crs_type": "projjson"}).decode(),
    }
    return pa.schema([*fields, pa.field(GEOMETRY, pa.binary(), metadata=shape)])


def _type(column: StreamColumn) -> Any:
    if column.type == "datetime":
        return pa.timestamp("us", "UTC")
    return getattr(pa, _TYPES.get(column.type, "string"))()


def _title(column: StreamColumn) -> dict[str, str] | None:
    return {"title": column.title} if column.title else None


def batches(blocks: Iterable[RowBlock], columns: Sequence[StreamColumn], kind: Any) -> Iterator[Any]:
    """Blocks of `streams.table_blocks` as record batches of the schema `kind`."""
    kinds = [*(column.type for column in columns), GEOMETRY]
    for block in blocks:
        yield pa.RecordBatch.from_arrays(arrays(block, kinds, kind.types), schema=kind)


class _Taken(io.RawIOBase):
    """A file that gives away what was written to it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self._size += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._size

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def arrow_stream(found: Iterable[Any], kind: Any) -> Generator[bytes, None, None]:
    """An Arrow IPC stream of the batches (https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format)."""
    sink = _Taken()
    with pa.ipc.new_stream(sink, kind) as writer:
        for batch in found:
            writer.write_batch(batch)
            yield sink.take()
    yield sink.take()


def geo_member(geometry_type: str, crs: dict[str, Any]) -> dict[str, Any]:
    """The member `geo` of a GeoParquet 1.1 file (https://geoparquet.org/releases/v1.1.0/)."""
    kinds = [] if geometry_type in {"Geometry", "Unknown"} else [geometry_type]
    column = {"encoding": "WKB", "geometry_types": kinds, "crs": crs}
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}


def parquet_file(found: Iterable[Any], kind: Any, geo: dict[str, Any]) -> Generator[bytes, None, None]:
    """A GeoParquet file of the batches, `geo` its member of that name, in groups of rows."""
    sink = _Taken()
    whole = kind.with_metadata({"geo": orjson.dumps(geo).decode()})
    with parquet.ParquetWriter(sink, whole, compression="zstd", compression_level=1) as writer:
        yield sink.take()
        for group in _groups(found):
            writer.write_table(pa.Table.from_batches(group).cast(whole), row_group_size=GROUP_ROWS)
            yield sink.take()
    yield sink.take()


def _groups(found: Iterable[Any]) -> Iterator[list[Any]]:
    group: list[Any] = []
    for batch in found:
        group.append(batch)
        if sum(len(item) for item in group) >= GROUP_ROWS:
            yield group
            group = []
    if group:
        yield group
