"""Land by its bounding boxes: how far it lies from facilities at most, which settles most of it without an overlay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from app.coverage.nearest import MANY, NearestFacility
from app.network.model import Floats, Geometries, Ints


@dataclass(frozen=True, slots=True)
class Boxes:
    """The bounding boxes of polygons: (u,) west, south, east and north in metres, nan where a polygon is empty."""

    west: Floats
    south: Floats
    east: Floats
    north: Floats

    @property
    def x(self) -> Floats:
        """(u,) of the centre."""
        return (self.west + self.east) / 2

    @property
    def y(self) -> Floats:
        """(u,) of the centre."""
        return (self.south + self.north) / 2

    @property
    def spread_m(self) -> Floats:
        """(u,) half the diagonal: no point of a polygon is further from the centre of its box."""
        return np.hypot(self.east - self.west, self.north - self.south) / 2


def boxes_of(geoms: Geometries) -> Boxes:
    """The bounding boxes of polygons (u,)."""
    return Boxes(*shapely.bounds(geoms).T)


def centre_metres(boxes: Boxes, facilities: shapely.STRtree) -> Floats:
    """(u,) metres from the centre of each box to the nearest facility, inf without any, nan for an empty polygon."""
    x, y = boxes.x, boxes.y
    metres = np.where(np.isnan(x), np.nan, np.inf)
    solid = np.flatnonzero(~np.isnan(x))
    if len(solid) >= MANY:
        metres[solid] = NearestFacility(facilities.geometries).find(np.column_stack((x[solid], y[solid])))[0]
    elif len(solid) and len(facilities.geometries):
        centre = shapely.points(x[solid], y[solid])
        found = facilities.nearest(centre)
        metres[solid] = shapely.distance(centre, facilities.geometries[found])
    return metres


def furthest_m(boxes: Boxes, pieces: Boxes, owner: Ints) -> Floats:
    """(p,) metres that no point of a piece's box exceeds from the centre of its owner's box."""
    x, y = boxes.x[owner], boxes.y[owner]
    return np.hypot(
        np.maximum(x - pieces.west, pieces.east - x), np.maximum(y - pieces.south, pieces.north - y)
    )
