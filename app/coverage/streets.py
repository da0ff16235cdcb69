"""From rows of streets, water and barriers to the walking network, for all or for those who cannot take steps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import shapely
from numpy.typing import NDArray

from app.coverage.model import Bools, Objects, Streets
from app.coverage.supply import IN_SERVICE
from app.network.barriers import Barriers, barriers_of
from app.network.build import build_network
from app.network.snap import build_index

STREET_FIELDS = ("kind", "walk", "layer", "state", "bridge", "tunnel", "accessible")
WATER_FIELDS = ("state", "intermittent")
BARRIER_FIELDS = ("state", "passable", "bridge", "tunnel")
#: The classes that the network and the ways onto it are made of.
STREET_CLASSES = ("streets", "water_bodies", "barriers")
Columns = Mapping[str, NDArray[np.object_]]


def streets_of(
    lines: Objects, columns: Columns, barriers: Barriers | None, version: int, *, step_free: bool
) -> Streets | None:
    """The network of street rows (n,) in metres; None where no street may be walked.

    `step_free` leaves out steps and streets on which a wheelchair does not pass.
    """
    usable = _in_service(columns)
    if step_free:
        pairs = zip(columns["kind"], columns["accessible"], strict=True)
        usable &= np.array([kind != "steps" and passes is not False for kind, passes in pairs], dtype=bool)
    if not usable.any():
        return None
    layer = np.array([v or 0 for v in columns["layer"]], dtype=np.int64)[usable]
    pairs = zip(columns["walk"], columns["kind"], strict=True)
    walk = np.array([given or _usual_walk(kind) for given, kind in pairs], dtype=object)[usable]
    network = build_network(lines[usable], layer, walk)
    return Streets(network, build_index(network, barriers=barriers), version) if network.edges else None


def barriers_in(
    lines: Objects, streets: Columns, water: Objects, waters: Columns, walls: Objects, barriers: Columns
) -> Barriers | None:
    """What nobody walks straight across, of rows in metres: lasting water, expressways and barriers on the ground."""
    wet = _in_service(waters)
    wet &= np.array([sometimes is not True for sometimes in waters["intermittent"]], dtype=bool)
    stands = _in_service(barriers)
    open_ = zip(*(barriers[name] for name in ("passable", "bridge", "tunnel")), strict=True)
    stands &= np.array([not any(row) for row in open_], dtype=bool)
    names = ("kind", "walk", "layer", "bridge", "tunnel")
    rows = zip(*(streets[name] for name in names), strict=True)
    grounded = _in_service(streets)
    grounded &= np.array([_in_the_way(*row) for row in rows], dtype=bool)
    return barriers_of(np.concatenate((water[wet], lines[grounded], _rings_filled(walls[stands]))))


def _rings_filled(walls: Objects) -> Objects:
    """The walls (n,), those that are one closed ring as polygons: as of water, who is inside may leave it.

    Round a garden nobody maps the gate, and through a mapped one a street leads.
    """
    result = walls.copy()
    rings = np.asarray(shapely.line_merge(walls), dtype=object)
    for i in np.flatnonzero(shapely.is_ring(rings)).tolist():
        result[i] = shapely.Polygon(shapely.get_coordinates(rings[i]))
    return result


def _in_service(columns: Columns) -> Bools:
    return np.array([state in IN_SERVICE for state in columns["state"]], dtype=bool)


def _in_the_way(
    kind: str | None, walk: str | None, layer: int | None, bridge: bool | None, tunnel: bool | None
) -> bool:
    """Whether a street is an expressway on the ground: over one on stilts or in a tunnel anybody walks."""
    return kind == "expressway" and walk in (None, "no") and not (layer or bridge or tunnel)


def _usual_walk(kind: str | None) -> str:
    """Whether one may walk on a street that does not say so: everywhere but on expressways."""
    return "no" if kind == "expressway" else "public"
