"""Rows of grounds and houses: building sites and their hoardings, illegal buildings, public property, old quarters."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import shapely

from app.sample.draw import Ints, part, points, polygons
from app.sample.ground import Ground, between, dates, fill, one_of, share, whole
from app.sample.names import make_names
from app.sample.rows import Rows, codes, pick
from app.sample.streets import DENSE
from app.sample.versions import begun_in_year

#: Sites begun in the year, of all.
BEGUN_SHARE = 0.4


def site_rows(ground: Ground) -> list[Rows]:
    """All classes of grounds and houses."""
    return [
        *building_sites(ground),
        illegal_rows(ground),
        property_rows(ground),
        quarter_rows(ground),
        monument_rows(ground),
    ]


def building_sites(ground: Ground) -> tuple[Rows, Rows]:
    """Building sites, some begun in the year, others ended in it, and the hoarding round each."""
    random, count = ground.parameters.rng("sites"), ground.parameters["things"]["construction_sites"]
    plots = ground.plots(("C", "A", "M"), random)[:count]
    shapes, n = ground.spare(plots), len(plots)
    names = make_names(ground.parameters.rng("site names"))
    kind = pick(("building", "municipal", "metro", "demolition"), (6, 2, 1, 1), n, random)
    start, end = _times(n, ground, random)
    columns = {
        "name_zh": [f"{names[k % len(names)].zh}工地" for k in range(n)],
        "kind": kind,
        "state": "under_construction",
        "developer": "澄图建设（示例）",
        "contractor": "澄图建工（示例）",
        "permit_number": [f"示例-{k + 1:04d}" for k in range(n)],
        "registered_area_m2": np.round(shapely.area(shapes)),
        "started_on": start,
        "end_planned": end,
        "spoil_m3": between(500, 60_000, 0),
        "wheel_wash": share(0.9),
        "dust_monitored": share(0.8),
        "covered_soil": share(0.85),
    }
    sites = fill("construction_sites", "CS", shapes, columns, random)
    hoarding_kind = ["building" if k in {"building", "demolition"} else k for k in kind]
    fence = {
        "kind": hoarding_kind,
        "site": codes("CS", n),
        "permit_from": start,
        "permit_until": end,
        "registered_length_m": np.round(shapely.length(shapes), 1),
        "height_m": one_of(2.0, 2.5),
        "material": one_of("钢板", "砌块", "绿植"),
        "public_notice_share_pct": between(30, 60, 0),
        "spray": share(0.6),
        "contractor": "澄图建工（示例）",
    }
    rims = shapely.get_exterior_ring(shapely.buffer(shapes, 1.5, join_style="mitre"))
    hoardings = fill(
        "hoardings", "HD", shapely.linestrings([shapely.get_coordinates(r) for r in rims]), fence, random
    )
    # What does not end in the year stays: nothing is known of later days.
    last = [day if day <= ground.parameters.as_of else None for day in end]
    sites.valid = hoardings.valid = list(zip(start, last, strict=True))
    return sites, hoardings


def _times(n: int, ground: Ground, random: np.random.Generator) -> tuple[list[date], list[date]]:
    """On which day each site began and is to end: all touch the sample's year, some end in it."""
    first = date(ground.year, 1, 1)
    begun = random.random(n) < BEGUN_SHARE
    after = np.where(begun, random.integers(5, 330, n), -random.integers(60, 500, n))
    ended = random.random(n) < BEGUN_SHARE
    lasts = np.where(ended & ~begun, random.integers(30, 340, n), random.integers(380, 900, n))
    start = [first + timedelta(days=int(d)) for d in after]
    return start, [first + timedelta(days=int(d)) for d in lasts]


