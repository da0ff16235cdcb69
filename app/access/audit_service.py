"""Use cases of the audit record: look at it, check it, keep its heads outside the database, prune what is old."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from app.access import audit_store
from app.access.audit_chain import BEGINNING, KEPT_DAYS, Verdict, check, follows
from app.access.audit_heads import heads_path, keep_head, keep_pruning, read_heads
from app.access.audit_store import Wanted
from app.database.audit import Event, note
from app.database.scope import as_service
from app.database.transactions import Connection, Database
from app.errors import BadInput, Conflict
from app.settings import Settings

log = logging.getLogger("chengtu.audit")
#: How often everything is checked by itself; what came since is checked whenever a head is kept.
CHECKED_EVERY = timedelta(days=1)


def entries(db: Database, wanted: Wanted, limit: int) -> dict[str, Any]:
    """A page of the record, the newest first, and the number to go on below (None at its end)."""
    with as_service(), db.read() as conn:
        found = audit_store.list_entries(conn, wanted, limit + 1)
    more = found[limit - 1]["seq"] if len(found) > limit else None
    return {"entries": found[:limit], "next_before": more}


def newest_head(db: Database) -> dict[str, Any]:
    """Number and hash of the newest entry; of an empty record 0 and None."""
    with as_service(), db.read() as conn:
        found = audit_store.newest(conn)
    return {"seq": 0, "hash": None} if found is None else {"seq": found[0], "hash": found[1].hex()}


def verify(db: Database) -> Verdict:
    """Check the whole chain and compare it with the kept heads; what is whole has its head kept."""
    settings = db.settings
    # Before the snapshot: a head that is kept meanwhile may be of an entry that the snapshot does not have.
    heads = read_heads(settings)
    with as_service(), db.stream() as conn:
        # Closed here, wherever the walk ended: left to the garbage, it would close its cursor in another's transaction.
        with closing(audit_store.read_chain(conn)) as entries:
            verdict = check(entries, heads)
        head = audit_store.newest(conn)
    if verdict.whole and head is not None and head[0] not in heads.hashes:
        keep_head(settings, *head)
    _tell_state(settings, verdict)
    return verdict


def keep(db: Database) -> bool:
    """Keep the newest head outside the database where what came since the last one follows from it; else say so.

    Once a day all of the record is checked. False where something does not fit: then no head is kept, which would
    confirm what was forged.
    """
    settings = db.settings
    heads = read_heads(settings)
    state = read_state(settings)
    if state is None or datetime.fromisoformat(state["checked_at"]) < datetime.now(UTC) - CHECKED_EVERY:
        return _told(verify(db))
    with as_service(), db.stream() as conn:
        head = audit_store.newest(conn)
        if head is None or heads.hashes.get(head[0]) == head[1]:
            return bool(state["whole"])
        start = heads.newest
        with closing(audit_store.read_chain(conn, start)) as entries:
            last = follows(entries, start, heads.hashes.get(start, BEGINNING))
    if heads.forged is not None or last is None:
        return _told(verify(db))
    keep_head(settings, last.seq, last.hash)
    return bool(state["whole"])


def _told(verdict: Verdict) -> bool:
    if not verdict.whole:
        log.error("The audit record is broken at entry %s: %s.", verdict.broken, verdict.reason)
    return verdict.whole


def prune(db: Database, days: int) -> dict[str, Any]:
    """Remove the entries older than so many days, of a record that is whole; what was pruned stays known by its hash.

    Raises:
        BadInput: Fewer days than entries are kept for.
        Conflict: The record is broken: pruning would remove the traces.
    """
    if days < KEPT_DAYS:
        raise BadInput(
            f"The audit record is kept for at least {KEPT_DAYS} days.",
            f"Prune with --days {KEPT_DAYS} or more.",
        )
    verdict = verify(db)
    if not verdict.whole:
        raise Conflict(
            f"The audit record is broken at entry {verdict.broken}: {verdict.reason}. Nothing was pruned.",
            "Look into it first: chengtu audit verify",
        )
    found = audit_store.prune(db.settings, days, lambda until, value: keep_pruning(db.settings, until, value))
    if found is not None:
        keep(db)
    return {
        "pruned": 0 if found is None else found[2],
        "until": None if found is None else found[0],
        "days": days,
    }


def state_now(db: Database) -> dict[str, Any]:
    """What is known without checking all of it: the last check, and whether what came since follows from it.

    `known` is false before the first check; `new` is how many entries came since.
    """
    state = read_state(db.settings)
    if state is None:
        return {"known": False, "whole": False, "new": 0}
    if not state["whole"]:
        return {"known": True, "new": 0, **state}
    heads = read_heads(db.settings)
    start = heads.newest
    with as_service(), db.read() as conn:
        with closing(audit_store.read_chain(conn, start)) as entries:
            last = follows(entries, start, heads.hashes.get(start, BEGINNING))
        empty = audit_store.newest(conn) is None and start == 0
    if heads.forged is not None or (last is None and not empty):
        reason = "what came since the last kept head does not follow from it"
        return {"known": True, "new": 0, **state, "whole": False, "broken": start + 1, "reason": reason}
    new = 0 if last is None else last.seq - int(state["last"] or 0)
    return {"known": True, "new": new, **state}


def exported(conn: Connection, what: str, form: str, **detail: Any) -> None:
    """Note that entries of the record itself were taken away as a file."""
    note(conn, Event.EXPORTED, what, form=form, **detail)


def read_state(settings: Settings) -> dict[str, Any] | None:
    """What the last check of everything found, with `checked_at`; None before the first."""
    try:
        found = json.loads(_state_path(settings).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return dict(found) if isinstance(found, Mapping) and "checked_at" in found else None


def _tell_state(settings: Settings, verdict: Verdict) -> None:
    path = _state_path(settings)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{uuid4().hex}")
    said = {**verdict.plain(), "checked_at": datetime.now(UTC).isoformat()}
    with os.fdopen(
        os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        json.dump(said, file)
    beside.replace(path)


def _state_path(settings: Settings) -> Path:
    path = heads_path(settings)
    return path.with_name(path.name.replace("heads-", "state-"))
