"""`chengtu crs`: the coordinate systems that the city declared, by name; never their parameters."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app import console
from app.errors import unknown
from app.settings import Settings
from app.space.city_systems import CitySystem, load_city_systems

crs = typer.Typer(name="crs", help="The city's own coordinate systems (城市坐标系).", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@crs.callback()
def group() -> None:
    """The city's own coordinate systems, declared in CHENGTU_CRS_FILE; their parameters are never shown."""


def _told(system: CitySystem) -> dict[str, Any]:
    return {
        "name": system.name,
        "title": {"zh": system.title.zh, "en": system.title.en},
        "fingerprint": system.fingerprint,
    }


@crs.command("list")
def list_command(*, as_json: Json = False) -> None:
    """List the declared systems: name, title and fingerprint."""
    systems = load_city_systems(Settings())
    found = [_told(system) for system in systems.by_name.values()]
    if as_json:
        console.print_json({"systems": found})
    elif not found:
        console.step("No system is declared: CHENGTU_CRS_FILE is not set.")
    else:
        rows = [
            (item["name"], item["title"]["zh"], item["title"]["en"], item["fingerprint"]) for item in found
        ]
        console.print_table(
            "City coordinate systems", ("name", "title (zh)", "title (en)", "fingerprint"), rows
        )


@crs.command()
def check(
    name: Annotated[str | None, typer.Argument(help="One system; else all.")] = None, *, as_json: Json = False
) -> None:
    """Check the declaration: who can read it, whether each system leads to lon/lat and back within a millimetre."""
    systems = load_city_systems(Settings())
    if name is not None and name not in systems.by_name:
        raise unknown("city coordinate system", name, systems.names)
    found = [_told(system) for system in systems.by_name.values() if name in (None, system.name)]
    if as_json:
        console.print_json({"systems": found})
        return
    for item in found:
        console.success(f"{item['name']} (fingerprint {item['fingerprint']}) can be used.")
    if not found:
        console.step("No system is declared: CHENGTU_CRS_FILE is not set.")
