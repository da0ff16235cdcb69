"""Secrets of a data folder: made at first need, kept in `<home>/secrets/` for their owner alone (mode 0600)."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.errors import SetupFailed

FOLDER = "secrets"


@dataclass(frozen=True, slots=True)
class Login:
    """The role the service connects as: it owns nothing and may only become the reading and writing roles."""

    user: str
    password: str


def make_superuser_password(home: Path) -> str:
    """The embedded server's superuser password, made and kept at first need."""
    return _read_or_create(home / FOLDER / "superuser", secrets.token_urlsafe(32))


def find_superuser_password(home: Path) -> str | None:
    """The embedded server's superuser password, None where it is lost or not yet made."""
    return _read(home / FOLDER / "superuser")


def get_login(home: Path, key: str) -> Login:
    """The service's role and password for the database named by `key`, made at first need."""
    made = json.dumps({"user": f"chengtu_{secrets.token_hex(6)}", "password": secrets.token_urlsafe(32)})
    return _as_login(_read_or_create(_login_path(home, key), made))


def find_login(home: Path, key: str) -> Login | None:
    """The service's role and password for the database named by `key`, None before the first migration."""
    text = _read(_login_path(home, key))
    return None if text is None else _as_login(text)


def audit_secret(home: Path) -> str:
    """What the heads of the audit record are signed with, made and kept at first need."""
    return _read_or_create(home / FOLDER / "audit", secrets.token_urlsafe(32))


def _login_path(home: Path, key: str) -> Path:
    return home / FOLDER / f"login-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _as_login(text: str) -> Login:
    values = json.loads(text)
    return Login(values["user"], values["password"])


def _read_or_create(path: Path, fresh: str) -> str:
    return _read(path) or _create(path, fresh)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise SetupFailed(
            f"The secrets in {path.parent} belong to another user.",
            "Run as the user who made this data folder, or choose another one with CHENGTU_HOME.",
        ) from error


def _create(path: Path, text: str) -> str:
    """Write the secret whole or not at all; where another process was first, its secret is the one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
    return _read(path) or text
