"""Builds the sample city: parameters → drawing in metres → batches in lon/lat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Catalogue
from app.inventory.batch import Batch
from app.sample import (
    metropolis,
    write_areas,
    write_facilities,
    write_green,
    write_homes,
    write_pipes,
    write_programmes,
    write_roadworks,
    write_sites,
    write_street_things,
    write_streets,
    write_waste,
)
from app.sample.city import Drawing, draw
from app.sample.divisions import dissolve
from app.sample.draw import Floats, Shapes
from app.sample.ground import Ground
from app.sample.parameters import Parameters, read_parameters
from app.sample.rows import Rows
from app.sample.versions import ALWAYS
from app.sample.write_areas import AreaCodes, area_codes
from app.settings import ROOT
from app.space.metric import metric_crs

PARAMETERS = ROOT / "geodata" / "sample"


@dataclass(frozen=True)
class SampleCity:
    """The sample as batches, its metric CRS, its extent (west, south, east, north) in degrees, and facts about it.

    The batches of a metropolis are drawn while they are read, once.
    """

    batches: Iterable[Batch]
    metric_crs: str
    extent: tuple[float, float, float, float]
    facts: Mapping[str, Any]


def build(size: str, catalogue: Catalogue, seed: int | None = None, folder: Path = PARAMETERS) -> SampleCity:
    """Draw the sample of a size, see `SIZES`; the same seed (by default the file's own) gives the same city.

    Raises:
    ------
    NotFound
        There is no such size.
    BadDeclaration
        Parameters or catalogue do not fit, or the seed leaves no room for a figure of the plan.
    """
    if size == "metropolis":
        return _metropolis(catalogue, folder, seed)
    parameters = read_parameters(folder, size, seed)
    crs = metric_crs(parameters["metric_crs"])
    drawing = draw(parameters, crs)
    batches = [rows.batch(catalogue, crs) for rows in write(drawing, parameters)]
    extent = _bounds(np.concatenate([batch.geometry for batch in batches]))
    return SampleCity(_merged(batches), crs.definition, extent, _facts(drawing, parameters))


def _bounds(shapes: Shapes) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    return west, south, east, north


def _metropolis(catalogue: Catalogue, folder: Path, seed: int | None) -> SampleCity:
    parameters = metropolis.read_metropolis(folder, seed)
    crs = metric_crs(parameters["metric_crs"])
    rows = metropolis.draw_rows(parameters, crs)
    areas = next(rows).batch(catalogue, crs)

    def batches() -> Iterator[Batch]:
        yield areas
        for part in rows:
            yield part.batch(catalogue, crs)

    return SampleCity(batches(), crs.definition, _bounds(areas.geometry), metropolis.facts(parameters))


def write(drawing: Drawing, parameters: Parameters) -> list[Rows]:
    """The rows of every class, areas first."""
    codes = area_codes(drawing, parameters)
    lines = write_streets.edge_lines(drawing)
    return [
        write_areas.district_rows(drawing, codes, parameters),
        write_areas.cell_rows(drawing, codes, parameters),
        write_areas.built_up_rows(drawing, codes, parameters),
        write_areas.water_rows(drawing, parameters),
        write_streets.street_rows(drawing, lines, parameters),
        write_streets.bridge_rows(drawing, lines, parameters),
        write_streets.tunnel_rows(drawing, lines, parameters),
        write_streets.light_rows(drawing, _districts(drawing, drawing.lights.xy, codes), parameters),
        write_streets.tree_rows(drawing, _districts(drawing, drawing.trees.xy, codes), parameters),
        write_homes.parcel_rows(drawing, parameters),
        write_homes.estate_rows(drawing, parameters),
        write_homes.gate_rows(drawing, parameters),
        write_homes.building_rows(drawing, parameters),
        write_homes.market_rows(drawing, parameters),
        write_green.park_rows(drawing, parameters),
        write_green.park_gate_rows(drawing, parameters),
        write_green.green_rows(drawing, parameters),
        write_green.greenway_rows(drawing, parameters),
        write_facilities.toilet_rows(drawing, _districts(drawing, drawing.toilets.xy, codes), parameters),
        write_facilities.car_park_rows(drawing, _plot_districts(drawing, codes), parameters),
        write_pipes.pipe_rows(drawing, parameters),
        write_pipes.node_rows(drawing, parameters),
        write_pipes.manhole_rows(
            drawing, _districts(drawing, write_pipes.covered_xy(drawing), codes), parameters
        ),
        *_further(Ground(drawing, lines, parameters)),
    ]


def _further(ground: Ground) -> list[Rows]:
    """The classes that are put where the city leaves room for them."""
    return [
        *write_street_things.street_things(ground),
        *write_roadworks.road_rows(ground),
        *write_sites.site_rows(ground),
        *write_waste.waste_rows(ground),
        *write_programmes.programme_rows(ground),
    ]


def _districts(drawing: Drawing, xy: Floats, codes: AreaCodes) -> list[str]:
    """The district's code for places (n, 2); a place on the very edge of the city counts to the nearest."""
    shapes = dissolve(drawing.lattice, drawing.divisions.district)
    nearest = np.asarray(shapely.STRtree(shapes).nearest(shapely.points(xy)))
    return [codes.district[k] for k in nearest.tolist()]


def _plot_districts(drawing: Drawing, codes: AreaCodes) -> list[str]:
    block = drawing.plots.block[drawing.car_parks.plot]
    return [codes.district[k] for k in drawing.divisions.district[block]]


def _merged(batches: list[Batch]) -> list[Batch]:
    """One batch a class: parcels and estates share theirs."""
    found: dict[str, Batch] = {}
    for batch in batches:
        other = found.get(batch.class_id)
        found[batch.class_id] = batch if other is None else _joined(other, batch)
    return list(found.values())


def _joined(one: Batch, other: Batch) -> Batch:
    columns = {}
    for name in [*one.columns, *(name for name in other.columns if name not in one.columns)]:
        first = one.columns.get(name, [None] * len(one.codes))
        columns[name] = [*first, *other.columns.get(name, [None] * len(other.codes))]
    geometry = np.concatenate([one.geometry, other.geometry])
    valid = None
    if one.valid is not None or other.valid is not None:
        valid = [span for part in (one, other) for span in part.valid or [ALWAYS] * len(part.codes)]
    return Batch(
        one.class_id, one.codes + other.codes, geometry, columns, one.extra + other.extra, valid=valid
    )


def _facts(drawing: Drawing, parameters: Parameters) -> dict[str, Any]:
    """What a reader of the sample should know about how it was drawn."""
    lattice, divisions = drawing.lattice, drawing.divisions
    return {
        "size": parameters.size,
        "seed": parameters.seed,
        "as_of": parameters.as_of.isoformat(),
        "before": parameters.before.isoformat(),
        "area_km2": float(lattice.area_m2[lattice.inside].sum() / 1e6),
        "built_up_km2": float(lattice.area_m2[divisions.built].sum() / 1e6),
        "old_districts_km2": float(lattice.area_m2[divisions.old].sum() / 1e6),
        "grid_cells": "unit grid cells are drawn in the old districts only",
        "names": "all names and codes are invented; area codes begin with 99, a prefix that GB/T 2260 never gave out",
    }
