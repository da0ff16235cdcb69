"""The printable one-page report of a run: of the city or of one area, its map, figures and worst gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.catalogue.model import Catalogue, FeatureClass, Lang, Policy
from app.coverage.answer_service import in_words
from app.coverage.edition_service import with_editions
from app.coverage.run_words import run_words
from app.coverage.scoped import told_areas
from app.coverage.service import get_run, parse_run
from app.database.transactions import Connection
from app.errors import BadInput, NotFound, unknown
from app.inventory.periods import today
from app.maps import report_store, run_service, run_store, service
from app.maps.marks import view_part
from app.maps.page_service import CITY
from app.maps.report_map import GAPS, HEIGHT, TOP, WIDTH, Frame, frame_around, gap_breaks, gap_colour
from app.maps.report_store import Named
from app.maps.version_store import Sources, sources_at
from app.web.amounts import unit_title
from app.web.bundle import bundle
from app.web.templates import render

#: Gaps that a report lists.
LISTED = 10
#: Zoom from which on outlines are drawn broad.
FINE_FROM = 13
#: Areas that the choice of a report offers.
OFFERED = 400
#: The levels in the columns of the list of gaps.
LEVELS = ("district", "subdistrict", "community")
#: What lies below, in the order of drawing: class, colour of its areas, colour and width of its lines.
GROUND = (
    ("green_spaces", "#dcebcf", None, 0.0),
    ("parks", "#cde5bd", None, 0.0),
    ("water_bodies", "#b9d9ea", None, 0.0),
    ("streets", None, "#ffffff", 14.0),
)
#: What a figure may tell; rows of areas, and those of old runs, tell less.
FIGURE = (
    "official", "unit", "value", "share_of_people", "people", "people_served", "share_of_land", "land_m2",
    "land_served_m2", "target", "met",
)  # fmt: skip
BROAD = frozenset({"expressway", "primary", "secondary"})
NARROW = frozenset({"footway", "service", "steps", "path", "cycleway"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Which report: the area's code (None: what the whole run is of), how measured and which tier (None: the first)."""

    area: str | None = None
    mode: str | None = None
    tier: str | None = None


def report_html(
    conn: Connection, catalogue: Catalogue, lang: Lang, run_id: str, asked: Asked, marks: Mapping[str, Any]
) -> str:
    """The page of a run's report.

    Raises:
        NotFound: No such run, or no such area in it.
        BadInput: The run has no such mode or tier.
    """
    run = get_run(conn, run_id, areas=False)
    mode, tier = _mode(run, asked.mode), _tier(run, asked.tier)
    sources = sources_at(catalogue, run_service.run_times(run))
    names = report_store.named_areas(conn, sources["districts"], lang)
    rows = _rows(conn, run, asked.area, tier)
    policy = with_editions(conn, catalogue).policies.get(run["policy"]["id"])
    frame = _frame(conn, run, asked.area)
    held = service.versions(conn, catalogue)
    town = service.city(conn, catalogue, held, lang)
    found = _gaps(conn, run, replace(asked, mode=mode, tier=tier), frame, names, sources, policy, lang)
    drawing = _drawing(conn, catalogue, sources, run, policy, frame, asked.area, names, lang)
    return render(
        "coverage/report.html",
        lang,
        run=run,
        asked={"area": asked.area, "mode": mode, "tier": tier},
        offered=_offered(conn, run, names),
        title=run_service.policy_title(run, lang),
        tier_title=_tier_title(run, tier, lang),
        tiers=[{"id": one, "title": _tier_title(run, one, lang)} for one in _tiers(run)],
        place=_place(run, asked.area, names, town.name or CITY[lang]),
        figures=[_figure(row, lang) for row in rows],
        about=[words[lang] for words in run_words(run)],
        facts=run_service.facts(run, policy, lang),
        gaps=found,
        map=drawing,
        scripts=[bundle("report.js").address],
        report_style=bundle("report.css").address,
        town=town,
        marks=marks,
        view=view_part(catalogue),
        today=today().isoformat(),
        data_version=max(run["inputs"].get("versions", {}).values(), default=0),
    )


