"""Areas that do not hold together, drawn on purpose: each fault is found, named and measured; a sound town has none."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from app.inventory.area_check_service import check_areas
from app.inventory.area_checks import AreaRow, check
from app.inventory.area_cover import cover, measure
from app.inventory.service import write_batches
from app.space.metric import choose_metric_crs
from tests.inventory.town import BOXES, CHANGE, LAT, LEVELS, LON, PARENTS, STEP, batch, districts

CRS = choose_metric_crs(LON, LAT)
SIZE = measure(CRS)
#: A community in W1, and its four cells: the codes of GB/T 30428.1.
COMMUNITY = "360102001001"


def quarters(box: shapely.Polygon) -> Iterator[shapely.Polygon]:
    west, south, east, north = box.bounds
    x, y = (west + east) / 2, (south + north) / 2
    for bounds in ((west, y, x, north), (x, y, east, north), (west, south, x, y), (x, south, east, y)):
        yield shapely.box(*bounds)


def town() -> tuple[list[AreaRow], list[shapely.Geometry]]:
    rows = [
        AreaRow(code, LEVELS.get(code, "subdistrict"), PARENTS.get(code, code[0]), None) for code in BOXES
    ]
    rows.append(AreaRow(COMMUNITY, "community", "W1", COMMUNITY))
    shapes = [*BOXES.values(), BOXES["W1"]]
    for number, quarter in enumerate(quarters(BOXES["W1"]), 1):
        code = f"{COMMUNITY}{number:03d}"
        rows.append(AreaRow(f"g{number}", "grid", COMMUNITY, code))
        shapes.append(quarter)
    return rows, shapes


def checked(rows, shapes):
    return check(rows, np.array([*shapes, None], dtype=object)[:-1], SIZE)


def changed(place: int, shape=None, **fields):
    """Findings of the town with one area changed."""
    rows, shapes = town()
    row = {name: getattr(rows[place], name) for name in ("code", "level", "parent", "official")} | fields
    rows[place] = AreaRow(**row)
    shapes[place] = shapes[place] if shape is None else shape
    return checked(rows, shapes)


def rules(findings):
    return [(finding.code, finding.rule) for finding in findings]


def test_a_sound_town_has_no_fault():
    assert checked(*town()) == []
    assert check([], np.zeros(0, dtype=object), SIZE) == []


@pytest.mark.parametrize(
    "official", ["36010200100100", "3601020010010011", "36010200100100X", "３６０１０２００１００１００１"]
)
def test_a_malformed_grid_code(official):
    (finding,) = changed(8, official=official)
    assert (finding.code, finding.rule) == ("g1", "grid-code")
    assert official in finding.message


def test_a_grid_code_of_another_community_and_one_given_twice():
    assert rules(changed(8, official="360102001002001")) == [("g1", "grid-community")]
    assert rules(changed(9, official=f"{COMMUNITY}001")) == [("g2", "grid-double")]
    # A community whose division code is not known to the last digit says nothing of its cells' codes.
    rows, shapes = town()
    rows[7] = AreaRow(COMMUNITY, "community", "W1", "360102001")
    rows[8] = AreaRow("g1", "grid", COMMUNITY, "360102001002001")
    assert checked(rows, shapes) == []


def test_a_cell_outside_its_community_is_measured():
    """A cell moved east by a tenth of its width: 10 % lie outside, and in the cell beside it."""
    moved = shapely.transform(next(quarters(BOXES["W1"])), lambda at: at - np.array([STEP / 20, 0]))
    findings = changed(8, moved)
    assert rules(findings) == [("g1", "outside")]
    assert findings[0].figure == pytest.approx(0.1, rel=1e-3)
    findings = changed(8, shapely.transform(moved, lambda at: at + np.array([STEP / 10, 0])))
    assert rules(findings) == [("g1", "overlap")]
    one, other = (shapely.transform(item, lambda at: at) for item in (moved, moved))
    assert findings[0].other == "g2"
    assert findings[0].figure == pytest.approx(SIZE(np.array([one, other], dtype=object))[0] / 10, rel=1e-3)


def test_within_the_tolerance_nothing_is_said():
    west, south, east, north = BOXES["W1"].bounds
    for share, told in ((0.0005, []), (0.002, [("g1", "outside")])):
        wide = shapely.box(west - (east - west) / 2 * share, (south + north) / 2, (west + east) / 2, north)
        assert rules(changed(8, wide)) == told


def test_parts_that_do_not_add_up():
    rows, shapes = town()
    findings = checked(rows[:-1], shapes[:-1])
    assert rules(findings) == [(COMMUNITY, "sum")]
    assert findings[0].figure == pytest.approx(-0.25, abs=1e-4)
    assert findings[0].other == "grid"
    rows, shapes = town()
    del rows[3], shapes[3]
    assert ("W", "sum") in rules(checked(rows, shapes))


def test_parents_that_are_missing_or_of_the_wrong_level():
    assert rules(changed(8, parent="nowhere")) == [("g1", "parent-unknown"), (COMMUNITY, "sum")]
    assert ("W1", "parent-level") in rules(changed(3, parent=COMMUNITY))
    findings = changed(3, parent=COMMUNITY)
    assert ("W1", "circle") in rules(findings) or (COMMUNITY, "circle") in rules(findings)


def test_an_area_inside_another_of_its_level_overlaps_it():
    rows, shapes = town()
    rows.append(AreaRow("E1b", "subdistrict", None, None))
    shapes.append(next(quarters(BOXES["E1"])))
    assert rules(checked(rows, shapes)) == [("E1", "overlap")]


def test_what_a_grid_leaves_out_and_claims_twice():
    ground = BOXES["W1"]
    cells = list(quarters(ground))
    whole = SIZE(np.array([ground, None], dtype=object)[:-1])[0]
    full = cover(ground, np.array(cells), CRS)
    assert (full.uncovered_parts, full.overlaps, full.uncovered_m2, full.overlap_m2) == (0, 0, 0.0, 0.0)
    assert full.ground_m2 == pytest.approx(whole)
    two = cover(ground, np.array([cells[0], cells[3]]), CRS)
    assert two.uncovered_parts == 2
    assert two.uncovered_m2 == pytest.approx(whole / 2, rel=1e-3)
    doubled = cover(ground, np.array([*cells, cells[0]]), CRS)
    assert (doubled.overlaps, doubled.uncovered_parts) == (1, 0)
    assert doubled.overlap_m2 == pytest.approx(whole / 4, rel=1e-3)
    none = cover(ground, np.zeros(0, dtype=object), CRS)
    assert (none.uncovered_parts, none.uncovered_m2) == (1, pytest.approx(whole))


def test_stored_areas_are_checked(conn, catalogue):
    west, south, east, north = BOXES["W1"].bounds
    cells = {"g1": shapely.box(west, south, (west + east) / 2, north), "g2": BOXES["E2"]}
    given = batch("grid_cells", cells, {"community": ["W1", "W1"], "grid_code": [f"{COMMUNITY}001", "7"]})
    write_batches(conn, catalogue, [districts(), given], CHANGE)
    found = check_areas(conn, "zh")
    assert not found["ok"]
    assert {(item["code"], item["rule"]) for item in found["findings"]} == {
        ("g2", "grid-code"), ("g2", "outside"), ("W1", "sum"),
    }  # fmt: skip
    assert found["areas"] == {"city": 1, "district": 2, "subdistrict": 4, "community": 0, "grid": 2}
    told = next(item for item in found["findings"] if item["rule"] == "outside")
    assert (told["figure"], told["other"], told["hint"]) == (
        pytest.approx(1.0),
        "W1",
        "按上级区域边界裁切，或更正上级编码。",
    )
    assert check_areas(conn, "en", limit=1)["findings_in_all"] == 3
    conn.execute(text("DELETE FROM city.grid_cells"))


def test_the_sample_has_no_fault(town_database):
    with town_database.read() as conn:
        found = check_areas(conn, "en")
    assert found["findings"] == []
    assert found["ok"]
    assert found["areas"]["community"] > 1
    assert found["areas"]["grid"] > 1
