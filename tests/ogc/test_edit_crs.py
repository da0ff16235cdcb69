"""Bodies in other systems: axes as their authority orders them, to the millimetre, and heights in coordinates."""

from __future__ import annotations

import pytest
from pyproj import Transformer

from tests.inventory.town import LAT, LON, line
from tests.ogc.edits import created, feature, patch, post, properties, served_town

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
PLACE = (115.8654321, 28.6812345)
#: A millimetre in degrees.
MM = 1e-8


@pytest.fixture(scope="module")
def client(cluster_settings, template, catalogue):
    """A server over a town of two districts in the zone of 117° E."""
    with served_town(cluster_settings, template, catalogue) as (client, _, _):
        yield client


def in_its_order(code: int) -> list[float]:
    """The place as the authority orders its axes, by PROJ itself."""
    return list(Transformer.from_crs(4326, code, allow_ballpark=True).transform(PLACE[1], PLACE[0]))


def stored_place(client, address: str) -> list[float]:
    return client.get(address).json()["geometry"]["coordinates"]


@pytest.mark.parametrize("code", [4326, 4490, 3857, 4548, 4527, 32650])
def test_coordinates_are_read_in_the_order_of_their_authority(client, code):
    body = feature({"type": "Point", "coordinates": in_its_order(code)})
    reply = post(client, body, content_crs=f"<{EPSG}{code}>")
    assert reply.status_code == 201, reply.text
    assert stored_place(client, reply.headers["location"]) == pytest.approx(PLACE, abs=5 * MM)
    again = client.get(reply.headers["location"], params={"crs": f"{EPSG}{code}"})
    assert again.json()["geometry"]["coordinates"] == pytest.approx(
        body["geometry"]["coordinates"], abs=0.001
    )
    # Sent back as it was shown it is the same version still.
    patched = patch(
        client,
        reply.headers["location"],
        {"geometry": again.json()["geometry"]},
        content_crs=f"<{EPSG}{code}>",
    )
    assert patched.json()["change"] == reply.json()["change"]


def test_without_a_system_coordinates_are_longitude_and_latitude(client):
    for header in ({}, {"content_crs": f"<{CRS84}>"}, {"content_crs": CRS84}):
        reply = post(client, feature({"type": "Point", "coordinates": list(PLACE)}), **header)
        assert stored_place(client, reply.headers["location"]) == pytest.approx(PLACE, abs=5 * MM)


def test_the_old_member_crs_is_east_first(client):
    body = feature({"type": "Point", "coordinates": list(PLACE)})
    body["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    reply = post(client, body)
    assert reply.status_code == 201, reply.text
    assert stored_place(client, reply.headers["location"]) == pytest.approx(PLACE, abs=5 * MM)
    assert post(client, body, content_crs=f"<{EPSG}4548>").status_code == 400
    body["crs"] = {"type": "link"}
    assert post(client, body).status_code == 400


@pytest.mark.parametrize(
    "crs", [f"<{EPSG}2397>", f"<{EPSG}999999>", "gcj02", "<nonsense>", "", "+proj=longlat"]
)
def test_a_system_that_is_not_offered_is_refused(client, crs):
    reply = post(client, feature(), content_crs=crs)
    assert reply.status_code == 400
    assert "EPSG/0/4490" in reply.json()["hint"]


def test_heights_fill_the_fields_that_are_empty(client):
    shape = line((0.1, 0.1), (0.3, 0.3))
    (x1, y1), (x2, y2) = shape.coords
    drawn = {"type": "LineString", "coordinates": [[x1, y1, 21.5], [x2, y2, 20.25]]}
    items = "/collections/pipes/items"
    address = created(client, drawn, items, code="Z1", start_elevation_m=3.0)
    shown = properties(client, address)
    assert (shown["start_elevation_m"], shown["end_elevation_m"]) == (3.0, 20.25)
    assert len(client.get(address).json()["geometry"]["coordinates"][0][0]) == 2


def test_a_shape_sent_back_rounded_stays_as_it_is_stored(client):
    exact = [LON + 0.001234567891, LAT + 0.001234567891]
    address = created(client, {"type": "Point", "coordinates": exact})
    shown = client.get(address).json()
    assert shown["geometry"]["coordinates"] != exact
    reply = patch(client, address, {"geometry": shown["geometry"]})
    assert reply.json()["change"] == shown["properties"]["change_id"]
