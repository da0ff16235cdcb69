"""What a QGIS project holds: layers by office, how they are drawn, how they refer to each other. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.catalogue.export_names import KIND_ENDINGS
from app.catalogue.model import FeatureClass, Field, Lang, Title
from app.exports.kinds import by_kind
from app.exports.model import ExportColumn, ExportLayer
from app.exports.qgis_form import HOME, HOME_TITLE, Form

#: A class with more rows than this is drawn from tiles where the server draws it, until its last zoom rule holds.
DENSE = 5_000
#: Denominator of the scale at which a tile of zoom 0 fills 256 pixels of 0.28 mm (OGC 17-083r4, WebMercatorQuad).
ZOOM_0_SCALE = 559_082_264
#: Classes that would hide the others: switched off until they are wanted.
HIDDEN = frozenset({"grid_cells", "population_cells", "responsibility_areas", "built_up_areas"})
#: Areas that are drawn as outlines.
OUTLINED = frozenset(
    {"districts", "grid_cells", "built_up_areas", "responsibility_areas", "historic_districts"}
)
#: Columns of files alone, and the one that the server alone tells.
_OF_FILES, _OF_SERVERS = (
    ("id", "data_version", "extra"),
    ExportColumn("min_zoom", "integer", Title("显示级别", "Drawn from zoom")),
)
#: What stands above what: points, then lines, then areas.
_RANKS = {"Point": 0, "MultiLineString": 1, "MultiPolygon": 2}
_PARTS = {
    "_polygon": Title("（面）", " (areas)"),
    "_line": Title("（线）", " (lines)"),
    "_point": Title("（点）", " (points)"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of a layer come from, as QGIS names it: its provider, the address, the CRS."""

    provider: str
    address: str
    crs: str


