"""How each figure of the plan is computed from the stored city of a day, and from that of a year before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import shapely

from app.sample.draw import Bools, Floats
from app.sample.stored import City
from app.sample.write_areas import district_codes


def _park_m2(city: City) -> float:
    return float(shapely.area(city.parks.geometry[~city.pocket]).sum())


def _parks_in_year(city: City) -> int:
    """Parks that were not there a year before or were rebuilt since."""
    new = ~np.isin(city.parks.code, city.year_before.parks.code)
    return int((~city.pocket & (new | city.in_year(city.parks.columns["renovated_on"]))).sum())


def _people(city: City) -> int:
    return int(sum(city.read("residential_areas", "people", kind="land").columns["people"]))


def _km(shapes: Any) -> float:
    return float(shapely.length(shapes).sum() / 1000)


def _inside(shapes: Any, area: Any, measure: Callable[[Any], Floats]) -> float:
    """Length or area of what lies inside `area`; only what its border crosses is cut."""
    shapely.prepare(area)
    whole = shapely.covers(area, shapes)
    crossing = ~whole & shapely.intersects(area, shapes)
    return float(measure(shapes[whole]).sum() + measure(shapely.intersection(shapes[crossing], area)).sum())


def _green_ratio(city: City) -> float:
    built = shapely.union_all(city.read("built_up_areas").geometry)
    return 100 * _inside(city.read("green_spaces").geometry, built, shapely.area) / float(shapely.area(built))


def _pipes_km(city: City) -> float:
    return _inside(city.read("pipes").geometry, city.old_districts, shapely.length) / 1000


def _gas_km(which: Callable[[City], Bools]) -> Callable[[City], float]:
    return lambda city: _km(city.gas.geometry[which(city)])


def _programme_sum(field: str) -> Callable[[City], float]:
    return lambda city: float(sum(city.estates.columns[field][city.programme]))


def _berths(city: City, supply: str | None) -> int:
    lots = city.parking.columns
    return int(sum(lots["berths"] if supply is None else lots["berths"][lots["supply"] == supply]))


def _new_berths(supply: str | None = None) -> Callable[[City], float]:
    return lambda city: _berths(city, supply) - _berths(city.year_before, supply)


def _new_routes(city: City) -> int:
    return len(set(city.greenways.columns["route"]) - set(city.year_before.greenways.columns["route"]))


def _roads(city: City, class_id: str, **where: Any) -> set[str]:
    return set(city.read(class_id, "road", **where).columns["road"])


def _works(*kinds: str) -> Callable[[City], float]:
    """Works finished in the year."""

    def count(city: City) -> int:
        works = [city.read("road_works", "finished_on", kind=kind) for kind in kinds]
        return sum(int(city.in_year(found.columns["finished_on"]).sum()) for found in works)

    return count


def _alleys_done(city: City) -> int:
    alleys = city.read("alleys", "renovated_on", renovation="done")
    return int(city.in_year(alleys.columns["renovated_on"]).sum())


def _undergrounded(city: City) -> int:
    before = _roads(city.year_before, "overhead_lines")
    return len(before - _roads(city, "overhead_lines"))


def _districts_without_undergrounding(city: City) -> int:
    """Districts in which no road lost its overhead lines in the year."""
    lines = city.year_before.read("overhead_lines", "road")
    left = _roads(city, "overhead_lines")
    gone = {
        _district(path)
        for path, road in zip(lines.area_path, lines.columns["road"], strict=True)
        if road not in left
    }
    return len(set(district_codes(city.parameters)) - gone)


def _district(area_path: str) -> str:
    """The district of a path such as 990100/990101/990101001, empty where it names none."""
    return [*area_path.split("/"), "", ""][1]


def _districts_without_sorting(city: City) -> int:
    found = {_district(path) for path in city.read("sorting_centres").area_path}
    return len(set(district_codes(city.parameters)) - found)


def _kiosk_percent(city: City) -> float:
    with_one = set(city.read("waste_kiosks", "estate").columns["estate"])
    return 100 * float(np.isin(city.estates.code, list(with_one)).mean())


def _programme_cny(city: City) -> float:
    rows = city.read("estate_programmes", "investment_cny", programme_year=city.day.year)
    return float(sum(rows.columns["investment_cny"]))


#: id of a figure → its value for a city. "New" is what the city of the day has and that of a year before has not.
COMPUTE: Mapping[str, Callable[[City], float]] = {
    "toilets": lambda city: len(city.toilets),
    "toilets_new": lambda city: len(set(city.toilets.code) - set(city.year_before.toilets.code)),
    "toilets_renovated": lambda city: int(city.in_year(city.toilets.columns["renovated_on"]).sum()),
    "parks": lambda city: int((~city.pocket).sum()),
    "parks_in_year": _parks_in_year,
    "parks_km2": lambda city: _park_m2(city) / 1e6,
    "parks_gained_km2": lambda city: (_park_m2(city) - _park_m2(city.year_before)) / 1e6,
    "pocket_parks": lambda city: int(city.pocket.sum()),
    "park_m2_per_person": lambda city: _park_m2(city) / _people(city),
    "people": _people,
    "green_ratio_pct": _green_ratio,
    "greenway_km": lambda city: _km(city.greenways.geometry),
    "greenway_routes_new": _new_routes,
    "markets": lambda city: len(city.markets),
    "old_estates": lambda city: int(city.old.sum()),
    "old_estates_near_markets": lambda city: int(city.near_market().sum()),
    "old_estates_near_renovated": lambda city: int((city.near_market() & city.done).sum()),
    "old_estates_near_in_year": lambda city: int((city.near_market() & city.programme).sum()),
    "old_estates_near_left": lambda city: int((city.near_market() & ~city.done).sum()),
    "key_markets": lambda city: int((city.markets.columns["key_market"] == True).sum()),  # noqa: E712
    "old_estates_near_key_left": lambda city: int((city.near_market(key_only=True) & ~city.done).sum()),
    "programme_estates": lambda city: int(city.programme.sum()),
    "programme_households": _programme_sum("households"),
    "programme_buildings": _programme_sum("houses"),
    "programme_floor_km2": lambda city: _programme_sum("floor_area_m2")(city) / 1e6,
    "pipes_old_districts_km": _pipes_km,
    "old_districts_km2": lambda city: float(shapely.area(city.old_districts) / 1e6),
    "cast_iron_km": _gas_km(lambda city: city.cast_iron | city.replaced),
    "cast_iron_left_km": _gas_km(lambda city: city.cast_iron),
    "cast_iron_replaced_km": _gas_km(lambda city: city.replaced),
    "programme_cny": _programme_cny,
    "sign_roads": lambda city: len(_roads(city, "shop_signs", upgraded_year=city.day.year)),
    "alleys_done": _alleys_done,
    "roads_rebuilt": _works("rebuild"),
    "lighting_works": _works("lighting"),
    "drainage_works": _works("drainage"),
    "planted_roads": lambda city: len(_roads(city, "planting_sections")),
    "rose_avenues": lambda city: len(_roads(city, "planting_sections", kind="rose_avenue")),
    "undergrounded_roads": _undergrounded,
    "districts_without_undergrounding": _districts_without_undergrounding,
    "districts_without_sorting": _districts_without_sorting,
    "kiosk_estates_pct": _kiosk_percent,
    "new_berths": _new_berths(),
    "new_berths_public_new": _new_berths("public_new"),
    "new_berths_temporary": _new_berths("temporary"),
    "new_berths_kerb": _new_berths("kerb"),
    "new_berths_opened": _new_berths("opened"),
    "new_berths_built_in": _new_berths("built_in"),
}
