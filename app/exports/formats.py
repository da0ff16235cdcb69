"""The formats that are written, by the ending of a file's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from app.errors import BadInput
from app.exports.delimited import write_csv
from app.exports.geojson import write_geojson
from app.exports.gpkg import write_gpkg
from app.exports.model import Changed, ExportData
from app.exports.ogr import write_flatgeobuf, write_shapefiles
from app.exports.xlsx import write_xlsx
from app.lazy import lazy_module

#: They load pyarrow, which most commands do not need.
filegdb = lazy_module("app.exports.filegdb")
parquet = lazy_module("app.exports.parquet")

Writer: TypeAlias = Callable[[Path, ExportData], Changed]


@dataclass(frozen=True, slots=True)
class Format:
    """`single` holds one layer only; `lonlat` has its places in lon/lat (CRS84), whatever CRS is asked for."""

    write: Writer
    media_type: str
    single: bool = False
    lonlat: bool = False


def _write_filegdb(path: Path, data: ExportData) -> Changed:
    changed: Changed = filegdb.write_filegdb(path, data)
    return changed


def _write_parquet(path: Path, data: ExportData) -> Changed:
    changed: Changed = parquet.write_parquet(path, data)
    return changed


FORMATS: Mapping[str, Format] = {
    "gpkg": Format(write_gpkg, "application/geopackage+sqlite3"),
    "geojson": Format(write_geojson, "application/geo+json", single=True, lonlat=True),
    "xlsx": Format(
        write_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", lonlat=True
    ),
    "csv": Format(write_csv, "text/csv; charset=utf-8", single=True, lonlat=True),
    "shp.zip": Format(write_shapefiles, "application/zip"),
    "gdb.zip": Format(_write_filegdb, "application/zip"),
    "fgb": Format(write_flatgeobuf, "application/flatgeobuf", single=True),
    "parquet": Format(_write_parquet, "application/vnd.apache.parquet", single=True),
}


def find_ending(name: str) -> str:
    """The ending of a file's name that says its format, `gpkg` or `shp.zip`; BadInput for others."""
    lower = name.lower()
    found = next((ending for ending in FORMATS if lower.endswith(f".{ending}")), None)
    if found is None:
        suffix = Path(name).suffix
        hint = f"Formats written now: {', '.join(f'.{ending}' for ending in FORMATS)}."
        raise BadInput(f"'{suffix or name}' is no format that is written.", hint)
    return found
