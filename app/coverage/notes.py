"""What the data leave open in a result, in words: people, dwellings, steps and hours that nobody has filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.catalogue.model import Catalogue, Lang

Words = dict[Lang, str]
NOBODY: Words = {
    "zh": "{title}中有 {count} 条未填人数，按无人计",
    "en": "{title}: {count} do not say how many people there are and count as nobody",
}
NOBODY_KNOWN: Words = {
    "zh": "没有人口数据：{count} 处本可说明人数的未填",
    "en": "Nobody is known: {count} that could tell of people do not say how many there are",
}
FAR: Words = {
    "zh": "{title}中有 {count} 处离城市太远，其米数和面积不准（误差超过 0.1%）",
    "en": "{title}: {count} lie so far from the city that their metres and areas are wrong by more than 0.1 %",
}
#: Why facilities that might serve do not, by the reason in `left_out`.
LEFT_OUT: Mapping[str, Words] = {
    "step_free_unknown": {
        "zh": "{title}中有 {count} 处未注明是否无障碍，未计入",
        "en": "{title}: {count} do not say whether they are step-free and are left out",
    },
    "hours_unknown": {
        "zh": "{title}中有 {count} 处未注明开放时间，未计入",
        "en": "{title}: {count} do not say when they are open and are left out",
    },
}


def notes_of(catalogue: Catalogue, facts: Mapping[str, Any]) -> list[Words]:
    """A sentence for each thing that a result does not know, of what it records; none where everything is said."""
    return list(_notes(catalogue, facts))


def _notes(catalogue: Catalogue, facts: Mapping[str, Any]) -> Iterator[Words]:
    source, unknown = facts.get("people_source"), facts.get("people_unknown")
    if source and unknown:
        yield _said(NOBODY, catalogue, source, unknown)
    elif unknown:
        yield {"zh": NOBODY_KNOWN["zh"].format(count=unknown), "en": NOBODY_KNOWN["en"].format(count=unknown)}
    for class_id, count in (facts.get("off_scale") or {}).items():
        yield _said(FAR, catalogue, class_id, count)
    for class_id, supply in (facts.get("supply") or {}).items():
        for reason, words in LEFT_OUT.items():
            if supply["left_out"].get(reason):
                yield _said(words, catalogue, class_id, supply["left_out"][reason])


def _said(words: Words, catalogue: Catalogue, class_id: str, count: int) -> Words:
    title = catalogue.get_class(class_id).title
    return {
        "zh": words["zh"].format(title=title.zh, count=f"{count:,}"),
        "en": words["en"].format(title=title.en, count=f"{count:,}"),
    }
