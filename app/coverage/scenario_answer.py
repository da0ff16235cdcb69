"""What the engine answers to a scenario: parsed, made on the city's rows, computed and told as plain values."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from app.coverage.area_loading import names_at
from app.coverage.counted_results import counted_answer
from app.coverage.loader import Loader
from app.coverage.official import SCENARIO, assess
from app.coverage.request import CoverageRequest
from app.coverage.scenario import parse_scenario
from app.coverage.scenario_engine import Base, is_warm, load_base, run, scenario_facts
from app.coverage.scenario_loader import resolve, scenario_loader
from app.coverage.scenario_results import compared, scenario_rows

#: Answers a request over a loader: the city as it is, rows, facts; None where only a warm answer was asked for.
Answering = Callable[
    [Loader, CoverageRequest, Mapping[str, Any]], tuple[Base, dict[str, Any], dict[str, Any]] | None
]
#: The same of a policy that is counted: rows and facts.
Counting = Callable[[Loader, CoverageRequest, Mapping[str, Any]], tuple[dict[str, Any], dict[str, Any]]]


def scenario_answer(
    loader: Loader, request: CoverageRequest, values: Mapping[str, Any]
) -> tuple[Base, dict[str, Any], dict[str, Any]] | None:
    """The city as it is, the rows of `scenario_rows`, and what the answer records of the scenario.

    None where `values` ask for an answer `only_warm` and the city as it is was not computed yet.

    Raises:
    ------
    NotFound, BadInput, BadGeometry
        The scenario cannot be made; see `parse_scenario` and `resolve`.
    """
    started = time.perf_counter()
    scenario = parse_scenario(loader.catalogue, values.get("scenario"))
    if values.get("only_warm") and not is_warm(loader, request):
        return None
    base = load_base(loader, request)
    resolved = resolve(loader, scenario)
    loaded = time.perf_counter()
    outcome = run(loader, request, base, resolved)
    judgement = assess(request, base.facts, has_land=len(base.state.inputs.land.geometry) > 0)
    rows = scenario_rows(base, outcome, judgement, loader.crs, partial(names_at, loader))
    timing = {
        "load_s": round(loaded - started, 4),
        "compute_s": round(time.perf_counter() - loaded, 4),
    }
    facts = scenario_facts(scenario, base, outcome) | judged(judgement, values) | {"timing": timing}
    return base, rows, facts


def counted_run(
    loader: Loader, request: CoverageRequest, values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rows and facts of a policy that is counted, not official where `values` hold a scenario."""
    rows, facts = counted_answer(loader, request, figures_only=bool(values.get("figures_only")))
    if values.get("scenario"):
        facts |= judged(facts, values)
        rows["results"] = [{**row, "official": False} for row in rows["results"]]
    return rows, facts


def counted_scenario(
    loader: Loader, request: CoverageRequest, values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rows before, after and between of a policy that is counted, and what the answer records of it.

    Nobody gains or loses a way: `gains` and `losses` are empty.
    """
    started = time.perf_counter()
    before, facts = counted_answer(loader, request, figures_only=True)
    patched = as_patched(loader, values)
    after, _ = counted_answer(patched, request, figures_only=True)
    scenario = parse_scenario(loader.catalogue, values.get("scenario"))
    timing = {"load_s": 0.0, "compute_s": round(time.perf_counter() - started, 4)}
    facts |= {
        **judged(facts, values),
        "unused_classes": sorted(scenario.classes - {*request.policy.classes, *loader.versions}),
        "recomputed": {"method": "everything"},
        "timing": timing,
    }
    return compared(before, after) | {"gains": [], "losses": []}, facts


def as_patched(loader: Loader, values: Mapping[str, Any]) -> Loader:
    """The loader, or where `values` hold a scenario, one that reads the city as the scenario leaves it."""
    if not values.get("scenario"):
        return loader
    resolved = resolve(loader, parse_scenario(loader.catalogue, values["scenario"]))
    return scenario_loader(loader, resolved.patched, resolved.lines, resolved.drawn)


def judged(judgement: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Whether a figure is official: never that of a scenario."""
    if not values.get("scenario"):
        return judgement
    return {"official": False, "differs": [*judgement["differs"], SCENARIO]}
