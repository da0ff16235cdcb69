"""Where a class has changed since some version: an edit on one side of the city leaves the tiles of the other. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from app.tiles.layer_sql import MARGIN
from app.tiles.matrix import Tile

#: Beyond the edge that shapes are drawn in, in sides of the tile: boxes are kept in single precision.
AROUND = MARGIN + 0.01


@dataclass(frozen=True, slots=True)
class Changed:
    """Rows that came to a class or left it, n of them in the order of their changes.

    `names` (n,) of the changes, `box` (4, n) west, south, east, north in degrees, `zoom` (n,) from which on each is
    drawn.
    """

    names: Sequence[str]
    box: NDArray[np.float64]
    zoom: NDArray[np.int64]


def no_change() -> Changed:
    """Nothing has changed."""
    return Changed((), np.empty((4, 0)), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class Touched:
    """All changes of a class from the version `floor` (not with it) to `version`; both as `version_store` names them.

    `last_zoom` is the zoom from which on its rule draws all of its features.
    """

    floor: str
    version: str
    last_zoom: int
    changed: Changed = field(default_factory=no_change)

    def until(self, version: str, more: Changed) -> Touched:
        """The same up to a later version, with what changed between."""
        held = self.changed
        together = Changed(
            [*held.names, *more.names],
            np.concatenate([held.box, more.box], axis=1),
            np.concatenate([held.zoom, more.zoom]),
        )
        return replace(self, version=version, changed=together)

    def version_at(self, tile: Tile) -> str:
        """The newest version that may have changed the tile: of all later ones it has the same bytes."""
        changed = self.changed
        if not changed.names:
            return self.floor
        west, south, east, north = tile.lonlat(AROUND)
        left, bottom, right, top = changed.box
        met = (right >= west) & (left <= east) & (top >= south) & (bottom <= north)
        if tile.z < self.last_zoom:
            # From which zoom on clusters give way is ruled by the whole class (`census.is_clustered`).
            met |= changed.zoom < self.last_zoom
        found = np.flatnonzero(met)
        return changed.names[found[-1]] if len(found) else self.floor
