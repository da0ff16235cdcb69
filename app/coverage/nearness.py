"""Which features lie in, or near, those of another class: exceptions of a rule, land uses, places around a market."""

from __future__ import annotations

import numpy as np
import shapely

from app.catalogue.policy_model import Near
from app.coverage.model import Bools, Objects, Places


def near_to(geometry: Objects, others: Places, near: Near) -> Bools:
    """(n,) whether each shape in metres lies in one of `others`, or at most `within_m` from one.

    A shape lies in another where its point on surface does: a park that a border cuts belongs to one side.
    """
    found = np.zeros(len(geometry), dtype=bool)
    if len(geometry) == 0 or len(others.code) == 0:
        return found
    tree = shapely.STRtree(others.geometry)
    if near.within_m > 0:
        hits = tree.query(geometry, predicate="dwithin", distance=near.within_m)
    else:
        hits = tree.query(shapely.point_on_surface(geometry), predicate="intersects")
    found[hits[0]] = True
    return found
