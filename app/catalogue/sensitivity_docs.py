"""Renders the table of what is not public, for `docs/who-sees-what.md`."""

from __future__ import annotations

from collections.abc import Iterator

from app.catalogue.class_docs import SENSITIVITIES
from app.catalogue.markdown import table
from app.catalogue.model import Catalogue, FeatureClass, Lang

HEAD = {
    "zh": ("类别", "级别", "受限的行", "受限的字段", "内部的字段"),
    "en": ("class", "level", "restricted rows", "restricted fields", "internal fields"),
}


def sensitivity_table(catalogue: Catalogue, lang: Lang) -> str:
    """Every class of which something is not public: its level, its restricted rows, its hidden fields."""
    rows = [_row(cls, lang) for cls in catalogue.classes.values()]
    return table(HEAD[lang], [row for row in rows if row is not None])


def _row(cls: FeatureClass, lang: Lang) -> tuple[str, ...] | None:
    hidden = [item for item in cls.fields if item.sensitivity != "public"]
    if cls.sensitivity == "public" and not cls.restricted_rows and not hidden:
        return None
    page = f"classes/{cls.id}{'.zh' if lang == 'zh' else ''}.md"
    zh, en = SENSITIVITIES[cls.sensitivity]
    comma = "、" if lang == "zh" else ", "
    fields = [
        comma.join(item.title.in_(lang) for item in hidden if item.sensitivity == level)
        for level in ("restricted", "internal")
    ]
    return (
        f"[{cls.title.in_(lang)}]({page})",
        zh if lang == "zh" else en,
        comma.join(_values(cls, lang)),
        *fields,
    )


def _values(cls: FeatureClass, lang: Lang) -> Iterator[str]:
    for name, values in cls.restricted_rows.items():
        for choice in cls.get_field(name).choices:
            if choice.value in values:
                yield choice.title.in_(lang)
