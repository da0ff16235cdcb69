"""Rows of parks, their gates, green spaces and greenways."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from app.sample.city import Drawing
from app.sample.draw import Floats, points
from app.sample.names import make_names
from app.sample.parameters import Parameters
from app.sample.park_works import ParkWorks
from app.sample.rows import NOTE, Rows, codes, days, pick
from app.sample.versions import begun, begun_in_year, with_former

OWNER = "澄图市园林绿化中心（示例）"


def park_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """The parks of the plan, then the pocket parks; new ones came in the year, rebuilt ones were smaller before."""
    parks, works, random = drawing.parks, drawing.park_works, parameters.rng("park rows")
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
    year = random.integers(1955, parameters.as_of.year, n)
    built = [
        day if new else old for day, new, old in zip(works.day, works.opened, days(year, random), strict=True)
    ]
    rows = Rows(
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
            **_sizes(area),
            "water_area_m2": water,
            "fee": False,
            "open_24h": True,
            "opening_hours": "24/7",
            "gates": np.bincount(drawing.park_gates.owner, minlength=n),
            "playground": random.random(n) < 0.6,
            "accessible": random.random(n) < 0.85,
            "historic": False,
            "upkeep_grade": pick(("first", "second", "third"), (0.4, 0.4, 0.2), n, random),
            "state": "in_service",
            "owner": OWNER,
            "maintainer": OWNER,
            "built_on": built,
            "renovated_on": [day if r else None for day, r in zip(works.day, works.rebuilt, strict=True)],
            "note": NOTE,
        },
    )
    grown = np.flatnonzero(works.rebuilt)
    former: dict[str, Any] = {
        "renovated_on": None,
        "playground": False,
        "accessible": False,
        "upkeep_grade": "third",
    }
    former |= _sizes(shapely.area(works.former[grown]))
    former["gates"] = np.bincount(drawing.park_gates.owner[~works.new_gate], minlength=n)[grown]
    return _before_works(works, rows, former)


def _sizes(area: Floats) -> dict[str, Any]:
    return {
        "registered_area_m2": np.round(area),
        "green_area_m2": np.round(area * 0.78),
        "capacity": (area / 30).astype(int),
    }


def _before_works(works: ParkWorks, rows: Rows, former: dict[str, Any]) -> Rows:
    """Rows that begin with the parks: new ones not there before the works, rebuilt ones with `former` columns."""
    more = [None] * (len(rows.codes) - len(works.day))
    opened = [day if new else None for day, new in zip(works.day, works.opened, strict=True)]
    grown = np.flatnonzero(works.rebuilt)
    dates = [day for day, again in zip(works.day, works.rebuilt, strict=True) if again and day]
    return with_former(begun(rows, [*opened, *more]), grown, dates, former, works.former[grown])


def park_gate_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """Gates of parks, on their rims; those of new parks and of new parts of parks came with the works."""
    gates, park = drawing.park_gates, codes("PK", len(drawing.parks.shape))
    n, works = len(gates.xy), drawing.park_works
    rows = Rows(
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
    return begun(
        rows, [works.day[k] if new else None for k, new in zip(gates.owner, works.new_gate, strict=True)]
    )


GREEN_KIND = {"G1": "garden", "G2": "belt", "G3": "recreation_ground", "XG": "grass", "EG": "woodland"}


def green_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """All green spaces; those of class G1 are the parks, by code, and were as those were before the year's works."""
    green, random = drawing.green, parameters.rng("green rows")
    n, park = len(green.shape), codes("PK", len(drawing.parks.shape))
    rows = Rows(
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
    return _before_works(drawing.park_works, rows, {})


def greenway_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """Pieces of greenway, each with its route; those of the year from their opening on."""
    ways, random = drawing.greenways, parameters.rng("greenway rows")
    n, length = len(ways.line), shapely.length(ways.line)
    rows = Rows(
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
    return begun_in_year(rows, "built_on", parameters.as_of.year)
