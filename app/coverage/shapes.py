"""Polygons by groups: collecting, uniting and keeping only what has an area."""

from __future__ import annotations

import numpy as np
import shapely

from app.network.model import Geometries, Ints

EMPTY = shapely.Polygon()
#: Parts narrower than a tenth of a millimetre are rounding, not land.
HAIR_M = 1e-4


def collect(geoms: Geometries, owner: Ints) -> tuple[Ints, Geometries]:
    """(g,) owners in ascending order and (g,) the collection of the geometries (k,) that each owns."""
    owners, group = np.unique(owner, return_inverse=True)
    if not len(owners):
        return owners, np.empty(0, dtype=object)
    order = np.argsort(group, kind="stable")
    return owners, np.asarray(shapely.geometrycollections(geoms[order], indices=group[order]))


def union_groups(groups: Geometries) -> Geometries:
    """(g,) the union of each collection's members."""
    if not len(groups):
        return groups
    return np.asarray(shapely.union_all(groups.reshape(-1, 1), axis=1))


def polygonal(geoms: Geometries) -> Geometries:
    """(k,) the polygons of each geometry: lines and points, left where shapes only touch, are dropped."""
    result = geoms.copy()
    flat = (shapely.get_dimensions(geoms) < 2) & ~shapely.is_missing(geoms)
    result[flat] = EMPTY
    mixed = np.flatnonzero(shapely.get_type_id(geoms) == shapely.GeometryType.GEOMETRYCOLLECTION)
    if not len(mixed):
        return result
    parts, owner = shapely.get_parts(geoms[mixed], return_index=True)
    solid = shapely.get_dimensions(parts) == 2
    result[mixed] = EMPTY
    owners, groups = collect(parts[solid], owner[solid])
    result[mixed[owners]] = union_groups(groups)
    return result


def solid(geoms: Geometries) -> Geometries:
    """(k,) the polygons of overlay results without hair-thin parts, which make GEOS answer wrongly later."""
    clean = polygonal(geoms)
    parts, owner = shapely.get_parts(clean, return_index=True)
    thin = shapely.area(parts) < shapely.length(parts) * (HAIR_M / 2)
    for i in np.unique(owner[thin]).tolist():
        kept = parts[(owner == i) & ~thin]
        clean[i] = kept[0] if len(kept) == 1 else shapely.MultiPolygon(kept.tolist())
    return clean


def multipolygons(geoms: Geometries) -> Geometries:
    """(k,) each polygon or multipolygon as a multipolygon; empty ones stay empty."""
    result = geoms.copy()
    single = np.flatnonzero(shapely.get_type_id(geoms) == shapely.GeometryType.POLYGON)
    bare = shapely.is_empty(geoms[single])
    result[single[bare]] = shapely.MultiPolygon()
    result[single[~bare]] = shapely.multipolygons(geoms[single[~bare]].reshape(-1, 1))
    return result
