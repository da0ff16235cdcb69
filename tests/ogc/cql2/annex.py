"""The three layers of CQL2's Annex A (OGC 21-065r2) as classes of a city's own, imported from OGC's file."""

from __future__ import annotations

from pathlib import Path

#: Column → its type, where it is no text; as the GeoPackage names them, in small letters.
COUNTRIES = {
    "type": "text", "adm0_a3": "text", "name": "text", "name_long": "text", "abbrev": "text", "postal": "text",
    "formal_en": "text", "name_sort": "text", "pop_est": "number", "economy": "text", "income_grp": "text",
    "continent": "text", "region_un": "text", "subregion": "text", "region_wb": "text", "wikidataid": "text",
    "name_de": "text", "name_el": "text",
}  # fmt: skip
PLACES = {
    "featurecla": "text", "name": "text", "namepar": "text", "namealt": "text", "nameascii": "text", "capin": "text",
    "sov0name": "text", "sov_a3": "text", "adm0name": "text", "adm0_a3": "text", "adm1name": "text",
    "pop_max": "integer", "pop_min": "integer", "pop_other": "integer", "meganame": "text", "ls_name": "text",
    "date": "date", "start": "datetime", "end": "datetime", "boolean": "boolean",
}  # fmt: skip
RIVERS = {"name": "text"}
LAYERS = {
    "ne_110m_admin_0_countries": ("polygon", COUNTRIES),
    "ne_110m_populated_places_simple": ("point", PLACES),
    "ne_110m_rivers_lake_centerlines": ("line", RIVERS),
}
_CLASS = """\
id: {id}
title: {{zh: {id}, en: {id}}}
description: {{zh: 附录 A 的图层, en: A layer of Annex A}}
office: test
geometry: {geometry}
symbol: {{glyph: A, color: "#336699"}}
zooms: [{{zoom: 0}}]
fields:
  name_zh: {{title: {{zh: 中文名称, en: Chinese name}}, aliases: []}}
{fields}
"""


def write_classes(folder: Path) -> Path:
    """The folder of declarations (CHENGTU_LOCAL) for the three layers."""
    place = folder / "classes"
    place.mkdir(parents=True)
    for class_id, (geometry, columns) in LAYERS.items():
        fields = "\n".join(
            f"  {name}: {{type: {kind}, title: {{zh: {name}, en: {name}}}}}" for name, kind in columns.items()
        )
        text = _CLASS.format(id=class_id, geometry=geometry, fields=fields)
        (place / f"{class_id}.yaml").write_text(text, encoding="utf-8")
    return folder
