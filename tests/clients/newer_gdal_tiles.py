"""Run as a process of its own: reads the tile of zoom 0 by pyogrio's GDAL, which holds Python's lock while it waits.

`newer_gdal_tiles.py ADDRESS COLLECTION` prints the layer's CRS and its rows as JSON. At larger zooms this driver takes
the box of the collection, which is in degrees, for one in metres: it finds no tile of any WebMercatorQuad there.
"""

from __future__ import annotations

import json
import sys

from pyogrio.raw import read_arrow


def main() -> None:
    """Read the layer of zoom 0."""
    address, collection = sys.argv[1:]
    meta, table = read_arrow(f"OGCAPI:{address}/collections/{collection}", layer="Zoom level 0")
    rows = [{name: row[name] for name in ("cluster", "point_count")} for row in table.to_pylist()]
    sys.stdout.write(json.dumps({"crs": meta["crs"], "rows": rows}))


if __name__ == "__main__":
    main()
