"""Reading the areas that a request reports on, and the polygon of the area it is about."""

from __future__ import annotations

import numpy as np
import shapely

from app.coverage.lattice import dissolve_overlaps
from app.coverage.levels import combine, levels_below
from app.coverage.loader import Loader
from app.coverage.model import Areas
from app.coverage.request import CoverageRequest


def load_areas(loader: Loader, request: CoverageRequest) -> tuple[Areas, shapely.Geometry | None]:
    """The areas to report on, all levels asked for in one, and the polygon of the area asked for (None: everything)."""
    area = request.area
    polygon = None if area is None else loader.polygon(area.level, area.code)
    levels = levels_below(request.levels, None if area is None else area.level)
    within = None if area is None else area.code
    if len(levels) == 1:
        return _level(loader, levels[0], within), polygon
    key = (
        "all areas", levels, within, loader.stamp("districts"), loader.stamp("grid_cells"),
    )  # fmt: skip
    return loader.cache.get(key, lambda: combine([_level(loader, name, within) for name in levels])), polygon


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
