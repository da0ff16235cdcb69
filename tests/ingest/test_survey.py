"""Pipe surveys in tables: points and lines are joined by their numbers, and a row that joins nothing is told."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import openpyxl
import pytest
import shapely

from app.ingest.files import recognise
from app.ingest.headings import match_headings
from app.ingest.layer import Ask, Layer, LayerSource, whole
from app.ingest.readers import READERS
from app.ingest.spool import sources
from app.ingest.survey import find_tables, join_tables

X, Y = 3174669.149, 388382.945


def table(name: str, **columns: list[Any]) -> Layer:
    count = len(next(iter(columns.values())))
    rows = list(range(2, count + 2))
    return Layer(name, rows, np.full(count, None, dtype=object), columns, None, spatial=False)


def joined(*layers: Layer) -> list[LayerSource]:
    given = sources(layers)
    tables = find_tables(given)
    assert tables is not None
    return join_tables(given, tables)


def points(name: str = "WS点", numbers: tuple[Any, ...] = ("WS1", "WS2", "WS3"), north: float = X) -> Layer:
    size = len(numbers)
    return table(
        name, 物探点号=list(numbers), X=[north + 10 * i for i in range(size)], Y=[Y + 20 * i for i in range(size)],
        地面高程=[20.5] * size, 特征=["三通"] + [None] * (size - 1), 附属物=[None] + ["检查井"] * (size - 1),
    )  # fmt: skip


def lines(pairs: list[tuple[Any, Any]], name: str = "WS线", **more: list[Any]) -> Layer:
    return table(name, 起点点号=[a for a, _ in pairs], 连接点号=[b for _, b in pairs], **more)


def test_points_and_lines_become_nodes_and_pipes():
    nodes, pipes = joined(
        points(), lines([("WS1", "WS2"), ("WS2", "WS3")], 管径=[300, "400×600"], 材质=["砼", "PE"])
    )
    assert [(s.name, s.count, s.spatial, s.crs) for s in (nodes, pipes)] == [
        ("pipe_nodes", 3, True, None), ("pipes", 2, True, None),
    ]  # fmt: skip
    node, pipe = whole(nodes), whole(pipes)
    assert [shapely.get_coordinates(shape).tolist() for shape in pipe.geometry] == [
        [[Y, X], [Y + 20, X + 10]], [[Y + 20, X + 10], [Y + 40, X + 20]],
    ]  # fmt: skip
    assert shapely.get_coordinates(node.geometry[0]).tolist() == [[Y, X]]
    assert (node.rows, pipe.rows, node.faults, pipe.faults) == ([2, 3, 4], [2, 3], {}, {})
    assert node.columns == {
        "code": ["WS1", "WS2", "WS3"], "物探点号": ["WS1", "WS2", "WS3"], "地面高程": [20.5] * 3,
        "管线种类": ["WS"] * 3,
        "特征": ["三通", "检查井", "检查井"], "附属物": [None, "检查井", "检查井"],
    }  # fmt: skip
    assert pipe.columns == {
        "code": ["WS1-WS2", "WS2-WS3"], "起始点号": ["WS1", "WS2"], "终止点号": ["WS2", "WS3"], "管线种类": ["WS"] * 2,
        "管径": [300, None], "材质": ["砼", "PE"], "断面宽": [None, "400"], "断面高": [None, "600"],
    }  # fmt: skip
    assert nodes.bounds == pipes.bounds == (Y, X, Y + 40, X + 20)
    assert any("is north" in note for note in nodes.notes)


def test_their_headings_are_fields_of_the_classes(catalogue):
    nodes, pipes = joined(
        points(), lines([("WS1", "WS2")], 管径=["300x400"], 材质=["砼"], 起点埋深=[1.2], 终点埋深=[1.3])
    )
    node = match_headings(nodes.headings, catalogue.classes["pipe_nodes"])
    pipe = match_headings(pipes.headings, catalogue.classes["pipes"])
    assert node.key == pipe.key == "code"
    assert {"survey_number", "elevation_m", "kind", "network"} <= {
        field.name for field in node.fields.values()
    }
    assert {
        "from_node",
        "to_node",
        "kind",
        "material",
        "width_mm",
        "height_mm",
        "start_depth_m",
        "end_depth_m",
    } <= {field.name for field in pipe.fields.values()}


def test_diameters_are_written_in_many_ways():
    cells = ["DN300", "Φ300", "300mm", 300, "300 X 500 mm", None]
    numbers = tuple(range(1, 8))
    ends = list(pairwise(numbers))
    pipe = whole(joined(points(numbers=numbers), lines(ends, **{"管径或断面尺寸(mm)": cells}))[1])
    assert pipe.columns["管径"] == ["300", "300", "300mm", 300, None, None]
    assert (pipe.columns["断面宽"][4], pipe.columns["断面高"][4]) == ("300", "500")


BAD_LINES = {
    ("WS12", "WS1"): "start point 'WS12' is not in the point table",
    ("WS1", "WS9"): "end point 'WS9' is not in the point table",
    ("WS1", None): "the number of the end point is empty",
    ("WS2", "WS2"): "start and end are the same point 'WS2'",
    ("WS1", "WS4"): "the points 'WS1' and 'WS4' lie at the same place",
    ("WS1", "WS5"): "end point 'WS5' has no place (row 6 of 'WS点')",
    ("WS3", "WS2"): "the stretch from 'WS3' to 'WS2' is already in row 2",
}


@pytest.mark.parametrize("pair", BAD_LINES)
def test_a_line_that_joins_nothing_is_a_fault(pair):
    layer = points(numbers=("WS1", "WS2", "WS3", "WS4", "WS5"))
    layer.columns["X"][3:] = [layer.columns["X"][0], "东湖"]
    layer.columns["Y"][3] = layer.columns["Y"][0]
    pipe = whole(joined(layer, lines([("WS2", "WS3"), pair, ("WS1", "WS2")]))[1])
    assert pipe.faults == {1: BAD_LINES[pair]}
    assert [shape is None for shape in pipe.geometry] == [False, True, False]


def test_a_number_that_stands_twice_or_is_missing_is_a_fault():
    nodes = joined(points(numbers=("WS1", "WS2", "WS1", None)), lines([("WS1", "WS2")]))[0]
    layer = whole(nodes)
    assert layer.faults == {
        2: "point 'WS1' is already in row 2 of 'WS点'", 3: "物探点号 is empty: the point has no number",
    }  # fmt: skip
    assert [shape is None for shape in layer.geometry] == [False, False, True, True]


def test_points_of_no_line_are_counted():
    nodes = joined(points(), lines([("WS1", "WS2")]))[0]
    assert "1 points are at the end of no line" in nodes.notes


def test_numbers_are_alike_however_a_table_holds_them():
    pipe = whole(joined(points(numbers=(1, 2.0, "３")), lines([("1", 2), (" 2 ", 3.0)]))[1])
    assert pipe.faults == {}
    assert pipe.columns["code"] == ["1-2", "2-3"]


def test_tables_split_by_kind_of_pipe():
    made = joined(
        points("JS点表", ("J1", "J2")), lines([("J1", "J2")], "JS线表"),
        points("污水管线点", ("W1", "W2"), X + 500), lines([("W1", "W2"), ("W2", "J1")], "污水管线"),
        table("说明", 内容=["见图"]),
    )  # fmt: skip
    assert [source.name for source in made] == ["说明", "pipe_nodes", "pipe_nodes", "pipes", "pipes"]
    assert [whole(source).columns["管线种类"][0] for source in made[1:]] == ["JS", "WS", "JS", "WS"]
    assert all(not whole(source).faults for source in made)
    assert whole(made[4]).columns["终止点号"] == ["W2", "J1"]


def test_kinds_that_number_alike_are_told_apart():
    made = joined(
        points("JS_POINT", (1, 2)), lines([(1, 2)], "JS_LINE"),
        points("YS_POINT", (1, 2), X + 500), lines([(1, 2)], "YS_LINE"),
    )  # fmt: skip
    assert [whole(source).columns["code"] for source in made] == [
        ["JS1", "JS2"],
        ["YS1", "YS2"],
        ["JS1-JS2"],
        ["YS1-YS2"],
    ]
    assert [source.bounds[1] for source in made if source.bounds] == [X, X + 500, X, X + 500]


def test_one_table_of_points_and_the_points_they_lead_to():
    layer = table(
        "管线点成果表", 管线点号=["a", "b", None, "c"], 连接点号=["b", "a", "c", "b"], X=[X, X + 5, None, X + 9],
        Y=[Y, Y + 5, None, Y + 9], 管径=[300, 300, 400, 400],
    )  # fmt: skip
    nodes, pipes = map(whole, joined(layer))
    assert (nodes.columns["code"], nodes.rows, nodes.faults) == (["a", "b", "c"], [2, 3, 5], {})
    assert (pipes.columns["code"], pipes.rows, pipes.faults) == (["a-b", "b-c"], [2, 4], {})


def test_x_is_north_where_size_does_not_tell():
    layer = points(north=85000.0)
    layer.columns["Y"][:] = [50000.0, 50010.0, 50020.0]
    nodes = joined(layer, lines([("WS1", "WS2")]))[0]
    assert nodes.bounds == (50000.0, 85000.0, 50020.0, 85020.0)
    assert "places from the columns X, Y: X is taken as north, as CJJ 61 has it" in nodes.notes


def test_other_tables_are_no_survey():
    streets = table("streets", 起点=["A"], 终点=["B"])
    toilets = table("toilets", 名称=["甲"], 经度=[115.8], 纬度=[28.6])
    assert find_tables(sources([streets, toilets])) is None
    assert find_tables(sources([points()])) is None


def test_the_sheets_of_a_workbook(tmp_path):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for layer in (points(), lines([("WS1", "WS2"), ("WS2", "WS8")], 管径=[300, 300])):
        sheet = book.create_sheet(layer.name)
        sheet.append(["某市地下管线普查成果"])
        sheet.append(list(layer.columns))
        for row in zip(*layer.columns.values(), strict=True):
            sheet.append(row)
    book.save(tmp_path / "survey.xlsx")
    file = recognise(tmp_path / "survey.xlsx")
    nodes, pipes = joined(*(layer for layer in READERS[file.format](file, Ask())))
    assert (nodes.count, pipes.count) == (3, 2)
    assert whole(pipes).faults == {1: "end point 'WS8' is not in the point table"}
    assert whole(pipes).rows == [3, 4]
