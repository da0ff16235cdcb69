"""The engine: answers requests of plain values with plain values.

It alone holds arrays. It runs in a process of its own for the server, and in-process for the command line.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.catalogue.model import Catalogue
from app.catalogue.policy_sensitivity import level_of
from app.coverage.bases import add_also
from app.coverage.cache import ArrayCache
from app.coverage.classes import limits_of_groups
from app.coverage.compute import compute
from app.coverage.counted_results import MODE
from app.coverage.details import both_modes, difference_rows, equity_rows, histogram_rows
from app.coverage.edition_service import with_editions
from app.coverage.guard import Sites
from app.coverage.guard_answer import guard_answer
from app.coverage.guard_seen import seen_sites
from app.coverage.held import STATEMENT_S, held_notes, held_of, scoped_loader
from app.coverage.levels import parse_levels
from app.coverage.loader import Loader
from app.coverage.loading import load_inputs
from app.coverage.model import Bools, Figures, Inputs
from app.coverage.notes import notes_of
from app.coverage.official import assess
from app.coverage.place import default_reach, prepare_places, reach_of_place
from app.coverage.recorded import with_recorded
from app.coverage.request import AreaRef, CoverageRequest, parse
from app.coverage.results import area_rows, difference_columns, gap_rows, result_rows, unit_rows
from app.coverage.saved_answers import gap_patches, land_of_two
from app.coverage.scenario_answer import (
    Answering,
    Counting,
    as_patched,
    counted_run,
    counted_scenario,
    judged,
    scenario_answer,
)
from app.coverage.scoped import told_scenario
from app.coverage.service_areas import entrances_answer, service_area_answer
from app.coverage.stages import Report, stage, watched
from app.database.scope import Scope, within
from app.database.transactions import Connection, Database
from app.errors import BadInput, ChengtuError
from app.garbage import seldom_collected
from app.inventory.area_store import get_area
from app.inventory.asked_times import asked_times
from app.inventory.changes import get_metric_crs
from app.network.report import describe
from app.space.metric import MetricCrs
from app.version import version

log = logging.getLogger("chengtu.engine")
#: Segments a quarter circle; the arcs lose 0.01 % of a circle's area.
ARC_SEGMENTS = 64
LAND_RULE = "lattice-50"
#: Figures with more gaps than these are computed again when they are asked for again: each is a shape in memory.
KEPT_GAPS = 20_000


@dataclass
class Engine:
    """Holds the arrays between requests. One request is answered at a time."""

    db: Database
    catalogue: Catalogue
    cache: ArrayCache = field(default_factory=ArrayCache)

    def answer(self, request: Mapping[str, Any], report: Report | None = None) -> dict[str, Any]:
        """Answer one request; `report(share, message)` is told its stages and may raise to end it between two.

        `{"op": "coverage", "policy", "mode", "area", "levels", "parameters"}` → results, areas, gaps, units,
        differences, details, inputs (with `figures_only` results, areas and inputs alone);
        `{"op": "scenario", …, "scenario"}` → before, after, change, gains, losses, inputs (with `only_warm` `{"warm":
        False}` where that would take more than a moment); `{"op": "guard", …, "remove", "within_m"}` → the same of a
        removal, with the sites that would make up for it;
        `{"op": "reach", "lon", "lat"}` → every policy for one place; `{"op": "network"}` → the network's report;
        `{"op": "service_area", "policy", "mode", "tier", "form"}` and `{"op": "entrances", "policy", "tier"}` → GeoJSON
        (see `service_areas`);
        `{"op": "patches", "run", "mode", "tier"}` → a saved run's gaps in patches, `{"op": "compare", "a", "b", …}` →
        the land that one of two runs serves alone (see `saved_answers`);
        `{"op": "classes", "groups": {key: values}}` → key → the limits of classes by each method (see `classes`);
        `{"op": "ping"}` → `{"ok": True}`. The first two take `as_of`, a day in the world, and `known_at`, a time of
        record, as texts, and `versions` (class → change), what was known of single classes.

        Raises:
        ------
        ChengtuError
            Unknown policy, area, mode or operation; the database is down.
        """
        operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "coverage": self._coverage,
            "scenario": lambda values: self._scenario(values, scenario_answer),
            "guard": lambda values: self._scenario(values, self._guard(values)),
            "reach": self._reach,
            "network": self._network,
            "service_area": self._service_area,
            "entrances": self._entrances,
            "patches": self._patches,
            "compare": self._compare,
            "classes": lambda values: limits_of_groups(values["groups"]),
            "ping": lambda _: {"ok": True},
        }
        operation = operations.get(str(request.get("op")))
        if operation is None:
            raise BadInput(
                f"The engine knows no operation '{request.get('op')}'.", f"Known: {', '.join(operations)}."
            )
        with watched(report), seldom_collected():
            return operation(request)

    def warm(self) -> None:
        """Load what every default policy and every place needs, so that the first request is as quick as the next.

        What cannot be loaded now (no data yet, the database away) is loaded when it is asked for.
        """
        try:
            for name in self.catalogue.default_policies():
                with self.db.engine() as conn, seldom_collected():
                    load_inputs(self._loader(conn), parse(self.catalogue, {"policy": name}, None))
            with self.db.engine() as conn, seldom_collected():
                prepare_places(self._loader(conn))
        except ChengtuError as error:
            log.info("Nothing loaded beforehand: %s", error.message)

    def _coverage(self, values: Mapping[str, Any]) -> dict[str, Any]:
        started = time.perf_counter()
        with self._reading(values) as (stored, request):
            loader = as_patched(stored, values)
            if request.policy.kind != "reach":
                return self._counted(loader, request, values, counted_run)
            inputs, facts = load_inputs(loader, request)
            versions = {name: loader.version(name) for name in _classes_used(request)}
            # What a scenario leaves of the city is named by nothing.
            held = _held(loader, request) if loader is stored else []
        loaded = time.perf_counter()
        stage("computing", 0.5)
        figures = _figures(request, inputs, held)
        judgement = judged(assess(request, facts, has_land=len(inputs.land.geometry) > 0), values)
        rows: dict[str, Any] = {
            "results": result_rows(inputs, figures, judgement),
            "areas": area_rows(inputs, figures),
        }
        add_also(inputs, figures, rows["results"], rows["areas"])
        if not values.get("figures_only"):
            stage("distances and differences", 0.85)
            rows |= _rows_to_save(inputs, figures, rows["areas"], loader.crs)
        timing = {"load_s": round(loaded - started, 3), "compute_s": round(time.perf_counter() - loaded, 3)}
        record = (
            _record(request, inputs, facts, versions, loader.crs.definition)
            | _asked(loader, values)
            | {"notes": [*notes_of(loader.catalogue, facts), *held_notes(loader)]}
            | judgement
            | {"timing": timing}
        )
        return {"policy": _policy(request), "modes": list(request.modes), **rows, "inputs": record}

    def _counted(
        self, loader: Loader, request: CoverageRequest, values: Mapping[str, Any], answering: Counting
    ) -> dict[str, Any]:
        started = time.perf_counter()
        rows, facts = answering(loader, request, values)
        timing = {"load_s": 0.0, "compute_s": round(time.perf_counter() - started, 3)}
        versions = {name: loader.version(name) for name in sorted({*request.policy.classes, "districts"})}
        record = facts | _made_of(request, versions, loader.crs.definition) | _asked(loader, values)
        record["notes"] = [*notes_of(loader.catalogue, facts), *held_notes(loader)]
        return {"policy": _policy(request), "modes": [MODE], **rows, "inputs": record | {"timing": timing}}

    def _scenario(self, values: Mapping[str, Any], answering: Answering) -> dict[str, Any]:
        with self._reading(values) as (loader, request):
            if request.policy.kind != "reach" and values.get("scenario"):
                return self._counted(loader, request, values, counted_scenario)
            found = answering(loader, request, values)
            if found is None:
                return {"warm": False}
            base, rows, facts = found
            rows = self._told(loader, request, rows, values)
        versions = {name: loader.version(name) for name in base.classes}
        record = _record(request, base.state.inputs, base.facts, versions, loader.crs.definition)
        record |= _asked(loader, values) | facts
        record["notes"] = [*notes_of(loader.catalogue, base.facts), *held_notes(loader)]
        return {"policy": _policy(request), "modes": list(request.modes), **rows, "inputs": record}

    def _guard(self, values: Mapping[str, Any]) -> Answering:
        """The guard, which tries no site that who asks does not see."""
        scope = self._scope(values)
        if scope.whole:
            return guard_answer

        def seen(loader: Loader, class_id: str, sites: Sites) -> Bools:
            with within(scope), self.db.read(timeout_s=STATEMENT_S) as conn:
                return seen_sites(conn, loader.catalogue, class_id, sites, (loader.crs, loader.times))

        return lambda loader, request, asked: guard_answer(loader, request, asked, seen)

    def _told(
        self, loader: Loader, request: CoverageRequest, rows: dict[str, Any], values: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The rows as who asks may know them: the engine itself sees all areas."""
        scope = self._scope(values)
        if scope.whole:
            return rows
        with within(scope), self.db.read(timeout_s=STATEMENT_S) as conn:
            return told_scenario(conn, loader.catalogue, request.policy.supply_classes, rows, loader.times)

    def _reach(self, values: Mapping[str, Any]) -> dict[str, Any]:
        place = float(values["lon"]), float(values["lat"])
        with self.db.engine() as conn:
            loader = self._loader(conn, values)
            with scoped_loader(
                self.db, loader, default_reach(loader.catalogue), self._scope(values)
            ) as loader:
                return reach_of_place(loader, *place, values.get("parameters"))

    def _service_area(self, values: Mapping[str, Any]) -> dict[str, Any]:
        with self._reading({**values, "area": None}) as (loader, request):
            return service_area_answer(as_patched(loader, values), request, values)

    def _entrances(self, values: Mapping[str, Any]) -> dict[str, Any]:
        with self._reading({**values, "area": None}) as (loader, request):
            return entrances_answer(as_patched(loader, values), request, values)

    def _network(self, _: Mapping[str, Any]) -> dict[str, Any]:
        with self.db.engine() as conn:
            loader = self._loader(conn)
            streets = loader.streets()
            stamp = loader.stamp("streets")
        if streets is None:
            return {"streets": 0}
        return self.cache.get(("report", stamp), lambda: describe(streets.network))

    def _patches(self, values: Mapping[str, Any]) -> dict[str, Any]:
        with self.db.engine() as conn:
            return gap_patches(conn, get_metric_crs(conn), values)

    def _compare(self, values: Mapping[str, Any]) -> dict[str, Any]:
        with self.db.engine() as conn:
            return land_of_two(conn, get_metric_crs(conn), values)

    @contextmanager
    def _reading(self, values: Mapping[str, Any]) -> Iterator[tuple[Loader, CoverageRequest]]:
        """The request and what reads for it, of the scope of who asks where its policy is over restricted data."""
        with self.db.engine() as conn:
            loader = self._loader(conn, values)
            request = parse(loader.catalogue, values, find_area(conn, values.get("area")))
            with scoped_loader(self.db, loader, [request.policy], self._scope(values)) as loader:
                yield loader, request

    def _scope(self, values: Mapping[str, Any]) -> Scope:
        """Who asks: as the request says it that came over the socket, else who runs here."""
        plain = values.get("scope")
        return self.db.scope if plain is None else Scope.of(plain)

    def _loader(self, conn: Connection, values: Mapping[str, Any] | None = None) -> Loader:
        given = {name: (values or {}).get(name) for name in ("as_of", "known_at")}
        times = asked_times(conn, **{name: None if v is None else str(v) for name, v in given.items()})
        # What was known at an earlier change is asked for seldom: nothing of it is kept.
        cache = self.cache if times.known_at is None else ArrayCache()
        known = (values or {}).get("versions") or {}
        catalogue = with_recorded(with_editions(conn, self.catalogue), (values or {}).get("recorded_policy"))
        return Loader(conn, catalogue, get_metric_crs(conn), cache, times, known)


