"""Whom a page is made for: what it offers, and what the bar above it says. The gate sets it for each request."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Viewer:
    """`may` holds the permissions (`app.access.permissions`); with `open` nobody is named and everything is offered."""

    name: str
    open: bool
    may: frozenset[str]
    level: str
    csrf: str | None = None

    def can(self, permission: str) -> bool:
        """Whether a page offers what needs a permission."""
        return permission in self.may

    @property
    def home(self) -> str:
        """The page to begin with: the map, for those who see any feature."""
        pages = (("read", "/"), ("street", "/field"), ("people", "/users"), ("audit", "/audit"))
        return next((page for permission, page in pages if self.can(permission)), "/me")

    @property
    def key(self) -> str:
        """What tells pages made for this viewer from those made for others."""
        return "" if self is EVERYBODY else repr((self.name, self.open, sorted(self.may)))


#: What is made outside of a request (files, commands) offers everything and has no bar.
EVERYBODY = Viewer(
    name="",
    open=False,
    may=frozenset(("read", "street", "report", "export", "edit", "import", "plan", "assess", "jobs")),
    level="restricted",
)
#: Who the request that runs is answered for.
VIEWER: ContextVar[Viewer] = ContextVar("chengtu_viewer", default=EVERYBODY)
