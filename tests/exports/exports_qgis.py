"""Run by the system's own Python, which has QGIS: opens files as a user does, tells what it found, draws.

`exports_qgis.py FOLDER IMAGE FILE…` prints JSON. It imports nothing of the product.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsDataProvider,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor


def sublayers(path: str) -> list[str]:
    """The layers that QGIS offers of a file."""
    file = QgsVectorLayer(path, "file", "ogr")
    parts = file.dataProvider().subLayers()
    names = [part.split(QgsDataProvider.sublayerSeparator())[1] for part in parts]
    return [name for name in dict.fromkeys(names) if name != "layer_styles"]


def told(layer: QgsVectorLayer) -> dict[str, Any]:
    """What QGIS knows of a layer."""
    fields, name = layer.fields(), layer.fields().indexOf("name_zh")
    rows = [item.attributes() for item in layer.getFeatures()]
    state = fields.indexOf("state")
    symbol = layer.renderer().dump() if layer.isSpatial() and layer.renderer() else ""
    return {
        "valid": layer.isValid(),
        "rows": len(rows),
        "crs": layer.crs().authid(),
        "geometry": layer.geometryType(),
        "names": sorted({str(row[name]) for row in rows if row[name]}) if name >= 0 else [],
        "symbol": symbol,
        "alias": layer.attributeAlias(name) if name >= 0 else "",
        "widget": layer.editorWidgetSetup(state).type() if state >= 0 else "",
        "choices": str(layer.editorWidgetSetup(state).config()) if state >= 0 else "",
        "labels": layer.labelsEnabled(),
    }


def draw(layers: list[QgsVectorLayer], image_path: str) -> list[str]:
    """Draw the layers over one another; the colours in the image."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(layers[0].crs())
    extent = layers[0].extent()
    for layer in layers[1:]:
        extent.combineExtentWith(layer.extent())
    extent.scale(1.1)
    settings.setExtent(extent)
    settings.setOutputSize(QSize(400, 300))
    settings.setBackgroundColor(QColor("white"))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(image_path)
    return sorted({image.pixelColor(x, y).name() for x in range(400) for y in range(300)})


def main() -> None:
    """Open every file, then draw the first."""
    application = QgsApplication([], False)
    application.initQgis()
    image, *files = sys.argv[1:]
    found: dict[str, Any] = {}
    drawn = []
    for file in files:
        path = f"/vsizip/{file}" if file.endswith(".shp.zip") else file
        layers = [QgsVectorLayer(f"{path}|layername={name}", name, "ogr") for name in sublayers(path)]
        found[file] = {layer.name(): told(layer) for layer in layers}
        drawn = drawn or layers
    sys.stdout.write(json.dumps({"files": found, "colors": draw(drawn, image)}) + "\n")


main()
