"""Edits over HTTP by who may write in some areas, or up to a level, only: told why not, and nothing is written."""

from __future__ import annotations

import pytest

from tests.access.writers import feature, written_town


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue):
    with written_town(cluster_settings, template, catalogue) as served:
        yield served


def stored(town):
    return town.sql("SELECT code, stalls, area_path, ST_AsText(geom) FROM city.toilets ORDER BY code")


@pytest.mark.parametrize("who", ["west", "reads all"])
def test_what_is_made_in_ones_own_area_is_stored_under_ones_name(town, who):
    made = town.ask(who, "POST", "/collections/toilets/items", feature(-1.5, -1, code=f"new {who}"))
    assert made.status_code == 201, made.text
    told = town.sql(f"SELECT who FROM city.changes WHERE id = {made.json()['change']}")
    assert told == [(who,)]
    answers = [
        town.change(who, "PATCH", "toilets", f"new {who}", {"properties": {"stalls": 7}}),
        town.change(who, "PUT", "toilets", f"new {who}", feature(-1.4, -1, stalls=8)),
        town.change(who, "DELETE", "toilets", f"new {who}"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 204]


@pytest.mark.parametrize("who", ["west", "reads all"])
@pytest.mark.parametrize(
    "body",
    [
        feature(1, 1, code="away"),
        feature(5, 5, code="away"),
        {
            "type": "FeatureCollection",
            "features": [feature(-1, 1.2, code="own"), feature(1, 1.2, code="away")],
        },
    ],
)
def test_nothing_is_made_elsewhere(town, who, body):
    before = stored(town)
    answer = town.ask(who, "POST", "/collections/toilets/items?allow_outside=true", body)
    assert answer.status_code == 403, answer.text
    assert "outside the areas" in answer.json()["detail"]
    assert answer.json()["hint"] == "Yours: W."
    assert stored(town) == before


@pytest.mark.parametrize(
    ("method", "body"),
    [("PATCH", {"properties": {"stalls": 9}}), ("PUT", feature(-1, 1.1, stalls=9)), ("DELETE", None)],
)
def test_what_stands_elsewhere_is_refused_where_it_is_seen_and_unknown_where_it_is_not(town, method, body):
    before = stored(town)
    seen, unseen = (town.change(who, method, "toilets", "e1", body) for who in ("reads all", "west"))
    assert (seen.status_code, unseen.status_code) == (403, 404)
    assert "at home outside" in seen.json()["detail"]
    never = town.ask("west", method, "/collections/toilets/items/999999", body, **{"If-Match": '"1"'})
    assert never.json()["detail"].replace("999999", "N") == unseen.json()["detail"].replace(
        str(town.id_of("toilets", "e1")), "N"
    )
    assert stored(town) == before


def test_a_feature_is_not_moved_out_of_ones_own_area(town):
    before = stored(town)
    moved = {"geometry": feature(1, 1.3)["geometry"]}
    for who in ("west", "reads all"):
        assert town.change(who, "PATCH", "toilets", "w1", moved).status_code == 403
        assert town.change(who, "PUT", "toilets", "w1", feature(1, 1.3)).status_code == 403
    assert stored(town) == before


def test_a_code_that_another_bears_unseen_is_taken(town):
    before = stored(town)
    answer = town.ask("west", "POST", "/collections/toilets/items", feature(-1, 1.2, code="e1"))
    assert answer.status_code == 409, answer.text
    assert "/items/" not in answer.text
    assert stored(town) == before


def test_areas_are_no_editors_of_one(town):
    """Their borders decide who may see and edit what."""
    before = town.sql("SELECT code, ST_AsText(geom) FROM city.districts ORDER BY code")
    for who in ("west", "reads all"):
        for method, body in (("PATCH", {"properties": {"name_zh": "大西区"}}), ("DELETE", None)):
            assert town.change(who, method, "districts", "W", body).status_code == 403
    assert town.sql("SELECT code, ST_AsText(geom) FROM city.districts ORDER BY code") == before


def test_what_is_hidden_can_neither_be_named_nor_is_it_lost(town):
    line = {"type": "LineString", "coordinates": [[115.85, 28.69], [115.851, 28.69]]}
    named = {"type": "Feature", "geometry": line, "properties": {"kind": "storm", "start_depth_m": 9}}
    for who in ("west", "everywhere"):
        answer = town.ask(who, "POST", "/collections/pipes/items", named)
        assert answer.status_code == 400
        assert "no such property" in answer.text
        whole = {"type": "Feature", "geometry": line, "properties": {"kind": "storm", "name": "雨水"}}
        name = next(
            iter(
                {"name_zh", "name"}
                & set(town.ask(who, "GET", "/collections/pipes/schema").json()["properties"])
            )
        )
        whole["properties"] = {"kind": "storm", name: who}
        assert town.change(who, "PUT", "pipes", "drain", whole).status_code == 200
        assert town.sql("SELECT start_depth_m FROM city.pipes WHERE code = 'drain'") == [(1.5,)]
    heights = {"geometry": {"type": "LineString", "coordinates": [[115.85, 28.69, 3], [115.852, 28.69, 4]]}}
    before = town.sql(
        "SELECT to_jsonb(p) - 'geom' - 'change_id' - 'length_m' FROM city.pipes p WHERE code = 'drain'"
    )
    assert town.change("west", "PATCH", "pipes", "drain", heights).status_code == 200
    after = town.sql(
        "SELECT to_jsonb(p) - 'geom' - 'change_id' - 'length_m' FROM city.pipes p WHERE code = 'drain'"
    )
    assert after == before


@pytest.mark.parametrize("kind", ["gas", None])
def test_hidden_rows_cannot_be_made(town, kind):
    line = {"type": "LineString", "coordinates": [[115.85, 28.69], [115.851, 28.69]]}
    body = {"type": "Feature", "geometry": line, "properties": {"kind": kind}}
    for who in ("west", "everywhere"):
        answer = town.ask(who, "POST", "/collections/pipes/items", body)
        assert answer.status_code == 400, answer.text
        assert town.change(who, "PATCH", "pipes", "drain2", {"properties": {"kind": kind}}).status_code == 400
        assert town.change(who, "PUT", "pipes", "drain2", {**body, "properties": {}}).status_code == 400
        assert town.change(who, "PATCH", "pipes", "gas", {"properties": {"kind": "storm"}}).status_code == 404
        assert town.ask(who, "POST", "/collections/gas_devices/items", feature(-1, 1)).status_code == 404
    kept = "SELECT code, kind FROM city.pipes WHERE code IN ('drain2', 'gas') ORDER BY code"
    assert town.sql(kept) == [("drain2", "sewer"), ("gas", "gas")]


def test_who_may_see_all_makes_hidden_rows(town):
    line = {"type": "LineString", "coordinates": [[115.85, 28.69], [115.851, 28.69]]}
    body = {"type": "Feature", "geometry": line, "properties": {"kind": "gas"}}
    assert town.ask("whole", "POST", "/collections/pipes/items", body).status_code == 201


def test_one_s_key_does_not_give_another_s_answer(town):
    body = feature(-1.6, 1.6, code="once")
    first = town.ask("west", "POST", "/collections/toilets/items", body, **{"Idempotency-Key": "k1"})
    again = town.ask("west", "POST", "/collections/toilets/items", body, **{"Idempotency-Key": "k1"})
    other = town.ask("west too", "POST", "/collections/toilets/items", body, **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409), other.text
    assert first.json()["id"] == again.json()["id"]
    assert "Idempotency-Key" not in other.json()["detail"]
    mine = town.ask(
        "west too", "POST", "/collections/toilets/items", feature(-1.7, 1.6), **{"Idempotency-Key": "k1"}
    )
    assert mine.status_code == 201


def test_whose_whole_city_it_is_writes_everywhere(town):
    assert (
        town.change("everywhere", "PATCH", "toilets", "e2", {"properties": {"stalls": 5}}).status_code == 200
    )
    assert town.change("whole", "PATCH", "toilets", "e2", {"properties": {"stalls": 4}}).status_code == 200