def _mode(run: Mapping[str, Any], asked: str | None) -> str:
    if asked is not None and asked not in run["modes"]:
        raise BadInput(f"The run was not measured by '{asked}'.", f"It has: {', '.join(run['modes'])}.")
    return asked or str(run["modes"][-1])


def _tiers(run: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(row["tier"] for row in run["results"]))


def _tier(run: Mapping[str, Any], asked: str | None) -> str:
    known = _tiers(run)
    if asked is not None and asked not in known:
        raise unknown("tier", asked, known)
    return asked or known[0]


def _tier_title(run: Mapping[str, Any], tier: str, lang: Lang) -> str:
    row = next(row for row in run["results"] if row["tier"] == tier)
    return str((row.get("tier_title") or {}).get(lang, tier))


def _rows(conn: Connection, run: Mapping[str, Any], area: str | None, tier: str) -> list[dict[str, Any]]:
    """The figures of the area (of the whole run without one) in each mode."""
    if area is None:
        return [row for row in run["results"] if row["tier"] == tier]
    rows = told_areas(conn, run_store.figures_of_area(conn, parse_run(run["run"]), area))
    if not rows:
        raise NotFound(
            f"The run has no area '{area}'.",
            "GET /coverage/{run}/areas lists them; leave it out for the whole.",
        )
    return [row for row in rows if row["tier"] == tier]


def _figure(row: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    return {
        **dict.fromkeys(FIGURE),
        **row,
        "reason": in_words(row.get("reason"), lang),
        "unit_title": (row.get("unit_title") or {}).get(lang) or row.get("unit"),
    }


def _place(run: Mapping[str, Any], area: str | None, names: Mapping[str, Named], city: str) -> str:
    if area is not None:
        return names[area].name if area in names else area
    within = run["inputs"].get("area")
    return str(within.get("name") or within["code"]) if within else city


def _offered(conn: Connection, run: Mapping[str, Any], names: Mapping[str, Named]) -> list[dict[str, str]]:
    """The areas of the run that a reader may choose, the coarse levels first."""
    key = parse_run(run["run"])
    levels = run_service.drawn_levels(run_store.count_areas(conn, key))
    codes = dict.fromkeys(
        row["code"] for row in told_areas(conn, run_store.area_figures(conn, key, levels[:2]))
    )
    told = [{"code": code, "name": names[code].name if code in names else code} for code in codes]
    return sorted(told, key=lambda one: one["code"])[:OFFERED]


def _frame(conn: Connection, run: Mapping[str, Any], area: str | None) -> Frame:
    key = parse_run(run["run"])
    box = report_store.area_extent(conn, key, area) if area else run_store.data_extent(conn, key)
    return frame_around(box or run_store.extent(conn, key) or (-0.01, -0.01, 0.01, 0.01))


def _gaps(
    conn: Connection,
    run: Mapping[str, Any],
    asked: Asked,
    frame: Frame,
    names: Mapping[str, Named],
    sources: Sources,
    policy: Policy | None,
    lang: Lang,
) -> dict[str, Any]:
    """The worst gaps with the names of the areas they lie in, how many there are, and all of them as drawn."""
    key, mode, tier, area = parse_run(run["run"]), str(asked.mode), str(asked.tier), asked.area
    rows = report_store.worst_gaps(conn, key, mode, tier, area, LISTED, frame.square)
    drawn = report_store.gap_paths(conn, key, mode, tier, area, frame.square)
    breaks = gap_breaks([people for people, _ in drawn if people])
    count, people = report_store.gap_sums(conn, key, mode, tier, area)
    limits = [0, *breaks]
    named = report_store.estate_names(
        conn, key, sources["residential_areas"], [row["id"] for row in rows], lang
    )
    facilities = run_service.facility_names(
        conn, policy, sources, [row["nearest_code"] for row in rows], lang
    )
    return {
        "rows": [_listed(number, row, names, named, facilities) for number, row in enumerate(rows, 1)],
        "count": count,
        "people": people,
        "by_people": any(row["people"] for row in rows),
        "paths": [(gap_colour(people, breaks), path) for people, path in reversed(drawn)],
        "legend": [
            (GAPS[i], limit, limits[i + 1] if i + 1 < len(limits) else None) for i, limit in enumerate(limits)
        ],
    }


def _listed(
    number: int,
    row: Mapping[str, Any],
    names: Mapping[str, Named],
    estates: Mapping[int, str],
    facilities: Mapping[str, str],
) -> dict[str, Any]:
    path = [names[code] for code in (row["area_path"] or "").split("/") if code in names]
    levels = {found.level: found.name for found in path}
    return {
        **row,
        "number": number,
        **{level: levels.get(level) for level in LEVELS},
        "estate": row["name"] or estates.get(row["id"]) or row["code"],
        "facility": facilities.get(row["nearest_code"]) or row["nearest_name"] or row["nearest_code"],
    }


def _drawing(
    conn: Connection,
    catalogue: Catalogue,
    sources: Sources,
    run: Mapping[str, Any],
    policy: Policy | None,
    frame: Frame,
    area: str | None,
    names: Mapping[str, Named],
    lang: Lang,
) -> dict[str, Any]:
    """Everything below and above the gaps, as paths and points in the drawing's units."""
    key = parse_run(run["run"])
    areas = report_store.area_paths(conn, key, frame.square)
    told = {code: found.name for code, found in names.items()}
    level = run_service.drawn_levels(run_store.count_areas(conn, key))[:1]
    labels = [] if area else run_store.area_labels(conn, key, frame.square, told, level)
    borders = [row["path"] for row in areas if row["level"] != "grid" and row["code"] != area]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "top": TOP,
        # of a whole city the outlines would cover what they surround
        "edge": 6 if frame.zoom >= FINE_FROM else 1.5,
        "ground": [*_ground(conn, catalogue, sources, frame)],
        "borders": "".join(path for path in borders if path),
        "shown": next((row["path"] for row in areas if row["code"] == area), None),
        "names": [(name, x, y) for _, name, x, y, _ in labels],
        "supply": [*_supply(conn, catalogue, sources, policy, frame, lang)],
        "bar": frame.bar_units,
        "bar_words": _length(frame.bar_m, lang),
    }


