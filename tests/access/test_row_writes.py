"""Edits and imports by who may write in some areas only: written the usual way, held to them by the database."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.database.scope import Scope, within
from app.errors import ChengtuError
from app.inventory.batch import Change
from app.inventory.changes import data_version
from app.inventory.search_index_store import mark_stale
from app.inventory.service import delete_features, write_batches
from app.search.service import ensure_entries
from tests.access.stirred_town import refused
from tests.inventory.town import BOXES, batch, districts, place

WHO = Change("li", "test")
#: Sees and writes the west, up to what is internal.
WEST = Scope("internal", ("W",), ("W",), who="li")
#: Sees the whole city, writes the west.
READS_ALL = Scope("internal", None, ("W",), who="li")


@pytest.fixture
def town(database, catalogue):
    """Two districts; a toilet in each, known by name; a gas device, which is restricted, in the west."""
    with database.write() as conn:
        write_batches(conn, catalogue, [districts()], WHO)
        toilets = batch(
            "toilets",
            {"w1": place(-1, 1), "e1": place(1, 1)},
            {"name_zh": ["西门公厕", "东门公厕"], "stalls": [2, 3]},
        )
        write_batches(conn, catalogue, [toilets], WHO)
        write_batches(conn, catalogue, [batch("gas_devices", {"gas1": place(-1, -1)})], WHO)
    return database


def read(database, query: str) -> list[tuple[object, ...]]:
    """What the service itself sees."""
    with database.read() as conn:
        return [tuple(row) for row in conn.execute(text(query))]


TOILETS = "SELECT code, stalls, area_path FROM city.toilets ORDER BY code"


@pytest.mark.parametrize("scope", [WEST, READS_ALL])
def test_rows_at_home_are_written_with_history_and_are_found(town, catalogue, scope):
    mine = batch(
        "toilets",
        {"w1": place(-1, 1), "w2": place(-1.5, -1)},
        {"name_zh": ["西门公厕", "新厕"], "stalls": [5, 1]},
    )
    with within(scope), town.write() as conn:
        (counts,) = write_batches(conn, catalogue, [mine], WHO).values()
        assert (counts.new, counts.changed) == (1, 1)
    assert read(town, TOILETS) == [("e1", 3, "C/E/E1"), ("w1", 5, "C/W/W1"), ("w2", 1, "C/W/W2")]
    assert read(town, "SELECT code, stalls, until_change IS NOT NULL FROM city.toilets_history") == [
        ("w1", 2, True)
    ]
    found = read(
        town, "SELECT e.keys, e.areas_touched FROM city.search_entries e WHERE class = 'toilets' ORDER BY id"
    )
    assert [areas for _, areas in found] == [["C", "W", "W1"], ["C", "E", "E1"], ["C", "W", "W2"]]
    with within(scope), town.write() as conn:
        delete_features(conn, catalogue, "toilets", ["w2"], WHO)
    assert [code for code, *_ in read(town, TOILETS)] == ["e1", "w1"]


@pytest.mark.parametrize("scope", [WEST, READS_ALL, Scope("restricted", None, ("W1", "W2"), who="li")])
@pytest.mark.parametrize(
    "rows",
    [
        {"w9": place(1, 1)},
        {"w9": place(-1, 1), "e9": place(1.5, -1)},
        {"w1": place(1, 1)},
        {"e1": place(1, 1)},
    ],
)
def test_nothing_is_written_outside_nor_moved_there(town, catalogue, scope, rows):
    before = read(town, TOILETS)
    version = read(town, "SELECT max(id) FROM city.changes")
    given = batch("toilets", rows, {"stalls": [9] * len(rows)})
    with refused(), within(scope), town.write() as conn:
        write_batches(conn, catalogue, [given], WHO)
    assert read(town, TOILETS) == before
    assert read(town, "SELECT max(id) FROM city.changes") == version
    assert read(town, "SELECT count(*) FROM city.toilets_history") == [(0,)]


def test_rows_of_others_are_not_deleted(town, catalogue):
    for scope in (WEST, READS_ALL):
        with within(scope), pytest.raises(ChengtuError), town.write() as conn:
            delete_features(conn, catalogue, "toilets", ["e1"], WHO)
    assert [code for code, *_ in read(town, TOILETS)] == ["e1", "w1"]


def test_who_writes_nowhere_and_what_is_above_the_level_is_refused(town, catalogue):
    nowhere, gas = Scope("internal", ("W",), (), who="li"), batch("gas_devices", {"gas2": place(-1, -1)})
    mine = batch("toilets", {"w3": place(-1, 1)})
    for scope, given in ((nowhere, mine), (WEST, gas), (Scope("public", ("W",), ("W",), who="li"), gas)):
        with refused(), within(scope), town.write() as conn:
            write_batches(conn, catalogue, [given], WHO)
    assert read(town, "SELECT code FROM city.gas_devices") == [("gas1",)]
    with within(Scope("restricted", ("W",), ("W",), who="li")), town.write() as conn:
        write_batches(conn, catalogue, [gas], WHO)
    assert len(read(town, "SELECT code FROM city.gas_devices")) == 2


def test_rows_that_a_value_makes_restricted_are_not_made_by_who_may_not_see_them(town, catalogue):
    pipes = {"pw": place(-1, 1).buffer(0.001).boundary}
    gas, drain = (batch("pipes", pipes, {"kind": [kind]}) for kind in ("gas", "storm"))
    with refused(), within(WEST), town.write() as conn:
        write_batches(conn, catalogue, [gas], WHO)
    with within(WEST), town.write() as conn:
        write_batches(conn, catalogue, [drain], WHO)
    # What may be made may not be turned into what is hidden.
    with refused(), within(WEST), town.write() as conn:
        write_batches(conn, catalogue, [gas], WHO)
    assert read(town, "SELECT kind FROM city.pipes") == [("storm",)]


def test_areas_are_drawn_by_who_writes_to_the_whole_city_alone(town, catalogue):
    """Whoever could move a border would take what lies behind it."""
    wider = districts(W=BOXES["C"])
    for edits in (("W",), ("C", "W", "E")):
        with refused(), within(Scope("restricted", None, edits, who="li")), town.write() as conn:
            write_batches(conn, catalogue, [wider], WHO)
    with within(Scope("internal", None, None, who="li")), town.write() as conn:
        write_batches(conn, catalogue, [wider], WHO)
    assert read(town, "SELECT kind, who FROM city.jobs") == [("areas", "li")]


def test_entries_that_lack_are_left_to_the_job_by_who_sees_a_part(town, catalogue):
    with town.write() as conn:
        mark_stale(conn, catalogue.classes["toilets"])
    with within(WEST), town.write() as conn:
        write_batches(conn, catalogue, [batch("toilets", {"w1": place(-1, 1)}, {"name_zh": ["新名"]})], WHO)
    assert ("search",) in read(town, "SELECT kind FROM city.jobs")
    assert "toilets" in ensure_entries(town, catalogue)
    assert read(
        town, "SELECT array_length(areas_touched, 1) FROM city.search_entries WHERE class = 'toilets'"
    ) == [(3,), (3,)]


def test_a_class_is_not_empty_because_one_sees_none_of_it(town, catalogue):
    """A first load would take the place of the rows of others."""
    south = Scope("internal", ("W2",), ("W2",), who="li")
    with within(south), town.write() as conn:
        assert conn.execute(text("SELECT count(*) FROM city.toilets")).scalar_one() == 0
        version = data_version(conn, "toilets")
        write_batches(conn, catalogue, [batch("toilets", {"s1": place(-1, -1)})], WHO)
    assert version == max(
        change for (change,) in read(town, "SELECT change_id FROM city.toilets WHERE code <> 's1'")
    )
    assert len(read(town, TOILETS)) == 3


def test_a_contractor_writes_its_own(town, catalogue):
    own = Scope("internal", ("C",), ("C",), party="绿城", who="wang")
    lamps = batch("street_lights", {"l1": place(1, 1), "l2": place(-1, 1)}, {"maintainer": ["绿城", "别家"]})
    with town.write() as conn:
        write_batches(conn, catalogue, [lamps], WHO)
    with within(own), town.read() as conn:
        assert conn.execute(text("SELECT code FROM city.street_lights")).scalars().all() == ["l1"]
    for maintainer in ("别家", None):
        given_away = batch("street_lights", {"l1": place(1, 1)}, {"maintainer": [maintainer]})
        with refused(), within(own), town.write() as conn:
            write_batches(conn, catalogue, [given_away], WHO)
    with within(own), town.write() as conn:
        write_batches(
            conn, catalogue, [batch("street_lights", {"l3": place(1, -1)}, {"maintainer": ["绿城"]})], WHO
        )
    assert len(read(town, "SELECT 1 FROM city.street_lights")) == 3
