"""What the importer says, in Chinese and for callers over HTTP: a sentence is known by its English template."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from typing import Any

from app.catalogue.model import Lang
from app.words.coverage import COVERAGE
from app.words.edits import EDITS
from app.words.exports import EXPORTS
from app.words.field import FIELD
from app.words.files import FILES
from app.words.filters import FILTERS
from app.words.getting_in import GETTING_IN
from app.words.notes import NOTES
from app.words.options import BARE_STARTS, BARE_WORDS, COMMANDS, ON_PAGE, OPTIONS
from app.words.reading import READING
from app.words.requests import REQUESTS
from app.words.rows import ROWS

#: What is longer is no sentence of a template.
MAX_LENGTH = 4000
_PLACE = re.compile(r"\{(\w+)(!t|!m)?\}")
_BOUNDARY = re.compile(r"(?<=[.?]) (?=\S)")
_OPTION = re.compile(r"--([a-z][a-z-]*)(?: ([^\s,;。，；：`'\"]+?)(?=[.:?]?(?:[\s,;)。，；：）]|$)))?")
#: Sentences in a row that are taken apart at most.
MAX_SENTENCES = 12
#: Sentences within sentences that are looked into at most.
MAX_DEPTH = 24


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A template: `english` finds its sentences, `parts` are the names of its places and how each is said again.

    `piece` is what stands in all of its sentences.
    """

    english: re.Pattern[str]
    piece: str
    parts: Mapping[str, str]
    chinese: str

    def say(self, text: str, depth: int) -> str | None:
        """The Chinese of `text`, None where it is no sentence of this template; `depth` sentences hold this one."""
        # Most templates are ruled out by a piece of theirs, for a tenth of the time.
        found = self.english.fullmatch(text) if self.piece in text else None
        if found is None:
            return None
        said: dict[str, str] = {}
        for name, how in self.parts.items():
            part = found[name]
            again = _said(part, depth + 1) if how else part
            if again is None and how == "!t":
                return None
            said[name] = part if again is None else again
        return _PLACE.sub(lambda place: said[place[1]], self.chinese)


def _phrase(english: str, chinese: str) -> _Phrase:
    places = list(_PLACE.finditer(english))
    pattern = re.escape(english[: places[0].start()]) if places else re.escape(english)
    for place, after in zip(places, [*places[1:], None], strict=True):
        # A value at the beginning is a heading or a name: it does not reach over into a second clause.
        value = ".+?" if place.start() or place[2] else "(?:(?!; ).)+?"
        behind = re.escape(english[place.end() : after.start() if after else None])
        # What stands behind a value is found where it first stands, so that no text of a file is gone through for ever.
        found = f"(?P<{place[1]}>{value}){behind}"
        pattern += f"(?>{found})" if after else found
    parts = {place[1]: place[2] or "" for place in places}
    piece = max(_PLACE.sub("\0", english).split("\0"), key=len)
    return _Phrase(re.compile(pattern, re.DOTALL), piece, parts, chinese)


@cache
def _phrases() -> tuple[dict[str, str], dict[str, list[_Phrase]], list[_Phrase]]:
    """Sentences without places; templates by their first word, those with more fixed text first; and all others."""
    fixed: dict[str, str] = {}
    by_word: dict[str, list[_Phrase]] = {}
    loose: list[_Phrase] = []
    known = {
        **ROWS,
        **FILES,
        **READING,
        **NOTES,
        **EDITS,
        **FIELD,
        **GETTING_IN,
        **FILTERS,
        **REQUESTS,
        **EXPORTS,
        **COVERAGE,
    }
    for english in sorted(known, key=lambda text: -len(_PLACE.sub("", text))):
        start = _PLACE.split(english, maxsplit=1)[0]
        if start == english:
            fixed[english] = known[english]
        elif " " in start:
            by_word.setdefault(start.split(" ")[0], []).append(_phrase(english, known[english]))
        else:
            loose.append(_phrase(english, known[english]))
    return fixed, by_word, loose


