"""What the pages of imports show: plain values, made of the record as it is stored, whatever its age. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.catalogue.model import Catalogue, Lang
from app.history.record_page import moment
from app.words.sentences import say_on_page

#: Items of a long list that a page shows; the CSV has more of them.
SHOWN = 200
#: Rows of one reason that a page names.
SHOWN_ROWS = 100
STATES: Mapping[str, tuple[str, str]] = {
    "running": ("进行中", "running"),
    "done": ("已完成", "done"),
    "failed": ("失败", "failed"),
    "interrupted": ("已中断", "interrupted"),
    "undone": ("已撤回", "taken back"),
}
#: Counts of a class in the order of the page.
COUNTS: Mapping[str, tuple[str, str]] = {
    "read": ("读取", "Read"),
    "new": ("新增", "New"),
    "changed": ("更新", "Changed"),
    "unchanged": ("未变", "Unchanged"),
    "rejected": ("拒绝", "Rejected"),
    "skipped": ("略过", "Skipped"),
}
#: How a CRS is known.
KNOWN_BY: Mapping[str, str] = {"named by you": "您指定", "named by the file": "文件写明", "found": "自动识别"}
#: Lists of the report whose items are told by their reasons.
LISTS: Mapping[str, tuple[str, str]] = {
    "rejects": ("被拒绝的行", "Rejected rows"),
    "warnings": ("已导入但需核对", "Loaded, but look at them"),
    "incomplete": ("数据边缘残缺", "Cut off by the file"),
}


def list_view(imports: Iterable[Mapping[str, Any]], catalogue: Catalogue, lang: Lang) -> list[dict[str, Any]]:
    """The imports as rows of a table."""
    return [_head(one, catalogue, lang) for one in imports]


def one_view(one: Mapping[str, Any], catalogue: Catalogue, lang: Lang) -> dict[str, Any]:
    """One import with all that its report tells; what an old report lacks is empty."""
    report = one["report"] or {}
    said = 0 if lang == "zh" else 1

    return {
        **_head(one, catalogue, lang),
        "record": one,
        "error": _error(one["error"], lang),
        "layers": [_layer(layer, catalogue, lang) for layer in report.get("layers", ())],
        "count_titles": {name: titles[said] for name, titles in COUNTS.items()},
        "lists": {
            name: {"title": titles[said], **_grouped(report, name, catalogue, lang)}
            for name, titles in LISTS.items()
        },
        "repaired": _listed(report, "repaired", catalogue, lang),
        "conflicts": _listed(report, "conflicts", catalogue, lang),
        "missing": {name: found for name, found in report.get("missing", {}).items() if found["rows"]},
        "left_out": [
            {**layer, "reason": say_on_page(layer.get("reason"), lang)} for layer in report.get("skipped", ())
        ],
        "seconds": report.get("seconds"),
    }


def undo_view(one: Mapping[str, Any], catalogue: Catalogue, lang: Lang) -> dict[str, Any]:
    """What the question whether an import is taken back has to know: its name, and what fields are called."""
    known = [
        catalogue.classes[name]
        for name in (one["report"] or {}).get("classes", {})
        if name in catalogue.classes
    ]
    titles = {
        cls.id: {field.name: field.title.zh if lang == "zh" else field.title.en for field in cls.fields}
        for cls in known
    }
    return {"id": str(one["id"]), "name": file_name(one["path"]), "lang": lang, "fields": titles}


def _error(error: Mapping[str, Any] | None, lang: Lang) -> dict[str, Any] | None:
    if error is None:
        return None
    return {name: say_on_page(error.get(name), lang) for name in ("message", "hint")}


def _total(report: Mapping[str, Any], name: str) -> int:
    total: int = report.get(f"{name}_total", len(report.get(name, ())))
    return total


def _listed(report: Mapping[str, Any], name: str, catalogue: Catalogue, lang: Lang) -> dict[str, Any]:
    """The first items of a list, one by one."""
    shown = [
        {
            **item,
            "class": _title(item.get("class", ""), catalogue, lang),
            "reason": say_on_page(item.get("reason"), lang),
        }
        for item in report.get(name, ())[:SHOWN]
    ]
    return {"total": _total(report, name), "shown": shown}


def _grouped(report: Mapping[str, Any], name: str, catalogue: Catalogue, lang: Lang) -> dict[str, Any]:
    """The items of a list by their reasons, those of most rows first; `listed` of `total` are on record."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for item in report.get(name, ()):
        key = tuple(item.get(part) for part in ("class", "field", "reason", "hint"))
        groups.setdefault(key, []).append(item)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    shown = [
        {
            "class": _title(class_id or "", catalogue, lang),
            "field": _field_title(class_id, field, catalogue, lang),
            "reason": say_on_page(reason, lang),
            "hint": say_on_page(hint, lang),
            "count": len(items),
            "rows": [_row(item) for item in items[:SHOWN_ROWS]],
            "more": max(0, len(items) - SHOWN_ROWS),
        }
        for (class_id, field, reason, hint), items in ordered[:SHOWN]
    ]
    listed = len(report.get(name, ()))
    return {"total": _total(report, name), "listed": listed, "shown": shown}


