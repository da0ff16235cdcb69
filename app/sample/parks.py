"""Parks of every size, their lakes, gates and paths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from app.sample.draw import Floats, Ints, Shapes, blobs, part, polygons, rounded, scaled, signed_area, within
from app.sample.parameters import Parameters
from app.sample.plots import PlotTable, spaced
from app.sample.streets import PROFILE, Street, StreetPlan

HECTARE = 10_000.0
#: Least land between a lake and the rim of its park.
SHORE_M = 45.0


@dataclass(frozen=True)
class Parks:
    """Parks, the first `counted` those of the plan, the rest pocket parks; the plot of each and its lake, if any.

    `quad` (n, 4, 2) is the frame that paths are drawn in; `sides` (n, 4) says which sides lie on the plot's street.
    """

    shape: Shapes
    lake: Shapes
    plot: Ints
    quad: Floats
    sides: NDArray[np.bool_]
    counted: int


@dataclass(frozen=True)
class Gates:
    """Gates of parks or estates: place (n, 2), owner's number, street node and net node, street label."""

    xy: Floats
    owner: Ints
    node: Ints
    street: Ints
    first: NDArray[np.bool_]


def lay_out(plan: StreetPlan, table: PlotTable, bare: Floats, parameters: Parameters) -> Parks:
    """Choose and draw all parks; plots that become parks change their use to P in place."""
    big = np.flatnonzero(table.use == "P")
    big = big[np.argsort(-table.area_m2[big], kind="stable")]
    small = _whole_plots(table, table.centre[big], bare, parameters)
    table.use[small] = "P"
    _draw_homes_near(table, np.concatenate([big, small]), parameters)
    big_shapes = np.array([_outline(plan, table, int(row)) for row in big], dtype=object)
    small_shapes = rounded(polygons(table.inner[small]), 6.0)
    corner_plots, corner_quads = _corners(table, np.concatenate([big, small]), parameters)
    plots = np.concatenate([big, small, corner_plots]).astype(np.int64)
    quads = np.concatenate([table.inner[big], table.inner[small], corner_quads])
    shapes = np.concatenate([big_shapes, small_shapes, rounded(polygons(corner_quads), 3.0)])
    sides = np.ones((len(plots), 4), bool)
    sides[len(big) + len(small) :, 1:3] = False
    counted = len(big) + len(small) + parameters["parks"]["corner"][0]
    lakes = _lakes(table, plots, shapes, counted, parameters)
    wet = lakes != None  # noqa: E711 - an array of shapes
    shapes[wet] = shapely.difference(shapes[wet], lakes[wet])
    return Parks(shapes, lakes, plots, quads, sides, counted)


def _draw_homes_near(table: PlotTable, parks: Ints, parameters: Parameters) -> None:
    """Within each zone, plots near a park rather become housing than the others do; the zone's mix of uses stays."""
    random = parameters.rng("homes near parks")
    near = shapely.STRtree(polygons(table.inner)).query(
        polygons(table.inner[parks]), predicate="dwithin", distance=parameters["parks"]["homes_near_m"]
    )[1]
    key = random.random(len(table.use))
    key[near] += parameters["parks"]["homes_near_pull"]
    for zone in np.unique(table.zone):
        rows = np.flatnonzero((table.zone == zone) & np.isin(table.use, ("R", "C", "A", "M")))
        ranked = rows[np.argsort(-key[rows], kind="stable")]
        homes = table.use[ranked] == "R"
        uses = np.concatenate([table.use[ranked][homes], random.permutation(table.use[ranked][~homes])])
        table.use[ranked] = uses


def _outline(plan: StreetPlan, table: PlotTable, row: int) -> shapely.Polygon:
    """A big park follows the bends of its streets."""
    ring = shapely.Polygon(table.rim(plan, row))
    half = max(PROFILE[kind][2] for kind in table.side_kind[row])
    return ring.buffer(-half - 20, join_style="mitre").buffer(20, quad_segs=3)


