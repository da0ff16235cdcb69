"""The page of one coverage run: its figures, areas and gaps, and the facilities it counted."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from app.catalogue.model import Catalogue, Lang, Policy
from app.coverage.answer_service import in_words
from app.coverage.edition_service import with_editions
from app.coverage.levels import LEVELS
from app.coverage.run_words import run_words
from app.coverage.scoped import told_areas
from app.coverage.service import Answer, get_run, parse_run
from app.database.transactions import Connection
from app.inventory.times import NOW, Times, parse_date
from app.inventory.version_marks import scoped
from app.maps import page_service, report_store, run_store, service, store
from app.maps.figure import Figure
from app.maps.marks import view_part
from app.maps.page_service import BRAND, CITY, Page
from app.maps.squares import Square, square_around
from app.maps.version_store import Sources, sources_at

#: A level with more areas than this is not drawn.
MOST_AREAS = 3_000
#: Changes with the shape of `run_data`: a run itself never changes.
DATA_VERSION = "6"
WORDS = {
    "as_of": {"zh": "数据时点", "en": "As of"},
    "computed": {"zh": "计算时间", "en": "Computed"},
    "version": {"zh": "规则版本", "en": "Policy version"},
    "crs": {"zh": "量算坐标系", "en": "Measured in"},
    "speed": {"zh": "步行速度", "en": "Walking speed"},
    "people_rule": {"zh": "人口计法", "en": "People counted by"},
    "outside": {"zh": "数据范围外人口（未计入）", "en": "People outside the data (not counted)"},
    "document": {"zh": "依据", "en": "After"},
    "people_reason": {"zh": "人口", "en": "People"},
    "notes": {"zh": "数据未说明", "en": "Not said by the data"},
}
#: What is drawn of a row, by what it counts: the basis as the page names it, and the row's member.
FIGURES = {
    "share": (("people", "share_of_people"), ("land", "share_of_land")),
    "count": (("value", "value"),),
}
RULES = {
    "centre": {"zh": "格网中心", "en": "cell centre"},
    "area": {"zh": "面积比例", "en": "share of area"},
}


def run_page(
    conn: Connection, catalogue: Catalogue, lang: Lang, run_id: str, marks: Mapping[str, Any]
) -> Page:
    """The page of a run with the marks of `marks.marks_view`; raises NotFound."""
    figure = run_figure(conn, catalogue, lang, run_id, marks)
    return page_service.finished(
        figure, f"/coverage/{parse_run(run_id)}/map/page.js", lang, view_part(catalogue)
    )


def run_figure(
    conn: Connection, catalogue: Catalogue, lang: Lang, run_id: str, marks: Mapping[str, Any]
) -> Figure:
    """The Folium figure behind `run_page`."""
    run = get_run(conn, run_id, areas=False)
    held = service.versions(conn, catalogue)
    times = run_times(run)
    town = service.city(conn, catalogue, held, lang)
    name, title = town.name or CITY[lang], run_title(run, lang)
    page = service.page_view(town, lang, title, name, f"/coverage/{run['run']}/map")
    page |= {"about": [words[lang] for words in run_words(run)], "marks": marks}
    if not times.now:
        page["time"] = service.time_view(times)
    figure = Figure(f"{title} · {name} · {BRAND[lang]}", lang, page)
    figure.add_layers("background", [service.ground_view(held, lang, times)])
    policy = with_editions(conn, catalogue).policies.get(run["policy"]["id"])
    figure.add_layers("layer", supply_layers(conn, catalogue, policy, held, lang, times))
    figure.add_layers("run", [run_view(conn, run, policy, lang)])
    return figure


def run_times(run: Mapping[str, Any]) -> Times:
    """The day in the world that a run counted, if it was asked for one: what lies around it is drawn so."""
    as_of = run["inputs"].get("as_of")
    return NOW if as_of is None else Times(parse_date("as_of", as_of))


def data_bounds(conn: Connection, run: uuid.UUID) -> list[list[float]] | None:
    """[[south, west], [north, east]] of what a run counted: districts may reach far beyond it."""
    box = run_store.data_extent(conn, run)
    return None if box is None else [[box[1], box[0]], [box[3], box[2]]]


def policy_title(run: Mapping[str, Any], lang: Lang) -> str:
    """The run's policy as it is called, its id where it is no longer declared."""
    title = run["policy"]["title"]
    return str(title[lang] if title else run["policy"]["id"])


