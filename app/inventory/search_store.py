"""Finds features by their words and codes, and reads what a result shows of them.

A word that half of all names hold leads to more entries than can be looked at in time. So a sample, with all large
features in it, is asked first, by an index of its own; only what is rare there is asked of the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.inventory.areas import AREA_CLASSES
from app.inventory.changes import raw
from app.inventory.conditions import AT_HOME, home_values
from app.inventory.query import Box, boxes
from app.inventory.search_fields import search_fields
from app.inventory.search_words import EDGE, Question
from app.inventory.tables import SCHEMA, quoted, table_name

#: Entries that are looked at, at most, for one condition; so many found in the sample are enough.
MOST, ENOUGH = 1_000, 500
#: Ranks of a result, best first.
CODE, NAME, NAME_BEGINS, WORD, IN_NAME, CODE_BEGINS, ELSEWHERE = range(7)
#: The last character there is: all that begins with a text lies between it and it with this behind.
LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A feature found, in the order of results: by rank, larger first, shorter name first."""

    rank: int
    smallness: int
    length: int
    class_id: str
    id: int


@dataclass(frozen=True, slots=True)
class Within:
    """Where and for whom is searched; `path` is that of an area, `box` in lon/lat."""

    sensitivities: Collection[str]
    path: str | None = None
    box: Box | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The values bound in conditions."""
        values: dict[str, Any] = {"allowed": list(self.sensitivities)}
        if self.path is not None:
            values |= home_values(self.path)
        for place, box in enumerate(boxes(self.box) if self.box else ()):
            values |= dict(zip((f"w{place}", f"s{place}", f"e{place}", f"n{place}"), box, strict=True))
        return values

    def condition(self, shape: str) -> str:
        """The condition on a column `shape` that it meets the box."""
        envelopes = [
            f"ST_Intersects({shape}, ST_MakeEnvelope(%(w{n})s, %(s{n})s, %(e{n})s, %(n{n})s, 4326))"
            for n in range(len(boxes(self.box)) if self.box else 0)
        ]
        return f"({' OR '.join(envelopes)})" if envelopes else "TRUE"


def find_words(conn: Connection, question: Question, within: Within, limit: int) -> list[Found]:
    """The best features whose names or addresses hold the words, best first.

    All are ranked where at most MOST hold the words; else the names that are or begin with the text, and a sample.
    """
    # The planner takes half of the table for a reason to read all of it; a small class's words may lie at its end.
    raw(conn).execute("SET LOCAL enable_seqscan = off")
    found, complete = _gather(conn, question, question.holds, None, within, limit)
    if not complete:
        for words, needle in ((question.exact, _framed), (question.begins, _opened)):
            found |= _gather(conn, question, words, needle, within, limit)[0]
    raw(conn).execute("SET LOCAL enable_seqscan TO DEFAULT")
    return sorted(found)[:limit]


def _framed(key: str) -> str:
    return f"{EDGE} {key} {EDGE}"


def _opened(key: str) -> str:
    return f"{EDGE} {key}"


def _gather(
    conn: Connection, question: Question, words: str, needle: Any, within: Within, limit: int
) -> tuple[set[Found], bool]:
    """The best with these words, of the sample if it holds enough, and whether they are the best of all."""
    condition = "TRUE" if needle is None else "(strpos(keys, %(needle)s) > 0 OR strpos(keys, %(thread)s) > 0)"
    values = {"words": words, "limit": limit, **_names(question), **within.values}
    if needle is not None:
        values |= {"needle": needle(question.key), "thread": needle(question.compact)}
    found: set[Found] = set()
    for part in ("sampled", "NOT sampled"):
        rows = (
            raw(conn).execute(_words_sql(part, condition, within).encode(), values, prepare=False).fetchall()
        )
        found |= {Found(rank, -weight, length, name, item) for name, item, rank, weight, length, _ in rows}
        held = rows[0][5] if rows else 0
        if held >= (ENOUGH if part == "sampled" else MOST):
            return found, False
    return found, True


def _names(question: Question) -> dict[str, str]:
    forms = {"": question.key, "_compact": question.compact}
    return {
        f"{name}{suffix}": value
        for suffix, key in forms.items()
        for name, value in (
            ("name", _framed(key)),
            ("begin", _opened(key)),
            ("word", f" {key} "),
            ("inside", key),
        )
    }


def _words_sql(part: str, condition: str, within: Within) -> str:
    ranks = " ".join(
        f"WHEN strpos(keys, %({name})s) > 0 OR strpos(keys, %({name}_compact)s) > 0 THEN {rank}"
        for name, rank in (("name", NAME), ("begin", NAME_BEGINS), ("word", WORD), ("inside", IN_NAME))
    )
    return (
        f"WITH found AS MATERIALIZED (SELECT class, id, keys, weight FROM {SCHEMA}.search_entries "
        f"WHERE {part} AND words @@ %(words)s::tsquery AND sensitivity = ANY(%(allowed)s) AND {condition} "
        f"AND {within.condition('place')} LIMIT {MOST}) "
        f"SELECT class, id, CASE {ranks} ELSE {ELSEWHERE} END AS rank, weight, length(keys), "
        "(SELECT count(*) FROM found) FROM found ORDER BY rank, weight DESC, length(keys), class, id LIMIT %(limit)s"
    )


def find_codes(
    conn: Connection, classes: Sequence[FeatureClass], codes: tuple[str, str], within: Within, limit: int
) -> list[Found]:
    """Features of classes whose key or other code is the text or, as far as the limit goes, begins with it.

    `codes` are the text as it stands, for keys, and as other codes are compared.
    """
    text, compared = codes
    values = {
        **within.values,
        "same": list(dict.fromkeys((text, text.upper(), text.lower()))),
        "text": text,
        "last": f"{text}{LAST}",
        "code": compared,
        "code_last": f"{compared}{LAST}",
        "classes": [cls.id for cls in classes],
        "limit": limit,
    }
    # A word of letters alone is hardly the beginning of a key; that it is one is cheap to ask.
    begins = not text.isalpha()
    parts = [part for cls in classes for part in _key_parts(cls, within, begins)]
    statement = (
        f"SELECT class, id, min(rank) FROM ({' UNION ALL '.join([*parts, _codes_part(classes, within)])}) f "
        "GROUP BY class, id ORDER BY 3, 1, 2"
    )
    rows = raw(conn).execute(statement.encode(), values).fetchall()
    return [Found(rank, 0, 0, name, item) for name, item, rank in rows][:limit]


def _key_parts(cls: FeatureClass, within: Within, begins: bool) -> Iterable[str]:
    home = AT_HOME if within.path is not None else "TRUE"
    head = f"SELECT '{cls.id}' AS class, id, {{rank}} AS rank FROM {table_name(cls)} WHERE"
    tail = f"AND {home} AND {within.condition('geom')}"
    yield f"{head.format(rank=CODE)} code = ANY(%(same)s) {tail}"
    if not begins:
        return
    # In the order of the index; where the database sorts otherwise than by bytes, some beginnings are not found.
    between = "code > %(text)s AND code < %(last)s AND starts_with(code, %(text)s)"
    yield f"({head.format(rank=CODE_BEGINS)} {between} {tail} ORDER BY code LIMIT %(limit)s)"


def _codes_part(classes: Sequence[FeatureClass], within: Within) -> str:
    """Other codes; an area or box is looked up in the class's table."""
    at = " OR ".join(
        f"(c.class = '{cls.id}' AND EXISTS (SELECT FROM {table_name(cls)} WHERE id = c.id "
        f"AND {AT_HOME if within.path is not None else 'TRUE'} AND {within.condition('geom')}))"
        for cls in classes
        if search_fields(cls).codes
    )
    inside = f"AND ({at or 'FALSE'})" if within.path is not None or within.box is not None else ""
    return (
        f"(SELECT class, id, CASE WHEN code = %(code)s THEN {CODE} ELSE {CODE_BEGINS} END "
        f"FROM {SCHEMA}.search_codes c WHERE code ~>=~ %(code)s AND code ~<~ %(code_last)s "
        f"AND class = ANY(%(classes)s) AND sensitivity = ANY(%(allowed)s) {inside} ORDER BY code USING ~<~ "
        "LIMIT %(limit)s)"
    )


