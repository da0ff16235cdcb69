"""Run as a process of its own: reads collections by pyogrio's GDAL, which holds Python's lock while it waits.

`newer_gdal.py ADDRESS WEST,SOUTH,EAST,NORTH ID…` prints the layers, the codes of each one's features and those in the
box as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pyogrio import list_layers
from pyogrio.raw import read_arrow


def rows(source: str, layer: str, **more: Any) -> list[Any]:
    """The features' codes, or nothing where there is no such field."""
    _, table = read_arrow(source, layer=layer, **more)
    return table["code"].to_pylist() if "code" in table.column_names else [None] * table.num_rows


def main() -> None:
    """Read every layer named on the command line, then the last one in the box."""
    address, box, *layers = sys.argv[1:]
    source = f"OAPIF:{address}"
    found = {
        "layers": [str(name) for name, _ in list_layers(source)],
        "codes": {layer: rows(source, layer) for layer in layers},
        "in_box": rows(source, layers[-1], bbox=tuple(float(number) for number in box.split(","))),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
