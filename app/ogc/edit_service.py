"""Use cases of editing over HTTP (OGC API Features Part 4): create, replace, update and delete features.

Everything slow is done first; then the class's lock is taken, the version compared and the rows written, with their
history, in the caller's transaction. Nothing here commits.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Catalogue, FeatureClass
from app.database.transactions import Connection
from app.errors import Conflict
from app.inventory import row_store
from app.inventory.areas import AREA_CLASSES
from app.inventory.batch import Batch, Change, Period
from app.inventory.changes import METRIC_CRS, areas_version, find_setting, lock_classes
from app.inventory.kept import latest
from app.inventory.periods import today
from app.inventory.row_store import StoredRow, find_versions
from app.inventory.service import Check, delete_features, write_batches
from app.ogc import edit_own_service as own
from app.ogc.crs import NamedCrs, offered
from app.ogc.edit_checks import DATES, IDS, check_row, heights_of, refuse
from app.ogc.edit_shapes import Drawn, body_crs, draw, is_shown
from app.ogc.edit_values import Fault, Members, check_kept, fill_required, read_members, read_period
from app.ogc.edit_versions import VERSION, How, OvertakenError, check_seen, check_version
from app.ogc.edits import Sent
from app.validation.city_store import read_divisions, read_frame, read_surroundings
from app.validation.components import ID, Official
from app.validation.frame import Frame


@dataclass(frozen=True, slots=True)
class Saved:
    """A feature as it stands after an edit, and what was done to it on the way (`repaired`) or is odd (`warned`).

    `written`: the edit said something else than what stood there; else `change_id` is the one before.
    """

    id: int
    code: str
    change_id: int
    repaired: Mapping[str, Any] | None = None
    warned: tuple[Fault, ...] = ()
    written: bool = True


@dataclass(frozen=True, slots=True)
class _City:
    """What features are checked against: the border (None: anywhere), official ids, the systems that are offered."""

    frame: Frame | None
    official: Official
    offered: tuple[str, ...]


@dataclass(slots=True)
class _Row:
    """A row on its way to the table; `brought`: the client gave its code."""

    code: str
    values: dict[str, Any]
    shape: shapely.Geometry
    incomplete: bool = False
    brought: bool = False
    period: Period | None = None
    repaired: Mapping[str, Any] | None = None
    warned: list[Fault] = field(default_factory=list)


def create(
    conn: Connection, catalogue: Catalogue, cls: FeatureClass, sent: Sequence[Sent], how: How
) -> list[Saved]:
    """New features, all or none of them; each with the code that it brings, else with one that is drawn for it.

    Raises:
        BadInput: One of them cannot be stored; all that is wrong with it stands in `errors`.
        Conflict: One of the codes is taken, or the city is still empty.
        Forbidden: One of them would lie outside the areas, or not be of the party, for which the caller may write.
    """
    stored = own.check_class(catalogue, cls)
    city = _city(conn, catalogue, cls, how)
    crs = body_crs(how.content_crs, {item.crs for item in sent}, city.offered)
    rows = []
    for place, item in enumerate(sent, start=1):
        row, faults = _new_row(cls, stored, item, crs, city)
        if row is None or faults:
            raise refuse(faults, place if len(sent) > 1 else None)
        rows.append(row)
    _check_twice(rows)
    own.check_homes(conn, stored, [row.code for row in rows], [row.shape for row in rows])
    # A code that was drawn is nobody else's.
    brought = [row.code for row in rows if row.brought]
    if cls.id not in AREA_CLASSES and row_store.looks_empty(conn, stored):
        # Else what the plan reads would keep a first load, which is waited for, from taking the class's place.
        lock_classes(conn, [cls.id])
    return _write(conn, catalogue.stored, stored, rows, how.change(), lambda: _check_free(conn, cls, brought))


def _city(conn: Connection, catalogue: Catalogue, cls: FeatureClass, how: How) -> _City:
    metric = find_setting(conn, METRIC_CRS)
    if metric is None and how.metric_crs is None:
        raise Conflict(
            "The city is still empty: one feature alone would fix its metric CRS.",
            "Load data first (POST /imports), or set CHENGTU_METRIC_CRS.",
        )
    version = areas_version(conn)
    open_ = how.allow_outside or cls.id in AREA_CLASSES
    frame = None if open_ else latest(conn, "edit frame", version, lambda: read_frame(conn))
    if frame is None and not open_:
        frame = read_surroundings(conn, catalogue.stored.classes.values())
    divisions = latest(conn, "edit divisions", version, lambda: read_divisions(conn))
    return _City(frame, Official(catalogue.stored, None, divisions), offered(metric or how.metric_crs))


def _new_row(
    cls: FeatureClass, stored: FeatureClass, sent: Sent, crs: NamedCrs, city: _City
) -> tuple[_Row | None, Sequence[Fault]]:
    """The row of a new feature, as who makes it sees the class (`cls`) and as it is `stored`."""
    members = read_members(cls, sent.properties)
    empty = dict.fromkeys(item.name for item in stored.fields)
    values, lacking = fill_required(stored, {**empty, **members.fields})
    values |= own.new_owners(stored, values)
    lacking += own.find_hiding(stored, values)
    period, odd = read_period(members.kept)
    drawn = draw(cls, sent.geometry, crs, city.frame)
    faults = [*members.faults, *odd]
    faults += [fault for fault in lacking if fault.field not in {known.field for known in faults}]
    if isinstance(drawn, Fault):
        return None, [*faults, drawn]
    values |= heights_of(cls, drawn.raw, values)
    checked = check_row(stored, values, drawn.shape, city.official)
    code = members.code or f"e{secrets.token_hex(8)}"
    row = _Row(
        code,
        values | dict(checked.learned),
        drawn.shape,
        brought=bool(members.code),
        period=period,
        repaired=drawn.repaired,
        warned=[*_odd_shape(drawn), *checked.warned],
    )
    return row, [*faults, *checked.faults]


def _odd_shape(drawn: Drawn) -> list[Fault]:
    return [] if drawn.warned is None else [Fault("geometry", None, drawn.warned)]


def _check_twice(rows: Sequence[_Row]) -> None:
    seen: dict[str, int] = {}
    for place, row in enumerate(rows, start=1):
        first = seen.setdefault(row.code, place)
        if first != place:
            fault = Fault("code", row.code, f"feature {first} of the body bears it too", "Give each its own.")
            raise refuse([fault], place)


def _check_free(conn: Connection, cls: FeatureClass, codes: Sequence[str]) -> None:
    known = find_versions(conn, cls, codes) if codes else {}
    if known:
        code, (item, _) = min(known.items())
        raise Conflict(
            f"A feature of {cls.id} with the code '{code}' is there already: /collections/{cls.id}/items/{item}.",
            "Change that one with PATCH, or give the new one another code.",
            conflicts=[{"code": one, "id": found[0]} for one, found in sorted(known.items())],
        )


def change_feature(
    conn: Connection, catalogue: Catalogue, cls: FeatureClass, item: int, sent: Sent, how: How, *, whole: bool
) -> Saved:
    """Change a feature: by what was sent alone, or (`whole`) all of it, where what was not sent is emptied.

    The code stays: by it imports know the feature again. So does what only the server writes.

    Raises:
        NotFound: There is no such feature now.
        PreconditionFailed: It is not of the version that the client means; what it is now stands in the problem.
        BadInput: It cannot be stored so; all that is wrong stands in `errors`.
        Forbidden: It is, or would be, at home or of a party for which the caller may not write.
    """
    stored = own.check_class(catalogue, cls)
    version = sent.properties.get(VERSION)
    seen = check_version(conn, catalogue, cls, row_store.find_row(conn, stored, item), item, how, version)
    own.check_home(stored, seen)
    city = _city(conn, catalogue, cls, how)
    crs = body_crs(how.content_crs, {sent.crs}, city.offered)

    def write(row: StoredRow) -> Saved:
        """Write what was sent over `row`; raises OvertakenError where that is not what stands there."""
        drawn = _redrawn(cls, sent, crs, city, row)
        new = _edited_row(cls, stored, sent, row, drawn, city, whole=whole)
        if drawn is not None:
            own.check_homes(conn, stored, [new.code], [new.shape])
        check = partial(check_seen, conn, catalogue, cls, row, how, version)
        return _write(conn, catalogue.stored, stored, [new], how.change_of_version(), check)[0]

    row = seen
    while True:
        try:
            return write(row)
        except OvertakenError as overtaken:
            # The class's lock is held by now: only a day that ends can come between once more.
            row = overtaken.row
        own.check_home(stored, row)


def _edited_row(
    cls: FeatureClass,
    stored: FeatureClass,
    sent: Sent,
    row: StoredRow,
    drawn: Drawn | Fault | None,
    city: _City,
    *,
    whole: bool,
) -> _Row:
    """The row with what was sent; raises BadInput with all that is wrong with it."""
    members = read_members(cls, sent.properties)
    faults = [*members.faults, *_other_faults(sent, members, row)]
    said = {**(dict.fromkeys(item.name for item in cls.fields) if whole else {}), **members.fields}
    said, lacking = fill_required(cls, own.kept_owners(stored, said, members.fields, row))
    lacking += own.find_hiding(stored, said)
    faults += [fault for fault in lacking if fault.field not in {known.field for known in faults}]
    if isinstance(drawn, Fault):
        raise refuse([*faults, drawn])
    new = _changed_row(cls, row, said, drawn, city, faults)
    if faults:
        raise refuse(faults)
    return new


def _redrawn(
    cls: FeatureClass, sent: Sent, crs: NamedCrs, city: _City, row: StoredRow
) -> Drawn | Fault | None:
    """The shape that was sent, None where none was or it is the stored one: that is no matter of this edit."""
    if not sent.shaped or is_shown(sent.geometry, crs, row.shape):
        return None
    return draw(cls, sent.geometry, crs, city.frame)


def _other_faults(sent: Sent, members: Members, row: StoredRow) -> list[Fault]:
    """What was said of the feature's id, code and of columns that only the server writes, where it is not so."""
    faults = [*check_kept({name: raw for name, raw in members.kept.items() if name != VERSION}, row.shown)]
    if members.code is not None and members.code != row.code:
        hint = "Imports know the feature by it. Delete the feature and create it under the other code."
        faults.append(Fault("code", members.code, f"the code stays as it is ({row.code})", hint))
    if sent.id is not None and str(sent.id) != str(row.id):
        faults.append(Fault("id", str(sent.id)[:100], f"the address names the feature {row.id}", ""))
    return faults


