"""What a request may change of a policy: each parameter declared once, for interface, command line and pages alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

from app.catalogue.model import FeatureClass
from app.catalogue.moments import moment_of
from app.catalogue.policy_model import BASES, Policy
from app.catalogue.title import Title
from app.errors import BadInput, unknown

#: tiered: a number for all tiers, or `{tier: number}`; names: a list of names, or a text with commas.
ParameterType = Literal["number", "tiered", "choice", "flag", "names", "hour"]
Values: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: what it is called, what it may be, what it changes; `unit` of its numbers from `low` to `high`."""

    name: str
    type: ParameterType
    title: Title
    changes: Title
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()
    example: Any = None

    @property
    def valid(self) -> str:
        """What values are allowed, in words."""
        numbers = f"{self.low:g} to {self.high:g} {self.unit}".rstrip()
        return {
            "number": numbers,
            "tiered": f"{numbers}, or one for each tier",
            "choice": ", ".join(self.choices),
            "flag": "true or false",
            "names": "names of the policy's switches",
            "hour": "an hour such as 22:00, or Sa 22:00",
        }[self.type]


PARAMETERS: Mapping[str, Parameter] = {
    item.name: item
    for item in (
        Parameter(
            "speed_m_s", "number", Title("步行速度", "Walking speed"),
            Title("按时间规定的规则的距离, 以及所有步行分钟数", "The reach of rules of time, and all minutes walked"),
            "m/s", 0.2, 3.0, example=1.2,
        ),
        Parameter(
            "minutes", "number", Title("步行时间", "Minutes on foot"),
            Title("各档的距离改为分钟数乘以速度", "Every tier's reach becomes minutes × speed"),
            "min", 1, 120, example=15,
        ),
        Parameter(
            "radius_m", "tiered", Title("服务半径", "Radius"),
            Title("各档的服务半径", "How far every tier's supply serves"),
            "m", 1, 20_000, example={"park": 400},
        ),
        Parameter(
            "min_area_m2", "tiered", Title("最小规模", "Smallest size"),
            Title("计入的最小面积(各档最低一级)", "The smallest area that counts, of each tier's lowest band"),
            "m²", 0, 100_000_000, example=1000,
        ),
        Parameter(
            "people_rule", "choice", Title("人口计法", "How people count"),
            Title("按格网中心或按面积比例计人口", "People at the centre of their cell, or by share of its area"),
            choices=("centre", "area"), example="area",
        ),
        Parameter(
            "people_basis", "choice", Title("人口口径", "Basis of people"),
            Title("按哪一口径计人口(不同口径不相加)", "Which kind of people counts; kinds are never added up"),
            choices=tuple(BASES), example="registered",
        ),
        Parameter(
            "target", "tiered", Title("目标值", "Target"),
            Title("达标与否的判断", "What counts as met"),
            "", 0, 1_000_000, example=0.9,
        ),
        Parameter(
            "at", "hour", Title("时刻", "Hour"),
            Title("只计此刻开放的设施", "Only what is open at that hour serves"), example="22:00",
        ),
        Parameter(
            "step_free", "flag", Title("无障碍", "Step-free"),
            Title("只计无障碍设施, 途中不走台阶", "Only accessible facilities serve, and no steps are walked"),
            example=True,
        ),
        Parameter(
            "free_only", "flag", Title("只计免费", "Free of charge"),
            Title("收费的设施不计入", "What charges a fee does not serve"), example=True,
        ),
        Parameter(
            "include", "names", Title("计入", "Count also"),
            Title("把这些类别的设施计入", "These kinds of facilities count too"), example=["mobile"],
        ),
        Parameter(
            "exclude", "names", Title("不计入", "Leave out"),
            Title("这些类别的设施不计入", "These kinds of facilities do not count"), example=["attached"],
        ),
        Parameter(
            "snap_limit_m", "number", Title("上路距离", "Distance to a street"),
            Title("离道路更远处视为不能步行到达", "Whoever is further from a street cannot walk"),
            "m", 1, 5_000, example=100,
        ),
    )
}  # fmt: skip


def read_parameters(policy: Policy, given: Values, classes: Mapping[str, FeatureClass]) -> dict[str, Any]:
    """The parameters of a request as they are understood; those that are null are left out.

    Raises:
    ------
    BadInput
        A name is unknown, or a value is out of range or names a tier or switch that the policy does not have.
    """
    found = {name: _read(policy, name, value) for name, value in given.items() if value is not None}
    if "min_area_m2" in found:
        found["min_area_m2"] = _sized(policy, found["min_area_m2"], classes)
    return found


