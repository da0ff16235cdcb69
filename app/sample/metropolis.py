"""The sample metropolis: a bent lattice of a million crossings and a million parcels, to measure speed at size."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import yaml

from app.errors import BadDeclaration
from app.sample.draw import Bools, Floats, Ints, Shapes, inset, part, points, polygons, signed_area
from app.sample.homes import largest_remainder
from app.sample.names import make_names, numbered
from app.sample.parameters import Parameters
from app.sample.rows import NOTE, Rows, codes
from app.sample.warp import make_warp
from app.space.metric import MetricCrs

#: From the middle of a street to the blocks along it, by the street's kind.
ARTERIAL_M, STREET_M = 18.0, 7.0
#: Rows that are made at a time, so that the whole city is never held twice.
CHUNK = 100_000
_KEYS = frozenset(
    "seed as_of metric_crs centre title rotation_deg rounding bends crossings block_m jitter arterial_every "
    "districts subdistricts communities countryside parcels people parks other_uses toilets".split()
)


@dataclass(frozen=True)
class Blocks:
    """The blocks between the streets, row by row from the south-west: `n` blocks.

    Attributes:
        quad: (n, 4, 2) metres, counter-clockwise, back from the streets.
        square: (n,) number of the square between arterials.
        home, park, pocket: (n,) what is on the block; a pocket park takes a corner of a block of homes.
    """

    quad: Floats
    square: Ints
    home: Bools
    park: Bools
    pocket: Bools


def read_metropolis(folder: Path, seed: int | None = None) -> Parameters:
    """The metropolis's parameters, `seed` in place of the file's own.

    Raises:
    ------
    BadDeclaration
        The file has a key too many or too few.
    """
    path = folder / "metropolis.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    if set(values) != _KEYS:
        wrong = ", ".join(sorted(set(values) ^ _KEYS))
        raise BadDeclaration(
            f"{path.name}: wrong or missing keys: {wrong}.", f"Keys: {', '.join(sorted(_KEYS))}."
        )
    year: date = values["as_of"]
    return Parameters("metropolis", values["seed"] if seed is None else seed, year, year, values, ())


def draw_rows(parameters: Parameters, crs: MetricCrs) -> Iterator[Rows]:
    """The rows of every class, areas first, large classes in several parts."""
    xy = crossings(parameters, crs)
    squares = _squares(parameters)
    blocks = lay_blocks(xy, squares, parameters)
    parcels = _parcels(blocks, parameters)
    yield _district_rows(xy, squares, blocks, parcels, parameters)
    yield _built_up_rows(xy, parameters)
    yield from _street_rows(xy, squares.lines, parameters)
    yield from _parcel_rows(parcels)
    yield _park_rows(blocks, parameters)
    yield _toilet_rows(blocks, parameters)


def facts(parameters: Parameters) -> Mapping[str, Any]:
    """What a reader should know about how it was drawn."""
    return {
        "size": parameters.size,
        "seed": parameters.seed,
        "as_of": parameters.as_of.isoformat(),
        "names": "all names and codes are invented; area codes begin with 99, a prefix that GB/T 2260 never gave out",
    }


def crossings(parameters: Parameters, crs: MetricCrs) -> Floats:
    """Where streets cross: (rows, columns, 2) metres, rows from the south."""
    count, block_m = parameters["crossings"], parameters["block_m"]
    at = (np.arange(count) - (count - 1) / 2) * block_m
    uv = np.stack(np.meshgrid(at, at), axis=-1)
    shift = parameters["jitter"] * block_m
    uv += parameters.rng("crossings").uniform(-shift, shift, uv.shape)
    origin = crs.xy(parameters["centre"]["lon"], parameters["centre"]["lat"])
    return make_warp(parameters.values, origin, float(-at[0]) + block_m)(uv)


@dataclass(frozen=True)
class Squares:
    """The squares between arterials: `lines` (k + 1,) numbers of the arterial streets each way, and the areas.

    `community`, `subdistrict`, `district` (k, k): number of the area of each square, rows from the south; `built`
    (k, k) whether it is built up.
    """

    lines: Ints
    community: Ints
    subdistrict: Ints
    district: Ints
    built: Bools


def _squares(parameters: Parameters) -> Squares:
    last = parameters["crossings"] - 1
    lines = np.unique(np.append(np.arange(0, last, parameters["arterial_every"]), last))
    count, number, parts = len(lines) - 1, [], np.ones(2, np.int64)
    for name in ("districts", "subdistricts", "communities"):
        parts = parts * np.asarray(parameters[name])
        column, row = (np.arange(count) * parts[k] // count for k in (0, 1))
        number.append(row[:, None] * parts[0] + column[None, :])
    edge = parameters["countryside"]
    built = np.zeros((count, count), dtype=bool)
    built[edge : count - edge, edge : count - edge] = True
    district, subdistrict, community = number
    return Squares(lines, community, subdistrict, district, built)


def lay_blocks(xy: Floats, squares: Squares, parameters: Parameters) -> Blocks:
    """The blocks between the streets and what each is used for."""
    corners = np.stack([xy[:-1, :-1], xy[:-1, 1:], xy[1:, 1:], xy[1:, :-1]], axis=2)
    side = len(xy) - 1
    line = np.arange(side)
    arterial = np.isin(np.arange(side + 1), squares.lines)
    back = np.where(arterial, ARTERIAL_M, STREET_M)
    # sides of a block: south, east, north, west
    by = np.stack(
        np.broadcast_arrays(
            back[line][:, None], back[line + 1][None, :], back[line + 1][:, None], back[line][None, :]
        ),
        axis=-1,
    )
    quad = inset(corners.reshape(-1, 4, 2), by.reshape(-1, 4))
    at = np.searchsorted(squares.lines, line, side="right") - 1
    square = (at[:, None] * (len(squares.lines) - 1) + at[None, :]).ravel()
    return Blocks(quad, square, *_uses(len(quad), parameters))


def _uses(count: int, parameters: Parameters) -> tuple[Bools, Bools, Bools]:
    random, parks = parameters.rng("uses"), parameters["parks"]
    order = random.permutation(count)
    park, pocket = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    park[order[: parks["blocks"]]] = True
    pocket[order[parks["blocks"] : parks["blocks"] + parks["pockets"]]] = True
    other = random.random(count) < parameters["other_uses"]
    return ~park & (pocket | ~other), park, pocket


def _parcel_of(blocks: Blocks, parameters: Parameters) -> tuple[Ints, Floats]:
    """The block of each parcel and its corners: as many blocks of homes are halved as the number asked for needs."""
    home = np.flatnonzero(blocks.home)
    halved = parameters["parcels"] - len(home)
    whole = blocks.quad[home]
    cut = blocks.pocket[home]
    whole[cut] = part(whole[cut], 0.0, 1.0, 0.45, 1.0)
    free = np.flatnonzero(~cut)
    if not 0 <= halved <= len(free):
        raise BadDeclaration(
            f"{len(home):,} blocks of homes do not make {parameters['parcels']:,} parcels.",
            "Change parcels, crossings or other_uses.",
        )
    two = np.sort(parameters.rng("halves").permutation(free)[:halved])
    east = part(whole[two], 0.52, 1.0, 0.0, 1.0)
    whole[two] = part(whole[two], 0.0, 0.48, 0.0, 1.0)
    return np.concatenate([home, home[two]]), np.concatenate([whole, east])


@dataclass(frozen=True)
class _Parcels:
    block: Ints
    quad: Floats
    people: Ints


def _parcels(blocks: Blocks, parameters: Parameters) -> _Parcels:
    block, quad = _parcel_of(blocks, parameters)
    density = parameters.rng("people").lognormal(0.0, 0.5, len(block))
    return _Parcels(block, quad, largest_remainder(signed_area(quad) * density, parameters["people"]))


def _district_rows(
    xy: Floats, squares: Squares, blocks: Blocks, parcels: _Parcels, parameters: Parameters
) -> Rows:
    people = np.bincount(blocks.square[parcels.block], parcels.people, squares.community.size)
    city = parameters["title"]
    levels = [("city", "city", np.zeros_like(squares.district), [city["code"]])]
    for level, kind, number, width in (
        ("district", "urban_district", squares.district, 2),
        ("subdistrict", "subdistrict", squares.subdistrict, 3),
        ("community", "community", squares.community, 3),
    ):
        levels.append((level, kind, number, _area_codes(number, levels[-1], width)))
    names = numbered(make_names(parameters.rng("names")), sum(len(codes_) for *_, codes_ in levels))
    shapes = [_areas(xy, squares.lines, number) for _, _, number, _ in levels]
    words = {"city": "", "district": "区", "subdistrict": "街道", "community": "社区"}
    level_of = [level for level, _, _, codes_ in levels for _ in codes_]
    return Rows(
        "districts",
        np.concatenate(shapes),
        [code for *_, codes_ in levels for code in codes_],
        {
            "name_zh": [city["zh"], *(n.zh + words[at] for n, at in zip(names[1:], level_of[1:], strict=True))],
            "name_en": [city["en"], *(f"{n.en} {at}" for n, at in zip(names[1:], level_of[1:], strict=True))],
            "level": level_of,
            "kind": [kind for _, kind, _, codes_ in levels for _ in codes_],
            "parent": _parents(levels),
            "people": [
                int(k) for _, _, number, codes_ in levels
                for k in np.bincount(number.ravel(), people, len(codes_))
            ],
            "as_of": parameters.as_of,
            "note": NOTE,
        },
    )  # fmt: skip


_Level = tuple[str, str, Ints, list[str]]


def _above(number: Ints, over: Ints) -> Ints:
    """For each area of a level the area of the level over it."""
    _, first = np.unique(number.ravel(), return_index=True)
    found: Ints = over.ravel()[first]
    return found


def _area_codes(number: Ints, over: _Level, width: int) -> list[str]:
    """Codes of 6, 9 and 12 digits: the code above and a number in it (a district has the city's first four)."""
    prefix = [over[3][k][:4] if over[0] == "city" else over[3][k] for k in _above(number, over[2])]
    seen: dict[str, int] = {}
    result = []
    for text in prefix:
        seen[text] = seen.get(text, 0) + 1
        result.append(f"{text}{seen[text]:0{width}d}")
    return result


def _parents(levels: list[_Level]) -> list[str | None]:
    parents: list[str | None] = [None]
    for over, (_, _, number, _) in itertools.pairwise(levels):
        parents += [over[3][k] for k in _above(number, over[2])]
    return parents


def _areas(xy: Floats, lines: Ints, number: Ints) -> Shapes:
    """The rectangles of squares with each number (k, k), bounded by the very points of the streets round them."""
    rings = []
    for k in range(int(number.max()) + 1):
        row, column = np.nonzero(number == k)
        rings.append(
            _ring(xy, lines[row.min()], lines[row.max() + 1], lines[column.min()], lines[column.max() + 1])
        )
    return np.array([shapely.Polygon(ring) for ring in rings], dtype=object)


def _ring(xy: Floats, south: int, north: int, west: int, east: int) -> Floats:
    return np.concatenate(
        [
            xy[south, west:east],
            xy[south:north, east],
            xy[north, east:west:-1],
            xy[north:south:-1, west],
            xy[south : south + 1, west],
        ]
    )


def _built_up_rows(xy: Floats, parameters: Parameters) -> Rows:
    edge = parameters["countryside"] * parameters["arterial_every"]
    last = len(xy) - 1
    shape = shapely.Polygon(_ring(xy, edge, last - edge, edge, last - edge))
    columns = {"name_zh": "建成区", "name_en": "Built-up area", "kind": "main", "as_of": parameters.as_of,
               "method": "drawn", "note": NOTE}  # fmt: skip
    return Rows(
        "built_up_areas", np.array([shape], dtype=object), [f"{parameters['title']['code']}-BU"], columns
    )


def _street_rows(xy: Floats, lines: Ints, parameters: Parameters) -> Iterator[Rows]:
    """Streets from arterial to arterial: eleven points each, the crossings among them."""
    names = numbered(make_names(parameters.rng("street names")), 2 * len(xy))
    made = 0
    for way, grid in enumerate((xy, xy.swapaxes(0, 1))):
        for first in range(0, len(grid), CHUNK // len(lines)):
            rows = np.arange(first, min(first + CHUNK // len(lines), len(grid)))
            shapes = [
                np.asarray(shapely.linestrings(grid[rows, a : b + 1]), dtype=object)
                for a, b in itertools.pairwise(lines)
            ]
            street = np.tile(rows, len(shapes))
            count = len(street)
            arterial = np.isin(street, lines)
            ending = ("路", "Road") if way == 0 else ("街", "Street")
            name = [names[2 * k + way] for k in street]
            yield Rows(
                "streets",
                np.concatenate(shapes),
                [f"RD-{k:07d}" for k in range(made + 1, made + count + 1)],
                {
                    "name_zh": [n.zh + ending[0] for n in name],
                    "name_en": [f"{n.en} {ending[1]}" for n in name],
                    "kind": np.where(arterial, "secondary", "residential"),
                    "walk": "public",
                    "state": "in_service",
                    "note": NOTE,
                },
            )
            made += count


def _parcel_rows(parcels: _Parcels) -> Iterator[Rows]:
    """Residential land with its people."""
    for first in range(0, len(parcels.block), CHUNK):
        rows = slice(first, first + CHUNK)
        people = parcels.people[rows]
        yield Rows(
            "residential_areas",
            polygons(parcels.quad[rows]),
            [f"RL-{k:07d}" for k in range(first + 1, first + len(people) + 1)],
            {
                "kind": "land",
                "land_use_code": "0701",
                "people": people,
                "households": np.round(people / 2.7).astype(np.int64),
                "state": "in_service",
                "note": NOTE,
            },
        )


def _park_rows(blocks: Blocks, parameters: Parameters) -> Rows:
    pockets = blocks.quad[blocks.pocket]
    quads = np.concatenate([blocks.quad[blocks.park], part(pockets, 0.0, 1.0, 0.0, 0.4)])
    names = numbered(make_names(parameters.rng("park names")), len(quads))
    return Rows(
        "parks",
        polygons(quads),
        codes("PK", len(quads)),
        {
            "name_zh": [f"{name.zh}公园" for name in names],
            "name_en": [f"{name.en} Park" for name in names],
            "access": "public",
            "state": "in_service",
            "note": NOTE,
        },
    )


def _toilet_rows(blocks: Blocks, parameters: Parameters) -> Rows:
    """Toilets in the south-western corner of blocks drawn at random."""
    count = parameters["toilets"]
    chosen = np.sort(parameters.rng("toilets").choice(len(blocks.quad), count, replace=False))
    at = part(blocks.quad[chosen], 0.01, 0.03, 0.01, 0.03).mean(axis=1)
    columns = {"kind": "public", "access": "public", "state": "in_service", "note": NOTE}
    return Rows("toilets", points(at), codes("TL", count), columns)
