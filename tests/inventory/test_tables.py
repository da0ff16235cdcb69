"""The projected tables: equal to the migrated ones, guarded by the database itself, read by the right roles."""

from __future__ import annotations

import math
import re
import subprocess
from collections.abc import Iterable
from dataclasses import replace

import psycopg
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.catalogue.model import Catalogue, Field, Title
from app.database.binaries import find_binaries
from app.database.engine import Database
from app.database.server import admin_parameters
from app.errors import BadDeclaration
from app.inventory.ddl import render
from app.inventory.guards import guard_of
from app.inventory.schema_store import read_tables
from app.inventory.tables import project

pytestmark = pytest.mark.slow


def test_the_same_catalogue_gives_the_same_text(catalogue):
    assert render(catalogue) == render(Catalogue(catalogue.classes, catalogue.policies))


def test_a_migrated_database_equals_one_projected_from_the_catalogue(settings, catalogue):
    """Where this fails after a class was changed: make revision."""
    migrated = describe(settings)
    with psycopg.connect(**admin_parameters(settings)) as admin:
        for class_id in catalogue.classes:
            admin.execute(f"DROP TABLE city.{class_id}, city.{class_id}_history")
        admin.execute("SET LOCAL ROLE chengtu_owner")
        admin.execute(render(catalogue))
    assert describe(settings) == migrated


def describe(settings) -> list[str]:
    """The schema as pg_dump writes it, without the marks that each dump draws anew."""
    given = admin_parameters(settings)
    environment = {"PGPASSWORD": str(given["password"])}
    command = [find_dump(), "--schema-only", "-n", "city", "-h", str(given["host"]), "-p", str(given["port"]),
               "-U", str(given["user"]), str(given["dbname"])]  # fmt: skip
    dump = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    lines = _in_order(line for line in dump.splitlines() if not re.match(r"\\(un)?restrict ", line))
    # One object a paragraph; those of columns stand in the order of the columns.
    return sorted("\n".join(lines).split("\n--\n-- Name: "))


def _in_order(lines: Iterable[str]) -> list[str]:
    """The same with the lines of each CREATE TABLE sorted: a column that is added later stands last."""
    told: list[str] = []
    inside: list[str] | None = None
    for line in lines:
        if inside is None:
            told.append(line)
        elif line == ");":
            told += [*sorted(inside), line]
        else:
            inside.append(line.removesuffix(","))
        if line.startswith("CREATE TABLE "):
            inside = []
        elif line == ");":
            inside = None
    return told


def find_dump() -> str:
    return find_binaries().program("pg_dump")


def test_the_description_sees_a_changed_rule(settings, catalogue):
    before = describe(settings)
    with psycopg.connect(**admin_parameters(settings)) as admin:
        admin.execute("ALTER TABLE city.toilets ALTER COLUMN stalls TYPE integer")
    assert describe(settings) != before


def test_a_rules_name_follows_the_rule(catalogue):
    toilets = catalogue.classes["toilets"]
    wider = replace(
        toilets,
        fields=tuple(replace(f, maximum=77) if f.name == "stalls" else f for f in toilets.fields),
    )
    one, other = (checks(Catalogue({"toilets": cls}, {})) for cls in (toilets, wider))
    assert len(one - other) == 1
    assert all(re.fullmatch(r"ck_toilets_stalls_[0-9a-f]{8}", name) for name in one ^ other)


def checks(catalogue: Catalogue) -> set[str]:
    return {
        str(rule.name)
        for rule in project(catalogue).current["toilets"].constraints
        if str(rule.name)[:2] == "ck"
    }


def test_a_field_may_not_bear_a_kept_name(catalogue):
    field = Field("area_path", "text", Title("甲", "a"))
    toilets = replace(catalogue.classes["toilets"], fields=(field,))
    with pytest.raises(BadDeclaration, match="area_path"):
        project(Catalogue({"toilets": toilets}, {}))


POINT = "SRID=4326;POINT(115.86 28.68)"
RAW = "INSERT INTO city.{} (code, geom, change_id{}) VALUES ('x', CAST(:geom AS geometry), 1{})"


