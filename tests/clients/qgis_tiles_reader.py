"""Run by the system's own Python, which has QGIS: draws vector tiles with their own style and tells the colours.

`qgis_tiles_reader.py ADDRESS JOBS IMAGE` - JOBS is a JSON list of {path, style, zoom, places}, `style` being what else
the address of the style says; each is drawn around each of its places. Prints JSON: for each job what QGIS says of
layer and style and the colour at each place. The first job is done once more at the end, by a second layer.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsDataSourceUri,
    QgsMapBoxGlStyleConverter,
    QgsMapRendererCustomPainterJob,
    QgsMapSettings,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor, QImage, QPainter

SIDE = 240
MERCATOR, LONLAT = "EPSG:3857", "EPSG:4326"


def add_layer(address: str, job: dict[str, Any]) -> QgsVectorTileLayer:
    """A layer as "Add Vector Tile Layer" adds it, with the style of its address."""
    uri = QgsDataSourceUri()
    uri.setParam("type", "xyz")
    uri.setParam("url", f"{address}{job['path']}/{{z}}/{{y}}/{{x}}")
    uri.setParam("zmin", "0")
    uri.setParam("zmax", "16")
    uri.setParam("styleUrl", style_address(address, job))
    layer = QgsVectorTileLayer(bytes(uri.encodedUri()).decode(), "tiles")
    said, styled = layer.loadDefaultStyle()
    assert styled, said
    return layer


def style_address(address: str, job: dict[str, Any]) -> str:
    """The address of the layer's style, in Chinese."""
    return f"{address}{job['path']}?f=style&lang=zh{job['style']}"


def warnings(address: str, job: dict[str, Any]) -> list[str]:
    """What QGIS does not understand of the style."""
    with urllib.request.urlopen(style_address(address, job), timeout=30) as reply:
        converter = QgsMapBoxGlStyleConverter()
        converter.convert(reply.read().decode())
    return [str(text) for text in converter.warnings()]


def draw(layer: QgsVectorTileLayer, zoom: float, place: list[float], image_path: str) -> str:
    """Draw around a place; the colour at it, as #rrggbb."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    crs = QgsCoordinateReferenceSystem(MERCATOR)
    settings.setDestinationCrs(crs)
    turn = QgsCoordinateTransform(QgsCoordinateReferenceSystem(LONLAT), crs, QgsProject.instance())
    middle, pixel = turn.transform(QgsPointXY(*place)), 156543.03392804097 / 2**zoom
    half = SIDE / 2 * pixel
    settings.setExtent(
        QgsRectangle(middle.x() - half, middle.y() - half, middle.x() + half, middle.y() + half)
    )
    settings.setOutputSize(QSize(SIDE, SIDE))
    settings.setOutputDpi(96)
    settings.setBackgroundColor(QColor("white"))
    image = QImage(QSize(SIDE, SIDE), QImage.Format_ARGB32_Premultiplied)
    image.fill(QColor("white"))
    painter = QPainter(image)
    QgsMapRendererCustomPainterJob(settings, painter).renderSynchronously()
    painter.end()
    image.save(image_path)
    return str(QColor(image.pixel(SIDE // 2, SIDE // 2)).name())


def main() -> None:
    """Draw every job, then the first one again."""
    address, text, image_path = sys.argv[1:]
    jobs = json.loads(text)
    started = time.time()
    application = QgsApplication([], True)  # its progress is shown in a window
    application.initQgis()
    said: list[str] = []
    application.messageLog().messageReceived.connect(lambda text, _tag, level: level and said.append(text))
    found = []
    for job in jobs:
        layer = add_layer(address, job)
        colours = [draw(layer, job["zoom"], place, image_path) for place in job["places"]]
        found.append({"valid": layer.isValid(), "colours": colours, "warnings": warnings(address, job)})
    # Qt counts the age of its copies in whole seconds
    while time.time() < started + 2:
        application.processEvents()
    again = draw(add_layer(address, jobs[0]), jobs[0]["zoom"], jobs[0]["places"][0], image_path)
    sys.stdout.write(json.dumps({"jobs": found, "again": again, "said": said}) + "\n")
    sys.stdout.flush()
    del layer
    application.exitQgis()


if __name__ == "__main__":
    main()
