"""The plan's figures of the city, each from the batches' own geometry and fields, by means other than the check's."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from app.catalogue.model import Catalogue
from app.inventory.batch import Batch
from app.sample.build import build
from app.space.metric import metric_crs


@pytest.fixture(scope="module")
def city(catalogue: Catalogue) -> dict[str, Batch]:
    built = build("city", catalogue)
    assert built.metric_crs == "EPSG:4548"
    west, south, east, north = built.extent
    assert west < 115.86 < east
    assert south < 28.68 < north
    return {batch.class_id: batch for batch in built.batches}


@pytest.fixture(scope="module")
def shapes(city: dict[str, Batch]) -> dict[str, NDArray[np.object_]]:
    crs = metric_crs("EPSG:4548")
    wanted = "parks green_spaces built_up_areas districts pipes residential_areas markets greenways".split()
    return {class_id: crs.to_metric(city[class_id].geometry) for class_id in wanted}


def column(batch: Batch, name: str) -> NDArray[np.object_]:
    found = np.empty(len(batch.codes), dtype=object)
    found[:] = batch.columns[name]
    return found


def in_2021(values: NDArray[np.object_]) -> int:
    return sum(day is not None and day.year == 2021 for day in values)


def test_toilets(city: dict[str, Batch]):
    toilets = city["toilets"]
    assert len(toilets.codes) == 2079
    assert in_2021(column(toilets, "built_on")) == 79
    assert in_2021(column(toilets, "renovated_on")) == 44
    assert set(toilets.columns["access"]) == {"public"}


def test_parks_of_every_tier_and_park_green_per_person(
    city: dict[str, Batch], shapes: dict[str, NDArray[np.object_]]
):
    pocket = column(city["parks"], "kind") == "pocket"
    area = shapely.area(shapes["parks"])
    assert (int((~pocket).sum()), int(pocket.sum())) == (126, 50)
    assert area[~pocket].sum() == pytest.approx(39.8e6, abs=5_000)
    hectares = area[~pocket] / 10_000
    tiers = np.histogram(hectares, [0.4, 1, 5, 10, 20, 50, 1000])[0]
    assert tiers.sum() == 126
    assert tiers.min() >= 5
    people = sum(people or 0 for people in city["residential_areas"].columns["people"])
    assert people == 3_289_256
    assert round(area[~pocket].sum() / people, 2) == 12.10


def test_green_share_of_the_built_up_area(shapes: dict[str, NDArray[np.object_]]):
    built = shapely.union_all(shapes["built_up_areas"])
    assert 360e6 < built.area < 370e6
    green = shapely.area(shapely.intersection(shapes["green_spaces"], built)).sum()
    assert round(100 * green / built.area, 2) == 39.32


def test_old_estates_near_markets(city: dict[str, Batch], shapes: dict[str, NDArray[np.object_]]):
    homes = city["residential_areas"]
    old = column(homes, "old") == True  # noqa: E712 - an array of objects
    done = column(homes, "renovation") == "done"
    key = column(city["markets"], "key_market") == True  # noqa: E712
    assert (len(key), int(key.sum())) == (101, 40)
    # Every distance, no index: 101 markets by 444 old estates.
    far = shapely.distance(shapes["residential_areas"][old][:, None], shapes["markets"][None, :])
    near = (far <= 300).any(axis=1)
    assert int(near.sum()) == 321
    assert int((near & done[old]).sum()) == 211
    assert done[old][(far[:, key] <= 300).any(axis=1)].all()


def test_pipes(city: dict[str, Batch], shapes: dict[str, NDArray[np.object_]]):
    pipes, areas = city["pipes"], city["districts"]
    frame = shapely.union_all(
        [
            shape
            for shape, note in zip(shapes["districts"], areas.columns["note"], strict=True)
            if "老城区" in note
        ]
    )
    assert frame.area == pytest.approx(180e6, abs=1_000)
    inside = shapely.length(shapely.intersection(shapes["pipes"], frame)).sum()
    assert round(inside / 1000, 1) == 2500.0
    length, gas = shapely.length(shapes["pipes"]), column(pipes, "kind") == "gas"
    iron = gas & (column(pipes, "material") == "cast_iron") & (column(pipes, "state") == "in_service")
    replaced = gas & (column(pipes, "former_material") == "cast_iron")
    assert round(length[iron].sum() / 1000, 1) == 230.0
    assert round(length[replaced].sum() / 1000, 1) == 717.0


def test_greenways_then_and_now(city: dict[str, Batch], shapes: dict[str, NDArray[np.object_]]):
    new = np.array([day.year == 2021 for day in city["greenways"].columns["built_on"]])
    length = shapely.length(shapes["greenways"])
    assert length.sum() > 500_000
    assert round(length[~new].sum() / 1000, 1) == 411.0
    assert len(set(np.array(city["greenways"].columns["route"])[new])) == 40


def test_areas_have_the_plan_s_levels(city: dict[str, Batch]):
    level = column(city["districts"], "level")
    counts = {name: int((level == name).sum()) for name in ("city", "district", "subdistrict", "community")}
    assert counts["city"] == 1
    assert counts["district"] == 9
    assert 40 <= counts["subdistrict"] <= 60
    assert 330 <= counts["community"] <= 450
    assert all(len(code) == 15 for code in city["grid_cells"].codes)
    assert 120_000 < sum(len(batch.codes) for batch in city.values()) < 200_000


def test_names_and_codes_are_invented(city: dict[str, Batch]):
    assert all(code.startswith("9901") for code in city["districts"].codes)
    assert all("示例" in note for note in city["districts"].columns["note"])
