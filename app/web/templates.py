"""Pages from templates: autoescape on, no inline script or style, words in the page's language."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.catalogue.model import Lang
from app.web import amounts
from app.web.bundle import bundle
from app.web.viewer import VIEWER

TEMPLATES = Path(__file__).resolve().parent / "templates"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["number"] = number
    made.filters["percent"] = percent
    for filter_ in (amounts.area, amounts.area_of, amounts.people, amounts.people_of, amounts.unit_title):
        made.filters[filter_.__name__] = filter_
    made.filters["metres"] = amounts.length  # `length` is Jinja's own
    return made


def render(template: str, lang: Lang, **values: Any) -> str:
    """The page of a template; it knows `lang`, `t(zh, en)`, `viewer`, the style's address and `values`, all escaped."""

    def t(zh: str, en: str) -> str:
        return zh if lang == "zh" else en

    style = bundle("page.css").address
    return (
        _environment()
        .get_template(template)
        .render(lang=lang, t=t, style=style, viewer=VIEWER.get(), open_notice=open_notice(lang), **values)
    )


def open_notice(lang: Lang) -> str | None:
    """What every page says as long as nobody is named: who may do what."""
    if not VIEWER.get().open:
        return None
    return (
        "开放：尚未设用户，能访问本服务的人都可以做任何操作。"
        if lang == "zh"
        else "Open: no person is named yet; whoever reaches this server may do everything."
    )


def number(value: float | None, digits: int = 0) -> str:
    """A number with thousands marked; a dash where there is none."""
    return "—" if value is None else f"{value:,.{digits}f}"


def percent(share: float | None, digits: int = 2) -> str:
    """A share of 0-1 in per cent, with the two decimals of plans; a dash where there is none."""
    return "—" if share is None else f"{share * 100:.{digits}f} %"
