"""Areal interpolation: people of cells given to the residential land in them, so that nobody is lost or made up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from app.coverage.model import Floats, Ints, Objects

#: People per m² of residential land above which not all of the cell's is known: towers at a plot ratio of 10 with 20 m²
#: of floor a person.
DENSEST = 0.5


@dataclass(frozen=True, slots=True)
class Interpolated:
    """People (u,) of each parcel and people (c,) that cells keep because no parcel lies in them, or too little of any.

    The two sums are those of the cells together, to 1e-9 of them.
    """

    land: Floats
    kept: Floats


def people_on_land(cells: Objects, people: Floats, land: Objects) -> Interpolated:
    """People (c,) of cells given to parcels (u,) by each parcel's share of the cell's residential land.

    Cells are polygons or points, parcels polygons that do not overlap, both in metres; a point's people go to the
    parcel it lies on. A cell that holds no residential land, or too little for its people, keeps them (binary
    dasymetric mapping, Wright 1936; the pycnophylactic condition, Tobler 1979).
    """
    cell, parcel, weight = _overlaps(cells, land)
    total = np.bincount(cell, weights=weight, minlength=len(cells))
    total[(shapely.get_dimensions(cells) == 2) & (people > total * DENSEST)] = 0.0
    real = total[cell] > 0
    cell, parcel, weight = cell[real], parcel[real], weight[real]
    given = people[cell] * weight / total[cell]
    on_land = np.bincount(parcel, weights=given, minlength=len(land)).astype(np.float64)
    return Interpolated(on_land, np.where(total > 0, 0.0, people))


def _overlaps(cells: Objects, land: Objects) -> tuple[Ints, Ints, Floats]:
    """Pairs of cell and parcel with the m² that they share; of a point 1 for the first parcel that it lies on."""
    tree = shapely.STRtree(land)
    polygon = shapely.get_dimensions(cells) == 2
    rows, points = np.flatnonzero(polygon), np.flatnonzero(~polygon)
    inside_cell, inside = tree.query(cells[rows], predicate="covers")
    cell, parcel = tree.query(cells[rows], predicate="intersects")
    cut = ~np.isin(cell * len(land) + parcel, inside_cell * len(land) + inside)
    cell, parcel = cell[cut], parcel[cut]
    shared = shapely.area(shapely.intersection(cells[rows[cell]], land[parcel]))
    real = shared > 0
    at, under = tree.query(cells[points], predicate="intersects")
    at, first = np.unique(at, return_index=True)
    return (
        np.concatenate((rows[inside_cell], rows[cell[real]], points[at])).astype(np.int64),
        np.concatenate((inside, parcel[real], under[first])).astype(np.int64),
        np.concatenate((shapely.area(land[inside]), shared[real], np.ones(len(at)))),
    )
