"""Exported files as other programs read them: the rows of a layer by code, without a line of the product."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet
import pyogrio

KML = {"k": "http://www.opengis.net/kml/2.2"}


def read_rows(path: Path, layer: str) -> dict[str, dict[str, Any]]:
    """Code → column → value, as the format's own types have it; a quoted code without its apostrophe."""
    rows = _READERS[path.name.split(".", 1)[1]](path, layer)
    return {str(row["code"]).removeprefix("'"): row for row in rows}


def inner(path: Path) -> str:
    """The file as GDAL opens it, within its zip."""
    if path.name.endswith(".gdb.zip"):
        return f"/vsizip/{path}/city.gdb"
    return f"/vsizip/{path}" if path.suffix == ".zip" else str(path)


def _gdal(path: Path, layer: str) -> list[dict[str, Any]]:
    meta, _, _, arrays = pyogrio.raw.read(inner(path), layer=layer, datetime_as_string=True)
    return [dict(zip(meta["fields"], row, strict=True)) for row in zip(*arrays, strict=True)]


def _json(path: Path, _layer: str) -> list[dict[str, Any]]:
    return [feature["properties"] for feature in json.loads(path.read_text("utf-8"))["features"]]


def _sequence(path: Path, _layer: str) -> list[dict[str, Any]]:
    texts = path.read_bytes().split(b"\x1e")[1:]
    return [json.loads(text)["properties"] for text in texts]


def _csv(path: Path, _layer: str) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _parquet(path: Path, _layer: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
    return found


def _xlsx(path: Path, layer: str) -> list[dict[str, Any]]:
    book = openpyxl.load_workbook(path)
    lines = book["about"].iter_rows(values_only=True)
    names = {line[1]: line[2] for line in lines if line[0] == layer and line[2]}
    head, *rows = book[layer].iter_rows(values_only=True)
    return [dict(zip([names.get(name, name) for name in head], row, strict=True)) for row in rows]


def _kml(path: Path, _layer: str) -> list[dict[str, Any]]:
    marks = ET.parse(path).getroot().iterfind(".//k:Placemark", KML)
    return [
        {item.get("name", ""): item.text for item in mark.iterfind(".//k:SimpleData", KML)} for mark in marks
    ]


_READERS = {
    "gpkg": _gdal, "gdb.zip": _gdal, "shp.zip": _gdal, "fgb": _gdal, "geojson": _json, "geojsons": _sequence,
    "csv": _csv, "parquet": _parquet, "xlsx": _xlsx, "kml": _kml,
}  # fmt: skip
