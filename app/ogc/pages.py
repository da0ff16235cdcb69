"""The documents as plain pages for a browser; all text is escaped by the templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from app.catalogue.model import Catalogue, FeatureClass, Field, Lang
from app.database.engine import Connection
from app.maps import service as maps
from app.maps.service import City
from app.ogc.links import Query
from app.web.templates import render


def get_city(conn: Connection, catalogue: Catalogue, lang: Lang) -> City:
    """What every page says of the city: that it is a sample, where its data comes from."""
    return maps.city(conn, catalogue, maps.versions(conn, catalogue), lang)


def collections_page(city: City, document: Mapping[str, Any], lang: Lang) -> str:
    """The list of collections."""
    return render("ogc/collections.html", lang, city=city, document=document)


def collection_page(city: City, document: Mapping[str, Any], lang: Lang) -> str:
    """One collection."""
    return render("ogc/collection.html", lang, city=city, document=document)


def items_page(
    city: City,
    catalogue: Catalogue,
    collection: str,
    document: Mapping[str, Any],
    lang: Lang,
    given: Query,
) -> str:
    """A page of features as a table, of the times `given`; columns that are empty in all of them are left out."""
    words = Words(catalogue.classes.get(collection), lang)
    features = document["features"]
    names = list(features[0]["properties"]) if features else []
    shown = [name for name in names if any(item["properties"][name] not in (None, "") for item in features)]
    links = {link["rel"]: link["href"] for link in document["links"]}
    return render(
        "ogc/items.html",
        lang,
        city=city,
        collection=collection,
        document=document,
        names=shown,
        links=links,
        words=words,
        times=list(given),
        when=_when(given),
    )


def item_page(
    city: City,
    catalogue: Catalogue,
    collection: str,
    document: Mapping[str, Any],
    lang: Lang,
    given: Query,
) -> str:
    """One feature with all its properties, of the times `given`."""
    return render(
        "ogc/item.html",
        lang,
        city=city,
        collection=collection,
        document=document,
        words=Words(catalogue.classes.get(collection), lang),
        times=list(given),
        when=_when(given),
    )


def _when(given: Query) -> str:
    """The times as the end of an address."""
    return "".join(f"&{urlencode([pair])}" for pair in given)


@dataclass(frozen=True, slots=True)
class Words:
    """A class's own words in one language; names as they are where it declares none."""

    cls: FeatureClass | None
    lang: Lang

    def title(self, collection: str) -> str:
        """The class's title."""
        return self.cls.title.in_(self.lang) if self.cls else collection

    def field(self, name: str) -> str:
        """A field's title with its unit."""
        found = self._find(name)
        if found is None:
            return name
        title = found.title.in_(self.lang)
        return f"{title} ({found.unit})" if found.unit else title

    def value(self, name: str, value: object) -> str:
        """A value as it is read: a choice by its title, nothing for what is not known."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return {"zh": ("否", "是"), "en": ("no", "yes")}[self.lang][value]
        found = self._find(name)
        titles = {choice.value: choice.title.in_(self.lang) for choice in found.choices} if found else {}
        return titles.get(str(value), str(value))

    def _find(self, name: str) -> Field | None:
        return next((field for field in self.cls.fields if field.name == name), None) if self.cls else None
