"""Rows of the areas: city, districts, subdistricts, communities, grid cells, built-up area and water."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from app.sample.city import Drawing
from app.sample.divisions import dissolve
from app.sample.draw import Ints, Shapes
from app.sample.lattice import cells
from app.sample.names import make_names, numbered
from app.sample.parameters import Parameters
from app.sample.rows import NOTE, Rows, codes

KINDS = {"区": "urban_district", "县": "county", "功能区": "functional_zone"}
OLD_TOWN = "老城区"


@dataclass(frozen=True)
class AreaCodes:
    """The invented codes of the city and, by number, of its districts, subdistricts and communities."""

    city: str
    district: list[str]
    subdistrict: list[str]
    community: list[str]


def district_codes(parameters: Parameters) -> list[str]:
    """Six-digit codes of the districts: the city's first four digits (none that GB/T 2260 gives out) and a number."""
    return [f"{parameters['title']['code'][:4]}{k + 1:02d}" for k in range(len(parameters["districts"]))]


def area_codes(drawing: Drawing, parameters: Parameters) -> AreaCodes:
    """Codes of 6, 9 and 12 digits: subdistricts from 001 in each district, towns from 101, communities from 001."""
    district = district_codes(parameters)
    divisions = drawing.divisions
    rural = [entry["kind"] == "县" for entry in parameters["districts"]]
    subdistrict = _numbered(
        [district[k] + ("1" if rural[k] else "0") for k in divisions.parent_of_subdistrict], 2
    )
    community = _numbered([subdistrict[k] for k in divisions.parent_of_community], 3)
    return AreaCodes(parameters["title"]["code"], district, subdistrict, community)


def _numbered(prefixes: list[str], digits: int) -> list[str]:
    seen: dict[str, int] = {}
    result = []
    for prefix in prefixes:
        seen[prefix] = seen.get(prefix, 0) + 1
        result.append(f"{prefix}{seen[prefix]:0{digits}d}")
    return result


def district_rows(drawing: Drawing, codes_: AreaCodes, parameters: Parameters) -> Rows:
    """The four levels, from the city down, with the people of the parcels in each."""
    divisions, lattice = drawing.divisions, drawing.lattice
    people = np.bincount(
        divisions.community[drawing.plots.block[drawing.parcels.plot]],
        drawing.parcels.people,
        len(codes_.community),
    )
    up = [people]
    up.append(np.bincount(divisions.parent_of_community, up[-1], len(codes_.subdistrict)))
    up.append(np.bincount(divisions.parent_of_subdistrict, up[-1], len(codes_.district)))
    shapes = [
        dissolve(lattice, number)
        for number in (divisions.district, divisions.subdistrict, divisions.community)
    ]
    city = shapely.coverage_union_all(lattice.shapes[lattice.inside])
    names = _area_names(drawing, parameters)
    counts = [1, *(len(s) for s in shapes)]
    kinds = [["city"], *names.kinds]
    everything = [codes_.city, *codes_.district, *codes_.subdistrict, *codes_.community]
    parents: list[str | None] = [None, *[codes_.city] * counts[1]]
    parents += [codes_.district[k] for k in divisions.parent_of_subdistrict]
    parents += [codes_.subdistrict[k] for k in divisions.parent_of_community]
    old = [OLD_TOWN if entry["old"] else "" for entry in parameters["districts"]]
    notes = [NOTE, *(f"{text} · {NOTE}" if text else NOTE for text in old)]
    return Rows(
        "districts",
        np.concatenate([[city], *shapes]),
        everything,
        {
            "name_zh": names.zh,
            "name_en": names.en,
            "level": [
                x
                for x, n in zip(("city", "district", "subdistrict", "community"), counts, strict=True)
                for _ in range(n)
            ],
            "kind": [kind for group in kinds for kind in group],
            "parent": parents,
            "division_code": [code.ljust(12, "0") for code in everything],
            "people": [int(people.sum()), *np.concatenate(up[::-1]).astype(int).tolist()],
            "as_of": parameters.as_of,
            "note": notes + [NOTE] * (counts[2] + counts[3]),
        },
    )


@dataclass(frozen=True)
class _Names:
    zh: list[str]
    en: list[str]
    kinds: list[list[str]]


def _area_names(drawing: Drawing, parameters: Parameters) -> _Names:
    """Names in order of the rows; a county has towns and villages, the others subdistricts and communities."""
    divisions, entries = drawing.divisions, parameters["districts"]
    county = np.array([entry["kind"] == "县" for entry in entries])
    towns = county[divisions.parent_of_subdistrict]
    villages = towns[divisions.parent_of_community]
    names = make_names(parameters.rng("area names"))
    sub = numbered(names, len(towns))
    com = numbered(names[len(towns) :], len(villages))
    zh = [parameters["title"]["zh"], *(entry["zh"] for entry in entries)]
    en = [parameters["title"]["en"], *(entry["en"] for entry in entries)]
    zh += [name.zh + ("镇" if town else "街道") for name, town in zip(sub, towns, strict=True)]
    en += [f"{name.en} {'Town' if town else 'Subdistrict'}" for name, town in zip(sub, towns, strict=True)]
    zh += [name.zh + ("村" if village else "社区") for name, village in zip(com, villages, strict=True)]
    en += [
        f"{name.en} {'Village' if village else 'Community'}"
        for name, village in zip(com, villages, strict=True)
    ]
    return _Names(
        zh,
        en,
        [
            [KINDS[entry["kind"]] for entry in entries],
            ["town" if town else "subdistrict" for town in towns],
            ["village" if village else "community" for village in villages],
        ],
    )