@dataclass(frozen=True, slots=True)
class ProjectLayer:
    """One layer of a project: rows of one kind of shapes.

    `id` is the same in every project of the city. `group` are the names of the groups that it lies in, from the top.
    `rank` orders the drawing: what is smaller lies above. `from_zoom` is that of the tiles from which on it is drawn, 0
    at every scale. `figure` draws a run's layer by a column of shares, and names what is drawn.
    """

    id: str
    title: str
    group: tuple[str, ...]
    source: Source
    rows: ExportLayer
    form: Form
    rank: tuple[int, int]
    shown: bool = True
    from_zoom: int = 0
    figure: str | None = None
    outlined: bool = False

    @property
    def fixed(self) -> bool:
        """Whether its rows cannot be edited: results, and files that the server writes when they are asked for."""
        return self.rows.cls is None or self.source.address.startswith("http")

    @property
    def least_scale(self) -> int:
        """Denominator of the smallest scale at which it is drawn; 0 for none."""
        return round(ZOOM_0_SCALE / 2**self.from_zoom) if self.from_zoom > 0 else 0


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows of the layer `child` whose `column` holds the code of a row of the layer `parent`."""

    id: str
    title: str
    child: str
    column: str
    parent: str
    listed: bool = True


@dataclass(frozen=True, slots=True)
class TileLayer:
    """Vector tiles of the server: their address with {z}, {y} and {x}; `ground` for what lies under every map."""

    id: str
    title: str
    address: str
    classes: tuple[FeatureClass, ...] = ()
    ground: bool = False
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """A place to jump to: `box` is west, south, east, north in lon/lat."""

    id: str
    title: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Project:
    """A whole project: layers in the order of their groups, relations between them, places, and what is said of it."""

    title: str
    abstract: str
    attribution: str
    lang: Lang
    crs: str
    extent: tuple[float, float, float, float]
    layers: tuple[ProjectLayer, ...]
    tiles: tuple[TileLayer, ...]
    relations: tuple[Relation, ...]
    places: tuple[Place, ...]
    places_title: str


def layer_id(name: str) -> str:
    """The id of a layer; QGIS gives another one to a layer whose id has ten characters or fewer."""
    return f"chengtu_{name}"


def class_layers(
    layers: Iterable[ExportLayer], place: Callable[[ExportLayer], Source], lang: Lang, *, served: bool
) -> list[ProjectLayer]:
    """A layer for each class and kind of shapes that it holds, by office in the order of the catalogue.

    `place` tells where its rows come from, `served` that this is the server: it draws what is dense from tiles.
    """
    found = [
        _class_layer(part, whole, place(part), lang, served=served)
        for whole in layers
        for part in by_kind(whole)
    ]
    first: dict[tuple[str, ...], int] = {}
    for i, layer in enumerate(found):
        first.setdefault(layer.group, i)
    return sorted(found, key=lambda layer: first[layer.group])


def _class_layer(
    part: ExportLayer, whole: ExportLayer, source: Source, lang: Lang, *, served: bool
) -> ProjectLayer:
    cls = _class_of(part)
    columns = tuple(_served_columns(part, source)) if served else None
    zooms = [rule.zoom for rule in cls.zooms]
    dense = served and len(whole) > DENSE
    return ProjectLayer(
        layer_id(part.name),
        _title_of(part, whole).in_(lang),
        (cls.office_in(lang),),
        source,
        part,
        Form(lang, columns),
        (_RANKS[part.geometry_type], cls.order),
        shown=cls.id not in HIDDEN,
        outlined=cls.id in OUTLINED,
        from_zoom=max(zooms) if dense else min(zooms),
    )


def _class_of(layer: ExportLayer) -> FeatureClass:
    if layer.cls is None:
        raise ValueError(f"{layer.name} holds no class")
    return layer.cls


def _served_columns(layer: ExportLayer, source: Source) -> Iterator[ExportColumn]:
    """The columns that features have which the server gives; in its files, which it gives for no reason, fewer."""
    if source.provider == "OAPIF":
        yield from (column for column in layer.columns if column.name not in _OF_FILES)
        yield _OF_SERVERS
        return
    restricted = {field.name for field in _class_of(layer).fields if field.sensitivity == "restricted"}
    yield from (column for column in layer.columns if column.name not in restricted)


def _title_of(part: ExportLayer, whole: ExportLayer) -> Title:
    """The title of a class; where it is split, with what the part holds."""
    kinds = [kind for kind in whole.kinds if kind != "none"]
    if whole.geometry_type != "Unknown" or len(kinds) < 2:
        return part.title
    kind = {"MultiPolygon": "polygon", "MultiLineString": "line", "Point": "point"}[part.geometry_type]
    ending = next(end for end, name in KIND_ENDINGS.items() if name == kind)
    return Title(part.title.zh + _PARTS[ending].zh, part.title.en + _PARTS[ending].en)


def relate(
    layers: Sequence[ProjectLayer], lang: Lang, home: Mapping[str, str], *, chosen: bool
) -> tuple[list[ProjectLayer], list[Relation]]:
    """The layers with what their forms tell of their relations, and the relations themselves.

    `home` are codes and names of the districts that features are at home in; `chosen` lets forms choose codes from the
    features that they refer to, and list those of dense classes, which needs all of these at hand.
    """
    by_class: dict[str, list[ProjectLayer]] = {}
    for layer in layers:
        if layer.rows.cls is not None:
            by_class.setdefault(layer.rows.cls.id, []).append(layer)
    relations = [
        relation for layer in layers for relation in _relations_of(layer, by_class, lang, home=bool(home))
    ]
    if not chosen:
        dense = {layer.id for layer in layers if len(layer.rows) > DENSE}
        relations = [replace(item, listed=item.listed and item.child not in dense) for item in relations]
    return [_formed(layer, relations, home, chosen=chosen) for layer in layers], relations


def _relations_of(
    child: ProjectLayer, by_class: Mapping[str, Sequence[ProjectLayer]], lang: Lang, *, home: bool
) -> Iterator[Relation]:
    cls = child.rows.cls
    for field in cls.fields if cls is not None else ():
        for parent in by_class.get(field.refers or "", ()):
            yield _relation(child, field, parent, lang)
    if cls is not None and home and cls.id != "districts":
        for parent in by_class.get("districts", ()):
            title = f"{child.title} · {HOME_TITLE.in_(lang)}"
            yield Relation(f"{child.id}.{HOME}", title, child.id, HOME, parent.id, listed=False)


def _relation(child: ProjectLayer, field: Field, parent: ProjectLayer, lang: Lang) -> Relation:
    title = f"{child.title} · {field.title.in_(lang)}"
    return Relation(f"{child.id}.{field.name}.{parent.id}", title, child.id, field.name, parent.id)


def _formed(
    layer: ProjectLayer, relations: Sequence[Relation], home: Mapping[str, str], *, chosen: bool
) -> ProjectLayer:
    own = [item for item in relations if item.child == layer.id and item.column != HOME]
    references = {item.column: item.id for item in reversed(own)} if chosen else {}
    editors = [(item.id, item.title) for item in relations if item.parent == layer.id and item.listed]
    at_home = home if any(item.child == layer.id and item.column == HOME for item in relations) else {}
    form = replace(layer.form, references=references, editors=tuple(editors), home=at_home)
    return replace(layer, form=form)


def drawing_order(layers: Sequence[ProjectLayer]) -> list[str]:
    """The ids of the layers from the top of the drawing down: points, lines, areas."""
    return [layer.id for layer in sorted(layers, key=lambda layer: layer.rank)]
