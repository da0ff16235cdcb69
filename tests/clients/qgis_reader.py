"""Run by the system's own Python, which has QGIS: adds every collection as a layer, reads, asks in boxes, draws.

`qgis_reader.py ADDRESS IMAGE ID…` prints what it found as JSON. It imports nothing of the product.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsFeatureRequest,
    QgsMapRendererCustomPainterJob,
    QgsMapSettings,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor, QImage, QPainter

DRAWN = ["parks", "water_bodies", "streets", "toilets"]
PAGED, PAGE_SIZE = "streets", 70
BOXED, BOX = "street_trees", QgsRectangle(115.858, 28.678, 115.862, 28.682)


def add_layer(address: str, collection: str, more: str = "") -> QgsVectorLayer:
    """A collection as "Add OGC API Features layer" adds it."""
    return QgsVectorLayer(f"url='{address}' typename='{collection}' {more}", collection, "OAPIF")


def told(layer: QgsVectorLayer) -> dict[str, Any]:
    """What QGIS knows of a layer once all its features are read."""
    extent = layer.extent()
    rows = [dict(zip(layer.fields().names(), item.attributes(), strict=True)) for item in layer.getFeatures()]
    return {
        "valid": layer.isValid(),
        "count": layer.featureCount(),
        "read": len(rows),
        "fields": layer.fields().names(),
        "geometry": layer.geometryType(),
        "crs": layer.crs().authid(),
        "extent": [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()],
        "name_zh": [str(row["name_zh"]) for row in rows[:5] if row.get("name_zh")],
    }


def draw(layers: list[QgsVectorLayer], image_path: str) -> int:
    """Draw the layers over one another; the number of distinct colours in the image."""
    settings = QgsMapSettings()
    settings.setLayers(layers[::-1])
    settings.setDestinationCrs(layers[0].crs())
    extent = layers[-1].extent()
    extent.scale(1.1)
    settings.setExtent(extent)
    settings.setOutputSize(QSize(400, 300))
    settings.setBackgroundColor(QColor("white"))
    image = QImage(QSize(400, 300), QImage.Format_ARGB32_Premultiplied)
    image.fill(QColor("white"))
    painter = QPainter(image)
    job = QgsMapRendererCustomPainterJob(settings, painter)
    job.renderSynchronously()
    painter.end()
    image.save(image_path)
    return len({image.pixel(x, y) for x in range(400) for y in range(300)})


def main() -> None:
    """Read all, then by pages, then in a box, then draw."""
    address, image_path, *collections = sys.argv[1:]
    started = time.time()
    application = QgsApplication([], True)  # its progress is shown in a window
    application.initQgis()
    said: list[str] = []
    application.messageLog().messageReceived.connect(lambda text, _tag, level: level and said.append(text))
    layers = {name: add_layer(address, name) for name in collections}
    found = {name: told(layer) for name, layer in layers.items()}
    paged = add_layer(address, PAGED, f"pagingEnabled='true' pageSize='{PAGE_SIZE}'")
    pages = sum(1 for _ in paged.getFeatures())
    boxed = add_layer(address, BOXED, "restrictToRequestBBOX='1'")
    in_box = [item.attribute("code") for item in boxed.getFeatures(QgsFeatureRequest(BOX))]
    colours = draw([layers[name] for name in DRAWN], image_path)
    result = {
        "layers": found,
        "paged": pages,
        "in_box": sorted(in_box),
        "colours": colours,
        "said": said,
        "seconds": time.time() - started,
    }
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()
    layers.clear()
    del paged, boxed
    application.exitQgis()


if __name__ == "__main__":
    main()
