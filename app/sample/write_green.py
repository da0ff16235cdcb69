"""Rows of parks, their gates, green spaces and greenways."""

from __future__ import annotations

import numpy as np
import shapely

from app.sample.city import Drawing
from app.sample.draw import points
from app.sample.names import make_names
from app.sample.parameters import Parameters
from app.sample.rows import NOTE, Rows, codes, days, pick

OWNER = "澄图市园林绿化中心（示例）"


def park_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """The parks of the plan, then the pocket parks."""
    parks, random = drawing.parks, parameters.rng("park rows")
    n, area = len(parks.shape), shapely.area(parks.shape)
    names = make_names(parameters.rng("park names"))[:n]
    pocket = np.arange(n) >= parks.counted
    special = random.random(n) < 0.12
    kind = np.select(
        [pocket, special & (area > 50_000), area >= 100_000],
        ["pocket", "specialised", "comprehensive"],
        "community",
    )
    water = [float(np.round(shapely.area(lake))) if lake is not None else 0.0 for lake in parks.lake]
    year = np.where(
        pocket, random.integers(2018, parameters.as_of.year + 1, n), random.integers(1955, 2021, n)
    )
    return Rows(
        "parks",
        parks.shape,
        codes("PK", n),
        {
            "name_zh": [
                name.zh + ("口袋公园" if p else "公园") for name, p in zip(names, pocket, strict=True)
            ],
            "name_en": [
                f"{name.en} {'Pocket Park' if p else 'Park'}" for name, p in zip(names, pocket, strict=True)
            ],
            "kind": kind,
            "access": "public",
            "registered_area_m2": np.round(area),
            "green_area_m2": np.round(area * 0.78),
            "water_area_m2": water,
            "fee": False,
            "open_24h": True,
            "opening_hours": "24/7",
            "capacity": (area / 30).astype(int),
            "gates": np.bincount(drawing.park_gates.owner, minlength=n),
            "playground": random.random(n) < 0.6,
            "accessible": random.random(n) < 0.85,
            "historic": False,
            "upkeep_grade": pick(("first", "second", "third"), (0.4, 0.4, 0.2), n, random),
            "state": "in_service",
            "owner": OWNER,
            "maintainer": OWNER,
            "built_on": days(year, random),
            "note": NOTE,
        },
    )


def park_gate_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """Gates of parks, on their rims."""
    gates, park = drawing.park_gates, codes("PK", len(drawing.parks.shape))
    n = len(gates.xy)
    return Rows(
        "park_gates",
        points(gates.xy),
        codes("PG", n),
        {
            "kind": np.where(gates.first, "main", "side"),
            "park": [park[k] for k in gates.owner],
            "pedestrians": True,
            "vehicles": False,
            "open_24h": True,
            "opening_hours": "24/7",
            "fee": False,
            "accessible": parameters.rng("park gates").random(n) < 0.9,
            "width_m": np.where(gates.first, 8.0, 3.0),
            "road": [drawing.plan.streets[k].zh for k in gates.street],
            "state": "in_service",
            "note": NOTE,
        },
    )


GREEN_KIND = {"G1": "garden", "G2": "belt", "G3": "recreation_ground", "XG": "grass", "EG": "woodland"}


def green_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """All green spaces; those of class G1 are the parks, by code."""
    green, random = drawing.green, parameters.rng("green rows")
    n, park = len(green.shape), codes("PK", len(drawing.parks.shape))
    return Rows(
        "green_spaces",
        green.shape,
        codes("GS", n),
        {
            "kind": [GREEN_KIND[c] for c in green.green_class],
            "green_class": green.green_class,
            "access": np.where(green.open_, "open", "closed"),
            "park": [park[k] if k >= 0 else None for k in green.park],
            "canopy_pct": np.round(random.uniform(25, 80, n), 0),
            "irrigated": random.random(n) < 0.6,
            "upkeep_grade": pick(("first", "second", "third"), (0.25, 0.5, 0.25), n, random),
            "contracted": random.random(n) < 0.6,
            "state": "in_service",
            "owner": OWNER,
            "note": NOTE,
        },
    )


def greenway_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """Pieces of greenway, each with its route."""
    ways, random = drawing.greenways, parameters.rng("greenway rows")
    n, length = len(ways.line), shapely.length(ways.line)
    return Rows(
        "greenways",
        ways.line,
        codes("GW", n),
        {
            "name_zh": ways.zh,
            "name_en": ways.en,
            "route": ways.zh,
            "network": ways.network,
            "kind": pick(("urban", "ecological", "suburban"), (0.7, 0.2, 0.1), n, random),
            "registered_length_m": np.round(length, 1),
            "width_m": random.choice([2.5, 3.0, 4.0], n),
            "surface": "asphalt",
            "walking": True,
            "cycling": random.random(n) < 0.8,
            "lit": random.random(n) < 0.7,
            "stations": random.integers(0, 3, n),
            "shade_pct": np.round(random.uniform(20, 90, n)),
            "accessible": True,
            "state": "in_service",
            "owner": OWNER,
            "built_on": days(ways.year, random),
            "note": NOTE,
        },
    )
