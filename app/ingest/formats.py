"""What a file is by its first bytes: the formats that are read, and the name and the way out of those that are not."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

FileFormat = Literal[
    "osm", "gpkg", "geojson", "geojsonseq", "shapefile", "dbf", "filegdb", "flatgeobuf", "parquet", "delimited",
    "xlsx", "kml", "kmz", "gpx", "dxf", "zip",
]  # fmt: skip
READABLE = (
    "Files that are read: Shapefile, GeoPackage, FileGDB, GeoJSON, GeoJSONSeq, FlatGeobuf, GeoParquet, CSV/TSV, XLSX, "
    "KML/KMZ, GPX, DXF, OpenStreetMap (.osm.pbf, .osm), and a zip of these. QGIS and ogr2ogr save others as GeoPackage."
)
#: Names that say that a file is meant as data to be read.
SUFFIXES = (
    ".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2", ".gpkg", ".geojson", ".json", ".geojsonl", ".geojsons",
    ".ndjson", ".jsonl", ".shp", ".dbf", ".gdb", ".fgb", ".parquet", ".geoparquet", ".csv", ".tsv", ".xlsx", ".xlsm",
    ".kml", ".kmz", ".gpx", ".dxf", ".zip",
)  # fmt: skip
BINARY_DXF = b"AutoCAD Binary DXF\r\n\x1a\x00"

_EXCEL = "Open it in Excel or WPS and save it as .xlsx (or CSV in UTF-8)."
_DWG = "Save it as DXF (AutoCAD 2010/R2010) from CAD and import the .dxf."
_ACCESS = (
    "Export the personal geodatabase (.mdb) as a File Geodatabase from ArcGIS, or as GeoPackage from QGIS; "
    "export plain tables as .xlsx or CSV."
)
_MAPGIS = "Export it as Shapefile or GeoPackage from MapGIS."
_SUPERMAP = "Export its datasets as Shapefile, GeoJSON or GeoPackage from SuperMap iDesktop."
_AS_GPKG = "Save it as GeoPackage from QGIS (Export > Save features as)."
_CASS = (
    "Put a line of headings before its points (CASS writes number, code, east, north, height: "
    "点号,编码,东坐标,北坐标,高程) and save it as .csv; name the CRS with --crs."
)
_OFFICE = (
    "Save a workbook as .xlsx; export an Access database as FileGDB or GeoPackage; save a DGN drawing as DXF."
)
Other = tuple[str, str]

#: First bytes of formats that are not read, what they are called, and the way out.
OTHER_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"AC10", "a DWG drawing", _DWG),
    (b"\x00\x01\x00\x00Standard", "an Access database (personal geodatabase)", _ACCESS),
    (b"WMAP", "a MapGIS file", _MAPGIS),
    (b"\x08\x09\xfe", "a DGN drawing", "Save it as DXF from MicroStation."),
    (b"%PDF", "a PDF", "Ask for the data behind it: a PDF holds no rows."),
    (b"Rar!", "a RAR archive", "Pack the data as .zip."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Pack the data as .zip."),
    (b"II*\x00", "a TIFF picture", READABLE),
    (b"MM\x00*", "a TIFF picture", READABLE),
    (b"\x89PNG", "a picture", READABLE),
    (b"\xff\xd8\xff", "a picture", READABLE),
    (b"ARROW1", "an Arrow file", "Save it as Parquet."),
)
_OLE = b"\xd0\xcf\x11\xe0"
#: Root elements of XML that is not read.
OTHER_XML: dict[str, Other] = {
    "ogrvrtdatasource": (
        "a VRT file, which only points at other files",
        "Import the file that it points at.",
    ),
    "vrtdataset": ("a VRT file, which only points at other files", "Import the file that it points at."),
    "html": ("a web page", "Download the file itself; the link led to a page about it."),
    "osmchange": ("a file of OpenStreetMap changes", "Import the changed .osm.pbf whole."),
    "featurecollection": ("a GML file", _AS_GPKG),
    "gml": ("a GML file", _AS_GPKG),
    "qgis": ("a QGIS project or style", "Import the layers that it shows."),
    "metadata": ("a description of data", "Import the file that it describes."),
}
#: Names of other formats, asked last: of files whose bytes say nothing.
OTHER_SUFFIX: dict[str, Other] = {
    ".xls": ("an old Excel workbook (.xls)", _EXCEL), ".et": ("a WPS table", _EXCEL), ".ods": ("an ODS table", _EXCEL),
    ".xlsb": ("a binary Excel workbook (.xlsb)", _EXCEL), ".numbers": ("a Numbers table", _EXCEL),
    ".dwg": ("a DWG drawing", _DWG), ".dgn": ("a DGN drawing", "Save it as DXF from MicroStation."),
    ".mdb": ("an Access database (personal geodatabase)", _ACCESS), ".accdb": ("an Access database", _ACCESS),
    ".dat": ("a text file without headings", _CASS),
    ".wt": ("a MapGIS file", _MAPGIS), ".wl": ("a MapGIS file", _MAPGIS), ".wp": ("a MapGIS file", _MAPGIS),
    ".wat": ("a MapGIS file", _MAPGIS), ".wal": ("a MapGIS file", _MAPGIS), ".wap": ("a MapGIS file", _MAPGIS),
    ".udb": ("a SuperMap data source", _SUPERMAP), ".udbx": ("a SuperMap data source", _SUPERMAP),
    ".udd": ("a SuperMap data source", _SUPERMAP), ".sdb": ("a SuperMap data source", _SUPERMAP),
    ".sdd": ("a SuperMap data source", _SUPERMAP), ".smwu": ("a SuperMap workspace", _SUPERMAP),
    ".tab": ("a MapInfo table", _AS_GPKG), ".mif": ("a MapInfo file", _AS_GPKG), ".gml": ("a GML file", _AS_GPKG),
    ".vrt": ("a VRT file, which only points at other files", "Import the file that it points at."),
    ".e00": ("an ArcInfo export", _AS_GPKG), ".inp": ("an EPANET model", "Export its links and nodes as GeoPackage."),
    ".doc": ("a Word document", READABLE), ".docx": ("a Word document", READABLE),
    ".txt": ("a text without columns", READABLE), ".csv": ("a text without columns", READABLE),
    ".tsv": ("a text without columns", READABLE),
    ".dbf": ("a damaged dBase table, or one of a kind that is not known", "Save it as .xlsx or CSV."),
    ".shx": ("the index of a Shapefile whose .shp is missing", "Import the .shp with its .shx, .dbf and .prj."),
}  # fmt: skip
_NO_ZIP = ("not a zip archive, though its name says so", "Download or pack it again.")
OTHER_SUFFIX |= dict.fromkeys((".zip", ".kmz", ".xlsx"), _NO_ZIP)
UNKNOWN: Other = ("of an unknown format", READABLE)

_PROLOG = re.compile(r"\s*(<\?.*?\?>|<!--.*?-->)", re.DOTALL)
_ROOT = re.compile(r"\s*<(?:[\w.-]+:)?([\w.-]+)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x19\x1b\x1c\x1d\x1f]")
_DXF = re.compile(r"\A(\s*999\r?\n[^\n]*\n)*\s*0\r?\n\s*SECTION\b")
_CASS_POINT = re.compile(r"[^,]*,[^,]*,\s*-?\d+(\.\d+)?\s*,\s*-?\d+(\.\d+)?\s*,\s*-?\d*(\.\d+)?\s*")
_DELIMITERS = ",\t;|"
#: Lines that tell whether a text is a table.
TABLE_LINES = 20


def decode_head(head: bytes) -> str:
    """The first bytes as text; what is not text of UTF-8 or UTF-16 has replacement characters."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace")
    even, odd = head[0:2_000:2].count(0), head[1:2_000:2].count(0)
    if max(even, odd) > len(head[:2_000]) // 8 and not min(even, odd):
        return head.decode("utf-16-le" if odd else "utf-16-be", "replace")
    return head.decode("utf-8-sig", "replace")