def _length(metres: int, lang: Lang) -> str:
    unit, count = ("m", metres) if metres < 1000 else ("km", metres // 1000)
    return f"{count} {unit_title(unit, lang)}"


def _ground(conn: Connection, catalogue: Catalogue, sources: Sources, frame: Frame) -> list[dict[str, Any]]:
    """Green, water and streets, one path a colour and width."""
    found: list[dict[str, Any]] = []
    for class_id, fill, stroke, width in GROUND:
        if class_id not in catalogue.classes:
            continue
        paths = report_store.class_paths(conn, sources[class_id], frame.square, frame.zoom)
        if fill:
            found.append({"fill": fill, "path": "".join(path for _, path in paths)})
            continue
        for chosen, factor in ((NARROW, 0.4), (None, 1.0), (BROAD, 2.2)):
            drawn = [path for kind, path in paths if _is_of(kind, chosen)]
            found.append({"fill": None, "stroke": stroke, "width": width * factor, "path": "".join(drawn)})
    return [part for part in found if part["path"]]


def _is_of(kind: str | None, chosen: frozenset[str] | None) -> bool:
    return kind in chosen if chosen is not None else kind not in BROAD | NARROW


def _supply(
    conn: Connection,
    catalogue: Catalogue,
    sources: Sources,
    policy: Policy | None,
    frame: Frame,
    lang: Lang,
) -> list[dict[str, Any]]:
    """What serves by the policy: points as dots, areas as outlines, each class in its own colour."""
    supplies = [supply.cls for tier in (policy.tiers if policy else ()) for supply in tier.supplies]
    found = []
    for class_id in dict.fromkeys(supplies):
        cls = catalogue.classes.get(class_id)
        if cls is None:
            continue
        found.append(
            {"title": cls.title.in_(lang), "color": cls.symbol.color, **_shown(conn, cls, sources, frame)}
        )
    return found


def _shown(conn: Connection, cls: FeatureClass, sources: Sources, frame: Frame) -> dict[str, Any]:
    if cls.geometry == "point":
        return {"points": report_store.class_points(conn, sources[cls.id], frame.square), "path": None}
    paths: Sequence[tuple[str | None, str]]
    paths = report_store.class_paths(conn, sources[cls.id], frame.square, frame.zoom + 2)
    return {"points": [], "path": "".join(path for _, path in paths)}
