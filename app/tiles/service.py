"""Builds a tile: what is drawn, what stands for more than is drawn, and how much is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from app.database.transactions import Connection
from app.tiles import store
from app.tiles.background_store import background_tile
from app.tiles.census import Census
from app.tiles.counts import Cluster
from app.tiles.grid_store import kinds_of
from app.tiles.layer_sql import hides_small
from app.tiles.layers import THINNED, Built, Layer, Plan, Thinned
from app.tiles.limits import MAX_BYTES, MAX_FEATURES, Room, Size, first_limit, is_over, larger, smaller
from app.tiles.matrix import EXTENT, Tile
from app.tiles.parts import find_part, keep_part, part_key
from app.tiles.points import Point, Value, point_layer
from app.tiles.store import Drawn

#: What the layer `thinned` takes at most for each layer that it tells of, bytes.
TOLD_BYTES = 120
#: How often a tile that came out too large, or with much room left, is built again.
AGAIN = 3
#: So many layers are asked for without looking first which of them hold anything there.
FEW = 3


def build(conn: Connection, plan: Plan, tile: Tile, known: Mapping[str, int | str] | None = None) -> Built:
    """The tile: at most `limits.MAX_BYTES` large, with at most MAX_FEATURES features.

    `conn` reads one snapshot, so that all its layers are of one moment; `known` are the versions of classes for which
    the tile is built, where they were asked for a moment before.
    """
    if plan.background:
        return Built(background_tile(conn, tile, plan.times))
    census = Census(conn, plan.layers, known)
    near = _near(census, plan, tile)
    clustered = {
        layer.collection: _clustered(conn, census, layer, tile)
        for layer in near
        if is_ruled(layer, tile.z) and census.is_clustered(layer, tile.z)
    }
    layers = [layer for layer in near if layer.collection not in clustered]
    room = Room(
        MAX_BYTES - TOLD_BYTES * len(layers) - sum(len(body) for body, _ in clustered.values()),
        MAX_FEATURES - len(layers) - sum(count for _, count in clustered.values()),
    )
    drawn = _draw(conn, census, layers, tile, room, _usual(plan, tile))
    thinned = tuple(_thinned(census, layers, tile, drawn))
    named = zip((layer.collection for layer in layers), drawn, strict=True)
    bodies = {name: body for name, (body, _) in clustered.items()}
    bodies |= {name: found.body for name, found in named if found.size.drawn}
    parts = [bodies.get(layer.collection, b"") for layer in plan.layers]
    return Built(b"".join([*parts, _told(thinned)]), thinned)


def _near(census: Census, plan: Plan, tile: Tile) -> list[Layer]:
    """The layers that may hold something there: of dozens most do not, and asking for each costs a millisecond."""
    if len(plan.layers) <= FEW:
        return list(plan.layers)
    return [layer for layer in plan.layers if not census.is_away(layer, tile)]


def is_ruled(layer: Layer, z: int) -> bool:
    """Whether the rule of the layer's class draws some of its features only from a larger zoom on."""
    return z < layer.last_zoom


def _usual(plan: Plan, tile: Tile) -> list[Layer]:
    """The layers of the plan that are drawn alike in all large tiles, whether they hold anything in this one or not."""
    return [layer for layer in plan.layers if store.is_usual(layer, tile)]


def _draw(
    conn: Connection,
    census: Census,
    layers: Sequence[Layer],
    tile: Tile,
    room: Room,
    usual: Sequence[Layer],
) -> list[Drawn]:
    """The layers, each with as many of its largest features as there is room for."""

    def draw(limits: Sequence[int]) -> list[Drawn]:
        return _drawn(conn, census, list(zip(layers, limits, strict=True)), tile)

    drawn = _draw_first(conn, census, layers, tile, usual)
    sizes = [found.size for found in drawn]
    wanted = larger(sizes, room, tile.z) if layers else None
    if wanted is not None and not is_over(sizes, room):
        drawn = draw(wanted)
    for _ in range(AGAIN):
        sizes = [found.size for found in drawn]
        if not is_over(sizes, room):
            return drawn
        drawn = draw(smaller(sizes, room))
    return _without_heaviest(drawn, room)


