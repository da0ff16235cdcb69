"""The search over a drawn town: what is found, in which order, and that it follows every write."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.catalogue.public_part import part_of
from app.database.engine import open_database
from app.errors import BadInput, NotFound
from app.inventory.area_store import read_areas, relocate
from app.inventory.batch import Change
from app.inventory.changes import raw
from app.inventory.local_growth import LocalGrowth
from app.inventory.search_index_store import stale_classes
from app.inventory.service import delete_features, write_batches
from app.search.service import Search, ensure_entries, rebuild, search
from tests.inventory.town import CHANGE, batch, districts, place, square


def write(conn, catalogue, *batches):
    return write_batches(conn, catalogue, list(batches), CHANGE)


@pytest.fixture
def town(conn, catalogue):
    """Districts, parks of two sizes, toilets, and a manhole with an official code."""
    parks = batch(
        "parks",
        {"P1": square(-1.9, 0.1, 1.5), "P2": square(0.2, 0.2, 0.1), "P3": square(0.6, -0.9, 0.2)},
        {
            "name_zh": ["南昌东湖公园", "东湖公园", "银河公园"],
            "name_en": ["Nanchang East Lake Park", None, "Galaxy Park"],
            "address": [None, "八一大道12号", None],
        },
    )
    toilets = batch(
        "toilets",
        {"WC-001": place(-1, 1), "WC-002": place(1, 1), "WC-003": place(1, -1)},
        {"name_zh": ["东湖公园公厕", "重庆路公厕", None]},
    )
    manholes = batch("manholes", {"M1": place(1, 1)}, {"component_code": ["36010201010000017"]})
    write(conn, catalogue, districts(), parks, toilets, manholes)
    return conn


def codes(conn, catalogue, text, **asked):
    return [row["code"] for row in search(conn, catalogue, Search(text, **asked))["results"]]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("东湖", "P2"),
        ("银河", "P3"),
        ("河公", "P3"),
        ("银", "P3"),
        ("donghugongyuan", "P2"),
        ("dong hu gong yuan", "P2"),
        ("yinhe", "P3"),
        ("yinhegong", "P3"),
        ("dhgy", "P2"),
        ("ncdh", "P1"),
        ("galaxy", "P3"),
        ("GALA", "P3"),
        ("east lake", "P1"),
        ("chongqing", "WC-002"),
        ("cqlgc", "WC-002"),
        ("重庆 公厕", "WC-002"),
        ("八一大道", "P2"),
        ("大道12号", "P2"),
        ("WC-003", "WC-003"),
        ("wc-003", "WC-003"),
        ("36010201010000017", "M1"),
        ("360102-0101-0000017", "M1"),
        ("36010201", "M1"),
        ("Ｅａｓｔ　Ｌａｋｅ", "P1"),
    ],
)
def test_found_first(town, catalogue, text, first):
    assert codes(town, catalogue, text)[0] == first


def test_the_exact_name_comes_before_names_that_hold_it_and_the_larger_before_the_smaller(town, catalogue):
    assert codes(town, catalogue, "东湖公园") == ["P2", "WC-001", "P1"]
    assert codes(town, catalogue, "公园")[0] == "P1"


def test_a_key_that_begins_with_the_text_is_found(town, catalogue):
    assert codes(town, catalogue, "WC-00") == ["WC-001", "WC-002", "WC-003"]


def test_pairs_must_all_be_there(town, catalogue):
    assert codes(town, catalogue, "银湖") == []
    assert codes(town, catalogue, "东湖医院") == []


def test_a_result_says_what_it_is_and_where(town, catalogue):
    result = search(town, catalogue, Search("八一大道"))["results"][0]
    item = result["id"]
    assert result["class_title"] == {"zh": "公园", "en": catalogue.get_class("parks").title.en}
    assert (result["class"], result["code"], result["name_zh"]) == ("parks", "P2", "东湖公园")
    assert result["address"] == "八一大道12号"
    assert result["area_path"] == "C/E/E1"
    assert [area["name_zh"] for area in result["areas"]] == ["C区", "E区", "E1区"]
    lon, lat = result["point"]
    assert 115.862 <= lon <= 115.863
    assert 28.682 <= lat <= 28.683
    assert [link["href"].split("#")[0] for link in result["links"]] == [
        f"/collections/parks/items/{item}",
        "/map/parks",
    ]


def test_a_class_an_area_a_box_and_a_limit_narrow_the_search(town, catalogue):
    assert codes(town, catalogue, "东湖", class_id="toilets") == ["WC-001"]
    assert codes(town, catalogue, "东湖", area="E") == ["P2"]
    assert codes(town, catalogue, "公厕", area="W1区") == ["WC-001"]
    assert codes(town, catalogue, "东湖", area="E1", class_id="toilets") == []
    assert codes(town, catalogue, "WC-00", area="E2") == ["WC-003"]
    assert codes(town, catalogue, "36010201", area="E1") == ["M1"]
    assert codes(town, catalogue, "36010201", area="W") == []
    east = (115.86, 28.66, 115.88, 28.70)
    assert codes(town, catalogue, "东湖", bbox=east) == ["P2"]
    assert codes(town, catalogue, "WC-00", bbox=east) == ["WC-002", "WC-003"]
    assert len(codes(town, catalogue, "公", limit=2)) == 2


def test_a_changed_name_is_found_under_the_new_one_only(town, catalogue):
    write(
        town,
        catalogue,
        batch("parks", {"P3": square(0.6, -0.9, 0.2)}, {"name_zh": ["星河公园"], "name_en": [None]}),
    )
    assert codes(town, catalogue, "星河") == ["P3"]
    assert codes(town, catalogue, "银河") == []
    assert codes(town, catalogue, "galaxy") == []


def test_a_feature_whose_name_is_taken_away_is_found_no_more(town, catalogue):
    write(
        town,
        catalogue,
        batch("parks", {"P3": square(0.6, -0.9, 0.2)}, {"name_zh": [None], "name_en": [None]}),
    )
    assert codes(town, catalogue, "银河") == []
    assert codes(town, catalogue, "P3") == ["P3"]


def test_a_deleted_feature_is_gone(town, catalogue):
    delete_features(town, catalogue, "parks", ["P3"], Change("tester", "gone"))
    delete_features(town, catalogue, "manholes", ["M1"], Change("tester", "gone"))
    assert codes(town, catalogue, "银河") == []
    assert codes(town, catalogue, "36010201") == []
    rows = town.exec_driver_sql("SELECT class FROM city.search_codes WHERE class = 'manholes'").all()
    assert rows == []


def test_features_follow_areas_that_change(town, catalogue):
    moved = districts(E=square(0, -2, 1), W=square(-2, -2, 4), C=square(-2, -2, 4))
    write(town, catalogue, moved)
    relocate(town, catalogue.get_class("parks"), read_areas(town))
    assert codes(town, catalogue, "东湖", area="W", class_id="parks") == ["P2", "P1"]
    assert codes(town, catalogue, "东湖", area="E", class_id="parks") == []


def test_unnamed_features_have_no_entry(town, catalogue):
    rows = town.exec_driver_sql(
        "SELECT count(*) FROM city.search_entries WHERE class IN ('toilets', 'manholes')"
    )
    assert rows.scalar_one() == 2


def test_restricted_classes_are_for_those_who_may_see_them(town, catalogue):
    cls = replace(catalogue.get_class("parks"), sensitivity="restricted")
    closed = Catalogue({**catalogue.classes, "parks": cls}, catalogue.policies)
    write(town, closed, batch("parks", {"P4": square(-0.5, -0.5, 0.1)}, {"name_zh": ["机密公园"]}))
    assert [row["code"] for row in search(town, closed, Search("机密"))["results"]] == ["P4"]
    for part in (part_of(closed, "internal"), part_of(closed, "public")):
        assert search(town, part, Search("机密"))["results"] == []
        assert search(town, part, Search("P4"))["results"] == []
        with pytest.raises(NotFound):
            search(town, part, Search("机密", class_id="parks"))


@pytest.mark.parametrize("text", ["", " ", "a\x00b", "东" * 201])
def test_a_text_that_cannot_be_used_is_refused(town, catalogue, text):
    with pytest.raises(BadInput):
        search(town, catalogue, Search(text))


@pytest.mark.parametrize(
    "text",
    [
        "'",
        "\\",
        "%",
        "_",
        "%%s",
        "' OR 1=1 --",
        "&|!():*<->",
        "东'湖\\",
        "$$",
        "\ud800"[:0] + "🌳",
        "，。",
        "::jsonb",
        "a" * 200,
        "1 " * 99,
    ],
)
def test_any_other_text_finds_what_it_finds(town, catalogue, text):
    assert search(town, catalogue, Search(text))["numberReturned"] <= 10


def test_unknown_names_and_limits_are_refused(town, catalogue):
    with pytest.raises(NotFound):
        search(town, catalogue, Search("东湖", class_id="park"))
    with pytest.raises(NotFound):
        search(town, catalogue, Search("东湖", area="nowhere"))
    for limit in (0, 101):
        with pytest.raises(BadInput):
            search(town, catalogue, Search("东湖", limit=limit))


def test_the_best_are_found_where_more_match_than_are_looked_at(conn, catalogue):
    """5,000 names hold the word; the one that is it, and the one large park, still come first."""
    count = 5_000
    shapes = {f"T{n}": place(n / 5_000, 0.5) for n in range(count)}
    names = [f"第{n}公园公厕" for n in range(count)]
    names[3_777] = "公园"
    park = batch("parks", {"P": square(-1, -1, 1)}, {"name_zh": ["大公园"]})
    write(conn, catalogue, batch("toilets", shapes, {"name_zh": names}), park)
    assert codes(conn, catalogue, "公园")[:2] == ["T3777", "P"]
    assert codes(conn, catalogue, "gongyuan")[:2] == ["T3777", "P"]
    assert codes(conn, catalogue, "第4321公园公厕") == ["T4321"]


def test_entries_that_lack_are_made_and_only_those(database, catalogue):
    with database.write() as conn:
        write(conn, catalogue, batch("toilets", {"T": place(0.5, 0.5)}, {"name_zh": ["银河公厕"]}))
        conn.exec_driver_sql("DELETE FROM city.search_entries")
        conn.exec_driver_sql("UPDATE city.settings SET value = 'older' WHERE key = 'search.toilets'")
    with database.read() as conn:
        assert codes(conn, catalogue, "银河") == []
    assert "toilets" in ensure_entries(database, catalogue)
    assert ensure_entries(database, catalogue) == []
    with database.read() as conn:
        assert stale_classes(conn, catalogue) == []
        assert codes(conn, catalogue, "银河") == ["T"]
    assert rebuild(database, catalogue)["toilets"] == 1


def test_a_write_over_entries_of_an_older_rule_makes_all_of_them(conn, catalogue):
    write(conn, catalogue, batch("toilets", {"T1": place(0.5, 0.5)}, {"name_zh": ["银河公厕"]}))
    conn.exec_driver_sql("DELETE FROM city.search_entries")
    conn.exec_driver_sql("DELETE FROM city.settings WHERE key = 'search.toilets'")
    write(conn, catalogue, batch("toilets", {"T2": place(0.6, 0.5)}, {"name_zh": ["银山公厕"]}))
    assert sorted(codes(conn, catalogue, "银")) == ["T1", "T2"]


HOTELS = """\
id: bee_hotels
title: {zh: 昆虫旅馆, en: Insect hotels}
description: {zh: 供昆虫栖息的旅馆。, en: Insect hotels.}
office: 园林处
geometry: point
symbol: {glyph: 虫, color: "#8c564b"}
zooms: [{zoom: 10}]
fields:
  plate_no: {type: text, title: {zh: 铭牌编号, en: Plate}}
