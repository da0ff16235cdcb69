"""The plan's figures of the city, each from the batches' own geometry and fields, by means other than the check's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from app.catalogue.model import Catalogue
from app.inventory.arrays import FeatureArrays
from app.inventory.batch import Batch
from app.sample.build import PARAMETERS, SampleCity, build
from app.sample.figures import COMPUTE
from app.sample.parameters import read_parameters
from app.sample.stored import City
from app.space.metric import metric_crs
from tests.sample.days import AFTER, BEFORE, all_on, on


@dataclass(frozen=True)
class Day:
    """The city on a day: batches, and shapes of some classes in metres."""

    batches: dict[str, Batch]

    @cached_property
    def shapes(self) -> dict[str, NDArray[np.object_]]:
        return _Shapes(self.batches)

    def __getitem__(self, class_id: str) -> Batch:
        return self.batches[class_id]


class _Shapes(dict[str, NDArray[np.object_]]):
    def __init__(self, batches: dict[str, Batch]) -> None:
        super().__init__()
        self.batches = batches

    def __missing__(self, class_id: str) -> NDArray[np.object_]:
        self[class_id] = metric_crs("EPSG:4548").to_metric(self.batches[class_id].geometry)
        return self[class_id]


@pytest.fixture(scope="module")
def built(catalogue: Catalogue) -> SampleCity:
    built = build("city", catalogue)
    assert built.metric_crs == "EPSG:4548"
    west, south, east, north = built.extent
    assert west < 115.86 < east
    assert south < 28.68 < north
    return built


@pytest.fixture(scope="module")
def city(built: SampleCity) -> Day:
    """The city at the end of 2021."""
    return Day(all_on(built.batches, AFTER))


@pytest.fixture(scope="module")
def before(built: SampleCity) -> Day:
    """The city at the end of 2020."""
    return Day(all_on(built.batches, BEFORE))


def column(batch: Batch, name: str) -> NDArray[np.object_]:
    found = np.empty(len(batch.codes), dtype=object)
    found[:] = batch.columns[name]
    return found


def in_2021(values: NDArray[np.object_]) -> int:
    return sum(day is not None and day.year == 2021 for day in values)


def park_m2(day: Day) -> float:
    pocket = column(day["parks"], "kind") == "pocket"
    return float(shapely.area(day.shapes["parks"])[~pocket].sum())


def people(day: Day) -> int:
    return sum(people or 0 for people in day["residential_areas"].columns["people"])


def test_toilets(city: Day, before: Day):
    toilets = city["toilets"]
    assert (len(before["toilets"].codes), len(toilets.codes)) == (2000, 2079)
    assert set(before["toilets"].codes) < set(toilets.codes)
    assert in_2021(column(toilets, "built_on")) == 79
    assert in_2021(column(toilets, "renovated_on")) == 44
    assert not any(before["toilets"].columns["renovated_on"])
    assert set(toilets.columns["access"]) == {"public"}


def test_parks_of_every_tier_and_park_green_per_person(city: Day, before: Day):
    pocket = column(city["parks"], "kind") == "pocket"
    assert (int((~pocket).sum()), int(pocket.sum())) == (126, 50)
    assert park_m2(city) == pytest.approx(39.8e6, abs=5_000)
    assert park_m2(city) - park_m2(before) == pytest.approx(1.38e6, abs=5_000)
    hectares = shapely.area(city.shapes["parks"])[~pocket] / 10_000
    tiers = np.histogram(hectares, [0.4, 1, 5, 10, 20, 50, 1000])[0]
    assert tiers.sum() == 126
    assert tiers.min() >= 5
    assert (people(before), people(city)) == (3_191_030, 3_289_256)
    assert round(park_m2(before) / people(before), 2) == 12.04
    assert round(park_m2(city) / people(city), 2) == 12.10


def test_green_share_of_the_built_up_area(city: Day):
    built = shapely.union_all(city.shapes["built_up_areas"])
    assert 360e6 < built.area < 370e6
    green = shapely.area(shapely.intersection(city.shapes["green_spaces"], built)).sum()
    assert round(100 * green / built.area, 2) == 39.32


@pytest.mark.parametrize(("day", "done_of_321"), [("before", 73), ("city", 211)])
def test_old_estates_near_markets(day: str, done_of_321: int, request: pytest.FixtureRequest):
    now: Day = request.getfixturevalue(day)
    homes = now["residential_areas"]
    old = column(homes, "old") == True  # noqa: E712 - an array of objects
    done = column(homes, "renovation") == "done"
    key = column(now["markets"], "key_market") == True  # noqa: E712
    assert (len(key), int(key.sum()), int(old.sum())) == (101, 40, 444)
    # Every distance, no index: 101 markets by 444 old estates.
    far = shapely.distance(now.shapes["residential_areas"][old][:, None], now.shapes["markets"][None, :])
    near = (far <= 300).any(axis=1)
    assert int(near.sum()) == 321
    assert int((near & done[old]).sum()) == done_of_321
    assert done[old][(far[:, key] <= 300).any(axis=1)].all() == (day == "city")


def test_the_programme_of_the_year_in_both_its_registers(city: Day, before: Day):
    year = np.array(city["estate_programmes"].columns["programme_year"]) == 2021
    estates = city["residential_areas"]
    renewed = {
        code
        for code, day, old in zip(
            estates.codes, estates.columns["renovated_on"], estates.columns["old"], strict=True
        )
        if old and day and day.year == 2021
    }
    assert set(column(city["estate_programmes"], "estate")[year]) == renewed
    assert len(renewed) == 261
    assert int(column(city["estate_programmes"], "investment_cny")[year].sum()) == 3_410_000_000
    then = before["estate_programmes"].columns
    stages = {
        stage for stage, year in zip(then["stage"], then["programme_year"], strict=True) if year == 2021
    }
    assert stages == {"listed"}
    finished = dict(
        zip(*(city["estate_programmes"].columns[k] for k in ("estate", "finished_on")), strict=True)
    )
    renovated = dict(zip(estates.codes, estates.columns["renovated_on"], strict=True))
    assert all(renovated[code] == day for code, day in finished.items())


def test_pipes(city: Day):
    pipes, areas = city["pipes"], city["districts"]
    frame = shapely.union_all(
        [
            shape
            for shape, note in zip(city.shapes["districts"], areas.columns["note"], strict=True)
            if "老城区" in note
        ]
    )
    assert frame.area == pytest.approx(180e6, abs=1_000)
    inside = shapely.length(shapely.intersection(city.shapes["pipes"], frame)).sum()
    assert len(pipes.codes) == len(set(pipes.codes))
    assert round(inside / 1000, 1) == 2500.0


@pytest.mark.parametrize(
    ("day", "left_km", "replaced_km"), [("before", 275.0, 672.0), ("city", 230.0, 717.0)]
)
def test_cast_iron(day: str, left_km: float, replaced_km: float, request: pytest.FixtureRequest):
    now: Day = request.getfixturevalue(day)
    pipes = now["pipes"]
    length, gas = shapely.length(now.shapes["pipes"]), column(pipes, "kind") == "gas"
    iron = gas & (column(pipes, "material") == "cast_iron")
    replaced = gas & (column(pipes, "former_material") == "cast_iron")
    assert not (iron & replaced).any()
    assert (column(pipes, "renovated_on") != None)[replaced].all()  # noqa: E711 - an array of objects
    assert round(length[iron].sum() / 1000, 1) == left_km
    assert round(length[replaced].sum() / 1000, 1) == replaced_km


def test_greenways_then_and_now(city: Day, before: Day):
    assert shapely.length(city.shapes["greenways"]).sum() > 500_000
    assert round(shapely.length(before.shapes["greenways"]).sum() / 1000, 1) == 411.0
    new = set(city["greenways"].columns["route"]) - set(before["greenways"].columns["route"])
    assert len(new) == 40


def test_berths_of_the_year_by_source(city: Day, before: Day):
    def berths(day: Day) -> Counter[str]:
        found: Counter[str] = Counter()
        for supply, count in zip(
            *(day["parking_lots"].columns[k] for k in ("supply", "berths")), strict=True
        ):
            found[supply] += count
        return found

    assert berths(city) - berths(before) == {
        "public_new": 25_000,
        "temporary": 5_000,
        "kerb": 2_000,
        "opened": 5_000,
        "built_in": 63_000,
    }


def test_every_figure_as_the_check_computes_it(built: SampleCity, catalogue: Catalogue):
    """Over the rows as drawn, so that a changed parameter is told without a database."""
    parameters = read_parameters(PARAMETERS, "city")
    cities = {
        day: Drawn(built, catalogue, parameters, metric_crs(built.metric_crs), day) for day in (BEFORE, AFTER)
    }
    asked = [figure for figure in parameters.figures if not figure.id.startswith("districts_without")]
    found = {(f.as_of, f.id): float(COMPUTE[f.id](cities[f.as_of])) for f in asked}
    off = {
        key: found[key]
        for f in asked
        for key in [(f.as_of, f.id)]
        if not (found[key] >= f.asked if f.at_least else abs(found[key] - f.asked) <= f.tolerance)
    }
    assert off == {}
    assert {f.as_of for f in asked} == {BEFORE, AFTER}


class Drawn(City):
    """The city of a day over the drawn batches instead of a database (`conn` holds them)."""

    @property
    def year_before(self) -> City:  # type: ignore[override]
        return Drawn(self.conn, self.catalogue, self.parameters, self.crs, BEFORE)

    def read(self, class_id: str, *fields: str, **where: Any) -> FeatureArrays:
        batch = on(next(batch for batch in self.conn.batches if batch.class_id == class_id), self.day)
        states = batch.columns.get("state", [None] * len(batch.codes))
        keep = np.array([state in ("in_service", None) for state in states])
        for name, value in where.items():
            keep &= column(batch, name) == value
        columns = {name: column(batch, name)[keep] for name in fields}
        code = np.array(batch.codes)[keep].tolist()
        shapes = self.crs.to_metric(batch.geometry[keep])
        return FeatureArrays(np.arange(len(code)), code, shapes, columns, [""] * len(code), 1, None)

    @cached_property
    def old_districts(self) -> Any:
        areas = self.read("districts", "note")
        return shapely.union_all(areas.geometry[["老城区" in note for note in areas.columns["note"]]])


def test_areas_have_the_plan_s_levels(city: Day, built: SampleCity):
    level = column(city["districts"], "level")
    counts = {name: int((level == name).sum()) for name in ("city", "district", "subdistrict", "community")}
    assert counts["city"] == 1
    assert counts["district"] == 9
    assert 40 <= counts["subdistrict"] <= 60
    assert 330 <= counts["community"] <= 450
    assert all(len(code) == 15 for code in city["grid_cells"].codes)
    now, rows = (sum(len(batch.codes) for batch in found) for found in (city.batches.values(), built.batches))
    assert 120_000 < now < 230_000
    # Two dates, but only what differs between them is there twice.
    assert rows < 1.02 * now


def test_names_and_codes_are_invented(city: Day):
    assert all(code.startswith("9901") for code in city["districts"].codes)
    assert all("示例" in note for note in city["districts"].columns["note"])
