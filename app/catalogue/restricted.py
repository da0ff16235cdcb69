"""What of a class is restricted: what may leave the house only with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.catalogue.model import Catalogue, FeatureClass


def restricted_of(cls: FeatureClass) -> tuple[str, ...]:
    """`*` for a class that is restricted as a whole; else its restricted rows (`kind=gas`) and fields, if any."""
    if cls.sensitivity == "restricted":
        return ("*",)
    rows = (f"{name}={value}" for name, values in cls.restricted_rows.items() for value in sorted(values))
    return (*rows, *(field.name for field in cls.fields if field.sensitivity == "restricted"))


def restricted_in(
    catalogue: Catalogue, classes: Iterable[str] | None = None
) -> Mapping[str, tuple[str, ...]]:
    """What is restricted in those classes that have something, by id; of a part for lower levels nothing is."""
    if catalogue.level != "restricted":
        return {}
    chosen = catalogue.classes if classes is None else [name for name in classes if name in catalogue.classes]
    found = {name: restricted_of(catalogue.classes[name]) for name in chosen}
    return {name: told for name, told in found.items() if told}
