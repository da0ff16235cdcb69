"""Which rows and fields PostgreSQL shows and lets change, against a reckoning in Python from all the rows there are."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.catalogue.public_part import parts_of
from app.database.engine import Database
from app.database.roles import EDIT, SEE, see_all_role, see_role
from app.database.scope import LEVELS, Scope, within
from app.tiles import service
from app.tiles.asked import TilesAsked
from app.tiles.matrix import Tile
from app.tiles.plan import plan_of
from tests.access.stirred_town import Town, drawn, refused, stirred_town

#: Short in `make test`; `make soak` takes more.
SCOPES = int(os.environ.get("CHENGTU_SOAK_SCOPES_SQL", "30"))
TURNS = int(os.environ.get("CHENGTU_SOAK_TURNS", "1000"))


@pytest.fixture(scope="module")
def town(cluster_settings, town_template, catalogue) -> Iterator[Town]:
    with stirred_town(cluster_settings, town_template, catalogue) as stirred:
        yield stirred


@pytest.mark.parametrize("seed", range(SCOPES))
def test_the_ids_seen_are_the_ids_allowed(town: Town, seed):
    scope = drawn(town.codes, seed)
    parts = [
        f"SELECT '{class_id}', {past}, coalesce(array_agg(id ORDER BY id), '{{}}'), count(*) "
        f"FROM city.{class_id}{'_history' if past else ''}"
        for class_id, past in town.rows
    ]
    with within(scope), town.database.read() as conn:
        found = {(row[0], row[1]): row for row in conn.execute(text(" UNION ALL ".join(parts)))}
    for key, rows in town.rows.items():
        allowed = sorted(row.id for row in rows if town.sees(scope, key, row))
        assert (list(found[key][2]), found[key][3]) == (allowed, len(allowed)), key


def test_the_scopes_drawn_tell_rows_apart(town: Town):
    shares = []
    for seed in range(SCOPES):
        scope = drawn(town.codes, seed)
        seen = [town.sees(scope, key, row) for key, rows in town.rows.items() for row in rows]
        shares.append(sum(seen) / len(seen))
    assert len({round(share, 3) for share in shares}) > SCOPES // 4
    assert min(shares) == 0
    assert max(share for share in shares if share < 1) > 0.3


@pytest.mark.parametrize("seed", range(1000, 1000 + SCOPES // 2))
def test_the_ids_changed_and_deleted_are_the_ids_allowed(town: Town, seed):
    scope = drawn(town.codes, seed)
    if scope.writes_as not in EDIT:
        scope = Scope(scope.level, scope.areas, (town.codes[-1],), scope.party, scope.who)
    for class_id, past in list(town.rows)[seed % 3 :: 3]:
        table = f"city.{class_id}{'_history' if past else ''}"
        key = (class_id, past)
        allowed = sorted(row.id for row in town.rows[key] if town.writes(scope, key, row))
        for statement in (
            f"UPDATE {table} SET min_zoom = min_zoom RETURNING id",
            f"DELETE FROM {table} RETURNING id",
        ):
            with within(scope), town.database.write() as conn:
                done = sorted(conn.execute(text(statement)).scalars())
                conn.rollback()
            assert done == allowed, statement
        seen = {row.id for row in town.rows[key] if town.sees(scope, key, row)}
        with within(scope), town.database.write() as conn:
            found = set(conn.execute(text(f"SELECT id FROM {table}")).scalars())
        assert found == seen | set(allowed), "who writes sees what it writes, and what it may see besides"


WEST, EAST = "990201", "990202"
NEW = "INSERT INTO city.toilets (id, code, geom, change_id, area_path, areas_touched)"
COPY = (
    "INSERT INTO city.toilets{} (id, code, geom, change_id, area_path, areas_touched) "
    "SELECT -1, 'new', geom, change_id, :path, areas_touched FROM city.toilets LIMIT 1"
)


@pytest.mark.parametrize("past", ["", "_history"])
def test_no_row_is_put_or_moved_outside(town: Town, past):
    scope = Scope("internal", None, (WEST,), who="li")
    with within(scope), town.database.write() as conn:
        conn.execute(text(COPY.format(past)), {"path": f"990200/{WEST}"})
        conn.rollback()
    moved = f"UPDATE city.toilets{past} SET area_path = '990200/{EAST}' WHERE area_path LIKE '990200/{WEST}%'"
    for statement, values in (
        (COPY.format(past), {"path": f"990200/{EAST}"}),
        (COPY.format(past), {"path": ""}),
        (COPY.format(past), {"path": f"990200/x{WEST}"}),
        (moved, {}),
    ):
        with refused(), within(scope), town.database.write() as conn:
            conn.execute(text(statement), values)


def test_who_reads_writes_nothing_and_who_has_no_scope_sees_nothing(town: Town):
    closed = Database(town.database.settings, closed=True)
    counts = " + ".join(f"(SELECT count(*) FROM city.{class_id})" for class_id, past in town.rows if not past)
    with closed.read() as conn:
        assert conn.execute(text(f"SELECT {counts}")).scalar_one() == 0
    with closed.write() as conn:
        assert conn.execute(text(COPY.format("")), {"path": WEST}).rowcount == 0
    with refused(), closed.write() as conn:
        values = f"(-1, 'new', public.ST_Point(115.8, 28.6, 4326), 1, '{WEST}', '{{}}')"
        conn.execute(text(f"{NEW} VALUES {values}"))
    closed.dispose()


@pytest.mark.parametrize("role", [*SEE, *EDIT])
def test_a_role_without_settings_sees_no_row_at_all(town: Town, role):
    tables = [f"city.{name}{'_history' if past else ''}" for name, past in town.rows]
    tables += ["city.search_entries", "city.search_codes", "city.jobs", "city.imports", "city.coverage_areas"]
    query = " + ".join(f"(SELECT count(*) FROM {table})" for table in tables)
    with town.database.read() as conn:
        conn.rollback()
        driver = Database.raw(conn)
        driver.execute(SQL("SET LOCAL ROLE {}").format(Identifier(role)))
        row = driver.execute(f"SELECT {query}".encode(), prepare=False).fetchone()
        assert row == (0,)
        driver.rollback()


@pytest.mark.parametrize("level", LEVELS)
def test_fields_above_the_level_are_refused_one_by_one(town: Town, level):
    everywhere, partly = see_all_role(level), see_role(level)
    with town.database.read() as conn:
        for cls in town.catalogue.classes.values():
            fields = {item.name: LEVELS.index(item.sensitivity) for item in cls.fields}
            fields |= {"id": 0, "geom": 0, "extra": 1}
            for role in (everywhere, partly):
                for table in (cls.id, f"{cls.id}_history"):
                    rows = conn.execute(
                        text(
                            "SELECT name FROM unnest(CAST(:names AS text[])) name "
                            "WHERE has_column_privilege(:role, CAST(:table AS regclass), name, 'SELECT')"
                        ),
                        {"names": list(fields), "role": role, "table": f"city.{table}"},
                    )
                    assert set(rows.scalars()) == {
                        name for name in fields if fields[name] <= LEVELS.index(level)
                    }


def test_a_hidden_field_is_reached_by_no_way_of_asking(town: Town):
    asked = (
        "SELECT load_limit_t FROM city.bridges", "SELECT 1 FROM city.bridges WHERE load_limit_t > 10",
        "SELECT * FROM city.bridges", "SELECT to_jsonb(b) FROM city.bridges b", "SELECT b FROM city.bridges b",
        "SELECT id FROM city.bridges ORDER BY load_limit_t", "SELECT max(load_limit_t) FROM city.bridges_history",
        "SELECT id FROM city.bridges GROUP BY id, load_limit_t",
    )  # fmt: skip
    for scope in (Scope("internal", None), Scope("internal", (WEST,)), Scope("public", None)):
        for query in asked:
            with pytest.raises(DBAPIError) as error, within(scope), town.database.read() as conn:
                conn.execute(text(query))
            assert isinstance(error.value.orig, psycopg.errors.InsufficientPrivilege), query
        with within(scope), town.database.read() as conn:
            conn.execute(text("SELECT id, code, geom FROM city.bridges"))
    with within(Scope("restricted", (WEST,))), town.database.read() as conn:
        conn.execute(text("SELECT * FROM city.bridges"))


def test_what_a_query_sets_does_not_widen_it(town: Town):
    for query in (
        "SELECT set_config('chengtu.areas', '*', true)",
        "SELECT city.guard('city', 'toilets', 'public', NULL, '{}', '{}', '{}', '{}')",
        "SELECT * FROM city.people", "SELECT * FROM city.access_keys", "SELECT * FROM city.sessions",
    ):  # fmt: skip
        with (
            pytest.raises(DBAPIError) as error,
            within(Scope("internal", (WEST,))),
            town.database.read() as conn,
        ):
            conn.execute(text(query))
        assert isinstance(error.value.orig, psycopg.errors.InsufficientPrivilege), query


def test_data_versions_are_the_same_for_everybody(town: Town):
    names = [class_id for class_id, past in town.rows if not past]
    query = "SELECT " + ", ".join(f"city.version_of_{name}()" for name in names)
    with town.database.read() as conn:
        whole = tuple(conn.execute(text(query)).one())
        parts = " UNION ALL ".join(
            f"SELECT '{name}', greatest((SELECT max(change_id) FROM city.{name}), (SELECT max(greatest(change_id, "
            f"until_change)) FROM city.{name}_history), 0)"
            for name in names
        )
        assert dict(zip(names, whole, strict=True)) == dict(tuple(row) for row in conn.execute(text(parts)))
    for scope in (Scope("public", ()), Scope("internal", (WEST,), party="nobody's")):
        with within(scope), town.database.read() as conn:
            assert tuple(conn.execute(text(query)).one()) == whole


def _plan(conn: Any, query: str, option: str = "") -> str:
    conn.execute(text("SET LOCAL enable_seqscan = off"))
    return "\n".join(conn.execute(text(f"EXPLAIN {option} {query}")).scalars())


@pytest.mark.parametrize(
    "scope", [Scope("internal", (WEST,)), Scope("public", None), Scope("public", (WEST,), party="x")]
)
def test_indexes_are_used_within_a_scope(town: Town, scope):
    box = "public.ST_MakeEnvelope(115.8, 28.6, 115.9, 28.7, 4326)"
    asked = {
        f"SELECT id FROM city.toilets WHERE geom && {box}": "ix_toilets_geom",
        f"SELECT id FROM city.toilets WHERE geom && {box} AND public.ST_Intersects(geom, {box})": "ix_toilets_geom",
        "SELECT id FROM city.toilets_history WHERE valid @> DATE '2020-01-01' AND until_change IS NULL":
            "ix_toilets_history_valid",
        "SELECT id FROM city.toilets WHERE code = ANY ('{a,b}')": "uq_toilets_code",
        "SELECT id FROM city.toilets WHERE id > 7 ORDER BY id LIMIT 5": "pk_toilets",
        "SELECT id FROM city.toilets WHERE area_path ~>=~ '99/' AND area_path ~<~ '990'": "ix_toilets_area_path",
        "SELECT id FROM city.search_entries WHERE sampled AND words @@ 'a'::tsquery": "search_entries_sample",
    }  # fmt: skip
    with within(scope), town.database.read() as conn:
        for query, index in asked.items():
            assert index in _plan(conn, query), query


def test_many_turns_of_three_scopes_over_two_connections_never_mix(town: Town):
    scopes = (Scope("public", None), Scope("internal", (WEST,)), Scope("restricted", (EAST,), (EAST,)))
    tables = ("toilets", "pipes", "pipe_nodes")
    arrays = ", ".join(f"(SELECT array_agg(id ORDER BY id) FROM city.{name})" for name in tables)
    query = f"SELECT pg_backend_pid(), {arrays}"
    allowed = {
        scope: [
            sorted(row.id for row in town.rows[name, False] if town.sees(scope, (name, False), row)) or None
            for name in tables
        ]
        for scope in scopes
    }
    database = Database(town.database.settings, closed=True)

    def turn(number: int) -> tuple[int, bool]:
        scope = random.Random(number).choice((*scopes, None))
        with _maybe(scope), database.read() as conn:
            pid, *found = conn.execute(text(query)).one()
            return pid, found == (allowed[scope] if scope else [None] * len(tables))

    with ThreadPoolExecutor(2) as two:
        turns = list(two.map(turn, range(TURNS)))
    database.dispose()
    assert [right for _, right in turns].count(False) == 0
    assert len({pid for pid, _ in turns}) <= 2
    assert len(set(map(str, allowed.values()))) == len(scopes)


@contextmanager
def _maybe(scope: Scope | None) -> Iterator[None]:
    if scope is None:
        yield
        return
    with within(scope):
        yield


def test_nothing_of_a_transactions_scope_stays_on_its_connection(town: Town):
    database = Database(town.database.settings)
    with within(Scope("restricted", (WEST,), (EAST,), "p", "li")), database.read() as conn:
        assert conn.execute(text("SELECT city.scope_areas()")).scalar_one() == [WEST]
    with database._pool.connect() as connection:
        driver = connection.connection.driver_connection
        left = driver.execute(
            "SELECT current_user = session_user, current_setting('chengtu.areas', true), "
            "current_setting('chengtu.edits', true), current_setting('chengtu.party', true), "
            "current_setting('chengtu.who', true)"
        ).fetchone()
    assert left[0]
    assert not any(left[1:])
    database.dispose()


def test_the_settings_that_policies_ask_are_read_within_the_query(town: Town):
    with within(Scope("internal", (WEST,))), town.database.read() as conn:
        plan = _plan(conn, "SELECT id FROM city.manholes", "VERBOSE")
    assert "current_setting('chengtu.areas'" in plan
    assert "scope_areas()" not in plan


def test_a_tile_that_the_server_keeps_is_kept_for_each_role(town: Town, catalogue):
    """A kept statement that another role asks is analysed anew; under its own text each role has a plan."""
    parts, tile = parts_of(catalogue), Tile(17, 107_687, 54_667)
    for scope in (Scope("internal", None), Scope("public", None), Scope("internal", (WEST,))):
        with within(scope), town.database.read() as conn:
            service.build(conn, plan_of(conn, parts[scope.level], ["parks"], TilesAsked()), tile)
            kept = "SELECT count(*) FROM pg_prepared_statements WHERE starts_with(statement, :role)"
            assert conn.execute(text(kept), {"role": f"/* {scope.reads_as} */"}).scalar_one() == 1
