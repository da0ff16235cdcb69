"""The properties that a client sent as values of a class's fields, by the checks of an import, or why not. Pure."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.catalogue.model import FeatureClass
from app.inventory.batch import Period
from app.inventory.periods import holds, today
from app.inventory.query import VALID_FIELDS, derived_names
from app.validation.values import BadValue, clean_text, converter, plain

#: Columns that every row has beside those that features show; no client writes them.
HIDDEN = ("id", "areas_touched", "crosses_border", "extra", "import_id")
CODE, VERSION = "code", "change_id"
#: Longest code.
MAX_CODE = 200
#: Characters of a value that a problem shows.
MAX_SHOWN = 100
READ_ONLY = "it is kept by the server and cannot be set"
LEAVE_OUT = "Leave it out, or send it back as it was."
#: What counts as nothing said where a new feature is made from a form with all columns.
NOTHING: tuple[Any, ...] = (None, "", False, [], {})


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one member: `value` as a problem may show it."""

    field: str
    value: Any
    reason: str
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The fault as plain values."""
        return {"field": self.field, "value": self.value, "reason": self.reason, "hint": self.hint}


@dataclass(frozen=True, slots=True)
class Members:
    """What was said: `fields` name → value of the field's type, `code`, and `kept` what only the server writes, raw."""

    fields: Mapping[str, Any]
    code: str | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


def read_members(cls: FeatureClass, properties: Mapping[str, Any]) -> Members:
    """The properties (name → JSON value) of a feature of `cls`; each that cannot be stored is a fault."""
    declared = {item.name: item for item in cls.fields}
    kept = kept_names(cls)
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    code = None
    for name, raw in properties.items():
        try:
            if name in declared:
                values[name] = converter(declared[name])(raw)
            elif name == CODE:
                code = read_code(raw)
            elif name not in kept:
                faults.append(_unknown(name, raw, [*declared, CODE, *kept]))
        except BadValue as error:
            faults.append(Fault(name, shown(raw), error.reason, error.hint))
    rest = {name: raw for name, raw in properties.items() if name in kept}
    return Members(values, code, rest, tuple(faults))


def kept_names(cls: FeatureClass) -> list[str]:
    """The names that features show, or could, and that only the server writes."""
    return list(dict.fromkeys([*derived_names(cls), *VALID_FIELDS, *HIDDEN]))


def _unknown(name: str, raw: Any, known: Iterable[str]) -> Fault:
    near = difflib.get_close_matches(name, sorted(known), n=2, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else "The collection's /schema lists its properties."
    return Fault(name[:MAX_SHOWN], shown(raw), "the collection has no such property", hint)


def read_code(raw: Any) -> str | None:
    """A code as it is stored, None where nothing was said; raises BadValue."""
    value = plain(raw)
    if value is None or isinstance(value, bool | dict | list):
        if value is None:
            return None
        raise BadValue("a code is a text", "Such as WC-0001.")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = clean_text(str(value))
    if len(text) > MAX_CODE:
        raise BadValue(f"the text has {len(text)} characters", f"At most {MAX_CODE} are kept.")
    return text or None


def shown(raw: Any) -> Any:
    """A value as a problem may show it: short, and such as JSON holds."""
    if raw is None or isinstance(raw, bool | int):
        return raw
    if isinstance(raw, float):
        return raw if math.isfinite(raw) else str(raw)
    text = raw if isinstance(raw, str) else json.dumps(plain(raw), ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def fill_required(cls: FeatureClass, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """The values with the defaults of required fields that are empty, and those that have none."""
    filled, faults = dict(values), []
    for item in cls.fields:
        if item.required and item.name in filled and filled[item.name] is None:
            filled[item.name] = item.default
            if item.default is None:
                hint = f"Fill in {item.title.en} ({item.title.zh})."
                faults.append(Fault(item.name, None, "a value is required", hint))
    return filled, faults


def check_kept(kept: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[Fault]:
    """Of members that only the server writes, those that are not sent back as they are `stored`."""
    for name, raw in kept.items():
        if not same_value(raw, stored.get(name)):
            yield Fault(name, shown(raw), READ_ONLY, LEAVE_OUT)


def read_period(kept: Mapping[str, Any]) -> tuple[Period | None, list[Fault]]:
    """The days of a new feature, None where nothing is said of them; what else the server writes must be empty."""
    ends: dict[str, date | None] = {}
    faults = []
    for name, raw in kept.items():
        if name in VALID_FIELDS:
            try:
                ends[name] = None if raw in (None, "") else date.fromisoformat(str(raw)[:10])
            except ValueError:
                faults.append(Fault(name, shown(raw), "a date is expected", "A date such as 2021-12-31."))
        elif raw not in NOTHING:
            faults.append(Fault(name, shown(raw), READ_ONLY, LEAVE_OUT))
    period = (ends.get("valid_from"), ends.get("valid_to"))
    if period == (None, None) or faults:
        return None, faults
    if period[0] is not None and period[1] is not None and period[0] >= period[1]:
        hint = "The day on which it ends must follow the first one."
        return None, [Fault("valid_to", shown(kept["valid_to"]), "ends before it begins", hint)]
    if not holds(period, today()):
        name = "valid_to" if period[1] is not None and period[1] <= today() else "valid_from"
        hint = "What is so on other days than today is loaded as a file: POST /imports."
        return None, [Fault(name, shown(kept[name]), "the feature would not be there today", hint)]
    return period, []


def same_value(sent: Any, stored: Any) -> bool:
    """Whether a value that comes back means the stored one: clients write numbers, days and lists in their own way."""
    if sent is None or stored is None:
        return sent in (None, "") and stored in (None, "")
    if isinstance(stored, dict | list):
        return _same_nested(sent, stored)
    if isinstance(stored, bool):
        return str(sent).lower() in (("true", "1", "t") if stored else ("false", "0", "f"))
    if isinstance(stored, int | float):
        return _same_number(sent, stored)
    # A day may come back as its first moment.
    return str(sent).strip().removesuffix("T00:00:00") == str(stored).strip()


def _same_number(sent: Any, stored: float) -> bool:
    try:
        return not isinstance(sent, bool) and math.isclose(float(sent), stored, rel_tol=1e-6, abs_tol=1e-6)
    except (TypeError, ValueError, OverflowError):
        return False


def _same_nested(sent: Any, stored: Any) -> bool:
    if isinstance(sent, str):
        try:
            sent = json.loads(sent)
        except (ValueError, RecursionError):
            # QGIS shows a list as text between commas.
            return isinstance(stored, list) and sent.split(",") == [str(item) for item in stored]
    return bool(sent == stored)
