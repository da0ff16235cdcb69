"""What may be asked of the engine: a policy with the parameters that a request may change, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.catalogue.model import Catalogue, Mode, Policy
from app.catalogue.parameter_changes import changed_parameters, with_parameters
from app.catalogue.parameters import read_parameters
from app.coverage.levels import parse_levels
from app.coverage.model import PeopleRule
from app.errors import BadInput, unknown

MODES: dict[str, tuple[Mode, ...]] = {
    "straight": ("straight",),
    "walk": ("walk",),
    "both": ("straight", "walk"),
}


@dataclass(frozen=True, slots=True)
class AreaRef:
    """The area that a request is about."""

    code: str
    name: str
    level: str


@dataclass(frozen=True, slots=True)
class CoverageRequest:
    """A checked request: `policy` as the parameters leave it, which is all that the computation reads.

    `parameters` are those given, as they were understood; `changed` names those that make the figure another than the
    policy's own.
    """

    policy: Policy
    modes: tuple[Mode, ...] = ("straight", "walk")
    area: AreaRef | None = None
    levels: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    changed: tuple[str, ...] = ()

    @property
    def speed_m_s(self) -> float:
        """The walking speed in m/s."""
        return self.policy.speed_m_s

    @property
    def people_rule(self) -> PeopleRule | None:
        """How people count, where the request says so."""
        return self.parameters.get("people_rule")

    @property
    def people_basis(self) -> str | None:
        """The basis that people are counted on, where the request says so."""
        return self.parameters.get("people_basis")

    @property
    def at(self) -> str | None:
        """The hour at which facilities must be open."""
        return self.parameters.get("at")

    @property
    def step_free(self) -> bool:
        """Whether only accessible facilities serve, and no steps are walked."""
        return bool(self.parameters.get("step_free"))

    @property
    def free_only(self) -> bool:
        """Whether what charges a fee does not serve."""
        return bool(self.parameters.get("free_only"))


def parse(catalogue: Catalogue, request: Mapping[str, Any], area: AreaRef | None) -> CoverageRequest:
    """A request of plain values → a checked one.

    Raises:
    ------
    NotFound
        The policy is unknown.
    BadInput
        The mode or a parameter is unknown or out of range.
    """
    if not request.get("policy"):
        raise BadInput("No policy is named.", f"Choose one of {', '.join(catalogue.policies)}.")
    policy = catalogue.get_policy(str(request["policy"]))
    given = read_parameters(policy, dict(request.get("parameters") or {}), catalogue.classes)
    values = {**policy.asked, **given}
    return CoverageRequest(
        with_parameters(policy, values),
        parse_modes(str(request.get("mode") or "both")),
        area,
        parse_levels(request.get("levels")),
        values,
        changed_parameters(policy, given),
    )


def parse_modes(mode: str) -> tuple[Mode, ...]:
    """`straight`, `walk` or `both` → the modes to compute."""
    if mode not in MODES:
        raise BadInput(unknown("mode", mode, MODES).message, f"Valid modes: {', '.join(MODES)}.")
    return MODES[mode]
