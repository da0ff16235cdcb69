"""The landing page for browsers: what the city holds, who is reached, where to look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from app.catalogue.model import Catalogue, FeatureClass, Lang
from app.coverage.service import list_runs
from app.database.transactions import Connection
from app.inventory.times import NOW, Times
from app.maps import service
from app.maps.marks import view_part
from app.maps.page_service import CITY
from app.maps.run_service import policy_title
from app.maps.store import Amount
from app.web import amounts
from app.web.templates import render

#: Classes that the page leaves out: the ground and the frames, which nobody counts.
LEFT_OUT = frozenset(
    {"districts", "grid_cells", "population_cells", "water_bodies", "buildings", "built_up_areas"}
)
MODES = ("straight", "walk")
#: Lines that are counted, not measured.
COUNTED_LINES = frozenset({"bridges", "tunnels"})


def landing_page(conn: Connection, catalogue: Catalogue, lang: Lang, times: Times = NOW) -> str:
    """The landing page as HTML, escaped, without inline script or style; runs are the newest at any time."""
    held = service.versions(conn, catalogue)
    town = service.city(conn, catalogue, held, lang, times)
    return render(
        "landing.html",
        lang,
        city=town.name or CITY[lang],
        notice=town.notice,
        time=service.time_view(times) | service.date_form(conn, catalogue, held, held, "/"),
        when=service.when(times),
        view=service.when(times) + view_part(catalogue),
        tiles=list(_tiles(conn, catalogue, held, lang, times)),
        runs=[_run(run, lang) for run in list_runs(conn, catalogue, newest_only=True)],
        attribution=[source["text"] for source in town.attribution[:-1]],
    )


def _tiles(
    conn: Connection, catalogue: Catalogue, held: Mapping[str, int], lang: Lang, times: Times
) -> Iterable[dict[str, str | None]]:
    for cls in service.shown_classes(catalogue).values():
        if cls.id not in LEFT_OUT:
            holds = service.amount(conn, catalogue, cls.id, held[cls.id], times)
            if holds.count:
                yield {"id": cls.id, "title": cls.title.in_(lang), **_figure(cls, holds, lang)}


def _figure(cls: FeatureClass, holds: Amount, lang: Lang) -> dict[str, str | None]:
    """The number by which a class is known: km of lines, else how many; another measure below it."""
    if cls.id in SPECIAL:
        return SPECIAL[cls.id](holds, lang)
    if cls.measure == "length" and holds.length_m and cls.id not in COUNTED_LINES:
        more = f"{holds.count:,} 段" if lang == "zh" else f"{holds.count:,} pieces"
        figure, unit = amounts.length(holds.length_m, lang).split(" ")
        return {"figure": figure, "unit": unit, "more": more}
    unit = cls.counter if lang == "zh" else ""
    return {"figure": f"{holds.count:,}", "unit": unit, "more": _measure(cls, holds, lang)}


def _measure(cls: FeatureClass, holds: Amount, lang: Lang) -> str | None:
    if cls.measure == "area" and holds.area_m2:
        return amounts.area(holds.area_m2, lang)
    if cls.measure == "length" and holds.length_m:
        return amounts.length(holds.length_m, lang)
    return None


def _parks(holds: Amount, lang: Lang) -> dict[str, str | None]:
    """Pocket parks are counted apart (plan item N7)."""
    pockets, pocket_m2 = holds.kinds.get("pocket", (0, 0.0))
    size = amounts.area((holds.area_m2 or 0.0) - pocket_m2, lang)
    apart = f" · 另有口袋公园 {pockets} 个" if lang == "zh" else f" · and {pockets} pocket parks"
    return {
        "figure": f"{holds.count - pockets:,}",
        "unit": "座" if lang == "zh" else "",
        "more": size + (apart if pockets else ""),
    }


def _homes(holds: Amount, lang: Lang) -> dict[str, str | None]:
    """Estates are counted, residential land is measured: they lie over each other and are never added up."""
    estates, _ = holds.kinds.get("estate", (0, 0.0))
    parcels, land_m2 = holds.kinds.get("land", (0, 0.0))
    land = (
        f"居住用地 {amounts.area(land_m2, lang)}"
        if lang == "zh"
        else f"{amounts.area(land_m2, lang)} of residential land"
    )
    unit = (
        ("个小区" if lang == "zh" else "estates")
        if estates
        else ("块居住用地" if lang == "zh" else "parcels")
    )
    return {"figure": f"{estates or parcels:,}", "unit": unit, "more": land}


SPECIAL: Mapping[str, Callable[[Amount, Lang], dict[str, str | None]]] = {
    "parks": _parks,
    "residential_areas": _homes,
}


def _run(run: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    rows: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in run["results"]:
        rows.setdefault(row["tier"], {})[row["mode"]] = row
    official = bool(run["inputs"].get("official"))
    tiers = [_tier(by_mode, lang) for by_mode in rows.values()]
    return {"id": run["run"], "title": policy_title(run, lang), "official": official, "tiers": tiers}


def _tier(by_mode: Mapping[str, Mapping[str, Any]], lang: Lang) -> dict[str, Any]:
    first = next(iter(by_mode.values()))
    title = (first.get("tier_title") or {}).get(lang, first["tier"])
    shares = [_share(by_mode.get(mode), what) for what in ("people", "land") for mode in MODES]
    return {"title": title, "shares": shares, "target": first["target"], "met": first["met"]}


def _share(row: Mapping[str, Any] | None, what: str) -> dict[str, Any]:
    """One share, and whether it is the figure that may be called official (straight line, by land)."""
    if row is None:
        return {"value": None, "official": False}
    return {"value": row[f"share_of_{what}"], "official": what == "land" and bool(row.get("official"))}
