"""Filters that mean harm or nothing, drawn from a seed: a grammar of odd parts, and mutations of filters that work."""

from __future__ import annotations

import json
import random
import string

from tests.ogc.cql2.meaning import Filters

_NAMES = [
    "label", "stalls", "geom", "day", "begun", "open", "areas_touched", "no_such", '"label"', '"a""b"', "pg_class",
    '"stalls; DROP TABLE x"', "id", "extra", "valid", "import_id", "名称", "ctid", "xmin", "_x", "a.b.c", "label::text",
]  # fmt: skip
_FUNCTIONS = [
    "pg_sleep", "pg_read_file", "lo_import", "query_to_xml", "current_setting", "version", "casei", "ACCENTI", "upper",
    "s_intersects", "S_BUFFER", "ST_Buffer", "t_after", "a_contains", "avg", "exists", "in", "not", "interval", "bbox",
    "date", "timestamp", "point", "polygon", "dblink", "set_config",
]  # fmt: skip
_LITERALS = [
    "1", "-1", "0", "1e400", "-1e-400", "9" * 60, "1.", ".5", "0x10", "NaN", "Infinity", "''", "'", "'a''b'", "'%'",
    r"'\'", r"'\\'", "'; DROP TABLE city.changes; --'", "'%s %(c_0)s'", "%(c_0)s", "$1", "?", "'\u202e'", "'𠮷'",
    "true", "NULL",
    "DATE('2021-02-30')", "DATE('9999-12-31')", "DATE('0000-01-01')", "TIMESTAMP('2021-01-01T25:00:00Z')",
    "TIMESTAMP('0001-01-01T00:00:00+14:00')", "INTERVAL('..','..')", "INTERVAL('2022-01-01','2021-01-01')",
    "POINT(1 2)", "POINT(1e308 1e308)", "POINT(nan 1)", "POINT EMPTY", "POINT()", "BBOX(1,2,3)", "BBOX(5,5,1,1)",
    "BBOX(170,-90,-170,90)", "BBOX(0,0,0,0)", "POLYGON((0 0,1 1,0 1,1 0,0 0))", "POLYGON((0 0,0 0,0 0,0 0))",
    "POLYGON((0 0,1 1))", "LINESTRING(1 1)", "LINESTRING(1 1,1 1)",
    "GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,9 9))",
    "MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((0 0,1 0,1 1,0 0)))", "('a','b')", "()", "(1,'a')", "('a',)", "casei('A')",
    "(SELECT 1)", "1/0", "2^4000", "(-8)^0.5", "0^-1", "1e308*10",
]  # fmt: skip
_OPERATORS = [
    "=", "<>", "<", ">=", "!=", "==", "AND", "OR", "and not", "LIKE", "NOT LIKE", "ILIKE", "IN", "NOT IN", "BETWEEN",
    "IS", "IS NOT", "+", "-", "*", "/", "%", "div", "^", "||", "::", ";", "--", "/*", "&&", "~", ",", "BETWEEN 1 AND",
]  # fmt: skip
_SIGNS = string.printable + "’‘“”％（）＝é名\u200b\ufeff\u0000"


def drawn(seed: int, count: int) -> list[tuple[str, str]]:
    """(language, filter) pairs: about two thirds from the grammar, a third mutations; one in four as JSON."""
    draw = random.Random(seed)
    valid = Filters(seed)
    return [_one(draw, valid) for _ in range(count)]


def _one(draw: random.Random, valid: Filters) -> tuple[str, str]:
    if draw.random() < 0.25:
        return "cql2-json", _mutated(
            json.dumps(_object(draw, 4)), draw
        ) if draw.random() < 0.5 else json.dumps(_object(draw, 4))
    text = _phrase(draw, 4) if draw.random() < 0.65 else _mutated(valid.predicate().text, draw)
    return "cql2-text", text


def _phrase(draw: random.Random, depth: int) -> str:
    kind = draw.random()
    if depth == 0 or kind < 0.3:
        return draw.choice(draw.choice([_NAMES, _LITERALS]))
    if kind < 0.45:
        inner = ", ".join(_phrase(draw, depth - 1) for _ in range(draw.randint(0, 3)))
        return f"{draw.choice(_FUNCTIONS)}({inner})"
    if kind < 0.55:
        return f"({_phrase(draw, depth - 1)})"
    if kind < 0.6:
        return f"NOT {_phrase(draw, depth - 1)}"
    return f"{_phrase(draw, depth - 1)} {draw.choice(_OPERATORS)} {_phrase(draw, depth - 1)}"


def _mutated(text: str, draw: random.Random) -> str:
    for _ in range(draw.randint(1, 4)):
        at, kind = draw.randint(0, len(text)), draw.randint(0, 3)
        if kind == 0:
            text = text[:at] + draw.choice(_SIGNS) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + draw.randint(1, 9) :]
        elif kind == 2:
            text = (
                text[:at] + draw.choice(draw.choice([_NAMES, _LITERALS, _OPERATORS, _FUNCTIONS])) + text[at:]
            )
        else:
            text = text[:at] + text[at : at + 20] * draw.randint(2, 9) + text[at:]
    return text


def _object(draw: random.Random, depth: int) -> object:
    kind = draw.random()
    if depth == 0 or kind < 0.35:
        return draw.choice(
            [{"property": draw.choice(_NAMES)}, draw.choice(_LITERALS), 1, -2.5, 10**30, True, None, [], {},
             {"date": "2021-02-30"}, {"timestamp": 5}, {"interval": ["..", ".."]}, {"interval": [1]},
             {"bbox": [1, 2, 3, "x"]}, {"bbox": [1, 2, 3, 10**400]}, {"type": "Point", "coordinates": [[1], 2]},
             {"type": "Polygon", "coordinates": []}, {"type": "Nothing"}, {"property": 1}, {"op": "="},
             {"type": "GeometryCollection", "geometries": [{"op": "="}]}, {"op": None, "args": {}}]
        )  # fmt: skip
    args = [_object(draw, depth - 1) for _ in range(draw.randint(0, 3))]
    name = draw.choice([*_FUNCTIONS, "=", "<", "and", "or", "like", "between", "isNull", "+", "^", "%", "in"])
    return args if kind < 0.45 else {"op": name, "args": args}
