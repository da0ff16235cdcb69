"""What GDAL reads: FileGDB, FlatGeobuf, KML, GPX and DXF, each with Chinese text, nulls and several layers."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from app.errors import UnreadableFile
from app.ingest.files import recognise
from app.ingest.layer import Ask
from app.ingest.readers.ogr import Driver, read_layers
from tests.ingest.readers.reading import read, read_one

PLACES = [shapely.Point(115.858, 28.683, 20), None, shapely.Point(115.9, 28.7, 21)]
NAMES = ["八一公园公共厕所", None, "𠮷安路公厕"]


def write(path: Path, driver: str, layer: str | None = None, shapes: Any = PLACES, **more: Any) -> Path:
    wkb = [None if shape is None else shapely.to_wkb(shape, flavor="iso") for shape in shapes]
    options = {"geometry_type": "2.5D Point", "crs": "EPSG:4490"} | more
    pyogrio.raw.write(
        str(path),
        np.array(wkb, dtype=object),
        [np.array(NAMES[: len(wkb)], dtype=object), np.arange(len(wkb), dtype=np.int32)],
        ["名称", "编号"],
        layer=layer,
        driver=driver,
        append=path.exists(),
        **options,
    )
    return path


def test_a_geodatabase_gives_every_layer_and_table(tmp_path):
    path = write(tmp_path / "城市.gdb", "OpenFileGDB", "公厕")
    write(
        path,
        "OpenFileGDB",
        "公园",
        [shapely.box(115, 28, 116, 29)],
        geometry_type="MultiPolygon",
        crs="EPSG:4548",
    )
    pyogrio.raw.write(
        str(path), None, [np.array(["甲", None], dtype=object)], ["权属"],
        layer="单位", driver="OpenFileGDB", append=True,
    )  # fmt: skip
    assert recognise(path).format == "filegdb"
    layers = {layer.name: layer for layer in read(path)}
    assert [(name, layer.spatial, layer.crs, len(layer.rows)) for name, layer in layers.items()] == [
        ("公厕", True, "EPSG:4490", 3), ("公园", True, "EPSG:4548", 1), ("单位", False, None, 2)
    ]  # fmt: skip
    assert layers["公厕"].columns["名称"] == NAMES
    assert layers["公厕"].columns["编号"] == [0, 1, 2]
    assert layers["公厕"].rows == [1, 2, 3]
    assert shapely.get_coordinates(layers["公厕"].geometry[0], include_z=True)[0] == pytest.approx(
        [115.858, 28.683, 20]
    )
    assert layers["公厕"].geometry[1] is None
    assert layers["公厕"].faults == {}
    assert [layer.name for layer in read(path, layer="公园")] == ["公园"]
    assert recognise(path).sha256() == recognise(path).sha256()


def test_a_zipped_geodatabase_is_one_dataset(tmp_path):
    path = write(tmp_path / "a.gdb", "OpenFileGDB", "公厕")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for part in path.iterdir():
            archive.write(part, f"a.gdb/{part.name}")
    layer = read_one(tmp_path / "a.zip")
    assert (layer.name, layer.columns["名称"]) == ("公厕", NAMES)


def test_flatgeobuf(tmp_path):
    path = write(tmp_path / "公厕.fgb", "FlatGeobuf", SPATIAL_INDEX="NO")
    layer = read_one(path)
    assert (layer.name, layer.crs, layer.columns["名称"]) == ("公厕", "EPSG:4490", NAMES)
    assert layer.geometry[2] == PLACES[2]
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(UnreadableFile, match="damaged") as caught:
        read(path)
    assert "chengtu" not in caught.value.message
    assert str(tmp_path) not in caught.value.message


def test_curves_are_made_straight(data_dir):
    file = recognise(data_dir / "messy" / "curvepolygon.gpkg")
    (layer,) = read_layers(file, Ask(), Driver("GPKG", ".gpkg"))
    assert layer.geometry[0].geom_type == "Polygon"
    assert (layer.faults, layer.notes) == ({}, ("curves were made of straight pieces",))


def test_a_file_that_another_driver_opens_is_refused(data_dir):
    file = recognise(data_dir / "messy" / "curvepolygon.gpkg")
    with pytest.raises(UnreadableFile, match="not what its first bytes say"):
        list(read_layers(file, Ask(), Driver("FlatGeobuf", ".gpkg")))


KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document>
<Schema name="s" id="s"><SimpleField name="面积" type="double"/></Schema>
<Folder><name>公厕</name>
<Placemark id="p1"><name>八一公园</name><description>东门 &amp; 西门</description>
<ExtendedData><Data name="等级"><value>一类</value></Data><Data name="空"><value/></Data></ExtendedData>
<Point><coordinates>115.858,28.683,20</coordinates></Point></Placemark>
<Placemark><name>没有位置</name></Placemark>
</Folder>
<Folder><name>公园</name>
<Placemark><name>人民公园</name><ExtendedData><SchemaData schemaUrl="#s"><SimpleData name="面积">1.5</SimpleData>
</SchemaData></ExtendedData><Polygon><outerBoundaryIs><LinearRing><coordinates>115,28 116,28 116,29 115,28</coordinates>
</LinearRing></outerBoundaryIs></Polygon></Placemark>
<Placemark><name>环路</name><LinearRing><coordinates>115,28 116,28 116,29 115,28</coordinates></LinearRing></Placemark>
</Folder></Document></kml>"""


