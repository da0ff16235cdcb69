"""Reads a city's own policy that is another one with changed parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.catalogue.model import Catalogue, Policy
from app.catalogue.parameter_changes import POLICY_PARAMETERS, with_parameters
from app.catalogue.parameters import read_parameters
from app.catalogue.policies import ONLY_TIER, read_id
from app.catalogue.policy_model import Origin, Source
from app.catalogue.source import Entry
from app.catalogue.title import Title
from app.errors import BadDeclaration, ChengtuError

#: The keys of a policy that is another one with changed parameters.
CHANGED = (("id", "title", "based_on", "parameters"), ("version", "description", "default"))
NOTE = "The city's own edition of {id}, version {version}. Never called official."


def is_based(entry: Entry) -> bool:
    """Whether a declaration is another policy with changed parameters."""
    return isinstance(entry.value, dict) and "based_on" in entry.value


def read_based(
    entry: Entry, policy_id: str | None, text: str, catalogue: Catalogue, origin: Origin
) -> Policy:
    """The policy that `entry` makes of one of the catalogue's; `policy_id` is the name of its file, where it has one.

    It is never official. Raises BadDeclaration, also where a parameter means nothing to the other policy.
    """
    found = entry.record(*CHANGED)
    own_id = read_id(found["id"], policy_id)
    others = sorted(name for name in catalogue.policies if name != own_id)
    base = catalogue.policies[found["based_on"].one_of(found["based_on"].value, others, "policy")]
    values = _read_values(found["parameters"], base, catalogue)
    title = found["title"].title()
    return replace(
        _named(_with(found["parameters"], base, values), title),
        id=own_id,
        version=found["version"].text() if "version" in found else "1",
        title=title,
        description=found["description"].title() if "description" in found else title,
        source=_source(base),
        official=False,
        default=found["default"].flag() if "default" in found else True,
        text=text,
        origin=origin,
        asked={name: value for name, value in values.items() if name not in POLICY_PARAMETERS},
    )


def _named(policy: Policy, title: Title) -> Policy:
    """The one tier of a policy that declares none bears the policy's title."""
    tiers = (replace(tier, title=title) if tier.id == ONLY_TIER else tier for tier in policy.tiers)
    return replace(policy, tiers=tuple(tiers))


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
