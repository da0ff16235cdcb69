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
    "cn_gb50563_2010": {"park": [("parks", 5000, None, 500), ("parks", 1000, 5000, 300)]},
    "cn_garden_city_2016": {
        "park": [("parks", 5000, None, 500), ("parks", 2000, 5000, 300), ("parks", 1000, 2000, 300)]
    },
    "cn_garden_city_2016_county": {"park": [("parks", 2000, None, 500), ("parks", 1000, 2000, 300)]},
    "cn_garden_city_2022": {"park": [("parks", 5000, None, 500), ("parks", 400, 5000, 300)]},
    "cn_gb55014_2021": {"park": [("parks", 5000, None, 500), ("parks", 2000, 5000, 300)]},
    "cn_greenway_2021": {"greenway": [("greenways", None, None, 1000)]},
    "who-green-300": {"green": [("parks", 5000, None, 300), ("green_spaces", 5000, None, 300)]},
    "eu-a4": {"open_area": [("parks", 5000, None, 300), ("green_spaces", 5000, None, 300)]},
    "sdg-11-7-1": {"open_space": [("parks", None, None, 400), ("green_spaces", None, None, 400)]},
    "3-30-300": {"green": [("parks", 10000, None, 300), ("green_spaces", 10000, None, 300)]},
    "parking-300": {"parking": [("parking_lots", None, None, 300)]},
    "parking-500": {"parking": [("parking_lots", None, None, 500)]},
    "market-300": {"market": [("markets", None, None, 300)]},
    "market-500": {"market": [("markets", None, None, 500)]},
    "bike-bays-100": {"bike_bay": [("bike_bays", None, None, 100)]},
    "toilet-streets": {"toilet": [("toilets", None, None, 300)]},
}
#: policy → tier → target: (at least, at most or between, its ends), where the document states one.
TARGETS = {
    "cn_garden_city_2016": {"park": ("at_least", 0.8, None)},
    "cn_garden_city_2022": {"park": ("at_least", 0.85, None)},
    "cn_gb55014_2021": {"park": ("at_least", 0.8, None)},
    "cn_gb55014_2021_parks": {
        "all_parks": ("at_least", 8, None),
        "city_parks": ("at_least", 3, None),
        "neighbourhood_parks": ("at_least", 3, None),
    },
    "green-ratio": {"all": ("at_least", 0.3932, None)},
    "park-area-per-person": {"all": ("at_least", 12.1, None)},
    "toilet-density": {
        "built_up": ("between", 3, 5),
        "residential": ("between", 3, 5),
        "parks": ("between", 5, 6),
        "streets": ("at_least", None, None),
    },
    "waste-kiosks": {"all": ("at_least", 0.4, None)},
    "sorting-centres": {"all": ("at_least", 1, None)},
    "subdistrict-platforms": {"all": ("at_least", 2, None)},
    "undergrounded-roads": {"all": ("at_least", 1, None)},
}
KINDS = {
    "density": {
        *(
            "cn_gb55014_2021_parks",
            "park-area-per-person",
            "green-ratio",
            "green-coverage",
            "greenway-per-10k",
        ),
        *("3-30-300-canopy", "toilet-density", "parking-berths"),
    },
    "share_with": {
        *("shaded-streets", "3-30-300-trees", "market-estates", "bus-bays", "waste-kiosks"),
        *("facilities-intact", "alleys-five"),
    },
    "at_least": {"sorting-centres", "subdistrict-platforms", "undergrounded-roads"},
}


def _band(supply: Supply) -> tuple[str, float | None, float | None, float]:
    return supply.cls, supply.min_area_m2, supply.max_area_m2, supply.radius_m


@pytest.mark.parametrize("kind", KINDS)
def test_policies_of_each_kind(declared: Catalogue, kind: str):
    assert {item.id for item in declared.policies.values() if item.kind == kind} == KINDS[kind]


def test_few_policies_are_computed_unasked(declared: Catalogue):
    assert set(declared.default_policies()) == {
        *("cn_city_check_2021", "cn_greenway_2021", "green-300-500", "park-300", "park-500"),
        *("toilet-10min", "toilet-300", "toilet-500", "parking-300", "market-500"),
    }


@pytest.mark.parametrize("policy_id", BANDS)
def test_sizes_and_radii(declared: Catalogue, policy_id: str):
    policy = declared.get_policy(policy_id)
    assert {tier.id: [_band(supply) for supply in tier.supplies] for tier in policy.tiers} == BANDS[policy_id]


