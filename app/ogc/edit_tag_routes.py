"""The tag of a feature that a refused edit tells: the one that GET sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request

from app.catalogue.model import Catalogue, Lang
from app.database.engine import Connection
from app.errors import PreconditionFailed
from app.ogc import service
from app.ogc.routes import links_of, tag_of


@contextmanager
def current_tag(request: Request, conn: Connection, catalogue: Catalogue, lang: Lang) -> Iterator[None]:
    """A PreconditionFailed from within tells as the feature's ETag the one that GET sends this client as JSON."""
    try:
        yield
    except PreconditionFailed as error:
        current = error.members["current"]
        collection = request.path_params["collection"]
        address = f"{links_of(request).base}/collections/{collection}/items/{request.path_params['item']}"
        also = service.version(conn, catalogue, collection)
        current["etag"] = tag_of(request, address, str(current["change"]), lang, html=False, also=also)
        raise
