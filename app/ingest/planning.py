"""From the layers of a file to what is read as which class: names, official ids, places, headings, CRS. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.catalogue.model import Catalogue, FeatureClass
from app.errors import BadInput
from app.ingest.detect import Detection, detect
from app.ingest.files import SourceFile
from app.ingest.headings import choose_class, unit_notes
from app.ingest.layer import LayerSource, whole
from app.ingest.likeness import suggest_classes
from app.ingest.mapping import LayerMapping, SavedMapping
from app.ingest.options import ImportOptions
from app.ingest.own_export import find_own, layer_names
from app.ingest.passed import ASKED, ENTITY
from app.ingest.points import find_places, suggest_places
from app.ingest.preparing import Preparation
from app.ingest.rejects import is_mended
from app.ingest.routing import route
from app.ingest.row_plan import RowPlan, plan_rows
from app.ingest.spool import sources as in_memory
from app.ingest.stored_points import Find, join_stored
from app.ingest.suggestions import Suggestions
from app.ingest.survey import find_tables, join_tables
from app.ingest.survey_headings import END, first_of
from app.ingest.where import Where, compile_where
from app.inventory.areas import AREA_CLASSES
from app.inventory.batch import Reject
from app.space.city_systems import NO_SYSTEMS, CitySystems
from app.validation.components import ID, Official
from app.validation.divisions import Divisions
from app.validation.frame import Frame
from app.validation.values import normalise

#: Classes named where none is likely.
NEAREST_CLASSES = 5
#: Formats whose cells are guarded against being run as formulas.
QUOTED = frozenset({"delimited", "xlsx"})
#: Stored places by code, for a class: lon, lat.
Stored = Callable[[FeatureClass, list[str]], Mapping[str, tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class City:
    """What is known of the city when a file is understood: its divisions, its border, its own coordinate systems.

    `around` stands for the border of a city that has none; `nodes` finds stored points of pipe surveys by their
    numbers.
    """

    divisions: Divisions | None = None
    frame: Frame | None = None
    systems: CitySystems = NO_SYSTEMS
    stored: Stored | None = None
    nodes: Find | None = None
    around: Frame | None = None


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """How one layer is read: `given` as it stands in the file, `prepared` after its `preparation`, as are the `rows`.

    `frame` is the city's border where rows outside it are refused.
    """

    given: LayerSource
    prepared: LayerSource
    preparation: Preparation
    rows: RowPlan
    detection: Detection
    frame: Frame | None
    mapping: LayerMapping | None
    official: Official
    suggestions: Suggestions

    @property
    def cls(self) -> FeatureClass:
        """The class of its rows."""
        return self.rows.cls

    def as_dict(self) -> dict[str, Any]:
        """What the report says of how the layer was understood."""
        meaning, name = self.rows.meaning, self.given.name
        return {
            "layer": name,
            "class": self.cls.id,
            "rows": self.given.count,
            **self.detection.as_dict(),
            "encoding": self.given.encoding,
            "key": self.rows.shown_key,
            "headings": self.rows.headings,
            "conversions": unit_notes(meaning),
            "suggestions": self.suggestions.find(),
            "extra": list(meaning.rest),
            "left": list(meaning.left),
            "own_export": self.rows.own,
            "notes": [*self.prepared.notes, *self.rows.assumed],
        }


@dataclass(slots=True)
class FilePlan:
    """All layers of a file that are read, those left out with the reason, and rows that no class takes.

    `surveyed` are the classes of a survey's points whose numbers are their codes, unless a key is named.
    """

    layers: list[LayerPlan]
    skipped: list[dict[str, Any]] = field(default_factory=list)
    lost: list[Reject] = field(default_factory=list)
    surveyed: set[str] = field(default_factory=set)


def plan_file(
    catalogue: Catalogue,
    file: SourceFile,
    sources: Sequence[LayerSource],
    options: ImportOptions,
    city: City,
    saved: SavedMapping | None = None,
) -> FilePlan:
    """How each layer of a file is read.

    Raises:
        BadInput: No layer is of a class, a CRS is missing or cannot be used, a column that was named is not there.
    """
    joined, drawn = _joined(sources, city)
    read = set(map(id, sources))
    given = _chosen([item for item in joined if not _is_companion(item)], options.layer, file)
    if saved is not None:
        saved.check_layers([source.name for source in given], file.name)
    plan = FilePlan([])
    for source in given:
        asked = _asked(source, options, saved)
        if id(source) in drawn:
            # Its points are stored, whatever CRS they came in.
            asked = replace(asked, crs=None)
        if options.delete_missing and asked.where is not None:
            raise BadInput(
                "What a part of a file lacks is not missing.",
                "Leave out delete_missing, or 'where' in the mapping.",
            )
        if source.skipped is not None or source.empty:
            plan.skipped.append(_skip(source, source.skipped or "it has no rows"))
            continue
        for part, cls in _classes(catalogue, file, source, asked, len(given), city, plan):
            _add(plan, catalogue, file, part, cls, asked, city)
            if asked.key is None and id(source) not in read and cls.geometry == "point":
                plan.surveyed.add(cls.id)
    if not plan.layers and any(item.get("unnamed") for item in plan.skipped):
        raise _no_class(catalogue, file, given)
    return plan


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for one layer: options given with the import count before its saved mapping."""

    mapping: LayerMapping | None
    class_id: str | None
    key: str | None
    crs: str | None
    code_system: str | None
    where: str | None
    allow_outside: bool

    @property
    def places(self) -> Mapping[str, str]:
        return {} if self.mapping is None else self.mapping.places


