"""Drawn examples of what is counted or compared: spread, service areas, densities, scenarios, frames, two times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point, box

from app.catalogue.policy_model import Near
from app.catalogue.title import Title
from app.coverage.bases import also_rows
from app.coverage.compute import compute, walker_of
from app.coverage.counting import add_up, area_of, inside, length_of
from app.coverage.drawn import drawn_areas, objects, places, town
from app.coverage.equity import gini, spread
from app.coverage.figures import svg
from app.coverage.figures.example import Example, Worked
from app.coverage.figures.svg import Drawing
from app.coverage.guard import Loss
from app.coverage.histogram import METRES, ends, histogram, median
from app.coverage.incremental import BandChange, State, change, state_of
from app.coverage.model import AlsoDemand, Inputs
from app.coverage.nearness import near_to
from app.coverage.results import result_rows
from app.coverage.service_polygons import walked_polygon
from app.coverage.service_streets import lines_of, streets_within
from app.coverage.supply import SupplyRule, judge
from app.coverage.units import area_units, clipped

ARC = 5e-4
PEOPLE = Title("人", "people")
FACILITY = Title("设施", "facility")
HOME = Title("居住用地", "residential land")
SERVED = Title("被服务的用地", "land served")
GAP = Title("覆盖缺口", "gap")
ROAD = Title("道路", "street")
TIME = svg.Style("none", svg.INK, 1.2)


def equity() -> Example:
    """Four estates with their metres to the nearest facility: classes, half of all, the Lorenz curve."""
    metres, count = np.array([150.0, 250.0, 450.0, 900.0]), np.array([100.0, 300.0, 400.0, 200.0])
    classes = histogram(metres, count, ends(METRES, [500.0]))
    drawing = Drawing((-60, -130, 1480, 560))
    _bars(drawing, classes.upper, classes.amount)
    _lorenz(drawing, metres * count, count, (1000.0, 0.0, 420.0))
    middle = median(metres, count)
    unequal = gini(metres, count)
    districts = spread(np.array([0.9, 0.6]), np.array([600.0, 400.0]))
    assert middle is not None
    assert unequal is not None
    assert districts is not None
    assert districts.gini is not None
    pairs = (
        "100 × 300 × 100 + 100 × 400 × 300 + 100 × 200 × 750 + 300 × 400 × 200 + 300 × 200 × 650 "
        "+ 400 × 200 × 450"
    )
    mean = "(100 × 150 + 300 × 250 + 400 × 450 + 200 × 900)"
    numbers = (
        Worked("served", Title("500 m 以内的人", "people within 500 m"), "100 + 300 + 400",
               float(classes.amount[: int(np.searchsorted(classes.upper, 500.0)) + 1].sum())),
        Worked("median", Title("中位距离", "median"), "450", middle, "m"),
        Worked("gini", Title("距离的基尼系数", "Gini of metres"),
               f"({pairs}) ÷ (1000 × {mean})", unequal, "", 4),
        Worked("ratio", Title("两区覆盖率 90 % 与 60 % 之比", "ratio of two districts with 90 % and 60 %"),
               "0.9 ÷ 0.6", float(districts.ratio or 0.0), "", 2),
        Worked("areas", Title("两区 (600 人, 400 人) 的基尼系数", "Gini of these districts of 600 and 400 people"),
               "600 × 400 × (0.9 − 0.6) ÷ (1000 × (600 × 0.9 + 400 × 0.6))", districts.gini, "", 4),
    )  # fmt: skip
    title = Title("距离分布与公平", "How far it is, and how evenly")
    return Example("equity", title, drawing.svg(title), numbers)


def _bars(drawing: Drawing, upper: np.ndarray, amount: np.ndarray) -> None:
    """People by class of metres to 1,000 m, those within 500 m in the colour of what is served."""
    lower = 0.0
    drawing.text(0, -30, "0")
    for end, number in zip(upper.tolist(), amount.tolist(), strict=False):
        if end > 1000:
            break
        style = svg.SERVED_LAND if end <= 500 else svg.GAP_LAND
        legend = (
            Title("500 m 以内的人", "people within 500 m")
            if end <= 500
            else Title("更远的人", "further away")
        )
        if number:
            drawing.shape(box(0.8 * lower, 0, 0.8 * end, number), style, legend)
            drawing.text(0.4 * (lower + end), number + 25, f"{number:.0f}", bold=True)
        drawing.text(0.8 * end, -30, f"{end:.0f}")
        lower = end
    drawing.shape(LineString([(0, 0), (820, 0)]), TIME)
    drawing.text(400, -90, "m")


def _lorenz(drawing: Drawing, amount: np.ndarray, weight: np.ndarray, at: tuple[float, float, float]) -> None:
    """Shares of metres over shares of people, those nearest first; the straight line is all alike."""
    west, south, side = at
    part = np.concatenate(([0.0], np.cumsum(weight) / weight.sum()))
    held = np.concatenate(([0.0], np.cumsum(amount) / amount.sum()))
    curve = np.column_stack((west + side * part, south + side * held))
    drawing.shape(box(west, south, west + side, south + side), svg.Style("none", svg.STREET))
    alike = [(west, south), (west + side, south + side)]
    drawing.shape(shapely.Polygon(curve), svg.Style(svg.OTHER, "none", opacity=0.35))
    drawing.shape(
        LineString(alike), svg.Style("none", svg.STREET, 1.2, "4 4"), Title("人人一样", "all alike")
    )
    drawing.shape(
        LineString(curve), svg.Style("none", svg.FACILITY, 2.4), Title("洛伦兹曲线", "Lorenz curve")
    )
    drawing.text(west + side / 2, -30, "0–100 % 人 people")
    drawing.text(west + side / 2, south + side + 30, "0–100 % m")


def service() -> Example:
    """Two streets that cross at a toilet: what a walk of 300 m reaches, as streets and as a polygon."""
    streets = [LineString([(-400, 0), (0, 0), (400, 0)]), LineString([(0, -330), (0, 0), (0, 330)])]
    inputs = town([], [Point(0, 0)], 300.0, streets=streets)
    assert inputs.streets is not None
    reach = walker_of(inputs, inputs.streets, inputs.supplies[0].bands[0]).reach
    reached = streets_within(reach, 300.0)
    land = walked_polygon(reach, 300.0, 50.0, None)
    drawing = Drawing((-620, -340, 620, 340))
    drawing.shape(land, svg.SERVED_LAND, Title("服务范围面", "polygon, 50 m deep"))
    for line in streets:
        drawing.shape(line, svg.ROAD, ROAD)
    for line in lines_of(reach, reached):
        drawing.shape(line, svg.WAY, Title("步行可达的道路", "streets reached"))
    drawing.measure((0, 0), (300, 0), "300 m")
    drawing.dot(0, 0, svg.SITE, FACILITY)
    numbers = (
        Worked("streets", Title("可达道路长度", "metres of street reached"), "4 × 300",
               float(reached.length_m.sum()), "m"),
        Worked("polygon", Title("服务范围面积", "area of the polygon"),
               "2 × (2 × 250 × 100 + π × 50²) − 100²", float(shapely.area(land)), "m²", 0, ARC),
    )  # fmt: skip
    title = Title("服务范围: 道路与面", "The service area as streets and as a polygon")
    return Example("service", title, drawing.svg(title), numbers)


def density() -> Example:
    """Two districts with seven toilets on two streets, four estates and three waste kiosks."""
    built_up = box(0, 0, 2000, 1000)
    streets = [LineString([(0, y), (2000, y)]) for y in (250, 750)]
    at = [(200, 250), (700, 250), (1200, 250), (1700, 250), (450, 750), (950, 750), (1450, 750), (2150, 500)]
    toilets = objects([Point(*xy) for xy in at])
    districts = drawn_areas([box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000)])
    homes = ["D1" if x < 1000 else "D2" if x < 2000 else "" for x, _ in at]
    count = add_up(np.ones(len(at)), homes, inside(toilets, built_up), districts)
    land = area_of(objects([built_up]), None, districts).over(1e6)
    roads = length_of(objects(streets), built_up, districts).over(1000)
    estates = objects([box(x, 400, x + 200, 600) for x in (150, 650, 1150, 1650)])
    kiosks = places("k", [Point(300, 500), Point(900, 500), Point(1400, 500)])
    has = near_to(estates, kiosks, Near("waste_kiosks", within_m=60.0))
    also = _also(built_up, streets, at[:7])
    drawing = Drawing((-40, -40, 2240, 1040))
    drawing.shape(built_up.exterior, svg.BORDER, Title("建成区与区界", "built-up area, districts"))
    drawing.shape(LineString([(1000, 0), (1000, 1000)]), svg.BORDER)
    for x, y in at[:7]:
        reach = svg.Style(svg.SERVED, "none", opacity=0.35)
        drawing.shape(Point(x, y).buffer(100), reach, Title("100 m 以内", "within 100 m"))
    for line in streets:
        drawing.shape(line, svg.ROAD, ROAD)
    for estate, ok in zip(estates, has.tolist(), strict=True):
        legend = Title("60 m 内有亭的小区", "estate with a kiosk ≤ 60 m")
        lacking = Title("没有的小区", "estate without")
        drawing.shape(estate, svg.HOME if ok else svg.GAP_LAND, legend if ok else lacking)
    for x, y in at:
        drawing.dot(x, y, svg.SITE, Title("公厕", "toilet"))
    for kiosk in kiosks.geometry:
        drawing.dot(kiosk.x, kiosk.y, svg.Style(svg.OTHER, svg.INK), Title("垃圾分类亭", "waste kiosk"))
    drawing.text(80, 950, "D1", bold=True)
    drawing.text(1080, 950, "D2", bold=True)
    met = count.areas >= 4
    numbers = (
        Worked("per_km2", Title("公厕密度", "toilets per km²"), "7 ÷ (2 × 1)", count.whole / land.whole, "/km²", 2),
        Worked("d1", Title("D1 的公厕密度", "toilets per km² in D1"), "4 ÷ (1 × 1)",
               float(count.areas[0] / land.areas[0]), "/km²", 2),
        Worked("per_km", Title("每公里道路的公厕", "toilets per km of street"), "7 ÷ (2 × 2)",
               count.whole / roads.whole, "/km", 2),
        Worked("share_with", Title("有亭的小区占比", "share of estates with a kiosk"), "3 ÷ 4",
               float(has.mean()), "%", 1),
        Worked("at_least", Title("公厕不少于 4 座的区占比", "share of districts with at least 4 toilets"), "1 ÷ 2",
               float(met.mean()), "%", 1),
        Worked("also_built_up", Title("100 m 以内的建成区占比 (直线)", "share of the built-up area within 100 m"),
               "7 × π × 100² ÷ (2000 × 1000)", also["built_up"], "%", 2, ARC),
        Worked("also_streets", Title("100 m 以内的道路占比 (直线)", "share of street length within 100 m"),
               "7 × 2 × 100 ÷ (2 × 2000)", also["streets"], "%", 2, 1e-6),
    )  # fmt: skip
    title = Title("密度、占比与每区不少于", "Densities, shares with something, at least so many")
    return Example("density", title, drawing.svg(title), numbers)


def _also(
    ground: shapely.Geometry, streets: Sequence[LineString], at: Sequence[tuple[float, float]]
) -> dict[str, float]:
    inputs = town([], [Point(*xy) for xy in at], 100.0, streets=streets)
    built_up = area_units(places("b", [ground]), inputs.areas)
    inputs = replace(inputs, also=(AlsoDemand("built_up", land=built_up), AlsoDemand("streets", clip=ground)))
    rows = also_rows(inputs, compute(inputs, ("straight",)))["drawn", "straight"][0]
    return {row["basis"]: row["share"] for row in rows}


def scenario() -> Example:
    """Six estates in a row, a market that moves 60 m: who gains, who loses, what the change alone would hide."""
    parcels = [box(x, 0, x + 100, 100) for x in range(0, 600, 100)]
    before = state_of(town(parcels, [_stall(200)], 100.0, people=[100.0] * len(parcels)), ("straight",))
    after, gone = _after(before, [_stall(260)]), _after(before, [])
    rows = [result_rows(s.inputs, s.figures, {"official": False})[0] for s in (before, after, gone)]
    lost = Loss(before, after).restored(after)[0]["people_lost"]
    gained = Loss(after, before).restored(before)[0]["people_lost"]
    guard = Loss(before, gone)
    drawing = Drawing((-20, -190, 620, 130))
    for south, state, mark in ((0, before, 200), (-160, after, 260)):
        _row(drawing, state.inputs, south, mark)
    drawing.text(600, 112, "1 前 before", anchor="end", bold=True)
    drawing.text(600, -48, "2 后 after", anchor="end", bold=True)
    for low, high, text in ((95, 155, "−60"), (305, 365, "+60")):
        drawing.measure((low, -30), (high, -30), text)
    numbers = (
        Worked("change", Title("被服务人口的变化", "change of people served"), "(365 − 155) − (305 − 95)",
               float(rows[1]["people_served"] - rows[0]["people_served"])),
        Worked("gains", Title("受益的人", "people who gain"), "365 − 305", gained),
        Worked("losses", Title("受损的人", "people who lose"), "155 − 95", lost),
        Worked("demolished", Title("只拆不建时失去服务的人", "people who lose it if it is only pulled down"),
               "305 − 95", guard.restored(gone)[0]["people_lost"]),
        Worked("restored", Title("迁建后其中恢复的人", "of these, restored by the new one"), "305 − 155",
               guard.restored(after)[0]["people_restored"]),
    )  # fmt: skip
    title = Title("情景: 谁受益, 谁受损", "Scenario: who gains and who loses")
    return Example("scenario", title, drawing.svg(title), numbers)


def _stall(x: float) -> shapely.Geometry:
    return box(x - 5, 0, x + 5, 100)


def _after(state: State, added: Sequence[shapely.Geometry]) -> State:
    """The state with its one facility gone and others there."""
    return change(state, {(0, 0): BandChange(np.array([0]), places("n", added), None)})[0]


def _row(drawing: Drawing, inputs: Inputs, south: float, mark: float) -> None:
    low, high = mark - 105, mark + 105
    for parcel in inputs.land.places.geometry:
        drawing.shape(shapely.transform(parcel, lambda xy: np.add(xy, (0, south))), svg.HOME, HOME)
    drawing.shape(box(low, south, high, south + 100), svg.SERVED_LAND, SERVED)
    drawing.shape(box(mark - 5, south, mark + 5, south + 100), svg.SITE, FACILITY)
    for edge in (low, high):
        drawing.text(edge, south + 50, f"{edge:.0f} m")


def frame() -> Example:
    """A park outside the built-up area, three estates: inside, cut by its border, outside."""
    park, built_up = box(-120, 0, -20, 100), box(-10, -20, 300, 120)
    parcels = [box(0, 0, 200, 100), box(200, 0, 400, 100), box(440, 0, 600, 100)]
    inputs = town(parcels, [park], 300.0)
    inside_ = replace(inputs, land=clipped(inputs.land, built_up))
    shares = [_share(found) for found in (inside_, inputs)]
    drawing = Drawing((-140, -45, 640, 145))
    for parcel in parcels:
        drawing.shape(parcel, svg.HOME, HOME)
    drawing.shape(box(0, 0, 280, 100), svg.SERVED_LAND, SERVED)
    drawing.shape(box(280, 0, 300, 100), svg.GAP_LAND, Title("计入的覆盖缺口", "gap that counts"))
    drawing.shape(built_up.exterior, svg.BORDER, Title("建成区 (有日期)", "built-up area, dated"))
    drawing.shape(park, svg.SITE, Title("公园 (在界外仍服务)", "park, serves from outside too"))
    drawing.measure((-20, -30), (280, -30), "300 m")
    numbers = (
        Worked("official", Title("分母为建成区内的居住用地", "of residential land inside the built-up area"),
               "(280 × 100) ÷ (300 × 100)", shares[0], "%", 2, 1e-5),
        Worked("reference", Title("分母为全部居住用地", "of all residential land"),
               "(280 × 100) ÷ ((200 + 200 + 160) × 100)", shares[1], "%", 2, 1e-5),
    )  # fmt: skip
    title = Title("官方口径的分母", "The denominator of an official figure")
    return Example("frame", title, drawing.svg(title), numbers)


def times() -> Example:
    """A toilet that opened, was recorded half a year later and was pulled down: the two times of every figure."""
    opened, recorded, gone = date(2021, 9, 1), date(2022, 3, 10), date(2023, 9, 30)
    asked = (date(2021, 3, 31), date(2021, 12, 31), date(2023, 12, 31))
    columns = {"built_on": _column(opened), "removed_on": _column(gone)}
    found = [int(judge(columns, {}, SupplyRule(day), 1).serves.sum()) for day in asked]
    first = date(2020, 10, 1)
    drawing = Drawing((-60, -150, 1340, 240))
    began, seen, ended = ((day - first).days for day in (opened, recorded, gone))
    drawing.shape(LineString([(0, 0), (1320, 0)]), TIME)
    drawing.shape(
        box(began, 20, ended, 90),
        svg.SERVED_LAND,
        Title("在用 (as_of)", "in service (as_of)"),
    )
    drawing.shape(box(seen, -90, 1320, -20), svg.Style(svg.OTHER, "none", opacity=0.5),
                  Title("已记录 (known_at)", "on record (known_at)"))  # fmt: skip
    for day, number in zip(asked, found, strict=True):
        x = (day - first).days
        drawing.shape(LineString([(x, 0), (x, 140)]), svg.REACH, Title("询问的日期", "day asked for"))
        drawing.text(x, 205, f"as_of {day}")
        drawing.text(x, 165, str(number), bold=True)
    for x, day in ((began, opened), (ended, gone)):
        drawing.text(x, 45, f"{day}")
    drawing.text(seen, -130, f"{recorded}")
    numbers = tuple(
        Worked(f"on_{day}", Title(f"{day} 服务的公厕数", f"toilets that serve on {day}"), hand, float(number))
        for day, hand, number in zip(asked, ("0", "1", "0"), found, strict=True)
    )
    title = Title("两种时间", "Two times")
    return Example("times", title, drawing.svg(title), numbers)


def _column(day: date) -> NDArray[np.object_]:
    return np.array([day, None], dtype=object)[:1]


def _share(inputs: Inputs) -> float:
    row = result_rows(inputs, compute(inputs, ("straight",)), {"official": False})[0]
    return float(row["share_of_land"])


EXAMPLES = (equity, service, density, scenario, frame, times)
