"""What the scope that holds lets one see of runs: asked of the areas' and classes' own rows, under row security."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from app.catalogue.model import FeatureClass
from app.database.transactions import Connection
from app.inventory.areas import AREA_CLASSES
from app.inventory.changes import raw
from app.inventory.tables import table_name
from app.inventory.times import NOW, Times, versions


def own_codes(conn: Connection, codes: Iterable[str], areas: Sequence[str]) -> set[str]:
    """Those of `codes` that are one of `areas` or lie in one."""
    union = " UNION ALL ".join(
        f"SELECT code FROM {table_name(name)} WHERE code = ANY(%(codes)s) "
        "AND (string_to_array(area_path, '/') || code) && %(areas)s"
        for name in AREA_CLASSES
    )
    rows = raw(conn).execute(union.encode(), {"codes": sorted(set(codes)), "areas": list(areas)})
    return {str(code) for (code,) in rows}


def codes_above(conn: Connection, areas: Sequence[str]) -> set[str]:
    """The codes of all areas that one of `areas` lies in, and theirs."""
    union = " UNION ALL ".join(
        f"SELECT unnest(string_to_array(area_path, '/') || code) FROM {table_name(name)} WHERE code = ANY(%(areas)s)"
        for name in AREA_CLASSES
    )
    rows = raw(conn).execute(union.encode(), {"areas": list(areas)})
    return {str(code) for (code,) in rows if code}


def seen_codes(conn: Connection, cls: FeatureClass, codes: Collection[str], times: Times = NOW) -> set[str]:
    """Those of `codes` that are features of the class at a time that the scope sees where they were then."""
    query = f"SELECT code FROM {versions(cls, {'code'}, times)} v WHERE code = ANY(%(codes)s)"
    rows = raw(conn).execute(query.encode(), {"codes": sorted(codes), **times.values})
    return {str(code) for (code,) in rows}


def places_within(conn: Connection, lonlat: Sequence[Sequence[float]], areas: Sequence[str]) -> set[int]:
    """Which of the points (k, 2) in degrees lie in one of `areas`: their positions."""
    union = " UNION ALL ".join(
        f"SELECT a.geom FROM {table_name(name)} a WHERE a.code = ANY(%(areas)s)" for name in AREA_CLASSES
    )
    query = (
        "SELECT p.place - 1 FROM unnest(%(lon)s::float8[], %(lat)s::float8[]) WITH ORDINALITY p (lon, lat, place) "
        f"WHERE EXISTS (SELECT FROM ({union}) a WHERE ST_Intersects(a.geom, ST_SetSRID(ST_MakePoint(lon, lat), 4326)))"
    )
    lon, lat = ([float(point[axis]) for point in lonlat] for axis in (0, 1))
    rows = raw(conn).execute(query.encode(), {"lon": lon, "lat": lat, "areas": list(areas)})
    return {int(place) for (place,) in rows}
