"""Loads geodata/ into the catalogue and refuses a declaration that contradicts itself or another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from app.catalogue.classes import FieldSources, read_class, read_fields
from app.catalogue.codes import check_homes, load_codes
from app.catalogue.fields import build_field
from app.catalogue.local import add_local, list_local, place_of
from app.catalogue.model import REMEMBERED, Catalogue, CodeSystem, FeatureClass, Field, Policy
from app.catalogue.names import find_clash, heading_key
from app.catalogue.policies import read_policy
from app.catalogue.policy_based import is_based, read_based
from app.catalogue.policy_model import Origin, Switch
from app.catalogue.policy_switches import read_shared_switches
from app.catalogue.source import Entry, read_source
from app.errors import BadDeclaration

#: The file beside the policies that declares what may be switched on and off of a class.
SWITCHES = "_switches.yaml"


def load_catalogue(geodata: Path, local: Path | None = None) -> Catalogue:
    """Every class, policy and code system of `geodata` and of the city's own folder, checked against each other.

    Files that begin with `_` hold fields that classes share: `_common.yaml` stands before the fields of every class,
    another one before those of the classes that name it in `include`. While the files say the same, the same catalogue
    is given again. Raises errors.BadDeclaration, whose message names file, line and key and whose hint lists the valid
    values.
    """
    return _load(geodata, local, _said(geodata), () if local is None else _said(local))


def _said(folder: Path) -> tuple[tuple[str, bytes | None], ...]:
    """What each declaration of the folder says, by its name; None if it cannot be read. () where there is no folder."""
    if not folder.is_dir():
        return ()
    files = sorted([*folder.glob("*.y*ml"), *folder.glob("*/*.y*ml")])
    return (("", None), *((str(path), _bytes(path)) for path in files))


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


@lru_cache(maxsize=REMEMBERED)
def _load(geodata: Path, local: Path | None, *_as_read: object) -> Catalogue:
    codes, crosswalks = load_codes(geodata / "codes")
    shared = _load_shared(geodata / "classes")
    classes = _load_classes(geodata / "classes", shared, codes)
    _check_distinct(classes.values(), lambda class_id: read_source(geodata / "classes" / f"{class_id}.yaml"))
    switches = _load_switches(geodata, classes)
    policies = _load_policies(geodata / "policies", classes, switches)
    if local is not None:
        classes = add_local(classes, local, shared, codes)
        _check_distinct(classes.values(), lambda class_id: place_of(local, classes[class_id], None, ""))
    ordered = sorted(classes.values(), key=lambda item: (item.order, item.id))
    by_id = {item.id: item for item in ordered}
    found = Catalogue(by_id, {item.id: item for item in policies}, codes, crosswalks, switches)
    return found if local is None else _with_local_policies(found, local)


def load_common(geodata: Path, codes: Mapping[str, CodeSystem]) -> tuple[Field, ...]:
    """The fields that every class has, before its own. Raises BadDeclaration."""
    found = _load_shared(geodata / "classes").get("common", {})
    return tuple(build_field(next(iter(parts.values())).parent(), parts, codes) for parts in found.values())


def check_class(catalogue: Catalogue, geodata: Path, class_id: str, text: str) -> FeatureClass:
    """The class of its own that `text` would declare beside those of `catalogue`. Raises BadDeclaration."""
    entry = read_source(Path("classes", f"{class_id}.yaml"), text)
    cls = replace(
        read_class(entry, class_id, _load_shared(geodata / "classes"), catalogue.codes), schema="local"
    )
    _check_distinct([*catalogue.classes.values(), cls], lambda _: entry)
    return cls


def _load_shared(folder: Path) -> FieldSources:
    files = [path for path in _list_files(folder) if path.stem.startswith("_")]
    return FieldSources({path.stem.lstrip("_"): read_fields(read_source(path)) for path in files})


def _load_classes(
    folder: Path, shared: FieldSources, codes: Mapping[str, CodeSystem]
) -> dict[str, FeatureClass]:
    own = [path for path in _list_files(folder) if not path.stem.startswith("_")]
    return {path.stem: read_class(read_source(path), path.stem, shared, codes) for path in own}


def _load_switches(geodata: Path, classes: Mapping[str, FeatureClass]) -> dict[str, Switch]:
    """The switches that all policies have which are served by a class, where `geodata` declares any."""
    path = geodata / "policies" / SWITCHES
    return read_shared_switches(read_source(path), classes) if path.is_file() else {}


def _load_policies(
    folder: Path, classes: Mapping[str, FeatureClass], switches: Mapping[str, Switch]
) -> list[Policy]:
    files = [path for path in _list_files(folder) if path.name != SWITCHES]
    return [_load_policy(path, classes, switches) for path in files]


def _with_local_policies(catalogue: Catalogue, folder: Path) -> Catalogue:
    """The catalogue with the policies of the city's folder: whole ones first, then those based on another."""
    entries = {path: read_source(path, within=folder) for path in list_local(folder, "policies")}
    for path, entry in entries.items():
        if path.stem in catalogue.policies:
            raise entry.nearest("id").fail(f"'{path.stem}' is a built-in policy", "Choose another id.")
    whole = [path for path, entry in entries.items() if not is_based(entry)]
    found = [_load_policy(path, catalogue.classes, catalogue.switches, folder) for path in whole]
    grown = replace(catalogue, policies={**catalogue.policies, **{item.id: item for item in found}})
    based = [
        read_based(entry, path.stem, _read_text(path), grown, "file")
        for path, entry in entries.items()
        if path not in whole
    ]
    return replace(grown, policies={**grown.policies, **{item.id: item for item in based}})


