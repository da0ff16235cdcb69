"""One odd value costs its row at most, never the file; what has lost digits is not loaded as something else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import openpyxl
import orjson
import pytest
import shapely
from sqlalchemy import text

from app import console
from app.catalogue.model import Field, Title
from app.ingest.columns import convert_column
from app.ingest.crs_sample import Sample
from app.ingest.faults import Faults
from app.ingest.files import recognise
from app.ingest.layer import Ask, Layer
from app.ingest.paths import shown
from app.ingest.sandbox import open_layers
from app.ingest.shifted import _known_places
from app.ingest.spool import open_spool, write_spool
from app.validation.values import LOST_DIGITS, BadValue, converter, plain
from tests.importing import import_path, make_batch
from tests.ingest.test_import import only
from tests.ingest.test_rows import layer

LONG = 10**399 + 7
HEADINGS = ("h\ud800", "h\udfff", "h?")
TITLE = Title("字段", "Field")
ODD = (
    {"code": "a\x00b"},
    {"code": "a\ud800b"},
    {"\ud800": 1},
    {"h\x00": 1},
    {"x": ["\ud800", {"k\x00": "a\x00b"}]},
    {"x": LONG},
    {"built_on": "\ud800"},
    {"built_on": "a\x00b"},
    {"built_on": {"x": "\ud800"}},
    {"valid_from": "\ud800"},
    {"stalls": LONG},
)


def test_a_file_of_odd_values_loads_its_good_rows(database, catalogue, tmp_path):
    rows = [{"code": f"c{i}", **odd} for i, odd in enumerate(ODD)]
    features = [
        {
            "type": "Feature",
            "properties": row,
            "geometry": {"type": "Point", "coordinates": [115.85 + i / 1000, 28.68]},
        }
        for i, row in enumerate([*rows, {"code": "good"}])
    ]
    path = tmp_path / "toilets.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    told = only(import_path(database, catalogue, path, class_id="toilets"))
    assert {item["row"] for item in told["rejects"]} == {7, 8, 9, 10, 11}
    orjson.dumps(told, default=str)
    with database.read() as conn:
        rows_of = conn.execute(text("SELECT code, extra FROM city.toilets"))
        found = {row.code: row.extra for row in rows_of}
    assert found.keys() == {"a b", "a?b", "c2", "c3", "c4", "c5", "good"}
    assert found["c5"] == {"x": str(LONG)}
    assert found["c4"] == {"x": ["?", {"k ": "a b"}]}


def test_kept_values_fit_json_however_deep_they_lie():
    assert plain({"a": [LONG, 2**64 - 1, " b "], "k\ud800": "\ud800", "k?": 1}) == {
        "a": [str(LONG), 2**64 - 1, " b "],
        "k?": "?",
        "k? (2)": 1,
    }
    assert plain(10**5000).startswith("0x")


def test_what_is_shown_of_a_refused_value_can_be_stored():
    faults = Faults(layer({"a": [1]}))
    for value in ("\ud800", {"x": "\ud800"}, 10**5000):
        faults.add(0, "a", value, "wrong", "")
    orjson.dumps([faults.rejects[0].value, faults.rejects[0].reason])


def test_headings_are_cleaned_and_kept_apart(tmp_path):
    shapes = np.array([shapely.Point(0, 0)], dtype=object)
    write_spool(
        [Layer("a\ud800", [1], shapes, dict(zip(HEADINGS, ([1], [2], [3]), strict=True)), None)], tmp_path
    )
    (source,) = open_spool(tmp_path)
    (chunk,) = source.chunks()
    assert (source.name, source.headings) == ("a?", ("h?", "h? (2)", "h? (3)"))
    assert chunk.columns == {"h?": [1], "h? (2)": [2], "h? (3)": [3]}


def test_codes_are_looked_up_as_they_are_stored():
    chunk = layer({"code": [1.0, "a\x00b", "\ud800"]})
    asked = []
    sample = Sample(*([None] * len(Sample.__dataclass_fields__)))
    object.__setattr__(sample, "chunk", chunk)
    object.__setattr__(sample, "index", np.arange(3))
    _known_places(sample, "code", lambda codes: asked.extend(codes) or {})
    assert asked == ["1", "a b", "?"]


@pytest.mark.parametrize("value", [2015.1, 2015.12])
def test_a_number_is_no_date(value):
    field = Field("x", "date", TITLE)
    with pytest.raises(BadValue, match="a number is no date"):
        converter(field)(value)
    column = convert_column([value, 2015.0], field)
    assert (column.faults[0].reason, str(column.values[1])) == ("a number is no date", "2015-01-01")


@pytest.mark.parametrize(("raw", "value"), [("0,500", 0.5), ("1,500", 1500.0), ("-0,125", -0.125)])
def test_thousands_do_not_begin_with_a_nought(raw, value):
    field = Field("x", "number", TITLE)
    assert converter(field)(raw) == value
    assert convert_column([raw], field).values == [value]


def test_ids_that_lost_their_digits_are_refused(catalogue):
    toilets = catalogue.get_class("toilets")
    lost = 360102000000000001.0
    made = make_batch(layer({"code": ["a", lost, "c"], "name_zh": ["x", "y", lost]}), toilets)
    assert made.batch.codes == ["a"]
    assert {(r.row, r.field, r.reason) for r in made.batch.rejects} == {
        (2, "code", LOST_DIGITS),
        (3, "name_zh", LOST_DIGITS),
    }


def test_kept_numbers_that_lost_their_digits_are_told_of_once(catalogue):
    made = make_batch(layer({"code": ["a", "b"], "serial": [1e17, 2e17]}), catalogue.get_class("toilets"))
    assert made.batch.extra == [{"serial": 1e17}, {"serial": 2e17}]
    assert [(w["row"], w["field"], w["reason"]) for w in made.warnings] == [(1, "serial", LOST_DIGITS)]


def test_a_file_whose_name_is_not_utf_8_is_read_and_named(tmp_path):
    path = tmp_path / os.fsdecode(b"\xb9\xab\xb2\xde.xlsx")
    book = openpyxl.Workbook()
    book.active.append(["code", "lon", "lat"])
    book.active.append(["a", 115.85, 28.68])
    book.save(tmp_path / "x.xlsx")
    (tmp_path / "x.xlsx").rename(path)
    file = recognise(path)
    assert (file.name, shown(file.path)) == ("公厕.xlsx", f"{tmp_path.resolve()}/公厕.xlsx")
    with open_layers(file, Ask()) as (source,):
        assert source.count == 1


def test_such_a_name_names_its_layer_too(tmp_path):
    path = tmp_path / os.fsdecode(b"\xb9\xab\xb2\xde.csv")
    path.write_text("code,lon,lat\na,115.85,28.68\n")
    with open_layers(recognise(path), Ask()) as (source,):
        assert source.name == "公厕"


def test_the_log_takes_any_text():
    log: Path = console._write_log(ValueError("\udcb9"))
    try:
        assert "\\udcb9" in log.read_text()
    finally:
        log.unlink()
