"""The query parameters by which a request names a day in the world and a time of record."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BeforeValidator, StringConstraints


def _or_none(value: Any) -> Any:
    """A form sends every field, empty where nothing was chosen."""
    return None if value == "" else value


#: Bounded by itself: pydantic cannot measure the nothing that an empty text becomes.
Text = Annotated[str, StringConstraints(max_length=100)]

AsOf = Annotated[
    Text | None,
    BeforeValidator(_or_none),
    Query(
        description="Day in the world, 2020-12-31: what was there then; a later day than today shows what is planned. "
        "Default now.",
    ),
]
KnownAt = Annotated[
    Text | None,
    BeforeValidator(_or_none),
    Query(
        description="Time of record, a change number or a moment (2021-12-31T18:00+08:00): what was known then, of "
        "`as_of` or else of the day of that change.",
    ),
]
