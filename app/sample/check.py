"""Recomputes the plan's figures from what the database holds: nothing is taken from how the sample was drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Catalogue
from app.errors import Conflict
from app.inventory.arrays import FeatureArrays, read_arrays
from app.inventory.changes import get_metric_crs
from app.sample import store
from app.sample.build import PARAMETERS
from app.sample.draw import Bools, Floats
from app.sample.parameters import Parameters, PlanFigure, read_parameters
from app.sample.write_areas import district_codes
from app.space.metric import MetricCrs

MARKET_ZONE_M = 300.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what the plan's item asks, what is drawn, and whether they agree."""

    item: str
    title: str
    plan_item: str
    asked: float
    drawn: float
    unit: str
    ok: bool
    at_least: bool = False


@dataclass(frozen=True)
class City:
    """The stored city as arrays in its metric CRS, each class read when it is first asked for."""

    conn: Any
    catalogue: Catalogue
    parameters: Parameters
    crs: MetricCrs

    def read(self, class_id: str, *fields: str, **where: Any) -> FeatureArrays:
        """Features in service of a class, with `fields`, whose fields have the values of `where`."""
        allowed: Mapping[str, Sequence[Any]] = {
            "state": ("in_service", None),
            **{k: (v,) for k, v in where.items()},
        }
        return read_arrays(self.conn, self.catalogue, class_id, fields, allowed, self.crs)

    def in_year(self, values: Any) -> Bools:
        """Which dates lie in the sample's year."""
        return np.array(
            [day is not None and day.year == self.parameters.as_of.year for day in values], dtype=bool
        )

    @cached_property
    def parks(self) -> FeatureArrays:
        """Parks, pocket parks too."""
        return self.read("parks", "kind")

    @cached_property
    def toilets(self) -> FeatureArrays:
        """Toilets with their dates."""
        return self.read("toilets", "built_on", "renovated_on")

    @cached_property
    def estates(self) -> FeatureArrays:
        """Estates, old and new."""
        fields = ("old", "renovation", "renovated_on", "households", "houses", "floor_area_m2")
        return self.read("residential_areas", *fields, kind="estate")

    @cached_property
    def markets(self) -> FeatureArrays:
        """Markets, key ones marked."""
        return self.read("markets", "key_market")

    @cached_property
    def gas(self) -> FeatureArrays:
        """Gas mains with what they are and were made of."""
        return self.read("pipes", "material", "former_material", kind="gas")

    @cached_property
    def old_districts(self) -> Any:
        """The old districts as one shape."""
        codes = [
            code
            for code, entry in zip(district_codes(self.parameters), self.parameters["districts"], strict=True)
            if entry["old"]
        ]
        areas = read_arrays(
            self.conn, self.catalogue, "districts", ("level",), {"level": ("district",)}, self.crs
        )
        shapes = areas.geometry[np.isin(areas.code, codes)]
        return shapely.coverage_union_all(shapes)

    def near_market(self, key_only: bool = False) -> Bools:
        """Which old estates lie within 300 m of a market, boundary to point in a straight line."""
        points = self.markets.geometry
        if key_only:
            points = points[self.markets.columns["key_market"] == True]  # noqa: E712 - an array of objects
        _, estate = shapely.STRtree(self.estates.geometry).query(
            points, predicate="dwithin", distance=MARKET_ZONE_M
        )
        near = np.zeros(len(self.estates), dtype=bool)
        near[estate] = True
        return near & self.old

    @property
    def old(self) -> Bools:
        """Which estates are old estates."""
        return np.asarray(self.estates.columns["old"] == True)  # noqa: E712 - an array of objects

    @property
    def done(self) -> Bools:
        """Which estates are renovated."""
        return np.asarray(self.estates.columns["renovation"] == "done")

    @property
    def programme(self) -> Bools:
        """Which old estates were renovated in the year: its programme."""
        return self.old & self.in_year(self.estates.columns["renovated_on"])


