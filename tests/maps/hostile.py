"""A city whose every text is hostile, and the texts."""

from __future__ import annotations

import numpy as np
import shapely

from app.inventory.batch import Batch

HOSTILE = [
    "<img src=x onerror=window.ran=1>",
    "${window.ran=2}",
    "`;window.ran=3;`",
    "</script><script>window.ran=4</script>",
    "'\"><svg onload=window.ran=5>",
    "javascript:window.ran=6",
    "\\`;window.ran=7//",
    "{{constructor.constructor('window.ran=8')()}}",
    "\u202eabc<b onmouseover=window.ran=9>\u2028x",
    "长" * 10_000,
]


def hostile_batches() -> list[Batch]:
    """Toilets, parks, streets and a district whose every text is hostile."""
    spots = [(115.86 + i * 0.0006, 28.68) for i in range(len(HOSTILE))]
    points = np.array([shapely.Point(spot) for spot in spots], dtype=object)
    areas = np.array([shapely.box(x, y + 0.001, x + 0.0004, y + 0.0014) for x, y in spots], dtype=object)
    lines = np.array([shapely.LineString([(x, y - 0.001), (x, y + 0.003)]) for x, y in spots], dtype=object)
    texts = {"name_zh": HOSTILE, "owner": HOSTILE, "address": HOSTILE, "note": HOSTILE}
    codes = [f"{i}{text[:60]}" for i, text in enumerate(HOSTILE)]
    none = [None] * len(HOSTILE)
    return [
        Batch("toilets", codes, points, dict(texts), none),
        Batch("parks", codes, areas, dict(texts), none),
        Batch("streets", codes, lines, {**texts, "kind": ["primary"] * len(HOSTILE)}, none),
        Batch(
            "districts",
            [HOSTILE[0]],
            np.array([shapely.box(115.85, 28.67, 115.88, 28.69)], dtype=object),
            {"name_zh": [HOSTILE[3]], "level": ["city"]},
            [None],
        ),
    ]