def answer(db: Database, catalogue: Catalogue, request: Mapping[str, Any]) -> dict[str, Any]:
    """One answer without keeping arrays: for scripts. See `Engine.answer`."""
    return Engine(db, catalogue).answer(request)


def find_area(conn: Connection, code: object) -> AreaRef | None:
    """The area that a request names by code or name, None where it names none; NotFound with the nearest names."""
    if code in (None, ""):
        return None
    area = get_area(conn, str(code))
    name = area["name_zh"] or area["name_en"] or area["code"]
    return AreaRef(area["code"], name, area["level"])


def _held(loader: Loader, request: CoverageRequest) -> list[Figures]:
    """What was computed for the request, empty before: kept while nothing changes that it is made of."""
    stamps = tuple(loader.stamp(name) for name in _classes_used(request))
    return loader.cache.get(("figures", repr(request), stamps, loader.imports), list)


def _figures(request: CoverageRequest, inputs: Inputs, held: list[Figures]) -> list[Figures]:
    """The figures held, or computed and held: a policy that many ask about is computed once; what is large is not."""
    if held:
        return held
    figures = compute(inputs, request.modes)
    if sum(len(one.gaps.unit) for one in figures) <= KEPT_GAPS:
        held += figures
    return figures


def _rows_to_save(
    inputs: Inputs, figures: list[Figures], areas: list[dict[str, Any]], crs: MetricCrs
) -> dict[str, Any]:
    """What a saved run holds beside its figures: gaps, units, differences and details."""
    between = both_modes(inputs, figures)
    return {
        "gaps": gap_rows(inputs, figures, crs),
        "units": unit_rows(inputs, figures, crs),
        "differences": difference_columns(inputs, between, crs),
        "details": {
            "histogram": histogram_rows(inputs, figures),
            "equity": equity_rows(inputs, figures, areas),
            "difference": difference_rows(inputs, between),
        },
    }


