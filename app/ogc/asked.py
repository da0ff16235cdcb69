"""The parameters of a request for features, as texts of its address, read into a query. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.errors import BadInput
from app.inventory.query import MAX_LIMIT, FeatureQuery
from app.inventory.times import Times
from app.ogc.bbox import parse_bbox
from app.ogc.crs import CRS84, LONLAT, NamedCrs, named_crs
from app.ogc.links import Query
from app.ogc.paging import Token, read_token

#: Parameters that a link to another page brings itself.
PAGE_PARAMETERS = frozenset({"after", "before"})
#: Parameters that change how an answer looks, not which features match.
LOOKS = PAGE_PARAMETERS | {"limit", "f", "lang", "crs", "properties", "sortby"}
#: The most ids that are asked for at once, and keys that are sorted by.
MAX_IDS, MAX_KEYS = 1_000, 8
#: Features on a page unless its address says otherwise.
DEFAULT_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for features of a collection, as its address says it; None is what it does not say.

    `where` maps field → allowed values; `given` is the whole query as it goes into links; `counted` is the parameter
    `count`.
    """

    bbox: str | None = None
    bbox_crs: str | None = None
    crs: str | None = None
    datetime: str | None = None
    as_of: str | None = None
    known_at: str | None = None
    limit: int | None = None
    after: str | None = None
    before: str | None = None
    ids: str | None = None
    sortby: str | None = None
    properties: str | None = None
    area: str | None = None
    zoom: int | None = None
    filter: str | None = None
    filter_lang: str | None = None
    filter_crs: str | None = None
    counted: Literal["exact", "none"] | None = None
    where: Mapping[str, Sequence[str]] = field(default_factory=dict)
    given: tuple[tuple[str, str], ...] = ()

    @property
    def page_query(self) -> Query:
        """What a link to another page keeps of the address."""
        return [(name, value) for name, value in self.given if name not in PAGE_PARAMETERS]

    @property
    def choice(self) -> tuple[tuple[str, str], ...]:
        """What chooses features, in one order: whatever the page, order and looks that are asked for."""
        return tuple(sorted((name, value) for name, value in self.given if name not in LOOKS))

    @property
    def question(self) -> str:
        """Tells whether two addresses choose the same features."""
        return f"{zlib.crc32(repr(self.choice).encode()):08x}"

    def order(self, collection: str) -> str:
        """What a page token belongs to."""
        return f"{collection} {','.join(('-' if down else '') + name for name, down in self.sort_names)}"

    @property
    def sort_names(self) -> tuple[tuple[str, bool], ...]:
        """Names with whether they descend; raises BadInput."""
        return () if self.sortby is None else parse_sortby(self.sortby)

    def token(self, collection: str) -> Token | None:
        """What the page that is asked for begins after or ends before; raises BadInput where it cannot be read."""
        if self.after is not None and self.before is not None:
            raise BadInput(
                "A page begins after a place or ends before one.", "Give one of 'after' and 'before'."
            )
        if self.after is not None:
            return read_token(self.order(collection), "after", self.after)
        return None if self.before is None else read_token(self.order(collection), "before", self.before)


def parse_sortby(text: str) -> tuple[tuple[str, bool], ...]:
    """`sortby=+name,-age` as (name, descending), in order; a `+` may have arrived as a blank (OGC API Features Part 8).

    Raises:
        BadInput: No name, one named twice, or too many.
    """
    keys = []
    for part in text.split(","):
        name = part[1:] if part[:1] in {"+", "-", " "} else part
        if not name.strip():
            raise BadInput(
                f"sortby={text[:100]!r} holds no name.", "Write sortby=name or sortby=-built_on,name."
            )
        keys.append((name.strip(), part.startswith("-")))
    names = [name for name, _ in keys]
    if len(set(names)) < len(names) or len(names) > MAX_KEYS:
        raise BadInput(f"sortby names a property twice, or more than {MAX_KEYS}.", "Name each property once.")
    return tuple(keys)


def find_id(text: str) -> int | None:
    """A feature's id as a number; None for what is the id of no feature."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def parse_ids(text: str) -> tuple[int, ...]:
    """`ids=1,2,3`; raises BadInput for what is no id."""
    parts = text.split(",")
    for part in parts:
        if len(part) > 18 or find_id(part) is None:
            raise BadInput(
                f"ids holds {part[:40]!r}, which is no id.", "Write ids=1,2,3; a code goes by code=…."
            )
    if len(parts) > MAX_IDS:
        raise BadInput(f"ids names {len(parts)} features.", f"Name at most {MAX_IDS} at once.")
    return tuple(map(int, parts))


def features_asked(
    collection: str, asked: Asked, times: Times, known: Sequence[str], version: str
) -> FeatureQuery:
    """The query without its filter; `known` are the systems that the collection offers, `version` is its data's.

    Raises:
        BadInput: A parameter that cannot be read.
    """
    crs = system("crs", asked.crs, known)
    box_crs = system("bbox-crs", asked.bbox_crs, known)
    token = asked.token(collection)
    position = None if token is None else token.position
    same = token is not None and (token.question, token.version) == (asked.question, version)
    return FeatureQuery(
        class_id=collection,
        bbox=None if asked.bbox is None else parse_bbox(asked.bbox, box_crs),
        bbox_srid=box_crs.srid,
        # The standard asks to serve the most there is rather than refuse a limit that is too high.
        limit=DEFAULT_LIMIT if asked.limit is None else min(asked.limit, MAX_LIMIT),
        after=position if asked.after is not None else None,
        before=position if asked.before is not None else None,
        ids=None if asked.ids is None else parse_ids(asked.ids),
        sortby=asked.sort_names,
        where=asked.where,
        area=asked.area,
        zoom=asked.zoom,
        properties=None if asked.properties is None else tuple(asked.properties.split(",")),
        times=times,
        count=asked.counted or "auto",
        srid=crs.srid,
        north_first=crs.north_first,
        matched=(token.matched, token.exact) if token and same and token.matched is not None else None,
    )


def system(parameter: str, text: str | None, known: Sequence[str]) -> NamedCrs:
    """The system that a parameter names, CRS84 where it is not given; raises BadInput."""
    return LONLAT if text is None or text == CRS84 else named_crs(parameter, text, known)
