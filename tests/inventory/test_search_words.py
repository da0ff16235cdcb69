"""The words of names and questions: what is kept, what is asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.catalogue.model import Title
from app.inventory.search_fields import fingerprint, search_fields
from app.inventory.search_pinyin import syllables
from app.inventory.search_words import code_of, entry, fold, key_of, question


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("东湖公园", "dong hu gong yuan"),
        ("重庆路", "chong qing lu"),
        ("长江银行", "chang jiang yin hang"),
        ("乐平绿地", "le ping lv di"),
    ],
)
def test_a_phrase_decides_how_a_character_is_read(text, spelt):
    assert syllables(text) == spelt.split()


def test_names_are_compared_without_width_case_accents_and_punctuation():
    assert fold("ＥＡＳＴ Hämeentie") == "east hameentie"
    assert key_of("东湖（北）公园 2号门") == "东湖北公园2号门"
    assert key_of("  East-Lake   Park ") == "east lake park"
    assert key_of("，。!?'") == ""
    assert code_of("360102-G/0001 ") == "360102g0001"


def test_a_name_is_found_by_characters_pairs_pinyin_and_initials():
    made = entry(["南昌东湖公园", "East Lake Park"], ["八一大道12号"], [":parks"])
    assert {
        "园",
        "东湖",
        "湖公",
        "^南昌#6",
        "^nan#22",
        "^eas#14",
        "donghugong",
        "dhgy",
        "gongyuan",
        "lake",
        "八一",
        "12",
        ":parks",
    } <= set(made.words)
    assert made.keys.split("\n")[1::2] == [
        " 南昌东湖公园 ",
        " nanchangdonghugongyuan ",
        " ncdhgy ",
        " east lake park ",
    ]
    assert "大道" not in made.keys, "an address is no name"


def test_nothing_to_ask_for_is_told_apart_from_a_question():
    assert question("，。 !'\"%;--") is None
    assert question("") is None
    asked = question("东湖 gy", [":parks"])
    assert asked is not None
    assert asked.holds == "'东湖' & 'gy':* & ':parks'"
    assert asked.key == "东湖gy"


def test_a_tag_with_quotes_stays_one_word():
    asked = question("东", ["@a'b\\c"])
    assert asked is not None
    assert asked.holds == "'东':* & '@a''b\\\\c'"


def test_fields_are_chosen_by_what_they_declare(catalogue):
    parks = search_fields(catalogue.get_class("parks"))
    assert parks.names == ("name_zh", "name_en")
    assert "address" in parks.others
    assert "component_code" in search_fields(catalogue.get_class("manholes")).codes
    assert "division_code" in search_fields(catalogue.get_class("districts")).codes
    assert "pipe_code" not in search_fields(catalogue.get_class("pipes")).codes, "tells a kind, not an object"


def test_what_entries_depend_on_changes_their_fingerprint(catalogue):
    cls = catalogue.get_class("parks")
    hidden = tuple(
        replace(item, sensitivity="restricted") if item.name == "address" else item for item in cls.fields
    )
    assert "address" not in search_fields(replace(cls, fields=hidden)).others
    assert fingerprint(replace(cls, fields=hidden)) != fingerprint(cls)
    assert fingerprint(replace(cls, title=Title("甲", "A"))) == fingerprint(cls)
