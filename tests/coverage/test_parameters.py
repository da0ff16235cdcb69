"""What a request may change of a policy, and that it is checked, applied and told."""

from __future__ import annotations

import pytest

from app.catalogue.parameters import PARAMETERS, read_settings
from app.coverage import commands
from app.coverage.request import parse
from app.errors import BadInput

OPEN = {"state": ("in_service", None), "access": ("public", None)}


def ask(catalogue, policy, **parameters):
    return parse(catalogue, {"policy": policy, "parameters": parameters}, None)


def bands(request):
    return [
        (supply.cls, supply.min_area_m2, supply.radius_m)
        for tier in request.policy.tiers
        for supply in tier.supplies
    ]


def test_a_radius_is_one_for_all_or_one_for_each_tier(catalogue):
    assert {metres for *_, metres in bands(ask(catalogue, "green-300-500", radius_m=250))} == {250}
    some = ask(catalogue, "green-300-500", radius_m={"park": 800})
    assert [metres for *_, metres in bands(some)] == [300, 300, 800]
    assert some.changed == ("radius_m",)
    assert catalogue.get_policy("green-300-500").tiers[1].supplies[0].radius_m == 500


def test_a_radius_takes_the_place_of_minutes(catalogue):
    request = ask(catalogue, "toilet-10min", radius_m=500, speed_m_s=0.8)
    assert bands(request) == [("toilets", None, 500)]
    assert (request.policy.minutes, request.speed_m_s) == (None, 0.8)
    assert ask(catalogue, "toilet-300", minutes=5).policy.minutes == 5
    assert bands(ask(catalogue, "toilet-300", minutes=5)) == [("toilets", None, 360)]


def test_the_smallest_size_is_that_of_the_lowest_band(catalogue):
    assert bands(ask(catalogue, "cn_city_check_2021", min_area_m2=400)) == [
        ("parks", 5000, 500), ("parks", 400, 300),
    ]  # fmt: skip
    assert bands(ask(catalogue, "cn_city_check_2021", min_area_m2=8000)) == [
        ("parks", 8000, 500), ("parks", 8000, 300),
    ]  # fmt: skip
    with pytest.raises(BadInput, match="min_area_m2 means nothing"):
        ask(catalogue, "toilet-300", min_area_m2=10)


def test_switches_let_kinds_in_and_out(catalogue):
    def where(**parameters: object) -> dict[str, tuple[object, ...]]:
        return dict(ask(catalogue, "toilet-300", **parameters).policy.tiers[0].supplies[0].where)

    assert where(exclude=["mobile"]) == OPEN | {"kind": ("public", "attached", "social", None)}
    assert where(include="customers") == OPEN | {"access": ("public", None, "customers")}
    assert where(exclude="mobile,social")["kind"] == ("public", "attached", None)
    assert where(include=["mobile"]) == OPEN
    with pytest.raises(BadInput, match="nothing of toilets is left"):
        where(exclude=["counted", "uncounted"])
    with pytest.raises(BadInput, match="no switch named 'bins'") as caught:
        where(exclude=["bins"])
    assert "mobile" in (caught.value.hint or "")


def test_switches_reach_what_is_counted_too(catalogue):
    request = ask(catalogue, "toilet-density", exclude=["mobile"])
    assert all(
        "mobile" not in amount.where["kind"] for tier in request.policy.tiers for amount in tier.amounts
    )


def test_a_target_may_be_another(catalogue):
    request = ask(catalogue, "cn_garden_city_2016", target=0.9)
    assert request.policy.tiers[0].target == 0.9
    (built_up, *_) = ask(catalogue, "toilet-density", target={"built_up": 4}).policy.tiers
    assert (built_up.target_is, built_up.target, built_up.target_to) == ("at_least", 4, None)
    with pytest.raises(BadInput, match="a share from 0 to 1"):
        ask(catalogue, "cn_garden_city_2016", target=90)


