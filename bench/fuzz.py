"""Requests made from the API definition by schemathesis, good and broken ones: none may be answered 5xx or otherwise
than the definition says, and no answer may tell of the inside.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.coverage import service
from app.coverage.engine import Engine
from app.main import create_app
from app.sample.service import load
from app.settings import ROOT
from bench.scratch import scratch
from bench.tools import table

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
#: What no answer may hold: SQL, names of libraries and modules, paths of the machine, traces.
LEAK = re.compile(
    rf"psycopg|sqlalchemy|Traceback|/site-packages/|{re.escape(str(ROOT))}|{re.escape(str(Path.home()))}/|/var/lib"
    r"|SELECT .{1,80} FROM|city\.[a-z_]+_history|PG::|SQLSTATE|server closed the connection|\.py\b",
    re.IGNORECASE,
)
CASES = 20_000
#: Names in paths that exist, put into some of the requests: made-up ones hardly ever do.
KNOWN: tuple[dict[str, str], ...] = (
    {},
    {"collection": "toilets", "item": "1"},
    {"collection": "parks", "item": "2"},
    {"collection": "streets"},
    {"collection": "coverage_areas"},
    {"collection": "toilets", "policy": "toilet-300"},
)


@dataclass
class Findings:
    """What came of it: requests by status class, and faults with the request that shows each."""

    cases: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)

    def note(self, fault: str, case: schemathesis.Case[Any]) -> None:
        """Keep the first request of each kind of fault."""
        self.faults.setdefault(f"{case.method} {case.path}: {fault}", case.as_curl_command())


def fuzz(app: FastAPI, examples: int, *, leave_out: frozenset[str] = frozenset()) -> Findings:
    """`examples` requests to every operation of `app`, the same ones each time; `leave_out` holds paths."""
    schema = schemathesis.openapi.from_asgi("/api?f=oas31", app)
    runs = TestClient(app).get("/coverage?limit=1&f=json").json()["runs"]
    known = (*KNOWN, {"run": str(runs[0]["run"])}) if runs else KNOWN
    found = Findings()
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path not in leave_out:
            _fuzz_operation(operation, examples, known, found)
    return found


def _fuzz_operation(operation: Any, examples: int, names: Sequence[dict[str, str]], found: Findings) -> None:
    modes = hypothesis.strategies.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    @hypothesis.seed(2026)
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=modes, known=hypothesis.strategies.sampled_from(names))
    def ask(case: schemathesis.Case[Any], known: dict[str, str]) -> None:
        case.path_parameters.update(
            {name: known[name] for name in known.keys() & case.path_parameters.keys()}
        )
        _ask(case, found)

    ask()


def _ask(case: schemathesis.Case[Any], found: Findings) -> None:
    response = case.call()
    found.cases += 1
    found.statuses[f"{response.status_code // 100}xx"] += 1
    leaked = LEAK.search(response.text) if response.status_code >= 400 else None
    if leaked is not None:
        found.note(f"tells of the inside: {leaked[0]}", case)
    try:
        case.validate_response(response, checks=list(CHECKS))
    except (Failure, FailureGroup) as error:
        faults = error.exceptions if isinstance(error, FailureGroup) else [error]
        for fault in faults:
            found.note(f"{response.status_code} {fault.title}: {str(fault)[:300]}", case)


class NearEngine(Engine):
    """The engine in this process, asked as the one beside a server is."""

    def is_up(self) -> bool:
        """It is up while this process is."""
        return True


@contextmanager
def _town() -> Iterator[FastAPI]:
    with scratch() as (settings, catalogue, db):
        load(db, catalogue, "town")
        engine = NearEngine(db, catalogue)
        service.run(db, engine.answer, {"policy": "toilet-300", "mode": "both"})
        yield create_app(settings, engine)


def run(*, peers: bool) -> None:
    """Ask until there were 20,000 requests in all, and print every kind of fault; any of them is a failure."""
    del peers
    with _town() as app:
        operations = sum(1 for _ in schemathesis.openapi.from_asgi("/api?f=oas31", app).get_all_operations())
        found = fuzz(app, -(-CASES // operations))
    rows = [
        ("requests", f"{found.cases:,}"),
        *((name, f"{count:,}") for name, count in sorted(found.statuses.items())),
    ]
    rows.append(("kinds of fault", f"{len(found.faults)}   (bar: 0)"))
    table("Requests made from the API definition", rows)
    folder = Path(tempfile.mkdtemp(prefix="chengtu-fuzz-"))
    text = "\n\n".join(f"{fault}\n{curl}" for fault, curl in found.faults.items())
    (folder / "faults.txt").write_text(text, encoding="utf-8")
    if found.faults:
        print(f"  each with a request that shows it: {folder / 'faults.txt'}")
        sys.exit(1)
