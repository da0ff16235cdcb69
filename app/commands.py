"""`chengtu run` and `chengtu serve`: from nothing to a served map, and the server alone."""

from __future__ import annotations

from typing import Annotated

import typer

from app import console
from app.catalogue.loader import load_catalogue
from app.coverage.commands import print_runs, run_policies
from app.database.engine import open_database
from app.errors import Unavailable
from app.lazy import lazy_module
from app.sample.parameters import check_size
from app.search.service import ensure_entries
from app.settings import Settings
from app.start import current_runs, load_sample_if_empty, outdated_policies, started_database

#: All of the web: two seconds that no other command needs.
serving = lazy_module("app.serve")

Host = Annotated[str | None, typer.Option(help="Address to bind to.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen at.", show_default="8000")]
Workers = Annotated[int | None, typer.Option(min=1, max=64, help="Web worker processes.", show_default="2")]
Size = Annotated[
    str, typer.Option(envvar="CHENGTU_SAMPLE_SIZE", help="Size of the sample city for an empty database.")
]


def run_command(host: Host = None, port: Port = None, workers: Workers = None, size: Size = "city") -> None:
    """Start everything: database, sample city where there is no data, every policy's figures, the server."""
    check_size(size)
    settings = _settings(host, port, workers)
    serving.check_port(settings.host, settings.port)
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    with started_database(settings) as db:
        load_sample_if_empty(db, catalogue, size)
        ensure_entries(db, catalogue, tell_entries)
        outdated = outdated_policies(db, catalogue)
        if outdated:
            run_policies(db, catalogue, outdated, {"mode": "both"}, save=True)
        print_runs(current_runs(db, catalogue))
        db.dispose()
        serving.serve(settings, lambda: _tell_address(settings))
        console.step("Stopping …")


def serve_command(host: Host = None, port: Port = None, workers: Workers = None) -> None:
    """Serve pages and API over the database as it is; a database that is down is waited for."""
    settings = _settings(host, port, workers)
    serving.check_port(settings.host, settings.port)
    load_catalogue(settings.geodata, settings.local_path)
    if settings.database_url is None:
        make_entries(settings)
        ready = True
    else:
        ready = _prepare(settings)
    serving.serve(settings, lambda: _tell_address(settings), None if ready else lambda: _prepare(settings))
    console.step("Stopped.")


def _prepare(settings: Settings) -> bool:
    """Migrate the database of DATABASE_URL; False, with a word, where it is away."""
    try:
        make_entries(settings)
    except Unavailable as error:
        console.warning(f"{error.message} It is tried again every 5 s.")
        return False
    return True


def make_entries(settings: Settings) -> None:
    """Open the database, so that it is migrated, and make names and addresses searchable where they are not yet."""
    db = open_database(settings)
    try:
        ensure_entries(db, load_catalogue(settings.geodata, settings.local_path), tell_entries)
    finally:
        db.dispose()


def tell_entries(class_id: str, entries: int) -> None:
    """Say that a class can be searched now."""
    console.step(f"{class_id}: {entries:,} features can be found by name or address.")


def _settings(host: str | None, port: int | None, workers: int | None) -> Settings:
    """The settings, with what the command line gives over the environment."""
    given = {"host": host, "PORT": port, "workers": workers}
    return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def _tell_address(settings: Settings) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    console.success(f"The map is at http://{host}:{settings.port} (Ctrl-C stops).")
