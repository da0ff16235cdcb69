"""The policy of a saved run as the run recorded it, whatever has become of it since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.catalogue.model import Catalogue, Policy
from app.catalogue.policies import read_policy
from app.catalogue.source import read_source
from app.coverage.editions import read_edition
from app.errors import ChengtuError, Conflict


def with_recorded(catalogue: Catalogue, recorded: Mapping[str, Any] | None) -> Catalogue:
    """The catalogue with one policy as a run recorded it: `{"id", "version", "text"}`; as it is without one.

    Raises:
    ------
    Conflict
        The text names what the catalogue no longer knows.
    """
    if not recorded:
        return catalogue
    policy = _read(catalogue, str(recorded["id"]), str(recorded["version"]), str(recorded["text"]))
    return replace(catalogue, policies={**catalogue.policies, policy.id: policy})


def _read(catalogue: Catalogue, policy_id: str, version: str, text: str) -> Policy:
    declared = catalogue.policies.get(policy_id)
    if declared is not None and (declared.text, declared.version) == (text, version):
        return declared
    others = {name: policy for name, policy in catalogue.policies.items() if name != policy_id}
    try:
        entry = read_source(Path("policies", f"{policy_id}.yaml"), text)
        if isinstance(entry.value, dict) and "based_on" in entry.value:
            policy = read_edition(replace(catalogue, policies=others), text, policy_id)
        else:
            policy = read_policy(entry, None, text, catalogue.classes, catalogue.switches)
    except ChengtuError as error:
        raise Conflict(
            f"The policy '{policy_id}' has changed, and its recorded text can no longer be read: {error.message}",
            "The run keeps its figures; compute the policy of today with another as_of.",
        ) from error
    return replace(policy, version=version)
