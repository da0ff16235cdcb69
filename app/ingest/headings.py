"""Which heading of a table is which field: by a saved mapping, else by the catalogue's names, titles and aliases.

Likeness never decides: it is told as a suggestion (`likeness`).
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member
from typing import Any

from app.catalogue.class_names import class_words, find_class
from app.catalogue.model import Catalogue, FeatureClass, Field
from app.catalogue.names import heading_key
from app.catalogue.units import UNIT_SUFFIXES
from app.errors import BadInput
from app.ingest.mapping import NAME, ColumnMapping, LayerMapping
from app.validation.units import Unit, conversion, find_unit, split_heading
from app.validation.values import normalise

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
#: Headings of the key where no other is: what an office calls its assets by.
ASSET_HEADINGS = ("asset_id", "asset_code", "资产编号", "资产编码", "资产代码")
#: Lengths and areas that ArcGIS makes of the geometry, in the units of its CRS: they are measured anew.
MADE_HEADINGS = frozenset(
    {"shapelength", "shapeleng", "shapelen", "shapearea", "shape.starea()", "shape.stlength()", "starea(shape)",
     "stlength(shape)"}
)  # fmt: skip
#: Headings that number rows: a key only where every row has its own.
ID_HEADINGS = ("id", "uuid", "guid", "gid", "fid", "objectid", "序号")
NAME_HEADINGS = ("name", "名字")
#: What is asked before a yes or no: 是否无障碍, 有无第三卫生间.
WHETHER = ("是否", "是否有", "有无", "是否为")
#: When something was built, where no field of the class bears these names itself.
BUILT = ("建成年份", "建成年代", "安装日期", "安装时间", "通车日期", "通车时间")
#: How far behind a field's own name (0), title (1) and alias (2) a heading counts that is put together of the words for
#: the class and the field (公厕等级), and one that is known without its unit.
COMPOSED, STEM = 3, 4
VALID_FROM = ("valid_from", "有效起始", "生效日期")
VALID_TO = ("valid_to", "有效截止", "失效日期")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What each heading means.

    `fields` heading → field, `key` the heading of the code, `key_field` the field that this heading names besides where
    no other does, `name` that of a name in an unknown language, `extra` that of our own export's extra attributes,
    `incomplete` that of its mark for lines cut off, `valid` those of the first day and of the end of the time in which
    a row was so, `rest` all others. `units` heading → the unit that it (or the mapping) gives its numbers, `rules`
    heading → what a mapping says of its values, `left` headings that are not kept.
    """

    fields: Mapping[str, Field]
    key: str | None
    key_field: Field | None
    name: str | None
    extra: str | None
    incomplete: str | None
    valid: tuple[str | None, str | None]
    rest: tuple[str, ...]
    units: Mapping[str, Unit] = member(default_factory=dict)
    rules: Mapping[str, ColumnMapping] = member(default_factory=dict)
    left: tuple[str, ...] = ()


def match_headings(
    headings: Iterable[str], cls: FeatureClass, key: str | None = None, mapping: LayerMapping | None = None
) -> Meaning:
    """The meaning of a table's headings for a class; `key` names the heading of the code, before that of `mapping`.

    Headings are compared in normal form (full width, case, spaces, `_` and `-` do not count). Where two headings mean
    the same field its own name counts before a title or alias, else the first; the other goes to the rest. A heading
    that is known once its unit is taken off ("长度(km)", "area_mu") comes after those that are known as they stand.
    What a mapping says comes before all of this.

    Raises:
        BadInput: There is no heading `key`, or none of those that the mapping names.
    """
    every = list(headings)
    said = _said(every, mapping)
    names = _own_headings(every, cls)
    code = _find_key(
        [h for h in names if h not in said], every, key or (mapping.key if mapping else None), cls
    )
    words = _field_words(cls)
    open_ = [h for h in names if h != code and h not in said]
    mapped = {h: cls.get_field(found.field) for h, found in said.items() if found and found.field != NAME}
    named, units = _match_fields(open_, words, {field.name for field in mapped.values()})
    fields = mapped | named
    meant = words[normalise(code)][1] if code is not None and normalise(code) in words else None
    key_field = None if meant in fields.values() else meant
    taken = {*fields, code, *said}
    name = next((h for h, found in said.items() if found and found.field == NAME), None) or next(
        (h for h in names if h not in taken and _is_name(h, cls) and _has_names(cls)), None
    )
    extra = next((h for h in names if h not in taken and _is(h, (EXTRA_HEADING,))), None)
    valid = (_find(every, taken, VALID_FROM), _find(every, taken, VALID_TO))
    taken = {*fields, code, name, extra, *valid}
    left = _left(names, said, mapping)
    rest = tuple(h for h in names if h not in taken and h not in left)
    cut = next((h for h in every if len(names) < len(every) and _is(h, ("incomplete",))), None)
    rules = {h: found for h, found in said.items() if found is not None and h in mapped}
    return Meaning(
        fields,
        code,
        key_field,
        name,
        extra,
        cut,
        valid,
        rest,
        units | _stated_units(rules, mapped),
        rules,
        left,
    )


