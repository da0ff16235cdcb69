"""Where the layers of a QGIS project read: tables of a file beside it, or collections and tiles of the server. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol
from urllib.parse import quote, urlsplit

from app.catalogue.model import Lang, Title
from app.errors import BadInput
from app.exports.model import ExportLayer
from app.exports.placing import DEFAULT
from app.exports.project import DENSE, HIDDEN, ProjectLayer, Source, TileLayer, layer_id
from app.exports.project_runs import table_of

ALL_CLASSES, GROUND = Title("全部设施", "All classes"), Title("底图", "Ground")
#: Zooms of the tiles that QGIS asks for; deeper views are drawn from the last.
_ZOOMS = "&zmin=0&zmax=16"
_PLACE = "{z}/{y}/{x}"
_UNSAFE = frozenset("'\"<>\\ \t\r\n")


class Sources(Protocol):
    """The two kinds of connection."""

    def of_class(self, part: ExportLayer) -> Source:
        """Where the rows of a class are whose shapes are of one kind."""

    def of_run(self, policy: str, part: str, layer: ExportLayer, chosen: str) -> Source:
        """Where the rows of a part of a policy's newest run are that meet an expression."""

    def tiles(self, layers: Sequence[ProjectLayer], lang: Lang) -> Iterator[TileLayer]:
        """Vector tiles beside the layers."""


class Beside:
    """A GeoPackage in the folder of the project."""

    def __init__(self, name: str) -> None:
        self._file = f"./{name}.gpkg"

    def of_class(self, part: ExportLayer) -> Source:
        """The table of its name."""
        return Source("ogr", f"{self._file}|layername={part.name}", DEFAULT)

    def of_run(self, policy: str, part: str, _layer: ExportLayer, chosen: str) -> Source:
        """Rows of the table of the policy's part."""
        subset = f"|subset={chosen}" if chosen else ""
        return Source("ogr", f"{self._file}|layername={table_of(policy, part)}{subset}", DEFAULT)

    def tiles(self, _layers: Sequence[ProjectLayer], _lang: Lang) -> Iterator[TileLayer]:
        """None: the file holds all there is."""
        yield from ()


class Server:
    """This service at an address, without a slash at its end."""

    def __init__(self, address: str) -> None:
        self._address = address

    def of_class(self, part: ExportLayer) -> Source:
        """A collection; QGIS takes one of several kinds of shapes for one kind, so that these come as GeoJSON."""
        cls = part.cls
        name = part.name if cls is None else cls.id
        if cls is not None and cls.geometry == "mixed":
            kind = "Point" if part.geometry_type == "Point" else "Polygon"
            return Source("ogr", f"{self._address}/exports/{name}.geojson|geometrytype={kind}", "EPSG:4326")
        return Source("OAPIF", self._collection(name), "OGC:CRS84")

    def of_run(self, policy: str, _part: str, layer: ExportLayer, chosen: str) -> Source:
        """Rows of a collection of runs, which holds the newest of each policy."""
        of = f"\"policy\" = '{policy}'" + (f" AND {chosen}" if chosen else "")
        return Source("OAPIF", self._collection(layer.name, of), "OGC:CRS84")

    def _collection(self, name: str, chosen: str = "") -> str:
        escaped = chosen.replace("\\", "\\\\").replace("'", "\\'")
        only = [f"filter='{escaped}'"] if chosen else []
        return " ".join([
            *only, "pagingEnabled='true'", "pageSize='1000'", "preferCoordinatesForWfsT11='false'",
            "restrictToRequestBBOX='1'", "srsname='OGC:CRS84'", f"typename='{name}'", f"url='{self._address}'",
            "version='OGC_API_FEATURES'",
        ])  # fmt: skip

    def tiles(self, layers: Sequence[ProjectLayer], lang: Lang) -> Iterator[TileLayer]:
        """The classes that are too many to be read at once, or all of them, switched off; and the ground."""
        drawn = [layer for layer in layers if layer.rows.cls is not None and layer.rows.cls.id not in HIDDEN]
        dense = [layer for layer in drawn if len(layer.rows) > DENSE]
        classes = {
            layer.rows.cls.id: layer.rows.cls for layer in dense or drawn if layer.rows.cls is not None
        }
        chosen = quote(f"?collections={','.join(classes)}", safe="")
        address = f"{self._address}/tiles/WebMercatorQuad/{_PLACE}{chosen}"
        yield TileLayer(
            layer_id("tiles"), ALL_CLASSES.in_(lang), f"type=xyz&url={address}{_ZOOMS}", tuple(classes.values()),
            shown=bool(dense),
        )  # fmt: skip
        ground = f"{self._address}/background/tiles/WebMercatorQuad/{_PLACE}"
        yield TileLayer(layer_id("ground"), GROUND.in_(lang), f"type=xyz&url={ground}{_ZOOMS}", ground=True)


def read_address(text: str | None) -> str:
    """The address of a service without a slash at its end; BadInput where it is none."""
    address = (text or "").rstrip("/")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or set(address) & _UNSAFE:
        raise BadInput(
            f"'{text or ''}' is no address of the service.",
            "Name it as colleagues reach it, for example http://127.0.0.1:8000.",
        )
    return address
