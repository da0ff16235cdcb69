"""Looks into a file before it is imported: what its layers, columns and places are taken for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.catalogue.model import FeatureClass
from app.errors import ChengtuError
from app.ingest import inspection, osm
from app.ingest.files import SourceFile, recognise
from app.ingest.headings import choose_class, match_headings
from app.ingest.layer import LayerSource
from app.ingest.likeness import suggest_classes
from app.ingest.mapping import LayerMapping, SavedMapping
from app.ingest.options import ImportOptions
from app.ingest.own_export import layer_names
from app.ingest.planning import City, FilePlan, LayerPlan, plan_file
from app.ingest.points import find_places
from app.ingest.reading_service import Importing, city_of, open_part
from app.ingest.sandbox import load_osm

#: Layers of one file that are told.
SHOWN_LAYERS = 40
#: Classes named for a layer that is called like none.
LIKELY_CLASSES = 5


def inspect(means: Importing, path: Path, options: ImportOptions) -> dict[str, Any]:
    """What an import of a file would take it for; nothing is written.

    `{format, layers: [...], fields: {class: [...]}}`; a layer has its columns with their roles, first rows and features
    (`inspection`), and `problem` where it cannot be loaded as it stands. What fails in one layer leaves the others.

    Raises:
        UnreadableFile, BadInput: The file cannot be read at all.
    """
    file = recognise(path)
    if file.format == "osm":
        return _inspect_osm(means, file, options)
    with ExitStack() as stack:
        sources = stack.enter_context(open_part(means, file, options))
        with means.db.read() as conn:
            looking = _Looking(means, file, options, city_of(conn, means), sources)
            layers = looking.layers()
    classes = dict.fromkeys(name for layer in layers if (name := layer.get("class")))
    return {"format": file.format, "layers": layers, "fields": _fields(means, classes)}


def _fields(means: Importing, classes: Sequence[str] | dict[str, None]) -> dict[str, Any]:
    return {name: inspection.field_views(means.catalogue.classes[name]) for name in classes}


@dataclass(frozen=True, slots=True)
class _Looking:
    """One file with what is asked of it and what is known of the city."""

    means: Importing
    file: SourceFile
    options: ImportOptions
    city: City
    sources: list[LayerSource]

    def layers(self) -> list[dict[str, Any]]:
        """All layers as an import would read them; where it would not, each by itself."""
        try:
            return self._planned(self._plan(self.sources), self.sources)
        except ChengtuError as error:
            if len(self.sources) == 1:
                return [self._unplanned(self.sources[0], inspection.problem_view(error))]
        return [view for source in self.sources[:SHOWN_LAYERS] for view in self._alone(source)]

    def _alone(self, source: LayerSource) -> list[dict[str, Any]]:
        try:
            return self._planned(self._plan([source]), [source])
        except ChengtuError as error:
            return [self._unplanned(source, inspection.problem_view(error))]

    def _plan(self, sources: list[LayerSource]) -> FilePlan:
        saved = self.means.mapping
        if saved is not None and all(saved.for_layer(source.name) is None for source in sources):
            saved = None
        # Of several layers some may be for no class: they are asked about, not left out.
        return plan_file(self.means.catalogue, self.file, sources, self.options, self.city, saved)

    def _planned(self, plan: FilePlan, sources: list[LayerSource]) -> list[dict[str, Any]]:
        views = [self._understood(item) for item in plan.layers[:SHOWN_LAYERS]]
        by_name = {source.name: source for source in sources}
        for item in plan.skipped[:SHOWN_LAYERS]:
            source = by_name.get(item["layer"])
            problem = {"message": inspection.both(item["reason"]), "hint": None}
            if source is not None:
                views.append(self._unplanned(source, problem))
        return views

    def _understood(self, plan: LayerPlan) -> dict[str, Any]:
        meaning = plan.rows.meaning
        columns = [] if plan.rows.own else inspection.column_views(
            plan.given, meaning, plan.rows.key, plan.preparation.places
        )  # fmt: skip
        return {
            **inspection.layer_view(plan.given, columns, next(iter(plan.given.chunks()), None)),
            **inspection.plan_view(plan),
            "features": inspection.plan_features(plan, self.means.systems),
            "problem": None,
        }

    def _unplanned(self, source: LayerSource, problem: dict[str, Any]) -> dict[str, Any]:
        """A layer that would not be loaded: its columns are matched as far as its class is known."""
        first = next(iter(source.chunks()), None)
        cls, mapping = self._class_of(source)
        columns = [] if cls is None else self._columns(source, cls, mapping)
        return {
            **inspection.layer_view(source, columns, first),
            "class": None if cls is None else cls.id,
            "likely_classes": [] if cls is not None else self._likely(source),
            "empty": source.empty or source.skipped is not None,
            "evidence": [inspection.both(text) for text in source.notes],
            "features": [],
            "problem": problem,
        }

    def _likely(self, source: LayerSource) -> list[str]:
        """The classes that the layer is called like, then those that have most fields for its columns."""
        classes = self.means.catalogue.classes
        named = suggest_classes(self.means.catalogue, [source.name, self.file.name.split(".")[0]])
        fields = {name: len(match_headings(source.headings, cls).fields) for name, cls in classes.items()}
        best = max(fields.values(), default=0)
        by_fields = sorted(
            (name for name in fields if 0 < fields[name] == best), key=lambda name: classes[name].order
        )
        return list(dict.fromkeys([*(name for name, _ in named), *by_fields]))[:LIKELY_CLASSES]

    def _class_of(self, source: LayerSource) -> tuple[FeatureClass | None, LayerMapping | None]:
        saved: SavedMapping | None = self.means.mapping
        mapping = None if saved is None else saved.for_layer(source.name)
        asked = self.options.class_id or (mapping.class_id if mapping else None)
        names = [
            *layer_names(source.name),
            *([self.file.name.split(".")[0]] if len(self.sources) == 1 else []),
        ]
        try:
            return choose_class(self.means.catalogue, asked, names), mapping
        except ChengtuError:
            return None, mapping

    def _columns(
        self, source: LayerSource, cls: FeatureClass, mapping: LayerMapping | None
    ) -> list[dict[str, Any]]:
        first = next(iter(source.chunks()), None)
        try:
            meaning = match_headings(source.headings, cls, self.options.key, mapping)
            named = {} if mapping is None else mapping.places
            sample = {} if first is None else first.columns
            places = None if source.spatial else find_places(list(source.headings), sample, named)
        except ChengtuError:
            meaning, places = match_headings(source.headings, cls), None
        return inspection.column_views(source, meaning, meaning.key, places)


def _inspect_osm(means: Importing, file: SourceFile, options: ImportOptions) -> dict[str, Any]:
    """OpenStreetMap data: no columns; the classes that take its objects, each with its first ones."""
    chosen = choose_class(means.catalogue, options.class_id, ())
    classes = [
        cls for cls in means.catalogue.classes.values() if cls.osm and (chosen is None or cls is chosen)
    ]
    data = load_osm(file, classes, means.progress, means.limits)
    return {"format": "osm", "layers": list(_osm_layers(osm.make_batches(data, classes))), "fields": {}}


def _osm_layers(found: Sequence[osm.OsmBatch]) -> Iterator[dict[str, Any]]:
    for item in found:
        batch = item.batch
        names = [
            zh or en or ""
            for zh, en in zip(*(_column(item, name) for name in ("name_zh", "name_en")), strict=True)
        ]
        yield {
            "layer": batch.class_id, "class": batch.class_id, "rows": batch.read, "encoding": "UTF-8", "spatial": True,
            "headings": [], "more_columns": 0, "first": [], "columns": [], "key": None, "crs": "EPSG:4326",
            "how": "named by the file", "evidence": [], "warnings": [], "candidates": [], "suggestions": [],
            "own_export": False, "problem": None,
            "features": list(inspection.features(batch.geometry[: inspection.DRAWN], names, batch.codes)),
        }  # fmt: skip


def _column(item: osm.OsmBatch, name: str) -> list[str | None]:
    return item.batch.columns.get(name) or [None] * len(item.batch.codes)
