"""Rows of what stands beside the streets: shelters, bays, signs, poles, boxes, bins, advertisements, devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.sample.draw import points
from app.sample.ground import ARTERIAL, LANES, Column, Ground, between, dates, fill, one_of, share, whole
from app.sample.rows import Rows, pick

OLD, LAST = 2005, 2020
STREETS = ARTERIAL + LANES


@dataclass(frozen=True)
class Thing:
    """A class of things beside streets: prefix of their codes, on which streets, kinds with shares, other columns."""

    class_id: str
    prefix: str
    streets: tuple[str, ...]
    kinds: Mapping[str, float]
    out_m: float
    owner: str
    columns: Mapping[str, Column] = field(default_factory=dict)


THINGS = (
    Thing(
        "bus_shelters",
        "BS",
        ARTERIAL,
        {"bus": 8, "terminal": 0.3, "taxi": 0.6},
        2.0,
        "澄图公交（示例）",
        {
            "shelter": share(0.8),
            "bench": share(0.8),
            "lit": share(0.7),
            "sign_type": one_of("plain", "electronic"),
            "accessible": share(0.6),
            "built_on": dates(OLD, LAST),
        },
    ),
    Thing(
        "bike_bays",
        "BB",
        STREETS,
        {"bay": 8, "rental": 1, "rack": 1},
        2.2,
        "澄图市城市管理局（示例）",
        {
            "vehicles": one_of("shared", "bikes", "all"),
            "capacity": whole(10, 60),
            "quota": whole(10, 60),
            "side": "pavement",
            "marked_on": dates(2018, LAST),
        },
    ),
    Thing(
        "public_signs",
        "PS",
        STREETS,
        {"road_name": 6, "place_name": 2, "toilet": 2, "shelter": 1},
        1.5,
        "澄图市民政局（示例）",
        {"languages": "zh, en", "support": one_of("pole", "arm"), "installed_on": dates(OLD, LAST)},
    ),
    Thing(
        "street_furniture",
        "SF",
        STREETS,
        {"bench": 6, "newsstand": 1, "notice_board": 1, "sculpture": 0.5, "parcel_locker": 1, "post_box": 1},
        1.8,
        "澄图市城市管理局（示例）",
        {"material": one_of("木", "石", "钢"), "built_on": dates(OLD, LAST)},
    ),
    Thing(
        "traffic_facilities",
        "TF",
        ARTERIAL,
        {"light": 3, "sign": 6, "guard_rail": 2, "police_post": 0.3, "bollard": 1},
        1.2,
        "澄图市交警支队（示例）",
        {"height_m": between(1.0, 6.5), "installed_on": dates(OLD, LAST)},
    ),
    Thing(
        "utility_boxes",
        "UB",
        STREETS,
        {"telecom": 4, "power": 3, "transformer": 1, "lighting": 1, "gas": 1},
        1.0,
        "澄图供电（示例）",
        {"locked": share(0.95), "beautified": share(0.4), "installed_on": dates(OLD, LAST)},
    ),
    Thing(
        "utility_poles",
        "UP",
        STREETS,
        {"power": 3, "telecom": 3, "shared": 1, "base_station": 0.3},
        0.8,
        "澄图信息管道（示例）",
        {"height_m": between(7, 12), "leaning": share(0.02), "installed_on": dates(OLD, LAST)},
    ),
    Thing(
        "waste_bins",
        "WN",
        STREETS,
        {"bin": 9, "clothes": 0.5, "pet_waste": 0.5},
        1.6,
        "澄图市环境卫生处（示例）",
        {"streams": one_of(2, 2, 4), "volume_l": one_of(60.0, 80.0, 120.0), "emptied_per_day": whole(1, 3)},
    ),
    Thing(
        "monitoring_points",
        "MP",
        ARTERIAL,
        {"camera": 7, "flood": 1, "environment": 1, "noise_display": 0.5},
        1.0,
        "澄图市城市运行监管中心（示例）",
        {"online": share(0.96), "platform": "视频云平台（示例）", "installed_on": dates(2015, LAST)},
    ),
    Thing(
        "outdoor_advertisements",
        "AD",
        ARTERIAL,
        {"light_box": 4, "billboard": 1, "column": 2, "screen": 1, "shelter": 2},
        0.6,
        "澄图传媒（示例）",
        {
            "approved": share(0.9),
            "permit_from": dates(2019, LAST),
            "permit_until": dates(2021, 2023),
            "width_m": between(1.5, 12),
            "height_m": between(1, 6),
            "faces": one_of(1, 2),
            "lit": share(0.8),
            "safe": share(0.97),
            "safety_tested_on": dates(LAST, LAST),
        },
    ),
    Thing(
        "filling_stations",
        "FS",
        ARTERIAL,
        {"station": 4, "charging": 4, "gas": 1},
        -18.0,
        "澄图能源（示例）",
        {"open_24h": True, "opening_hours": "24/7", "permit_until": dates(2022, 2024)},
    ),
    Thing(
        "road_cavities",
        "RC",
        ARTERIAL,
        {"void": 1, "cavity": 3, "loose": 5, "wet": 2},
        13.0,
        "澄图市市政工程处（示例）",
        {
            "risk": one_of("low", "moderate", "considerable", "high"),
            "depth_to_top_m": between(0.3, 2.5, 2),
            "plan_area_m2": between(0.5, 8),
            "net_height_m": between(0.1, 0.9, 2),
            "survey_method": "detector",
            "detected_on": dates(2019, LAST),
            "verified": one_of("drilling", "endoscope", "none"),
            "disposal": one_of("watched", "planned", "filled"),
        },
    ),
    Thing(
        "gas_devices",
        "GD",
        STREETS,
        {"shut_off": 6, "alarm": 3, "flow_guard": 1},
        -6.0,
        "澄图燃气（示例）",
        {
            "premises": one_of("restaurant", "household", "public"),
            "linked": share(0.7),
            "working": share(0.98),
            "installed_on": dates(2017, LAST),
        },
    ),
    Thing(
        "green_facilities",
        "GF",
        STREETS,
        {"tree_guard": 3, "tree_pit": 5, "irrigation": 1, "fence": 1},
        2.5,
        "澄图市园林绿化中心（示例）",
        {"material": one_of("钢", "石", "塑木"), "installed_on": dates(OLD, LAST)},
    ),
)


def street_things(ground: Ground) -> list[Rows]:
    """Every class of things beside streets, so many as the parameters say."""
    return [_rows(ground, thing) for thing in THINGS]


def _rows(ground: Ground, thing: Thing) -> Rows:
    random, n = ground.parameters.rng(thing.class_id), ground.parameters["things"][thing.class_id]
    places = ground.beside(ground.labels(thing.streets), n, thing.out_m, random)
    roads = ground.roads(places.label)
    columns: dict[str, Column] = {
        "kind": pick(list(thing.kinds), list(thing.kinds.values()), n, random),
        "owner": thing.owner,
        "maintainer": thing.owner,
        **thing.columns,
    }
    if thing.class_id != "gas_devices":
        columns["road"] = roads
    if thing.class_id in {"bus_shelters", "filling_stations"}:
        word = "站" if thing.class_id == "bus_shelters" else "加油充电站"
        columns["name_zh"] = [f"{road}{word}" for road in roads]
    return fill(thing.class_id, thing.prefix, points(places.xy), columns, random)
