"""A QGIS project as a file: the XML of QGIS 3.22 and later, zipped; the same project is the same bytes. Pure."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pyproj import CRS

from app.catalogue.model import Title
from app.exports.project import Place, Project, ProjectLayer, Relation, TileLayer, drawing_order
from app.exports.project_tiles import add_tile_labels, add_tile_styles
from app.exports.qgis_figures import add_figure, named
from app.exports.qgis_style import add_style, labelled

#: The version of QGIS whose projects these are; later ones read them too.
VERSION = "3.22.0"
#: Beginning of the time of zip files: no clock stands in a project.
NO_TIME = (1980, 1, 1, 0, 0, 0)
TILES_GROUP = Title("矢量切片（只看）", "Vector tiles (to look at)")
#: What XML 1.0 does not allow.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_GEOMETRIES = {"Point": "Point", "MultiLineString": "Line", "MultiPolygon": "Polygon"}
_BOX = ("xmin", "ymin", "xmax", "ymax")


def zip_project(project: Project, name: str) -> bytes:
    """The bytes of a `.qgz` whose project file is called `name`.qgs."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo(f"{name}.qgs", NO_TIME)
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, write_document(project))
    return packed.getvalue()


def write_document(project: Project) -> str:
    """The project file (`.qgs`)."""
    root = Element("qgis", version=VERSION, projectname=project.title)
    SubElement(root, "homePath", path="")
    SubElement(root, "title").text = project.title
    _crs(root, "projectCrs", project.crs)
    _tree(root, project)
    relations = SubElement(root, "relations")
    for relation in project.relations:
        _relation(relations, relation)
    _canvas(root, project)
    layers = SubElement(root, "projectlayers")
    for layer in project.layers:
        _layer(layers, layer)
    for tiles in project.tiles:
        _tile_layer(layers, tiles)
    order = SubElement(root, "layerorder")
    for layer_id in _order(project):
        SubElement(order, "layer", id=layer_id)
    _properties(root, project)
    _metadata(root, project)
    _bookmarks(root, project)
    indent(root, " ")
    text = _FORBIDDEN.sub("", tostring(root, encoding="unicode"))
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{text}\n"


def _order(project: Project) -> list[str]:
    """From the top of the drawing down; tiles lie below everything, the ground at the bottom."""
    tiles = sorted(project.tiles, key=lambda layer: layer.ground)
    return [*drawing_order(project.layers), *(layer.id for layer in tiles)]


def _tree(root: Element, project: Project) -> None:
    """The list of layers: a group an office, the results of runs, tiles."""
    top = SubElement(root, "layer-tree-group")
    groups: dict[tuple[str, ...], Element] = {(): top}
    for layer in project.layers:
        parent = _group(groups, layer.group)
        _entry(parent, layer.id, layer.title, layer.source.provider, layer.source.address, shown=layer.shown)
    for tiles in project.tiles:
        parent = _group(groups, (TILES_GROUP.in_(project.lang),))
        _entry(parent, tiles.id, tiles.title, "vectortile", tiles.address, shown=tiles.shown)
    order = SubElement(top, "custom-order", enabled="1")
    for layer_id in _order(project):
        SubElement(order, "item").text = layer_id


def _group(groups: dict[tuple[str, ...], Element], path: tuple[str, ...]) -> Element:
    """The group of this path of names, made where it is new; those below the top ones are folded."""
    if path not in groups:
        parent = _group(groups, path[:-1])
        folded = "1" if len(path) == 1 else "0"
        groups[path] = SubElement(
            parent, "layer-tree-group", name=path[-1], checked="Qt::Checked", expanded=folded
        )
    return groups[path]


def _entry(parent: Element, layer_id: str, title: str, provider: str, source: str, *, shown: bool) -> None:
    SubElement(parent, "layer-tree-layer", {
        "id": layer_id, "name": title, "checked": "Qt::Checked" if shown else "Qt::Unchecked", "expanded": "0",
        "providerKey": provider, "source": source,
    })  # fmt: skip


def _relation(parent: Element, relation: Relation) -> None:
    found = SubElement(parent, "relation", {
        "id": relation.id, "name": relation.title, "strength": "Association", "referencingLayer": relation.child,
        "referencedLayer": relation.parent,
    })  # fmt: skip
    SubElement(found, "fieldRef", referencingField=relation.column, referencedField="code")


def _canvas(root: Element, project: Project) -> None:
    canvas = SubElement(root, "mapcanvas", name="theMapCanvas", annotationsVisible="1")
    SubElement(canvas, "units").text = "meters"
    _extent(canvas, "extent", project.extent)
    SubElement(canvas, "rotation").text = "0"
    _crs(canvas, "destinationsrs", project.crs)
    view = SubElement(root, "ProjectViewSettings", UseProjectScales="0", rotation="0")
    box = {name: f"{value:.3f}" for name, value in zip(_BOX, project.extent, strict=True)}
    _spatial(SubElement(view, "DefaultViewExtent", box), project.crs)


def _extent(parent: Element, name: str, box: Sequence[float]) -> None:
    found = SubElement(parent, name)
    for corner, value in zip(_BOX, box, strict=True):
        SubElement(found, corner).text = f"{value:.9f}".rstrip("0").rstrip(".")


