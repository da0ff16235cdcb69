"""CASEI and ACCENTI: texts without regard to case or accents, in a PostgreSQL without extensions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.ogc.cql2.comparison import BY_CODE
from app.ogc.cql2.operand import Operand, Scope, expect

#: ICU's root locale, which knows all letters whatever the database's own locale is.
_ICU = 'COLLATE "und-x-icu"'
#: Letters that making capitals would treat otherwise than folding does: a capital ß is one already, and a dotless i has
#: the capital of another letter, so that it waits as a sign of no meaning. There is one small sigma.
_ODD, _BACK = ("ẞı", "ß\ue131"), ("ς\ue131", "σı")
#: Marks above and below letters: U+0300 to U+036F, and the three blocks of further ones.
_MARKS = r"[\u0300-\u036F\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF]"
#: Letters that are no letter with a mark to Unicode, yet are read as one; as PostgreSQL's `unaccent` has them.
_STROKES = ("ØøŁłĐđĦħŦŧıÐðŊŋĸ", "OoLlDdHhTtiDdNnq")
_PAIRS = {"Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Þ": "TH", "þ": "th", "ß": "ss", "ẞ": "SS"}


def casei(scope: Scope, args: list[Operand]) -> Operand:
    """The text as Unicode's full case folding has it: capitals made small again, so that `ß` and `SS` are one."""
    return _folded(scope, args[0], "CASEI", _small)


def _small(sql: str) -> str:
    kept = f"translate({sql}, '{_ODD[0]}', '{_ODD[1]}')"
    return f"translate(lower(upper({kept} {_ICU})), '{_BACK[0]}', '{_BACK[1]}')"


def accenti(scope: Scope, args: list[Operand]) -> Operand:
    """The text without accents: taken apart, without its marks, put together again."""
    return _folded(scope, args[0], "ACCENTI", _plain)


def _plain(sql: str) -> str:
    bare = f"normalize(regexp_replace(normalize({sql}, NFD), '{_MARKS}', '', 'g'), NFC)"
    bare = f"translate({bare}, '{_STROKES[0]}', '{_STROKES[1]}')"
    for letter, pair in _PAIRS.items():
        bare = f"replace({bare}, '{letter}', '{pair}')"
    return bare


def _folded(scope: Scope, item: Operand, of: str, fold: Callable[[str], str]) -> Operand:
    """The operand folded; its literal stays, since LIKE looks at the pattern as it was written."""
    expect(item, "text", of)
    # One collation for whatever follows, or PostgreSQL could not choose between ICU's and that of a comparison.
    return Operand("text", f"({fold(scope.sql(item))} {BY_CODE})", literal=item.literal)


#: Functions by name, with the least and the most operands.
OPERATORS: Mapping[str, tuple[Callable[[Scope, list[Operand]], Operand], int, int]] = {
    "casei": (casei, 1, 1),
    "accenti": (accenti, 1, 1),
}
