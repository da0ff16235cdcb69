"""The commands `chengtu scenario` and `chengtu guard`: what a change would mean, without making it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app import console
from app.catalogue.class_names import find_class
from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.catalogue.source import read_source
from app.coverage import service
from app.coverage.request import parse_modes
from app.database.engine import Database, open_database
from app.errors import BadInput
from app.lazy import lazy_module
from app.settings import Settings

engines = lazy_module("app.coverage.engine")

MODE_NAMES = {"straight": "straight", "walk": "walked"}
#: Rows of who gains or loses that a terminal shows.
SHOWN = 10
Policy = Annotated[str | None, typer.Option("--policy", "-p", help="Policy id (see `chengtu policies`).")]
Mode = Annotated[str, typer.Option(help="straight, walk or both.")]
Area = Annotated[str | None, typer.Option(help="Code or name of an area; default the whole city.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def scenario_command(
    file: Annotated[
        Path, typer.Argument(help="YAML or JSON: {name, patches: [{do, class, code, geometry, properties}]}.")
    ],
    policy: Policy = None,
    mode: Mode = "both",
    area: Area = None,
    name: Annotated[
        str | None, typer.Option(help="Save the city after the scenario as a run of this name.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure a policy before and after patches on the inventory: who gains, who loses. Nothing is changed."""
    parse_modes(mode)
    settings = Settings()
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    request = {
        "policy": _policy(catalogue, policy, None),
        "mode": mode,
        "area": area,
        "scenario": read_source(file).value,
    }
    with open_database(settings) as db:
        answered = _answer(db, catalogue, request)
        if name is not None:
            saved = service.run(db, engines.Engine(db, catalogue).answer, {**request, "name": name})
            answered = {**answered, "run": saved["run"]}
    if as_json:
        console.print_json(answered)
        return
    _print_change(answered)
    _print_rows("Who loses", answered["losses"])
    _print_rows("Who gains", answered["gains"])
    for unused in answered["inputs"]["unused_classes"]:
        console.warning(f"The policy does not read {unused}: those patches change nothing.")


def guard_command(
    class_id: Annotated[
        str, typer.Argument(metavar="CLASS", help="Class of what would go, such as toilets or 公厕.")
    ],
    code: Annotated[str, typer.Argument(help="Its code.")],
    within: Annotated[
        float, typer.Option(help="How far from it a replacement may stand, in metres.")
    ] = 300.0,
    policy: Policy = None,
    mode: Mode = "both",
    as_json: Json = False,
) -> None:
    """Rebuild one for each one demolished, nearby (拆一补一): does coverage fall, for whom, and where to rebuild?"""
    parse_modes(mode)
    settings = Settings()
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    class_id = find_class(catalogue, class_id).id
    request = {
        "policy": _policy(catalogue, policy, class_id),
        "mode": mode,
        "remove": {"class": class_id, "code": code},
        "within_m": within,
    }
    with open_database(settings) as db:
        answered = _answer(db, catalogue, request)
    if as_json:
        console.print_json(answered)
        return
    _print_change(answered)
    _print_rows("Who loses", answered["losses"])
    _print_sites(answered)


def _answer(db: Database, catalogue: Catalogue, request: Mapping[str, Any]) -> dict[str, Any]:
    with console.progress("Before and after"):
        found = service.scenario(engines.Engine(db, catalogue).answer, request)
    assert found is not None, "only a question for a warm answer has none"
    return found


def _policy(catalogue: Catalogue, policy: str | None, class_id: str | None) -> str:
    """The policy asked for, else the first default one of reach that counts the class."""
    if policy is not None:
        return policy
    found = [
        item.id
        for item in (catalogue.policies[name] for name in catalogue.default_policies())
        if item.kind == "reach" and class_id in item.supply_classes
    ]
    if not found:
        raise BadInput("No policy is named.", "Give --policy, one of `chengtu policies`.")
    return found[0]


def _print_change(answered: Mapping[str, Any]) -> None:
    rows = [
        (
            f"{before['tier']}",
            MODE_NAMES[before["mode"]],
            *(_percent(side["share_of_land"]) for side in (before, after)),
            *(_percent(side["share_of_people"]) for side in (before, after)),
            _signed(change["people_served"]),
        )
        for before, after, change in zip(
            *(answered[side]["results"] for side in ("before", "after", "change")), strict=True
        )
    ]
    headings = ("tier", "measured", "land %", "→", "people %", "→", "people ±")
    console.print_table(f"{answered['policy']['id']}: before and after (参考口径)", headings, rows)


def _print_rows(title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    shown = [
        (
            row["name"] or row["code"],
            MODE_NAMES[row["mode"]],
            "–" if row["people"] is None else row["people"],
            row["area_m2"],
            row["nearest_m"] or "–",
            (row["areas"] or [None])[-1],
        )
        for row in rows[:SHOWN]
    ]
    more = f" (first {SHOWN} of {len(rows)})" if len(rows) > SHOWN else ""
    console.print_table(f"{title}{more}", ("place", "measured", "people", "m²", "nearest m", "in"), shown)


def _print_sites(answered: Mapping[str, Any]) -> None:
    if not answered["falls"]:
        console.success("Coverage does not fall: nothing has to be rebuilt for it.")
        return
    restoring = sum(site["restores"] for site in answered["sites"])
    rows = [
        (
            f"{site['lon']:.5f}, {site['lat']:.5f}",
            site["code"] or site["kind"],
            site["distance_m"],
            *(
                f"{figure['people_restored']:,.0f} of {figure['people_lost']:,.0f}"
                for figure in site["figures"][-1:]
            ),
            "yes" if site["restores"] else "no",
        )
        for site in (answered["sites"] if answered["restored_by_one"] else answered["plan"])[:SHOWN]
    ]
    title = (
        f"Sites within {answered['within_m']:g} m: {restoring} restore coverage"
        if answered["restored_by_one"]
        else f"No single site within {answered['within_m']:g} m restores coverage; together"
    )
    console.print_table(title, ("place", "what", "m", "people restored", "restores"), rows)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.2f}"


def _signed(number: float | None) -> str:
    return "–" if number is None else f"{number:+,.0f}"