def cell_rows(drawing: Drawing, codes_: AreaCodes, parameters: Parameters) -> Rows:
    """Unit grid cells of the old districts: community code and three digits, from the north, west to east."""
    shapes, block, row, column = cells(drawing.lattice, drawing.divisions.old & drawing.lattice.inside)
    community = drawing.divisions.community[block]
    order = np.lexsort((column, row, community))
    community, water = community[order], drawing.lattice.water[block[order]]
    parents = [codes_.community[k] for k in community]
    grid = _numbered(parents, 3)
    random = parameters.rng("cells")
    kind = random.choice(
        ["residential", "commercial", "public", "industrial"], len(grid), p=[0.6, 0.15, 0.17, 0.08]
    )
    kind[water] = "special"
    return Rows(
        "grid_cells",
        shapes[order],
        grid,
        {
            "grid_code": grid,
            "community": parents,
            "kind": kind,
            "surveyed_on": parameters.as_of,
            "state": "in_service",
            "note": NOTE,
        },
    )


def built_up_rows(drawing: Drawing, codes_: AreaCodes, parameters: Parameters) -> Rows:
    """The built-up area, one row a district."""
    number = np.where(drawing.divisions.built, drawing.divisions.district, -1)
    present = np.unique(number[number >= 0])
    renumbered = np.where(number >= 0, np.searchsorted(present, number), -1)
    shapes = dissolve(drawing.lattice, renumbered)
    entries = [parameters["districts"][k] for k in present]
    return Rows(
        "built_up_areas",
        shapes,
        [f"{codes_.district[k]}-BU" for k in present],
        {
            "name_zh": [entry["zh"] + "建成区" for entry in entries],
            "name_en": [f"{entry['en']} built-up area" for entry in entries],
            "kind": "main",
            "as_of": parameters.as_of,
            "method": "drawn",
            "note": NOTE,
            "people": _people_by(drawing, renumbered, len(present)),
        },
    )


def _people_by(drawing: Drawing, number: Ints, count: int) -> list[int]:
    at = number[drawing.plots.block[drawing.parcels.plot]]
    return [int(drawing.parcels.people[at == k].sum()) for k in range(count)]


def water_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """The river, its canals and the lakes of the parks."""
    lakes = np.array([lake for lake in drawing.parks.lake if lake is not None], dtype=object)
    names = make_names(parameters.rng("lake names"))
    river, canals = parameters["river"], parameters["canals"]["names"]
    near = [_nearest_name(drawing, shape, parameters) for shape in drawing.canals]
    zh = [river["zh"]] * len(drawing.river) + [canals[k][0] for k in near]
    en = [river["en"]] * len(drawing.river) + [canals[k][1] for k in near]
    shapes: Shapes = np.concatenate([drawing.river, drawing.canals, lakes])
    n = len(shapes)
    random = parameters.rng("waters")
    return Rows(
        "water_bodies",
        shapes,
        codes("WB", n),
        {
            "name_zh": zh + [f"{name.zh}湖" for name in names[: len(lakes)]],
            "name_en": en + [f"{name.en} Lake" for name in names[: len(lakes)]],
            "kind": ["river"] * len(drawing.river) + ["canal"] * len(drawing.canals) + ["lake"] * len(lakes),
            "state": "in_service",
            "owner": "澄图市水务局（示例）",
            "black_odorous": False,
            "note": NOTE,
            "quality": random.choice(["ii", "iii", "iv"], n, p=[0.3, 0.5, 0.2]),
            "surveyed_on": parameters.as_of,
            "use": ["landscape"] * n,
        },
    )


def _nearest_name(drawing: Drawing, shape: shapely.Geometry, parameters: Parameters) -> int:
    """Which canal a piece of water belongs to: the row or column of the lattice that its middle lies in."""
    lattice, canals = drawing.lattice, parameters["canals"]
    block = int(np.argmin(shapely.distance(lattice.shapes[lattice.canal], shapely.point_on_surface(shape))))
    row, column = divmod(int(np.flatnonzero(lattice.canal)[block]), lattice.columns)
    if row in canals["rows"]:
        return int(canals["rows"].index(row))
    upright = [entry[0] for entry in canals["columns"]]
    return len(canals["rows"]) + upright.index(column)
