"""Coverage's use cases: compute and save a run, read saved runs, ask about one place."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from app.catalogue.class_names import find_class
from app.catalogue.model import Catalogue
from app.coverage import store
from app.coverage.recorded import with_recorded
from app.coverage.scoped import may_see, told_run
from app.database.scope import as_service
from app.database.transactions import Connection, Database
from app.errors import NotFound
from app.inventory.id_prefix import RUNS, digits_of, find_id

#: Answers an engine request; in-process `Engine.answer` or the client of the engine process.
Answer = Callable[[dict[str, Any]], dict[str, Any]]
OnSaved = Callable[[Connection, str], None]
#: What of a request the engine is asked.
ASKED = (
    "policy", "recorded_policy", "mode", "area", "levels", "parameters", "as_of", "known_at", "versions", "scenario",
)  # fmt: skip

#: What is told of a run beside its figures, each a list of rows by tier.
DETAILS = ("histogram", "equity", "difference")


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
    with as_service(), db.write() as conn:
        store.drop_old_runs(conn)
        run_id = store.save_run(conn, result, request.get("name"))
        if on_saved is not None:
            on_saved(conn, run_id)
    return view(run_id, result)


def scenario(answer: Answer, request: Mapping[str, Any], *, only_warm: bool = False) -> dict[str, Any] | None:
    """Compute a scenario without saving anything: before, after, change, gains, losses, inputs.

    A request with `remove` and `within_m` asks the guard: the same of that removal, with sites that would make up for
    it. None with `only_warm` where the city as it is has not been computed for this policy, which takes seconds.
    """
    names = (*ASKED, "remove", "within_m")
    asked = {key: request[key] for key in names if request.get(key) is not None}
    result = answer({"op": "guard" if "remove" in asked else "scenario", "only_warm": only_warm, **asked})
    if "policy" not in result:
        return None
    return {**result, "policy": store.policy_head(result["policy"])}


def rerun_request(conn: Connection, catalogue: Catalogue, run_id: str) -> dict[str, Any]:
    """The request that computes a saved run again from what it read: its day, its data versions, its parameters.

    Raises:
    ------
    NotFound
        There is no such run.
    Conflict
        The policy has changed, and its recorded text names what the catalogue no longer knows.
    """
    row = _find(conn, run_id, areas=False)
    policy = {"id": row["policy_id"], "version": row["policy_version"], "text": row["policy_text"]}
    with_recorded(catalogue, policy)
    inputs = row["inputs"]
    versions = inputs["versions"]
    newest = max(versions.values(), default=0)
    return {
        "policy": row["policy_id"],
        "recorded_policy": policy,
        "mode": "both" if len(row["modes"]) > 1 else row["modes"][0],
        "area": row["area"],
        "levels": inputs.get("levels") or [],
        "parameters": inputs.get("asked") or {},
        # What was current is what was valid on the day of the run.
        "as_of": inputs.get("as_of") or _day_of(row["created_at"]),
        "known_at": inputs.get("known_at") or newest or None,
        "versions": versions,
        "scenario": inputs.get("scenario"),
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
        **_details(result),
    }


def get_run(conn: Connection, run_id: str, *, areas: bool = True) -> dict[str, Any]:
    """A saved run in the shape of `run`, with no rows of areas where they are not wanted; raises NotFound."""
    return told_run(conn, _shape(_find(conn, run_id, areas=areas)))


def _find(conn: Connection, run_id: str, *, areas: bool) -> Mapping[str, Any]:
    row = store.find_run(conn, parse_run(run_id), areas=areas)
    found = may_see(conn, [] if row is None else [row])
    if not found:
        raise no_run(run_id)
    return found[0]


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
    rows = may_see(conn, store.list_rows(conn, policy, limit, newest_only))
    shown = [told_run(conn, _shape({**row, "areas": []})) for row in rows]
    return [{key: value for key, value in row.items() if key not in {"areas", *DETAILS}} for row in shown]


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
        **_details(row),
    }


def _details(result: Mapping[str, Any]) -> dict[str, Any]:
    """Histograms, equity and the modes' difference; none in runs made before these were kept."""
    details = result.get("details") or {}
    return {name: details.get(name, []) for name in DETAILS}


def find_run_id(conn: Connection, given: str) -> str:
    """The UUID of the saved run that `given` is, or begins (four digits at least); raises as `find_id`."""
    return str(find_id(conn, RUNS, given))


def run_at(conn: Connection, given: str) -> str:
    """The UUID of the run that an address names, by the whole of it or its first digits; NotFound for anything else.

    Raises:
    ------
    NotFound
        There is no such run.
    BadInput
        More than one run's id begins so.
    """
    if digits_of(given) is None:
        raise no_run(given)
    return find_run_id(conn, given)


def find_class_or_run(conn: Connection, catalogue: Catalogue, name: str) -> str:
    """The id of the class of this id, title or alias, else of the run whose UUID it is, or begins.

    Raises:
    ------
    NotFound
        No class is so named, and no run.
    BadInput
        More than one run's id begins so.
    """
    if digits_of(name) is None:
        return find_class(catalogue, name).id
    with suppress(NotFound):
        return find_class(catalogue, name).id
    return find_run_id(conn, name)


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
