"""The sample town, asked by the machine itself and by another machine with keys."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.access import key_store
from app.access.key_service import make_field_key
from app.database.engine import Database
from app.main import create_app
from app.settings import Settings
from app.web import assets
from tests.clones import clone, opened

DISTRICT, OTHER = "990201", "990202"
#: An address that is nobody's (RFC 5737).
FAR = ("192.0.2.77", 40000)


@dataclass(frozen=True)
class Field:
    """The town's settings and database, a client on the machine itself, and clients elsewhere with a key."""

    settings: Settings
    database: Database
    here: TestClient
    far: Callable[[str | None], TestClient]
    key: Callable[..., str]

    def toilet(self, area: str = DISTRICT) -> tuple[int, str]:
        """Id and version of a toilet at home in an area."""
        path = f"/field/features.json?collection=toilets&area={area}"
        one = self.here.get(path).json()["features"][-1]
        return one["id"], one["etag"]


@pytest.fixture(scope="module")
def field(cluster_settings: Settings, town_template: str) -> Iterator[Field]:
    assets.fetch()
    with clone(cluster_settings, town_template) as settings, opened(settings) as database:
        required = settings.model_copy(update={"open": None})
        app = create_app(required)
        near = ("127.0.0.1", 40000)
        with TestClient(app, "http://127.0.0.1:8000", client=near, raise_server_exceptions=False) as here:

            def far(key: str | None) -> TestClient:
                headers = {} if key is None else {"Authorization": f"Bearer {key}"}
                return TestClient(app, client=FAR, headers=headers, raise_server_exceptions=False)

            def key(area: str | None = None, hours: float = 1, name: str = "张三") -> str:
                with database.write() as conn:
                    return make_field_key(conn, name, area, hours)[0]

            yield Field(settings, database, here, far, key)


def number_of(database: Database, key: str) -> int:
    with database.read() as conn:
        found = key_store.find_key(conn, key)
    assert found is not None
    return found.id


def jpeg(size: tuple[int, int] = (640, 480), exif: Image.Exif | None = None, kind: str = "JPEG") -> bytes:
    """A picture with some detail, so that it weighs something."""
    out = io.BytesIO()
    picture = Image.effect_noise(size, 90).convert("RGB")
    picture.save(out, kind, quality=90, **({} if exif is None else {"exif": exif}))
    return out.getvalue()


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def send(client: TestClient, item: int, etag: str, body: dict[str, Any], key: str | None = None) -> Any:
    headers = {"If-Match": etag} | ({} if key is None else {"Idempotency-Key": key})
    return client.post(f"/collections/toilets/items/{item}/reports", json=body, headers=headers)
