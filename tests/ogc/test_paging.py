"""Sorted pages: every feature once and in order, whatever is written in between; tokens that nobody may bend."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import date, timedelta
from functools import cmp_to_key
from hashlib import blake2b
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.database.engine import open_database
from app.database.scope import as_service
from app.errors import BadInput
from app.inventory import store
from app.inventory.ordering import Position
from app.inventory.query import Condition, FeatureQuery
from app.inventory.service import write_batches
from app.main import create_app
from app.ogc.asked import parse_ids, parse_sortby
from app.ogc.paging import CHECK_BYTES, Token, read_token, write_token
from tests.clones import clone
from tests.inventory.town import CHANGE, batch, place

COUNT = 40
ITEMS = "/collections/toilets/items"
ORDERS = [
    (),
    (("stalls", False),),
    (("stalls", True),),
    (("kind", False), ("built_on", True)),
    (("accessible", True), ("stalls", False), ("name_zh", True)),
    (("code", True),),
    (("valid_from", False), ("built_on", False)),
]


def drawn(first: int, count: int, seed: int) -> Any:
    """Toilets of which every third value is not known and many are equal."""
    rng = np.random.default_rng(seed)

    def some(values: list[Any]) -> list[Any]:
        return [None if rng.random() < 0.33 else values[int(rng.integers(len(values)))] for _ in range(count)]

    columns = {
        "stalls": some([1, 2, 3]),
        "kind": some(["public", "mobile"]),
        "built_on": some([date(2000, 1, 1) + timedelta(days=day) for day in (0, 1, 2)]),
        "accessible": some([True, False]),
        "name_zh": some(["东", "西", 'a"b']),
    }
    shapes = {f"t{n:03}": place(-1.9 + 0.05 * n, 0.5) for n in range(first, first + count)}
    return batch("toilets", shapes, columns)


@pytest.fixture
def toilets(conn, catalogue):
    write_batches(conn, catalogue, [drawn(0, COUNT, 1)], CHANGE)
    return conn


def read(conn, catalogue, **query: Any) -> tuple[store.FeaturePage, list[dict[str, Any]]]:
    page = store.features_page(conn, catalogue, FeatureQuery("toilets", **query))
    return page, [{"id": item["id"], **item["properties"]} for item in json.loads(page.text)["features"]]


def in_order(rows: list[dict[str, Any]], order) -> list[int]:
    """Ids as Python sorts them: unknown values last whichever way, the id among equals."""

    def compare(a: dict[str, Any], b: dict[str, Any]) -> int:
        for name, down in order:
            left, right = a[name], b[name]
            if left != right:
                if left is None or right is None:
                    return 1 if left is None else -1
                return (1 if left > right else -1) * (-1 if down else 1)
        return a["id"] - b["id"]

    return [row["id"] for row in sorted(rows, key=cmp_to_key(compare))]


def walk(conn, catalogue, order, step: int = 7) -> tuple[list[int], list[int]]:
    """The ids of all pages, forwards, and those of all pages back from the last one."""
    there: list[int] = []
    page, rows = read(conn, catalogue, sortby=order, limit=step)
    assert page.prev is None
    there += [row["id"] for row in rows]
    while page.next is not None:
        page, rows = read(conn, catalogue, sortby=order, limit=step, after=page.next)
        there += [row["id"] for row in rows]
    back = [row["id"] for row in rows]
    while page.prev is not None:
        page, rows = read(conn, catalogue, sortby=order, limit=step, before=page.prev)
        back = [row["id"] for row in rows] + back
        assert page.next is not None
    return there, back


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_pages_give_every_feature_once_and_in_order_there_and_back(toilets, catalogue, order):
    _, rows = read(toilets, catalogue, limit=1000)
    expected = in_order(rows, order)
    assert len(expected) == COUNT
    assert walk(toilets, catalogue, order) == (expected, expected)


@pytest.mark.parametrize("order", ORDERS[:4], ids=str)
def test_what_is_written_between_pages_moves_nothing_that_was_there(toilets, catalogue, order):
    _, rows = read(toilets, catalogue, limit=1000)
    known = {row["id"] for row in rows}
    seen, after, added = [], None, 0
    while True:
        page, rows = read(toilets, catalogue, sortby=order, limit=6, after=after)
        seen += [row["id"] for row in rows]
        if page.next is None:
            break
        after = page.next
        write_batches(toilets, catalogue, [drawn(COUNT + 3 * added, 3, 50 + added)], CHANGE)
        added += 1
    assert [item for item in seen if item in known] == in_order(
        read(toilets, catalogue, limit=1000, ids=known)[1], order
    )
    assert len(seen) == len(set(seen))


def test_a_page_of_a_filter_in_an_order(toilets, catalogue):
    condition = Condition('"stalls" >= %(c_0)s', {"c_0": 2}, frozenset({"stalls"}))
    given = {"condition": condition, "sortby": (("kind", True),), "where": {"accessible": ["true", None]}}
    _, rows = read(toilets, catalogue, limit=1000)
    wanted = [row for row in rows if (row["stalls"] or 0) >= 2 and row["accessible"] is not False]
    first, found = read(toilets, catalogue, limit=3, **given)
    _, rest = read(toilets, catalogue, limit=100, after=first.next, **given)
    assert [row["id"] for row in (*found, *rest)] == in_order(wanted, [("kind", True)])
    assert (first.matched, first.matched_exact) == (len(wanted), True)


def test_what_was_counted_before_is_not_counted_again(toilets, catalogue):
    page, _ = read(toilets, catalogue, limit=1, matched=(123, False))
    assert (page.matched, page.matched_exact) == (123, False)
    assert json.loads(page.text)["numberMatchedIsEstimate"] is True


@pytest.mark.parametrize(
    "query",
    [
        {"sortby": (("nonsense", False),)},
        {"sortby": (("geom", False),)},
        {"sortby": (("areas_touched", False),)},
        {"after": Position(1, (1,))},
        {"after": Position(1), "sortby": (("stalls", False),)},
        {"after": Position(1, ("many",)), "sortby": (("stalls", False),)},
        {"after": Position(1), "before": Position(2)},
    ],
)
def test_what_is_no_order_and_no_place_in_it_is_refused(read_conn, catalogue, query):
    with pytest.raises(BadInput):
        store.features_page(read_conn, catalogue, FeatureQuery("toilets", **query))


def test_a_token_comes_back_as_it_was_and_serves_one_order_alone():
    token = Token(Position(7, ("东", None, 1.5, True)), "42", "abc", 9, True)
    text = write_token("toilets -name", token)
    assert read_token("toilets -name", "after", text) == token
    day = write_token("toilets x", Token(Position(1, (date(2020, 1, 2),)), "1", ""))
    assert read_token("toilets x", "after", day).position.values == ("2020-01-02",)
    for order in ("toilets name", "parks -name", ""):
        with pytest.raises(BadInput):
            read_token(order, "after", text)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"5",
        b"[]",
        b'{"a": 1}',
        b'["1", "x", null, false]',
        b'["1", "x", null, false, "7"]',
        b'["1", "x", null, false, true]',
        b'["1", "x", true, false, 7]',
        b'["1", "x", "9", false, 7]',
        b'[1, "x", null, false, 7]',
    ],
)
def test_a_token_that_somebody_else_wrote_is_refused(body):
    check = blake2b(b"toilets \0" + body, digest_size=CHECK_BYTES).digest()
    with pytest.raises(BadInput):
        read_token("toilets ", "after", urlsafe_b64encode(check + body).decode())


@pytest.mark.parametrize(
    "names", ["", ",", "+", "name,", "a,a", "a,-a", ",".join(f"n{n}" for n in range(20))]
)
def test_what_names_no_order_is_refused(names):
    with pytest.raises(BadInput):
        parse_sortby(names)


def test_an_order_is_written_with_signs_and_a_lost_plus_is_a_plus():
    assert parse_sortby("+a,-b,c, d") == (("a", False), ("b", True), ("c", False), ("d", False))


@pytest.mark.parametrize("ids", ["", "x", "1,", "-1", "1.5", "９", "9" * 19, ",".join(["1"] * 1001)])
def test_what_is_no_list_of_ids_is_refused(ids):
    with pytest.raises(BadInput):
        parse_ids(ids)


@pytest.fixture(scope="module")
def client(cluster_settings, template, catalogue):
    with clone(cluster_settings, template) as settings:
        db = open_database(settings)
        with db.write() as conn:
            write_batches(conn, catalogue, [drawn(0, COUNT, 2)], CHANGE)
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            yield client
        db.dispose()


def link(document: dict[str, Any], rel: str) -> str | None:
    return next((item["href"] for item in document["links"] if item["rel"] == rel), None)


def test_links_lead_forwards_and_back_and_keep_the_question(client):
    first = client.get(f"{ITEMS}?limit=9&sortby=-stalls,kind&kind=public").json()
    assert link(first, "prev") is None
    pages = [first]
    while (address := link(pages[-1], "next")) is not None:
        pages.append(client.get(address).json())
    assert len(pages) > 1
    assert {page["numberMatched"] for page in pages} == {sum(page["numberReturned"] for page in pages)}
    assert client.get(link(pages[-1], "prev")).json()["features"] == pages[-2]["features"]
    ids = [item["id"] for page in pages for item in page["features"]]
    found = client.get(f"{ITEMS}?ids={','.join(map(str, ids))}&limit=100&count=exact").json()
    assert (found["numberMatched"], {item["id"] for item in found["features"]}) == (len(ids), set(ids))
    assert "numberMatched" not in client.get(f"{ITEMS}?count=none").json()


def test_a_token_that_was_bent_or_belongs_elsewhere_is_a_400(client):
    token = link(client.get(f"{ITEMS}?limit=1").json(), "next").split("after=")[1]
    assert client.get(f"{ITEMS}?after={token}").status_code == 200
    bent = [token[:-1], token[1:], f"{token}x", token.swapcase(), "5", "", "%00", "AAAA", "é", "x" * 17_000]
    for text in bent:
        assert client.get(f"{ITEMS}?after={text}").status_code == 400, text
        assert client.get(f"{ITEMS}?before={text}").status_code == 400, text
    for query in (f"after={token}&sortby=stalls", f"after={token}&before={token}"):
        assert client.get(f"{ITEMS}?{query}").status_code == 400
    assert client.get(f"/collections/parks/items?after={token}").status_code == 400


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "", "nan"])
def test_a_limit_below_one_is_refused(client, limit):
    assert client.get(f"{ITEMS}?limit={limit}").status_code == 400


def test_a_limit_above_all_is_served_with_the_most(client):
    assert client.get(f"{ITEMS}?limit={10**12}").json()["numberReturned"] == COUNT


def test_a_sort_by_what_cannot_be_sorted_by_lists_what_can(client):
    reply = client.get(f"{ITEMS}?sortby=geom")
    assert reply.status_code == 400
    assert "stalls" in reply.json()["hint"]
    names = client.get("/collections/toilets/sortables").json()["properties"]
    for name in names:
        assert client.get(f"{ITEMS}?sortby=-{name}&limit=2").status_code == 200, name


def test_numbers_are_those_of_the_data_as_it_is_now(client, catalogue):
    before = [client.get(f"{ITEMS}?limit=2{query}").json() for query in ("", "&kind=public")]
    token = link(before[0], "next").split("after=")[1]
    with as_service(), client.app.state.db.write() as conn:
        new = batch("toilets", {"new": place(0, 0)}, {"kind": ["public"]})
        write_batches(conn, catalogue, [new], CHANGE)
    after = [client.get(f"{ITEMS}?limit=2{query}").json() for query in ("", "&kind=public")]
    assert [page["numberMatched"] for page in after] == [page["numberMatched"] + 1 for page in before]
    assert after[0]["dataVersion"] != before[0]["dataVersion"]
    going_on = client.get(f"{ITEMS}?limit=2&after={token}").json()
    assert going_on["numberMatched"] == after[0]["numberMatched"]
