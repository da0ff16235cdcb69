"""How many features of each layer fit into a tile, from how large it came out before. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.tiles.attributes import FULL_FROM

#: The largest tile, uncompressed, and the most features in one, all layers together.
MAX_BYTES, MAX_FEATURES = 512_000, 20_000
#: Features of a layer that are tried first: with all their properties some fewer fit than with those of small scales.
FIRST, FIRST_FULL = 1_300, 2_500
#: What is aimed at, of what is allowed; and what is full enough not to be built again: a tile of a small scale shows
#: the largest of very many, and is asked for as the map opens.
AIM, ENOUGH, ENOUGH_FULL = 0.96, 0.15, 0.4


@dataclass(frozen=True, slots=True)
class Size:
    """How a layer came out: `taken` rows under its `limit`, `drawn` features of them in `nbytes`."""

    limit: int
    taken: int
    drawn: int
    nbytes: int

    @property
    def full(self) -> bool:
        """Whether there may be more rows than were taken."""
        return self.taken >= self.limit


@dataclass(frozen=True, slots=True)
class Room:
    """What the layers may take together: so many bytes, so many features."""

    nbytes: int
    features: int


def first_limit(z: int) -> int:
    """The limit of a layer that nothing is known of."""
    return FIRST_FULL if z >= FULL_FROM else FIRST


def is_over(sizes: Sequence[Size], room: Room) -> bool:
    """Whether the layers are too large together."""
    return _bytes(sizes) > room.nbytes or _features(sizes) > room.features


def smaller(sizes: Sequence[Size], room: Room) -> list[int]:
    """The limits under which the layers should fit: the heaviest are cut, those that are small stay whole."""
    bytes_level = _level([size.nbytes for size in sizes], room.nbytes * AIM)
    drawn_level = _level([size.drawn for size in sizes], room.features * AIM)
    shares = (min(1.0, bytes_level / max(size.nbytes, 1), drawn_level / max(size.drawn, 1)) for size in sizes)
    return [
        size.limit if share == 1 else int(size.taken * share)
        for size, share in zip(sizes, shares, strict=True)
    ]


def larger(sizes: Sequence[Size], room: Room, z: int) -> list[int] | None:
    """The limits that leave less room unused; None where no layer was cut, or the tile is full enough for its zoom."""
    enough = ENOUGH_FULL if z >= FULL_FROM else ENOUGH
    cut = [size for size in sizes if size.full]
    used, drawn = _bytes(sizes), _features(sizes)
    if not cut or used > room.nbytes * enough or drawn > room.features * enough:
        return None
    more_bytes = (room.nbytes * AIM - used) / max(_bytes(cut), 1)
    more_drawn = (room.features * AIM - drawn) / max(_features(cut), 1)
    grown = 1 + min(more_bytes, more_drawn)
    return [int(min(size.limit * grown, MAX_FEATURES)) if size.full else size.limit for size in sizes]


def _bytes(sizes: Sequence[Size]) -> int:
    return sum(size.nbytes for size in sizes)


def _features(sizes: Sequence[Size]) -> int:
    return sum(size.drawn for size in sizes)


def _level(amounts: Sequence[int], allowed: float) -> float:
    """The level to which the largest amounts are cut, so that all together are as much as allowed."""
    left = allowed
    for place, amount in enumerate(sorted(amounts)):
        share = left / (len(amounts) - place)
        if amount > share:
            return share
        left -= amount
    return float("inf")
