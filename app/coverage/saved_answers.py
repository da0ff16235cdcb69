"""What the engine works out of saved runs: patches of their gaps, land that one of two runs serves alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely

from app.coverage import store
from app.coverage.compare import Parts, Saved, served_only_in
from app.coverage.model import Objects
from app.coverage.patches import WITHIN_M, patches
from app.coverage.shapes import polygonal
from app.database.transactions import Connection
from app.space.metric import MetricCrs

#: Names of parcels that a patch tells.
NAMES = 5
#: Degrees and back move a border by less.
GRID_M = 1e-3


def gap_patches(conn: Connection, crs: MetricCrs, values: Mapping[str, Any]) -> dict[str, Any]:
    """`{"run", "mode", "tier", "within_m", "limit"}` → the run's gaps as patches, as GeoJSON, most people first.

    `within_m` metres apart at most (default 30) two gaps are one patch. Each says how many gaps it holds, the parcels
    with most people, and metres to the facility nearest to the first of these. With `areas` (codes) only gaps in one of
    them count, and the facility is not named.
    """
    areas = values.get("areas")
    rows = store.read_shapes(conn, values["run"], "coverage_gaps", values["mode"], values["tier"], areas)
    told = ("nearest_m", *(("nearest_code", "nearest_name") if areas is None else ()))
    geometry = _metric(crs, rows)
    people = np.array([row["people"] or 0.0 for row in rows], dtype=np.float64)
    any_known = any(row["people"] is not None for row in rows)
    found = patches(geometry, people, float(values.get("within_m") or WITHIN_M))
    members: list[list[int]] = [[] for _ in found.geometry]
    for gap in np.argsort(-people, kind="stable").tolist():
        members[found.patch[gap]].append(gap)
    limit = int(values.get("limit") or 1000)
    features = [
        _feature(
            shape,
            {
                "rank": i + 1,
                "mode": values["mode"],
                "tier": values["tier"],
                "people": round(float(found.people[i])) if any_known else None,
                "hectares": round(float(found.area_m2[i]) / 10_000, 2),
                "area_m2": round(float(found.area_m2[i]), 1),
                "gaps": int(found.gaps[i]),
                "names": _names(rows, members[i]),
                "area_path": rows[found.first[i]]["area_path"],
                **{key: rows[found.first[i]][key] for key in told},
            },
        )
        for i, shape in enumerate(_shapes(crs, found.geometry[:limit]))
    ]
    return {
        "type": "FeatureCollection",
        "numberMatched": len(found.geometry),
        "numberReturned": len(features),
        "features": features,
    }


def _names(rows: list[dict[str, Any]], members: list[int]) -> list[str]:
    return list(dict.fromkeys(rows[i]["name"] or rows[i]["code"] or "" for i in members))[:NAMES]


def land_of_two(conn: Connection, crs: MetricCrs, values: Mapping[str, Any]) -> dict[str, Any]:
    """`{"a", "b", "mode", "tier"}` → land that b serves and a does not (gained) and the reverse (lost), as GeoJSON.

    With `areas` (codes) only of demand that lies in one of them.
    """
    gaps_a, gaps_b = (_saved(conn, crs, values, run, "coverage_gaps") for run in ("a", "b"))
    units_a, units_b = (_saved(conn, crs, values, run, "coverage_units") for run in ("a", "b"))
    changes = {
        "gained": served_only_in(units_b, gaps_a, gaps_b),
        "lost": served_only_in(units_a, gaps_b, gaps_a),
    }
    features = [feature for change, parts in changes.items() for feature in _changed(crs, change, parts)]
    return {
        "type": "FeatureCollection",
        "numberReturned": len(features),
        "totals": {
            change: {
                "parts": len(parts.code),
                "people": round(float(parts.people.sum())),
                "land_m2": round(float(parts.area_m2.sum()), 1),
            }
            for change, parts in changes.items()
        },
        "features": features,
    }


def _changed(crs: MetricCrs, change: str, parts: Parts) -> list[dict[str, Any]]:
    return [
        _feature(
            shape,
            {
                "change": change,
                "code": parts.code[i],
                "name": parts.name[i],
                "people": round(float(parts.people[i]), 1),
                "area_m2": round(float(parts.area_m2[i]), 1),
            },
        )
        for i, shape in enumerate(_shapes(crs, parts.geometry))
    ]


def _saved(
    conn: Connection, crs: MetricCrs, values: Mapping[str, Any], run: str, table: store.ShapeTable
) -> Saved:
    """Gaps or demand of a saved run; demand is land where there is any, else cells with people."""
    asked = (values["mode"], values["tier"], values.get("areas"))
    rows = store.read_shapes(conn, values[run], table, *asked)
    if any(row.get("kind") == "land" for row in rows):
        rows = [row for row in rows if row["kind"] == "land"]
    people = np.array([row["people"] or 0.0 for row in rows], dtype=np.float64)
    return Saved([row["code"] for row in rows], [row["name"] for row in rows], _metric(crs, rows), people)


def _metric(crs: MetricCrs, rows: list[dict[str, Any]]) -> Objects:
    """Saved shapes in metres on a grid of a millimetre: borders that coincided before they were saved do so again."""
    shapes = np.empty(len(rows), dtype=object)
    shapes[:] = [row["geom"] for row in rows]
    if not len(rows):
        return shapes
    metric = crs.to_metric(np.asarray(shapely.from_wkb(shapes), dtype=object))
    broken = ~shapely.is_valid(metric)
    metric[broken] = polygonal(shapely.make_valid(metric[broken]))
    return np.asarray(shapely.set_precision(metric, GRID_M), dtype=object)


def _shapes(crs: MetricCrs, geometry: Objects) -> list[dict[str, Any]]:
    if not len(geometry):
        return []
    rounded = shapely.set_precision(crs.to_lonlat(geometry), 0)
    return [json.loads(text) for text in shapely.to_geojson(rounded)]


def _feature(shape: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": shape, "properties": properties}
