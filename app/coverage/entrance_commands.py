"""The command `chengtu service-area`: how far one gets from a policy's facilities, as GeoJSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from app import console
from app.catalogue.loader import load_catalogue
from app.catalogue.parameters import read_settings
from app.database.engine import open_database
from app.lazy import lazy_module
from app.settings import Settings

engines = lazy_module("app.coverage.engine")


def service_area_command(
    policy: Annotated[str, typer.Argument(help="Policy id (see `chengtu policies`).")],
    to: Annotated[Path | None, typer.Option(help="File to write, .geojson; default print it.")] = None,
    form: Annotated[
        str, typer.Option(help="streets (cut at the limit), polygon (the land on them) or entrances.")
    ] = "polygon",
    mode: Annotated[str, typer.Option(help="walk or straight.")] = "walk",
    tier: Annotated[str | None, typer.Option(help="Only this tier.")] = None,
    facility: Annotated[str | None, typer.Option(help="Only the facility with this code.")] = None,
    depth: Annotated[
        float | None, typer.Option(help="How far one walks off the street, in metres (default 50).")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="Day in the world, 2020-12-31. Default now.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A parameter: speed_m_s=0.8, step_free=true, at=22:00.")
    ] = None,
) -> None:
    """Streets or land within the reach of a policy's facilities, or where these are entered."""
    settings = Settings()
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    request: dict[str, Any] = {
        "op": "entrances" if form == "entrances" else "service_area",
        "policy": policy,
        "mode": mode,
        "form": form,
        "tier": tier,
        "facility": facility,
        "depth_m": depth,
        "as_of": as_of,
        "parameters": read_settings(set_ or []),
    }
    with open_database(settings) as db, console.progress("Service area"):
        found = engines.Engine(db, catalogue).answer(request)
    if to is None:
        console.print_json(found)
        return
    to.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    console.success(f"{found['numberReturned']} features written to {to}.")
