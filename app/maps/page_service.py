"""The Folium pages of the whole city and of one class: figure, script, HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.catalogue.model import Catalogue, Lang
from app.database.transactions import Connection
from app.inventory.times import NOW, Times
from app.maps import layers, service
from app.maps import marks as marks_of
from app.maps.figure import Figure
from app.web.bundle import bundle, digest_of
from app.web.viewer import VIEWER

BRAND = {"zh": "城图 Chengtu", "en": "Chengtu 城图"}
MAP_TITLE = {"zh": "城市设施一张图", "en": "One map of the city"}
#: Icon, title and address of the pages to which the portal leads, whether they can be of another day, what they need.
PAGES: tuple[tuple[str, dict[str, str], str, bool, str], ...] = (
    ("overview", {"zh": "总览", "en": "Overview"}, "/overview?", True, "read"),
    ("table", {"zh": "数据目录", "en": "Catalogue"}, "/collections?f=html&", False, "read"),
    ("upload", {"zh": "导入数据", "en": "Import data"}, "/imports/new?", False, "import"),
    ("download", {"zh": "导出数据", "en": "Export data"}, "/overview?", True, "export"),
)
#: Permissions by which the portal offers tools.
TOOLS = ("plan", "import", "export", "edit")
#: Where on the overview the files of the whole city are.
EXPORTS = "#take-away"
CITY = {"zh": "本市", "en": "The city"}


@dataclass(frozen=True, slots=True)
class Page:
    """A page's HTML and the script it refers to."""

    html: str
    script: str

    @property
    def script_digest(self) -> str:
        """The hash under which the HTML asks for the script."""
        return digest_of(self.script)


def map_page(
    conn: Connection,
    catalogue: Catalogue,
    lang: Lang,
    marks: Mapping[str, Any],
    class_id: str | None = None,
    times: Times = NOW,
) -> Page:
    """The portal, or the map of one class, at a time, with the marks of `marks.marks_view`; may raise NotFound."""
    figure = map_figure(conn, catalogue, lang, marks, class_id, times)
    path = f"/map/{class_id}" if class_id else "/map"
    return finished(figure, f"{path}/page.js", lang, service.when(times) + marks_of.view_part(catalogue))


def map_figure(
    conn: Connection,
    catalogue: Catalogue,
    lang: Lang,
    marks: Mapping[str, Any],
    class_id: str | None,
    times: Times,
) -> Figure:
    """The Folium figure behind `map_page`."""
    cls = service.get_class(catalogue, class_id) if class_id else None
    held = service.versions(conn, catalogue)
    town = service.city(conn, catalogue, held, lang, times)
    name = town.name or CITY[lang]
    title = cls.title.in_(lang) if cls else MAP_TITLE[lang]
    path = f"/map/{class_id}" if class_id else "/map"
    page = service.page_view(town, lang, title, name, path, times)
    form = service.date_form(conn, catalogue, held, [class_id] if class_id else held, path)
    page["time"] = service.time_view(times) | form
    page["tiles"] = f"{_tiles_path(class_id)}?f=html&lang={lang}{service.when(times)}"
    page |= {"marks": marks, "version": max(held.values(), default=0)}
    if cls is None:
        page["portal"] = portal_view(lang, times)
    else:
        page |= {
            "start": service.start_view(conn, catalogue, cls, held[cls.id], times),
            "extent": service.extent_view(conn, cls, held[cls.id], times),
        }
    figure = Figure(f"{title} · {name} · {BRAND[lang]}", lang, page)
    figure.add_layers("background", [service.ground_view(held, lang, times)])
    figure.add_layers("layer", _layers(conn, catalogue, held, lang, class_id, times))
    return figure


def portal_view(lang: Lang, times: Times) -> dict[str, Any]:
    """What the portal is told besides: what its viewer may do, where its other pages are, each {title, href}."""
    when, viewer = service.when(times), VIEWER.get()
    return {
        "may": [name for name in TOOLS if viewer.can(name)],
        "pages": [
            {
                "icon": icon,
                "title": title[lang],
                "href": f"{path}lang={lang}{when if dated else ''}{EXPORTS if icon == 'download' else ''}",
            }
            for icon, title, path, dated, needed in PAGES
            if viewer.can(needed)
        ],
    }


def _tiles_path(class_id: str | None) -> str:
    """Where the same is drawn from vector tiles."""
    return f"{f'/collections/{class_id}' if class_id else ''}/tiles/WebMercatorQuad"


def _layers(
    conn: Connection,
    catalogue: Catalogue,
    held: Mapping[str, int],
    lang: Lang,
    class_id: str | None,
    times: Times,
) -> list[dict[str, Any]]:
    on = frozenset({class_id}) if class_id else frozenset(layers.ON_AT_START)
    views = service.layer_views(conn, catalogue, held, lang, on, times)
    return views if class_id else [view for view in views if view["count"]]


def finished(figure: Figure, script_path: str, lang: Lang, when: str = "") -> Page:
    """HTML and script of a figure; `script_path` is where the script will be asked for, `when` ends its address."""
    script = figure.script_text()
    address = f"{script_path}?lang={lang}&v={digest_of(script)}{when}"
    html = figure.page_html([bundle("map.css").address], [bundle("map.js").address, address])
    return Page(html, script)