def in_chinese(text: str) -> str | None:
    """A sentence, or several in a row, in Chinese; None where one of them is not known."""
    return _said(text, 0)


@lru_cache(maxsize=8192)
def _said(text: str, depth: int) -> str | None:
    if not text or len(text) > MAX_LENGTH or depth > MAX_DEPTH:
        return None
    fixed, _, _ = _phrases()
    if text in fixed:
        return fixed[text]
    for start, rest in _divided(text):
        first = _said(start, depth + 1)
        then = None if first is None else _said(rest, depth + 1)
        if first is not None and then is not None:
            return first + then
    return _whole(text, depth)


def _whole(text: str, depth: int) -> str | None:
    _, by_word, loose = _phrases()
    likely = [*by_word.get(text.split(" ", maxsplit=1)[0], ()), *loose]
    return next((said for phrase in likely if (said := phrase.say(text, depth)) is not None), None)


def _divided(text: str) -> Iterator[tuple[str, str]]:
    """The text cut in two at each end of a sentence: a value must not swallow the sentence behind it.

    A text of more sentences than are ever said in a row is one with such a value.
    """
    places = list(islice(_BOUNDARY.finditer(text), MAX_SENTENCES + 1))
    for place in places if len(places) <= MAX_SENTENCES else ():
        yield text[: place.start()], text[place.end() :]


def over_http(text: str) -> str:
    """A sentence that names options of `chengtu import` with the form's fields in their place: `allow_outside=true`."""
    for command, request in COMMANDS.items():
        text = text.replace(command, request)
    return _OPTION.sub(_field, text)


def _field(found: re.Match[str]) -> str:
    name, value = found[1], found[2]
    if name not in OPTIONS:
        return found[0]
    field, fixed = OPTIONS[name]
    if value is not None and not fixed and value not in BARE_WORDS and not value.startswith(BARE_STARTS):
        return f"{field}={value}"
    return (f"{field}{fixed}" if fixed else f"'{field}'") + found[0].removeprefix(f"--{name}")


def say(text: str | None, lang: Lang) -> str | None:
    """A sentence in the language of a page, in English where it has no Chinese, with the fields of HTTP."""
    if not text:
        return text
    return over_http((in_chinese(text) if lang == "zh" else None) or text)


def say_on_page(text: str | None, lang: Lang) -> str | None:
    """A sentence of an import as `say`, with what the page calls its choices in place of the fields of a form."""
    said = say(text, lang)
    for name, titles in ON_PAGE.items() if said else ():
        label = f"“{titles[lang == 'en']}”"
        said = re.sub(rf"(?<![\w'])'{name}'|(?<![\w']){name}=true\b", label, said or "")
        said = re.sub(rf"(?<![\w']){name}=", f"{label} ", said)
    return said


#: The sentences of an item of a report, and under which name their Chinese stands.
_SAID = {"reason": "reason_zh", "hint": "hint_zh", "error": "error_zh", "message": "message_zh"}


def told(item: Mapping[str, Any], *, http: bool) -> dict[str, Any]:
    """An item of a report, or an error, with the Chinese of its sentences; `http`: with the fields of a form."""
    said: dict[str, Any] = {}
    for name, value in item.items():
        said[name] = value
        if name in _SAID and isinstance(value, str) and value:
            said[name] = over_http(value) if http else value
            chinese = in_chinese(value)
            said[_SAID[name]] = over_http(chinese) if chinese and http else chinese
    return said


#: The lists of a report whose items have reasons.
LISTS = ("rejects", "warnings", "incomplete", "repaired", "conflicts", "skipped")


def told_report(report: Mapping[str, Any], *, http: bool) -> dict[str, Any]:
    """The report of one file, each reason and hint of its lists as `told`."""
    lists = {name: told_all(report[name], http=http) for name in LISTS if name in report}
    return {**told(report, http=http), **lists}


def told_all(items: Sequence[Mapping[str, Any]], *, http: bool) -> list[dict[str, Any]]:
    """Items of a report as `told`."""
    return [told(item, http=http) for item in items]
