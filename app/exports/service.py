"""Exporting a class, a run or the whole city to a file that is either whole or not there."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from app.catalogue.model import Catalogue, CodeSystem, FeatureClass
from app.database.transactions import Connection, Database
from app.errors import BadInput, NoSpace, NotFound, unknown
from app.exports import store
from app.exports.formats import FORMATS, find_ending
from app.exports.model import SAMPLE_NOTICE, ExportData, with_codes
from app.exports.placing import make_placing
from app.exports.profile import as_profile, get_profile
from app.inventory.asked_times import asked_times
from app.inventory.changes import data_version
from app.inventory.periods import today
from app.inventory.times import NOW, Times
from app.space.city_systems import NO_SYSTEMS, CitySystems

WHOLE_CITY = "city"
#: Free space below which a failed write is told as a full disk.
FULL_BYTES = 1_000_000


def export(
    db: Database,
    catalogue: Catalogue,
    name: str,
    to: Path,
    *,
    part: str = "areas",
    profile: str | None = None,
    as_of: str | None = None,
    known_at: str | None = None,
    crs: str | None = None,
    systems: CitySystems = NO_SYSTEMS,
    codes: bool = False,
) -> dict[str, Any]:
    """Write a class (id), a run (UUID) or `city` (all classes that hold rows) to `to`; what was written.

    The format is that of the file's name (`formats.FORMATS`); those of one layer hold of a run the `part` areas, gaps
    or units. The file appears under its name only when it is whole; one that was there before stays until then. With
    `profile` city components are written under the attributes of their standard alone. `as_of` (a day) and `known_at`
    (a change number or a moment) choose the versions of a class's rows. Coordinates are in `crs`, a code or the name of
    one of the city's `systems`, by default CGCS2000 lon/lat (EPSG:4490); GeoJSON and tables have lon/lat only.
    XLSX shows the Chinese labels of choices, with `codes` the values that are stored, as all other formats do. Result:
    `{"path", "layers": {name: rows}, "bytes", "changed": {what the format could not hold: values}}` and what is said of
    the data; with a profile also `"missing"`: class → mandatory attribute → rows that lack it.

    Raises:
        BadInput: The format is not written, the folder does not exist or may not be written to, the profile does not
            fit what is exported, nothing is written in the CRS, or a time cannot be read.
        NotFound: There is no such class, run or profile.
        NoSpace: The disk is full; nothing was written.
    """
    placing = make_placing(to.name, crs, systems)
    system = get_profile(catalogue.codes, profile) if profile is not None else None
    more: dict[str, Any] = {}
    with db.read(timeout_s=0) as conn:
        times = asked_times(conn, as_of, known_at)
        data = read_export(conn, catalogue, name, to.name, part, times)
        if system is not None:
            data, more["missing"] = _profiled(conn, catalogue, data, system)
        if codes:
            data = with_codes(data)
    return {**write_file(placing.apply(data), to), **more}


def _profiled(
    conn: Connection, catalogue: Catalogue, data: ExportData, system: CodeSystem
) -> tuple[ExportData, dict[str, dict[str, int]]]:
    """The layers of city components under the attributes of `system`; class → mandatory attribute → rows without it."""
    many = len(data.layers) > 1
    chosen = [(layer, catalogue.classes.get(layer.name)) for layer in data.layers]
    pairs = [
        (layer, cls) for layer, cls in chosen if cls is not None and (not many or system.id in cls.components)
    ]
    if not pairs:
        raise BadInput(f"'{data.layers[0].name}' holds no city components.", "Export it without a profile.")
    areas = store.read_area_names(conn)
    done = {layer.name: as_profile(layer, cls, system, areas) for layer, cls in pairs}
    missing = {name: lacking for name, (_, lacking) in done.items() if lacking}
    told = "; ".join(f"{name} {key}: {n}" for name, keys in missing.items() for key, n in keys.items())
    about = {**data.about, "profile": system.standard, **({"missing": told} if told else {})}
    return ExportData(tuple(layer for layer, _ in done.values()), about), missing


def read_export(
    conn: Connection, catalogue: Catalogue, name: str, file_name: str, part: str, times: Times = NOW
) -> ExportData:
    """The layers of a class or the whole city at a time, or of a run, with what is said of them."""
    single = FORMATS[find_ending(file_name)].single
    run = _find_run_id(name)
    if run is not None:
        if not times.now:
            raise BadInput("A run is of the day in its inputs.", "Leave as_of and known_at out.")
        return _read_run(conn, run, [part] if single else list(store.RUN_LAYERS), catalogue)
    if name == WHOLE_CITY:
        if single:
            raise BadInput("Such a file holds one class only.", "Export the whole city as .gpkg.")
        classes = _filled(conn, catalogue, times)
    else:
        classes = [catalogue.get_class(name)]
    said = _said_of(conn, classes, times)
    layers = tuple(store.read_class(conn, cls, int(said["known_at"]), times) for cls in classes)
    about = {**store.read_origin(conn, classes, times), **said, **_notice(conn)}
    return ExportData(layers, about)


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


def _read_run(conn: Connection, run: UUID, parts: list[str], catalogue: Catalogue) -> ExportData:
    for part in parts:
        if part not in store.RUN_LAYERS:
            raise unknown("part of a run", part, store.RUN_LAYERS)
    about = store.get_run_about(conn, run)
    origin = store.read_origin(conn, _classes_used(about["inputs"], catalogue))
    layers = tuple(store.read_run(conn, run, part, origin) for part in parts)
    return ExportData(layers, {**about, **_notice(conn), **origin})


def _classes_used(inputs: str, catalogue: Catalogue) -> list[FeatureClass]:
    """The classes that a run was counted from, by its record; all where it names none."""
    used = json.loads(inputs).get("versions") or {}
    return [cls for class_id, cls in catalogue.classes.items() if class_id in used or not used]


def _notice(conn: Connection) -> dict[str, str]:
    return {"notice": SAMPLE_NOTICE} if store.is_sample(conn) else {}


def write_file(data: ExportData, to: Path) -> dict[str, Any]:
    """Write the layers to `to`, through a file beside it that takes its name when it is whole."""
    ending = find_ending(to.name)
    if not to.parent.is_dir():
        raise BadInput(f"There is no folder '{to.parent}'.", "Make it first.")
    if to.is_dir():
        raise BadInput(f"'{to}' is a folder.", "Name a file in it.")
    beside = to.with_name(f".{uuid4().hex}.{ending}")
    with _cleaned(beside, to):
        changed = FORMATS[ending].write(beside, data)
        _flush(beside)
        beside.replace(to)
    layers = {layer.name: len(layer) for layer in data.layers}
    told = {"changed": dict(changed)} if changed else {}
    return {"path": str(to), "layers": layers, "bytes": to.stat().st_size, **told, **data.about}


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
    text = str(error).lower()
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or "full" in text or "no space" in text
    if full or shutil.disk_usage(to.parent).free < FULL_BYTES:
        return NoSpace(
            f"The disk is full: '{to.name}' was not written.", "Free some space, then export again."
        )
    return BadInput(
        f"'{to}' cannot be written: {error.strerror or error}.", "Check the folder and its permissions."
    )


def _flush(path: Path) -> None:
    """Have the bytes on disk before the file takes its name."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
