"""Refuses query parameters that a route does not know: a misspelt `bbx=` must not silently mean the whole city."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.access.names import unknown_parameter
from app.errors import BadInput

#: In `openapi_extra`: the route checks the other parameters itself (fields of a class as filters).
OWN_PARAMETERS = "x-own-parameters"
#: In `openapi_extra`: parameters that a route declares and reads itself, as OpenAPI has them.
DECLARED = "parameters"
#: What `f` may say where a route has only one form: every such form is JSON.
ALWAYS_JSON = ("json", "geojson")
#: Where a route keeps what it declares.
_KEPT = "chengtu_parameters"


async def check_parameters(request: Request) -> None:
    """A dependency of the whole application: raises BadInput for an unknown or repeated query parameter."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    if not request.query_params:
        return
    _check_texts(request.query_params)
    known = {"lang": False} | _declared(route)
    if "f" not in known and request.query_params.get("f") in ALWAYS_JSON:
        known["f"] = False
    for name in dict.fromkeys(request.query_params.keys()):
        if name in known:
            if not known[name] and len(request.query_params.getlist(name)) > 1:
                raise BadInput(f"The query parameter '{name}' is given more than once.", "Give it once.")
        elif not (route.openapi_extra or {}).get(OWN_PARAMETERS):
            raise unknown_parameter(name, known)


def _check_texts(given: Mapping[str, object]) -> None:
    """No name in the database holds NUL: to ask for one is a mistake, not a failure."""
    for name, value in given.items():
        if "\x00" in str(value):
            raise BadInput(f"'{name}' holds a character that no text can hold (NUL).")


def known_parameters(request: Request) -> set[str]:
    """The names of the query parameters that the request's route declares."""
    route = request.scope.get("route")
    return set(_declared(route)) if isinstance(route, APIRoute) else set()


def _declared(route: APIRoute) -> dict[str, bool]:
    """What `_parameters` finds, found once a route."""
    kept = vars(route)
    if _KEPT not in kept:
        own = {item["name"]: False for item in (route.openapi_extra or {}).get(DECLARED, ())}
        kept[_KEPT] = own | dict(_parameters(route.dependant))
    return typing.cast("dict[str, bool]", kept[_KEPT])


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Every declared query parameter with whether it may be repeated, those of dependencies included."""
    for declared in dependant.query_params:
        annotation = declared.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from ((field.alias or name, False) for name, field in annotation.model_fields.items())
        else:
            yield declared.alias, _is_list(annotation)
    for below in dependant.dependencies:
        yield from _parameters(below)


def _is_list(annotation: object) -> bool:
    if typing.get_origin(annotation) in {list, tuple, set}:
        return True
    return any(_is_list(part) for part in typing.get_args(annotation))
