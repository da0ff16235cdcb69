"""Edits are planned before they hold their class's lock: a day ends meanwhile, a class is loaded beside them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest

from app.inventory import day_service, first_load, periods, rewrite, rounds, staging
from app.inventory.service import write_batches
from tests.inventory.town import CHANGE, batch, place
from tests.ogc.edits import created, feature, patch, post, properties, served_town, until_it_waits


@pytest.fixture
def server(cluster_settings, template, catalogue):
    with served_town(cluster_settings, template, catalogue) as served:
        yield served


@pytest.fixture
def midnight(monkeypatch):
    """Lets the day end: what is written asks for the new one, and nobody has turned the features yet."""

    def pass_by() -> None:
        for module in (rewrite, staging, day_service):
            monkeypatch.setattr(module, "today", tomorrow)

    return pass_by


def tomorrow() -> date:
    return periods.today() + timedelta(days=1)


@pytest.mark.parametrize("named", [False, True])
def test_what_holds_from_today_on_is_not_overwritten_by_what_held_until_last_night(
    server, catalogue, midnight, named
):
    """One change wrote both versions: its number alone does not tell them apart."""
    client, _, db = server
    address = created(client, code="MOVED", stalls=1)
    rows = batch("toilets", {"MOVED": place(0.9, 0.9)}, {"stalls": [1], "note": ["moved"]})
    with db.write() as conn:
        write_batches(conn, catalogue, [replace(rows, valid=[(tomorrow(), None)])], CHANGE)
    etag = client.get(address).headers["etag"]
    midnight()
    reply = patch(client, address, {"properties": {"stalls": 2}}, **({"if_match": etag} if named else {}))
    assert reply.status_code == 200, reply.text
    found = client.get(address).json()
    assert found["geometry"]["coordinates"] == pytest.approx([place(0.9, 0.9).x, place(0.9, 0.9).y], abs=1e-6)
    assert (found["properties"]["stalls"], found["properties"]["note"]) == (2, "moved")


def test_a_code_that_ended_last_night_is_free(server, midnight):
    client, _, _ = server
    address = created(client, code="NIGHT", stalls=1)
    assert client.delete(f"{address}?valid_to={tomorrow()}").status_code == 204
    assert properties(client, address)["stalls"] == 1
    midnight()
    assert post(client, feature(code="NIGHT", stalls=5)).status_code == 201


@pytest.mark.parametrize("named", [{"code": "GIVEN"}, {}])
def test_a_first_load_takes_its_place_beside_an_edit_that_waits_for_it(server, catalogue, monkeypatch, named):
    client, settings, db = server
    monkeypatch.setattr(rounds, "FIRST_ROWS", 1)
    index, finish, placed = first_load.FirstLoad.index, first_load.FirstLoad.finish, []
    asked = []

    def let_one_wait(load: first_load.FirstLoad) -> None:
        """The load holds its lock by now."""
        index(load)
        asked.append(pool.submit(post, client, feature(**named), "/collections/monuments/items"))
        until_it_waits(settings, asked[0])

    def finished(load: first_load.FirstLoad) -> bool:
        placed.append(finish(load))
        return placed[-1]

    monkeypatch.setattr(first_load.FirstLoad, "index", let_one_wait)
    monkeypatch.setattr(first_load.FirstLoad, "finish", finished)
    loaded = batch("monuments", {f"L{n}": place(0.1, 0.1 + n / 100) for n in range(20)})
    with ThreadPoolExecutor(1) as pool:
        with db.write() as conn:
            write_batches(conn, catalogue, [loaded], CHANGE)
        assert asked[0].result().status_code == 201
    assert placed == [True]
    assert client.get("/collections/monuments/items?limit=1").json()["numberMatched"] == 21
