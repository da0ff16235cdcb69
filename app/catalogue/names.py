"""The names that no field may take, and names that mean two things."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Columns that every class table has besides its fields.
RESERVED = (
    "id code geom valid change_id until_change area_path areas_touched crosses_border min_zoom length_m area_m2 "
    "size_flag incomplete extra import_id"
).split()

_IGNORED = re.compile(r"[\s_\-./:()]+")


def heading_key(text: str) -> str:
    """A name as it is compared: width, case, blanks and punctuation do not matter."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", text)).casefold()


def find_clash(names: Iterable[tuple[str, str]]) -> tuple[str, str, str] | None:
    """From pairs (owner, name): the first name that another owner has already, as (name, owner, that other)."""
    taken: dict[str, str] = {}
    for owner, name in names:
        other = taken.setdefault(heading_key(name), owner)
        if other != owner:
            return name, owner, other
    return None
