"""Layers of several kinds of geometry, for formats whose layers hold one kind only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray

from app.catalogue.export_names import KIND_ENDINGS
from app.exports.model import ExportLayer

TYPES = {"polygon": "MultiPolygon", "line": "MultiLineString", "point": "Point"}
_KIND_OF_TYPE = {0: "point", 1: "line", 2: "line", 3: "polygon", 4: "point", 5: "line", 6: "polygon"}


def by_kind(layer: ExportLayer) -> list[ExportLayer]:
    """The layer itself where its type is known, else a layer for each kind that it holds: polygons, lines, points.

    The first of them keeps the name; the others bear the kind at its end (`markets`, `markets_point`).
    """
    if layer.geometry_type != "Unknown":
        return [layer]
    types = shapely.get_type_id(shapely.from_wkb(layer.geometry))
    kinds = np.array([_KIND_OF_TYPE.get(int(kind), "point") for kind in types], dtype=object)
    held = [kind for kind in TYPES if (kinds == kind).any()] or ["point"]
    endings = {kind: ending for ending, kind in KIND_ENDINGS.items()}
    parts = []
    for kind in held:
        name = layer.name if kind == held[0] else f"{layer.name}{endings[kind]}"
        parts.append(
            replace(_take(layer, np.flatnonzero(kinds == kind)), name=name, geometry_type=TYPES[kind])
        )
    return parts


def _take(layer: ExportLayer, rows: NDArray[np.intp]) -> ExportLayer:
    chosen = rows.tolist()
    values = tuple([column[i] for i in chosen] for column in layer.values)
    return replace(layer, values=values, geometry=layer.geometry[rows])
