"""The command `chengtu coverage`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app import console
from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.catalogue.parameters import read_settings
from app.coverage import service
from app.coverage.answer_commands import MODE_NAMES, compute_series, count, percent, print_series
from app.coverage.counted_tables import print_counted
from app.coverage.edition_service import with_editions
from app.coverage.levels import parse_levels
from app.coverage.request import parse_modes
from app.database.engine import Database, open_database
from app.errors import BadInput
from app.inventory.id_prefix import SHOWN_DIGITS
from app.lazy import lazy_module
from app.parallel import share
from app.settings import Settings

#: All of the analysis, for which most commands have no use.
engines = lazy_module("app.coverage.engine")

#: The mode of a run whose figures are counted.
COUNTED = "count"

#: Writes a run's map to a file; `app.cli` gives it, for the maps room lies above this one.
WriteMap = Callable[[Database, Catalogue, str, Path], None]
POLICY = typer.Argument(help="Policy id (see `chengtu policies`), or `all`; with --rerun none.")


#: Those of the parameters that are asked for most; `--set` sets any.
PeopleRule = Annotated[str | None, typer.Option(help="Count people by `centre` or `area` of their cell.")]
Speed = Annotated[float | None, typer.Option(help="Walking speed in m/s.")]
Minutes = Annotated[float | None, typer.Option(help="Minutes on foot, in place of the policy's reach.")]
Radius = Annotated[float | None, typer.Option(help="Radius in metres, for every tier.")]
At = Annotated[str | None, typer.Option(help="Only what is open at that hour, such as 22:00.")]
StepFree = Annotated[bool, typer.Option("--step-free", help="Only accessible facilities, walking no steps.")]
FreeOnly = Annotated[bool, typer.Option("--free-only", help="Leave out what charges a fee.")]
Include = Annotated[list[str] | None, typer.Option(help="Count this kind too: a switch of the policy.")]
Exclude = Annotated[list[str] | None, typer.Option(help="Leave this kind out: a switch of the policy.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any parameter as name=value, such as radius_m=park:400 (docs/policies.md)."),
]
AreaOf = Annotated[str | None, typer.Option(help="Code or name of an area; default the whole city.")]
AsOf = Annotated[str | None, typer.Option(help="Day in the world, such as 2020-12-31; default now.")]
KnownAt = Annotated[str | None, typer.Option(help="Time of record: a change number or a moment.")]
Rerun = Annotated[
    str | None, typer.Option(help="Compute this run again, from the data versions that it read.")
]
Save = Annotated[bool, typer.Option("--save", help="Keep the run (others are dropped after 30 days).")]
Levels = Annotated[
    str | None,
    typer.Option(
        help="Levels of areas to tell: city,district,subdistrict,community,grid or all; default districts."
    ),
]
Series = Annotated[
    str | None, typer.Option(help="On many days: 2015..2025 (ends of years), nothing is saved.")
]
Step = Annotated[str, typer.Option(help="Between two days of a series: year, quarter or month.")]
MapTo = Annotated[Path | None, typer.Option("--map", help="Write the run's map to this HTML file.")]


def coverage_command(
    context: typer.Context,
    policy: Annotated[str | None, POLICY] = None,
    mode: Annotated[str, typer.Option(help="straight, walk or both.")] = "both",
    area: AreaOf = None,
    levels: Levels = None,
    people_rule: PeopleRule = None,
    speed: Speed = None,
    minutes: Minutes = None,
    radius: Radius = None,
    at: At = None,
    step_free: StepFree = False,
    free_only: FreeOnly = False,
    include: Include = None,
    exclude: Exclude = None,
    set_: Set = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    series: Series = None,
    step: Step = "year",
    rerun: Rerun = None,
    save: Save = False,
    map_to: MapTo = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure who is served and who is not: straight line beside real walking, with the figures of each district."""
    parse_modes(mode)
    parameters = _given(people_rule=people_rule, speed_m_s=speed, minutes=minutes, radius_m=radius, at=at)
    parameters |= _given(step_free=step_free, free_only=free_only, include=include, exclude=exclude)
    parameters |= read_settings(set_ or ())
    asked: dict[str, Any] = {"mode": mode, "area": area, "levels": list(parse_levels(levels)), "as_of": as_of}
    asked |= {"parameters": parameters, "known_at": known_at}
    settings = Settings()
    declared = load_catalogue(settings.geodata, settings.local_path)
    with open_database(settings) as db:
        catalogue = _current(db, declared)
        names = _names(catalogue, policy, rerun, asked)
        if rerun is not None:
            asked = _as_it_was(db, catalogue, rerun)
        if series is not None:
            print_series(compute_series(db, declared, names, asked, series, step), as_json=as_json)
            return
        runs = run_policies(db, declared, names or [asked["policy"]], asked, save=save)
        if map_to is not None:
            write_map: WriteMap = context.obj["write_map"]
            write_map(db, declared, runs[-1]["run"], map_to)
    if as_json:
        console.print_json(runs if policy == "all" else runs[0])
    else:
        print_runs(runs)


