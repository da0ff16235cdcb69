"""Third parties read and score, never edit; the scores are read by whoever sees the feature, and changed by nobody."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy.exc import DBAPIError

from app.database.scope import Scope, within
from app.errors import ChengtuError
from tests.access.writers import feature, written_town


@pytest.fixture
def town(cluster_settings, template, catalogue):
    with written_town(cluster_settings, template, catalogue) as served:
        yield served


def assess(town, who, class_id, code, body=None, **headers):
    address = f"/collections/{class_id}/items/{town.id_of(class_id, code)}/assessments"
    return town.ask(who, "POST", address, body or {"score": 80, "verdict": "ok"}, **headers)


def stored(town):
    return town.sql(
        "SELECT class_id, feature_id, change_id, area_path, who, party, score, verdict, note, ST_AsText(geom) "
        "FROM city.assessments ORDER BY id"
    )


def test_a_feature_is_scored_and_stays_as_it_is(town):
    before = town.sql("SELECT change_id, stalls FROM city.toilets ORDER BY code")
    position = {"lon": 115.85, "lat": 28.69, "accuracy_m": 5}
    body = {"score": 35, "verdict": "fault", "note": "门坏了", "position": position}
    made = assess(town, "assessor", "toilets", "w1", body)
    assert made.status_code == 201, made.text
    item = town.id_of("toilets", "w1")
    change = int(town.tag("toilets", "w1").strip('"'))
    told = (
        "toilets",
        item,
        change,
        "C/W/W1",
        "assessor",
        "第三方测评",
        35,
        "fault",
        "门坏了",
        "POINT(115.85 28.69)",
    )
    assert stored(town) == [told]
    assert town.sql("SELECT change_id, stalls FROM city.toilets ORDER BY code") == before
    assert town.sql("SELECT who, object FROM city.audit WHERE event = 'assessed'") == [
        ("assessor", f"toilets/{item}")
    ]


def test_an_assessor_neither_edits_nor_imports(town):
    w1 = f"/collections/toilets/items/{town.id_of('toilets', 'w1')}"
    for method, path, body in (
        ("POST", "/collections/toilets/items", feature(-1, 1)),
        ("PATCH", w1, {"properties": {"stalls": 9}}),
        ("DELETE", w1, None),
        ("POST", f"{w1}/restore", {"change": 1}),
        ("POST", f"{w1}/reports", {"state": "damaged"}),
        ("POST", "/imports", None),
    ):
        assert town.ask("assessor", method, path, body).status_code == 403, path
    for who in ("viewer", "west", "field", "whole"):
        assert assess(town, who, "toilets", "w1").status_code == 403, who
    assert stored(town) == []


def test_what_one_does_not_see_is_not_there_to_be_scored(town):
    assert assess(town, "assessor", "toilets", "e1").status_code == 404
    assert assess(town, "assessor", "pipes", "gas").status_code == 404
    assert assess(town, "assessor", "gas_devices", "gd1").status_code == 404
    assert stored(town) == []


@pytest.mark.parametrize(
    "body",
    [
        {"score": 101, "verdict": "ok"},
        {"score": -1, "verdict": "ok"},
        {"score": True, "verdict": "ok"},
        {"score": 5, "verdict": "good"},
        {"score": 5},
        {"score": 5, "verdict": "ok", "who": "someone else"},
        {"score": 5, "verdict": "ok", "note": "x" * 2001},
    ],
)
def test_what_is_no_assessment_is_refused(town, body):
    assert assess(town, "assessor", "toilets", "w1", body).status_code in (400, 422)
    assert stored(town) == []


def test_the_version_that_was_seen_is_named_and_the_same_request_is_kept_once(town):
    seen = int(town.tag("toilets", "w1").strip('"'))
    assert town.change("whole", "PATCH", "toilets", "w1", {"properties": {"stalls": 8}}).status_code == 200
    body = {"score": 50, "verdict": "unclear", "change": seen}
    first, again = (
        assess(town, "assessor", "toilets", "w1", body, **{"Idempotency-Key": "a1"}) for _ in "12"
    )
    assert first.json() == again.json()
    assert [row[2] for row in stored(town)] == [seen]
    newer = assess(town, "assessor", "toilets", "w1", {**body, "change": seen + 1000})
    assert newer.status_code == 409
    assert (
        assess(
            town, "assessor", "toilets", "w1", {**body, "score": 1}, **{"Idempotency-Key": "a1"}
        ).status_code
        == 409
    )


def test_scores_are_told_to_who_sees_the_feature_with_figures_of_areas_seen_whole(town):
    for code, score in (("w1", 40), ("w1", 60), ("w2", 90)):
        verdict = "fault" if score < 50 else "ok"
        assert (
            assess(town, "assessor", "toilets", code, {"score": score, "verdict": verdict}).status_code == 201
        )
    told = town.ask("viewer", "GET", "/assessments").json()
    assert [one["score"] for one in told["assessments"]] == [90, 60, 40]
    figures = {
        one["area"]: (one["assessments"], one["features"], one["mean_score"], one["faults"])
        for one in told["figures"]
    }
    assert figures == {
        "C": (3, 2, 63.3, 1),
        "W": (3, 2, 63.3, 1),
        "W1": (2, 1, 50.0, 1),
        "W2": (1, 1, 90.0, 0),
    }
    own = town.ask("assessor", "GET", "/assessments?area=W1").json()
    assert len(own["assessments"]) == 2
    assert {one["area"] for one in own["figures"]} == {"W", "W1"}, "of the city the assessor sees a part"
    first = town.ask("viewer", "GET", "/assessments?limit=2").json()
    rest = town.ask("viewer", "GET", f"/assessments?limit=2&before={first['next_before']}").json()
    assert [one["score"] for one in rest["assessments"]] == [40]
    item = town.id_of("toilets", "w1")
    one = town.ask("west", "GET", f"/collections/toilets/items/{item}/assessments").json()["assessments"]
    assert [(each["score"], each["who"], each["party"]) for each in one] == [
        (60, "assessor", "第三方测评"),
        (40, "assessor", "第三方测评"),
    ]
    # A contractor sees no toilet of others, so no score either.
    assert town.ask("green", "GET", "/assessments").json() == {
        "assessments": [],
        "figures": [],
        "next_before": None,
    }
    assert (
        town.ask("green", "GET", f"/collections/toilets/items/{item}/assessments").json()["assessments"] == []
    )
    for path in ("/assessments?view=public", f"/collections/toilets/items/{item}/assessments?view=public"):
        assert town.ask("viewer", "GET", path).status_code == 404
    assert town.ask("viewer", "GET", "/assessments?class=gas_devices").status_code == 404


def test_the_table_guards_what_a_spreadsheet_would_run(town):
    assess(town, "assessor", "toilets", "w1", {"score": 1, "verdict": "missing", "note": "=1+1"})
    answer = town.ask("viewer", "GET", "/assessments?f=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert (row["note"], row["score"], row["party"]) == ("'=1+1", "1", "第三方测评")


INSERT = (
    "INSERT INTO city.assessments (class_id, feature_id, change_id, area_path, who, score, verdict) "
    "SELECT 'toilets', {item}, max(id), '', '{who}', 1, 'ok' FROM city.changes"
)


def test_the_database_holds_assessors_to_it(town):
    """In another's name, of what is not seen, or once more over what stands: not even by a mistake of ours."""
    scope = Scope("internal", ("W",), (), who="assessor")
    w1, e1 = (town.id_of("toilets", code) for code in ("w1", "e1"))
    statements = [
        INSERT.format(item=w1, who="li"),
        INSERT.format(item=e1, who="assessor"),
        "UPDATE city.assessments SET score = 100",
        "DELETE FROM city.assessments",
        "UPDATE city.toilets SET stalls = 9",
    ]
    assert assess(town, "assessor", "toilets", "w1").status_code == 201
    before = stored(town)
    for statement in statements[:4]:
        with within(scope), pytest.raises((ChengtuError, DBAPIError)), town.db.write() as conn:
            conn.exec_driver_sql(statement)
    with within(scope), town.db.write() as conn:
        assert conn.exec_driver_sql(statements[4]).rowcount == 0
    for statement in statements[2:4]:
        with pytest.raises((ChengtuError, DBAPIError)), town.db.write() as conn:
            conn.exec_driver_sql(statement)
    assert stored(town) == before
