"""What a heading or a file's name may mean that nothing is named like: suggestions with a likeness, never decisions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from app.catalogue.model import Catalogue, FeatureClass, Field, Title
from app.catalogue.units import UNIT_SUFFIXES
from app.ingest.headings import CODE_HEADINGS, ID_HEADINGS, NAME_HEADINGS, Meaning
from app.ingest.mapping import NAME
from app.inventory.search_pinyin import syllables
from app.validation.units import split_heading
from app.validation.values import normalise

#: What is less like is not worth a look.
LEAST = 0.6
#: Likeness of headings that a Shapefile cut off after 10 bytes, of initials, and of words all of which are there.
CUT, SPELLED, INITIALS, SAME_WORDS = 0.95, 0.95, 0.85, 0.9
#: English texts with fewer characters in common are alike by chance.
LEAST_ALIKE = 0.75
#: Headings that often name the kind, but as often something else: too wide for an alias.
KIND_WORDS = ("kind", "type", "class", "classification", "category", "类型", "类别", "分类", "种类", "性质")
FIELD_BYTES = 10
MAX_HEADINGS = 200
MAX_CHARACTERS = 60
#: Letters that two words must begin with alike to be one.
MIN_STEM = 4
CODE = "code"
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[\u3400-\u9fff]+")
_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_TITLES = {CODE: Title("编码", "Code"), NAME: Title("名称", "Name")}


def suggest_fields(meaning: Meaning, cls: FeatureClass, layer: str) -> list[dict[str, Any]]:
    """For headings that no field took, the field that each is likest to, the likest first.

    Each is `{layer, heading, field, title, likeness}`, likeness from 0.6 to 1; a field that is filled already is not
    suggested, and each field once. The field `code` stands for the key, `name` for a name in either language.
    """
    targets = _open_targets(meaning, cls)
    own = (cls.id, cls.title.en, cls.title.zh, *cls.aliases)
    headings = [h for h in meaning.rest if len(h) <= MAX_CHARACTERS][:MAX_HEADINGS]
    scored = sorted(
        (
            (max(_likeness(heading, text, own) for text in texts), heading, name)
            for heading in headings
            for name, (_, texts) in targets.items()
        ),
        key=lambda item: -item[0],
    )
    found: dict[str, dict[str, Any]] = {}
    used: set[str] = set()
    for likeness, heading, name in scored:
        if likeness >= LEAST and heading not in found and name not in used:
            used.add(name)
            title = targets[name][0]
            found[heading] = {
                "layer": layer, "heading": heading, "field": name, "title": f"{title.en} {title.zh}",
                "likeness": round(likeness, 2),
            }  # fmt: skip
    return list(found.values())


def suggest_classes(
    catalogue: Catalogue, names: Iterable[str], *, least: float = LEAST, most: int = 3
) -> list[tuple[str, float]]:
    """The classes that the names of a layer and its file are likest to, with their likeness from `least` to 1."""
    given = [name[:MAX_CHARACTERS] for name in names]
    scored = [
        (cls.id, round(max(_class_likeness(name, cls) for name in given), 2))
        for cls in catalogue.classes.values()
        if given
    ]
    return sorted((item for item in scored if item[1] >= least), key=lambda item: -item[1])[:most]


def _class_likeness(name: str, cls: FeatureClass) -> float:
    texts = [cls.id.replace("_", " "), cls.title.en, cls.title.zh, *cls.aliases]
    words = _words(name)
    return max(
        SAME_WORDS if _holds(words, name, text) else _alike(normalise(name), normalise(text))
        for text in texts
    )


def _holds(words: tuple[str, ...], name: str, text: str) -> bool:
    """Whether a name holds all words of a text, one after the other ("Public_Toilets_in_the_ACT", "武昌区公厕")."""
    if _CHINESE.search(text):
        return len(text) > 1 and normalise(text) in normalise(name)
    sought = _words(text)
    starts = range(len(words) - len(sought) + 1)
    return any(words[start : start + len(sought)] == sought for start in starts)


def _open_targets(meaning: Meaning, cls: FeatureClass) -> dict[str, tuple[Title, list[str]]]:
    """What is not filled yet: name → its title and all its spellings."""
    filled = {field.name for field in meaning.fields.values()}
    fields = {
        field.name: (field.title, list(_spellings(field))) for field in cls.fields if field.name not in filled
    }
    targets: dict[str, tuple[Title, list[str]]] = {}
    if meaning.name is None and {"name_zh", "name_en"} <= fields.keys():
        targets[NAME] = (_TITLES[NAME], [*NAME_HEADINGS, "名称"])
    if meaning.key is None:
        targets[CODE] = (_TITLES[CODE], [*CODE_HEADINGS, *ID_HEADINGS])
    return targets | fields


def _spellings(field: Field) -> Iterator[str]:
    yield from (field.name, field.title.zh, field.title.en, *field.aliases)
    yield from KIND_WORDS if field.name == "kind" else ()
    end = UNIT_SUFFIXES.get(field.unit or "", "")
    if end and field.name.endswith(end):
        yield field.name.removesuffix(end)


def _likeness(heading: str, text: str, own: tuple[str, ...]) -> float:
    """From 0 to 1; what the class is called by (`own`) says nothing more of its fields (ParkName, 公园名称, GYMC)."""
    bare = next((base for base, _ in split_heading(heading)), heading)
    first, second = normalise(bare), normalise(text)
    if first == second:
        return 1.0
    if _is_cut(heading) and len(second) > len(normalise(heading)) and second.startswith(normalise(heading)):
        return CUT
    if any(first == normalise(name + text) for name in own):
        return SAME_WORDS
    spelled = max(_spelled(first, text), *(_spelled(first, name + text) for name in own))
    return max(spelled, _word_likeness(_words(bare), _words(text), own), _alike(first, second))


def _is_cut(heading: str) -> bool:
    """Whether a Shapefile may have cut the heading off: names of 10 bytes, of Chinese in UTF-8 three characters."""
    sizes = {len(heading.encode("utf-8", "replace")), len(heading.encode("gb18030", "replace"))}
    return FIELD_BYTES in sizes or (not heading.isascii() and FIELD_BYTES - 1 in sizes)


def _alike(first: str, second: str) -> float:
    """Edits: twice the characters in common over all; short words are alike by chance."""
    ascii_ = first.isascii()
    least = LEAST_ALIKE if ascii_ else LEAST
    if min(len(first), len(second)) < (MIN_STEM if ascii_ else 2):
        return 0.0
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    if matcher.real_quick_ratio() < least or matcher.quick_ratio() < least:
        return 0.0
    ratio = matcher.ratio()
    return ratio if ratio >= least else 0.0


def _word_likeness(first: tuple[str, ...], second: tuple[str, ...], own: tuple[str, ...]) -> float:
    """The words in common, over all; without those that the class itself is called by.

    A field of which a word is missing is less likely (`area` for the green area) than one with all of them.
    """
    called = {word for name in own for word in _words(name)}
    bare = [word for word in first if word not in called] or list(first)
    if bare == list(second):
        return SAME_WORDS
    common = sum(any(_same_word(word, other) for other in second) for word in set(bare))
    share = 2 * common / (len(set(bare)) + len(set(second)))
    whole = all(any(_same_word(word, other) for word in bare) for other in second)
    return min(SAME_WORDS, SAME_WORDS * share if whole else SAME_WORDS**2 * share) if second else 0.0


def _same_word(first: str, second: str) -> bool:
    """Owner and ownership are one word, as are statu and status."""
    short, long = sorted((first, second), key=len)
    return short == long or (len(short) >= MIN_STEM and short.isascii() and long.startswith(short))


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    """The words of a text: by blanks, `_` and capitals, in lower case, without the s of a plural."""
    words: Iterator[str] = (word.lower() for word in _WORD.findall(unicodedata.normalize("NFKC", text)))
    return tuple(word[:-1] if len(word) >= MIN_STEM and re.search("[^s]s$", word) else word for word in words)


def _spelled(heading: str, text: str) -> float:
    """Letters that are a Chinese text's pinyin ("gongcemingcheng") or its initials ("GCMC")."""
    if not (heading.isascii() and heading.isalpha() and len(heading) > 1 and _CHINESE.fullmatch(text)):
        return 0.0
    whole, initials = _pinyin(text)
    if heading == whole or (len(heading) == FIELD_BYTES and whole.startswith(heading)):
        return SPELLED
    return INITIALS if heading == initials else 0.0


@lru_cache(maxsize=16_384)
def _pinyin(text: str) -> tuple[str, str]:
    read = syllables(text)
    return "".join(read), "".join(syllable[0] for syllable in read)