def _load_policy(
    path: Path,
    classes: Mapping[str, FeatureClass],
    switches: Mapping[str, Switch],
    within: Path | None = None,
) -> Policy:
    text = _read_text(path)
    origin: Origin = "built_in" if within is None else "file"
    return read_policy(read_source(path, text, within=within), path.stem, text, classes, switches, origin)


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadDeclaration(
            f"policies/{path.name}: cannot be read.", "The file must be UTF-8 text."
        ) from error


def _list_files(folder: Path) -> Sequence[Path]:
    found = sorted(folder.glob("*.yaml"))
    if not found:
        raise BadDeclaration(
            f"There is no declaration in {folder.parent.name}/{folder.name}.",
            "CHENGTU_GEODATA must name a folder with classes/*.yaml and policies/*.yaml.",
        )
    return found


def _check_distinct(classes: Iterable[FeatureClass], source_of: Callable[[str], Entry]) -> None:
    """No two classes may answer to the same name, or an imported layer would have two homes."""
    found = list(classes)
    own = [(item.id, name) for item in found for name in (item.id, item.title.zh, item.title.en)]
    clash = find_clash([*own, *((item.id, name) for item in found for name in item.aliases)])
    if clash is not None:
        name, owner, other = clash
        # The city's own class gives way, whichever of the two took the name first.
        if any(item.id == other and item.schema == "local" for item in found):
            owner, other = other, owner
        raise _place_of_name(source_of(owner), name).fail(
            f"the name '{name}' already means {other}", "Every class needs names of its own."
        )
    check_homes(found, source_of)
    _check_references(found, source_of)


def _check_references(classes: Sequence[FeatureClass], source_of: Callable[[str], Entry]) -> None:
    """A field that holds codes of another class names one that is declared."""
    ids = [item.id for item in classes]
    for item in classes:
        for field in item.fields:
            if field.refers is not None and field.refers not in ids:
                source_of(item.id).nearest("fields", field.name, "refers").one_of(field.refers, ids, "class")


def _place_of_name(source: Entry, name: str) -> Entry:
    """Where a class's declaration gives it the name."""
    for path in (("id",), ("title", "zh"), ("title", "en")):
        entry = source.nearest(*path)
        if heading_key(str(entry.value)) == heading_key(name):
            return entry
    aliases = source.nearest("aliases")
    return next(
        (item for item in aliases.items() if heading_key(str(item.value)) == heading_key(name)), aliases
    )
