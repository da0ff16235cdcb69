"""The coordinates of an export in the CRS asked for, and what its files say of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from app.errors import BadInput
from app.exports.formats import FORMATS, find_ending
from app.exports.model import ExportData
from app.space.city_systems import NO_SYSTEMS, CitySystems
from app.space.transform import crs_label, file_crs, from_lonlat

#: CGCS2000 lon/lat: the stored numbers under the name that Chinese offices expect.
DEFAULT = "EPSG:4490"
LONLAT = ("EPSG:4326", "EPSG:4490")


@dataclass(frozen=True, slots=True)
class Placing:
    """How coordinates are written: `crs` as it was asked for, `written` the text in the files, `label` what is told.

    `plain` formats say nothing of it: a member `crs` of GeoJSON would mean something else to older programs.
    """

    crs: str
    written: str
    label: str
    systems: CitySystems = NO_SYSTEMS
    plain: bool = False

    def apply(self, data: ExportData) -> ExportData:
        """The export with its coordinates changed from lon/lat."""
        layers = data.layers
        if self.label not in LONLAT:
            layers = tuple(replace(layer, geometry=self._changed(layer.geometry)) for layer in layers)
        about = data.about if self.plain else {**data.about, "crs": self.label}
        return replace(data, layers=layers, crs=self.written, about=about)

    def _changed(self, geometry: NDArray[np.object_]) -> NDArray[np.object_]:
        shapes = shapely.from_wkb(geometry)
        return np.asarray(shapely.to_wkb(from_lonlat(shapes, self.crs, self.systems)), dtype=object)


def make_placing(name: str, crs: str | None, systems: CitySystems = NO_SYSTEMS) -> Placing:
    """How the coordinates of a file of this name are written; by default in CGCS2000 lon/lat, in GeoJSON as CRS84.

    Raises:
        BadInput: The format is not written, or holds lon/lat only; nothing is written in this CRS.
    """
    ending = find_ending(name)
    asked = crs or ("EPSG:4326" if ending == "geojson" else DEFAULT)
    written, label = file_crs(asked, systems), crs_label(asked, systems)
    if FORMATS[ending].lonlat and label not in LONLAT:
        raise BadInput(
            f"A .{ending} file holds longitude and latitude.",
            "Leave --crs out, or export as .gpkg or .shp.zip.",
        )
    return Placing(asked, written, label, systems, plain=ending == "geojson")
