"""Run by the system's own Python, which has QGIS: opens projects as a user does, tells what it found, draws them.

`qgis_project_reader.py IMAGE PROJECT…` prints JSON; images of the project n are written as IMAGE-n.png and so on. It
imports nothing of the product.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsAttributeEditorElement,
    QgsMapLayerType,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize

WIDTH, HEIGHT = 600, 450
#: Relations that are followed from each parent.
FOLLOWED = ("toilets.home_district", "pipes.from_node.chengtu_pipe_nodes")
HOME = "home_district"


def told(layer: Any) -> dict[str, Any]:
    """What QGIS knows of a layer."""
    found = {
        "valid": layer.isValid(),
        "title": layer.name(),
        "provider": layer.providerType(),
        "crs": layer.crs().authid(),
        "tiles": layer.type() == QgsMapLayerType.VectorTileLayer,
    }
    return found if found["tiles"] else {**found, **of_vector(layer)}


def of_vector(layer: QgsVectorLayer) -> dict[str, Any]:
    fields = layer.fields()
    rows = list(layer.getFeatures())
    named, state = fields.indexOf("name_zh"), fields.indexOf("state")
    return {
        "rows": len(rows),
        "counted": layer.featureCount(),
        "geometry": layer.geometryType(),
        "renderer": layer.renderer().type(),
        "legend": [item.label() for item in layer.renderer().legendSymbolItems()],
        "names": sorted({str(row[named]) for row in rows if named >= 0 and row[named]}),
        "aliases": {field.name(): field.alias() for field in fields},
        "labels": layer.labelsEnabled(),
        "scale": layer.minimumScale() if layer.hasScaleBasedVisibility() else 0,
        "widget": layer.editorWidgetSetup(state).type() if state >= 0 else "",
        "choices": layer.editorWidgetSetup(state).config().get("map", []) if state >= 0 else [],
        "widgets": {field.name(): layer.editorWidgetSetup(i).type() for i, field in enumerate(fields)},
        "locked": [field.name() for i, field in enumerate(fields) if layer.editFormConfig().readOnly(i)],
        "constraints": {
            field.name(): layer.constraintExpression(i)
            for i, field in enumerate(fields)
            if layer.constraintExpression(i)
        },
        "tabs": {tab.name(): held(tab) for tab in layer.editFormConfig().tabs() if hasattr(tab, "children")},
        "homes": sorted({str(row[HOME]) for row in rows}) if fields.indexOf(HOME) >= 0 else [],
        "lacking": missing(layer),
    }


def held(tab: Any) -> list[str]:
    return [child.name() for child in tab.children()]


def missing(layer: QgsVectorLayer) -> list[str]:
    """Fields of the form that the layer does not have."""
    fields = (
        layer.editFormConfig().invisibleRootContainer().findElements(QgsAttributeEditorElement.AeTypeField)
    )
    return [field.name() for field in fields if field.idx() < 0]


def groups(node: Any, path: str = "") -> dict[str, list[str]]:
    """The ids of the layers of each group."""
    found: dict[str, list[str]] = {}
    for child in node.children():
        if hasattr(child, "layerId"):
            found.setdefault(path, []).append(child.layerId())
        else:
            found.update(groups(child, f"{path}/{child.name()}"))
    return found


def related(project: QgsProject) -> dict[str, Any]:
    """Each relation: whether QGIS takes it, its name, and for some how many rows all parents find by it."""
    found = {}
    for key, relation in project.relationManager().relations().items():
        asked = key.endswith(FOLLOWED) and relation.referencedLayer().providerType() == "ogr"
        parents = relation.referencedLayer().getFeatures() if asked else []
        counts = {parent["code"]: sum(1 for _ in relation.getRelatedFeatures(parent)) for parent in parents}
        found[key] = {
            "valid": relation.isValid(), "name": relation.name(),
            "counts": {code: count for code, count in counts.items() if count},
        }  # fmt: skip
    return found


def draw(project: QgsProject, layers: list[Any], image_path: str) -> list[str]:
    """Draw the project as it opens; the colours in the image."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(project.crs())
    settings.setTransformContext(project.transformContext())
    settings.setExtent(project.viewSettings().defaultViewExtent())
    settings.setOutputSize(QSize(WIDTH, HEIGHT))
    settings.setBackgroundColor(project.backgroundColor())
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(image_path)
    return sorted({image.pixelColor(x, y).name() for x in range(0, WIDTH, 2) for y in range(0, HEIGHT, 2)})


def opened(path: str, image: str) -> dict[str, Any]:
    """What a project holds, as QGIS reads it."""
    project = QgsProject.instance()
    project.clear()
    read = project.read(path)
    layers = project.mapLayers()
    root = project.layerTreeRoot()
    shown = [layer for layer in root.layerOrder() if root.findLayer(layer).isVisible()]
    extent = project.viewSettings().defaultViewExtent()
    tiles = [layer for layer in layers.values() if layer.type() == QgsMapLayerType.VectorTileLayer]
    figures = [layer for key, layer in layers.items() if "_areas_" in key]
    return {
        "read": read,
        "title": project.title(),
        "abstract": project.metadata().abstract(),
        "crs": project.crs().authid(),
        "extent": [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()],
        "layers": {key: told(layer) for key, layer in layers.items()},
        "groups": groups(root),
        "order": [layer.id() for layer in root.layerOrder()],
        "shown": [layer.id() for layer in shown],
        "relations": related(project),
        "places": [
            [place.name(), place.group(), place.extent().crs().authid()]
            for place in project.bookmarkManager().bookmarks()
        ],
        "colours": draw(project, shown, f"{image}.png"),
        "run": draw(project, figures[:1], f"{image}-run.png"),
        "tiles": draw(project, tiles[::-1], f"{image}-tiles.png"),
    }


def main() -> None:
    """Open each project, then draw it."""
    application = QgsApplication([], True)  # progress of the server's layers is shown in a window
    application.initQgis()
    said: list[str] = []
    application.messageLog().messageReceived.connect(
        lambda text, _tag, level: level in (Qgis.Warning, Qgis.Critical) and said.append(text)
    )
    image, *paths = sys.argv[1:]
    found = [opened(path, f"{image}-{i}") for i, path in enumerate(paths)]
    sys.stdout.write(json.dumps({"projects": found, "said": said}) + "\n")
    sys.stdout.flush()
    QgsProject.instance().clear()
    application.exitQgis()


main()
