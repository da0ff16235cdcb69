"""Drawn examples of what is reached: in a straight line, on foot, the difference, gaps, people by cell, parks."""

from __future__ import annotations

import numpy as np
import shapely
from shapely import LineString, Point, box

from app.catalogue.title import Title
from app.coverage.compute import compute, land_walks
from app.coverage.details import both_modes, difference_rows
from app.coverage.drawn import Cells, Gate, drawn_areas, objects, places, town
from app.coverage.figures import svg
from app.coverage.figures.example import Example, Worked
from app.coverage.figures.svg import Drawing
from app.coverage.interpolation import people_on_land
from app.coverage.model import Figures, Inputs
from app.coverage.patches import patches
from app.coverage.results import area_rows, result_rows
from app.coverage.straight import service_area
from app.coverage.supply import dissolved, parts_of_one

ARC = 2e-4
HOME = Title("居住用地", "residential land")
SERVED = Title("被服务的用地", "land served")
GAP = Title("覆盖缺口", "gap")
FACILITY = Title("设施", "facility")
RADIUS = Title("服务半径", "service radius")
ROAD = Title("道路", "street")
GATE = Title("出入口", "gate")


def _rows(inputs: Inputs, figures: list[Figures]) -> list[dict[str, float]]:
    return result_rows(inputs, figures, {"official": False})


def _land(drawing: Drawing, inputs: Inputs, figure: Figures) -> None:
    """The parcels with what of them is served, and the gaps."""
    for parcel in inputs.land.places.geometry:
        drawing.shape(parcel, svg.HOME, HOME)
    gaps = figure.gaps.geometry if figure.gaps.of_land else ()
    left = shapely.union_all(gaps)
    drawing.shape(shapely.difference(shapely.union_all(inputs.land.geometry), left), svg.SERVED_LAND, SERVED)
    if not left.is_empty:
        drawing.shape(left, svg.GAP_LAND, GAP)


def straight() -> Example:
    """A toilet at the corner of one estate, beside a second, far from a third."""
    parcels = [box(0, 0, 400, 400), box(-160, 20, -40, 140), box(-380, 240, -300, 390)]
    inputs = town(parcels, [Point(0, 0)], 300.0, people=[800, 200, 100])
    figures = compute(inputs, ("straight",))
    row = _rows(inputs, figures)[0]
    drawing = Drawing((-400, -60, 430, 420))
    _land(drawing, inputs, figures[0])
    reach = shapely.Point(0, 0).buffer(300, quad_segs=64)
    drawing.shape(reach.exterior, svg.REACH, RADIUS)
    drawing.measure((0, 0), (212.13, 212.13), "300 m")
    drawing.dot(0, 0, svg.SITE, FACILITY)
    for x, y, text in ((310, 350, "A · 800"), (-100, 90, "B · 200"), (-340, 330, "C · 100")):
        drawing.text(x, y, text, bold=True)
    for x, y, text in ((310, 315, "400 × 400 m"), (-100, 55, "120 × 120 m"), (-340, 295, "80 × 150 m")):
        drawing.text(x, y, text)
    quarter, land = "π × 300² ÷ 4", "(400² + 120² + 80 × 150)"
    area = float(shapely.area(inputs.supplies[0].service.buffers[0]))
    numbers = (
        Worked("land_served_m2", Title("被服务的用地", "land served"), f"{quarter} + 120²",
               row["land_served_m2"], "m²", 1, ARC),
        Worked("share_of_land", Title("用地覆盖率", "share of land"), f"({quarter} + 120²) ÷ {land}",
               row["share_of_land"], "%", 2, ARC),
        Worked("people_served", Title("被服务的人", "people served"), f"800 × ({quarter}) ÷ 400² + 200",
               float(figures[0].people_served.sum()), "", 1, ARC),
        Worked("share_of_people", Title("人口覆盖率", "share of people"),
               f"(800 × ({quarter}) ÷ 400² + 200) ÷ (800 + 200 + 100)", row["share_of_people"], "%", 2, ARC),
        Worked("arc", Title("圆按 4 × 64 段多边形计算", "a circle as a polygon of 4 × 64 segments"),
               "4 × 64 × 300² × sin(π ÷ 128) ÷ 2", area, "m²", 1),
    )  # fmt: skip
    title = Title("直线覆盖", "Coverage in a straight line")
    return Example("straight", title, drawing.svg(title), numbers)