def run_title(run: Mapping[str, Any], lang: Lang) -> str:
    """The run's policy, and its area where it is not of the whole city: a district's figure is not the city's."""
    area = run["inputs"].get("area")
    return (
        f"{policy_title(run, lang)} · {area.get('name') or area['code']}" if area else policy_title(run, lang)
    )


def supply_layers(
    conn: Connection,
    catalogue: Catalogue,
    policy: Policy | None,
    held: Mapping[str, int],
    lang: Lang,
    times: Times = NOW,
) -> list[dict[str, Any]]:
    """The layers of what serves; points are on from the start."""
    tiers = policy.tiers if policy else ()
    supplies = list(dict.fromkeys(supply.cls for tier in tiers for supply in tier.supplies))
    wanted = [class_id for class_id in [*supplies, "residential_areas"] if class_id in held]
    views = service.layer_views(conn, catalogue, held, lang, frozenset(supplies[:1]), times)
    # quiet: dots instead of symbols on the whole city, or they would hide the districts and gaps
    return [view | {"quiet": True} for view in views if view["id"] in wanted and view["count"]]


def run_view(conn: Connection, run: Mapping[str, Any], policy: Policy | None, lang: Lang) -> dict[str, Any]:
    """The options of the run's layer: where its data lies, figures of the whole, switches, facts."""
    path = f"/coverage/{run['run']}/map"
    inputs = run["inputs"]
    return {
        "id": "run",
        "bounds": data_bounds(conn, parse_run(run["run"])),
        "modes": run["modes"],
        "tiers": _tiers(run, lang),
        "by": "people" if any(row["share_of_people"] is not None for row in run["results"]) else "land",
        "results": [_result(row, lang) for row in run["results"]],
        "official": bool(inputs.get("official")),
        "differs": [reason[lang] for reason in inputs.get("differs", [])],
        "facts": facts(run, policy, lang),
        "speed": (inputs.get("parameters") or {}).get("speed_m_s"),
        "histogram": run["histogram"],
        "equity": run["equity"],
        "difference": [_differing(row, lang) for row in run["difference"]],
        "areas": f"{path}/areas.json?lang={lang}&v={scoped(DATA_VERSION)}",
        "classes": f"{path}/classes.json?v={scoped(DATA_VERSION)}",
        "gaps": f"{path}/gaps/{{mode}}/{{tier}}.json?lang={lang}&v={scoped(DATA_VERSION)}",
        "report": f"/coverage/{run['run']}/report",
        "file": f"/exports/{run['run']}.gpkg",
        "tables": {name: f"/coverage/{run['run']}/{name}" for name in ("areas", "gaps")},
        "entrances": f"/coverage/{run['run']}/entrances",
        "difference_parts": f"/coverage/{run['run']}/difference",
        "serviceArea": f"/coverage/{run['run']}/service-area",
    }


def _tiers(run: Mapping[str, Any], lang: Lang) -> list[dict[str, str]]:
    found = {row["tier"]: (row.get("tier_title") or {}).get(lang, row["tier"]) for row in run["results"]}
    return [{"id": tier, "title": title} for tier, title in found.items()]


