"""Answers made of runs: tables to take away, gaps in patches, two runs side by side, a series over days."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from app.access.reasons import Leaving, leave_run
from app.catalogue.model import Catalogue, Lang
from app.catalogue.policy_model import Policy
from app.catalogue.policy_sensitivity import needs_restricted
from app.coverage import service, store
from app.coverage.compare import figures_beside
from app.coverage.counted_results import REASON_NONE_HERE, REASON_UNSURE
from app.coverage.details import CAUSE_TITLES
from app.coverage.indicators import REASON_ONLY_WHOLE, REASON_UNKNOWN
from app.coverage.people_loading import (
    REASON_NOBODY_ASKED,
    REASON_NOBODY_INSIDE,
    REASON_NOBODY_KNOWN,
    REASON_NOBODY_SO,
)
from app.coverage.results import REASON_NO_DEMAND, REASON_NO_STREETS, REASON_NO_SUPPLY
from app.coverage.run_words import run_words
from app.coverage.scoped import REASON_WITHHELD
from app.coverage.stages import Report
from app.coverage.tables import Sheet
from app.database.transactions import Connection
from app.errors import BadInput, Conflict

#: Answers an engine request and tells its stages.
FollowedAnswer = Callable[[dict[str, Any], Report | None], dict[str, Any]]
SERIES_JOB = "coverage_series"
AREA_TABLE = (
    "level", "code", "name", "tier", "mode", "share_of_land", "share_of_people", "people_served_all", "people_all",
    "land_served", "land", "facilities", "value", "unit", "target", "met", "reason", "conditions",
)  # fmt: skip
GAP_TABLE = (
    "rank", "district", "subdistrict", "community", "estate", "people", "nearest_name", "nearest_m", "hectares", "tier",
    "mode", "estate_code", "nearest_code", "lon", "lat", "conditions",
)  # fmt: skip
DIFFERENCE_TABLE = (
    "rank", "district", "subdistrict", "community", "estate", "people", "nearest_name", "straight_m", "walk_m",
    "detour", "cause", "hectares", "tier", "estate_code", "nearest_code", "lon", "lat", "conditions",
)  # fmt: skip
SERIES_TABLE = (
    "as_of", "level", "code", "name", "tier", "mode", "share_of_land", "share_of_people", "people_served_all",
    "people_all", "land_served", "land", "facilities", "value", "unit", "target", "met", "reason",
)  # fmt: skip
COMPARE_TABLE = (
    "level", "code", "name", "tier", "mode", "share_of_land_a", "share_of_land_b", "share_of_land_change",
    "share_of_people_a", "share_of_people_b", "share_of_people_change", "people_served_change_all",
    "land_served_change", "value_a", "value_b", "value_change",
)  # fmt: skip
#: The name of all that both runs count.
WHOLE = {"zh": "全部", "en": "All"}
#: What a series keeps of an engine's row.
SERIES_FIGURES = (
    "tier", "tier_title", "mode", "share_of_land", "share_of_people", "people", "people_served", "land_m2",
    "land_served_m2", "facilities", "value", "unit", "target", "met", "reason",
)  # fmt: skip
REASONS_ZH = {
    REASON_NO_DEMAND: "该区在数据范围内没有居住用地和人口",
    REASON_NO_STREETS: "没有可步行的道路数据",
    REASON_NO_SUPPLY: "数据中没有此类设施",
    REASON_UNKNOWN: "数据没有记录此项",
    REASON_ONLY_WHOLE: "此项只有整个建成区的数值",
    REASON_UNSURE: "数据没有记录此项, 或记录太少",
    REASON_NONE_HERE: "该区没有可比较的对象",
    REASON_NOBODY_ASKED: "未计人口：规则没有指定人口数据",
    REASON_NOBODY_INSIDE: "未计人口：已知人口都在量算范围外",
    REASON_NOBODY_SO: "未计人口：没有所选口径的人口数据",
    REASON_NOBODY_KNOWN: "未计人口：数据中没有人口",
    REASON_WITHHELD: "只向可见整个量算范围的人提供此数",
}


def leaving_tables(
    conn: Connection, catalogue: Catalogue, runs: Sequence[str], reason: str | None
) -> Leaving:
    """What lets tables of runs leave; raises NotFound, BadInput and Forbidden as `leave_run`."""
    every = [service.get_run(conn, run, areas=False)["inputs"].get("held") or {} for run in runs]
    return leave_run(catalogue, reason, held=any(held.get("level") == "restricted" for held in every))


def leaving_series(catalogue: Catalogue, policy: Policy, reason: str | None) -> Leaving:
    """What lets a series over days leave as a table, before it is computed; raises as `leave_run`."""
    return leave_run(
        catalogue, reason, held=catalogue.level == "restricted" and needs_restricted(catalogue, policy)
    )


def table_of_run(
    conn: Connection, run_id: str, table: str, mode: str | None, tier: str | None, limit: int, lang: Lang
) -> Sheet:
    """Areas, gaps or differences of a run as a sheet; raises NotFound for an unknown run."""
    run = service.get_run(conn, run_id, areas=False)
    titles = {row["tier"]: row.get("tier_title") or row["tier"] for row in run["results"]}
    rows = store.list_rows_of(conn, service.parse_run(run_id), table, mode, tier, limit)
    names = {
        "coverage_areas": AREA_TABLE,
        "coverage_gaps": GAP_TABLE,
        "coverage_differences": DIFFERENCE_TABLE,
    }
    areas = store.area_names(conn, lang)
    # In every row, as rows are copied out of a file without what stands beside it.
    told = {"conditions": "; ".join(words[lang] for words in run_words(run)) or None}
    shown = [_shown(rank, row, titles, areas, lang) | told for rank, row in enumerate(rows, 1)]
    return Sheet(names[table], shown)


def _shown(
    rank: int,
    row: Mapping[str, Any],
    titles: Mapping[str, Any],
    areas: Mapping[str, tuple[str, str]],
    lang: Lang,
) -> dict[str, Any]:
    size, cause, people = row.get("area_m2"), row.get("cause"), row.get("people")
    path = (row.get("area_path") or "").split("/")
    return {
        **row,
        # The areas that hold it, each in the column of its level.
        **dict(areas[code] for code in path if code in areas),
        "rank": rank,
        "tier": titles.get(row["tier"], row["tier"]),
        "estate": row.get("name") or row.get("code"),
        "estate_code": row.get("code"),
        "people": None if people is None else round(people),
        "hectares": None if size is None else round(size / 10_000, 3),
        "cause": None if cause is None else CAUSE_TITLES.get(cause, cause),
        "reason": in_words(row.get("reason"), lang),
    }


def in_words(reason: str | None, lang: Lang) -> str | None:
    """Why there is no figure, in a language."""
    return REASONS_ZH.get(reason, reason) if reason and lang == "zh" else reason


def patches_request(
    conn: Connection, run_id: str, mode: str | None, tier: str | None, within_m: float, limit: int
) -> dict[str, Any]:
    """What the engine is asked for a run's gaps in patches of neighbours at most `within_m` apart.

    Of one mode and tier, by default those of `chosen`.
    """
    run = service.get_run(conn, run_id, areas=False)
    mode, tier = chosen(run, mode, tier)
    asked = {"op": "patches", "run": run["run"], "mode": mode, "tier": tier}
    return {**asked, "within_m": within_m, "limit": limit, "areas": store.limiting_areas()}


def chosen(run: Mapping[str, Any], mode: str | None, tier: str | None) -> tuple[str, str]:
    """A mode and tier of a run: those named, else its first tier and walking where it was walked.

    Raises:
    ------
    BadInput
        The run has no such mode or tier.
    """
    modes = [row["mode"] for row in run["results"]]
    tiers = list(dict.fromkeys(row["tier"] for row in run["results"]))
    mode = mode or ("walk" if "walk" in modes else modes[0])
    tier = tier or tiers[0]
    for name, given, known in (("mode", mode, modes), ("tier", tier, tiers)):
        if given not in known:
            raise BadInput(f"The run has no {name} '{given}'.", f"It has: {', '.join(dict.fromkeys(known))}.")
    return mode, tier


def compare_runs(conn: Connection, a: str, b: str) -> dict[str, Any]:
    """Two runs side by side: `{"a", "b", "policies_differ", "rows"}`; b less a is the change.

    Raises:
    ------
    NotFound
        A run is unknown.
    Conflict
        The runs have no tier and mode in common.
    """
    first, second = (service.get_run(conn, run) for run in (a, b))
    rows = figures_beside(first, second)
    if not rows:
        raise Conflict(
            "The runs have no tier and mode in common.",
            f"a measures {_measured(first)}; b measures {_measured(second)}.",
        )
    return {
        "a": _head(first),
        "b": _head(second),
        "differs": [name for name in _CONDITIONS if _CONDITIONS[name](first) != _CONDITIONS[name](second)],
        "rows": rows,
    }


#: What two runs may differ in beside the data; a change of figures is not the city's alone then.
_CONDITIONS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "policy": lambda run: (run["policy"]["id"], run["policy"]["version"]),
    # What was asked holds what is not of the policy: the hour, steps, fees, the basis of the people.
    "parameters": lambda run: (run["inputs"].get("parameters"), run["inputs"].get("asked") or {}),
    "scenario": lambda run: run["inputs"].get("scenario"),
    "people": lambda run: [
        run["inputs"].get(name) for name in ("people_source", "people_basis", "people_rule")
    ],
    "built_up_area": lambda run: run["inputs"].get("built_up_area_as_of"),
    "area": lambda run: run["inputs"].get("area"),
    "as_of": lambda run: run["inputs"].get("as_of"),
    "software": lambda run: run["inputs"].get("software"),
    "metric_crs": lambda run: run["inputs"].get("metric_crs"),
}


def _measured(run: Mapping[str, Any]) -> str:
    return ", ".join(f"{row['tier']} ({row['mode']})" for row in run["results"])


def _head(run: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: run[key] for key in ("run", "policy", "name", "created_at", "modes")}
    inputs = run["inputs"]
    told = ("as_of", "known_at", "area", "versions", "parameters", "software")
    return kept | {key: inputs.get(key) for key in told} | {"conditions": run_words(run)}


def land_request(conn: Connection, a: str, b: str, mode: str | None, tier: str | None) -> dict[str, Any]:
    """What the engine is asked for the land that one of two runs serves alone.

    It answers GeoJSON with `change` gained or lost from a to b.
    """
    first, second = (service.get_run(conn, run, areas=False) for run in (a, b))
    mode, tier = chosen(first, mode, tier)
    chosen(second, mode, tier)
    asked = {"op": "compare", "a": first["run"], "b": second["run"], "mode": mode, "tier": tier}
    return {**asked, "areas": store.limiting_areas()}


def compare_table(found: Mapping[str, Any]) -> Sheet:
    """The rows of `compare_runs` as a sheet; that of the whole has a level, code and name too."""
    area = found["b"]["area"] if found["a"]["area"] == found["b"]["area"] else None
    whole = area or {"level": "whole", "code": "all", "name": WHOLE}
    rows = (row if row["level"] else {**row, **whole} for row in found["rows"])
    return Sheet(COMPARE_TABLE, [{**row, "tier": row["tier_title"] or row["tier"]} for row in rows])


def series(
    answer: FollowedAnswer, request: Mapping[str, Any], days: Sequence[date], report: Report | None = None
) -> dict[str, Any]:
    """One policy on several days: `{"policy", "days", "rows"}`, a row a day, tier and mode for the whole.

    Where the request names levels there are rows of these areas too. Nothing is saved. Days before all data have rows
    without figures, with the reason.
    """
    rows: list[dict[str, Any]] = []
    policy: dict[str, Any] = {}
    for done, day in enumerate(days):
        if report is not None:
            report(done / len(days), day.isoformat())
        asked = {key: request.get(key) for key in service.ASKED}
        found = answer(
            {"op": "coverage", **asked, "as_of": day.isoformat(), "figures_only": True},
            _part_of(report, done, len(days), day),
        )
        policy = store.policy_head(found["policy"])
        areas = found["areas"] if request.get("levels") else []
        rows += [_on_day(day, row) for row in [*found["results"], *areas]]
    return {"policy": policy, "days": [day.isoformat() for day in days], "rows": rows}


def _part_of(report: Report | None, done: int, days: int, day: date) -> Report | None:
    """Reports one day's stages as parts of the whole series."""
    if report is None:
        return None
    whole = report
    return lambda share, message: whole((done + share) / days, f"{day.isoformat()}: {message}")


def _on_day(day: date, row: Mapping[str, Any]) -> dict[str, Any]:
    area = {key: row.get(key) for key in ("level", "code", "name")}
    return {"as_of": day.isoformat(), **area, **{key: row.get(key) for key in SERIES_FIGURES}}


def series_table(found: Mapping[str, Any], lang: Lang) -> Sheet:
    """The rows of `series` as a sheet."""
    rows = [
        {**row, "tier": row["tier_title"] or row["tier"], "reason": in_words(row["reason"], lang)}
        for row in found["rows"]
    ]
    return Sheet(SERIES_TABLE, rows)