@pytest.mark.parametrize("policy_id", TARGETS)
def test_targets_are_those_of_the_documents(declared: Catalogue, policy_id: str):
    tiers = declared.get_policy(policy_id).tiers
    assert {tier.id: (tier.target_is, tier.target, tier.target_to) for tier in tiers} == TARGETS[policy_id]


def test_only_the_city_check_is_official_and_inside_the_built_up_area(declared: Catalogue):
    official = {item.id for item in declared.policies.values() if item.official}
    assert official == {"cn_city_check_2021", "cn_greenway_2021"}
    for item in declared.policies.values():
        # Every edition of the official ratios is measured in the built-up area; the City Check states no target.
        assert item.frame_cls == ("built_up_areas" if item.id.startswith("cn_") else item.frame_cls)
        assert not item.official or [tier.target for tier in item.tiers] == [None]


def test_in_historic_districts_smaller_parks_count(declared: Catalogue):
    for policy_id in ("cn_gb50563_2010", "cn_garden_city_2016"):
        (tier,) = declared.get_policy(policy_id).tiers
        exceptions = [supply for supply in tier.supplies if supply.near is not None]
        assert [(s.near.cls, s.near.within_m, s.min_area_m2, s.radius_m) for s in exceptions] == [
            ("historic_districts", 0, 1000, 300)
        ]


def _served_m2(bands: list[tuple[str, float | None, float | None, float]], side_m: float) -> float:
    """Exact area served by a square park: w·h + 2(w + h)r + πr², with the largest radius of its size."""
    area_m2 = side_m * side_m
    radii = [
        radius
        for _, low, high, radius in bands
        if (low or 0) <= area_m2 < (math.inf if high is None else high)
    ]
    return area_m2 + 4 * side_m * max(radii) + math.pi * max(radii) ** 2 if radii else 0.0


@pytest.mark.parametrize(
    ("policy_id", "golden"),
    [
        ("cn_gb50563_2010", 6.2212),
        ("cn_garden_city_2016", 8.3790),
        ("cn_city_check_2021", 8.3790),
        ("cn_garden_city_2022", 10.2987),
    ],
)
def test_each_edition_gives_its_golden_share(declared: Catalogue, policy_id: str, golden: float):
    """4 × 4 km of residential land; parks of 100, 50 and 20 m a side, far apart (standards §1.1)."""
    (tier,) = declared.get_policy(policy_id).tiers
    bands = [_band(supply) for supply in tier.supplies if supply.near is None]
    share = sum(_served_m2(bands, side_m) for side_m in (100, 50, 20)) / 4000**2
    assert share * 100 == pytest.approx(golden, abs=5e-5)


def test_below_the_smallest_size_nothing_is_served(declared: Catalogue):
    (tier,) = declared.get_policy("cn_city_check_2021").tiers
    bands = [_band(supply) for supply in tier.supplies]
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
            fields = {item.name for item in declared.get_class(supply.cls).fields}
            assert supply.where["state"] == ("in_service", None)
            if "access" in fields:
                access = ("open", None) if supply.cls == "green_spaces" else ("public", None)
                assert supply.where["access"] == access


def test_land_and_people_are_counted_alike_in_all_policies(declared: Catalogue):
    for policy in declared.policies.values():
        assert (policy.snap_limit_m, policy.gate_search_m) == (250, 30)
        if policy.id == "market-300":
            assert policy.land.where == policy.people[0].where == {"kind": ("estate",), "old": (True,)}
            continue
        assert (policy.land.cls, policy.land.where) == ("residential_areas", {"kind": ("land",)})
        assert [(item.cls, item.people_field, item.people_rule) for item in policy.people] == [
            ("population_cells", "people", "centre"),
            ("residential_areas", "people", "area"),
        ]
        assert policy.people[1].where == policy.land.where


def test_each_policy_keeps_its_text_and_source(declared: Catalogue):
    for policy in declared.policies.values():
        assert policy.text == (ROOT / "geodata" / "policies" / f"{policy.id}.yaml").read_text(
            encoding="utf-8"
        )
        assert policy.source.document
        assert policy.source.clause
    assert declared.get_policy("toilet-300").source.clause == "5.0.1"
    assert declared.get_policy("toilet-300").source.document.startswith("GB 55013-2021")
