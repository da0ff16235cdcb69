"""Which heading of a table is which field: by the catalogue's names, titles and aliases, never by likeness."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from app.catalogue.model import Catalogue, FeatureClass, Field
from app.errors import BadInput, unknown
from app.ingest.values import normalise

#: Headings whose values our own exports carry beside the fields; they are made anew at each write.
SYSTEM_HEADINGS = frozenset(
    normalise(name)
    for name in (
        "id", "area_path", "areas_touched", "crosses_border", "min_zoom", "length_m", "area_m2", "size_flag",
        "incomplete", "valid", "valid_from", "valid_to", "change_id", "until_change", "import_id",
    )
)  # fmt: skip
#: Headings that only our own exports bear together.
OWN_MARKS = frozenset({"areapath", "changeid"})
EXTRA_HEADING = "extra"
#: Headings of the key where the class names none: the official code, in both languages.
CODE_HEADINGS = (
    "code",
    "编码",
    "编号",
    "代码",
    "标识码",
    "唯一编码",
    "唯一标识",
    "设施编号",
    "设施编码",
    "部件编码",
)
#: Headings that number rows: a key only where every row has its own.
ID_HEADINGS = ("id", "uuid", "guid", "gid", "fid", "objectid", "序号")
NAME_HEADINGS = ("name", "名字")
VALID_FROM = ("valid_from", "有效起始", "生效日期")
VALID_TO = ("valid_to", "有效截止", "失效日期")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What each heading means.

    `fields` heading → field, `key` the heading of the code, `key_field` the field that this heading names besides where
    no other does, `name` that of a name in an unknown language, `extra` that of our own export's extra attributes,
    `incomplete` that of its mark for lines cut off, `valid` those of the first day and of the end of the time in which
    a row was so, `rest` all others.
    """

    fields: Mapping[str, Field]
    key: str | None
    key_field: Field | None
    name: str | None
    extra: str | None
    incomplete: str | None
    valid: tuple[str | None, str | None]
    rest: tuple[str, ...]


def match_headings(headings: Iterable[str], cls: FeatureClass, key: str | None = None) -> Meaning:
    """The meaning of a table's headings for a class; `key` names the heading of the code.

    Headings are compared in normal form (full width, case, spaces, `_` and `-` do not count). Where two headings mean
    the same field its own name counts before a title or alias, else the first; the other goes to the rest.

    Raises:
        BadInput: There is no heading `key`.
    """
    every = list(headings)
    names = _own_headings(every, cls)
    code = _find_key(names, key)
    words = _field_words(cls)
    fields = _match_fields([h for h in names if h != code], words)
    meant = words[normalise(code)][1] if code is not None and normalise(code) in words else None
    key_field = None if meant in fields.values() else meant
    taken = {*fields, code}
    name = next((h for h in names if h not in taken and _is(h, NAME_HEADINGS) and _has_names(cls)), None)
    extra = next((h for h in names if h not in taken and _is(h, (EXTRA_HEADING,))), None)
    valid = (_find(every, taken, VALID_FROM), _find(every, taken, VALID_TO))
    taken |= {name, extra, *valid}
    rest = tuple(h for h in names if h not in taken)
    cut = next((h for h in every if len(names) < len(every) and _is(h, ("incomplete",))), None)
    return Meaning(fields, code, key_field, name, extra, cut, valid, rest)


def _find(headings: list[str], taken: Collection[str | None], names: Iterable[str]) -> str | None:
    known = tuple(names)
    return next((h for h in headings if h not in taken and _is(h, known)), None)


def _match_fields(headings: list[str], words: dict[str, tuple[int, Field]]) -> dict[str, Field]:
    """Heading → field, each field once: its own name counts before a title, a title before an alias."""
    known = [(*words[form], heading) for heading in headings if (form := normalise(heading)) in words]
    fields: dict[str, tuple[str, Field]] = {}
    for _, field, heading in sorted(known, key=lambda item: item[0]):
        fields.setdefault(field.name, (heading, field))
    return dict(fields.values())


def _own_headings(headings: list[str], cls: FeatureClass) -> list[str]:
    """The headings, without those that the inventory makes itself where the file is one of our own exports."""
    forms = {normalise(heading) for heading in headings}
    if not forms.issuperset(OWN_MARKS):
        return headings
    own = {normalise(field.name) for field in cls.fields}
    return [h for h in headings if normalise(h) not in SYSTEM_HEADINGS or normalise(h) in own]


def _find_key(headings: list[str], key: str | None) -> str | None:
    if key is not None:
        found = next((h for h in headings if h == key), None) or next(
            (h for h in headings if _is(h, (key,))), None
        )
        if found is None:
            raise BadInput(
                f"There is no column '{key}' in the file.", f"Columns: {', '.join(headings) or 'none'}."
            )
        return found
    return next((h for h in headings if _is(h, CODE_HEADINGS)), None)


def find_id(headings: Iterable[str]) -> str | None:
    """The heading that numbers the rows, if there is one."""
    return next((h for h in headings if _is(h, ID_HEADINGS)), None)


def _is(heading: str, names: Iterable[str]) -> bool:
    form = normalise(heading)
    return any(form == normalise(name) for name in names)


def _has_names(cls: FeatureClass) -> bool:
    return {"name_zh", "name_en"} <= {field.name for field in cls.fields}


def _field_words(cls: FeatureClass) -> dict[str, tuple[int, Field]]:
    """Every spelling of every field, normalised → (0 its name, 1 a title, 2 an alias; the field)."""
    words: dict[str, tuple[int, Field]] = {}
    spellings = [
        [(field.name, field) for field in cls.fields],
        [(title, field) for field in cls.fields for title in (field.title.zh, field.title.en)],
        [(alias, field) for field in cls.fields for alias in field.aliases],
    ]
    for rank, level in enumerate(spellings):
        for spelling, field in level:
            words.setdefault(normalise(spelling), (rank, field))
    return {word: found for word, found in words.items() if not _is(word, NAME_HEADINGS)}


def choose_class(catalogue: Catalogue, class_id: str | None, names: Iterable[str]) -> FeatureClass | None:
    """The class by its id, title or alias: the one asked for, else the first of `names` (layer, file) that is one.

    Raises:
        NotFound: The class asked for does not exist; the hint lists the nearest.
    """
    words = _class_words(catalogue)
    if class_id is not None:
        found = words.get(normalise(class_id))
        if found is None:
            raise unknown("class", class_id, catalogue.classes)
        return found
    return next((words[form] for form in map(normalise, names) if form in words), None)


def _class_words(catalogue: Catalogue) -> dict[str, FeatureClass]:
    words: dict[str, FeatureClass] = {}
    for cls in catalogue.classes.values():
        words.setdefault(normalise(cls.id), cls)
    for cls in catalogue.classes.values():
        for spelling in (cls.title.zh, cls.title.en, *cls.aliases):
            words.setdefault(normalise(spelling), cls)
    return words