def check_kml(layers: list[Any]) -> None:
    toilets, parks = layers
    assert (toilets.name, toilets.crs, toilets.rows) == ("公厕", "EPSG:4326", [1, 2])
    assert toilets.columns["name"] == ["八一公园", "没有位置"]
    assert toilets.columns["等级"] == ["一类", None]
    assert toilets.columns["description"] == ["东门 & 西门", None]
    assert not {"tessellate", "extrude", "visibility", "drawOrder", "icon", "begin"} & set(toilets.columns)
    assert toilets.geometry[0] == shapely.Point(115.858, 28.683, 20)
    assert toilets.geometry[1] is None
    assert toilets.faults == {}
    assert parks.columns["面积"] == ["1.5", None]
    assert [shape.geom_type for shape in parks.geometry] == ["Polygon", "LineString"]


def test_kml_keeps_folders_and_extended_data(tmp_path):
    (tmp_path / "a.txt").write_text(KML, encoding="utf-8")
    check_kml(read(tmp_path / "a.txt"))


def test_kmz(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.kmz", "w") as archive:
        archive.writestr("doc.kml", KML)
        archive.writestr("files/icon.png", b"\x89PNG")
    assert recognise(tmp_path / "a.kmz").format == "kmz"
    check_kml(read(tmp_path / "a.kmz"))
    with zipfile.ZipFile(tmp_path / "b.kmz", "w") as archive:
        archive.writestr("files/icon.png", b"\x89PNG")
    with pytest.raises(UnreadableFile, match="holds no KML"):
        read(tmp_path / "b.kmz")


@pytest.mark.parametrize("declared", ["GBK", "gb2312", "GB18030", "UTF-16", "UTF-8"])
def test_xml_in_the_encodings_in_which_chinese_is_written(tmp_path, declared):
    # A program that names GB 2312 writes rarer characters all the same; one that names UTF-8 may write GBK.
    codec = {"UTF-8": "gbk", "UTF-16": "utf-16"}.get(declared, "gb18030")
    for name, text in (("a.kml", KML), ("a.gpx", GPX)):
        content = text.replace('encoding="UTF-8"', f'encoding="{declared}"').encode(codec)
        (tmp_path / name).write_bytes(content)
    check_kml(read(tmp_path / "a.kml"))
    assert read(tmp_path / "a.gpx")[0].columns["name"] == ["垃圾桶", None]


def test_damaged_utf8_is_not_read_as_something_else(tmp_path):
    (tmp_path / "a.kml").write_bytes(
        KML.encode().replace("八一公园".encode(), "八一公".encode() + b"\xe5\x9b", 1)
    )
    with pytest.raises(UnreadableFile, match="is not in utf-8"):
        read(tmp_path / "a.kml")


OPEN_RING = (
    "<Polygon><outerBoundaryIs><LinearRing><coordinates>0,0 1,0 1,1 0,1</coordinates></LinearRing>"
    "</outerBoundaryIs></Polygon>"
)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ("<Point><coordinates>115,x</coordinates></Point>", "a coordinate is not a number ('x')"),
        ("<Point><coordinates>115</coordinates></Point>", "fewer than 2 coordinates"),
        ("<Point/>", "the geometry has no coordinates"),
        ("<LineString><coordinates>115,28</coordinates></LineString>", "fewer than 2 positions"),
        ("<Polygon/>", "the polygon has no outer ring"),
        ("<MultiGeometry/>", "the geometry has no parts"),
        (OPEN_RING, "ring 1 is not closed"),
    ],
)  # fmt: skip
def test_a_bad_placemark_costs_only_its_row(tmp_path, shape, reason):
    good = "<Placemark><Point><coordinates> 115 , 28 </coordinates></Point></Placemark>"
    text = f"<kml><Document><NetworkLink/><Placemark>{shape}</Placemark>{good}</Document></kml>"
    (tmp_path / "a.kml").write_text(text)
    layer = read_one(tmp_path / "a.kml")
    assert list(layer.faults) == [0]
    assert reason in layer.faults[0]
    assert layer.geometry[1] == shapely.Point(115, 28)
    assert layer.notes == ("1 links to other files were left out",)


