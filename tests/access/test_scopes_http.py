"""Nobody is told of what lies beyond one's level, areas and party: random people, every route that reads, any order.

`CHENGTU_SOAK_SCOPES=10000` asks so many requests in place of the short form.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.access.permissions import ROUTES
from tests.access.scoped_routes import ASIDE, ASKS, Ask
from tests.access.scoped_town import ANYBODY, CONTRACTOR, KINDS, USERS, Town, User, served_town
from tests.tiles.tiled import decoded, tile_at

STEPS = int(os.environ.get("CHENGTU_SOAK_SCOPES", "200"))
#: In slices, each with its own order of chance.
SLICES = range(max(1, STEPS // 1000))
SEED = 20_261_123
_WORD = re.compile(rb"qx\d{3}vz")
#: Statuses that tell nothing by themselves.
_CALM = {200, 204, 303, 304, 400, 403, 404, 406, 409}


@pytest.fixture(scope="module")
def town(cluster_settings, template):
    with served_town(cluster_settings, template) as served:
        yield served


def _opened(reply: Any) -> bytes:
    """All that an answer says, unpacked."""
    body: bytes = reply.content
    kind = reply.headers.get("content-type", "")
    if body[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            return b"\n".join(
                [*(name.encode() for name in packed.namelist()), *map(packed.read, packed.namelist())]
            )
    if body[:2] == b"\x1f\x8b":
        return gzip.decompress(body)
    if body[:4] == b"PAR1":
        return repr(pq.read_table(io.BytesIO(body)).to_pydict()).encode()
    if "arrow" in kind and reply.status_code == 200:
        return repr(pa.ipc.open_stream(io.BytesIO(body)).read_all().to_pydict()).encode()
    return body


def _told(reply: Any) -> bytes:
    headers = "\n".join(f"{name}: {value}" for name, value in reply.headers.items() if name != "location")
    return headers.encode() + b"\n\n" + _opened(reply)


def _check_silent(town: Town, user: User, path: str, reply: Any) -> None:
    """Nothing that is hidden from a user stands in an answer."""
    told = _told(reply)
    words = {word.decode() for word in _WORD.findall(told)}
    for one in town.hidden(user, but=path):
        if one.text[:2] == "qx":
            assert one.text not in words, (user, path, one)
        else:
            assert not _holds_place(told, *one.text.split()), (user, path, one)


def _holds_place(told: bytes, lon: str, lat: str) -> bool:
    """Whether a place is written somewhere, either number first: one of them alone may be a corner of something."""
    first, second = re.escape(lon.encode()), re.escape(lat.encode())
    if not (lon.encode() in told and lat.encode() in told):
        return False
    return any(re.search(rb"%s\d*[^\d]{1,12}%s" % pair, told) for pair in ((first, second), (second, first)))


def _check_items(town: Town, user: User, path: str, reply: Any) -> None:
    """A page of all features of a class holds exactly those that the user sees, and says how many they are."""
    asked = re.fullmatch(r"/collections/(\w+)/items\?limit=1000(&view=public)?", path)
    cls = asked[1] if asked else ""
    if cls not in KINDS:
        return
    if reply.status_code == 404:
        assert all(level == "restricted" or user.level == "public" for level in KINDS[cls].values()), (
            user,
            path,
        )
        return
    found = reply.json()
    assert {item["properties"]["code"] for item in found["features"]} == town.codes(user, cls), (user, path)
    assert found["numberMatched"] == len(town.codes(user, cls)), (user, path)
    assert "numberMatchedIsEstimate" not in found


def _steps(rng: random.Random) -> Iterator[tuple[str, Ask]]:
    """Every route in turn, all its addresses, in an order of chance."""
    every = [(route, ask) for route, asks in ASKS.items() for ask in asks]
    while True:
        rng.shuffle(every)
        yield from every


def test_every_route_that_reads_is_asked(town):
    reading = {"read", "street", "export"}
    routes = {
        line for line, needed in ROUTES.items() if needed in reading and line.startswith(("GET", "OPTIONS"))
    }
    assert routes - set(ASKS) - ASIDE == set()
    assert set(ASKS) <= set(ROUTES)


@pytest.mark.parametrize("number", SLICES)
def test_nobody_is_told_of_what_lies_beyond_ones_scope(town, number):
    rng = random.Random(SEED + number)
    steps = _steps(rng)
    tags: dict[str, dict[User, str]] = defaultdict(dict)
    asked: list[tuple[User, str]] = []
    for _ in range(STEPS // len(SLICES)):
        if asked and rng.random() < 0.4:
            # The same once more by somebody else: what was kept for one must not be given to the other.
            path, user = rng.choice(asked[-40:])[1], rng.choice(USERS)
        else:
            _, ask = next(steps)
            user, path = rng.choice(USERS), ask(town, rng)
            if rng.random() < 0.15:
                path += ("&" if "?" in path else "?") + "view=public"
        seen = replace(user, level="public") if "view=public" in path else user
        known = tags[path]
        headers = (
            {"If-None-Match": rng.choice(sorted(known.values()))} if known and rng.random() < 0.5 else {}
        )
        reply = town.get(user, path, **headers)
        assert reply.status_code in _CALM, (user, path, reply.status_code, reply.text[:500])
        if reply.status_code == 304:
            # What one kept is still one's own answer: an export without a reason is the same at each level.
            own = known.get(seen) or town.get(user, path).headers["etag"]
            assert headers["If-None-Match"] == own, (user, path)
            continue
        _check_silent(town, seen, path, reply)
        _check_items(town, seen, path, reply)
        if reply.status_code == 200 and "etag" in reply.headers:
            known[seen] = reply.headers["etag"]
        asked.append((user, path))


def test_a_tile_holds_what_is_seen_and_says_how_many(town):
    tile = tile_at(14, 115.855, 28.685)
    found = {}
    for user in (*USERS, *reversed(USERS)):
        reply = town.get(user, f"/collections/toilets/tiles/WebMercatorQuad/{tile.z}/{tile.row}/{tile.col}")
        drawn = decoded(reply.content).get("toilets", []) if reply.status_code == 200 else []
        codes = {item["properties"].get("code") for item in drawn}
        assert codes <= town.codes(user, "toilets")
        found.setdefault(user, codes)
        assert found[user] == codes
    assert found[User("internal", ("W",))]
    assert not found[User("internal", ("E2",))]


def test_a_tile_of_the_city_counts_what_is_seen(town):
    tile = tile_at(9, 115.86, 28.68)
    for cls in ("toilets", "manholes", "monitoring_points"):
        for user in USERS[::2]:
            reply = town.get(user, f"/collections/{cls}/tiles/WebMercatorQuad/{tile.z}/{tile.row}/{tile.col}")
            drawn = decoded(reply.content).get(cls, []) if reply.status_code == 200 else []
            count = sum(item["properties"].get("point_count", 1) for item in drawn)
            assert count == len(town.codes(user, cls)), (cls, user)


def test_a_feature_is_there_for_who_sees_it_alone(town):
    for user in USERS[::3]:
        for code, (cls, number) in town.ids.items():
            reply = town.get(user, f"/collections/{cls}/items/{number}")
            assert (reply.status_code == 200) == (code in town.codes(user, cls)), (user, code)


def test_counts_are_of_what_is_seen(town):
    for user in USERS:
        found = town.get(user, "/summary?f=json").json()["classes"]
        counts = {row["id"]: row["count"] for row in found if row["id"] in KINDS}
        assert counts == {
            cls: len(town.codes(user, cls)) for cls in KINDS if town.codes(user, cls) or cls in counts
        }, user


def test_a_search_finds_what_is_seen(town):
    for user in USERS[::4]:
        for canary in [one for one in town.canaries if one.now and one.text == one.code]:
            found = town.get(user, f"/search?q={canary.text}").json()["results"]
            assert (canary.code in {one["code"] for one in found}) == canary.is_for(user), (user, canary)


def test_a_change_is_listed_for_who_sees_what_it_touched(town):
    for user in USERS:
        listed = town.get(user, "/changes").json()["changes"]
        classes = set().union(*(one["classes"] for one in listed))
        seen = {one.cls for one in town.canaries if one.is_for(user)}
        assert seen <= classes
        assert not (set(KINDS) - seen) & classes, user


def test_figures_of_the_whole_city_are_for_who_sees_it(town):
    city, west = town.runs
    everywhere, east = User("internal", None), User("internal", ("E",))
    assert all(
        row["share_of_land"] is not None
        for row in town.get(everywhere, f"/coverage/{city}?f=json").json()["results"]
    )
    told = town.get(east, f"/coverage/{city}?f=json").json()
    assert all(row["share_of_land"] is None and "only who sees" in row["reason"] for row in told["results"])
    assert {row["code"] for row in told["areas"]} == {"E"}
    assert "supply" not in told["inputs"]
    assert town.get(east, f"/coverage/{west}?f=json").status_code == 404
    assert {run["run"] for run in town.get(east, "/coverage?f=json").json()["runs"]} == {city}
    own = town.get(User("internal", ("W",)), f"/coverage/{west}?f=json").json()
    assert all(row["share_of_land"] is not None for row in own["results"])


def test_a_run_over_internal_data_is_in_no_public_view(town):
    run, user = town.closed_run, User("internal", ("W",))
    tile = tile_at(14, 115.855, 28.685)
    addresses = [
        f"/coverage/{run}", f"/coverage/{run}/areas", f"/coverage/{run}/gaps", f"/coverage/{run}/gaps?f=csv",
        f"/coverage/{run}/map", f"/coverage/{run}/map/gaps/straight/all.json", f"/coverage/{run}/report",
        f"/coverage/{run}/tiles", f"/coverage/{run}/tiles/WebMercatorQuad/{tile.z}/{tile.row}/{tile.col}",
        f"/coverage/compare?a={run}&b={run}", f"/exports/{run}.gpkg",
        f"/map/planner/runs/{run}.json",
    ]  # fmt: skip
    for address in addresses:
        public = f"{address}{'&' if '?' in address else '?'}view=public"
        told = [town.get(who, asked).status_code for who, asked in
                ((user, address), (ANYBODY, address), (user, public))]  # fmt: skip
        # An address that knows no view says so.
        assert told in ([200, 404, 404], [200, 404, 400]), address
    lists = ["/coverage?f=json", "/map/planner/runs.json"]
    lists += [
        f"/collections/coverage_{name}/items?run={run}" for name in ("areas", "gaps", "units", "differences")
    ]
    for address in lists:
        public = f"{address}{'&' if '?' in address else '?'}view=public"
        for who, asked in ((ANYBODY, address), (user, public)):
            reply = town.get(who, asked)
            found = reply.json()
            assert run not in json.dumps({**found, "links": []}), asked
            assert reply.status_code in {400, 404} or not found.get("numberMatched"), asked
    assert run in town.get(user, "/coverage?f=json").text
    assert town.get(user, f"/collections/coverage_gaps/items?run={run}").json()["numberMatched"]


@pytest.mark.parametrize("path", ["/coverage", "/scenarios/guard", "/coverage/service-area"])
def test_who_does_not_see_what_a_policy_reads_does_not_compute_it(town, path):
    said: dict[str, Any] = {"policy": "facilities-intact"}
    if path == "/scenarios/guard":
        said["remove"] = {"class": "toilets", "code": min(town.codes(ANYBODY, "toilets"))}
    for user, status in ((ANYBODY, 403), (User("internal", None), None)):
        reply = town.client.post(path, json=said, headers={"Authorization": f"Bearer {town.keys[user]}"})
        assert (reply.status_code == 403) == (status == 403), (user, reply.text)
    assert town.get(ANYBODY, "/reach?lon=115.8585&lat=28.675").status_code == 200


def test_a_contractor_has_no_coverage(town):
    worker = User("internal", ("W",), CONTRACTOR)
    assert town.get(worker, "/coverage?f=json").json() == {"runs": []}
    assert town.get(worker, f"/coverage/{town.runs[0]}?f=json").status_code == 404


def test_the_nearest_facility_is_named_to_who_sees_it(town):
    near = "/reach?lon=115.8585&lat=28.675"
    told, withheld = (
        [
            row
            for row in _reached(town.get(User("internal", areas), near).json())
            if row["distance_m"] is not None
        ]
        for areas in (("W",), ("E",))
    )
    assert any(row["code"] in town.codes(User("internal", ("W",)), "toilets") for row in told)
    assert withheld
    seen = set().union(*(town.codes(User("internal", ("E",)), cls) for cls in KINDS))
    for row in withheld:
        assert row["code"] is None or row["code"] in seen
    assert any(row.get("withheld") for row in withheld)


def _reached(found: Any) -> list[dict[str, Any]]:
    return [tier[mode] for one in found["policies"] for tier in one["tiers"] for mode in ("straight", "walk")]


@pytest.mark.parametrize(
    ("areas", "path", "body", "status"),
    [
        (("W1", "E2"), "/coverage", {"policy": "toilet-300"}, 403),
        (("W",), "/coverage", {"policy": "toilet-300", "area": "E"}, 403),
        (("W",), "/coverage", {"policy": "toilet-300", "area": "C"}, 403),
        (("W",), "/coverage", {"policy": "toilet-300", "area": "nowhere"}, 403),
        (("W",), "/coverage/series", {"policy": "toilet-300", "area": "E", "dates": ["2026-01-01"]}, 403),
        (("W",), "/coverage/service-area", {"policy": "toilet-300", "mode": "straight"}, 403),
        (("W",), "/coverage/service-area", {"policy": "toilet-300", "facility": "{east}"}, 404),
        (("W",), "/scenarios/guard", {"policy": "toilet-300", "remove": {"class": "toilets", "code": "{east}"}}, 404),
    ],
)  # fmt: skip
def test_a_planner_asks_of_own_areas_alone(town, areas, path, body, status):
    user, east = User("internal", areas), min(town.codes(User("internal", ("E",)), "toilets"))
    said = json.loads(json.dumps(body).replace("{east}", east))
    reply = town.client.post(path, json=said, headers={"Authorization": f"Bearer {town.keys[user]}"})
    assert reply.status_code == status, reply.text
    _check_silent(town, user, json.dumps(said), reply)


def test_a_planner_gets_the_service_area_of_what_is_seen(town):
    user = User("internal", ("W",))
    said = {"policy": "toilet-300", "mode": "straight", "facility": min(town.codes(user, "toilets"))}
    reply = town.client.post(
        "/coverage/service-area", json=said, headers={"Authorization": f"Bearer {town.keys[user]}"}
    )
    assert reply.status_code == 200
    assert len(reply.json()["features"]) == 1
