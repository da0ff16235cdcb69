"""Writes what an import used as a mapping file, with what nothing took as comments that can be made lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.catalogue.model import FeatureClass
from app.errors import BadInput
from app.ingest.headings import Meaning
from app.ingest.likeness import CODE
from app.ingest.mapping import NAME, OPTIONS, ColumnMapping, LayerMapping, SavedMapping

HEAD = """\
# 导入映射 / Import mapping: chengtu import FILE --mapping THIS-FILE
# columns: 表头 → 字段 heading → field; null 只留在附加属性 keeps it beside them; drop: 不保留 not kept
#   表头: {field: …, unit: 亩, values: {"旱厕": dry, "*": other}, unknown: extra}
#   unit 数值单位 of bare numbers · values 取值对照 · unknown: reject 拒绝该行 | extra 原值留在附加属性
# constants: 字段: 值 for rows that say nothing · where: 只取部分行 takes part of the rows · class: 图层所属类别
"""


def used_mapping(
    cls: FeatureClass, layer: str | None, meaning: Meaning, mapping: LayerMapping | None
) -> LayerMapping:
    """What the import of a layer used, in full: `mapping` and what was matched by name beside it."""
    columns: dict[str, ColumnMapping | None] = {
        heading: _used_column(heading, field.name, meaning) for heading, field in meaning.fields.items()
    }
    if meaning.name is not None:
        columns[meaning.name] = ColumnMapping(NAME)
    base = mapping or LayerMapping(cls.id)
    ignored = {heading: None for heading, found in base.columns.items() if found is None}
    used = base.with_options(layer=base.layer or layer, key=meaning.key)
    return replace(used, columns=columns | ignored, drop=meaning.left)


def _used_column(heading: str, field: str, meaning: Meaning) -> ColumnMapping:
    rule, unit = meaning.rules.get(heading), meaning.units.get(heading)
    if rule is None:
        return ColumnMapping(field, unit.symbol if unit is not None else None)
    return ColumnMapping(field, unit.symbol if unit is not None else rule.unit, rule.values, rule.unknown)


def save_mapping(
    path: Path,
    saved: SavedMapping,
    suggestions: Iterable[Mapping[str, Any]] = (),
    rest: Mapping[str, Iterable[str]] | None = None,
) -> None:
    """Write a mapping that `load_mapping` reads back as it is; a file that is there is never overwritten.

    `rest` names, by layer, the headings that no field took; each becomes a comment, with its suggestion where there is
    one (see `likeness.suggest_fields`).

    Raises:
        BadInput: There is such a file already, or it cannot be written.
    """
    text = write_mapping(saved, suggestions, rest or {})
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise BadInput(
            f"There is a file '{path.name}' already.",
            "Name another file for the mapping, or remove that one.",
        ) from error
    except OSError as error:
        raise BadInput(
            f"'{path.name}' cannot be written: {error.strerror}.", "Name a file elsewhere."
        ) from error


def write_mapping(
    saved: SavedMapping, suggestions: Iterable[Mapping[str, Any]], rest: Mapping[str, Iterable[str]]
) -> str:
    """The text of a mapping file."""
    likely = {(item["layer"], item["heading"]): item for item in suggestions}
    lines = HEAD.splitlines()
    if len(saved.layers) != 1:
        lines.append("layers:")
    for item in saved.layers:
        names = list(rest) if len(saved.layers) == 1 else [item.layer or ""]
        left = [
            (heading, likely.get((name, heading)))
            for name in names
            for heading in rest.get(name, ())
            if heading not in item.columns and heading not in item.drop
        ]
        found = list(_layer_lines(item, left))
        if len(saved.layers) != 1:
            found = [("  - " if number == 0 else "    ") + line for number, line in enumerate(found)]
        lines += found
    return "\n".join(lines) + "\n"


def _layer_lines(item: LayerMapping, left: list[tuple[str, Mapping[str, Any] | None]]) -> Iterator[str]:
    yield f"class: {item.class_id}"
    for name in OPTIONS:
        value = getattr(item, name)
        if value is not None:
            yield f"{name}: {_quoted(value)}"
    keys = [pair for pair in left if pair[1] is not None and pair[1]["field"] == CODE]
    yield from (f"# key: {_quoted(heading)}  # {_perhaps(likely)}" for heading, likely in keys if likely)
    others = [pair for pair in left if pair not in keys]
    if item.columns or others:
        yield "columns:"
        yield from (f"  {_quoted(heading)}: {_column(found)}" for heading, found in item.columns.items())
        yield from (f"  # {_unmatched(heading, likely)}" for heading, likely in others)
    for name in ("constants", "places"):
        values = getattr(item, name)
        if values:
            yield f"{name}:"
            yield from (f"  {_quoted(key)}: {_scalar(value)}" for key, value in values.items())
    if item.drop:
        yield f"drop: [{', '.join(map(_quoted, item.drop))}]"


def _unmatched(heading: str, likely: Mapping[str, Any] | None) -> str:
    if likely is None:
        return f"{_quoted(heading)}: null  # 未匹配 not matched, kept beside the fields"
    return f"{_quoted(heading)}: {likely['field']}  # {_perhaps(likely)}"


def _perhaps(likely: Mapping[str, Any]) -> str:
    return f"未匹配 not matched; perhaps {likely['title']}, 相似度 likeness {likely['likeness']:.2f}"


def _column(found: ColumnMapping | None) -> str:
    if found is None:
        return "null"
    parts = [f"unit: {_quoted(found.unit)}"] if found.unit is not None else []
    if found.values:
        pairs = (f"{_quoted(word)}: {_scalar(value)}" for word, value in found.values.items())
        parts.append(f"values: {{{', '.join(pairs)}}}")
    if found.unknown != "reject":
        parts.append(f"unknown: {found.unknown}")
    return f"{{{', '.join([f'field: {found.field}', *parts])}}}" if parts else found.field


def _scalar(value: Any) -> str:
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")  # the reader of declarations knows no exponents
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """A text as YAML in double quotes; what does not print is written by its number."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(mark if mark.isprintable() else f"\\U{ord(mark):08x}" for mark in plain) + '"'
