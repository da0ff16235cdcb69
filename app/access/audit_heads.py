"""Heads of the audit record, kept outside the database: `<data folder>/audit/heads-<database>`, a signed line each.

Whoever can rewrite the database cannot rewrite these too without the data folder: a chain that was cut or made anew
does not fit them. The file is only added to and is its owner's alone (mode 0600).
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.access.audit_chain import Heads, Pruning
from app.database.passwords import audit_secret
from app.database.server import database_mark
from app.errors import SetupFailed
from app.settings import Settings

FOLDER = "audit"


def heads_path(settings: Settings) -> Path:
    """Where the heads of this database are kept."""
    return settings.home_path / FOLDER / f"heads-{database_mark(settings)}"


def read_heads(settings: Settings) -> Heads:
    """All that was kept; lines that this data folder did not sign make it forged."""
    path = heads_path(settings)
    hashes: dict[int, bytes] = {}
    kept_at: dict[int, datetime] = {}
    prunings: list[Pruning] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return Heads()
    except PermissionError as error:
        raise SetupFailed(
            f"The heads of the audit record in {path.parent} belong to another user.",
            "Run as the user who made this data folder.",
        ) from error
    key = _key(settings)
    for number, line in enumerate(lines, start=1):
        found = _read(line, key)
        if found is None:
            return Heads(hashes, kept_at, prunings, forged=number)
        seq, value, at = int(found["seq"]), bytes.fromhex(found["hash"]), datetime.fromisoformat(found["at"])
        if found["kind"] == "pruned":
            prunings.append(Pruning(seq, value, at))
        elif hashes.setdefault(seq, value) != value:
            # Two heads of one number: the record was rewritten between them.
            return Heads(hashes, kept_at, prunings, forged=number)
        else:
            kept_at.setdefault(seq, at)
    return Heads(hashes, kept_at, prunings)


def keep_head(settings: Settings, seq: int, value: bytes) -> None:
    """Keep the hash of the newest entry."""
    _append(settings, _said("head", seq, value, _now()))


def keep_pruning(settings: Settings, until: int, value: bytes) -> None:
    """Keep that entries were pruned until a number, the last of which had this hash."""
    _append(settings, _said("pruned", until, value, _now()))


def begin_anew(settings: Settings, heads: Heads, stamp: str) -> Path | None:
    """Keep these heads in place of those that were kept, which are put aside under another name, given back.

    For a database that was restored: its record is shorter than the heads of the one that it replaced.
    """
    path, aside = heads_path(settings), None
    if path.exists():
        aside = path.with_name(f"{path.name}.before-{stamp}")
        path.rename(aside)
    for pruning in heads.prunings:
        _append(settings, _said("pruned", pruning.until, pruning.hash, pruning.at.isoformat()))
    for seq, value in sorted(heads.hashes.items()):
        at = heads.kept_at.get(seq)
        _append(settings, _said("head", seq, value, _now() if at is None else at.isoformat()))
    return aside


def _said(kind: str, seq: int, value: bytes, at: str) -> dict[str, Any]:
    return {"kind": kind, "seq": seq, "hash": value.hex(), "at": at}


def _append(settings: Settings, said: dict[str, Any]) -> None:
    path = heads_path(settings)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = json.dumps({**said, "mac": _mac(said, _key(settings))}) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(line: str, key: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
        mac = said.pop("mac")
        signed = hmac.compare_digest(mac, _mac(said, key))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return said if signed else None


def _mac(said: dict[str, Any], key: bytes) -> str:
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _key(settings: Settings) -> bytes:
    # Of this database: a line of another one's file says nothing here.
    return f"{audit_secret(settings.home_path)}|{database_mark(settings)}".encode()


def _now() -> str:
    return datetime.now(UTC).isoformat()