def _said(headings: list[str], mapping: LayerMapping | None) -> dict[str, ColumnMapping | None]:
    """What a mapping says of the headings of this table."""
    said = {} if mapping is None else {_resolve(h, headings): found for h, found in mapping.columns.items()}
    return said | ({} if mapping is None else dict.fromkeys(_present(mapping.drop, headings)))


def _resolve(wanted: str, headings: list[str]) -> str:
    found = next(iter(_present((wanted,), headings)), None)
    if found is None:
        near = difflib.get_close_matches(wanted, headings, n=3, cutoff=0.5)
        guess = f"Did you mean {', '.join(near)}? " if near else ""
        raise BadInput(
            f"There is no column '{wanted}' in the file, which the mapping names.",
            f"{guess}Columns: {', '.join(headings[:50]) or 'none'}.",
        )
    return found


def _present(wanted: Iterable[str], headings: list[str]) -> list[str]:
    """Those of the headings wanted that the table has: exactly so, else in another case or width."""
    forms = {normalise(heading): heading for heading in reversed(headings)}
    known = (heading if heading in headings else forms.get(normalise(heading)) for heading in wanted)
    return [heading for heading in known if heading is not None]


def _left(
    names: list[str], said: Mapping[str, ColumnMapping | None], mapping: LayerMapping | None
) -> tuple[str, ...]:
    dropped = set() if mapping is None else set(_present(mapping.drop, names))
    made = {h for h in names if normalise(h) in MADE_HEADINGS and h not in said}
    return tuple(h for h in names if h in dropped or h in made)


def _stated_units(rules: Mapping[str, ColumnMapping], mapped: Mapping[str, Field]) -> dict[str, Unit]:
    """The units of columns that a mapping names: as it says, else as the heading does."""
    units: dict[str, Unit] = {}
    for heading, rule in rules.items():
        unit = find_unit(rule.unit) if rule.unit is not None else stated_unit(heading, mapped[heading])
        if unit is not None:
            units[heading] = unit
    return units


def stated_unit(heading: str, field: Field) -> Unit | None:
    """The unit of a field's numbers that a heading names, None where it names none."""
    fits = (unit for _, unit in split_heading(heading) if conversion(unit, field.unit) is not None)
    return next(fits, None) if field.type in {"number", "integer"} else None


def unit_notes(meaning: Meaning) -> list[dict[str, Any]]:
    """The headings whose numbers are changed to the unit of their field: for the report."""
    found = [
        (heading, meaning.fields[heading], unit, conversion(unit, meaning.fields[heading].unit))
        for heading, unit in meaning.units.items()
    ]
    return [
        {"heading": heading, "field": field.name, "from": unit.symbol, "to": field.unit, "factor": factor}
        for heading, field, unit, factor in found
        if factor not in {None, 1.0}
    ]


def _find(headings: list[str], taken: Collection[str | None], names: Iterable[str]) -> str | None:
    known = tuple(names)
    return next((h for h in headings if h not in taken and _is(h, known)), None)


def _match_fields(
    headings: list[str], words: dict[str, tuple[int, Field]], filled: Collection[str]
) -> tuple[dict[str, Field], dict[str, Unit]]:
    """Heading → field, each field once: its own name counts before a title, a title before an alias, a heading with a
    unit comes last; and heading → unit.
    """
    known: list[tuple[int, Field, str, Unit | None]] = [
        (*words[form], heading, None) for heading in headings if (form := normalise(heading)) in words
    ]
    whole = {heading for _, _, heading, _ in known}
    stems = words | {form: found for form, found in _stems(words).items() if form not in words}
    for heading in headings:
        found = next(_with_unit(heading, stems), None) if heading not in whole else None
        if found is not None:
            known.append((STEM, found[0], heading, found[1]))
    fields: dict[str, tuple[str, Field]] = {}
    units: dict[str, Unit] = {}
    for _, field, heading, unit in sorted(known, key=lambda item: item[0]):
        if field.name not in filled and fields.setdefault(field.name, (heading, field))[0] == heading:
            units |= {heading: unit} if unit is not None else {}
    return dict(fields.values()), units


def _with_unit(heading: str, words: Mapping[str, tuple[int, Field]]) -> Iterator[tuple[Field, Unit]]:
    """The fields that a heading names together with a unit of theirs."""
    for base, unit in split_heading(heading):
        _, field = words.get(normalise(base), (None, None))
        if field is not None and conversion(unit, field.unit) is not None:
            yield field, unit


def _stems(words: Mapping[str, tuple[int, Field]]) -> dict[str, tuple[int, Field]]:
    """The fields' names without their unit: only a heading that states its unit is known by one."""
    fields = {field.name: field for _, field in words.values()}.values()
    endings = ((field, UNIT_SUFFIXES.get(field.unit or "", "")) for field in fields)
    return {
        normalise(field.name.removesuffix(end)): (STEM, field)
        for field, end in endings
        if end and field.name.endswith(end)
    }


