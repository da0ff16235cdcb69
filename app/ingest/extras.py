"""What no field of a row took: kept beside its fields, by heading."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.ingest.headings import Meaning
from app.ingest.layer import Layer
from app.ingest.row_plan import name_of
from app.validation.values import LEAST, MOST, clean_text, plain


def make_extras(
    layer: Layer,
    meaning: Meaning,
    columns: Mapping[str, list[Any]],
    kept: Mapping[str, Mapping[int, Any]],
) -> list[dict[str, Any] | None]:
    """What no field took (n,), by heading, None where there is nothing; `kept` heading → position → raw value.

    Our own export's `extra` column is laid open again.
    """
    packed = layer.columns.get(meaning.extra) if meaning.extra is not None else None
    rest: dict[str, list[Any]] = {}
    for heading in meaning.rest:
        if heading in layer.columns:
            name, values = clean_text(heading), _plain_column(layer.columns[heading])
            rest[name] = _over(values, rest[name]) if name in rest else values
    odd = [(clean_text(heading), some) for heading, some in kept.items() if some]
    if packed is None and not odd and meaning.name is None:
        return _rows(rest, len(layer.rows))
    extras: list[dict[str, Any]] = [{} for _ in layer.rows] if packed is None else list(map(_unpack, packed))
    for extra, row in zip(extras, _rows(rest, len(layer.rows)), strict=True):
        extra.update(row or {})
    for heading, some in odd:
        for i, raw in some.items():
            extras[i][heading] = plain(raw)
    if meaning.name is not None:
        names = layer.columns.get(meaning.name)
        _keep_names(extras, clean_text(meaning.name), names or [None] * len(extras), columns)
    return [extra or None for extra in extras]


def _plain_column(values: Sequence[Any]) -> list[Any]:
    """`plain` of each value (n,)."""
    kinds = set(map(type, values))
    # Most columns hold text without anything to clean, or whole numbers, which costs little to find out.
    if kinds == {str} and "".join(values).isprintable():
        return [text or None for text in map(str.strip, values)]
    if kinds == {int} and min(values) >= LEAST and max(values) <= MOST:
        return list(values)
    return [plain(value) for value in values]


def _over(values: Sequence[Any], below: Sequence[Any]) -> list[Any]:
    """Values (n,) and, where there is none, those of another heading that reads the same."""
    return [old if new is None else new for new, old in zip(values, below, strict=True)]


def _rows(columns: Mapping[str, list[Any]], count: int) -> list[dict[str, Any] | None]:
    """Each row's values by heading, without those that are None."""
    if not columns:
        return [None] * count
    names = tuple(columns)
    if not any(None in values for values in columns.values()):
        return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [
        {name: value for name, value in zip(names, row, strict=True) if value is not None} or None
        for row in zip(*columns.values(), strict=True)
    ]


def _keep_names(
    extras: list[dict[str, Any]], heading: str, values: Sequence[Any], columns: Mapping[str, list[Any]]
) -> None:
    """A name that found the column of its language taken."""
    fields = [columns[field] for field in ("name_zh", "name_en") if field in columns]
    for i, raw in enumerate(values):
        name = name_of(raw)
        if name and all(column[i] != name for column in fields):
            extras[i][heading] = name


def _unpack(raw: Any) -> dict[str, Any]:
    try:
        found = json.loads(raw) if isinstance(raw, str) else None
    except ValueError:
        found = None
    if isinstance(found, dict):
        raw = found
    value = plain(raw)
    if isinstance(value, dict):
        return value
    return {} if value is None else {"extra": value}