def _changed_row(
    cls: FeatureClass,
    row: StoredRow,
    said: Mapping[str, Any],
    drawn: Drawn | None,
    city: _City,
    faults: list[Fault],
) -> _Row:
    """The row with what was said; what is wrong with it as a whole is added to `faults`."""
    values = dict(said)
    found = _Row(row.code, values, row.shape, incomplete=row.incomplete)
    if drawn is not None:
        values |= heights_of(cls, drawn.raw, {**row.fields, **values})
        # Whoever draws it anew says that it is whole.
        found.shape, found.incomplete = drawn.shape, False
        found.repaired, found.warned = drawn.repaired, _odd_shape(drawn)
    # What was wrong before the edit and is not touched by it hinders nobody from mending something else.
    touched = {name for name, value in values.items() if value != row.fields.get(name)}
    if touched & (IDS | DATES) or (drawn is not None and row.fields.get(ID)):
        checked = check_row(cls, {**row.fields, **values}, found.shape, city.official)
        faults += checked.faults
        found.warned += checked.warned
    return found


def _write(
    conn: Connection,
    catalogue: Catalogue,
    cls: FeatureClass,
    rows: Sequence[_Row],
    change: Change,
    check: Check,
) -> list[Saved]:
    """Write rows (of which all name the same fields) as one change; those with days of their own after the others.

    `check` is called under the class's lock and raises what speaks against it.
    """
    timed = [row for row in rows if row.period is not None]
    plain = [row for row in rows if row.period is None]
    batches = [_batch(cls, part) for part in (plain, timed) if part]
    written = write_batches(conn, catalogue, batches, change, check=check)[cls.id].loaded > 0
    known = find_versions(conn, cls, [row.code for row in rows])
    return [Saved(*_of(known, row), row.repaired, tuple(row.warned), written) for row in rows]


