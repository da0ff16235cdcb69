"""Rows of pipes, their nodes and manholes, in the terms of CJJ 61."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.sample.city import Drawing
from app.sample.draw import Bools, points
from app.sample.parameters import Parameters
from app.sample.rows import NOTE, Rows, codes, component_codes, days, pick
from app.sample.versions import changed_in_year

#: kind → pipe code, materials with shares, diameters mm, pressure, embedding, owner.
TERMS = {
    "water": (
        "JP",
        {"ductile_iron": 6, "pe": 3, "steel": 1},
        (200, 300, 400, 600, 800),
        "medium",
        "buried",
        "澄图水务（示例）",
    ),
    "storm": (
        "YS",
        {"concrete": 8, "pe": 2},
        (600, 800, 1000, 1200, 1500),
        "gravity",
        "buried",
        "澄图市排水处（示例）",
    ),
    "sewer": (
        "WS",
        {"concrete": 5, "pe": 4, "frp": 1},
        (300, 400, 500, 600, 800),
        "gravity",
        "buried",
        "澄图市排水处（示例）",
    ),
    "combined": (
        "HS",
        {"concrete": 7, "brick": 3},
        (600, 800, 1000),
        "gravity",
        "buried",
        "澄图市排水处（示例）",
    ),
    "gas": ("TR", {"pe": 7, "steel": 3}, (110, 160, 200, 315, 400), "medium", "buried", "澄图燃气（示例）"),
    "power": ("GD", {"copper": 1}, (150, 175, 200), None, "conduit", "澄图供电（示例）"),
    "telecom": ("XX", {"fibre": 1}, (90, 100, 110), None, "duct_bank", "澄图信息管道（示例）"),
}
#: kind of pipe → component code of its manhole covers (CJ/T 214-2007).
COVER = {
    "water": "0101",
    "sewer": "0102",
    "storm": "0103",
    "combined": "0102",
    "gas": "0111",
    "power": "0105",
    "telecom": "0107",
}
DEPTH_M = {
    "water": 1.2,
    "storm": 2.4,
    "sewer": 2.9,
    "combined": 2.6,
    "gas": 1.1,
    "power": 0.9,
    "telecom": 0.8,
}


def pipe_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """Pipe pieces from node to node; renewed gas mains keep what they were made of, those of the year as a version."""
    pipes, random = drawing.pipes, parameters.rng("pipe rows")
    n, nodes = len(pipes.line), codes("PN", len(pipes.node_xy))
    kind = pipes.kind.tolist()
    year = np.where(
        pipes.cast_iron | (pipes.renewed > 0), random.integers(1972, 1996, n), random.integers(1996, 2021, n)
    )
    depth = np.round([DEPTH_M[k] for k in kind] + random.uniform(-0.3, 0.5, n), 2)
    rows = Rows(
        "pipes",
        pipes.line,
        codes("PP", n),
        {
            "kind": kind,
            "pipe_code": [TERMS[k][0] for k in kind],
            "material": _materials(drawing, random),
            "former_material": ["cast_iron" if year else None for year in pipes.renewed],
            "diameter_mm": _diameters(drawing, random),
            "pressure": [TERMS[k][3] for k in kind],
            "voltage_kv": [10.0 if k == "power" else None for k in kind],
            "embedding": [TERMS[k][4] for k in kind],
            "start_depth_m": depth,
            "end_depth_m": np.round(depth + random.uniform(0, 0.25, n), 2),
            "from_node": [nodes[k] for k in pipes.start],
            "to_node": [nodes[k] for k in pipes.end],
            "surveyed_on": parameters.as_of,
            "road": _roads(drawing, pipes.label),
            "state": "in_service",
            "owner": [TERMS[k][5] for k in kind],
            "built_on": days(year, random),
            "renovated_on": days(pipes.renewed, random),
            "note": NOTE,
        },
    )
    former: dict[str, Any] = {"material": "cast_iron", "former_material": None, "renovated_on": None}
    former["surveyed_on"] = parameters.before
    return changed_in_year(rows, "renovated_on", parameters.as_of.year, former)


def _roads(drawing: Drawing, label: NDArray[np.int64]) -> list[str | None]:
    return [drawing.plan.streets[k].zh for k in label]


def _materials(drawing: Drawing, random: np.random.Generator) -> list[str]:
    """By street, so that a main does not change from piece to piece; renewed gas mains are of polyethylene."""
    pipes = drawing.pipes
    draw = random.random(len(drawing.plan.streets))[pipes.label]
    material = np.full(len(pipes.kind), "", dtype=object)
    for kind, terms in TERMS.items():
        mine = pipes.kind == kind
        share = np.cumsum(list(terms[1].values())) / sum(terms[1].values())
        material[mine] = np.array(list(terms[1]), dtype=object)[
            np.searchsorted(share, draw[mine] * 0.999999, "right")
        ]
    material[pipes.renewed > 0] = "pe"
    material[pipes.cast_iron] = "cast_iron"
    return list(material.tolist())


def _diameters(drawing: Drawing, random: np.random.Generator) -> list[float]:
    draw = random.random(len(drawing.plan.streets))[drawing.pipes.label]
    return [
        float(TERMS[k][2][int(d * len(TERMS[k][2]))]) for k, d in zip(drawing.pipes.kind, draw, strict=True)
    ]


def _with_cover(drawing: Drawing) -> Bools:
    """Nodes that have a manhole: all of drains and ducts, meeting points of water and gas."""
    pipes = drawing.pipes
    pressed = np.isin(pipes.node_kind, ("water", "gas"))
    return np.asarray(~pressed | (pipes.node_degree != 2))


def node_rows(drawing: Drawing, parameters: Parameters) -> Rows:
    """Points of the pipe survey: ends, joints, tees and crosses; some are valves or hydrants."""
    pipes, random = drawing.pipes, parameters.rng("node rows")
    n = len(pipes.node_xy)
    shape = np.array(["end", "joint", "tee", "cross"])[np.clip(pipes.node_degree, 1, 4) - 1].astype(object)
    pressed = np.isin(pipes.node_kind, ("water", "gas"))
    shape[pressed & (random.random(n) < 0.2)] = "valve"
    shape[(pipes.node_kind == "water") & (random.random(n) < 0.12)] = "hydrant"
    shape[np.isin(pipes.node_kind, ("sewer", "storm", "combined")) & (pipes.node_degree > 1)] = "chamber"
    covers = _cover_codes(drawing)
    return Rows(
        "pipe_nodes",
        points(pipes.node_xy),
        codes("PN", n),
        {
            "kind": shape.tolist(),
            "network": pipes.node_kind,
            "survey_number": [f"{k[:2].upper()}{i}" for i, k in enumerate(pipes.node_kind)],
            "elevation_m": np.round(random.normal(21.0, 1.2, n), 2),
            "depth_m": np.round([DEPTH_M[k] for k in pipes.node_kind] + random.uniform(-0.3, 0.5, n), 2),
            "manhole": covers,
            "surveyed_on": parameters.as_of,
            "road": _roads(drawing, pipes.node_label),
            "state": "in_service",
            "note": NOTE,
        },
    )


def _cover_codes(drawing: Drawing) -> list[str | None]:
    """The manhole over each node, None where there is none."""
    covered = _with_cover(drawing)
    number = np.cumsum(covered)
    all_codes = codes("MH", int(covered.sum()))
    return [all_codes[k - 1] if c else None for k, c in zip(number, covered, strict=True)]


def covered_xy(drawing: Drawing) -> NDArray[np.float64]:
    """Places (n, 2) of the manholes."""
    return drawing.pipes.node_xy[_with_cover(drawing)]


def manhole_rows(drawing: Drawing, district: list[str], parameters: Parameters) -> Rows:
    """Manholes over nodes."""
    pipes, random, covered = drawing.pipes, parameters.rng("manhole rows"), _with_cover(drawing)
    kind = pipes.node_kind[covered].tolist()
    n = len(kind)
    year = random.integers(1995, parameters.as_of.year + 1, n)
    return Rows(
        "manholes",
        points(covered_xy(drawing)),
        codes("MH", n),
        {
            "kind": kind,
            "cover_class": pick(("D400", "C250", "B125"), (0.7, 0.2, 0.1), n, random),
            "cover_material": pick(
                ("ductile_iron", "cast_iron", "composite", "concrete"), (0.7, 0.1, 0.15, 0.05), n, random
            ),
            "cover_shape": "round",
            "diameter_mm": 700.0,
            "depth_m": np.round([DEPTH_M[k] + 0.4 for k in kind], 1),
            "site": "carriageway",
            "fall_guard": random.random(n) < 0.75,
            "road": _roads(drawing, pipes.node_label[covered]),
            "component_code": component_codes(district, [COVER[k] for k in kind]),
            "code_system": "cjt214_2007",
            "condition": pick(("good", "damaged", "lost"), (0.97, 0.025, 0.005), n, random),
            "data_source": "survey",
            "inspected_on": parameters.as_of,
            "state": "in_service",
            "owner": [TERMS[k][5] for k in kind],
            "built_on": days(year, random),
            "note": NOTE,
        },
    )
