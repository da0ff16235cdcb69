"""Contractors see and edit what is theirs; whose a feature is, is not for them to say."""

from __future__ import annotations

import pytest

from tests.access.writers import GREEN, OTHER, feature, written_town


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue):
    with written_town(cluster_settings, template, catalogue) as served:
        yield served


LAMPS = "SELECT code, owner, maintainer FROM city.street_lights ORDER BY code"


def test_only_what_is_ones_own_is_seen_and_edited(town):
    found = town.ask("green", "GET", "/collections/street_lights/items").json()
    assert [one["properties"]["code"] for one in found["features"]] == ["l1"]
    assert (
        town.change(
            "green", "PATCH", "street_lights", "l1", {"properties": {"name_zh": "一号灯"}}
        ).status_code
        == 200
    )
    for code in ("l2", "l3"):
        assert town.change("green", "PATCH", "street_lights", code, {"properties": {}}).status_code == 404
        assert town.change("green", "DELETE", "street_lights", code).status_code == 404


def test_what_a_contractor_makes_is_its_own(town):
    for code, named in (("n1", {}), ("n2", {"maintainer": GREEN}), ("n3", {"owner": GREEN})):
        made = town.ask(
            "green", "POST", "/collections/street_lights/items", feature(1.2, 1, code=code, **named)
        )
        assert made.status_code == 201, made.text
    assert town.sql(LAMPS)[-3:] == [("n1", None, GREEN), ("n2", None, GREEN), ("n3", GREEN, None)]


@pytest.mark.parametrize(
    "named", [{"maintainer": OTHER}, {"owner": OTHER}, {"owner": OTHER, "maintainer": GREEN}]
)
def test_nothing_is_made_for_others_or_given_away(town, named):
    before = town.sql(LAMPS)
    made = town.ask("green", "POST", "/collections/street_lights/items", feature(1.2, 1, **named))
    given = town.change("green", "PATCH", "street_lights", "l1", {"properties": named})
    whole = town.change("green", "PUT", "street_lights", "l1", feature(1, 1, **named))
    assert [one.status_code for one in (made, given, whole)] == [403] * 3, made.text
    assert "whose a feature is" in made.json()["detail"]
    assert town.sql(LAMPS) == before


def test_whose_it_is_stays_where_it_is_left_out_or_sent_back(town):
    for body in (feature(1, 1), feature(1, 1, maintainer=GREEN)):
        assert town.change("green", "PUT", "street_lights", "l1", body).status_code == 200
    assert (
        town.change("green", "PATCH", "street_lights", "l1", {"properties": {"maintainer": None}}).status_code
        == 403
    )
    assert ("l1", None, GREEN) in town.sql(LAMPS)


def test_a_class_that_does_not_say_whose_its_features_are_shows_a_contractor_nothing(town):
    assert town.ask("green", "GET", "/collections/districts/items").json()["features"] == []
    made = town.ask("green", "POST", "/collections/grid_cells/items", feature(1, 1))
    assert made.status_code == 403
    assert "do not say whose" in made.json()["detail"]
