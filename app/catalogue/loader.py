"""Loads geodata/ into the catalogue and refuses a declaration that contradicts itself or another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from app.catalogue.classes import FieldSources, read_class, read_fields
from app.catalogue.model import Catalogue, FeatureClass, Policy
from app.catalogue.names import find_clash
from app.catalogue.policies import read_policy
from app.catalogue.source import read_source
from app.errors import BadDeclaration


def load_catalogue(geodata: Path) -> Catalogue:
    """Every class of `geodata`/classes and every policy of `geodata`/policies, checked against each other.

    Files that begin with `_` hold fields that classes share: `_common.yaml` stands before the fields of every class,
    another one before those of the classes that name it in `include`. Raises errors.BadDeclaration, whose message
    names file, line and key and whose hint lists the valid values.
    """
    classes = _load_classes(geodata / "classes")
    policies = [_load_policy(path, classes) for path in _list_files(geodata / "policies")]
    ordered = sorted(classes.values(), key=lambda item: (item.order, item.id))
    _check_distinct(ordered)
    return Catalogue({item.id: item for item in ordered}, {item.id: item for item in policies})


def _load_classes(folder: Path) -> dict[str, FeatureClass]:
    files = _list_files(folder)
    shared: FieldSources = {
        path.stem.lstrip("_"): read_fields(read_source(path)) for path in files if path.stem.startswith("_")
    }
    own = [path for path in files if not path.stem.startswith("_")]
    return {path.stem: read_class(read_source(path), path.stem, shared) for path in own}


def _load_policy(path: Path, classes: dict[str, FeatureClass]) -> Policy:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadDeclaration(
            f"policies/{path.name}: cannot be read.", "The file must be UTF-8 text."
        ) from error
    return read_policy(read_source(path, text), path.stem, text, classes)


def _list_files(folder: Path) -> Sequence[Path]:
    found = sorted(folder.glob("*.yaml"))
    if not found:
        raise BadDeclaration(
            f"There is no declaration in {folder.parent.name}/{folder.name}.",
            "CHENGTU_GEODATA must name a folder with classes/*.yaml and policies/*.yaml.",
        )
    return found


def _check_distinct(classes: Iterable[FeatureClass]) -> None:
    """No two classes may answer to the same name, or an imported layer would have two homes."""
    found = list(classes)
    own = [(item.id, name) for item in found for name in (item.id, item.title.zh, item.title.en)]
    clash = find_clash([*own, *((item.id, name) for item in found for name in item.aliases)])
    if clash is not None:
        name, owner, other = clash
        raise BadDeclaration(
            f"classes/{owner}.yaml, key 'aliases': the name '{name}' already means {other}.",
            "Every class needs names of its own.",
        )
