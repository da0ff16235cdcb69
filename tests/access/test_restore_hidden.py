"""Who brings back what was brings back what is seen: fields above one's level stay as they are."""

from __future__ import annotations

import pytest

from tests.access.writers import written_town


@pytest.fixture
def town(cluster_settings, template, catalogue):
    with written_town(cluster_settings, template, catalogue) as served:
        yield served


def drain(town):
    return town.sql("SELECT start_depth_m, diameter_mm, kind FROM city.pipes WHERE code = 'drain'")


def changed(town, who, **values):
    reply = town.change(who, "PATCH", "pipes", "drain", {"properties": values})
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    "path",
    ["/collections/pipes/items/{item}/restore", "/collections/pipes/restore"],
    ids=["feature", "class"],
)
def test_a_restore_leaves_what_is_hidden_as_it_is(town, path):
    changed(town, "everywhere", diameter_mm=300)
    then = int(town.tag("pipes", "drain").strip('"'))
    changed(town, "whole", start_depth_m=9)
    changed(town, "everywhere", diameter_mm=500)
    address = path.format(item=town.id_of("pipes", "drain"))
    reply = town.ask("everywhere", "POST", address, {"change": then})
    assert reply.status_code == 200, reply.text
    assert reply.json()["classes"] == {"pipes": 1}
    assert drain(town) == [(9.0, 300, "storm")]
    assert town.ask("whole", "POST", address, {"change": then}).json()["classes"] == {"pipes": 1}
    assert drain(town) == [(1.5, 300, "storm")]


def test_what_differs_in_hidden_fields_alone_is_nothing_to_restore(town):
    then = int(town.tag("pipes", "drain").strip('"'))
    changed(town, "whole", start_depth_m=9)
    item = town.id_of("pipes", "drain")
    reply = town.ask("everywhere", "POST", f"/collections/pipes/items/{item}/restore", {"change": then})
    assert (reply.status_code, reply.json()["change"]) == (200, None)
    assert drain(town)[0][0] == 9.0


def test_a_deleted_feature_comes_back_with_what_was_hidden_last(town):
    item = town.id_of("pipes", "drain")
    then = int(town.tag("pipes", "drain").strip('"'))
    changed(town, "whole", start_depth_m=9)
    assert town.change("everywhere", "DELETE", "pipes", "drain").status_code in {200, 204}
    reply = town.ask("everywhere", "POST", f"/collections/pipes/items/{item}/restore", {"change": then})
    assert reply.status_code == 200, reply.text
    assert drain(town)[0][0] == 9.0
