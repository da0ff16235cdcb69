"""What somebody who sees some areas only may ask of coverage, and what is told: figures of these, of no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from app.catalogue.model import Catalogue
from app.catalogue.policy_sensitivity import level_of
from app.catalogue.public_part import may_see as level_may_see
from app.coverage.scope_store import codes_above, own_codes, seen_codes
from app.coverage.store import limiting_areas
from app.database.scope import SCOPE, Scope
from app.database.transactions import Connection
from app.errors import Forbidden, NotFound
from app.inventory.area_rows import get_area
from app.inventory.times import NOW, Times

#: Why a row has no figure for one who does not see all that it counts.
REASON_WITHHELD = "only who sees the whole area counted is told its figure"
#: What is told of a run whose figures are withheld: what was asked, and of what; no number of the city's.
_INPUTS = frozenset(
    {
        "policy", "area", "as_of", "known_at", "versions", "parameters", "software", "metric_crs", "asked", "levels",
        "official", "differs", "people_source", "people_rule", "people_basis", "people_reason", "built_up_area_used",
        "built_up_area_as_of", "frame_declared",
    }
)  # fmt: skip
#: What is told of a row whose figures are withheld.
_ROW = frozenset(
    {"tier", "tier_title", "mode", "target", "target_is", "unit", "measure", "level", "of", "basis"}
)
_DETAILS = ("histogram", "equity", "difference")
_CONTRACTOR = (
    "Coverage counts what everybody owns, and a contractor sees only what is its own.",
    "Ask the office that you work for.",
)


def check_everywhere(what: str) -> None:
    """Refuse what cannot be told of some areas alone.

    Raises:
        Forbidden: The scope that holds does not see the whole city.
    """
    scope = SCOPE.get()
    if scope is not None and not scope.everywhere:
        raise Forbidden(f"{what} is told only to who sees the whole city.", "Ask somebody who does.")


def asked_area(conn: Connection, area: str | None) -> str | None:
    """The area that coverage is computed for: the one asked for, else the only own one.

    Raises:
        Forbidden: It is none of the areas that the scope is limited to, and lies in none of them.
    """
    scope = SCOPE.get()
    if scope is None or scope.everywhere:
        return area
    if scope.party is not None or scope.areas is None:
        raise Forbidden(*_CONTRACTOR)
    if area in (None, ""):
        if len(scope.areas) == 1:
            return scope.areas[0]
        raise Forbidden("Coverage of the whole city is not yours to compute.", _hint(scope.areas))
    code = None
    with suppress(NotFound):  # of areas of others it is not told whether they are there
        code = str(get_area(conn, str(area))["code"])
    if code is None or not own_codes(conn, [code], scope.areas):
        raise Forbidden(f"'{str(area)[:40]}' is not one of your areas.", _hint(scope.areas))
    return code


def _hint(areas: Iterable[str] | None) -> str:
    return f"Name one of your own areas: {', '.join(areas or ()) or 'you have none'}."


def may_see(conn: Connection, rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The stored runs that the scope knows of: those of its areas, of areas around them, of the whole city."""
    scope, rows = SCOPE.get(), list(rows)
    if scope is None or scope.everywhere:
        return rows
    if scope.party is not None or scope.areas is None:
        return []
    around = codes_above(conn, scope.areas)
    within = own_codes(conn, [row["area"] for row in rows if row["area"]], scope.areas)
    return [row for row in rows if row["area"] is None or row["area"] in around | within]


def told_run(conn: Connection, run: dict[str, Any]) -> dict[str, Any]:
    """A run as the scope may know it: areas are the own ones, figures of what is larger are withheld and say so."""
    areas = limiting_areas()
    if areas is None:
        return run
    code = (run["inputs"].get("area") or {}).get("code")
    codes = {row["code"] for row in run["areas"]}
    own = own_codes(conn, {*codes, *([code] if code else [])}, areas)
    told = {**run, "areas": [row for row in run["areas"] if row["code"] in own]}
    if code in own:
        return told
    inputs = {name: value for name, value in run["inputs"].items() if name in _INPUTS}
    if run["inputs"].get("scenario"):
        inputs["scenario"] = {"name": run["inputs"]["scenario"].get("name")}
    results = [_withheld(row) for row in run["results"]]
    return told | {"inputs": inputs, "results": results, **{name: [] for name in _DETAILS}}


def _withheld(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value if name in _ROW else _nothing(value) for name, value in row.items()}
    return found | {"reason": REASON_WITHHELD}


def _nothing(value: Any) -> Any:
    """What stands for a value that is not told, so that who reads it finds its place empty."""
    return [] if isinstance(value, list) else {} if isinstance(value, dict) else None


