"""A city's own classes and fields: what the folder of CHENGTU_LOCAL adds to the classes that the program brings.

`classes/<id>.yaml` declares a class of the city, in the same form as a built-in one; `fields/<class>.yaml` declares
fields that the city adds to a built-in class. Such a field is stored and served as `x_<name>`.
`sensitivity/<class>.yaml` says otherwise who may see a built-in class, its fields and its rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from app.catalogue.classes import FieldSources, check_names, check_rule_name, read_class, read_fields
from app.catalogue.fields import build_field
from app.catalogue.model import CodeSystem, FeatureClass, Field
from app.catalogue.sensitivity import amended
from app.catalogue.source import Entry, read_source
from app.errors import BadDeclaration

#: What an own field of a built-in class begins with, so that no later built-in field can meet it.
PREFIX = "x_"
#: The folder of what the city says of who may see built-in classes.
SENSITIVITY = "sensitivity"
FOLDERS = ("classes", "fields", "policies", SENSITIVITY)
#: The folders whose files decide what the tables are and who may read them.
OF_TABLES = ("classes", "fields", SENSITIVITY)


def add_local(
    classes: Mapping[str, FeatureClass], folder: Path, shared: FieldSources, codes: Mapping[str, CodeSystem]
) -> dict[str, FeatureClass]:
    """`classes` with the fields and classes that `folder` declares; its classes lie in the schema `local`.

    Raises:
        BadDeclaration: The folder is not there, or a file contradicts itself or a built-in class.
    """
    check_folder(folder)
    grown = dict(classes)
    for path in list_local(folder, "fields"):
        entry = read_source(path, within=folder)
        entry.one_of(path.stem, sorted(classes), "class")
        grown[path.stem] = _with_fields(classes[path.stem], entry, codes)
    for path in list_local(folder, SENSITIVITY):
        entry = read_source(path, within=folder)
        entry.one_of(path.stem, sorted(classes), "built-in class")
        grown[path.stem] = amended(grown[path.stem], entry)
    for path in list_local(folder, "classes"):
        entry = read_source(path, within=folder)
        if path.stem in classes:
            raise entry.nearest("id").fail(
                f"'{path.stem}' is a built-in class",
                f"Choose another id; fields of your own on it are declared in fields/{path.stem}.yaml.",
            )
        grown[path.stem] = replace(read_class(entry, path.stem, shared, codes), schema="local")
    return grown


def check_folder(folder: Path) -> None:
    """Refuse a folder that is not there, and files in it that nobody would read."""
    if not folder.is_dir():
        raise BadDeclaration(
            f"There is no folder '{folder}' with classes of the city's own.",
            "CHENGTU_LOCAL must name a folder that holds classes/*.yaml and fields/*.yaml; leave it unset for none.",
        )
    stray = sorted(
        path.relative_to(folder).as_posix()
        for path in [*folder.glob("*.y*ml"), *folder.glob("*/*.y*ml")]
        if path.parent.name not in FOLDERS or path.parent == folder or path.suffix != ".yaml"
    )
    if stray:
        raise BadDeclaration(
            f"{folder.name}/{stray[0]}: nothing reads this file.",
            f"Declarations are *.yaml in the folders {', '.join(FOLDERS)}.",
        )


def list_local(folder: Path, kind: str) -> Sequence[Path]:
    """The city's files of one kind (one of `FOLDERS`); a folder that is not there holds none."""
    return sorted((folder / kind).glob("*.yaml"))


def _with_fields(cls: FeatureClass, entry: Entry, codes: Mapping[str, CodeSystem]) -> FeatureClass:
    own = tuple(_own_fields(cls, entry, codes))
    fields = (*cls.fields, *own)
    check_names(_Prefixed(entry.file, entry.path, entry.value, entry.lines), fields)
    return replace(cls, fields=fields)


def _own_fields(cls: FeatureClass, entry: Entry, codes: Mapping[str, CodeSystem]) -> Iterator[Field]:
    for name, parts in read_fields(entry).items():
        at = entry.child(name, None)
        if name.startswith(PREFIX):
            raise at.fail(
                f"'{name}' begins with {PREFIX}",
                f"Write {name.removeprefix(PREFIX) or 'a name'}: the column gets the {PREFIX} by itself.",
            )
        field = build_field(at, parts, codes)
        if field.required:
            raise at.nearest("required").fail(
                "a field added to a built-in class cannot be required", "The rows that are there lack it."
            )
        check_rule_name(at, cls.id, PREFIX + name)
        # The plain name is a heading too: a table may bear it as it stands in the declaration.
        yield replace(field, name=PREFIX + name, aliases=(name, *(a for a in field.aliases if a != name)))


class _Prefixed(Entry):
    """A file of own fields, asked by column names."""

    __slots__ = ()

    def child(self, key: str | int, value: object) -> Entry:
        return Entry.child(self, str(key).removeprefix(PREFIX), value)


def place_of(folder: Path, cls: FeatureClass, field: str | None, key: str) -> Entry:
    """Where `folder` declares the key of a class or of its field (a column's name), or the nearest place to it."""
    if cls.schema == "local":
        entry = read_source(folder / "classes" / f"{cls.id}.yaml", within=folder)
        return entry.nearest("fields", field, key) if field else entry.nearest(key)
    entry = read_source(folder / "fields" / f"{cls.id}.yaml", within=folder)
    return entry.nearest((field or "").removeprefix(PREFIX), key)


def fingerprint(folder: Path | None) -> str:
    """What tells one state of the declarations that make tables from another; empty where there is no folder.

    Raises BadDeclaration where the folder is not there.
    """
    if folder is None:
        return ""
    check_folder(folder)
    digest = hashlib.sha256()
    for kind in OF_TABLES:
        for path in list_local(folder, kind):
            text = path.read_bytes()
            digest.update(f"{kind}/{path.name}\0{len(text)}\0".encode() + text)
    return digest.hexdigest()
