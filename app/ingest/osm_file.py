"""Reading an OSM file in one pass: every object that a rule takes, with its shape or with what is missing of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray
from osmium.filter import IdFilter, KeyFilter

from app.catalogue.model import FeatureClass
from app.errors import UnreadableFile
from app.ingest import archive
from app.ingest.files import SourceFile, is_osm, recognise
from app.ingest.layer import Extent
from app.ingest.osm_data import OsmData, OsmObject
from app.ingest.osm_rules import OsmRules

#: Relations of these types are drawn by their members' rings.
AREA_RELATIONS = frozenset({"multipolygon", "boundary"})
Progress = Callable[[float, float | None, str], None]


#: Matched relations with the ids of their member ways.
Relations = list[tuple[OsmObject, list[int]]]


def read_osm(file: SourceFile, classes: list[FeatureClass], progress: Progress | None = None) -> OsmData:
    """Every node, way and area relation that an OSM rule of `classes` takes.

    Coordinates are EPSG:4326 lon/lat as in the file. Multipolygons are assembled by libosmium; a relation that it
    cannot assemble has a `fault`, which says how much of it is missing. Nothing is closed by guess.

    Raises:
        UnreadableFile: The file is damaged, cut short or no OSM data; or an archive of more than one file of it.
    """
    rules = OsmRules([cls for cls in classes if cls.osm])
    try:
        with _unpacked(file) as plain:
            return _read(plain, rules, progress or (lambda *_: None))
    except (RuntimeError, osmium.InvalidLocationError, ValueError) as error:
        reason = str(error).splitlines()[0][:200]
        raise UnreadableFile(
            f"'{file.name}' is damaged or cut short: {reason}.", "Download it again, then try once more."
        ) from error


@contextlib.contextmanager
def _unpacked(file: SourceFile) -> Iterator[SourceFile]:
    """The file itself, or the only one of an archive, which is gone afterwards."""
    if file.osm_format != "zip":
        yield file
        return
    with archive.unpacked(file.path, is_osm) as folder:
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        if len(found) != 1:
            raise UnreadableFile(
                f"'{file.name}' holds {len(found)} files of OpenStreetMap data.", "Import them one by one."
            )
        yield recognise(found[0])


def _read(file: SourceFile, rules: OsmRules, progress: Progress) -> OsmData:
    source = osmium.io.File(str(file.path), file.osm_format)
    keys = KeyFilter(*rules.keys)
    reader = osmium.FileProcessor(source).with_locations().with_areas(keys).with_filter(keys)
    data = OsmData(extent=_extent(reader.header.box()))
    areas: dict[int, str] = {}
    relations: Relations = []
    borders: set[int] = set()
    factory = osmium.geom.WKBFactory()
    item: Any
    for count, item in enumerate(reader):
        if count % 20_000 == 0:
            progress(count, None, "reading")
        if item.is_area():
            _keep_area(item, areas, factory)
            continue
        ways = [m.ref for m in item.members if m.type == "w"] if item.is_relation() else []
        if item.is_relation() and item.tags.get("type") == "boundary":
            borders.update(ways)
        if found := _object(item, rules, factory):
            data.objects.append(found)
            if item.is_relation():
                relations.append((found, ways))
    data.objects = _without_parts(data.objects, relations, borders)
    _draw_relations(source, relations, areas, reader.node_location_storage)
    data.geometry = _draw(data.objects)
    return data


def _draw(objects: list[OsmObject]) -> NDArray[np.object_]:
    """The shapes (n,) of all objects, made together; what they were made of is let go."""
    shapes = np.full(len(objects), None, dtype=object)
    nodes = [i for i, item in enumerate(objects) if isinstance(item.drawn, tuple)]
    coded = [i for i, item in enumerate(objects) if isinstance(item.drawn, str)]
    if nodes:
        shapes[nodes] = shapely.points(np.array([objects[i].drawn for i in nodes]))
    if coded:
        shapes[coded] = shapely.from_wkb(
            np.array([bytes.fromhex(objects[i].drawn) for i in coded], dtype=object)
        )
    for i, item in enumerate(objects):
        if isinstance(item.drawn, shapely.Geometry):
            shapes[i] = item.drawn
        item.drawn = None
    return shapes


def _without_parts(objects: list[OsmObject], relations: Relations, borders: set[int]) -> list[OsmObject]:
    """The objects without open ways that are only a part of the ring of an area which the same class has whole.

    Stretches of a border bear its tags, whether or not a class takes the area: they are never areas of their own.
    """
    ringed: dict[str, set[str]] = {}
    for found, ways in relations:
        for ref in ways:
            ringed.setdefault(f"w{ref}", set()).update(cls.id for cls, _ in found.matches)
    for item in objects:
        if item.code.startswith("w") and not item.closed:
            parts = ringed.get(item.code, set())
            border = int(item.code[1:]) in borders
            item.matches = [
                (cls, rule)
                for cls, rule in item.matches
                if cls.geometry == "line" or not (border or cls.id in parts)
            ]
    return [item for item in objects if item.matches]


def _extent(box: Any) -> Extent | None:
    if not box.valid():
        return None
    low, high = box.bottom_left, box.top_right
    return low.lon, low.lat, high.lon, high.lat


def _keep_area(item: Any, areas: dict[int, str], factory: Any) -> None:
    # Rings of single ways are built from the way itself, so that an invalid one can be repaired and reported.
    if item.from_way():
        return
    # An area without rings is what libosmium gives where it could not assemble them: it is explained later.
    with contextlib.suppress(RuntimeError):
        areas[item.orig_id()] = factory.create_multipolygon(item)


def _object(item: Any, rules: OsmRules, factory: Any) -> OsmObject | None:
    tags = dict(item.tags)
    matches = rules.match(tags)
    if not matches:
        return None
    found = OsmObject(f"{item.type_str()}{item.id}", tags, matches)
    if item.is_node():
        found.drawn = (item.location.lon, item.location.lat) if item.location.valid() else None
        found.fault = None if found.drawn else "the node has no location"
    elif item.is_way():
        _draw_way(item, found, factory)
    return found


def _draw_way(way: Any, found: OsmObject, factory: Any) -> None:
    found.nodes = len(way.nodes)
    found.closed = found.nodes > 1 and way.is_closed()
    try:
        found.drawn = factory.create_linestring(way)
    except (RuntimeError, ValueError, osmium.InvalidLocationError):
        _draw_pieces(way, found)


def _draw_pieces(way: Any, found: OsmObject) -> None:
    """The runs of two or more nodes that the file holds, where it does not hold all nodes of the way."""
    places = [(node.lon, node.lat) if node.location.valid() else None for node in way.nodes]
    found.missing = places.count(None)
    runs = [run for run in _runs(places) if len(set(run)) > 1]
    if runs:
        found.drawn = shapely.multilinestrings([shapely.linestrings(run) for run in runs])
    elif found.missing:
        found.fault = f"{found.missing} of {found.nodes} nodes missing"
    else:
        found.fault = "all nodes of the way are at one place"


def _runs(places: list[tuple[float, float] | None]) -> Iterator[list[tuple[float, float]]]:
    run: list[tuple[float, float]] = []
    for place in [*places, None]:
        if place is not None:
            run.append(place)
        elif run:
            yield run
            run = []


def _draw_relations(
    source: Any,
    relations: Relations,
    areas: dict[int, str],
    locations: Any,
) -> None:
    """Give each relation its assembled area, or say why it has none."""
    failed = []
    for found, ways in relations:
        kind = found.tags.get("type", "none")
        found.drawn = areas.get(int(found.code[1:]))
        if kind not in AREA_RELATIONS:
            found.drawn, found.fault = None, f"a relation of type '{kind}' has no shape of its own"
        elif found.drawn is None:
            failed.append((found, ways))
        found.closed = True
    if failed:
        _explain_relations(source, failed, locations)


def _explain_relations(source: Any, failed: list[tuple[OsmObject, list[int]]], locations: Any) -> None:
    wanted = {ref for _, refs in failed for ref in refs} or {0}
    nodes: dict[int, tuple[int, int]] = {}
    way: Any
    for way in osmium.FileProcessor(source, osmium.osm.WAY).with_filter(IdFilter(wanted)):
        refs = [node.ref for node in way.nodes]
        nodes[way.id] = (len(refs), sum(not _located(locations, ref) for ref in refs))
    for found, refs in failed:
        _explain_relation(found, refs, nodes)


def _located(locations: Any, ref: int) -> bool:
    try:
        return bool(locations.get(ref).valid())
    except KeyError:
        return False


def _explain_relation(found: OsmObject, refs: list[int], nodes: dict[int, tuple[int, int]]) -> None:
    present = [nodes[ref] for ref in refs if ref in nodes]
    found.nodes = sum(count for count, _ in present)
    found.missing = sum(missing for _, missing in present)
    gone = len(refs) - len(present)
    parts = [f"{gone} of {len(refs)} member ways missing"] if gone else []
    parts += [f"{found.missing} of {found.nodes} nodes missing"] if found.missing else []
    found.missing += gone
    found.fault = " and ".join(parts) or "its rings do not close or cross each other"
