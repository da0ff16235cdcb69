"""Rows of programmes and duties, and of what hangs on parks, greenways and water."""

from __future__ import annotations

import numpy as np
import shapely

from app.sample.divisions import dissolve
from app.sample.draw import part, points, polygons
from app.sample.ground import Ground, between, dates, fill, one_of, share, whole
from app.sample.homes import largest_remainder
from app.sample.names import make_names
from app.sample.rows import Rows, codes, renovation_days
from app.sample.versions import changed_in_year

GREEN = "澄图市园林绿化中心（示例）"
DUTIES = ("cleaning", "greenery")


def programme_rows(ground: Ground) -> list[Rows]:
    """All classes of programmes and duties, and what hangs on parks, greenways and water."""
    return [
        estate_programme_rows(ground),
        duty_rows(ground),
        flower_bed_rows(ground),
        node_rows(ground),
        waterside_rows(ground),
    ]


def estate_programme_rows(ground: Ground) -> Rows:
    """Every old estate's renewal by year: those of the year listed before it and completed in it; its cost in yuan."""
    drawing, random = ground.drawing, ground.parameters.rng("programmes")
    renewal, homes = drawing.renewal, drawing.estates
    estate = np.flatnonzero(renewal.old & (renewal.year > 0))
    year = renewal.year[estate]
    this = year == ground.year
    cost = np.round(renewal.floor_area_m2[estate] * 349.0)
    cost[this] = largest_remainder(cost[this], int(ground.parameters["homes"]["programme_cny"]))
    code, day = codes("RE", len(homes.year)), renovation_days(renewal.year, ground.parameters)
    columns = {
        "kind": one_of("basic", "improved", "upgraded"),
        "estate": [code[k] for k in estate],
        "programme_year": year,
        "batch": [f"{y} 年度" for y in year],
        "stage": "completed",
        "households": renewal.households[estate],
        "houses": renewal.houses[estate],
        "floor_area_m2": renewal.floor_area_m2[estate],
        "investment_cny": cost,
        "built_year": homes.year[estate],
        "finished_on": [day[k] for k in estate],
        "progress_pct": 100.0,
        "water_renewed": share(0.7),
        "lifts_added": whole(0, 4),
        "owner": "澄图市住建局（示例）",
    }
    rows = fill("estate_programmes", "EP", polygons(homes.quad[estate]), columns, random)
    former = {"stage": "listed", "progress_pct": 0.0, "finished_on": None, "state": "planned"}
    return changed_in_year(
        rows, "finished_on", ground.year, former | {"water_renewed": False, "lifts_added": 0}
    )


def duty_rows(ground: Ground) -> Rows:
    """Who cleans and who tends the green in each subdistrict, most of it by contract."""
    random, divisions = ground.parameters.rng("duties"), ground.drawing.divisions
    shapes = dissolve(ground.drawing.lattice, divisions.subdistrict)
    names = make_names(ground.parameters.rng("duty names"))[: len(shapes)]
    kind = np.repeat(DUTIES, len(shapes))
    word = {"cleaning": "环卫责任区", "greenery": "绿化养护责任区"}
    contracted = np.where(kind == "cleaning", 1.0, 0.6) > random.random(len(kind))
    columns = {
        "name_zh": [f"{names[k % len(names)].zh}{word[str(d)]}" for k, d in enumerate(kind)],
        "kind": kind,
        "contract_number": [f"示例合同-{k + 1:03d}" if c else None for k, c in enumerate(contracted)],
        "contracted": contracted,
        "registered_area_m2": np.round(shapely.area(np.tile(shapes, len(DUTIES)))),
        "staff": whole(20, 160),
        "work_class": one_of("first", "second"),
        "score": between(80, 99),
        "scored_on": ground.parameters.as_of,
        "owner": "澄图市城市管理局（示例）",
    }
    return fill("responsibility_areas", "RA", np.tile(shapes, len(DUTIES)), columns, random)


def flower_bed_rows(ground: Ground) -> Rows:
    """Flower beds in parks, beside their first corner."""
    random, parks = ground.parameters.rng("flower beds"), ground.drawing.parks
    count = min(ground.parameters["things"]["flower_beds"], len(parks.plot))
    # In parks that were there already and did not grow, so that a bed has its park on every day.
    works = ground.drawing.park_works
    rows = random.permutation(np.flatnonzero(~works.opened & ~works.rebuilt))[:count]
    shapes = shapely.intersection(polygons(part(parks.quad[rows], 0.1, 0.16, 0.1, 0.14)), parks.shape[rows])
    shapes = shapes[shapely.area(shapes) > 1]
    columns = {
        "kind": one_of("bed", "border", "carpet"),
        "registered_area_m2": np.round(shapely.area(shapes), 1),
        "planting": one_of("月季", "杜鹃", "矮牵牛", "一串红"),
        "plants": whole(200, 4000),
        "flowering_months": "3-10",
        "rounds_per_year": whole(2, 5),
        "irrigated": share(0.7),
        "upkeep_grade": one_of("first", "second"),
        "owner": GREEN,
    }
    return fill("flower_beds", "FB", shapes, columns, random)


def node_rows(ground: Ground) -> Rows:
    """Stations and entrances along the older greenways."""
    random, ways = ground.parameters.rng("greenway nodes"), ground.drawing.greenways
    old = np.flatnonzero(ways.year < ground.year)
    count = min(ground.parameters["things"]["greenway_nodes"], len(old))
    rows = np.sort(random.permutation(old)[:count])
    names = make_names(ground.parameters.rng("node names"))[:count]
    code = codes("GW", len(ways.line))
    columns = {
        "name_zh": [f"{name.zh}驿站" for name in names],
        "kind": one_of("station_1", "station_2", "station_3", "entrance", "viewpoint"),
        "route": [ways.zh[k] for k in rows],
        "greenway": [code[k] for k in rows],
        "toilets_inside": share(0.5),
        "drinking_water": share(0.6),
        "bike_rental": share(0.4),
        "owner": GREEN,
    }
    places = shapely.line_interpolate_point(ways.line[rows], 0.5, normalized=True)
    return fill("greenway_nodes", "GN", places, columns, random)


def waterside_rows(ground: Ground) -> Rows:
    """Fences, piers, sluices and life rings on the banks of river and canals."""
    random, count = ground.parameters.rng("watersides"), ground.parameters["things"]["waterside_facilities"]
    waters = np.concatenate([ground.drawing.river, ground.drawing.canals])
    rim = shapely.get_exterior_ring(waters)
    length = np.asarray(shapely.length(rim))
    body = random.choice(len(waters), count, p=length / length.sum())
    places = shapely.line_interpolate_point(rim[body], random.random(count), normalized=True)
    code = codes("WB", len(waters))
    columns = {
        "kind": one_of("fence", "life_ring", "pier", "sluice", "flood_wall"),
        "water_body": [code[k] for k in body],
        "material": one_of("钢", "混凝土", "石"),
        "height_m": between(0.9, 4),
        "built_on": dates(1998, 2020),
        "owner": "澄图市水务局（示例）",
    }
    return fill("waterside_facilities", "WF", points(shapely.get_coordinates(places)), columns, random)
