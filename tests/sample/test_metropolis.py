"""The metropolis, drawn small: its streets join, its areas fill the city, its parcels are as many as asked for."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import yaml

from app.errors import BadDeclaration
from app.network.build import build_network
from app.sample import metropolis
from app.sample.build import PARAMETERS, build
from app.space.metric import metric_crs

SMALL = {
    "crossings": 37,
    "arterial_every": 3,
    "countryside": 1,
    "districts": [2, 2],
    "subdistricts": [2, 2],
    "communities": [1, 3],
    "parcels": 1300,
    "people": 27_000,
    "parks": {"blocks": 20, "pockets": 12},
    "toilets": 40,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    values = yaml.safe_load((PARAMETERS / "metropolis.yaml").read_text(encoding="utf-8")) | SMALL
    path = tmp_path_factory.mktemp("metropolis")
    (path / "metropolis.yaml").write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def drawn(folder):
    parameters = metropolis.read_metropolis(folder)
    found = {}
    for rows in metropolis.draw_rows(parameters, metric_crs(parameters["metric_crs"])):
        found.setdefault(rows.class_id, []).append(rows)
    return found


def shapes_of(drawn, class_id):
    return np.concatenate([rows.shapes for rows in drawn[class_id]])


def test_streets_join_at_every_crossing(drawn):
    lines = shapes_of(drawn, "streets")
    network = build_network(lines, np.zeros(len(lines), int), np.full(len(lines), "public"))
    assert network.nodes == 37 * 37
    assert network.edges == 2 * 37 * 36
    assert network.component.max() == 0


def test_parcels_and_people_are_as_many_as_asked_for(drawn):
    parcels = shapes_of(drawn, "residential_areas")
    assert len(parcels) == 1300
    assert shapely.is_valid(parcels).all()
    assert sum(rows.columns["people"].sum() for rows in drawn["residential_areas"]) == 27_000
    tree = shapely.STRtree(parcels)
    one, other = tree.query(parcels, predicate="overlaps")
    assert len(one) == len(other) == 0
    assert not len(tree.query(shapes_of(drawn, "parks"), predicate="overlaps")[0])


def test_areas_of_each_level_fill_the_city_without_overlap(drawn):
    (rows,) = drawn["districts"]
    level = np.array(rows.columns["level"])
    (city,) = rows.shapes[level == "city"]
    for name, count in (("district", 4), ("subdistrict", 16), ("community", 48)):
        shapes = rows.shapes[level == name]
        assert len(shapes) == count
        assert shapely.area(shapes).sum() == pytest.approx(city.area, rel=1e-12)
        assert shapely.union_all(shapes).area == pytest.approx(city.area, rel=1e-12)
    parents = [p for p in rows.columns["parent"] if p]
    assert set(parents) <= set(rows.codes)
    assert len(set(rows.codes)) == len(rows.codes)


def test_the_batches_are_drawn_while_they_are_read(folder, catalogue):
    city = build("metropolis", catalogue, folder=folder)
    counts: dict[str, int] = {}
    for batch in city.batches:
        counts[batch.class_id] = counts.get(batch.class_id, 0) + len(batch.codes)
    assert counts["residential_areas"] == 1300
    assert counts["parks"] == 32
    assert counts["toilets"] == 40
    west, south, east, north = city.extent
    assert west < 115.86 < east
    assert south < 28.68 < north


def test_too_few_blocks_for_the_parcels_are_said(folder, tmp_path):
    values = yaml.safe_load((folder / "metropolis.yaml").read_text(encoding="utf-8")) | {"parcels": 9000}
    (tmp_path / "metropolis.yaml").write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    parameters = metropolis.read_metropolis(tmp_path)
    with pytest.raises(BadDeclaration, match="do not make 9,000 parcels"):
        list(metropolis.draw_rows(parameters, metric_crs(parameters["metric_crs"])))
