"""Exporting vector tiles as one PMTiles file that is either whole or not there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.access.reasons import Leaving, note_export
from app.catalogue.model import Catalogue, Lang
from app.catalogue.public_part import lower, part_of
from app.coverage.service import find_class_or_run
from app.database.scope import Level, within
from app.database.transactions import Database
from app.errors import BadInput
from app.exports.service import PLAIN, WHOLE_CITY, Wishes, whole_file
from app.tiles.archive_service import GROUND, Chosen, Report, write_archive
from app.tiles.asked import TilesAsked

#: What of other exports has no meaning for tiles, by the name of its option.
NOT_OF_TILES = ("part", "profile", "crs", "codes", "encoding")


@dataclass(frozen=True, slots=True)
class TileWishes:
    """`name` is a class (id, title), a run, `city` or `background`; `wishes` choose by time, area and filter.

    With `internal` classes and fields that are not declared public are drawn too; restricted ones never are.
    """

    name: str
    wishes: Wishes = PLAIN
    max_zoom: int | None = None
    internal: bool = False
    lang: Lang = "zh"


def export_tiles(
    db: Database, catalogue: Catalogue, to: Path, wanted: TileWishes, report: Report
) -> dict[str, Any]:
    """Write tiles to `to`: `{"path", "tiles", "zooms": [first, last], "layers": [ids], "public", "bytes"}`.

    Raises:
        BadInput: An option that tiles do not have; a filter, time or zoom that cannot be used; no such folder.
        NotFound: There is no such class, run or area, or nothing at all in it, or it is not public.
        NoSpace: The disk is full; nothing was written.
    """
    wishes = wanted.wishes
    _check(to, wanted)
    scope = db.scope
    # Rows as well as classes and fields: a file knows no clearance.
    level = lower(scope.level, "internal" if wanted.internal else "public")
    shown = part_of(catalogue, level)
    asked = TilesAsked(filter=wishes.filter, as_of=wishes.as_of, known_at=wishes.known_at, area=wishes.area)
    with within(replace(scope, level=level)), db.stream() as conn, whole_file(to, "pmtiles") as beside:
        name = wanted.name
        if name not in (WHOLE_CITY, GROUND):
            name = _shown(find_class_or_run(conn, catalogue, name), catalogue, shown, level)
        chosen = Chosen(name, asked, wanted.max_zoom, wanted.lang)
        found = write_archive(conn, shown, chosen, beside, report)
    note_export(db, name, "pmtiles", Leaving(shown, None, {}, {}), internal=wanted.internal, **wishes.chosen)
    return {"path": str(to), **found, "public": not wanted.internal, "bytes": to.stat().st_size}


def _shown(name: str, catalogue: Catalogue, shown: Catalogue, level: Level) -> str:
    """The name of a class or run; raises BadInput for a class that a file open to all may not hold."""
    if name in catalogue.classes and name not in shown.classes and level == "internal":
        raise BadInput(f"'{name}' is restricted, and whoever may fetch the file sees all of it.")
    if name in catalogue.classes and name not in shown.classes:
        raise BadInput(
            f"'{name}' is not declared public, and whoever may fetch the file sees all of it.",
            "With --internal it is written all the same.",
        )
    return name


def summary(result: dict[str, Any]) -> tuple[str, str, str]:
    """The row of a table: how many tiles, of which zooms, how many layers."""
    first, last = result["zooms"]
    return f"{result['tiles']:,}", f"{first}–{last}", str(len(result["layers"]))


def _check(to: Path, wanted: TileWishes) -> None:
    if not to.name.lower().endswith(".pmtiles"):
        raise BadInput(f"Tiles are not written to '{to.name}'.", "Name a file that ends in .pmtiles.")
    given = [name for name in NOT_OF_TILES if getattr(wanted.wishes, name) != getattr(PLAIN, name)]
    if given:
        raise BadInput(f"Tiles have no --{given[0]}.", "Choose by --area, --filter, --as-of or --known-at.")
    if wanted.wishes.filter is not None and wanted.name in (WHOLE_CITY, GROUND):
        raise BadInput("A filter names properties of one class.", "Name the class, or choose by area.")
