"""Amounts as plans and reports write them: 万平方米, 公顷, 公里, 座, 万人 and 39.32 % in Chinese, km and ha in English.

Pure. Every page and sheet that a person reads takes its amounts from here; JSON keeps plain metres and people.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.catalogue.model import FeatureClass, Lang, Title

NOTHING = "—"
#: 万: the step by which Chinese counts.
WAN = 10_000
KM2 = 1_000_000
#: Units of fields → how they are read; those that are written alike in both languages are not here.
UNIT_TITLES: Mapping[str, Title] = {
    "mm": Title("毫米", "mm"), "cm": Title("厘米", "cm"), "m": Title("米", "m"), "km": Title("公里", "km"),
    "m²": Title("平方米", "m²"), "m³": Title("立方米", "m³"), "m³/d": Title("立方米/日", "m³/d"),
    "m³/h": Title("立方米/小时", "m³/h"), "L": Title("升", "L"), "mg/L": Title("毫克/升", "mg/L"),
    "t": Title("吨", "t"), "t/d": Title("吨/日", "t/d"), "kN": Title("千牛", "kN"),
    "W": Title("瓦", "W"), "kW": Title("千瓦", "kW"),
    "kVA": Title("千伏安", "kVA"), "kV": Title("千伏", "kV"), "K": Title("开", "K"), "kPa": Title("千帕", "kPa"),
    "MPa": Title("兆帕", "MPa"), "km/h": Title("公里/小时", "km/h"), "min": Title("分钟", "min"),
    "CNY": Title("元", "CNY"), "people": Title("人", "people"), "households": Title("户", "households"),
    "pieces": Title("个", "pieces"), "years": Title("年", "years"),
}  # fmt: skip


def unit_title(unit: str | None, lang: Lang) -> str:
    """A field's unit as it is read; empty where there is none."""
    title = UNIT_TITLES.get(unit or "")
    return (unit or "") if title is None else title.zh if lang == "zh" else title.en


def share(value: float | None) -> str:
    """A share of 0-1 in per cent as plans write it, 39.32 %; a dash where there is none."""
    return NOTHING if value is None else f"{value * 100:.2f} %"


def people(count: float | None, lang: Lang) -> str:
    """So many people: 8,512 人, 2.1 万人, 121.4 万人; in English the number alone with its word."""
    if count is None:
        return NOTHING
    if lang == "en":
        return f"{count:,.0f} people"
    return f"{count:,.0f} 人" if count < WAN else f"{count / WAN:,.1f} 万人"


def people_of(part: float, whole: float, lang: Lang) -> str:
    """So many of so many people, both in the unit of the whole: 7,187 / 7,822 人, 1.9 / 2.1 万人."""
    if lang == "zh" and whole >= WAN:
        return f"{part / WAN:,.1f} / {people(whole, lang)}"
    return f"{part:,.0f} / {people(whole, lang)}"


def area(m2: float | None, lang: Lang) -> str:
    """Land of so many m²: 平方米 below a hectare, 公顷 below a square kilometre, then 平方公里."""
    if m2 is None:
        return NOTHING
    if m2 < WAN:
        return f"{m2:,.0f} {'平方米' if lang == 'zh' else 'm²'}"
    if m2 < KM2:
        return f"{m2 / WAN:,.2f} {'公顷' if lang == 'zh' else 'ha'}"
    return f"{m2 / KM2:,.2f} {'平方公里' if lang == 'zh' else 'km²'}"


def area_of(part: float, whole: float, lang: Lang) -> str:
    """So much of so much land, m², both in the unit of the whole: 61.11 / 68.30 公顷."""
    step, digits = (1, 0) if whole < WAN else (WAN, 2) if whole < KM2 else (KM2, 2)
    return f"{part / step:,.{digits}f} / {area(whole, lang)}"


def surface(m2: float | None, lang: Lang) -> str:
    """What is built or paved, so many m²: 平方米, from 10,000 of them on 万平方米; in English as `area`."""
    if m2 is None or lang == "en" or m2 < WAN:
        return area(m2, lang)
    return f"{m2 / WAN:,.2f} 万平方米"


def length(metres: float | None, lang: Lang) -> str:
    """So many metres: 米 below a kilometre, then 公里."""
    if metres is None:
        return NOTHING
    if metres < 1000:
        return f"{metres:,.0f} {'米' if lang == 'zh' else 'm'}"
    return f"{metres / 1000:,.1f} {'公里' if lang == 'zh' else 'km'}"


def pieces(count: int, cls: FeatureClass | None, lang: Lang) -> str:
    """So many features: 2,000 座, by the counting word of the class; in English the number."""
    return f"{count:,} {'个' if cls is None else cls.counter}" if lang == "zh" else f"{count:,}"


def figure(value: float | None, unit: str) -> str:
    """A figure of a policy in its own unit: per head with one decimal (12.1 m²/人), others with two."""
    if value is None:
        return NOTHING
    digits = 1 if unit in {"m²/人", "m² a person"} else 2
    return f"{value:,.{digits}f} {unit}".rstrip()