def parks() -> Example:
    """A park that a path splits, and a pocket park: which size each has, how far each serves."""
    halves = [box(0, 0, 60, 45), box(68, 0, 128, 45)]
    pocket = box(-640, -20, -580, 20)
    parts = places("p", [*halves, pocket])
    names = ["东园", "东园", ""]
    found = dissolved(parts, parts_of_one(parts.geometry, names))
    size = shapely.area(found.geometry)
    serves = service_area(found.geometry[[1]], 300.0).buffers[0]
    drawing = Drawing((-960, -340, 640, 340))
    drawing.shape(serves, svg.Style("none", svg.FACILITY, 1.4, "6 4"), RADIUS)
    whole = service_area(found.geometry[[0]], 500.0).union()
    drawing.shape(shapely.boundary(whole), svg.REACH)
    for part in parts.geometry:
        drawing.shape(part, svg.SERVED_LAND, Title("公园", "park"))
    drawing.measure((128, 22), (628, 22), "500 m")
    drawing.measure((-640, 0), (-940, 0), "300 m")
    drawing.text(64, 110, "2 × 2,700 = 5,400 m²", bold=True)
    drawing.text(64, -70, "8 m")
    drawing.text(-610, 85, "2,400 m²", bold=True)
    numbers = (
        Worked("parts", Title("数据中的公园面数", "polygons in the data"), "3", float(len(parts.code))),
        Worked("parks", Title("归并后的公园数", "parks after dissolving"), "2", float(len(found.code))),
        Worked("size", Title("归并后的面积", "size of the dissolved park"), "2 × 60 × 45", float(size[0]), "m²"),
        Worked("reach", Title("2,400 m² 公园 300 m 以内的面积", "land within 300 m of the park of 2,400 m²"),
               "60 × 40 + 2 × (60 + 40) × 300 + π × 300²", float(serves.area), "m²", 0, ARC),
    )  # fmt: skip
    title = Title("公园的归并与分级", "Parks: dissolved, then sorted by size")
    return Example("parks", title, drawing.svg(title), numbers)


