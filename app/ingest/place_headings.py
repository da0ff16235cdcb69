"""Which headings name a coordinate, by their words in Chinese and English; what is only like one is suggested."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.validation.values import normalise

Role = Literal["lon", "lat", "east", "north", "x", "y"]
#: Words for the datum that a heading names, in the form in which headings are compared, longest first.
DATUMS = (
    ("gcj02", ("gcj02", "gcj", "火星", "高德", "amap", "gaode", "腾讯", "tencent")),
    ("bd09", ("bd09ll", "bd09", "百度", "baidu", "bd")),
    ("wgs84", ("wgs84", "wgs", "gps")),
    ("cgcs2000", ("cgcs2000", "国家2000", "大地2000", "2000", "大地")),
)
_ENDS = (
    "坐标系",
    "坐标",
    "coordinates",
    "coordinate",
    "coord",
    "point",
    "中心点",
    "中心",
    "地理",
    "所在",
    "设施",
    "geo",
    "center",
)
_BASES: dict[str, Role] = {
    **dict.fromkeys(
        ("lon", "lng", "long", "longitude", "longtitude", "经度", "东经", "londd", "x经度", "经度x"), "lon"
    ),
    **dict.fromkeys(("lat", "latitude", "latitute", "纬度", "北纬", "latdd", "y纬度", "纬度y"), "lat"),
    **dict.fromkeys(
        ("east", "easting", "eastings", "东", "东向", "横", "横y", "横x", "y横", "x横", "东y"), "east"
    ),
    **dict.fromkeys(
        ("north", "northing", "northings", "北", "北向", "纵", "纵x", "纵y", "x纵", "y纵", "北x"), "north"
    ),
    "x": "x",
    "y": "y",
}
#: What lies on each side of a place stands under these, in text.
_DIRECTIONS = frozenset("东北横纵")
#: Units and directions in brackets.
_UNIT = re.compile(r"\((?:°|度|deg|degrees?|dd|m|米|wgs84|十进制|小数)\)")
_SIDE = re.compile(r"([xy])\((东|北|e|n|east|north|横|纵|经度|纬度|lon|lat)\)")
_SIDES: dict[str, Role] = {
    "东": "east", "e": "east", "east": "east", "横": "east", "北": "north", "n": "north", "north": "north",
    "纵": "north", "经度": "lon", "lon": "lon", "纬度": "lat", "lat": "lat",
}  # fmt: skip
_PART = re.compile(r"(.+?)\(?(度|分|秒|d|m|s|deg|min|sec|degrees?|minutes?|seconds?)\)?")
_LIKE = re.compile(
    r"坐标|经度|纬度|经纬|位置|方位|lon|lng|lat|coord|location|position|geo|geom|wkt|east|north",
    re.IGNORECASE,
)
#: Headings of cells that hold a whole place, and whether latitude comes first (None: they do not say).
PAIRS: dict[str, bool | None] = {
    **dict.fromkeys(
        ("latlon", "latlng", "lat,lon", "lat,lng", "latitude,longitude", "纬度,经度", "纬经度", "geopoint2d",
         "geopoint"),
        True,
    ),
    **dict.fromkeys(
        ("lonlat", "lnglat", "lon,lat", "lng,lat", "longitude,latitude", "经度,纬度", "经纬度", "经纬度坐标"), False
    ),
    **dict.fromkeys(
        ("location", "location1", "coordinates", "coordinate", "coords", "coord", "坐标", "地理坐标", "位置坐标",
         "坐标位置", "坐标点", "位置", "地理位置", "position", "point", "geolocation", "geom", "geometry", "thegeom",
         "gps", "gps坐标", "空间位置"),
        None,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meaning:
    """The coordinate that a heading names, and the datum in its words."""

    role: Role
    datum: str | None


def coordinate_of(heading: str) -> Meaning | None:
    """The coordinate that a heading names; None where it names none, be it ever so like one."""
    form, datum = _without_datum(normalise(heading))
    form = _UNIT.sub("", form)
    plain = form.replace("坐标", "")
    side = _SIDE.fullmatch(plain)
    if side:
        return Meaning(_SIDES[side[2]], datum)
    if form in _DIRECTIONS:
        return None
    for base in (form, plain.replace("(", "").replace(")", ""), _shorter(form), _shorter(_shorter(form))):
        if base in _BASES:
            return Meaning(_BASES[base], datum)
    return None


def _without_datum(form: str) -> tuple[str, str | None]:
    for datum, words in DATUMS:
        for word in words:
            if word in form and form != word:
                rest = form.replace(word, "", 1).replace("()", "")
                return rest, datum
    return form, None


def _shorter(form: str) -> str:
    for word in _ENDS:
        if form != word and form.endswith(word):
            return form.removesuffix(word)
        if form != word and form.startswith(word):
            return form.removeprefix(word)
    return form


def part_of(heading: str) -> tuple[Role, int] | None:
    """Longitude or latitude, and which part of it a heading names: 0 degrees, 1 minutes, 2 seconds."""
    found = _PART.fullmatch(normalise(heading))
    meaning = coordinate_of(found[1]) if found else None
    if found is None or meaning is None or meaning.role not in {"lon", "lat"}:
        return None
    part = found[2]
    return meaning.role, 0 if part[0] in "度d" else 1 if part[0] in "分m" else 2


def pair_order(heading: str) -> tuple[bool, bool | None]:
    """Whether the heading names a place in one cell, and whether it says that latitude comes first."""
    form, _ = _without_datum(normalise(heading))
    form = form.strip("()").replace("、", ",").replace("/", ",").replace("_", "")
    return form in PAIRS, PAIRS.get(form)


def like_coordinates(headings: Iterable[str]) -> list[str]:
    """Headings that may name a coordinate, to be suggested; never to be used unasked."""
    return [heading for heading in headings if _LIKE.search(heading)]
