"""The words of CQL2 text: one regular expression cuts them, each with the place where it stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeVar

from app.errors import BadInput
from app.ogc.cql2.gate import MAX_DEPTH, too_deep

T = TypeVar("T")
#: Quotes that a keyboard or a text program sets in the place of the straight single one.
_OTHER_QUOTES = "‘’“”＇`「」"
HINT = "For example: kind = 'public' AND stalls >= 4 AND S_INTERSECTS(geom, BBOX(115.8,28.6,115.9,28.7))."

TokenKind = Literal["number", "text", "quoted", "name", "sign", "end"]
#: OGC 21-065r2 Annex B: names hold letters, digits, `_`, `:` and `.`; a quote within a text is doubled, or follows `\`.
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|'(?P<text>(?:''|\\'|[^'])*)'"
    r'|"(?P<quoted>(?:""|[^"])*)"'
    r"|(?P<name>[^\W\d][\w.:]*|:[\w.:]+)"
    r"|(?P<sign><=|>=|<>|!=|[-+*/%^(),=<>])"
    r"|(?P<end>$))"
)


class Token(NamedTuple):
    """A word: a name in the letters it was written in, a text without its quotes; `at` is its place from 0."""

    kind: TokenKind
    text: str
    at: int

    @property
    def word(self) -> str:
        """A name or sign as the language compares it; empty for literals."""
        return self.text.lower() if self.kind in {"name", "sign"} else ""


def cut(text: str) -> list[Token]:
    """The words of a filter, `end` the last of them.

    Raises:
        BadInput: Something stands there that is no word of the language, such as a quote that is not closed.
    """
    tokens: list[Token] = []
    place = depth = 0
    while not tokens or tokens[-1].kind != "end":
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise unexpected(text, place)
        kind: TokenKind = found.lastgroup  # type: ignore[assignment]
        tokens.append(Token(kind, _plain(kind, found[kind]), found.start(kind)))
        place = found.end()
        depth += {"(": 1, ")": -1}.get(tokens[-1].word, 0)
        if depth > MAX_DEPTH:
            raise too_deep()
    return tokens


def _plain(kind: TokenKind, text: str) -> str:
    if kind == "text":
        return text.replace("''", "'").replace("\\'", "'")
    return text.replace('""', '"') if kind == "quoted" else text


class Words:
    """The words of a filter and how far they are read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = cut(text)
        self._next = 0

    @property
    def token(self) -> Token:
        """The word that stands next."""
        return self._tokens[self._next]

    @property
    def ahead(self) -> str:
        """The name or sign after the next word, empty where there is none."""
        return self._tokens[self._next + 1].word if self.token.kind != "end" else ""

    def take(self) -> Token:
        """The next word, which is gone past; raises BadInput at the end."""
        if self.token.kind == "end":
            raise self.fail()
        self._next += 1
        return self._tokens[self._next - 1]

    def takes(self, word: str) -> bool:
        """Go past a name or sign if it stands next."""
        found = self.token.word == word
        self._next += found
        return found

    def expect(self, word: str) -> Token:
        """Go past a name, sign or kind of word that must stand next; raises BadInput where it does not."""
        token = self.token
        if word not in {token.word, token.kind}:
            raise self.fail()
        self._next += 1
        return token

    def list(self, read: Callable[[], T]) -> list[T]:
        """What `read` reads, by comma, between parentheses; raises BadInput."""
        self.expect("(")
        if self.takes(")"):
            return []
        items = [read()]
        while self.takes(","):
            items.append(read())
        self.expect(")")
        return items

    def fail(self, token: Token | None = None) -> BadInput:
        """The error for a word (by default the next one) that cannot stand where it does."""
        return unexpected(self._text, (token or self.token).at)


def unexpected(text: str, place: int) -> BadInput:
    """The error for a word that cannot stand where it does."""
    rest = text[place:].lstrip()
    if not rest:
        return BadInput(
            "The filter ends too early.", "Something is missing at its end, such as a value or a ')'."
        )
    at = len(text) - len(rest) + 1
    hint = "Texts stand in straight single quotes: 'public'." if rest[0] in _OTHER_QUOTES else HINT
    return BadInput(f"The filter cannot be read at character {at}: {rest[:30]!r}.", hint)


HINT = "For example: kind = 'public' AND stalls >= 4 AND S_INTERSECTS(geom, BBOX(115.8,28.6,115.9,28.7))."
