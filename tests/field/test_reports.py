"""A report from the street: stored once, refused where somebody was faster, with its photo in the history for good."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from app.field.reports import SETS, fields_of, offered, standing
from app.inventory.periods import today
from app.ogc import edit_service
from tests.field.conftest import DISTRICT, OTHER, in_base64, jpeg, send

PLACE = {"lon": 115.86, "lat": 28.68, "accuracy_m": 12.0}


@pytest.mark.parametrize(
    ("word", "state", "condition"),
    [("closed", "out_of_use", None), ("damaged", None, "damaged"), ("missing", None, "lost"),
     ("in_service", "in_service", "good")],
)  # fmt: skip
def test_each_word_sets_the_fields_of_the_class(field, word, state, condition):
    item, etag = field.toilet()
    reply = send(field.here, item, etag, {"state": word, "note": "  门锁坏了 "})
    assert reply.status_code == 201, reply.text
    now = field.here.get(f"/collections/toilets/items/{item}").json()["properties"]
    if state is not None:
        assert now["state"] == state
    if condition is not None:
        assert now["condition"] == condition
    assert now["inspected_on"] == today().isoformat()
    event = field.here.get(f"/collections/toilets/items/{item}/history").json()["events"][-1]
    assert event["change"] == reply.json()["change"]
    assert (event["who"], event["report"]["state"], event["report"]["note"]) == ("field", word, "门锁坏了")
    assert "门锁坏了" in event["why"]
    card = field.here.get(f"/field/toilets/{item}.json").json()
    assert card["state"] == word
    assert card["etag"] == reply.json()["etag"]


def test_sent_twice_it_is_stored_once(field):
    item, etag = field.toilet()
    body = {"state": "damaged", "note": "twice", "photo": {"data": in_base64(jpeg())}}
    first, again = (send(field.here, item, etag, body, "key-1") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    photos = field.here.get(f"/field/toilets/{item}.json").json()["photos"]
    assert [photo["note"] for photo in photos].count("twice") == 1
    other = send(field.here, item, first.json()["etag"], {"state": "closed"}, "key-1")
    assert other.status_code == 409


def test_a_report_of_an_older_version_is_refused_with_what_stands_now(field):
    item, etag = field.toilet()
    assert send(field.here, item, etag, {"state": "closed", "note": "first"}).status_code == 201
    late = send(field.here, item, etag, {"state": "damaged", "photo": {"data": in_base64(jpeg())}}, "late")
    assert late.status_code == 412
    current = late.json()["current"]
    assert current["feature"]["properties"]["state"] == "out_of_use"
    assert (current["by"]["who"], current["report"]["note"]) == ("field", "first")
    reports = field.here.get(f"/field/toilets/{item}.json").json()["reports"]
    assert reports[0]["note"] == "first"
    mine = send(field.here, item, current["etag"], {"state": "damaged"}, "late")
    assert mine.status_code == 201


def test_a_report_names_the_version_that_was_seen(field):
    item, _ = field.toilet()
    reply = field.here.post(f"/collections/toilets/items/{item}/reports", json={"state": "closed"})
    assert reply.status_code == 428


def test_a_report_that_changes_nothing_stands_in_the_history(field):
    item, etag = field.toilet()
    first = send(field.here, item, etag, {"state": "in_service"}).json()
    again = send(field.here, item, first["etag"], {"state": "in_service", "note": "still"}).json()
    assert again["etag"] == first["etag"]
    events = field.here.get(f"/collections/toilets/items/{item}/history").json()["events"]
    assert (events[-1]["action"], events[-1]["report"]["note"]) == ("reported", "still")


def test_photos_survive_a_restore_and_tell_where_they_were_taken(field):
    item, etag = field.toilet()
    before = int(etag.strip('"'))
    sent = {"data": in_base64(jpeg()), "position": PLACE, "taken_at": "2026-11-20T09:00:00+08:00"}
    reply = send(field.here, item, etag, {"state": "missing", "note": "photo", "photo": sent})
    assert reply.status_code == 201, reply.text
    restored = field.here.post(f"/collections/toilets/items/{item}/restore", json={"change": before})
    assert restored.status_code == 200, restored.text
    view = field.here.get(f"/map/toilets/features/{item}.json").json()
    photo = view["photos"][0]
    assert photo["position"] == [PLACE["lon"], PLACE["lat"]]
    assert photo["taken_at"].startswith("2026-11-20T01:00:00")
    assert photo["change"] == reply.json()["change"]
    assert view["values"].get("condition") != "lost"
    events = field.here.get(f"/collections/toilets/items/{item}/history").json()["events"]
    assert [event["change"] for event in events if "photos" in event][-1] == photo["change"]
    picture = field.here.get(photo["href"])
    assert picture.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(picture.content)).size == (640, 480)


def test_an_area_bound_key_reports_what_is_at_home_there(field):
    client = field.far(field.key(DISTRICT, name="王五"))
    away, tag = field.toilet(OTHER)
    refused = send(client, away, tag, {"state": "closed"})
    assert (refused.status_code, refused.json()["code"]) == (404, "not-found")
    item, etag = field.toilet()
    assert send(client, item, etag, {"state": "closed"}).status_code == 201
    event = field.here.get(f"/collections/toilets/items/{item}/history").json()["events"][-1]
    assert event["who"] == "field: 王五"


def test_photos_of_another_area_are_not_shown(field):
    item, etag = field.toilet(OTHER)
    body = {"state": "damaged", "photo": {"data": in_base64(jpeg())}}
    href = send(field.here, item, etag, body).json()["photo"]
    assert field.far(field.key(OTHER)).get(href).status_code == 200
    assert field.far(field.key(DISTRICT)).get(href).status_code == 404
    assert field.far(None).get(href).status_code == 401
    assert field.here.get("/photos/none.jpg").status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"state": "on fire"}, {"state": "closed", "note": "x" * 2001}, {"state": "closed", "more": 1},
     {"state": "closed", "photo": {"data": "bm8gcGljdHVyZQ=="}}, {"state": "closed", "photo": {"data": "%%%"}},
     {"state": "closed", "position": {"lon": 200, "lat": 0}}, {"state": "closed", "seen_at": "yesterday"}],
)  # fmt: skip
def test_what_cannot_be_a_report_is_refused_as_a_whole(field, body):
    item, etag = field.toilet()
    assert send(field.here, item, etag, body).status_code == 400
    assert field.toilet() == (item, etag)


def test_a_page_of_another_site_cannot_report(field):
    item, etag = field.toilet()
    headers = {"If-Match": etag, "Sec-Fetch-Site": "cross-site"}
    path = f"/collections/toilets/items/{item}/reports"
    assert field.here.post(path, json={"state": "closed"}, headers=headers).status_code == 400


def test_a_body_over_the_limit_is_refused(field):
    item, etag = field.toilet()
    reply = send(field.here, item, etag, {"state": "closed", "photo": {"data": "A" * 1_100_000}})
    assert reply.status_code == 413


def test_every_class_of_the_page_has_a_field_for_each_word_it_offers(catalogue):
    for cls in catalogue.classes.values():
        for word in offered(cls):
            said = fields_of(cls, word, {}, today())
            assert set(said) & set(SETS[word]), (cls.id, word)
            choices = {field.name: {c.value for c in field.choices or ()} for field in cls.fields}
            assert all(said[name] in choices[name] for name in SETS[word] if name in said)


def test_the_day_of_a_new_state_is_kept(catalogue):
    cls = catalogue.classes["toilets"]
    assert fields_of(cls, "closed", {"state": "in_service"}, today())["state_since"] == today().isoformat()
    assert "state_since" not in fields_of(cls, "in_service", {"state": None}, today())


def test_how_a_feature_stands():
    assert standing(None, None) is None
    assert standing("in_service", "damaged") == "damaged"
    assert standing("out_of_use", "lost") == "missing"
    assert standing("under_repair", "good") == "closed"
    assert standing("planned", None) == "planned"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_clock_gone_wrong_does_not_break_the_record(field, moment):
    item, etag = field.toilet()
    body = {"state": "closed", "seen_at": moment, "photo": {"data": in_base64(jpeg()), "taken_at": moment}}
    assert send(field.here, item, etag, body).status_code == 201
    history = field.here.get(f"/collections/toilets/items/{item}/history")
    assert history.json()["events"][-1]["report"]["seen_at"] is None
    assert field.here.get(f"/field/toilets/{item}.json").status_code == 200


def test_a_null_in_a_note_is_left_out(field):
    item, etag = field.toilet()
    assert send(field.here, item, etag, {"state": "closed", "note": "门\0锁"}).status_code == 201
    assert field.here.get(f"/field/toilets/{item}.json").json()["reports"][0]["note"] == "门锁"


def test_a_null_in_the_reason_of_a_restore_is_left_out(field):
    item, etag = field.toilet()
    assert send(field.here, item, etag, {"state": "missing"}).status_code == 201
    path = f"/collections/toilets/items/{item}"
    body = {"change": int(etag.strip('"')), "why": "误\0报"}
    assert field.here.post(f"{path}/restore", json=body).status_code == 200
    assert field.here.get(f"{path}/history").json()["events"][-1]["why"] == "误报"


@pytest.mark.parametrize("class_id", ["districts", "grid_cells"])
def test_no_key_of_the_phone_page_reports_what_it_does_not_show(field, class_id):
    item = field.here.get(f"/collections/{class_id}/items?limit=1").json()["features"][0]["id"]
    reply = field.far(field.key()).post(
        f"/collections/{class_id}/items/{item}/reports", json={"state": "closed"}, headers={"If-Match": '"1"'}
    )
    assert reply.status_code == 404


def test_a_refusal_tells_no_restricted_field(field):
    with field.database.write() as conn:
        item = conn.exec_driver_sql(
            "UPDATE city.illegal_constructions SET party = '赵六' "
            "WHERE id = (SELECT min(id) FROM city.illegal_constructions) RETURNING id"
        ).scalar_one()
    reply = field.far(field.key()).post(
        f"/collections/illegal_constructions/items/{item}/reports",
        json={"state": "closed"},
        headers={"If-Match": '"999999"'},
    )
    assert reply.status_code == 412
    assert "state" in reply.json()["current"]["feature"]["properties"]
    assert "赵六" not in reply.text


@pytest.mark.parametrize(
    "path", ["/field/,/1.json", "/field/features.json?collection=,", "/field/none/1.json"]
)
def test_what_is_no_class_is_not_found(field, path):
    assert field.here.get(path).status_code == 404


def test_a_report_that_changes_no_field_is_a_change_of_its_own_beside_somebody_elses(field, monkeypatch):
    item, etag = field.toilet()
    address = f"/collections/toilets/items/{item}"
    assert send(field.here, item, etag, {"state": "in_service"}).status_code == 201
    change, theirs = edit_service.change_feature, []

    def overtaken(*given: Any, **more: Any) -> Any:
        """Somebody else's change is stored after the report has read the feature."""
        if not theirs:
            theirs.append(None)
            reply = field.here.patch(address, json={"properties": {"name_en": "theirs"}})
            assert reply.status_code == 200, reply.text
            theirs[0] = int(reply.headers["etag"].strip('"').partition("-")[0])
        return change(*given, **more)

    monkeypatch.setattr(edit_service, "change_feature", overtaken)
    reply = send(field.here, item, "*", {"state": "in_service", "note": "same as before"})
    assert reply.status_code == 201, reply.text
    reports = [
        event for event in field.here.get(f"{address}/history").json()["events"] if event.get("report")
    ]
    assert [event["report"]["note"] for event in reports if event["change"] == theirs[0]] == []
