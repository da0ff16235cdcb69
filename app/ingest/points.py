"""Places that stand in the columns of a table: which these are, by evidence, and the geometry drawn from them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.errors import BadInput
from app.ingest import place_cells
from app.ingest.coordinates import column_numbers, is_empty, join_sexagesimal
from app.ingest.layer import Layer
from app.ingest.place_headings import Role, coordinate_of, like_coordinates, pair_order, part_of

Kind = Literal["degrees", "metres", "parts", "pair", "wkt", "wkb", "geojson"]
Sample = Mapping[str, list[Any]]
DATUM_NAMES = {"gcj02": "GCJ-02 (gcj02)", "bd09": "BD-09 (bd09)"}
#: Northings of China in a Gauss-Krüger zone; eastings lie below or, with the number of the zone before them, above.
NORTHINGS, EASTING_BELOW, EASTING_FROM = (2e6, 6e6), 1e6, 1.3e7


@dataclass(frozen=True, slots=True)
class PlaceColumns:
    """The columns that hold the places of a table.

    `columns` east (or longitude) first, then north; for `parts` degrees, minutes and seconds of longitude, then of
    latitude; for one cell its heading. `lat_first` is the order within a `pair`. `crs` is that which the cells name,
    `likely` the datum in the headings' words (`gcj02`, `bd09`), `notes` the evidence; `sure` is False where nothing
    tells which of X and Y is north.
    """

    kind: Kind
    columns: tuple[str, ...]
    lat_first: bool = False
    crs: str | None = None
    likely: str | None = None
    notes: tuple[str, ...] = ()
    sure: bool = True


def find_places(
    headings: Sequence[str], sample: Sample, places: Mapping[str, str] | None = None
) -> PlaceColumns | None:
    """The columns that hold places, None where no heading names one.

    `sample` heading → values of some rows; `places` role → heading as a saved mapping names them (lon and lat, east and
    north, text, wkt, wkb or geojson). Without it shapes in cells count first, then longitude and latitude, then east
    and north, degrees in parts, and two numbers in one cell. Headings that are only like coordinates are never used.

    Raises:
        BadInput: `places` names a column that is not there, or half of a pair.
    """
    if places:
        return _named(headings, sample, places)
    for find in (_shapes, _degrees, _metres, _parts, _pair):
        found = find(headings, sample)
        if found is not None:
            return found
    return None


def suggest_places(headings: Sequence[str]) -> str | None:
    """What to tell where no places were found: the headings that may hold them."""
    like = like_coordinates(headings)
    if not like:
        return None
    return f"Columns that may hold the places: {', '.join(like[:6])}. Name them in a mapping under 'places'."


def _named(headings: Sequence[str], sample: Sample, places: Mapping[str, str]) -> PlaceColumns:
    missing = [heading for heading in places.values() if heading not in headings]
    if missing:
        raise BadInput(f"There is no column '{missing[0]}' in the file.", f"Columns: {', '.join(headings)}.")
    note = (f"places from the columns {', '.join(places.values())}, as the mapping names them",)
    for kind in ("wkt", "wkb", "geojson"):
        if kind in places:
            return _with_crs(PlaceColumns(kind, (places[kind],), notes=note), sample)
    if "text" in places:
        heading = places["text"]
        first, _ = _pair_order(heading, sample)
        return PlaceColumns("pair", (heading,), lat_first=bool(first), notes=note)
    if {"lon", "lat"} <= places.keys():
        return PlaceColumns("degrees", (places["lon"], places["lat"]), notes=note)
    if {"east", "north"} <= places.keys():
        return PlaceColumns("metres", (places["east"], places["north"]), notes=note)
    raise BadInput(
        "The mapping names only half of the places.", "Name lon and lat, or east and north, or a cell's text."
    )


def _shapes(headings: Sequence[str], sample: Sample) -> PlaceColumns | None:
    """A column whose cells are all WKT, WKB or GeoJSON: these are like nothing else, whatever the heading."""
    for heading in sorted(headings, key=lambda h: not pair_order(h)[0]):
        cells = [cell for cell in sample.get(heading, ()) if not is_empty(cell)]
        kind = place_cells.kind_of(cells)
        if kind is not None:
            note = f"places from the column {heading}: {place_cells.TITLES[kind]}"
            return _with_crs(PlaceColumns(kind, (heading,), notes=(note,)), sample)
    return None


def _with_crs(place: PlaceColumns, sample: Sample) -> PlaceColumns:
    crs = place_cells.crs_of([c for c in sample.get(place.columns[0], ()) if not is_empty(c)], place.kind)
    return (
        place if crs is None else replace(place, crs=crs, notes=(*place.notes, f"CRS {crs} from its cells"))
    )


def _candidates(headings: Sequence[str], first: Role, second: Role) -> list[tuple[str, str, str | None]]:
    """Pairs of headings of the two roles that name the same datum; those of a shifted datum come last."""
    found: dict[str | None, dict[Role, str]] = {}
    for heading in headings:
        meaning = coordinate_of(heading)
        if meaning is not None:
            found.setdefault(meaning.datum, {}).setdefault(meaning.role, heading)
    pairs = [
        (roles[first], roles[second], datum)
        for datum, roles in found.items()
        if {first, second} <= roles.keys()
    ]
    return sorted(pairs, key=lambda pair: pair[2] in DATUM_NAMES)


def _degrees(headings: Sequence[str], sample: Sample) -> PlaceColumns | None:
    return _first_filled(_candidates(headings, "lon", "lat"), sample)


def _metres(headings: Sequence[str], sample: Sample) -> PlaceColumns | None:
    pairs = _candidates(headings, "east", "north") + _candidates(headings, "x", "y")
    return _first_filled(pairs, sample)


def _first_filled(pairs: list[tuple[str, str, str | None]], sample: Sample) -> PlaceColumns | None:
    """The first pair with a number in both columns, else the first where there is nothing to judge by."""
    for east, north, datum in pairs:
        x, y = _median(sample.get(east, ())), _median(sample.get(north, ()))
        if x is not None and y is not None:
            return _ordered(east, north, datum, x, y)
    empty = [p for p in pairs if all(is_empty(c) for name in p[:2] for c in sample.get(name, ()))]
    if not empty:
        return None
    east, north, datum = empty[0]
    kind: Kind = "degrees" if _is_lonlat(east) else "metres"
    return PlaceColumns(
        kind, (east, north), likely=datum, notes=(f"places from the columns {east}, {north}",)
    )


def _median(cells: Sequence[Any]) -> float | None:
    numbers, _ = column_numbers(cells, degrees=True)
    if not np.isfinite(numbers).any():
        numbers, _ = column_numbers(cells, degrees=False)
    good = np.abs(numbers[np.isfinite(numbers)])
    # Zeros stand for places that nobody knows, unless there is nothing else.
    kept = good[good != 0] if good.any() else good
    return float(np.median(kept)) if len(kept) else None


def _is_lonlat(heading: str) -> bool:
    meaning = coordinate_of(heading)
    return meaning is not None and meaning.role in {"lon", "lat"}


def _ordered(first: str, second: str, datum: str | None, x: float, y: float) -> PlaceColumns:
    """The pair, east first, by the size of its numbers (x, y their medians)."""
    plain = coordinate_of(first)
    kind: Kind = "degrees" if x <= 180 and y <= 180 and min(x, y) <= 90 else "metres"
    swapped, sure, why = False, True, ""
    if kind == "degrees" and y > 90:
        swapped, why = True, f"{second} is over 90, so it is the longitude"
    elif kind == "metres" and _is_northing(x) and _is_easting(y):
        swapped, why = (
            True,
            f"{first} (about {x:.7g}) is north and {second} (about {y:.8g}) east, by their size",
        )
    elif kind == "metres" and not (_is_northing(y) and _is_easting(x)) and plain and plain.role == "x":
        sure, why = False, f"nothing tells which axis is north: {first} is taken as east"
    notes = [f"places from the columns {first}, {second}" + (f": {why}" if why else "")]
    if datum in DATUM_NAMES:
        notes.append(f"the headings say {DATUM_NAMES[datum]}")
    columns = (second, first) if swapped else (first, second)
    return PlaceColumns(
        kind, columns, likely=datum if datum in DATUM_NAMES else None, notes=tuple(notes), sure=sure
    )


def _is_northing(value: float) -> bool:
    return NORTHINGS[0] <= value < NORTHINGS[1]


def _is_easting(value: float) -> bool:
    return value < EASTING_BELOW or value >= EASTING_FROM


def _parts(headings: Sequence[str], _sample: Sample) -> PlaceColumns | None:
    """Degrees, minutes and perhaps seconds in columns of their own."""
    found: dict[Role, dict[int, str]] = {}
    for heading in headings:
        meaning = part_of(heading)
        if meaning is not None:
            found.setdefault(meaning[0], {}).setdefault(meaning[1], heading)
    lon, lat = found.get("lon", {}), found.get("lat", {})
    if not {0, 1} <= lon.keys() & lat.keys() or lon.keys() != lat.keys():
        return None
    columns = (*(lon[i] for i in sorted(lon)), *(lat[i] for i in sorted(lat)))
    return PlaceColumns("parts", columns, notes=(f"places from the columns {', '.join(columns)}",))


def _pair(headings: Sequence[str], sample: Sample) -> PlaceColumns | None:
    """Two numbers in one cell under a heading that names a place, where something tells their order."""
    for heading in headings:
        if not pair_order(heading)[0]:
            continue
        first, why = _pair_order(heading, sample)
        if first is not None:
            note = f"places from the column {heading}, {'latitude' if first else 'longitude'} first: {why}"
            return PlaceColumns("pair", (heading,), lat_first=first, notes=(note,))
    return None


def _pair_order(heading: str, sample: Sample) -> tuple[bool | None, str]:
    """Whether latitude comes first, and how that is known: by size, by the heading, by the form "(lat, lon)"."""
    cells = [str(cell) for cell in sample.get(heading, ()) if not is_empty(cell)]
    first, second, bad = place_cells.split_pairs(cells)
    if not cells or len(bad) * 2 > len(cells):
        return None, ""
    if np.nanmedian(np.abs(second)) > 90 >= np.nanmax(np.abs(first)):
        return True, "the second number is over 90"
    if np.nanmedian(np.abs(first)) > 90 >= np.nanmax(np.abs(second)):
        return False, "the first number is over 90"
    said = pair_order(heading)[1]
    if said is not None:
        return said, "the heading says so"
    if all(re.match(r"\s*[(（]", cell) for cell in cells) and np.nanmax(np.abs(first)) <= 90:
        return True, "it is written (lat, lon)"
    return None, ""


def draw(layer: Layer, place: PlaceColumns) -> Layer:
    """The layer with the geometry that `place` finds in its columns, which it has no more.

    A cell that cannot be read is a fault of its row that quotes it; a row without any coordinate has no geometry.
    """
    cells = [layer.columns.get(name) or [None] * len(layer.rows) for name in place.columns]
    geometry, faults, notes = _drawn(place, cells)
    columns = {name: values for name, values in layer.columns.items() if name not in place.columns}
    return replace(
        layer, geometry=geometry, columns=columns, crs=place.crs or layer.crs, spatial=True,
        faults={**faults, **layer.faults}, notes=tuple(dict.fromkeys((*layer.notes, *place.notes, *notes))),
    )  # fmt: skip


def _drawn(
    place: PlaceColumns, cells: list[list[Any]]
) -> tuple[NDArray[np.object_], dict[int, str], tuple[str, ...]]:
    if place.kind in {"wkt", "wkb", "geojson"}:
        return place_cells.shapes_of(cells[0], place.kind, place.columns[0], place.crs)
    if place.kind == "pair":
        texts = [None if is_empty(cell) else str(cell) for cell in cells[0]]
        first, second, bad = place_cells.split_pairs(texts)
        faults = {i: _bad(place.columns[0], cells[0][i]) for i in bad}
        lon, lat = (second, first) if place.lat_first else (first, second)
        return (*place_cells.points(lon, lat, faults, degrees=True), ())
    degrees = place.kind != "metres"
    read = [column_numbers(column, degrees=degrees) for column in cells]
    faults = {
        i: _bad(name, column[i])
        for name, column, (_, bad) in zip(place.columns, cells, read, strict=True)
        for i in bad
    }
    numbers = [values for values, _ in read]
    if place.kind == "parts":
        half = len(numbers) // 2
        given = [np.isfinite(part) for part in (numbers[0], numbers[half])]
        numbers = [join_sexagesimal(numbers[:half]), join_sexagesimal(numbers[half:])]
        for i in np.flatnonzero(
            (given[0] & np.isnan(numbers[0])) | (given[1] & np.isnan(numbers[1]))
        ).tolist():
            faults.setdefault(i, "minutes or seconds are not between 0 and 60")
    names = (place.columns[0], place.columns[len(place.columns) // 2])
    east, north = numbers
    return (*place_cells.points(east, north, faults, degrees=degrees, names=names), ())


def _bad(heading: str, cell: Any) -> str:
    return f"{heading}: '{str(cell)[:60]}' is no coordinate"
