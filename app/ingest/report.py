"""What an import tells: the plain report of one file, its short form for the records, and its tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from app.ingest.layer import Extent
from app.inventory.batch import Batch, Counts

#: Rejected rows that the stored record of an import keeps; the `--report` file has them all.
RECORDED_REJECTS = 1000


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose data a file holds, as its importer says: source, licence and the words that users must show."""

    source: str | None = None
    licence: str | None = None
    attribution: str | None = None


@dataclass(slots=True)
class Parsed:
    """A file as understood, before anything is written: one batch a class, and what the report says of them.

    `learned` names, by class, the fields that official ids filled though the file has no such column; `keyed_by_id`
    the classes whose codes are their official ids, since the file has no other.
    """

    path: str
    format: str
    batches: list[Batch]
    crs: str | None
    encoding: str | None
    extent: Extent | None = None
    source: str | None = None
    licence: str | None = None
    attribution: str | None = None
    keys: dict[str, str] = field(default_factory=dict)
    headings: dict[str, dict[str, str]] = field(default_factory=dict)
    incomplete: list[dict[str, Any]] = field(default_factory=list)
    repaired: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    learned: dict[str, frozenset[str]] = field(default_factory=dict)
    keyed_by_id: frozenset[str] = frozenset()


def file_report(parsed: Parsed, counts: Mapping[str, Counts], seconds: float, **more: Any) -> dict[str, Any]:
    """The report of one file: read = loaded + unchanged + rejected for each class, and each rejected row."""
    return {
        "path": parsed.path,
        "format": parsed.format,
        "classes": {class_id: count.as_dict() for class_id, count in counts.items()},
        "rejects": [
            {"class": batch.class_id, **asdict(reject)}
            for batch in parsed.batches
            for reject in batch.rejects
        ],
        "crs": parsed.crs,
        "encoding": parsed.encoding,
        "extent": list(parsed.extent) if parsed.extent else None,
        "source": parsed.source,
        "licence": parsed.licence,
        "attribution": parsed.attribution,
        "keys": parsed.keys,
        "headings": parsed.headings,
        "incomplete": parsed.incomplete,
        "repaired": parsed.repaired,
        "skipped": parsed.skipped,
        "warnings": parsed.warnings,
        "seconds": round(seconds, 2),
        **more,
    }


def record_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report as it is kept in the database: long lists cut, with how many they were."""
    short = dict(report)
    for name in ("rejects", "incomplete", "repaired", "warnings"):
        short[f"{name}_total"] = len(report[name])
        short[name] = report[name][:RECORDED_REJECTS]
    return short


def class_rows(report: Mapping[str, Any]) -> list[tuple[object, ...]]:
    """Rows of the summary table: class, read, loaded, unchanged, rejected."""
    return [
        (class_id, n["read"], n["loaded"], n["unchanged"], n["rejected"])
        for class_id, n in sorted(report["classes"].items())
    ]


def warning_rows(report: Mapping[str, Any], limit: int) -> list[tuple[object, ...]]:
    """Rows of the table of warnings: class, row, field, value, reason, hint."""
    names = ("class", "row", "field", "value", "reason", "hint")
    return [tuple(warning[name] for name in names) for warning in report["warnings"][:limit]]


def reject_rows(report: Mapping[str, Any], limit: int) -> list[tuple[object, ...]]:
    """Rows of the table of rejects: class, row, field, value, reason, hint."""
    names = ("class", "row", "field", "value", "reason", "hint")
    return [tuple(reject[name] for name in names) for reject in report["rejects"][:limit]]
