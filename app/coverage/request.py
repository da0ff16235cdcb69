"""What may be asked of the engine: a policy with the parameters that a request may change, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.catalogue.model import Catalogue, Mode, Policy
from app.coverage.model import PeopleRule
from app.errors import BadInput, unknown

MODES: dict[str, tuple[Mode, ...]] = {
    "straight": ("straight",),
    "walk": ("walk",),
    "both": ("straight", "walk"),
}
PARAMETERS = ("people_rule", "speed_m_s")
SPEED_RANGE = (0.2, 3.0)


@dataclass(frozen=True, slots=True)
class AreaRef:
    """The area that a request is about."""

    code: str
    name: str
    level: str


@dataclass(frozen=True, slots=True)
class CoverageRequest:
    """A checked request; None keeps the policy's declared value."""

    policy: Policy
    modes: tuple[Mode, ...] = ("straight", "walk")
    area: AreaRef | None = None
    people_rule: PeopleRule | None = None
    speed_given: float | None = None

    @property
    def speed_m_s(self) -> float:
        """The walking speed: as asked, else the policy's."""
        return self.speed_given or self.policy.speed_m_s

    def radius_m(self, declared_m: float) -> float:
        """The radius in metres: minutes × speed for a policy of time, else as declared."""
        if self.policy.minutes is not None and self.speed_given is not None:
            return self.policy.minutes * 60.0 * self.speed_given
        return declared_m


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
    parameters = dict(request.get("parameters") or {})
    for name in parameters:
        if name not in PARAMETERS:
            raise BadInput(f"There is no parameter named '{name}'.", f"Valid names: {', '.join(PARAMETERS)}.")
    return CoverageRequest(
        policy, parse_modes(str(request.get("mode") or "both")), area, _rule(parameters), _speed(parameters)
    )


def parse_modes(mode: str) -> tuple[Mode, ...]:
    """`straight`, `walk` or `both` → the modes to compute."""
    if mode not in MODES:
        raise BadInput(unknown("mode", mode, MODES).message, f"Valid modes: {', '.join(MODES)}.")
    return MODES[mode]


def _rule(parameters: Mapping[str, Any]) -> PeopleRule | None:
    rule = parameters.get("people_rule")
    if rule not in (None, "centre", "area"):
        raise BadInput(f"'{rule}' is not a people_rule.", "Valid values: centre, area.")
    return rule


def _speed(parameters: Mapping[str, Any]) -> float | None:
    speed = parameters.get("speed_m_s")
    if speed is None:
        return None
    low, high = SPEED_RANGE
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not low <= speed <= high:
        raise BadInput(f"speed_m_s must be a number from {low} to {high}, not {speed!r}.", "1.2 is usual.")
    return float(speed)
