"""The commands `chengtu policies`: what is measured, and the city's own editions."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app import console
from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue, Policy
from app.coverage import edition_service as editions
from app.coverage.editions import read_edition
from app.coverage.policy_views import parameter_views, policy_view
from app.database import cluster
from app.database.engine import open_database
from app.errors import UnreadableFile
from app.settings import Settings

policies = typer.Typer(
    name="policies",
    help="What is measured, how far, after which document; and policies of the city's own.",
    invoke_without_command=True,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
File = Annotated[Path, typer.Argument(help="A policy in YAML, see docs/policies.md.")]
Name = Annotated[str, typer.Argument(help="Policy id.")]
Why = Annotated[str | None, typer.Option(help="The reason, kept with the version.")]
ORIGINS = {"built_in": "", "file": "city's folder", "edition": "saved edition"}


@policies.callback()
def list_policies(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List all policies; those marked * are computed without being asked for."""
    if context.invoked_subcommand is not None:
        return
    views = [policy_view(policy, whole=False) for policy in _catalogue(Settings()).policies.values()]
    if as_json:
        console.print_json({"policies": views, "parameters": parameter_views()})
        return
    headings = ("id", "名称", "title", "kind", "口径", "")
    console.print_table(
        "Policies (* computed unasked; documents and clauses: chengtu policies show ID)",
        headings,
        map(_row, views),
    )


def _row(view: Mapping[str, Any]) -> tuple[str, ...]:
    title = view["title"]
    name = f"{view['id']}{' *' if view['default'] else ''}"
    return name, title["zh"], title["en"], view["kind"], _official(view), ORIGINS[view["origin"]]


def _official(view: Mapping[str, Any]) -> str:
    return "官方口径" if view["official"] else "参考口径"


def _catalogue(settings: Settings) -> Catalogue:
    """The declared policies; the saved ones too where the database runs, which a list alone does not start."""
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    if settings.database_url is None and not cluster.status(settings).running:
        console.warning("The database is not running: saved editions are not shown.")
        return catalogue
    with open_database(settings) as db, db.read() as conn:
        return editions.with_editions(conn, catalogue)


@policies.command()
def show(policy: Name, *, as_json: AsJson = False) -> None:
    """Tell one policy: its document, what serves how far, its switches, its text."""
    found = _catalogue(Settings()).get_policy(policy)
    view = policy_view(found, whole=True)
    if as_json:
        console.print_json(view)
    else:
        _print(found, view)


def _print(policy: Policy, view: Mapping[str, Any]) -> None:
    source = policy.source
    rows = [
        ("id", f"{policy.id} (version {policy.version}, {policy.kind}, {_official(view)})"),
        ("名称", policy.title.zh),
        ("title", policy.title.en),
        ("document", f"{source.document}, {source.clause} ({source.confidence})"),
        ("note", source.note),
        ("switches", ", ".join(f"{item.id}{'' if item.on else ' (off)'}" for item in policy.switches)),
    ]
    console.print_table(policy.title.zh, ("", ""), [row for row in rows if row[1]])
    typer.echo(policy.text.rstrip())


@policies.command()
def check(path: File) -> None:
    """Check a policy of the city's own without saving it."""
    settings = Settings()
    policy = read_edition(load_catalogue(settings.geodata, settings.local_path), _read(path), path.stem)
    console.success(f"{path.name} declares '{policy.id}', a policy of kind {policy.kind}: {policy.title.zh}.")


@policies.command()
def add(path: File, *, why: Why = None, as_json: AsJson = False) -> None:
    """Save a policy of the city's own in the database, or its next version; in force at once."""
    settings = Settings()
    catalogue, text = load_catalogue(settings.geodata, settings.local_path), _read(path)
    read_edition(catalogue, text, path.stem)
    with open_database(settings) as db, db.write() as conn:
        policy = editions.save(conn, catalogue, text, getpass.getuser(), why)
    if as_json:
        console.print_json(policy_view(policy, whole=True))
    else:
        console.success(
            f"Version {policy.version} of '{policy.id}' is in force. Try: chengtu coverage {policy.id}"
        )


@policies.command()
def retire(policy: Name, *, why: Why = None) -> None:
    """Take a policy of the city's own out of force; its runs and versions stay."""
    with open_database(Settings()) as db, db.write() as conn:
        editions.retire(conn, policy, getpass.getuser(), why)
    console.success(f"'{policy}' is out of force; its runs and versions stay.")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(
            f"{path.name} cannot be read.", "The file must be there and be UTF-8 text."
        ) from error
