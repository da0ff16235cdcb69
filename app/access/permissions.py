"""Which permission each route needs, and which roles give it: one table, whose every line a test asks over HTTP.

A route that does not stand here is refused to everybody. A line is `METHOD path`, as the route is declared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from app.access.principal import ROLES, Principal, Role

Permission = Literal[
    "open", "self", "read", "street", "report", "export", "edit", "import", "plan", "assess", "jobs", "audit",
    "administer", "people", "watch",
]  # fmt: skip
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)

#: Who has a permission. `open` asks for nobody; `self` for somebody, whatever the role: pages that hold no feature.
HOLDERS: Mapping[Permission, frozenset[Role]] = {
    "open": frozenset(ROLES),
    "self": frozenset(ROLES),
    "read": frozenset(("viewer", "editor", "planner", "assessor")),
    "street": frozenset(("viewer", "field", "editor", "planner", "assessor")),
    "report": frozenset(("field", "editor")),
    "export": frozenset(("viewer", "editor", "planner")),
    "edit": frozenset(("editor",)),
    "import": frozenset(("editor",)),
    "plan": frozenset(("planner",)),
    "assess": frozenset(("assessor",)),
    "jobs": frozenset(("editor", "planner", "system")),
    "audit": frozenset(("auditor",)),
    "administer": frozenset(("system",)),
    "people": frozenset(("security",)),
    # From the machine itself nobody has to be named for it (`gate`).
    "watch": frozenset(("auditor", "system")),
}

_ITEM = "/collections/{collection}/items/{item}"
_TILE = "/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"

#: Permission → the routes that need it.
_LINES: Mapping[Permission, Iterable[str]] = {
    # What holds nothing of the city: whether the server lives, how to trust it, styles and scripts.
    "open": (
        "GET /health",
        "GET /ready",
        "GET /static",
        "GET /field/authority",
        "GET /field/authority.crt",
        "GET /field/start",
        "POST /field/start",
        "GET /login",
        "POST /login",
        "GET /login/oidc",
        "GET /login/oidc/callback",
        "GET /field/app.css",
        "GET /field/app.js",
        "GET /field/worker.js",
        "GET /map/{name}.css",
        "GET /map/{name}.js",
    ),
    "self": (
        "GET /me",
        "POST /me/password",
        "POST /logout",
        "GET /",
        "GET /conformance",
        "GET /api",
        "GET /docs",
        "GET /tileMatrixSets",
        "GET /tileMatrixSets/{tileMatrixSetId}",
    ),
    "read": (
        "GET /collections",
        "GET /collections/{collection}",
        "GET /collections/{collection}/items",
        f"GET {_ITEM}",
        "OPTIONS /collections/{collection}/items",
        f"OPTIONS {_ITEM}",
        "GET /collections/{collection}/queryables",
        "GET /collections/{collection}/sortables",
        "GET /collections/{collection}/schema",
        f"GET {_ITEM}/history",
        f"GET {_ITEM}/assessments",
        "GET /assessments",
        "GET /changes",
        "GET /imports",
        "GET /imports/{import_id}",
        "GET /summary",
        "GET /completeness",
        "GET /completeness/{collection}",
        "GET /areas/check",
        "GET /search",
        "GET /tiles",
        "GET /tiles/{tileMatrixSetId}",
        f"GET {_TILE}",
        "GET /collections/{collection}/tiles",
        "GET /collections/{collection}/tiles/{tileMatrixSetId}",
        f"GET /collections/{{collection}}{_TILE}",
        "GET /coverage/{run}/tiles",
        "GET /coverage/{run}/tiles/{tileMatrixSetId}",
        f"GET /coverage/{{run}}{_TILE}",
        "GET /background/tiles",
        "GET /background/tiles/{tileMatrixSetId}",
        "GET /policies",
        "GET /policies/{policy}",
        "GET /coverage",
        "GET /coverage/{run}",
        "GET /coverage/{run}/areas",
        "GET /coverage/{run}/gaps",
        "GET /coverage/{run}/difference",
        "GET /coverage/{run}/service-area",
        "GET /coverage/{run}/entrances",
        "GET /coverage/{run}/report",
        "GET /coverage/compare",
        "GET /coverage/compare/land",
        "GET /coverage/compare/map",
        "GET /coverage/compare/map/page.js",
        "GET /coverage/compare/map/land/{mode}/{tier}.json",
        "GET /coverage/{run}/map",
        "GET /coverage/{run}/map/page.js",
        "GET /coverage/{run}/map/areas.json",
        "GET /coverage/{run}/map/classes.json",
        "GET /coverage/{run}/map/gaps/{mode}/{tier}.json",
        "GET /reach",
        "GET /network",
        "GET /map",
        "GET /overview",
        "GET /map/page.js",
        "GET /map/{collection}",
        "GET /map/{collection}/page.js",
        "GET /map/{collection}/features/{feature}.json",
        "GET /map/planner/options.json",
        "GET /map/planner/runs.json",
        "GET /map/planner/layers.json",
        "GET /map/planner/runs/{run}.json",
        "GET /map/planner/runs/{run}/gaps/{mode}/{tier}.json",
        "GET /basemap.pmtiles",
    ),
    # The phone page.
    "street": (
        "GET /field",
        "GET /field/near.json",
        "GET /field/features.json",
        "GET /field/{collection}/{item}.json",
        "GET /photos/{photo}.jpg",
        f"GET /background{_TILE}",
    ),
    "report": (f"POST {_ITEM}/reports",),
    "assess": (f"POST {_ITEM}/assessments",),
    "export": (
        "GET /exports/city.qgz",
        "GET /exports/{name}.qgz",
        "GET /exports/{name}.pmtiles",
        "GET /exports/{name}.{kind}.zip",
        "GET /exports/{name}.{ext}",
    ),
    "edit": (
        "POST /collections/{collection}/items",
        f"PUT {_ITEM}",
        f"PATCH {_ITEM}",
        f"DELETE {_ITEM}",
        f"POST {_ITEM}/restore",
        "POST /collections/{collection}/restore",
    ),
    "import": (
        "GET /imports/new",
        "POST /imports",
        "POST /imports/inspect",
        "GET /imports/{import_id}/rejected",
        "POST /imports/{import_id}/undo",
    ),
    "plan": (
        "POST /policies",
        "PUT /policies/{policy}",
        "DELETE /policies/{policy}",
        "POST /coverage",
        "POST /coverage/series",
        "POST /coverage/service-area",
        "POST /scenarios/guard",
    ),
    "people": (
        "GET /users",
        "POST /users",
        "POST /users/{person}/grants",
        "POST /users/{person}/revoke",
        "POST /users/{person}/password",
        "POST /users/{person}/level",
        "POST /users/{person}/state",
        "POST /users/parties",
        "POST /users/keys",
        "POST /users/keys/{key}/revoke",
    ),
    "audit": ("GET /audit", "GET /audit/verify"),
    "watch": ("GET /metrics",),
    "jobs": ("GET /jobs/{job}", "DELETE /jobs/{job}"),
}

#: `METHOD path` → the permission that it needs.
ROUTES: Mapping[str, Permission] = {
    line: permission for permission, lines in _LINES.items() for line in lines
}


def may(principal: Principal, permission: Permission) -> bool:
    """Whether somebody has a permission, in some area."""
    if permission == "open" or principal.kind == "open":
        return True
    if permission == "self":
        return principal.kind != "nobody"  # also who holds no role yet may change the password and log out
    return not HOLDERS[permission].isdisjoint(principal.roles)


def permissions_of(principal: Principal) -> frozenset[Permission]:
    """All that somebody may do, in some area."""
    return frozenset(one for one in PERMISSIONS if may(principal, one))
