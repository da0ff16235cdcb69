"""Real files of real offices: four park registers with a mapping each, three tables of Canberra with none."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from app.errors import BadInput
from app.ingest.mapping import load_mapping
from tests.importing import import_path

MAPPINGS = {
    "vancouver": """
class: parks
source: City of Vancouver
licence: OGL-Vancouver
columns:
  PARK_NAME: name
  CLASSIFICAT: {field: kind, values: {Neighbourhood: community, Local: pocket, Community: community,
    Destination: comprehensive, Urban Plaza: pocket}}
constants: {maintainer: Vancouver Board of Parks and Recreation}
drop: [PARK_URL]
""",
    "burnaby": """
class: parks
layer: Park_*
key: OBJECTID
source: City of Burnaby
columns:
  CLASSIFICA: {field: kind, values: {MAJ: comprehensive, DIS: comprehensive, NEI: community, GC: specialised},
    unknown: extra}
  OWNERSHIP: {field: owner, values: {COB: City of Burnaby, MV: Metro Vancouver, PR: Province of British Columbia}}
  PARK_STATU: {field: state, values: {ACQ: in_service}}
""",
    "coquitlam": """
class: parks
source: City of Coquitlam
where: PARK_LEVEL IS NULL OR PARK_LEVEL <> 'Future Park'
columns:
  PARKNAME: name
  AREA_ACRES: {field: registered_area_m2, unit: acre}
  OWNERSHIP: owner
  PARK_LEVEL: {field: kind, values: {Neighbourhood Park: community, Neighbourhood Enhanced Park: community,
    Community Level Park: community, Destination/City Wide Park: comprehensive, "*": other}}
""",
    "langley_township": """
class: parks
key: GlobalID
source: Township of Langley
where: ParkType NOT IN ('School', 'Cemetery')
columns:
  ParkName: name
  ParkStatus: {field: state, values: {Complete: in_service, In Progress: under_construction, Conceptual: planned}}
  ParkType: {field: kind, values: {Community Park: community, Neighbourhood Park: community,
    Municipal Park: comprehensive, "*": other}}
