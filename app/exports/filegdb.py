"""Writing a zipped FileGDB through GDAL: a feature class a layer, aliases, domains, types that all ArcGIS read."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

from app.exports import arrow
from app.exports.companions import field_map, write_zip
from app.exports.gdb_domains import add_domains
from app.exports.kinds import by_kind
from app.exports.model import Changed, ExportColumn, ExportData, ExportLayer
from app.exports.ogr import arrow_title, write_layer
from app.lazy import lazy_module

pa = lazy_module("pyarrow")
#: It loads GDAL.
pyogrio = lazy_module("pyogrio")

#: Under this key GDAL takes the alias of a column from an Arrow schema.
ALIAS = "GDAL:OGR:alternative_name"

#: Bytes of a table's head; the last 8 of them are the size of the file.
GDB_HEAD = 32


def write_filegdb(path: Path, data: ExportData) -> Changed:
    """Write a zip of one FileGDB with the map of its fields. Dates become moments at 0:00, booleans 0 and 1.

    Raises:
        OSError: The file cannot be written whole.
    """
    changed: dict[str, int] = {}
    maps = {}
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=path.name) as place:
        base = Path(place) / "city.gdb"
        layers = [layer for whole in data.layers for layer in by_kind(arrow.without_nan(whole, changed))]
        for layer in layers:
            write_layer(
                base, "OpenFileGDB", layer, data.crs, kind=_kind(layer), append=base.exists(),
                layer_options={"LAYER_ALIAS": arrow_title(layer)},
            )  # fmt: skip
            maps[layer.name] = field_map(layer, {column.name: column.name for column in layer.columns})
        add_domains(base, layers)
        _check_whole(base, layers)
        write_zip(path, Path(place), data, maps)
    return changed


def _check_whole(base: Path, layers: list[ExportLayer]) -> None:
    """Count the rows that can be read: GDAL does not tell what it could not write when it closed the file.

    Raises:
        OSError: A layer holds fewer rows than were given, or a table is shorter than it says.
    """
    for table in base.glob("*.gdbtable"):
        with table.open("rb") as file:
            head = file.read(GDB_HEAD)
        if len(head) < GDB_HEAD or int.from_bytes(head[-8:], "little") != table.stat().st_size:
            raise OSError(errno.ENOSPC, f"{base.name} was not written whole")
    for layer in layers:
        found = pyogrio.raw.read(base, layer=layer.name, columns=[], read_geometry=False, return_fids=True)[1]
        if len(found) != len(layer):
            raise OSError(errno.ENOSPC, f"{layer.name} was not written whole")


def _kind(layer: ExportLayer) -> object:
    """Integers of 32 bits where all values fit: older programs take longer ones for floats."""
    largest = layer.measure()
    plain = arrow.schema(layer.columns, _alias)
    fields = [
        field.with_type(pa.int32())
        if field.type == pa.int64() and largest.get(field.name, 0) <= arrow.LONGEST
        else field
        for field in plain
    ]
    return pa.schema(fields)


def _alias(column: ExportColumn) -> dict[str, str]:
    return {ALIAS: arrow.shown(column)}
