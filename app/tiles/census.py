"""How many features of a layer a tile stands for, and where: by grids in memory, by the database in small tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.database.transactions import Connection
from app.inventory.changes import data_versions
from app.inventory.tables import INDEXED_ZOOMS, table_name
from app.ogc.store import runs_version
from app.tiles import grid_store, ranking_store, store
from app.tiles.counts import ACROSS_BITS, Cluster, Grid, tile_clusters
from app.tiles.layer_sql import CHOSEN, size_of
from app.tiles.layers import Layer
from app.tiles.matrix import Tile

#: Features of a tile that are counted or read one by one; of more the layer gets a grid of its own.
DIRECT = 20_000
#: From this zoom on a tile of chosen features, or of another time, is small enough for that whatever it holds.
SMALL_FROM = 13
#: Counting ends here, where no grid tells.
MOST = 200_000


class Census:
    """What is known of the features of some layers in one snapshot; raises what the database raises."""

    def __init__(
        self, conn: Connection, layers: Sequence[Layer], known: Mapping[str, int | str] | None = None
    ) -> None:
        """`known` are versions of classes, of this snapshot or of shortly before it."""
        self._conn = conn
        self._known = known or {}
        self._classes = {layer.cls.id: layer.cls for layer in layers if layer.cls is not None}
        self._versions: dict[str, int | str] = {}

    def is_clustered(self, layer: Layer, z: int) -> bool:
        """Whether clusters stand for the layer at a zoom: none of its class's features is drawn there."""
        if layer.cls is None:
            return False
        least = min(rule.zoom for rule in layer.cls.zooms)
        return z < max(least, self._class_grid(layer).least_zoom or 0)

    def is_away(self, layer: Layer, tile: Tile) -> bool:
        """Whether a layer surely holds nothing in or around a tile."""
        return layer.current and not self._class_grid(layer).is_near(tile)

    def matched(self, layer: Layer, tile: Tile) -> tuple[int, bool]:
        """The features whose box meets the tile's square, and whether that is all of them."""
        if self._is_large(layer, tile):
            found = self._grid(layer).matched(tile)
            if found is not None:
                return found, True
        counted = store.count(self._conn, layer, tile, MOST)
        return counted, counted < MOST

    def clusters(self, layer: Layer, tile: Tile) -> list[Cluster]:
        """What stands for the features whose box has its centre in the tile."""
        if self._is_large(layer, tile):
            grid = self._grid(layer)
            many = (grid.matched(tile) or 0) > DIRECT
            if tile.z + ACROSS_BITS <= grid.level or (many and tile.z <= grid.level):
                return grid.clusters(tile)
        return tile_clusters(store.boxes_in(self._conn, layer, tile), tile)

    def narrowed(self, layer: Layer, tile: Tile, limit: int) -> Layer:
        """The layer with the ids of the features to draw, where memory knows them.

        The database would fetch and sort all that a small scale draws for the largest of them.
        """
        indexed = next((zoom for zoom in INDEXED_ZOOMS if tile.z <= zoom), None)
        if indexed is None or not (layer.is_whole and size_of(layer) and tile.z < layer.last_zoom):
            return layer
        held = int(self._grid(layer).zooms[: indexed + 1].sum())
        if not limit < held <= ranking_store.MOST:
            return layer
        ids = ranking_store.largest(
            self._conn, layer, tile, limit, drawn_at=indexed, version=self.version(layer)
        )
        return replace(layer, values={**layer.values, CHOSEN: ids})

    def _is_large(self, layer: Layer, tile: Tile) -> bool:
        """Whether a grid of the layer is worth while, or there already."""
        if layer.is_whole:
            return True
        if tile.z >= SMALL_FROM:
            return False
        if not layer.current:
            return True
        return (self._class_grid(layer).matched(tile) or 0) > DIRECT

    def _class_grid(self, layer: Layer) -> Grid:
        """The grid of all features of the layer's class, as they are now."""
        assert layer.cls is not None
        whole = replace(
            layer, source=table_name(layer.cls), where="TRUE", values={}, properties=None, current=True
        )
        return self._grid(whole)

    def _grid(self, layer: Layer) -> Grid:
        known = self._known.get(layer.collection)
        found = None if known is None else grid_store.find_grid(self._conn, layer, known)
        return found or grid_store.grid_of(self._conn, layer, self._version(layer))

    def version(self, layer: Layer) -> int | str:
        """The version of a layer's data, or one shortly before it."""
        known = self._known.get(layer.collection)
        return self._version(layer) if known is None else known

    def _version(self, layer: Layer) -> int | str:
        """The same, asked in the snapshot of its rows: else a grid that is made of them would be wrong for good."""
        if layer.collection not in self._versions:
            if layer.cls is None:
                self._versions[layer.collection] = runs_version(self._conn)
            else:
                # Those that are known are asked for one by one, where they have changed since.
                names = [name for name in self._classes if name not in self._known] or [layer.collection]
                names = names if layer.collection in names else [layer.collection]
                numbers = data_versions(self._conn, [self._classes[name] for name in names])
                self._versions |= dict(zip(names, numbers, strict=True))
        return self._versions[layer.collection]
