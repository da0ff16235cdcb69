"""KML and KMZ of Google Earth and phones: each folder is a layer, extended data are its columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from app.errors import UnreadableFile
from app.ingest.archive import unpacked
from app.ingest.files import SourceFile, recognise
from app.ingest.layer import Ask, Layer
from app.ingest.readers.kml_tree import LEFT_OUT, BadShapeError, Placemark, Reader, geometry, values
from app.ingest.readers.select import chosen, distinct, spans
from app.ingest.readers.xml_text import utf8_xml

HINT = "Save it again from Google Earth or QGIS."


@dataclass(slots=True)
class _Folder:
    """The rows of one folder as they are found."""

    name: str
    shapes: list[Any] = field(default_factory=list)
    rows: list[dict[str, str | None]] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)

    def add(self, placemark: Placemark) -> None:
        row = values(placemark.node)
        if len(placemark.folder) > 2:
            row.setdefault("folder", "/".join(placemark.folder[1:]))
        try:
            self.shapes.append(geometry(placemark.node))
        except BadShapeError as error:
            self.faults[len(self.rows)] = str(error)
            self.shapes.append(None)
        self.rows.append(row)


def read(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """The folders of a KML file in chunks; rows are numbered from 1 in each, a placemark's name is the column `name`.

    A placemark's nested folders stand in the column `folder`. Longitudes and latitudes are those of EPSG:4326.

    Raises:
        UnreadableFile: The file is damaged or holds no placemark.
    """
    text, encoding = utf8_xml(file, ask.encoding)
    folders: dict[tuple[str, ...], _Folder] = {}

    def take(placemark: Placemark) -> None:
        place = placemark.folder
        name = (place[-1] if place else "").removesuffix(".kml") or file.path.stem
        folders.setdefault(place, _Folder(name)).add(placemark)

    reader = Reader(take)
    try:
        reader.parse(text)
    except ValueError as error:
        raise UnreadableFile(f"'{file.name}' is damaged: {error}.", HINT) from error
    notes = tuple(f"{count} {LEFT_OUT[name]} were left out" for name, count in reader.left_out.items())
    if not folders:
        raise UnreadableFile(f"'{file.name}' holds no placemark.", "; ".join(notes) or HINT)
    found = list(folders.values())
    names = distinct([folder.name for folder in found])
    for position in chosen(file, ask, names):
        for layer in _layers(names[position], found[position]):
            yield replace(layer, encoding=encoding, notes=notes)


def _layers(name: str, folder: _Folder) -> Iterator[Layer]:
    headings = list(dict.fromkeys(heading for row in folder.rows for heading in row))
    for start, end in spans(len(folder.rows)):
        shapes = np.empty(end - start, dtype=object)
        shapes[:] = folder.shapes[start:end]
        columns = {heading: [row.get(heading) for row in folder.rows[start:end]] for heading in headings}
        faults = {i - start: why for i, why in folder.faults.items() if start <= i < end}
        yield Layer(name, list(range(start + 1, end + 1)), shapes, columns, "EPSG:4326", faults)


def read_kmz(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """The KML files packed in a KMZ, as `read`; pictures and styles are left in it.

    Raises:
        UnreadableFile: It holds no KML, or is beyond the bounds of an archive.
    """
    with unpacked(file.path, lambda name: name.lower().endswith(".kml")) as folder:
        found = sorted(folder.rglob("*.[kK][mM][lL]"))
        if not found:
            raise UnreadableFile(f"'{file.name}' holds no KML.", HINT)
        for path in found:
            inner = recognise(path)
            if inner.format != "kml":
                raise UnreadableFile(f"'{path.name}' in '{file.name}' is no KML.", HINT)
            for layer in read(inner, ask):
                yield replace(layer, name=file.path.stem if layer.name == "doc" else layer.name)
