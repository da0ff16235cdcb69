"""What is found once the rows of a file are written, in the same transaction: what it lacks, changed, and has twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.catalogue.model import Catalogue, FeatureClass
from app.database.transactions import Connection
from app.errors import BadInput, Conflict
from app.ingest.options import ImportOptions
from app.ingest.split_store import count_parts
from app.ingest.tally import Tally
from app.inventory.batch import Change
from app.inventory.changes import data_version
from app.inventory.difference import Missing, difference, missing, moved, overwritten
from app.inventory.duplicates_store import stored_duplicates
from app.inventory.service import delete_features
from app.inventory.territory import writing_scope
from app.inventory.territory_store import writable_codes

EXAMPLES = 5
#: A point that is surveyed once more is found within so many metres; one farther away is another point of its number.
SAME_POINT_M = 100.0
#: Pairs of a new feature and a stored one at its place that the report names.
MAX_PAIRS = 200


@dataclass(frozen=True, slots=True)
class After:
    """The end of one file's writing: `versions` are the data versions of its classes before it.

    `numbered` names by class the column that was taken as key only since it numbers rows; `skipped` are layers that
    were not read, `lost` counts rows that no class took. Of `partial` classes only some rows were asked for; `absent`
    are classes of which the file could hold features and holds none, the codes of `surveyed` ones numbers of points.
    """

    conn: Connection
    catalogue: Catalogue
    options: ImportOptions
    tally: Tally
    change: Change
    versions: Mapping[str, int]
    numbered: Mapping[str, str]
    skipped: Sequence[Mapping[str, Any]] = ()
    lost: int = 0
    partial: Collection[str] = ()
    absent: Collection[str] = ()
    surveyed: Collection[str] = ()

    def tell(self) -> dict[str, Any]:
        """Finish what rows asked for, and what the report says of missing features and differences.

        Raises:
            BadInput: Features are to be deleted, but rows were refused that bear no code, so that nobody knows which.
        """
        told: dict[str, Any] = {"missing": {}}
        # What a part of a file lacks is not missing.
        whole = self.options.where is None and (self.options.dry_run or self.options.delete_missing)
        for class_id in self.versions:
            cls = self.catalogue.get_class(class_id)
            self._check_numbers(cls)
            self._check_points(cls)
            self._end(class_id)
            self._count_parts(cls)
            self._pair(cls)
            if whole and class_id not in self.partial:
                told["missing"][class_id] = self._missing(cls)
        for class_id in self.absent if whole else ():
            gone = self._missing(self.catalogue.get_class(class_id))
            if gone["rows"]:
                told["missing"][class_id] = gone
        if self.options.dry_run and self.change.import_id is not None:
            told["difference"] = {
                class_id: difference(
                    self.conn, self.catalogue.get_class(class_id), self.change.import_id, EXAMPLES
                )
                for class_id in dict.fromkeys([*self.versions, *told["missing"]])
            }
        return told

    def _check_numbers(self, cls: FeatureClass) -> None:
        """Numbers of rows are codes within one file at most: those of another file are other features."""
        heading, source = self.numbered.get(cls.id), self.change.source
        if heading is None or source is None or self.change.import_id is None:
            return
        count = overwritten(self.conn, cls, self.change.import_id, source.path)
        if count:
            raise Conflict(
                f"The column '{heading}' numbers the rows of this file, and {count} stored {cls.id} that came from "
                "elsewhere bear the same numbers: they would be overwritten. Nothing was imported.",
                f"If they are the same features, say --key {heading}. Else name the column of their codes with --key, "
                "or leave the numbers out of the file, so that codes are made.",
            )

    def _check_points(self, cls: FeatureClass) -> None:
        """Surveys number their points as they like: one of another survey, elsewhere, is another point."""
        if cls.id not in self.surveyed or self.change.import_id is None:
            return
        found = moved(self.conn, cls, self.change.import_id, SAME_POINT_M)
        if found:
            raise Conflict(
                f"{len(found)} points of this survey bear the numbers of stored {cls.id} (such as '{found[0]}') that "
                f"lie more than {SAME_POINT_M:.0f} m away: they would be overwritten. Nothing was imported.",
                "If they are the same points, say --key code. If it is another survey, begin its numbers with its "
                "name.",
            )

    def _end(self, class_id: str) -> None:
        """Features with days that their rows gave up are not there on those days."""
        for code, period in self.tally.ended.get(class_id, ()):
            delete_features(self.conn, self.catalogue.stored, class_id, [code], self.change, period)

    def _count_parts(self, cls: FeatureClass) -> None:
        if self.tally.parts[cls.id] and self.change.import_id is not None:
            self.tally.split[cls.id] = count_parts(self.conn, cls, self.change.import_id)

    def _pair(self, cls: FeatureClass) -> None:
        """New features at the place of stored ones are told of, never merged."""
        found = stored_duplicates(self.conn, cls, self.versions[cls.id], MAX_PAIRS)
        for pair in found.pairs:
            apart = "the same place" if not pair.distance_m else f"{pair.distance_m:.2f} m from it"
            self.tally.warnings.append(
                {"class": cls.id, "row": pair.code, "field": "geometry", "value": pair.other,
                 "reason": f"may be the stored feature {pair.other} again: {apart}",
                 "hint": "Give it that code if it is the same one."}
            )  # fmt: skip

    def _missing(self, cls: FeatureClass) -> dict[str, Any]:
        version = self.tally.data_versions.get(cls.id)
        source = self.change.source if version is None else None
        path = None if source is None else source.path
        name = None if source is None else source.source
        found = self._own(cls, missing(self.conn, cls, data_version=version, path=path, source=name))
        delete = self.options.delete_missing and bool(found.codes)
        if delete:
            self._check_whole(cls.id)
            delete_features(self.conn, self.catalogue.stored, cls.id, found.codes, self.change)
        for code in found.changed:
            self.tally.conflicts.append(
                {"class": cls.id, "row": None, "code": code, "fields": [],
                 "reason": "not in the file any more, but changed here since its export; it stays"}
            )  # fmt: skip
        return {
            "rows": len(found.codes),
            "deleted": delete,
            "changed_here": len(found.changed),
            "examples": found.examples,
        }

    def _own(self, cls: FeatureClass, found: Missing) -> Missing:
        """Those of missing features that may be deleted: what stands elsewhere is no matter of this file."""
        if writing_scope() is None:
            return found
        own = writable_codes(self.conn, cls, [*found.codes, *found.changed])
        return Missing(
            [code for code in found.codes if code in own],
            [code for code in found.changed if code in own],
            [one for one in found.examples if one["code"] in own],
        )

    def _check_whole(self, class_id: str) -> None:
        """Refuse to delete what a file lacks where a part of it was not understood: it may stand there."""
        left = [f"layer '{item['layer']}'" for item in self.skipped if item["rows"]]
        if left or self.lost:
            told = ", ".join(left) or f"{self.lost} rows of no class"
            raise BadInput(
                f"Not all of the file was understood ({told}), so nobody knows what is missing.",
                "Mend that first, or leave out --delete-missing.",
            )
        if self.tally.codeless[class_id]:
            raise BadInput(
                f"{self.tally.codeless[class_id]} refused rows bear no code, so nobody knows what is missing.",
                "Mend them first, or leave out --delete-missing.",
            )


def versions_before(conn: Connection, catalogue: Catalogue, class_ids: list[str]) -> dict[str, int]:
    """The data versions of classes before a file is written to them."""
    return {class_id: data_version(conn, catalogue.get_class(class_id)) for class_id in class_ids}
