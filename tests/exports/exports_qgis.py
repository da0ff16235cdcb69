"""Run by the system's own Python, which has QGIS: opens files as a user does, tells what it found, draws.

`exports_qgis.py FOLDER FILE…` prints JSON and draws each file into an image of the folder. It imports nothing of the
product.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsDataProvider,
    QgsExpressionContext,
    QgsExpressionContextScope,
    QgsFeature,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsMarkerSymbol,
    QgsRectangle,
    QgsSingleSymbolRenderer,
    QgsSymbolLayer,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

WIDTH, HEIGHT = 400, 300


def sublayers(path: str) -> list[str]:
    """The layers that QGIS offers of a file."""
    file = QgsVectorLayer(path, "file", "ogr")
    parts = file.dataProvider().subLayers()
    names = [part.split(QgsDataProvider.sublayerSeparator())[1] for part in parts]
    return [name for name in dict.fromkeys(names) if name != "layer_styles"]


def told(layer: QgsVectorLayer) -> dict[str, Any]:
    """What QGIS knows of a layer."""
    fields, name = layer.fields(), layer.fields().indexOf("name_zh")
    # Of a layer that is opened once for each kind of geometry QGIS gives the others too.
    rows = [item.attributes() for item in layer.getFeatures() if fits(item, layer)]
    state = fields.indexOf("state")
    symbol = layer.renderer().dump() if layer.isSpatial() and layer.renderer() else ""
    return {
        "valid": layer.isValid(),
        "rows": len(rows),
        "crs": layer.crs().authid(),
        "geometry": layer.geometryType(),
        "names": sorted({str(row[name]) for row in rows if row[name]}) if name >= 0 else [],
        "symbol": symbol,
        "marker_mm": [marker_mm(layer, scale) for scale in (10_000, 200_000)],
        "alias": layer.attributeAlias(name) if name >= 0 else "",
        "widget": layer.editorWidgetSetup(state).type() if state >= 0 else "",
        "choices": str(layer.editorWidgetSetup(state).config()) if state >= 0 else "",
        "labels": layer.labelsEnabled(),
    }


def marker_mm(layer: QgsVectorLayer, scale: int) -> float | None:
    """How wide the markers of a layer are at the scale of a denominator; None where it has none."""
    symbol = layer.renderer().symbol() if isinstance(layer.renderer(), QgsSingleSymbolRenderer) else None
    if not isinstance(symbol, QgsMarkerSymbol):
        return None
    context, scope = QgsExpressionContext(), QgsExpressionContextScope()
    scope.setVariable("map_scale", scale)
    context.appendScope(scope)
    part = symbol.symbolLayer(0)
    properties = part.dataDefinedProperties()
    return float(properties.valueAsDouble(QgsSymbolLayer.PropertySize, context, part.size())[0])


def fits(item: QgsFeature, layer: QgsVectorLayer) -> bool:
    """Whether a feature has the kind of geometry that its layer has, or none."""
    return not item.hasGeometry() or item.geometry().type() == layer.geometryType()


def draw(layers: list[QgsVectorLayer], image_path: str) -> list[str]:
    """Draw the layers that have shapes over one another; the colours in the image."""
    drawn = [layer for layer in layers if layer.isSpatial() and layer.featureCount() != 0]
    if not drawn:
        return []
    settings = QgsMapSettings()
    settings.setLayers(drawn)
    settings.setDestinationCrs(drawn[0].crs())
    extent = QgsRectangle(drawn[0].extent())
    for layer in drawn[1:]:
        extent.combineExtentWith(layer.extent())
    extent.grow(0.1 * max(extent.width(), extent.height()) or 1.0)
    settings.setExtent(extent)
    settings.setOutputSize(QSize(WIDTH, HEIGHT))
    settings.setBackgroundColor(QColor("white"))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(image_path)
    return sorted({image.pixelColor(x, y).name() for x in range(WIDTH) for y in range(HEIGHT)})


def find_layers(file: str) -> list[QgsVectorLayer]:
    """The layers of a file as QGIS opens it when it is dropped on the map; of a table with lon and lat its points."""
    if file.endswith(".csv"):
        with Path(file).open(encoding="utf-8-sig") as text:
            places = "xField=lon&yField=lat" if text.readline().startswith("lon,") else "wktField=wkt"
        uri = f"file://{file}?{places}&crs=EPSG:4490&detectTypes=yes"
        return [QgsVectorLayer(uri, "table", "delimitedtext")]
    path = f"/vsizip/{file}" if file.endswith(".shp.zip") else file
    parts = sublayers(path)
    uris = [f"{path}|layername={name}" for name in parts]
    if file.endswith((".dxf", ".kml", ".geojson", ".geojsons", ".fgb")):
        # A layer of several kinds of geometry is opened once for each of them.
        uris = [f"{uri}|geometrytype={kind}" for uri in uris for kind in kinds(uri)]
    return [QgsVectorLayer(uri, uri.split("layername=")[1].split("|")[0], "ogr") for uri in uris]


def kinds(uri: str) -> list[str]:
    """The kinds of geometry in a layer of a file, as QGIS calls them."""
    rows = QgsVectorLayer(uri, "any", "ogr").getFeatures()
    found = {row.geometry().wkbType() for row in rows if row.hasGeometry()}
    names = (
        (QgsWkbTypes.displayString(QgsWkbTypes.flatType(kind)), QgsWkbTypes.hasZ(kind)) for kind in found
    )
    return sorted(name + "25D" * high for name, high in names)


def main() -> None:
    """Open and draw every file."""
    application = QgsApplication([], False)
    application.initQgis()
    folder, *files = sys.argv[1:]
    found: dict[str, Any] = {}
    colors: dict[str, list[str]] = {}
    for file in files:
        layers = find_layers(file)
        found[file] = [{"name": layer.name(), **told(layer)} for layer in layers]
        colors[file] = draw(layers, f"{folder}/{file.rsplit('/', 1)[1]}.png")
    sys.stdout.write(json.dumps({"files": found, "colors": colors}) + "\n")


main()
