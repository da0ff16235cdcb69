"""What the parts of a filter mean where two readings are possible, and what is refused with which hint."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
import shapely

from app.errors import BadInput
from app.inventory.changes import raw
from app.inventory.query import FeatureQuery
from app.inventory.times import NOW, Times, versions
from app.ogc import store
from app.ogc.cql2 import texts
from app.ogc.cql2.compiler import compile_filter
from app.ogc.cql2.operand import Operand, Scope
from app.ogc.cql2.parse import parse
from app.ogc.crs import LONLAT, NamedCrs
from app.ogc.queryables import find_queryable, queryables_of
from app.ogc.run_collections import RUN_COLLECTIONS
from app.space.served_crs import served_crs
from app.space.transform import from_lonlat
from app.words.sentences import in_chinese


@pytest.fixture(scope="module")
def reading(town):
    """A reading transaction."""
    with town.database.read() as conn:
        yield conn


@pytest.fixture
def found(town, reading):
    """What finds the codes of the toilets (or lights) that a filter chooses."""

    def ask(text: str | dict, crs: NamedCrs = LONLAT, class_id: str = "toilets") -> str:
        written = text if isinstance(text, str) else json.dumps(text)
        tree = parse(written, "cql2-text" if isinstance(text, str) else "cql2-json")
        condition = compile_filter(tree, queryables_of(town.catalogue, class_id), crs)
        source = versions(class_id, {"code", *condition.columns}, Times(interval=True))
        query = f"SELECT string_agg(code, '' ORDER BY code) FROM {source} v WHERE {condition.sql}"
        values = {**Times(interval=True).values, **condition.values}
        return raw(reading).execute(query.encode(), values).fetchone()[0] or ""

    return ask


@pytest.fixture
def refused(catalogue):
    """What finds the message and hint with which a filter is refused."""
    queryables = queryables_of(catalogue, "toilets")

    def ask(text: str, lang: str = "cql2-text", crs: NamedCrs = LONLAT) -> str:
        with pytest.raises(BadInput) as caught:
            compile_filter(parse(text, lang), queryables, crs)
        return f"{caught.value.message} {caught.value.hint}"

    return ask


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("name_zh = 'it''s'", "d"), (r"name_zh = 'it\'s'", "d"), (r"name_zh LIKE '%\%'", "b"),
        ("NAME_ZH = 'it''s'", "d"), ('"name_zh" = \'100 %\'', "b"), ("name_zh LIKE '_______'", ""),
        ("casei(accenti(name_zh)) = 'chisinau'", "a"), ("name_zh > 'Z'", "d"), ("name_zh < 'Chiz'", "b"),
        ("NOT name_zh = '100 %'", "ad"), ("name_zh IS NULL", "c"), ("NOT name_zh IS NULL", "abd"),
        ("stalls <> 4", "cd"), ("NOT (stalls = 4 OR name_zh = 'x')", "d"), ("stalls = 2147483648", "c"),
        ("stalls IN (0, 4)", "ad"), ("stalls NOT IN (0, 4)", "c"), ("stalls < 0.5", "d"), ("8 / stalls = 2", "a"),
        ("stalls % 3 = 1", "a"), ("stalls div 3 = 1", "a"), ("stalls ^ 2 = 16", "a"), ("-stalls = -4", "a"),
        ("stalls - 1 - 1 = 2", "a"), ("2 + 2 * 3 = 8 AND stalls = 4", "a"), ("stalls + 0 = 2^31", "c"),
        ("true", "abcd"), ("false OR stalls = 0", "d"), ("stalls = 1e300", ""),
        ("stalls < 99999999999999999999", "acd"),
        ("code = name_zh", ""), ("geometry IS NOT NULL", "abcd"), ("valid_from IS NULL", "abcd"),
        ("area_path = ''", "cd"), ("A_EQUALS(areas_touched, ())", "cd"), ("incomplete = false", "abcd"),
    ],
)  # fmt: skip
def test_what_a_filter_chooses(found, text, codes):
    assert found(text) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("built_on = DATE('2020-01-01')", "a"), ("built_on = '2020-01-01'", "a"),
        ("built_on < TIMESTAMP('2020-01-02T00:00:00Z')", "a"), ("built_on <= TIMESTAMP('2020-01-02T09:00:00Z')", "ad"),
        ("built_on = TIMESTAMP('2020-01-02T23:59:59Z')", "d"),
        ("built_on > TIMESTAMP('2020-01-01T23:00:00-05:00')", "b"),
        ("T_DURING(built_on, INTERVAL('2020-01-01', '2021-12-31'))", "bd"),
        ("T_INTERSECTS(built_on, INTERVAL('..', '2020-01-01T00:00:00Z'))", "a"),
        ("T_AFTER(built_on, INTERVAL('..', '2020-01-01'))", "bd"), ("T_EQUALS(built_on, '2021-06-30')", "b"),
    ],
)  # fmt: skip
def test_days_and_moments(found, text, codes):
    assert found(text) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("T_INTERSECTS(INTERVAL(valid_from, valid_to), DATE('2020-12-31'))", "a"),
        ("T_INTERSECTS(INTERVAL(valid_from, valid_to), DATE('2021-01-01'))", ""),
        ("T_EQUALS(INTERVAL(valid_from, valid_to), INTERVAL('2022-01-01', '..'))", "b"),
        ("T_AFTER(INTERVAL(valid_from, valid_to), DATE('2021-01-01'))", "b"),
        ("valid_to = DATE('2021-01-01')", "a"),
        ("valid_to IS NULL", "b"),
    ],
)
def test_a_feature_is_so_until_the_day_before_valid_to(found, text, codes):
    assert found(text, class_id="street_lights") == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("S_INTERSECTS(geom, BBOX(115, 27, 117, 29))", "ab"), ("S_INTERSECTS(geom, BBOX(115,27,-5,117,29,5))", "ab"),
        ("S_INTERSECTS(geom, BBOX(179, 0, -179, 20))", "cd"), ("S_WITHIN(geom, BBOX(179, 0, -179, 20))", "cd"),
        ("S_INTERSECTS(geom, BBOX(116, 28, 116, 28))", "a"), ("S_INTERSECTS(geom, BBOX(116, 20, 116, 40))", "a"),
        ("S_INTERSECTS(geom, BBOX(-200, -100, 200, 100))", "abcd"), ("S_EQUALS(POINT(116 28), geom)", "a"),
        ("S_INTERSECTS(geom, POLYGON((115 27, 117 29, 117 27, 115 29, 115 27)))", "ab"),
        ("S_INTERSECTS(geom, POINT Z (116 28 7))", "a"), ("s_intersects(geometry, MULTIPOINT((116 28), (0 0)))", "a"),
        ("S_WITHIN(geom, GEOMETRYCOLLECTION(POINT(116 28), POINT(1 1)))", "a"),
        ("S_WITHIN(geom, GEOMETRYCOLLECTION(POINT(116 28), POLYGON((115 27, 118 27, 118 29, 115 29, 115 27))))", "ab"),
        ("S_INTERSECTS(geom, GEOMETRYCOLLECTION(POINT(116 28), LINESTRING(116 28, 116.5 28.5)))", "ab"),
        ("S_DISJOINT(geom, GEOMETRYCOLLECTION(POINT(116 28), LINESTRING(1 1, 2 2)))", "bcd"),
        ("NOT S_INTERSECTS(geom, BBOX(115, 27, 117, 29))", "cd"), ("S_INTERSECTS(geom, geom)", "abcd"),
    ],
)  # fmt: skip
def test_places(found, text, codes):
    assert found(text) == codes


@pytest.mark.parametrize("srid", [4326, 4490, 4549, 4527, 3857, 32650])
def test_coordinates_are_in_the_order_of_the_filters_crs(found, srid):
    crs = NamedCrs(f"EPSG:{srid}", srid, served_crs(srid).north_first)
    corners = np.array([shapely.Point(115.9, 27.9), shapely.Point(116.1, 28.1)], dtype=object)
    ends = shapely.get_coordinates(from_lonlat(corners, f"EPSG:{srid}")).tolist()
    (west, south), (east, north) = [end[::-1] if crs.north_first else end for end in ends]
    assert found(f"S_INTERSECTS(geom, BBOX({west},{south},{east},{north}))", crs) == "a"
    middle = f"{(west + east) / 2} {(south + north) / 2}"
    near = f"LINESTRING({west} {south}, {middle}, {east} {north})"
    assert found(f"S_INTERSECTS(geom, {near}) OR S_DISJOINT(geom, {near})", crs) == "abcd"
    assert crs.north_first is (srid in {4326, 4490, 4549, 4527})


def test_a_box_of_the_map_crosses_180_degrees_too(found):
    crs = NamedCrs("EPSG:3857", 3857, north_first=False)
    edge = 19_926_188.85  # 179° east
    assert found(f"S_INTERSECTS(geom, BBOX({edge}, 0, -{edge}, 2000000))", crs) == "cd"
    assert found("S_INTERSECTS(geom, BBOX(-25000000, -25000000, 25000000, 25000000))", crs) == "abcd"


@pytest.mark.parametrize(
    ("plain", "codes"),
    [
        ({"op": "=", "args": [{"property": "stalls"}, 2147483648]}, "c"),
        ({"op": "in", "args": [{"property": "code"}, ["a", "x"]]}, "a"),
        ({"op": "isNull", "args": [{"property": "stalls"}]}, "b"),
        ({"op": "t_after", "args": [{"property": "built_on"}, {"interval": ["..", "2020-12-31"]}]}, "b"),
        ({"op": "s_within", "args": [{"property": "geom"}, {"bbox": [115, 27, 116.2, 29]}]}, "a"),
        (
            {
                "op": "s_intersects",
                "args": [
                    {"property": "geom"},
                    {
                        "type": "GeometryCollection",
                        "geometries": [{"type": "Point", "coordinates": [116, 28]}],
                    },
                ],
            },
            "a",
        ),
        (True, "abcd"),
    ],
)
def test_json_says_the_same(found, plain, codes):
    assert found(plain if isinstance(plain, dict) else {"op": "and", "args": [plain, plain]}) == codes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stals = 4", "Did you mean stalls"), ("s_intersect(geom, POINT(1 1))", "s_intersects"),
        ("stalls = 'four'", "'stalls' is a number"), ("name_zh = 4", "single quotes"), ("stalls = NULL", "IS NULL"),
        ("stalls", "true or false"), ("4 = 4 = 4", "cannot be compared"), ("name_zh LIKE code", "pattern"),
        (r"name_zh LIKE 'x\'", "backslash"), ("name_zh = 'x", "character 11"), ("stalls = ", "ends too early"),
        ("stalls = 4 AND", "ends too early"), ("stalls = 4; DROP TABLE x", "character 11"), ("", "ends too early"),
        ("built_on = DATE('2021-02-30')", "no date"), ("built_on = TIMESTAMP('2021-01-01')", "no timestamp"),
        ("T_AFTER(stalls, DATE('2021-01-01'))", "takes times"), ("name_zh + 1 = 2", "takes numbers"),
        ("T_AFTER(built_on, INTERVAL('2022-01-01', '2021-01-01'))", "before it begins"),
        ("S_WITHIN(geom, GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(2 2, 3 3)))", "one by one"),
        ("S_WITHIN(geom, name_zh)", "takes a geometry"), ("A_CONTAINS(areas_touched, (1, 2))", "holds texts"),
        ("S_INTERSECTS(geom, BBOX(1,2,3))", "4 or 6"), ("S_INTERSECTS(geom, BBOX(1,9,3,4))", "south above"),
        ("S_INTERSECTS(geom, POINT(28.68 115.86))", "swapped"), ("S_WITHIN(geom, BBOX(28,115,29,116))", "swapped"),
        ("S_INTERSECTS(geom, POINT(1e999 1))", "finite"), ("stalls = 1e999", "too large"),
        ("kind IN ()", "at least one"),
        ("casei(stalls) = 'x'", "takes a text"), ("area_path = areas_touched", "an array"),
        ("NOT name_zh", "true or false"),
        ("intersects(geom, POINT(1 1))", "Did you mean s_intersects, t_intersects"),
        ("名称 = 'x'", "Did you mean name_zh?"),
        ("公厕类型 = 'x'", "Did you mean kind?"), ('kind = "public"', "Texts stand in single quotes: 'public'."),
        ("kind = ‘public’", "straight single quotes"),
        ("name_zh BETWEEN 'a' AND 5", "cannot be compared"), ("casei() = 'x'", "takes 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_a_hint(refused, text, words):
    assert words in refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "stals = 4", "名称 = 'x'", "intersects(geom, geom)", "nonsense(geom)", 'kind = "public"', "kind = ‘public’",
        "stalls = 'four'", "stalls", "name_zh LIKE 4", "stalls = NULL", "stalls = ", "stalls = 4; x", "zzzzz = 4",
        "S_WITHIN(geom, name_zh)",
    ],
)  # fmt: skip
def test_what_is_mostly_mistaken_is_told_in_chinese(refused, text):
    assert in_chinese(refused(text)) is not None


def test_unknown_languages_and_broken_json_are_refused(refused):
    assert "cql2-text" in refused("true", "cql-text")
    assert "no JSON" in refused("{", "cql2-json")
    assert "no JSON" in refused('{"op": "=", "args": [NaN, 1]}', "cql2-json")
    assert "neither" in refused("{}", "cql2-json")
    assert "must be a list" in refused('{"op": "="}', "cql2-json")


def test_a_projection_that_cannot_hold_a_geometry_is_refused(refused):
    crs = NamedCrs("EPSG:4549", 4549, north_first=True)
    assert "outside its reference system" in refused("S_INTERSECTS(geom, POINT(1e300 1e300))", crs=crs)


def test_names_that_differ_by_case_alone_are_told_apart(catalogue):
    one = queryables_of(catalogue, "toilets")["name_zh"]
    both = {"NAME": one, "name": one}
    assert find_queryable(both, "NAME") is one
    with pytest.raises(BadInput):
        find_queryable(both, "Name")


def test_the_index_of_places_answers_a_spatial_filter(conn, catalogue):
    condition = compile_filter(
        parse("S_INTERSECTS(BBOX(115,27,117,29), geom)"), queryables_of(catalogue, "parks")
    )
    raw(conn).execute("SET LOCAL enable_seqscan = off")
    query = f"EXPLAIN SELECT id FROM city.parks WHERE {condition.sql}"
    plan = "\n".join(row[0] for row in raw(conn).execute(query.encode(), condition.values))
    assert "ix_parks_geom" in plan


@pytest.mark.parametrize("collection", list(RUN_COLLECTIONS))
def test_collections_of_runs_have_queryables_too(conn, catalogue, collection):
    queryables = queryables_of(catalogue, collection)
    every = FeatureQuery(collection, times=NOW)
    for name, item in queryables.items():
        condition = compile_filter(parse(f"{name} IS NULL"), queryables)
        assert store.run_page(conn, collection, replace(every, condition=condition)).returned == 0
        assert item.title.zh


def test_case_and_accents_of_all_letters_are_as_unicode_has_them(reading):
    letters = [chr(code) for code in range(0x20, 0x1F000) if unicodedata.category(chr(code))[0] == "L"]
    folded = [letter.casefold() for letter in letters]
    made = {"small": texts.casei, "bare": texts.accenti}
    shown = ", ".join(fold(Scope({}, LONLAT), [Operand("text", "c")]).sql for fold in made.values())
    query = f"SELECT c, {shown} FROM unnest(%(letters)s::text[]) c"
    rows = raw(reading).execute(query.encode(), {"letters": list({*letters, *folded})}).fetchall()
    small = {row[0]: row[1] for row in rows}
    assert [letter for letter, one in zip(letters, folded, strict=True) if small[letter] != small[one]] == []
    # No two letters become one that Unicode keeps apart.
    assert len({small[letter] for letter in letters}) == len(set(folded))
    for letter, _, bare in rows:
        base, *marks = unicodedata.normalize("NFD", letter)[:9]
        if marks and base.isascii() and all(map(unicodedata.combining, marks)):
            assert bare == base