def told_areas(conn: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of rows of areas of a run, those of the own areas."""
    areas = limiting_areas()
    if areas is None:
        return rows
    own = own_codes(conn, {row["code"] for row in rows}, areas)
    return [row for row in rows if row["code"] in own]


def told_place(conn: Connection, catalogue: Catalogue, found: dict[str, Any], times: Times) -> dict[str, Any]:
    """What reaches a place, without the name, code and way of what the scope does not see: metres alone are told."""
    scope = SCOPE.get()
    if scope is None or scope.whole:
        return found
    told = [one for one in found["policies"] if _is_told(scope, catalogue, one["id"])]
    found = {**found, "policies": told}
    answers = list(_reached(found))
    seen = seen_pairs(conn, catalogue, [(answer["class"], answer["code"]) for answer in answers], times)
    for answer in answers:
        if (answer["class"], answer["code"]) not in seen:
            answer.update({name: None for name in ("code", "name", "way") if name in answer}, withheld=True)
    return found


def _is_told(scope: Scope, catalogue: Catalogue, policy: str) -> bool:
    found = catalogue.policies.get(policy)  # of the city's own those that the level cannot read are not there
    return found is not None and level_may_see(scope.level, level_of(catalogue.stored, found))


def check_policy(catalogue: Catalogue, policy: str) -> None:
    """Refuse figures of a policy that reads classes or fields which the scope does not see.

    Raises:
        NotFound: There is no such policy, or it is one of the city's own that the scope does not see.
        Forbidden: It reads some above the scope's level.
    """
    catalogue.get_policy(policy)
    scope = SCOPE.get()
    if scope is not None and not _is_told(scope, catalogue, policy):
        raise Forbidden(
            f"The policy '{policy}' reads what is above your clearance.",
            "Ask somebody who may see all that it reads.",
        )


def _reached(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in found["policies"]:
        for tier in policy["tiers"]:
            for mode in ("straight", "walk"):
                if tier[mode].get("code") is not None:
                    yield tier[mode]


def told_features(
    conn: Connection, catalogue: Catalogue, found: dict[str, Any], times: Times
) -> dict[str, Any]:
    """Of shapes of facilities as GeoJSON (members `class` and `code`), those of facilities that the scope sees."""
    scope = SCOPE.get()
    if scope is None or scope.whole:
        return found
    pairs = [(item["properties"].get("class"), item["properties"].get("code")) for item in found["features"]]
    seen = seen_pairs(conn, catalogue, [(cls, code) for cls, code in pairs if cls and code], times)
    kept = [item for item, pair in zip(found["features"], pairs, strict=True) if pair in seen]
    return {"type": found["type"], "numberReturned": len(kept), "features": kept}


def told_scenario(
    conn: Connection, catalogue: Catalogue, supplies: Iterable[str], rows: dict[str, Any], times: Times
) -> dict[str, Any]:
    """What is told of a scenario or removal without the features that the scope does not see.

    Of gains and losses the nearest facility (of one of the classes `supplies`) is not named.
    """
    scope = SCOPE.get()
    if scope is None or scope.whole:
        return rows
    changed = [row for side in ("gains", "losses") for row in rows.get(side, ()) if row.get("nearest_code")]
    codes = {row["nearest_code"] for row in changed}
    named = seen_pairs(conn, catalogue, [(class_id, code) for class_id in supplies for code in codes], times)
    known = {code for _, code in named}
    for row in changed:
        if row["nearest_code"] not in known:
            row["nearest_code"] = None
    return rows


def seen_pairs(
    conn: Connection, catalogue: Catalogue, asked: Iterable[tuple[str, str]], times: Times = NOW
) -> set[tuple[str, str]]:
    """Those of pairs of class and code that are features which the scope sees."""
    codes: dict[str, set[str]] = {}
    for class_id, code in asked:
        codes.setdefault(class_id, set()).add(code)
    return {
        (class_id, code)
        for class_id, wanted in codes.items()
        if class_id in catalogue.classes  # of a class above one's level nothing is seen
        for code in seen_codes(conn, catalogue.classes[class_id], wanted, times)
    }


def check_seen(conn: Connection, catalogue: Catalogue, asked: Iterable[tuple[str, str]]) -> None:
    """Refuse a question that names features which the scope does not see: its answer would tell of them.

    Raises:
        NotFound: One of the pairs of class and code is no such feature.
    """
    scope, pairs = SCOPE.get(), list(asked)
    if scope is None or scope.whole:
        return
    seen = seen_pairs(conn, catalogue, pairs)
    for class_id, code in pairs:
        if (class_id, code) not in seen:
            raise NotFound(f"{class_id} holds no feature with the code '{code[:40]}'.")


def check_facility(conn: Connection, catalogue: Catalogue, policy: str, code: str | None) -> None:
    """Refuse the service area of what the scope does not see.

    Raises:
        Forbidden: No facility is named, and the scope does not see them all.
        NotFound: There is no such policy, or the scope sees no facility of it with this code.
    """
    check_policy(catalogue, policy)
    scope = SCOPE.get()
    if scope is None or (scope.everywhere and code is None):
        return
    if code is None:
        raise Forbidden(
            "The service area of all facilities is told only to who sees the whole city.",
            "Name one facility that you see: `facility`.",
        )
    classes = {supply.cls for tier in catalogue.get_policy(policy).tiers for supply in tier.supplies}
    if not scope.whole and not seen_pairs(conn, catalogue, [(class_id, code) for class_id in classes]):
        raise NotFound(f"The policy counts no facility with the code '{code[:40]}'.")
