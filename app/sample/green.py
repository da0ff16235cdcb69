"""Green spaces other than parks, so large that all green makes up the plan's share of the built-up area; greenways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
import shapely.ops

from app.sample.draw import Bools, Floats, Ints, Shapes, part, polygons, rounded, scaled
from app.sample.fit import fit
from app.sample.homes import Estates, gardens
from app.sample.lattice import Lattice
from app.sample.parameters import Parameters
from app.sample.parks import Parks
from app.sample.plots import PlotTable, strips
from app.sample.streets import StreetPlan

HILL_CORNER_M = 40.0
HILL_INSET_M = 28.0
#: From the middle of a street to the greenway beside it.
ASIDE_M = 13.0
#: A pocket park that reaches farther north in its plot than this share leaves no room for other green.
POCKET_REACH = 0.4
#: Attached green of a plot without estates, by use: from and to, from south to north.
BAND = {"C": (0.62, 0.94), "A": (0.45, 0.95), "M": (0.62, 0.95)}


@dataclass(frozen=True)
class Green:
    """Green spaces: polygon, class of CJJ/T 85, whether open, park number or −1, what it is called by."""

    shape: Shapes
    green_class: list[str]
    open_: Bools
    park: Ints


def plant(
    plan: StreetPlan,
    table: PlotTable,
    parks: Parks,
    homes: Estates,
    built_m2: float,
    parameters: Parameters,
) -> Green:
    """All green: parks (G1), belts (G2), squares (G3), gardens and grounds (XG), hills outside (EG)."""
    belts, row, _ = strips(table)
    belts = belts[np.isin(row, np.flatnonzero(table.zone >= 4))]
    squares = rounded(polygons(table.inner[table.use == "G"]), 8.0)
    hills = _hills(plan, table)
    grounds = _grounds(table, parks)
    attached = np.concatenate([polygons(gardens(homes)), grounds])
    asked = parameters["green"]["built_up_percent"]
    if asked:
        other = sum(shapely.area(shapes).sum() for shapes in (parks.shape, belts, squares))
        needed = built_m2 * asked / 100 - other
        attached = scaled(attached, np.sqrt(needed / shapely.area(attached).sum()))
    groups = [("G1", parks.shape), ("G2", belts), ("G3", squares), ("XG", attached), ("EG", hills)]
    classes = [name for name, shapes in groups for _ in shapes]
    shape = np.concatenate([shapes for _, shapes in groups])
    random = parameters.rng("green")
    open_ = np.isin(classes, ("G1", "G3")) | ((np.array(classes) == "G2") & (random.random(len(shape)) < 0.4))
    first = len(shape) - len(hills) - len(grounds)
    open_[first : first + len(grounds)] = random.random(len(grounds)) < parameters["green"]["open_grounds"]
    return Green(
        shape, classes, open_, np.where(np.arange(len(shape)) < len(parks.shape), np.arange(len(shape)), -1)
    )


def _hills(plan: StreetPlan, table: PlotTable) -> Shapes:
    """Woods and hills of the countryside: their big plots follow the bends of the roads round them."""
    rims = [shapely.Polygon(table.rim(plan, int(row))) for row in np.flatnonzero(table.use == "H")]
    hills = shapely.buffer(np.array(rims, dtype=object), -HILL_INSET_M - HILL_CORNER_M, join_style="mitre")
    hills = shapely.buffer(hills, HILL_CORNER_M, quad_segs=3)
    return np.asarray(hills[~shapely.is_empty(hills)], dtype=object)


def _grounds(table: PlotTable, parks: Parks) -> Shapes:
    """The planted northern band of plots without estates, unless a park (but for pocket parks) lies in them."""
    free = np.isin(table.use, list(BAND))
    tall = np.linalg.norm(table.inner[parks.plot, 3] - table.inner[parks.plot, 0], axis=1)
    reach = np.linalg.norm(parks.quad[:, 3] - parks.quad[:, 0], axis=1) / tall
    free[parks.plot[(np.arange(len(reach)) < parks.counted) | (reach > POCKET_REACH)]] = False
    rows = np.flatnonzero(free)
    band = np.array([BAND[use] for use in table.use[rows]]).reshape(-1, 2)
    return polygons(part(table.inner[rows], 0.05, 0.95, band[:, 0], band[:, 1]))


@dataclass(frozen=True)
class Greenways:
    """Greenway pieces: line, route name parts (zh, en), network, and the year they were built."""

    line: Shapes
    zh: list[str]
    en: list[str]
    network: list[str]
    year: Ints


_DIGITS = "一二三四五六七八九十"


def greenways(lattice: Lattice, horizontal: Ints, vertical: Ints, parameters: Parameters) -> Greenways:
    """The routes of the plan ("four across, seven lengthwise, six rings") and the short new routes of the year.

    Each runs beside the arterials of lattice lines, where there is a street to run beside: over water on bridges.
    """
    random, asked = parameters.rng("greenways"), parameters["greenways"]
    lines, zh, en, used = _routes(lattice, horizontal, vertical, asked)
    length = shapely.length(lines)
    kept = np.ones(len(lines), bool)
    if asked["before_m"]:
        kept = fit(length, asked["before_m"], np.arange(len(lines)))
        _cut_one(lines, length, kept, asked["before_m"])
    rows = np.flatnonzero(kept)
    new_lines, new_numbers = _new_routes(lattice, horizontal, used, asked, random)
    names = [(f"社区绿道{k + 1}号", f"Community Greenway {k + 1}") for k in new_numbers]
    year = np.concatenate(
        [random.integers(2012, 2021, len(rows)), np.full(len(new_lines), parameters.as_of.year)]
    )
    return Greenways(
        np.concatenate([lines[rows], new_lines]),
        [zh[k] for k in rows] + [name[0] for name in names],
        [en[k] for k in rows] + [name[1] for name in names],
        ["city"] * len(rows) + ["community"] * len(new_lines),
        year,
    )


def _cut_one(lines: Shapes, length: Floats, kept: Bools, total_m: float) -> None:
    """Keep the first part of one more piece, in place, so that the kept lengths add up to `total_m`."""
    left = total_m - float(length[kept].sum())
    spare = np.flatnonzero(~kept & (length > left))
    if left > 1 and len(spare):
        lines[spare[0]] = shapely.ops.substring(lines[spare[0]], 0, left)
        kept[spare[0]] = True


def _routes(
    lattice: Lattice, horizontal: Ints, vertical: Ints, asked: dict[str, Any]
) -> tuple[Shapes, list[str], list[str], set[tuple[int, int]]]:
    pieces: list[shapely.LineString] = []
    zh: list[str] = []
    en: list[str] = []
    used: set[tuple[int, int]] = set()

    def add(row: int, column: int, upright: bool, name: tuple[str, str]) -> None:
        if (vertical if upright else horizontal)[row, column] >= 0:
            pieces.append(_beside(lattice, row, column, upright))
            zh.append(name[0])
            en.append(name[1])
            if not upright:
                used.add((row, column))

    for k, row in enumerate(asked["rows"]):
        for column in range(lattice.columns):
            add(int(row), column, False, (f"{_DIGITS[k]}横绿道", f"Greenway Across {k + 1}"))
    for k, column in enumerate(asked["columns"]):
        for row in range(lattice.rows):
            add(row, int(column), True, (f"{_DIGITS[k]}纵绿道", f"Greenway Lengthwise {k + 1}"))
    for k, (c0, c1, r0, r1) in enumerate(asked["rings"]):
        name = (f"{_DIGITS[k]}环绿道", f"Greenway Ring {k + 1}")
        for column in range(c0, c1):
            add(r0, column, False, name)
            add(r1, column, False, name)
        for row in range(r0, r1):
            add(row, c0, True, name)
            add(row, c1, True, name)
    return np.array(pieces, dtype=object), zh, en, used


def _beside(lattice: Lattice, row: int, column: int, upright: bool) -> shapely.LineString:
    """The line beside one lattice edge, 13 m north or east of it; the other side where the city ends there."""
    way = np.linspace(0, 1, 7)
    aside = ASIDE_M if lattice.holds(row, column) else -ASIDE_M
    u0, v0 = lattice.u[column], lattice.v[row]
    if upright:
        uv = np.stack([np.full(7, u0 + aside), v0 + (lattice.v[row + 1] - v0) * way], axis=1)
    else:
        uv = np.stack([u0 + (lattice.u[column + 1] - u0) * way, np.full(7, v0 + aside)], axis=1)
    return shapely.LineString(lattice.warp(uv))


def _new_routes(
    lattice: Lattice,
    horizontal: Ints,
    used: set[tuple[int, int]],
    asked: dict[str, int],
    random: np.random.Generator,
) -> tuple[Shapes, list[int]]:
    """Short routes along stretches of cross streets that have no greenway yet, each in one piece."""
    length, wanted = asked["new_m"] / max(asked["new_routes"], 1), asked["new_routes"]
    lines: list[shapely.LineString] = []
    order = random.permutation(horizontal.size)
    for at in order:
        row, column = divmod(int(at), horizontal.shape[1])
        stretch = _stretch(lattice, horizontal, used, row, column, length)
        if len(lines) == wanted:
            break
        if stretch:
            used.update((row, k) for k in stretch)
            parts = [shapely.get_coordinates(_beside(lattice, row, k, False)) for k in stretch]
            lines.append(shapely.LineString(np.concatenate([p[min(j, 1) :] for j, p in enumerate(parts)])))
    return np.array(lines, dtype=object), list(range(len(lines)))


def _stretch(
    lattice: Lattice, horizontal: Ints, used: set[tuple[int, int]], row: int, column: int, length: float
) -> list[int]:
    """Columns from `column` on whose edges are free streets on land, until their length reaches `length`; else none."""
    found: list[int] = []
    total = 0.0
    water = lattice.water.reshape(lattice.rows, lattice.columns)
    while total < length:
        at = column + len(found)
        if (
            at >= lattice.columns
            or horizontal[row, at] < 0
            or (row, at) in used
            or water[min(row, lattice.rows - 1), at]
        ):
            return []
        found.append(at)
        total += float(lattice.u[at + 1] - lattice.u[at])
    return found
