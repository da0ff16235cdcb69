"""Titles of tiers whose numbers a request or an edition has changed: a figure never goes by its old number."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from app.catalogue.policy_model import Policy, Tier
from app.catalogue.title import Lang, Title

#: Numbers that titles write as words.
WORDS = {5.0: "five", 10.0: "ten", 15.0: "fifteen"}
HECTARE = 1e4
ANY = Title("不限面积", "any size")
COMMAS: Mapping[Lang, str] = {"zh": "、", "en": ", "}
#: The numbers of a tier, ascending.
Values = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Quantity:
    """A number that titles tell: `named` finds it in one, `written` writes it."""

    named: Callable[[float, Lang], str]
    written: Callable[[float, Lang], str]


def retitled(before: Policy, after: Policy) -> Policy:
    """`after` with titles of its tiers that tell the reach and the least size in which it differs from `before`.

    The number takes the place of the old one where a title names that in both languages, else it is added: 500米见园
    becomes 400米见园.
    """
    tiers = tuple(_retitled(old, new) for old, new in zip(before.tiers, after.tiers, strict=True))
    return after if tiers == after.tiers else replace(after, tiers=tiers)


def _retitled(before: Tier, after: Tier) -> Tier:
    title = _title(before, after)
    return after if title == after.title else replace(after, title=title)


def _title(before: Tier, after: Tier) -> Title:
    title = after.title
    for read in (_reach, _least_size):
        (quantity, old), (known, new) = read(before), read(after)
        if (quantity, old) != (known, new):
            title = _told(title, known, old if quantity is known else (), new)
    return title


def _reach(tier: Tier) -> tuple[_Quantity, Values]:
    supplies = (*tier.supplies, *(tier.having.supplies if tier.having else ()))
    minutes = sorted({item.minutes for item in supplies if item.minutes is not None})
    return (MINUTES, tuple(minutes)) if minutes else (METRES, tuple(sorted({s.radius_m for s in supplies})))


def _least_size(tier: Tier) -> tuple[_Quantity, Values]:
    sizes = [item.min_area_m2 for item in tier.counted if item.min_area_m2]
    return SIZE, (min(sizes),) if sizes else ()


def _told(title: Title, quantity: _Quantity, old: Values, new: Values) -> Title:
    zh, en = (_replaced(title.in_(lang), quantity, old, new, lang) for lang in ("zh", "en"))
    if zh is not None and en is not None:
        return Title(zh, en)
    if quantity is SIZE:
        told = (
            Title(f"不小于{SIZE.written(new[0], 'zh')}", f"at least {SIZE.written(new[0], 'en')}")
            if new
            else ANY
        )
    else:
        told = Title(*(comma.join(quantity.written(v, lang) for v in new) for lang, comma in COMMAS.items()))
    return Title(f"{title.zh}（改为{told.zh}）", f"{title.en} (changed to {told.en})")


def _replaced(text: str, quantity: _Quantity, old: Values, new: Values, lang: Lang) -> str | None:
    """The text with the one new number in place of the one old, None where it does not name that just once."""
    if len(old) != 1 or len(new) != 1:
        return None
    pattern = rf"(?<![\d.])(?:{quantity.named(old[0], lang)})"
    found, count = re.subn(pattern, lambda _: quantity.written(new[0], lang), text)
    return found if count == 1 else None


def _metres(value: float, lang: Lang) -> str:
    far = value >= 1000
    number = f"{value / 1000 if far else value:g}"
    return f"{number}{'公里' if far else '米'}" if lang == "zh" else f"{number} {'km' if far else 'm'}"


def _metres_named(value: float, lang: Lang) -> str:
    metres, km = re.escape(f"{value:g}"), re.escape(f"{value / 1000:g}")
    return rf"{metres}\s*米|{km}\s*公里" if lang == "zh" else rf"{metres}\s*m\b|{km}\s*km\b"


def _minutes(value: float, lang: Lang) -> str:
    return f"{value:g}分钟" if lang == "zh" else f"{value:g} minutes"


def _minutes_named(value: float, lang: Lang) -> str:
    number = re.escape(f"{value:g}")
    return (
        rf"{number}\s*分钟" if lang == "zh" else rf"(?:{number}|{WORDS.get(value, number)})\s*min(?:utes?)?\b"
    )


def _size(value: float, lang: Lang) -> str:
    if value >= HECTARE:
        return f"{value / HECTARE:g}{'公顷' if lang == 'zh' else ' ha'}"
    return f"{value:g}平方米" if lang == "zh" else f"{value:,.0f} m²"


def _size_named(value: float, lang: Lang) -> str:
    number = re.escape(f"{value / HECTARE:g}")
    return rf"{number}\s*公顷" if lang == "zh" else rf"{number}\s*ha\b"


METRES = _Quantity(_metres_named, _metres)
MINUTES = _Quantity(_minutes_named, _minutes)
SIZE = _Quantity(_size_named, _size)
