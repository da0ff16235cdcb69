"""Which declared route a request goes to, by one expression a method: as the framework decides, before it does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from starlette._utils import get_route_path
from starlette.routing import Mount
from starlette.types import Scope

#: What goes to no route.
UNKNOWN = ""
_NAMED = re.compile(r"\?P<\w+>")


class Lines:
    """Requests → `METHOD path` of the first route that takes them."""

    def __init__(self) -> None:
        self._by_method: dict[str, tuple[re.Pattern[str], tuple[str, ...]]] | None = None

    def find(self, scope: Scope) -> str:
        """The line of the route, UNKNOWN where there is none."""
        if self._by_method is None:
            self._by_method = _build(scope["app"].router.routes)
        expression, lines = self._by_method.get(scope["method"], (None, ()))
        found = None if expression is None else expression.match(get_route_path(scope))
        return UNKNOWN if found is None or found.lastgroup is None else lines[int(found.lastgroup[1:])]


def lines_of(routes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Each route as `METHOD path` with its expression, in their order; a folder of files is read."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from lines_of(included.routes)
            continue
        methods = {"GET"} if isinstance(route, Mount) else set(route.methods or ()) - {"HEAD"}
        yield from ((f"{method} {route.path}", route.path_regex.pattern) for method in sorted(methods))


def _build(routes: Iterable[Any]) -> dict[str, tuple[re.Pattern[str], tuple[str, ...]]]:
    by_method: dict[str, list[tuple[str, str]]] = {}
    for line, pattern in lines_of(routes):
        by_method.setdefault(line.partition(" ")[0], []).append((line, _NAMED.sub("?:", pattern)))
    return {
        method: (
            # The group that closes last is the outermost one: that of the route.
            re.compile("|".join(f"(?P<r{number}>{pattern})" for number, (_, pattern) in enumerate(found))),
            tuple(line for line, _ in found),
        )
        for method, found in by_method.items()
    }