def _result(row: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    shown = {key: value for key, value in row.items() if key != "tier_title"}
    return shown | {"reason": in_words(row.get("reason"), lang)}


def _differing(row: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    """The difference between the modes of one tier, its causes in the page's language."""
    return {**row, "causes": [cause | {"title": cause["title"][lang]} for cause in row["causes"]]}


def facts(run: Mapping[str, Any], policy: Policy | None, lang: Lang) -> list[tuple[str, str]]:
    """What stands beside a run's figures: document, version, day, coordinates, speed, how people are counted."""
    inputs = run["inputs"]
    parameters = inputs.get("parameters") or {}
    found = {
        "document": f"{policy.source.document} {policy.source.clause}".strip() if policy else None,
        "version": run["policy"]["version"],
        "as_of": inputs.get("as_of"),
        "computed": str(run["created_at"]).replace("T", " ").replace("Z", " UTC"),
        "crs": inputs.get("metric_crs"),
        "speed": f"{parameters['speed_m_s']} m/s" if parameters.get("speed_m_s") else None,
        "people_reason": in_words(inputs.get("people_reason"), lang),
        "people_rule": RULES.get(str(inputs.get("people_rule")), {}).get(lang),
        "outside": f"{inputs['people_outside_data']:,.0f}" if inputs.get("people_outside_data") else None,
        "notes": "; ".join(note[lang] for note in inputs.get("notes") or ()),
    }
    return [(WORDS[key][lang], str(value)) for key, value in found.items() if value]


def run_square(conn: Connection, run: uuid.UUID) -> Square:
    """The square around a run's areas and gaps."""
    return square_around(run_store.extent(conn, run) or (-1.0, -1.0, 1.0, 1.0))


def areas_data(conn: Connection, catalogue: Catalogue, run_id: str, lang: Lang) -> dict[str, Any]:
    """Borders of a run's areas with their figures in each mode and tier, named in the page's language."""
    run, key = get_run(conn, run_id, areas=False), parse_run(run_id)
    square = run_square(conn, key)
    names = store.area_names(conn, sources_at(catalogue, run_times(run))["districts"], lang)
    drawn = drawn_levels(run_store.count_areas(conn, key))
    rows = told_areas(conn, run_store.area_figures(conn, key, drawn))
    named = [row | {"name": names.get(row["code"], row["name"])} for row in rows]
    return {
        "square": square.as_json(),
        "shapes": {"own": {"rows": run_store.area_shapes(conn, key, square, names, drawn), "cut": False}},
        "labels": run_store.area_labels(conn, key, square, names, drawn[:1]),
        "figures": [_result(row, lang) for row in named],
    }


def figures_by_group(conn: Connection, run_id: str) -> dict[str, Any]:
    """A run's figures by level, mode, tier and basis (`district|walk|park|people`): `{"run", "groups"}`."""
    run, key = get_run(conn, run_id, areas=False), parse_run(run_id)
    drawn = drawn_levels(run_store.count_areas(conn, key))
    rows = told_areas(conn, run_store.area_figures(conn, key, drawn))
    groups: dict[str, list[float]] = {}
    for row in rows:
        for by, name in FIGURES["count" if row["mode"] == "count" else "share"]:
            if row.get(name) is not None:
                groups.setdefault(f"{row['level']}|{row['mode']}|{row['tier']}|{by}", []).append(row[name])
    return {"run": run["run"], "groups": groups}


def classes_data(figures: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    """Limits of the classes of each of `figures_by_group`: `{"run", "classes"}`."""
    return {"run": figures["run"], "classes": answer({"op": "classes", "groups": figures["groups"]})}


def drawn_levels(areas: Mapping[str, int]) -> list[str]:
    """The levels of a run that its page draws, of the number of areas of each: thousands are for tables.

    The first is the coarsest below the city, which the page opens with.
    """
    few = [level for level in LEVELS if 0 < areas.get(level, 0) <= MOST_AREAS] or list(areas)[:1]
    return sorted(few, key=lambda level: level == "city")


def facility_names(
    conn: Connection, policy: Policy | None, sources: Sources, codes: Iterable[str | None], lang: Lang
) -> dict[str, str]:
    """Code → name in the page's language of what serves by the policy: a run keeps one name of each."""
    wanted = [code for code in dict.fromkeys(codes) if code]
    classes = dict.fromkeys(
        supply.cls
        for tier in (policy.tiers if policy else ())
        for supply in tier.supplies
        if supply.cls in sources  # a public view has no others
    )
    named = (
        [report_store.facility_names(conn, sources[cls], wanted, lang) for cls in classes] if wanted else []
    )
    return {code: name for found in named for code, name in found.items()}


def gaps_data(
    conn: Connection, catalogue: Catalogue, run_id: str, mode: str, tier: str, lang: Lang
) -> dict[str, Any]:
    """Gaps of one mode and tier, most people first, each with the names of the areas it lies in."""
    run, key = get_run(conn, run_id, areas=False), parse_run(run_id)
    square = run_square(conn, key)
    rows = run_store.gap_shapes(conn, key, mode, tier, square)
    sources = sources_at(catalogue, run_times(run))
    names = store.area_names(conn, sources["districts"], lang)
    unnamed = [row[0] for row in rows if not row[2]]
    estates = report_store.estate_names(conn, key, sources["residential_areas"], unnamed, lang)
    policy = with_editions(conn, catalogue).policies.get(run["policy"]["id"])
    facilities = facility_names(conn, policy, sources, (row[5]["nearest_code"] for row in rows), lang)
    for row in rows:
        row[2] = row[2] or estates.get(row[0])
        row[5]["nearest_name"] = facilities.get(row[5]["nearest_code"]) or row[5]["nearest_name"]
        path = [names[code] for code in (row[5].pop("path") or "").split("/")[1:] if code in names]
        row[5]["area"] = " › ".join(path)
    total = len(rows) if len(rows) < run_store.GAP_LIMIT else run_store.count_gaps(conn, key, mode, tier)
    return {
        "square": square.as_json(),
        "shapes": {"own": {"rows": rows, "cut": total > len(rows)}},
        "total": total,
    }