def _given(**parameters: Any) -> dict[str, Any]:
    """The parameters that were given: a flag that is not set and an empty list say nothing."""
    # Not `in`: a speed of 0 equals False, and must be refused rather than forgotten.
    said = {name: value for name, value in parameters.items() if value is not None and value is not False}
    return {name: value for name, value in said.items() if value != []}


def _current(db: Database, catalogue: Catalogue) -> Catalogue:
    """The declared policies and the saved ones."""
    with db.read() as conn:
        return with_editions(conn, catalogue)


def _names(
    catalogue: Catalogue, policy: str | None, rerun: str | None, asked: Mapping[str, Any]
) -> list[str]:
    """The policies to compute; none where a run is computed again, which says everything itself."""
    if (policy is None) == (rerun is None):
        raise BadInput("Name either a policy or a run to compute again.", "See `chengtu policies`.")
    if rerun is not None:
        if asked["mode"] != "both" or any(
            asked[name] for name in ("area", "levels", "parameters", "as_of", "known_at")
        ):
            raise BadInput("A run is computed again as it was.", "Give --rerun without other parameters.")
        return []
    return list(catalogue.default_policies()) if policy == "all" else [catalogue.get_policy(str(policy)).id]


def _as_it_was(db: Database, catalogue: Catalogue, rerun: str) -> dict[str, Any]:
    with db.read() as conn:
        return service.rerun_request(conn, catalogue, service.find_run_id(conn, rerun))


def run_policies(
    db: Database, catalogue: Catalogue, names: list[str], request: Mapping[str, Any], *, save: bool = False
) -> list[dict[str, Any]]:
    """Compute and save several policies with one engine, so that arrays are loaded once; progress on stderr."""
    engine, known = engines.Engine(db, catalogue), _current(db, catalogue)
    done = itertools.count(1)
    with console.progress("Coverage") as report:

        def run(name: str) -> dict[str, Any]:
            title = known.get_policy(name).title.zh if save else None
            result = service.run(db, engine.answer, {**request, "policy": name, "name": title})
            report(next(done), len(names), name)
            return result

        report(0, len(names), names[0])
        return share(run, names)


def print_runs(runs: list[dict[str, Any]]) -> None:
    """The results of runs as tables: those that are reached, then those that are counted."""
    counted = [run for run in runs if run["modes"] == [COUNTED]]
    print_counted(counted, areas=any(run["inputs"].get("levels") for run in counted))
    runs = [run for run in runs if run not in counted]
    if not runs:
        return
    rows = [_row(run, result) for run in runs for result in run["results"]]
    headings = ("run", "policy: tier", "measured", "land %", "people %", "served", "people", "target")
    console.print_table(
        "Coverage (* 官方口径, official; the others are 参考口径, for reference)", headings, rows
    )
    for run in runs:
        if run["inputs"].get("levels"):
            _print_areas(run)
    outside = max((run["inputs"]["people_outside_data"] for run in runs), default=0)
    if outside:
        console.warning(f"{outside:,} people live outside the extent of the data and are not counted.")
    for note in dict.fromkeys(note["en"] for run in runs for note in run["inputs"]["notes"]):
        console.warning(f"{note}.")


def _row(run: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        run["run"][:SHOWN_DIGITS],
        f"{run['policy']['id']}: {result['tier']}{' *' if result['official'] else ''}",
        MODE_NAMES[result["mode"]],
        percent(result["share_of_land"]),
        percent(result["share_of_people"]),
        count(result["people_served"]),
        count(result["people"]),
        _target(result),
    )


def _print_areas(run: Mapping[str, Any]) -> None:
    """The areas of a run whose levels were asked for."""
    rows = [
        (
            row["level"],
            row["name"] or row["code"],
            f"{row['tier']}, {MODE_NAMES.get(row['mode'], row['mode'])}",
            percent(row["share_of_land"]),
            percent(row["share_of_people"]),
            count(row["people"]),
            _target(row),
        )
        for row in run["areas"]
    ]
    headings = ("level", "area", "tier, measured", "land %", "people %", "people", "target")
    console.print_table(f"{run['policy']['id']} by area", headings, rows)


def _target(result: Mapping[str, Any]) -> str:
    if result["target"] is None:
        return ""
    met = {True: "met", False: "missed", None: "unknown"}[result["met"]]
    return f"{result['target'] * 100:.0f} % {met}"
