"""Everything one computation needs: frame of data, supply, demand and areas of a request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from app.coverage.area_loading import load_areas
from app.coverage.demand_loading import (
    built_up_of,
    frame_of,
    intersection,
    leaving_key,
    load_also,
    load_land,
    load_parcels,
    shape_key,
)
from app.coverage.loader import Loader
from app.coverage.model import Inputs
from app.coverage.people_loading import find_people, load_people, with_people_of_cells
from app.coverage.request import CoverageRequest
from app.coverage.snapping import walking_facts
from app.coverage.supply_loading import load_supplies, supply_facts
from app.coverage.units import count_off_scale


def needs_streets(request: CoverageRequest) -> bool:
    """Whether a request reads the walking network: a straight line alone knows no streets, unless they are demand."""
    return "walk" in request.modes or any(demand.basis == "streets" for demand in request.policy.also)


def _off_scale(loader: Loader, inputs: Inputs) -> dict[str, int]:
    """How many places of each class lie where the metric CRS is not true to 0.1 %: metres and m² are wrong there."""
    units = inputs.people.units
    places = [(inputs.policy.land.cls, inputs.land.places)]
    places += [] if units is None else [(str(inputs.people.cls), units.places)]
    places += [(band.cls, band.places) for supply in inputs.supplies for band in supply.bands]
    found = {cls: count_off_scale(loader.crs, its.geometry) for cls, its in places}
    return {cls: count for cls, count in found.items() if count}


def _none() -> None:
    """No network."""


def load_inputs(loader: Loader, request: CoverageRequest) -> tuple[Inputs, dict[str, Any]]:
    """Everything one request needs, and what the result records about it (versions, frame, people outside the data)."""
    policy = request.policy
    areas, whole = load_areas(loader, request)
    built_up, dated = built_up_of(loader, policy)
    frame = frame_of(loader, policy)
    walked = "walk" in request.modes
    with ThreadPoolExecutor(1) as beside:
        # The network is built on one core while parcels are cut on the others.
        streets_maker = loader.streets_maker(step_free=request.step_free) if needs_streets(request) else _none
        network = beside.submit(copy_context().run, streets_maker)
        parcels = load_parcels(loader, policy.land, areas, frame, walked=walked)
        streets = network.result()
    supplies = load_supplies(loader, request, streets)
    clip = intersection([built_up, whole])
    land = load_land(loader, request, parcels, clip, streets)
    found = find_people(loader, request, frame)
    people = load_people(found, areas, clip)
    land, on_land = with_people_of_cells(loader, request, found, parcels, land, clip)
    inputs = Inputs(
        policy,
        areas,
        land,
        people,
        supplies,
        streets,
        request.speed_m_s,
        policy.snap_limit_m,
        (*leaving_key(loader, request, parcels), shape_key(clip)),
        loader.cache,
        load_also(loader, request, areas, frame, built_up, clip),
    )
    return inputs, {
        "people_source": people.cls,
        "people_rule": people.rule if people.cls else None,
        "people_outside_data": round(people.outside),
        **people.about,
        **on_land,
        "land_outside_data_m2": round(parcels.outside_m2, 1),
        "frame_declared": frame is not None,
        "built_up_area_used": built_up is not None,
        "built_up_area_as_of": dated,
        "supply": supply_facts(loader, request),
        "off_scale": _off_scale(loader, inputs),
        "walking": walking_facts(inputs) if "walk" in request.modes else None,
        "has_supply": any(band.places.code for supply in supplies for band in supply.bands),
    }