def read_shown(
    conn: Connection, classes: Mapping[str, FeatureClass], found: Iterable[Found]
) -> list[dict[str, Any]]:
    """What results show, in their order: class, id, code, names, address, area_path, lon, lat; none of a row gone."""
    # A city's own class that is declared no longer still has its entries.
    items = [item for item in found if item.class_id in classes]
    by_class: dict[str, list[int]] = {}
    for item in items:
        by_class.setdefault(item.class_id, []).append(item.id)
    if not by_class:
        return []
    parts = [_shown_part(classes[name], place) for place, name in enumerate(by_class)]
    values = {f"ids{place}": ids for place, ids in enumerate(by_class.values())}
    rows = raw(conn).execute(" UNION ALL ".join(parts).encode(), values, prepare=False).fetchall()
    names = ("class", "id", "code", "name_zh", "name_en", "address", "area_path", "lon", "lat")
    shown = {(row[0], row[1]): dict(zip(names, row, strict=True)) for row in rows}
    return [shown[key] for item in items if (key := (item.class_id, item.id)) in shown]


def _shown_part(cls: FeatureClass, place: int) -> str:
    public = {item.name for item in cls.fields if item.sensitivity == "public" and item.type == "text"}
    texts = ", ".join(
        quoted(name) if name in public else "NULL::text" for name in ("name_zh", "name_en", "address")
    )
    return (
        f"SELECT '{cls.id}', id, code, {texts}, area_path, ST_X(p), ST_Y(p) FROM {table_name(cls)}, "
        f"LATERAL (SELECT ST_PointOnSurface(geom) AS p) at WHERE id = ANY(%(ids{place})s::bigint[])"
    )


def read_area_names(conn: Connection, codes: Iterable[str]) -> dict[str, dict[str, str | None]]:
    """Code → code, name_zh, name_en of areas."""
    parts = [
        f"SELECT code, name_zh, name_en FROM {table_name(name)} WHERE code = ANY(%(codes)s)"
        for name in AREA_CLASSES
    ]
    rows = raw(conn).execute(" UNION ALL ".join(parts).encode(), {"codes": sorted(set(codes))}).fetchall()
    return {code: {"code": code, "name_zh": zh, "name_en": en} for code, zh, en in rows}
