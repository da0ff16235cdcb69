"""The sample city as the database holds it on a day: arrays in its metric CRS, each class read when first asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Catalogue
from app.database.transactions import Connection
from app.inventory.arrays import FeatureArrays, read_arrays
from app.inventory.times import NOW, Times
from app.sample.draw import Bools
from app.sample.parameters import Parameters
from app.sample.write_areas import district_codes
from app.space.metric import MetricCrs

MARKET_ZONE_M = 300.0


@dataclass(frozen=True)
class City:
    """The stored city of one day."""

    conn: Connection
    catalogue: Catalogue
    parameters: Parameters
    crs: MetricCrs
    day: date

    def read(self, class_id: str, *fields: str, **where: Any) -> FeatureArrays:
        """Features in service of a class, with `fields`, whose fields have the values of `where`."""
        allowed: Mapping[str, Sequence[Any]] = {
            "state": ("in_service", None),
            **{k: (v,) for k, v in where.items()},
        }
        times = Times(as_of=self.day)
        return read_arrays(self.conn, self.catalogue, class_id, fields, allowed, self.crs, times)

    @cached_property
    def year_before(self) -> City:
        """The city at the end of the year before."""
        last = date(self.day.year - 1, 12, 31)
        return City(self.conn, self.catalogue, self.parameters, self.crs, last)

    def in_year(self, values: Any) -> Bools:
        """Which dates lie in the day's year."""
        return np.array([day is not None and day.year == self.day.year for day in values], dtype=bool)

    @cached_property
    def parks(self) -> FeatureArrays:
        """Parks, pocket parks too."""
        return self.read("parks", "kind", "renovated_on")

    @cached_property
    def toilets(self) -> FeatureArrays:
        """Toilets with the date of their rebuilding."""
        return self.read("toilets", "renovated_on")

    @cached_property
    def greenways(self) -> FeatureArrays:
        """Greenways with their routes."""
        return self.read("greenways", "route")

    @cached_property
    def parking(self) -> FeatureArrays:
        """Car parks with their berths."""
        return self.read("parking_lots", "berths", "supply")

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
        """The old districts as one shape; areas are read as they are now."""
        entries = zip(district_codes(self.parameters), self.parameters["districts"], strict=True)
        codes = [code for code, entry in entries if entry["old"]]
        where = {"level": ("district",)}
        areas = read_arrays(self.conn, self.catalogue, "districts", ("level",), where, self.crs, NOW)
        return shapely.coverage_union_all(areas.geometry[np.isin(areas.code, codes)])

    @property
    def pocket(self) -> Bools:
        """Which parks are pocket parks."""
        return np.asarray(self.parks.columns["kind"] == "pocket")

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

    @property
    def replaced(self) -> Bools:
        """Which gas mains were of cast iron and are no longer."""
        gas = self.gas.columns
        return np.asarray((gas["former_material"] == "cast_iron") & (gas["material"] != "cast_iron"))

    @property
    def cast_iron(self) -> Bools:
        """Which gas mains are of cast iron."""
        return np.asarray(self.gas.columns["material"] == "cast_iron")

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
