"""Shapefiles as they come: no .cpg, no .prj, no .shx, tables that are longer or shorter than the shapes."""

from __future__ import annotations

import struct

import numpy as np
import pyogrio
import pytest
import shapely

from app.errors import UnreadableFile
from app.ingest.files import recognise
from app.ingest.readers import shapefile as reader
from app.space.transform import parse_crs
from tests.ingest.readers.reading import read, read_one
from tests.ingest.readers.shapefiles import dbf_bytes, points, shapefile, write_shapes

NAME = (b"NAME", "C", 40, 0)
TOILETS = ["八一公园公共厕所", "滕王阁景区公共厕所", "秋水广场公共厕所"]


def gbk(*texts: str) -> list[list[bytes]]:
    return [[text.encode("gb18030")] for text in texts]


def test_gbk_without_cpg_comes_out_right(tmp_path):
    layer = read_one(shapefile(tmp_path / "厕所.shp", [("名称".encode("gbk"), "C", 40, 0)], gbk(*TOILETS)))
    assert layer.columns == {"名称": TOILETS}
    assert (layer.name, layer.encoding, layer.crs, layer.rows) == ("厕所", "GB18030", None, [1, 2, 3])
    assert "encoding GB18030: not valid UTF-8, all text decodes, 100% of it to common Chinese" in layer.notes
    assert "CRS: it has no .prj" in layer.notes


@pytest.mark.parametrize(
    ("cpg", "language", "codec", "said"),
    [
        (None, 0x4D, "gbk", "language byte (0x4D)"),
        (None, 0x57, "gbk", "not valid UTF-8"),
        (None, 0x03, "gbk", "but the text is Chinese"),
        (None, 0, "utf-8", "all text fits"),
        ("UTF-8", 0, "utf-8", "its .cpg says UTF-8"),
        ("936", 0, "gbk", "its .cpg says 936"),
        ("GBK", 0x57, "gb18030", "its .cpg says GBK"),
        ("OEM 936", 0, "gbk", "its .cpg says OEM 936"),
        ("Big5", 0, "big5", "its .cpg says Big5"),
        ("UTF-8", 0, "gbk", "its .cpg says UTF-8, which 100% of its texts are not: read as GB18030"),
        ("GBK", 0, "utf-8", "its .cpg says GBK, but the text is UTF-8: read as UTF-8"),
        ("ISO-8859-1", 0, "gbk", "its .cpg says ISO-8859-1, but the text is Chinese: read as GB18030"),
        ("1252", 0x57, "gbk", "its .cpg says 1252, but the text is Chinese: read as GB18030"),
        ("nonsense", 0, "gbk", "not valid UTF-8"),
    ],
)
def test_the_encoding_that_fits_is_found_whatever_is_declared(tmp_path, cpg, language, codec, said):
    texts = {"big5": ["公園", "學校", "圖書館"], "utf-8": ["公园绿地", "街心花园"]}.get(codec, TOILETS)
    rows = [[text.encode(codec)] for text in texts]
    layer = read_one(shapefile(tmp_path / "a.shp", [NAME], rows, cpg, language=language))
    assert layer.columns["NAME"] == texts
    assert any(said in note for note in layer.notes), layer.notes


def test_western_text_is_not_taken_for_chinese(tmp_path):
    rows = [["Café des Amis".encode("cp1252")], ["Straße".encode("cp1252")]]
    assert read_one(shapefile(tmp_path / "a.shp", [NAME], rows, "1252")).columns["NAME"][0] == "Café des Amis"
    with pytest.raises(UnreadableFile, match="cannot be told") as caught:
        read(shapefile(tmp_path / "b.shp", [NAME], rows))
    assert "--encoding" in (caught.value.hint or "")
    assert read_one(tmp_path / "b.shp", encoding="cp1252").columns["NAME"][1] == "Straße"
    with pytest.raises(UnreadableFile, match="no encoding 'klingon'"):
        read(tmp_path / "b.shp", encoding="klingon")
    with pytest.raises(UnreadableFile, match="is not in UTF-8"):
        read(tmp_path / "b.shp", encoding="UTF-8")


