"""The pages of the record: the changes, and what happened to one feature, in words of one language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.catalogue.model import Catalogue, FeatureClass, Lang
from app.database.transactions import Connection
from app.maps import service as maps
from app.web.amounts import unit_title
from app.web.templates import render
from app.words.sentences import in_chinese

#: What a change did to a feature.
ACTIONS: Mapping[str, tuple[str, str]] = {
    "created": ("新建", "created"),
    "changed": ("修改", "changed"),
    "deleted": ("删除", "deleted"),
    "ended": ("终止", "ended"),
    "restored": ("恢复", "restored"),
    "version_added": ("补记其他日期", "other days recorded"),
    "reported": ("现场上报", "reported"),
}
#: Reasons that the program itself gives: how they begin → what is said.
REASONS: Mapping[str, str] = {
    "import of ": "导入 ",
    "import taken back": "撤回导入",
    "restore": "恢复",
    "load the sample ": "载入示例城市 ",
}
#: Fields whose titles no class declares.
SYSTEM: Mapping[str, tuple[str, str]] = {
    "code": ("编码", "Code"),
    "geometry": ("图形", "Geometry"),
    "geom": ("图形", "Geometry"),
}
LOCAL = ZoneInfo("Asia/Shanghai")


def changes_page(
    conn: Connection, catalogue: Catalogue, changes: list[dict[str, Any]], more: int | None, class_id: str | None,
    lang: Lang,
) -> str:  # fmt: skip
    """The newest changes as a page; `more` is where the next page begins."""
    shown = [
        {
            **one,
            "at": moment(one["at"]),
            "why": _why(one["why"], lang),
            "classes": [(name, _title(catalogue, name, lang)) for name in one["classes"]],
        }
        for one in changes
    ]
    chosen = None if class_id is None else _title(catalogue, class_id, lang)
    return _render(
        conn, catalogue, "history/changes.html", lang,
        changes=shown, more=more, class_id=class_id, class_title=chosen,
    )  # fmt: skip


def feature_page(conn: Connection, catalogue: Catalogue, found: Mapping[str, Any], lang: Lang) -> str:
    """What happened to one feature as a page, newest first."""
    cls = catalogue.get_class(found["class"])
    events = [
        {
            **event,
            "at": moment(event["at"]),
            "why": _why(event["why"], lang),
            "action": ACTIONS.get(event["action"], (event["action"],) * 2)[lang == "en"],
            "fields": [_field(cls, change, lang) for change in event.get("fields", ())],
        }
        for event in reversed(found["events"])
    ]
    return _render(
        conn, catalogue, "history/feature.html", lang,
        feature=found, title=cls.title.in_(lang), events=events,
    )  # fmt: skip


def _render(conn: Connection, catalogue: Catalogue, template: str, lang: Lang, **values: Any) -> str:
    city = maps.city(conn, catalogue, maps.versions(conn, catalogue), lang)
    return render(template, lang, city=city, **values)


def _field(cls: FeatureClass, change: Mapping[str, Any], lang: Lang) -> dict[str, str]:
    name = change["field"]
    field = next((item for item in cls.fields if item.name == name), None)
    title = SYSTEM.get(name, (name, name))[lang == "en"] if field is None else field.title.in_(lang)
    unit = "" if field is None else unit_title(field.unit, lang)
    choices = {} if field is None else {item.value: item.title.in_(lang) for item in field.choices}
    return {
        "title": f"{title} ({unit})" if unit else title,
        "before": _value(change.get("before"), choices, lang),
        "after": _value(change.get("after"), choices, lang),
    }


def _value(value: Any, choices: Mapping[str, str], lang: Lang) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return (("否", "no"), ("是", "yes"))[value][lang == "en"]
    if isinstance(value, dict):
        return {"zh": "已改变", "en": "changed"}[lang]
    return choices.get(str(value), str(value))


def _title(catalogue: Catalogue, class_id: str, lang: Lang) -> str:
    cls = catalogue.classes.get(class_id)
    return class_id if cls is None else cls.title.in_(lang)


def moment(text: str) -> str:
    """A moment as the clocks of the city show it."""
    return datetime.fromisoformat(text).astimezone(LOCAL).strftime("%Y-%m-%d %H:%M:%S")


def _why(why: str | None, lang: Lang) -> str:
    """A reason: what the program itself gave is said in the language of the page, what a person wrote stays."""
    if not why or lang == "en":
        return why or ""
    start = next((one for one in REASONS if why.startswith(one)), None)
    return in_chinese(why) or (why if start is None else REASONS[start] + why.removeprefix(start))