"""


def test_a_class_of_the_citys_own_is_searched(tmp_path, settings):
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes" / "bee_hotels.yaml").write_text(HOTELS, encoding="utf-8")
    own = settings.model_copy(update={"local": tmp_path})
    db = open_database(own, LocalGrowth(own))
    catalogue = load_catalogue(own.geodata, own.local_path)
    hotels = batch(
        "bee_hotels", {"H1": place(0.5, 0.5)}, {"name_zh": ["蜜蜂之家"], "plate_no": ["BH-2026/7"]}
    )
    with db.write() as conn:
        write(conn, catalogue, hotels)
    with db.read() as conn:
        assert codes(conn, catalogue, "蜜蜂") == ["H1"]
        assert codes(conn, catalogue, "mfzj") == ["H1"]
        assert codes(conn, catalogue, "bh20267") == ["H1"]
        assert codes(conn, catalogue, "H1", class_id="bee_hotels") == ["H1"]
    db.dispose()


def test_the_engine_reads_no_names(read_conn):
    query = "SELECT has_table_privilege(%s, %s, 'SELECT')"
    for table in ("city.search_entries", "city.search_codes"):
        assert raw(read_conn).execute(query, ["chengtu_ro", table]).fetchone() == (True,)
        assert raw(read_conn).execute(query, ["chengtu_engine", table]).fetchone() == (False,)
