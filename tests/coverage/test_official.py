"""Which figures may be called official, and what the others say they differ in."""

from __future__ import annotations

import pytest

from app.coverage.official import assess
from app.coverage.request import AreaRef, parse
from app.errors import BadInput, NotFound

FACTS = {"built_up_area_used": True, "built_up_area_as_of": "2020-12-31", "has_supply": True}


def ask(catalogue, policy="cn_city_check_2021", area=None, **parameters):
    request = parse(catalogue, {"policy": policy, "parameters": parameters}, area)
    return assess(request, FACTS, has_land=True)


def test_only_the_documents_own_rule_is_official(catalogue):
    official = {name for name in catalogue.policies if ask(catalogue, name)["official"]}
    assert official == {"cn_city_check_2021", "cn_greenway_2021"}


def test_the_slogan_and_the_ten_minutes_say_that_they_are_references(catalogue):
    for name in ("green-300-500", "toilet-10min"):
        judgement = ask(catalogue, name)
        assert not judgement["official"]
        assert judgement["differs"][0]["zh"]


@pytest.mark.parametrize(
    "changed",
    [{"people_rule": "centre"}, {"speed_m_s": 1.0}, {"area": AreaRef("990102", "甲区", "district")}],
)
def test_changed_parameters_are_no_longer_official(catalogue, changed):
    judgement = ask(catalogue, **changed)
    assert not judgement["official"]
    assert len(judgement["differs"]) == 1


def test_without_built_up_area_or_land_it_is_not_official(catalogue):
    request = parse(catalogue, {"policy": "cn_city_check_2021"}, None)
    assert assess(request, FACTS, has_land=True)["official"]
    assert not assess(request, FACTS | {"built_up_area_used": False}, has_land=True)["official"]
    assert not assess(request, FACTS | {"built_up_area_as_of": None}, has_land=True)["official"]
    assert not assess(request, FACTS | {"has_supply": False}, has_land=True)["official"]
    assert not assess(request, FACTS, has_land=False)["official"]


def test_a_parameter_that_says_what_the_document_says_changes_nothing(catalogue):
    assert ask(catalogue, speed_m_s=1.2, radius_m=None, step_free=False)["official"]
    differs = ask(catalogue, radius_m=400, snap_limit_m=100, exclude=["pocket"])["differs"]
    assert [words["en"].split(": ")[1] for words in differs] == [
        "radius = 400",
        "distance to a street = 100",
        "leave out = pocket",
    ]


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        ({"policy": "toilet-10mins"}, NotFound, "toilet-10min"),
        ({"policy": "toilet-300", "mode": "fly"}, BadInput, "straight"),
        ({"policy": "toilet-300", "parameters": {"speed": 1}}, BadInput, "speed_m_s"),
        ({"policy": "toilet-300", "parameters": {"speed_m_s": 0}}, BadInput, "1.2"),
        ({"policy": "toilet-300", "parameters": {"speed_m_s": float("nan")}}, BadInput, "1.2"),
        ({"policy": "toilet-300", "parameters": {"people_rule": "corner"}}, BadInput, "centre"),
    ],
)
def test_bad_requests_hint_at_the_valid_names(catalogue, request_, error, words):
    with pytest.raises(error) as caught:
        parse(catalogue, request_, None)
    assert words in (caught.value.hint or "")


def _radii(catalogue, policy, **parameters) -> list[float]:
    request = parse(catalogue, {"policy": policy, "parameters": parameters}, None)
    return [supply.radius_m for tier in request.policy.tiers for supply in tier.supplies]


def test_another_speed_moves_the_reach_of_a_policy_of_time_only(catalogue):
    assert _radii(catalogue, "toilet-10min", speed_m_s=1.0) == [pytest.approx(600.0)]
    assert _radii(catalogue, "toilet-10min", speed_m_s=1.0, minutes=5) == [pytest.approx(300.0)]
    assert _radii(catalogue, "toilet-300", speed_m_s=1.0) == [300.0]
