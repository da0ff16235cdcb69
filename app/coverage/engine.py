"""The engine: answers requests of plain values with plain values.

It alone holds arrays. It runs in a process of its own for the server, and in-process for the command line.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.catalogue.model import Catalogue
from app.coverage.cache import ArrayCache
from app.coverage.compute import compute
from app.coverage.loader import Loader
from app.coverage.loading import load_inputs
from app.coverage.model import Inputs
from app.coverage.official import assess
from app.coverage.place import reach_of_place
from app.coverage.request import AreaRef, CoverageRequest, parse
from app.coverage.results import area_rows, gap_rows, result_rows, unit_rows
from app.database.transactions import Connection, Database
from app.errors import BadInput, ChengtuError
from app.inventory.area_store import get_area
from app.inventory.asked_times import asked_times
from app.inventory.changes import get_metric_crs
from app.network.report import describe
from app.version import version

log = logging.getLogger("chengtu.engine")
#: Segments a quarter circle; the arcs lose 0.01 % of a circle's area.
ARC_SEGMENTS = 64
LAND_RULE = "lattice-50"


@dataclass
class Engine:
    """Holds the arrays between requests. One request is answered at a time."""

    db: Database
    catalogue: Catalogue
    cache: ArrayCache = field(default_factory=ArrayCache)

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one request.

        `{"op": "coverage", "policy", "mode", "area", "parameters"}` → results, areas, gaps, units, inputs;
        `{"op": "reach", "lon", "lat"}` → every policy for one place; `{"op": "network"}` → the network's report;
        `{"op": "ping"}` → `{"ok": True}`. The first two take `as_of`, a day in the world, and `known_at`, a time of
        record, as texts, and `versions` (class → change), what was known of single classes.

        Raises:
        ------
        ChengtuError
            Unknown policy, area, mode or operation; the database is down.
        """
        operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "coverage": self._coverage,
            "reach": self._reach,
            "network": self._network,
            "ping": lambda _: {"ok": True},
        }
        operation = operations.get(str(request.get("op")))
        if operation is None:
            raise BadInput(
                f"The engine knows no operation '{request.get('op')}'.", f"Known: {', '.join(operations)}."
            )
        return operation(request)

    def warm(self) -> None:
        """Load what every policy needs, so that the first request is as quick as the next.

        What cannot be loaded now (no data yet, the database away) is loaded when it is asked for.
        """
        try:
            for name in self.catalogue.policies:
                with self.db.engine() as conn:
                    load_inputs(self._loader(conn), parse(self.catalogue, {"policy": name}, None))
        except ChengtuError as error:
            log.info("Nothing loaded beforehand: %s", error.message)

    def _coverage(self, values: Mapping[str, Any]) -> dict[str, Any]:
        started = time.perf_counter()
        with self.db.engine() as conn:
            request = parse(self.catalogue, values, find_area(conn, values.get("area")))
            loader = self._loader(conn, values)
            inputs, facts = load_inputs(loader, request)
            versions = {name: loader.version(name) for name in _classes_used(request)}
        loaded = time.perf_counter()
        figures = compute(inputs, request.modes)
        judgement = assess(request, facts, has_land=len(inputs.land.geometry) > 0)
        rows = {
            "results": result_rows(inputs, figures, judgement),
            "areas": area_rows(inputs, figures),
            "gaps": gap_rows(inputs, figures, loader.crs),
            "units": unit_rows(inputs, figures, loader.crs),
        }
        timing = {"load_s": round(loaded - started, 3), "compute_s": round(time.perf_counter() - loaded, 3)}
        record = (
            _record(request, inputs, facts, versions, loader.crs.definition)
            | _asked(loader, values)
            | judgement
            | {"timing": timing}
        )
        return {"policy": _policy(request), "modes": list(request.modes), **rows, "inputs": record}

    def _reach(self, values: Mapping[str, Any]) -> dict[str, Any]:
        with self.db.engine() as conn:
            loader = self._loader(conn, values)
            return reach_of_place(loader, float(values["lon"]), float(values["lat"]))

    def _network(self, _: Mapping[str, Any]) -> dict[str, Any]:
        with self.db.engine() as conn:
            loader = self._loader(conn)
            streets = loader.streets()
            stamp = loader.stamp("streets")
        if streets is None:
            return {"streets": 0}
        return self.cache.get(("report", stamp), lambda: describe(streets.network))

    def _loader(self, conn: Connection, values: Mapping[str, Any] | None = None) -> Loader:
        given = {name: (values or {}).get(name) for name in ("as_of", "known_at")}
        times = asked_times(conn, **{name: None if v is None else str(v) for name, v in given.items()})
        # What was known at an earlier change is asked for seldom: nothing of it is kept.
        cache = self.cache if times.known_at is None else ArrayCache()
        known = (values or {}).get("versions") or {}
        return Loader(conn, self.catalogue, get_metric_crs(conn), cache, times, known)


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


def _asked(loader: Loader, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the request itself said: days as they were understood, parameters as they were given."""
    day = loader.times.as_of
    return {
        "as_of": None if day is None else day.isoformat(),
        "known_at": loader.times.known_at,
        "asked": dict(values.get("parameters") or {}),
    }


def _classes_used(request: CoverageRequest) -> list[str]:
    policy = request.policy
    names = {supply.cls for tier in policy.tiers for supply in tier.supplies}
    names |= {policy.land.cls, "streets", "districts", "park_gates", "residential_gates"}
    names |= {demand.cls for demand in policy.people}
    return sorted(names | ({policy.frame_cls} if policy.frame_cls else set()))


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
    area = request.area
    return {
        **facts,
        "versions": versions,
        "network": None
        if streets is None
        else {"version": streets.version, "nodes": streets.network.nodes, "edges": streets.network.edges},
        "metric_crs": crs,
        "area": None if area is None else {"code": area.code, "name": area.name, "level": area.level},
        "parameters": {
            "speed_m_s": request.speed_m_s,
            "minutes": request.policy.minutes,
            "radius_m": {tier.tier.id: [band.radius_m for band in tier.bands] for tier in inputs.supplies},
            "snap_limit_m": request.policy.snap_limit_m,
            "gate_search_m": request.policy.gate_search_m,
            "arc_segments": ARC_SEGMENTS,
            "land_rule": LAND_RULE,
        },
        "software": version(),
    }
