"""Layers through GDAL, opened by one driver only, in Arrow batches: what all formats that GDAL reads have in common."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.errors import UnreadableFile
from app.ingest.files import SourceFile
from app.ingest.layer import CHUNK_ROWS, Ask, Layer
from app.ingest.readers.select import chosen, distinct
from app.ingest.readers.wkb import shapes
from app.lazy import lazy_module

#: It loads GDAL, and pandas where that is installed: a second that most commands do not need.
pyogrio = lazy_module("pyogrio")
pyarrow = lazy_module("pyarrow")

#: The name under which a file is handed to GDAL, which would else read neighbours and prefixes out of its path.
STAGED = "chengtu-source"
HINT = "Save it again as GeoPackage from QGIS or ogr2ogr."
#: GDAL's warnings about a file that are kept as notes.
MAX_NOTES = 3


@dataclass(frozen=True, slots=True)
class Driver:
    """How GDAL opens a format: its driver, the suffix that the driver wants, its open options and settings."""

    name: str
    suffix: str
    options: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def staged(path: Path, suffix: str) -> Iterator[str]:
    """The file under a plain name in a folder of its own, as GDAL is given it."""
    with tempfile.TemporaryDirectory(prefix="chengtu-") as folder:
        link = Path(folder) / f"{STAGED}{suffix}"
        link.symlink_to(path, target_is_directory=path.is_dir())
        yield str(link)


def linear(path: Path, suffix: str, layer: str | int, positions: Mapping[int, int]) -> dict[int, Any]:
    """Position → geometry of some rows (row id → position), with curves made of straight pieces by GDAL."""
    with staged(path, suffix) as source, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, fids, geometry, _ = pyogrio.raw.read(
            source, layer=layer, columns=[], fids=list(positions), return_fids=True
        )
    found = shapes(geometry.tolist()).geometry
    return {positions[fid]: shape for fid, shape in zip(fids.tolist(), found, strict=True)}


def read_layers(file: SourceFile, ask: Ask, driver: Driver, only: Sequence[str] = ()) -> Iterator[Layer]:
    """Every layer of the file in chunks; those without geometry are tables. Rows are numbered by GDAL's row id.

    With `only` just the layers of these names, and of them those that have rows.

    Raises:
        UnreadableFile: GDAL cannot open the file with this driver, or a layer breaks off.
    """
    with staged(file.path, driver.suffix) as source:
        listed = _list_layers(file, source, driver)
        names = distinct([file.path.name.split(".")[0] if n == STAGED else str(n) for n, _ in listed])
        if not names or (only and not set(names) & set(only)):
            raise UnreadableFile(f"'{file.name}' holds no layer.", HINT)
        given = not only
        positions = chosen(file, ask, names)
        for position in positions:
            if only and names[position] not in only:
                continue
            stream = _Stream(file, source, driver, position, names[position], listed[position][1] is not None)
            for layer in stream.chunks():
                if layer.rows or not only:
                    given = True
                    yield replace(layer, alone=len(positions) == 1)
        if not given:
            raise UnreadableFile(f"'{file.name}' holds no rows.", HINT)


def _list_layers(file: SourceFile, source: str, driver: Driver) -> list[tuple[Any, Any]]:
    """Names of the layers and types of their geometry, None without; refused where another driver opens the file."""
    pyogrio.set_gdal_config_options(dict(driver.config))
    with Said(file).listen():
        listed: list[tuple[Any, Any]] = pyogrio.list_layers(source).tolist()
        opened = pyogrio.read_info(source, layer=0, **driver.options)["driver"] if listed else driver.name
    if opened != driver.name:
        raise UnreadableFile(f"'{file.name}' is not what its first bytes say.", HINT)
    return listed


class Said:
    """What GDAL warns of while it reads a file, in the order said; its errors become sentences."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """The first warnings, each once."""
        return tuple(list(self._notes)[:MAX_NOTES])

    @contextmanager
    def listen(self) -> Iterator[None]:
        """Raises: UnreadableFile: GDAL gives up within."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                yield
            except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FieldError,
                    pyogrio.errors.FeatureError, pyarrow.ArrowException, OSError, ValueError) as error:  # fmt: skip
                raise UnreadableFile(
                    f"'{self._file.name}' is damaged: {self._plain(str(error))}.", HINT
                ) from error
        self._notes |= dict.fromkeys(self._plain(str(item.message)) for item in caught)

    def _plain(self, text: str) -> str:
        """GDAL's sentence without the path under which it was given the file."""
        first = text.strip().split("\n")[0].split(";")[0]
        words = [self._file.name if STAGED in word else word for word in first.split()]
        plain = " ".join(words)[:200].rstrip(".")
        # GDAL names places in its own source, which tell nobody anything.
        return "it cannot be read" if "/" in plain else plain


