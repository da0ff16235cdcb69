"""The conformance classes that this server really holds; nothing is listed before it is tested."""

from __future__ import annotations

from collections.abc import Mapping

#: Standard → its classes: OGC API Common (19-072, 20-024), OGC API Features Parts 1 to 5 (17-069r4, 18-058r1, 19-079r2,
#: 20-002r1, 23-058r1), CQL2 (21-065r2), OGC API Tiles Part 1 (20-057), tile matrix sets (17-083r4).
_HELD: Mapping[str, tuple[str, ...]] = {
    "ogcapi-common-1/1.0": ("core",),
    "ogcapi-common-2/1.0": ("collections",),
    "ogcapi-features-1/1.0": ("core", "oas30", "html", "geojson"),
    "ogcapi-features-2/1.0": ("crs",),
    "ogcapi-features-3/1.0": ("queryables", "filter", "features-filter"),
    "ogcapi-features-4/1.0": ("create-replace-delete", "update", "optimistic-locking-etags", "features"),
    # The name that newer drafts of Part 4 give all its classes but the last.
    "ogcapi-common-5/1.0": (
        "create-replace-delete",
        "update",
        "optimistic-locking-etags",
        "return-resource-representation-in-response",
    ),
    "ogcapi-features-5/1.0": (
        "schemas",
        "core-roles-features",
        "returnables-and-receivables",
        "sortables",
    ),
    "cql2/1.0": (
        "cql2-text",
        "cql2-json",
        "basic-cql2",
        "advanced-comparison-operators",
        "case-insensitive-comparison",
        "accent-insensitive-comparison",
        "basic-spatial-functions",
        "basic-spatial-functions-plus",
        "spatial-functions",
        "temporal-functions",
        "array-functions",
        "property-property",
        "arithmetic",
    ),
    "ogcapi-tiles-1/1.0": (
        "core",
        "tileset",
        "tilesets-list",
        "dataset-tilesets",
        "geodata-tilesets",
        "collections-selection",
        "datetime",
        "mvt",
        "oas30",
    ),
    "tms/2.0": (
        "tilematrixset",
        "json-tilematrixset",
        "tilesetmetadata",
        "json-tilesetmetadata",
    ),
    # The draft's name of basic-spatial-functions, which QGIS 3.32 to 4.0 look for.
    "cql2/0.0": ("basic-spatial-operators",),
}
CLASSES = tuple(
    f"http://www.opengis.net/spec/{standard}/conf/{name}"
    for standard, names in _HELD.items()
    for name in names
)
