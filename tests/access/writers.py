"""A served town with keys of people who write in a part of it: of an area, up to a level, of a party."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient

from app.access import people_store
from app.access.key_service import make_key
from app.access.principal import Grant
from app.catalogue.model import Catalogue
from app.database.transactions import Database
from app.inventory.service import write_batches
from app.main import create_app
from app.settings import Settings
from tests.clones import clone, opened
from tests.inventory.town import CHANGE, LAT, LON, batch, districts, place

GREEN, OTHER = "绿城养护公司", "别家养护公司"
#: Who bears a key: roles with areas, level, party.
KEYS: Mapping[str, tuple[tuple[Grant, ...], str, str | None]] = {
    "whole": ((Grant("editor"),), "restricted", None),
    "west": ((Grant("editor", "W"),), "internal", None),
    "west too": ((Grant("editor", "W"),), "internal", None),
    "reads all": ((Grant("viewer"), Grant("editor", "W")), "internal", None),
    "everywhere": ((Grant("editor"),), "internal", None),
    "green": ((Grant("editor"),), "internal", GREEN),
    "assessor": ((Grant("assessor", "W"),), "internal", "第三方测评"),
    "viewer": ((Grant("viewer"),), "internal", None),
    "field": ((Grant("field", "W"),), "internal", None),
}


@dataclass(frozen=True)
class Town:
    """The served town, and a key for each of `KEYS`."""

    client: TestClient
    db: Database
    keys: Mapping[str, str]

    def ask(self, who: str, method: str, path: str, json: Any = None, **headers: str) -> Any:
        """What somebody is answered."""
        given = {"Authorization": f"Bearer {self.keys[who]}", **headers}
        return self.client.request(method, path, json=json, headers=given)

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """What is stored, whoever asks."""
        with self.db.read() as conn:
            return [tuple(row) for row in conn.exec_driver_sql(query)]

    def id_of(self, class_id: str, code: str) -> int:
        """The id of a stored feature."""
        ((item,),) = self.sql(f"SELECT id FROM city.{class_id} WHERE code = '{code}'")
        return int(item)

    def tag(self, class_id: str, code: str) -> str:
        """What If-Match takes for the version that is stored."""
        ((change,),) = self.sql(f"SELECT change_id FROM city.{class_id} WHERE code = '{code}'")
        return f'"{change}"'

    def change(self, who: str, method: str, class_id: str, code: str, body: Any = None) -> Any:
        """What somebody is answered who changes the version that is stored."""
        address = f"/collections/{class_id}/items/{self.id_of(class_id, code)}"
        return self.ask(who, method, address, body, **{"If-Match": self.tag(class_id, code)})


def feature(dx: float, dy: float, **properties: Any) -> dict[str, Any]:
    """A point hundredths of a degree from the crossing of all borders."""
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [LON + dx / 100, LAT + dy / 100]},
        "properties": properties,
    }


@contextmanager
def written_town(cluster: Settings, template: str, catalogue: Catalogue) -> Iterator[Town]:
    """Districts W and E; toilets, lamps of two parties, drains and a gas pipe with depths in the west."""
    lines = {
        code: place(-1, 1).buffer(0.001 * n).exterior for n, code in enumerate(("drain", "gas", "drain2"), 1)
    }
    with clone(cluster, template) as settings, opened(settings) as db:
        with db.write() as conn:
            write_batches(conn, catalogue, [districts()], CHANGE)
            write_batches(
                conn,
                catalogue,
                [
                    batch(
                        "toilets",
                        {"w1": place(-1, 1), "w2": place(-1, -1), "e1": place(1, 1), "e2": place(1, -1)},
                        {"name_zh": ["西一", "西二", "东一", "东二"], "stalls": [1, 2, 3, 4]},
                    ),
                    batch(
                        "street_lights",
                        {"l1": place(1, 1), "l2": place(-1, 1), "l3": place(-1.2, 1)},
                        {"maintainer": [GREEN, OTHER, None]},
                    ),
                    batch(
                        "pipes", lines, {"kind": ["storm", "gas", "sewer"], "start_depth_m": [1.5, 2.5, 3.5]}
                    ),
                    batch("gas_devices", {"gd1": place(-1, -1)}),
                ],
                CHANGE,
            )
        with db.write() as conn:
            for name, kind in ((GREEN, "contractor"), (OTHER, "contractor"), ("第三方测评", "assessor")):
                people_store.make_party(conn, name, kind)
            keys = {
                name: make_key(conn, name, grants, 24, level, party)[0]
                for name, (grants, level, party) in KEYS.items()
            }
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            yield Town(client, db, keys)
