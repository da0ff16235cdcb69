"""What the reply with a tile says: status, headers, bytes (OGC 20-057 §7.1; RFC 9110 §8.8, §13.1.2). Pure."""

from __future__ import annotations

from functools import lru_cache

from app.access.negotiation import accepted_codings
from app.ogc.etag import make_etag, matches
from app.tiles.shelf import Stored

MVT = "application/vnd.mapbox-vector-tile"
#: Says of a thinned tile how many features it draws of how many there are.
THINNED_HEADER = "Chengtu-Thinned"
#: The one coding of tiles: every client takes it, and a stored copy costs nothing when it is sent.
CODING = "gzip"

Headers = list[tuple[bytes, bytes]]
# `no-cache` alone does not make QGIS ask again: Qt takes its copy for fresh unless its age is named as well.
_ALWAYS: Headers = [(b"cache-control", b"private, no-cache, max-age=0"), (b"vary", b"Accept-Encoding")]
#: Of a tile whose address names the version of its data: another version has another address. Not for longer, because
#: what holds today may end by itself tonight, and a restored database counts its versions anew.
_KEPT: Headers = [(b"cache-control", b"private, max-age=3600, immutable"), (b"vary", b"Accept-Encoding")]
_TYPE = (b"content-type", MVT.encode())
_CODED = (b"content-encoding", CODING.encode())


@lru_cache(maxsize=256)
def takes_packed(accept_encoding: str) -> bool:
    """Whether a client takes the packed copy."""
    return CODING in accepted_codings(accept_encoding)


def reply(
    tile: Stored, *, pack: bool, if_none_match: str | None, keep: bool = False
) -> tuple[int, Headers, bytes]:
    """The reply to a client that takes packed copies or not and has the tile of the tag `if_none_match` or none.

    `keep`: the address named the version of the data, so that the client need not ask again.
    """
    age = _KEPT if keep else _ALWAYS
    if not tile.body:
        # Nothing to be kept, and so nothing to be asked for again by its tag.
        return 204, [*age], b""
    copy = tile.packed if pack else None
    etag = make_etag(tile.digest, (CODING if copy else "",))
    headers = [*age, (b"etag", etag.encode())]
    if tile.thinned:
        headers.append((THINNED_HEADER.lower().encode(), tile.thinned.encode()))
    if matches(if_none_match, etag):
        return 304, headers, b""
    headers += [_TYPE, _CODED] if copy else [_TYPE]
    body = copy or tile.body
    return 200, [*headers, (b"content-length", b"%d" % len(body))], body
