"""Files with defects as offices send them, made for a test: each a function that writes one file."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas
import openpyxl
import shapely

Make = Callable[[Path], None]
PLACES = [(115.86 + i / 1000, 28.68 + i / 1000) for i in range(10)]


def frame(shapes: list[object] | None = None) -> geopandas.GeoDataFrame:
    """Ten named places, or these shapes."""
    given = list(shapely.points(PLACES)) if shapes is None else shapes
    names = [f"公厕{i}" for i in range(len(given))]
    codes = [f"WC{i}" for i in range(len(given))]
    return geopandas.GeoDataFrame({"code": codes, "name_zh": names}, geometry=given, crs="EPSG:4326")


def cut(driver: str, share: float) -> Make:
    """A file of `driver` that ends too early."""

    def make(path: Path) -> None:
        frame().to_file(path, driver=driver)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])

    return make


def text(content: str, encoding: str = "utf-8") -> Make:
    return lambda path: path.write_bytes(content.encode(encoding)) and None


def raw(content: bytes) -> Make:
    return lambda path: path.write_bytes(content) and None


def shapefile_without(*suffixes: str) -> Make:
    def make(path: Path) -> None:
        frame().to_file(path, encoding="UTF-8")
        for suffix in suffixes:
            path.with_suffix(suffix).unlink()

    return make


def truncated_shapefile(path: Path) -> None:
    frame().to_file(path, encoding="UTF-8")
    whole = path.read_bytes()
    path.write_bytes(whole[:-14])


def zipped(content: Callable[[zipfile.ZipFile], None]) -> Make:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            content(archive)

    return make


def zip_in_zip(archive: zipfile.ZipFile) -> None:
    inner = Path(str(archive.filename)).with_suffix(".inner")
    with zipfile.ZipFile(inner, "w") as hidden:
        hidden.writestr("toilets.csv", "code,lon,lat\na,115.8,28.6\n")
    archive.write(inner, "inner.zip")
    inner.unlink()


def parquet(path: Path) -> None:
    frame().to_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])


def xlsx(*rows: tuple[object, ...]) -> Make:
    def make(path: Path) -> None:
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)

    return make


def gpkg_without_layers(path: Path) -> None:
    frame().to_file(path, driver="GPKG", layer="toilets")
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM gpkg_contents")
        connection.execute("DELETE FROM gpkg_geometry_columns")
    connection.close()


def gpkg_with_bad_blobs(path: Path) -> None:
    frame().to_file(path, driver="GPKG", layer="toilets")
    with sqlite3.connect(path) as connection:
        for trigger in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{trigger[0]}"')
        connection.execute("UPDATE toilets SET geom = X'00112233' WHERE fid = 2")
        connection.execute("UPDATE toilets SET geom = substr(geom, 1, 20) WHERE fid = 3")
        connection.execute("UPDATE toilets SET geom = 'text' WHERE fid = 4")
    connection.close()


def seq(*lines: object) -> Make:
    return text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")


def feature(geometry: object, **properties: object) -> dict[str, object]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def place(x: object, y: object) -> dict[str, object]:
    return {"type": "Point", "coordinates": [x, y]}


def collection(*features: object) -> Make:
    return text(json.dumps({"type": "FeatureCollection", "features": list(features)}, ensure_ascii=False))


KML = '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>{}</Document></kml>'
GPX = '<?xml version="1.0"?><gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1">{}</gpx>'
CSV = "code,name_zh,lon,lat\n"
GOOD = "".join(f"WC{i},公厕{i},{x},{y}\n" for i, (x, y) in enumerate(PLACES))

#: File → how it is made.
MADE: dict[str, Make] = {
    "half.gpkg": cut("GPKG", 0.5),
    "nearly.gpkg": cut("GPKG", 0.97),
    "blobs.gpkg": gpkg_with_bad_blobs,
    "no_layers.gpkg": gpkg_without_layers,
    "half.fgb": cut("FlatGeobuf", 0.5),
    "half.geojson": cut("GeoJSON", 0.5),
    "half.parquet": parquet,
    "no_shx.shp": shapefile_without(".shx"),
    "no_dbf.shp": shapefile_without(".dbf"),
    "no_prj_cpg.shp": shapefile_without(".prj", ".cpg"),
    "only.shp": shapefile_without(".shx", ".dbf", ".prj", ".cpg"),
    "cut.shp": truncated_shapefile,
    "zip_in_zip.zip": zipped(zip_in_zip),
    "empty.zip": zipped(lambda _: None),
    "words.zip": zipped(lambda archive: archive.writestr("readme.txt", "nothing here")),
    "headings.csv": text(CSV),
    "blank_lines.csv": text(CSV + "\n\n" + GOOD + "\n\n"),
    "binary.csv": raw(CSV.encode() + bytes(range(256)) * 20),
    "nan.csv": text(CSV + GOOD + "x,甲,NaN,28.6\ny,乙,inf,28.6\nz,丙,,28.6\n"),
    "latitude_91.csv": text(CSV + GOOD + "x,甲,115.8,91\n"),
    "swapped_row.csv": text(CSV + GOOD + "x,甲,28.6,115.8\n"),
    "words_as_numbers.csv": text(CSV + GOOD + "x,甲,东经,北纬\n"),
    "same_code.csv": text(CSV + GOOD + "WC1,甲,115.85,28.6\n"),
    "short_rows.csv": text(CSV + GOOD + "x,甲\ny,乙,115.8,28.6,more,cells\n"),
    "gbk.csv": text(CSV + GOOD, "gb18030"),
    "utf16.csv": text("\ufeff" + CSV + GOOD, "utf-16-le"),
    "semicolons.csv": text((CSV + GOOD).replace(",", ";")),
    "unclosed_quote.csv": text(CSV + GOOD + 'x,"甲,115.8,28.6\n'),
    "no_rows.xlsx": xlsx(("code", "lon", "lat")),
    "no_cells.xlsx": xlsx(),
    "bad_cells.xlsx": xlsx(("code", "lon", "lat"), ("a", 115.8, 28.6), ("b", "#REF!", 28.6), ("c", None, None)),
    "no_sheets.xlsx": zipped(lambda archive: archive.writestr("[Content_Types].xml", "<Types/>")),
    "empty.kml": text(KML.format("")),
    "bad.kml": text(KML.format("<Placemark><Point><coordinates>east,north</coordinates></Point></Placemark>")),
    "half.kml": text(KML.format("<Placemark><name>甲</name><Point>")[:-30]),
    "empty.gpx": text(GPX.format("")),
    "bad.gpx": text(GPX.format('<wpt lat="91" lon="115"/><wpt lat="28.6" lon="115.8"/><wpt lat="28.7" lon="115.8"/>')),
    "empty.dxf": text("  0\nSECTION\n  2\nENTITIES\n  0\nENDSEC\n  0\nEOF\n"),
    "half.dxf": text("  0\nSECTION\n  2\nENTITIES\n  0\nLINE\n  8\n0\n 10\n1"),
    "half_line.geojsonl": seq(feature(place(115.8, 28.6)), feature(place(115.9, 28.6)), '{"type": "Feature", "geo'),
    "no_features.geojson": collection(),
    "nulls.geojson": collection(None, 3, {}, feature(None), feature(place(115.8, 28.6), code="a")),
    "bad_coordinates.geojson": collection(
        feature(place("x", 28)), feature(place(None, 28)), feature(place(115.8, 28.6)), feature({"type": "Point"}),
        feature({"type": "Circle", "coordinates": [1, 2]}), feature(place(1e308, 28)),
    ),
    "nan.geojson": text('{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":'
                        '{"type":"Point","coordinates":[NaN,28]}},{"type":"Feature","properties":{},"geometry":'
                        '{"type":"Point","coordinates":[115.8,28.6]}}]}'),
    "not_json.geojson": text("{this is not json}"),
    "array.json": text("[1, 2, 3]"),
    "picture.shp": raw(b"\x89PNG\r\n\x1a\n" + bytes(200)),
    "drawing.dwg": raw(b"AC1032" + bytes(500)),
    "access.mdb": raw(b"\x00\x01\x00\x00Standard Jet DB\x00" + bytes(500)),
    **{f"zero.{suffix}": raw(b"") for suffix in "csv gpkg geojson shp xlsx zip parquet kml dxf".split()},
}  # fmt: skip