def _draw_first(
    conn: Connection, census: Census, layers: Sequence[Layer], tile: Tile, usual: Sequence[Layer]
) -> list[Drawn]:
    """The layers as they are tried first, those of `usual` by the statement that the server keeps."""
    limit = first_limit(tile.z)
    kept: dict[str, Drawn] = {}
    if sum(layer in usual for layer in layers) > FEW:
        names = (layer.collection for layer in usual)
        kept = dict(zip(names, store.draw_usual(conn, usual, tile), strict=True))
    rest = [(layer, limit) for layer in layers if layer.collection not in kept]
    others = iter(_drawn(conn, census, rest, tile))
    return [kept[layer.collection] if layer.collection in kept else next(others) for layer in layers]


def _drawn(conn: Connection, census: Census, wanted: Sequence[tuple[Layer, int]], tile: Tile) -> list[Drawn]:
    """Layers under their limits: those that were drawn before at the same version, and the others by one question."""
    keys = [part_key(layer, census.version(layer), tile, limit) for layer, limit in wanted]
    found: list[Drawn | None] = [find_part(conn, key) for key in keys]
    missing = [place for place, part in enumerate(found) if part is None]
    layers = [census.narrowed(wanted[place][0], tile, wanted[place][1]) for place in missing]
    drawn = store.draw(conn, layers, tile, [wanted[place][1] for place in missing])
    for place, part in zip(missing, drawn, strict=True):
        found[place] = part
        keep_part(conn, keys[place], part, len(part.body))
    return [part for part in found if part is not None]


def _clustered(conn: Connection, census: Census, layer: Layer, tile: Tile) -> tuple[bytes, int]:
    """The layer of a class's clusters and their number."""
    key = part_key(layer, census.version(layer), tile, "clusters")
    found: tuple[bytes, int] | None = find_part(conn, key)
    if found is None:
        clusters = census.clusters(layer, tile)
        found = _cluster_layer(layer, clusters), len(clusters)
        keep_part(conn, key, found, len(found[0]))
    return found


def _without_heaviest(drawn: Sequence[Drawn], room: Room) -> list[Drawn]:
    """What fits of layers that could not be made small enough: a few shapes may fill a tile by themselves."""
    left = list(drawn)
    while is_over([found.size for found in left], room):
        heaviest = max(range(len(left)), key=lambda place: left[place].size.nbytes)
        left[heaviest] = Drawn(b"", 0, 0, Size(0, 0, 0, 0))
    return left


def _thinned(
    census: Census, layers: Sequence[Layer], tile: Tile, drawn: Sequence[Drawn]
) -> Iterator[Thinned]:
    for layer, found in zip(layers, drawn, strict=True):
        left_out = found.size.full or is_ruled(layer, tile.z) or hides_small(layer, tile.z)
        matched, exact = census.matched(layer, tile) if left_out else (found.met, True)
        if found.shown < matched:
            yield Thinned(layer.collection, found.shown, matched, exact)


def _cluster_layer(layer: Layer, clusters: Sequence[Cluster]) -> bytes:
    kinds = kinds_of(layer)

    def point(found: Cluster) -> Point:
        told: dict[str, Value] = {"cluster": True, "point_count": found.count}
        if found.kind is not None:
            told["kind"] = kinds[found.kind - 1]
        return Point(found.x, found.y, told)

    return point_layer(layer.collection, [point(found) for found in clusters])


def _told(thinned: Sequence[Thinned]) -> bytes:
    """The layer that tells what the tile leaves out: a point at its centre for each layer that is thinned."""
    middle = EXTENT // 2

    def point(found: Thinned) -> Point:
        told: dict[str, Value] = {"shown": found.shown, "matched": found.matched}
        return Point(middle, middle, {"collection": found.collection, **told})

    return point_layer(THINNED, [point(found) for found in thinned])
