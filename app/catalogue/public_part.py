"""What of a catalogue a public view shows: the classes declared public, with their public fields."""

from __future__ import annotations

from dataclasses import replace

from app.catalogue.model import Catalogue, FeatureClass


def public_part(catalogue: Catalogue) -> Catalogue:
    """The catalogue without the classes and fields that are internal or restricted.

    A class of public fields alone is the same object in both, so that what is kept of it is kept once.
    """
    shown = [cls for cls in catalogue.classes.values() if cls.sensitivity == "public"]
    return replace(catalogue, classes={cls.id: _public_class(cls) for cls in shown}, open_only=True)


def _public_class(cls: FeatureClass) -> FeatureClass:
    fields = tuple(item for item in cls.fields if item.sensitivity == "public")
    return cls if len(fields) == len(cls.fields) else replace(cls, fields=fields)
