"""The city's own policies beside the declared ones: in force, saved, retired."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import replace
from typing import Any

from app.catalogue.model import Catalogue, Policy
from app.coverage import edition_store as store
from app.coverage.editions import read_edition
from app.database.transactions import Connection
from app.errors import BadInput, ChengtuError, Conflict, NotFound, PreconditionFailed, unknown

log = logging.getLogger("chengtu.policies")
#: Catalogues with editions, by declared catalogue and mark; a new edition changes the mark at once.
_KEPT: OrderedDict[tuple[Any, ...], Catalogue] = OrderedDict()
_KEPT_MOST = 8
#: So many of the city's own may be computed without being asked for.
MOST_UNASKED = 20


def with_editions(conn: Connection, catalogue: Catalogue) -> Catalogue:
    """`catalogue` with the city's own policies as this transaction sees them."""
    mark = store.mark(conn)
    if mark[0] == 0:
        return catalogue
    key = (catalogue, *mark)
    kept = _KEPT.get(key)
    if kept is None:
        editions = {policy.id: policy for policy in _in_force(conn, catalogue)}
        kept = _KEPT[key] = replace(catalogue, policies={**catalogue.policies, **editions})
        while len(_KEPT) > _KEPT_MOST:
            _KEPT.popitem(last=False)
    return kept


def _in_force(conn: Connection, catalogue: Catalogue) -> list[Policy]:
    found = []
    for row in store.newest(conn):
        if row["retired"]:
            continue
        try:
            found.append(_policy(catalogue, row))
        except ChengtuError as error:
            # What it names was declared when it was saved and is no longer: the others stay in force.
            log.warning("The edition %s is out of force: %s", row["id"], error.message)
    return found


def _policy(catalogue: Catalogue, row: dict[str, Any]) -> Policy:
    return replace(read_edition(catalogue, row["text"], row["id"]), version=str(row["version"]))


def save(
    conn: Connection,
    catalogue: Catalogue,
    text: str,
    who: str,
    why: str | None,
    policy_id: str | None = None,
    seen: int | None = None,
) -> Policy:
    """Save a text as the next version of the policy that it names; `policy_id` is the one that it must name.

    `seen` is the version that the writer knows: with a newer one there, nothing is saved.

    Raises:
    ------
    NotFound
        `policy_id` is named and no edition bears it.
    BadInput, Conflict
        The text cannot be used; it says what the version in force says.
    PreconditionFailed
        Another version than `seen` is the newest.
    """
    policy = read_edition(catalogue, text)
    if policy_id is not None:
        _get_newest(conn, policy_id)
        if policy.id != policy_id:
            raise BadInput(f"The policy's id is '{policy.id}', not '{policy_id}'.", f"Write id: {policy_id}.")
    known = store.versions(conn, policy.id)
    if known and known[0]["text"] == text and not known[0]["retired"]:
        raise Conflict(
            f"'{policy.id}' says so already, in version {known[0]['version']}.", "Nothing was saved."
        )
    if seen is not None and (not known or known[0]["version"] != seen):
        newest = known[0]["version"] if known else "none"
        raise PreconditionFailed(
            f"The newest version of '{policy.id}' is {newest}, not {seen}.",
            "Look at it, then send yours again.",
        )
    _check_room(conn, catalogue, policy)
    version = known[0]["version"] + 1 if known else 1
    store.add(conn, policy.id, version, text, who, why)
    return replace(policy, version=str(version))


def _check_room(conn: Connection, catalogue: Catalogue, policy: Policy) -> None:
    """Policies computed unasked are computed for every place that is asked about: there cannot be ever more of them."""
    others = [item for item in _in_force(conn, catalogue) if item.default and item.id != policy.id]
    if policy.default and len(others) >= MOST_UNASKED:
        raise Conflict(
            f"{len(others)} policies of the city's own are computed unasked already.",
            "Write default: false, or retire one.",
        )


def retire(conn: Connection, policy_id: str, who: str, why: str | None) -> None:
    """Take the city's own policy out of force; its runs and versions stay. Raises NotFound."""
    row = _get_newest(conn, policy_id)
    if row["retired"]:
        raise NotFound(f"The policy '{policy_id}' is retired already.", "POST /policies saves a new version.")
    store.add(conn, policy_id, row["version"] + 1, row["text"], who, why, retired=True)


def _get_newest(conn: Connection, policy_id: str) -> dict[str, Any]:
    found = store.versions(conn, policy_id)
    if not found:
        saved = [row["id"] for row in store.newest(conn)]
        error = unknown("policy of the city's own", policy_id, saved)
        raise NotFound(error.message, error.hint if saved else "POST /policies saves the first one.")
    return found[0]


def history(conn: Connection, policy_id: str) -> list[dict[str, Any]]:
    """The versions of the city's own policy, newest first, without their texts; none for a declared one."""
    return [
        {key: row[key] for key in ("version", "retired", "who", "why", "at")}
        for row in store.versions(conn, policy_id)
    ]


def get_version(conn: Connection, catalogue: Catalogue, policy_id: str, version: int) -> Policy:
    """One version of the city's own policy, also one that is no longer in force. Raises NotFound."""
    rows = {row["version"]: row for row in store.versions(conn, policy_id)}
    if version not in rows:
        raise NotFound(
            f"There is no version {version} of '{policy_id}'.",
            f"Versions: {', '.join(str(number) for number in sorted(rows)) or 'none'}.",
        )
    return _policy(catalogue, rows[version])
