"""What the planner's tabs ask for: policies with their parameters, areas, saved runs, a run's figures and gaps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.catalogue.model import Catalogue, FeatureClass, Lang
from app.catalogue.policy_model import Policy, Supply
from app.coverage.answer_service import in_words
from app.coverage.edition_service import with_editions
from app.coverage.editions import changes_of
from app.coverage.run_words import run_words
from app.coverage.scenario import FRAMES
from app.coverage.scoped import told_areas
from app.coverage.service import get_run, list_runs, parse_run
from app.database.transactions import Connection
from app.inventory.times import NOW, Times
from app.maps import planner_store, report_store, run_service, run_store, service, store
from app.maps.planner_parameters import parameter_fields
from app.maps.version_store import sources_at

#: Changes with the shape of what is told of a run: runs themselves never change.
DATA_VERSION = "3"
#: Runs offered of one policy.
MOST_RUNS = 40


def options(conn: Connection, catalogue: Catalogue, lang: Lang) -> dict[str, Any]:
    """Every policy in force with what may be changed of it, the areas to choose from, and the newest run of each."""
    known = with_editions(conn, catalogue)
    runs = list_runs(conn, known, limit=1_000, newest_only=True)
    return {
        "policies": [_policy(policy, catalogue, lang) for policy in _ordered(known)],
        "areas": planner_store.offered_areas(conn, sources_at(catalogue)["districts"], lang),
        "newest": {run["policy"]["id"]: run["run"] for run in runs},
    }


def _ordered(catalogue: Catalogue) -> list[Policy]:
    """The city's own editions first, then what is computed unasked, then the others, as declared."""
    return sorted(catalogue.policies.values(), key=lambda item: (item.origin != "edition", not item.default))


def _policy(policy: Policy, catalogue: Catalogue, lang: Lang) -> dict[str, Any]:
    base, changed = changes_of(policy)
    return {
        "id": policy.id,
        "based_on": base,
        "changed": changed,
        "title": policy.title.in_(lang),
        "titles": {"zh": policy.title.zh, "en": policy.title.en},
        "about": policy.description.in_(lang),
        "kind": policy.kind,
        "official": policy.official,
        "default": policy.default,
        "origin": policy.origin,
        "version": policy.version,
        "document": _document(policy, lang),
        "tiers": [{"id": tier.id, "title": tier.title.in_(lang)} for tier in policy.tiers],
        "parameters": parameter_fields(policy, catalogue.classes, lang),
        "supplies": _supplies(policy, catalogue, lang),
    }


def _document(policy: Policy, lang: Lang) -> str:
    """The source in a language: a document named in both (`zh / en`) by one of them, a clause where it can be read."""
    zh, _, en = policy.source.document.partition(" / ")
    clause = policy.source.clause
    foreign = lang == "zh" and clause.isascii() and any(part.isalpha() for part in clause.split())
    return f"{zh if lang == 'zh' else en or zh} {'' if foreign else clause}".strip()


def _supplies(policy: Policy, catalogue: Catalogue, lang: Lang) -> list[dict[str, Any]]:
    """The classes whose features serve and may be changed in a scenario, each with the values that make one count."""
    found: dict[str, dict[str, Any]] = {}
    for tier in policy.tiers:
        for item in tier.supplies:
            cls = catalogue.classes.get(item.cls)
            if cls is None or cls.id in found or cls.id in FRAMES:
                continue
            found[cls.id] = {
                "id": cls.id,
                "title": cls.title.in_(lang),
                "geometry": cls.geometry,
                "properties": _counting(item, cls),
                "least_m2": item.min_area_m2,
            }
    return list(found.values())


def _counting(supply: Supply, cls: FeatureClass) -> dict[str, Any]:
    """Values with which a new feature of a class counts: of each field that the policy looks at the first it allows."""
    names = {item.name for item in cls.fields}
    firsts = {name: next((v for v in values if v is not None), None) for name, values in supply.where.items()}
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in firsts.items()
        if name in names and value is not None
    }


def saved_runs(conn: Connection, catalogue: Catalogue, lang: Lang, policy: str | None) -> dict[str, Any]:
    """Saved runs of a policy (None: of all), newest first: id, policy, when computed, and what they were asked for."""
    known = with_editions(conn, catalogue)
    runs = list_runs(conn, known, policy, MOST_RUNS if policy else 5 * MOST_RUNS)
    return {"runs": [_head(run, lang) for run in runs]}


