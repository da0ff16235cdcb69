"""Rows of toilets and car parks."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.sample.city import Drawing
from app.sample.draw import points, polygons, signed_area
from app.sample.names import make_names, numbered
from app.sample.parameters import Parameters
from app.sample.rows import NOTE, Rows, codes, component_codes, days, pick
from app.sample.versions import begun_in_year, changed_in_year


def toilet_rows(drawing: Drawing, district: list[str], parameters: Parameters) -> Rows:
    """Public toilets, all in service and open to everyone; new ones came in the year, rebuilt ones were worse."""
    toilets, random = drawing.toilets, parameters.rng("toilet rows")
    n, use = len(toilets.plot), drawing.plots.use[toilets.plot]
    names = numbered(make_names(parameters.rng("toilet names")), n)
    stalls = random.integers(4, 19, n)
    always = random.random(n) < 0.7
    rows = Rows(
        "toilets",
        points(toilets.xy),
        codes("TL", n),
        {
            "name_zh": [f"{name.zh}公厕" for name in names],
            "name_en": [f"{name.en} Toilet" for name in names],
            "kind": np.where((use == "C") & (random.random(n) < 0.25), "attached", "public"),
            "grade": pick(("first", "second", "third"), (0.2, 0.55, 0.25), n, random),
            "access": "public",
            "stalls": stalls,
            "male_stalls": stalls // 2 - 1,
            "female_stalls": stalls - stalls // 2 + 1,
            "family_room": random.random(n) < 0.3,
            "accessible": random.random(n) < 0.75,
            "open_24h": always,
            "opening_hours": np.where(always, "24/7", "06:00-22:00"),
            "fee": False,
            "floor_area_m2": np.round(stalls * random.uniform(5, 8, n), 1),
            "flushing": "flush",
            "component_code": component_codes(district, "0301"),
            "code_system": "cjt214_2007",
            "data_source": "survey",
            "condition": pick(("good", "damaged"), (0.97, 0.03), n, random),
            "state": "in_service",
            "owner": "澄图市环境卫生处（示例）",
            "maintainer": "澄图市环境卫生处（示例）",
            "built_on": days(toilets.built, random),
            "renovated_on": days(toilets.renovated, random),
            "inspected_on": parameters.as_of,
            "note": NOTE,
        },
    )
    year = parameters.as_of.year
    former: dict[str, Any] = {
        "renovated_on": None,
        "grade": "third",
        "family_room": False,
        "accessible": False,
    }
    former |= {"condition": "damaged", "inspected_on": parameters.before}
    return changed_in_year(begun_in_year(rows, "built_on", year), "renovated_on", year, former)


def car_park_rows(drawing: Drawing, district: list[str], parameters: Parameters) -> Rows:
    """Car parks with their berths; those of the year, by kind of supply, are there from their opening on."""
    parks, random = drawing.car_parks, parameters.rng("car park rows")
    n = len(parks.plot)
    names = numbered(make_names(parameters.rng("car park names")), n)
    year = np.where(parks.new, parameters.as_of.year, random.integers(2000, parameters.as_of.year, n))
    built_in = np.array(parks.supply) == "built_in"
    rows = Rows(
        "parking_lots",
        polygons(parks.quad),
        codes("CP", n),
        {
            "name_zh": [f"{name.zh}停车场" for name in names],
            "name_en": [f"{name.en} Car Park" for name in names],
            "kind": parks.kind,
            "access": np.where(built_in, "customers", "public"),
            "supply": parks.supply,
            "berths": parks.berths,
            "charging_berths": (parks.berths * random.uniform(0, 0.2, n)).astype(int),
            "accessible_berths": np.maximum(1, parks.berths // 50),
            "registered_area_m2": np.round(signed_area(parks.quad)),
            "fee": random.random(n) < 0.7,
            "open_24h": True,
            "opening_hours": "24/7",
            "component_code": component_codes(district, "0201"),
            "code_system": "cjt214_2007",
            "state": "in_service",
            "owner": "澄图市停车管理中心（示例）",
            "built_on": days(year, random),
            "note": NOTE,
        },
    )
    return begun_in_year(rows, "built_on", parameters.as_of.year)
