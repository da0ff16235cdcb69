"""The query parameters of a request for tiles and of the documents on them: declared once, read in one step."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError

from app.access.dependencies import ViewParameter
from app.access.parameters import known_parameters
from app.access.time_parameters import AsOf, KnownAt
from app.ogc.parameter_routes import Area, Datetime, FilterLang, FilterText, Properties, System, declarations
from app.tiles.asked import TilesAsked, datetime_of

Collections = Annotated[
    str | None,
    Query(
        description="Ids of the collections that are layers of the tile, by comma; by default every class that holds "
        "anything (`toilets,parks`).",
        max_length=4000,
    ),
]


Subset = Annotated[
    str | None,
    Query(
        description='Another way to write `datetime` (OGC 20-057, /req/datetime/axis): `datetime("2020-01-01")`, '
        '`datetime("2020-01-01":"2021-12-31")`, with `*` for an open end.',
        max_length=200,
    ),
]


Version = Annotated[
    str | None,
    Query(
        description="The versions of the data as the city's own pages name them: where they are still right, the tile "
        "may be kept without asking again.",
        pattern="^[0-9a-f-]*$",
        max_length=2000,
    ),
]


class TilesParameters(BaseModel):
    """What a request for tiles may say beside filters on fields; each name is that of `TilesAsked`."""

    model_config = ConfigDict(frozen=True)

    filter: FilterText = None
    filter_lang: Annotated[FilterLang, Query(alias="filter-lang")] = None
    filter_crs: Annotated[System, Query(alias="filter-crs")] = None
    datetime: Datetime = None
    subset: Subset = None
    as_of: AsOf = None
    known_at: KnownAt = None
    area: Area = None
    properties: Properties = None
    v: Version = None
    view: ViewParameter = None


class ManyParameters(TilesParameters):
    """The same for tiles of several collections."""

    collections: Collections = None


#: As a route declares them to the API (`openapi_extra["parameters"]`): of one collection, of several.
DECLARATIONS = declarations(TilesParameters)
MANY_DECLARATIONS = declarations(ManyParameters)
# 20-057 §13, /req/collections-selection/query-collections: ids by comma.
for _item in MANY_DECLARATIONS:
    if _item["name"] == "collections":
        _item |= {"style": "form", "explode": False, "schema": {"type": "array", "items": {"type": "string"}}}
_NAMES = frozenset(item["name"] for item in MANY_DECLARATIONS)


async def tiles_asked(request: Request) -> TilesAsked:
    """The parameters of a request for tiles; those that are none of them are filters on fields.

    Raises:
        RequestValidationError: A value that a parameter cannot have.
    """
    sent = request.query_params
    if not sent:
        return TilesAsked()
    given = tuple(sent.multi_items())
    known = known_parameters(request) | {"f", "lang"}
    try:
        said = ManyParameters.model_validate(
            {name: value for name, value in given if name in _NAMES and name in known}
        )
    except ValidationError as error:
        found = [{**item, "loc": ("query", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(found) from error
    names = dict.fromkeys(name for name, _ in given if name not in known)
    where = tuple((name, tuple(sent.getlist(name))) for name in names)
    values = dict(said.__dict__)
    del values["view"]  # it chooses the catalogue (`get_catalogue`)
    values["datetime"] = datetime_of(values.pop("subset"), said.datetime)
    return TilesAsked(**values, where=where, given=given)
