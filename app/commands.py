"""`chengtu run` and `chengtu serve`: from nothing to a served map, and the server alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app import console, logs
from app.access.weak_secrets import check_secrets
from app.catalogue.loader import load_catalogue
from app.coverage.commands import print_runs, run_policies
from app.database import cluster
from app.database.engine import Database, open_database
from app.errors import ChengtuError, Unavailable
from app.lazy import lazy_module
from app.sample.parameters import check_size
from app.search.service import ensure_entries
from app.setting_names import told_unknown
from app.settings import LOOPBACK, Settings
from app.start import (
    current_runs,
    load_sample_if_empty,
    outdated_policies,
    started_database,
    stop_unless_used,
)

#: All of the web: two seconds that no other command needs.
serving = lazy_module("app.serve")
#: Cryptography and QR codes, which only `--tls` needs.
tls_service = lazy_module("app.field.tls_service")
certificates = lazy_module("app.field.certificates")
#: Who may come in: tokens and signatures, which only a server needs.
opening = lazy_module("app.access.opening")

Host = Annotated[str | None, typer.Option(help="Address to bind to.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen at.", show_default="8000")]
Workers = Annotated[int | None, typer.Option(min=1, max=64, help="Web worker processes.", show_default="2")]
Size = Annotated[
    str, typer.Option(envvar="CHENGTU_SAMPLE_SIZE", help="Size of the sample city for an empty database.")
]


def run_command(host: Host = None, port: Port = None, workers: Workers = None, size: Size = "city") -> None:
    """Start everything: database, sample city where there is no data, the default policies' figures, the server."""
    check_size(size)
    settings = _settings(host, port, workers)
    serving.check_port(settings.host, settings.port)
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    with started_database(settings) as db:
        tell_opening(settings, db)
        load_sample_if_empty(db, catalogue, size)
        ensure_entries(db, catalogue, tell_entries)
        outdated = outdated_policies(db, catalogue)
        if outdated:
            run_policies(db, catalogue, outdated, {"mode": "both"}, save=True)
        print_runs(current_runs(db, catalogue))
        db.dispose()
        serving.serve(settings, lambda: _tell_address(settings))
        console.step("Stopping …")


Tls = Annotated[bool, typer.Option("--tls", help="Serve over HTTPS, for phones too, which need a key.")]
Cert = Annotated[Path | None, typer.Option(help="The city's own certificate (PEM); else one is made.")]
CertKey = Annotated[Path | None, typer.Option("--key", help="The key of --cert (PEM).")]
FieldArea = Annotated[
    str | None,
    typer.Option(help="Code of the district that the phones' key is bound to; else the whole city."),
]
FieldHours = Annotated[float, typer.Option(help="How long the phones' key holds.")]


def serve_command(
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    tls: Tls = False,
    cert: Cert = None,
    key: CertKey = None,
    field_area: FieldArea = None,
    field_hours: FieldHours = 12,
) -> None:
    """Serve pages and API over the database as it is; a database that is down is waited for.

    With --tls it also listens to other machines, and prints a QR code by which phones open /field.
    """
    settings = _with_tls(_settings(host, port, workers), host, tls=tls, cert=cert, key=key)
    serving.check_port(settings.host, settings.port)
    tls_service.server_certificate(settings) if settings.tls else None
    load_catalogue(settings.geodata, settings.local_path)
    if settings.database_url is None:
        _make_ready(settings)
        ready = True
    else:
        ready = _prepare(settings)

    def tell() -> None:
        _tell_address(settings)
        if settings.tls:
            _invite(settings, field_area, field_hours)

    serving.serve(settings, tell, None if ready else lambda: _prepare(settings))
    console.step("Stopped.")


def _with_tls(
    settings: Settings, host: str | None, *, tls: bool, cert: Path | None, key: Path | None
) -> Settings:
    """The settings with what the command line says of TLS; with it other machines are listened to as well."""
    given: dict[str, bool | str | Path] = {"tls": tls or cert is not None or settings.tls}
    given |= {name: value for name, value in (("tls_cert", cert), ("tls_key", key)) if value is not None}
    if given["tls"] and host is None and "host" not in settings.model_fields_set:
        given["host"] = "0.0.0.0"  # noqa: S104 - nothing is answered there without a key
    return settings.model_copy(update=given)


def _invite(settings: Settings, area: str | None, hours: float) -> None:
    """Print the QR code that opens the phone page, and how phones come to trust the certificate."""
    if settings.host in LOOPBACK:
        console.warning("Only this machine is listened to: phones need --host 0.0.0.0.")
        return
    try:
        with open_database(settings) as db:
            address, made = tls_service.make_invitation(db, settings, "field", area, hours)
    except ChengtuError as error:
        console.warning(f"No key for phones was made: {error.message} {error.hint or ''}")
        return
    typer.echo(tls_service.terminal_qr(address))
    where = f"area {made.area}" if made.area else "the whole city"
    console.success(
        f"Phones open {address} ({where}, until {made.expires_at.astimezone():%Y-%m-%d %H:%M}; key {made.id}, "
        "`chengtu keys revoke` ends it)."
    )
    if settings.tls_cert is None:
        authority = settings.tls_path / "authority.crt"
        start = address.partition("/field/")[0]
        console.step(f"Each phone trusts this machine once: {start}/field/authority says how.")
        console.step(f"Its authority's SHA-256: {certificates.fingerprint(authority)}")


def _prepare(settings: Settings) -> bool:
    """Migrate the database of DATABASE_URL; False, with a word, where it is away."""
    try:
        _make_ready(settings)
    except Unavailable as error:
        console.warning(f"{error.message} It is tried again every 5 s.")
        return False
    return True


def _make_ready(settings: Settings) -> None:
    """Start and migrate the database; where the server is refused, what was started for it is stopped again."""
    ran_before = settings.database_url is not None or cluster.status(settings).running
    if cluster.has_none(settings):
        console.step(f"There is no database in {settings.home_path} yet: one is made.")
    with open_database(settings, make=True) as db:
        try:
            tell_opening(settings, db)
        except ChengtuError:
            if not ran_before:
                stop_unless_used(settings, db)
            raise
    make_entries(settings)


def make_entries(settings: Settings) -> None:
    """Open the database, so that it is migrated, and make names and addresses searchable where they are not yet."""
    db = open_database(settings)
    try:
        ensure_entries(db, load_catalogue(settings.geodata, settings.local_path), tell_entries)
    finally:
        db.dispose()


def tell_opening(settings: Settings, db: Database) -> None:
    """Say who may do what; SetupFailed where other machines would reach a server that nobody is named for."""
    for notice in opening.check_start(settings, db):
        (console.step if notice == opening.OPEN_NOTICE else console.warning)(notice)


def tell_entries(class_id: str, entries: int) -> None:
    """Say that a class can be searched now."""
    console.step(f"{class_id}: {entries:,} features can be found by name or address.")


def _settings(host: str | None, port: int | None, workers: int | None) -> Settings:
    """The settings, with what the command line gives over the environment; none of their secrets is a default."""
    given = {"host": host, "PORT": port, "workers": workers}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    logs.install(settings)
    check_secrets(settings)
    unknown = told_unknown()
    if unknown is not None:
        console.warning(unknown)
    return settings


def _tell_address(settings: Settings) -> None:
    console.success(f"The map is at {settings.address} (Ctrl-C stops).")
