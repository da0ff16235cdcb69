"""The floor of a page of features: the fastest SQL that we know for the same text, on 8 connections, without HTTP."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from typing import Any

import psycopg

from app.database.server import admin_parameters
from app.settings import Settings

CONNECTIONS = 8
#: Properties that are not columns of their name.
DERIVED = {"valid_from": "lower(valid)", "valid_to": "upper(valid) - 1"}


def floor(settings: Settings, address: str, class_id: str, seconds: float) -> float:
    """Pages a second of the fastest of several ways to write the same features; each is checked against the reply."""
    request = urllib.request.Request(address, headers={"Accept": "application/geo+json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        expected = json.loads(reply.read())["features"]
    found = [
        _rate(settings, statement, seconds)
        for statement in _statements(class_id, list(expected[0]["properties"]), len(expected))
        if _same(settings, statement, expected)
    ]
    return max(found)


def _statements(class_id: str, names: list[str], limit: int) -> list[bytes]:
    page = f"(SELECT * FROM city.{class_id} ORDER BY id LIMIT {limit}) t"
    columns = ", ".join(f'{DERIVED.get(name, chr(34) + name + chr(34))} AS "{name}"' for name in names)
    shape = "ST_AsGeoJSON(geom, 9)"
    head = '\'{"type":"Feature","id":\' || id || \',"geometry":\' || ' + shape + " || ',\"properties\":' || "
    by_row = f"row_to_json((SELECT p FROM (SELECT {columns}) p))::text"
    by_member = " || ',' || ".join(
        f"'\"{name}\":' || coalesce(to_json({DERIVED.get(name, chr(34) + name + chr(34))})::text, 'null')"
        for name in names
    )
    texts = (by_row, f"'{{' || {by_member} || '}}'")
    whole = [f"SELECT '[' || string_agg({head}{text} || '}}', ',') || ']' FROM {page}" for text in texts]
    rows = [f"SELECT {head}{text} || '}}' FROM {page}" for text in texts]
    return [statement.encode() for statement in (*whole, *rows)]


def _features(rows: list[tuple[Any, ...]]) -> Any:
    text = ",".join(row[0] for row in rows)
    return json.loads(text if text.startswith("[") else f"[{text}]")


def _same(settings: Settings, statement: bytes, expected: Any) -> bool:
    """Whether a statement writes what the server answers; numbers may be written with fewer digits."""
    with psycopg.connect(**admin_parameters(settings)) as conn:
        found = _features(conn.execute(statement).fetchall())
    same = [item["properties"] for item in found] == [item["properties"] for item in expected]
    if not same:
        print("  … one way to write the floor differs from the reply and is left out", flush=True)
    return same and [item["id"] for item in found] == [item["id"] for item in expected]


def _rate(settings: Settings, statement: bytes, seconds: float) -> float:
    counts = [0] * CONNECTIONS
    until = time.monotonic() + seconds

    def work(place: int) -> None:
        with psycopg.connect(**admin_parameters(settings), autocommit=True) as conn:
            conn.execute("SET max_parallel_workers_per_gather = 0; SET jit = off")
            while time.monotonic() < until:
                conn.execute(statement, prepare=True, binary=True).fetchall()
                counts[place] += 1

    workers = [threading.Thread(target=work, args=(place,)) for place in range(CONNECTIONS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / seconds