def xml_root(text: str) -> str | None:
    """The name of the root element in lower case without its prefix; `!doctype` where a DTD comes before it."""
    at = 0
    while found := _PROLOG.match(text, at):
        at = found.end()
    if re.match(r"\s*<!doctype\s+html", text[at:], re.IGNORECASE):
        return "html"
    if re.match(r"\s*<!", text[at:]):
        return "!doctype"
    root = _ROOT.match(text, at)
    return root[1].lower() if root else None


def is_dxf(text: str) -> bool:
    """Whether the text begins as a DXF drawing does: comments (999), then `0`, `SECTION`."""
    return _DXF.match(text) is not None


def is_text(text: str) -> bool:
    """Whether the text has none of the characters that no text has."""
    return bool(text) and not _CONTROL.search(text)


def is_cass(text: str) -> bool:
    """Whether every line is a point of CASS: number, code, east, north, height, without headings."""
    lines = _lines(text)
    return bool(lines) and all(_CASS_POINT.fullmatch(line) for line in lines)


def is_table(text: str) -> bool:
    """Whether the first lines have the same delimiter about the same number of times."""
    lines = _lines(text)
    return len(lines) > 1 and any(_is_even([line.count(sign) for line in lines]) for sign in _DELIMITERS)


def _is_even(counts: list[int]) -> bool:
    number, times = Counter(counts).most_common(1)[0]
    return number > 0 and counts[0] > 0 and times >= 0.7 * len(counts)


def _lines(text: str) -> list[str]:
    """The first lines that are not blank; the last one of what was read may be cut off and is left out."""
    lines = text.splitlines()
    whole = lines[:-1] if len(text) > 60_000 and len(lines) > 1 else lines
    return [line for line in whole if line.strip()][:TABLE_LINES]


def name_other(suffix: str, head: bytes, text: str) -> Other:
    """What a file that is not read is called, and the way out."""
    for magic, name, hint in OTHER_MAGIC:
        if head.startswith(magic):
            return name, hint
    start = text[:400].lstrip("\ufeff \t\r\n").lower()
    if head.startswith(_OLE):
        if b"E\0n\0c\0r\0y\0p\0t\0e\0d" in head:
            return "locked by a password", "Save it without one."
        return OTHER_SUFFIX.get(suffix, ("an old Office, Access or DGN file", _OFFICE))
    if start.startswith("!table"):
        return OTHER_SUFFIX[".tab"]
    if re.match(r"version\s+\d+\s+charset", start):
        return OTHER_SUFFIX[".mif"]
    return OTHER_SUFFIX.get(suffix, UNKNOWN)
