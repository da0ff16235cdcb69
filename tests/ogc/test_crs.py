"""Systems of coordinates, in and out: the order of axes, a millimetre, boxes that shapely agrees with."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient
from pyproj import CRS, Transformer

from app.database.engine import open_database
from app.errors import BadInput
from app.inventory.batch import Change
from app.inventory.boxes import box_conditions
from app.inventory.changes import raw
from app.inventory.query import checked_box
from app.inventory.service import write_batches
from app.main import create_app
from app.ogc.bbox import parse_bbox
from app.ogc.crs import CRS84, LONLAT, NamedCrs, crs_uri, named_crs, offered
from app.space.served_crs import served_crs
from tests.clones import clone
from tests.inventory.town import batch

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
#: Those that every city has, and 3-degree zones of CGCS2000 with and without their number, the first and the last.
CODES = (4326, 4490, 3857, 32650, 4513, 4525, 4533, 4541, 4549, 4554)
PLACE = (115.861234567, 28.681234567)
MILLIMETRE = 0.001


def projection(code: int) -> Transformer:
    """From lon, lat to the system, x before y; its own degrees are those that are stored."""
    crs = CRS.from_epsg(code)
    return Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)


def placed(code: int, lon, lat) -> np.ndarray:
    """Coordinates in the authority's own order of axes."""
    x, y = projection(code).transform(lon, lat)
    first = CRS.from_epsg(code).axis_info[0].direction
    return np.stack([y, x] if first == "north" else [x, y], axis=-1)


@pytest.fixture(scope="module")
def client(cluster_settings, template, catalogue):
    """A server over one toilet, one street and places round the world, in a city of zone 39."""
    shapes = {
        "here": shapely.Point(PLACE),
        "east": shapely.Point(179.5, 10),
        "west": shapely.Point(-179.5, 10),
    }
    lines = {"road": shapely.LineString([PLACE, (115.87, 28.69), (115.88, 28.67)])}
    with clone(cluster_settings, template) as settings:
        db = open_database(settings)
        with db.write() as conn:
            written = [batch("toilets", {"here": shapes["here"]}), batch("streets", lines)]
            write_batches(conn, catalogue, written, Change("test", "drawn"))
        with db.write() as conn:
            write_batches(conn, catalogue, [batch("monuments", shapes)], Change("test", "drawn"))
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            yield client
        db.dispose()


def features(client, collection: str, **query: str) -> list[dict]:
    reply = client.get(f"/collections/{collection}/items", params={"limit": "100"} | query)
    assert reply.status_code == 200, reply.text
    return reply.json()["features"]


def test_the_order_of_axes_is_the_authoritys():
    for code in CODES:
        first = CRS.from_epsg(code).axis_info[0].direction
        assert served_crs(code).north_first == (first == "north"), code
    assert not LONLAT.north_first
    assert named_crs("crs", "EPSG:4326", offered(None)).north_first


@pytest.mark.parametrize("code", [4326, 4490, 3857, 32650, 4526, 4527, 4528, 4547, 4548, 4549])
def test_coordinates_come_within_a_millimetre_of_pyproj(client, code):
    (point,) = features(client, "toilets", crs=f"{EPSG}{code}")
    expected = placed(code, *PLACE)
    unit = 111_320 if served_crs(code).stored else 1
    assert math.dist(point["geometry"]["coordinates"], expected) * unit < MILLIMETRE
    (road,) = features(client, "streets", crs=f"{EPSG}{code}")
    places = np.array([PLACE, (115.87, 28.69), (115.88, 28.67)])
    found = np.array(road["geometry"]["coordinates"][0])
    wanted = placed(code, places[:, 0], places[:, 1])
    assert np.abs(found - wanted).max() * unit < MILLIMETRE


@pytest.mark.parametrize("code", [4326, 4490, 3857, 32650, 4527, 4548, 4549])
def test_a_box_a_millimetre_round_a_place_finds_it_and_one_beside_it_does_not(client, code):
    a, b = placed(code, *PLACE).tolist()
    step = MILLIMETRE / (111_320 if served_crs(code).stored else 1)
    for shift, count in ((0, 1), (3 * step, 0)):
        box = f"{a - step + shift!r},{b - step!r},{a + step + shift!r},{b + step!r}"
        assert len(features(client, "toilets", bbox=box, **{"bbox-crs": f"EPSG:{code}"})) == count


