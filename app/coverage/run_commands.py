"""The command `chengtu runs`: which runs are saved, so that one can be shown, computed again or compared."""

from __future__ import annotations

from typing import Annotated

import typer

from app import console
from app.catalogue.loader import load_catalogue
from app.coverage import service
from app.coverage.edition_service import with_editions
from app.coverage.list_page import run_views
from app.database.engine import open_database
from app.settings import Settings


def runs_command(
    policy: Annotated[
        str | None, typer.Argument(help="Only runs of this policy (see `chengtu policies`).")
    ] = None,
    newest: Annotated[bool, typer.Option("--newest", help="Only the newest run of each policy.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many, newest first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List saved runs, newest first, with the ids that `compare`, `map`, `export` and `coverage --rerun` take."""
    settings = Settings()
    with open_database(settings) as db, db.read() as conn:
        catalogue = with_editions(conn, load_catalogue(settings.geodata, settings.local_path))
        runs = service.list_runs(conn, catalogue, policy, limit, newest_only=newest)
    if as_json:
        console.print_json({"runs": runs})
        return
    rows = [
        (
            view["short"],
            view["at"],
            view["policy"],
            view["words"],
            "\n".join(f"{figure['title']}: {figure['value']}" for figure in view["figures"]),
        )
        for view in run_views(runs, settings.lang)
    ]
    if rows:
        headings = ("run", "computed", "policy", "asked for", "figures")
        console.print_table("Saved runs, newest first", headings, rows)
    else:
        console.warning("No run is saved yet: `chengtu coverage all` computes every default policy.")
