"""The page of a summary: a card a class with a bar an area, forms that ask for another area or day, downloads. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from app.catalogue.model import FeatureClass, Lang
from app.inventory.few import in_words
from app.reports.summary_tables import LEVEL_TITLES, area_name, dimension_title, word
from app.web import amounts
from app.web.templates import render

#: Bars of one class; of more areas the largest are drawn.
MAX_BARS = 20
#: What lies outside all areas is shown from this share of the longest bar on.
LEAST_BAR = 1e-3
#: What stands below a level: a bar leads to the areas in its own.
BELOW = {"district": "subdistrict", "subdistrict": "community", "community": "community"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a summary was asked for, as its own address says it; None and empty where nothing was said."""

    area: str | None = None
    level: str = "district"
    classes: tuple[str, ...] = ()
    as_of: str | None = None

    def pairs(self, **other: Any) -> list[tuple[str, str]]:
        """Names and values of the same summary's query, some of it otherwise."""
        given: dict[str, Any] = {
            "area": self.area,
            "area_level": None if self.level == "district" else self.level,
            "class": list(self.classes),
            "as_of": self.as_of,
        } | other
        told = {name: value if isinstance(value, list) else [value] for name, value in given.items() if value}
        return [(name, str(value)) for name, values in told.items() for value in values]

    def query(self, **other: Any) -> str:
        """The text of that query."""
        return urlencode(self.pairs(**other))


def summary_page(
    document: Mapping[str, Any],
    city: Any,
    areas: Sequence[Mapping[str, Any]],
    classes: Mapping[str, FeatureClass],
    asked: Asked,
    lang: Lang,
    *,
    reasons: bool = False,
) -> str:
    """The page as HTML, escaped; `areas` may be chosen in its form, `classes` are all of the catalogue.

    `reasons`: some of it is restricted, which leaves as a file with a reason alone.
    """
    filled = [item for item in document["classes"] if item["count"] != 0]
    area = document["area"]
    place = area_name(area, lang) if area else city.name or {"zh": "本市", "en": "The city"}[lang]
    return render(
        "reports/summary.html",
        lang,
        city=city,
        place=place,
        document=document,
        asked=asked,
        reasons=reasons,
        groups=grouped(areas, area, lang),
        titles={cls.id: cls.title.in_(lang) for cls in classes.values()},
        levels={level: LEVEL_TITLES[level][lang] for level in BELOW},
        level_title=LEVEL_TITLES[document["area_level"]][lang],
        cards=[_card(item, document, asked, classes.get(item["id"]), lang) for item in filled],
        empty=[item["title"][lang] for item in document["classes"] if item["count"] == 0],
    )


def grouped(
    areas: Iterable[Mapping[str, Any]], chosen: Mapping[str, Any] | None, lang: Lang
) -> dict[str, list[tuple[str, str]]]:
    """Level → (code, name) of its areas; the chosen one is among them, whatever its level."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for area in areas:
        groups.setdefault(LEVEL_TITLES[area["level"]][lang], []).append((area["code"], area_name(area, lang)))
    if chosen is not None and all(chosen["code"] != area["code"] for area in areas):
        group = groups.setdefault(LEVEL_TITLES[chosen["level"]][lang], [])
        group.append((chosen["code"], area_name(chosen, lang)))
    return groups


def _card(
    item: Mapping[str, Any],
    document: Mapping[str, Any],
    asked: Asked,
    cls: FeatureClass | None,
    lang: Lang,
) -> dict[str, Any]:
    key = _key(item)
    return {
        "id": item["id"],
        "title": item["title"][lang],
        "figure": amount(item, key, cls, lang),
        "more": "" if key == "count" else amount(item, "count", cls, lang),
        "incomplete": item["incomplete"],
        **_bars(item, document["area_level"], asked, cls, lang),
        "groups": [
            (dimension_title(name, "district", lang), _rows(item, name, lang))
            for name in ("kind", "state", "year")
            if any(row.get("value", row.get("year")) is not None for row in item[f"by_{name}"])
        ],
    }


def _key(item: Mapping[str, Any]) -> str:
    """The figure by which a class is known: km or m² where it is measured and not counted."""
    key = {"length": "length_km", "area": "area_m2"}.get(item["measure"], "count")
    return key if item.get(key) else "count"


def _bars(
    item: Mapping[str, Any], level: str, asked: Asked, cls: FeatureClass | None, lang: Lang
) -> dict[str, Any]:
    """A bar an area, as long as its figure is to the largest one."""
    key, rows = _key(item), list(item[f"by_{level}"])
    largest = max((row[key] or 0 for row in rows), default=0) or 1
    rows = [row for row in rows if row["code"] or (row[key] or 0) > largest * LEAST_BAR]
    if len(rows) > MAX_BARS:
        rows.sort(key=lambda row: row[key] or 0, reverse=True)
    bars = [
        {
            "name": area_name(row, lang),
            "href": row["code"]
            and asked.query(area=row["code"], area_level=BELOW[level], lang=lang, f="html"),
            "share": (row[key] or 0) / largest,
            "text": amount(row, key, cls, lang),
        }
        for row in rows[:MAX_BARS]
    ]
    return {"bars": bars, "left": max(len(rows) - MAX_BARS, 0)}


def _rows(item: Mapping[str, Any], name: str, lang: Lang) -> list[dict[str, str]]:
    key = _key(item)
    return [
        {
            "name": _name(row, lang),
            "count": in_words(row["fewer_than"], lang) if "fewer_than" in row else f"{row['count']:,}",
            "size": "" if key == "count" or "fewer_than" in row else amount(row, key, None, lang),
        }
        for row in item[f"by_{name}"]
    ]


def _name(row: Mapping[str, Any], lang: Lang) -> str:
    value = row["year"] if "year" in row else row["value"]
    if value is None:
        return word("unknown", lang)
    title = row.get("title")
    return title[lang] if title else str(value)


def amount(row: Mapping[str, Any], key: str, cls: FeatureClass | None, lang: Lang) -> str:
    """A figure with its unit, as plans write it."""
    if "fewer_than" in row:
        return in_words(row["fewer_than"], lang)
    if key == "length_km":
        return amounts.length(row[key] * 1000, lang)
    if key == "area_m2":
        return amounts.area(row[key], lang)
    return amounts.pieces(row["count"], cls, lang)
