"""A class by any of its names: id, title in either language, alias."""

from __future__ import annotations

import difflib

from app.catalogue.model import Catalogue, FeatureClass
from app.catalogue.names import heading_key
from app.errors import NotFound, unknown


def class_words(catalogue: Catalogue) -> dict[str, FeatureClass]:
    """Every name of a class, as `heading_key` compares names; ids come before titles and aliases."""
    words: dict[str, FeatureClass] = {}
    for cls in catalogue.classes.values():
        words.setdefault(heading_key(cls.id), cls)
    for cls in catalogue.classes.values():
        for spelling in (cls.title.zh, cls.title.en, *cls.aliases):
            words.setdefault(heading_key(spelling), cls)
    return words


def find_class(catalogue: Catalogue, name: str) -> FeatureClass:
    """The class of this id, title or alias.

    Raises:
        NotFound: No class is so named; the hint lists the nearest.
    """
    if name in catalogue.classes:
        return catalogue.classes[name]
    words = class_words(catalogue)
    found = words.get(heading_key(name))
    if found is not None:
        return found
    near = difflib.get_close_matches(heading_key(name), list(words), n=6, cutoff=0.5)
    likely = list(dict.fromkeys(words[form].id for form in near))[:3]
    if not likely:
        raise unknown("class", name, catalogue.classes)
    told = ", ".join(f"{class_id} ({catalogue.classes[class_id].title.zh})" for class_id in likely)
    raise NotFound(f"There is no class named '{name}'.", f"Did you mean {told}?")