""",
}
#: Rows of each file, how many of them are skipped by `where`, and the CRS that it bears.
FILES = {
    "vancouver": (254, 0, "EPSG:4326"),
    "burnaby": (402, 0, "EPSG:26910"),
    "coquitlam": (278, 12, "EPSG:3857"),
    "langley_township": (216, 37, "EPSG:26910"),
}


def ask(database, statement) -> list[Any]:
    with database.read() as conn:
        return [tuple(row) for row in conn.execute(text(statement))]


def load(database, catalogue, data_dir, tmp_path, name, **more: Any) -> dict[str, Any]:
    path = tmp_path / f"{name}.yaml"
    path.write_text(MAPPINGS[name], "utf-8")
    given = {"mapping": load_mapping(path, catalogue)} | more
    (report,) = import_path(database, catalogue, data_dir / "vancouver" / f"{name}_parks.zip", **given)[
        "files"
    ]
    return report


def test_four_agencies_load_into_parks_with_four_mappings(database, catalogue, data_dir, tmp_path):
    loaded = 0
    for name, (rows, skipped, crs) in FILES.items():
        report = load(database, catalogue, data_dir, tmp_path, name)
        counts = report["classes"]["parks"]
        assert report["crs"] == crs
        assert (counts["read"], counts["skipped"], counts["unchanged"]) == (rows, skipped, 0)
        assert counts["loaded"] + counts["rejected"] + skipped == rows
        assert (counts["rejected"], report["rejects"]) == (0, [])
        loaded += counts["loaded"]
    assert ask(database, "SELECT count(*) FROM city.parks") == [(loaded,)]
    # All lie in Metro Vancouver, so that none of the three CRSs was mistaken.
    ((west, south, east, north),) = ask(
        database,
        "SELECT ST_XMin(b), ST_YMin(b), ST_XMax(b), ST_YMax(b) FROM (SELECT ST_Extent(geom) AS b FROM city.parks) AS t",
    )
    assert (west > -123.3, south > 48.99, east < -122.4, north < 49.45) == (True,) * 4
    # Acres and hectares as the offices give them are the areas of the shapes.
    ((share,),) = ask(
        database,
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY registered_area_m2 / nullif(area_m2, 0)) FROM city.parks",
    )
    assert share == pytest.approx(1, abs=0.01)
    _check_rows(database)


def _check_rows(database) -> None:
    """What the mappings made of single rows."""
    by_kind = "SELECT kind FROM city.parks WHERE owner = 'City of Burnaby' GROUP BY 1 ORDER BY count(*) DESC"
    assert ask(database, by_kind)[0] == ("comprehensive",)
    odd = "SELECT kind, extra->>'CLASSIFICA' FROM city.parks WHERE extra ? 'CLASSIFICA'"
    assert ask(database, odd) == [(None, "PUBLIC WALKWAY EASEMENT")]
    river = (
        "SELECT name_en, owner, state FROM city.parks WHERE address = '1190 Shaughnessy Street'"
        " AND registered_area_m2 BETWEEN 15575.2 AND 15575.4"  # 3.848736 acres
    )
    assert ask(database, river) == [("Coquitlam River Park", "City of Coquitlam", None)]
    assert ask(
        database, "SELECT count(*) FROM city.parks WHERE extra ?| array['SHAPE_Leng', 'SHAPE_Area']"
    ) == [(0,)]
    boards = "SELECT DISTINCT maintainer FROM city.parks WHERE maintainer IS NOT NULL"
    assert ask(database, boards) == [("Vancouver Board of Parks and Recreation",)]


@pytest.mark.wide
def test_the_mapping_used_is_saved_and_gives_the_same_again(database, catalogue, data_dir, tmp_path):
    saved = tmp_path / "used.yaml"
    first = load(database, catalogue, data_dir, tmp_path, "coquitlam", save_mapping=saved)
    again = load(database, catalogue, data_dir, tmp_path, "coquitlam", mapping=load_mapping(saved, catalogue))
    counts = again["classes"]["parks"]
    assert (counts["loaded"], counts["unchanged"]) == (0, first["classes"]["parks"]["loaded"])
    assert again["layers"][0]["conversions"][0]["from"] == "acre"


@pytest.mark.wide
def test_canberra_loads_unmapped(database, catalogue, data_dir):
    folder = data_dir / "canberra"
    with pytest.raises(BadInput) as caught:
        import_path(database, catalogue, folder / "Playgrounds_in_the_ACT.csv")
    assert caught.value.hint.startswith("Did you mean --class street_furniture (")
    found = {}
    for name, class_id in (
        ("Public_Toilets", "toilets"), ("Public_Furniture", "street_furniture"), ("Playgrounds", "street_furniture"),
    ):  # fmt: skip
        (found[name],) = import_path(
            database, catalogue, folder / f"{name}_in_the_ACT.csv", class_id=class_id
        )["files"]
    counts = {name: next(iter(report["classes"].values())) for name, report in found.items()}
    assert [(c["read"], c["loaded"], c["rejected"], c["skipped"]) for c in counts.values()] == [
        (122, 122, 0, 0), (3669, 3667, 2, 0), (1145, 1145, 0, 0),
    ]  # fmt: skip
    twice = [(item["row"], item["value"]) for item in found["Public_Furniture"]["rejects"]]
    assert twice == [(241, "TABL909"), (3501, "TABL871")]
    assert ask(database, "SELECT kind, count(*) FROM city.street_furniture GROUP BY 1 ORDER BY 1") == [
        ("bench", 3667), (None, 1145),
    ]  # fmt: skip
    suggested = {
        item["heading"]: item["field"] for item in found["Public_Toilets"]["layers"][0]["suggestions"]
    }
    assert suggested["TOILET_TYPE_TEXT"] == "kind"
    ((extra, lon, lat),) = ask(
        database, "SELECT extra, ST_X(geom), ST_Y(geom) FROM city.toilets WHERE code = 'TOLT45'"
    )
    assert (lon, lat) == (149.124928, -35.286775)
    assert extra["TOILET_TYPE_TEXT"] == "MANUAL STYLE ABLUTION BLOCK"
