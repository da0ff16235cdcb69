"""Units as files write them, in headings and in cells, and the factor from one to another."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

#: Factors to the base unit of each dimension. Keys are folded (NFKC and case: ㎡ and m² are m2).
LENGTH = {
    "mm": 0.001, "毫米": 0.001, "cm": 0.01, "厘米": 0.01, "公分": 0.01, "dm": 0.1, "分米": 0.1, "m": 1.0, "米": 1.0,
    "公尺": 1.0, "metre": 1.0, "metres": 1.0, "meter": 1.0, "meters": 1.0, "mtr": 1.0, "km": 1000.0, "公里": 1000.0,
    "千米": 1000.0, "kilometre": 1000.0, "kilometres": 1000.0, "kilometer": 1000.0, "kilometers": 1000.0, "里": 500.0,
    "市里": 500.0, "华里": 500.0, "ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "英尺": 0.3048, "'": 0.3048,
    "in": 0.0254, "inch": 0.0254, "inches": 0.0254, "英寸": 0.0254, '"': 0.0254, "yd": 0.9144, "yard": 0.9144,
    "yards": 0.9144, "mi": 1609.344, "mile": 1609.344, "miles": 1609.344, "英里": 1609.344,
    # The US survey foot, which state plane coordinates and the lengths taken from them are in: 1200/3937 m.
    "usft": 1200 / 3937, "ftus": 1200 / 3937, "ussft": 1200 / 3937, "sft": 1200 / 3937, "ussurveyft": 1200 / 3937,
    "ussurveyfoot": 1200 / 3937, "ussurveyfeet": 1200 / 3937, "footus": 1200 / 3937, "美制测量英尺": 1200 / 3937,
}  # fmt: skip
_MU = 10_000.0 / 15
_ACRE = 4046.8564224
AREA = {
    "m2": 1.0, "m^2": 1.0, "sqm": 1.0, "平方米": 1.0, "平米": 1.0, "平方": 1.0, "squaremetres": 1.0,
    "squaremeters": 1.0, "公亩": 100.0, "ha": 10_000.0, "hm2": 10_000.0, "hect": 10_000.0, "hectare": 10_000.0,
    "hectares": 10_000.0, "公顷": 10_000.0, "km2": 1e6, "km^2": 1e6, "sqkm": 1e6, "平方公里": 1e6, "平方千米": 1e6,
    "mu": _MU, "亩": _MU, "市亩": _MU, "ac": _ACRE, "acre": _ACRE, "acres": _ACRE, "英亩": _ACRE,
    "ft2": 0.3048**2, "sqft": 0.3048**2, "平方英尺": 0.3048**2, "mi2": 1609.344**2, "sqmi": 1609.344**2,
    "cm2": 1e-4, "平方厘米": 1e-4, "mm2": 1e-6, "平方毫米": 1e-6,
}  # fmt: skip
VOLUME = {"m3": 1.0, "m^3": 1.0, "cum": 1.0, "立方米": 1.0, "立方": 1.0, "l": 0.001, "升": 0.001}
FLOW = {
    "m3/d": 1.0, "m3d": 1.0, "立方米/日": 1.0, "立方米/天": 1.0, "立方米/d": 1.0, "m3/h": 24.0, "m3h": 24.0,
    "立方米/小时": 24.0, "立方米/时": 24.0, "l/s": 86.4, "ls": 86.4, "升/秒": 86.4, "m3/s": 86_400.0,
    "立方米/秒": 86_400.0,
}  # fmt: skip
MASS = {"t": 1.0, "吨": 1.0, "tonne": 1.0, "tonnes": 1.0, "kg": 0.001, "公斤": 0.001, "千克": 0.001}
MASS_FLOW = {"t/d": 1.0, "td": 1.0, "吨/日": 1.0, "吨/天": 1.0, "吨/d": 1.0, "tpd": 1.0}
SPEED = {"km/h": 1.0, "kmh": 1.0, "kph": 1.0, "公里/小时": 1.0, "千米/小时": 1.0, "公里/时": 1.0, "mph": 1.609344,
         "m/s": 3.6, "米/秒": 3.6}  # fmt: skip
POWER = {"w": 1.0, "瓦": 1.0, "kw": 1000.0, "千瓦": 1000.0, "mw": 1e6, "兆瓦": 1e6}
APPARENT_POWER = {"kva": 1.0, "千伏安": 1.0, "mva": 1000.0, "兆伏安": 1000.0}
VOLTAGE = {"kv": 1.0, "千伏": 1.0, "v": 0.001, "伏": 0.001}
PRESSURE = {"kpa": 1.0, "千帕": 1.0, "mpa": 1000.0, "兆帕": 1000.0, "bar": 100.0, "pa": 0.001, "帕": 0.001}
FORCE = {"kn": 1.0, "千牛": 1.0, "n": 0.001, "牛": 0.001}
TIME = {"min": 1.0, "分钟": 1.0, "minutes": 1.0, "h": 60.0, "hr": 60.0, "hours": 60.0, "小时": 60.0, "s": 1 / 60,
        "sec": 1 / 60, "秒": 1 / 60}  # fmt: skip
MONEY = {"cny": 1.0, "rmb": 1.0, "yuan": 1.0, "元": 1.0, "¥": 1.0}
SHARE = {"%": 1.0, "pct": 1.0, "percent": 1.0, "百分比": 1.0, "‰": 0.1}
CONCENTRATION = {"mg/l": 1.0, "mgl": 1.0, "毫克/升": 1.0}
PEOPLE = {"people": 1.0, "persons": 1.0, "人": 1.0}
HOUSEHOLDS = {"households": 1.0, "户": 1.0}
PIECES = {"pieces": 1.0, "pcs": 1.0} | dict.fromkeys("个座处株只盏套间部辆棵根块孔口", 1.0)
YEARS = {"years": 1.0, "年": 1.0, "months": 1 / 12, "个月": 1 / 12}
#: The serial days in which spreadsheets count; only a mapping may say so, as 44197 may be anything.
EXCEL_DAY = {"excelday": 1.0}
DIMENSIONS = (
    LENGTH, AREA, VOLUME, FLOW, MASS, MASS_FLOW, SPEED, POWER, APPARENT_POWER, VOLTAGE, PRESSURE, FORCE, TIME, MONEY,
    SHARE, CONCENTRATION, PEOPLE, HOUSEHOLDS, PIECES, YEARS, {"k": 1.0}, EXCEL_DAY,
)  # fmt: skip
#: 万平方米, 万人, 亿元: a count of the unit that follows.
MULTIPLES = {"百万": 1e6, "千万": 1e7, "十万": 1e5, "百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8}
LONGEST = 20

_BRACKETS = re.compile(
    r"(.+?)\s*[(\[【〔{]\s*(?:单位\s*[:：]?|unit:?\s|in\s)?\s*([^()\[\]]{1,20}?)\s*[)\]】〕}]"
)
_SEPARATOR = re.compile(r"[\s_/:,;\-]+(?:单位:?|in\s+)?")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_AFTER_CHINESE = re.compile(r"(?<=[\u3400-\u9fff])(?=\S)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as written: `dimension` its place in DIMENSIONS, `factor` to that dimension's base unit."""

    symbol: str
    dimension: int
    factor: float