def _own_headings(headings: list[str], cls: FeatureClass) -> list[str]:
    """The headings, without those that the inventory makes itself where the file is one of our own exports."""
    forms = {normalise(heading) for heading in headings}
    if not forms.issuperset(OWN_MARKS):
        return headings
    own = {normalise(field.name) for field in cls.fields}
    return [h for h in headings if normalise(h) not in SYSTEM_HEADINGS or normalise(h) in own]


def _find_key(headings: list[str], every: list[str], key: str | None, cls: FeatureClass) -> str | None:
    """The heading of the code among `headings`; the one that is asked for may be any of the file's."""
    if key is not None:
        found = next(iter(_present((key,), every)), None)
        if found is None:
            raise BadInput(
                f"There is no column '{key}' in the file.", f"Columns: {', '.join(every) or 'none'}."
            )
        return found
    composed = [before + word for before in _called(cls) for word in CODE_HEADINGS if not before.isascii()]
    levels: tuple[Sequence[str], ...] = (CODE_HEADINGS, composed, ASSET_HEADINGS)
    return next((h for level in levels for h in headings if _is(h, level)), None)


def find_id(headings: Iterable[str]) -> str | None:
    """The heading that numbers the rows, if there is one."""
    return next((h for h in headings if _is(h, ID_HEADINGS)), None)


def _is(heading: str, names: Iterable[str]) -> bool:
    form = normalise(heading)
    return any(form == normalise(name) for name in names)


def _is_name(heading: str, cls: FeatureClass) -> bool:
    return _is(heading, NAME_HEADINGS) or normalise(heading) in _own_name_words(cls)


def _has_names(cls: FeatureClass) -> bool:
    return {"name_zh", "name_en"} <= {field.name for field in cls.fields}


def _field_words(cls: FeatureClass) -> dict[str, tuple[int, Field]]:
    """Every spelling of every field, normalised → (0 its name, 1 a title, 2 an alias, 3 put together; the field)."""
    words: dict[str, tuple[int, Field]] = {}
    spellings = [
        [(field.name, field) for field in cls.fields],
        [(title, field) for field in cls.fields for title in (field.title.zh, field.title.en)],
        [(alias, field) for field in cls.fields for alias in field.aliases],
    ]
    for rank, level in enumerate(spellings):
        for spelling, field in level:
            words.setdefault(normalise(spelling), (rank, field))
    # A name is one of two languages, unless the class has a field that is called so itself.
    words = {
        word: found
        for word, found in words.items()
        if normalise(found[1].name) == word or not _is(word, NAME_HEADINGS)
    }
    return {**_composed(words, cls), **words}


def _composed(words: Mapping[str, tuple[int, Field]], cls: FeatureClass) -> dict[str, tuple[int, Field]]:
    """What the class is called by before the words for a field, and what is asked before a yes or no.

    Chinese words alone: an English compound (PARKTYPE) as often says something else, and is suggested. A word that
    would name two fields so names neither.
    """
    found: dict[str, tuple[int, Field]] = {}
    twice = set(_own_name_words(cls))
    dated = next((field for _, field in words.values() if field.name == "built_on"), None)
    found |= {} if dated is None else dict.fromkeys(BUILT, (COMPOSED, dated))
    for word, (_, field) in words.items():
        for before in (*_called(cls), *(WHETHER if _takes_yes(field) else ())):
            if before.isascii() or word.isascii():
                continue
            made = before + word
            if found.setdefault(made, (COMPOSED, field))[1] is not field:
                twice.add(made)
    return {word: meant for word, meant in found.items() if word not in twice}


def _takes_yes(field: Field) -> bool:
    """Whether yes and no are values of a field."""
    return field.type == "boolean" or {"是", "否"} <= {word for c in field.choices for word in c.aliases}


def _called(cls: FeatureClass) -> tuple[str, ...]:
    """What the class is called by, in normal form; of English words in the plural also the singular."""
    names = {normalise(name) for name in (cls.id, cls.title.zh, cls.title.en, *cls.aliases)}
    return (*names, *(name[:-1] for name in names if name.isascii() and name.endswith("s")))


def _own_name_words(cls: FeatureClass) -> list[str]:
    """Headings of names in either language, put together with what the class is called by."""
    return [before + normalise(name) for before in _called(cls) for name in NAME_HEADINGS]


def choose_class(catalogue: Catalogue, class_id: str | None, names: Iterable[str]) -> FeatureClass | None:
    """The class by its id, title or alias: the one asked for, else the first of `names` (layer, file) that is one.

    Raises:
        NotFound: The class asked for does not exist; the hint lists the nearest.
    """
    if class_id is not None:
        return find_class(catalogue, class_id)
    words = class_words(catalogue)
    return next((words[form] for form in map(heading_key, names) if form in words), None)
