"""The notebook runs from top to bottom as it is committed, and finds in Helsinki what the README tells."""

from __future__ import annotations

import ast
import json
import math

import pytest

from app.settings import ROOT

pytestmark = pytest.mark.slow

BOOK = json.loads((ROOT / "notebooks" / "helsinki.ipynb").read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in BOOK["cells"] if cell["cell_type"] == "code"]


def run_cell(text, names):
    """Run a cell and give what a notebook would show: the value of its last line, where that is an expression."""
    tree = ast.parse(text)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def test_no_output_is_committed():
    for cell in BOOK["cells"]:
        assert cell["cell_type"] != "code" or (cell["outputs"], cell["execution_count"]) == ([], None)


@pytest.fixture(scope="module")
def names():
    """The drawn town, which needs neither data nor database."""
    names = {}
    names["shown"] = [run_cell(text, names) for text in CODE[:2]]
    return names


def test_the_drawn_town_needs_no_database(names):
    straight, walk = names["shown"][0].to_dict("records")
    # the disc round the toilet less the half below the estate and the strip of 20 m beside it
    strip = (20 * math.sqrt(300**2 - 20**2) + 300**2 * math.asin(20 / 300)) / 2
    inside = math.pi * 300**2 / 4 - strip
    assert straight["share_of_people"] == pytest.approx((200 + 800 * inside / 400**2) / 1000, rel=2e-4)
    assert walk["people_served"] == 200, "the gate lies 400 m round"
    assert names["shown"][1]["people"].tolist() == [800]


def test_helsinki_from_top_to_bottom(names, data_dir, environment, monkeypatch):
    monkeypatch.setenv("NOTEBOOK_DATABASE_URL", environment["DATABASE_URL"])
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/somebody_elses_city")
    monkeypatch.setenv("CHENGTU_DATA", str(data_dir))
    shown = [run_cell(text, names) for text in CODE[2:]]
    straight, walk = shown[1].to_dict("records")
    assert (straight["share_of_people"], walk["share_of_people"]) == pytest.approx((0.755, 0.291), abs=5e-4)
    land = [row["land_served_m2"] for row in names["answer"]["results"]]
    assert shown[2]["land_m2"].sum() == pytest.approx(land[0] - land[1], rel=1e-3)
    assert shown[3]["people"].is_monotonic_decreasing
    assert "gap, walk" in shown[4].get_root().render()
    assert sum(shown[5]["people by metres"].values()) <= 5374
    gained = shown[6].set_index("mode")
    assert gained.loc["walk", "people_gaining"] >= 0
    assert gained.loc["straight", "people_losing"] == 0
    assert gained.loc["walk", "share_of_people"] >= 0
