"""Reads a YAML declaration into plain values that still know their file, key and line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from app.catalogue.model import Title
from app.errors import BadDeclaration

Key: TypeAlias = tuple[str, ...]
MAX_DEPTH = 20
#: What errors call a policy that was sent: it stands in no file that its sender has.
SENT = "the policy"
#: No number of a declaration is larger; longer ones stay texts.
MOST = 1e15
MAX_DIGITS = 18
#: Longest number that may be one of many leading or trailing zeros.
MAX_WRITTEN = 400
_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_TAGS = frozenset(
    [
        "!",
        *(
            f"tag:yaml.org,2002:{kind}"
            for kind in "str int float bool null timestamp map seq value merge".split()
        ),
    ]
)
_INTEGER = re.compile(r"-?(0|[1-9]\d*)")
_NUMBER = re.compile(r"-?\d+\.\d+")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a declaration: `path` is its dotted key, `lines` the line of every key of the file."""

    file: str
    path: Key
    value: Any
    lines: Mapping[Key, int]

    def fail(self, problem: str, hint: str | None = None) -> BadDeclaration:
        """The error that names the file, the line and the key; the caller raises it."""
        line = self.lines.get(self.path)
        where = f"{self.file}:{line}" if line else self.file
        if line and self.file == SENT:
            where = f"line {line} of {SENT}"
        key = f", key '{'.'.join(self.path)}'" if self.path else ""
        return BadDeclaration(f"{where}{key}: {problem}.", hint)

    def child(self, key: str | int, value: Any) -> Entry:
        """The entry one step down."""
        return Entry(self.file, (*self.path, str(key)), value, self.lines)

    def nearest(self, *keys: str) -> Entry:
        """The entry down `keys`, or as far down as the file goes: a place to name for what does not stand there."""
        entry = self
        for key in keys:
            if (*entry.path, key) not in self.lines:
                break
            entry = entry.child(key, entry.value.get(key) if isinstance(entry.value, dict) else None)
        return entry

    def parent(self) -> Entry:
        """The place one step up, without its value."""
        return Entry(self.file, self.path[:-1], None, self.lines)

    def members(self) -> Iterator[tuple[str, Entry]]:
        """The members of a mapping, in file order."""
        if not isinstance(self.value, dict):
            raise self.fail(f"must be a mapping of keys to values, not {_kind(self.value)}")
        for key, value in self.value.items():
            yield key, self.child(key, value)

    def items(self) -> list[Entry]:
        """The items of a list."""
        if not isinstance(self.value, list):
            raise self.fail(f"must be a list, not {_kind(self.value)}")
        return [self.child(number, item) for number, item in enumerate(self.value)]

    def record(self, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Entry]:
        """The members of a mapping whose keys are declared: none unknown, none of `required` missing."""
        needed = tuple(required)
        found = dict(self.members())
        for key in found:
            self.child(key, None).one_of(key, (*needed, *optional), "key")
        missing = [key for key in needed if key not in found]
        if missing:
            raise self.fail(f"'{missing[0]}' is missing", f"Required keys: {', '.join(needed)}.")
        return found

    def one_of(self, name: Any, valid: Iterable[str], kind: str = "value") -> str:
        """`name` if it is one of `valid`; else the error whose hint lists them, nearest first."""
        names = list(valid)
        if isinstance(name, str) and name in names:
            return name
        near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
        guess = f"Did you mean {near[0]}? " if near else ""
        raise self.fail(f"unknown {kind} {_shown(name)}", f"{guess}Valid: {', '.join(names) or 'none'}.")

    def choice(self, valid: Iterable[str]) -> str:
        """The value, one of `valid`."""
        return self.one_of(self.value, valid)

    def text(self) -> str:
        """A text that is not empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.fail(
                f"must be a text, not {_kind(self.value)}", "Put it in quotes if it looks like a number."
            )
        return self.value

    def name(self) -> str:
        """A lower-case name: letters, digits and underscores."""
        if not _NAME.fullmatch(self.text()):
            raise self.fail(f"'{self.value}' is not a name", "Use a-z, 0-9 and _, beginning with a letter.")
        return self.text()

    def texts(self) -> tuple[str, ...]:
        """A list of texts, none twice."""
        found = tuple(item.text() for item in self.items())
        twice = {text for text in found if found.count(text) > 1}
        if twice:
            raise self.fail(f"'{min(twice)}' stands twice")
        return found

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self.fail(f"must be true or false, not {_kind(self.value)}")
        return self.value

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not low <= self.value <= high:
            raise self.fail(f"must be a whole number from {low} to {high}, not {_shown(self.value)}")
        return self.value

    def number(self, low: float = float("-inf"), high: float = MOST) -> float:
        """A number from `low` to `high`."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.fail(f"must be a number, not {_kind(self.value)}")
        if self.value < low:
            raise self.fail(f"must be at least {low:g}, not {self.value:g}")
        if self.value > high:
            raise self.fail(f"must be at most {high:g}, not {self.value:g}")
        return float(self.value)

    def color(self) -> str:
        """A colour #rrggbb, in lower case."""
        if not isinstance(self.value, str) or not _COLOR.fullmatch(self.value):
            raise self.fail(f"{_shown(self.value)} is not a colour", 'Write it as "#rrggbb", in quotes.')
        return self.value.lower()

    def title(self) -> Title:
        """A name in both languages; other keys are refused."""
        found = self.record(("zh", "en"))
        return Title(found["zh"].text(), found["en"].text())


