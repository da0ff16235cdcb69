"""Every file format that is read, and the reader of each; OpenStreetMap data has its own way in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from app.ingest.files import SourceFile
from app.ingest.formats import FileFormat
from app.ingest.layer import Ask, Layer
from app.ingest.readers import (
    dbf,
    delimited,
    dxf,
    filegdb,
    flatgeobuf,
    geojson,
    geojsonseq,
    gpkg,
    gpx,
    kml,
    parquet,
    shapefile,
    xlsx,
    zipped,
)

Reader = Callable[[SourceFile, Ask], Iterator[Layer]]

_PLAIN: Mapping[FileFormat, Reader] = {
    "gpkg": gpkg.read,
    "geojson": geojson.read,
    "geojsonseq": geojsonseq.read,
    "shapefile": shapefile.read,
    "dbf": dbf.read,
    "filegdb": filegdb.read,
    "flatgeobuf": flatgeobuf.read,
    "parquet": parquet.read,
    "delimited": delimited.read,
    "xlsx": xlsx.read,
    "kml": kml.read,
    "kmz": kml.read_kmz,
    "gpx": gpx.read,
    "dxf": dxf.read,
}
READERS: Mapping[FileFormat, Reader] = {**_PLAIN, "zip": partial(zipped.read, readers=_PLAIN)}
