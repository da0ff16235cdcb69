"""Writing KML 2.2: a folder a layer, the class's colours, every field as extended data under its Chinese title."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, TextIO
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import shapely

from app.catalogue.export_names import as_xml, heading, plain_time
from app.exports import arrow
from app.exports.model import Changed, ExportColumn, ExportData, ExportLayer
from app.exports.qgis_style import RUN_SYMBOL

_TYPES = {"integer": "int", "number": "double", "boolean": "bool"}


def write_kml(path: Path, data: ExportData) -> Changed:
    """Write every layer of `data`; control characters, which XML does not have, are blanks, which is told."""
    changed: dict[str, int] = {}
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2">\n<Document>\n'
        )
        said = "\n".join(f"{name}: {value}" for name, value in data.about.items())
        file.write(f"<description>{escape(as_xml(said))}</description>\n")
        for layer in data.layers:
            file.write(_head(layer))
        for layer in data.layers:
            _write_folder(file, layer, changed)
        file.write("</Document>\n</kml>\n")
    return changed


def _head(layer: ExportLayer) -> str:
    """The style of a layer and the schema of its fields."""
    symbol = layer.cls.symbol if layer.cls else RUN_SYMBOL
    line, fill = _color(symbol.color, "ff"), _color(symbol.fill or symbol.color, "99")
    fields = "".join(
        f"<SimpleField name={quoteattr(c.name)} type={quoteattr(_TYPES.get(c.type, 'string'))}>"
        f"<displayName>{escape(heading(c.title, c.unit))}</displayName></SimpleField>\n"
        for c in layer.columns
    )
    return (
        f'<Style id="{layer.name}"><IconStyle><color>{line}</color></IconStyle><LineStyle><color>{line}</color>'
        f"<width>{symbol.width}</width></LineStyle><PolyStyle><color>{fill}</color></PolyStyle></Style>\n"
        f'<Schema id="{layer.name}_fields" name="{layer.name}">\n{fields}</Schema>\n'
    )


def _color(color: str, alpha: str) -> str:
    """#rrggbb as KML writes colours: aabbggrr."""
    return f"{alpha}{color[5:7]}{color[3:5]}{color[1:3]}"


def _write_folder(file: TextIO, layer: ExportLayer, changed: dict[str, int]) -> None:
    # The name is that of the class, by which an import finds it again.
    file.write(f"<Folder><name>{layer.name}</name><description>{escape(layer.title.zh)}</description>\n")
    names = [i for i in (layer.place("name_zh"), layer.place("name"), layer.place("code")) if i is not None]
    for batch in arrow.pieces(layer):
        columns = [
            _texts(column, values, layer, changed)
            for column, values in zip(layer.columns, arrow.rows(batch), strict=True)
        ]
        for shape, *row in zip(arrow.shapes(batch), *columns, strict=True):
            name = next((row[i] for i in names if row[i]), "")
            file.write(_placemark(layer, name, row, shape))
    file.write("</Folder>\n")


def _texts(
    column: ExportColumn, values: list[Any], layer: ExportLayer, changed: dict[str, int]
) -> list[str | None]:
    """The values as text of XML."""
    if all(value is None for value in values):
        return values
    if column.type in ("date", "datetime"):
        return [plain_time(value) if isinstance(value, date) else value for value in values]
    if column.type == "boolean":
        return [None if value is None else str(value).lower() for value in values]
    if column.type in ("integer", "number"):
        return [None if value is None else repr(value) for value in values]
    plain = [None if value is None else as_xml(value) for value in values]
    lost = sum(a != b for a, b in zip(plain, values, strict=True))
    if lost:
        arrow.tell(changed, f"{layer.name}.{column.name}: control characters as blanks", lost)
    return [None if value is None else escape(value, {"\r": "&#13;"}) for value in plain]


def _placemark(layer: ExportLayer, name: str, row: list[str | None], shape: Any) -> str:
    fields = "".join(
        f'<SimpleData name="{column.name}">{value}</SimpleData>'
        for column, value in zip(layer.columns, row, strict=True)
        if value is not None
    )
    return (
        f"<Placemark><name>{name}</name><styleUrl>#{layer.name}</styleUrl><ExtendedData>"
        f'<SchemaData schemaUrl="#{layer.name}_fields">{fields}</SchemaData></ExtendedData>'
        f"{''.join(_shape(shape))}</Placemark>\n"
    )


def _shape(shape: Any) -> Iterator[str]:
    if shape is None or shape.is_empty:
        return
    kind = shape.geom_type
    if kind.startswith("Multi") or kind == "GeometryCollection":
        yield "<MultiGeometry>"
        for part in shape.geoms:
            yield from _shape(part)
        yield "</MultiGeometry>"
    elif kind == "Polygon":
        yield f"<Polygon><outerBoundaryIs>{_ring(shape.exterior)}</outerBoundaryIs>"
        for ring in shape.interiors:
            yield f"<innerBoundaryIs>{_ring(ring)}</innerBoundaryIs>"
        yield "</Polygon>"
    else:
        yield f"<{kind}>{_coordinates(shape)}</{kind}>"


def _ring(ring: Any) -> str:
    return f"<LinearRing>{_coordinates(ring)}</LinearRing>"


def _coordinates(shape: Any) -> str:
    pairs = np.asarray(shapely.get_coordinates(shape)).tolist()
    return f"<coordinates>{' '.join(f'{x!r},{y!r}' for x, y in pairs)}</coordinates>"
