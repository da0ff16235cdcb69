"""Recomputes the plan's figures from what the database holds: nothing is taken from how the sample was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.catalogue.model import Catalogue
from app.database.transactions import Connection
from app.errors import Conflict
from app.inventory.changes import get_metric_crs
from app.sample import store
from app.sample.build import PARAMETERS
from app.sample.figures import COMPUTE
from app.sample.parameters import PlanFigure, read_parameters
from app.sample.stored import City


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what the plan's item asks for on a day, what is drawn, and whether they agree."""

    as_of: date
    item: str
    title: str
    plan_item: str
    asked: float
    drawn: float
    unit: str
    ok: bool
    at_least: bool = False


def check(conn: Connection, catalogue: Catalogue) -> list[Figure]:
    """Every figure of the plan, recomputed from the database as of its day, in the city's metric CRS.

    Raises:
    ------
    Conflict
        The database holds no sample city.
    """
    size = store.find_size(conn)
    if size is None:
        raise Conflict("This database holds no sample city.", "Load one: chengtu sample load --size city.")
    if size == "metropolis":
        raise Conflict(
            "The sample metropolis is drawn for size, after no plan.", "Load the city: chengtu sample load."
        )
    parameters, crs = read_parameters(PARAMETERS, size), get_metric_crs(conn)
    days = {asked.as_of for asked in parameters.figures}
    cities = {day: City(conn, catalogue, parameters, crs, day) for day in days}
    return [_figure(asked, float(COMPUTE[asked.id](cities[asked.as_of]))) for asked in parameters.figures]


def _figure(asked: PlanFigure, drawn: float) -> Figure:
    right = drawn >= asked.asked if asked.at_least else abs(drawn - asked.asked) <= asked.tolerance
    return Figure(
        as_of=asked.as_of,
        item=asked.id,
        title=f"{asked.zh} / {asked.en}",
        plan_item=asked.plan_item,
        asked=asked.asked,
        drawn=drawn,
        unit=asked.unit,
        ok=right,
        at_least=asked.at_least,
    )
