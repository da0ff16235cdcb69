"""Everything one computation needs: frame of data, supply, demand and areas of a request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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
    load_people,
    shape_key,
)
from app.coverage.loader import Loader
from app.coverage.model import Inputs
from app.coverage.request import CoverageRequest
from app.coverage.snapping import walking_facts
from app.coverage.supply_loading import load_supplies, supply_facts


def load_inputs(loader: Loader, request: CoverageRequest) -> tuple[Inputs, dict[str, Any]]:
    """Everything one request needs, and what the result records about it (versions, frame, people outside the data)."""
    policy = request.policy
    areas, whole = load_areas(loader, request)
    built_up, dated = built_up_of(loader, policy)
    frame = frame_of(loader, policy)
    with ThreadPoolExecutor(1) as beside:
        # The network is built on one core while parcels are cut on the others.
        network = beside.submit(loader.streets_maker(step_free=request.step_free))
        parcels = load_parcels(loader, policy.land, areas, frame)
        streets = network.result()
    supplies = load_supplies(loader, request, streets)
    clip = intersection([built_up, whole])
    land = load_land(loader, request, parcels, clip, streets)
    people = load_people(loader, request, areas, frame, clip)
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
        "land_outside_data_m2": round(parcels.outside_m2, 1),
        "frame_declared": frame is not None,
        "built_up_area_used": built_up is not None,
        "built_up_area_as_of": dated,
        "supply": supply_facts(loader, request),
        "walking": walking_facts(inputs) if "walk" in request.modes else None,
        "has_supply": any(band.places.code for supply in supplies for band in supply.bands),
    }
