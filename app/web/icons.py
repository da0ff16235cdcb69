"""The pictograms of Maki and Temaki (public domain, CC0) that set-up fetched, as path data on a grid of 15 by 15."""

from __future__ import annotations

import html
import re
from functools import lru_cache

from app.web.assets import VENDOR

#: Units of the grid that the pictograms are drawn on.
GRID = 15
_PATH = re.compile(r'<path[^>]*\sd="([^"]*)"')
#: Anything else that a drawing could be made of: of such a pictogram paths are but a part.
_OTHER = re.compile(r"<(circle|rect|ellipse|line|polygon|polyline|use)\b|transform=")


@lru_cache(maxsize=1000)
def icon_path(name: str) -> str | None:
    """The path data of a pictogram, `maki/toilet`; None where there is no such one, or it is more than paths."""
    file = VENDOR.joinpath(*name.split("/")).with_suffix(".svg")
    if not file.is_file():
        return None
    text = file.read_text(encoding="utf-8")
    return None if _OTHER.search(text) else html.unescape(" ".join(_PATH.findall(text))) or None