@pytest.mark.wide
def test_zones_of_cgcs2000_go_in_and_out_within_a_millimetre(read_conn):
    """What the database makes of a place in each zone's own strip, against pyproj, there and in a box round it."""
    for code in CODES:
        crs = served_crs(code)
        lon = (crs.domain[0] + crs.domain[2]) / 2 + 1.2 if not crs.stored else 115.0
        x, y = Transformer.from_crs(CRS("OGC:CRS84"), CRS.from_epsg(code), always_xy=True).transform(
            lon, 30.123
        )
        if not crs.stored:
            sql = "SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_Transform(ST_Point(%s, %s, 4326), %s) p) t"
            found = raw(read_conn).execute(sql, [lon, 30.123, code]).fetchone()
            assert math.dist(found, (x, y)) < MILLIMETRE, code
        condition, values = box_conditions((x - 2e-3, y - 2e-3, x + 2e-3, y + 2e-3), code, points=True)
        sql = f"SELECT {condition} FROM (SELECT ST_Point({lon}, 30.123, 4326) AS geom) v"
        assert raw(read_conn).execute(sql.encode(), values).fetchone() == (True,), code


def test_content_crs_names_the_system_of_pages_and_of_one_feature(client):
    item = features(client, "toilets")[0]["id"]
    for path in ("/collections/toilets/items", f"/collections/toilets/items/{item}"):
        assert client.get(path).headers["content-crs"] == f"<{CRS84}>"
        for code in (4326, 4549):
            reply = client.get(path, params={"crs": f"{EPSG}{code}"})
            assert reply.headers["content-crs"] == f"<{EPSG}{code}>"
    one = client.get(f"/collections/toilets/items/{item}", params={"crs": f"{EPSG}4490"}).json()
    assert one["geometry"]["coordinates"] == pytest.approx(PLACE[::-1], abs=1e-8)
    assert crs_uri(4326, north_first=False) == CRS84


@pytest.mark.parametrize("name", ["crs", "bbox-crs", "filter-crs"])
@pytest.mark.parametrize(
    "value",
    ["EPSG:2000", "EPSG:4214", "http://www.opengis.net/def/crs/OGC/0/CRS84h", "4326", "'; --", "gcj02"],
)
def test_a_system_that_is_not_offered_is_a_400_with_the_list(client, name, value):
    reply = client.get("/collections/toilets/items", params={name: value, "bbox": "1,1,2,2"})
    assert reply.status_code == 400
    assert EPSG in reply.json()["hint"] or CRS84 in reply.json()["hint"]


def test_what_lies_outside_of_a_system_is_cut_off_and_nothing_fails(client):
    found = {
        item["properties"]["code"]: item["geometry"]
        for item in features(client, "monuments", crs="EPSG:4548")
    }
    assert found["here"] is not None
    assert found["west"] is None
    assert len(features(client, "monuments", bbox="-9e9,-9e9,9e9,9e9", **{"bbox-crs": "EPSG:4548"})) == 1


def test_a_box_crosses_180_degrees_in_degrees_and_in_web_mercator(client):
    def codes(bbox: str, crs: str) -> set[str]:
        found = features(client, "monuments", bbox=bbox, **{"bbox-crs": crs})
        return {item["properties"]["code"] for item in found}

    assert codes("170,-20,-170,20", CRS84) == {"east", "west"}
    assert codes("-20,170,20,-170", "EPSG:4326") == {"east", "west"}
    assert codes("19000000,-2000000,-19000000,2000000", "EPSG:3857") == {"east", "west"}
    assert codes("-180,-90,180,90", CRS84) == {"east", "west", "here"}
    assert codes("-20037508.342789248,-99999999,20037508.342789248,99999999", "EPSG:3857") == {
        "east", "west", "here",
    }  # fmt: skip
    reply = client.get(
        "/collections/monuments/items?bbox=9,1,3,2&bbox-crs=EPSG:4548".replace("9,1", "3000000,500000")
    )
    assert reply.status_code == 400


