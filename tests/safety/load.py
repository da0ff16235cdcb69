"""Clients that write and read while something is killed, and the ledger of what they were told was saved."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from tests.safety.house import LONG

ITEMS = "/collections/toilets/items"
#: What is imported again and again, each time whole: rows of a file, all of which bear its number.
BROUGHT, ROWS = "monuments", 200
READS = (
    f"{ITEMS}?limit=5", "/collections/toilets?f=json", "/search?q=%E5%85%AC%E5%8E%95", "/changes?limit=3", "/health",
)  # fmt: skip
#: What each client rests between two requests, seconds: in `make soak` hardly at all.
REST_S = 0.01 if LONG else 0.1
#: Why a job fails that was interrupted at each of its tries, as many kills may do: it wrote nothing.
GIVEN_UP = {"worker-died", "away", "in-doubt"}
#: What a client that loses no word may hear while a part is away.
CLEAN = {200, 201, 202, 412, 429, 503}


@dataclass
class Write:
    """One thing that was to be saved once, whatever happens: what it holds as far as somebody was told so."""

    name: str
    acked: bool = False
    stalls: int | None = None
    #: What an edit would make of it that nobody has answered yet.
    open: int | None = None


@dataclass
class Told:
    """What the clients heard."""

    writes: dict[str, Write] = field(default_factory=dict)
    statuses: Counter[int | str] = field(default_factory=Counter)
    #: 503 that named no time to come again, and answers that nobody should get.
    bad: list[str] = field(default_factory=list)
    #: When answers came for which the database was asked: (moment, status).
    heard: list[tuple[float, int]] = field(default_factory=list)
    #: The number of the last file that was told to be imported, and of the last one that was sent.
    brought: int = 0
    sent: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, path: str, status: int | str, retry: str | None, body: bytes) -> None:
        """Count an answer."""
        with self.lock:
            self.statuses[status] += 1
            if isinstance(status, int):
                if path != "/health":
                    self.heard.append((time.monotonic(), status))
                if status == 503 and not retry:
                    self.bad.append(f"{path}: 503 without Retry-After")
                if status not in CLEAN:
                    self.bad.append(f"{path}: {status} {body[:300]!r}")

    @property
    def acked(self) -> list[Write]:
        """What somebody was told is saved."""
        return [write for write in self.writes.values() if write.acked]


class Client:
    """One connection that is kept, as a browser or a script has it; opened again where it broke."""

    def __init__(self, port: int, told: Told) -> None:
        self._port, self._told = port, told
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        """The client, for as long as a test asks."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the connection."""
        self.close()

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int | None, Any, dict[str, str]]:
        """Status, JSON and headers; None where the connection broke."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            self._connection.request(method, path, body, given)
            reply = self._connection.getresponse()
            said = reply.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self._told.note(path, type(error).__name__, None, b"")
            return None, None, {}
        found = {name.lower(): value for name, value in reply.getheaders()}
        self._told.note(path, reply.status, found.get("retry-after"), said)
        is_json = "json" in found.get("content-type", "")
        return reply.status, json.loads(said) if is_json and said else None, found

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass
class Load:
    """Writers and readers at a server until it is stopped; the writers come to an end with each write they began."""

    port: int
    seed: str
    told: Told = field(default_factory=Told)
    stopping: threading.Event = field(default_factory=threading.Event)

    def write(self, number: int) -> None:
        """Create features under keys and change every second one, again and again until an answer comes."""
        client, count = Client(self.port, self.told), 0
        while not self.stopping.is_set():
            count += 1
            write = Write(f"{self.seed}-{number}-{count}")
            with self.told.lock:
                self.told.writes[write.name] = write
            made = self._create(client, write)
            if made is not None and count % 2:
                self._change(client, write, *made)
            self.stopping.wait(REST_S)
        client.close()

    def _again(self, ask: Callable[[], tuple[int | None, Any, dict[str, str]]]) -> Any:
        """Ask until there is an answer of the thing itself; None where the time is up."""
        until = None
        while True:
            status, said, headers = ask()
            # A job that was given up is the answer to its key.
            if status not in {None, 429, 503} or (status == 503 and "job" in (said or ())):
                return status, said, headers
            if self.stopping.is_set():
                until = until or time.monotonic() + 60
                if time.monotonic() > until:
                    return None
            time.sleep(0.1)

    def _create(self, client: Client, write: Write) -> tuple[str, str] | None:
        feature = {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [115.81, 28.61]},
            "properties": {"name_zh": write.name, "stalls": 0},
        }
        body = json.dumps(feature).encode()
        found = self._again(
            lambda: client.ask(
                "POST", f"{ITEMS}?allow_outside=true", body,
                Content_Type="application/geo+json", Idempotency_Key=write.name,
            )
        )  # fmt: skip
        if found is None or found[0] != 201:
            return None
        write.acked, write.stalls = True, 0
        return found[2]["location"], found[2]["etag"]

    def _change(self, client: Client, write: Write, address: str, etag: str) -> None:
        path = address.partition(f"127.0.0.1:{self.port}")[2] or address
        body = json.dumps({"properties": {"stalls": 1}}).encode()
        write.open = 1
        found = self._again(
            lambda: client.ask(
                "PATCH", f"{path}?allow_outside=true", body,
                Content_Type="application/merge-patch+json", If_Match=etag,
            )
        )  # fmt: skip
        if found is None:
            return
        write.open = None
        if found[0] == 200:
            write.stalls = 1
        elif found[0] == 412:  # nobody else writes it: it was saved before the answer was lost
            write.stalls = found[1]["current"]["feature"]["properties"]["stalls"]
            if write.stalls != 1:
                with self.told.lock:
                    self.told.bad.append(f"{write.name}: 412 though nothing was changed")

    def bring(self) -> None:
        """Import one file after the other, each in place of the one before, until each job has ended well."""
        client = Client(self.port, self.told)
        while not self.stopping.is_set():
            self.told.sent += 1
            if self._import(client, self.told.sent):
                self.told.brought = self.told.sent
            self.stopping.wait(REST_S)
        client.close()

    def _import(self, client: Client, number: int) -> bool:
        rows = [f"m{i},第{number}份,{115.8 + i / 10000:.4f},28.61" for i in range(ROWS)]
        body = "\n".join(["code,name,lon,lat", *rows]).encode()
        path = f"/imports?class={BROUGHT}&delete_missing=true&allow_outside=true&filename=m.csv"
        found = self._again(
            lambda: client.ask(
                "POST", path, body,
                Content_Type="text/csv", Idempotency_Key=f"{self.seed}-file-{number}", Prefer="wait=1",
            )
        )  # fmt: skip
        while found is not None and found[0] == 202:
            time.sleep(0.2)
            found = self._again(lambda job=found[1]["job"]: client.ask("GET", f"/jobs/{job}"))  # type: ignore[misc]
            if found is not None and found[1].get("state") in {"queued", "running"}:
                found = (202, *found[1:])
        if found is None:
            return False
        error = found[1].get("error") or ({} if found[0] in {200, 201} else found[1])
        if error and error.get("code") not in GIVEN_UP:
            with self.told.lock:
                self.told.bad.append(f"import {number}: {found[:2]}")
        return not error

    def read(self, number: int) -> None:
        """Ask for pages, one after the other."""
        client, count = Client(self.port, self.told), number
        while not self.stopping.is_set():
            count += 1
            client.ask("GET", READS[count % len(READS)])
            if count % 20 == 0:
                self._look(client)
            self.stopping.wait(REST_S)
        client.close()

    def _look(self, client: Client) -> None:
        """What is imported is seen whole at any time: the file before or the one after."""
        status, found, _ = client.ask("GET", f"/collections/{BROUGHT}/items?limit=1000&f=json")
        if status == 200:
            items = [item["properties"] for item in found["features"]]
            seen = [item["name_zh"] for item in items if item["code"].startswith("m")]
            if not is_whole(seen):
                with self.told.lock:
                    self.told.bad.append(f"half an import is seen: {set(seen)}, {len(seen)} rows")


def is_whole(names: Sequence[str | None]) -> bool:
    """Whether rows are those of one file, or none."""
    return not names or (len(set(names)) == 1 and len(names) == ROWS)


@contextmanager
def loaded(port: int, seed: str, writers: int = 3, readers: int = 2, files: int = 1) -> Iterator[Told]:
    """Clients at the server while the block lasts; at its end the writers finish what they began."""
    load = Load(port, seed)
    threads = [threading.Thread(target=load.write, args=(number,)) for number in range(writers)]
    threads += [threading.Thread(target=load.read, args=(number,)) for number in range(readers)]
    threads += [threading.Thread(target=load.bring) for _ in range(files)]
    for thread in threads:
        thread.start()
    try:
        yield load.told
    finally:
        load.stopping.set()
        for thread in threads:
            thread.join()
