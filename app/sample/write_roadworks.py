"""Rows of the year's works along whole streets: alleys, planted roads, shop signs, overhead lines, road works."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import shapely

from app.sample.draw import Bools, Ints, Shapes, points
from app.sample.ground import ARTERIAL, LANES, Ground, between, fill, one_of, share, whole
from app.sample.rows import Rows, days
from app.sample.streets import CORE, DENSE, PROFILE
from app.sample.versions import ALWAYS, begun, changed_in_year

OWNER = "澄图市市政工程处（示例）"
GREEN = "澄图市园林绿化中心（示例）"
CHECKS = ("water_runs", "road_flat", "lines_neat", "walls_fine", "lights_on")
COST = {"rebuild": 32e6, "resurfacing": 6e6, "lighting": 0.9e6, "drainage": 4e6, "undergrounding": 5e6}


def road_rows(ground: Ground) -> list[Rows]:
    """All classes that go by street."""
    return [
        alley_rows(ground),
        planting_rows(ground),
        shop_sign_rows(ground),
        overhead_rows(ground),
        works_rows(ground),
    ]


def _streets(ground: Ground, topic: str, labels: Ints, count: int) -> tuple[Ints, Shapes]:
    """`count` streets of different names, drawn at random, and their lines."""
    names = np.array(ground.roads(labels), dtype=str)
    single = np.sort(np.unique(names, return_index=True)[1])
    drawn = np.sort(ground.parameters.rng(topic).permutation(len(single))[:count])
    chosen = labels[single[drawn]]
    return chosen, np.array([ground.line(int(k)) for k in chosen], dtype=object)


def _days(ground: Ground, n: int, random: np.random.Generator) -> list[date | None]:
    return days(np.full(n, ground.year), random)


def alley_rows(ground: Ground) -> Rows:
    """Back alleys of the old town, all done up in the year: before it none passed all five checks."""
    random, count = ground.parameters.rng("alley rows"), ground.parameters["things"]["alleys"]
    lanes = ground.labels(LANES, (DENSE, CORE))[: count + count // 5]
    labels, lines = _streets(ground, "alleys", lanes, count)
    streets = [ground.drawing.plan.streets[k] for k in labels]
    columns = {
        "kind": "alley",
        "name_zh": [s.zh for s in streets],
        "name_en": [s.en for s in streets],
        "street": [s.zh for s in streets],
        "registered_length_m": np.round(shapely.length(lines), 1),
        "width_m": [PROFILE[s.kind][0] for s in streets],
        "surface": "asphalt",
        **dict.fromkeys(CHECKS, True),
        "assessed_on": ground.parameters.as_of,
        "renovation": "done",
        "renovation_year": ground.year,
        "renovated_on": lambda n, random: _days(ground, n, random),
        "cleaning": "manual",
        "owner": OWNER,
    }
    rows = fill("alleys", "AL", lines, columns, random)
    former: dict[str, Any] = {name: random.random(len(lines)) < 0.5 for name in CHECKS}
    former["road_flat"] = False
    former |= {"renovation": "planned", "renovation_year": None, "renovated_on": None}
    former["assessed_on"] = ground.parameters.before
    return changed_in_year(rows, "renovated_on", ground.year, former)


def planting_rows(ground: Ground) -> Rows:
    """Roads planted with colour in the year; some of them rose avenues."""
    random, asked = ground.parameters.rng("planting rows"), ground.parameters["things"]
    labels, lines = _streets(ground, "planting", ground.labels(ARTERIAL), asked["planting_sections"])
    rose = np.arange(len(labels)) % (asked["planting_sections"] // asked["rose_avenues"]) == 0
    rose &= np.cumsum(rose) <= asked["rose_avenues"]
    columns = {
        "kind": np.where(rose, "rose_avenue", "colour"),
        "name_zh": [
            f"{road}{'月季大道' if r else '彩化段'}"
            for road, r in zip(ground.roads(labels), rose, strict=True)
        ],
        "road": ground.roads(labels),
        "side": "both",
        "registered_length_m": np.round(shapely.length(lines), 1),
        "width_m": between(1.2, 4),
        "planting": np.where(rose, "月季", "三角梅、矮牵牛"),
        "scheme": "一街一景",
        "main_colour": one_of("红", "粉", "黄", "紫"),
        "planted_on": lambda n, random: _days(ground, n, random),
        "programme_year": ground.year,
        "upkeep_grade": one_of("first", "second"),
        "owner": GREEN,
    }
    rows = fill("planting_sections", "PL", lines, columns, random)
    return begun(rows, rows.columns["planted_on"])


def shop_sign_rows(ground: Ground) -> Rows:
    """Signs over the shops of some roads, made alike in the year."""
    random, asked = ground.parameters.rng("shop signs"), ground.parameters["things"]
    roads = _streets(ground, "sign roads", ground.labels(("tertiary",)), asked["shop_sign_roads"])[0]
    evenly = [ground.beside(roads[k : k + 1], asked["shop_signs"], -0.5, random) for k in range(len(roads))]
    label = np.concatenate([places.label for places in evenly])
    columns = {
        "kind": one_of("fascia", "fascia", "projecting"),
        "shop_name": one_of("示例面馆", "示例书店", "示例药房", "示例理发", "示例茶庄"),
        "filing_level": "subdistrict",
        "filed_on": lambda n, random: _days(ground, n, random),
        "width_m": between(2, 8),
        "height_m": between(0.6, 1.4),
        "lit": share(0.8),
        "compliant": True,
        "safe": True,
        "upgraded_year": ground.year,
        "road": ground.roads(label),
        "owner": "商户（示例）",
    }
    rows = fill("shop_signs", "SS", points(np.concatenate([p.xy for p in evenly])), columns, random)
    former = {"compliant": False, "safe": random.random(len(label)) < 0.9, "upgraded_year": None}
    return changed_in_year(rows, "filed_on", ground.year, former | {"filed_on": None})


def overhead_rows(ground: Ground) -> Rows:
    """Overhead lines; those of the undergrounding programme are gone from a day of the year on."""
    random, asked = ground.parameters.rng("overhead rows"), ground.parameters["things"]
    gone, left = asked["undergrounded_roads"], asked["overhead_lines"]
    labels, lines = _streets(ground, "overhead", ground.labels(("tertiary", "residential")), 10 * gone + left)
    under = _one_in_each(ground, lines, gone)
    kept = np.flatnonzero(under | (np.cumsum(~under) <= left))
    labels, lines, under = labels[kept], lines[kept], under[kept]
    done = [day if u else None for day, u in zip(_days(ground, len(labels), random), under, strict=True)]
    columns = {
        "kind": np.where(under, "mixed", "telecom"),
        "cables": whole(3, 24),
        "registered_length_m": np.round(shapely.length(lines), 1),
        "clearance_m": between(4.5, 6.5),
        "users": "电力、移动、电信、联通、广电（示例）",
        "treatment": [("underground" if u else ("bundle", "none")[k % 2]) for k, u in enumerate(under)],
        "programme_year": [ground.year if u else None for u in under],
        "done_on": done,
        "abandoned_cables": share(0.3),
        "road": ground.roads(labels),
        "owner": "澄图供电（示例）",
    }
    rows = fill("overhead_lines", "OL", lines, columns, random)
    rows.valid = [ALWAYS if day is None else (None, day) for day in done]
    return rows


def _one_in_each(ground: Ground, lines: Shapes, count: int) -> Bools:
    """`count` of the lines: the first in every district, then the first of the others."""
    middle = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    first = np.unique(ground.district_at(middle), return_index=True)[1]
    order = np.concatenate([first, np.setdiff1d(np.arange(len(lines)), first)])
    chosen = np.zeros(len(lines), bool)
    chosen[order[:count]] = True
    return chosen


def works_rows(ground: Ground) -> Rows:
    """The year's road works: planned before it, finished in it."""
    random, asked = ground.parameters.rng("works rows"), ground.parameters["things"]["road_works"]
    kinds = [kind for kind, count in asked.items() for _ in range(count)]
    kind = ["rebuild" if k.startswith("rebuild") else k for k in kinds]
    labels, lines = _streets(ground, "works", ground.labels(ARTERIAL), len(kinds))
    level = ["district" if k in {"rebuild_district", "drainage"} else "city" for k in kinds]
    finished = _days(ground, len(kinds), random)
    columns = {
        "kind": kind,
        "level": level,
        "programme_year": ground.year,
        "registered_length_m": np.round(shapely.length(lines), 1),
        "investment_cny": [np.round(COST[k] * random.uniform(0.6, 1.4), -4) for k in kind],
        "developer": OWNER,
        "end_planned": date(ground.year, 12, 31),
        "finished_on": finished,
        "progress_pct": 100.0,
        "road": ground.roads(labels),
    }
    rows = fill("road_works", "RW", lines, columns, random)
    former = {"state": "planned", "progress_pct": 0.0, "finished_on": None}
    return changed_in_year(rows, "finished_on", ground.year, former)
