"""What a coordinate reference system stands on: its horizontal part, its EPSG code, and datums nobody may guess."""

from __future__ import annotations

import logging
import re
from functools import lru_cache

from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from app.errors import BadInput

# PROJ quotes definitions in what it logs for debugging, and with them secret parameters.
logging.getLogger("pyproj").setLevel(logging.WARNING)

#: Datums that differ by centimetres to decimetres only: a change between them may be the identity.
SAME_DATUM_EPSG = frozenset({4326, 4490, 4480, 4979})
SAME_DATUM_NAMES = (
    "world geodetic system 1984",
    "wgs 84",
    "wgs_1984",
    "d_wgs_1984",
    "china 2000",
    "d_china_2000",
)
#: Chinese datums that PROJ and PostGIS would shift by nothing at all (really tens of metres).
OLD_DATUMS = {4214: "Beijing 1954", 4610: "Xian 1980", 4555: "New Beijing"}
_OLD_NAMES = (
    (re.compile(r"new[ _]?beijing|新北京|新1954"), "New Beijing"),
    (re.compile(r"beijing|bj_?54|北京"), "Beijing 1954"),
    (re.compile(r"xi'?an|西安"), "Xian 1980"),
)
#: Ellipsoids of those datums (semi-major axis m, inverse flattening), for definitions that name no datum.
_OLD_ELLIPSOIDS = (((6378245.0, 298.3), "Beijing 1954"), ((6378140.0, 298.257), "Xian 1980"))
#: GRS 80, CGCS2000 and WGS 84 are one ellipsoid to 0.1 mm.
_MODERN = (6378137.0, 298.257223)
#: CGCS2000, 3-degree zones without a prefix: the code to prefer among several that define the same projection.
_ZONES = range(4534, 4555)
MAX_TEXT = 50_000
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]*:[A-Za-z0-9.]+(?:\+[0-9]+)?")
_FILES = re.compile(r"(?:nad|geoid|h|v)?grids\s*=\s*(?!@null\b)|\+?init\s*=|\bfile\s*=", re.IGNORECASE)


def shown(definition: str) -> str:
    """A definition as an error may quote it: a code or short word in quotes; never a WKT or PROJ text."""
    text = definition.strip()
    if _CODE.fullmatch(text) or re.fullmatch(r"[\w .-]{1,40}", text):
        return f"'{text}'"
    return "given as a text" if text else "''"


@lru_cache(maxsize=64)
def parse_crs(definition: str, *, metric: bool = False) -> CRS:
    """The CRS that a text names (EPSG code, PROJ string or WKT).

    Raises:
    ------
    BadInput
        It is unknown, it names files of its own, or `metric` is asked for and it is not a projected CRS in metres.
    """
    crs = None if len(definition) > MAX_TEXT or _FILES.search(definition) else _read(definition)
    # Raised outside of `except`: the error of PROJ quotes the definition, and a traceback would show it.
    if crs is None:
        raise BadInput(
            f"The coordinate reference system {shown(definition)} is unknown.",
            "Give an EPSG code (EPSG:4490, EPSG:4548), gcj02, bd09, the name of a system that the city declared, "
            "or a WKT or PROJ text without files.",
        )
    if metric and not (crs.is_projected and crs.axis_info and crs.axis_info[0].unit_name == "metre"):
        raise BadInput(
            f"The system {shown(definition)} is not a projected coordinate reference system in metres.",
            "Name a CGCS2000 3-degree zone (EPSG:4534 to EPSG:4554) or another metric projection.",
        )
    return crs


def _read(definition: str) -> CRS | None:
    try:
        return CRS.from_user_input(definition)
    except CRSError:
        return None


def horizontal(crs: CRS) -> CRS | None:
    """The part of a CRS that places things on the ground: without heights; None for local and geocentric systems."""
    if crs.is_compound:
        return horizontal(crs.sub_crs_list[0])
    if crs.is_bound:
        return _of_bound(crs)
    if not (crs.is_projected or crs.is_geographic) or len(crs.axis_info) not in {2, 3}:
        return None
    return crs.to_2d() if len(crs.axis_info) == 3 else crs