def illegal_rows(ground: Ground) -> Rows:
    """Illegal buildings of the stock: part of them was pulled down in the year, none was added."""
    random, count = ground.parameters.rng("illegal"), ground.parameters["things"]["illegal_constructions"]
    homes = ground.drawing.estates
    estate = np.sort(random.choice(len(homes.year), count, replace=False))
    shapes = polygons(part(homes.quad[estate], 0.02, 0.05, 0.03, 0.06))
    down = random.random(count) < 0.4
    first = date(ground.year, 1, 1)
    day = [
        first + timedelta(days=int(d)) if gone else None
        for d, gone in zip(random.integers(10, 350, count), down, strict=True)
    ]
    code = codes("RE", len(homes.year))
    columns = {
        "kind": one_of("addition", "freestanding", "rooftop"),
        "origin": "stock",
        "case_status": one_of("found", "filed", "ordered"),
        "found_on": dates(2016, 2020),
        "registered_area_m2": np.round(shapely.area(shapes), 1),
        "storeys": whole(1, 2),
        "structure": one_of("砖混", "彩钢"),
        "case_number": [f"示例违-{k + 1:04d}" for k in range(count)],
        "estate": [code[k] for k in estate],
    }
    rows = fill("illegal_constructions", "IC", shapes, columns, random)
    rows.valid = [(None, gone) for gone in day]
    return rows


def property_rows(ground: Ground) -> Rows:
    """Houses and grounds that belong to the city itself."""
    random, count = ground.parameters.rng("property"), ground.parameters["things"]["public_properties"]
    plots = ground.plots(("A",), random)[:count]
    shapes = polygons(part(ground.drawing.plots.inner[plots], 0.66, 0.94, 0.41, 0.57))
    columns = {
        "kind": one_of("office", "depot", "shop", "basement"),
        "certificate": [f"示例证-{k + 1:04d}" for k in range(len(plots))],
        "registered_area_m2": np.round(shapely.area(shapes)),
        "floor_area_m2": np.round(shapely.area(shapes) * 1.2),
        "storeys": whole(1, 5),
        "built_year": whole(1975, 2015),
        "use_status": one_of("own", "leased", "vacant"),
        "danger_grade": one_of("A", "A", "B"),
        "owner": "澄图市城市管理局（示例）",
    }
    return fill("public_properties", "PP", shapes, columns, random)


def quarter_rows(ground: Ground) -> Rows:
    """Historic quarters: blocks of the old centre."""
    random, count = ground.parameters.rng("quarters"), ground.parameters["things"]["historic_districts"]
    table = ground.drawing.plots
    blocks = np.unique(table.block[table.zone == DENSE])
    chosen = random.permutation(blocks)[:count]
    shapes = shapely.buffer(ground.drawing.lattice.shapes[chosen], -30)
    names = make_names(ground.parameters.rng("quarter names"))[:count]
    columns = {
        "name_zh": [f"{name.zh}历史文化街区" for name in names],
        "name_en": [f"{name.en} Historic District" for name in names],
        "kind": one_of("provincial", "quarter"),
        "zone": "core",
        "registered_area_m2": np.round(shapely.area(shapes)),
        "height_limit_m": 18.0,
        "listed_on": dates(2002, 2015),
        "historic_houses": whole(12, 90),
        "owner": "澄图市名城保护办（示例）",
    }
    return fill("historic_districts", "HQ", shapes, columns, random)


def monument_rows(ground: Ground) -> Rows:
    """Monuments and old houses in the old centre."""
    random, count = ground.parameters.rng("monuments"), ground.parameters["things"]["monuments"]
    table = ground.drawing.plots
    plots: Ints = random.permutation(np.flatnonzero(table.zone == DENSE))[:count]
    names = make_names(ground.parameters.rng("monument names"))[:count]
    columns = {
        "name_zh": [f"{name.zh}旧址" for name in names],
        "name_en": [f"Old {name.en} House" for name in names],
        "kind": one_of("building", "modern", "memorial"),
        "grade": one_of("city", "district", "listed"),
        "period": one_of("明", "清", "民国"),
        "listed_on": dates(1985, 2018),
        "open_to_public": share(0.6),
        "owner": "澄图市文物局（示例）",
    }
    places = part(table.inner[plots], 0.95, 0.97, 0.95, 0.97).mean(axis=1)
    return begun_in_year(fill("monuments", "MN", points(places), columns, random), "listed_on", ground.year)
