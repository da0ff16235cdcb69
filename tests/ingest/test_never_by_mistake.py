"""What an import must never do by mistake: overwrite another office's rows, delete what it did not understand."""

from __future__ import annotations

import csv

import openpyxl
import pytest
from sqlalchemy import text

from app.errors import BadInput, Conflict
from tests.commandline import chengtu
from tests.importing import import_path


def table(path, rows, headings=("编码", "经度", "纬度", "厕位数")):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([headings, *rows])
    return path


def spots(*codes, stalls=3):
    return [(code, 115.85 + i / 100, 28.68, stalls) for i, code in enumerate(codes)]


@pytest.fixture
def load(database, catalogue):
    def load(path, **options) -> dict:
        (report,) = import_path(database, catalogue, path, class_id="toilets", **options)["files"]
        return report

    return load


@pytest.fixture
def stored(database):
    def stored() -> list[tuple]:
        with database.read() as conn:
            rows = conn.execute(text("SELECT code, stalls FROM city.toilets ORDER BY code")).all()
        return [tuple(row) for row in rows]

    return stored


def test_numbers_of_rows_are_no_codes_of_another_file(load, stored, tmp_path):
    headings = ("序号", "经度", "纬度", "厕位数")
    first = table(tmp_path / "一街道.csv", spots(1, 2), headings)
    second = table(tmp_path / "二街道.csv", spots(1, 2, stalls=9), headings)
    assert load(first)["keys"] == {"一街道": "序号"}
    with pytest.raises(Conflict, match="2 stored toilets that came from elsewhere") as error:
        load(second)
    assert "--key 序号" in error.value.hint
    assert stored() == [("1", 3), ("2", 3)]
    # The same file changed, and a key that was named, are meant.
    assert load(table(first, spots(1, 2, stalls=4), headings))["classes"]["toilets"]["changed"] == 2
    assert load(second, key="序号")["classes"]["toilets"]["changed"] == 2


def test_a_folder_is_no_whole(database, catalogue, stored, load, tmp_path):
    for name, codes in (("东湖", "ab"), ("西湖", "cd")):
        load(table(tmp_path / "区" / f"{name}.csv", spots(*codes)))
    with pytest.raises(BadInput, match="what one of its files lacks may stand in another"):
        import_path(database, catalogue, tmp_path / "区", class_id="toilets", delete_missing=True)
    assert [code for code, _ in stored()] == ["a", "b", "c", "d"]


def test_a_sheet_that_is_not_understood_may_hold_what_is_missing(load, stored, tmp_path):
    path = tmp_path / "公厕.xlsx"
    book = openpyxl.Workbook()
    for sheet, rows in ((book.active, spots("a")), (book.create_sheet("二"), spots("b"))):
        for row in (("编码", "经度", "纬度", "厕位数"), *rows):
            sheet.append(row)
    book.save(path)
    load(path)
    book["二"]["B1"], book["二"]["C1"] = "位置1", "位置2"
    book.save(path)
    with pytest.raises(BadInput, match="Not all of the file was understood"):
        load(path, delete_missing=True)
    with pytest.raises(BadInput, match="What a part of a file lacks"):
        load(path, layer="Sheet", delete_missing=True)
    assert [code for code, _ in stored()] == ["a", "b"]


def test_rows_without_a_key_that_are_refused_may_be_what_is_missing(load, stored, tmp_path):
    headings = ("经度", "纬度", "厕位数")
    path = table(tmp_path / "a.csv", [(115.85, 28.68, 3), (115.86, 28.68, 4)], headings)
    load(path)
    table(path, [(115.85, 28.68, 3), (115.86, 28.68, "many")], headings)
    with pytest.raises(BadInput, match="1 refused rows bear no code"):
        load(path, delete_missing=True)
    assert len(stored()) == 2


def test_a_mended_file_of_refused_rows_is_never_overwritten(load, tmp_path):
    path = table(tmp_path / "a.csv", [*spots("a"), ("b", "east", 28.68, 3)])
    report = load(path, rejects=tmp_path)
    mended = tmp_path / "a.rejected.csv"
    assert report["rejects_file"] == str(mended)
    mended.write_text(mended.read_text(encoding="utf-8-sig").replace("east", "115.9"), encoding="utf-8")
    text_before = mended.read_text(encoding="utf-8")
    assert load(path, rejects=tmp_path)["rejects_file"] == str(tmp_path / "a.rejected-2.csv")
    assert mended.read_text(encoding="utf-8") == text_before


def test_a_workbook_of_ours_knows_where_its_numbers_lie(load, database, catalogue, environment, tmp_path):
    load(table(tmp_path / "a.csv", spots("a", "b")))
    assert chengtu(environment, "export", "toilets", "--to", str(tmp_path / "o.xlsx")).returncode == 0
    report = load(tmp_path / "o.xlsx")
    assert (report["crs"], report["classes"]["toilets"]["unchanged"]) == ("EPSG:4490", 2)
