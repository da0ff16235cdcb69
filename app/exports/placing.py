"""The coordinates of an export in the CRS asked for, and what its files say of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pyproj import CRS

from app.errors import BadInput
from app.exports.arrow import changed_reader, shapes, with_shapes
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
        """The export with its coordinates changed from lon/lat, batch by batch."""
        layers = data.layers
        if self.label not in LONLAT:
            layers = tuple(
                replace(changed_reader(layer, self._changed), extent=lambda: None) for layer in layers
            )
        about = data.about if self.plain else {**data.about, "crs": self.label}
        return replace(data, layers=layers, crs=self.written, about=about)

    def _changed(self, batch: Any) -> Any:
        return with_shapes(batch, from_lonlat(shapes(batch), self.crs, self.systems))


def metric_placing(definition: str) -> Placing:
    """How drawings are written unless a CRS is asked for: in the city's metric CRS, of which they tell the name."""
    label = crs_label(definition)
    return Placing(definition, label, label)


def make_placing(name: str, crs: str | None, systems: CitySystems = NO_SYSTEMS) -> Placing:
    """How the coordinates of a file of this name are written; by default in CGCS2000 lon/lat, in GeoJSON as CRS84.

    Raises:
        BadInput: The format is not written, or holds lon/lat only; nothing is written in this CRS.
    """
    ending = find_ending(name)
    form = FORMATS[ending]
    asked = crs or ("EPSG:4326" if form.wgs84 else DEFAULT)
    written, label = file_crs(asked, systems), crs_label(asked, systems)
    if form.metres and crs is not None and CRS.from_user_input(written).is_geographic:
        raise BadInput(
            f"A .{ending} file is a drawing in metres.",
            "Leave --crs out for the city's own, or name a zone: EPSG:4548.",
        )
    if form.lonlat and label not in LONLAT:
        raise BadInput(
            f"A .{ending} file holds longitude and latitude.",
            "Leave --crs out, or export as .gpkg or .shp.zip.",
        )
    return Placing(asked, written, label, systems, plain=form.wgs84)
