"""Walks a million features page by page: page 1,000 must cost what page 1 does."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from urllib.parse import urlsplit

from bench.features_data import MILLION
from bench.features_servers import Server

LIMIT, PAGES, SHOWN = 1000, 1000, 20


def paging(server: Server) -> list[tuple[str, str]]:
    """Follow `next` through all pages; ms of the first and of the last ones."""
    parts = urlsplit(server.items(MILLION, f"limit={LIMIT}"))
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    address: str | None = f"{parts.path}?{parts.query}"
    took, found = [], 0
    while address is not None:
        started = time.perf_counter()
        connection.request("GET", address, headers={"Accept": "application/geo+json"})
        body = connection.getresponse().read()
        took.append((time.perf_counter() - started) * 1000)
        address, returned = _next(body)
        found += returned
    connection.close()
    first, last = statistics.median(took[1 : SHOWN + 1]), statistics.median(took[-SHOWN - 1 : -1])
    return [
        (f"features on {len(took):,} pages", f"{found:12,}"),
        (f"pages 2-{SHOWN + 1}, median", f"{first:12.2f} ms"),
        (f"the last {SHOWN}, median", f"{last:12.2f} ms"),
        ("  ratio", f"{last / first:12.2f} ×   (bar: ≤ 1.2 ×)"),
    ]


def _next(body: bytes) -> tuple[str | None, int]:
    """The address of the page after, from the links at the end of a page, and how many features it says it has."""
    head, tail = json.loads(body[: body.index(b',"features"')] + b"}"), body[body.rindex(b'"links"') :]
    links = json.loads(b"{" + tail)["links"]
    following = [urlsplit(link["href"]) for link in links if link["rel"] == "next"]
    return (f"{following[0].path}?{following[0].query}" if following else None), int(head["numberReturned"])
