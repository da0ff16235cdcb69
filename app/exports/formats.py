"""The formats that are written, by the ending of a file's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from app.errors import BadInput
from app.exports.model import SHAPEFILE_ENCODINGS, Changed, ExportData
from app.exports.zipped import write_each

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


def _by(module: str, name: str) -> Writer:
    """The function of this name of a module of this room, which is loaded when it is first called.

    Several threads of a server may call it at once: they wait for the one that loads.
    """

    def write(path: Path, data: ExportData) -> Changed:
        changed: Changed = getattr(import_module(f"app.exports.{module}"), name)(path, data)
        return changed

    return write


def _each(ending: str, form: Format) -> Format:
    """A zip of such files, one a layer."""

    def write(path: Path, data: ExportData) -> Changed:
        return write_each(path, data, ending, form.write)

    return replace(form, write=write, media_type="application/zip", single=False)


_PLAIN: Mapping[str, Format] = {
    "gpkg": Format(_by("gpkg", "write_gpkg"), "application/geopackage+sqlite3"),
    "geojson": Format(
        _by("geojson", "write_geojson"), "application/geo+json", single=True, lonlat=True, wgs84=True
    ),
    "geojsons": Format(
        _by("geojson", "write_geojson_sequence"),
        "application/geo+json-seq",
        single=True,
        lonlat=True,
        wgs84=True,
    ),
    "xlsx": Format(
        _by("xlsx", "write_xlsx"),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        lonlat=True,
    ),
    "csv": Format(_by("delimited", "write_csv"), "text/csv; charset=utf-8", single=True, lonlat=True),
    "shp.zip": Format(_by("shapefile", "write_shapefiles"), "application/zip", encodings=SHAPEFILE_ENCODINGS),
    "gdb.zip": Format(_by("filegdb", "write_filegdb"), "application/zip"),
    "fgb": Format(_by("flatgeobuf", "write_flatgeobuf"), "application/flatgeobuf", single=True),
    "parquet": Format(_by("parquet", "write_parquet"), "application/vnd.apache.parquet", single=True),
    "kml": Format(_by("kml", "write_kml"), "application/vnd.google-earth.kml+xml", lonlat=True, wgs84=True),
    "dxf": Format(_by("dxf", "write_dxf"), "image/vnd.dxf", metres=True),
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