def _asked(source: LayerSource, options: ImportOptions, saved: SavedMapping | None) -> _Asked:
    mapping = None if saved is None else saved.for_layer(source.name)

    def first(name: str) -> str | None:
        given: str | None = getattr(options, name)
        return given if given is not None or mapping is None else getattr(mapping, name)

    return _Asked(
        mapping, first("class_id"), first("key"), first("crs"), first("code_system"), first("where"),
        options.allow_outside,
    )  # fmt: skip


def _is_companion(source: LayerSource) -> bool:
    """What our own exports put beside the data: a map of fields, and what is said of the whole."""
    fields = source.name.endswith("_fields") and {"short_name", "field"} <= set(source.headings)
    about = source.name.removesuffix(".json") == "about" and source.skipped is not None
    return fields or about


def _joined(sources: Sequence[LayerSource], city: City) -> tuple[list[LayerSource], set[int]]:
    """Point and line tables of a survey as nodes and pipes with shapes; other layers as they are.

    Of tables of lines alone the points may be stored: the ids of these layers, which are in the CRS of what is stored.
    """
    tables = find_tables(list(sources))
    if tables is not None:
        return join_tables(list(sources), tables), set()
    drawn = None if city.nodes is None else join_stored(sources, city.nodes)
    if drawn is None:
        return list(sources), set()
    return drawn, {id(source) for source in drawn} - {id(source) for source in sources}


def _chosen(sources: list[LayerSource], name: str | None, file: SourceFile) -> list[LayerSource]:
    if name is None:
        return sources
    found = [source for source in sources if source.name == name]
    if not found:
        names = ", ".join(f"'{source.name}'" for source in sources)
        raise BadInput(f"'{file.name}' has no layer '{name}'.", f"Layers: {names}.")
    return found


def _skip(source: LayerSource, reason: str, **more: Any) -> dict[str, Any]:
    return {"layer": source.name, "reason": reason, "rows": source.count, **more}


def _classes(
    catalogue: Catalogue,
    file: SourceFile,
    source: LayerSource,
    asked: _Asked,
    layers: int,
    city: City,
    plan: FilePlan,
) -> Iterable[tuple[LayerSource, FeatureClass]]:
    """The class of a layer; one that no class is named like is taken apart by its rows' official ids."""
    stem = file.name.split(".")[0]
    names = [*layer_names(source.name), *([stem] if layers == 1 else [])]
    cls = choose_class(catalogue, asked.class_id, names)
    if cls is not None:
        return [(source, cls)]
    routed = route(whole(source), Official(catalogue, asked.code_system, city.divisions))
    if routed is None:
        reason = "no class has this name; name one with --class"
        plan.skipped.append(_skip(source, reason, unnamed=True))
        return []
    plan.lost.extend(routed.lost)
    return [(in_memory([layer])[0], home) for layer, home in routed.layers if home is not None]


