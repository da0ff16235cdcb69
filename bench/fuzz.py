"""Requests made from the API definition by schemathesis, good and broken ones: none may be answered 5xx or otherwise
than the definition says, none without the headers of safety, and none may tell of the inside.
"""

from __future__ import annotations

import itertools
import re
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import hypothesis
import schemathesis
from fastapi import FastAPI
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app import console
from app.access.middleware import SECURITY_HEADERS
from app.coverage import service
from app.coverage.engine import Engine
from app.database.transactions import Database
from app.main import create_app
from app.sample.service import load
from app.settings import ROOT
from app.worker import make_worker
from bench.fuzz_askers import ASKERS, OPEN, Asker, made_names, name_people, new_keys
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
CASES, SEED = 20_000, 2026
#: Requests to all operations before they begin again, by another order of chance.
SLICE = 2_500
#: How long an answer may take on a busy machine, seconds: how fast it is, is told elsewhere.
PATIENCE_S = 120
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
    """What came of it: requests by who asked and status, and faults with the request that shows each."""

    cases: int = 0
    statuses: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    faults: dict[str, str] = field(default_factory=dict)

    def note(self, fault: str, asker: str, case: schemathesis.Case[Any]) -> None:
        """Keep the first request of each kind of fault."""
        shown = f"asked by {asker}: {case.as_curl_command()}"
        self.faults.setdefault(f"{case.method} {case.path}: {fault}", shown)

    def joined(self, other: Findings) -> Findings:
        """Both together."""
        statuses = defaultdict(Counter, {name: Counter(told) for name, told in self.statuses.items()})
        for name, told in other.statuses.items():
            statuses[name] += told
        return Findings(self.cases + other.cases, statuses, self.faults | other.faults)


@dataclass
class Fuzzed:
    """A server, and who asks it in turn."""

    app: FastAPI
    db: Database
    askers: Sequence[Asker] = ASKERS
    seed: int = SEED

    def __post_init__(self) -> None:
        self._turns = itertools.cycle(self.askers)

    def fuzz(self, examples: int, only: str = "") -> Findings:
        """`examples` requests to every operation whose `METHOD path` holds `only`, the same ones each time."""
        schema = schemathesis.openapi.from_asgi("/api?f=oas31", self.app, headers=self._headers("viewer"))
        found = Findings()
        for result in schema.get_all_operations():
            operation = result.ok()
            if only in f"{operation.method.upper()} {operation.path}":
                self._fuzz_operation(operation, examples, found)
        return found

    def _headers(self, name: str) -> dict[str, str]:
        key = new_keys(self.db).get(name) if OPEN not in self.askers else None
        return {} if key is None else {"Authorization": f"Bearer {key}"}

    def _known(self) -> Sequence[dict[str, str]]:
        return *KNOWN, dict(made_names(self.db))

    def _fuzz_operation(self, operation: Any, examples: int, found: Findings) -> None:
        keys = {} if OPEN in self.askers else new_keys(self.db)
        strategies = hypothesis.strategies
        modes = strategies.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )

        @hypothesis.seed(self.seed)
        @hypothesis.settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        # The number tells nothing: without it what takes few parameters would be asked a few times only.
        @hypothesis.given(
            case=modes, known=strategies.sampled_from(self._known()), _number=strategies.integers(0)
        )
        def ask(case: schemathesis.Case[Any], known: dict[str, str], _number: int) -> None:
            named = {name: known[name] for name in known.keys() & case.path_parameters.keys()}
            case.path_parameters.update(named)
            asker = next(self._turns)
            _ask(case, asker.name, keys.get(asker.name), found)

        ask()


def _ask(case: schemathesis.Case[Any], asker: str, key: str | None, found: Findings) -> None:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    response = case.call(headers=headers, timeout=PATIENCE_S)
    found.cases += 1
    found.statuses[asker][f"{response.status_code // 100}xx"] += 1
    leaked = LEAK.search(response.text) if response.status_code >= 400 else None
    # A form that is shown again holds what was typed into it.
    if leaked is not None and leaked[0] not in unquote_plus(case.as_curl_command()):
        found.note(f"tells of the inside: {leaked[0]}", asker, case)
    bare = [name for name in ("X-Request-Id", *SECURITY_HEADERS) if name.lower() not in response.headers]
    if bare or "unsafe" in response.headers["content-security-policy"][0]:
        found.note(
            f"{response.status_code} lacks a header of safety: {', '.join(bare) or 'policy'}", asker, case
        )
    try:
        case.validate_response(response, checks=list(CHECKS))
    except (Failure, FailureGroup) as error:
        faults = error.exceptions if isinstance(error, FailureGroup) else [error]
        for fault in faults:
            found.note(f"{response.status_code} {fault.title}: {str(fault)[:300]}", asker, case)


class NearEngine(Engine):
    """The engine in this process, asked as the one beside a server is."""

    def is_up(self) -> bool:
        """It is up while this process is."""
        return True


@contextmanager
def _town() -> Iterator[tuple[Callable[[], FastAPI], Database]]:
    with scratch() as (settings, catalogue, db):
        load(db, catalogue, "town")
        engine = NearEngine(db, catalogue)
        service.run(db, engine.answer, {"policy": "toilet-300", "mode": "both"})
        # Who asks so often and so wrongly would soon be told to wait.
        changed = settings.model_copy(update={"requests_per_minute": 0, "open": True})
        worker = make_worker(settings, engine)
        working = threading.Thread(target=worker.run)
        working.start()
        try:
            yield partial(create_app, changed, engine), db
        finally:
            worker.stop()
            working.join()


def run(*, peers: bool, cases: int = CASES, only: str = "", seed: int = SEED) -> None:
    """Ask until there were `cases` requests in all, and print every kind of fault; any of them is a failure."""
    del peers
    with _town() as (make_app, db):
        app = make_app()
        operations = sum(1 for _ in schemathesis.openapi.from_asgi("/api?f=oas31", app).get_all_operations())
        each = -(-cases // operations)
        share, slices = -(-each // (1 + len(ASKERS))), max(1, cases // SLICE)
        found = Fuzzed(app, db, (OPEN,), seed).fuzz(share, only)
        name_people(db)
        for number in range(slices):
            closed = Fuzzed(make_app(), db, ASKERS, seed + number)
            found = found.joined(closed.fuzz(-(-(each - share) // slices), only))
            console.step(f"{found.cases:,} requests, {len(found.faults)} kinds of fault …")
    _tell(found)


def _tell(found: Findings) -> None:
    kinds = sorted({status for counted in found.statuses.values() for status in counted})
    rows = [
        (asker, "   ".join(f"{kind} {counted[kind]:6,}" for kind in kinds))
        for asker, counted in found.statuses.items()
    ]
    rows += [("requests", f"{found.cases:,}"), ("kinds of fault", f"{len(found.faults)}   (bar: 0)")]
    table("Requests made from the API definition, by who asked", rows)
    if found.faults:
        path = Path(tempfile.mkdtemp(prefix="chengtu-fuzz-")) / "faults.txt"
        path.write_text("\n\n".join(f"{fault}\n{shown}" for fault, shown in found.faults.items()), "utf-8")
        print(f"  each with a request that shows it: {path}")
        sys.exit(1)
