r"""Writing DXF drawings in metres: a layer a class, names as text, the code of each object beside it.

AutoCAD release 12 (AC1009) in ASCII, which every CAD program reads; Chinese as \U+XXXX, which no code page changes.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from app.exports import arrow
from app.exports.model import Changed, ExportData, ExportLayer
from app.exports.qgis_style import RUN_SYMBOL

#: The name under which the codes of objects stand in their extended data.
APPLICATION = "CHENGTU"
#: Height of names in metres, their ending of the layer's name, and the characters that a text may have.
TEXT_M, TEXT_LAYER, TEXT_CHARACTERS = 2.5, "_name", 200
#: The largest number of a character that an escape can write.
_LAST_ESCAPED = 0xFFFF
#: Brightness of the colours 10 to 249 by their last digit (AutoCAD Colour Index).
_SHADES = {0: 1.0, 2: 0.65, 4: 0.5, 6: 0.3, 8: 0.15}


def write_dxf(path: Path, data: ExportData) -> Changed:
    """Write every layer of `data`, whose coordinates are metres; what a drawing has no place for is told.

    Rings of areas are closed lines, several parts several entities.
    """
    changed: dict[str, int] = {}
    with path.open("w", encoding="ascii", newline="\r\n") as file:
        for name, value in (*data.about.items(), ("CRS", data.crs)):
            file.writelines(f"999\n{_escaped(f'{name}: {part}')}\n" for part in str(value).splitlines()[:1])
        file.write("0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1009\n9\n$LUNITS\n70\n2\n0\nENDSEC\n")
        file.writelines(_tables(data.layers))
        file.write("0\nSECTION\n2\nENTITIES\n")
        for layer in data.layers:
            for batch in arrow.pieces(layer):
                file.writelines(_entities(layer, batch, changed))
        file.write("0\nENDSEC\n0\nEOF\n")
    rows = sum(map(len, data.layers))
    if rows:
        # One sentence for all layers: that of each says no more.
        arrow.tell(changed, "attributes beside code and name left out, no place in a drawing", rows)
    return changed


def _tables(layers: Iterable[ExportLayer]) -> Iterator[str]:
    yield "0\nSECTION\n2\nTABLES\n"
    yield "0\nTABLE\n2\nLTYPE\n70\n1\n0\nLTYPE\n2\nCONTINUOUS\n70\n64\n3\nSolid line\n"
    yield "72\n65\n73\n0\n40\n0.0\n0\nENDTAB\n"
    names = [(layer.name + end, _color(layer)) for layer in layers for end in ("", TEXT_LAYER)]
    yield f"0\nTABLE\n2\nLAYER\n70\n{len(names) + 1}\n0\nLAYER\n2\n0\n70\n0\n62\n7\n6\nCONTINUOUS\n"
    for name, color in names:
        yield f"0\nLAYER\n2\n{name}\n70\n0\n62\n{color}\n6\nCONTINUOUS\n"
    yield f"0\nENDTAB\n0\nTABLE\n2\nAPPID\n70\n1\n0\nAPPID\n2\n{APPLICATION}\n70\n0\n0\nENDTAB\n0\nENDSEC\n"


def _color(layer: ExportLayer) -> int:
    symbol = layer.cls.symbol if layer.cls else RUN_SYMBOL
    wanted = np.array([int(symbol.color[i : i + 2], 16) for i in (1, 3, 5)])
    numbers, colors = _palette()
    return int(numbers[((colors - wanted) ** 2).sum(axis=1).argmin()])


@cache
def _palette() -> tuple[Any, Any]:
    """The numbers of the colours of the index with a hue, and the colours (n, 3) from 0 to 255."""
    found = {}
    for number in range(10, 250):
        shade = number % 10
        saturation = 0.5 if shade % 2 else 1.0
        rgb = colorsys.hsv_to_rgb((number // 10 - 1) / 24, saturation, _SHADES[shade - shade % 2])
        found[number] = [round(255 * part) for part in rgb]
    return np.array(list(found)), np.array(list(found.values()))


def _entities(layer: ExportLayer, batch: Any, changed: dict[str, int]) -> Iterator[str]:
    codes = _column(layer, batch, "code")
    names = [
        name or other
        for name, other in zip(_column(layer, batch, "name_zh"), _column(layer, batch, "name"), strict=True)
    ]
    shapes = arrow.shapes(batch)
    drawn = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    at = iter(shapely.get_coordinates(shapely.point_on_surface(drawn)).tolist())
    for shape, code, name in zip(shapes, codes, names, strict=True):
        if shape is None or shape.is_empty:
            arrow.tell(changed, f"{layer.name}: objects without a place left out")
            continue
        mark = f"1001\n{APPLICATION}\n1000\n{_text(code, layer, changed)}\n" if code else ""
        yield from _drawn(shape, layer.name, mark)
        x, y = next(at)
        if name:
            yield (
                f"0\nTEXT\n8\n{layer.name}{TEXT_LAYER}\n10\n{x!r}\n20\n{y!r}\n30\n0.0\n40\n{TEXT_M}\n"
                f"1\n{_text(name, layer, changed)}\n{mark}"
            )


def _column(layer: ExportLayer, batch: Any, name: str) -> list[Any]:
    place = layer.place(name)
    return [None] * len(batch) if place is None else batch.columns[place].to_pylist()


def _text(value: str, layer: ExportLayer, changed: dict[str, int]) -> str:
    plain = "".join("?" if ord(c) > _LAST_ESCAPED else max(c, " ") for c in value)[:TEXT_CHARACTERS]
    if plain != value:
        arrow.tell(
            changed,
            f"{layer.name}: texts with characters that a drawing cannot hold, or cut at {TEXT_CHARACTERS}",
        )
    return _escaped(plain)


def _escaped(text: str) -> str:
    return "".join(
        c if " " <= c < "\x7f" else f"\\U+{ord(c):04X}" if "\x7f" <= c <= "\uffff" else "?" for c in text
    )


def _drawn(shape: Any, name: str, mark: str) -> Iterator[str]:
    for part in shapely.get_parts(shape):
        if part.geom_type == "Point":
            yield f"0\nPOINT\n8\n{name}\n10\n{part.x!r}\n20\n{part.y!r}\n30\n0.0\n{mark}"
        elif part.geom_type == "Polygon":
            for ring in shapely.get_rings(part):
                yield _polyline(ring, name, mark, closed=True)
        else:
            yield _polyline(part, name, mark, closed=False)


def _polyline(line: Any, name: str, mark: str, *, closed: bool) -> str:
    pairs = np.asarray(shapely.get_coordinates(line)).tolist()
    if closed:
        pairs = pairs[:-1]
    vertices = "".join(f"0\nVERTEX\n8\n{name}\n10\n{x!r}\n20\n{y!r}\n30\n0.0\n" for x, y in pairs)
    head = f"0\nPOLYLINE\n8\n{name}\n66\n1\n10\n0.0\n20\n0.0\n30\n0.0\n70\n{int(closed)}\n{mark}"
    return f"{head}{vertices}0\nSEQEND\n8\n{name}\n"
