"""A zip of any files that are read: all their layers, from a folder that is gone afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from app.errors import UnreadableFile
from app.ingest.archive import unpacked
from app.ingest.files import SourceFile, list_files, recognise
from app.ingest.formats import FileFormat
from app.ingest.layer import Ask, Layer, skipped_layer
from app.ingest.readers.select import NoSuchLayerError

HINT = "Pack the data's files into it: for a Shapefile .shp, .shx, .dbf, .prj and .cpg."
Readers = Mapping[FileFormat, Callable[[SourceFile, Ask], Iterator[Layer]]]


def read(file: SourceFile, ask: Ask, readers: Readers) -> Iterator[Layer]:
    """The layers of every dataset in the archive; of several, those that cannot be read are named as skipped layers.

    Raises:
        UnreadableFile: It is damaged, beyond the bounds, holds nothing that can be read, or lacks the layer asked for.
    """
    with unpacked(file.path) as folder:
        datasets, refused = _datasets(file, folder, readers)
        missing: list[str] = []
        taken: dict[str, SourceFile] = {}
        for dataset in datasets:
            try:
                for layer in readers[dataset.format](dataset, ask):
                    # The only layer of its file is not that of the archive.
                    alone = layer.alone and len(datasets) == 1
                    yield replace(_named(layer, dataset, folder, taken), alone=alone)
            except NoSuchLayerError as error:
                missing.append(error.hint or "")
            except UnreadableFile as error:
                if len(datasets) == 1:
                    raise
                refused.append(_refused(dataset.path, folder, error))
        if len(missing) == len(datasets):
            raise NoSuchLayerError(f"'{file.name}' has no layer '{ask.layer}'.", " ".join(missing))
        yield from refused


def _datasets(file: SourceFile, folder: Path, readers: Readers) -> tuple[list[SourceFile], list[Layer]]:
    found: list[SourceFile] = []
    refused: list[Layer] = []
    for path in _listed(file, folder):
        try:
            found.append(_readable(path, readers))
        except UnreadableFile as error:
            refused.append(_refused(path, folder, error))
    if not found:
        reasons = "; ".join(str(layer.skipped) for layer in refused)
        raise UnreadableFile(f"'{file.name}' holds no file that can be read.", reasons or HINT)
    return found, refused


def _listed(file: SourceFile, folder: Path) -> list[Path]:
    try:
        return list_files(folder)
    except UnreadableFile as error:
        raise UnreadableFile(f"'{file.name}' holds no file that can be read.", HINT) from error


def _readable(path: Path, readers: Readers) -> SourceFile:
    found = recognise(path)
    if found.format == "zip":
        raise UnreadableFile(f"'{path.name}' is an archive within an archive.", "Unpack the outer one.")
    if found.format not in readers:
        raise UnreadableFile(f"'{path.name}' is OpenStreetMap data.", "Unpack it and import it by itself.")
    return found


def _refused(path: Path, folder: Path, error: UnreadableFile) -> Layer:
    return skipped_layer(str(path.relative_to(folder)), f"{error.message} {error.hint or ''}".strip())


def _named(layer: Layer, dataset: SourceFile, folder: Path, taken: dict[str, SourceFile]) -> Layer:
    """The layer under its own name, or, where another dataset has one of that name, behind the name of its file."""
    if taken.setdefault(layer.name, dataset) is dataset:
        return layer
    return replace(layer, name=f"{dataset.path.relative_to(folder)}: {layer.name}")
