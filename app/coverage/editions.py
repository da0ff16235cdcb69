"""A city's own policies as texts: whole ones, or declared ones with changed parameters, read by the one reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from app.catalogue.model import Catalogue, Policy
from app.catalogue.policies import read_policy
from app.catalogue.policy_based import is_based, read_based
from app.catalogue.source import SENT, Entry, read_source
from app.errors import BadInput

MAX_BYTES = 100_000


def changes_of(policy: Policy) -> tuple[str, dict[str, Any]]:
    """The policy that a city's own one is based on and the parameters that it sets; itself and none for any other."""
    found = yaml.safe_load(policy.text) if policy.origin == "edition" else None
    if not isinstance(found, dict) or "based_on" not in found:
        return policy.id, {}
    return str(found["based_on"]), dict(found["parameters"])


def read_edition(catalogue: Catalogue, text: str, name: str | None = None) -> Policy:
    """The policy that a text declares: a whole one, or `based_on` another with `parameters`; never an official one.

    `catalogue` holds the declared policies, whose ids are taken; `name` is that of the file, for errors, None where the
    text was sent.

    Raises:
    ------
    BadInput
        The text is not YAML or too long, contradicts itself or the catalogue, or takes a declared policy's id.
    """
    if len(text.encode()) > MAX_BYTES:
        raise BadInput(
            f"A policy of more than {MAX_BYTES // 1000} kB is not read.", "A page of text is enough."
        )
    entry = read_source(Path(SENT) if name is None else Path("policies", f"{name}.yaml"), text)
    based = is_based(entry)
    policy = read_based(entry, None, text, catalogue, "edition") if based else _whole(catalogue, entry, text)
    if policy.id in catalogue.policies:
        raise entry.nearest("id").fail(
            f"'{policy.id}' is a declared policy", "Choose another id; based_on can name the declared one."
        )
    return policy


def _whole(catalogue: Catalogue, entry: Entry, text: str) -> Policy:
    policy = read_policy(entry, None, text, catalogue.classes, catalogue.switches, "edition")
    if policy.official:
        raise entry.nearest("official").fail(
            "a policy of the city's own is never official", "Write official: false, or leave it out."
        )
    return policy


def text_of(content: bytes, content_type: str) -> str:
    """The YAML of a request's body: YAML as it is, JSON written as YAML.

    Raises:
    ------
    BadInput
        The body is not UTF-8, not JSON where it says so, or of another type.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in JSON_TYPES + YAML_TYPES:
        raise BadInput(
            f"A policy of the type '{kind or 'unknown'}' is not read.",
            "Send it as application/yaml or application/json.",
        )
    try:
        text = content.decode("utf-8")
        if kind in YAML_TYPES:
            return text
        written = yaml.safe_dump(json.loads(text), allow_unicode=True, sort_keys=False)
        return written.encode("utf-8").decode("utf-8")
    except (ValueError, RecursionError) as error:
        raise BadInput("The policy is not UTF-8 text or not JSON.", "Send YAML or JSON in UTF-8.") from error


JSON_TYPES = ("application/json",)
YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