def _whole_plots(table: PlotTable, taken: Floats, bare: Floats, parameters: Parameters) -> Ints:
    """Plots that become parks as they are: for each tier of sizes so many, well apart."""
    random = parameters.rng("park plots")
    chosen: list[Ints] = []
    for count, least, most, apart in parameters["parks"]["plots"]:
        hectares = table.area_m2 / HECTARE
        fit = np.isin(table.use, ("R", "C", "A")) & (hectares >= least * 1.05) & (hectares < most * 0.95)
        if len(bare):
            near = np.linalg.norm(table.centre[:, None] - bare, axis=2).min(axis=1)
            fit &= near > parameters["parks"]["bare_m"] * 0.6
        fit[np.concatenate([np.empty(0, int), *chosen])] = False
        rows = np.flatnonzero(fit)
        picked = spaced(table.centre[rows], random.permutation(len(rows)), count, apart, taken)
        chosen.append(rows[picked])
        taken = np.concatenate([taken, table.centre[rows[picked]]])
    return np.concatenate([np.empty(0, np.int64), *chosen])


def _corners(table: PlotTable, used: Ints, parameters: Parameters) -> tuple[Ints, Floats]:
    """Small parks and pocket parks in the south-west corner of commercial and public plots: plots and quads."""
    random = parameters.rng("corner parks")
    rows = np.flatnonzero(np.isin(table.use, ("C", "A")) & (table.area_m2 > 1.6 * HECTARE))
    corners, least, most = parameters["parks"]["corner"]
    pockets, smallest, biggest = parameters["parks"]["pocket"]
    apart = parameters["parks"]["corner_apart_m"]
    picked = spaced(
        table.centre[rows], random.permutation(len(rows)), corners + pockets, apart, table.centre[used]
    )
    plots = rows[picked]
    size = np.concatenate([random.uniform(least, most, corners), random.uniform(smallest, biggest, pockets)])
    size = size[: len(plots)] * HECTARE
    share = np.sqrt(size / table.area_m2[plots])
    quads = part(table.inner[plots], 0.0, share, 0.0, share)
    for _ in range(3):
        share = share * np.sqrt(size / signed_area(quads))
        quads = part(table.inner[plots], 0.0, share, 0.0, share)
    return plots, quads


def _lakes(table: PlotTable, plots: Ints, shapes: Shapes, counted: int, parameters: Parameters) -> Shapes:
    """Lakes in the biggest parks, so large that the parks' land adds up to the plan's area."""
    lakes = np.full(len(plots), None, dtype=object)
    random, parks = parameters.rng("lakes"), parameters["parks"]
    count = min(parks["lakes"], int(np.sum(table.style[plots] == "whole")))
    if not count:
        return lakes
    ring = blobs(
        np.full((count, 2), 0.5),
        np.full(count, 0.27),
        random.uniform(-0.10, 0.10, (count, 3)),
        random.uniform(0, 6.28, count),
    )
    drawn = polygons(within(table.inner[plots[:count]], ring[..., 0], ring[..., 1]))
    rooms = np.asarray(shapely.buffer(shapes[:count], -SHORE_M), dtype=object)
    if parks["total_m2"]:
        wanted = float(shapely.area(shapes[:counted]).sum() - parks["total_m2"])
        drawn = _sized(drawn, rooms, wanted)
    lakes[:count] = shapely.intersection(drawn, rooms)
    return lakes


def _sized(drawn: Shapes, rooms: Shapes, wanted_m2: float) -> Shapes:
    """The lakes scaled so that what lies inside their rooms covers `wanted_m2` in all."""
    factor = 1.0
    for _ in range(12):
        covered = shapely.area(shapely.intersection(scaled(drawn, factor), rooms)).sum()
        factor *= float(np.sqrt(max(wanted_m2, 0.0) / covered))
    return scaled(drawn, factor)


