"""`create_app(settings)`: the web application, the only module that knows every room's routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache

from fastapi import Depends, FastAPI
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles

from app import problems
from app.access import (
    audit_routes,
    docs,
    health,
    login_routes,
    me_routes,
    metrics_routes,
    tally,
    users_routes,
)
from app.access.audit_gate import Noting
from app.access.compression import compressing
from app.access.cors import sharing
from app.access.gate import Gate, check_line
from app.access.keeping import Keeping
from app.access.middleware import HouseMiddleware
from app.access.openapi import Definition
from app.access.parameters import check_parameters
from app.access.rates import Guesses, Meter, Rates
from app.access.routing import lines_of
from app.assess import routes as assessed
from app.catalogue.loader import load_catalogue
from app.catalogue.public_part import parts_of
from app.coverage import answer_routes as coverage_answers
from app.coverage import entrance_routes
from app.coverage import policy_routes as policies
from app.coverage import routes as coverage
from app.coverage import scenario_routes as scenarios
from app.coverage.engine_client import EngineClient
from app.database.transactions import Database
from app.exports import project_routes as projects
from app.exports import routes as exports
from app.field import report_routes as field_reports
from app.field import routes as field
from app.field import start_routes as field_start
from app.history import import_routes as imported
from app.history import routes as history
from app.ingest import routes as imports
from app.jobs import routes as jobs
from app.jobs.kinds import KINDS
from app.limits import limit_values
from app.maps import basemap_routes, run_routes
from app.maps import compare_routes as compared
from app.maps import planner_routes as planner
from app.maps import report_routes as run_reports
from app.maps import routes as maps
from app.ogc import edit_routes, items_routes, schema_routes
from app.ogc import routes as ogc
from app.reports import check_routes
from app.reports import routes as reports
from app.search import routes as search
from app.settings import ROOT, Settings
from app.tiles import document_routes as tile_documents
from app.tiles import routes as tiles
from app.tiles.front import TileFront
from app.tiles.tile_service import Tiles
from app.version import version

ROUTERS = (
    ogc.router,
    items_routes.router,
    schema_routes.router,
    edit_routes.router,
    tiles.router,
    tile_documents.router,
    field.router,
    field_start.router,
    field_reports.router,
    assessed.router,
    history.router,
    imported.router,
    imports.router,
    reports.router,
    check_routes.router,
    search.router,
    policies.router,
    # before the runs themselves: `compare` and `series` are no runs
    coverage_answers.router,
    # Before the runs: /coverage/service-area is no run.
    entrance_routes.router,
    coverage.router,
    scenarios.router,
    compared.router,
    run_routes.router,
    run_reports.router,
    planner.router,
    maps.router,
    basemap_routes.router,
    # Before the exports, which know no such ending.
    projects.router,
    exports.router,
    jobs.router,
    login_routes.router,
    me_routes.router,
    users_routes.router,
    audit_routes.router,
    docs.router,
    health.router,
    metrics_routes.router,
)
STATIC = ROOT / "app" / "web" / "static"
#: What is asked of every request before its route answers.
_CHECKS = (Depends(check_line), Depends(check_parameters))


@cache
def _routes() -> Sequence[BaseRoute]:
    """The routes of every application: what each asks of a request is worked out once, which takes 0.3 s."""
    holder = FastAPI(dependencies=_CHECKS, openapi_url=None, docs_url=None, redoc_url=None)
    for router in ROUTERS:
        holder.include_router(router)
    holder.mount("/static", StaticFiles(directory=STATIC))
    return tuple(holder.router.routes)


def make_ready() -> None:
    """Work out now what the routes ask, before the first request has to wait for it."""
    nowhere = {"type": "http", "method": "GET", "path": "/\0", "headers": []}
    for route in _routes():
        route.matches(dict(nowhere))


def create_app(settings: Settings, engine: EngineClient | None = None) -> FastAPI:
    """The application over `settings`: reads the catalogue now, the database only when a request needs it.

    Without an `engine` process to ask, `/reach` and its like answer 503.
    """
    meter = Meter()
    app = FastAPI(
        title="城图 Chengtu",
        summary="One map of everything a city owns outdoors, and of who can reach it.",
        version=version(),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        dependencies=_CHECKS,
        routes=[*_routes()],
        middleware=[
            Middleware(HouseMiddleware),
            # Before the gate: other origins are told why they are refused, and ask beforehand without credentials.
            *sharing(settings),
            Middleware(Guesses, settings=settings, meter=meter),
            Middleware(Gate, settings=settings),
            Middleware(Keeping),
            Middleware(Noting, settings=settings),
            Middleware(Rates, settings=settings, meter=meter),
            Middleware(TileFront),
            compressing(),
        ],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.settings = settings
    app.state.body_limits = dict.fromkeys(
        (("POST", "/imports"), ("POST", "/imports/inspect")), settings.upload_limit_mb * 1_000_000
    )
    app.state.catalogue = load_catalogue(settings.geodata, settings.local_path)
    app.state.catalogues = parts_of(app.state.catalogue)
    app.state.db = Database(settings, closed=True)
    app.state.tiles = Tiles(settings, app.state.catalogue, app.state.db)
    app.state.engine = engine or EngineClient(None)
    app.state.routes = [route for router in ROUTERS for route in router.routes]
    app.state.definition = Definition(app)
    problems.install(app)
    app.state.limits = limit_values(settings)
    app.state.kinds_of_jobs = tuple(KINDS)
    tally.declare(line for line, _ in lines_of(app.router.routes))
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await app.state.tiles.close()
    app.state.db.dispose()


def from_environment() -> FastAPI:
    """The application alone, for `uvicorn --factory app.main:from_environment`."""
    return create_app(Settings())
