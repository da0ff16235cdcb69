"""Reading the areas that a request reports on, and the polygon of the area it is about."""

from __future__ import annotations

import numpy as np
import shapely

from app.coverage.lattice import dissolve_overlaps
from app.coverage.levels import LEVELS, combine, levels_below
from app.coverage.loader import Loader
from app.coverage.model import Areas, Objects
from app.coverage.request import CoverageRequest
from app.inventory.area_store import read_areas
from app.inventory.areas import AREA_CLASSES, locate


def load_areas(loader: Loader, request: CoverageRequest) -> tuple[Areas, shapely.Geometry | None]:
    """The areas to report on, all levels asked for in one, and the polygon of the area asked for (None: everything)."""
    area = request.area
    polygon = None if area is None else loader.polygon(area.level, area.code)
    levels = levels_below(request.levels, None if area is None else area.level)
    within = None if area is None else area.code
    if not request.levels:
        return _first_level(loader, levels[0], within), polygon
    if len(levels) == 1:
        return _level(loader, levels[0], within), polygon
    key = (
        "all areas", levels, within, loader.stamp("districts"), loader.stamp("grid_cells"),
    )  # fmt: skip
    return loader.cache.get(key, lambda: combine([_level(loader, name, within) for name in levels])), polygon


def _first_level(loader: Loader, level: str, within: str | None) -> Areas:
    """The areas of a level that nobody asked for; where it has none, of the next finer one that has, but the grid."""
    found = _level(loader, level, within)
    for finer in LEVELS[LEVELS.index(level) + 1 : -1]:
        if found.code:
            break
        found = _level(loader, finer, within)
    return found


def home_at(loader: Loader, shape: shapely.Geometry) -> str:
    """The path of the areas that a shape in lon/lat is at home in, as if it were stored; empty where none holds it."""
    shapes = np.empty(1, dtype=object)
    shapes[0] = shape
    return _homes(loader, shapes)[0]


def names_at(loader: Loader, shapes: Objects) -> list[list[str]]:
    """The names of the areas, coarse to fine, that shapes (n,) in lon/lat are at home in; the grid has none."""
    rows = loader.features("districts", ["name_zh", "name_en"])
    zh, en = rows.columns["name_zh"], rows.columns["name_en"]
    names = {code: str(zh[i] or en[i] or "") for i, code in enumerate(rows.code)}
    return [[names[code] for code in path.split("/") if names.get(code)] for path in _homes(loader, shapes)]


def _homes(loader: Loader, shapes: Objects) -> list[str]:
    """Paths (n,) by the rule of stored features: what lies on a border counts in the same one area, stored or not."""
    key = ("areas of homes", *(loader.stamp(name) for name in AREA_CLASSES))
    areas = loader.cache.get(key, lambda: read_areas(loader.conn))
    return locate(areas, shapes).path


def _level(loader: Loader, level: str, within: str | None) -> Areas:
    return _grid(loader, within) if level == "grid" else loader.areas(level, within)


def _grid(loader: Loader, within: str | None) -> Areas:
    key = ("grid", loader.stamp("grid_cells"), loader.stamp("districts"), within)

    def read() -> Areas:
        rows = loader.features("grid_cells", ["name_zh", "name_en"])
        keep = [i for i, path in enumerate(rows.area_path) if within is None or within in path.split("/")]
        zh, en = rows.columns["name_zh"], rows.columns["name_en"]
        return Areas(
            [rows.code[i] for i in keep],
            [str(zh[i] or en[i] or "") for i in keep],
            ["grid"] * len(keep),
            dissolve_overlaps(np.asarray(rows.geometry[keep], dtype=object)),
        )

    return loader.cache.get(key, read)
