"""What the API definition says of edits, whose bodies are read as they come and so not declared by their types."""

from __future__ import annotations

from typing import Any

from app.ogc.edits import CREATES, REPLACES, UPDATES
from app.ogc.links import GEOJSON, JSON

PROBLEM = "application/problem+json"
_POINT = {"type": "Point", "coordinates": [115.8612, 28.6803]}
_FEATURE = {
    "type": "Feature",
    "geometry": _POINT,
    "properties": {"code": "WC-0001", "name_zh": "滨江路公厕", "stalls": 12},
}
_PATCH = {"properties": {"stalls": 14, "note": None}}
_OBJECT = {"type": "object"}


def _body(medias: tuple[str, ...], example: dict[str, Any]) -> dict[str, Any]:
    return {
        "required": True,
        "content": {media: {"schema": _OBJECT, "example": example} for media in medias},
    }


CREATE_BODY = _body(CREATES, _FEATURE)
REPLACE_BODY = _body(REPLACES, _FEATURE)
UPDATE_BODY = _body(UPDATES, _PATCH)

_SAVED = {
    JSON: {
        "schema": _OBJECT,
        "example": {"id": 2080, "code": "WC-0001", "change": 42, "href": "…/collections/toilets/items/2080"},
    },
    GEOJSON: {"schema": _OBJECT},
}
_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {
        "description": "What cannot be stored; `errors` lists field, value, reason and hint of each fault."
    },
    404: {"description": "There is no such collection or feature."},
    405: {"description": "The collection cannot be edited; `Allow` says what can be done."},
    409: {"description": "What is stored forbids it, such as a code that is taken."},
    413: {"description": "The body is too large."},
    415: {"description": "The body is of a media type that is not taken."},
}
_LOCKED: dict[int | str, dict[str, Any]] = {
    412: {
        "description": "The feature has another version than `If-Match` says; `current` is what it is now."
    },
    428: {"description": "The request must say by `If-Match` which version it means."},
}
CREATE_RESPONSES: dict[int | str, dict[str, Any]] = {
    201: {
        "description": "Stored; `Location` is the feature, `ETag` its version. `Prefer: return=representation` gives "
        "the feature back.",
        "content": _SAVED,
    },
    **_ERRORS,
}
CHANGE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "Stored; `ETag` is its new version.", "content": _SAVED},
    204: {"description": "Stored, and nothing was to be said (`Prefer: return=minimal`)."},
    **_ERRORS,
    **_LOCKED,
}
DELETE_RESPONSES: dict[int | str, dict[str, Any]] = {
    204: {"description": "It is not there any more; its record stays."},
    **{status: told for status, told in _ERRORS.items() if status in {404, 405, 409}},
    **_LOCKED,
}
OPTIONS_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`Allow` lists the methods, `Accept-Post` and `Accept-Patch` the media types of bodies."
    },
}
