"""Which sites for a replacement whoever asks may know of: no others are tried, so that no figure tells of them."""

from __future__ import annotations

import numpy as np
import shapely

from app.catalogue.model import Catalogue
from app.coverage.guard import Sites
from app.coverage.model import Bools
from app.coverage.scope_store import places_within
from app.coverage.scoped import seen_pairs
from app.database.scope import SCOPE
from app.database.transactions import Connection
from app.inventory.times import Times
from app.space.metric import MetricCrs

#: The system that shapes are in, and when features are looked for.
At = tuple[MetricCrs, Times]


def seen_sites(conn: Connection, catalogue: Catalogue, class_id: str, sites: Sites, at: At) -> Bools:
    """Of sites for a facility of a class whether the scope may know of each: as the feature it is, else as a place.

    A place is known of in the areas that the scope sees.
    """
    crs, times = at
    classes = {"reopened": class_id, "public_property": "public_properties"}
    features = [
        (classes.get(kind, ""), code or "") for kind, code in zip(sites.kind, sites.code, strict=True)
    ]
    seen = seen_pairs(conn, catalogue, [pair for pair in features if pair[0]], times)
    scope = SCOPE.get()
    known = set(range(len(features)))
    if scope is not None and scope.areas is not None:
        centres = np.asarray(shapely.centroid(sites.shapes), dtype=object)
        known = places_within(conn, shapely.get_coordinates(crs.to_lonlat(centres)).tolist(), scope.areas)
    return np.array([pair in seen if pair[0] else i in known for i, pair in enumerate(features)], dtype=bool)