@pytest.mark.parametrize("code", [4326, 3857, 4548])
def test_boxes_find_what_shapely_finds(conn, code):
    """A thousand boxes, small, flat, across 180° and round the world, over points and lines all over the system."""
    crs, rng = served_crs(code), np.random.default_rng(code)
    shapes = _drawn(crs.domain, rng)
    there = projection(code)
    projected = shapely.transform(shapes, lambda at: np.column_stack(there.transform(at[:, 0], at[:, 1])))
    database = raw(conn)
    database.execute("CREATE TEMPORARY TABLE drawn (id int, geom geometry(Geometry, 4326)) ON COMMIT DROP")
    with database.cursor().copy("COPY drawn FROM STDIN") as copy:
        for n, shape in enumerate(shapes):
            copy.write_row((n, shapely.to_wkb(shape, hex=True, include_srid=True)))
    wrong = [box for box in _boxes(projected, crs.wraps, rng) if not _agrees(database, projected, box, code)]
    assert wrong == []


def _drawn(domain, rng) -> np.ndarray:
    west, south, east, north = domain
    lon, lat = rng.uniform(west, east, 300), rng.uniform(max(south, -80), min(north, 80), 300)
    ends = np.column_stack(
        [np.clip(lon + rng.uniform(-1, 1, 300), west, east), lat + rng.uniform(-1, 1, 300)]
    )
    lines = shapely.linestrings(np.stack([np.column_stack([lon, lat]), ends], axis=1))
    return shapely.set_srid(np.concatenate([shapely.points(lon[:150], lat[:150]), lines[150:]]), 4326)


def _boxes(projected: np.ndarray, wraps: bool, rng) -> Iterator[tuple[float, ...]]:
    low, high = shapely.total_bounds(projected)[:2], shapely.total_bounds(projected)[2:]
    span = high - low
    for n in range(1000 // 3):
        middle = rng.uniform(low, high)
        size = span * rng.choice([0, 0.001, 0.05, 0.4, 3]) * rng.uniform(0, 1, 2)
        (west, south), (east, north) = np.clip([middle - size, middle + size], low, high)
        yield (
            (east, south, west, north) if wraps and n % 5 == 0 and east > west else (west, south, east, north)
        )


def _agrees(database, projected: np.ndarray, box, code: int) -> bool:
    west, south, east, north = checked_box(box, code)
    edge = abs(served_crs(code).parts((1, 0, 0, 1))[0][2])
    parts = [(west, east)] if west <= east else [(west, edge), (-edge, east)]
    areas = [shapely.MultiPoint([(a, south), (b, north), (a, north), (b, south)]).envelope for a, b in parts]
    wanted = {int(n) for area in areas for n in np.flatnonzero(shapely.intersects(projected, area))}
    condition, values = box_conditions(box, code, points=False)
    found = database.execute(f"SELECT id FROM drawn WHERE {condition}".encode(), values).fetchall()
    # Where an edge touches a shape to the last bit, two programs may round it differently.
    doubtful = {row[0] for row in found} ^ wanted
    return all(min(projected[n].distance(area.boundary) for area in areas) < 1e-6 for n in doubtful)


@pytest.mark.parametrize(
    "text", ["nan,0,1,1", "1,2,inf,4", "1,2,3,4,5", "1,2,3", "a,b,c,d", "1,5,2,4", "1,2,181,3", ""]
)
def test_what_is_no_box_is_refused(text):
    with pytest.raises(BadInput):
        parse_bbox(text, LONLAT)


def test_a_box_names_its_corners_in_the_systems_own_order():
    system = NamedCrs(f"{EPSG}4549", 4549, north_first=True)
    assert parse_bbox("3000000,400000,3000010,400020", system) == (400000, 3000000, 400020, 3000010)
    assert parse_bbox("3000000,400000,5,3000010,400020,9", system) == (400000, 3000000, 400020, 3000010)
