"""The main job on a real city: Helsinki's extract, people and districts, against figures counted elsewhere.

Straight-line shares were counted with GeoPandas by whoever collected the data; walked distances are checked here
against NetworkX on a graph of its own, made of every vertex of every street.
"""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
import shapely

from app.coverage import service
from app.coverage.engine import Engine
from app.inventory.arrays import read_arrays
from app.inventory.changes import get_metric_crs
from app.settings import ROOT
from tests.clones import clone, opened
from tests.importing import import_path


@pytest.fixture(scope="module")
def helsinki(cluster_settings, template, catalogue, data_dir):
    """A database with the three files of the folder, and the report of each import."""
    folder = data_dir / "helsinki"
    files = {
        "Helsinki.osm.pbf": None,
        "helsinki_population_grid_2020.gpkg": "population_cells",
        "helsinki_city_districts_2021.gpkg": "districts",
    }
    with clone(cluster_settings, template) as settings, opened(settings) as db:
        reports = [
            import_path(db, catalogue, folder / name, class_id=cls, who="test")["files"][0]
            for name, cls in files.items()
        ]
        yield db, reports


def run(helsinki, catalogue, policy, mode="straight", **parameters):
    db, _ = helsinki
    request = {"policy": policy, "mode": mode, "parameters": parameters}
    return service.run(db, Engine(db, catalogue).answer, request)


def test_counts_of_the_extract(helsinki):
    classes = helsinki[1][0]["classes"]
    read = {name: counts["read"] for name, counts in classes.items()}
    expected = {
        "toilets": 18, "parks": 17, "manholes": 402, "pipes": 79, "street_lights": 586, "street_trees": 649,
        "bridges": 7, "tunnels": 289, "parking_lots": 43, "buildings": 536, "markets": 2,
    }  # fmt: skip
    assert {name: read[name] for name in expected} == expected
    assert classes["manholes"]["loaded"] == 397
    assert classes["toilets"]["loaded"] == 18
    assert classes["parks"]["loaded"] == 12
    for counts in classes.values():
        assert counts["read"] == counts["loaded"] + counts["rejected"] + counts["unchanged"]


def test_the_five_cut_parks_are_reported_with_their_missing_nodes(helsinki):
    reasons = [r["reason"] for r in helsinki[1][0]["rejects"] if r["class"] == "parks"]
    for words in ("40 of 51", "91 of 98", "66 of 70", "75 of 76", "41 of 113"):
        assert sum(words in reason for reason in reasons) == 1
    assert len(reasons) == 5


@pytest.mark.parametrize(
    ("policy", "by_centre", "by_area"),
    [
        ("toilet-300", 75.5, 73.3),
        ("toilet-500", 100.0, 99.9),
        ("park-300", 94.8, 93.9),
        ("park-500", 100.0, 100.0),
    ],
)
def test_straight_shares_of_people(helsinki, catalogue, policy, by_centre, by_area):
    centre = run(helsinki, catalogue, policy)
    area = run(helsinki, catalogue, policy, people_rule="area")
    assert centre["inputs"]["people_rule"] == "centre"
    assert area["inputs"]["people_rule"] == "area"
    assert round(centre["results"][0]["share_of_people"] * 100, 1) == by_centre
    assert round(area["results"][0]["share_of_people"] * 100, 1) == by_area


def test_people_outside_the_extract_are_counted_apart(helsinki, catalogue):
    result = run(helsinki, catalogue, "toilet-10min")
    assert result["results"][0]["share_of_people"] == 1.0
    assert result["results"][0]["people"] == 5_374
    assert result["inputs"]["people_outside_data"] == 71_724 - 5_374


def test_districts_outside_the_extract_are_null_with_the_reason(helsinki, catalogue):
    areas = {row["name"]: row for row in run(helsinki, catalogue, "toilet-300")["areas"]}
    assert len(areas) == 8
    assert areas["Eteläinen"]["share_of_people"] is not None
    for name in set(areas) - {"Eteläinen", "Keskinen"}:
        assert areas[name]["share_of_people"] is None
        assert areas[name]["reason"]


