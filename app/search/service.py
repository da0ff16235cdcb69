"""The search over all classes: a text in, features with place and links out; entries made where they lack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.catalogue.model import Catalogue, FeatureClass
from app.catalogue.public_part import seen_by
from app.database.transactions import Connection, Database
from app.errors import BadInput
from app.inventory import search_index_store as index
from app.inventory import search_job
from app.inventory import search_store as store
from app.inventory.area_rows import get_area
from app.inventory.changes import lock_classes
from app.inventory.query import Box
from app.inventory.search_words import area_tag, class_tag, code_of, question

MAX_LIMIT, MAX_TEXT = 100, 200
#: A key is looked up where the text could be one.
MAX_CODE = 64
#: Where a map opens that shows a result.
MAP_ZOOM = 17

#: Called after each class: its id and the number of its features that are found by a name or address.
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Search:
    """What is sought: `text` as typed, in one class, in an area (code or name), in a box of lon/lat."""

    text: str
    class_id: str | None = None
    area: str | None = None
    bbox: Box | None = None
    limit: int = 10


def search(conn: Connection, catalogue: Catalogue, asked: Search, base: str = "") -> dict[str, Any]:
    """Features found, best first, as plain values; links begin with `base`.

    The key or a code that is the text comes first, then names that are it, begin with it, have it as a word, hold it;
    then codes that begin with it, and addresses. Larger features come first among equals.

    Raises:
        BadInput: The text, limit or box cannot be used.
        NotFound: There is no such class or area.
    """
    _check(asked)
    classes = _classes(catalogue, asked.class_id)
    area = None if asked.area is None else get_area(conn, asked.area)
    within = store.Within(
        seen_by(catalogue.level), None if area is None else str(area["area_path"]), asked.bbox
    )
    narrowed = [class_tag(asked.class_id)] if asked.class_id else []
    narrowed += [area_tag(area["code"])] if area else []
    found = _find(conn, list(classes.values()), asked, narrowed, within)
    shown = store.read_shown(conn, classes, found)
    return {
        "query": asked.text,
        "numberReturned": len(shown),
        "results": _results(conn, classes, shown, base),
    }


def _check(asked: Search) -> None:
    if not 1 <= asked.limit <= MAX_LIMIT:
        raise BadInput(f"The limit must lie between 1 and {MAX_LIMIT}, not be {asked.limit}.")
    if "\x00" in asked.text:
        raise BadInput("The text to search for holds a character that no text can hold (NUL).")
    if not asked.text.strip():
        raise BadInput("There is no text to search for.", "Give a name, a code, an address or pinyin.")
    if len(asked.text) > MAX_TEXT:
        raise BadInput(f"The text to search for is longer than {MAX_TEXT} characters.")


def _classes(catalogue: Catalogue, class_id: str | None) -> Mapping[str, FeatureClass]:
    return catalogue.classes if class_id is None else {class_id: catalogue.get_class(class_id)}


def _find(
    conn: Connection, classes: list[FeatureClass], asked: Search, narrowed: list[str], within: store.Within
) -> list[store.Found]:
    found: list[store.Found] = []
    text = asked.text.strip()
    if _may_be_code(text):
        found += store.find_codes(conn, classes, (text, code_of(text)), within, asked.limit)
    sought = question(text, narrowed)
    if sought is not None:
        found += store.find_words(conn, sought, within, asked.limit)
    best: dict[tuple[str, int], store.Found] = {}
    for item in sorted(found):
        best.setdefault((item.class_id, item.id), item)
    return list(best.values())[: asked.limit]


def _may_be_code(text: str) -> bool:
    return len(text) <= MAX_CODE and text.isascii() and text.isprintable() and bool(code_of(text))


def _results(
    conn: Connection, classes: Mapping[str, FeatureClass], shown: list[dict[str, Any]], base: str
) -> list[dict[str, Any]]:
    paths = [[code for code in row["area_path"].split("/") if code] for row in shown]
    names = store.read_area_names(conn, [code for path in paths for code in path]) if any(paths) else {}
    return [
        _result(classes[row["class"]], row, [names[code] for code in path if code in names], base)
        for row, path in zip(shown, paths, strict=True)
    ]


def _result(
    cls: FeatureClass, row: dict[str, Any], areas: list[dict[str, str | None]], base: str
) -> dict[str, Any]:
    lon, lat = round(row["lon"], 7), round(row["lat"], 7)
    return {
        "class": cls.id,
        "class_title": {"zh": cls.title.zh, "en": cls.title.en},
        **{name: row[name] for name in ("id", "code", "name_zh", "name_en", "address", "area_path")},
        "areas": areas,
        "point": [lon, lat],
        "links": list(_links(cls, row["id"], lon, lat, base)),
    }


def _links(cls: FeatureClass, item: int, lon: float, lat: float, base: str) -> list[dict[str, str]]:
    links = [
        {
            "rel": "item",
            "type": "application/geo+json",
            "href": f"{base}/collections/{cls.id}/items/{item}",
            "title": "The feature",
        }
    ]
    at = f"#{MAP_ZOOM}/{lat:.5f}/{lon:.5f}"
    links.append(
        {
            "rel": "alternate",
            "type": "text/html",
            "href": f"{base}/map/{cls.id}{at}",
            "title": "On the map",
        }
    )
    return links


def ensure_entries(db: Database, catalogue: Catalogue, progress: Progress | None = None) -> list[str]:
    """Make the entries of the classes that have none yet, or only by another rule than today's; ids of these classes.

    A database from before the search, one whose catalogue has changed since, and classes put off by their first load
    are brought up so.
    """
    with db.read() as conn:
        stale = index.stale_classes(conn, catalogue)
    for cls in stale:
        with db.write() as conn:
            lock_classes(conn, [cls.id])
            # Whoever held the lock before may have made them.
            written = index.index_class(conn, cls) if index.is_stale(conn, cls) else 0
        _tell(progress, cls, written)
    if stale:
        _analyze(db)
        with db.write() as conn:
            search_job.drop_queued(conn)
    return [cls.id for cls in stale]


def _analyze(db: Database) -> None:
    with db.write() as conn:
        index.analyze(conn)


def rebuild(db: Database, catalogue: Catalogue, progress: Progress | None = None) -> dict[str, int]:
    """Make all entries anew, a class in a transaction; class id → number of entries."""
    made = {}
    for cls in catalogue.classes.values():
        with db.write() as conn:
            lock_classes(conn, [cls.id])
            made[cls.id] = index.index_class(conn, cls)
        _tell(progress, cls, made[cls.id])
    _analyze(db)
    return made


def _tell(progress: Progress | None, cls: FeatureClass, written: int) -> None:
    if progress is not None and written:
        progress(cls.id, written)