def walked() -> Example:
    """An estate with one gate, a street and a toilet: the lattice, the metres, the minutes."""
    gate, toilet = (200.0, 0.0), Point(320, -20)
    inputs = town(
        [box(0, 0, 200, 100)], [toilet], 300.0, people=[400],
        streets=[LineString([(-40, -20), (380, -20)])], gates=[Gate(gate, 0)],
    )  # fmt: skip
    straight_, on_foot = compute(inputs, ("straight", "walk"))
    pieces = inputs.land.pieces
    assert pieces is not None
    assert inputs.streets is not None
    metres = land_walks(inputs, inputs.streets, inputs.supplies[0])[1][0][0]
    drawing = Drawing((-40, -50, 400, 130))
    drawing.shape(box(0, 0, 200, 100), svg.HOME, HOME)
    for piece, far in zip(pieces.geometry, metres, strict=True):
        near = far <= 300.0
        drawing.shape(piece, svg.SERVED_LAND if near else svg.GAP_LAND, SERVED if near else GAP)
        drawing.shape(piece, svg.Style("none", svg.INK, 0.6))
    drawing.shape(LineString([(-40, -20), (380, -20)]), svg.ROAD, ROAD)
    way = LineString([(75, 75), gate, (200, -20), (320, -20)])
    drawing.shape(way, svg.WAY, Title("步行路径", "the way walked"))
    for piece, far in zip(pieces.geometry, metres, strict=True):
        x, y = shapely.centroid(piece).coords[0]
        drawing.text(x, y + 8, f"{far:.0f} m", bold=bool(far <= 300.0))
    drawing.dot(*gate, svg.Style(svg.OTHER, svg.INK), GATE)
    drawing.dot(320, -20, svg.SITE, FACILITY)
    drawing.measure((0, 112), (200, 112), "200 m")
    drawing.measure((-12, 0), (-12, 100), "100 m")
    drawing.text(206, -10, "20 m", anchor="start")
    drawing.text(260, -34, "120 m")
    farthest = "√(125² + 75²) + 20 + 120"
    number = int(np.argmin(np.hypot(*(pieces.xy - (75, 75)).T)))
    circle = (
        "(120 × √(300² − 120²) + 300² × asin(120 ÷ 300) − 20 × √(300² − 20²) − 300² × asin(20 ÷ 300)) ÷ 2"
    )
    numbers = (
        Worked("pieces", Title("步行 300 m 以内的格块", "pieces within a walk of 300 m"), "6",
               float((metres <= 300).sum())),
        Worked("walk_share", Title("步行覆盖率", "share of land walked"), "6 × 50² ÷ (200 × 100)",
               _rows(inputs, [on_foot])[0]["share_of_land"], "%", 2),
        Worked("straight_share", Title("直线覆盖率", "share of land in a straight line"),
               f"({circle} − 270 × 100 + 150 × 100) ÷ (200 × 100)",
               _rows(inputs, [straight_])[0]["share_of_land"], "%", 2, ARC),
        Worked("walk_m", Title("图中路径的步行距离", "metres of the way drawn"), farthest,
               float(metres[number]), "m", 1),
        Worked("minutes", Title("按 1.2 m/s 的分钟数", "minutes at 1.2 m/s"), f"({farthest}) ÷ 1.2 ÷ 60",
               float(metres[number]) / inputs.speed_m_s / 60, "min", 2),
        Worked("distance_m", Title("该小区的距离: 一半用地不超过", "the estate's metres: half of its land is nearer"),
               "√(75² + 75²) + 20 + 120", float(on_foot.land_m[0]), "m", 1),
    )  # fmt: skip
    title = Title("步行覆盖与 50 m 格网规则", "Walked coverage and the rule lattice-50")
    return Example("walked", title, drawing.svg(title), numbers)