@pytest.mark.wide
def test_a_second_import_changes_nothing(helsinki, catalogue, data_dir):
    db, _ = helsinki
    again = import_path(db, catalogue, data_dir / "helsinki" / "Helsinki.osm.pbf", who="test")["files"][0]
    for counts in again["classes"].values():
        assert counts["loaded"] == 0
        assert counts["unchanged"] == counts["read"] - counts["rejected"]


def readme_rows(page):
    """The rows between the marks of a README: policy and tier → its four percentages as printed."""
    text = (ROOT / page).read_text(encoding="utf-8")
    table = text.split("<!-- figures")[1].split("<!-- end of figures -->")[0]
    cells = [
        [cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines() if "`" in line
    ]
    return {row[0].replace("`", ""): row[1:] for row in cells if len(row) == 5}


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
@pytest.mark.wide
def test_the_readme_prints_what_comes_out(helsinki, catalogue, page):
    rows = readme_rows(page)
    assert len(rows) == 8
    for name, printed in rows.items():
        policy, _, tier = name.partition(" ")
        results = run(helsinki, catalogue, policy, "both")["results"]
        found = {row["mode"]: row for row in results if tier in ("", row["tier"])}
        shares = [
            found[mode][of] for of in ("share_of_people", "share_of_land") for mode in ("straight", "walk")
        ]
        assert printed == [f"{share * 100:.1f} %" for share in shares]


def oracle_graph(lines):
    """Every vertex a node, every segment an edge: the plainest graph of the streets."""
    graph = nx.Graph()
    for line in itertools.chain.from_iterable(shapely.get_parts(lines).tolist() for lines in lines):
        points = [tuple(np.round(point, 2)) for point in line.coords]
        for a, b in itertools.pairwise(points):
            if a != b:
                graph.add_edge(a, b, length=float(np.hypot(a[0] - b[0], a[1] - b[1])))
    return graph


def hang(graph, segments, tree, point, name, limit=np.inf):
    """Join a point to the nearest segment by a straight step, splitting the segment there; False beyond the limit."""
    index = tree.nearest(point)
    segment = tree.geometries[index]
    if segment.distance(point) > limit:
        return False
    a, b = segments[index]
    along = segment.project(point)
    graph.add_edge(name, a, length=segment.distance(point) + along)
    graph.add_edge(name, b, length=segment.distance(point) + segment.length - along)
    return True


def test_walked_distances_agree_with_networkx(helsinki, catalogue):
    db, _ = helsinki
    with db.engine() as conn:
        crs = get_metric_crs(conn)
        streets = read_arrays(conn, catalogue, "streets", ["walk"], {"walk": ("public", None)}, crs)
        toilets = read_arrays(
            conn, catalogue, "toilets", [], {"access": ("public", None), "state": ("in_service", None)}, crs
        )
        cells = read_arrays(conn, catalogue, "population_cells", ["people"], {}, crs)
    graph = oracle_graph(streets.geometry)
    # Mapping artefacts below 300 m are not snapped to, as the engine documents.
    for part in list(nx.connected_components(graph)):
        if sum(d["length"] for *_, d in graph.subgraph(part).edges(data=True)) < 300:
            graph.remove_nodes_from(part)
    segments = list(graph.edges())
    tree = shapely.STRtree([shapely.LineString(pair) for pair in segments])
    for i, point in enumerate(toilets.geometry):
        assert hang(graph, segments, tree, point, ("toilet", i))
    frame = cells.frame or streets.frame
    centres = {i: c for i, c in enumerate(shapely.centroid(cells.geometry)) if frame.contains(c)}
    assert len(centres) == 19
    served = 0
    sources = [("toilet", i) for i in range(len(toilets.geometry))]
    for i, centre in centres.items():
        assert hang(graph, segments, tree, centre, ("cell", i), limit=250)
    distance = nx.multi_source_dijkstra_path_length(graph, set(sources), weight="length")
    served = sum(cells.columns["people"][i] for i in centres if distance.get(("cell", i), np.inf) <= 300)
    result = run(helsinki, catalogue, "toilet-300", "walk")["results"][0]
    assert result["people_served"] == served
    assert 0 < served < 5_374
