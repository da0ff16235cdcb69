"""Makes every link of the OGC documents: one place knows the paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from app.ogc.forms import PAGED, STREAMED
from app.ogc.run_collections import RUN_COLLECTIONS

JSON = "application/json"
GEOJSON = "application/geo+json"
HTML = "text/html"
OPENAPI, OPENAPI31 = (f"application/vnd.oai.openapi+json;version={version}" for version in ("3.0", "3.1"))

Link = dict[str, str]
Query = Sequence[tuple[str, str]]
HTML_QUERY = (("f", "html"),)
SCHEMA = "application/schema+json"
#: Relations that OGC registers.
OGC_RELATION = "http://www.opengis.net/def/rel/ogc/1.0/"
SCHEMAS = {
    "schema": "What its features are",
    "queryables": "What filters may name",
    "sortables": "What its features may be sorted by",
}


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
            self.to("/api", "service-desc", OPENAPI31, "The same in OpenAPI 3.1", (("f", "oas31"),)),
            self.to("/docs", "service-doc", HTML, "The API documentation"),
            self.to("/conformance", "conformance", JSON, "What this server conforms to"),
            self.to("/collections", "data", JSON, "The collections"),
            self.to("/policies", "describedby", JSON, "The coverage policies"),
            self.to("/map", "alternate", HTML, "The map of the city"),
            self.to("/tiles", f"{OGC_RELATION}tilesets-vector", JSON, "Vector tiles of the city"),
            self.to("/tileMatrixSets", f"{OGC_RELATION}tiling-schemes", JSON, "The tile matrix sets"),
        ]

    def collections(self) -> list[Link]:
        """Links of the list of collections."""
        return [
            self.to("/collections", "self", JSON, "This document"),
            self.to("/collections", "alternate", HTML, "This document as a page", HTML_QUERY),
            self.to("/", "parent", JSON, "The landing page"),
        ]

    def collection(
        self,
        collection_id: str,
        *,
        has_map: bool,
        licences: Mapping[str, str] | None = None,
    ) -> list[Link]:
        """Links of one collection; `licences` are those of its data, name → address."""
        path = f"/collections/{collection_id}"
        links = [
            self.to(path, "self", JSON, "This collection"),
            self.to(path, "alternate", HTML, "This collection as a page", HTML_QUERY),
            self.to(f"{path}/items", "items", GEOJSON, "Its features"),
            *(
                self.to(
                    f"{path}/items", "items", form.media_type, f"Its features as {form.title}", [("f", name)]
                )
                for name, form in {**PAGED, **STREAMED}.items()
                if name != "json"
            ),
            *(
                self.to(f"{path}/{name}", f"{OGC_RELATION}{name}", SCHEMA, title)
                for name, title in SCHEMAS.items()
            ),
        ]
        if has_map:
            links.append(self.to(f"/map/{collection_id}", "alternate", HTML, "Its map"))
        links.append(self.to(f"{path}/tiles", f"{OGC_RELATION}tilesets-vector", JSON, "Its vector tiles"))
        for name, address in (licences or {}).items():
            links.append({"href": address, "rel": "license", "type": HTML, "title": name})
        return links

    def items(self, collection_id: str, given: Query, query: Query, ends: Mapping[str, str]) -> list[Link]:
        """Links of a page of features: itself, the pages beside it, the collection.

        `given` is the page's own query, `query` what those beside it keep of it.
        `ends` are the tokens of the pages beside it where there are such: `after` of the next one, `before` of the one
        before.
        """
        path = f"/collections/{collection_id}/items"
        links = [
            self.to(path, "self", GEOJSON, "This page", given),
            self.to(path, "alternate", HTML, "This page for people", [*_without_form(given), *HTML_QUERY]),
        ]
        titles = {"after": ("next", "The next page"), "before": ("prev", "The page before")}
        for name, token in ends.items():
            rel, title = titles[name]
            links.append(self.to(path, rel, GEOJSON, title, [*query, (name, token)]))
        links.append(self.to(f"/collections/{collection_id}", "collection", JSON, "The collection"))
        return links

    def item(self, collection_id: str, item_id: int, query: Query = ()) -> list[Link]:
        """Links of one feature; `query` are the times that it was asked for, with which it leads to what it is now."""
        path = f"/collections/{collection_id}"
        own = f"{path}/items/{item_id}"
        links = [
            self.to(own, "self", GEOJSON, "This feature", query),
            self.to(own, "alternate", HTML, "This feature for people", [*query, *HTML_QUERY]),
            self.to(path, "collection", JSON, "The collection"),
        ]
        if collection_id not in RUN_COLLECTIONS:
            links.append(self.to(f"{own}/history", "version-history", JSON, "Its history"))
        if query:
            links.append(self.to(own, "latest-version", GEOJSON, "This feature now"))
        return links


def _without_form(query: Query) -> list[tuple[str, str]]:
    return [(name, value) for name, value in query if name != "f"]
