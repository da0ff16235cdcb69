"""The whole drawing: every part of the sample city in metres, before it is written up as rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from app.sample import assets, green, homes, markets, park_works, parks, pipes, plots
from app.sample.divisions import Divisions, built_up, divide, old_town
from app.sample.draw import Bools, Floats, Shapes
from app.sample.green import Green, Greenways
from app.sample.lattice import Lattice, make_lattice
from app.sample.markets import Markets, Renewal
from app.sample.net import Edges
from app.sample.parameters import Parameters
from app.sample.parks import Gates, Parks
from app.sample.pipes import Pipes
from app.sample.plots import PlotTable
from app.sample.streets import StreetPlan, plan_arterials
from app.sample.superblocks import fill
from app.space.metric import MetricCrs

#: From a street over water to the water's edge.
BANK_M = 30.0
#: Smaller bits of water, left over at the city's edge, are dropped.
SLIVER_M2 = 500.0


@dataclass(frozen=True)
class Drawing:
    """All parts of the city; numbers in one part index the rows of another."""

    lattice: Lattice
    divisions: Divisions
    old: shapely.Geometry
    built: shapely.Geometry
    plan: StreetPlan
    edges: Edges
    plots: PlotTable
    parks: Parks
    park_gates: Gates
    park_works: park_works.ParkWorks
    parcels: homes.Parcels
    estates: homes.Estates
    estate_gates: Gates
    markets: Markets
    renewal: Renewal
    green: Green
    greenways: Greenways
    pipes: Pipes
    toilets: assets.Toilets
    car_parks: assets.CarParks
    lights: assets.Beside
    trees: assets.Beside
    river: Shapes
    canals: Shapes


def draw(parameters: Parameters, crs: MetricCrs) -> Drawing:
    """Draw the city of `parameters` in the metres of `crs`."""
    lattice, divisions = _ground(parameters, crs)
    styles, bare = plots.choose_styles(lattice, divisions, parameters)
    plan = plan_arterials(lattice, divisions, parameters)
    fill(plan, lattice, styles, parameters)
    streets_only = plan.net.edges(with_links=False)
    table = plots.tabulate(plan, parameters)
    green_parks = parks.lay_out(plan, table, bare, parameters)
    park_gates = parks.open_gates(plan, table, green_parks)
    parks.lay_paths(plan, green_parks, park_gates)
    land = homes.parcels(table, _heart(lattice, parameters), parameters)
    estates = homes.estates(table, land, parameters)
    estate_gates = homes.estate_gates(plan, table, land, estates, parameters)
    found, renewal = markets.renew(*markets.place_markets(table, parameters), estates, parameters)
    old, built = (
        shapely.coverage_union_all(lattice.shapes[mask]) for mask in (divisions.old, divisions.built)
    )
    edges = plan.net.edges()
    city = shapely.coverage_union_all(lattice.shapes[lattice.inside])
    beside = _beside(plan, edges, city, built, parameters)
    river, canals = _waters(lattice)
    return Drawing(
        lattice,
        divisions,
        old,
        built,
        plan,
        edges,
        table,
        green_parks,
        park_gates,
        park_works.plan_works(green_parks, park_gates, parameters),
        land,
        estates,
        estate_gates,
        found,
        renewal,
        green.plant(
            plan,
            table,
            green_parks,
            estates,
            float(lattice.area_m2[divisions.built].sum()),
            parameters,
        ),
        green.greenways(lattice, plan.horizontal, plan.vertical, parameters),
        pipes.lay(plan.net, streets_only, _usable(plan, streets_only), city, old, built, parameters),
        assets.place_toilets(table, parameters),
        assets.place_car_parks(table, parameters),
        *beside,
        river,
        canals,
    )


def _ground(parameters: Parameters, crs: MetricCrs) -> tuple[Lattice, Divisions]:
    """Lattice and areas, scaled so that the old districts have the plan's area."""
    origin = crs.xy(parameters["centre"]["lon"], parameters["centre"]["lat"])
    lattice = make_lattice(parameters, origin)
    old = old_town(lattice, parameters)
    scale = float(np.sqrt(parameters["old_districts"]["m2"] / lattice.area_m2[old].sum()))
    lattice = make_lattice(parameters, origin, scale)
    built = built_up(lattice, old, parameters)
    return lattice, divide(lattice, old, built, parameters)


def _heart(lattice: Lattice, parameters: Parameters) -> Floats:
    return np.asarray(parameters["old_districts"]["heart"], dtype=float) + lattice.warp.origin


def _usable(plan: StreetPlan, edges: Edges) -> Bools:
    """Streets that have pipes under them: neither expressways nor bridges nor tunnels."""
    fit = np.array([street.kind != "expressway" and street.layer == 0 for street in plan.streets])
    return fit[edges.label]


def _beside(
    plan: StreetPlan, edges: Edges, city: shapely.Geometry, built: shapely.Geometry, parameters: Parameters
) -> tuple[assets.Beside, assets.Beside]:
    """Street lights and street trees of the built-up area."""
    xy, facilities = plan.net.xy(), parameters["facilities"]
    middle = (xy[edges.a] + xy[edges.b]) / 2
    inside = shapely.contains_xy(built, middle[:, 0], middle[:, 1])
    lights = assets.along_streets(xy, edges, plan.streets, assets.LIT, inside, facilities["lights_m"], 1.5)
    trees = assets.along_streets(xy, edges, plan.streets, assets.LINED, inside, facilities["trees_m"], 2.5)
    return lights.within(city), trees.within(city)


def _waters(lattice: Lattice) -> tuple[Shapes, Shapes]:
    """River and canals, back from the streets along their banks; they end where the city ends."""
    inside = lattice.inside
    banks = shapely.coverage_union_all(lattice.shapes[inside & ~lattice.water]).buffer(BANK_M, quad_segs=4)
    river, canals = (
        shapely.get_parts(shapely.coverage_union_all(lattice.shapes[inside & water]).difference(banks))
        for water in (lattice.river, lattice.canal)
    )
    return river[shapely.area(river) > SLIVER_M2], canals[shapely.area(canals) > SLIVER_M2]
