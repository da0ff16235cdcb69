"""Several layers in formats of one layer: a zip of one file a layer, with the maps of their fields."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.exports.companions import field_map, write_zip
from app.exports.model import Changed, ExportData


def write_each(
    path: Path, data: ExportData, ending: str, write: Callable[[Path, ExportData], Changed]
) -> Changed:
    """Write a zip of the files that `write` makes of each layer, called `<layer>.<ending>`; what they changed.

    Raises:
        OSError: The file cannot be written whole.
    """
    changed: dict[str, int] = {}
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=path.name) as place:
        folder = Path(place)
        for layer in data.layers:
            changed |= write(folder / f"{layer.name}.{ending}", replace(data, layers=(layer,)))
        maps = {
            layer.name: field_map(layer, {c.name: c.name for c in layer.columns}) for layer in data.layers
        }
        write_zip(path, folder, data, maps)
    return changed
