"""What a client sends to create or change features (OGC API Features Part 4): JSON bodies as checked members. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import orjson

from app.errors import BadInput, TooLarge, WrongMedia
from app.ogc.links import GEOJSON, JSON

MERGE_PATCH = "application/merge-patch+json"
#: What a body may be, by what it is for: the first is the standard's own.
CREATES = (GEOJSON, JSON)
REPLACES = (GEOJSON, JSON)
UPDATES = (MERGE_PATCH, GEOJSON, JSON)
#: Older name of GeoJSON, which some clients still send.
FORMER_GEOJSON = "application/vnd.geo+json"
#: Features in one request; more are loaded as a file.
MAX_FEATURES = 500
Verb = Literal["create", "replace", "update"]
#: Members of a merge patch beside what may be changed; those of a whole feature that a client sends back.
KNOWN_MEMBERS = frozenset({"type", "id", "geometry", "properties", "bbox", "links", "crs"})
_FEATURE = '{"type": "Feature", "geometry": {…}, "properties": {…}}'


@dataclass(frozen=True, slots=True)
class Sent:
    """One feature as it was sent: only what stands in `members` was said.

    `geometry` is a GeoJSON geometry, None where it was sent as null or not at all; `crs` the name in an old-fashioned
    `crs` member.
    """

    members: frozenset[str]
    properties: Mapping[str, Any] = field(default_factory=dict)
    geometry: Any = None
    id: Any = None
    crs: str | None = None

    @property
    def shaped(self) -> bool:
        """Whether a geometry, if only null, was sent."""
        return "geometry" in self.members


def check_media(content_type: str | None, verb: Verb) -> None:
    """Refuse a body whose media type is not taken for what it is to do.

    Raises:
        BadInput: It has none (Part 4, /req/create-replace-delete/post-content-type).
        WrongMedia: It is another one.
    """
    taken = {"create": CREATES, "replace": REPLACES, "update": UPDATES}[verb]
    media = (content_type or "").partition(";")[0].strip().lower()
    if not media:
        raise BadInput("The request names no media type.", f"Send Content-Type: {taken[0]}.")
    if media not in taken and media != FORMER_GEOJSON:
        raise WrongMedia(f"A body of type '{media[:100]}' is not taken here.", f"Send {' or '.join(taken)}.")


def read_json(body: bytes) -> Any:
    """The value of a JSON text in UTF-8 (RFC 8259: no NaN, no Infinity); BadInput with the place where it is none."""
    text = body.removeprefix(b"\xef\xbb\xbf")
    if not text.strip():
        raise BadInput("The request has no body.", f"Send {_FEATURE}.")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        # Its sentence says where: "unexpected character: line 1 column 5 (char 4)".
        raise BadInput(f"The body is not valid JSON: {error}.", f"Send {_FEATURE}.") from error


def read_features(document: Any) -> list[Sent]:
    """The features of a body that creates: one Feature, or a FeatureCollection.

    Raises:
        BadInput: It is neither, or holds none.
        TooLarge: It holds more than MAX_FEATURES.
    """
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        return [read_feature(document)]
    found = document.get("features")
    if not isinstance(found, list) or not found:
        raise BadInput("The FeatureCollection holds no features.", f"Each feature is {_FEATURE}.")
    if len(found) > MAX_FEATURES:
        raise TooLarge(
            f"The body holds {len(found)} features; at most {MAX_FEATURES} are created at once.",
            "Load them as a file: POST /imports.",
        )
    crs = _crs_name(document)
    return [_feature(item, crs) for item in found]


def read_feature(document: Any) -> Sent:
    """The one feature of a body that replaces another; BadInput where it is none."""
    return _feature(document, None)


def _feature(item: Any, crs: str | None) -> Sent:
    if not isinstance(item, dict) or item.get("type") != "Feature":
        _refuse_kind(item)
    lacking = [name for name in ("geometry", "properties") if name not in item]
    if lacking:
        raise BadInput(
            f"The feature has no member '{lacking[0]}' (RFC 7946 §3.2).",
            _near(lacking[0], item) or f"Send {_FEATURE}.",
        )
    return _sent(item, crs)


def _refuse_kind(item: Any) -> NoReturn:
    kind = item.get("type") if isinstance(item, dict) else None
    if not isinstance(kind, str):
        raise BadInput("The body is no GeoJSON Feature.", f"Send {_FEATURE}.")
    raise BadInput(f"The body is a {kind[:40]}, not a GeoJSON Feature.", f"Send {_FEATURE}.")


def read_patch(document: Any) -> Sent:
    """A merge patch of a feature (RFC 7396): what it leaves out stays as it is.

    Raises:
        BadInput: It is none, says nothing, or names members that a feature does not have.
    """
    if not isinstance(document, dict):
        raise BadInput("The body is no JSON object.", 'Send {"properties": {…}, "geometry": {…}}.')
    if document.get("type", "Feature") != "Feature":
        _refuse_kind(document)
    for name in document:
        if name not in KNOWN_MEMBERS:
            raise BadInput(
                f"A feature has no member '{name[:100]}'.",
                _near_of(name, ("properties", "geometry"))
                or 'What is to be changed stands in "properties" and "geometry".',
            )
    if document.get("properties", ...) is None:
        raise BadInput(
            "A patch with the properties null would clear them all.",
            "Name those to be cleared, each as null.",
        )
    if not document.keys() & {"properties", "geometry"}:
        raise BadInput("The patch changes nothing.", 'Send {"properties": {…}, "geometry": {…}}.')
    return _sent(document, None)


def _sent(item: Mapping[str, Any], crs: str | None) -> Sent:
    properties = item.get("properties")
    if properties is not None and not isinstance(properties, dict):
        raise BadInput("The properties of the feature are no JSON object.", f"Send {_FEATURE}.")
    return Sent(
        frozenset(item), properties or {}, item.get("geometry"), item.get("id"), _crs_name(item) or crs
    )


def _crs_name(item: Mapping[str, Any]) -> str | None:
    """The name in a `crs` member of before RFC 7946, which is what GDAL writes; BadInput where it is another thing."""
    member = item.get("crs")
    if member is None:
        return None
    properties = member.get("properties") if isinstance(member, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str):
        raise BadInput("The member 'crs' names no system.", "Leave it out and send the header Content-Crs.")
    return name


def _near(name: str, item: Mapping[str, Any]) -> str | None:
    found = difflib.get_close_matches(name, [*item], n=1, cutoff=0.6)
    return f"There is '{found[0][:100]}'; write '{name}'." if found else None


def _near_of(name: str, known: Sequence[str]) -> str | None:
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean {found[0]}?" if found else None