def read_source(path: Path, text: str | None = None, *, within: Path | None = None) -> Entry:
    """The whole file as one entry. Booleans are only true/false, so that OSM's `no` stays a text.

    Errors name the file by its folder, and by the folder `within` which that lies; `Path(SENT)` with `text` is none.

    Raises BadDeclaration where the file cannot be read, is not YAML, repeats a key or uses anchors.
    """
    file = f"{within.name}/" if within else ""
    file += str(Path(path.parent.name, path.name))
    bare = Entry(file, (), None, {})
    try:
        return _Reading(bare, text if text is not None else path.read_text("utf-8")).whole()
    except (OSError, UnicodeDecodeError) as error:
        raise bare.fail(f"cannot be read ({type(error).__name__})", "The file must be UTF-8 text.") from error
    except yaml.YAMLError as error:
        raise bare.fail(f"is not valid YAML ({_first_line(error)})") from error


class _Reading:
    """One pass through the events of a file; a nesting that no declaration needs would end the process."""

    def __init__(self, bare: Entry, text: str) -> None:
        self._file = bare.file
        self._lines: dict[Key, int] = {}
        self._events = self._parsed(text)

    def _parsed(self, text: str) -> Iterator[Any]:
        depth = 0
        for event in yaml.parse(text, Loader=_LOADER):
            kind = event.__class__
            if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                depth += 1
                if depth > MAX_DEPTH:
                    raise Entry(self._file, (), None, {}).fail(f"is nested more than {MAX_DEPTH} levels deep")
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                depth -= 1
            yield event

    def whole(self) -> Entry:
        """The one document of the file."""
        self._next()  # the stream
        if isinstance(self._next(), yaml.StreamEndEvent):
            raise self._fail((), "is empty")
        value = self._value(self._next(), ())
        self._next()  # the end of the document
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise yaml.MarkedYAMLError(problem="a second document", problem_mark=after.start_mark)
        return Entry(self._file, (), value, self._lines)

    def _next(self) -> Any:
        return next(self._events)

    def _fail(self, path: Key, problem: str, hint: str | None = None) -> BadDeclaration:
        # Of a text that is no YAML at all that is said first.
        for _ in self._events:
            pass
        return Entry(self._file, path, None, self._lines).fail(problem, hint)

    def _value(self, event: Any, path: Key) -> Any:
        self._lines[path] = _line(event)
        kind = event.__class__
        if kind is yaml.AliasEvent:
            raise self._fail(path, "anchors and aliases are not used in declarations", "Write the value out.")
        if event.tag is not None and event.tag not in _TAGS:
            raise self._fail(path, f"has the YAML tag '{event.tag}'", "Values must be plain.")
        if kind is yaml.ScalarEvent:
            if "\0" in event.value:
                raise self._fail(path, "holds a character that no text may hold (NUL)")
            return _scalar(event.value, plain=not event.style)
        return (self._mapping if kind is yaml.MappingStartEvent else self._list)(path)

    def _list(self, path: Key) -> list[Any]:
        found: list[Any] = []
        while (event := self._next()).__class__ is not yaml.SequenceEndEvent:
            found.append(self._value(event, (*path, str(len(found)))))
        return found

    def _mapping(self, path: Key) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (key := self._next()).__class__ is not yaml.MappingEndEvent:
            if key.__class__ is not yaml.ScalarEvent:
                raise self._fail(path, "a key must be a text")
            below = (*path, key.value)
            value = self._value(self._next(), below)
            self._lines[below] = _line(key)
            if key.value in found:
                raise self._fail(below, "the key stands twice")
            found[key.value] = value
        return found


def _scalar(text: str, *, plain: bool) -> Any:
    if not plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > MAX_DIGITS:
        return float(text) if _NUMBER.fullmatch(text) and _keeps_all(text) else text
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _keeps_all(text: str) -> bool:
    """Whether a number holds every digit that is written; 0.0000000010000000000000003 does."""
    return len(text) < MAX_WRITTEN and format(Decimal(repr(float(text))), "f") == text


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _first_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", type(None): "nothing"}
    return names.get(type(value), _shown(value))


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else f"'{value}'"
