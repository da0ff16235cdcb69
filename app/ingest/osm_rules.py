"""Which classes an OSM object belongs to, and what its tags say: the catalogue's OSM rules, indexed by tag key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from app.catalogue.model import FeatureClass, Field, OsmRule
from app.validation.values import BadValue, clean_text, converter, plain

ANY = "*"
#: Values of a tag whose meaning is remembered.
CACHED_VALUES = 4096


@dataclass(frozen=True, slots=True)
class _Entry:
    order: int
    cls: FeatureClass
    rule: OsmRule
    values: frozenset[str]


class OsmRules:
    """The rules of some classes; `keys` are the tag keys without which no object can match."""

    def __init__(self, classes: Sequence[FeatureClass]) -> None:
        self._index: dict[str, list[_Entry]] = {}
        for cls in classes:
            for order, rule in enumerate(cls.osm):
                key = next(iter(rule.tags))
                entry = _Entry(order, cls, rule, frozenset(rule.tags[key]))
                self._index.setdefault(key, []).append(entry)
        self.keys = tuple(sorted(self._index))

    def match(self, tags: Mapping[str, str]) -> list[tuple[FeatureClass, OsmRule]]:
        """Each class that takes an object with these tags, with the first of its rules that does."""
        best: dict[str, _Entry] = {}
        for key, value in tags.items():
            for entry in self._index.get(key, ()):
                if _has(value, entry.values) and _holds(entry.rule, tags):
                    known = best.get(entry.cls.id)
                    if known is None or entry.order < known.order:
                        best[entry.cls.id] = entry
        return [(entry.cls, entry.rule) for entry in best.values()]


def _has(value: str, wanted: Sequence[str] | frozenset[str]) -> bool:
    return value in wanted or ANY in wanted


def _holds(rule: OsmRule, tags: Mapping[str, str]) -> bool:
    if any(key in tags and _has(tags[key], values) for key, values in rule.unless.items()):
        return False
    return all(key in tags and _has(tags[key], values) for key, values in rule.tags.items())


class OsmFields:
    """Reads the fields of one class from tags: tags first, in the field's order, then what the rule implies."""

    def __init__(self, cls: FeatureClass) -> None:
        implied = {name for rule in cls.osm for name in rule.set}
        # Only what OSM can know is written: a field that people fill in stays when the extract is loaded again.
        implied |= {"name_zh", "name_en"}
        self.names = [f.name for f in cls.fields if f.osm or f.required or f.name in implied]
        self._defaults = {f.name: f.default for f in cls.fields if f.default is not None}
        self._readers = [(field.name, _tag_reader(field)) for field in cls.fields if field.osm]
        self._converters = {field.name: converter(field) for field in cls.fields}

    def read(self, tags: Mapping[str, str], rule: OsmRule) -> tuple[dict[str, Any], dict[str, Any]]:
        """Field → value (only those known), and the tags that no field took."""
        values: dict[str, Any] = {}
        taken: set[str] = set()
        for name, reader in self._readers:
            found = reader(tags)
            if found is not None:
                values[name] = found[0]
                taken.add(found[1])
        for name, implied in rule.set.items():
            if name not in values and name in self._converters:
                values[name] = self._converters[name](implied)
        self._place_name(tags, values, taken)
        values = {**self._defaults, **values}
        return values, {key: plain(value) for key, value in tags.items() if key not in taken}

    def _place_name(self, tags: Mapping[str, str], values: dict[str, Any], taken: set[str]) -> None:
        # `name` is in the language of the place: it is Chinese only where it has Chinese characters.
        if "name" in tags and "name_zh" in self._converters and "name_en" in self._converters:
            field = "name_zh" if has_chinese(tags["name"]) else "name_en"
            if values.setdefault(field, clean_text(tags["name"])) == clean_text(tags["name"]):
                taken.add("name")


def has_chinese(text: str) -> bool:
    """True where the text has a Chinese character and no Japanese kana or Korean syllable."""
    if any("\u3040" <= c <= "\u30ff" or "\uac00" <= c <= "\ud7af" for c in text):
        return False
    return any("\u3400" <= c <= "\u9fff" or "\U00020000" <= c <= "\U0003ffff" for c in text)


def _tag_reader(field: Field) -> Callable[[Mapping[str, str]], tuple[Any, str] | None]:
    """Tags → (value, the tag it came from), None where no tag holds a value that the field can take."""
    # Tags have few values, and saying of a wrong one what would be right takes longer than all else.
    convert = lru_cache(CACHED_VALUES)(partial(_convert, field, converter(field)))
    keys = tuple(key for key in field.osm if key != "name" or not field.name.startswith("name_"))

    def read(tags: Mapping[str, str]) -> tuple[Any, str] | None:
        for key in keys:
            if key in tags:
                value = convert(tags[key])
                if value is not None:
                    return value, key
        return None

    return read


def _convert(field: Field, convert: Callable[[Any], Any], raw: str) -> Any:
    """The field's value for a tag's value; None where the two do not fit (the tag is then kept in `extra`)."""
    for part in (raw, raw.split(";", maxsplit=1)[0].strip()):
        mapped = field.osm_values.get(part, field.osm_values.get(ANY, part))
        try:
            value = convert(mapped)
        except BadValue:
            continue
        if value is not None:
            return value
    return None
