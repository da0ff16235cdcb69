"""How columns are called in exported files, so that those who write them and those who read them back agree. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime

from app.catalogue.model import FeatureClass, Title

#: Columns that stand in every export beside the class's own fields.
SYSTEM_TITLES = {
    "id": Title("编号", "Id"),
    "code": Title("编码", "Code"),
    "area_path": Title("所属区域", "Home areas"),
    "length_m": Title("长度（米）", "Length (m)"),
    "area_m2": Title("面积（平方米）", "Area (m²)"),
    "incomplete": Title("不完整", "Incomplete"),
    "valid_from": Title("生效日期", "Valid from"),
    "valid_to": Title("失效日期", "Valid to"),
    "change_id": Title("变更号", "Change number"),
    "data_version": Title("数据版本", "Data version"),
    "extra": Title("其他属性", "Other attributes"),
}
#: What a dBase table names them; a name there has ten bytes.
SYSTEM_SHORT = {"change_id": "chg_id", "data_version": "data_ver"}
SHORT_BYTES = 10
#: Longest text of a dBase cell in bytes, of a spreadsheet's cell in characters.
DBF_TEXT_BYTES = 254
CELL_CHARACTERS = 32_767
#: Kind of geometry → ending of its layer's name, where a class of several kinds needs a layer a kind.
KIND_ENDINGS = {"_polygon": "polygon", "_line": "line", "_point": "point"}
#: What XML 1.0 cannot hold.
_NO_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF), " ")
#: What makes a cell a formula (OWASP); apostrophes before it belong to it, so that quoting can be undone.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def plain_time(value: date) -> str:
    """A day as 2021-12-31, a moment as 2021-12-31T10:00:00Z (RFC 3339), with as many decimals as it needs."""
    if not isinstance(value, datetime):
        return value.isoformat()
    text = value.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"


def heading(title: Title, unit: str | None = None) -> str:
    """The heading of a column for people: both titles, and the unit where there is one."""
    words = title.zh if title.zh == title.en else f"{title.zh} {title.en}"
    return f"{words} ({unit})" if unit else words


def class_headings(cls: FeatureClass) -> dict[str, str]:
    """Column → its heading for people, of all columns that an export of the class may have."""
    system = {name: heading(title) for name, title in SYSTEM_TITLES.items()}
    return {**system, **{field.name: heading(field.title, field.unit) for field in cls.fields}}


def class_short_names(cls: FeatureClass) -> dict[str, str]:
    """Column → its dBase name, of all columns that an export of the class may have."""
    return short_names([*SYSTEM_TITLES, *(field.name for field in cls.fields)])


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Name → ASCII name of at most ten bytes, unique whatever the case; those of the system's columns are fixed."""
    given = list(names)
    short = {name: SYSTEM_SHORT.get(name, name) for name in given if name in SYSTEM_TITLES}
    taken = {name.casefold() for name in short.values()}
    for name in given:
        if name not in short:
            short[name] = _free(name, taken)
            taken.add(short[name].casefold())
    return {name: short[name] for name in given}


def _free(name: str, taken: set[str]) -> str:
    """The name cut to ten bytes, numbered at its end where another one is cut alike."""
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in name)
    cut = plain[:SHORT_BYTES].rstrip("_") or "field"
    number = 2
    while cut.casefold() in taken:
        end = f"_{number}"
        cut = plain[: SHORT_BYTES - len(end)].rstrip("_") + end
        number += 1
    return cut


def cut_bytes(text: str, limit: int = DBF_TEXT_BYTES, encoding: str = "UTF-8") -> str:
    """The text, cut to so many bytes of an encoding where it is longer, never inside a character."""
    return text if len(text) * 4 <= limit else text.encode(encoding)[:limit].decode(encoding, "ignore")


def as_gbk(text: str) -> str:
    """The text as GBK holds it: characters that it lacks are '?'."""
    return text.encode("GBK", "replace").decode("GBK")


def as_xml(text: str) -> str:
    """The text with blanks for control characters, which XML 1.0 does not have."""
    return text.translate(_NO_XML)


def quoted(text: str) -> str:
    """Text that a spreadsheet would take for a formula with an apostrophe before it."""
    return f"'{text}" if _FORMULA.match(text) else text


def unquoted(text: str) -> str:
    """The text that `quoted` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
