"""How replies are compressed: zstd, br or gzip, at fast levels, never what is compressed in itself."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette_compress import CompressMiddleware, add_compress_type

from app.access.negotiation import accepted_codings

#: Shorter replies cost more to compress than they save.
MINIMUM_BYTES = 1000
#: The fast end of each: gzip's level 9 takes ten times as long for a few per cent of size.
ZSTD_LEVEL, BROTLI_QUALITY, GZIP_LEVEL = 1, 1, 1
#: In the order in which a coding is taken where the client takes several.
CODINGS = ("zstd", "br", "gzip")
#: Our own media types beside those that the library knows; Parquet and zipped files are compressed in themselves.
MEDIA_TYPES = (
    "application/geo+json-seq",
    "application/problem+json",
    "application/schema+json",
    "application/vnd.mapbox.style+json",
    "application/vnd.oai.openapi+json",
    "application/flatgeobuf",
    "application/vnd.apache.arrow.stream",
    "text/csv",
)


def compressing() -> Middleware:
    """The layer that compresses replies and says so in `Vary`."""
    for media_type in MEDIA_TYPES:
        add_compress_type(media_type)
    return Middleware(
        CompressMiddleware,
        minimum_size=MINIMUM_BYTES,
        zstd_level=ZSTD_LEVEL,
        brotli_quality=BROTLI_QUALITY,
        gzip_level=GZIP_LEVEL,
    )


def chosen_coding(header: str | None) -> str:
    """The coding of a reply to an `Accept-Encoding` header, empty where it stays as it is; part of an entity tag."""
    taken = accepted_codings(header)
    return next((coding for coding in CODINGS if coding in taken), "")