def _asked(loader: Loader, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the request itself said: days as they were understood, parameters as they were given."""
    day = loader.times.as_of
    return {
        "as_of": None if day is None else day.isoformat(),
        "known_at": loader.times.known_at,
        "asked": dict(values.get("parameters") or {}),
        "levels": list(parse_levels(values.get("levels"))),
        **({"scenario": values["scenario"]} if values.get("scenario") else {}),
        "sensitivity": level_of(loader.catalogue, loader.catalogue.get_policy(str(values["policy"]))),
        **held_of(loader),
    }


def _classes_used(request: CoverageRequest) -> list[str]:
    policy = request.policy
    names = {supply.cls for tier in policy.tiers for supply in tier.supplies}
    names |= {
        policy.land.cls,
        "streets",
        "water_bodies",
        "barriers",
        "districts",
        "grid_cells",
        "park_gates",
        "residential_gates",
    }
    return sorted(names | set(policy.classes))


def _policy(request: CoverageRequest) -> dict[str, Any]:
    policy = request.policy
    return {
        "id": policy.id,
        "version": policy.version,
        "title": {"zh": policy.title.zh, "en": policy.title.en},
        "source": {
            "document": policy.source.document,
            "clause": policy.source.clause,
            "confidence": policy.source.confidence,
        },
        "text": policy.text,
    }


def _record(
    request: CoverageRequest, inputs: Inputs, facts: dict[str, Any], versions: dict[str, int], crs: str
) -> dict[str, Any]:
    streets = inputs.streets
    made_of = _made_of(request, versions, crs)
    if streets is not None:
        network = streets.network
        made_of["network"] = {"version": streets.version, "nodes": network.nodes, "edges": network.edges}
    made_of["parameters"] |= {
        "speed_m_s": request.speed_m_s,
        "minutes": request.policy.minutes,
        "radius_m": {tier.tier.id: [band.radius_m for band in tier.bands] for tier in inputs.supplies},
        "snap_limit_m": request.policy.snap_limit_m,
        "gate_search_m": request.policy.gate_search_m,
        "arc_segments": ARC_SEGMENTS,
        "land_rule": LAND_RULE,
    }
    return {**facts, **made_of}


def _made_of(request: CoverageRequest, versions: dict[str, int], crs: str) -> dict[str, Any]:
    area = request.area
    return {
        "versions": versions,
        "network": None,
        "metric_crs": crs,
        "area": None if area is None else {"code": area.code, "name": area.name, "level": area.level},
        "parameters": {},
        "software": version(),
    }
