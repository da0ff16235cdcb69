"""What belongs to a file: rows edited through an export stay its own, classes that it lacks are told."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from app.errors import BadInput
from app.exports.service import export
from app.ingest.mapping import load_mapping
from tests.importing import import_path, write_points

TOILET = '<node id="{0}" lat="28.68" lon="115.86{0}"><tag k="amenity" v="toilets"/></node>'
LAMP = '<node id="9" lat="28.69" lon="115.87"><tag k="highway" v="street_lamp"/></node>'


def imported(db, catalogue, path: Path, **given: Any) -> dict[str, Any]:
    (report,) = import_path(db, catalogue, path, allow_outside=True, **given)["files"]
    return report


def codes(db, class_id: str = "toilets") -> set[str]:
    with db.read() as conn:
        return {
            row[0] for row in db.raw(conn).execute(f"SELECT code FROM city.{class_id}".encode()).fetchall()
        }


def edited(path: Path, code: str, note: str) -> Path:
    """The exported CSV with one note changed, saved elsewhere."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    note_at, code_at = head.index("note"), head.index("code")
    for row in rows:
        if row[code_at] == code:
            row[note_at] = note
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def test_a_row_edited_through_an_export_stays_its_source_s(database, catalogue, tmp_path):
    first = write_points(tmp_path / "toilets.geojson", range(3), "公厕")
    imported(database, catalogue, first)
    copy = tmp_path / "edited" / "toilets.csv"
    copy.parent.mkdir()
    export(database, catalogue, "toilets", copy)
    report = imported(database, catalogue, edited(copy, "c1", "改过"))
    assert report["classes"]["toilets"]["changed"] == 1
    write_points(first, range(1), "公厕")
    trial = imported(database, catalogue, first, dry_run=True)
    assert trial["missing"]["toilets"]["rows"] == 2
    imported(database, catalogue, first, delete_missing=True)
    assert codes(database) == {"c0"}


def osm(path: Path, *items: str) -> Path:
    path.write_text(f'<osm version="0.6">{"".join(items)}</osm>', encoding="utf-8")
    return path


@pytest.mark.wide
def test_a_class_whose_last_object_is_gone_is_told(database, catalogue, tmp_path):
    path = osm(tmp_path / "town.osm", TOILET.format(1), TOILET.format(2), LAMP)
    imported(database, catalogue, path)
    osm(path, LAMP)
    trial = imported(database, catalogue, path, dry_run=True)
    assert trial["missing"]["toilets"]["rows"] == 2
    assert trial["difference"]["toilets"]["deleted"] == 0
    assert "parks" not in trial["missing"]
    assert codes(database) == {"n1", "n2"}
    done = imported(database, catalogue, path, delete_missing=True)
    assert (done["missing"]["toilets"]["deleted"], codes(database)) == (True, set())


def test_what_a_condition_of_the_mapping_leaves_out_is_not_missing(database, catalogue, tmp_path):
    path = write_points(tmp_path / "toilets.geojson", range(3), "公厕")
    imported(database, catalogue, path)
    mapping = tmp_path / "m.yaml"
    mapping.write_text("class: toilets\nwhere: name = '公厕1'\n", encoding="utf-8")
    from_file = load_mapping(mapping, catalogue)
    trial = imported(database, catalogue, path, mapping=from_file, dry_run=True)
    assert (trial["classes"]["toilets"]["skipped"], trial["missing"]) == (2, {})
    with pytest.raises(BadInput, match="a part of a file"):
        imported(database, catalogue, path, mapping=from_file, delete_missing=True)


@pytest.mark.parametrize("name", ["town.osm", "town.osm.pbf"])
def test_osm_in_a_zip_is_read(database, catalogue, tmp_path, data_dir, name):
    path = tmp_path / "town.zip"
    with zipfile.ZipFile(path, "w") as archive:
        if name == "town.osm":
            archive.write(osm(tmp_path / "town.osm", TOILET.format(1), LAMP), name)
        else:
            archive.write(data_dir / "monaco" / "monaco-231225.osm.pbf", f"data/{name}")
        archive.writestr("readme.txt", "from OpenStreetMap")
    report = imported(database, catalogue, path, class_id="toilets")
    assert report["classes"]["toilets"]["loaded"] == len(codes(database)) > 0
    assert (report["source"], report["format"]) == ("OpenStreetMap", "osm")
