"""Homes, touched areas and borders on the drawn town."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from app.inventory.areas import Areas, locate, locate_areas, make_areas
from tests.inventory.town import BOXES, LEVELS, PARENTS, line, place, square


def town_areas(boxes=BOXES, parents=PARENTS) -> Areas:
    levels = [LEVELS.get(code, "subdistrict") for code in boxes]
    return make_areas(
        list(boxes), levels, [parents.get(code, code[0]) for code in boxes], list(boxes.values())
    )


def shapes(*items: Any):
    return np.array([*items, None], dtype=object)[:-1]


@pytest.mark.parametrize(
    ("shape", "path", "touched", "crosses"),
    [
        (place(-1, 1), "C/W/W1", "C W W1", False),
        (place(9, 9), "", "", False),
        (line((-1, 1), (-1, -0.5)), "C/W/W1", "C W W1 W2", False),
        (line((-1, 1), (2, 1)), "C/E/E1", "C E W E1 W1", True),
        (line((1, 1), (1, 5)), "", "C E E1", True),
        (square(-1.5, 0.5, 1), "C/W/W1", "C W W1", False),
        (square(-0.5, 0.5, 1.2), "C/E/E1", "C E W E1 W1", True),
    ],
)
def test_a_feature_is_at_home_where_its_middle_lies(shape, path, touched, crosses):
    found = locate(town_areas(), shapes(shape, place(1, -1)))
    assert found.path[0] == path
    assert found.touched[0] == tuple(touched.split())
    assert found.crosses_border.tolist() == [crosses, False]
    assert found.path[1] == "C/E/E2"


def test_a_point_on_a_border_has_one_home_within_one_branch():
    found = locate(town_areas(), shapes(place(0, 0)))
    assert found.path[0] in {"C/E/E1", "C/E/E2", "C/W/W1", "C/W/W2"}
    assert set(found.touched[0]) == set(BOXES)


def test_of_overlapping_areas_the_declared_parent_wins_then_the_smaller():
    zone = {**BOXES, "Z": square(-1.5, 0.5, 1)}
    parents = {**PARENTS, "Z": "C"}
    levels = [LEVELS.get(code, "district" if code == "Z" else "subdistrict") for code in zone]
    every = make_areas(list(zone), levels, [parents.get(code, code[0]) for code in zone], list(zone.values()))
    assert locate(every, shapes(place(-1, 1))).path == ["C/W/W1"]
    orphaned = make_areas(list(zone), levels, [None] * len(zone), list(zone.values()))
    assert locate(orphaned, shapes(place(-1, 1))).path == ["C/Z/W1"]


def test_an_area_is_at_home_in_itself_below_coarser_ones():
    areas = town_areas()
    found = locate_areas(areas, list(BOXES), shapes(*BOXES.values()))
    assert dict(zip(BOXES, found.path, strict=True)) == {
        "C": "C", "W": "C/W", "E": "C/E", "W1": "C/W/W1", "W2": "C/W/W2", "E1": "C/E/E1", "E2": "C/E/E2",
    }  # fmt: skip
    assert found.touched[3] == ("C", "W", "W1")
    assert not found.crosses_border.any()


def test_without_areas_nothing_has_a_home():
    none = make_areas([], [], [], [])
    for found in (locate(none, shapes(place(0, 0), square(0, 0, 1))),
                  locate_areas(none, ["a", "b"], shapes(square(0, 0, 1), square(1, 1, 1)))):  # fmt: skip
        assert found.path == ["", ""]
        assert found.touched == [(), ()]
        assert found.crosses_border.tolist() == [False, False]


def test_homes_agree_with_a_plain_search():
    rng = np.random.default_rng(7)
    points = [place(x, y) for x, y in rng.uniform(-2.5, 2.5, (300, 2))]
    found = locate(town_areas(), shapes(*points))
    for point, path, touched in zip(points, found.path, found.touched, strict=True):
        inside = {code for code, box in BOXES.items() if shapely.intersects(box, point)}
        assert set(path.split("/")) - {""} == inside == set(touched)
