"""The documents as plain pages for a browser; all text is escaped by the templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.catalogue.model import Lang
from app.web.templates import render


def collections_page(document: Mapping[str, Any], lang: Lang) -> str:
    """The list of collections."""
    return render("ogc/collections.html", lang, document=document)


def collection_page(document: Mapping[str, Any], lang: Lang) -> str:
    """One collection."""
    return render("ogc/collection.html", lang, document=document)


def landing_page(document: Mapping[str, Any], lang: Lang) -> str:
    """What there is."""
    return render("ogc/landing.html", lang, document=document)


def items_page(collection: str, document: Mapping[str, Any], lang: Lang) -> str:
    """A page of features as a table."""
    features = document["features"]
    names = list(features[0]["properties"]) if features else []
    shown = [name for name in names if any(item["properties"][name] not in {None, ""} for item in features)]
    links = {link["rel"]: link["href"] for link in document["links"]}
    return render("ogc/items.html", lang, collection=collection, document=document, names=shown, links=links)


def item_page(collection: str, document: Mapping[str, Any], lang: Lang) -> str:
    """One feature with all its properties."""
    return render("ogc/item.html", lang, collection=collection, document=document)
