"""Exporting a class, a run or the whole city to a file that is either whole or not there."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from app.catalogue.model import Catalogue, CodeSystem, FeatureClass
from app.coverage.service import get_run
from app.coverage.store import limiting_areas
from app.database.transactions import Connection, Database
from app.errors import BadInput, NoSpace, NotFound, unknown
from app.exports import store
from app.exports.formats import FORMATS, find_ending
from app.exports.model import SAMPLE_NOTICE, ExportData, watched, with_codes
from app.exports.placing import Placing, make_placing, metric_placing
from app.exports.profile import as_profile, get_profile
from app.inventory.asked_times import asked_times
from app.inventory.changes import data_version, data_versions, get_metric_crs
from app.inventory.periods import today
from app.inventory.query import Condition
from app.inventory.times import Times
from app.lazy import lazy_module, loading
from app.ogc.queryables import queryables_of
from app.ogc.store import without_features
from app.space.city_systems import NO_SYSTEMS, CitySystems
from app.version import version

#: The language of filters, which few exports have.
compiler = lazy_module("app.ogc.cql2.compiler")
parsing = lazy_module("app.ogc.cql2.parse")

WHOLE_CITY = "city"
#: What every export needs to read its rows (`numpy.ma`: pyarrow does), loaded while the database counts them.
READERS = ("pyarrow", "pyarrow.compute", "app.ogc.record_batches", "numpy.ma")
#: Free space below which a failed write is told as a full disk.
FULL_BYTES = 1_000_000
#: Called as `report(rows given, rows of all, layer)`.
Report = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an export is asked for beside its name and form.

    Formats of one layer hold of a run the `part` areas, gaps, units or differences. With `profile` city components are
    written under the attributes of their standard alone. `as_of` (a day) and `known_at` (a change number or a moment)
    choose the versions of a class's rows, `area` (a code or name) those at home there, `filter` (CQL2 text or JSON)
    those that meet it. Coordinates are in `crs`, a code or the name of one of the city's `systems`, by default CGCS2000
    lon/lat (EPSG:4490), in drawings the city's metric CRS; GeoJSON, KML and tables have lon/lat only. XLSX shows the
    Chinese labels of choices, with `codes` the values that are stored, as all other formats do. `encoding` is that of
    the texts of Shapefiles: UTF-8 or GBK.
    """

    part: str = "areas"
    profile: str | None = None
    as_of: str | None = None
    known_at: str | None = None
    area: str | None = None
    filter: str | None = None
    crs: str | None = None
    systems: CitySystems = NO_SYSTEMS
    codes: bool = False
    encoding: str | None = None

    @property
    def chosen(self) -> dict[str, str]:
        """What leaves rows out, which the file tells."""
        asked = {"area": self.area, "filter": self.filter}
        return {name: value for name, value in asked.items() if value is not None}


PLAIN = Wishes()


def export(
    db: Database,
    catalogue: Catalogue,
    name: str,
    to: Path,
    wishes: Wishes = PLAIN,
    report: Report | None = None,
    **wished: Any,
) -> dict[str, Any]:
    """Write a class (id), a run (UUID) or `city` (all classes that hold rows) to `to`; what was written.

    The format is that of the file's name (`formats.FORMATS`). Rows are read while they are written, in one snapshot and
    a memory that does not grow; `report` hears of it. The file appears under its name only when it is whole; one that
    was there before stays until then. `wished` are members of `Wishes` by name. Result: `{"path", "layers": {name:
    rows}, "bytes", "changed": {what the format could not hold: values}}` and what is said of the data; with a profile
    also `"missing"`: class → mandatory attribute → rows that lack it.

    Raises:
        BadInput: The format is not written, the folder does not exist or may not be written to, the profile does not
            fit what is exported, nothing is written in the CRS, a time or filter cannot be read.
        NotFound: There is no such class, run, area or profile.
        NoSpace: The disk is full; nothing was written.
    """
    wishes = replace(wishes, **wished)
    placing = make_placing(to.name, wishes.crs, wishes.systems)
    encoding = check_encoding(to.name, wishes.encoding)
    system = get_profile(catalogue.codes, wishes.profile) if wishes.profile is not None else None
    more: dict[str, Any] = {}
    with db.stream() as conn, store.reading(conn, catalogue) as reading:
        with loading(*READERS):
            data = read_export(reading, name, to.name, wishes)
        if system is not None:
            data, more["missing"] = _profiled(conn, data, system)
        if wishes.codes:
            data = with_codes(data)
        data = replace(_placed(conn, placing, to.name, wishes).apply(data), encoding=encoding)
        return {**write_file(watched(data, report) if report else data, to), **more}


