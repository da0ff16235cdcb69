"""The query parameters of a request for features: declared once, read without the framework.

The framework looks at each parameter that a route declares, whether it was sent or not: for twenty of them that took
more than half the time of a small page. So they are one model here, read in one step, and declared to the API by
its schema.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError

from app.access.dependencies import ViewParameter
from app.access.parameters import known_parameters
from app.access.reasons import LONGEST, REASON_ABOUT
from app.access.time_parameters import AsOf, KnownAt
from app.inventory.query import MAX_LIMIT
from app.ogc.asked import DEFAULT_LIMIT, Asked

System = Annotated[
    str | None,
    Query(
        description="Address of the coordinates' reference system; the collection lists those that it offers "
        "(`http://www.opengis.net/def/crs/EPSG/0/4490`).",
        max_length=200,
    ),
]
Bbox = Annotated[
    str | None,
    Query(
        description="Two corners, west,south,east,north in degrees unless `bbox-crs` says otherwise; west above east "
        "crosses 180° (`115.80,28.60,115.90,28.70`).",
        max_length=200,
    ),
]
Datetime = Annotated[
    str | None,
    Query(
        description="An instant or an interval of time in the world (RFC 3339), open ends as `..`; of each feature the "
        "latest version in it (`2021-12-31`, `2020-01-01/..`).",
        max_length=100,
    ),
]
Limit = Annotated[
    int | None, Query(ge=1, description=f"At most this many features; {MAX_LIMIT:,} is the most served.")
]
Token = Annotated[
    str | None, Query(description="Page, as the links `next` and `prev` name it.", max_length=16_000)
]
Area = Annotated[str | None, Query(description="Code of an area: features at home in it.", max_length=200)]
Zoom = Annotated[
    int | None, Query(ge=0, le=24, description="What a map at this zoom draws, shapes simplified to it.")
]
Properties = Annotated[
    str | None, Query(description="Names of the wanted properties, by comma.", max_length=2000)
]
Ids = Annotated[str | None, Query(description="Ids of the wanted features, by comma.", max_length=20_000)]
SortBy = Annotated[
    str | None,
    Query(
        description="Names to sort by, by comma; `-` before one that descends (`-built_on,code`). "
        "`/sortables` lists them.",
        max_length=1000,
    ),
]
FilterText = Annotated[
    str | None,
    Query(
        description="A filter in CQL2 over the collection's queryables (OGC 21-065r2): "
        "`kind = 'public' AND stalls > 10`.",
    ),
]
FilterLang = Annotated[
    Literal["cql2-text", "cql2-json"] | None,
    Query(description="Language of the filter, `cql2-text` by default."),
]
Count = Annotated[
    Literal["exact", "none"] | None,
    Query(
        description="`numberMatched` exactly, or none; else counted where that is cheap and estimated beyond."
    ),
]


class ItemsParameters(BaseModel):
    """What a request for features may say beside filters on fields; each name is that of `Asked`."""

    model_config = ConfigDict(frozen=True)

    bbox: Bbox = None
    bbox_crs: Annotated[System, Query(alias="bbox-crs")] = None
    crs: System = None
    datetime: Datetime = None
    as_of: AsOf = None
    known_at: KnownAt = None
    limit: Limit = None
    after: Token = None
    before: Token = None
    ids: Ids = None
    sortby: SortBy = None
    properties: Properties = None
    area: Area = None
    zoom: Zoom = None
    counted: Annotated[Count, Query(alias="count")] = None
    filter: FilterText = None
    filter_lang: Annotated[FilterLang, Query(alias="filter-lang")] = None
    filter_crs: Annotated[System, Query(alias="filter-crs")] = None
    reason: Annotated[str | None, Query(description=REASON_ABOUT, max_length=LONGEST)] = None
    view: ViewParameter = None


def _declaration(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter as OpenAPI declares it; none of them is required, and nothing is not one of their values."""
    said = {
        key: value for key, value in schema.items() if key not in {"anyOf", "default", "title", "description"}
    }
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    about = {"name": name, "in": "query", "required": False, "description": schema.get("description", "")}
    return {**about, "schema": {**(kinds[0] if kinds else {}), **said, "title": name}}


def declarations(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The parameters of a model as OpenAPI declares them."""
    return [_declaration(name, schema) for name, schema in model.model_json_schema()["properties"].items()]


DECLARATIONS = declarations(ItemsParameters)
#: What is served of more is the most (17-069r4 §7.15.2, permission fc-limit-response-2), so it is told but not checked.
_LIMITS = {"limit": {"maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}}
for _item in DECLARATIONS:
    _item["schema"].update(_LIMITS.get(_item["name"], {}))
#: What `get_catalogue` and the streams read themselves.
_ELSEWHERE = frozenset(("view", "reason"))
_NAMES = frozenset(item["name"] for item in DECLARATIONS)


async def items_asked(request: Request) -> Asked:
    """The parameters of a request for features; those that are none of them are filters on fields.

    Raises:
        RequestValidationError: A value that a parameter cannot have.
    """
    sent = request.query_params
    given = tuple(pair for pair in sent.multi_items() if pair[0] != "reason")
    try:
        said = ItemsParameters.model_validate({name: value for name, value in sent.items() if name in _NAMES})
    except ValidationError as error:
        found = [{**item, "loc": ("query", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(found) from error
    known = known_parameters(request) if any(name not in _NAMES for name, _ in given) else _NAMES
    names = dict.fromkeys(name for name, _ in given if name not in known)
    values = {name: value for name, value in said.__dict__.items() if name not in _ELSEWHERE}
    return Asked(**values, where={name: sent.getlist(name) for name in names}, given=given)
