"""What a tile is made of: layers in order, each some rows of a class or of the runs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.catalogue.model import FeatureClass
from app.inventory.times import NOW, Times

#: The layer that tells what a tile leaves out.
THINNED = "thinned"


@dataclass(frozen=True, slots=True)
class Layer:
    """One collection in a tile.

    `source` stands after FROM and `where` chooses its rows; `values` are bound in both by name. `cls` is None for a
    collection of runs. `properties` are those that the address asks for, None: as the zoom has it. `current`: its rows
    are those of the class's own table, of now.
    """

    collection: str
    cls: FeatureClass | None
    source: str
    where: str
    values: Mapping[str, Any]
    properties: tuple[str, ...] | None = None
    current: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it holds all rows of its class as they are now."""
        return self.current and self.where == "TRUE"

    @property
    def last_zoom(self) -> int:
        """The zoom from which on the rule of its class draws all of its rows."""
        return 0 if self.cls is None else max(rule.zoom for rule in self.cls.zooms)


@dataclass(frozen=True, slots=True)
class Plan:
    """The layers of a tile; `classes` are those whose data versions decide its bytes, `runs` whether the runs do.

    `by_area`: an area's code chooses features, so that the areas decide them as well. `background`: the ground under
    every map, which has layers of its own (`background_store`), of `times`. `open_only`: public fields alone.
    """

    layers: tuple[Layer, ...]
    classes: tuple[FeatureClass, ...]
    runs: bool
    by_area: bool = False
    background: bool = False
    times: Times = NOW
    open_only: bool = False


@dataclass(frozen=True, slots=True)
class Thinned:
    """A layer of which a tile draws fewer than there are: `shown` of the `matched` features that meet its square.

    A feature meets the square where its bounding box in lon/lat does; the square has its west and north edges, not the
    other two. `exact` is False where counting ended early: there are at least `matched`.
    """

    collection: str
    shown: int
    matched: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Built:
    """A tile: its `body` in MVT 2.1, empty where nothing is there, and what it leaves out."""

    body: bytes
    thinned: tuple[Thinned, ...] = ()
