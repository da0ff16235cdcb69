"""Sheets for people: choices stand under their Chinese labels, and come back as the values that are stored."""

from __future__ import annotations

import openpyxl
import pytest
from sqlalchemy import text

from app.catalogue.export_names import class_headings
from app.inventory.batch import Change
from app.inventory.service import write_batches
from app.validation.values import converter
from tests.commandline import chengtu
from tests.importing import import_path
from tests.inventory.town import batch, place


@pytest.fixture
def toilets(database, catalogue):
    shapes = {code: place(0, n / 10) for n, code in enumerate("abc")}
    with database.write() as conn:
        columns = {"kind": ["public", "mobile", None]}
        write_batches(conn, catalogue, [batch("toilets", shapes, columns)], Change("test", "made"))


def kinds(path, catalogue) -> dict[str, str | None]:
    """Code → what the column of kinds shows."""
    sheet = openpyxl.load_workbook(path)["toilets"]
    head, *rows = sheet.iter_rows(values_only=True)
    names = class_headings(catalogue.get_class("toilets"))
    code, kind = head.index(names["code"]), head.index(names["kind"])
    return {row[code]: row[kind] for row in rows}


def test_labels_are_shown_and_come_back(environment, database, catalogue, toilets, tmp_path):
    path = tmp_path / "公厕.xlsx"
    assert chengtu(environment, "export", "公厕", "--to", str(path)).returncode == 0
    assert kinds(path, catalogue) == {"a": "独立式公厕", "b": "活动式公厕", "c": None}
    (same,) = import_path(database, catalogue, path)["files"]
    assert (same["classes"]["toilets"]["unchanged"], same["rejects"]) == (3, [])
    book = openpyxl.load_workbook(path)
    cell = next(cell for row in book["toilets"].iter_rows() for cell in row if cell.value == "活动式公厕")
    cell.value = "附属式公厕"
    book.save(path)
    (edited,) = import_path(database, catalogue, path)["files"]
    assert (edited["classes"]["toilets"]["changed"], edited["rejects"]) == (1, [])
    with database.read() as conn:
        stored = dict(conn.execute(text("SELECT code, kind FROM city.toilets")).all())
    assert stored == {"a": "public", "b": "attached", "c": None}


def test_codes_are_written_where_they_are_asked_for(environment, catalogue, toilets, tmp_path):
    path = tmp_path / "t.xlsx"
    assert chengtu(environment, "export", "toilets", "--to", str(path), "--codes").returncode == 0
    assert kinds(path, catalogue) == {"a": "public", "b": "mobile", "c": None}


def test_every_label_means_its_value(catalogue):
    fields = [field for cls in catalogue.classes.values() for field in cls.fields if field.choices]
    assert len(fields) > 50
    for field in fields:
        convert = converter(field)
        assert [convert(choice.title.zh) for choice in field.choices] == [c.value for c in field.choices]
