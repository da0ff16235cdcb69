"""Rows of housing: parcels and estates, their gates, buildings, markets."""

from __future__ import annotations

import numpy as np
import shapely

from app.sample.assets import halls
from app.sample.city import Drawing
from app.sample.draw import Ints, points, polygons, signed_area
from app.sample.homes import buildings
from app.sample.names import make_names, numbered
from app.sample.parameters import Parameters
from app.sample.rows import NOTE, Rows, codes, days, pick, renovation_days
from app.sample.versions import changed_in_year, with_former

ENDINGS = (("新村", "Village"), ("小区", "Estate"), ("花园", "Garden"), ("苑", "Court"), ("家园", "Homes"))


def parcel_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """Residential land with its people: 0701 in town, 0703 in villages; counted at the end of each year."""
    land, n = drawing.parcels, len(drawing.parcels.plot)
    village = drawing.plots.use[land.plot] == "V"
    rows = Rows(
        "residential_areas",
        polygons(land.quad),
        codes("RL", n),
        {
            "kind": "land",
            "land_use_code": np.where(village, "0703", "0701"),
            "people": land.people,
            "households": _households(land.people),
            "state": "in_service",
            "note": NOTE,
        },
    )
    grown = np.flatnonzero(land.people != land.people_before)
    then = land.people_before[grown]
    former = {"people": then, "households": _households(then)}
    return with_former(rows, grown, [parameters.as_of] * len(grown), former)


def _households(people: Ints) -> Ints:
    return np.asarray(np.round(people / 2.7)).astype(np.int64)


def estate_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """Estates: age, and for old ones where their renovation stands."""
    homes, renewal = drawing.estates, drawing.renewal
    n, random = len(homes.year), parameters.rng("estate rows")
    names = numbered(make_names(parameters.rng("estate names")), n)
    # Only the old estates of the programme may be as old as that; the others were rebuilt since.
    year = np.where(renewal.old, homes.year, np.maximum(homes.year, 2001 + homes.year % 12))
    ending = np.where(renewal.old, random.integers(0, 2, n), random.integers(1, len(ENDINGS), n))
    renovation = np.where(renewal.done, "done", np.where(renewal.old, "planned", "none"))
    rows = Rows(
        "residential_areas",
        polygons(homes.quad),
        codes("RE", n),
        {
            "name_zh": [name.zh + ENDINGS[k][0] for name, k in zip(names, ending, strict=True)],
            "name_en": [f"{name.en} {ENDINGS[k][1]}" for name, k in zip(names, ending, strict=True)],
            "kind": "estate",
            "old": renewal.old,
            "built_year": year,
            "built_on": days(year, random),
            "renovation": renovation,
            "renovation_year": [int(y) if y else None for y in renewal.year],
            "renovated_on": renovation_days(renewal.year, parameters),
            "households": renewal.households,
            "houses": renewal.houses,
            "floor_area_m2": renewal.floor_area_m2,
            "gated": True,
            "green_pct": np.round(random.uniform(25, 40, n), 1),
            "plot_ratio": np.round(renewal.floor_area_m2 / signed_area(homes.quad), 2),
            "berths": (renewal.households * random.uniform(0.2, 0.9, n)).astype(int),
            "state": "in_service",
            "property_manager": [f"{name.zh}物业（示例）" for name in names],
            "note": [
                f"{parameters.as_of.year} 年改造计划 · {NOTE}" if p else NOTE for p in renewal.programme
            ],
        },
    )
    former = {"renovation": "planned", "renovation_year": None, "renovated_on": None}
    return changed_in_year(rows, "renovated_on", parameters.as_of.year, former)


def gate_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """Gates of estates: a main one each, side gates on big ones."""
    gates, random = drawing.estate_gates, parameters.rng("gate rows")
    n, streets = len(gates.xy), drawing.plan.streets
    estate = codes("RE", len(drawing.estates.year))
    main = gates.first
    return Rows(
        "residential_gates",
        points(gates.xy),
        codes("RG", n),
        {
            "kind": np.where(main, "main", "side"),
            "estate": [estate[k] for k in gates.owner],
            "access": "residents",
            "pedestrians": True,
            "vehicles": main,
            "open_24h": main,
            "guarded": main,
            "opening_hours": np.where(main, "24/7", "06:00-22:00"),
            "accessible": random.random(n) < 0.8,
            "width_m": np.where(main, 7.0, 2.5),
            "road": [streets[k].zh for k in gates.street],
            "state": "in_service",
            "note": NOTE,
        },
    )


def building_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """Slabs of the estates and the big buildings of other plots."""
    quads, estate, storeys = buildings(drawing.estates, parameters)
    hall_quads, plot = halls(drawing.plots, drawing.parks)
    random, homes, hall_count = parameters.rng("building rows"), len(quads), len(hall_quads)
    use = drawing.plots.use[plot]
    hall_storeys = np.where(use == "M", 2, random.integers(3, 18, hall_count))
    levels = np.concatenate([storeys, hall_storeys])
    shapes = polygons(np.concatenate([quads, hall_quads]))
    area = shapely.area(shapes)
    public = pick(("school", "office", "medical", "public"), (0.45, 0.25, 0.1, 0.2), hall_count, random)
    kind = ["residential"] * homes + [
        {"C": "commercial", "M": "industrial"}.get(u, other) for u, other in zip(use, public, strict=True)
    ]
    year = np.concatenate([drawing.estates.year[estate], random.integers(1985, 2022, hall_count)])
    estates = codes("RE", len(drawing.estates.year))
    return Rows(
        "buildings",
        shapes,
        codes("BD", len(shapes)),
        {
            "kind": kind,
            "storeys": levels,
            "height_m": np.round(levels * 3.1, 1),
            "floor_area_m2": np.round(area * levels, 1),
            "built_year": year,
            "structure": np.where(levels > 6, "frame", "masonry"),
            "dwellings": [int(a * k / 110) for a, k in zip(area[:homes], storeys, strict=True)]
            + [None] * hall_count,
            "estate": [estates[k] for k in estate] + [None] * hall_count,
            "protected": False,
            "state": "in_service",
            "note": NOTE,
        },
    )


def market_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """Wet markets, the key ones of the programme marked."""
    markets, random = drawing.markets, parameters.rng("market rows")
    n = len(markets.plot)
    names = make_names(parameters.rng("market names"))[:n]
    done = markets.key | (random.random(n) < 0.3)
    area = np.round(random.uniform(1200, 5200, n), 0)
    return Rows(
        "markets",
        points(markets.xy),
        codes("MK", n),
        {
            "name_zh": [f"{name.zh}农贸市场" for name in names],
            "name_en": [f"{name.en} Market" for name in names],
            "kind": "wet",
            "key_market": markets.key,
            "registered_area_m2": area,
            "floor_area_m2": np.round(area * 1.4),
            "stalls": (area / 22).astype(int),
            "standardised": done,
            "renovation": np.where(done, "done", "planned"),
            "roofed": True,
            "cold_store": random.random(n) < 0.5,
            "toilets_inside": random.random(n) < 0.7,
            "berths": random.integers(10, 90, n),
            "opening_hours": "05:30-19:00",
            "state": "in_service",
            "owner": "澄图市商务局（示例）",
            "built_on": days(random.integers(1992, 2020, n), random),
            "note": NOTE,
        },
    )
