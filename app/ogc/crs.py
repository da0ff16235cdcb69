"""The systems that a client may name (OGC API Features Part 2, 18-058r1): their addresses, and which are offered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.errors import BadInput
from app.space.served_crs import origin, served_crs

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
#: Offered wherever the city lies.
EVERYWHERE = (4326, 4490, 3857)
_FIRST_ZONE, _LAST_ZONE = 25, 45
_EPSG_CODE = re.compile(r"EPSG:([0-9]{4,6})")
#: CGCS2000 in 3-degree zones, by zone 25: eastings with the zone's number before them, and without it.
_WITH_PREFIX, _WITHOUT_PREFIX = 4513, 4534
_UTM_NORTH, _UTM_SOUTH = 32600, 32700
_SPOKEN = re.compile(
    r"(?:https?://www\.opengis\.net/def/crs/(?P<by>EPSG|OGC)/[0-9.]+/|urn:ogc:def:crs:(?P<urn>EPSG|OGC):[0-9.]*:"
    r"|\[?(?P<safe>EPSG|OGC):)(?P<code>[0-9]{1,6}|CRS84)\]?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class NamedCrs:
    """A system as a request names it: `uri` its address, `north_first` the order of its axes by its authority."""

    uri: str
    srid: int
    north_first: bool


LONLAT = NamedCrs(CRS84, 4326, north_first=False)


def crs_uri(srid: int, *, north_first: bool) -> str:
    """The address of a system in which coordinates are given."""
    return CRS84 if srid == LONLAT.srid and not north_first else f"{_EPSG}{srid}"


@lru_cache(maxsize=16)
def offered(metric: str | None) -> tuple[str, ...]:
    """The addresses that collections offer, CRS84 first, in a city whose metric CRS is `metric` (None: none is known).

    Inside China these are its 3-degree zone and the two beside it, with and without the zone's number in the eastings;
    everywhere the UTM zone, and the metric CRS itself where it is a registered one.
    """
    codes = [*EVERYWHERE] if metric is None else [*EVERYWHERE, *_metric_codes(metric)]
    return (CRS84, *(f"{_EPSG}{code}" for code in dict.fromkeys(codes)))


def _metric_codes(metric: str) -> Iterator[int]:
    found = _EPSG_CODE.fullmatch(metric)
    code = int(found[1]) if found else 0
    start = next(
        (base for base in (_WITHOUT_PREFIX, _WITH_PREFIX) if 0 <= code - base <= _LAST_ZONE - _FIRST_ZONE),
        None,
    )
    if found:
        yield code
    if start is not None:
        near = [
            zone
            for zone in (code - start - 1, code - start, code - start + 1)
            if 0 <= zone <= _LAST_ZONE - _FIRST_ZONE
        ]
        yield from (base + zone for base in (_WITHOUT_PREFIX, _WITH_PREFIX) for zone in near)
    middle = origin(metric)
    if middle is not None:
        north = _UTM_NORTH if found or middle[1] >= 0 else _UTM_SOUTH
        yield north + int((middle[0] + 180) // 6) % 60 + 1


def named_crs(parameter: str, text: str, known: Sequence[str]) -> NamedCrs:
    """The system that a parameter names: an address, a URN or `EPSG:4549`; always in its authority's axis order.

    Raises:
        BadInput: It is none of those that the collection offers, `known`.
    """
    found = _SPOKEN.fullmatch(text.strip())
    by = (found["by"] or found["urn"] or found["safe"]).upper() if found else ""
    code = found["code"].upper() if found else ""
    uri = CRS84 if (by, code) == ("OGC", "CRS84") else f"{_EPSG}{code}" if by == "EPSG" else ""
    if uri not in known:
        raise BadInput(
            f"{parameter}={text[:100]!r} is no system of this collection.", f"It offers: {', '.join(known)}."
        )
    return LONLAT if uri == CRS84 else NamedCrs(uri, int(code), served_crs(int(code)).north_first)
