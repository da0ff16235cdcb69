"""What an import tells: the plain report of one file, its short form for the records, and its tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.ingest.split_store import SplitCounts
from app.ingest.tally import Tally
from app.inventory.batch import Counts

#: Rejected rows that the stored record of an import keeps; the `--report` file has them all.
RECORDED_REJECTS = 1000


def file_report(
    file: Mapping[str, str],
    about: Mapping[str, Any],
    tally: Tally,
    counts: Mapping[str, Counts],
    seconds: float,
    **more: Any,
) -> dict[str, Any]:
    """The report of one file.

    For each class read = loaded + unchanged + rejected + skipped, all of them rows of the file; and each rejected row.
    A row of several places that became several features is one row still: loaded where any of them is new or changed.
    Where there are such rows, `split` counts them and `features` the features written of all rows.
    """
    return {
        **file,
        "classes": {class_id: class_counts(class_id, found, tally) for class_id, found in counts.items()},
        "rejects": tally.listed(),
        **about,
        "incomplete": tally.incomplete,
        "repaired": tally.repaired,
        "warnings": tally.warnings,
        "conflicts": tally.conflicts,
        "seconds": seconds,
        **more,
    }


def class_counts(class_id: str, found: Counts, tally: Tally) -> dict[str, Any]:
    """The counts of one class, under the names that `import --json` prints."""
    rows = _row_counts(found, tally.split.get(class_id))
    return {
        "read": tally.read[class_id],
        "loaded": rows.loaded,
        "rejected": tally.rejected[class_id],
        "unchanged": rows.unchanged + tally.unchanged[class_id],
        "skipped": tally.skipped[class_id],
        "new": rows.new,
        "changed": rows.changed,
        **({"features": found.loaded, "split": tally.parts[class_id]} if tally.parts[class_id] else {}),
    }


def _row_counts(found: Counts, split: SplitCounts | None) -> Counts:
    """Counts of features as counts of rows."""
    if split is None:
        return found
    rows, parts = split.rows, split.features
    return Counts(
        new=found.new - parts.new + rows.new,
        changed=found.changed - parts.changed + rows.changed,
        unchanged=found.unchanged - parts.unchanged + rows.unchanged,
    )


def record_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report as it is kept in the database: long lists cut, with how many they were."""
    short = dict(report)
    for name in ("rejects", "incomplete", "repaired", "warnings", "conflicts"):
        short[f"{name}_total"] = len(report[name])
        short[name] = report[name][:RECORDED_REJECTS]
    return short


def class_rows(report: Mapping[str, Any]) -> list[tuple[object, ...]]:
    """Rows of the summary table: class, read, loaded, unchanged, rejected, skipped."""
    names = ("read", "loaded", "unchanged", "rejected", "skipped")
    return [(class_id, *(n[name] for name in names)) for class_id, n in sorted(report["classes"].items())]


def warning_rows(report: Mapping[str, Any], limit: int) -> list[tuple[object, ...]]:
    """Rows of the table of warnings: class, row, field, value, reason, hint."""
    names = ("class", "row", "field", "value", "reason", "hint")
    return [tuple(warning[name] for name in names) for warning in report["warnings"][:limit]]


def reject_rows(report: Mapping[str, Any], limit: int) -> list[tuple[object, ...]]:
    """Rows of the table of rejects: class, row, field, value, reason, hint."""
    names = ("class", "row", "field", "value", "reason", "hint")
    return [tuple(reject[name] for name in names) for reject in report["rejects"][:limit]]
