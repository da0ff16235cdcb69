"""Figures from units: sums and shares for the city and each area, parcels cut at borders, the frame of measurement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from app.coverage.lattice import SLIVER_M2
from app.coverage.shapes import solid
from app.network.model import Bools, Floats, Geometries, Ints


@dataclass(frozen=True, slots=True)
class AreaParts:
    """Units cut at the borders of areas: (p,) unit, (p,) area (-1: outside all) and (p,) polygon, ordered by unit."""

    unit: Ints
    area: Ints
    geometry: Geometries


def cut_by_areas(geoms: Geometries, areas: Geometries) -> AreaParts:
    """The polygons (u,) cut at the borders of `areas` (a,), which do not overlap; what lies in none has area -1."""
    tree = shapely.STRtree(geoms)
    area_in, unit_in = tree.query(areas, predicate="covers")
    whole = np.full(len(geoms), -1, dtype=np.int64)
    # a unit held by two areas that overlap belongs to the first
    whole[unit_in[::-1]] = area_in[::-1]
    area, unit = tree.query(areas, predicate="intersects")
    cut = whole[unit] < 0
    area, unit = area[cut].astype(np.int64), unit[cut].astype(np.int64)
    parts = solid(shapely.intersection(geoms[unit], areas[area]))
    real = shapely.area(parts) > SLIVER_M2
    inside = np.flatnonzero(whole >= 0)
    left, rest = _outside(geoms, np.flatnonzero(whole < 0), areas)
    return _ordered(
        np.concatenate((inside, unit[real], left)),
        np.concatenate((whole[inside], area[real], np.full(len(left), -1, dtype=np.int64))),
        np.concatenate((geoms[inside], parts[real], rest)),
    )


def clip_to_frame(geoms: Geometries, frame: shapely.Geometry | None) -> Geometries:
    """(u,) the part of each polygon inside the frame (built-up area, extent of the data), empty where none is."""
    if frame is None:
        return geoms
    shapely.prepare(frame)
    result = geoms.copy()
    crossing = np.flatnonzero(~shapely.covers(frame, geoms))
    result[crossing] = solid(shapely.intersection(geoms[crossing], frame))
    return result


def inside_frame(xy: Floats, frame: shapely.Geometry | None) -> Bools:
    """(k,) whether each point `xy` (k, 2) lies in the frame or on its edge; without a frame all do."""
    if frame is None:
        return np.ones(len(xy), dtype=bool)
    shapely.prepare(frame)
    return np.asarray(shapely.intersects_xy(frame, xy[:, 0], xy[:, 1]), dtype=bool)


def _outside(geoms: Geometries, unit: Ints, areas: Geometries) -> tuple[Ints, Geometries]:
    """(k,) units that reach beyond all areas and (k,) what of them lies there."""
    rest = solid(shapely.difference(geoms[unit], shapely.union_all(areas))) if len(unit) else geoms[unit]
    real = shapely.area(rest) > SLIVER_M2
    return unit[real], rest[real]


def _ordered(unit: Ints, area: Ints, geometry: Geometries) -> AreaParts:
    order = np.lexsort((area, unit))
    return AreaParts(unit[order], area[order], geometry[order])