def test_parts_tracks_and_nested_folders(tmp_path):
    places = "".join(f"<Point><coordinates>{place}</coordinates></Point>" for place in ("1,2", "3,4"))
    points = f"<MultiGeometry>{places}</MultiGeometry>"
    track = "<gx:Track><when>2026-01-01</when><gx:coord>1 2 3</gx:coord><gx:coord>4 5 6</gx:coord></gx:Track>"
    text = (
        "<kml xmlns:gx='x'><Document><name>城市.kml</name><Folder><name>东湖区</name><Folder><name>公厕</name>"
        f"<Placemark>{points}</Placemark><Placemark>{track}<TimeStamp><when>2026</when></TimeStamp></Placemark>"
        "</Folder></Folder><Placemark/></Document></kml>"
    )
    (tmp_path / "a.kml").write_text(text, encoding="utf-8")
    nested, plain = read(tmp_path / "a.kml")
    assert (nested.name, nested.columns) == (
        "公厕",
        {"folder": ["东湖区/公厕"] * 2, "timestamp": [None, "2026"]},
    )
    assert nested.geometry[0] == shapely.MultiPoint([(1, 2), (3, 4)])
    assert nested.geometry[1] == shapely.LineString([(1, 2, 3), (4, 5, 6)])
    assert (plain.name, len(plain.rows)) == ("城市", 1)


def test_kml_that_is_damaged_or_has_a_document_type(tmp_path):
    (tmp_path / "a.kml").write_text(KML[:900], encoding="utf-8")
    with pytest.raises(UnreadableFile, match="damaged: line"):
        read(tmp_path / "a.kml")
    bomb = KML.replace("<kml ", '<!DOCTYPE kml [<!ENTITY a "b">]>\n<kml ', 1)
    (tmp_path / "b.kml").write_text(bomb, encoding="utf-8")
    with pytest.raises(UnreadableFile, match="document type"):
        read(tmp_path / "b.kml")


def test_kml_files_from_outside(data_dir):
    ring = read_one(data_dir / "messy" / "linear_ring.kml")
    assert ring.geometry[0].geom_type == "LineString"
    assert ring.geometry[0].is_closed
    assert ring.columns["name"] == ["AOI"]
    null = read_one(data_dir / "messy" / "null_geometry.kml")
    assert (null.columns["name"], null.geometry[0], null.faults) == (["Simple placemark"], None, {})
    albania = read_one(data_dir / "messy" / "Albania.kmz")
    assert len(albania.rows) == 63
    assert albania.columns["name"][0] == "KE-839"
    assert shapely.has_z(albania.geometry).all()


GPX = """<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1">
<wpt lat="28.683" lon="115.858"><ele>20.5</ele><name>垃圾桶</name></wpt>
<wpt lat="28.7" lon="115.9"/>
<trk><name>清扫路线</name><trkseg><trkpt lat="28" lon="115"/><trkpt lat="28.1" lon="115.1"/></trkseg></trk>
</gpx>"""


