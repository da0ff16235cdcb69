"""Plots as arrays: corners between the streets, size, and what each is used for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from app.sample.divisions import Divisions
from app.sample.draw import Bools, Floats, Ints, Shapes, inset, signed_area
from app.sample.lattice import Lattice
from app.sample.parameters import Parameters
from app.sample.streets import CORE, DENSE, INDUSTRY, NEW, RURAL, StreetPlan

#: Uses: housing, commerce, public institutions, industry, park, square, village, farmland, hills.
USES = ("R", "C", "A", "M", "P", "G", "V", "F", "H")
SHARES: dict[int, tuple[float, ...]] = {
    DENSE: (0.60, 0.19, 0.19, 0.00, 0, 0.02, 0, 0, 0),
    CORE: (0.60, 0.13, 0.17, 0.08, 0, 0.02, 0, 0, 0),
    NEW: (0.52, 0.12, 0.18, 0.14, 0, 0.04, 0, 0, 0),
    INDUSTRY: (0.12, 0.10, 0.05, 0.70, 0, 0.03, 0, 0, 0),
    RURAL: (0, 0, 0, 0, 0, 0, 0.12, 0.70, 0.18),
}
#: A square is no bigger than this; bigger plots drawn as one become grounds of institutions.
SQUARE_M2 = 35_000.0
#: Green belt between street and plot, by the street's kind, in metres.
BELT_M = {"expressway": 34.0, "trunk": 10.0}


@dataclass(frozen=True)
class PlotTable:
    """One row a plot. `inner` (n, 4, 2) are the corners inside streets and belts, `edge` those inside the streets only.

    `chain`, `t0`, `t1` (n, 4) name each side's street and stretch; `side_kind` its kind; `use` one of USES.
    """

    block: Ints
    zone: Ints
    style: NDArray[np.str_]
    chain: Ints
    t0: Floats
    t1: Floats
    side_kind: NDArray[np.str_]
    edge: Floats
    inner: Floats
    area_m2: Floats
    centre: Floats
    use: NDArray[np.str_]

    def rim(self, plan: StreetPlan, row: int, steps: int = 8) -> Floats:
        """The closed street-side ring (4 · steps, 2) of one plot, following the bends of its streets."""
        way = np.arange(steps) / steps
        t = self.t0[row][:, None] + (self.t1[row] - self.t0[row])[:, None] * way
        return plan.net.along(np.repeat(self.chain[row], steps), t.ravel())


def tabulate(plan: StreetPlan, parameters: Parameters) -> PlotTable:
    """The plots of the plan with their sides inset by the streets' half widths, and their uses drawn by zone."""
    plots, xy = plan.plots, plan.net.xy()
    chain = np.asarray(plots.chains)
    stretch = np.asarray(plots.stretch, dtype=float)
    block = np.asarray(plots.block)
    streets = [plan.streets[label] for label in plan.net.labels()]
    kind = np.array([street.kind for street in streets])[chain]
    half = np.array([street.half_m for street in streets])[chain]
    belt = np.vectorize(lambda k: BELT_M.get(k, 0.0), otypes=[float])(kind)
    corners = xy[np.asarray(plots.nodes)]
    edge, inner = inset(corners, half), inset(corners, half + belt)
    zone = plan.zone[block]
    use = _uses(zone, np.asarray(plots.style), parameters)
    use[(use == "G") & (signed_area(inner) > SQUARE_M2)] = "A"
    return PlotTable(
        block,
        zone,
        np.asarray(plots.style),
        chain,
        stretch[..., 0],
        stretch[..., 1],
        kind,
        edge,
        inner,
        signed_area(inner),
        inner.mean(axis=1),
        use,
    )


def _uses(zone: Ints, style: NDArray[np.str_], parameters: Parameters) -> NDArray[np.str_]:
    draw = parameters.rng("uses").random(len(zone))
    use = np.full(len(zone), "F")
    for code, shares in SHARES.items():
        here = zone == code
        use[here] = np.asarray(USES)[np.searchsorted(np.cumsum(shares), draw[here] * 0.999999, "right")]
    use[(style != "plain") & (zone != RURAL)] = "P"
    return use


def choose_styles(lattice: Lattice, divisions: Divisions, parameters: Parameters) -> tuple[list[str], Floats]:
    """Which superblocks become parks, wholly or in part, and the places that are left without any park."""
    random, parks = parameters.rng("park superblocks"), parameters["parks"]
    styles = ["plain"] * len(lattice.inside)
    built = np.flatnonzero(divisions.built)
    bare = lattice.centre[random.choice(built, parks["bare_places"], replace=False)]
    taken = np.empty((0, 2))
    for style, count, least, most, apart in parks["superblocks"]:
        area = lattice.area_m2[built]
        fit = built[(area >= least) & (area <= most) & _away(lattice.centre[built], bare, parks["bare_m"])]
        fit = fit[[styles[k] == "plain" for k in fit]]
        chosen = spaced(lattice.centre[fit], random.permutation(len(fit)), count, apart, taken)
        for k in fit[chosen]:
            styles[int(k)] = style
        taken = np.concatenate([taken, lattice.centre[fit[chosen]]])
    return styles, bare


def _away(xy: Floats, places: Floats, least_m: float) -> Bools:
    if not len(places):
        return np.ones(len(xy), bool)
    return np.asarray(np.linalg.norm(xy[:, None] - places, axis=2).min(axis=1) > least_m)


def spaced(xy: Floats, order: Ints, count: int, apart_m: float, taken: Floats) -> Ints:
    """`count` of the points in `order`, at least `apart_m` from each other and `taken`; closer if they must be."""
    chosen: list[int] = []
    while len(chosen) < min(count, len(xy)):
        kept = [taken, xy[chosen]]
        for k in order:
            if len(chosen) == count:
                break
            others = np.concatenate(kept)
            if k not in chosen and (not len(others) or np.hypot(*(others - xy[k]).T).min() >= apart_m):
                chosen.append(int(k))
                kept.append(xy[k : k + 1])
        apart_m *= 0.75 if apart_m > 1 else 0
    return np.asarray(chosen, dtype=np.int64)


def strips(table: PlotTable) -> tuple[Shapes, Ints, Ints]:
    """Green belts between street and plot: polygons, plot and side of each; big parks reach the street themselves."""
    own_rim = (table.style != "plain") & (table.use == "P")
    wide = np.isin(table.side_kind, list(BELT_M)) & ~own_rim[:, None]
    row, side = np.nonzero(wide)
    after = (side + 1) % 4
    ring = [table.edge[row, side], table.edge[row, after], table.inner[row, after], table.inner[row, side]]
    return np.asarray(shapely.polygons(np.stack([*ring, ring[0]], axis=1)), dtype=object), row, side
