"""The notebooks run from top to bottom as they are committed, and find what they tell."""

from __future__ import annotations

import ast
import json
import math
import re

import geopandas
import pandas as pd
import pytest

from app.city import City
from app.errors import Conflict, NotFound
from app.maps.inline import InlineMap
from app.settings import ROOT
from tests.clones import clone

pytestmark = pytest.mark.slow

FOLDER = ROOT / "notebooks"
BOOKS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.ipynb"))}
#: Those that need nothing but the sample town, in the order in which they are read.
LESSONS = ["1_load_a_city", "2_measure_coverage", "3_compare_two_dates", "4_export_to_qgis"]
DOCS = [ROOT / "docs" / f"use-it-from-python{ending}.md" for ending in ("", ".zh")]
CHINESE = re.compile(r"[一-鿿]")


def code_of(book):
    return ["".join(cell["source"]) for cell in BOOKS[book]["cells"] if cell["cell_type"] == "code"]


def prose_of(book):
    return ["".join(cell["source"]) for cell in BOOKS[book]["cells"] if cell["cell_type"] == "markdown"]


def run_cell(text, names):
    """Run a cell and give what a notebook would show: the value of its last line, where that is an expression."""
    tree = ast.parse(text)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def run_book(book, names):
    """Run all cells of a notebook; what they showed."""
    return [run_cell(text, names) for text in code_of(book)]


def test_there_are_the_lessons_and_helsinki():
    assert list(BOOKS) == [*LESSONS, "helsinki"]
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [listed.count(f"({book}.ipynb)") for book in BOOKS] == [2] * len(BOOKS), "in both languages"


@pytest.mark.parametrize("book", BOOKS)
def test_no_output_is_committed(book):
    for cell in BOOKS[book]["cells"]:
        assert cell["cell_type"] != "code" or (cell["outputs"], cell["execution_count"]) == ([], None)
    ids = [cell["id"] for cell in BOOKS[book]["cells"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("book", BOOKS)
def test_links_lead_somewhere(book):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", "\n".join(prose_of(book))):
        assert "://" in target or (FOLDER / target).exists(), target


@pytest.mark.parametrize("book", LESSONS)
def test_a_lesson_uses_public_names_alone_and_explains_itself(book):
    tree = ast.parse("\n".join(code_of(book)))
    used = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)]
    ours = [ast.unparse(node) for node in used if "app" in ast.unparse(node).split()[1].split(".")]
    assert ours == ["from app.city import City"]
    prose = prose_of(book)
    assert len(prose) >= len(code_of(book)) * 0.7
    assert sum(bool(CHINESE.search(text)) for text in prose) >= 6


