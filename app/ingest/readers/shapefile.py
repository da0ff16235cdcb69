"""Shapefiles: shapes by GDAL from a private copy of their index, attributes by our own reader of dBase tables."""

from __future__ import annotations

import mmap
import struct
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import UnreadableFile
from app.ingest.files import SourceFile
from app.ingest.layer import Ask, Layer
from app.ingest.readers.dbf import Table, open_table
from app.ingest.readers.ogr import STAGED
from app.ingest.readers.select import chosen, spans
from app.ingest.readers.wkb import M_DROPPED, Shapes, shapes
from app.lazy import lazy_module

#: It loads GDAL, and pandas where that is installed: a second that most commands do not need.
pyogrio = lazy_module("pyogrio")

HEADER = 100
HINT = "Save it again as a Shapefile or GeoPackage from QGIS or ArcGIS."
NO_SHAPE = "the .shp has no shape for this row"
DAMAGED = "the shape is damaged"
MULTIPATCH = 31
SURFACE = "a multipatch (a body in space) is not read: save its footprint as polygons"
#: Measures below this mean that there is none (ESRI's description of the format, 1998).
NO_DATA = -1e38


@dataclass(frozen=True, slots=True)
class Index:
    """Where each shape stands: `offsets` (n,) and `lengths` (n,) in bytes; `own` if the .shx could be used as it is."""

    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    own: bool
    notes: tuple[str, ...]


