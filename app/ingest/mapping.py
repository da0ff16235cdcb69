"""A saved mapping: what the columns of a file mean, in YAML that a person writes, edits and uses again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as member
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, get_args

from app.catalogue.model import Catalogue, FeatureClass
from app.catalogue.source import Entry, read_source
from app.errors import BadInput
from app.ingest.where import compile_where
from app.validation.units import conversion, find_unit
from app.validation.values import BadValue, converter

Unknown = Literal["reject", "extra"]
#: The target of a heading that holds names of either language.
NAME = "name"
#: The unit of dates that are a spreadsheet's serial days.
EXCEL_DAYS = "excel day"
#: What a heading may say of a row's place, where the layer has no geometry.
PLACES = ("lon", "lat", "east", "north", "text", "wkt", "wkb", "geojson")
OPTIONS = ("layer", "key", "crs", "encoding", "code_system", "source", "licence", "attribution", "where")
#: Options that may stand once above several layers.
SHARED = ("crs", "encoding", "code_system", "source", "licence", "attribution")
PARTS = ("columns", "drop", "constants", "places")
MAX_VALUE_WORDS = 2000


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What one column means: the field that it fills (`name`: the name in either language) and how to read its values.

    `unit` is that of numbers without one of their own; `values` raw value → value of the field (None: nothing; `*` all
    others); `unknown` says what becomes of values that the field does not take.
    """

    field: str
    unit: str | None = None
    values: Mapping[str, Any] = member(default_factory=dict)
    unknown: Unknown = "reject"


@dataclass(frozen=True, slots=True)
class LayerMapping:
    """How one layer is imported. `columns` heading → meaning, None where it shall fill no field; `drop` headings that
    are not kept at all; `constants` field → what every row gets that says nothing of it; `places` role → heading.
    """

    class_id: str
    layer: str | None = None
    key: str | None = None
    crs: str | None = None
    encoding: str | None = None
    code_system: str | None = None
    source: str | None = None
    licence: str | None = None
    attribution: str | None = None
    where: str | None = None
    columns: Mapping[str, ColumnMapping | None] = member(default_factory=dict)
    drop: tuple[str, ...] = ()
    constants: Mapping[str, Any] = member(default_factory=dict)
    places: Mapping[str, str] = member(default_factory=dict)

    def with_options(self, **options: str | None) -> LayerMapping:
        """The mapping with the options that were given with the import, which come before its own."""
        given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        return replace(self, **given)


@dataclass(frozen=True, slots=True)
class SavedMapping:
    """The mappings of a file's layers."""

    layers: tuple[LayerMapping, ...]

    @property
    def encoding(self) -> str | None:
        """The encoding of the file's text, which is needed before its layers are known."""
        return next((item.encoding for item in self.layers if item.encoding), None)

    def for_layer(self, name: str) -> LayerMapping | None:
        """The mapping whose layer has this name, else whose pattern it fits, else the one that names no layer."""
        folded = name.casefold()
        exact = [item for item in self.layers if item.layer is not None and item.layer.casefold() == folded]
        fits = [item for item in self.layers if item.layer and fnmatchcase(folded, item.layer.casefold())]
        return next(iter([*exact, *fits, *(item for item in self.layers if item.layer is None)]), None)

    def check_layers(self, names: Iterable[str], file: str) -> None:
        """Refuse a mapping that has nothing to say of any layer of a file: it would be passed over in silence.

        Raises BadInput.
        """
        given = list(names)
        if any(self.for_layer(name) is not None for name in given):
            return
        wanted = ", ".join(f"'{item.layer}'" for item in self.layers)
        raise BadInput(
            f"The mapping is for the layer {wanted}, which '{file}' does not have.",
            f"Layers of the file: {', '.join(given)}. Change or leave out 'layer' in the mapping.",
        )


def constant_values(mapping: LayerMapping, cls: FeatureClass) -> dict[str, Any]:
    """Field → the value that rows get which have none of it."""
    return {name: converter(cls.get_field(name))(value) for name, value in mapping.constants.items()}


def load_mapping(path: Path, catalogue: Catalogue) -> SavedMapping:
    """A mapping file, checked against the catalogue.

    Raises BadDeclaration, which names file, line, key and the valid values, where something in it cannot be used.
    """
    root = read_source(path)
    if not isinstance(root.value, dict) or "layers" not in root.value:
        return SavedMapping((_read_layer(root, catalogue, {}),))
    found = root.record(("layers",), SHARED)
    shared = {name: found[name].text() for name in SHARED if name in found}
    items = found["layers"].items()
    if not items:
        raise found["layers"].fail("must name at least one layer")
    layers = tuple(_read_layer(item, catalogue, shared) for item in items)
    _check_names(found["layers"], layers)
    return SavedMapping(layers)


def _check_names(entry: Entry, layers: tuple[LayerMapping, ...]) -> None:
    names = [item.layer.casefold() if item.layer is not None else None for item in layers]
    for name in set(names):
        if names.count(name) > 1:
            what = "have no 'layer'" if name is None else f"are for the layer '{name}'"
            raise entry.fail(f"two mappings {what}", "Give each the name of its own layer.")