@dataclass(frozen=True, slots=True)
class _Stream:
    """One layer of an opened file, `position` its number, on its way in batches."""

    file: SourceFile
    source: str
    driver: Driver
    position: int
    name: str
    spatial: bool

    def chunks(self) -> Iterator[Layer]:
        """The layer in chunks, one without rows where it is empty. Raises: UnreadableFile: It breaks off."""
        said = Said(self.file)
        with said.listen():
            told = pyogrio.read_info(self.source, layer=self.position, **self.driver.options)["features"]
            context = pyogrio.raw.open_arrow(
                self.source, layer=self.position, batch_size=CHUNK_ROWS, return_fids=True, use_pyarrow=True,
                datetime_as_string=True, **self.driver.options,
            )  # fmt: skip
            meta, reader = context.__enter__()
        try:
            count = 0
            batch = _next(reader, said)
            while batch is not None or not count:
                layer = self._layer(batch, meta, said)
                count += max(len(layer.rows), 1)
                yield layer
                batch = _next(reader, said)
        finally:
            context.__exit__(None, None, None)
        if told > count:
            raise UnreadableFile(
                f"'{self.file.name}' is damaged: it breaks off after {count} of {told} rows.", HINT
            )

    def _layer(self, batch: Any, meta: Any, said: Said) -> Layer:
        """A batch holds the row id, the fields in their order and the geometry, if there is one."""
        headings = distinct([str(field) for field in meta["fields"]])
        fids: list[int] = batch.column(0).to_pylist() if batch else []
        blobs = batch.column(len(headings) + 1).to_pylist() if batch and self.spatial else [None] * len(fids)
        columns = {
            name: values_of(batch.column(i)) if batch else [] for i, name in enumerate(headings, start=1)
        }
        found = shapes(blobs, lambda which: self._linear(fids, which))
        return Layer(
            self.name, fids, found.geometry, columns, meta["crs"], found.faults, encoding="UTF-8",
            notes=found.notes + said.notes, spatial=self.spatial,
        )  # fmt: skip

    def _linear(self, fids: list[int], which: list[int]) -> dict[int, Any]:
        return linear(self.file.path, self.driver.suffix, self.position, {fids[i]: i for i in which})


def _next(reader: Any, said: Said) -> Any:
    with said.listen():
        for given in reader:
            batch = _with_codes(given)
            # Offsets within it come from the file: they are checked before they are followed.
            batch.validate(full=True)
            if batch.num_rows:
                return batch
    return None


def _with_codes(batch: Any) -> Any:
    """The batch with the numbers themselves in columns that GDAL gives as positions in a list of a domain's words.

    A number that the domain does not know would be a position beyond the list's end.
    """
    for i, column in enumerate(batch.columns):
        if pyarrow.types.is_dictionary(column.type):
            batch = batch.set_column(i, batch.schema.field(i).name, column.indices)
    return batch


def values_of(array: Any) -> list[Any]:
    """The values of an Arrow array, None for null."""
    if pyarrow.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pyarrow.types.is_string(array.type) or pyarrow.types.is_large_string(array.type):
        values: list[Any] = array.to_numpy(zero_copy_only=False).tolist()
        return values
    listed: list[Any] = array.to_pylist()
    return listed
