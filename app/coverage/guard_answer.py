"""What the engine answers to the guard: the loss, the sites that would make up for it, and a plan."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import shapely

from app.coverage.area_loading import names_at
from app.coverage.guard import USUAL_WITHIN_M, WITHIN_M, Loss, Sites, find_sites, made_up, plan, tried, weight
from app.coverage.incremental import State
from app.coverage.loader import Loader
from app.coverage.model import Bools
from app.coverage.official import assess
from app.coverage.request import CoverageRequest
from app.coverage.scenario import parse_scenario
from app.coverage.scenario_answer import judged
from app.coverage.scenario_engine import Base, check_kind, is_warm, load_base, run, scenario_facts
from app.coverage.scenario_loader import resolve
from app.coverage.scenario_results import scenario_rows
from app.errors import BadInput

#: Sites that are told, and tried for a plan of several.
MOST_TOLD = 20
PLANNED_OF = 12
#: Which of the sites for a facility of a class whoever asks may know of.
Seen = Callable[[Loader, str, Sites], Bools]
#: Where coverage does not fall, nothing has to be rebuilt for it.
NOTHING_TO_MAKE_UP: Mapping[str, Any] = {"sites_tried": 0, "restored_by_one": True, "sites": [], "plan": []}


def guard_answer(
    loader: Loader, request: CoverageRequest, values: Mapping[str, Any], seen: Seen | None = None
) -> tuple[Base, dict[str, Any], dict[str, Any]] | None:
    """The city as it is, what is told of a removal, and what the answer records; None `only_warm` where it is cold.

    `values` hold `remove` (`{"class", "code"}`) and `within_m`. Told are `falls`, the rows of `scenario_rows`, `sites`
    (those that restore everything first, then by people served again) and `plan`. Sites that are not `seen` are not
    tried: no figure tells of them.

    Raises:
    ------
    NotFound, BadInput
        There is no such facility, or the policy does not count it; `within_m` is out of range.
    """
    started = time.perf_counter()
    check_kind(request)
    within_m = read_within(values.get("within_m"))
    patch = {**_named(values.get("remove")), "do": "remove"}
    scenario = parse_scenario(loader.catalogue, {"patches": [patch]})
    patch["class"] = scenario.patches[0].cls
    if values.get("only_warm") and not is_warm(loader, request):
        return None
    base = load_base(loader, request)
    resolved = resolve(loader, scenario)
    outcome = run(loader, request, base, resolved)
    if not outcome.changes or not any(len(what.removed) for what in outcome.changes.values()):
        raise BadInput(
            f"The policy '{request.policy.id}' does not count '{patch['code']}' of {patch['class']}.",
            f"It counts facilities in service of {', '.join(request.policy.supply_classes)}.",
        )
    judgement = assess(request, base.facts, has_land=len(base.state.inputs.land.geometry) > 0)
    rows = scenario_rows(base, outcome, judgement, loader.crs, partial(names_at, loader))
    loss = Loss(base.state, outcome.state)
    falls = not all(made_up(row) for row in _known(loss.restored(outcome.state)))
    what = (list(outcome.changes), resolved.shapes[0], patch)
    told = _replacements(loader, request, loss, what, (within_m, seen)) if falls else NOTHING_TO_MAKE_UP
    facts = scenario_facts(scenario, base, outcome) | judged(judgement, {"scenario": patch})
    facts |= {"timing": {"load_s": 0.0, "compute_s": round(time.perf_counter() - started, 4)}}
    head = {"remove": {"class": patch["class"], "code": patch["code"]}, "within_m": within_m}
    return base, head | {"falls": falls, **told} | rows, facts


def read_within(given: object) -> float:
    """How far a replacement may lie, in metres; BadInput out of range."""
    if given is None:
        return USUAL_WITHIN_M
    low, high = WITHIN_M
    if isinstance(given, bool) or not isinstance(given, int | float) or not low <= given <= high:
        raise BadInput(f"within_m must be a number from {low:g} to {high:g}, not {given!r}.", "300 is usual.")
    return float(given)


def _named(given: object) -> dict[str, Any]:
    if not isinstance(given, Mapping) or not {"class", "code"} >= given.keys():
        raise BadInput("`remove` names a class and a code.", 'Send {"remove": {"class": …, "code": …}}.')
    return dict(given)


def _replacements(
    loader: Loader,
    request: CoverageRequest,
    loss: Loss,
    what: tuple[Any, Any, Mapping[str, Any]],
    where: tuple[float, Seen | None],
) -> dict[str, Any]:
    """Sites ranked by the people that they serve again, and where none of them is enough alone, some together."""
    keys, shape, patch = what
    within_m, seen = where
    sites = find_sites(loader, patch["class"], shape, patch["code"], within_m)
    if seen is not None:
        sites = sites.only(seen(loader, patch["class"], sites))
    figure = _judged_by(loss.before)
    found = tried(loader, request, loss, keys, sites)
    order = sorted(
        range(len(found)),
        key=lambda i: (
            not all(made_up(row) for row in _known(found[i])),
            *(-part for part in weight(found[i][figure])),
            float(sites.metres[i]),
        ),
    )
    rows = [_site(loader, loss.before, sites, i, found[i]) for i in order[:MOST_TOLD]]
    alone = any(row["restores"] for row in rows)
    chosen = [] if alone or not rows else plan(loader, request, loss, keys, sites, order[:PLANNED_OF], figure)
    return {
        "sites_tried": len(found),
        "restored_by_one": alone,
        "sites": rows,
        "plan": [_site(loader, loss.before, sites, site, figures) for site, figures in chosen],
    }


def _judged_by(state: State) -> int:
    """The figure by which sites are ranked: the first that is walked, where there are streets to walk on."""
    walked = [i for i, figure in enumerate(state.figures) if figure.mode == "walk"]
    return walked[0] if walked and state.inputs.streets is not None else 0


def _known(rows: Sequence[Mapping[str, float]]) -> list[Mapping[str, float]]:
    """The figures that can be known: without streets nothing is walked."""
    return [row for row in rows if np.isfinite(row["land_m2_restored"])]


def _shown(name: str, value: float) -> float:
    """A figure as it is told: people are whole."""
    return round(value) if name.startswith("people") else round(value, 1) + 0.0


def _site(
    loader: Loader, state: State, sites: Sites, site: int, figures: Sequence[Mapping[str, float]]
) -> dict[str, Any]:
    """One site with what it gives back in each tier and mode; of a plan, together with those before it."""
    point = np.asarray(shapely.centroid(sites.shapes[[site]]), dtype=object)
    lon, lat = shapely.get_coordinates(loader.crs.to_lonlat(point))[0].tolist()
    known = [pair for pair in zip(state.figures, figures, strict=True) if _known([pair[1]])]
    return {
        "kind": sites.kind[site],
        "code": sites.code[site],
        "lon": round(lon, 7),
        "lat": round(lat, 7),
        "distance_m": round(float(sites.metres[site]), 1),
        "restores": bool(known) and all(made_up(row) for _, row in known),
        "figures": [
            {"tier": figure.tier.id, "mode": figure.mode}
            | {name: _shown(name, value) for name, value in row.items()}
            for figure, row in known
        ],
    }