def test_every_character_of_gb2312_and_rare_ones(tmp_path):
    common = [
        bytes([a, b]).decode("gb2312")
        for a in range(0xB0, 0xF8)
        for b in range(0xA1, 0xFF)
        if (a, b) < (0xD7, 0xFA) or a > 0xD7
    ]
    rare = [chr(code) for code in (*range(0x3400, 0x35F0), 0x20BB7, 0x2A6D6, *range(0x9FA6, 0x9FB2))]
    assert len(common) == 6763
    assert len(rare) >= 500
    texts = ["".join((common + rare)[i : i + 10]) for i in range(0, len(common) + len(rare), 10)]
    layer = read_one(shapefile(tmp_path / "a.shp", [NAME], gbk(*texts)))
    assert layer.columns["NAME"] == texts
    assert read_one(shapefile(tmp_path / "b.shp", [NAME], gbk(*texts), "GBK")).columns["NAME"] == texts


def test_text_cut_within_a_character_keeps_what_is_whole(tmp_path):
    fields = [("公共厕所名".encode()[:10], "C", 10, 0)]
    layer = read_one(
        shapefile(tmp_path / "a.shp", fields, [["公共厕所".encode()], ["公园".encode()]], "UTF-8")
    )
    assert layer.columns == {"公共厕": ["公共厕", "公园"]}
    assert any("cut within a character" in note for note in layer.notes)


def test_a_text_that_fits_nothing_costs_only_its_row(tmp_path):
    good = [f"{text}{i}" for i in range(10) for text in TOILETS]
    rows = [*gbk(*good), [b"\xff\xff\xff"]]
    layer = read_one(shapefile(tmp_path / "a.shp", [NAME], rows))
    assert layer.columns["NAME"] == [*good, b"\xff\xff\xff"]
    assert any("1 others are damaged" in note for note in layer.notes)


def test_one_damaged_text_among_ascii_costs_only_its_row(tmp_path):
    rows = [[b"Park"], [b"Caf\xe9 des Amis"], [b"Square"]]
    layer = read_one(shapefile(tmp_path / "a.shp", [NAME], rows, "UTF-8"))
    assert layer.columns["NAME"] == ["Park", b"Caf\xe9 des Amis", "Square"]
    assert "encoding UTF-8: 0 texts are, 1 others are damaged" in layer.notes


def test_numbers_dates_and_truth_are_what_they_are(tmp_path):
    fields = [
        (b"I", "N", 18, 0),
        (b"F", "N", 12, 3),
        (b"D", "D", 8, 0),
        (b"L", "L", 1, 0),
        (b"WIDE", "N", 4, 0),
    ]
    rows = [
        [b"9007199254740993", b"1.250", b"20240229", b"T", b"****"],
        [b"", b"", b"00000000", b"?", b"7"],
        [b"-3", b"1e3", b"20240231", b"n", b"x"],
    ]
    layer = read_one(shapefile(tmp_path / "a.shp", fields, rows))
    assert "1 numbers stand as *** in the .dbf: empty, or too wide for their field" in layer.notes
    assert layer.columns == {
        "I": [2**53 + 1, None, -3],
        "F": [1.25, None, 1000.0],
        "D": ["2024-02-29", None, "20240231"],
        "L": [True, None, False],
        "WIDE": [None, 7, "x"],
    }


def test_deleted_rows_are_passed_over_and_told(tmp_path):
    layer = read_one(shapefile(tmp_path / "a.shp", [NAME], gbk(*TOILETS), deleted=(1,)))
    assert layer.rows == [1, 3]
    assert layer.columns["NAME"] == [TOILETS[0], TOILETS[2]]
    assert [shape.x for shape in layer.geometry] == [500_000, 500_002]
    assert "1 rows are marked as deleted in the .dbf and were passed over" in layer.notes