def _add(
    plan: FilePlan,
    catalogue: Catalogue,
    file: SourceFile,
    given: LayerSource,
    cls: FeatureClass,
    asked: _Asked,
    city: City,
) -> None:
    preparation = _prepare(file, given, cls, asked)
    if not given.spatial and preparation.places is None:
        like = suggest_places(list(given.headings)) or "Name them in a mapping under 'places'."
        if first_of(given.headings, END) is not None:
            like = "A table of a survey's lines is read with its table of points, in one folder, workbook or zip."
        reason = f"it has no geometry, and no columns of coordinates were found. {like.removesuffix('.')}"
        plan.skipped.append(_skip(given, reason))
        return
    plain = preparation == Preparation()
    source = given if plain else preparation.source(given)
    official = Official(catalogue, asked.code_system, city.divisions)
    rows = plan_rows(source, cls, asked.key, official, asked.mapping, own=preparation.own is not None)
    stored = city.stored
    detection = detect(
        source, asked.crs, city.frame, city.systems, key=rows.key,
        stored=None if stored is None else lambda codes: stored(cls, codes),
    )  # fmt: skip
    open_ = asked.allow_outside or cls.id in AREA_CLASSES
    plan.layers.append(
        LayerPlan(
            given,
            source,
            preparation,
            rows,
            detection,
            None if open_ else city.frame or city.around,
            asked.mapping,
            official,
            Suggestions(rows.meaning, cls, given.name),
        )
    )


def _prepare(file: SourceFile, given: LayerSource, cls: FeatureClass, asked: _Asked) -> Preparation:
    where = None if asked.where is None else compile_where(asked.where)
    if where is not None:
        where.resolve(given.headings)
    own = find_own(given.headings, cls)
    mended = is_mended(given.headings)
    preparation = Preparation(
        where, own, _is_quoted(file, given), mended=mended, drawing=_is_drawing(given, where)
    )
    if given.spatial:
        return preparation if own or where or mended or preparation.drawing else Preparation()
    sample = next(iter(given.chunks()), None)
    if sample is None:
        return preparation
    seen = preparation.apply(sample).layer
    named = asked.places or (own.places if own else {})
    places = find_places(list(seen.columns), seen.columns, named)
    if places is not None and own and not asked.places:
        places = replace(places, notes=())
    return replace(preparation, places=places)


def _is_quoted(file: SourceFile, given: LayerSource) -> bool:
    """Whether its cells are guarded; a layer without shapes in a zip is such a table."""
    return file.format in QUOTED or (file.format == "zip" and not given.spatial)


def _is_drawing(given: LayerSource, where: Where | None) -> bool:
    """Whether a layer is a drawing of whose annotations nothing is asked."""
    asked = where is not None and not ASKED.isdisjoint(map(normalise, where.headings))
    return {ENTITY, "PaperSpace"} <= set(given.headings) and given.spatial and not asked


def _no_class(catalogue: Catalogue, file: SourceFile, sources: Sequence[LayerSource]) -> BadInput:
    names = ", ".join(f"'{source.name}'" for source in sources)
    names_like = [*(source.name for source in sources), file.name.split(".")[0]]
    like = suggest_classes(catalogue, names_like)
    near = like or suggest_classes(catalogue, names_like, least=0.0, most=NEAREST_CLASSES)
    shown = [f"{class_id} ({catalogue.classes[class_id].title.zh})" for class_id, _ in near]
    if like:
        hint = f"Did you mean --class {' or '.join(shown)}?"
    else:
        hint = f"Name the class with --class. Nearest are {', '.join(shown)}."
    hint += " docs/classes.md lists all classes."
    if _has_component_ids(catalogue, sources):
        hint += " City components may be mixed where their ids are stated to be of one --code-system."
    return BadInput(f"No class is named like the layer {names} of '{file.name}'.", hint)


def _has_component_ids(catalogue: Catalogue, sources: Sequence[LayerSource]) -> bool:
    """Whether a layer has a column named like the official ids of city components."""
    fields = (item for cls in catalogue.classes.values() for item in cls.fields if item.name == ID)
    words = {
        normalise(word)
        for item in fields
        for word in (item.name, item.title.zh, item.title.en, *item.aliases)
    }
    return any(normalise(heading) in words for source in sources for heading in source.headings)