@lru_cache(maxsize=1024)
def find_unit(text: str) -> Unit | None:
    """The unit that a text writes ("km", "万平方米", "sq ft"), or None."""
    folded = re.sub(r"[\s_]+", "", unicodedata.normalize("NFKC", text).casefold())
    if not folded or len(folded) > LONGEST:
        return None
    for place, units in enumerate(DIMENSIONS):
        if folded in units:
            return Unit(text.strip(), place, units[folded])
    return _find_multiple(text, folded)


def _find_multiple(text: str, folded: str) -> Unit | None:
    for mark, times in MULTIPLES.items():
        rest = find_unit(folded.removeprefix(mark)) if folded.startswith(mark) else None
        if rest is not None:
            return Unit(text.strip(), rest.dimension, times * rest.factor)
    return None


def conversion(unit: Unit, wanted: str | None) -> float | None:
    """What a number in `unit` is multiplied by to be in the unit `wanted`; None where the two measure other things."""
    target = find_unit(wanted) if wanted else None
    return unit.factor / target.factor if target is not None and target.dimension == unit.dimension else None


def split_heading(heading: str) -> Iterator[tuple[str, Unit]]:
    """The ways to read a heading as a name and a unit: "长度(km)", "area_mu", "高度/ft", "WidthFt", "面积亩"."""
    text = unicodedata.normalize("NFKC", heading).strip()
    if len(text) > 100:
        return
    bracket = _BRACKETS.fullmatch(text)
    pairs = [(bracket[1], bracket[2])] if bracket else []
    for pattern in (_SEPARATOR, _CAMEL, _AFTER_CHINESE):
        pairs += [(text[: found.start()], text[found.end() :]) for found in pattern.finditer(text)]
    for base, tail in pairs:
        unit = find_unit(tail)
        if base and unit is not None:
            yield base, unit
