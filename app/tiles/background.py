"""The composite ground as vector tiles: which layers a tile has at its zoom. Pure.

The groups, classes and zooms are those of the Folium pages (`app/maps/ground.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from app.catalogue.model import Catalogue
from app.inventory.times import NOW, Times
from app.maps.ground import DEEPEST, GROUND_CLASSES, NAMES, SHAPES, GroundNames, GroundShapes
from app.maps.layers import ZOOM_STEP
from app.tiles.layers import Plan

#: From this zoom on tiles hold all there is; deeper views are drawn from these.
LAST_ZOOM = DEEPEST
#: The layer of names.
LABELS = "labels"
#: What the names of layers begin with in files that hold the classes as well: both have a layer `streets`.
ARCHIVED = "ground_"
#: The attributes of each layer, by name and MVT type, for the documents on it.
ATTRIBUTES = {
    "streets": {
        "kind": "string", "bridge": "boolean", "tunnel": "boolean", "name_zh": "string", "name_en": "string",
    },
    "borders": {"level": "string"},
    LABELS: {"group": "string", "rank": "integer", "name_zh": "string", "name_en": "string"},
}  # fmt: skip


def background_plan(catalogue: Catalogue, times: Times = NOW) -> Plan:
    """The plan of a tile of the ground at a time; the versions of its classes decide its bytes."""
    return Plan(
        (),
        tuple(catalogue.get_class(class_id) for class_id in GROUND_CLASSES),
        runs=False,
        background=True,
        times=times,
    )


def layer_names() -> tuple[str, ...]:
    """The layers of the ground, in the order in which they are painted."""
    return (*(shapes.group for shapes in SHAPES), LABELS)


def shapes_at(z: int) -> Iterator[GroundShapes]:
    """The lines and areas of a tile of zoom `z`."""
    return (shapes for shapes in SHAPES if z + ZOOM_STEP >= shapes.from_zoom)


def names_at(z: int) -> Iterator[GroundNames]:
    """The classes that are named in a tile of zoom `z`, beside the areas."""
    return (names for names in NAMES if z + ZOOM_STEP >= names.from_zoom)
