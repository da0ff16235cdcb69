"""Writes a guessed class as the YAML of a declaration, with comments that say what to look at. Pure."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from app.catalogue.model import Field, GeometryKind, Title
from app.ingest.infer import Guess, Guesses
from app.validation.values import clean_text

#: Colours that are told apart with any kind of eyes (Okabe and Ito 2008), for a first symbol.
COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
SHAPES: Mapping[str, str] = {"point": "circle", "mixed": "circle", "line": "line", "polygon": "area"}
ZOOMS: Mapping[str, int] = {"point": 13, "mixed": 13, "line": 11, "polygon": 11}
_PLAIN = re.compile(r"[A-Za-z\u3400-\u9fff][\w\u3400-\u9fff]*(?: [\w\u3400-\u9fff]+)*")
_WORDS = frozenset({"true", "false", "null"})


@dataclass(frozen=True, slots=True)
class Inferred:
    """A class as guessed from `rows` rows of the file `source`.

    `counts` is shapes by kind; `known` heading → the field of every class that takes it; `tags` the OSM tags that its
    objects have.
    """

    class_id: str
    title: Title
    source: str
    rows: int
    geometry: GeometryKind
    counts: Mapping[str, int]
    guesses: Guesses
    known: Mapping[str, str]
    tags: Mapping[str, str]


def write_yaml(found: Inferred) -> str:
    """The declaration, which loads as it is."""
    shown = replace(found, title=_loadable(found.title))
    return "\n".join([*_head(shown), *_fields(shown)]) + "\n"


def _loadable(title: Title) -> Title:
    """Without control characters, which no declaration may hold; a language that has nothing else takes the other's."""
    zh, en = clean_text(title.zh), clean_text(title.en)
    return Title(zh or en, en or zh)


def _head(found: Inferred) -> Iterator[str]:
    yield f"# Inferred from {_comment(found.source)} ({found.rows} rows). 由该文件推断，请逐行核对。"
    yield "# Look at the titles, types and choices, then bring it into the database: chengtu db migrate"
    yield f"id: {found.class_id}"
    yield f"title: {_title(found.title)}  # its name in Chinese and English 中英文名称"
    yield f"description: {{zh: {_text(found.title.zh + '。')}, en: {_text(found.title.en + '.')}}}"
    yield "office: 未填 not filled in  # who looks after the data 数据责任单位"
    kinds = ", ".join(f"{count} {kind}" for kind, count in found.counts.items())
    yield f"geometry: {found.geometry}  # the file has: {_comment(kinds) or 'no shapes'}"
    others = [kind for kind in found.counts if kind in SHAPES and kind != found.geometry]
    if others and found.geometry != "mixed":
        yield f"accept: [{', '.join(sorted(others))}]"
    yield "# include: [component]  # the fields of a city component: code, department, condition 部件字段"
    color = COLORS[zlib.crc32(found.class_id.encode()) % len(COLORS)]
    shape = SHAPES[found.geometry]
    yield f"symbol: {{glyph: {_text(_glyph(found.title))}, color: {json.dumps(color)}, shape: {shape}}}"
    yield f"zooms: [{{zoom: {ZOOMS[found.geometry]}}}]  # from which zoom on a map shows it"
    if found.tags:
        tags = ", ".join(f"{_text(key)}: [{_text(value)}]" for key, value in found.tags.items())
        yield f"osm:\n  - {{tags: {{{tags}}}}}"


def _fields(found: Inferred) -> Iterator[str]:
    for heading, name in found.known.items():
        yield f"# The heading '{_comment(heading)}' goes to '{name}', which every class has."
    for heading, reason in found.guesses.left.items():
        yield f"# The heading '{_comment(heading)}' has no field: {reason}."
    yield "fields:" if found.guesses.fields else "fields: {}"
    for guess in found.guesses.fields:
        yield from _field(guess, bool(found.tags))


def _field(guess: Guess, is_osm: bool) -> Iterator[str]:
    field = guess.field
    yield f"  {field.name}:  # {_comment('; '.join(guess.notes))}"
    yield f"    type: {field.type}"
    if field.unit is not None:
        yield f"    unit: {_text(field.unit)}"
    yield f"    title: {_title(field.title)}"
    yield f"    aliases: [{', '.join(map(_text, field.aliases))}]"
    yield from _choices(field)
    if is_osm:
        yield f"    osm: [{_text(guess.heading)}]"


def _choices(field: Field) -> Iterator[str]:
    if field.choices:
        yield "    choices:"
    for choice in field.choices:
        yield f"      {choice.value}: {_title(choice.title)}"


def _title(title: Title) -> str:
    return f"{{zh: {_text(title.zh)}, en: {_text(title.en)}}}"


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text not in _WORDS:
        return text
    # YAML takes printable characters as they are, all others as their number.
    marks = (mark if mark.isprintable() and mark not in '"\\' else f"\\U{ord(mark):08x}" for mark in text)
    return f'"{"".join(marks)}"'


def _comment(text: str) -> str:
    """A text on one line, as a comment ends where the line does."""
    return "".join(mark if mark.isprintable() else " " for mark in text)


def _glyph(title: Title) -> str:
    return next((mark for mark in title.zh if mark.isalnum()), "·").upper()[0]
