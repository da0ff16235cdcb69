"""Who answers for what, on the drawn town: blanks counted, responsibility areas taken into account, seams measured."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from pyproj import Geod

from app.errors import NotFound
from app.inventory.area_cover import cover
from app.inventory.completeness import completeness, lacking
from app.inventory.service import write_batches
from app.space.metric import metric_crs
from tests.inventory.town import BOXES, CHANGE, batch, districts, grid, line, place, square

GEOD = Geod(ellps="GRS80")


def toilets():
    return batch(
        "toilets",
        {"a": place(-1, 1), "b": place(1, 1), "c": place(1.1, 1.1), "far": place(9, 9)},
        {
            "owner": ["城管局", None, "  ", "城管局"],
            "maintainer": ["甲公司", "乙公司", None, None],
            "department": ["城管局", None, None, "城管局"],
        },
    )


@pytest.fixture
def town(conn, catalogue):
    streets = batch("streets", {"s": line((0.2, 0.2), (0.8, 0.8)), "t": line((-0.5, 0.2), (0.5, 0.2))})
    cells = grid()
    cells.columns["keeper"] = ["张三" if place % 4 else None for place in range(16)]
    write_batches(conn, catalogue, [districts(), cells, toilets(), streets], CHANGE)
    return conn


def of(found, class_id):
    return next(item for item in found["classes"] if item["id"] == class_id)


NUMBERS = ("count", "without_owner", "without_maintainer", "without_department", "lacking")


def numbers(row):
    return tuple(row[name] for name in NUMBERS)


def test_blanks_are_counted_by_class_and_area(town, catalogue):
    found = of(completeness(town, catalogue), "toilets")
    assert numbers(found) == (4, 2, 2, 2, 3)
    assert found["share_complete"] == 0.25
    assert {row["code"]: numbers(row) for row in found["by_district"]} == {
        "E": (2, 2, 1, 2, 2), "W": (1, 0, 0, 0, 0), None: (1, 0, 1, 0, 1),
    }  # fmt: skip
    assert of(completeness(town, catalogue), "parks")["share_complete"] is None


def test_an_area_has_what_is_at_home_in_it(town, catalogue):
    found = completeness(town, catalogue, "E", "subdistrict")
    assert numbers(of(found, "toilets")) == (2, 2, 1, 2, 2)
    assert [row["code"] for row in of(found, "toilets")["by_subdistrict"]] == ["E1"]
    with pytest.raises(NotFound):
        completeness(town, catalogue, "nowhere")
    with pytest.raises(NotFound):
        completeness(town, catalogue, level="grid")


def test_cells_without_a_keeper_and_the_worst_cells(town, catalogue):
    found = completeness(town, catalogue)
    assert (found["grid"]["cells"], found["grid"]["without_keeper"]) == (16, 4)
    assert numbers(found["grid"])[1:] == (16, 16, 16, 16)
    worst = {cell["code"]: (cell["count"], cell["lacking"]) for cell in found["worst_cells"]}
    assert worst["g33"][1] >= 1
    assert sum(lacks for _, lacks in worst.values()) == 4
    counts = [cell["lacking"] for cell in found["worst_cells"]]
    assert counts == sorted(counts, reverse=True)


def test_who_cares_for_an_area_cares_for_what_lies_wholly_in_it(town, catalogue):
    before = completeness(town, catalogue)
    assert numbers(of(before, "streets")) == (2, 2, 2, 2, 2)
    area = batch(
        "responsibility_areas",
        {"m": square(0, 0, 1), "g": square(-2, -2, 4)},
        {"kind": ["municipal", "greenery"], "owner": ["市政处", "园林处"], "maintainer": ["丙公司", "丁公司"],
         "department": [None, "园林局"]},
    )  # fmt: skip
    write_batches(town, catalogue, [area], CHANGE)
    found = completeness(town, catalogue)
    assert numbers(of(found, "streets")) == (2, 1, 1, 2, 2), (
        "one street leaves the area; it has no department"
    )
    assert numbers(of(found, "toilets")) == numbers(of(before, "toilets")), (
        "streets and greenery are not toilets"
    )


def test_what_lacks_somebody_is_listed_page_by_page(town, catalogue):
    first = lacking(town, catalogue, "toilets", None, None, 0, 2)
    assert [(item["code"], item["missing"]) for item in first["items"]] == [
        ("b", ["owner", "department"]), ("c", ["owner", "maintainer", "department"]),
    ]  # fmt: skip
    rest = lacking(town, catalogue, "toilets", None, None, first["next_after"], 2)
    assert [item["code"] for item in rest["items"]] == ["far"]
    assert rest["next_after"] is None
    assert rest["items"][0]["href"] == f"/collections/toilets/items/{rest['items'][0]['id']}"
    owners = lacking(town, catalogue, "toilets", "E1", "owner", 0, 10)
    assert [item["code"] for item in owners["items"]] == ["b", "c"]
    assert lacking(town, catalogue, "toilets", "W", None, 0, 10)["items"] == []
    with pytest.raises(NotFound):
        lacking(town, catalogue, "toilets", None, "keeper", 0, 10)


def test_the_seams_of_grid_and_communities(town, catalogue):
    cover = completeness(town, catalogue)["cover"]
    city = GEOD.geometry_area_perimeter(BOXES["C"])[0]
    assert cover["grid"]["ground_m2"] == pytest.approx(city, rel=4e-4)
    assert cover["grid"]["uncovered_parts"] == cover["grid"]["overlaps"] == 0
    assert cover["community"]["uncovered_parts"] == 1, "the town has no communities"
    assert cover["community"]["uncovered_m2"] == pytest.approx(city, rel=4e-4)
    twice = batch("grid_cells", {"again": square(-2, -2, 1), "in": square(1.2, 1.2, 0.1)})
    write_batches(town, catalogue, [twice], CHANGE)
    cover = completeness(town, catalogue)["cover"]
    assert cover["grid"]["overlaps"] == 2
    shared = sum(
        GEOD.geometry_area_perimeter(shape)[0] for shape in (square(-2, -2, 1), square(1.2, 1.2, 0.1))
    )
    assert cover["grid"]["overlap_m2"] == pytest.approx(shared, rel=4e-4)


def test_a_hole_in_the_grid_is_found(conn, catalogue):
    cells = grid()
    keep = [place for place, code in enumerate(cells.codes) if code != "g11"]
    holed = batch("grid_cells", {cells.codes[place]: cells.geometry[place] for place in keep})
    write_batches(conn, catalogue, [districts(), holed], CHANGE)
    cover = completeness(conn, catalogue)["cover"]["grid"]
    hole = GEOD.geometry_area_perimeter(cells.geometry[cells.codes.index("g11")])[0]
    assert (cover["uncovered_parts"], cover["uncovered_m2"]) == (1, pytest.approx(hole, rel=4e-4))
    assert completeness(conn, catalogue, "W2")["cover"]["grid"]["uncovered_parts"] == 1
    assert completeness(conn, catalogue, "E")["cover"]["grid"]["uncovered_parts"] == 0


def test_an_empty_city_is_told_too(read_conn, catalogue):
    found = completeness(read_conn, catalogue)
    assert found["cover"] is None
    assert found["worst_cells"] == []
    assert {item["count"] for item in found["classes"]} == {0}


@pytest.mark.parametrize(
    ("second", "shared"),
    [
        (shapely.box(0.001, 0, 0.002, 0.001), False),  # its border matches corner by corner
        (shapely.box(0.0009, 0, 0.002, 0.001), True),  # it lies on the first
        (shapely.box(0.001, -0.001, 0.002, 0.002), False),  # its border is the same, its corners are not
    ],
)
def test_areas_share_ground_only_where_they_lie_on_each_other(second, shared):
    east, first = 115.86, shapely.box(0, 0, 0.001, 0.001)
    shapes = shapely.transform(
        np.array([shapely.box(0, 0, 0.002, 0.001), first, second]), lambda xy: xy + np.array([east, 28.68])
    )
    found = cover(shapes[0], shapes[1:], metric_crs("EPSG:4548"))
    assert (found.overlaps == 1, found.overlap_m2 > 1) == (shared, shared)
    assert found.uncovered_parts == 0
