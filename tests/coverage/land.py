"""What is left unserved of lattice pieces, as the computation takes it."""

from __future__ import annotations

import numpy as np
import shapely

from app.coverage.lattice import Pieces
from app.coverage.straight import ServiceArea, uncovered_part


def unserved(pieces: Pieces, walked_m: np.ndarray, radius_m: float, service: ServiceArea) -> np.ndarray:
    """(p,) pieces beyond the radius, and of the others what no straight line serves."""
    rest = pieces.geometry.copy()
    near = walked_m <= radius_m
    rest[near] = uncovered_part(rest[near], service)
    return rest


def served_m2(pieces: Pieces, walked_m: np.ndarray, radius_m: float, service: ServiceArea) -> np.ndarray:
    """(p,) m² of each piece that is served."""
    return pieces.area_m2 - shapely.area(unserved(pieces, walked_m, radius_m, service))