@pytest.mark.parametrize(
    ("class_id", "geom"),
    [
        ("toilets", "SRID=4326;POINT EMPTY"),
        ("toilets", "SRID=4326;POINT(NaN 28)"),
        (
            "toilets",
            shapely.to_wkb(shapely.set_srid(shapely.Point(28, math.inf), 4326), hex=True, include_srid=True),
        ),
        ("toilets", "SRID=4326;POINT(181 28)"),
        ("toilets", "SRID=4326;POINT(115 -91)"),
        ("toilets", "SRID=4490;POINT(115 28)"),
        ("toilets", "SRID=4326;POINT Z(115 28 3)"),
        ("toilets", "SRID=4326;LINESTRING(115 28, 116 28)"),
        ("streets", "SRID=4326;MULTILINESTRING EMPTY"),
        ("streets", "SRID=4326;MULTILINESTRING((115 28, NaN 28, 116 28))"),
        ("parks", "SRID=4326;MULTIPOLYGON(((115 28, 116 28, 116 NaN, 115 28)))"),
        ("parks", "SRID=4326;MULTIPOLYGON(((115 28, 190 28, 116 29, 115 28)))"),
    ],
)
def test_the_database_refuses_bad_geometry_from_anyone(conn, class_id, geom):
    with pytest.raises(DBAPIError) as error:
        conn.execute(text(RAW.format(class_id, "", "")), {"geom": geom})
    assert error.value.orig.sqlstate[:2] in {"22", "23"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("stalls", "-1"), ("floor_area_m2", "'NaN'"), ("floor_area_m2", "'Infinity'"), ("kind", "'palace'"),
     ("built_on", "'infinity'"), ("state", "'sleeping'")],
)  # fmt: skip
def test_the_database_refuses_values_outside_the_declaration(conn, field, value):
    with pytest.raises(DBAPIError) as error:
        conn.execute(text(RAW.format("toilets", f", {field}", f", {value}")), {"geom": POINT})
    assert error.value.orig.sqlstate == "23514"


def test_the_database_takes_good_rows(conn):
    conn.execute(text(RAW.format("toilets", ", stalls, kind", ", 3, 'public'")), {"geom": POINT})
    assert conn.execute(text("SELECT valid = '[,)' FROM city.toilets")).scalar()


def test_every_class_has_its_indexes(read_conn, catalogue):
    rows = read_conn.execute(
        text("SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'city'")
    ).all()
    for class_id in catalogue.classes:
        defined = " ".join(row.indexdef for row in rows if row.tablename == class_id)
        last = max(rule.zoom for rule in catalogue.classes[class_id].zooms)
        zooms = [zoom for zoom in (9, 12, 14) if zoom < last]  # up to the last one all rows are drawn
        assert defined.count("USING gist (geom)") == 1 + len(zooms)
        assert all(f"WHERE (min_zoom <= {zoom})" in defined for zoom in zooms)
        assert "USING brin (valid)" in defined
        assert "(area_path text_pattern_ops)" in defined
        assert "UNIQUE INDEX uq_" in defined


def test_whether_any_row_holds_on_a_day_is_asked_of_the_blocks(conn):
    conn.execute(text("SET LOCAL enable_seqscan = off"))  # which an empty table is read by
    query = "EXPLAIN SELECT EXISTS (SELECT FROM city.toilets WHERE valid @> DATE '2015-06-01')"
    assert "on ix_toilets_valid" in " ".join(conn.execute(text(query)).scalars())


def test_the_engine_has_rows_of_all_but_restricted_classes(read_conn, catalogue):
    rows = read_conn.execute(
        text("SELECT tablename FROM pg_policies WHERE schemaname = 'city' AND 'chengtu_engine' = ANY (roles)")
    )
    open_to = set(rows.scalars())
    for cls in catalogue.classes.values():
        shown = cls.sensitivity != "restricted"
        assert (cls.id in open_to) == (f"{cls.id}_history" in open_to) == shown
    assert {cls.sensitivity for cls in catalogue.classes.values()} >= {"public", "restricted"}


def test_every_class_is_guarded_as_it_is_declared(read_conn, catalogue):
    """Where this fails after a class was changed: python -m app.inventory.guards, or make revision."""
    driver = Database.raw(read_conn)
    found = read_tables(driver, ["city"])
    for cls in catalogue.classes.values():
        assert found["city", cls.id].guard == guard_of(cls)
        assert found["city", f"{cls.id}_history"].guard == guard_of(cls)


def test_readers_write_nothing(read_conn):
    asked = "SELECT has_table_privilege(:role, 'city.toilets', 'INSERT,UPDATE,DELETE,TRUNCATE')"
    may = {
        role: read_conn.execute(text(asked), {"role": role}).scalar()
        for role in ("chengtu_ro", "chengtu_engine", "chengtu_rw")
    }
    assert may == {"chengtu_ro": False, "chengtu_engine": False, "chengtu_rw": True}
