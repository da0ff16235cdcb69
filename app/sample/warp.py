"""The bend of the plan: straight lattice lines become ring roads, a meandering river and streets that follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.sample.draw import Floats, to_mm


@dataclass(frozen=True, slots=True)
class Warp:
    """A smooth one-to-one map of lattice metres (u east, v north, city centre at 0, 0) to metric coordinates."""

    origin: tuple[float, float]
    rotation_rad: float
    rounding: float
    reach_m: float
    bends: tuple[tuple[float, float, float, float], ...]
    scale: float = 1.0

    def __call__(self, uv: Floats) -> Floats:
        """Lattice points (…, 2) → metric points (…, 2), rounded to a millimetre."""
        x, y = self._round(uv[..., 0], uv[..., 1])
        for along, amplitude, wavelength, phase in self.bends:
            if along == 1:
                x = x + amplitude * np.sin(2 * np.pi * y / wavelength + phase)
            else:
                y = y + amplitude * np.sin(2 * np.pi * x / wavelength + phase)
        cos, sin = np.cos(self.rotation_rad), np.sin(self.rotation_rad)
        east = self.origin[0] + self.scale * (x * cos - y * sin)
        north = self.origin[1] + self.scale * (x * sin + y * cos)
        return to_mm(np.stack([east, north], axis=-1))

    def _round(self, u: Floats, v: Floats) -> tuple[Floats, Floats]:
        # The elliptical map of a square to a disc, taken part of the way: squares of streets become rings.
        k = self.rounding / 2
        a, b = u / self.reach_m, v / self.reach_m
        return u * np.sqrt(1 - k * b * b), v * np.sqrt(1 - k * a * a)


def make_warp(
    values: Mapping[str, Any], origin: tuple[float, float], reach_m: float, scale: float = 1.0
) -> Warp:
    """The warp of parameters `values`: `bends` are [axis 1 = east by north or 2, amplitude m, wavelength m, phase]."""
    bends = tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in values["bends"])
    return Warp(origin, np.deg2rad(values["rotation_deg"]), float(values["rounding"]), reach_m, bends, scale)
