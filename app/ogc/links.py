"""Makes every link of the OGC documents: one place knows the paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

JSON = "application/json"
GEOJSON = "application/geo+json"
HTML = "text/html"
OPENAPI = "application/vnd.oai.openapi+json;version=3.1"

Link = dict[str, str]
Query = Sequence[tuple[str, str]]
HTML_QUERY = (("f", "html"),)


@dataclass(frozen=True, slots=True)
class Links:
    """Links below `base`, the address at which the client reached the server, without a slash at its end."""

    base: str

    def to(self, path: str, rel: str, media_type: str, title: str, query: Query = ()) -> Link:
        """One link; `query` are names and values in order."""
        href = f"{self.base}{path}{'?' + urlencode(query) if query else ''}"
        return {"href": href, "rel": rel, "type": media_type, "title": title}

    def landing(self) -> list[Link]:
        """What the landing page leads to."""
        return [
            self.to("/", "self", JSON, "This document"),
            self.to("/", "alternate", HTML, "This document as a page", HTML_QUERY),
            self.to("/api", "service-desc", OPENAPI, "The API definition"),
            self.to("/docs", "service-doc", HTML, "The API documentation"),
            self.to("/conformance", "conformance", JSON, "What this server conforms to"),
            self.to("/collections", "data", JSON, "The collections"),
            self.to("/policies", "describedby", JSON, "The coverage policies"),
            self.to("/map", "alternate", HTML, "The map of the city"),
        ]

    def collections(self) -> list[Link]:
        """Links of the list of collections."""
        return [
            self.to("/collections", "self", JSON, "This document"),
            self.to("/collections", "alternate", HTML, "This document as a page", HTML_QUERY),
            self.to("/", "parent", JSON, "The landing page"),
        ]

    def collection(
        self, collection_id: str, *, has_map: bool, licences: Mapping[str, str] | None = None
    ) -> list[Link]:
        """Links of one collection; `licences` are those of its data, name → address."""
        path = f"/collections/{collection_id}"
        links = [
            self.to(path, "self", JSON, "This collection"),
            self.to(path, "alternate", HTML, "This collection as a page", HTML_QUERY),
            self.to(f"{path}/items", "items", GEOJSON, "Its features"),
        ]
        if has_map:
            links.append(self.to(f"/map/{collection_id}", "alternate", HTML, "Its map"))
        for name, address in (licences or {}).items():
            links.append({"href": address, "rel": "license", "type": HTML, "title": name})
        return links

    def items(self, collection_id: str, query: Query, after: int | None) -> list[Link]:
        """Links of a page of features: itself, the next one where there is one, the collection."""
        path = f"/collections/{collection_id}/items"
        links = [self.to(path, "self", GEOJSON, "This page", query)]
        if after is not None:
            links.append(self.to(path, "next", GEOJSON, "The next page", [*query, ("after", str(after))]))
        links.append(self.to(f"/collections/{collection_id}", "collection", JSON, "The collection"))
        return links

    def item(self, collection_id: str, item_id: int, query: Query = ()) -> list[Link]:
        """Links of one feature; `query` are the times that it was asked for, with which it leads to what it is now."""
        path = f"/collections/{collection_id}"
        own = f"{path}/items/{item_id}"
        links = [
            self.to(own, "self", GEOJSON, "This feature", query),
            self.to(path, "collection", JSON, "The collection"),
        ]
        if query:
            links.append(self.to(own, "latest-version", GEOJSON, "This feature now"))
        return links