def test_more_shapes_than_rows_and_the_reverse(tmp_path):
    layer = read_one(shapefile(tmp_path / "a.shp", [NAME], gbk(*TOILETS), shapes=5))
    assert layer.rows == [1, 2, 3, 4, 5]
    assert layer.columns["NAME"] == [*TOILETS, None, None]
    assert "the .shp has 5 shapes, the .dbf 3 rows" in layer.notes
    layer = read_one(shapefile(tmp_path / "b.shp", [NAME], gbk(*TOILETS), shapes=2))
    assert layer.rows == [1, 2, 3]
    assert layer.faults == {2: "the .shp has no shape for this row"}


def test_a_table_whose_header_lies_is_read_to_its_end(tmp_path):
    more = read_one(shapefile(tmp_path / "a.shp", [NAME], gbk(*TOILETS), count=9))
    assert more.columns["NAME"] == TOILETS
    assert "the .dbf says it has 9 rows, only 3 stand in it" in more.notes
    less = read_one(shapefile(tmp_path / "b.shp", [NAME], gbk(*TOILETS), count=0))
    assert less.columns["NAME"] == TOILETS


def test_missing_parts(tmp_path):
    path = shapefile(tmp_path / "a.shp", [NAME], gbk(*TOILETS))
    path.with_suffix(".shx").unlink()
    before = sorted(tmp_path.iterdir())
    layer = read_one(path)
    assert [shape.x for shape in layer.geometry] == [500_000, 500_001, 500_002]
    assert any("the .shx is missing: 3 shapes" in note for note in layer.notes)
    assert sorted(tmp_path.iterdir()) == before, "nothing is written beside the user's file"
    path.with_suffix(".dbf").unlink()
    layer = read_one(path)
    assert (layer.columns, len(layer.rows)) == ({}, 3)
    assert "the .dbf is missing: the shapes have no attributes" in layer.notes


def test_an_index_of_another_file_is_not_believed(tmp_path):
    path = write_shapes(tmp_path / "a.shp", points(3))
    other = write_shapes(tmp_path / "b.shp", points(2))
    path.with_suffix(".shx").write_bytes(other.with_suffix(".shx").read_bytes())
    layer = read_one(path)
    assert len(layer.rows) == 3
    assert any("the .shx does not fit the .shp" in note for note in layer.notes)


def test_shapes_that_break_off_are_told(tmp_path):
    path = write_shapes(tmp_path / "a.shp", points(3))
    path.write_bytes(path.read_bytes()[:-10])
    layer = read_one(path)
    assert layer.rows == [1, 2, 3]
    assert layer.faults == {2: "the .shp has no shape for this row"}
    assert any("breaks off" in note for note in layer.notes)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(UnreadableFile, match="ends within its header"):
        read(path)


def test_a_damaged_shape_costs_only_its_row(tmp_path):
    squares = [shapely.box(i, 0, i + 1, 1) for i in range(4)]
    path = write_shapes(tmp_path / "a.shp", squares, "Polygon")
    index = reader.find_shapes(recognise(path))
    content = bytearray(path.read_bytes())
    # Record 2 says that it has 2 thousand million parts.
    struct.pack_into("<i", content, int(index.offsets[1]) + 8 + 36, 2_000_000_000)
    path.write_bytes(content)
    layer = read_one(path)
    assert layer.faults == {1: "the shape is damaged"}
    assert [shape is None for shape in layer.geometry] == [False, True, False, False]
    assert layer.columns["n"] == [0, 1, 2, 3]


def test_null_shapes_are_null_and_no_faults(tmp_path):
    layer = read_one(write_shapes(tmp_path / "a.shp", [points(1)[0], None, points(1)[0]]))
    assert [shape is None for shape in layer.geometry] == [False, True, False]
    assert layer.faults == {}


