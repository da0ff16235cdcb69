"""Reading GeoJSON feature by feature, so that one bad ring never costs the others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from app.errors import UnreadableFile
from app.ingest.files import SourceFile
from app.ingest.layer import Ask, Extent, Layer
from app.ingest.readers.select import chosen, spans
from app.validation.geojson import GEOMETRY_TYPES, is_coordinate, read_shapes

MAX_BYTES = 2 * 1024**3
_EPSG_URN = re.compile(r"(?:urn:ogc:def:crs:)?EPSG:[\d.]*:?(\d+)", re.IGNORECASE)


def read(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """The one layer of a GeoJSON file: a FeatureCollection, a Feature, a geometry or a GeometryCollection.

    Rows are numbered from 1 in the order of the file; `ask.encoding` is used instead of UTF-8.

    Raises:
        UnreadableFile: The text is not JSON, not GeoJSON, not in the encoding, or holds no features.
    """
    encoding = ask.encoding or _encoding(file)
    root = _parse(file, encoding)
    features = list(_features(root, file))
    if not features:
        raise UnreadableFile(f"'{file.name}' holds no features.", "Export it again with its rows.")
    name = str(root.get("name") or file.path.name.split(".")[0])
    chosen(file, ask, [name])
    crs, extent = _crs(root, file), _extent(root)
    for start, end in spans(len(features)):
        layer = layer_of(name, features[start:end], start + 1)
        yield replace(layer, crs=crs, extent=extent, encoding=encoding)


def layer_of(name: str, features: list[Any], first: int) -> Layer:
    """GeoJSON features as a layer whose rows are numbered from `first`; what is none is a fault."""
    geometry, faults = read_shapes([_member(feature, "geometry") for feature in features])
    faults |= {
        i: "not a GeoJSON feature" for i, feature in enumerate(features) if not isinstance(feature, dict)
    }
    rows = list(range(first, first + len(features)))
    return Layer(name, rows, geometry, _columns(features), None, faults)


def _parse(file: SourceFile, encoding: str) -> dict[str, Any]:
    if file.path.stat().st_size > MAX_BYTES:
        raise UnreadableFile(f"'{file.name}' is larger than 2 GB.", "Save it as GeoPackage.")
    text = _decode(file, encoding)
    try:
        root = load(text)
    except (ValueError, RecursionError) as error:
        reason = "it nests too deep" if isinstance(error, RecursionError) else str(error)
        raise UnreadableFile(f"'{file.name}' is not valid JSON: {reason}.", "Export it again.") from error
    if not isinstance(root, dict):
        raise UnreadableFile(f"'{file.name}' is JSON but not GeoJSON.", "A FeatureCollection is expected.")
    return root


def load(text: bytes) -> Any:
    """The value of a JSON text in UTF-8; NaN, Infinity and whole numbers of any size are taken. Raises ValueError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # NaN, Infinity and whole numbers beyond 64 bits: the standard reader takes them, the rows are refused later.
        return json.loads(text)


def _encoding(file: SourceFile) -> str:
    with file.path.open("rb") as source:
        return "UTF-16" if source.read(2) in {b"\xff\xfe", b"\xfe\xff"} else "UTF-8"


def _decode(file: SourceFile, encoding: str) -> bytes:
    try:
        return file.path.read_bytes().decode(encoding).lstrip("\ufeff").encode()
    except LookupError as error:
        raise UnreadableFile(
            f"There is no encoding '{encoding}'.", "For example UTF-8 or GB18030."
        ) from error
    except UnicodeError as error:
        hint = "Name its encoding, for example --encoding GB18030, or save it in UTF-8."
        raise UnreadableFile(f"'{file.name}' is not in {encoding}.", hint) from error


def _features(root: dict[str, Any], file: SourceFile) -> Iterator[Any]:
    kind = root.get("type")
    if kind == "FeatureCollection" and isinstance(root.get("features"), list):
        yield from root["features"]
    elif kind == "Feature":
        yield root
    elif kind == "GeometryCollection" and isinstance(root.get("geometries"), list):
        yield from ({"type": "Feature", "geometry": part} for part in root["geometries"])
    elif kind in GEOMETRY_TYPES:
        yield {"type": "Feature", "geometry": root}
    else:
        raise UnreadableFile(f"'{file.name}' is JSON but not GeoJSON.", "A FeatureCollection is expected.")


def _member(feature: Any, name: str) -> Any:
    return feature.get(name) if isinstance(feature, dict) else None


def _columns(features: list[Any]) -> dict[str, list[Any]]:
    """Heading → values; a feature's `id` is the column `id` where no property has this name."""
    columns: dict[str, list[Any]] = {}
    for i, feature in enumerate(features):
        properties = _member(feature, "properties")
        values = dict(properties) if isinstance(properties, dict) else {}
        if _member(feature, "id") is not None:
            values.setdefault("id", feature["id"])
        for heading, value in values.items():
            columns.setdefault(heading, [None] * len(features))[i] = value
    return columns


def _crs(root: dict[str, Any], file: SourceFile) -> str | None:
    """The CRS: of the old `crs` member where there is one (null = unknown), else lon/lat by RFC 7946 §4."""
    if "crs" not in root:
        return "EPSG:4326"
    member = root["crs"]
    properties = member.get("properties") if isinstance(member, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if member is None or not isinstance(name, str):
        return None
    if "CRS84" in name.upper():
        return "EPSG:4326"
    found = _EPSG_URN.fullmatch(name.strip())
    if found is None:
        raise UnreadableFile(
            f"'{file.name}' names an unknown CRS ({name[:60]!r}).", "Name it with --crs EPSG:…"
        )
    return f"EPSG:{found[1]}"


def _extent(root: dict[str, Any]) -> Extent | None:
    """The extent that the file itself declares (`bbox`, RFC 7946 §5), where it is one of longitudes and latitudes."""
    box = root.get("bbox")
    if not isinstance(box, list) or len(box) not in (4, 6) or not all(is_coordinate(v) for v in box):
        return None
    west, south, east, north = (box[0], box[1], box[len(box) // 2], box[len(box) // 2 + 1])
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        return None
    return float(west), float(south), float(east), float(north)
