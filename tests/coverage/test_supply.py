"""Which facilities serve, and which polygons are one park."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalogue.moments import moment_of
from app.coverage.gates import gates_of
from app.coverage.model import Places
from app.coverage.supply import SupplyRule, dissolved, judge, parts_of_one, usable_gates

DAY = date(2026, 7, 1)
ANY_HOUR = SupplyRule(DAY)
AT_22 = SupplyRule(DAY, moment_of("22:00", DAY))


def columns(**values):
    return {name: np.array([*column, None], dtype=object)[:-1] for name, column in values.items()}


def objects(shapes):
    return np.array([*shapes, None], dtype=object)[:-1]


def named(shapes, names=None):
    names = names or [""] * len(shapes)
    codes = [f"c{i}" for i in range(len(shapes))]
    return Places(codes, names, ["x"] * len(shapes), objects(shapes), np.ones(len(shapes)))


def test_only_what_is_in_service_and_open_to_the_public_serves():
    rows = columns(
        state=["in_service", None, "under_repair", "removed", "planned", None],
        access=[None, "public", None, None, None, "customers"],
    )
    verdict = judge(rows, {}, ANY_HOUR, 6)
    assert verdict.serves.tolist() == [True, True, False, False, False, False]
    assert verdict.out == {"not_in_service": 3, "not_public": 1}


def test_a_policy_may_say_otherwise():
    rows = columns(state=["under_repair", None], access=["customers", None], fee=[None, True])
    where = {"state": ("under_repair", None), "access": ("customers", None), "fee": (False, None)}
    assert judge(rows, where, ANY_HOUR, 2).serves.tolist() == [True, False]


def test_step_free_and_free_of_charge():
    rows = columns(accessible=[True, False, None, True], fee=[False, None, None, True])
    verdict = judge(rows, {}, SupplyRule(DAY, step_free=True), 4)
    assert verdict.serves.tolist() == [True, False, False, True]
    assert verdict.out == {"not_step_free": 1, "step_free_unknown": 1}
    assert judge(rows, {}, SupplyRule(DAY, free_only=True), 4).serves.tolist() == [True, True, True, False]
    assert judge(columns(state=[None]), {}, SupplyRule(DAY, step_free=True, free_only=True), 1).serves.all()


def test_what_is_not_built_yet_or_gone_serves_nobody():
    rows = columns(
        built_on=[None, date(2026, 7, 1), date(2026, 7, 2), None, None],
        removed_on=[None, None, None, date(2026, 7, 1), date(2026, 7, 2)],
    )
    verdict = judge(rows, {}, ANY_HOUR, 5)
    assert verdict.serves.tolist() == [True, True, False, False, True]
    assert verdict.out == {"not_built_yet": 1, "removed": 1}


def test_at_ten_in_the_evening_unknown_hours_are_no_open_hours():
    rows = columns(
        open_24h=[True, None, None, None, False],
        opening_hours=[None, "全天", "6:00-22:00", "看情况", "06:00-23:00"],
    )
    verdict = judge(rows, {}, AT_22, 5)
    assert verdict.serves.tolist() == [True, True, False, False, True]
    assert verdict.out == {"closed_at_the_hour": 1, "hours_unknown": 1}
    assert judge(rows, {}, ANY_HOUR, 5).serves.all()


def test_gates_with_steps_closed_or_ticketed_are_not_used():
    rows = columns(
        pedestrians=[None, False, True, True, True],
        state=[None] * 5,
        accessible=[None, None, False, True, True],
        opening_hours=[None, None, None, "6:00-18:00", None],
        open_24h=[None] * 5,
        fee=[None, None, None, None, True],
    )
    open_, usable = usable_gates(rows, SupplyRule(DAY, step_free=True), 5)
    assert open_.tolist() == [True, False, True, True, True]
    assert usable.tolist() == [True, False, False, True, True]
    assert usable_gates(rows, AT_22, 5)[1].tolist() == [True, False, True, False, True]
    assert usable_gates(rows, SupplyRule(DAY, free_only=True), 5)[1].tolist() == [
        True,
        False,
        True,
        True,
        False,
    ]


def test_a_park_whose_gates_are_all_closed_is_shut():
    parks = named([shapely.box(0, 0, 10, 10), shapely.box(50, 0, 60, 10), shapely.box(200, 0, 210, 10)])
    at = objects([shapely.Point(0, 5), shapely.Point(10, 5), shapely.Point(50, 5)])
    gates = gates_of(at, np.array([False, False, True]), [None, "c0", "c1"], parks)
    assert gates.shut(3).tolist() == [True, False, False]
    assert gates_of(at, np.array([False, True, True]), [None, "c0", "c1"], parks).shut(3).sum() == 0


def test_a_park_split_by_a_path_is_one():
    parts = [shapely.box(0, 0, 50, 50), shapely.box(58, 0, 98, 50), shapely.box(110, 0, 150, 50)]
    group = parts_of_one(objects(parts), ["人民公园"] * 3)
    assert group.tolist() == [0, 0, 1]
    whole = dissolved(named(parts, ["人民公园"] * 3), group)
    assert whole.code == ["c0", "c2"]
    assert shapely.area(whole.geometry).tolist() == [4500, 2000]
    assert whole.people.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["", "", ""], [0, 0, 0]),
        (["A", "A", "A"], [0, 0, 0]),
        (["A", "", ""], [0, 0, 0]),
        (["A", "B", "B"], [0, 1, 1]),
        (["A", "", "B"], [0, 1, 2]),
        (["A", "B", "A"], [0, 1, 0]),
    ],
)
def test_two_names_never_become_one_park(names, expected):
    # three strips side by side, the outer two 8 m apart
    strips = [shapely.box(0, 0, 50, 50), shapely.box(50, 0, 58, 50), shapely.box(58, 0, 98, 50)]
    assert parts_of_one(objects(strips), names).tolist() == expected


def test_nameless_lawns_near_each_other_stay_two():
    assert parts_of_one(objects([shapely.box(0, 0, 9, 9), shapely.box(12, 0, 20, 9)]), ["", ""]).tolist() == [
        0,
        1,
    ]
    assert parts_of_one(objects([shapely.Point(0, 0), shapely.Point(0, 0)]), ["a", "a"]).tolist() == [0, 1]


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 5), st.integers(0, 5)), st.sampled_from(["", "A", "B"]), max_size=12
    ),
    st.randoms(),
)
def test_the_order_of_parts_does_not_matter(cells, random):
    parts = [(shapely.box(30 * x, 30 * y, 30 * x + 22, 30 * y + 30), name) for (x, y), name in cells.items()]
    shuffled = parts.copy()
    random.shuffle(shuffled)
    assert united(parts) == united(shuffled)


def united(parts):
    """The parks made of parts (shape, name), as sorted texts."""
    shapes, names = [shape for shape, _ in parts], [name for _, name in parts]
    found = dissolved(named(shapes, names), parts_of_one(objects(shapes), names))
    return sorted(shapely.to_wkt(shapely.normalize(found.geometry)).tolist())
