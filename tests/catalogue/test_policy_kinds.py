"""What a planner may write: four kinds, defaults, short forms; and the sentences where something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.catalogue.model import Catalogue
from app.catalogue.policies import read_policy
from app.catalogue.policy_guide import CHANGED, EXAMPLE
from app.catalogue.policy_model import Amount, Denominator, Near, Policy
from app.catalogue.source import read_source
from app.errors import BadDeclaration

TWO_TIERS = """tiers:
  - {id: a, title: {zh: 一, en: A}, minutes: 5, supplies: [{class: toilets}]}
  - {id: b, title: {zh: 二, en: B}, supplies: [{class: toilets, radius_m: 80}]}
"""
HEAD = "id: own\ntitle: {zh: 自定, en: Own}\n"


def read(declared: Catalogue, text: str) -> Policy:
    entry = read_source(Path("policies", "own.yaml"), text)
    return read_policy(entry, None, text, declared.classes, declared.switches, "edition")


def test_the_example_of_the_page_is_short_and_whole(declared: Catalogue):
    assert len(EXAMPLE.splitlines()) <= 15
    assert len(CHANGED.splitlines()) <= 15
    policy = read(declared, EXAMPLE)
    (tier,) = policy.tiers
    assert (policy.id, policy.kind, policy.default, policy.official) == (
        "toilet-old-estates", "reach", True, False,
    )  # fmt: skip
    assert (tier.target, tier.supplies[0].radius_m) == (0.9, 300)
    assert policy.land.where == {"kind": ("estate",), "old": (True,)}


def test_what_is_left_out_is_usual(declared: Catalogue):
    policy = read(declared, HEAD + "supplies: [{class: green_spaces, radius_m: 200}]\n")
    usual = declared.get_policy("park-300")
    assert (policy.land, policy.people) == (usual.land, usual.people)
    assert (policy.speed_m_s, policy.snap_limit_m, policy.gate_search_m) == (1.2, 250, 30)
    assert (policy.version, policy.description, policy.frame_cls) == ("1", policy.title, None)
    (tier,) = policy.tiers
    assert (tier.id, tier.title) == ("all", policy.title)
    assert tier.supplies[0].where == {"state": ("in_service", None), "access": ("open", None)}


def test_a_named_field_stands_in_place_of_the_usual_filter(declared: Catalogue):
    policy = read(
        declared, HEAD + "supplies: [{class: toilets, radius_m: 9, where: {access: [customers]}}]\n"
    )
    assert policy.tiers[0].supplies[0].where == {"state": ("in_service", None), "access": ("customers",)}


@pytest.mark.parametrize(
    ("words", "metres"),
    [
        ("minutes: 10\nsupplies: [{class: toilets}]\n", [720]),
        ("speed_m_s: 1\nminutes: 10\nsupplies: [{class: toilets}, {class: parks, minutes: 5}]\n", [600, 300]),
        (TWO_TIERS, [360, 80]),
    ],
)
def test_minutes_may_stand_for_metres(declared: Catalogue, words: str, metres: list[float]):
    policy = read(declared, HEAD + words)
    assert [supply.radius_m for tier in policy.tiers for supply in tier.supplies] == metres


def test_a_density_is_an_amount_per_another(declared: Catalogue):
    policy = read(
        declared,
        HEAD + "kind: density\nframe: built_up_areas\ncount: {class: parking_lots, sum: berths}\n"
        "per: {people: 1000}\nunit: {zh: 个/千人, en: a thousand}\ntarget: {between: [100, 200]}\n",
    )
    (tier,) = policy.tiers
    assert tier.amounts == (
        Amount(
            "parking_lots",
            "field",
            "berths",
            where={"state": ("in_service", None), "access": ("public", None)},
        ),
    )
    assert tier.per == Denominator(None, 1000)
    assert (tier.target_is, tier.target, tier.target_to) == ("between", 100, 200)
    assert set(policy.classes) == {
        "parking_lots", "residential_areas", "population_cells", "built_up_areas",
    }  # fmt: skip


def test_an_area_by_an_area_is_a_share(declared: Catalogue):
    text = HEAD + "kind: density\ncount: {class: parks, area: m2}\nper: {class: built_up_areas, area: m2}\n"
    assert read(declared, text).tiers[0].unit is None
    for other in ("area: km2", "sum: people"):
        with pytest.raises(BadDeclaration, match="'unit' is missing"):
            read(declared, text.replace("built_up_areas, area: m2", f"built_up_areas, {other}"))


def test_a_share_has_a_weight_and_conditions(declared: Catalogue):
    policy = read(
        declared,
        HEAD + "kind: share_with\nof: {class: streets, length: km, where: {kind: [tertiary]}}\n"
        "having: {least: {canopy_pct: 90}, number: 2, supplies: [{class: street_trees}]}\ntarget: 0.5\n",
    )
    (tier,) = policy.tiers
    assert tier.of == Amount(
        "streets", "length", unit=1000, where={"state": ("in_service", None), "kind": ("tertiary",)}
    )
    assert tier.having is not None
    assert (tier.having.least, tier.having.number) == ({"canopy_pct": 90}, 2)
    assert [supply.radius_m for supply in tier.having.supplies] == [0]
    assert policy.supply_classes == ("street_trees",)


def test_so_many_in_every_area(declared: Catalogue):
    policy = read(
        declared,
        HEAD
        + "kind: at_least\ncount: {class: markets, near: historic_districts}\nlevel: community\ntarget: 2\n",
    )
    (tier,) = policy.tiers
    assert (tier.level, tier.target) == ("community", 2)
    assert tier.amounts[0].near == Near("historic_districts", {"state": ("in_service", None)})
    assert "historic_districts" in policy.classes


def test_switches_come_with_the_class_and_show_how_they_stand(declared: Catalogue):
    policy = read(
        declared,
        HEAD + "supplies: [{class: toilets, radius_m: 9, where: {kind: [public, social]}}]\n"
        "switches:\n  first: {class: toilets, title: {zh: 一类, en: First}, field: grade, values: [first]}\n",
    )
    on = {item.id: item.on for item in policy.switches}
    assert on == {
        "attached": False, "mobile": False, "social": True, "counted": True, "uncounted": True,
        "customers": False, "first": True,
    }  # fmt: skip
    assert {item.id: item.all_values for item in policy.switches}["first"] == (
        "first",
        "second",
        "third",
        None,
    )


DENSITY = "kind: density\ncount: {class: toilets}\nper: {people: 1000}\nunit: {zh: 座, en: a thousand}\n"
SHARE = "kind: share_with\nof: {class: toilets}\nhaving: {where: {fee: [true]}}\n"
LEAST = "kind: at_least\ncount: {class: toilets}\nlevel: district\ntarget: 1\n"
REACH = "supplies: [{class: toilets, radius_m: 300}]\n"
SWITCH = "switches: {x: {class: toilets, title: {zh: 一, en: X}, field: fee, values: [true]}}\nsupplies"
#: (text, what stands in it, what stands there instead, what the message names, what the hint names)
BAD = {
    "unknown kind": (REACH, "supplies", "kind: reached\nsupplies", "own.yaml:3, key 'kind'", "Did you mean reach?"),
    "nothing serves": (REACH, REACH, "", "'supplies' is missing", "needs supplies"),
    "a key of another kind": (REACH, "supplies", "level: city\nsupplies", "unknown key 'level'", "supplies"),
    "beside tiers": (REACH, "supplies", "tiers: []\nsupplies", "stands beside tiers", "Move it"),
    "negative limit": (REACH, "supplies", "snap_limit_m: -1\nsupplies", "must be at least 0", ""),
    "density of lengths of points": (DENSITY, "toilets}", "toilets, length: km}", "has no length", ""),
    "two measures": (DENSITY, "toilets}", "toilets, sum: stalls, area: m2}", "both sum and area", "counts"),
    "unknown unit": (DENSITY, "toilets}", "parks, area: acres}", "unknown value 'acres'", "hm2"),
    "mixed quantities": (
        DENSITY, "{class: toilets}", "[{class: toilets}, {class: parks, area: m2}]",
        "adds up different quantities", "lengths",
    ),
    "distinct of a sum": (DENSITY, "toilets}", "toilets, sum: stalls, distinct: address}", "counting only", ""),
    "nobody to divide by": (DENSITY, "people: 1000", "people: 0", "must be at least 1", ""),
    "near a line": (DENSITY, "toilets}", "toilets, near: streets}", "nothing lies in a class of lines", "within_m"),
    "nothing to have": (SHARE, "{where: {fee: [true]}}", "{number: 2}", "names nothing to have", "least"),
    "a share above one": (SHARE, SHARE, f"{SHARE}target: 40\n", "a share from 0 to 1", "0.8"),
    "unknown level": (LEAST, "district", "province", "unknown value 'province'", "subdistrict"),
    "no target": (LEAST, "target: 1\n", "", "'target' is missing", "level"),
    "two comparisons": (LEAST, "target: 1", "target: {at_most: 1, at_least: 2}", "one comparison", "between"),
    "ends the wrong way": (LEAST, "target: 1", "target: {between: [5, 3]}", "least and the greatest", "[3, 5]"),
    "unknown basis": (REACH, "supplies", "also: [roofs]\nsupplies", "unknown basis 'roofs'", "streets"),
    "basis of points": (
        REACH, "supplies", "also: [{basis: streets, class: toilets}]\nsupplies", "needs a class of lines", "",
    ),
    "switch of another class": (
        REACH, "supplies", SWITCH.replace("toilets", "parks"),
        "unknown class of supply 'parks'", "toilets",
    ),
    "switch of a number": (
        REACH, "supplies", SWITCH.replace("fee", "stalls"),
        "choice or boolean field", "kind",
    ),
    "no date": (
        REACH, "supplies", 'profile: {family: a, edition: b, in_force: "2021"}\nsupplies', "not a date", "2021-12-31",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_policy_is_refused_with_its_place(declared: Catalogue, name: str):
    text, old, new, message, hint = BAD[name]
    assert old in text
    with pytest.raises(BadDeclaration) as caught:
        read(declared, HEAD + text.replace(old, new, 1))
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert caught.value.message.startswith("policies/own.yaml")


@pytest.mark.parametrize("policy_id", ["all", "Own", "公厕", "-x", "a b", "x" * 61])
def test_an_id_is_a_short_plain_word(declared: Catalogue, policy_id: str):
    with pytest.raises(BadDeclaration, match="cannot name a policy"):
        read(declared, f"id: {policy_id}\ntitle: {{zh: 自定, en: Own}}\n{REACH}")
