"""The drawn town: the same each time, whole in every class, and possible to walk."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from app.catalogue.model import Catalogue
from app.errors import BadInput
from app.inventory.batch import Batch
from app.inventory.prepare import check_batch
from app.sample.build import SampleCity, build
from app.space.metric import metric_crs
from tests.sample.days import AFTER, BEFORE, all_on

#: Programmes of the year: there was nothing of the kind before it.
NEW_IN_THE_YEAR = {"planting_sections", "sorting_centres"}


@pytest.fixture(scope="module")
def town(catalogue: Catalogue) -> SampleCity:
    return build("town", catalogue)


@pytest.fixture(scope="module")
def batches(town: SampleCity) -> dict[str, Batch]:
    return all_on(town.batches, AFTER)


@pytest.fixture(scope="module")
def metric(town: SampleCity, batches: dict[str, Batch]) -> dict[str, NDArray[np.object_]]:
    crs = metric_crs(town.metric_crs)
    return {class_id: crs.to_metric(batch.geometry) for class_id, batch in batches.items()}


def digest(city: SampleCity) -> str:
    found = hashlib.sha256()
    for batch in city.batches:
        found.update(b"".join(shapely.to_wkb(batch.geometry)))
        found.update(repr((batch.codes, sorted(batch.columns.items()), batch.valid)).encode())
    return found.hexdigest()


def test_the_same_seed_draws_the_same_town_and_another_seed_another(catalogue: Catalogue, town: SampleCity):
    assert digest(build("town", catalogue)) == digest(town)
    assert digest(build("town", catalogue, seed=8)) != digest(town)


def test_an_unknown_size_names_the_valid_ones(catalogue: Catalogue):
    with pytest.raises(BadInput) as caught:
        build("village", catalogue)
    assert caught.value.hint == "Valid sizes: town, city, metropolis."


def test_every_class_but_population_cells_and_barriers_has_rows(
    catalogue: Catalogue, batches: dict[str, Batch]
):
    # People sit on the parcels: cells beside them would count them twice. Nothing but water parts the town.
    assert set(catalogue.classes) - set(batches) == {"population_cells", "barriers"}
    assert set(batches) <= set(catalogue.classes)
    assert all(batch.codes for batch in batches.values())
    assert all(len(set(batch.codes)) == len(batch.codes) for batch in batches.values())


def test_what_was_before_has_rows_of_its_own_days(catalogue: Catalogue, town: SampleCity):
    for batch in town.batches:
        check_batch(catalogue.get_class(batch.class_id), batch)
    before, after = all_on(town.batches, BEFORE), all_on(town.batches, AFTER)
    assert all(batch.codes for class_id, batch in before.items() if class_id not in NEW_IN_THE_YEAR)
    assert not any(before[class_id].codes for class_id in NEW_IN_THE_YEAR)
    # Nor is a page empty to who looks at it today.
    assert all(batch.codes for batch in all_on(town.batches, date(2100, 1, 1)).values())
    assert len(before["toilets"].codes) == 21
    assert len(after["toilets"].codes) == 24
    # What did not change has one row: the city must not be twice as large for having two dates.
    assert {b.class_id for b in town.batches if b.valid is None} > {
        "streets",
        "buildings",
        "street_trees",
        "manholes",
    }


@pytest.mark.parametrize("day", [BEFORE, AFTER])
def test_green_of_parks_and_their_gates_follow_the_parks(town: SampleCity, day: date):
    city, crs = all_on(town.batches, day), metric_crs(town.metric_crs)
    shapes = crs.to_metric(city["parks"].geometry)
    parks = dict(zip(city["parks"].codes, shapes, strict=True))
    green = city["green_spaces"]
    mine = {
        park: shape
        for park, shape in zip(green.columns["park"], crs.to_metric(green.geometry), strict=True)
        if park
    }
    assert mine.keys() == parks.keys()
    assert all(shapely.equals(mine[code], parks[code]) for code in parks)
    gates = city["park_gates"]
    rims = shapely.boundary(np.array([parks[code] for code in gates.columns["park"]]))
    assert shapely.distance(rims, crs.to_metric(gates.geometry)).max() < 0.01
    assert dict(zip(city["parks"].codes, city["parks"].columns["gates"], strict=True)) == Counter(
        gates.columns["park"]
    )


def test_parks_only_grew(town: SampleCity):
    crs = metric_crs(town.metric_crs)
    before, after = (
        dict(zip(batch.codes, crs.to_metric(batch.geometry), strict=True))
        for batch in (all_on(town.batches, day)["parks"] for day in (BEFORE, AFTER))
    )
    assert before.keys() < after.keys()
    smaller = [code for code in before if not shapely.equals(before[code], after[code])]
    assert len(smaller) == 2
    assert all(shapely.area(shapely.difference(before[code], after[code])) < 0.1 for code in smaller)


def test_shapes_are_valid_and_inside_the_extent(town: SampleCity):
    west, south, east, north = town.extent
    for batch in town.batches:
        assert shapely.is_valid(batch.geometry).all(), batch.class_id
        assert not shapely.is_empty(batch.geometry).any(), batch.class_id
        bounds = shapely.total_bounds(batch.geometry)
        assert (bounds >= [west, south, west, south]).all()
        assert (bounds <= [east, north, east, north]).all()


def test_areas_nest_without_gaps_or_overlaps(
    batches: dict[str, Batch], metric: dict[str, NDArray[np.object_]]
):
    columns, shapes = batches["districts"].columns, metric["districts"]
    level, parent = np.array(columns["level"]), np.array(columns["parent"], dtype=object)
    code = np.array(batches["districts"].codes)
    area = shapely.area(shapes)
    for upper in ("city", "district", "subdistrict"):
        for row in np.flatnonzero(level == upper):
            children = np.flatnonzero(parent == code[row])
            # Shared corners are equal to a tenth of a millimetre: a gap would be metres wide.
            assert area[children].sum() == pytest.approx(area[row], rel=1e-9)
            assert shapely.area(shapely.union_all(shapes[children])) == pytest.approx(area[row], rel=1e-9)
            assert columns["people"][row] == sum(columns["people"][k] for k in children)
            assert all(code[k].startswith(code[row][:6] if upper != "city" else "99") for k in children)


def test_cells_fill_their_communities_and_bear_their_codes(
    batches: dict[str, Batch], metric: dict[str, NDArray[np.object_]]
):
    cells = batches["grid_cells"]
    size = dict(zip(batches["districts"].codes, shapely.area(metric["districts"]), strict=True))
    for community in set(cells.columns["community"]):
        mine = [k for k, parent in enumerate(cells.columns["community"]) if parent == community]
        assert shapely.area(metric["grid_cells"][mine]).sum() == pytest.approx(size[community], rel=1e-9)
        assert [cells.codes[k] for k in mine] == [f"{community}{k + 1:03d}" for k in range(len(mine))]
        northing = [metric["grid_cells"][k].centroid.y for k in mine]
        assert northing[0] > northing[-1] or len(mine) < 9


def test_codes_are_none_that_gbt_2260_gave_out(batches: dict[str, Batch]):
    assert all(code.startswith("99") for code in batches["districts"].codes)


def component_shares(batch: Batch, wanted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Shares of the length that the connected parts of the wanted streets have, joined at exactly equal ends."""
    lines = batch.geometry[wanted]
    ends = np.concatenate([shapely.get_coordinates(shapely.get_point(lines, k)) for k in (0, -1)])
    nodes, index = np.unique(ends, axis=0, return_inverse=True)
    a, b = index[: len(lines)], index[len(lines) :]
    part = connected_components(coo_array((np.ones(len(lines)), (a, b)), shape=(len(nodes), len(nodes))))[1]
    length = np.bincount(part[a], shapely.length(lines))
    return np.asarray(np.sort(length / length.sum())[::-1])


