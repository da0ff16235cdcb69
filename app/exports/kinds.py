"""Layers of several kinds of geometry, for formats whose layers hold one kind only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import shapely

from app.catalogue.export_names import KIND_ENDINGS
from app.exports.arrow import changed_reader
from app.exports.model import ExportLayer
from app.lazy import lazy_module

pa = lazy_module("pyarrow")

TYPES = {"polygon": "MultiPolygon", "line": "MultiLineString", "point": "Point"}
_DIMENSIONS = {"polygon": 2, "line": 1, "point": 0}


def by_kind(layer: ExportLayer) -> list[ExportLayer]:
    """The layer itself where its type is known, else a layer for each kind that it holds: polygons, lines, points.

    The first of them keeps the name and the rows without a place; the others bear the kind at its end (`markets`,
    `markets_point`).
    """
    if layer.geometry_type != "Unknown":
        return [layer]
    held = [kind for kind in TYPES if layer.kinds.get(kind)] or ["point"]
    endings = {kind: ending for ending, kind in KIND_ENDINGS.items()}
    return [
        replace(
            _only(layer, kind, first=kind == held[0]),
            name=layer.name if kind == held[0] else f"{layer.name}{endings[kind]}",
            geometry_type=TYPES[kind],
        )
        for kind in held
    ]


def _only(layer: ExportLayer, kind: str, *, first: bool) -> ExportLayer:
    wanted = [_DIMENSIONS[kind], *([-1] if first else [])]
    kinds = {name: n for name, n in layer.kinds.items() if name == kind or (first and name == "none")}

    def take(batch: Any) -> Any:
        wkb = batch.columns[-1].to_numpy(zero_copy_only=False)
        dimension = shapely.get_dimensions(shapely.from_wkb(wkb))
        return batch.filter(pa.array(np.isin(dimension, wanted)))

    return changed_reader(replace(layer, kinds=kinds), take)