def _head(run: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    inputs = run["inputs"]
    area = inputs.get("area") or {}
    return {
        "run": run["run"],
        "policy": run["policy"]["id"],
        "title": run_service.policy_title(run, lang),
        "at": str(run["created_at"]).replace("T", " ").replace("Z", " UTC"),
        "words": [words[lang] for words in run_words(run)],
        "area": area.get("code"),
        "as_of": inputs.get("as_of"),
        "asked": inputs.get("asked") or {},
        "modes": run["modes"],
        "scenario": bool(inputs.get("scenario")),
        "known_at": inputs.get("known_at"),
    }


def run_panel(conn: Connection, catalogue: Catalogue, run_id: str, lang: Lang) -> dict[str, Any]:
    """A run as the coverage tab shows it: figures of the whole, its areas with shapes, facts. Raises NotFound."""
    run, key = get_run(conn, run_id, areas=False), parse_run(run_id)
    policy = with_editions(conn, catalogue).policies.get(run["policy"]["id"])
    view = run_service.run_view(conn, run, policy, lang)
    names = store.area_names(conn, sources_at(catalogue, run_service.run_times(run))["districts"], lang)
    drawn = run_service.drawn_levels(run_store.count_areas(conn, key))
    rows = told_areas(conn, run_store.area_figures(conn, key, drawn))
    kept = ("modes", "tiers", "by", "results", "official", "differs", "facts", "bounds")
    return {
        **_head(run, lang),
        **{name: view[name] for name in kept},
        "levels": list(dict.fromkeys(row["level"] for row in rows)),
        "areas": [_area(row, names, lang) for row in rows],
        "shapes": planner_store.area_shapes(conn, key, drawn),
    }


def _area(row: dict[str, Any], names: Mapping[str, str], lang: Lang) -> dict[str, Any]:
    return row | {"name": names.get(row["code"], row["name"]), "reason": in_words(row.get("reason"), lang)}


def run_gaps(
    conn: Connection, catalogue: Catalogue, run_id: str, mode: str, tier: str, lang: Lang
) -> dict[str, Any]:
    """Gaps of one mode and tier as GeoJSON, most people first, named by their areas, and how many in all."""
    run, key = get_run(conn, run_id, areas=False), parse_run(run_id)
    rows = planner_store.gaps(conn, key, mode, tier)
    sources = sources_at(catalogue, run_service.run_times(run))
    names = store.area_names(conn, sources["districts"], lang)
    unnamed = [row["id"] for row in rows if not row["name"]]
    estates = report_store.estate_names(conn, key, sources["residential_areas"], unnamed, lang)
    policy = with_editions(conn, catalogue).policies.get(run["policy"]["id"])
    facilities = run_service.facility_names(
        conn, policy, sources, (row["nearest_code"] for row in rows), lang
    )
    for row in rows:
        row["name"] = row["name"] or estates.get(row["id"])
        row["nearest_name"] = facilities.get(row["nearest_code"]) or row["nearest_name"]
    total = len(rows) if len(rows) < planner_store.MOST_GAPS else run_store.count_gaps(conn, key, mode, tier)
    return {
        "type": "FeatureCollection",
        "total": total,
        "features": [_gap(row, names) for row in rows],
    }


def _gap(row: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    geometry, path = row.pop("geometry"), row.pop("area_path")
    areas = [names[code] for code in (path or "").split("/")[1:] if code in names]
    return {
        "type": "Feature",
        "id": row.pop("id"),
        "geometry": geometry,
        "properties": row | {"areas": areas},
    }


def layers_at(conn: Connection, catalogue: Catalogue, lang: Lang, times: Times = NOW) -> dict[str, Any]:
    """Ground and classes as they were at a time: what a second map beside the first one draws."""
    held = service.versions(conn, catalogue)
    views = service.layer_views(conn, catalogue, held, lang, frozenset(), times)
    return {
        "background": service.ground_view(held, lang, times),
        "layers": [view for view in views if view["count"]],
        "time": service.time_view(times),
    }
