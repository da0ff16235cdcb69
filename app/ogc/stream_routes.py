"""HTTP of the streamed forms: which form a client wants, and the reply that gives all that matches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from app.access.heavy import heavy
from app.access.streaming import Streamed
from app.catalogue.model import Catalogue, Lang
from app.database.transactions import Database
from app.ogc import items_service, service
from app.ogc.asked import Asked
from app.ogc.crs import crs_uri
from app.ogc.forms import STREAMED, FormName, choose_form
from app.ogc.routes import with_etag
from app.ogc.stream_service import count_all, stream

#: A limit above what a database counts to means all.
MOST = 2**62
FormParameter = Annotated[
    FormName | None,
    Query(
        description="Form of the answer; else `Accept` decides. `json` (`geojson`) and `html` are pages; `geojsonseq` "
        "(`jsonseq`), `csv`, `flatgeobuf` (`fgb`), `parquet` and `arrow` give all that matches in one stream."
    ),
]


async def get_form_in_turn(request: Request, f: FormParameter = None) -> AsyncIterator[str]:
    """The form of the answer, in a turn where that is a stream: one dependency, as each costs a small page its time."""
    form = choose_form(f, request.headers.get("accept"))
    if form in STREAMED:
        async with heavy(request):
            yield form
    else:
        yield form


FormDep = Annotated[str, Depends(get_form_in_turn, scope="request")]


def streamed(
    request: Request,
    db: Database,
    catalogue: Catalogue,
    lang: Lang,
    collection: str,
    asked: Asked,
    form: str,
) -> Response:
    """All features that match, in one of the forms of `STREAMED`, as a file; 304 where the client has it already."""
    with db.read() as conn:
        # Asked before the rows are read: what the tag promises, they hold.
        version = service.version(conn, catalogue, collection)
        query = items_service.items_query(conn, catalogue, collection, asked, version)
        count = count_all(conn, catalogue, query, version)
    headers = {
        "Content-Crs": f"<{crs_uri(query.srid, north_first=query.north_first)}>",
        "Content-Disposition": f'attachment; filename="{collection}.{STREAMED[form].ending}"',
        **({} if count is None else {"OGC-NumberMatched": str(count)}),
    }

    def reply() -> Response:
        limit = None if asked.limit is None else min(asked.limit, MOST)
        blocks = stream(db, catalogue, form, lang, limit, query)
        return Streamed(blocks, STREAMED[form].media_type, headers)

    return with_etag(request, version, lang, reply, html=False, also=f"{form} {catalogue.level}")
