"""The words by which a feature is found, and what a question asks of them. Pure.

Chinese: pairs of neighbouring characters, and the last character of each run; one character is found as the beginning
of a pair. Latin letters and digits: words, the pinyin of a name from each of its syllables on, its initials from each
of them on; all found by how they begin. Tags, which no word can begin with, hold what else narrows a search:

    ^东湖#4 ^don#14  a name (Chinese, English, pinyin, initials) begins so and is so long
    :parks @360102  the class, an area around it
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import add

from app.inventory.search_pinyin import syllables

#: Raised when the rule by which words are made changes: entries made by another rule are made anew.
RULE = 1
HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_RUN = re.compile(rf"([{HAN}]+)|([^\W_{HAN}]+)")
_HAN = re.compile(rf"[{HAN}]")
#: Characters that are compared as they stand.
_PLAIN = re.compile(r"[\u4e00-\u9fff]+")
#: Letters of a name's pinyin or initials that are kept from each syllable on; of any other word; of a whole name.
PINYIN_LETTERS, WORD_LETTERS, KEY_LETTERS = 10, 30, 99
#: Terms of a question that are looked at, and characters of a Chinese one.
MAX_TERMS, MAX_HAN = 12, 30
#: Characters of a name that its tag holds.
BEGINNING = {True: 2, False: 3}
#: A name stands in `keys` between these, its words apart by blanks: what is sought in it names the ends it must have.
EDGE = "\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of a feature: `keys` are its names in order, `words` what it is found by, each once."""

    keys: str
    words: list[str]


@dataclass(frozen=True, slots=True)
class Question:
    """What a text asks for, as conditions on words (tsquery), and the name that would be its exact answer.

    `holds` leads to all that answers. `begins` leads to names that begin so and `exact` to those that are nothing else,
    both with others among them. `key` is the text as a name would be kept, `compact` the same without blanks, as pinyin
    and initials are.
    """

    holds: str
    begins: str
    exact: str
    key: str
    compact: str


def fold(text: str) -> str:
    """A text as it is compared: width, case and accents do not matter."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", "".join(mark for mark in apart if unicodedata.category(mark) != "Mn"))


def _runs(text: str) -> list[tuple[bool, str]]:
    """(Chinese?, run) of each run of Chinese characters, and of other letters and digits."""
    return [(bool(han), han or other) for han, other in _RUN.findall(fold(text))]


def key_of(text: str) -> str:
    """A name without punctuation, with a blank between two words of letters only; empty where nothing is left."""
    if _PLAIN.fullmatch(text):
        return text[:KEY_LETTERS]
    parts: list[str] = []
    before = True
    for han, run in _runs(text):
        if not han and not before:
            parts.append(" ")
        parts.append(run)
        before = han
    return "".join(parts)[:KEY_LETTERS]


def code_of(text: str) -> str:
    """A code as it is compared: letters and digits alone."""
    return "".join(run for _, run in _runs(text))[:KEY_LETTERS]


def entry(names: Iterable[str], others: Iterable[str], tags: Iterable[str]) -> Entry:
    """The entry of a feature from its names, its other texts (addresses), and tags that narrow a search."""
    chinese: set[str] = set()
    letters: set[str] = set()
    keys: dict[str, None] = {}
    for key in filter(None, map(key_of, names)):
        if key not in keys:
            keys[key] = None
            _add_words(key, chinese, letters)
            keys.update(dict.fromkeys(_spelt(key, letters)))
    for text in others:
        _add_words(key_of(text), chinese, letters)
    named = dict.fromkeys(map(_name_tag, keys))
    return Entry("".join([f"{EDGE} {key} {EDGE}" for key in keys]), [*chinese, *letters, *named, *tags])


def _add_words(key: str, chinese: set[str], letters: set[str]) -> None:
    for han, other in _RUN.findall(key):
        if han:
            chinese.update(_pairs(han))
            chinese.add(han[-1])
        else:
            letters.add(other[:WORD_LETTERS])


def _pairs(han: str) -> list[str]:
    return list(map(add, han, han[1:]))


def _spelt(key: str, letters: set[str]) -> Iterator[str]:
    """Pinyin and initials of a name with Chinese characters; what they are found by goes to `letters`."""
    if _PLAIN.fullmatch(key):
        parts = syllables(key)
    elif _HAN.search(key):
        parts = [part for han, run in _RUN.findall(key) for part in (syllables(han) if han else [run])]
    else:
        return
    initials = "".join([part if part[0].isdigit() else part[0] for part in parts])
    pinyin = "".join(parts)
    start = 0
    for part in parts:
        letters.add(pinyin[start : start + PINYIN_LETTERS])
        start += len(part)
    letters.update([initials[place : place + PINYIN_LETTERS] for place in range(len(initials) - 1)])
    yield pinyin[:KEY_LETTERS]
    if len(initials) > 1:
        yield initials[:KEY_LETTERS]


def _name_tag(key: str) -> str:
    # Nearly all that is no Chinese is plain Latin, which is seen at once.
    han = not key[0].isascii() and _HAN.match(key) is not None
    return f"^{key[: BEGINNING[han]]}#{len(key)}"


def class_tag(class_id: str) -> str:
    """The tag of a class."""
    return f":{class_id}"


def area_tag(code: str) -> str:
    """The tag of all features at home in the area with this code."""
    return f"@{code[:200]}"


def question(text: str, tags: Sequence[str] = ()) -> Question | None:
    """What a text asks for, narrowed by tags; None where it holds neither letter nor digit."""
    runs = _runs(text)[:MAX_TERMS]
    if not runs:
        return None
    key = key_of(text)
    compact = key.replace(" ", "")
    narrowed = list(map(lexeme, tags))
    chinese = [_term(run) for han, run in runs if han]
    holds = " & ".join([*chinese, *(_latin_term(run) for han, run in runs if not han), *narrowed])
    begins = " & ".join([_begin(*runs[0], key), *chinese, *narrowed])
    same = " | ".join(dict.fromkeys(lexeme(_name_tag(form)) for form in (key, compact)))
    return Question(holds, begins, " & ".join([f"({same})", *chinese, *narrowed]), key, compact)


def _term(han: str) -> str:
    if len(han) == 1:
        return f"{lexeme(han)}:*"
    return " & ".join(map(lexeme, dict.fromkeys(_pairs(han[:MAX_HAN]))))


def _latin_term(word: str) -> str:
    whole = f"{lexeme(word[:WORD_LETTERS])}:*"
    # The pinyin of a long text is kept as far as its first letters.
    return whole if len(word) <= PINYIN_LETTERS else f"({whole} | {lexeme(word[:PINYIN_LETTERS])})"


def _begin(han: bool, run: str, key: str) -> str:
    start = key[: BEGINNING[True]] if han else run[: BEGINNING[False]]
    return f"{lexeme(f'^{start}')}:*"


def lexeme(word: str) -> str:
    """A word as tsvector and tsquery name it, whatever it holds."""
    inside = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{inside}'"
