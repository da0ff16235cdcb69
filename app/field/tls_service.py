"""The certificate that a server shows, and the address by which a phone gets in."""

from __future__ import annotations

import io
from urllib.parse import quote

import segno

from app.access.key_service import make_field_key
from app.access.keys import Key
from app.database.transactions import Database
from app.errors import BadInput
from app.field.addresses import own_addresses
from app.field.certificates import Certificate, check_given, ensure_certificate, own_names
from app.settings import Settings

ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound


def server_certificate(settings: Settings) -> Certificate | None:
    """The certificate to serve by: the city's own, else one of this machine's authority; None without TLS.

    Raises:
        SetupFailed: See `check_given` and `ensure_certificate`.
        BadInput: Only one of certificate and key is given.
    """
    if not settings.tls:
        return None
    if settings.tls_cert is not None and settings.tls_key is not None:
        return check_given(settings.tls_cert.expanduser(), settings.tls_key.expanduser())
    if settings.tls_cert is not None or settings.tls_key is not None:
        raise BadInput("Certificate and key belong together.", "Give both: --cert FILE --key FILE.")
    return ensure_certificate(settings.tls_path, own_names(), own_addresses())


def phone_host(settings: Settings) -> str:
    """The host by which a phone reaches this server, as addresses write it."""
    host = settings.host if settings.host not in ANY else str(own_addresses()[0])
    return f"[{host}]" if ":" in host else host


def make_invitation(
    db: Database, settings: Settings, name: str, area: str | None, hours: float
) -> tuple[str, Key]:
    """A new key and the address that holds it; raises as `make_field_key`."""
    with db.write() as conn:
        key, made = make_field_key(conn, name, area, hours)
    scheme = "https" if settings.tls else "http"
    return f"{scheme}://{phone_host(settings)}:{settings.port}/field/start?key={quote(key)}", made


def terminal_qr(address: str) -> str:
    """The address as a QR code of half-block characters, for a terminal."""
    out = io.StringIO()
    segno.make(address, error="l").terminal(out, border=2, compact=True)
    return out.getvalue()