@pytest.mark.parametrize("walks", [("public", "private", "no"), ("public", "private"), ("public",)])
def test_streets_hang_together(batches: dict[str, Batch], walks: tuple[str, ...]):
    streets = batches["streets"]
    assert component_shares(streets, np.isin(streets.columns["walk"], walks))[0] > 0.95


def test_only_bridges_and_tunnels_meet_water(
    batches: dict[str, Batch], metric: dict[str, NDArray[np.object_]]
):
    water = shapely.union_all(metric["water_bodies"])
    layer = np.array(batches["streets"].columns["layer"])
    wet = shapely.intersects(water, metric["streets"])
    assert not wet[layer == 0].any()
    assert wet[layer != 0].all()
    assert shapely.intersects(water, metric["bridges"]).all()
    assert shapely.intersects(water, metric["tunnels"]).all()
    for class_id in ("buildings", "residential_areas", "toilets", "parking_lots", "street_lights", "markets"):
        assert not shapely.intersects(water, metric[class_id]).any(), class_id


def test_gates_stand_on_the_rim_of_what_they_belong_to(
    batches: dict[str, Batch], metric: dict[str, NDArray[np.object_]]
):
    for gates, field, owners in (
        ("park_gates", "park", "parks"),
        ("residential_gates", "estate", "residential_areas"),
    ):
        shape = dict(zip(batches[owners].codes, metric[owners], strict=True))
        rims = shapely.boundary(np.array([shape[code] for code in batches[gates].columns[field]]))
        assert shapely.distance(rims, metric[gates]).max() < 0.01
    estates = {
        code
        for code, kind in zip(
            batches["residential_areas"].codes, batches["residential_areas"].columns["kind"], strict=True
        )
        if kind == "estate"
    }
    assert estates == set(batches["residential_gates"].columns["estate"])
    assert set(batches["parks"].codes) == set(batches["park_gates"].columns["park"])


def test_every_gate_is_a_node_of_the_streets(batches: dict[str, Batch]):
    lines = batches["streets"].geometry
    nodes = {tuple(xy) for k in (0, -1) for xy in shapely.get_coordinates(shapely.get_point(lines, k))}
    for gates in ("park_gates", "residential_gates"):
        assert {tuple(xy) for xy in shapely.get_coordinates(batches[gates].geometry)} <= nodes


def test_green_spaces_and_parcels_do_not_overlap(
    metric: dict[str, NDArray[np.object_]], batches: dict[str, Batch]
):
    land = metric["residential_areas"][np.array(batches["residential_areas"].columns["kind"]) == "land"]
    for shapes in (metric["green_spaces"], land):
        together = shapely.area(shapely.union_all(shapes))
        assert shapely.area(shapes).sum() == pytest.approx(together, rel=1e-6)
    parks = shapely.union_all(metric["parks"])
    assert shapely.area(shapely.intersection(land, parks)).sum() < 1


def test_only_parcels_bear_people(batches: dict[str, Batch]):
    columns = batches["residential_areas"].columns
    assert all(
        (people is not None) == (kind == "land")
        for people, kind in zip(columns["people"], columns["kind"], strict=True)
    )
    assert sum(people or 0 for people in columns["people"]) == 21_000
