"""Makes the search entries of rows: what is kept of each, ready for COPY. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.catalogue.model import FeatureClass
from app.inventory.copy_binary import Cells, booleans, constant, integers, lists, texts, vectors
from app.inventory.search_fields import SearchFields
from app.inventory.search_words import area_tag, class_tag, code_of, entry

#: Power of ten of m² or m from which a feature is large; of the others one in so many is in the sample.
LARGE = 5
SAMPLE = 20
#: Texts whose entries are kept at hand: all pieces of a street bear one name.
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Found:
    """Rows (n,) that may be found by a text: `sizes` powers of ten, `places` as COPY takes them, `fields` by name.

    `touched` are the areas that each touches, `closed` says of each whether a value makes it restricted.
    """

    ids: Sequence[int]
    area_paths: Sequence[str]
    touched: Sequence[Sequence[str]]
    closed: Sequence[bool]
    sizes: Sequence[int]
    places: Cells
    fields: Mapping[str, Sequence[str | None]]


def entry_columns(cls: FeatureClass, fields: SearchFields, rows: Found) -> dict[str, Cells]:
    """The columns of `search_entries`, of rows with a name or another text; empty where there are none."""
    empty = [None] * len(rows.ids)
    texted = list(zip(*(rows.fields.get(name, empty) for name in fields.worded), strict=True))
    places = [place for place, row in enumerate(texted) if any(row)]
    if not places:
        return {}
    count = len(fields.names)
    made = [_made(texted[place][:count], texted[place][count:]) for place in places]
    sizes = [rows.sizes[place] for place in places]
    ids = [rows.ids[place] for place in places]
    return {
        "class": constant(cls.id.encode()),
        "id": integers(ids),
        **_seen_by(cls, rows, places),
        "weight": integers([size * 1000 + 999 - cls.order for size in sizes], 2),
        "sampled": booleans([_sampled(item, size) for item, size in zip(ids, sizes, strict=True)]),
        "keys": texts([keys for keys, _ in made]),
        "place": rows.places.take(places),
        "words": vectors(
            [
                [*words, *_tags(cls.id, rows.area_paths[place])]
                for (_, words), place in zip(made, places, strict=True)
            ]
        ),
    }


@lru_cache(maxsize=_REMEMBERED)
def _made(names: tuple[str | None, ...], others: tuple[str | None, ...]) -> tuple[str, list[str]]:
    """Keys and words of texts."""
    made = entry(filter(None, names), filter(None, others), ())
    return made.keys, made.words


@lru_cache(maxsize=_REMEMBERED)
def _tags(class_id: str, area_path: str) -> tuple[str, ...]:
    """What narrows a search to a class, to an area around a feature."""
    return (class_tag(class_id), *dict.fromkeys(area_tag(code) for code in area_path.split("/") if code))


def _seen_by(cls: FeatureClass, rows: Found, places: Sequence[int]) -> dict[str, Cells]:
    """The columns that say who may find the rows at these places."""
    closed = [rows.closed[place] for place in places]
    return {
        "sensitivity": texts(["restricted" if row else cls.sensitivity for row in closed])
        if any(closed)
        else constant(cls.sensitivity.encode()),
        "areas_touched": lists([tuple(rows.touched[place]) for place in places]),
    }


def _sampled(item: int, size: int) -> bool:
    """Whether a feature is asked first: large ones, and one in SAMPLE whatever it is (Knuth's multiplicative hash)."""
    return size >= LARGE or ((item * 2_654_435_761) >> 16) % SAMPLE == 0


def code_columns(cls: FeatureClass, fields: SearchFields, rows: Found) -> dict[str, Cells]:
    """The columns of `search_codes`, one row for each code of a feature beside its key; empty where there are none."""
    found: list[tuple[int, str, str]] = []
    for name in fields.codes:
        for place, value in enumerate(rows.fields.get(name, ())):
            code = code_of(value) if value else ""
            if code:
                found.append((place, name, code))
    if not found:
        return {}
    places, names, codes = zip(*found, strict=True)
    return {
        "class": constant(cls.id.encode()),
        "id": integers([rows.ids[place] for place in places]),
        "field": texts(names),
        **_seen_by(cls, rows, places),
        "code": texts(codes),
    }
