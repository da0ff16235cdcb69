"""Area covered, exactly: parcels by parks, beside PostGIS in the same run, and how the cost grows with the city."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray

from app.coverage.gaps import Gaps, rest_gaps
from app.coverage.measure import cut_by_areas
from app.coverage.straight import covered_area, service_area, uncovered_part
from app.database.server import admin_parameters
from bench.scratch import scratch
from bench.tools import best_of, peak_gib, table

Shapes = NDArray[np.object_]

SIDE, PARCEL_M, PARKS, RADIUS_M = 500, 60.0, 200, 500.0
#: Metres between the parcels, as streets would be: else the union of all parcels would be one square.
GAP_M = 4.0
DISTRICTS = 5
SIZES = (62_500, 250_000, 500_000, 1_000_000)
#: One park for every hundred parcels, as in the largest size asked for.
PARCELS_PER_PARK = 100
SEGMENTS = 64
SRID = 4548

NAIVE = """
    SELECT sum(ST_Area(ST_Intersection(parcel.geom, served.geom)))
    FROM parcel, (SELECT ST_Union(ST_Buffer(geom, %(radius)s, %(segments)s)) AS geom FROM park) AS served
    WHERE ST_Intersects(parcel.geom, served.geom)"""
#: The union in pieces that an index can find, and no overlay for what lies inside a piece.
UNION = "ST_Union(ST_Buffer(geom, %(radius)s, %(segments)s))"
PIECES = {
    "union dumped": f"SELECT (ST_Dump({UNION})).geom FROM park",
    "union subdivided": f"SELECT ST_Subdivide({UNION}, 128) AS geom FROM park",
}
BEST = """
    WITH served AS MATERIALIZED ({pieces})
    SELECT sum(CASE WHEN ST_CoveredBy(parcel.geom, served.geom) THEN ST_Area(parcel.geom)
                    ELSE ST_Area(ST_Intersection(parcel.geom, served.geom)) END)
    FROM served JOIN parcel ON ST_Intersects(parcel.geom, served.geom)"""


@dataclass(frozen=True)
class Town:
    """Parcels and parks in metres, and districts (k,) that the parcels are cut by: `district` (u,) of each."""

    parcels: Shapes
    parks: Shapes
    district: NDArray[np.int64]


def run(*, peers: bool) -> None:
    """Print the covered area's figures, PostGIS's beside them, and the chart over four sizes."""
    town = draw(SIDE, PARKS)
    ours, area = best_of(5, lambda: covered_area(town.parcels, service_area(town.parks, RADIUS_M)))
    whole, (shares, gaps) = best_of(5, lambda: answer(town))
    floor, union = best_of(
        3, lambda: shapely.union_all(shapely.buffer(town.parks, RADIUS_M, quad_segs=SEGMENTS))
    )
    truth = _truth(town, union)
    rows = [
        ("ours: covered area, buffers included", f"{ours:8.3f} s"),
        ("ours: city, districts and gaps together", f"{whole:8.3f} s   (bar: < 1 s)"),
        ("  gaps, districts", f"{len(gaps):,}, {len(shares)}"),
        ("floor: buffers and their union alone", f"{floor:8.3f} s"),
        ("error against parcels ∩ union", f"{abs(area.sum() / truth - 1):8.1e}   (bar: 1e-9)"),
    ]
    if peers:
        rows += list(_postgis(town, ours, float(area.sum())))
    table(f"Area covered: {len(town.parcels):,} parcels, {PARKS} parks at {RADIUS_M:.0f} m", rows)
    _growth()


def draw(side: int, parks: int) -> Town:
    """A square of `side` × `side` parcels with parks at random places, in the metres of EPSG:4548."""
    rng = np.random.default_rng(2026)
    west, south = 380_000.0, 3_170_000.0
    corner = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2) * PARCEL_M
    corner = corner + np.array([west, south])
    parcels = shapely.box(corner[:, 0], corner[:, 1], *(corner + PARCEL_M - GAP_M).T)
    at = rng.uniform(0, side * PARCEL_M, (parks, 2)) + np.array([west, south])
    shapes = shapely.box(at[:, 0], at[:, 1], *(at + rng.uniform(50, 300, (parks, 2))).T)
    edges = np.linspace(0, side * PARCEL_M, DISTRICTS + 1)
    districts = np.array(
        [
            shapely.box(west + a, south + b, west + a + edges[1], south + b + edges[1])
            for b in edges[:-1]
            for a in edges[:-1]
        ]
    )
    cut = cut_by_areas(parcels, districts)
    return Town(cut.geometry, shapes, cut.area)


def answer(town: Town) -> tuple[NDArray[np.float64], Gaps]:
    """What one request asks of the engine once its arrays are loaded: share of each district, and ranked gaps."""
    service = service_area(town.parks, RADIUS_M)
    rest = uncovered_part(town.parcels, service)
    own = shapely.area(town.parcels)
    served, land = (
        np.bincount(town.district, weights=m2, minlength=DISTRICTS**2)
        for m2 in (own - shapely.area(rest), own)
    )
    return served / land, rest_gaps(town.parcels, rest, own / 100.0, town.parks)


def _truth(town: Town, union: shapely.Geometry) -> float:
    """The land inside one union of all buffers, parcel by parcel: the plain way."""
    shapely.prepare(union)
    inside = shapely.covers(union, town.parcels)
    crossing = ~inside & shapely.intersects(union, town.parcels)
    parts = shapely.intersection(town.parcels[crossing], union)
    return float(shapely.area(town.parcels[inside]).sum() + shapely.area(parts).sum())


def _postgis(town: Town, ours: float, area_m2: float) -> Iterator[tuple[str, str]]:
    """PostGIS's plain SQL and its best, over the same shapes with spatial indexes, each to the same area."""
    with (
        scratch() as (settings, _, _),
        psycopg.connect(**admin_parameters(settings), autocommit=True) as conn,
    ):
        _load(conn, town)
        given = {"radius": RADIUS_M, "segments": f"quad_segs={SEGMENTS}"}
        best = np.inf
        for name, pieces in PIECES.items():
            seconds, found = best_of(3, lambda sql=BEST.format(pieces=pieces): _ask(conn, sql, given))  # type: ignore[misc]
            best = min(best, seconds)
            yield (
                f"PostGIS, {name}, ST_CoveredBy first",
                f"{seconds:8.3f} s, area differs by {abs(found / area_m2 - 1):.1e}",
            )
        yield "  the better of these ÷ ours", f"{best / ours:8.1f} ×   (bar: ≥ 2 ×)"
        print("  … PostGIS is uniting all buffers and cutting every parcel by them (minutes)", flush=True)
        seconds, found = best_of(1, lambda: _ask(conn, NAIVE, given))
        yield (
            "PostGIS, naive: ST_Intersection with the union",
            f"{seconds:8.1f} s, area differs by {abs(found / area_m2 - 1):.1e}",
        )
        yield "  naive ÷ ours", f"{seconds / ours:8.0f} ×   (bar: ≥ 100 ×)"


