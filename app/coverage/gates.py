"""Gates: whose they are, and whether they let people through as a request asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from app.coverage.model import Bools, Floats, Ints, Objects, Places
from app.coverage.units import coordinates

#: A gate belongs to the park or parcel nearest to it, if that is at most this far away.
GATE_OWNER_M = 30.0
#: Which class holds the gates of a supply or demand class, and the field that names their owner.
GATES = {
    "parks": ("park_gates", "park"),
    "green_spaces": ("park_gates", "park"),
    "residential_areas": ("residential_gates", "estate"),
}


@dataclass(frozen=True, slots=True)
class Gates:
    """Gates (g,) that let people through: `xy` (g, 2), index of the place each belongs to (g,), `usable` as asked (g,).

    A place whose gates are all unusable (closed at the hour, with steps) is not entered over its fence instead.
    """

    xy: Floats
    owner: Ints
    usable: Bools

    def given_to(self, owner: Ints) -> Gates:
        """The same gates, each of the place that its own place (m,) is a part of."""
        return replace(self, owner=owner[self.owner]) if len(self.owner) else self

    def shut(self, places: int) -> Bools:
        """(m,) places that have gates of which none can be used."""
        closed, open_ = np.zeros(places, dtype=bool), np.zeros(places, dtype=bool)
        closed[self.owner] = True
        open_[self.owner[self.usable]] = True
        return closed & ~open_


NO_GATES = Gates(np.empty((0, 2)), np.empty(0, dtype=np.int64), np.empty(0, dtype=bool))


def gates_of(gates: Objects, usable: Bools, owner_code: Sequence[str | None], places: Places) -> Gates:
    """The gates (g,) that belong to one of the places: named by code, else the nearest within 30 m (all ties)."""
    if len(gates) == 0 or len(places.code) == 0:
        return NO_GATES
    position = {code: i for i, code in enumerate(places.code)}
    named = np.array([position.get(code, -1) if code else -1 for code in owner_code], dtype=np.int64)
    rest = np.flatnonzero(named < 0)
    tree = shapely.STRtree(places.geometry)
    gate, place = tree.query_nearest(gates[rest], max_distance=GATE_OWNER_M, all_matches=True)
    owned = np.flatnonzero(named >= 0)
    which = np.concatenate([owned, rest[gate]])
    return Gates(coordinates(gates)[which], np.concatenate([named[owned], place]), usable[which])