def read(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """A Shapefile in chunks; rows are numbered from 1 in the order of the .shp, deleted ones are passed over.

    Raises:
        UnreadableFile: The .shp is damaged from its start, or the text of the .dbf is in no encoding that can be told.
    """
    name = file.path.stem
    chosen(file, ask, [name])
    index = find_shapes(file)
    table, notes = _table(file, ask)
    crs, found = _crs(file)
    count = max(len(index.offsets), table.count if table else 0)
    notes = (*found, *notes, *index.notes, *_uneven(file, index, table))
    with _staged(file, index) as source:
        for start, end in spans(count):
            yield replace(_chunk(file, source, index, table, start, end), crs=crs, notes=notes, name=name)


def _table(file: SourceFile, ask: Ask) -> tuple[Table | None, tuple[str, ...]]:
    path, cpg = file.part(".dbf"), file.part(".cpg")
    if path is None:
        return None, ("the .dbf is missing: the shapes have no attributes",)
    declared = cpg.read_bytes()[:100].decode("ascii", "replace").strip() if cpg else None
    table = open_table(path, ask.encoding, declared)
    return table, table.notes


def _crs(file: SourceFile) -> tuple[str | None, tuple[str, ...]]:
    """The WKT of the .prj (or QGIS's .qpj) as it stands, and who said so; its parameters are not repeated."""
    for suffix in (".prj", ".qpj"):
        path = file.part(suffix)
        raw = path.read_bytes()[:65_536].lstrip(b"\xef\xbb\xbf") if path else b""
        if raw.strip():
            try:
                return raw.decode("utf-8").strip(), (f"CRS: from its {suffix}",)
            except UnicodeDecodeError:
                return raw.decode("gb18030", "replace").strip(), (f"CRS: from its {suffix}",)
    return None, ("CRS: it has no .prj",)


def _uneven(file: SourceFile, index: Index, table: Table | None) -> tuple[str, ...]:
    """What the parts of the Shapefile say differently of how much there is."""
    count, size = len(index.offsets), file.path.stat().st_size
    with file.path.open("rb") as shp:
        told = struct.unpack_from(">i", shp.read(HEADER), 24)[0] * 2
    notes: tuple[str, ...] = (M_DROPPED,) if _has_m(file.path) else ()
    if told != size:
        notes += (f"the .shp says it has {told} bytes, it has {size}: all {count} shapes in it were read",)
    if table is not None and table.count != count:
        notes += (f"the .shp has {count} shapes, the .dbf {table.count} rows",)
    return notes


def _has_m(shp: Path) -> bool:
    """Whether the shapes have measures: their type may, and their range in the header is none of "no data"."""
    with shp.open("rb") as file:
        head = file.read(HEADER)
    least, most = struct.unpack_from("<2d", head, 84)
    return struct.unpack_from("<i", head, 32)[0] > 10 and bool(least or most) and least > NO_DATA


def _chunk(file: SourceFile, source: str, index: Index, table: Table | None, start: int, end: int) -> Layer:
    positions = np.arange(start, end)
    if table is not None:
        deleted = np.zeros(end - start, dtype=bool)
        known = table.deleted[start:end]
        deleted[: len(known)] = known
        positions = positions[~deleted]
    found = _shapes(file, source, index, start, end)
    local = positions - start
    faults = {new: found.faults[old] for new, old in enumerate(local.tolist()) if old in found.faults}
    columns = _attributes(table, positions) if table else {}
    return Layer(
        "", (positions + 1).tolist(), found.geometry[local], columns, None, faults,
        encoding=table.text.title if table else None, notes=found.notes,
    )  # fmt: skip


def _attributes(table: Table, positions: NDArray[np.intp]) -> dict[str, list[Any]]:
    there = positions[positions < table.count]
    missing = [None] * (len(positions) - len(there))
    return {heading: values + missing for heading, values in table.values(there).items()}


def _shapes(file: SourceFile, source: str, index: Index, start: int, end: int) -> Shapes:
    """The shapes of rows `start` to `end`; those that GDAL cannot read, or that are not there, are faults."""
    count = max(min(end, len(index.offsets)) - start, 0)
    blobs: list[bytes | None] = [None] * (end - start)
    if count:
        for fid, blob in _read_wkb(file, source, start, count):
            blobs[fid - start] = blob
    found = shapes(blobs)
    kinds = _kinds(file.path, index.offsets[start : start + count])
    faults = dict.fromkeys(range(count, end - start), NO_SHAPE)
    lost = [i for i in np.flatnonzero(kinds).tolist() if found.geometry[i] is None]
    faults |= {i: SURFACE if kinds[i] == MULTIPATCH else DAMAGED for i in lost}
    return Shapes(found.geometry, faults, found.notes)


def _read_wkb(file: SourceFile, source: str, start: int, count: int) -> Iterator[tuple[int, bytes | None]]:
    """Position and WKB of `count` shapes; those at which GDAL gives up are left out."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, fids, geometry, _ = pyogrio.raw.read(
                source, columns=[], skip_features=start, max_features=count, return_fids=True
            )
    except pyogrio.errors.FeatureError:
        half = count // 2
        if half:
            yield from _read_wkb(file, source, start, half)
            yield from _read_wkb(file, source, start + half, count - half)
    except (pyogrio.errors.DataSourceError, OSError, ValueError) as error:
        raise UnreadableFile(f"'{file.name}' is damaged: its shapes cannot be read.", HINT) from error
    else:
        yield from zip(fids.tolist(), geometry, strict=True)


def _kinds(path: Path, offsets: NDArray[np.int64]) -> NDArray[np.int32]:
    """The type of each shape as its record says; 0 is a null shape."""
    return _words(path, offsets + 8, "<i4")


def _words(path: Path, offsets: NDArray[np.int64], kind: str) -> NDArray[np.int32]:
    """The whole number of four bytes at each of the offsets."""
    raw = np.memmap(path, np.uint8, "r")
    parts = [
        raw[offsets[start:end, None] + np.arange(4)].view(kind).ravel() for start, end in spans(len(offsets))
    ]
    return np.concatenate(parts).astype(np.int32)


@contextmanager
def _staged(file: SourceFile, index: Index) -> Iterator[str]:
    """The .shp and an index under plain names in a folder of their own: nothing is written beside the user's file."""
    with tempfile.TemporaryDirectory(prefix="chengtu-") as folder:
        shp = Path(folder) / f"{STAGED}.shp"
        shp.symlink_to(file.path)
        shx = file.part(".shx")
        if index.own and shx is not None:
            shp.with_suffix(".shx").symlink_to(shx)
        else:
            shp.with_suffix(".shx").write_bytes(_index_bytes(file.path, index))
        yield str(shp)


def _index_bytes(shp: Path, index: Index) -> bytes:
    with shp.open("rb") as file:
        head = bytearray(file.read(HEADER))
    entries = np.stack([index.offsets // 2, index.lengths // 2], axis=1).astype(">i4")
    struct.pack_into(">i", head, 24, (HEADER + entries.nbytes) // 2)
    return bytes(head) + entries.tobytes()


def find_shapes(file: SourceFile) -> Index:
    """Where the shapes stand: as the .shx says if each entry leads to a shape, else found by going through the .shp.

    Raises:
        UnreadableFile: The .shp is too short to hold anything.
    """
    size = file.path.stat().st_size
    if size < HEADER:
        raise UnreadableFile(f"'{file.name}' is damaged: it ends within its header.", HINT)
    shx = file.part(".shx")
    told = _from_shx(file.path, shx, size) if shx else None
    if told is not None:
        return told
    offsets, lengths, cut = _scan(file.path, size)
    why = "the .shx does not fit the .shp" if shx else "the .shx is missing"
    notes = (f"{why}: {len(offsets)} shapes were found by going through the .shp",)
    lost = ("the .shp breaks off: what stands behind its last whole shape was not read",) if cut else ()
    return Index(offsets, lengths, False, (*notes, *lost))


def _from_shx(shp: Path, shx: Path, size: int) -> Index | None:
    """The index as the .shx has it; None unless each entry leads to a record of its length within the .shp."""
    raw = shx.read_bytes()[HEADER:]
    if len(raw) % 8:
        return None
    entries = np.frombuffer(raw, ">i4").reshape(-1, 2).astype(np.int64) * 2
    offsets, lengths = entries[:, 0], entries[:, 1]
    if not len(offsets):
        return Index(offsets, lengths, True, ()) if size < HEADER + 8 else None
    if (offsets < HEADER).any() or (lengths < 4).any() or (offsets + 8 + lengths > size).any():
        return None
    stands = _words(shp, offsets + 4, ">i4").astype(np.int64) * 2
    whole = bool((stands == lengths).all()) and int((offsets + 8 + lengths).max()) + 8 >= size
    return Index(offsets, lengths, True, ()) if whole else None


def _scan(shp: Path, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """Offsets and lengths of the records one behind another, and whether something is left that is no record."""
    offsets: list[int] = []
    lengths: list[int] = []
    with shp.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = HEADER
        while at + 12 <= size:
            length = struct.unpack_from(">i", data, at + 4)[0] * 2
            if length < 4 or at + 8 + length > size:
                break
            offsets.append(at)
            lengths.append(length)
            at += 8 + length
    return np.array(offsets, np.int64), np.array(lengths, np.int64), at < size
