"""What a city declares itself for tests of scopes: a class with restricted rows and fields, a field of toilets."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "classes/bee_hotels.yaml": """\
id: bee_hotels
title: {zh: 昆虫旅馆, en: Bee hotels}
description: {zh: 供昆虫栖息的旅馆。, en: Bee hotels.}
office: 园林处
geometry: point
sensitivity: internal
restricted: {kind: [rare]}
symbol: {glyph: 虫, color: "#8c564b"}
zooms: [{zoom: 10}]
fields:
  kind:
    type: choice
    title: {zh: 类型, en: Kind}
    choices:
      common: {zh: 普通, en: Common}
      rare: {zh: 珍稀, en: Rare}
  owner: {type: text, title: {zh: 权属单位, en: Owner}}
  telephone: {type: text, title: {zh: 电话, en: Telephone}, sensitivity: restricted}
""",
    "fields/toilets.yaml": """\
cleaner: {type: text, title: {zh: 保洁员, en: Cleaner}, sensitivity: restricted}
""",
}


def write_own(folder: Path) -> Path:
    """The city's own folder, as `CHENGTU_LOCAL` names it."""
    for name, declared in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(declared, encoding="utf-8")
    return folder
