"""The commands `chengtu coverage` and `chengtu policies`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app import console
from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.coverage import service
from app.coverage.parallel import share
from app.coverage.request import parse_modes
from app.database.engine import Database, open_database
from app.errors import BadInput
from app.lazy import lazy_module
from app.settings import Settings

#: All of the analysis, for which most commands have no use.
engines = lazy_module("app.coverage.engine")

#: Writes a run's map to a file; `app.cli` gives it, for the maps room lies above this one.
WriteMap = Callable[[Database, Catalogue, str, Path], None]
POLICY = typer.Argument(help="Policy id (see `chengtu policies`), or `all`; with --rerun none.")
MODE_NAMES = {"straight": "straight", "walk": "walked"}


def policies_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the declared policies: what is measured, how far, after which document."""
    settings = Settings()
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    views = [service.policy_view(policy, whole=False) for policy in catalogue.policies.values()]
    if as_json:
        console.print_json({"policies": views})
        return
    rows = [(v["id"], v["title"]["zh"], v["title"]["en"], _official(v)) for v in views]
    console.print_table("Policies (documents and clauses: --json)", ("id", "名称", "title", "口径"), rows)


def _official(view: Mapping[str, Any]) -> str:
    return "官方口径" if view["official"] else "参考口径"


def coverage_command(
    context: typer.Context,
    policy: Annotated[str | None, POLICY] = None,
    mode: Annotated[str, typer.Option(help="straight, walk or both.")] = "both",
    area: Annotated[str | None, typer.Option(help="Code or name of an area; default the whole city.")] = None,
    people_rule: Annotated[
        str | None, typer.Option(help="Count people by `centre` or `area` of their cell.")
    ] = None,
    speed: Annotated[float | None, typer.Option(help="Walking speed in m/s.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Day in the world, such as 2020-12-31; default now.")
    ] = None,
    known_at: Annotated[str | None, typer.Option(help="Time of record: a change number or a moment.")] = None,
    rerun: Annotated[
        str | None, typer.Option(help="Compute this run again, from the data versions that it read.")
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the run (others are dropped after 30 days).")
    ] = False,
    map_to: Annotated[
        Path | None, typer.Option("--map", help="Write the run's map to this HTML file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure who is served and who is not: straight line beside real walking, with the figures of each district."""
    parse_modes(mode)
    given = {"people_rule": people_rule, "speed_m_s": speed}
    parameters = {name: value for name, value in given.items() if value is not None}
    asked: dict[str, Any] = {
        "mode": mode,
        "area": area,
        "parameters": parameters,
        "as_of": as_of,
        "known_at": known_at,
    }
    settings = Settings()
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    names = _names(catalogue, policy, rerun, asked)
    db = open_database(settings)
    try:
        if rerun is not None:
            asked = _as_it_was(db, catalogue, rerun)
        runs = run_policies(db, catalogue, names or [asked["policy"]], asked, save=save)
        if map_to is not None:
            write_map: WriteMap = context.obj["write_map"]
            write_map(db, catalogue, runs[-1]["run"], map_to)
    finally:
        db.dispose()
    if as_json:
        console.print_json(runs if policy == "all" else runs[0])
    else:
        print_runs(runs)


def _names(
    catalogue: Catalogue, policy: str | None, rerun: str | None, asked: Mapping[str, Any]
) -> list[str]:
    """The policies to compute; none where a run is computed again, which says everything itself."""
    if (policy is None) == (rerun is None):
        raise BadInput("Name either a policy or a run to compute again.", "See `chengtu policies`.")
    if rerun is not None:
        if asked["mode"] != "both" or any(
            asked[name] for name in ("area", "parameters", "as_of", "known_at")
        ):
            raise BadInput("A run is computed again as it was.", "Give --rerun without other parameters.")
        return []
    return list(catalogue.policies) if policy == "all" else [catalogue.get_policy(str(policy)).id]


def _as_it_was(db: Database, catalogue: Catalogue, rerun: str) -> dict[str, Any]:
    with db.read() as conn:
        return service.rerun_request(conn, catalogue, rerun)


def run_policies(
    db: Database, catalogue: Catalogue, names: list[str], request: Mapping[str, Any], *, save: bool = False
) -> list[dict[str, Any]]:
    """Compute and save several policies with one engine, so that arrays are loaded once; progress on stderr."""
    engine = engines.Engine(db, catalogue)
    done = itertools.count(1)
    with console.progress("Coverage") as report:

        def run(name: str) -> dict[str, Any]:
            title = catalogue.get_policy(name).title.zh if save else None
            result = service.run(db, engine.answer, {**request, "policy": name, "name": title})
            report(next(done), len(names), name)
            return result

        report(0, len(names), names[0])
        return share(run, names)


def print_runs(runs: list[dict[str, Any]]) -> None:
    """The results of runs as one table."""
    rows = [_row(run, result) for run in runs for result in run["results"]]
    headings = ("policy: tier", "measured", "land %", "people %", "served", "people", "target")
    console.print_table(
        "Coverage (* 官方口径, official; the others are 参考口径, for reference)", headings, rows
    )
    outside = max((run["inputs"]["people_outside_data"] for run in runs), default=0)
    if outside:
        console.warning(f"{outside:,} people live outside the extent of the data and are not counted.")


def _row(run: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        f"{run['policy']['id']}: {result['tier']}{' *' if result['official'] else ''}",
        MODE_NAMES[result["mode"]],
        _percent(result["share_of_land"]),
        _percent(result["share_of_people"]),
        _count(result["people_served"]),
        _count(result["people"]),
        _target(result),
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.2f}"


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def _target(result: Mapping[str, Any]) -> str:
    if result["target"] is None:
        return ""
    met = {True: "met", False: "missed", None: "unknown"}[result["met"]]
    return f"{result['target'] * 100:.0f} % {met}"