def _read_layer(entry: Entry, catalogue: Catalogue, shared: Mapping[str, str]) -> LayerMapping:
    found = entry.record(("class",), (*OPTIONS, *PARTS))
    class_id = found["class"].one_of(found["class"].value, catalogue.classes, "class")
    cls = catalogue.classes[class_id]
    options = dict(shared) | {name: found[name].text() for name in OPTIONS if name in found}
    if "code_system" in found:
        found["code_system"].choice(catalogue.codes)
    if "where" in found:
        _check_where(found["where"])
    columns = _read_columns(found["columns"], cls) if _given(found, "columns") else {}
    drop = found["drop"].texts() if "drop" in found else ()
    for heading in drop:
        if columns.get(heading) is not None:
            raise found["drop"].fail(
                f"'{heading}' is dropped and fills a field", "It can only do one of both."
            )
    return LayerMapping(
        class_id,
        **options,
        columns=columns,
        drop=drop,
        constants=_read_constants(found["constants"], cls) if _given(found, "constants") else {},
        places=_read_places(found["places"]) if "places" in found else {},
    )


def _given(found: Mapping[str, Entry], key: str) -> bool:
    """Whether there is more below a key than comments."""
    return key in found and found[key].value is not None


def _check_where(entry: Entry) -> None:
    try:
        compile_where(entry.text())
    except BadInput as error:
        raise entry.fail(error.message.rstrip("."), error.hint) from error


def _read_columns(entry: Entry, cls: FeatureClass) -> dict[str, ColumnMapping | None]:
    columns: dict[str, ColumnMapping | None] = {}
    filled: dict[str, str] = {}
    for heading, item in entry.members():
        found = columns[heading] = _read_column(item, cls)
        if found is not None and filled.setdefault(found.field, heading) != heading:
            raise item.fail(f"the field '{found.field}' is filled from '{filled[found.field]}' already")
    return columns


def _read_column(entry: Entry, cls: FeatureClass) -> ColumnMapping | None:
    if entry.value is None:
        return None
    if not isinstance(entry.value, dict):
        return ColumnMapping(_read_field(entry, cls, named=True))
    found = entry.record(("field",), ("unit", "values", "unknown"))
    name = _read_field(found["field"], cls, named=True)
    unknown: Unknown = "reject"
    if "unknown" in found:
        unknown = "extra" if found["unknown"].choice(get_args(Unknown)) == "extra" else "reject"
    if name == NAME and ("values" in found or "unit" in found):
        raise entry.fail("a name has no unit and no values")
    unit = _read_unit(found["unit"], cls, name) if "unit" in found else None
    return ColumnMapping(name, unit, _read_values(found.get("values"), cls, name), unknown)


def _read_field(entry: Entry, cls: FeatureClass, *, named: bool = False) -> str:
    names = [item.name for item in cls.fields]
    both = named and {"name_zh", "name_en"} <= set(names)
    return entry.one_of(entry.value, [*([NAME] if both else []), *names], "field")


def _read_unit(entry: Entry, cls: FeatureClass, name: str) -> str:
    to, unit = cls.get_field(name), find_unit(entry.text())
    if unit is None:
        raise entry.fail(
            f"'{entry.value}' is not a unit that is known", "Such as m, km, ft, mu, ha, 万平方米."
        )
    if to.type == "date":
        if unit.symbol.casefold() != EXCEL_DAYS:
            raise entry.fail("a date has no unit", f"Only '{EXCEL_DAYS}', for a spreadsheet's serial days.")
    elif to.type not in {"number", "integer"} or conversion(unit, to.unit) is None:
        raise entry.fail(f"the unit '{entry.value}' does not fit", f"'{name}' is in {to.unit or 'no unit'}.")
    return entry.text()


def _read_values(entry: Entry | None, cls: FeatureClass, name: str) -> dict[str, Any]:
    if entry is None:
        return {}
    values = {}
    for word, item in entry.members():
        values[word] = item.value
        _check_value(item, cls, name)
    if len(values) > MAX_VALUE_WORDS:
        raise entry.fail(f"has more than {MAX_VALUE_WORDS} values")
    return values


def _check_value(entry: Entry, cls: FeatureClass, name: str) -> None:
    try:
        converter(cls.get_field(name))(entry.value)
    except BadValue as error:
        raise entry.fail(f"'{entry.value}' is no value of '{name}': {error.reason}", error.hint) from error


def _read_constants(entry: Entry, cls: FeatureClass) -> dict[str, Any]:
    constants = {}
    for name, item in entry.members():
        _read_field(Entry(item.file, item.path, name, item.lines), cls)
        _check_value(item, cls, name)
        if item.value is None:
            raise item.fail("must have a value")
        constants[name] = item.value
    return constants


def _read_places(entry: Entry) -> dict[str, str]:
    found = entry.record((), PLACES)
    _check_places(entry, found)
    return {role: item.text() for role, item in found.items()}


def _check_places(entry: Entry, roles: Iterable[str]) -> None:
    """Refuse roles that do not make a place together."""
    given = set(roles)
    pairs = ({"lon", "lat"}, {"east", "north"})
    if given not in (*pairs, *({role} for role in PLACES[4:])):
        hint = "Give lon and lat, or east and north, or one of " + ", ".join(PLACES[4:]) + "."
        raise entry.fail("the columns do not make a place together", hint)
