"""What an import counts and collects while its chunks go by: rejects, repairs, warnings, rows passed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from app.ingest.layer import Layer, take
from app.ingest.split_store import SplitCounts
from app.inventory.batch import Period, Reject

#: So many rejects are kept with all they say; beyond them they are counted.
MAX_REJECTS = 200_000


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """Rows of one chunk that were refused, as they stand in the file, with the reasons (n,)."""

    layer: Layer
    class_id: str
    rejects: list[Reject]


@dataclass(slots=True)
class Tally:
    """What one file gave, class by class: see `report.file_report` for what is told of it.

    `codeless` counts refused rows without a code, `ended` has features with days that their rows gave up,
    `data_versions` what our own exports say of themselves. `parts` counts rows that are written as several features,
    `split` says what became of these.
    """

    read: Counter[str] = field(default_factory=Counter)
    rejects: dict[str, list[Reject]] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    repaired: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    incomplete: list[dict[str, Any]] = field(default_factory=list)
    told: dict[str, Counter[str]] = field(default_factory=dict)
    data_versions: dict[str, int] = field(default_factory=dict)
    codeless: Counter[str] = field(default_factory=Counter)
    ended: dict[str, list[tuple[str, Period]]] = field(default_factory=dict)
    split: dict[str, SplitCounts] = field(default_factory=dict)
    parts: Counter[str] = field(default_factory=Counter)
    files: list[RejectedRows] = field(default_factory=list)

    def refuse(self, class_id: str, rejects: list[Reject]) -> None:
        """Count rejects; the first of them are kept."""
        kept = self.rejects.setdefault(class_id, [])
        kept.extend(rejects[: max(0, MAX_REJECTS - len(kept))])
        self.rejected[class_id] += len(rejects)

    def keep_rows(self, layer: Layer, class_id: str, refused: Mapping[int, Reject]) -> None:
        """Keep refused rows as they stand in the file, to be written where they can be mended."""
        if refused and sum(len(part.rejects) for part in self.files) < MAX_REJECTS:
            places = sorted(refused)
            part = RejectedRows(take(layer, places), class_id, [refused[i] for i in places])
            self.files.append(part)

    def tell(self, layer: str, told: Counter[str]) -> None:
        """Add what is said once of a layer."""
        self.told[layer] = self.told.get(layer, Counter()) + told

    def listed(self) -> list[dict[str, Any]]:
        """The rejects kept, as the report shows them."""
        return [
            {"class": class_id, **asdict(reject)}
            for class_id, kept in self.rejects.items()
            for reject in kept
        ]