def _sized(
    policy: Policy, areas: Mapping[str, float], classes: Mapping[str, FeatureClass]
) -> dict[str, float]:
    """The tiers whose supply has an area; a smallest size would leave nothing of the others."""
    flat = {
        tier.id for tier in policy.tiers for item in tier.counted if classes[item.cls].geometry == "point"
    }
    known = {name: area for name, area in areas.items() if name not in flat}
    if not known:
        raise BadInput(
            f"min_area_m2 means nothing to the policy '{policy.id}'.",
            "Its facilities are points without an area.",
        )
    return known


def _read(policy: Policy, name: str, value: Any) -> Any:
    if name not in PARAMETERS:
        raise BadInput(
            unknown("parameter", name, PARAMETERS).message, f"Valid names: {', '.join(PARAMETERS)}."
        )
    parameter = PARAMETERS[name]
    readers: dict[str, Callable[[], Any]] = {
        "number": lambda: _number(parameter, value),
        "tiered": lambda: _tiered(parameter, policy, value),
        "choice": lambda: _choice(parameter, value),
        "flag": lambda: _flag(parameter, value),
        "names": lambda: _names(policy, value),
        "hour": lambda: _hour(value),
    }
    return readers[parameter.type]()


def _wrong(parameter: Parameter, value: Any) -> BadInput:
    example = f" For example {parameter.example}." if parameter.example is not None else ""
    return BadInput(f"{parameter.name} cannot be {value!r}.", f"Valid: {parameter.valid}.{example}")


def _number(parameter: Parameter, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(parameter, value)
    if not parameter.low <= value <= parameter.high:
        raise _wrong(parameter, value)
    return float(value)


def _tiered(parameter: Parameter, policy: Policy, value: Any) -> dict[str, float]:
    """Tier → number; one number stands for all tiers that it can have a meaning for."""
    tiers = [tier.id for tier in policy.tiers]
    if not isinstance(value, Mapping):
        number = _number(parameter, value)
        return dict.fromkeys(tiers, number)
    for name in value:
        if name not in tiers:
            raise BadInput(unknown("tier", str(name), tiers).message, f"Tiers: {', '.join(tiers)}.")
    return {str(name): _number(parameter, item) for name, item in value.items()}


def _choice(parameter: Parameter, value: Any) -> str:
    if value not in parameter.choices:
        raise _wrong(parameter, value)
    return str(value)


def _flag(parameter: Parameter, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(parameter, value)
    return value


def _names(policy: Policy, value: Any) -> tuple[str, ...]:
    switches = [item.id for item in policy.switches]
    if not isinstance(value, str | list | tuple):
        raise _wrong(PARAMETERS["include"], value)
    names = [part.strip() for part in value.split(",")] if isinstance(value, str) else [str(v) for v in value]
    for name in names:
        if name not in switches:
            raise BadInput(
                f"The policy '{policy.id}' has no switch named '{name}'.",
                f"Its switches: {', '.join(switches) or 'none'}.",
            )
    return tuple(dict.fromkeys(names))


def _hour(value: Any) -> str:
    text = str(value).strip()
    moment_of(text, date(2000, 1, 1))
    return text


def read_settings(pairs: Iterable[str]) -> dict[str, Any]:
    """`name=value` of a command line → parameters: numbers, true and false, `tier:number` with commas, else texts.

    Raises:
    ------
    BadInput
        A pair has no equals sign.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or not name.strip():
            raise BadInput(f"'{pair}' sets nothing.", "Write name=value, such as radius_m=400.")
        found[name.strip()] = _plain(name.strip(), text.strip())
    return found


_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def _plain(name: str, text: str) -> Any:
    kind = PARAMETERS[name].type if name in PARAMETERS else "choice"
    if kind == "tiered" and ":" in text:
        pairs = (part.partition(":") for part in text.split(","))
        return {tier.strip(): _plain(name, number.strip()) for tier, _, number in pairs}
    if kind in ("number", "tiered") and _NUMBER.fullmatch(text):
        return float(text)
    return {"true": True, "false": False}.get(text, text) if kind == "flag" else text
