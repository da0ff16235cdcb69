"""Editors at once (bar S26): 20 writers make 50 edits each of one feature with `If-Match`; none may be lost."""

from __future__ import annotations

import http.client
import time
from concurrent.futures import ThreadPoolExecutor

import orjson

from bench.health import server
from bench.tools import table

WRITERS, EDITS = 20, 50
ITEMS = "/collections/toilets/items"


class _Editor:
    """One writer on one kept connection; `refused` counts the stale edits that it made again."""

    def __init__(self, port: int, address: str) -> None:
        self.refused = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._address = address

    def send(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, str, dict[str, object]]:
        """Status, ETag and document of one request."""
        given = {"Content-Type": "application/merge-patch+json", **headers}
        self._connection.request(method, path, None if body is None else orjson.dumps(body), given)
        reply = self._connection.getresponse()
        text = reply.read()
        return reply.status, reply.headers.get("ETag", ""), orjson.loads(text) if text else {}

    def edit(self) -> int:
        """Count the field up EDITS times; the number of edits that were taken."""
        _, etag, found = self.send("GET", self._address)
        stalls = found["properties"]["stalls"]  # type: ignore[index]
        for _ in range(EDITS):
            while True:
                body = {"properties": {"stalls": stalls + 1}}
                status, new, answer = self.send("PATCH", self._address, body, **{"If-Match": etag})
                if status == http.HTTPStatus.OK:
                    etag, stalls = new, stalls + 1
                    break
                if status != http.HTTPStatus.PRECONDITION_FAILED:
                    raise SystemExit(f"An edit was answered {status}: {answer}")
                self.refused += 1
                current = answer["current"]
                etag, stalls = current["etag"], current["feature"]["properties"]["stalls"]  # type: ignore[index]
        return EDITS


def run(*, peers: bool) -> None:
    """Print how many edits were made, refused and lost; a peer has none to be compared with."""
    del peers
    with server() as (port, _, _):
        first = _Editor(port, ITEMS)
        _, _, page = first.send("GET", f"{ITEMS}?limit=1")
        geometry = page["features"][0]["geometry"]  # type: ignore[index]
        body = {"type": "Feature", "geometry": geometry, "properties": {"code": "S26", "stalls": 0}}
        _, _, made = first.send("POST", ITEMS, body, **{"Content-Type": "application/geo+json"})
        address = f"{ITEMS}/{made['id']}"
        editors = [_Editor(port, address) for _ in range(WRITERS)]
        started = time.perf_counter()
        with ThreadPoolExecutor(WRITERS) as pool:
            taken = sum(pool.map(_Editor.edit, editors))
        seconds = time.perf_counter() - started
        # On a connection of its own: the first one has been idle for too long by now.
        _, _, after = _Editor(port, address).send("GET", address)
    stored = after["properties"]["stalls"]  # type: ignore[index]
    table(
        f"{WRITERS} writers × {EDITS} edits of one feature with If-Match",
        [
            ("lost", f"{taken - stored} (bound: 0)"),
            ("refused as stale and made again", f"{sum(editor.refused for editor in editors):,}"),
            ("time", f"{seconds:.1f} s, {taken / seconds:.0f} edits/s"),
        ],
    )
