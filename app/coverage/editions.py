"""A city's own policies as texts: whole ones, or declared ones with changed parameters, read by the one reader."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from app.catalogue.model import Catalogue, Policy
from app.catalogue.policies import read_id, read_policy
from app.catalogue.policy_model import Source
from app.catalogue.source import SENT, Entry, read_source
from app.coverage.parameter_changes import POLICY_PARAMETERS, with_parameters
from app.coverage.parameters import read_parameters
from app.errors import BadDeclaration, BadInput, ChengtuError

MAX_BYTES = 100_000
#: The keys of a policy that is another one with changed parameters.
CHANGED = (("id", "title", "based_on", "parameters"), ("description", "default"))
NOTE = "The city's own edition of {id}, version {version}. Never called official."


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
    changed = isinstance(entry.value, dict) and "based_on" in entry.value
    policy = _changed(catalogue, entry, text) if changed else _whole(catalogue, entry, text)
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


def _changed(catalogue: Catalogue, entry: Entry, text: str) -> Policy:
    found = entry.record(*CHANGED)
    base = catalogue.policies[found["based_on"].one_of(found["based_on"].value, catalogue.policies, "policy")]
    values = _read_values(found["parameters"], base, catalogue)
    title = found["title"].title()
    return replace(
        _with(found["parameters"], base, values),
        id=read_id(found["id"]),
        title=title,
        description=found["description"].title() if "description" in found else title,
        source=_source(base),
        official=False,
        default=found["default"].flag() if "default" in found else True,
        text=text,
        origin="edition",
        asked={name: value for name, value in values.items() if name not in POLICY_PARAMETERS},
    )


def _source(base: Policy) -> Source:
    return replace(base.source, note=NOTE.format(id=base.id, version=base.version))


def _read_values(entry: Entry, base: Policy, catalogue: Catalogue) -> dict[str, Any]:
    given = {name: item.value for name, item in entry.members()}
    try:
        values = read_parameters(base, given, catalogue.classes)
    except ChengtuError as error:
        raise _at(entry, given, error) from error
    if not values:
        raise entry.fail("changes nothing", f"Name a parameter of {base.id}, such as radius_m: 400.")
    return values


def _with(entry: Entry, base: Policy, values: Mapping[str, Any]) -> Policy:
    try:
        return with_parameters(base, values)
    except ChengtuError as error:
        raise _at(entry, values, error) from error


def _at(entry: Entry, given: Mapping[str, Any], error: ChengtuError) -> BadDeclaration:
    """The error with its place in the text: the parameter that it names, where it names one."""
    name = next((name for name in given if name in error.message), None)
    at = entry if name is None else entry.child(name, None)
    return at.fail(error.message.rstrip("."), error.hint)


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
