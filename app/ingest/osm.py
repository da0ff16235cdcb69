"""OSM objects → batches: shapes collected as arrays, cleaned, and every object that is not whole told apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.catalogue.model import FeatureClass, OsmRule
from app.ingest.osm_data import OsmData, OsmObject
from app.ingest.osm_rules import OsmFields
from app.inventory.batch import Batch, Reject
from app.validation.clean import CleanRows, clean_rows, shape_hint

SOURCE = "OpenStreetMap"
LICENCE = "ODbL-1.0"
ATTRIBUTION = "© OpenStreetMap contributors"
CUT_HINT = "The extract ends here: take a larger one that holds the whole object."


@dataclass(frozen=True, slots=True)
class OsmBatch:
    """A batch with what the report says beside it: objects that are cut off, and shapes that were repaired."""

    batch: Batch
    cut: list[dict[str, Any]]
    repaired: list[dict[str, Any]]


def make_batches(data: OsmData, classes: list[FeatureClass]) -> list[OsmBatch]:
    """One batch for each class that takes at least one object.

    A line class keeps the pieces of a line whose nodes are partly outside the file (`incomplete`); every other object
    with missing nodes is rejected with their number.
    """
    shapes = _draw(data)
    members: dict[str, list[tuple[int, OsmRule]]] = {}
    for i, item in enumerate(data.objects):
        for cls, rule in item.matches:
            members.setdefault(cls.id, []).append((i, rule))
    return [_make_batch(cls, data.objects, members[cls.id], shapes) for cls in classes if cls.id in members]


@dataclass(frozen=True, slots=True)
class _Shapes:
    """Shapes of all objects, as lines (n,) and as areas (n,): a class takes the one that fits it."""

    plain: NDArray[np.object_]
    areas: NDArray[np.object_]


def _draw(data: OsmData) -> _Shapes:
    """Closed ways, which are read as lines, are areas where a class asks for areas."""
    areas = data.geometry.copy()
    lines = shapely.get_type_id(areas) == shapely.GeometryType.LINESTRING
    closed = np.fromiter((item.closed for item in data.objects), dtype=bool, count=len(data.objects))
    rings = np.flatnonzero(lines & closed & (shapely.get_num_coordinates(areas) >= 4))
    places, owners = shapely.get_coordinates(areas[rings], return_index=True)
    areas[rings] = shapely.polygons(shapely.linearrings(places, indices=owners))
    return _Shapes(data.geometry, areas)


def _make_batch(
    cls: FeatureClass, objects: list[OsmObject], members: list[tuple[int, OsmRule]], shapes: _Shapes
) -> OsmBatch:
    lines = cls.geometry == "line"
    places = np.array([i for i, _ in members])
    geometry = (shapes.plain if lines else shapes.areas)[places].copy()
    items = [objects[i] for i in places]
    rejects = {k: _incomplete(item) for k, item in enumerate(items) if _is_refused(item, lines=lines)}
    geometry[list(rejects)] = None
    cleaned = clean_rows(geometry, cls, known=set(rejects))
    rejects |= {
        k: Reject(items[k].code, "geometry", None, reason, _hint(items[k], cls, reason))
        for k, reason in cleaned.reasons.items()
    }
    kept = [k for k in range(len(items)) if k not in rejects]
    batch = _fill(cls, [items[k] for k in kept], [members[k][1] for k in kept], cleaned.geometry[kept])
    batch.rejects.extend(rejects[k] for k in sorted(rejects))
    cut = [
        {
            "class": cls.id,
            "code": item.code,
            "missing": item.missing,
            "nodes": item.nodes,
            "kept": k not in rejects,
        }
        for k, item in enumerate(items)
        if item.missing
    ]
    return OsmBatch(batch, cut, _repairs(cls, items, cleaned))


def _is_refused(item: OsmObject, *, lines: bool) -> bool:
    return item.fault is not None or (item.missing > 0 and not lines)


def _incomplete(item: OsmObject) -> Reject:
    if not item.missing:
        return Reject(
            item.code, "geometry", None, item.fault or "it has no shape", "Mend it in OpenStreetMap."
        )
    told = item.fault or f"{item.missing} of {item.nodes} nodes missing"
    return Reject(item.code, "geometry", None, f"incomplete: {told}", CUT_HINT)


def _hint(item: OsmObject, cls: FeatureClass, reason: str) -> str:
    if item.code.startswith("w") and not item.closed and cls.geometry != "line":
        return "The way is not closed; it is drawn as a line in OpenStreetMap."
    return shape_hint(reason)


def _repairs(cls: FeatureClass, items: list[OsmObject], cleaned: CleanRows) -> list[dict[str, Any]]:
    return [{"class": cls.id, "row": items[k].code, **change} for k, change in cleaned.repaired.items()]


def _fill(
    cls: FeatureClass, items: list[OsmObject], rules: list[OsmRule], geometry: NDArray[np.object_]
) -> Batch:
    reader = OsmFields(cls)
    read: Callable[[dict[str, str], OsmRule], tuple[dict[str, Any], dict[str, Any]]] = reader.read
    rows = [read(item.tags, rule) for item, rule in zip(items, rules, strict=True)]
    columns = {name: [values.get(name) for values, _ in rows] for name in reader.names}
    return Batch(
        cls.id,
        [item.code for item in items],
        geometry,
        columns,
        [extra or None for _, extra in rows],
        incomplete=frozenset(item.code for item in items if item.missing),
    )
