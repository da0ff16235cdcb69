"""A database grows to what the catalogue declares, and nothing stored is ever taken away."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue, Choice, Field, Title
from app.database.server import admin_parameters
from app.inventory.growth import Growth, Live, compare, narrowed
from app.inventory.schema_store import read_tables
from app.settings import ROOT

TITLE = Title("甲", "a")
ROW = (
    "INSERT INTO city.toilets (code, geom, change_id) VALUES "
    "('x', ST_SetSRID(ST_MakePoint(115.8, 28.6), 4326), 1)"
)


@pytest.fixture
def admin(shared_database):
    """The owner on the shared database; rolled back."""
    with psycopg.connect(**admin_parameters(shared_database.settings)) as connection:
        connection.execute("SET ROLE chengtu_owner")
        yield connection
        connection.rollback()


@pytest.fixture(scope="module")
def whole() -> Catalogue:
    return load_catalogue(ROOT / "geodata")


@pytest.fixture
def catalogue(whole) -> Catalogue:
    """Two classes are enough for most."""
    return Catalogue({name: whole.classes[name] for name in ("parks", "toilets")}, {})


def read(admin) -> Live:
    """The tables of these classes, and of the one that a test adds."""
    found = read_tables(admin, ["city"])
    ours = ("parks", "toilets", "stiles")
    return {key: table for key, table in found.items() if key[1].removesuffix("_history") in ours}


def changed(catalogue: Catalogue, field: str, **values: object) -> Catalogue:
    """The catalogue with another declaration of one field of toilets (a new one where there is none)."""
    toilets = catalogue.classes["toilets"]
    if field in {item.name for item in toilets.fields}:
        fields = tuple(replace(item, **values) if item.name == field else item for item in toilets.fields)
    else:
        fields = (*toilets.fields, Field(field, title=TITLE, **values))
    return swapped(catalogue, replace(toilets, fields=fields))


def swapped(catalogue: Catalogue, *classes) -> Catalogue:
    return Catalogue({**catalogue.classes, **{cls.id: cls for cls in classes}}, {})


def grow(admin, catalogue: Catalogue) -> Growth:
    """What was missing, run; nothing is missing afterwards."""
    growth = compare(read(admin), catalogue)
    assert growth.narrowings == ()
    for statement in growth.statements:
        admin.execute(statement)
    assert compare(read(admin), catalogue) == replace(growth, statements=())
    return growth


def refused(admin, catalogue: Catalogue) -> list[tuple[str, str | None, str]]:
    growth = compare(read(admin), catalogue)
    return [(item.class_id, item.field, item.key) for item in growth.narrowings]


def test_a_migrated_database_lacks_nothing(admin, whole):
    assert compare(read_tables(admin, ["city"]), whole) == Growth((), (), ())


def test_the_same_difference_is_the_same_text(admin, catalogue):
    live = read(admin)
    wider = changed(changed(catalogue, "later", type="text"), "earlier", type="integer", minimum=1)
    assert compare(live, wider) == compare(live, wider)
    assert compare({}, wider).statements == compare({}, wider).statements


def test_a_new_field_stands_in_both_tables_with_its_rule(admin, catalogue):
    choices = (Choice("old", Title("旧", "old")), Choice("o'new", Title("新", "new")))
    grow(admin, changed(catalogue, "age", type="choice", choices=choices))
    for table in ("toilets", "toilets_history"):
        told = "SELECT col_description(%s::regclass, attnum) FROM pg_attribute WHERE attrelid = %s::regclass "
        found = admin.execute(told + "AND attname = 'age'", [f"city.{table}"] * 2).fetchone()
        assert found == ("甲 / a",)
    admin.execute(ROW)
    admin.execute("UPDATE city.toilets SET age = %s", ["o'new"])
    with pytest.raises(psycopg.errors.CheckViolation):
        admin.execute("UPDATE city.toilets SET age = 'older'")


@pytest.mark.wide
def test_a_required_field_fills_the_rows_that_are_there(admin, catalogue):
    admin.execute(ROW)
    grow(admin, changed(catalogue, "doors", type="integer", required=True, default=2))
    assert admin.execute("SELECT doors FROM city.toilets").fetchall() == [(2,)]
    with pytest.raises(psycopg.errors.NotNullViolation):
        admin.execute(ROW.replace("'x'", "'y'"))


def test_a_new_class_is_whole(admin, catalogue):
    stiles = replace(catalogue.classes["toilets"], id="stiles", sensitivity="restricted", aliases=())
    grow(admin, swapped(catalogue, stiles))
    may = "SELECT has_table_privilege(%s, 'city.stiles', %s)"
    asked = [("chengtu_rw", "INSERT"), ("chengtu_ro", "SELECT"), ("chengtu_ro", "INSERT")]
    assert [admin.execute(may, pair).fetchone() for pair in asked] == [(True,), (True,), (False,)]
    assert seeing(admin, "stiles") == {"chengtu_owner", "chengtu_ro", "chengtu_rw"} | at("restricted")


def seeing(admin, table: str) -> set[str]:
    """The roles that a policy lets see rows of a table."""
    query = "SELECT DISTINCT unnest(roles)::text FROM pg_policies WHERE tablename = %s"
    return {role for (role,) in admin.execute(query, [table]).fetchall()}


def at(level: str) -> set[str]:
    """The roles that see or write areas at a level."""
    return {f"chengtu_see_{level}", f"chengtu_edit_{level}"}


@pytest.mark.wide
def test_another_sensitivity_is_another_guard(admin, catalogue):
    toilets = catalogue.classes["toilets"]
    kinds = {"kind": frozenset({"mobile"})}
    fields = tuple(
        replace(item, sensitivity="restricted") if item.name == "stalls" else item for item in toilets.fields
    )
    growth = grow(
        admin,
        swapped(catalogue, replace(toilets, sensitivity="internal", fields=fields, restricted_rows=kinds)),
    )
    assert [one.split("(")[0] for one in growth.statements] == ["SELECT city.guard"]
    for table in ("toilets", "toilets_history"):
        everywhere = {"chengtu_see_all_internal", "chengtu_engine"}
        whole = {"chengtu_owner", "chengtu_ro", "chengtu_rw"}
        assert seeing(admin, table) == whole | everywhere | at("internal") | at("restricted")
        may = f"SELECT has_column_privilege('chengtu_see_internal', 'city.{table}', 'stalls', 'SELECT')"
        assert admin.execute(may).fetchone() == (False,)
    grow(admin, catalogue)
    assert "chengtu_see_public" in seeing(admin, "toilets")


@pytest.mark.wide
def test_a_new_field_of_a_class_that_hides_some_is_granted(admin, catalogue):
    grow(admin, changed(catalogue, "later", type="text"))
    may = "SELECT has_column_privilege('chengtu_see_public', 'city.toilets', %s, 'SELECT')"
    assert [admin.execute(may, [name]).fetchone() for name in ("later", "extra")] == [(True,), (False,)]


def test_a_wider_rule_a_new_title_and_another_sensitivity_are_taken(admin, catalogue):
    stalls = catalogue.classes["toilets"].get_field("stalls")
    wider = changed(catalogue, "stalls", maximum=None, minimum=-5, title=TITLE)
    secret = replace(wider.classes["toilets"], title=TITLE, sensitivity="restricted")
    grow(admin, swapped(wider, secret))
    admin.execute(ROW)
    admin.execute("UPDATE city.toilets SET stalls = -5")
    assert stalls.minimum == 0
    assert admin.execute("SELECT obj_description('city.toilets'::regclass)").fetchone() == ("甲 / a",)


@pytest.mark.parametrize(
    ("field", "values", "key"),
    [
        ("stalls", {"minimum": 1}, "minimum"),
        ("stalls", {"type": "number"}, "type"),
        ("stalls", {"required": True}, "required"),
        ("note", {"required": True}, "required"),
        ("later", {"type": "text", "required": True}, "required"),
    ],
)
def test_what_stored_rows_might_not_fit_is_named(admin, catalogue, field, values, key):
    assert ("toilets", field, key) in refused(admin, changed(catalogue, field, **values))


def test_a_lost_choice_and_another_kind_of_geometry_are_named(admin, catalogue):
    kind = catalogue.classes["toilets"].get_field("kind")
    fewer = changed(catalogue, "kind", choices=kind.choices[1:])
    growth = compare(read(admin), fewer)
    assert [(item.field, item.key) for item in growth.narrowings] == [("kind", "choices")]
    assert kind.choices[0].value in growth.narrowings[0].reason
    flat = replace(catalogue.classes["toilets"], geometry="polygon")
    assert ("toilets", None, "geometry") in refused(admin, swapped(catalogue, flat))


def test_what_is_no_longer_declared_stays_and_is_told(admin, catalogue):
    toilets = catalogue.classes["toilets"]
    fewer = Catalogue({**catalogue.classes, "toilets": replace(toilets, fields=toilets.fields[:-1])}, {})
    growth = compare(read(admin), fewer)
    lost = toilets.fields[-1].name
    assert growth.left == (("city", "toilets", lost), ("city", "toilets_history", lost))
    assert growth.statements == ()
    without = {name: cls for name, cls in catalogue.classes.items() if name != "toilets"}
    growth = compare(read(admin), Catalogue(without, {}))
    assert growth == Growth((), (), (("city", "toilets", None), ("city", "toilets_history", None)))


def test_a_field_that_is_no_longer_served_may_be_unknown(admin, catalogue):
    with_doors = changed(catalogue, "doors", type="integer", required=True, default=2)
    grow(admin, with_doors)
    growth = compare(read(admin), catalogue)
    assert [text.split("ALTER COLUMN ")[1] for text in growth.statements] == ['"doors" DROP NOT NULL'] * 2


@pytest.mark.parametrize(
    ("stored", "wanted", "reason"),
    [
        ("CHECK ((k = ANY (ARRAY['a'::text, 'b'::text])))", "\"k\" IN ('b', 'a', 'c')", None),
        ("CHECK ((k = ANY (ARRAY['a'::text, 'b'::text])))", "\"k\" IN ('a')", "no longer has b"),
        ("CHECK ((k = 'it''s'::text))", "\"k\" IN ('it''s', 'b')", None),
        (
            "CHECK (((w >= (0)::double precision) AND (w < 'Infinity'::double precision)))",
            '"w" >= -1.5',
            None,
        ),
        (
            "CHECK (((w >= (0)::double precision) AND (w <= (9)::double precision)))",
            '"w" <= 8.5',
            "up to 8.5",
        ),
        ("CHECK (((w >= '-10'::integer) AND (w <= 10)))", '"w" >= -9', "only from -9"),
        ("CHECK ((k ~ '^[0-9]+$'::text))", "\"k\" ~ '^[0-9]{6}$'", "stored rule"),
        ("", '"w" >= 0', "without such a rule"),
    ],
)
def test_a_narrower_rule_is_told_from_a_wider_one(stored, wanted, reason):
    found = narrowed(stored, wanted)
    assert found is None if reason is None else reason in str(found)
