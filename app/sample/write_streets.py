"""Rows of streets and what stands on them: bridges, tunnels, lights, trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from app.sample.assets import Beside
from app.sample.city import Drawing
from app.sample.draw import Floats, Ints, Shapes, points, segments
from app.sample.parameters import Parameters
from app.sample.rows import NOTE, Rows, codes, component_codes, days, pick
from app.sample.streets import PROFILE, Street

OWNER = "澄图市市政工程处（示例）"
#: Edges longer than this follow the bend of their street with points in between.
BEND_M = 260.0
SPECIES = (
    ("香樟", "Cinnamomum camphora", "evergreen"),
    ("二球悬铃木", "Platanus acerifolia", "deciduous"),
    ("银杏", "Ginkgo biloba", "deciduous"),
    ("栾树", "Koelreuteria paniculata", "deciduous"),
    ("广玉兰", "Magnolia grandiflora", "evergreen"),
    ("无患子", "Sapindus saponaria", "deciduous"),
)


def street_rows(drawing: Drawing, lines: Shapes, parameters: Parameters) -> Rows:
    """One row an edge, from crossing to crossing."""
    edges, streets = drawing.edges, drawing.plan.streets
    n, kind = len(edges.a), [streets[k].kind for k in edges.label]
    random = parameters.rng("street rows")
    year = random.integers(1988, parameters.as_of.year + 1, len(streets))[edges.label]
    pci = np.round(random.normal(82, 8, len(streets)).clip(40, 99), 1)[edges.label]
    paved = np.isin(kind, ("footway", "pedestrian"))
    of = _of(streets, edges.label)
    return Rows(
        "streets",
        lines,
        codes("RD", n),
        {
            "name_zh": of("zh"),
            "name_en": of("en"),
            "kind": kind,
            "walk": of("walk"),
            "layer": of("layer"),
            "bridge": of("bridge"),
            "tunnel": of("tunnel"),
            "width_m": [PROFILE[k][0] for k in kind],
            "lanes": [PROFILE[k][1] for k in kind],
            "surface": np.where(paved, "paving_stones", "asphalt"),
            "oneway": False,
            "speed_km_h": [
                {"expressway": 80, "trunk": 60, "primary": 60, "secondary": 50}.get(k, 30) for k in kind
            ],
            "sidewalk": [_sidewalk(k) for k in kind],
            "lit": [k != "footway" for k in kind],
            "pci": pci,
            "swept": True,
            "state": "in_service",
            "owner": OWNER,
            "maintainer": OWNER,
            "built_on": days(year, random),
            "note": NOTE,
        },
    )


def _of(streets: list[Street], label: Ints) -> Any:
    return lambda name: [getattr(streets[k], name) for k in label]


def _sidewalk(kind: str) -> str | None:
    if kind in ("expressway", "service"):
        return "none"
    return None if kind in ("footway", "pedestrian") else "both"


def edge_lines(drawing: Drawing) -> Shapes:
    """The line of every edge; long ones bend with their street, and all end exactly at their nodes."""
    edges, xy, net = drawing.edges, drawing.plan.net.xy(), drawing.plan.net
    lines = segments(xy[edges.a], xy[edges.b])
    long = np.flatnonzero((shapely.length(lines) > BEND_M) & (edges.chain >= 0))
    steps = np.ceil(shapely.length(lines[long]) / BEND_M).astype(int) + 2
    row = np.repeat(np.arange(len(long)), steps)
    way = (np.arange(len(row)) - np.repeat(np.cumsum(steps) - steps, steps)) / (steps[row] - 1)
    at = edges.t0[long[row]] + (edges.t1[long[row]] - edges.t0[long[row]]) * way
    points = net.along(edges.chain[long[row]], at)
    points[way == 0], points[way == 1] = xy[edges.a[long]], xy[edges.b[long]]
    lines[long] = shapely.linestrings(points, indices=row)
    return lines


def bridge_rows(drawing: Drawing, lines: Shapes, parameters: Parameters) -> Rows:
    """Bridges: the named ones over the river in one piece, one row for each street over a canal."""
    shapes, labels, streets = _crossings(drawing, lines, "bridge")
    random, n = parameters.rng("bridges"), len(shapes)
    named = [_bridge_name(streets[k]) for k in labels]
    bci = np.round(random.normal(86, 6, n).clip(55, 99), 1)
    length = shapely.length(shapes)
    kinds = [streets[k].kind for k in labels]
    year = random.integers(1985, parameters.as_of.year + 1, n)
    return Rows(
        "bridges",
        shapes,
        codes("BR", n),
        {
            "name_zh": [name[0] for name in named],
            "name_en": [name[1] for name in named],
            "kind": "river",
            "structure": np.where(length > 400, "cable_stayed", "beam"),
            "maintenance_class": np.where(length > 400, "i", "iii"),
            "bci": bci,
            "bci_grade": ["ABCDE"[int(np.searchsorted([-90, -80, -66, -50], -b))] for b in bci],
            "registered_length_m": np.round(length, 1),
            "width_m": [PROFILE[k][0] + 6 for k in kinds],
            "lanes": [PROFILE[k][1] for k in kinds],
            "spans": np.maximum(1, np.round(length / 40)).astype(int),
            "clearance_m": np.where(length > 400, 18.0, 4.5),
            "load_limit_t": 55.0,
            "layer": 1,
            "state": "in_service",
            "owner": OWNER,
            "maintainer": "澄图市桥隧管理所（示例）",
            "built_on": days(year, random),
            "inspected_on": parameters.as_of,
            "note": NOTE,
        },
    )


def _bridge_name(street: Street) -> tuple[str, str]:
    zh, en = street.zh or "", street.en or ""
    return (zh, en) if zh.endswith("桥") else (f"{zh}桥", f"{en} Bridge")


def _crossings(drawing: Drawing, lines: Shapes, what: str) -> tuple[Shapes, list[int], list[Street]]:
    """Edges that are bridges or tunnels, those of one street that touch joined into one line each."""
    streets, edges = drawing.plan.streets, drawing.edges
    mine = np.flatnonzero([getattr(streets[k], what) for k in edges.label])
    shapes: list[shapely.Geometry] = []
    labels: list[int] = []
    for label in np.unique(edges.label[mine]):
        joined = shapely.line_merge(shapely.union_all(lines[mine[edges.label[mine] == label]]))
        for part in shapely.get_parts(joined):
            shapes.append(part)
            labels.append(int(label))
    return np.array(shapes, dtype=object), labels, streets


def tunnel_rows(drawing: Drawing, lines: Shapes, parameters: Parameters) -> Rows:
    """Tunnels under the river."""
    shapes, labels, streets = _crossings(drawing, lines, "tunnel")
    random, n = parameters.rng("tunnels"), len(shapes)
    year = random.integers(2008, parameters.as_of.year + 1, n)
    return Rows(
        "tunnels",
        shapes,
        codes("TN", n),
        {
            "name_zh": [streets[k].zh for k in labels],
            "name_en": [streets[k].en for k in labels],
            "kind": "road",
            "registered_length_m": np.round(shapely.length(shapes), 1),
            "width_m": 11.0,
            "clearance_m": 4.5,
            "lanes": 4,
            "rating_scale": "own",
            "rating": random.integers(1, 3, n),
            "lit": True,
            "ventilated": True,
            "monitored": True,
            "pumped": True,
            "layer": -1,
            "state": "in_service",
            "owner": OWNER,
            "maintainer": "澄图市桥隧管理所（示例）",
            "built_on": days(year, random),
            "note": NOTE,
        },
    )


def light_rows(drawing: Drawing, district: list[str], parameters: Parameters) -> Rows:
    """Street lights along the arterials of the built-up area."""
    lights, random = drawing.lights, parameters.rng("lights")
    n = len(lights.label)
    lamp = pick(("led", "led_silicon", "sodium"), (0.45, 0.2, 0.35), n, random)
    year = random.integers(2003, parameters.as_of.year + 1, n)
    return Rows(
        "street_lights",
        points(lights.xy),
        codes("SL", n),
        {
            "kind": "road",
            "lamp": lamp,
            "power_w": [250.0 if k == "sodium" else 150.0 for k in lamp],
            "heads": 1,
            "height_m": random.choice([9.0, 10.0, 12.0], n),
            "colour_temperature_k": [2000.0 if k == "sodium" else 4000.0 for k in lamp],
            "pole_number": [f"{k + 1:03d}" for k in lights.turn],
            "single_control": [k != "sodium" for k in lamp],
            "smart_pole": random.random(n) < 0.03,
            "road": _roads(drawing, lights),
            "condition": _condition(n, random),
            "component_code": component_codes(district, "0118"),
            "code_system": "cjt214_2007",
            "data_source": "survey",
            "state": "in_service",
            "owner": "澄图市路灯管理处（示例）",
            "built_on": days(year, random),
            "note": NOTE,
        },
    )


def tree_rows(drawing: Drawing, district: list[str], parameters: Parameters) -> Rows:
    """Street trees, of one kind along each street."""
    trees, random = drawing.trees, parameters.rng("trees")
    n = len(trees.label)
    species = random.integers(0, len(SPECIES), len(drawing.plan.streets))[trees.label]
    age = random.integers(4, 45, n)
    trunk: Floats = np.round(age * random.uniform(0.7, 1.3, n), 1)
    return Rows(
        "street_trees",
        points(trees.xy),
        codes("ST", n),
        {
            "name_zh": [SPECIES[k][0] for k in species],
            "species_zh": [SPECIES[k][0] for k in species],
            "species": [SPECIES[k][1] for k in species],
            "kind": [SPECIES[k][2] for k in species],
            "leaf": "broadleaved",
            "trunk_cm": trunk,
            "height_m": np.round(3 + trunk * 0.22, 1),
            "crown_m": np.round(1.5 + trunk * 0.13, 1),
            "age_years": age,
            "pit": True,
            "health": pick(("good", "weak", "dying"), (0.94, 0.05, 0.01), n, random),
            "road": _roads(drawing, trees),
            "component_code": component_codes(district, "0402"),
            "code_system": "cjt214_2007",
            "state": "in_service",
            "owner": "澄图市园林绿化中心（示例）",
            "note": NOTE,
        },
    )


def _roads(drawing: Drawing, beside: Beside) -> list[str | None]:
    return [drawing.plan.streets[k].zh for k in beside.label]


def _condition(n: int, random: np.random.Generator) -> list[str]:
    return pick(("good", "damaged", "lost"), (0.965, 0.03, 0.005), n, random)