def difference() -> Example:
    """One toilet; an estate across the river, one whose gate lies on the far side, one served both ways."""
    streets = [
        LineString([(-20, 80), (500, 80), (600, 80)]),
        LineString([(-20, 160), (500, 160)]),
        LineString([(500, 80), (500, 160)]),
        LineString([(600, 80), (600, -30), (180, -30)]),
    ]
    parcels = [box(50, 170, 150, 250), box(150, 0, 250, 60), box(0, 0, 100, 60)]
    gates = [Gate((100, 170), 0), Gate((200, 0), 1)]
    inputs = town(parcels, [Point(100, 80)], 300.0, people=[120, 90, 60], streets=streets, gates=gates)
    figures = compute(inputs, ("straight", "walk"))
    found = both_modes(inputs, figures)
    (told,) = difference_rows(inputs, found)
    parts = found["drawn"]
    drawing = Drawing((-30, -55, 630, 265))
    drawing.shape(box(-30, 100, 630, 140), svg.RIVER, Title("河流", "river"))
    _land(drawing, inputs, figures[1])
    for line in streets:
        drawing.shape(line, svg.ROAD, ROAD)
    start = (75.0, 225.0)
    drawing.shape(
        LineString([start, (100, 170), (100, 160), (500, 160), (500, 80), (100, 80)]),
        svg.WAY, Title("步行路径", "the way walked"),
    )  # fmt: skip
    drawing.shape(LineString([start, (100, 80)]), svg.REACH, Title("直线距离", "straight line"))
    for gate in gates:
        drawing.dot(*gate.xy, svg.Style(svg.OTHER, svg.INK), GATE)
    drawing.dot(100, 80, svg.SITE, FACILITY)
    for x, y, text in ((125, 238, "N · 120"), (200, 30, "S · 90"), (50, 30, "W · 60")):
        drawing.text(x, y, text, bold=True)
    causes = {row["cause"]: row for row in told["causes"]}
    barrier = int(np.flatnonzero(parts.cause == "barrier")[0])
    walk, direct = "(√(25² + 55²) + 10 + 400 + 80 + 400)", "√(25² + 145²)"
    numbers = (
        Worked("people", Title("直线计入而步行不计的人", "people served straight but not walked"), "120 + 90",
               float(told["people"])),
        Worked("share", Title("步行人口覆盖率", "share of people walked"), "60 ÷ (120 + 90 + 60)",
               _rows(inputs, figures)[1]["share_of_people"], "%", 2, 1e-6),
        Worked("straight_m", Title("N 的直线距离", "straight line of N"), direct, float(parts.straight_m[barrier]),
               "m", 1),
        Worked("walk_m", Title("N 的步行距离", "walk of N"), walk, float(parts.walk_m[barrier]), "m", 1),
        Worked("detour", Title("N 的绕行倍数", "detour of N"), f"{walk} ÷ {direct}", float(parts.detour[barrier]),
               "", 2),
        Worked("barrier", Title("原因为绕行 3 倍以上的人", "people for whom the cause is a barrier"), "120",
               float(causes["barrier"]["people"])),
        Worked("gate", Title("原因为出入口的人", "people for whom the cause is the gate"), "90",
               float(causes["gate"]["people"])),
    )  # fmt: skip
    title = Title("直线与步行的差别", "The difference between straight line and walk")
    return Example("difference", title, drawing.svg(title), numbers)


def gaps() -> Example:
    """A park west of two estates in two districts: gaps with people, hectares and metres, and a patch of both."""
    park, parcels = box(-100, 0, 0, 200), [box(0, 0, 500, 200), box(520, 0, 620, 200)]
    districts = drawn_areas([box(-140, -30, 400, 220), box(400, -30, 640, 220), box(640, -30, 760, 220)])
    inputs = town(parcels, [park], 300.0, people=[500, 150], areas=districts)
    (figure,) = compute(inputs, ("straight",))
    found = figure.gaps
    (both,) = (patches(found.geometry, found.people),)
    by_area = area_rows(inputs, [figure])
    drawing = Drawing((-150, -50, 770, 240))
    _land(drawing, inputs, figure)
    drawing.shape(park, svg.SITE, FACILITY)
    for area in districts.geometry:
        drawing.shape(area.exterior, svg.BORDER, Title("区界", "district border"))
    drawing.measure((0, 20), (300, 20), "300 m")
    drawing.measure((-115, 0), (-115, 200), "200 m")
    drawing.measure((0, -10), (500, -10), "500 m")
    drawing.measure((520, -10), (620, -10), "100 m")
    for x, text in ((140, "D1"), (520, "D2"), (700, "D3")):
        drawing.text(x, 228, text, bold=True)
    for x, y, text in ((350, 110, "100"), (450, 110, "100"), (570, 110, "150")):
        drawing.text(x, y, text, bold=True)
    top = np.flatnonzero(np.isclose(found.people, 150))
    numbers = (
        Worked("hectares", Title("覆盖缺口面积", "hectares of all gaps"), "(200 × 200 + 100 × 200) ÷ 100²",
               float(found.area_m2.sum()) / 1e4, "ha", 1),
        Worked("people", Title("覆盖缺口人口", "people in gaps"), "500 × 200 ÷ 500 + 150",
               float(found.people.sum())),
        Worked("nearest_m", Title("东侧覆盖缺口到最近设施", "the eastern gap's nearest facility"), "520 + 50",
               float(found.distance_m[top][0]), "m"),
        Worked("patches", Title("连片覆盖缺口数 (相距不超过 30 m)", "patches of gaps at most 30 m apart"), "1",
               float(len(both.people))),
        Worked("d1", Title("D1 用地覆盖率", "share of land in D1"), "300 × 200 ÷ (400 × 200)",
               by_area[0]["share_of_land"], "%", 1),
        Worked("d2", Title("D2 用地覆盖率", "share of land in D2"), "0 ÷ (100 × 200 + 100 × 200)",
               by_area[1]["share_of_land"], "%", 1),
    )  # fmt: skip
    assert by_area[2]["share_of_land"] is None, "D3 has no demand: unknown, neither 0 nor 100 %"
    title = Title("覆盖缺口与分区", "Gaps, and figures by district")
    return Example("gaps", title, drawing.svg(title), numbers)


