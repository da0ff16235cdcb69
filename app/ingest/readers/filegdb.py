"""File geodatabases of ArcGIS: every feature class and table of the folder, codes as the words that they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from xml.parsers import expat

from app.ingest.files import SourceFile
from app.ingest.layer import MARKS, Ask, Layer
from app.ingest.readers.ogr import Driver, read_layers, staged
from app.lazy import lazy_module

pyogrio = lazy_module("pyogrio")

DRIVER = Driver("OpenFileGDB", ".gdb")
#: The table in which a geodatabase describes itself.
ITEMS = "GDB_Items"
#: Descriptions beyond this are not looked at: a feature class of 500 columns takes 200 kB.
MAX_CHARACTERS = 4_000_000
CODE = "{} (code)"
#: What describes a column of a table, and one of its subtypes.
_FIELDS = frozenset({"GPFieldInfoEx", "SubtypeFieldInfo"})
Words = Mapping[str, str]


@dataclass(slots=True)
class _Item:
    """What a description says: of a coded domain its `words` by code, of a table the domains of its columns.

    `by_subtype` column → the domains that it has in rows of some subtype of the table.
    """

    domain: str = ""
    words: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    by_subtype: dict[str, set[str]] = field(default_factory=dict)


def read(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """The feature classes and tables in chunks; rows are numbered by their OBJECTID.

    A column of a coded value domain holds the domain's descriptions; its codes stand beside it as `<name> (code)`.
    Our own exports keep their codes.

    Raises:
        UnreadableFile: The folder is no geodatabase that can be read, or holds no layer.
    """
    domains: Mapping[str, Mapping[str, tuple[str, Words]]] | None = None
    for layer in read_layers(file, ask, DRIVER):
        if domains is None:
            # After the first layer: that the file can be read is known by then.
            domains = _domains(file)
        own = (
            layer.columns.keys() >= MARKS
        )  # of a file of ours the codes are read, which mean the same in any language
        yield layer if own else _worded(layer, domains.get(layer.name, {}))


def _worded(layer: Layer, domains: Mapping[str, tuple[str, Words]]) -> Layer:
    columns: dict[str, list[Any]] = {}
    notes = []
    for name, values in layer.columns.items():
        domain, words = domains.get(name, ("", {}))
        columns[name] = (
            [None if value is None else words.get(_code(value), value) for value in values]
            if words
            else values
        )
        if words:
            kept = CODE.format(name)
            columns[kept] = values
            notes.append(
                f"'{name}' holds codes of the domain '{domain}': its words were read, '{kept}' has the codes"
            )
    return replace(layer, columns=columns, notes=(*layer.notes, *notes)) if notes else layer


def _code(value: Any) -> str:
    """A code as text, however the column holds it: 3, 3.0, "3"."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _domains(file: SourceFile) -> dict[str, dict[str, tuple[str, Words]]]:
    """Table → column → its coded domain, by name and words; empty where the geodatabase does not describe itself."""
    items = [(name, _parse(text)) for name, text in _descriptions(file)]
    words = {item.domain: item.words for _, item in items if item.words}
    return {
        name: {
            column: (domain, words[domain])
            for column, domain in item.columns.items()
            # Where rows of another subtype have another domain, a code is not the same word in all of them.
            if domain in words and item.by_subtype.get(column, set()) <= {domain}
        }
        for name, item in items
        if item.columns
    }


def _descriptions(file: SourceFile) -> list[tuple[str, str]]:
    with staged(file.path, DRIVER.suffix) as source:
        try:
            *_, (names, texts) = pyogrio.raw.read(
                source,
                layer=ITEMS,
                columns=["Name", "Definition"],
                read_geometry=False,
                LIST_ALL_TABLES="YES",
            )
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError):
            return []
    pairs = zip(names.tolist(), texts.tolist(), strict=True)
    return [(str(name), text) for name, text in pairs if isinstance(text, str) and len(text) < MAX_CHARACTERS]


def _parse(text: str) -> _Item:
    """A description (XML of ArcGIS); what is not well formed, or defines entities, says nothing."""
    found = _Item()
    said: dict[str, str] = {}
    path: list[str] = []

    def start(name: str, _: Mapping[str, str]) -> None:
        path.append(name)
        said[name] = ""
        if name in _FIELDS:
            said.pop("DomainName", None)

    def words(data: str) -> None:
        said[path[-1]] += data

    def end(name: str) -> None:
        path.pop()
        if name == "CodedValue":
            found.words[said.get("Code", "").strip()] = said.get("Name", "").strip()
        elif name == "GPFieldInfoEx" and said.get("DomainName"):
            found.columns[said.get("Name", "")] = said.pop("DomainName")
        elif name == "SubtypeFieldInfo":
            found.by_subtype.setdefault(said.get("FieldName", ""), set()).add(said.pop("DomainName", ""))
        elif name == "DomainName" and len(path) == 1:
            found.domain = said["DomainName"]

    def refuse(*_: Any) -> None:
        raise ValueError("a document type")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, words
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, ValueError):
        return _Item()
    return found
