"""Rows of what the city does with waste and waste water: kiosks, stations, sorting centres, plants, pumps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely

from app.sample.draw import Ints, part, points
from app.sample.ground import Column, Ground, between, dates, fill, one_of, share, whole
from app.sample.names import make_names
from app.sample.rows import Rows, codes, days
from app.sample.versions import begun_in_year

OWNER = "澄图市环境卫生处（示例）"
#: The plants that the plan names: kind, name, tonnes a day.
PLANTS = (
    ("incinerator", "示例焚烧发电厂", 2400.0),
    ("kitchen", "示例餐厨垃圾处理厂", 200.0),
    ("kitchen", "示例第二餐厨垃圾处理厂", 400.0),
    ("bulky", "示例大件垃圾破碎中心", 60.0),
    ("landfill", "示例填埋场", 900.0),
    ("concentrate", "示例浓缩液处理站", 400.0),
    ("leachate", "示例渗滤液处理站", 1000.0),
    ("construction_waste", "示例建筑垃圾资源化厂", 1500.0),
)


def waste_rows(ground: Ground) -> list[Rows]:
    """All classes of waste and waste water."""
    return [
        kiosk_rows(ground),
        transfer_rows(ground),
        sorting_rows(ground),
        plant_rows(ground),
        sewage_rows(ground),
        pump_rows(ground),
    ]


def kiosk_rows(ground: Ground) -> Rows:
    """Waste kiosks in the plan's share of the estates, half of them set up in the year."""
    random, homes = ground.parameters.rng("kiosks"), ground.drawing.estates
    n = len(homes.year)
    count = int(np.ceil(n * ground.parameters["things"]["kiosk_percent"] / 100))
    estate = np.sort(random.permutation(n)[:count])
    renewal, code = ground.drawing.renewal, codes("RE", n)
    columns = {
        "kind": one_of("kiosk", "kiosk", "smart"),
        "estate": [code[k] for k in estate],
        "households": renewal.households[estate],
        "streams": 4,
        "bins": whole(4, 10),
        "floor_area_m2": between(8, 30),
        "water_supply": share(0.8),
        "drained": share(0.8),
        "camera": share(0.4),
        "supervised": share(0.7),
        "built_on": days(np.where(random.random(count) < 0.5, ground.year, 2019), random),
        "owner": OWNER,
    }
    places = part(homes.quad[estate], 0.93, 0.97, 0.03, 0.07).mean(axis=1)
    return begun_in_year(fill("waste_kiosks", "WK", points(places), columns, random), "built_on", ground.year)


def _on_plots(ground: Ground, plots: Ints, class_id: str, columns: Mapping[str, Column], prefix: str) -> Rows:
    """Grounds on plots, with their area and owner."""
    random, shapes = ground.parameters.rng(class_id), ground.spare(plots)
    everything: dict[str, Any] = {"owner": OWNER, "maintainer": OWNER}
    return fill(class_id, prefix, shapes, everything | dict(columns), random)


def _sites(ground: Ground, topic: str) -> Ints:
    """Industrial plots, each topic from another part of the same order, so that nothing stands on something else."""
    plots = ground.plots(("M",), ground.parameters.rng("waste plots"))
    order = ("transfer_stations", "sorting_centres", "waste_plants", "sewage_plants", "pumping_stations")
    return np.asarray(plots[order.index(topic) :: len(order)])


def transfer_rows(ground: Ground) -> Rows:
    """Transfer stations."""
    plots = _sites(ground, "transfer_stations")[: ground.parameters["things"]["transfer_stations"]]
    names = make_names(ground.parameters.rng("transfer names"))[: len(plots)]
    columns = {
        "name_zh": [f"{name.zh}垃圾转运站" for name in names],
        "kind": one_of("compaction", "compaction", "collection"),
        "capacity_t_d": between(50, 300, 0),
        "compactors": whole(1, 4),
        "streams": one_of(2, 4),
        "odour_control": share(0.8),
        "leachate_treated": share(0.7),
        "built_on": dates(2000, 2020),
    }
    return _on_plots(ground, plots, "transfer_stations", columns, "TS")


