"""One term, one word: titles agree with each other and with docs/glossary.md; generated pages are fresh."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from app.catalogue.docs import render_pages
from app.catalogue.model import Catalogue, Title
from app.settings import ROOT

DOCS = ROOT / "docs"


def _titles(declared: Catalogue) -> Iterator[tuple[str, Title]]:
    for item in declared.classes.values():
        yield item.id, item.title
        for field in item.fields:
            yield f"{item.id}.{field.name}", field.title
            yield from ((f"{item.id}.{field.name}={choice.value}", choice.title) for choice in field.choices)
    for policy in declared.policies.values():
        yield policy.id, policy.title
        yield from ((f"{policy.id}.{tier.id}", tier.title) for tier in policy.tiers)


def _glossary() -> list[tuple[str, ...]]:
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    rows = [
        tuple(cell.strip() for cell in line.strip("| ").split(" | "))
        for line in text.splitlines()
        if "|" in line
    ]
    return [row for row in rows if row[0] != "中文" and not row[0].startswith("---")]


def test_every_title_is_in_the_glossary_with_the_same_english(declared: Catalogue):
    glossary = {row[0]: row[1] for row in _glossary()}
    missing = {
        f"{where}: {title.zh} / {title.en}"
        for where, title in _titles(declared)
        if glossary.get(title.zh) != title.en
    }
    assert missing == set()


def test_the_glossary_has_each_term_once():
    rows = _glossary()
    assert len(rows) > 500
    assert sorted({row[0] for row in rows}) == sorted(row[0] for row in rows)
    assert sorted({row[1] for row in rows}) == sorted(row[1] for row in rows)


def test_a_term_of_the_catalogue_has_a_meaning_in_the_glossary():
    assert [row for row in _glossary() if len(row) != 4 or not row[3].rstrip(".")] == []


def test_one_chinese_word_has_one_english_word_and_the_other_way_round(declared: Catalogue):
    english, chinese = defaultdict(set), defaultdict(set)
    for _, title in _titles(declared):
        english[title.zh].add(title.en)
        chinese[title.en].add(title.zh)
    assert {zh: names for zh, names in english.items() if len(names) > 1} == {}
    assert {en: names for en, names in chinese.items() if len(names) > 1} == {}


def test_an_estate_is_never_a_community(declared: Catalogue):
    for where, title in _titles(declared):
        if "小区" in title.zh and where != "residential_areas":
            assert "estate" in title.en.lower(), where
        assert "小区" not in title.zh or "ommunity" not in title.en, where
    assert declared.get_class("residential_areas").get_field("old").title == Title("老旧小区", "Old estate")


def test_streets_are_roads_and_no_level_is_called_street(declared: Catalogue):
    assert declared.get_class("streets").title.zh == "道路"
    levels = declared.get_class("districts").get_field("level").choices
    assert [level.title.zh for level in levels] == ["市", "区县", "街道/镇/乡", "社区/村"]
    assert declared.get_class("grid_cells").title.zh == "单元网格"
    names = [
        level.title.en for level in (*levels, *declared.get_class("districts").get_field("kind").choices)
    ]
    assert [name for name in names if "street" in name.lower()] == []


def test_chinese_titles_are_chinese_and_english_ones_are_not(declared: Catalogue):
    chinese = re.compile(r"[㐀-鿿]")
    codes = {"CJ/T 214-2007", "GB/T 30428.2-2013", "GB/T 47678.5-2026", "CJJ 99-2017", "JTG H12", "LED"}
    for where, title in _titles(declared):
        assert title.zh in codes or chinese.search(title.zh), where
        assert not chinese.search(title.en), where


def test_generated_pages_are_fresh_and_every_class_has_one_in_each_language(declared: Catalogue):
    pages = render_pages(declared)
    assert {f"classes/{name}{lang}.md" for name in declared.classes for lang in ("", ".zh")} < set(pages)
    assert {path.name for path in (DOCS / "classes").iterdir()} == {
        name.removeprefix("classes/") for name in pages if name.startswith("classes/")
    }
    for page, text in pages.items():
        assert (DOCS / page).read_text(encoding="utf-8") == text, (
            f"{page} is stale: run python -m app.catalogue.docs"
        )


def test_a_class_page_tells_fields_units_choices_codes_aliases_and_symbol(declared: Catalogue):
    pages = render_pages(declared)
    for item in declared.classes.values():
        for lang, suffix in (("zh", ".zh"), ("en", "")):
            page = pages[f"classes/{item.id}{suffix}.md"]
            told = [
                item.title.in_(lang),
                item.description.in_(lang),
                item.symbol.glyph,
                item.symbol.color,
                *item.aliases,
            ]
            for field in item.fields:
                told += [f"`{field.name}`", field.title.zh, field.title.en, field.unit or "", *field.aliases]
                told += [
                    word
                    for choice in field.choices
                    for word in (choice.value, choice.title.zh, *choice.aliases)
                ]
                told += [
                    code for choice in field.choices for codes in choice.codes.values() for code in codes
                ]
            assert [word for word in told if " ".join(word.split()).replace("|", "\\|") not in page] == []
