"""Delimited text: encoding and delimiter by evidence, every line loaded, refused or counted."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from app.errors import UnreadableFile
from app.ingest.files import SourceFile
from app.ingest.layer import CHUNK_ROWS, Ask, Layer, LayerSource, whole
from app.ingest.readers import READERS
from app.ingest.spool import sources

#: The 6,763 characters of GB 2312, and 500 rare ones that only GB18030 and Unicode have.
COMMON = [bytes([row, cell]) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)]
RARE = [chr(0x3400 + 13 * i) for i in range(250)] + [chr(0x20000 + 97 * i) for i in range(250)]


@pytest.fixture
def read(tmp_path):
    def read(text: str | bytes, **ask: Any) -> Layer:
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        source = _source(SourceFile(path, "delimited"), **ask)
        return replace(whole(source), notes=source.notes)

    return read


def _source(file: SourceFile, **ask: Any) -> LayerSource:
    (source,) = sources(READERS["delimited"](file, Ask(**ask)))
    return source


def gb2312() -> list[str]:
    found = [pair.decode("gb2312", "ignore") for pair in COMMON]
    return [character for character in found if character]


def test_rows_are_numbered_by_the_line_they_start_in(read):
    layer = read('名称,说明\n甲,"一\n二"\n\n乙,三\n')
    assert layer.rows == [2, 5]
    assert layer.columns == {"名称": ["甲", "乙"], "说明": ["一\n二", "三"]}
    assert (layer.spatial, layer.crs, list(layer.geometry)) == (False, None, [None, None])
    assert "1 lines without any text were passed over" in layer.notes


@pytest.mark.parametrize("mark", [",", "\t", ";", "|"])
def test_the_delimiter_is_found(read, mark):
    layer = read(f"a{mark}b{mark}c\n1{mark}x y, z; w{mark}\n2{mark}'t'{mark}5\n".replace(", z; w", ""))
    assert layer.columns == {"a": ["1", "2"], "b": ["x y", "'t'"], "c": [None, "5"]}


def test_a_decimal_comma_parts_no_cells(read):
    rows = "".join(f"P{i};115,{i:04d};28,{i:04d}\n" for i in range(700))
    layer = read(f"name;lon;lat\n{rows}")
    assert list(layer.columns) == ["name", "lon", "lat"]
    assert layer.columns["lon"][1] == "115,0001"


def test_columns_of_numbers_may_be_aligned_with_spaces(read):
    layer = read("name   x        y\n  p1  388382.9  3174669.1 \n  p22   388390  3174670\n")
    assert layer.columns == {
        "name": ["p1", "p22"],
        "x": ["388382.9", "388390"],
        "y": ["3174669.1", "3174670"],
    }


def test_sentences_are_one_column(read):
    layer = read("name\nThe Park\nBig Park\nOld Park\n")
    assert layer.columns == {"name": ["The Park", "Big Park", "Old Park"]}


def test_title_rows_above_the_headings_are_passed_over(read):
    layer = read("南昌市公厕一览表,,,\n填表单位：城管局,,,2024\n名称,经度,纬度,备注\n甲,115.8,28.6,\n")
    assert layer.rows == [4]
    assert layer.columns == {"名称": ["甲"], "经度": ["115.8"], "纬度": ["28.6"], "备注": [None]}
    assert "2 title lines above the headings in line 3" in layer.notes


def test_a_table_without_headings_loses_no_row(read):
    layer = read("1,388382.9,3174669.1\n2,388383.9,3174670.1\n")
    assert layer.rows == [1, 2]
    assert layer.columns["column 2"] == ["388382.9", "388383.9"]


def test_empty_and_double_headings_get_names(read):
    layer = read("name,,name,2024\na,b,c,d\n")
    assert layer.columns == {"name": ["a"], "column 2": ["b"], "name_2": ["c"], "2024": ["d"]}


def test_rows_with_too_many_cells_are_faults_and_short_ones_are_filled(read):
    layer = read("a,b\n1,2\n3\n4,5,6\n7,8,,\n")
    assert layer.columns == {"a": ["1", "3", "4", "7"], "b": ["2", None, "5", "8"]}
    assert layer.faults == {2: "the row has 3 cells, but there are 2 headings"}
    assert "1 rows have fewer cells than there are headings: the rest is empty" in layer.notes


@pytest.mark.parametrize("follower", ['2,"def"', "2,x", '2,"x"'])
def test_an_unclosed_quotation_mark_costs_one_row(read, follower):
    layer = read(f'a,b\n1,"abc\n{follower}\n3,y\n')
    assert layer.rows == [2, 3, 4]
    assert layer.faults == {0: "a quotation mark is not closed"}
    assert layer.columns["a"] == ["1", "2", "3"]
    assert layer.columns["b"][1] == follower[2:].strip('"')


def test_an_unclosed_quotation_mark_far_from_the_end_costs_one_row(read):
    rows = "".join(f"{i},x\n" for i in range(5000))
    layer = read(f'a,b\n0,"open\n{rows}')
    assert len(layer.rows) == 5001
    assert list(layer.faults) == [0]


def test_a_short_file_in_utf8_keeps_no_byte_order_mark(read):
    layer = read(codecs.BOM_UTF8 + "名称,b\n甲,1\n".encode())
    assert list(layer.columns) == ["名称", "b"]
    assert layer.encoding == "UTF-8"


@pytest.mark.parametrize("name", ["utf8_bom.csv", "utf16_le_bom.csv"])
def test_real_files_with_a_byte_order_mark(data_dir, name):
    layer = whole(_source(SourceFile(data_dir / "messy" / name, "delimited")))
    assert next(iter(layer.columns)) == "election_dt"
    assert layer.columns["county_name"] == ["ALAMANCE"]


@pytest.mark.parametrize(
    ("name", "count"), [("Public_Toilets", 122), ("Playgrounds", 1145), ("Public_Furniture", 3669)]
)
def test_canberra(data_dir, name, count):
    source = _source(SourceFile(data_dir / "canberra" / f"{name}_in_the_ACT.csv", "delimited"))
    assert (source.count, source.spatial) == (count, False)
    assert "encoding UTF-8: every byte fits" in source.notes


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"]


@pytest.mark.parametrize("encoding", [*ENCODINGS, "gbk"])
def test_every_chinese_character_comes_through(read, encoding):
    characters = gb2312()
    assert len(characters) == 6763
    characters += [] if encoding == "gbk" else RARE
    text = "no,name\n" + "".join(f"{i},{character}\n" for i, character in enumerate(characters))
    layer = read(text.encode(encoding))
    assert layer.columns["name"] == characters


def test_an_encoding_named_is_obeyed(read):
    assert read("name,b\nMüller,1\n".encode("latin-1"), encoding="latin-1").columns["name"] == ["Müller"]
    assert read("name,b\n東京,1\n".encode("shift_jis"), encoding="shift_jis").columns["name"] == ["東京"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,x\n2,Café Müller\n".encode("latin-1"), "line 3"),
        ("a,b\n1,Zürich\n2,Münchner Straße Nord, größte\n".encode("latin-1"), "GB18030"),
        (b"a,b\n1,\x00\x00x\n", "NUL"),
        (b"  \n\n", "no text"),
    ],
)
def test_text_in_no_encoding_that_can_be_told_is_refused(read, text, says):
    with pytest.raises(UnreadableFile, match=says):
        read(text)


def test_an_encoding_that_does_not_fit_or_exist_is_told(read):
    with pytest.raises(UnreadableFile, match="line 2"):
        read("a,b\n甲,1\n".encode("gb18030"), encoding="utf-8")
    for name in ("klingon", "base64", "rot13"):
        with pytest.raises(UnreadableFile, match=f"no encoding '{name}'"):
            read("a,b\n1,2\n", encoding=name)


def test_a_stray_nul_byte_costs_no_file(read):
    rows = "".join(f"{i},x\n" for i in range(30))
    assert len(read(f"a,b\n{rows}30,y\x00z\n{rows}").rows) == 61


def test_a_long_table_comes_in_chunks(tmp_path):
    path = tmp_path / "long.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("name,lon,lat\n")
        file.writelines(f"灯{i},115.{i:06d},28.{i:06d}\n" for i in range(110_000))
    layers = list(READERS["delimited"](SourceFile(path, "delimited"), Ask()))
    assert max(len(layer.rows) for layer in layers) == CHUNK_ROWS
    assert [row for layer in layers for row in layer.rows] == list(range(2, 110_002))


def test_what_the_csv_module_writes_comes_back(read):
    rows = [["a,b", 'say "hi"', "x\r\ny", " z "], ["", "1", "'=1", "|;\t"]] * 40
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["p", "q", "r", "s"], *rows])
    layer = read(out.getvalue())
    assert list(map(list, zip(*layer.columns.values(), strict=True))) == [
        [c or None for c in row] for row in rows
    ]
    assert layer.faults == {}