def _of(known: Mapping[str, tuple[int, int]], row: _Row) -> tuple[int, str, int]:
    item, change_id = known[row.code]
    return item, row.code, change_id


def _batch(cls: FeatureClass, rows: Sequence[_Row]) -> Batch:
    names = dict.fromkeys(name for row in rows for name in row.values)
    shapes = np.empty(len(rows), dtype=object)
    shapes[:] = [row.shape for row in rows]
    periods = [row.period for row in rows if row.period is not None]
    return Batch(
        cls.id,
        [row.code for row in rows],
        shapes,
        {name: [row.values[name] for row in rows] for name in names},
        [None] * len(rows),
        incomplete=frozenset(row.code for row in rows if row.incomplete),
        valid=periods or None,
    )


def delete(
    conn: Connection,
    catalogue: Catalogue,
    cls: FeatureClass,
    item: int,
    how: How,
    valid_to: date | None,
    *,
    never: bool,
) -> None:
    """End a feature: from the day `valid_to` on (today) it is not there, and of earlier days it stays as believed.

    With `never` it was drawn by mistake: it was not there on any day. Its record stays in either case.

    Raises:
        NotFound, PreconditionFailed, Forbidden: See `change_feature`.
    """
    stored = own.check_class(catalogue, cls)
    row = check_version(conn, catalogue, cls, row_store.find_row(conn, stored, item), item, how, None)
    own.check_home(stored, row)
    period = (None, None) if never else (valid_to or today(), None)

    def check() -> None:
        try:
            check_seen(conn, catalogue, cls, row, how, None)
        except OvertakenError as overtaken:
            own.check_home(stored, overtaken.row)

    delete_features(conn, catalogue.stored, cls.id, [row.code], how.change_of_version(), period, check)
