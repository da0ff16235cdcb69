"""The machine's authority and the server's certificate: private, constrained, stable; and a server that shows it."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509

from app.errors import BadInput, SetupFailed
from app.field.addresses import own_addresses
from app.field.certificates import check_given, ensure_certificate, fingerprint, own_names
from app.field.tls_service import server_certificate, terminal_qr
from app.settings import Settings

INTRANET = [ipaddress.ip_address("192.168.7.9"), ipaddress.ip_address("127.0.0.1")]


def names(path: Path) -> x509.SubjectAlternativeName:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def verified(authority: Path, certificate: Path) -> subprocess.CompletedProcess[str]:
    command = ["openssl", "verify", "-CAfile", str(authority), str(certificate)]
    return subprocess.run(command, capture_output=True, text=True)


def test_keys_are_private_and_the_authority_stays(tmp_path):
    folder = tmp_path / "tls"
    first = ensure_certificate(folder, ["box.local"], INTRANET)
    mark, server = fingerprint(first.authority), first.certificate.read_bytes()
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert ensure_certificate(folder, ["box.local"], INTRANET).certificate.read_bytes() == server
    # Another address of the intranet: a new certificate of the same authority.
    moved = ensure_certificate(folder, ["box.local"], [ipaddress.ip_address("10.1.2.3")])
    assert fingerprint(moved.authority) == mark
    assert "10.1.2.3" in map(str, names(moved.certificate).get_values_for_type(x509.IPAddress))


def test_an_independent_reader_verifies_it(tmp_path):
    made = ensure_certificate(tmp_path, own_names(), own_addresses())
    done = verified(made.authority, made.certificate)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("lost", [("authority.crt", "authority.key"), ("authority.crt",), ("server.key",)])
def test_files_that_do_not_belong_together_are_made_anew(tmp_path, lost):
    ensure_certificate(tmp_path / "tls", ["box.local"], INTRANET)
    other = ensure_certificate(tmp_path / "other", ["box.local"], INTRANET).certificate.parent
    for name in lost:
        (tmp_path / "tls" / name).write_bytes((other / name).read_bytes())
    made = ensure_certificate(tmp_path / "tls", ["box.local"], INTRANET)
    assert verified(made.authority, made.certificate).returncode == 0
    assert check_given(made.certificate, made.key)


def test_the_authority_cannot_speak_for_a_public_site(tmp_path):
    made = ensure_certificate(tmp_path, ["box.local"], INTRANET)
    authority = x509.load_pem_x509_certificate(made.authority.read_bytes())
    rule = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert rule.critical
    permitted = rule.value.permitted_subtrees
    assert {item.value for item in permitted if isinstance(item, x509.DNSName)} == {
        "localhost", "local", "lan", "internal", "home.arpa", "box.local",
    }  # fmt: skip
    public = ipaddress.ip_address("8.8.8.8")
    assert not any(public in item.value for item in permitted if isinstance(item, x509.IPAddress))
    constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)


def test_a_city_brings_its_own_pair_or_none(tmp_path):
    mine = ensure_certificate(tmp_path / "a", ["a.local"], INTRANET)
    other = ensure_certificate(tmp_path / "b", ["b.local"], INTRANET)
    assert check_given(mine.certificate, mine.key).authority is None
    with pytest.raises(SetupFailed, match="belong"):
        check_given(mine.certificate, other.key)
    with pytest.raises(SetupFailed):
        check_given(mine.key, mine.certificate)
    with pytest.raises(SetupFailed):
        check_given(tmp_path / "none.crt", mine.key)
    with pytest.raises(BadInput):
        server_certificate(Settings(tls=True, tls_cert=mine.certificate, home=tmp_path))
    assert server_certificate(Settings(home=tmp_path)) is None


def test_the_qr_code_is_a_square_of_blocks():
    lines = terminal_qr("https://192.168.7.9:8000/field/start?key=ck_0123456789").splitlines()
    drawn = [line for line in lines if line.strip()]
    assert len({len(line) for line in drawn}) == 1
    assert len(drawn) * 2 == pytest.approx(len(drawn[0]), abs=2)


@pytest.mark.wide
def test_serve_over_tls(environment, database, tmp_path):
    """The whole: started, trusted by its authority alone, closed to other machines, its QR code printed."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path / "home"
    given = {**environment, "CHENGTU_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "app.cli", "serve", "--tls", "--workers", "1", "--port", str(port)]
    log = tmp_path / "log"
    with log.open("wb") as told:
        process = subprocess.Popen(command, env=given, stdout=told, stderr=told)
    try:
        deadline = time.monotonic() + 120
        while "field/start?key=" not in log.read_text(encoding="utf-8"):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline
            time.sleep(0.2)
        context = ssl.create_default_context(cafile=str(home / "tls" / "authority.crt"))
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as trusted,
        ):
            trusted.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert trusted.recv(100).startswith(b"HTTP/1.1 200")
        with (
            pytest.raises(ssl.SSLCertVerificationError),
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname="localhost"),
        ):
            pass
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(30)
