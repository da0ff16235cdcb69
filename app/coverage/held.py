"""Policies over what is restricted: their rows are read in the scope of who asks, kept for nobody else, and told so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from app.catalogue.policy_model import Policy
from app.catalogue.policy_sensitivity import restricted_reads
from app.catalogue.public_part import may_see
from app.coverage.cache import Apart
from app.coverage.loader import Loader
from app.coverage.notes import Words
from app.database.scope import Scope, within
from app.database.transactions import Database
from app.errors import Forbidden

#: What an answer says of it.
NOTE: Words = {
    "zh": "{title}含受限数据：只计入提出请求的人可见的部分",
    "en": "{title}: partly restricted; what whoever asked may see is counted, and nothing else",
}
NAMES: Words = {"zh": "、", "en": ", "}
#: How long a statement may run that reads for the engine, seconds.
STATEMENT_S = 300.0


@contextmanager
def scoped_loader(db: Database, loader: Loader, policies: Iterable[Policy], scope: Scope) -> Iterator[Loader]:
    """The loader, which reads what is restricted in `scope` where one of the policies asks for it.

    Rows of such classes, and what is made of them, are kept for as long as the block runs; all else comes from the
    engine's own cache.

    Raises:
        Forbidden: A policy reads a field that the scope does not see.
    """
    reads: dict[str, frozenset[str]] = {}
    for policy in policies:
        for class_id, names in restricted_reads(loader.catalogue, policy).items():
            reads[class_id] = reads.get(class_id, frozenset()) | names
    if not reads:
        yield loader
        return
    _check_fields(reads, scope)
    with within(scope), db.read(timeout_s=STATEMENT_S) as conn:
        own = dict.fromkeys(reads, conn)
        yield replace(loader, scoped=own, cache=Apart(loader.cache, frozenset(own)), seen_by=scope)


def _check_fields(reads: Mapping[str, frozenset[str]], scope: Scope) -> None:
    for class_id, names in reads.items():
        if names and not may_see(scope.level, "restricted"):
            raise Forbidden(
                f"The policy reads {', '.join(sorted(names))} of {class_id}, which is restricted.",
                "Who has clearance for restricted data may compute it.",
            )


def held_of(loader: Loader) -> dict[str, Any]:
    """What an answer records of it: up to which level, in which areas and for which party it was read; else nothing."""
    scope = loader.seen_by
    if scope is None:
        return {}
    return {
        "held": {
            "classes": sorted(loader.scoped),
            "level": scope.level,
            "areas": None if scope.areas is None else list(scope.areas),
            "party": scope.party,
        }
    }


def held_notes(loader: Loader) -> list[Words]:
    """A sentence for it, where it was so."""
    if loader.seen_by is None:
        return []
    titles = [loader.catalogue.get_class(class_id).title for class_id in sorted(loader.scoped)]
    return [
        {
            lang: NOTE[lang].format(title=NAMES[lang].join(title.in_(lang) for title in titles))
            for lang in NOTE
        }
    ]
