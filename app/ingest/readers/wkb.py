"""Well-known binary → shapely geometries, alike for every reader: curves made linear, M dropped, damage told by row."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

#: Given positions, gives position → geometry without curves; what it leaves out stays unread.
Linear = Callable[[list[int]], Mapping[int, Any]]
DAMAGED = "the geometry is damaged"
CURVES = "curves were made of straight pieces"
M_DROPPED = "M values were dropped"
#: Bits of EWKB that stand for Z, M and SRID (PostGIS); ISO adds thousands.
_FLAGS = 0x1FFFFFFF
#: How the WKB of the seven plain kinds begins, flat or with Z, in both byte orders.
_PLAIN = frozenset(
    mark + struct.pack(order + "I", kind + high)
    for mark, order in ((b"\x01", "<"), (b"\x00", ">"))
    for kind in range(1, 8)
    for high in (0, 1000, 0x80000000)
)


@dataclass(frozen=True, slots=True)
class Shapes:
    """Geometries (n,), None where there is none; position → why it cannot be read; what was left behind."""

    geometry: NDArray[np.object_]
    faults: dict[int, str]
    notes: tuple[str, ...]


def shapes(blobs: Sequence[Any], linear: Linear | None = None) -> Shapes:
    """The geometries of WKB `blobs` (bytes, None for a null geometry; anything else is a fault).

    Curves, TINs and surfaces, which shapely does not read, are asked of `linear`.
    """
    wkb = np.empty(len(blobs), dtype=object)
    wkb[:] = [blob if isinstance(blob, bytes) and len(blob) >= 5 else None for blob in blobs]
    curved = [
        i for i, blob in enumerate(wkb) if blob is not None and blob[:5] not in _PLAIN and _kind(blob) > 7
    ]
    wkb[curved] = None
    geometry, refused = _from_wkb(wkb)
    found = linear([*curved, *refused]) if linear and (curved or refused) else {}
    for i, shape in found.items():
        geometry[i] = shape
    geometry, measured = drop_m(geometry)
    faults = {
        i: DAMAGED for i in np.flatnonzero(shapely.is_missing(geometry)).tolist() if blobs[i] is not None
    }
    notes = ((CURVES,) if any(i in found for i in curved) else ()) + ((M_DROPPED,) if measured else ())
    return Shapes(geometry, faults, notes)


def _kind(wkb: bytes) -> int:
    order = "<" if wkb[0] == 1 else ">"
    kind: int = struct.unpack_from(f"{order}I", wkb, 1)[0] & _FLAGS
    return kind % 1000


def _from_wkb(wkb: NDArray[np.object_]) -> tuple[NDArray[np.object_], list[int]]:
    """The geometries, and the positions of those (curves within a collection) that shapely does not know."""
    try:
        return np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object).reshape(len(wkb)), []
    except NotImplementedError:
        geometry, refused = np.full(len(wkb), None, dtype=object), []
        for i, blob in enumerate(wkb):
            try:
                geometry[i] = shapely.from_wkb(blob, on_invalid="ignore")
            except NotImplementedError:
                refused.append(i)
        return geometry, refused


def drop_m(geometry: NDArray[np.object_]) -> tuple[NDArray[np.object_], bool]:
    """The geometries without M, and whether any had it."""
    measured = np.asarray(shapely.has_m(geometry), dtype=bool)
    if not measured.any():
        return geometry, False
    high = measured & shapely.has_z(geometry)
    flat = measured & ~high
    # Writing three dimensions of XYZM leaves out M; of XYM it would leave M, which has no heights to keep.
    geometry[high] = shapely.from_wkb(shapely.to_wkb(geometry[high], output_dimension=3))
    geometry[flat] = shapely.force_2d(geometry[flat])
    return geometry, True