def test_gpx_gives_the_layers_that_have_rows(tmp_path):
    (tmp_path / "a.gpx").write_text(GPX, encoding="utf-8")
    points, tracks = read(tmp_path / "a.gpx")
    assert (points.name, points.rows, points.crs) == ("waypoints", [1, 2], "EPSG:4326")
    assert points.columns == {"ele": [20.5, None], "name": ["垃圾桶", None]}
    assert points.geometry[0] == shapely.Point(115.858, 28.683)
    assert (tracks.name, tracks.columns["name"]) == ("tracks", ["清扫路线"])
    assert tracks.geometry[0].geom_type == "MultiLineString"
    empty = GPX[: GPX.index("<wpt")] + "</gpx>"
    (tmp_path / "b.gpx").write_text(empty, encoding="utf-8")
    with pytest.raises(UnreadableFile, match="holds no"):
        read(tmp_path / "b.gpx")


def dxf(*entities: list[tuple[int, Any]], page: str = "ANSI_936", version: str = "AC1015") -> str:
    pairs = [
        (0, "SECTION"), (2, "HEADER"), (9, "$ACADVER"), (1, version), (9, "$DWGCODEPAGE"), (3, page), (0, "ENDSEC"),
        (0, "SECTION"), (2, "BLOCKS"), (0, "BLOCK"), (8, "0"), (2, "LAMP"), (70, 0), (10, 0), (20, 0),
        (0, "LINE"), (8, "灯杆"), (10, 0), (20, 0), (11, 1), (21, 0), (0, "ENDBLK"), (0, "ENDSEC"),
        (0, "SECTION"), (2, "ENTITIES"), *(pair for entity in entities for pair in entity), (0, "ENDSEC"), (0, "EOF"),
    ]  # fmt: skip
    return "".join(f"{code:>3}\n{value}\n" for code, value in pairs)


def polyline(closed: int, layer: str = "绿地") -> list[tuple[int, Any]]:
    corners = [(0, 0), (10, 0), (10, 10)]
    places = [pair for x, y in corners for pair in ((10, x), (20, y))]
    return [
        (0, "LWPOLYLINE"), (5, "1A"), (100, "AcDbEntity"), (8, layer), (100, "AcDbPolyline"), (90, 3), (70, closed),
        *places,
    ]  # fmt: skip


TEXT = [
    (0, "TEXT"),
    (5, "1B"),
    (100, "AcDbEntity"),
    (8, "注记"),
    (100, "AcDbText"),
    (10, 5),
    (20, 5),
    (40, 1),
    (1, "雨水井"),
]
INSERT = [
    (0, "INSERT"),
    (5, "1C"),
    (100, "AcDbEntity"),
    (8, "灯杆"),
    (100, "AcDbBlockReference"),
    (2, "LAMP"),
    (10, 7),
    (20, 7),
]
CIRCLE = [
    (0, "CIRCLE"),
    (5, "1D"),
    (100, "AcDbEntity"),
    (8, "井"),
    (100, "AcDbCircle"),
    (10, 3),
    (20, 3),
    (40, 1),
]


@pytest.mark.parametrize(
    ("page", "version", "codec"), [("ANSI_936", "AC1015", "gbk"), ("ANSI_936", "AC1024", "utf-8")]
)
def test_dxf(tmp_path, page, version, codec):
    text = dxf(polyline(1), polyline(0), TEXT, INSERT, CIRCLE, page=page, version=version)
    (tmp_path / "图.dxf").write_bytes(text.encode(codec))
    assert recognise(tmp_path / "图.dxf").format == "dxf"
    layer = read_one(tmp_path / "图.dxf")
    assert layer.columns["Layer"] == ["绿地", "绿地", "注记", "灯杆", "井"]
    assert layer.columns["Text"][2] == "雨水井"
    assert layer.columns["Entity"][:3] == ["Polyline", "Polyline", "Text"]
    assert [shape.geom_type for shape in layer.geometry][:3] == ["Polygon", "LineString", "Point"]
    assert (layer.crs, layer.rows, layer.name) == (None, [1, 2, 3, 4, 5], "图")
    assert layer.geometry[3].bounds == (7, 7, 8, 7)