def _pocket(city: City) -> Bools:
    return np.asarray(city.parks.columns["kind"] == "pocket")


def _park_m2(city: City) -> float:
    return float(shapely.area(city.parks.geometry[~_pocket(city)]).sum())


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
    built = shapely.union_all(
        read_arrays(city.conn, city.catalogue, "built_up_areas", (), {}, city.crs).geometry
    )
    green = city.read("green_spaces").geometry
    return 100 * _inside(green, built, shapely.area) / float(shapely.area(built))


def _programme_sum(field: str) -> Callable[[City], float]:
    return lambda city: float(sum(city.estates.columns[field][city.programme]))


def _new_berths(city: City) -> float:
    lots = city.read("parking_lots", "berths", "built_on")
    return float(sum(lots.columns["berths"][city.in_year(lots.columns["built_on"])]))


COMPUTE: Mapping[str, Callable[[City], float]] = {
    "toilets": lambda city: len(city.toilets),
    "toilets_new": lambda city: int(city.in_year(city.toilets.columns["built_on"]).sum()),
    "toilets_renovated": lambda city: int(city.in_year(city.toilets.columns["renovated_on"]).sum()),
    "parks": lambda city: int((~_pocket(city)).sum()),
    "parks_km2": lambda city: _park_m2(city) / 1e6,
    "pocket_parks": lambda city: int(_pocket(city).sum()),
    "park_m2_per_person": lambda city: _park_m2(city) / _people(city),
    "people": _people,
    "green_ratio_pct": _green_ratio,
    "greenway_km": lambda city: _km(city.read("greenways").geometry),
    "markets": lambda city: len(city.markets),
    "old_estates_near_markets": lambda city: int(city.near_market().sum()),
    "old_estates_near_renovated": lambda city: int((city.near_market() & city.done).sum()),
    "key_markets": lambda city: int((city.markets.columns["key_market"] == True).sum()),  # noqa: E712
    "old_estates_near_key_left": lambda city: int((city.near_market(key_only=True) & ~city.done).sum()),
    "programme_estates": lambda city: int(city.programme.sum()),
    "programme_households": _programme_sum("households"),
    "programme_buildings": _programme_sum("houses"),
    "programme_floor_km2": lambda city: _programme_sum("floor_area_m2")(city) / 1e6,
    "pipes_old_districts_km": lambda city: (
        _inside(city.read("pipes").geometry, city.old_districts, shapely.length) / 1000
    ),
    "old_districts_km2": lambda city: float(shapely.area(city.old_districts) / 1e6),
    "cast_iron_left_km": lambda city: _km(city.gas.geometry[city.gas.columns["material"] == "cast_iron"]),
    "cast_iron_replaced_km": lambda city: _km(
        city.gas.geometry[
            (city.gas.columns["former_material"] == "cast_iron")
            & (city.gas.columns["material"] != "cast_iron")
        ]
    ),
    "new_berths": _new_berths,
}


def check(conn: Any, catalogue: Catalogue) -> list[Figure]:
    """Every figure of the plan, recomputed from the database in the city's metric CRS.

    Raises:
    ------
    Conflict
        The database holds no sample city.
    """
    size = store.find_size(conn)
    if size is None:
        raise Conflict("This database holds no sample city.", "Load one: chengtu sample load --size city.")
    city = City(conn, catalogue, read_parameters(PARAMETERS, size), get_metric_crs(conn))
    return [_figure(asked, float(COMPUTE[asked.id](city))) for asked in city.parameters.figures]


def _figure(asked: PlanFigure, drawn: float) -> Figure:
    right = drawn >= asked.asked if asked.at_least else abs(drawn - asked.asked) <= asked.tolerance
    title = f"{asked.zh} / {asked.en}"
    return Figure(asked.id, title, asked.plan_item, asked.asked, drawn, asked.unit, right, asked.at_least)