def _of_bound(crs: CRS) -> CRS | None:
    """A CRS with datum parameters; without them where they say nothing that its datum would not say better."""
    source = None if crs.source_crs is None else horizontal(crs.source_crs)
    if source is None:
        return None
    needless = on_wgs84(source) or (shifts_nothing(crs) and find_code(source) is not None)
    return source if needless else crs


def shifts_nothing(crs: CRS) -> bool:
    """The datum parameters of a bound CRS are all 0, as many programs write where they know none."""
    operation = crs.coordinate_operation
    values = operation.towgs84 if operation is not None else []
    return bool(values) and not any(values)


def find_code(crs: CRS) -> str | None:
    """`EPSG:n` (else `ESRI:n`) of a CRS, whatever it calls itself; None where its definition is in neither register.

    Definitions that agree in all but names count (confidence 70 of pyproj), less alike ones only where they give the
    same coordinates; among several codes of one projection the CGCS2000 3-degree zone comes first.
    """
    exact = crs.to_epsg()
    if exact is not None:
        return f"EPSG:{exact}"
    found = crs.list_authority(min_confidence=50)
    matches = [(item.auth_name, item.code) for item in found if item.confidence >= 70]
    if not matches:
        near = [(item.auth_name, item.code) for item in found]
        matches = [item for item in near if _agree(crs, CRS.from_authority(*item))]
    codes = [code for name, code in matches if name == "EPSG" and code.isdigit()]
    if codes:
        return f"EPSG:{next((code for code in codes if int(code) in _ZONES), codes[0])}"
    return next((f"ESRI:{code}" for name, code in matches if name == "ESRI"), None)


def _agree(crs: CRS, other: CRS) -> bool:
    """Both have one datum and give one place the same coordinates, to a millimetre."""
    ours, theirs, area = crs.geodetic_crs, other.geodetic_crs, other.area_of_use
    if ours is None or theirs is None or area is None or not (crs.is_projected and other.is_projected):
        return False
    one = ours.to_epsg(min_confidence=20) == theirs.to_epsg(min_confidence=20) is not None
    if not (one or (on_wgs84(crs) and on_wgs84(other))):
        return False
    lon, lat = (area.west * 2 + area.east) / 3, (area.south * 2 + area.north) / 3
    here = Transformer.from_crs(ours, crs, always_xy=True).transform(lon, lat)
    there = Transformer.from_crs(theirs, other, always_xy=True).transform(lon, lat)
    return all(abs(a - b) < 1e-3 for a, b in zip(here, there, strict=True))


def old_datum(crs: CRS) -> str | None:
    """The Chinese datum whose local parameters are needed for this CRS: by its code, its name or its ellipsoid."""
    base = crs.geodetic_crs
    if base is None:
        return None
    known = OLD_DATUMS.get(base.to_epsg(min_confidence=20) or 0)
    if known is not None:
        return known
    names = " ".join(part.casefold() for part in (base.name, base.datum.name if base.datum else "", crs.name))
    named = next((title for pattern, title in _OLD_NAMES if pattern.search(names)), None)
    if named is not None and not on_wgs84(crs):
        return named
    return _by_ellipsoid(base) if nameless(base) else None


def _by_ellipsoid(base: CRS) -> str | None:
    return next((title for figure, title in _OLD_ELLIPSOIDS if _is_ellipsoid(base, figure, 5e-4)), None)


def _is_ellipsoid(base: CRS, figure: tuple[float, float], tolerance: float) -> bool:
    found = base.ellipsoid
    return (
        found is not None
        and abs(found.semi_major_metre - figure[0]) < 0.01
        and abs(found.inverse_flattening - figure[1]) < tolerance
    )


def nameless(base: CRS) -> bool:
    """The datum is not named: an ellipsoid alone."""
    return base.datum is None or base.datum.name.casefold().startswith(
        ("unknown", "unnamed", "not specified")
    )


def on_wgs84(crs: CRS) -> bool:
    """The datum is WGS 84 or CGCS2000, which are one for our purposes; or only their ellipsoid is named."""
    base = crs.geodetic_crs
    if base is None:
        return False
    if base.to_epsg(min_confidence=20) in SAME_DATUM_EPSG:
        return True
    if base.datum is not None and base.datum.name.casefold().startswith(SAME_DATUM_NAMES):
        return True
    return nameless(base) and _is_ellipsoid(base, _MODERN, 2e-6)