def sorting_rows(ground: Ground) -> Rows:
    """A sorting centre for recyclables in every district, new in the year."""
    entries, table = ground.parameters["districts"], ground.drawing.plots
    own = ground.district(np.arange(len(table.use)))
    # Where a district has no industry left, any other ground will do, fields and hills first.
    others = [np.flatnonzero(table.use == use) for use in ("M", "F", "H", "A", "C", "R")]
    order = np.concatenate([_sites(ground, "sorting_centres"), *others])
    plots = np.array([order[own[order] == k][0] for k in range(len(entries))])
    columns = {
        "name_zh": [f"{entry['zh']}再生资源分拣中心" for entry in entries],
        "kind": "sorting",
        "capacity_t_d": between(80, 260, 0),
        "materials": "纸、塑料、金属、玻璃、织物",
        "lines": whole(1, 3),
        "vehicles": whole(4, 20),
        "staff": whole(15, 60),
        "built_on": lambda n, random: days(np.full(n, ground.year), random),
    }
    rows = _on_plots(ground, plots, "sorting_centres", columns, "SC")
    return begun_in_year(rows, "built_on", ground.year)


def plant_rows(ground: Ground) -> Rows:
    """The plants for what is left."""
    count = ground.parameters["things"]["waste_plants"]
    kind, name, tonnes = zip(*PLANTS[:count], strict=True)
    columns = {
        "name_zh": list(name),
        "kind": list(kind),
        "capacity_t_d": list(tonnes),
        "load_t_d": [0.8 * t for t in tonnes],
        "odour_control": True,
        "monitored": True,
        "built_on": dates(2008, 2020),
    }
    return _on_plots(ground, _sites(ground, "waste_plants")[:count], "waste_plants", columns, "WP")


def sewage_rows(ground: Ground) -> Rows:
    """Sewage plants, one plan for each."""
    plots = _sites(ground, "sewage_plants")[: ground.parameters["things"]["sewage_plants"]]
    names = make_names(ground.parameters.rng("sewage names"))[: len(plots)]
    capacity = ground.parameters.rng("sewage capacity").choice([50_000.0, 100_000.0, 200_000.0], len(plots))
    columns = {
        "name_zh": [f"{name.zh}污水处理厂" for name in names],
        "kind": "central",
        "capacity_m3_d": capacity,
        "load_m3_d": np.round(capacity * 0.86),
        "discharge_standard": one_of("1a", "better"),
        "cod_in_mg_l": between(140, 260, 0),
        "cod_out_mg_l": between(15, 40, 0),
        "monitored": True,
        "plan": "一厂一策（示例）",
        "owner": "澄图水务（示例）",
        "built_on": dates(1999, 2018),
    }
    return _on_plots(ground, plots, "sewage_plants", columns, "SP")


def pump_rows(ground: Ground) -> Rows:
    """Pumping stations of the drains."""
    plots = _sites(ground, "pumping_stations")[: ground.parameters["things"]["pumping_stations"]]
    names = make_names(ground.parameters.rng("pump names"))[: len(plots)]
    columns = {
        "name_zh": [f"{name.zh}泵站" for name in names],
        "kind": one_of("storm", "sewer", "drainage", "underpass"),
        "pumps": whole(2, 6),
        "capacity_m3_h": between(800, 20_000, 0),
        "power_kw": between(55, 900, 0),
        "backup_power": share(0.7),
        "automatic": share(0.9),
        "owner": "澄图市排水处（示例）",
        "built_on": dates(1995, 2020),
    }
    random = ground.parameters.rng("pumping_stations")
    places = shapely.centroid(ground.spare(plots))
    return fill("pumping_stations", "PU", places, columns, random)
