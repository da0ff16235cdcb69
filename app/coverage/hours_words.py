"""Opening hours as Chinese and English registers word them, in the words of OpenStreetMap's opening_hours."""

from __future__ import annotations

import re
import unicodedata

_DAYS = {"一": "mo", "二": "tu", "三": "we", "四": "th", "五": "fr", "六": "sa", "日": "su", "天": "su"}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MORNING = "上午|早上|早晨|清晨|凌晨|早"
_LATER = "下午|晚上|傍晚|夜间|晚"
_CLOCK = re.compile(
    rf"(?:(?P<part>{_MORNING}|{_LATER}|中午)\s*)?(?P<hour>\d{{1,2}})"
    r"(?::(?P<minute>\d{2})(?:分)?|(?:点钟|点|时)(?:(?P<minute_zh>\d{1,2})分?|(?P<half>半))?)"
    r"(?::00)?\s*(?P<suffix>am|pm|a\.m\.|p\.m\.)?"
)
_BARE_ENGLISH = re.compile(r"(?<![\d:])(\d{1,2})\s*(am|pm|a\.m\.|p\.m\.)")
#: Applied one after the other; what is left of other words makes the hours unreadable, as it should.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"^\s*(?:开放|营业|服务|使用|opening|open)\s*(?:时间|时段|hours)?\s*:\s*", ""),
        (r"[~〜∼—–−－至到ー]+", "-"),
        (r"24\s*/\s*7|24\s*(?:小时|hours?|hrs?|h\b)|全天候?|昼夜|全日", " 00:00-24:00 "),
        (r"周末|双休日", " 周六-周日 "),
        (r"工作日|平日", " 周一-周五 "),
        (r"每天|每日|天天|全年|每周|全周|daily|every ?day", " "),
        # An end that does not say so lies in the same half of the day.
        (r"下午(\s*\d{1,2}(?:[:点时]\d{0,2})?[半分]?\s*)-(?=\s*\d)", r"下午\1-下午"),
        (r"次日|翌日|第二天", ""),
        (r"(?:法定)?(?:节假日|节日|假日|公共假期)", " ph "),
        (r"除外|闭园|闭馆|关闭|关门|休息|不开放|停用", " off "),
        (r"(?:开放|营业|开园|开馆|使用)(?:时间)?", " "),
        (
            r"(?:夏季|夏令时?|夏天|冬季|冬令时?|冬天|春夏|秋冬|春秋季?|旺季|淡季)\s*(?=[(:,]?\s*\d{1,2}\s*月)",
            " ",
        ),
        (r"[()（）\[\]。]", " "),
        (r"[、，]", ","),
        (r"；|\n", ";"),
    )
)


def in_osm_words(text: str) -> str:
    """Hours of a register in lower-case words of OpenStreetMap; words that have no such form stay as they are."""
    words = unicodedata.normalize("NFKC", text).lower().strip()
    for pattern, replacement in _RULES:
        words = pattern.sub(replacement, words)
    words = _weekdays(words)
    words = re.sub(r"(\d{1,2})\s*月(?:份)?(?:\s*(\d{1,2})\s*[日号])?", _month, words)
    words = _BARE_ENGLISH.sub(r"\1:00 \2", words)
    words = _CLOCK.sub(_clock, words)
    # A colon after a day is a habit, not a sign.
    return re.sub(r"(?<=[a-z\d])\s*:(?!\d)", " ", words).strip(" ;,")


def _weekdays(words: str) -> str:
    """`周一-五`, `星期六、日`, `礼拜天` as `mo-fr`, `sa,su`, `su`."""
    named = re.compile(
        r"(?:周|星期|礼拜)([一二三四五六日天])((?:\s*[-,]?\s*[一二三四五六日天])*)(?![一二三四五六日天])"
    )

    def days(found: re.Match[str]) -> str:
        rest = re.sub(
            r"([-,]?)\s*([一二三四五六日天])", lambda more: (more[1] or ",") + _DAYS[more[2]], found[2]
        )
        return f" {_DAYS[found[1]]}{rest.replace(' ', '')} "

    return named.sub(days, words)


def _month(found: re.Match[str]) -> str:
    number = int(found[1])
    if not 1 <= number <= 12:
        return found[0]
    return f" {_MONTHS[number - 1]} {found[2] or ''} "


def _clock(found: re.Match[str]) -> str:
    hour = int(found["hour"])
    minute = 30 if found["half"] else int(found["minute"] or found["minute_zh"] or 0)
    part, suffix = found["part"] or "", (found["suffix"] or "").replace(".", "")
    later = suffix == "pm" or (part == "中午" and hour < 3) or re.fullmatch(_LATER, part)
    if later and hour < 12:
        hour += 12
    elif suffix == "am" and hour == 12:
        hour = 0
    elif hour == 12 and part in ("晚上", "晚", "夜间"):
        hour = 24
    return f"{hour:02d}:{minute:02d} "