def test_what_concerns_the_request_alone_leaves_the_policy(catalogue):
    request = ask(catalogue, "toilet-300", at="Sa 22:00", step_free=True, free_only=False)
    assert request.policy == catalogue.get_policy("toilet-300")
    assert (request.at, request.step_free, request.free_only) == ("Sa 22:00", True, False)
    assert request.changed == ("at", "step_free")
    assert ask(catalogue, "toilet-300", people_rule="area").people_rule == "area"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("radius_m", 0),
        ("radius_m", -300),
        ("radius_m", 1e9),
        ("radius_m", "far"),
        ("radius_m", True),
        ("radius_m", {"benches": 300}),
        ("minutes", 0),
        ("minutes", float("inf")),
        ("target", -1),
        ("at", "late"),
        ("at", "25:00"),
        ("step_free", "yes"),
        ("exclude", 3),
        ("snap_limit_m", 0),
        ("people_rule", 1),
    ],
)
def test_absurd_values_are_refused_with_what_is_valid(catalogue, name, value):
    with pytest.raises(BadInput) as caught:
        ask(catalogue, "toilet-300", **{name: value})
    assert caught.value.hint


def test_a_reach_means_nothing_where_nothing_is_reached(catalogue):
    with pytest.raises(BadInput, match="means nothing to the policy 'toilet-density'"):
        ask(catalogue, "toilet-density", radius_m=300)
    (near, *_) = ask(catalogue, "market-estates", radius_m=500).policy.tiers
    assert near.having.supplies[0].radius_m == 500


def test_settings_of_the_command_line_are_read_as_what_they_are():
    words = [
        "radius_m=green:250,park:600",
        "speed_m_s=1.0",
        "step_free=true",
        "at=22:00",
        "exclude=mobile,social",
    ]
    assert read_settings(words) == {
        "radius_m": {"green": 250, "park": 600},
        "speed_m_s": 1.0,
        "step_free": True,
        "at": "22:00",
        "exclude": "mobile,social",
    }
    with pytest.raises(BadInput, match="sets nothing"):
        read_settings(["radius_m"])


def test_a_speed_of_nought_on_the_command_line_is_not_forgotten():
    given = commands._given(speed_m_s=0.0, minutes=None, step_free=False, include=[], exclude=["mobile"])
    assert given == {"speed_m_s": 0.0, "exclude": ["mobile"]}


def test_every_parameter_can_be_set_by_its_own_example(catalogue):
    for name, parameter in PARAMETERS.items():
        policy = "cn_city_check_2021" if name == "min_area_m2" else "toilet-300"
        example = {"toilet": 400} if name == "radius_m" else parameter.example
        assert name in ask(catalogue, policy, **{name: example}).parameters


@pytest.mark.parametrize(
    ("policy", "given", "titles"),
    [
        ("toilet-10min", {"minutes": 8}, ["8分钟内到公厕 / Toilet within 8 minutes"]),
        ("toilet-10min", {"speed_m_s": 0.8}, ["10分钟内到公厕 / Toilet within ten minutes"]),
        ("toilet-10min", {"radius_m": 400},
         ["10分钟内到公厕（改为400米） / Toilet within ten minutes (changed to 400 m)"]),
        ("green-300-500", {"radius_m": {"park": 400}},
         ["300米见绿 / Green within 300 m", "400米见园 / Park within 400 m"]),
        ("cn_greenway_2021", {"radius_m": 1500}, ["绿道1.5公里内 / Greenway within 1.5 km"]),
        ("life-circle-5", {"min_area_m2": {"garden": 0}},
         ["300米内有0.4公顷绿地（改为不限面积） / Garden of 0.4 ha within 300 m (changed to any size)"]),
        ("who-green-300", {"min_area_m2": 3000},
         [("300米内有0.5公顷绿地（改为不小于3000平方米） / "
           "Half a hectare of green within 300 m (changed to at least 3,000 m²)")]),
        ("cn_city_check_2021", {"radius_m": 400},
         ["公园绿地服务半径覆盖（改为400米） / Inside the service radius of a park (changed to 400 m)"]),
        ("waste-kiosks", {"target": 0.5}, ["小区垃圾亭房建设率 / Estates with a waste kiosk"]),
    ],
)  # fmt: skip
def test_the_titles_of_tiers_tell_the_changed_numbers(catalogue, policy, given, titles):
    changed = parse(catalogue, {"policy": policy, "parameters": given}, None).policy
    assert [f"{tier.title.zh} / {tier.title.en}" for tier in changed.tiers][: len(titles)] == titles
