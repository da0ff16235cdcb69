"""An area above one's own is known by name, and nothing else of it is told; areas beside one's own are not there."""

from __future__ import annotations

import pytest

from tests.access.writers import written_town

ASKED = (
    "/collections/toilets/items?area={}", "/summary?area={}&f=json", "/completeness?area={}&f=json",
    "/completeness/toilets?area={}", "/search?q=西&area={}", "/exports/toilets.csv?area={}",
)  # fmt: skip


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue):
    with written_town(cluster_settings, template, catalogue) as served:
        yield served


@pytest.fixture(scope="module")
def city_name(town):
    ((name,),) = town.sql("SELECT coalesce(name_zh, name_en, code) FROM city.districts WHERE code = 'C'")
    return name


@pytest.mark.parametrize("path", ASKED)
def test_the_city_above_is_named_and_refused(town, city_name, path):
    refused = town.ask("west", "GET", path.format("C"))
    assert refused.status_code == 403, refused.text
    assert refused.json()["detail"] == f"'{city_name}' (C) holds more than your areas."
    assert refused.json()["hint"] == "Name one of your own areas, or none: W."
    assert town.ask("west", "GET", path.format("W")).status_code == 200
    assert town.ask("everywhere", "GET", path.format("C")).status_code == 200


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("area", ["E", "E1", "nowhere"])
def test_what_lies_beside_is_as_if_it_were_not(town, path, area):
    refused = town.ask("west", "GET", path.format(area))
    assert refused.status_code == 404, refused.text
    ((name,),) = town.sql("SELECT coalesce(max(name_zh), 'E-none') FROM city.districts WHERE code = 'E'")
    assert name not in refused.text