def open_gates(plan: StreetPlan, table: PlotTable, parks: Parks) -> Gates:
    """Gates on the street sides of every park, each joined to its street by a footway."""
    owner, side, place = _gate_places(table, parks)
    plot = parks.plot[owner]
    share = np.where(parks.sides[owner].all(axis=1), place, place * _corner_share(table, parks)[owner])
    share = np.where(~parks.sides[owner].all(axis=1) & (side == 3), 1 - share, share)
    chain = table.chain[plot, side]
    at = table.t0[plot, side] + (table.t1[plot, side] - table.t0[plot, side]) * share
    street = plan.net.split(chain, at)
    start = plan.net.xy()[street]
    middle = shapely.get_coordinates(shapely.point_on_surface(polygons(parks.quad[owner])))
    way = shapely.linestrings(np.stack([start, middle], axis=1))
    rim = shapely.get_exterior_ring(parks.shape[owner])
    crossed = shapely.intersection(way, rim)
    hit = shapely.shortest_line(shapely.points(start), np.where(shapely.is_empty(crossed), rim, crossed))
    xy = shapely.get_coordinates(shapely.get_point(hit, 1))
    node = plan.net.nodes_xy(xy)
    first = np.r_[True, owner[1:] != owner[:-1]]
    plan.net.link(street, node, plan.label(Street("footway")))
    return Gates(plan.net.xy()[node], owner, node, plan.net.labels()[chain], first)


def _corner_share(table: PlotTable, parks: Parks) -> Floats:
    """How much of the plot's first side each park takes."""
    whole = np.linalg.norm(table.inner[parks.plot, 1] - table.inner[parks.plot, 0], axis=1)
    return np.asarray(np.linalg.norm(parks.quad[:, 1] - parks.quad[:, 0], axis=1) / whole)


def _gate_places(table: PlotTable, parks: Parks) -> tuple[Ints, Ints, Floats]:
    """Owner, side and place 0-1 along it of every gate: more where the side is longer."""
    length = np.linalg.norm(np.roll(parks.quad, -1, axis=1) - parks.quad, axis=2)
    walkable = table.side_kind[parks.plot] != "expressway"
    number = np.where(parks.sides & walkable, np.clip(np.round(length / 420), 1, 3), 0).astype(int)
    small = shapely.area(parks.shape) < 4 * HECTARE
    number[small, 2:3] = 0
    owner, side = (np.repeat(index.ravel(), number.ravel()) for index in np.indices(number.shape))
    turn = np.arange(len(owner)) - np.repeat(np.cumsum(number.ravel()) - number.ravel(), number.ravel())
    return owner, side, (turn + 0.5) / number[owner, side]


def lay_paths(plan: StreetPlan, parks: Parks, gates: Gates) -> None:
    """Footways in every park: gates lead to a ring, round the lake where there is one; in small parks to the middle."""
    label = plan.label(Street("footway"))
    size = shapely.area(parks.shape)
    for k in range(len(parks.shape)):
        mine = gates.node[gates.owner == k]
        if size[k] < 2 * HECTARE and parks.lake[k] is None:
            middle = plan.net.nodes_xy(within(parks.quad[k : k + 1], np.array([0.5]), np.array([0.5])))
            plan.net.link(mine, np.repeat(middle, len(mine)), label)
            continue
        ring = plan.net.nodes_xy(_path_ring(parks, k))
        plan.net.link(ring, np.roll(ring, -1), label)
        xy = plan.net.xy()
        near = np.argmin(np.linalg.norm(xy[mine][:, None] - xy[ring], axis=2), axis=1)
        plan.net.link(mine, ring[near], label)
        if parks.lake[k] is None:
            half = len(ring) // 2
            plan.net.link(ring[:1], ring[half : half + 1], label)
            plan.net.link(ring[3:4], ring[3 + half : 4 + half], label)


def _path_ring(parks: Parks, k: int) -> Floats:
    if parks.lake[k] is not None:
        return np.asarray(shapely.get_coordinates(scaled(parks.lake[k : k + 1], 1.1)[0])[:-1:2])
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    a, b = 0.5 + 0.3 * np.cos(angle), 0.5 + 0.3 * np.sin(angle)
    return np.asarray(within(parks.quad[k : k + 1], a[None], b[None])[0])
