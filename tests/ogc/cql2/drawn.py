"""Three classes of a city's own with fields of every type, and rows drawn from a seed: what filters are tried on."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from app.inventory.batch import Batch
from tests.inventory.town import batch, districts

FIELDS = {
    "label": "text", "other": "text", "stalls": "integer", "seats": "integer", "width_m": "number",
    "open": "boolean", "day": "date", "begun": "datetime", "ended": "datetime",
}  # fmt: skip
GEOMETRIES = {"spots": "point", "ways": "line", "plots": "polygon"}
COUNT = 120
WORDS = [
    "Chișinău", "chisinau", "København", "Kobenhavn", "ÅNGSTRÖM", "Straße", "STRASSE", "ΌΔΟΣ", "όδος", "Łódź",
    "公厕", "公園 50%", "a_b", "A_B", "it's", "ab", "aB", "", "back\\slash", "𠮷野家", "Zürich", "naïve", "100 %",
]  # fmt: skip
_CLASS = """\
id: {id}
title: {{zh: {id}, en: {id}}}
description: {{zh: 测试, en: For tests}}
office: test
geometry: {geometry}
symbol: {{glyph: A, color: "#336699"}}
zooms: [{{zoom: 0}}]
fields:
{fields}
"""


#: Code → where it lies, its name, how many stalls, when it was built.
TOILETS = {
    "a": (shapely.Point(116.0, 28.0), "Chișinău", 4, date(2020, 1, 1)),
    "b": (shapely.Point(116.5, 28.5), "100 %", None, date(2021, 6, 30)),
    "c": (shapely.Point(-179.5, 10.0), None, 2**31, None),
    "d": (shapely.Point(179.5, 10.0), "it's", 0, date(2020, 1, 2)),
}


def write_classes(folder: Path) -> Path:
    """The folder of their declarations (CHENGTU_LOCAL)."""
    place = folder / "classes"
    place.mkdir(parents=True)
    lines = []
    for name, kind in FIELDS.items():
        unit = ", unit: m" if name.endswith("_m") else ""
        lines.append(f"  {name}: {{type: {kind}, title: {{zh: 的{name}, en: The {name}}}{unit}}}")
    for class_id, geometry in GEOMETRIES.items():
        text = _CLASS.format(id=class_id, geometry=geometry, fields="\n".join(lines))
        (place / f"{class_id}.yaml").write_text(text, encoding="utf-8")
    return folder


def batches(seed: int = 6) -> list[Batch]:
    """Rows of the three classes within 114° to 118° E and 26° to 30° N, in the city C of two districts, W and E."""
    draw = random.Random(seed)
    areas = {"C": (114, 26, 118, 30), "W": (114, 26, 116, 30), "E": (116, 26, 118, 30)}
    city = districts(**{code: shapely.box(*sides) for code, sides in areas.items()})
    return [city, *(_batch(class_id, draw) for class_id in GEOMETRIES), toilets(), lights()]


def toilets() -> Batch:
    """Four toilets with what is easily read wrong: signs of patterns, nulls, large numbers, both sides of 180°."""
    shapes = {code: place for code, (place, *_) in TOILETS.items()}
    names = {"name_zh": 1, "stalls": 2, "built_on": 3}
    return batch(
        "toilets", shapes, {name: [row[at] for row in TOILETS.values()] for name, at in names.items()}
    )


def lights() -> Batch:
    """Two lights: one that stood for a year, one that has stood since another."""
    stood = [(date(2020, 1, 1), date(2021, 1, 1)), (date(2022, 1, 1), None)]
    return replace(batch("street_lights", {code: TOILETS[code][0] for code in "ab"}), valid=stood)


def _batch(class_id: str, draw: random.Random) -> Batch:
    columns: dict[str, list[Any]] = {
        name: [None if draw.random() < 0.2 else _value(name, kind, draw) for _ in range(COUNT)]
        for name, kind in FIELDS.items()
    }
    for row, (begun, ended) in enumerate(zip(columns["begun"], columns["ended"], strict=True)):
        if begun is not None and ended is not None and begun > ended:
            columns["begun"][row], columns["ended"][row] = ended, begun
    shapes = np.array([_shape(class_id, draw) for _ in range(COUNT)] + [None], dtype=object)[:-1]
    return Batch(class_id, [f"{class_id}{n}" for n in range(COUNT)], shapes, columns, [None] * COUNT)


def _value(name: str, kind: str, draw: random.Random) -> Any:
    match kind:
        case "text":
            return draw.choice(WORDS)
        case "integer":
            return draw.randint(-3, 12)
        case "number":
            return draw.choice([0.0, 0.5, 1.25, 3.0, -2.5, round(draw.uniform(-5, 5), 3)])
        case "boolean":
            return draw.random() < 0.5
        case "date":
            return date(2020, 1, 1) + timedelta(days=draw.randint(0, 60))
        case _:
            return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=6 * draw.randint(0, 240))


def _shape(class_id: str, draw: random.Random) -> Any:
    west, south = draw.randint(0, 12) / 4 + 114, draw.randint(0, 12) / 4 + 26
    width, height = draw.randint(1, 4) / 4, draw.randint(1, 4) / 4
    if class_id == "spots":
        return shapely.Point(west, south)
    if class_id == "ways":
        return shapely.LineString([(west, south), (west + width, south + height)])
    if draw.random() < 0.5:
        return shapely.box(west, south, west + width, south + height)
    return shapely.Polygon([(west, south), (west + width, south), (west, south + height)])
