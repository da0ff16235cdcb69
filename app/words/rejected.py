"""The headings that a file of refused rows adds, as it is kept and as it is shown in one language. Pure."""

from __future__ import annotations

from collections.abc import Mapping

#: In the kept file; an import of that file passes over them.
ADDED = ("rejected_row", "rejected_field", "rejected_reason", "rejected_hint")
ADDED_CHINESE = ("rejected_reason_zh", "rejected_hint_zh")
#: In a workbook of one language: heading of the kept file → heading for people.
ADDED_SPOKEN: Mapping[str, Mapping[str, str]] = {
    "zh": dict(
        zip((*ADDED[:2], *ADDED_CHINESE), ("被拒行号", "被拒字段", "拒绝原因", "处理办法"), strict=True)
    ),
    "en": dict(zip(ADDED, ("Rejected row", "Rejected field", "Rejected because", "What to do"), strict=True)),
}
EVERY_ADDED = frozenset(
    {*ADDED, *ADDED_CHINESE, *(word for words in ADDED_SPOKEN.values() for word in words.values())}
)
