"""A small geodata folder that loads, so that a test may break one thing in it."""

from __future__ import annotations

from pathlib import Path

COMMON = """
name_zh: {type: text, title: {zh: 名称, en: Name}, osm: [name]}
state:
  type: choice
  title: {zh: 状态, en: State}
  choices:
    in_service: {zh: 在用, en: In service}
    removed: {zh: 拆除, en: Demolished}
"""

GROUP = """
department: {type: text, title: {zh: 主管部门, en: Department}}
"""

PARKS = """
id: parks
title: {zh: 公园, en: Parks}
description: {zh: 公园。, en: Parks.}
office: 园林处
geometry: polygon
include: [group]
aliases: [park]
symbol: {glyph: 园, color: "#117733", fill: "#B7DCB0", shape: area}
zooms:
  - {zoom: 9, area_m2_min: 500000}
  - {zoom: 11, where: {kind: [city], fee: [false, null]}}
  - {zoom: 14}
osm:
  - {tags: {leisure: [park]}, unless: {access: [no]}, set: {kind: city, berths: 3, open_m2: 1.5, built_on: 2020-01-02}}
fields:
  department: {aliases: [office]}
  kind:
    type: choice
    title: {zh: 类型, en: Kind}
    aliases: [type]
    choices:
      city: {zh: 综合公园, en: City park, aliases: [big]}
      pocket: {zh: 口袋公园, en: Pocket park}
    osm: [park]
    osm_values: {large: city, "*": pocket}
  fee: {type: boolean, title: {zh: 收费, en: Fee}, osm: [fee], osm_values: {no: false, "*": true}}
  berths: {type: integer, unit: pieces, title: {zh: 泊位数, en: Berths}, minimum: 0, maximum: 100}
  open_m2: {type: number, unit: m², title: {zh: 面积, en: Open area}, minimum: 0}
  built_on: {type: date, title: {zh: 建成日期, en: Built on}}
"""

LAND = """
id: land
title: {zh: 居住用地, en: Residential land}
description: {zh: 居住用地。, en: Residential land.}
office: 规划局
geometry: polygon
symbol: {glyph: 居, color: "#b8860b"}
zooms: [{zoom: 12}]
fields:
  people: {type: integer, unit: people, title: {zh: 人口, en: People}}
"""

WELLS = """
id: wells
title: {zh: 窨井, en: Wells}
description: {zh: 窨井。, en: Wells.}
office: 市政处
geometry: point
symbol: {glyph: 井, color: "#555555"}
zooms: [{zoom: 16}]
fields:
  depth_m: {type: number, unit: m, title: {zh: 井深, en: Depth}}
"""

POLICY = """
id: near
version: "1"
title: {zh: 近, en: Near}
description: {zh: 近。, en: Near.}
source: {document: 文件, clause: "1.1", confidence: V, note: seen}
official: true
frame: land
speed_m_s: 1.2
minutes: 10
snap_limit_m: 250
gate_search_m: 30
land: {class: land}
people:
  - {class: land, field: people, rule: centre}
tiers:
  - id: park
    title: {zh: 公园, en: Parks}
    target: 0.8
    supplies:
      - {class: parks, radius_m: 720, min_area_m2: 2000, max_area_m2: 5000, where: {state: [in_service, null]}}
"""

FILES = {
    "classes/_common.yaml": COMMON,
    "classes/_group.yaml": GROUP,
    "classes/parks.yaml": PARKS,
    "classes/land.yaml": LAND,
    "classes/wells.yaml": WELLS,
    "policies/near.yaml": POLICY,
}


def write_geodata(folder: Path, file: str = "", old: str = "", new: str = "") -> Path:
    """Write the small geodata into `folder`, with `old` replaced by `new` in one of its files."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == file:
            assert text.count(old) >= 1, f"{old!r} is not in {file}"
            text = text.replace(old, new, 1)  # noqa: PLW2901 - the changed text is what is written
        path.write_text(text.lstrip(), encoding="utf-8")
    return folder
