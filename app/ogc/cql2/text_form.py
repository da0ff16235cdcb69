"""Reads CQL2 text (OGC 21-065r2 Annex B) in one pass, in time proportional to its length.

It never tries a second reading of the same words: a grammar that does takes twice as long for each parenthesis around a
mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.errors import BadInput
from app.ogc.cql2.gate import MAX_DEPTH, too_deep
from app.ogc.cql2.literals import read_date, read_interval, read_timestamp
from app.ogc.cql2.tokens import Token, Words
from app.ogc.cql2.tree import Call, Instant, Items, Node, Property, Value
from app.ogc.cql2.wkt import find_type, read_bbox, read_wkt

#: How strongly an operator binds, weakest first.
_OR, _AND, _NOT, _COMPARE, _ADD, _TIMES, _POWER, _SIGN = range(1, 9)
_BINARY: Mapping[str, int] = {
    "or": _OR, "and": _AND, "=": _COMPARE, "<>": _COMPARE, "!=": _COMPARE, "<": _COMPARE, ">": _COMPARE,
    "<=": _COMPARE, ">=": _COMPARE, "+": _ADD, "-": _ADD, "*": _TIMES, "/": _TIMES, "%": _TIMES, "div": _TIMES,
    "^": _POWER,
}  # fmt: skip
#: Comparisons by a word; the first three may follow NOT.
_WORDS = ("like", "between", "in", "is")
#: Names that are literals where a parenthesis follows.
_INSTANTS: Mapping[str, Callable[[str], Instant]] = {"date": read_date, "timestamp": read_timestamp}
#: No column holds a number of more digits than these, and reading many takes long.
_MAX_DIGITS = 40


def read_text(text: str) -> Node:
    """The tree of a filter in CQL2 text; raises BadInput with the place of what cannot be read."""
    reader = _Reader(Words(text))
    tree = reader.expression(_OR)
    reader.words.expect("end")
    return tree


class _Reader:
    """Reads expressions by how strongly their operators bind, counting how deep they nest."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self._depth = 0

    def expression(self, least: int = _OR) -> Node:
        """What follows, as far as operators bind at least as strongly as `least`."""
        self._depth += 1
        # A level of the text is two of these: an operand, and the parenthesis in it.
        if self._depth > 2 * MAX_DEPTH:
            raise too_deep()
        left = self._prefixed()
        while (grown := self._grow(left, least)) is not None:
            left = grown
        self._depth -= 1
        return left

    def _grow(self, left: Node, least: int) -> Node | None:
        """`left` with the next operator and what belongs to it; None where none follows that binds."""
        word = self.words.token.word
        binds = _BINARY.get(word)
        if binds is None:
            return self._by_word(left) if least <= _COMPARE else None
        if binds < least:
            return None
        self.words.take()
        return _joined("<>" if word == "!=" else word, left, self.expression(binds + 1))

    def _by_word(self, left: Node) -> Node | None:
        """LIKE, BETWEEN, IN, IS NULL, each with its NOT."""
        negated = self.words.token.word == "not" and self.words.ahead in _WORDS[:-1]
        word = self.words.ahead if negated else self.words.token.word
        if word not in _WORDS:
            return None
        for _ in range(1 + negated):
            self.words.take()
        if word == "is":
            negated = self.words.takes("not")
            self.words.expect("null")
            found = Call("isnull", (left,))
        else:
            found = Call(word, (left, *self._compared(word)))
        return Call("not", (found,)) if negated else found

    def _compared(self, word: str) -> tuple[Node, ...]:
        if word == "in":
            return (Items(tuple(self.words.list(self.expression))),)
        first = self.expression(_ADD)
        if word == "like":
            return (first,)
        self.words.expect("and")
        return first, self.expression(_ADD)

    def _prefixed(self) -> Node:
        if self.words.takes("not"):
            return Call("not", (self.expression(_COMPARE),))
        if self.words.takes("-"):
            return _negative(self.expression(_SIGN))
        if self.words.takes("+"):
            return self.expression(_SIGN)
        return self._primary()

    def _primary(self) -> Node:
        if self.words.token.word == "(":
            items = self.words.list(self.expression)
            return items[0] if len(items) == 1 else Items(tuple(items))
        token = self.words.take()
        match token.kind:
            case "number":
                return Value(_number(token.text))
            case "text":
                return Value(token.text)
            case "quoted":
                return Property(token.text, quoted=True)
            case "name":
                return self._named(token)
        raise self.words.fail(token)

    def _named(self, token: Token) -> Node:
        name = token.word
        kind = find_type(self.words, name)
        if kind is not None:
            return read_wkt(self.words, kind)
        if self.words.token.word != "(":
            return _KEYWORDS[name] if name in _KEYWORDS else Property(token.text)
        if name in _INSTANTS:
            return _INSTANTS[name](self._one_text())
        if name == "interval":
            return self._interval()
        if name == "bbox":
            return read_bbox(self.words)
        return Call(name, tuple(self.words.list(self.expression)))

    def _one_text(self) -> str:
        self.words.expect("(")
        token = self.words.expect("text")
        self.words.expect(")")
        return token.text

    def _interval(self) -> Node:
        ends = [_end(item) for item in self.words.list(self.expression)]
        if len(ends) != 2:
            raise BadInput(
                f"An INTERVAL has two ends, not {len(ends)}.", "Write INTERVAL('2021-01-01', '..')."
            )
        return read_interval(ends[0], ends[1])


_KEYWORDS: Mapping[str, Value] = {"true": Value(True), "false": Value(False), "null": Value(None)}


def _end(item: Node) -> Node | str:
    return item.value if isinstance(item, Value) and isinstance(item.value, str) else item


def _joined(op: str, left: Node, right: Node) -> Node:
    """Two operands; a chain of AND or of OR is one node."""
    if op in {"and", "or"} and isinstance(left, Call) and left.op == op:
        return Call(op, (*left.args, right))
    return Call(op, (left, right))


def _number(text: str) -> int | float:
    return int(text) if text.isdigit() and len(text) <= _MAX_DIGITS else float(text)


def _negative(node: Node) -> Node:
    if isinstance(node, Value) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return Value(-node.value)
    return Call("*", (Value(-1), node))
