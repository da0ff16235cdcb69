"""The machine's own certificate authority and the certificate that it gives this server: made, kept private, renewed.

Browsers give position and storage for offline use only over HTTPS with a certificate they trust. A city without one of
its own lets its phones trust this authority, which by its name constraints (RFC 5280 §4.2.1.10) can speak for private
addresses and this machine's names alone: whoever trusts it need not fear it on the internet.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.errors import SetupFailed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Browsers refuse certificates of servers that hold longer (CA/Browser Forum Baseline Requirements §6.3.2: 398 days).
SERVER_DAYS = 397
AUTHORITY_DAYS = 3650
#: A certificate that ends sooner is made anew at the next start.
RENEW_DAYS = 30
#: Addresses of intranets (RFC 1918, RFC 6598, RFC 4193, link-local) and of the machine itself.
PRIVATE = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
    "fc00::/7", "fe80::/10", "::1/128",
)  # fmt: skip
#: Endings of names that no public site can bear (RFC 6762, RFC 6761, ICANN's `internal`, RFC 8375).
PRIVATE_NAMES = ("localhost", "local", "lan", "internal", "home.arpa")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files of a server's certificate and key (PEM); `authority` is that of the machine, None for a city's own."""

    certificate: Path
    key: Path
    authority: Path | None = None


def ensure_certificate(folder: Path, names: Sequence[str], addresses: Sequence[Address]) -> Certificate:
    """The certificate for these names and addresses in `folder`, made or renewed where needed; keys are mode 0600.

    Raises:
        SetupFailed: The folder cannot be written.
    """
    kept = Certificate(folder / "server.crt", folder / "server.key", folder / "authority.crt")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority, authority_key = _authority(folder, names, addresses)
        if not _fits(kept, authority, names, addresses):
            _make_server(kept, authority, authority_key, names, addresses)
    except OSError as error:
        raise SetupFailed(
            f"The certificate cannot be kept in {folder}: {error.strerror or error}.",
            "Make the data folder (CHENGTU_HOME) writable for this user.",
        ) from error
    return kept


def check_given(certificate: Path, key: Path) -> Certificate:
    """A city's own certificate and key.

    Raises:
        SetupFailed: One of the files cannot be read, is no PEM, or they do not belong together.
    """
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise SetupFailed(
            f"Certificate or key cannot be read: {error}.",
            "Give PEM files: --cert server.crt --key server.key (a key without a password).",
        ) from error
    if _public_bytes(found.public_key()) != _public_bytes(private.public_key()):
        raise SetupFailed(
            "The key does not belong to the certificate.", "Give the key that it was made with."
        )
    return Certificate(certificate, key)


def fingerprint(authority: Path) -> str:
    """SHA-256 of the authority's certificate as phones show it: pairs of hex digits by colons."""
    digest = x509.load_pem_x509_certificate(authority.read_bytes()).fingerprint(hashes.SHA256())
    return ":".join(f"{byte:02X}" for byte in digest)


def as_der(authority: Path) -> bytes:
    """The authority's certificate as phones take it (DER)."""
    return x509.load_pem_x509_certificate(authority.read_bytes()).public_bytes(serialization.Encoding.DER)


def _authority(
    folder: Path, names: Sequence[str], addresses: Sequence[Address]
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """The authority on disk: once phones trust it, it stays; a new one where it may not speak for this machine."""
    certificate, key = folder / "authority.crt", folder / "authority.key"
    if certificate.exists() and key.exists():
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
        lasts = found.not_valid_after_utc > _now() + timedelta(days=SERVER_DAYS)
        # A start that was cut off between the two files left a key of another certificate.
        fits = _public_bytes(found.public_key()) == _public_bytes(private.public_key())
        good = fits and lasts and _permits(found, names, addresses)
        if good and isinstance(private, ec.EllipticCurvePrivateKey):
            return found, private
    made, private = _make_authority(names, addresses)
    _write(key, _key_text(private))
    _write(certificate, made.public_bytes(serialization.Encoding.PEM))
    return made, private


def _permits(authority: x509.Certificate, names: Sequence[str], addresses: Sequence[Address]) -> bool:
    told = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    nets = [item.value for item in told if isinstance(item, x509.IPAddress)]
    endings = [item.value for item in told if isinstance(item, x509.DNSName)]
    return all(
        any(name == ending or name.endswith(f".{ending}") for ending in endings) for name in names
    ) and all(any(_within(address, net) for net in nets) for address in addresses)


def _within(address: Address, net: object) -> bool:
    return isinstance(net, ipaddress.IPv4Network | ipaddress.IPv6Network) and (
        net.version == address.version and address in net
    )


def _make_authority(
    names: Sequence[str], addresses: Sequence[Address]
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(f"Chengtu 城图 · {socket.gethostname()[:40]}")
    nets = [ipaddress.ip_network(net) for net in PRIVATE]
    nets += [ipaddress.ip_network(one) for one in addresses if not any(_within(one, net) for net in nets)]
    permitted: list[x509.GeneralName] = [x509.IPAddress(net) for net in nets]
    permitted += [x509.DNSName(name) for name in dict.fromkeys((*PRIVATE_NAMES, *names))]
    public = key.public_key()
    builder = (
        _builder(subject, subject, public, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    return builder.sign(key, hashes.SHA256()), key


def _make_server(
    kept: Certificate,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    addresses: Sequence[Address],
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    told: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    told += [x509.IPAddress(address) for address in addresses]
    builder = (
        _builder(_name("Chengtu 城图"), authority.subject, key.public_key(), SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(told), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
    )
    made = builder.sign(authority_key, hashes.SHA256())
    _write(kept.key, _key_text(key))
    _write(kept.certificate, made.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    # A clock that is a day behind, as a phone's may be, does not refuse it.
    start = _now() - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, key_cert_sign=signs, crl_sign=signs, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip


def _fits(
    kept: Certificate, authority: x509.Certificate, names: Sequence[str], addresses: Sequence[Address]
) -> bool:
    """Whether the certificate on disk is the authority's, holds long enough and names all that it has to."""
    if not kept.certificate.exists() or not kept.key.exists():
        return False
    found = x509.load_pem_x509_certificate(kept.certificate.read_bytes())
    private = serialization.load_pem_private_key(kept.key.read_bytes(), None)
    if _public_bytes(found.public_key()) != _public_bytes(private.public_key()):
        return False
    if not _is_issued_by(found, authority) or found.not_valid_after_utc < _now() + timedelta(days=RENEW_DAYS):
        return False
    told = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    known = {*told.get_values_for_type(x509.DNSName), *map(str, told.get_values_for_type(x509.IPAddress))}
    return known >= {*names, *map(str, addresses)}


def _is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """By its signature: an authority that was made anew bears the name of the one before."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _write(path: Path, content: bytes) -> None:
    """A file that its owner alone can read, whole or not at all."""
    draft = path.with_suffix(f"{path.suffix}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)


def _key_text(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_bytes(key: object) -> bytes:
    told: bytes = key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return told


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _now() -> datetime:
    return datetime.now(UTC)


def _host_names() -> list[str]:
    """The machine's own name, where it is one that a certificate can bear."""
    name = socket.gethostname().lower()
    return [name] if name.isascii() and all(part and len(part) < 64 for part in name.split(".")) else []


def own_names() -> list[str]:
    """The names by which this machine is asked: its own, that name in mDNS, `localhost`."""
    own = _host_names()
    return [*dict.fromkeys([*own, *(f"{name}.local" for name in own if "." not in name), "localhost"])]