def _row(item: Mapping[str, Any]) -> dict[str, Any]:
    row = item.get("row")
    return {"row": item.get("code", "") if row is None else row, "value": item.get("value")}


def _field_title(class_id: str | None, name: str | None, catalogue: Catalogue, lang: Lang) -> str:
    """A column of the file as it is headed; what is named by its field bears the field's title."""
    if name == "geometry":
        return "图形" if lang == "zh" else "geometry"
    cls = catalogue.classes.get(class_id or "")
    field = None if cls is None else next((field for field in cls.fields if field.name == name), None)
    if field is None:
        return name or ""
    return field.title.zh if lang == "zh" else field.title.en


def _head(one: Mapping[str, Any], catalogue: Catalogue, lang: Lang) -> dict[str, Any]:
    state = "undone" if one["undone_by"] is not None else one["state"]
    counts = (one["report"] or {}).get("classes", {})
    return {
        "id": one["id"],
        "name": file_name(one["path"]),
        "state": state,
        "state_title": STATES[state][0 if lang == "zh" else 1],
        "at": moment(one["finished_at"] or one["started_at"] or one["at"]),
        "who": one["who"],
        "licence": one["licence"],
        "classes": [
            {"id": class_id, "title": _title(class_id, catalogue, lang), **_counts(found)}
            for class_id, found in counts.items()
        ],
    }


def file_name(path: str) -> str:
    """The name of a file: where it lay on the server is nobody's business."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


def _counts(found: Mapping[str, Any]) -> dict[str, int]:
    return {name: found.get(name, 0) for name in ("loaded", *COUNTS)}


def _title(class_id: str, catalogue: Catalogue, lang: Lang) -> str:
    cls = catalogue.classes.get(class_id)
    if cls is None:
        return class_id
    return cls.title.zh if lang == "zh" else cls.title.en


def _layer(layer: Mapping[str, Any], catalogue: Catalogue, lang: Lang) -> dict[str, Any]:
    cls = catalogue.classes.get(layer["class"])
    fields = {} if cls is None else {field.name: field for field in cls.fields}

    def title(name: str) -> str:
        field = fields.get(name)
        return name if field is None else (field.title.zh if lang == "zh" else field.title.en)

    return {
        "name": layer["layer"],
        "class_title": _title(layer["class"], catalogue, lang),
        "rows": layer.get("rows"),
        "crs": layer.get("crs"),
        "how": KNOWN_BY.get(layer["how"], layer["how"])
        if lang == "zh" and "how" in layer
        else layer.get("how"),
        "encoding": layer.get("encoding"),
        "key": layer.get("key"),
        "evidence": [
            say_on_page(text, lang) for text in (*layer.get("evidence", ()), *layer.get("notes", ()))
        ],
        "warnings": [say_on_page(text, lang) for text in layer.get("warnings", ())],
        "columns": [(heading, name, title(name)) for heading, name in layer.get("headings", {}).items()],
        "conversions": layer.get("conversions", ()),
        "suggestions": layer.get("suggestions", ()),
        "extra": layer.get("extra", ()),
        "left": layer.get("left", ()),
    }
