"""Numbers whose heading names no unit: their sizes tell metres from millimetres, and what is assumed is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.ingest.layer import Layer
from app.ingest.mapping import ColumnMapping, LayerMapping
from app.ingest.row_plan import RowPlan, plan_rows
from app.ingest.spool import sources


def planned(
    catalogue, class_id: str = "pipes", mapping: LayerMapping | None = None, **columns: list[Any]
) -> RowPlan:
    size = len(next(iter(columns.values())))
    layer = Layer("t", list(range(size)), np.full(size, None, dtype=object), columns, None)
    (source,) = sources([layer])
    return plan_rows(source, catalogue.get_class(class_id), mapping=mapping)


@pytest.mark.parametrize(
    ("values", "unit", "said"),
    [
        ([300, 600, 1200], None, "taken as mm, as its values (300 to 1200)"),
        (["100", "0", None, "DN300"], None, "taken as mm, as its values (100 to 100)"),
        ([0.3, 0.6, 1.2], "m", "taken as m and changed to mm, as its values (0.3 to 1.2)"),
        ([0.3, 600], None, "assumed to be mm, though its values (0.3 to 600) do not tell"),
        ([8, 12, 24], None, "assumed to be mm, though its values (8 to 24) do not tell"),
    ],
)
def test_sizes_tell_their_unit(catalogue, values, unit, said):
    plan = planned(catalogue, diameter=values)
    assert [found.symbol for found in plan.meaning.units.values()] == ([unit] if unit else [])
    (note,) = plan.assumed
    assert note.startswith("'diameter' names no unit")
    assert said in note


@pytest.mark.parametrize("heading", ["diameter_mm", "管径(mm)", "管径（毫米）", "diameter (in)"])
def test_a_unit_that_is_named_is_not_assumed(catalogue, heading):
    assert planned(catalogue, **{heading: [0.3, 0.6]}).assumed == ()


@pytest.mark.parametrize(("values", "said"), [([300, 400], False), ([8, 12], False), ([0.3, 0.6], True)])
def test_nominal_sizes_are_mm_but_those_of_metres_are_told_of(catalogue, values, said):
    plan = planned(catalogue, DN=values)
    assert (plan.meaning.units, any("do not tell" in note for note in plan.assumed)) == ({}, said)


def test_nothing_is_told_of_empty_columns(catalogue):
    assert planned(catalogue, diameter=[None, 0]).assumed == ()


def test_a_mapping_is_not_overruled(catalogue):
    mapping = LayerMapping("pipes", columns={"diameter": ColumnMapping("diameter_mm")})
    plan = planned(catalogue, mapping=mapping, diameter=[0.3, 0.6])
    assert (plan.meaning.units, len(plan.assumed)) == ({}, 1)


def test_the_unit_of_the_field_is_assumed_for_lengths_and_areas_once(catalogue):
    plan = planned(catalogue, "parks", 面积=[12.0], capacity=[3], name=["a"])
    (note,) = plan.assumed
    assert note.startswith("no unit is named, so that of the field is assumed: '面积' in m²;")
    assert planned(catalogue, "parks", **{"面积(公顷)": [1.0]}).assumed == ()


def test_a_later_chunk_may_show_that_they_are_no_metres(catalogue):
    plan = planned(catalogue, diameter=[0.5] * 50_000 + [300.0])
    assert plan.meaning.units == {}
    assert "do not tell" in plan.assumed[0]