def _load(conn: psycopg.Connection, town: Town) -> None:
    conn.execute("SET jit = off")
    for name, shapes in (("parcel", town.parcels), ("park", town.parks)):
        conn.execute(f"CREATE TEMP TABLE {name} (geom geometry(Polygon, {SRID}))".encode())
        with conn.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN".encode()) as copy:
            for text in shapely.to_wkb(shapely.set_srid(shapes, SRID), hex=True, include_srid=True):
                copy.write_row((text,))
        conn.execute(f"CREATE INDEX ON {name} USING gist (geom)".encode())
        conn.execute(f"ANALYZE {name}".encode())


def _ask(conn: psycopg.Connection, sql: str, given: dict[str, object]) -> float:
    row = conn.execute(sql.encode(), given).fetchone()
    assert row is not None
    return float(row[0])


def _growth() -> None:
    """Seconds over four sizes with parks in proportion, as a chart, and the power of N that they grow with."""
    seconds = []
    for size in SIZES:
        town = draw(round(np.sqrt(size)), size // PARCELS_PER_PARK)
        started = time.perf_counter()
        answer(town)
        seconds.append(time.perf_counter() - started)
    power = float(np.polyfit(np.log(SIZES), np.log(seconds), 1)[0])
    per_row = [s / (n * np.log(n)) for n, s in zip(SIZES, seconds, strict=True)]
    chart = [
        (
            f"{n:>9,} parcels, {n // PARCELS_PER_PARK:,} parks",
            f"{s:8.2f} s  {'█' * max(1, round(40 * s / seconds[-1]))}",
        )
        for n, s in zip(SIZES, seconds, strict=True)
    ]
    table(
        "City, districts and gaps over four sizes (bar: 1,000,000 × 10,000 under 10 s and 4 GiB)",
        [
            *chart,
            ("grows as N to the power of", f"{power:8.2f}"),
            (
                "seconds ÷ N log N, last ÷ first",
                f"{per_row[-1] / per_row[0]:8.2f}   (bar: ≤ 1, give or take noise)",
            ),
            ("peak memory", f"{peak_gib():8.2f} GiB"),
        ],
    )