def test_heights_stay_and_measures_go(tmp_path):
    line = shapely.from_wkt("LINESTRING ZM (0 0 5 1, 1 1 6 2)")
    path = tmp_path / "a.shp"
    pyogrio.raw.write(
        str(path), np.array([shapely.to_wkb(line, flavor="iso")], dtype=object), [np.array([1])], ["n"],
        driver="ESRI Shapefile", geometry_type="Unknown", layer_options={"SHPT": "ARCZM"}, crs="EPSG:4548",
    )  # fmt: skip
    layer = read_one(path)
    assert layer.geometry[0] == shapely.from_wkt("LINESTRING Z (0 0 5, 1 1 6)")
    assert "M values were dropped" in layer.notes


def test_prj_of_esri_is_handed_on(tmp_path):
    path = write_shapes(tmp_path / "a.shp", points(1), crs="EPSG:4548")
    layer = read_one(path)
    assert "CGCS2000_3_Degree_GK_CM_117E" in (layer.crs or "")
    assert parse_crs(layer.crs or "")
    assert "CRS: from its .prj" in layer.notes


def test_duplicate_headings_are_both_kept(tmp_path):
    fields = [(b"name", "C", 8, 0), (b"name", "C", 8, 0), (b"name_2", "N", 4, 0)]
    layer = read_one(shapefile(tmp_path / "a.shp", fields, [[b"a", b"b", b"3"]]))
    assert layer.columns == {"name": ["a"], "name_3": ["b"], "name_2": [3]}


def test_any_part_and_any_case_lead_to_the_shapefile(tmp_path):
    path = write_shapes(tmp_path / "a.shp", points(2), crs="EPSG:4548")
    for part in ("shp", "shx", "dbf", "prj"):
        (tmp_path / f"a.{part}").rename(tmp_path / f"a.{part.title()}")
    for part in ("Shp", "Shx", "Dbf", "Prj"):
        file = recognise(tmp_path / f"a.{part}")
        assert (file.format, file.path.name) == ("shapefile", "a.Shp")
    layer = read_one(tmp_path / "a.Dbf")
    assert layer.columns["n"] == [0, 1]
    assert layer.crs
    assert path.name == "a.shp"


def test_the_hash_is_of_all_parts(tmp_path):
    path = shapefile(tmp_path / "a.shp", [NAME], gbk(*TOILETS))
    first = recognise(path).sha256()
    assert recognise(path).sha256() == first
    table = dbf_bytes([NAME], gbk("一", "二", "三"))
    path.with_suffix(".dbf").write_bytes(table)
    assert recognise(path).sha256() != first


def test_the_layer_asked_for_is_the_file(tmp_path):
    path = write_shapes(tmp_path / "a.shp", points(1))
    assert read_one(path, layer="a").rows == [1]
    with pytest.raises(UnreadableFile, match="no layer 'b'") as caught:
        read(path, layer="b")
    assert caught.value.hint == "Its layers: 'a'."


@pytest.mark.parametrize(
    ("name", "rows", "nulls"),
    [
        ("corrupt_too_long", 10, 0),
        ("duplicate-fields", 1, 0),
        ("nl-null-points", 20, 3),
        ("invalid_coordinates", 1, 0),
    ],
)
def test_defective_files_from_outside(data_dir, name, rows, nulls):
    layer = read_one(data_dir / "messy" / f"{name}.shp")
    assert len(layer.rows) == rows
    assert sum(shape is None for shape in layer.geometry) == nulls
    assert layer.faults == {}


def test_a_table_alone_is_a_layer_without_places(data_dir):
    layer = read_one(data_dir / "messy" / "gbk.dbf")
    assert (layer.columns, layer.spatial, layer.encoding) == ({"NAME": ["简体国语"]}, False, "GB18030")
    layer = read_one(data_dir / "messy" / "duplicate_fields.dbf")
    assert len(layer.rows) == 5
    assert {"unemployed", "unemployed_2", "not_in_lab", "not_in_lab_2"} <= set(layer.columns)
    assert layer.columns["rate"][0] is None