def identify(conn: Connection, catalogue: Catalogue, name: str, ending: str) -> dict[str, str]:
    """What makes two files of the same wishes the same: whose rows, of which data and day, written by which program."""
    chosen = catalogue.classes.values() if name not in catalogue.classes else [catalogue.classes[name]]
    # Home areas are named in profiles and chosen by.
    classes = {
        cls.id: cls for cls in (*chosen, *(catalogue.classes[area] for area in ("districts", "grid_cells")))
    }
    return {
        "name": name, "ending": ending, "day": today().isoformat(), "program": version(),
        "versions": "-".join(map(str, data_versions(conn, list(classes.values())))),
        "said": store.read_marks(conn), "classes": repr(classes), "open": str(catalogue.open_only),
    }  # fmt: skip


def check_encoding(file_name: str, encoding: str | None) -> str:
    """The encoding of the texts of a file; raises BadInput for one that its format is not written in."""
    ending = find_ending(file_name)
    known = FORMATS[ending].encodings
    if encoding is None:
        return known[0]
    found = next((item for item in known if item.casefold() == encoding.casefold()), None)
    if found is None:
        raise BadInput(f"A .{ending} file is not written in {encoding}.", f"It is in {' or '.join(known)}.")
    return found


def _placed(conn: Connection, placing: Placing, file_name: str, wishes: Wishes) -> Placing:
    if wishes.crs is None and FORMATS[find_ending(file_name)].metres:
        return metric_placing(get_metric_crs(conn).definition)
    return placing


def _profiled(
    conn: Connection, data: ExportData, system: CodeSystem
) -> tuple[ExportData, dict[str, dict[str, int]]]:
    """The layers of city components under the attributes of `system`; class → mandatory attribute → rows without it."""
    many = len(data.layers) > 1
    pairs = [
        (layer, layer.cls)
        for layer in data.layers
        if layer.cls is not None and (not many or system.id in layer.cls.components)
    ]
    if not pairs:
        raise BadInput(f"'{data.layers[0].name}' holds no city components.", "Export it without a profile.")
    areas = store.read_area_names(conn)
    done = {layer.name: as_profile(layer, cls, system, areas) for layer, cls in pairs}
    missing = {name: lacking for name, (_, lacking) in done.items() if lacking}
    told = "; ".join(f"{name} {key}: {n}" for name, keys in missing.items() for key, n in keys.items())
    about = {**data.about, "profile": system.standard, **({"missing": told} if told else {})}
    return ExportData(tuple(layer for layer, _ in done.values()), about), missing


def read_export(reading: store.Reading, name: str, file_name: str, wishes: Wishes = PLAIN) -> ExportData:
    """The layers of a class or the whole city at a time, or of a run, with what is said of them."""
    conn, catalogue = reading.conn, reading.catalogue
    ending = find_ending(file_name)
    run = _find_run_id(name)
    if run is not None:
        if wishes.as_of is not None or wishes.known_at is not None:
            raise BadInput("A run is of the day in its inputs.", "Leave as_of and known_at out.")
        return _read_run(
            reading, run, [wishes.part] if FORMATS[ending].single else list(store.RUN_LAYERS), wishes
        )
    times = asked_times(conn, wishes.as_of, wishes.known_at)
    classes = _classes(conn, catalogue, name, times, wishes, ending)
    said = _said_of(conn, classes, times)
    newest = int(said["known_at"])
    layers = tuple(
        store.read_class(
            reading,
            cls,
            newest,
            store.Chosen(times, wishes.area, _condition(catalogue, cls.id, wishes)),
        )
        for cls in classes
    )
    about = {**store.read_origin(conn, classes, times), **said, **wishes.chosen, **_notice(conn)}
    return ExportData(layers, about)


def _classes(
    conn: Connection, catalogue: Catalogue, name: str, times: Times, wishes: Wishes, ending: str
) -> list[FeatureClass]:
    if name != WHOLE_CITY:
        return [catalogue.get_class(name)]
    if FORMATS[ending].single:
        plain = "Export the whole city as .gpkg."
        many = f"Export the whole city as .{ending}.zip, a file a class, or as .gpkg."
        raise BadInput(
            f"A .{ending} file holds one class only.", many if f"{ending}.zip" in FORMATS else plain
        )
    if wishes.filter is not None:
        raise BadInput("A filter names properties of one class.", "Name the class, or choose by area.")
    return _filled(conn, catalogue, times)


def _condition(catalogue: Catalogue, collection: str, wishes: Wishes) -> Condition | None:
    """The filter that is asked for, of a class or of a part of a run; raises BadInput."""
    if wishes.filter is None:
        return None
    asked = parsing.parse(wishes.filter, None)
    condition: Condition = compiler.compile_filter(asked, queryables_of(catalogue, collection))
    return condition


def _filled(conn: Connection, catalogue: Catalogue, times: Times) -> list[FeatureClass]:
    classes = store.list_filled(conn, catalogue.classes.values(), times)
    if classes:
        return classes
    if times.now:
        raise NotFound("The database holds no data yet.", "Load some: chengtu sample load or chengtu import.")
    raise NotFound("The database holds nothing at that time.", "Leave as_of and known_at out.")


