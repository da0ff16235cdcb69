"""The sample city's parameters, read from `geodata/sample/<size>.yaml`: what is drawn where, the plan's figures."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from app.errors import BadDeclaration, BadInput

SIZES = ("town", "city", "metropolis")
_KEYS = frozenset(
    "seed as_of before centre metric_crs title rotation_deg bends rounding columns_m rows_m outline river canals "
    "roads rings block_scale built_up_m2 old_districts districts subdistricts communities green parks homes "
    "markets facilities things pipes greenways figures".split()
)


@dataclass(frozen=True, slots=True)
class PlanFigure:
    """A figure that the drawn city must show on a day: `asked` of the plan's item, right to within `tolerance`."""

    as_of: date
    id: str
    plan_item: str
    zh: str
    en: str
    asked: float
    unit: str
    tolerance: float
    at_least: bool = False


@dataclass(frozen=True)
class Parameters:
    """Parameters of one size; `values` holds the YAML's own keys, `figures` the plan's figures in order.

    The sample is drawn as of `as_of`, the end of its year, and remembers what was otherwise `before` the year.
    """

    size: str
    seed: int
    as_of: date
    before: date
    values: Mapping[str, Any]
    figures: tuple[PlanFigure, ...]

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def rng(self, topic: str) -> np.random.Generator:
        """The random stream of one topic: the same for the same seed, whatever else is drawn before it."""
        return np.random.default_rng([self.seed, zlib.crc32(topic.encode())])


def check_size(size: str) -> None:
    """Raise BadInput, with the valid sizes, where there is no sample city of `size`."""
    if size not in SIZES:
        raise BadInput(f"There is no sample size named '{size}'.", f"Valid sizes: {', '.join(SIZES)}.")


def read_parameters(folder: Path, size: str, seed: int | None = None) -> Parameters:
    """The parameters of `size` from `folder`/<size>.yaml; `seed` replaces the file's own.

    Raises:
    ------
    BadInput
        There is no such size.
    BadDeclaration
        The file has a key too many or too few.
    """
    check_size(size)
    path = folder / f"{size}.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    if set(values) != _KEYS:
        wrong = ", ".join(sorted(set(values) ^ _KEYS))
        raise BadDeclaration(
            f"{path.name}: wrong or missing keys: {wrong}.", f"Keys: {', '.join(sorted(_KEYS))}."
        )
    figures = tuple(PlanFigure(day, **item) for day, items in values["figures"].items() for item in items)
    seed = values["seed"] if seed is None else seed
    return Parameters(size, seed, values["as_of"], values["before"], values, figures)
