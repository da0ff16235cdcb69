"""Which variables of the environment look like settings and are none: a mistyped one would say nothing."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping

from app.secret_files import secret_settings, variable_of
from app.settings import Settings

PREFIX, FILE = "CHENGTU_", "_FILE"
#: What the command line reads beside the settings, and what only proxy, tests and scripts of the source read.
OTHERS = frozenset(
    {
        "CHENGTU_DEBUG",
        "CHENGTU_SAMPLE_SIZE",
        "CHENGTU_SITE",
        "CHENGTU_UPSTREAM",
        "CHENGTU_DATA",
        "CHENGTU_SHOTS",
    }
)
OTHERS_BEGIN = ("CHENGTU_SOAK", "CHENGTU_BENCH")
#: How much of a name must agree with that of the setting which was probably meant.
NEAR = 0.6


def known_names() -> frozenset[str]:
    """Every variable that is read as a setting, the files of secrets included."""
    variables = {variable_of(name, field) for name, field in Settings.model_fields.items()}
    return frozenset(variables | {variable + FILE for variable in secret_settings(Settings).values()})


def unknown_settings(environment: Mapping[str, str] | None = None) -> Iterator[tuple[str, str | None]]:
    """Each variable `CHENGTU_…` that nothing reads, with the setting of the nearest name, None where none is near."""
    known = known_names()
    stems = {_stem(name): name for name in sorted(known) if not name.endswith(FILE)}
    for name in sorted(os.environ if environment is None else environment):
        given = name.upper()  # as settings are read: in any case
        if not given.startswith(PREFIX) or given in known | OTHERS or given.startswith(OTHERS_BEGIN):
            continue
        near = difflib.get_close_matches(_stem(given), stems, n=1, cutoff=NEAR)
        yield name, stems[near[0]] if near else None


def told_unknown(environment: Mapping[str, str] | None = None) -> str | None:
    """One sentence about the variables that nothing reads; None where there are none. Values are never told."""
    found = [f"{name} ({near}?)" if near else name for name, near in unknown_settings(environment)]
    if not found:
        return None
    return f"No setting has this name, and nothing reads it: {', '.join(found)}."


def _stem(name: str) -> str:
    return name.removeprefix(PREFIX).removesuffix(FILE)
