"""`chengtu db`: start, stop, describe and migrate the database."""

from __future__ import annotations

from typing import Annotated, Any

import psycopg
import typer

from app import console
from app.database import cluster
from app.database.failures import translated
from app.database.migrate import migrate
from app.database.revision import current_revision, head
from app.database.server import admin_parameters
from app.database.shell import open_psql
from app.errors import BadInput, ChengtuError
from app.settings import Settings

db = typer.Typer(
    name="db",
    help="The database: start, stop, status, migrate, psql, back up, restore.",
    no_args_is_help=True,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@db.command()
def start(as_json: AsJson = False) -> None:
    """Start the embedded database; it is made at the first start."""
    settings = Settings()
    if settings.database_url:
        return _tell(
            {"embedded": False, "running": None},
            "DATABASE_URL is set: its server is used, nothing to start.",
            as_json,
        )
    before = cluster.status(settings).running
    now = cluster.ensure_started(settings)
    verb = "runs already" if before else "is started"
    return _tell(
        now.as_dict(),
        f"The database in {now.home} {verb} (socket {now.socket_dir}, port {now.port}).",
        as_json,
    )


@db.command()
def stop(as_json: AsJson = False) -> None:
    """Stop the embedded database; a server named by DATABASE_URL is never touched."""
    settings = Settings()
    stopped = cluster.stop(settings)
    told = "is stopped" if stopped else "was not running"
    _tell({"stopped": stopped}, f"The database in {settings.home_path} {told}.", as_json)


@db.command()
def status(as_json: AsJson = False) -> None:
    """Say whether the database runs, where, and at which revision; exit code 1 where it does not run or answer."""
    settings = Settings()
    told = describe(settings)
    well = told["running"] and not told["problem"]
    if as_json:
        console.print_json(told)
    else:
        console.found(f"{_sentence(told)} {told.get('hint') or ''}".rstrip(), well=well)
    if not well:
        raise typer.Exit(1)


@db.command(name="migrate")
def migrate_command(context: typer.Context, as_json: AsJson = False) -> None:
    """Bring the database to the newest revision and to the city's own classes; it is started and made where needed."""
    settings = Settings()
    # Inventory and search lie above this room, so the command line gives their parts.
    local = context.obj["local_growth"](settings)
    revision = migrate(settings, then=local)
    context.obj["make_entries"](settings)
    told = {"revision": revision, "local": local.changed, "left": local.left}
    added = f" Your own declarations are in it: {', '.join(local.changed)}." if local.changed else ""
    _tell(told, f"The database is at revision {revision}.{added}", as_json)
    if not as_json:
        for sentence in local.left:
            console.warning(sentence)


@db.command(context_settings={"ignore_unknown_options": True})
def shell(
    words: Annotated[list[str] | None, typer.Argument(help="Options of psql, for example -c SQL.")] = None,
    database: Annotated[
        str | None, typer.Option(help="Another database of the server, such as one of `db restore --into`.")
    ] = None,
) -> None:
    """Open psql on the database as its administrator, who may do everything; nothing of it is in the audit record."""
    open_psql(Settings(), database, words or [])


def describe(settings: Settings) -> dict[str, Any]:
    """The database as plain values: where it runs, version, PostGIS, revision and the newest one.

    A database that is away or not there is told, not raised. Raises BadInput where DATABASE_URL cannot be read.
    """
    told = cluster.status(settings).as_dict() | {"head": head(), "revision": None, "problem": None}
    if cluster.has_none(settings):
        error = cluster.no_database(settings)
        return told | {"problem": error.message, "hint": error.hint}
    if told["embedded"] and not told["running"]:
        return told | {"hint": "Start it: chengtu db start"}
    try:
        return told | {"running": True} | _ask(settings)
    except BadInput:
        raise
    except ChengtuError as error:
        return told | {"problem": error.message, "hint": error.hint}


def _ask(settings: Settings) -> dict[str, Any]:
    with translated(), psycopg.connect(**admin_parameters(settings)) as connection:
        extension = connection.execute(
            "SELECT extversion FROM pg_extension WHERE extname = 'postgis'"
        ).fetchone()
        return {
            "server": connection.info.parameter_status("server_version"),
            "postgis": extension[0] if extension else None,
            "revision": current_revision(connection),
        }


def _sentence(told: dict[str, Any]) -> str:
    where = f"The database in {told['home']}" if told["embedded"] else "The database of DATABASE_URL"
    if told["embedded"] and told["data"] is None:
        return str(told["problem"])
    if told["problem"]:
        return f"{where} does not answer: {told['problem']}"
    if not told["running"]:
        return f"{where} is not running."
    newest = "the newest" if told["revision"] == told["head"] else f"the newest is {told['head']}"
    at = f" on socket {told['socket_dir']} port {told['port']}" if told["embedded"] else ""
    return (
        f"{where} runs{at}: PostgreSQL {told['server']}, PostGIS {told['postgis']}, "
        f"revision {told['revision']} ({newest})."
    )


def _tell(value: dict[str, Any], sentence: str, as_json: bool) -> None:
    if as_json:
        console.print_json(value)
    else:
        console.success(sentence)