def public_names():
    return {name for name in vars(City) if not name.startswith("_")}


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_the_page_names_every_method(page):
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `city\.(\w+)", text, re.MULTILINE)) == public_names()


@pytest.fixture(scope="module")
def home(cluster_settings, template, tmp_path_factory):
    """A folder like the notebooks' own, whose database is an empty, migrated clone."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "notebooks").mkdir()
    # the secrets of the cluster that the clone lies in
    (folder / ".data-notebooks").symlink_to(cluster_settings.home_path)
    with clone(cluster_settings, template) as cloned, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOTEBOOK_DATABASE_URL", cloned.database_url)
        patch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/somebody_elses_city")
        patch.chdir(folder / "notebooks")
        yield cloned


@pytest.fixture(scope="module")
def loaded(home):
    """The names and what was shown after the first lesson, which fills the database."""
    names = {}
    return names, run_book(LESSONS[0], names)


@pytest.fixture(scope="module")
def compared(loaded):
    """The names and what was shown after the third lesson."""
    names = {}
    return names, run_book(LESSONS[2], names)


@pytest.mark.wide
def test_load_a_city(loaded):
    names, shown = loaded
    # what is over by now was loaded too
    assert 3000 < names["classes"]["rows"].sum() < names["loaded"]["loaded"].sum()
    reasons = shown[6]["reason"].tolist()
    assert "outside the city" in reasons[0]
    assert reasons[1] == "no geometry"
    assert names["understood"]["headings"] == {"名称": "name_zh", "男厕位数": "male_stalls"}
    assert shown[-2].text.count("</html>") == 1
    assert "TL-000001" in shown[-2].text


@pytest.mark.wide
def test_measure_coverage(loaded):
    names = {}
    run_book(LESSONS[1], names)
    assert names["by_hand"] == pytest.approx(0.894854, abs=1e-5)
    assert names["results"]["share_of_people"].tolist() == pytest.approx([0.91727, 0.573901], abs=1e-5)
    assert names["at_night"].loc["walk", "facilities"] < names["walk"]["facilities"]
    # what the pages on Python print
    printed = names["results"].reset_index()[["mode", "share_of_people", "share_of_land"]].to_string()
    assert all(printed in page.read_text(encoding="utf-8") for page in DOCS)


@pytest.mark.wide
def test_compare_two_dates(compared):
    names, _ = compared
    assert names["changed"].loc["toilets", "count"] == len(names["built"]) == 3
    assert pd.to_datetime(names["built"]["built_on"]).dt.year.eq(2021).all()
    # the land that is new is what the figures say
    whole = names["rows"].iloc[0]
    assert names["parts"]["area_m2"].sum() == pytest.approx(whole["land_served_change_m2"], abs=1)


@pytest.mark.wide
def test_export_to_qgis(loaded):
    names = {}
    run_book(LESSONS[3], names)
    assert names["report"]["layers"][0]["own_export"]
    assert names["report"]["rejects"] == []
    assert not names["out"].exists()


@pytest.mark.wide
def test_a_table_bears_its_system_and_what_is_said_of_it(loaded, home):
    with City(home.home, home.database_url) as city:
        parks = city.read("公园", crs=city.metric_crs)
        frame = geopandas.GeoDataFrame.from_arrow(parks)
        assert frame.crs.to_string() == city.metric_crs
        assert frame.geometry.area.to_numpy() == pytest.approx(frame["area_m2"].to_numpy(), rel=1e-6)
        assert parks.schema.field("name_zh").metadata[b"title"].decode() == "名称 Name"
        assert "示例数据" in parks.schema.metadata[b"attribution"].decode()
        held = {row["id"]: row["rows"] for row in city.classes()}
        assert {name: city.read(name).num_rows for name in held} == held
        run = city.coverage("park-300", "straight")["run"]
        areas = city.read(run[:8], part="areas").to_pydict()
        assert sorted(set(areas["mode"])) == ["straight"]
        with pytest.raises(NotFound, match="part of a run"):
            city.read(run, part="holes")
        nothing = geopandas.GeoDataFrame.from_arrow(city.read("toilets", filter="stalls > 999"))
        assert (len(nothing), nothing.crs) == (0, "EPSG:4326")


@pytest.mark.wide
def test_errors_say_what_to_do(loaded, home):
    with City(home.home, home.database_url) as city:
        with pytest.raises(NotFound, match="no class named 'toiletten'") as raised:
            city.read("toiletten")
        assert "toilets" in raised.value.__notes__[0]
        with pytest.raises(Conflict, match="'town', not 'city'"):
            city.load_sample("city")


@pytest.mark.wide
def test_without_a_folder_the_environment_says_which_city(loaded, home, monkeypatch):
    monkeypatch.setenv("CHENGTU_HOME", str(home.home))
    monkeypatch.setenv("DATABASE_URL", home.database_url)
    with City(who="planner") as city:
        assert {row["id"] for row in city.classes()} == set(loaded[0]["classes"].index)
        assert city.who == "planner"


@pytest.fixture(scope="module")
def drawn():
    """The drawn town, which needs neither data nor database."""
    names = {}
    names["shown"] = [run_cell(text, names) for text in code_of("helsinki")[:2]]
    return names


def test_the_drawn_town_needs_no_database(drawn):
    straight, walk = drawn["shown"][0].to_dict("records")
    # the disc round the toilet less the half below the estate and the strip of 20 m beside it
    strip = (20 * math.sqrt(300**2 - 20**2) + 300**2 * math.asin(20 / 300)) / 2
    inside = math.pi * 300**2 / 4 - strip
    assert straight["share_of_people"] == pytest.approx((200 + 800 * inside / 400**2) / 1000, rel=2e-4)
    assert walk["people_served"] == 200, "the gate lies 400 m round"
    assert drawn["shown"][1]["people"].tolist() == [800]


@pytest.mark.wide
def test_helsinki_from_top_to_bottom(drawn, data_dir, environment, monkeypatch):
    monkeypatch.setenv("NOTEBOOK_DATABASE_URL", environment["DATABASE_URL"])
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/somebody_elses_city")
    monkeypatch.setenv("CHENGTU_DATA", str(data_dir))
    shown = [run_cell(text, drawn) for text in code_of("helsinki")[2:]]
    straight, walk = shown[1].to_dict("records")
    assert (straight["share_of_people"], walk["share_of_people"]) == pytest.approx((0.755, 0.291), abs=5e-4)
    land = [row["land_served_m2"] for row in drawn["run"]["results"]]
    assert shown[2]["land_m2"].sum() == pytest.approx(land[0] - land[1], rel=1e-3)
    assert shown[3]["people"].is_monotonic_decreasing
    assert "gap, walk" in shown[4].text
    assert shown[5]["within 300 m"] == walk["people_served"]
    assert 300 < shown[5]["half of them walk at most"] < 400, "fewer than half are served within 300 m"
    gained = shown[6].set_index("mode")
    assert gained.loc["walk", "people_gaining"] >= 0
    assert gained.loc["straight", "people_losing"] == 0
    assert gained.loc["walk", "share_of_people"] >= 0


PAGE = "<!doctype html><title>notebook</title><body>{frames}</body>"


@pytest.mark.browser
@pytest.mark.wide
def test_maps_are_drawn_inside_another_page_and_ask_nobody(compared, browser, tmp_path):
    names, shown = compared
    maps = [item for item in shown if isinstance(item, InlineMap)]
    page = tmp_path / "page.html"
    page.write_text(PAGE.format(frames="".join(item._repr_html_() for item in maps)), encoding="utf-8")
    context = browser.new_context(viewport={"width": 1200, "height": 1150})
    tab = context.new_page()
    wrong, asked = [], []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(page.as_uri())
    theirs, ours = (tab.frame_locator("iframe").nth(i) for i in range(len(maps)))
    theirs.locator("path.leaflet-interactive").first.wait_for()
    drawn = [names["districts"], names["parts"], names["built"]]
    assert theirs.locator("path.leaflet-interactive").count() == sum(map(len, drawn))
    ours.get_by_text("2020-12-31").first.wait_for()
    ours.locator("canvas").first.wait_for()
    # a moved map writes itself into the address of its page, where the page has one
    ours.get_by_role("button", name="Zoom in").click()
    ours.get_by_role("button", name="Whole city").click()
    context.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))] == []


@pytest.mark.wide
def test_a_map_is_kept_as_a_file(compared, tmp_path):
    kept = compared[1][-3].save(tmp_path / "town.html")
    assert kept.read_text(encoding="utf-8").startswith("<!")
