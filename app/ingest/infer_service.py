"""Infers a class from a file: reads it, guesses, and makes sure that the written declaration loads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.catalogue.loader import check_class, load_catalogue, load_common
from app.catalogue.model import Catalogue, FeatureClass, Field, OsmRule, Symbol, Title, ZoomRule
from app.catalogue.names import CLASS_LIMIT, heading_key
from app.errors import BadInput, UnreadableFile
from app.ingest.files import SourceFile, recognise
from app.ingest.headings import match_headings
from app.ingest.infer import guess_fields, guess_geometry, slug
from app.ingest.infer_yaml import Inferred, write_yaml
from app.ingest.layer import Ask, Layer, LayerSource, whole
from app.ingest.osm_data import OsmObject
from app.ingest.osm_rules import has_chinese
from app.ingest.points import find_places
from app.ingest.preparing import Preparation
from app.ingest.sandbox import Limits, load_osm, open_layers
from app.validation.values import clean_text

#: Tags that fewer objects have than this share, or than this number, get no field.
MIN_SHARE, MIN_COUNT = 0.02, 2
MAX_TAGS = 40
NOTHING = Title("无", "none")


def infer_class(
    path: Path,
    geodata: Path,
    local: Path | None,
    *,
    class_id: str | None = None,
    layer: str | None = None,
    tag: str | None = None,
    encoding: str | None = None,
    limits: Limits | None = None,
) -> tuple[Inferred, str]:
    """The class guessed from a file, and its declaration as YAML, which loads beside the built-in classes.

    `layer` names one of several layers, `tag` (`key=value`) the objects of an OSM file.

    Raises:
        UnreadableFile, BadInput: The file cannot be read, has several layers and none is named, or the id is taken.
    """
    file = recognise(path)
    catalogue = load_catalogue(geodata, local)
    common = load_common(geodata, catalogue.codes)
    table = (
        _of_osm(file, tag, common, limits)
        if file.format == "osm"
        else _of_layer(file, layer, encoding, common, limits)
    )
    name = _choose_id(table.name, class_id, catalogue)
    guesses = guess_fields(table.columns, name, common)
    title = _choose_title(table.name, name, catalogue)
    kind, counts = guess_geometry(table.shapes)
    found = Inferred(
        name, title, file.name, len(table.shapes), kind, counts, guesses, table.known, table.tags
    )
    text = write_yaml(found)
    check_class(catalogue, geodata, name, text)
    return found, text


@dataclass(frozen=True, slots=True)
class _Table:
    """What a file says: name of the layer, shape types (n,), headings with n values each, headings already known."""

    name: str
    shapes: list[str]
    columns: Mapping[str, list[Any]]
    known: Mapping[str, str]
    tags: Mapping[str, str]


def _choose_id(given: str, class_id: str | None, catalogue: Catalogue) -> str:
    name = class_id or slug(given)[:CLASS_LIMIT].rstrip("_")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BadInput(
            f"'{name}' is no name for a class.", "Give one in a-z, 0-9 and _, such as --id benches."
        )
    if name in catalogue.classes:
        raise BadInput(
            f"There is a class '{name}' already.",
            f"Give another name with --id, or declare only the fields it lacks in fields/{name}.yaml.",
        )
    return name


def _choose_title(given: str, class_id: str, catalogue: Catalogue) -> Title:
    """The layer's name, where it is Chinese and no other class's; else the id in words."""
    taken = {
        heading_key(word)
        for cls in catalogue.classes.values()
        for word in (cls.id, cls.title.zh, cls.title.en, *cls.aliases)
    }
    english, given = class_id.replace("_", " ").capitalize(), clean_text(given)
    chinese = given if has_chinese(given) and heading_key(given) not in taken else english
    return Title(chinese, english)


def _of_layer(
    file: SourceFile,
    name: str | None,
    encoding: str | None,
    common: tuple[Field, ...],
    limits: Limits | None,
) -> _Table:
    with open_layers(file, Ask(encoding), limits=limits) as sources:
        layer = _drawn(whole(_choose_layer(file, sources, name)))
    mapping = match_headings(layer.columns, _bare_class(common, ()))
    known = {heading: field.name for heading, field in mapping.fields.items()}
    known |= {mapping.key: "code"} if mapping.key else {}
    known |= {mapping.name: "name_zh or name_en"} if mapping.name else {}
    rest = {heading: layer.columns[heading] for heading in mapping.rest}
    shapes = [
        shape.geom_type if shape is not None and not shape.is_empty else "nothing" for shape in layer.geometry
    ]
    title = file.name.split(".")[0] if layer.name.startswith("layer") else layer.name
    return _Table(title, shapes, rest, known, {})


def _drawn(layer: Layer) -> Layer:
    """A table without geometry, with the places that its columns tell."""
    places = None if layer.spatial else find_places(list(layer.columns), layer.columns)
    return Preparation(places=places).apply(layer).layer


def _choose_layer(file: SourceFile, sources: list[LayerSource], name: str | None) -> LayerSource:
    full = [item for item in sources if item.skipped is None and item.count]
    chosen = [item for item in full if name is None or item.name == name]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(f"'{item.name}'" for item in full)
    if not full:
        raise UnreadableFile(f"'{file.name}' holds no rows.", "A class is inferred from its data.")
    raise BadInput(f"'{file.name}' has the layers {names}.", "Name one of them with --layer.")


def _of_osm(file: SourceFile, tag: str | None, common: tuple[Field, ...], limits: Limits | None) -> _Table:
    key, _, value = (tag or "").partition("=")
    if not key or not value:
        raise BadInput(
            f"'{file.name}' is OpenStreetMap data: a class is what has a tag in common.",
            "Name the tag: --tag amenity=bench",
        )
    rule = OsmRule({key: (value,)})
    objects = load_osm(file, [_bare_class(common, (rule,))], limits=limits).objects
    if not objects:
        raise UnreadableFile(f"'{file.name}' has no object tagged {key}={value}.", "Look at the tag again.")
    read = {name for field in common for name in field.osm}
    counts = Counter(name for item in objects for name in item.tags if name not in read and name != key)
    least = max(MIN_COUNT, MIN_SHARE * len(objects))
    names = [name for name, count in counts.most_common(MAX_TAGS) if count >= least]
    columns: dict[str, list[Any]] = {
        name: [item.tags.get(name) for item in objects] for name in sorted(names)
    }
    return _Table(value, [_type_of(item) for item in objects], columns, {}, {key: value})


def _type_of(item: OsmObject) -> str:
    if item.code.startswith("n"):
        return "Point"
    return "Polygon" if item.closed or item.code.startswith("r") else "LineString"


def _bare_class(common: tuple[Field, ...], rules: tuple[OsmRule, ...]) -> FeatureClass:
    """A class with nothing but the fields of every class, to read a file with."""
    return FeatureClass(
        "features", NOTHING, NOTHING, "", "mixed", common, Symbol("·", "#000000"), (ZoomRule(0),), osm=rules
    )


def save(text: str, class_id: str, folder: Path) -> Path:
    """Write the declaration into `folder`/classes, which is made where it is missing; none is ever overwritten.

    Raises:
        BadInput: There is such a file, or none can be written there.
    """
    path = folder / "classes" / f"{class_id}.yaml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise BadInput(f"There is a file '{path}' already.", "Move it away, or give another --id.") from error
    except OSError as error:
        raise BadInput(
            f"'{path}' cannot be written: {error.strerror}.", "Name another folder with --to."
        ) from error
    return path


def summary(found: Inferred, file: Path | None) -> Mapping[str, Any]:
    """What was guessed, as plain values."""
    return {
        "id": found.class_id,
        "file": None if file is None else str(file),
        "geometry": found.geometry,
        "rows": found.rows,
        "fields": [
            {
                "name": item.field.name,
                "type": item.field.type,
                "unit": item.field.unit,
                "heading": item.heading,
            }
            for item in found.guesses.fields
        ],
        "left": dict(found.guesses.left),
    }
