"""The features that counted figures are made of: those that stand on the day, serve at the hour and say what is asked.

What a feature does not say of itself is unknown: it is neither counted nor missed, and the figure says how many do so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.catalogue.policy_model import Near, Where
from app.coverage.loader import Loader, places_of
from app.coverage.model import Bools, Places
from app.coverage.request import CoverageRequest
from app.coverage.scenario_rows import choose
from app.coverage.supply import DATES, JUDGED, SupplyRule, judge
from app.coverage.supply_loading import rule_of
from app.inventory.arrays import FeatureArrays

#: Fields that a `where` asks for; the other fields of `JUDGED` are judged by the request.
FILTERED = ("state", "access")


@dataclass(frozen=True, slots=True)
class Standing:
    """Features that stand (n,); `silent` (n,) are those that may or may not be meant: what is asked is unknown."""

    rows: FeatureArrays
    silent: Bools

    def __len__(self) -> int:
        return len(self.silent)

    def some(self, which: Bools) -> Standing:
        """Those of a mask (n,)."""
        return Standing(choose(self.rows, which), self.silent[which])


def load_standing(
    loader: Loader,
    request: CoverageRequest,
    class_id: str,
    where: Where,
    fields: Sequence[str] = (),
    *,
    serving: bool = False,
) -> Standing:
    """The features of a class on the day that match `where` or do not say so.

    `serving` also leaves out what the request's hour, steps and fees leave out.
    """
    known = {field.name for field in loader.catalogue.get_class(class_id).fields}
    judged = [name for name in (JUDGED if serving else DATES) if name in known and name not in FILTERED]
    wide = {name: values if None in values else (*values, None) for name, values in where.items()}
    names = ["name_zh", "name_en", *dict.fromkeys((*fields, *where, *judged))]
    rows = loader.features(class_id, names, wide)
    silent = _silent(rows, where)
    columns, rule = {name: rows.columns[name] for name in judged}, rule_of(loader, request)
    stands = judge(columns, {}, SupplyRule(rule.day), len(rows)).serves
    if serving:
        verdict = judge(columns, {}, rule, len(rows))
        silent = silent | verdict.untold
        stands &= verdict.serves | verdict.untold
    return Standing(choose(rows, stands), silent[stands])


def standing_places(loader: Loader, request: CoverageRequest, near: Near) -> Places:
    """The features that others must be near to, as they stand on the day."""
    found = load_standing(loader, request, near.cls, near.where)
    return places_of(choose(found.rows, ~found.silent))


def _silent(rows: FeatureArrays, where: Where) -> Bools:
    """(n,) whether a field that must have a value has none."""
    silent = np.zeros(len(rows), dtype=bool)
    for name, values in where.items():
        if None not in values:
            silent |= np.array([value is None for value in rows.columns[name]], dtype=bool)
    return silent
