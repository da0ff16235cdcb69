"""OSM objects between the process that reads them and the importer: classes as JSON in, objects as a layer out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from app.catalogue.model import FeatureClass, OsmRule, Symbol, Title
from app.errors import UnreadableFile
from app.ingest.layer import CHUNK_ROWS, Layer, LayerSource
from app.ingest.osm_data import OsmData, OsmObject

NAME = "osm"
_NOTHING = Title("", "")
Json = Mapping[str, Any]


def classes_to_json(classes: Sequence[FeatureClass]) -> list[dict[str, Any]]:
    """What reading needs to know of classes: their kind of geometry, and the tags that their rules ask for."""
    return [
        {
            "id": cls.id,
            "geometry": cls.geometry,
            "rules": [{"tags": dict(rule.tags), "unless": dict(rule.unless)} for rule in cls.osm],
        }
        for cls in classes
    ]


def bare_classes(items: Iterable[Json]) -> list[FeatureClass]:
    """Classes with nothing but what `classes_to_json` keeps of them."""
    return [
        FeatureClass(
            item["id"], _NOTHING, _NOTHING, "", item["geometry"], (), Symbol("·", "#000000"), (),
            osm=tuple(OsmRule(_lists(rule["tags"]), _lists(rule["unless"])) for rule in item["rules"]),
        )
        for item in items
    ]  # fmt: skip


def _lists(tags: Json) -> dict[str, tuple[str, ...]]:
    return {key: tuple(values) for key, values in tags.items()}


def osm_layers(data: OsmData, classes: Sequence[FeatureClass]) -> Iterator[Layer]:
    """The objects in chunks; a match is the number of its class in `classes` and that of its rule."""
    numbers = {cls.id: i for i, cls in enumerate(classes)}
    for start in range(0, max(len(data.objects), 1), CHUNK_ROWS):
        part = data.objects[start : start + CHUNK_ROWS]
        columns: dict[str, list[Any]] = {
            "code": [item.code for item in part],
            "tags": [orjson.dumps(item.tags).decode() for item in part],
            "matches": [orjson.dumps(_numbered(item, numbers)).decode() for item in part],
            "closed": [item.closed for item in part],
            "missing": [item.missing for item in part],
            "nodes": [item.nodes for item in part],
        }
        faults = {i: item.fault for i, item in enumerate(part) if item.fault is not None}
        rows = list(range(start, start + len(part)))
        geometry = data.geometry[start : start + len(part)]
        yield Layer(NAME, rows, geometry, columns, "EPSG:4326", faults, data.extent)


def _numbered(item: OsmObject, numbers: Mapping[str, int]) -> list[tuple[int, int]]:
    # The first rule that is the very same object: two rules may be equal.
    return [
        (numbers[cls.id], next(i for i, known in enumerate(cls.osm) if known is rule))
        for cls, rule in item.matches
    ]


def osm_data(layers: Sequence[LayerSource], classes: Sequence[FeatureClass]) -> OsmData:
    """The objects of `osm_layers`, with the whole `classes` in the place of bare ones.

    Raises:
        UnreadableFile: They are not such layers.
    """
    try:
        chunks = [(chunk, _objects(chunk, classes)) for layer in layers for chunk in layer.chunks()]
        extent = layers[0].extent
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise UnreadableFile("The file was not read to its end.", "Import it once more.") from error
    shapes = [np.empty(0, dtype=object), *(chunk.geometry for chunk, _ in chunks)]
    return OsmData([item for _, found in chunks for item in found], np.concatenate(shapes), extent)


def _objects(chunk: Layer, classes: Sequence[FeatureClass]) -> list[OsmObject]:
    names = ("code", "tags", "matches", "closed", "missing", "nodes")
    rows = zip(*(chunk.columns[name] for name in names), strict=True)
    return [
        OsmObject(
            code, orjson.loads(tags), [(classes[i], classes[i].osm[k]) for i, k in orjson.loads(matches)],
            closed=closed, missing=missing, nodes=nodes, fault=chunk.faults.get(position),
        )
        for position, (code, tags, matches, closed, missing, nodes) in enumerate(rows)
    ]  # fmt: skip
