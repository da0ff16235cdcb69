"""Coverage's use cases: compute and save a run, read saved runs, ask about one place."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from app.catalogue.model import Catalogue, Policy, Tier
from app.coverage import store
from app.database.transactions import Connection, Database
from app.errors import Conflict, NotFound

#: Answers an engine request; in-process `Engine.answer` or the client of the engine process.
Answer = Callable[[dict[str, Any]], dict[str, Any]]
OnSaved = Callable[[Connection, str], None]
#: What of a request the engine is asked.
ASKED = ("policy", "mode", "area", "parameters", "as_of", "known_at", "versions")


def run(
    db: Database, answer: Answer, request: Mapping[str, Any], on_saved: OnSaved | None = None
) -> dict[str, Any]:
    """Compute one coverage request and save it as a run (named runs are kept, others for 30 days).

    `on_saved(connection, run)` is called in the transaction that saves the run.

    Returns:
    -------
    dict
        `{"run", "policy", "results", "areas", "inputs"}`, the shape that `coverage --json` prints.
    """
    result = answer({"op": "coverage", **{key: request.get(key) for key in ASKED}})
    with db.write() as conn:
        store.drop_old_runs(conn)
        run_id = store.save_run(conn, result, request.get("name"))
        if on_saved is not None:
            on_saved(conn, run_id)
    return view(run_id, result)


def rerun_request(conn: Connection, catalogue: Catalogue, run_id: str) -> dict[str, Any]:
    """The request that computes a saved run again from what it read: its day, its data versions, its parameters.

    Raises:
    ------
    NotFound
        There is no such run, or its policy is no longer declared.
    Conflict
        The policy has another text now.
    """
    row = store.find_run(conn, parse_run(run_id))
    if row is None:
        raise no_run(run_id)
    policy = catalogue.get_policy(row["policy_id"])
    if policy.text != row["policy_text"]:
        raise Conflict(
            f"The policy '{policy.id}' has changed since run {run_id}.",
            f"The run keeps its figures; `chengtu coverage {policy.id} --as-of` computes by the policy of today.",
        )
    inputs = row["inputs"]
    versions = inputs["versions"]
    newest = max(versions.values(), default=0)
    return {
        "policy": policy.id,
        "mode": "both" if len(row["modes"]) > 1 else row["modes"][0],
        "area": row["area"],
        "parameters": inputs.get("asked") or {},
        # What was current is what was valid on the day of the run.
        "as_of": inputs.get("as_of") or _day_of(row["created_at"]),
        "known_at": inputs.get("known_at") or newest or None,
        "versions": versions,
    }


def _day_of(moment: str) -> str:
    """The day of a stored moment where the service is."""
    return datetime.fromisoformat(moment).astimezone().date().isoformat()


def view(run_id: str | None, result: Mapping[str, Any]) -> dict[str, Any]:
    """An engine's answer in the shape that outsiders rely on."""
    return {
        "run": run_id,
        "policy": store.policy_head(result["policy"]),
        "modes": result["modes"],
        "results": result["results"],
        "areas": result["areas"],
        "inputs": result["inputs"],
    }


def get_run(conn: Connection, run_id: str) -> dict[str, Any]:
    """A saved run in the shape of `run`; raises NotFound."""
    row = store.find_run(conn, parse_run(run_id))
    if row is None:
        raise no_run(run_id)
    return _shape(row)


def list_runs(
    conn: Connection,
    catalogue: Catalogue,
    policy: str | None = None,
    limit: int = 100,
    *,
    newest_only: bool = False,
) -> list[dict[str, Any]]:
    """Saved runs, newest first, without their areas."""
    if policy is not None:
        catalogue.get_policy(policy)
    rows = store.list_rows(conn, policy, limit, newest_only)
    return [{key: value for key, value in _shape(row).items() if key != "areas"} for row in rows]


def _shape(row: Mapping[str, Any]) -> dict[str, Any]:
    inputs = dict(row["inputs"])
    return {
        "run": row["run"],
        "policy": inputs.pop("policy"),
        "modes": row["modes"],
        "name": row["name"],
        "created_at": row["created_at"],
        "results": row["results"],
        "areas": row["areas"],
        "inputs": inputs,
    }


def parse_run(run_id: str) -> uuid.UUID:
    """A run's UUID; anything else cannot name a run."""
    try:
        return uuid.UUID(run_id)
    except ValueError:
        raise no_run(run_id) from None


def no_run(run_id: str) -> NotFound:
    """The error for a run that does not exist."""
    return NotFound(
        f"There is no run '{run_id}'.", "GET /coverage lists the runs; unnamed ones are kept for 30 days."
    )


def policy_view(policy: Policy, *, whole: bool) -> dict[str, Any]:
    """A policy as plain values; `whole` adds its tiers' supplies, demand and text."""
    view: dict[str, Any] = {
        "id": policy.id,
        "version": policy.version,
        "title": {"zh": policy.title.zh, "en": policy.title.en},
        "description": {"zh": policy.description.zh, "en": policy.description.en},
        "official": policy.official,
        "source": {
            "document": policy.source.document,
            "clause": policy.source.clause,
            "confidence": policy.source.confidence,
            "note": policy.source.note,
        },
        "tiers": [_tier_view(tier) for tier in policy.tiers],
    }
    if whole:
        view |= {
            "speed_m_s": policy.speed_m_s,
            "minutes": policy.minutes,
            "snap_limit_m": policy.snap_limit_m,
            "gate_search_m": policy.gate_search_m,
            "land": policy.land.cls,
            "people": [demand.cls for demand in policy.people],
            "frame": policy.frame_cls,
            "text": policy.text,
        }
    return view


def _tier_view(tier: Tier) -> dict[str, Any]:
    return {
        "id": tier.id,
        "title": {"zh": tier.title.zh, "en": tier.title.en},
        "target": tier.target,
        "supplies": [
            {
                "class": supply.cls,
                "radius_m": supply.radius_m,
                "min_area_m2": supply.min_area_m2,
                "max_area_m2": supply.max_area_m2,
            }
            for supply in tier.supplies
        ],
    }
