"""A crowd of clients, each on a connection of its own: what they ask for by chance, and what came of it."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from bench.places import place

WEST, SOUTH, EAST, NORTH = 115.80, 28.62, 115.95, 28.75
#: Kind of request → how often of a hundred.
MIX = {
    "tile": 45,
    "items": 20,
    "one": 6,
    "search": 6,
    "reach": 6,
    "page": 3,
    "summary": 2,
    "coverage": 2,
    "write": 10,
}
POLICIES = ("toilet-300", "toilet-500", "toilet-10min", "green-300-500")
PAGES = ("/", "/map/toilets", "/collections", "/policies")
CLASSES = ("toilets", "street_trees", "parks", "street_lights", "manholes")
WORDS = ("公园", "park", "滨江", "gc", "路")
WRITTEN = "street_trees"
GEOJSON, MERGE = "application/geo+json", "application/merge-patch+json"
#: What a reply may be; all else is a failure.
GOOD = frozenset((HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED))


@dataclass
class Ledger:
    """What came of all requests: seconds by kind, failures, and the trees that stand by what was acknowledged."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: Counter[str] = field(default_factory=Counter)
    trees: dict[str, float] = field(default_factory=dict)
    felled: set[str] = field(default_factory=set)


def crowd(port: int, clients: int, seconds: float, pause_s: float, *, first: int = 0) -> Ledger:
    """So many clients for so long, each with a pause of `pause_s` on average between a reply and its next request.

    Chance begins with `first` and the numbers after it; another crowd on the same server needs others.
    """
    ledger, until = Ledger(), time.monotonic() + seconds
    each = [
        threading.Thread(target=Client(port, seed, pause_s, ledger).ask_until, args=(until,))
        for seed in range(first, first + clients)
    ]
    for one in each:
        one.start()
    for one in each:
        one.join()
    return ledger


class Client:
    """One client: it draws what to ask, waits, and remembers the trees that it planted."""

    def __init__(self, port: int, seed: int, pause_s: float, ledger: Ledger) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._chance, self._pause_s, self._ledger = random.Random(seed), pause_s, ledger
        self._mine: list[str] = []
        self._kinds: dict[str, Callable[[], None]] = {name: getattr(self, f"_{name}") for name in MIX}

    def ask_until(self, until: float) -> None:
        """Ask until then."""
        while time.monotonic() < until:
            time.sleep(min(self._chance.expovariate(1 / self._pause_s), 10 * self._pause_s))
            self._kinds[self._chance.choices(list(MIX), list(MIX.values()))[0]]()
        self._connection.close()

    def _send(
        self, kind: str, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str]]:
        """Status (0 where the connection broke) and the headers of the reply."""
        sent = None if body is None else json.dumps(body).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        started = time.monotonic()
        try:
            self._connection.request(method, path, sent, {"Accept-Encoding": "gzip", **given})
            reply = self._connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException) as error:
            self._ledger.failed[f"{kind}: {type(error).__name__}"] += 1
            self._connection.close()
            return 0, {}
        self._ledger.took[kind].append(time.monotonic() - started)
        if reply.status not in GOOD:
            self._ledger.failed[f"{kind}: {reply.status}"] += 1
        return reply.status, {name.lower(): value for name, value in reply.getheaders()}

    def _place(self) -> tuple[float, float]:
        return round(self._chance.uniform(WEST, EAST), 6), round(self._chance.uniform(SOUTH, NORTH), 6)

    def _tile(self) -> None:
        (lon, lat), zoom = self._place(), self._chance.randint(10, 17)
        row, column = place(lon, lat, zoom)
        self._send("tile", "GET", f"/tiles/WebMercatorQuad/{zoom}/{row}/{column}")

    def _items(self) -> None:
        (lon, lat), name = self._place(), self._chance.choice(CLASSES)
        limit = self._chance.choice((10, 100, 1000))
        box = f"{lon},{lat},{lon + 0.02},{lat + 0.02}"
        self._send("items", "GET", f"/collections/{name}/items?f=json&limit={limit}&bbox={box}")

    def _one(self) -> None:
        if self._mine:
            self._send("one", "GET", f"{self._chance.choice(self._mine)}?f=json")

    def _search(self) -> None:
        self._send("search", "GET", f"/search?f=json&q={quote(self._chance.choice(WORDS))}")

    def _reach(self) -> None:
        lon, lat = self._place()
        self._send("reach", "GET", f"/reach?lon={lon}&lat={lat}")

    def _page(self) -> None:
        self._send("page", "GET", self._chance.choice(PAGES), Accept="text/html")

    def _summary(self) -> None:
        self._send("summary", "GET", "/summary?f=json")

    def _coverage(self) -> None:
        body = {"policy": self._chance.choice(POLICIES), "mode": self._chance.choice(("straight", "walk"))}
        self._send("coverage", "POST", "/coverage", body, Content_Type="application/json", Prefer="wait=60")

    def _write(self) -> None:
        """Plant a tree, tell its girth anew, or fell it; what was acknowledged is remembered."""
        draw = self._chance.random()
        if not self._mine or draw < 0.4:
            self._plant()
        elif draw < 0.8:
            self._change(self._chance.choice(self._mine))
        else:
            self._fell(self._mine.pop(self._chance.randrange(len(self._mine))))

    def _plant(self) -> None:
        girth, key = float(self._chance.randint(10, 200)), str(uuid.UUID(int=self._chance.getrandbits(128)))
        tree = {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": self._place()},
            "properties": {"trunk_cm": girth},
        }
        items = f"/collections/{WRITTEN}/items"
        status, headers = self._send("write", "POST", items, tree, Content_Type=GEOJSON, Idempotency_Key=key)
        if status == HTTPStatus.CREATED:
            address = headers["location"][headers["location"].index("/collections/") :]
            self._mine.append(address)
            self._ledger.trees[address] = girth

    def _change(self, address: str) -> None:
        status, headers = self._send("one", "GET", f"{address}?f=json")
        if status != HTTPStatus.OK:
            return
        girth = float(self._chance.randint(10, 200))
        body = {"properties": {"trunk_cm": girth}}
        status, _ = self._send("write", "PATCH", address, body, Content_Type=MERGE, If_Match=headers["etag"])
        if status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            self._ledger.trees[address] = girth

    def _fell(self, address: str) -> None:
        status, headers = self._send("one", "GET", f"{address}?f=json")
        if status != HTTPStatus.OK:
            return
        status, _ = self._send("write", "DELETE", address, If_Match=headers["etag"])
        if status == HTTPStatus.NO_CONTENT:
            self._ledger.trees.pop(address)
            self._ledger.felled.add(address)
