"""What a file is before anything of it is loaded, as plain values: columns, first rows, first places.

Pure. Sentences stand in both languages, for whoever looks at them before the import.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from app.catalogue.model import FeatureClass
from app.errors import ChengtuError
from app.ingest.headings import Meaning, unit_notes
from app.ingest.layer import Layer, LayerSource
from app.ingest.place import place_layer
from app.ingest.planning import LayerPlan
from app.ingest.points import PlaceColumns
from app.space.city_systems import CitySystems
from app.words.sentences import in_chinese, over_http

#: Of each layer so many rows and columns are told, each value as far as this.
SHOWN_ROWS, SHOWN_COLUMNS, SHOWN_TEXT = 8, 300, 120
#: So many features of a layer are drawn; shapes of more places than this are simplified.
DRAWN, DRAWN_PLACES = 300, 400
#: Decimals of a drawn degree: a tenth of a metre.
DECIMALS = 6
#: What the columns of a place are, by how it is written in them; of the other kinds nothing is chosen.
PLACE_ROLES: Mapping[str, tuple[str, ...]] = {
    "degrees": ("lon", "lat"), "metres": ("east", "north"), "pair": ("text",), "wkt": ("wkt",), "wkb": ("wkb",),
    "geojson": ("geojson",),
}  # fmt: skip


def both(text: str) -> dict[str, str]:
    """A sentence in both languages; in English where it has no Chinese."""
    return {"zh": over_http(in_chinese(text) or text), "en": over_http(text)}


def problem_view(error: ChengtuError) -> dict[str, Any]:
    """Why something cannot be loaded as it stands, and what to do."""
    hint = None if error.hint is None else both(error.hint)
    return {"message": both(error.message), "hint": hint}


def field_views(cls: FeatureClass) -> list[dict[str, Any]]:
    """The fields of a class from which a column's meaning is chosen."""
    return [
        {"name": item.name, "title": {"zh": item.title.zh, "en": item.title.en}, "unit": item.unit}
        for item in cls.fields
    ]


def layer_view(
    source: LayerSource, columns: Sequence[Mapping[str, Any]], first: Layer | None
) -> dict[str, Any]:
    """What holds for a layer whether it is understood or not; `first` is its first chunk."""
    shown = source.headings[:SHOWN_COLUMNS]
    count = 0 if first is None else min(SHOWN_ROWS, len(first.rows))
    return {
        "layer": source.name,
        "rows": source.count,
        "encoding": source.encoding,
        "spatial": source.spatial,
        "headings": list(shown),
        "more_columns": len(source.headings) - len(shown),
        "first": [] if first is None else [[_text(first, name, i) for name in shown] for i in range(count)],
        "columns": list(columns),
    }


def _text(layer: Layer, heading: str, row: int) -> str | None:
    value = layer.columns.get(heading, ())[row : row + 1]
    return None if not value or value[0] is None else str(value[0])[:SHOWN_TEXT]


def column_views(
    source: LayerSource, meaning: Meaning | None, key: str | None, places: PlaceColumns | None
) -> list[dict[str, Any]]:
    """Each column with its role: `field:NAME`, `key`, `place:ROLE`, `extra`, `drop`; `auto` cannot be chosen.

    Without a `meaning`, while no class is known, there are none.
    """
    if meaning is None:
        return []
    roles = dict.fromkeys(source.headings, "auto")
    roles |= dict.fromkeys(meaning.rest, "extra") | dict.fromkeys(meaning.left, "drop")
    roles |= {name: f"field:{field.name}" for name, field in meaning.fields.items()}
    roles |= {name: role for name, role in ((meaning.name, "field:name"), (key, "key")) if name is not None}
    roles |= _place_roles(places)
    units = {item["heading"]: item for item in unit_notes(meaning)}
    return [
        {"heading": name, "role": roles[name], "unit": units.get(name)}
        for name in source.headings[:SHOWN_COLUMNS]
    ]


def _place_roles(places: PlaceColumns | None) -> dict[str, str]:
    if places is None:
        return {}
    roles = PLACE_ROLES.get(places.kind)
    if roles is None:
        return dict.fromkeys(places.columns, "auto")
    return {name: f"place:{role}" for name, role in zip(places.columns, roles, strict=True)}


def plan_view(plan: LayerPlan) -> dict[str, Any]:
    """How a layer that is understood is read, with the evidence."""
    told = plan.as_dict()
    return {
        "class": plan.cls.id,
        "own_export": told["own_export"],
        "key": told["key"],
        "crs": told["crs"],
        "how": told["how"],
        "evidence": [both(text) for text in (*told["evidence"], *told["notes"])],
        "warnings": [both(text) for text in told["warnings"]],
        "candidates": told["candidates"],
        "suggestions": [{"heading": item["heading"], "field": item["field"]} for item in told["suggestions"]],
    }


def plan_features(plan: LayerPlan, systems: CitySystems) -> list[dict[str, Any]]:
    """The first features of a layer in EPSG:4326, each with its row and what it is called."""
    label = plan.rows.meaning.name or plan.rows.key
    found: Iterator[dict[str, Any]] = (
        item
        for chunk in plan.prepared.chunks()
        for item in features(
            place_layer(chunk, plan.detection, None, systems).geometry[:DRAWN],
            [_label(chunk, label, i) for i in range(min(DRAWN, len(chunk.rows)))],
            chunk.rows,
        )
    )
    return list(islice(found, DRAWN))


def _label(chunk: Layer, heading: str | None, row: int) -> str:
    return "" if heading is None else _text(chunk, heading, row) or ""


def features(
    geometry: NDArray[np.object_], names: Sequence[str], rows: Iterable[int | str]
) -> Iterator[dict[str, Any]]:
    """Shapes (n,) in EPSG:4326 lon/lat that can be drawn, as GeoJSON geometries with name and row."""
    for shape, name, row in zip(geometry, names, rows, strict=False):
        drawn = _drawable(shape)
        if drawn is not None:
            yield {"row": row, "name": name[:SHOWN_TEXT], "geometry": orjson.loads(shapely.to_geojson(drawn))}


def _drawable(shape: Any) -> Any:
    if shape is None or shape.is_empty or not np.isfinite(shapely.get_coordinates(shape)).all():
        return None
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        return None
    flat = shapely.force_2d(shape)
    if shapely.get_num_coordinates(flat) > DRAWN_PLACES:
        flat = shapely.simplify(flat, max(east - west, north - south) / 500)
    return shapely.transform(flat, lambda places: np.round(places, DECIMALS))