def people() -> Example:
    """Four population cells beside a market hall: counted at their centres, and by share of their area."""
    hall = box(-40, 0, 0, 500)
    cells = [box(0, 0, 250, 250), box(250, 0, 500, 250), box(0, 250, 250, 500), box(250, 250, 500, 500)]
    counts = [100.0, 300.0, 200.0, 50.0]
    shares = [_share_of_people(hall, Cells(cells, counts, rule)) for rule in ("centre", "area")]
    drawing = Drawing((-60, -20, 960, 520))
    for cell in cells:
        drawing.shape(cell, svg.HOME, Title("人口格网", "population cell"))
    drawing.shape(box(0, 0, 300, 500), svg.SERVED_LAND, Title("300 m 以内", "within 300 m"))
    drawing.shape(shapely.MultiLineString([cell.exterior for cell in cells]), svg.Style("none", svg.INK))
    drawing.shape(hall, svg.SITE, FACILITY)
    for cell, number in zip(cells, counts, strict=True):
        x, y = shapely.centroid(cell).coords[0]
        drawing.dot(x, y, svg.Style(svg.PAPER, svg.INK), Title("格网中心", "centre of a cell"))
        drawing.text(x, y + 60, f"{number:.0f}", bold=True)
    drawing.measure((250, 40), (300, 40), "50 m")
    cell, parcels = box(620, 120, 870, 370), [box(640, 150, 740, 200), box(750, 200, 850, 350)]
    on_land = people_on_land(objects([cell]), np.array([300.0]), objects(parcels)).land
    drawing.shape(cell, svg.Style("none", svg.INK))
    for parcel, number in zip(parcels, on_land.tolist(), strict=True):
        x, y = shapely.centroid(parcel).coords[0]
        drawing.shape(parcel, svg.Style(svg.OTHER, svg.INK, opacity=0.5), HOME)
        drawing.text(x, y, f"{number:.0f}", bold=True)
    drawing.text(745, 400, "300", bold=True)
    total = "(100 + 300 + 200 + 50)"
    numbers = (
        Worked("centre", Title("按中心 (centre)", "by the centre"), f"(100 + 200) ÷ {total}", shares[0], "%", 2, 1e-5),
        Worked("area", Title("按面积 (area)", "by area"), f"(100 + 200 + (300 + 50) × 50 ÷ 250) ÷ {total}",
               shares[1], "%", 2, 1e-5),
        Worked("on_land", Title("插值到较小地块的人", "people given to the smaller parcel"),
               "300 × (100 × 50) ÷ (100 × 50 + 100 × 150)", float(on_land[0])),
    )  # fmt: skip
    title = Title("人口的两种计法", "Two ways to count people")
    return Example("people", title, drawing.svg(title), numbers)


def _share_of_people(hall: shapely.Geometry, cells: Cells) -> float:
    inputs = town([], [hall], 300.0, cells=cells)
    return float(_rows(inputs, compute(inputs, ("straight",)))[0]["share_of_people"])


EXAMPLES = (straight, parks, walked, difference, gaps, people)
