"""What is computed again after a few facilities have changed equals all of it computed again, in every drawn town."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from app.catalogue.model import Supply, Tier, Title
from app.coverage.access import access_points
from app.coverage.incremental import BandChange, change, state_of
from app.coverage.model import Areas, Band, Inputs, People, Places, Streets, TierSupply
from app.coverage.straight import merge, service_area
from app.coverage.units import area_units, point_units, with_starts
from tests.coverage.test_compute import POLICY
from tests.coverage.test_properties import SNAP_M, draw_parks, draw_town

pytestmark = pytest.mark.slow

MODES = ("straight", "walk")
NO_GATES = (np.empty((0, 2)), np.empty(0, dtype=np.int64))
towns = st.integers(0, 10_000)
radii = st.tuples(st.floats(60, 500), st.floats(60, 500))


def places(shapes, people=100.0):
    codes = [f"c{i}" for i in range(len(shapes))]
    return Places(codes, codes, ["x"] * len(shapes), shapes, np.full(len(shapes), people))


def band(streets, shapes, radius_m, key):
    found = places(shapes)
    service = service_area(shapes, radius_m)
    access = access_points(shapes, *NO_GATES, streets.index, snap_limit_m=SNAP_M, public_only=True)
    return Band("parks", radius_m, found, service, access, (key,))


def supply(streets, groups, metres):
    tier = Tier("t", Title("园", "park"), tuple(Supply("parks", m) for m in metres))
    bands = tuple(band(streets, s, m, i) for i, (s, m) in enumerate(zip(groups, metres, strict=True)))
    return TierSupply(tier, bands, merge([one.service for one in bands]))


def draw_inputs(seed, groups, metres, people="land"):
    town = draw_town(seed)
    streets = Streets(town.network, town.index, 1)
    parcels = places(town.parcels)
    gates = np.array([shapely.get_coordinates(town.parcels[0])[0]])
    access = access_points(
        town.parcels, gates, np.zeros(1, int), town.index, snap_limit_m=SNAP_M, public_only=False
    )
    nowhere = Areas([], [], [], np.empty(0, dtype=object))
    land = with_starts(replace(area_units(parcels, nowhere), access=access), streets, SNAP_M)
    cells = places(shapely.buffer(shapely.points(town.centres), 20, quad_segs=2), 7.0)
    units = {
        "land": lambda: None,
        "cells": lambda: point_units(cells, nowhere, None),
        "areas": lambda: area_units(cells, nowhere),
    }[people]()
    return Inputs(
        POLICY, nowhere, land, People("x", "area", units), (supply(streets, groups, metres),), streets, 1.2, SNAP_M,
        ("land",),
    )  # fmt: skip


def drawn_change(inputs, number, removed, shapes):
    streets = inputs.streets
    access = access_points(shapes, *NO_GATES, streets.index, snap_limit_m=SNAP_M, public_only=True)
    return {(0, number): BandChange(np.array(removed, dtype=np.int64), places(shapes), access)}


def assert_same(state, whole):
    for mine, full in zip(state.figures, whole.figures, strict=True):
        np.testing.assert_allclose(mine.land_served_m2, full.land_served_m2, rtol=0, atol=1e-6)
        np.testing.assert_allclose(mine.people_served, full.people_served, rtol=0, atol=1e-6)
        mine_m2, full_m2 = (
            np.bincount(f.gaps.unit, weights=f.gaps.area_m2, minlength=len(mine.land_served_m2))
            for f in (mine, full)
        )
        np.testing.assert_allclose(mine_m2, full_m2, rtol=0, atol=1e-4)


#: A whole town cannot be made smaller: looking for a lesser one would take minutes.
@settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(towns, towns, radii, st.sampled_from(["land", "cells", "areas"]), st.data())
def test_a_change_equals_all_computed_again(seed, park_seed, metres, people, data):
    shapes = draw_parks(park_seed, 9)
    groups = [shapes[:4], shapes[4:6]]
    state = state_of(draw_inputs(seed, groups, metres, people), MODES)
    for step in range(2):
        number = data.draw(st.integers(0, 1))
        removed = data.draw(st.lists(st.integers(0, len(groups[number]) - 1), max_size=2, unique=True))
        added = shapes[6 + step : 6 + step + data.draw(st.integers(0, 1))]
        if not len(groups[number]) - len(removed) + len(added):
            added = shapes[8:9]
        state, touched = change(state, drawn_change(state.inputs, number, removed, added))
        groups[number] = np.concatenate((np.delete(groups[number], removed), added))
        whole = state_of(draw_inputs(seed, groups, metres, people), MODES)
        assert_same(state, whole)
        assert len(touched.land) <= len(whole.inputs.land.geometry)


def test_who_lives_out_of_reach_is_not_computed_again():
    parks = draw_parks(3, 5)
    parks[1] = shapely.centroid(draw_town(5).parcels[2])
    state = state_of(draw_inputs(5, [parks[:3], parks[3:]], (100.0, 120.0)), MODES)
    _, touched = change(state, drawn_change(state.inputs, 0, [1], parks[:0]))
    near = shapely.dwithin(state.inputs.land.geometry, parks[1], 100.0)
    assert touched.land.tolist() == np.flatnonzero(near).tolist()
    assert 0 < near.sum() < len(near)


def test_the_last_facility_gone_leaves_nobody_served():
    parks = draw_parks(3, 3)
    state = state_of(draw_inputs(5, [parks[:1], parks[1:2]], (300.0, 300.0)), MODES)
    for number in (0, 1):
        state, _ = change(state, drawn_change(state.inputs, number, [0], parks[:0]))
    for figure in state.figures:
        assert figure.land_served_m2.sum() == pytest.approx(0, abs=1e-6)