def _said_of(conn: Connection, classes: list[FeatureClass], times: Times) -> dict[str, str]:
    """The day and the change number by which the same rows can be asked for again."""
    known_at = (
        times.known_at if times.known_at is not None else max(data_version(conn, cls) for cls in classes)
    )
    return {"as_of": (times.as_of or today()).isoformat(), "known_at": str(known_at)}


def _find_run_id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _read_run(reading: store.Reading, run: UUID, parts: list[str], wishes: Wishes) -> ExportData:
    conn, catalogue = reading.conn, reading.catalogue
    for part in parts:
        if part not in store.RUN_LAYERS:
            raise unknown("part of a run", part, store.RUN_LAYERS)
    if wishes.area is not None:
        raise BadInput("The rows of a run are at home in no area.", "Choose them by a filter: code = '…'.")
    about = _about_run(conn, run)
    origin = store.read_origin(conn, _classes_used(about["inputs"], catalogue))
    layers = tuple(
        store.read_run(reading, run, part, origin, _of_run(catalogue, part, wishes)) for part in parts
    )
    return ExportData(layers, {**about, **wishes.chosen, **_notice(conn), **origin})


def _about_run(conn: Connection, run: UUID) -> dict[str, str]:
    """What is said of a run, as far as the scope that holds may know it; NotFound where it knows of no such run."""
    told = get_run(conn, str(run), areas=False)["inputs"]
    about = store.get_run_about(conn, run)
    return about if limiting_areas() is None else {**about, "inputs": json.dumps(told, ensure_ascii=False)}


def _of_run(catalogue: Catalogue, part: str, wishes: Wishes) -> Condition | None:
    """The rows of a part of a run; of a public view without those that are features of a class."""
    table = store.RUN_LAYERS[part][0]
    asked = _condition(catalogue, table, wishes)
    return without_features(table, asked) if catalogue.open_only else asked


def _classes_used(inputs: str, catalogue: Catalogue) -> list[FeatureClass]:
    """The classes that a run was counted from, by its record; all where it names none."""
    used = json.loads(inputs).get("versions") or {}
    return [cls for class_id, cls in catalogue.classes.items() if class_id in used or not used]


def _notice(conn: Connection) -> dict[str, str]:
    return {"notice": SAMPLE_NOTICE} if store.is_sample(conn) else {}


def write_file(data: ExportData, to: Path) -> dict[str, Any]:
    """Write the layers to `to`, through a file beside it that takes its name when it is whole."""
    ending = find_ending(to.name)
    with whole_file(to, ending) as beside:
        changed = FORMATS[ending].write(beside, data)
    layers = {layer.name: len(layer) for layer in data.layers}
    told = {"changed": dict(changed)} if changed else {}
    return {"path": str(to), "layers": layers, "bytes": to.stat().st_size, **told, **data.about}


@contextmanager
def whole_file(to: Path, ending: str) -> Iterator[Path]:
    """A file beside `to` to be written; it takes the name of `to` where the block ends without an error.

    Raises:
        BadInput: There is no such folder, or it cannot be written to.
        NoSpace: The disk is full; nothing was written.
    """
    if not to.parent.is_dir():
        raise BadInput(f"There is no folder '{to.parent}'.", "Make it first.")
    if to.is_dir():
        raise BadInput(f"'{to}' is a folder.", "Name a file in it.")
    beside = to.with_name(f".{uuid4().hex}.{ending}")
    with _cleaned(beside, to):
        yield beside
        _flush(beside)
        if shutil.disk_usage(to.parent).free < FULL_BYTES:
            # Some libraries do not tell that they could not write all.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        beside.replace(to)


@contextmanager
def _cleaned(beside: Path, to: Path) -> Iterator[None]:
    """Leave nothing half-written behind, and say what hindered the writing."""
    try:
        yield
    except OSError as error:
        raise _told(error, to) from error
    finally:
        for leftover in beside.parent.glob(f"{beside.name}*"):
            leftover.unlink(missing_ok=True)


def _told(error: OSError, to: Path) -> Exception:
    # The path of the file is no reason.
    text = (error.strerror or str(error)).lower()
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or "full" in text or "no space" in text
    usage = shutil.disk_usage(to.parent)
    # A folder that takes no files (of a disk that is read-only, of the kernel's own) may have no room either.
    closed = usage.total == 0 or not os.access(to.parent, os.W_OK)
    if full or (usage.free < FULL_BYTES and not closed):
        return NoSpace(
            f"The disk is full: '{to.name}' was not written.", "Free some space, then export again."
        )
    return BadInput(
        f"'{to.name}' cannot be written: {error.strerror or type(error).__name__}.",
        "Check the folder and its permissions.",
    )


def _flush(path: Path) -> None:
    """Have the bytes on disk before the file takes its name."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