def _layer(parent: Element, layer: ProjectLayer) -> None:
    rows = layer.rows
    found = SubElement(parent, "maplayer", {
        "type": "vector", "geometry": _GEOMETRIES[rows.geometry_type], "wkbType": rows.geometry_type,
        "hasScaleBasedVisibilityFlag": "1" if layer.least_scale else "0", "minScale": str(layer.least_scale),
        "maxScale": "0", "labelsEnabled": labelled(rows) if layer.figure is None else named(layer.figure),
        "readOnly": str(int(layer.fixed)),
        "styleCategories": "AllStyleCategories", "simplifyDrawingHints": "1", "simplifyLocal": "1",
    })  # fmt: skip
    SubElement(found, "id").text = layer.id
    SubElement(found, "datasource").text = layer.source.address
    SubElement(found, "layername").text = layer.title
    _crs(found, "srs", layer.source.crs)
    _layer_metadata(found, layer)
    SubElement(found, "provider", encoding="UTF-8").text = layer.source.provider
    if layer.figure is None:
        add_style(found, rows, layer.form, outlined=layer.outlined)
    else:
        add_figure(found, layer.figure, layer.form, rows)


def _layer_metadata(parent: Element, layer: ProjectLayer) -> None:
    about, cls = layer.rows.about, layer.rows.cls
    said = SubElement(parent, "resourceMetadata")
    SubElement(said, "identifier").text = layer.rows.name
    SubElement(said, "type").text = "dataset"
    SubElement(said, "title").text = layer.title
    lang = layer.form.lang or "zh"
    SubElement(said, "abstract").text = "" if cls is None else cls.description.in_(lang)
    for name, key in (("license", "licence"), ("rights", "attribution")):
        if about.get(key):
            SubElement(said, name).text = about[key]
    _crs(said, "crs", layer.source.crs)


def _tile_layer(parent: Element, tiles: TileLayer) -> None:
    found = SubElement(parent, "maplayer", {
        "type": "vector-tile", "hasScaleBasedVisibilityFlag": "0", "minScale": "1e+08", "maxScale": "0",
        "styleCategories": "AllStyleCategories",
    })  # fmt: skip
    SubElement(found, "id").text = tiles.id
    SubElement(found, "datasource").text = tiles.address
    SubElement(found, "layername").text = tiles.title
    _crs(found, "srs", "EPSG:3857")
    add_tile_styles(SubElement(found, "renderer", type="basic"), tiles)
    add_tile_labels(found, tiles)
    SubElement(found, "layerOpacity").text = "1"


def _properties(root: Element, project: Project) -> None:
    """Paths beside the project, areas by the ellipsoid, the colour of paper, whose data it is."""
    found = SubElement(root, "properties")
    _property(found, "Paths", "Absolute", "bool", "false")
    _property(found, "SpatialRefSys", "ProjectionsEnabled", "int", "1")
    _property(found, "Measurement", "DistanceUnits", "QString", "meters")
    _property(found, "Measurement", "AreaUnits", "QString", "m2")
    _property(found, "Measure", "Ellipsoid", "QString", _ellipsoid(project.crs))
    for band in ("Red", "Green", "Blue"):
        _property(found, "Gui", f"CanvasColor{band}Part", "int", "255")
    if project.attribution:
        _property(found, "CopyrightLabel", "Enabled", "bool", "true")
        # What stands between [% and %] would be evaluated.
        _property(found, "CopyrightLabel", "Label", "QString", project.attribution.replace("[%", "[ %"))


def _ellipsoid(crs: str) -> str:
    """The ellipsoid of a CRS by its code, by which QGIS measures; that of WGS 84 where it has none."""
    found = CRS.from_user_input(crs).ellipsoid
    code = None if found is None else found.to_json_dict().get("id")
    return f"{code['authority']}:{code['code']}" if code else "EPSG:7030"


def _property(parent: Element, scope: str, name: str, kind: str, value: str) -> None:
    group = parent.find(scope)
    SubElement(SubElement(parent, scope) if group is None else group, name, type=kind).text = value


def _metadata(root: Element, project: Project) -> None:
    said = SubElement(root, "projectMetadata")
    SubElement(said, "language").text = "zho" if project.lang == "zh" else "eng"
    SubElement(said, "type").text = "dataset"
    SubElement(said, "title").text = project.title
    SubElement(said, "abstract").text = project.abstract
    SubElement(said, "author").text = "Chengtu"


def _bookmarks(root: Element, project: Project) -> None:
    found = SubElement(root, "Bookmarks")
    for place in project.places:
        _spatial(SubElement(found, "Bookmark", {
            "id": place.id, "name": place.title, "group": project.places_title, "extent": _polygon(place),
        }), project.crs)  # fmt: skip


def _polygon(place: Place) -> str:
    west, south, east, north = (f"{value:.3f}" for value in place.box)
    corners: Iterable[str] = (
        f"{x} {y}" for x, y in ((west, south), (east, south), (east, north), (west, north), (west, south))
    )
    return f"POLYGON(({', '.join(corners)}))"


def _crs(parent: Element, name: str, crs: str) -> None:
    _spatial(SubElement(parent, name), crs)


def _spatial(parent: Element, crs: str) -> None:
    """A CRS as QGIS reads it: by its code, else by its definition."""
    wkt, code, title, geographic = _described(crs)
    found = SubElement(parent, "spatialrefsys")
    SubElement(found, "wkt").text = wkt
    SubElement(found, "authid").text = code
    SubElement(found, "description").text = title
    SubElement(found, "geographicflag").text = str(geographic).lower()


@lru_cache(maxsize=16)
def _described(crs: str) -> tuple[str, str, str, bool]:
    found = CRS.from_user_input(crs)
    return (
        found.to_wkt(),
        crs if ":" in crs and crs.isascii() and " " not in crs else "",
        found.name,
        found.is_geographic,
    )
