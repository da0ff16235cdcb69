"""Which fields of a class are searched, read from their declaration. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from app.catalogue.model import FeatureClass, Field
from app.inventory.search_words import RULE

CODE_ENDS = ("_code", "_no", "_number")


@dataclass(frozen=True, slots=True)
class SearchFields:
    """Names of text fields that may be shown to all: names in order, other texts of words, codes of the one object."""

    names: tuple[str, ...]
    others: tuple[str, ...]
    codes: tuple[str, ...]

    @property
    def worded(self) -> tuple[str, ...]:
        """Those that are found by their words."""
        return (*self.names, *self.others)


def search_fields(cls: FeatureClass) -> SearchFields:
    """The searched fields of a class; one that is internal or restricted is not among them."""
    fields = [item for item in cls.fields if item.type == "text" and item.sensitivity == "public"]
    return SearchFields(
        names=tuple(item.name for item in fields if _is_name(item)),
        others=tuple(
            item.name for item in fields if item.name == "address" or item.name.endswith("_address")
        ),
        codes=tuple(item.name for item in fields if item.name.endswith(CODE_ENDS) and not _is_kind(item)),
    )


def _is_name(item: Field) -> bool:
    return item.name in {"name", "name_zh", "name_en"} or item.name.endswith("_name")


def _is_kind(item: Field) -> bool:
    """Whether a code tells what an object is (管线代码 JS) rather than which one it is (标识码, 编号)."""
    return item.title.zh.endswith("代码") and not item.title.zh.endswith("区划代码")


def fingerprint(cls: FeatureClass) -> str:
    """What the entries of a class depend on besides its rows: they are made anew where it differs."""
    closed = sorted((name, *sorted(values)) for name, values in cls.restricted_rows.items())
    rule = (RULE, search_fields(cls), cls.sensitivity, closed, cls.order)
    return sha256(repr(rule).encode()).hexdigest()[:16]
