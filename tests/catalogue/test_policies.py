"""The shipped policies say what their documents say (standards: City Check 2021, GB 55013, the plan's slogans)."""

from __future__ import annotations

import math

import pytest

from app.catalogue.model import Catalogue, Supply
from app.settings import ROOT

OPEN = {"state": ("in_service", None), "access": ("public", None)}
#: policy → tier → bands (class, from m², below m², radius m)
BANDS = {
    "green-300-500": {
        "green": [("green_spaces", 400, None, 300), ("parks", 400, None, 300)],
        "park": [("parks", 5000, None, 500)],
    },
    "cn_city_check_2021": {"park": [("parks", 5000, None, 500), ("parks", 2000, 5000, 300)]},
    "park-300": {"park": [("parks", None, None, 300)]},
    "park-500": {"park": [("parks", None, None, 500)]},
    "toilet-300": {"toilet": [("toilets", None, None, 300)]},
    "toilet-500": {"toilet": [("toilets", None, None, 500)]},
    "toilet-10min": {"toilet": [("toilets", None, None, 720)]},
}


def _band(supply: Supply) -> tuple[str, float | None, float | None, float]:
    return supply.cls, supply.min_area_m2, supply.max_area_m2, supply.radius_m


def test_every_policy_is_there(declared: Catalogue):
    assert set(declared.policies) == set(BANDS)


@pytest.mark.parametrize("policy_id", BANDS)
def test_sizes_and_radii(declared: Catalogue, policy_id: str):
    policy = declared.get_policy(policy_id)
    assert {tier.id: [_band(supply) for supply in tier.supplies] for tier in policy.tiers} == BANDS[policy_id]


def test_only_the_city_check_is_official_and_inside_the_built_up_area(declared: Catalogue):
    assert {item.id for item in declared.policies.values() if item.official} == {"cn_city_check_2021"}
    frames = {item.id: item.frame_cls for item in declared.policies.values() if item.frame_cls}
    assert frames == {"cn_city_check_2021": "built_up_areas"}
    # The document states no target, so none may be reported as met.
    assert [tier.target for item in declared.policies.values() for tier in item.tiers] == [None] * 8


def _served_m2(bands: list[tuple[str, float | None, float | None, float]], side_m: float) -> float:
    """Exact area served by a square park: w·h + 2(w + h)r + πr², with the largest radius of its size."""
    area_m2 = side_m * side_m
    radii = [
        radius
        for _, low, high, radius in bands
        if (low or 0) <= area_m2 < (math.inf if high is None else high)
    ]
    return area_m2 + 4 * side_m * max(radii) + math.pi * max(radii) ** 2 if radii else 0.0


def test_the_city_check_gives_the_golden_share(declared: Catalogue):
    """4 × 4 km of residential land; parks of 100, 50 and 20 m a side, far apart: 8.3790 % (standards §1.1)."""
    (tier,) = declared.get_policy("cn_city_check_2021").tiers
    bands = [_band(supply) for supply in tier.supplies]
    share = sum(_served_m2(bands, side_m) for side_m in (100, 50, 20)) / 4000**2
    assert share * 100 == pytest.approx(8.3790, abs=5e-5)
    assert _served_m2(bands, math.sqrt(1999)) == 0.0
    assert _served_m2(bands, math.sqrt(4999)) < _served_m2(bands, math.sqrt(5001))


def test_ten_minutes_are_seven_hundred_and_twenty_metres(declared: Catalogue):
    policy = declared.get_policy("toilet-10min")
    assert policy.minutes == 10
    assert policy.speed_m_s == 1.2
    assert policy.tiers[0].supplies[0].radius_m == pytest.approx(10 * 60 * 1.2)


def test_only_what_is_open_and_in_service_supplies(declared: Catalogue):
    for policy in declared.policies.values():
        for supply in (supply for tier in policy.tiers for supply in tier.supplies):
            access = ("open", None) if supply.cls == "green_spaces" else ("public", None)
            assert supply.where == {**OPEN, "access": access}


def test_land_and_people_are_counted_alike_in_all_policies(declared: Catalogue):
    for policy in declared.policies.values():
        assert (policy.land.cls, policy.land.where) == ("residential_areas", {"kind": ("land",)})
        assert [(item.cls, item.people_field, item.people_rule) for item in policy.people] == [
            ("population_cells", "people", "centre"),
            ("residential_areas", "people", "area"),
        ]
        assert policy.people[1].where == policy.land.where
        assert (policy.snap_limit_m, policy.gate_search_m) == (250, 30)


def test_each_policy_keeps_its_text_and_source(declared: Catalogue):
    for policy in declared.policies.values():
        assert policy.text == (ROOT / "geodata" / "policies" / f"{policy.id}.yaml").read_text(
            encoding="utf-8"
        )
        assert policy.source.document
        assert policy.source.clause
    assert declared.get_policy("toilet-300").source.clause == "5.0.1"
    assert declared.get_policy("toilet-300").source.document.startswith("GB 55013-2021")
