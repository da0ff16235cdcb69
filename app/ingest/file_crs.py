"""The CRS that a file names, found in the registers whatever it calls itself: ESRI's WKT, local names, heights."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyproj import CRS

from app.space.city_systems import CitySystems
from app.space.datums import find_code, horizontal, nameless, parse_crs

MAX_NAME = 60


@dataclass(frozen=True, slots=True)
class FileCrs:
    """`crs` as it may be used (None: the file names none that says where things lie), and what is said about it."""

    crs: str | None = field(repr=False)
    evidence: tuple[str, ...] = ()


NO_CRS = FileCrs(None)


def crs_of_file(text: str, systems: CitySystems) -> FileCrs:
    """The CRS of a code, WKT or PROJ text that stands in a file.

    Raises:
    ------
    BadInput
        It is unknown, or a city system that is not declared here as it was where the file was written.
    """
    system = systems.find(text)
    if system is not None:
        return FileCrs(system.name, (f"the file carries the name of the city system {system.label}",))
    crs = parse_crs(text)
    part = horizontal(crs)
    if part is None:
        if crs.is_geocentric:
            return FileCrs(text)
        system = systems.find(crs.name)
        if system is not None:
            return FileCrs(system.name, (f"the file carries the name of the city system {system.label}",))
        return FileCrs(None, ("the file's CRS is a local one that does not say where it lies",))
    return _registered(text, crs, part)


def _registered(text: str, crs: CRS, part: CRS) -> FileCrs:
    bare = part.source_crs if part.is_bound and part.source_crs is not None else part
    code = find_code(crs) or (None if bare is crs else find_code(bare))
    heights = ("its heights are left as they are",) if crs.is_compound else ()
    if code is None:
        ground = ", on CGCS2000 by its ellipsoid" if nameless(bare.geodetic_crs or bare) else ""
        return FileCrs(
            text, (f"the file's own definition is in no register: taken as it stands{ground}", *heights)
        )
    if part.is_bound:
        return FileCrs(text, (f"the file names {code}, with datum parameters of its own", *heights))
    if text.strip().upper() == code:
        return FileCrs(code, (f"the file names {code} ({crs.name})",))
    return FileCrs(code, (f"the file's definition '{crs.name[:MAX_NAME]}' is {code}", *heights))
