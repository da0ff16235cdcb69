"""The formats that are written, by the ending of a file's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from app.errors import BadInput
from app.exports.delimited import write_csv
from app.exports.dxf import write_dxf
from app.exports.flatgeobuf import write_flatgeobuf
from app.exports.geojson import write_geojson, write_geojson_sequence
from app.exports.gpkg import write_gpkg
from app.exports.kml import write_kml
from app.exports.model import Changed, ExportData
from app.exports.shapefile import ENCODINGS, write_shapefiles
from app.exports.xlsx import write_xlsx
from app.exports.zipped import write_each
from app.lazy import lazy_module

#: They load pyarrow, which most commands do not need.
filegdb = lazy_module("app.exports.filegdb")
parquet = lazy_module("app.exports.parquet")

Writer: TypeAlias = Callable[[Path, ExportData], Changed]


@dataclass(frozen=True, slots=True)
class Format:
    """`single` holds one layer only; `lonlat` has its places in lon/lat, `wgs84` says so by itself; `metres` has none.

    `encodings` are those in which its texts may be written, the first of them unless another one is asked for.
    """

    write: Writer
    media_type: str
    single: bool = False
    lonlat: bool = False
    wgs84: bool = False
    metres: bool = False
    encodings: Sequence[str] = ("UTF-8",)


def _write_filegdb(path: Path, data: ExportData) -> Changed:
    changed: Changed = filegdb.write_filegdb(path, data)
    return changed


def _write_parquet(path: Path, data: ExportData) -> Changed:
    changed: Changed = parquet.write_parquet(path, data)
    return changed


def _each(ending: str, form: Format) -> Format:
    """A zip of such files, one a layer."""

    def write(path: Path, data: ExportData) -> Changed:
        return write_each(path, data, ending, form.write)

    return replace(form, write=write, media_type="application/zip", single=False)


_PLAIN: Mapping[str, Format] = {
    "gpkg": Format(write_gpkg, "application/geopackage+sqlite3"),
    "geojson": Format(write_geojson, "application/geo+json", single=True, lonlat=True, wgs84=True),
    "geojsons": Format(
        write_geojson_sequence, "application/geo+json-seq", single=True, lonlat=True, wgs84=True
    ),
    "xlsx": Format(
        write_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", lonlat=True
    ),
    "csv": Format(write_csv, "text/csv; charset=utf-8", single=True, lonlat=True),
    "shp.zip": Format(write_shapefiles, "application/zip", encodings=ENCODINGS),
    "gdb.zip": Format(_write_filegdb, "application/zip"),
    "fgb": Format(write_flatgeobuf, "application/flatgeobuf", single=True),
    "parquet": Format(_write_parquet, "application/vnd.apache.parquet", single=True),
    "kml": Format(write_kml, "application/vnd.google-earth.kml+xml", lonlat=True, wgs84=True),
    "dxf": Format(write_dxf, "image/vnd.dxf", metres=True),
}

#: Formats of one layer hold several as a zip of them.
FORMATS: Mapping[str, Format] = {
    **_PLAIN,
    **{f"{ending}.zip": _each(ending, _PLAIN[ending]) for ending in ("csv", "geojson", "fgb", "parquet")},
}


def find_ending(name: str) -> str:
    """The ending of a file's name that says its format, `gpkg` or `shp.zip`; BadInput for others."""
    lower = name.lower()
    found = next((ending for ending in FORMATS if lower.endswith(f".{ending}")), None)
    if found is None:
        raise no_ending(Path(name).suffix or name)
    return found


def no_ending(given: str) -> BadInput:
    """The error for an ending that says no format; its hint names all that do."""
    hint = f"Formats written now: {', '.join(f'.{ending}' for ending in FORMATS)}."
    return BadInput(f"'{given}' is no format that is written.", hint)
