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

# What else bears a name beside the classes: tables of the schema, and words that addresses use in a class's place.
RESERVED_CLASSES = (
    "alembic_version changes coverage_areas coverage_differences coverage_gaps coverage_reach coverage_runs "
    "coverage_units import_rejects imports jobs local_ddl search_entries settings all city local new run"
).split()
HISTORY = "_history"
# PostgreSQL keeps 63 bytes of a name; these are the longest that are made of a class's and a field's name.
CLASS_LIMIT = 63 - len("ix_" + HISTORY + "_until_change")
RULE_LIMIT = 63 - len("ck___01234567")

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
