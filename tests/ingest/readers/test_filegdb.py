"""Codes of a geodatabase's domains are read as the words that they stand for."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from app.ingest.files import SourceFile, recognise
from app.ingest.layer import Ask, Layer
from app.ingest.readers import filegdb
from app.ingest.readers.filegdb import _parse, read
from app.ingest.sandbox import open_layers

SCHEMA = """
CREATE TABLE gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT,
  description TEXT, mime_type TEXT, constraint_name TEXT);
CREATE TABLE gpkg_data_column_constraints (constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT,
  min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC, max_is_inclusive BOOLEAN, description TEXT);
INSERT INTO gpkg_extensions (table_name, column_name, extension_name, definition, scope) VALUES
  ('gpkg_data_columns', NULL, 'gpkg_schema', 'x', 'read-write'),
  ('gpkg_data_column_constraints', NULL, 'gpkg_schema', 'x', 'read-write');
INSERT INTO gpkg_data_columns VALUES ('toilets', 'kind', NULL, NULL, NULL, NULL, '公厕种类');
INSERT INTO gpkg_data_column_constraints VALUES
  ('公厕种类', 'enum', '1', NULL, NULL, NULL, NULL, '独立式'),
  ('公厕种类', 'enum', '2', NULL, NULL, NULL, NULL, '附属式');
"""


@pytest.fixture
def geodatabase(tmp_path: Path) -> Path:
    """A geodatabase whose column has a domain; only the command line of GDAL makes such."""
    if shutil.which("ogr2ogr") is None:
        pytest.skip("no ogr2ogr here: domains are made by it")
    source = tmp_path / "a.gpkg"
    shapes = shapely.to_wkb(np.array([shapely.Point(115.86, 28.68)] * 3, dtype=object))
    kinds, sizes = np.array([1, 2, 9], dtype=np.int32), np.array([4, 5, 6], dtype=np.int32)
    pyogrio.raw.write(
        str(source), shapes, [kinds, sizes], ["kind", "stalls"], layer="toilets", driver="GPKG", geometry_type="Point",
        crs="EPSG:4326",
    )  # fmt: skip
    with sqlite3.connect(source) as db:
        db.executescript(SCHEMA)
    db.close()
    target = tmp_path / "city.gdb"
    subprocess.run(
        ["ogr2ogr", "-f", "OpenFileGDB", str(target), str(source)], check=True, capture_output=True
    )
    return target


def test_codes_are_read_as_words(geodatabase):
    (layer,) = read(recognise(geodatabase), Ask())
    assert layer.columns == {"kind": ["独立式", "附属式", 9], "kind (code)": [1, 2, 9], "stalls": [4, 5, 6]}
    assert any("codes of the domain '公厕种类'" in note for note in layer.notes)


def test_they_are_read_in_the_confined_process_too(geodatabase):
    with open_layers(recognise(geodatabase), Ask()) as (source,):
        (chunk,) = source.chunks()
        assert chunk.columns["kind"] == ["独立式", "附属式", 9]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<a",
        '<!DOCTYPE a [<!ENTITY b "c">]><GPCodedValueDomain2><DomainName>&b;</DomainName></GPCodedValueDomain2>',
    ],
)
def test_descriptions_that_cannot_be_read_say_nothing(text):
    found = _parse(text)
    assert (found.domain, found.words, found.columns) == ("", {}, {})


DOMAINS = """<GPCodedValueDomain2><DomainName>{name}</DomainName><CodedValues>
<CodedValue><Name>{word}</Name><Code>1</Code></CodedValue><CodedValue><Name>无</Name><Code>None</Code></CodedValue>
</CodedValues></GPCodedValueDomain2>"""
TABLE = """<DEFeatureClassInfo><GPFieldInfoExs>
<GPFieldInfoEx><Name>kind</Name><DomainName>种类</DomainName></GPFieldInfoEx>
<GPFieldInfoEx><Name>size</Name><DomainName>种类</DomainName></GPFieldInfoEx>
<GPFieldInfoEx><Name>plain</Name></GPFieldInfoEx></GPFieldInfoExs>
<Subtypes><Subtype><SubtypeName>管</SubtypeName><FieldInfos>
<SubtypeFieldInfo><FieldName>kind</FieldName><DomainName>{domain}</DomainName></SubtypeFieldInfo>
</FieldInfos></Subtype></Subtypes></DEFeatureClassInfo>"""


@pytest.mark.parametrize(("domain", "kinds"), [("另一种类", [1, None]), ("种类", ["独立式", None])])
def test_codes_that_mean_something_else_in_a_subtype_stay_codes(monkeypatch, tmp_path, domain, kinds):
    described = [("a", DOMAINS.format(name="种类", word="独立式")), ("b", DOMAINS.format(name="另一种类", word="水冲")),
                 ("toilets", TABLE.format(domain=domain))]  # fmt: skip
    nowhere = np.full(2, None, dtype=object)
    columns = {name: [1, None] for name in ("kind", "size", "plain")}
    monkeypatch.setattr(filegdb, "_descriptions", lambda _: described)
    monkeypatch.setattr(filegdb, "read_layers", lambda *_: [Layer("toilets", [1, 2], nowhere, columns, None)])
    (layer,) = read(SourceFile(tmp_path, "filegdb"), Ask())
    # A cell without a value has no word, whatever a code is called.
    assert (layer.columns["kind"], layer.columns["size"], layer.columns["plain"]) == (
        kinds,
        ["独立式", None],
        [1, None],
    )
