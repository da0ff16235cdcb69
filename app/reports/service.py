"""Reports put together: figures with the city's name, its sources and the notice of sample data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.catalogue.model import Catalogue, Lang
from app.catalogue.restricted import restricted_in
from app.database.transactions import Connection
from app.inventory.area_rows import list_areas
from app.inventory.summary import summary
from app.inventory.times import NOW, Times, parse_date
from app.maps import service as maps
from app.maps.service import City
from app.reports.files import csv_text, xlsx_bytes
from app.reports.summary_page import Asked, summary_page
from app.reports.summary_tables import about_lines, flat, sheets, word

#: Levels of the areas that a page lets one choose from; the others are reached by its bars.
CHOSEN_LEVELS = ("city", "district", "subdistrict")


@dataclass(frozen=True, slots=True)
class Report:
    """A report's plain values, and what the city is: name, sources, notice; `left_out` says that some stays."""

    document: dict[str, Any]
    city: City
    left_out: str | None = None

    @property
    def about(self) -> dict[str, str]:
        """What is said of the data, as text."""
        sources = " · ".join(
            source["text"] for source in self.city.attribution if source["text"] != "Leaflet"
        )
        said = {
            "city": self.city.name,
            "source": sources,
            "notice": " · ".join(filter(None, (self.left_out, self.city.notice))),
        }
        return {name: text for name, text in said.items() if text}

    def with_about(self) -> dict[str, Any]:
        """The plain values with sources and notice, for JSON."""
        about = self.about
        return self.document | {name: about[name] for name in ("source", "notice") if name in about}


def read_city(conn: Connection, catalogue: Catalogue, lang: Lang) -> City:
    """What every report says of the city."""
    return maps.city(conn, catalogue, maps.versions(conn, catalogue), lang)


def summary_report(conn: Connection, catalogue: Catalogue, asked: Asked, lang: Lang) -> Report:
    """The figures asked for.

    Raises:
        NotFound: There is no such area, level or class.
        BadInput: The day is none.
    """
    times = NOW if asked.as_of is None else Times(as_of=parse_date("as_of", asked.as_of))
    found = summary(conn, catalogue, asked.area, level=asked.level, classes=asked.classes, times=times)
    return Report(found, read_city(conn, catalogue, lang))


def summary_html(conn: Connection, catalogue: Catalogue, report: Report, asked: Asked, lang: Lang) -> str:
    """The page of a summary."""
    areas = [area for level in CHOSEN_LEVELS for area in list_areas(conn, level)]
    reasons = bool(restricted_in(catalogue, list(asked.classes) or None))
    return summary_page(report.document, report.city, areas, catalogue.classes, asked, lang, reasons=reasons)


def told_without(report: Report, lang: Lang) -> Report:
    """The same, saying that what is restricted is left out: figures of a file must not pass for all of them."""
    return replace(report, left_out=word("left_out", lang))


def summary_file(report: Report, form: str, lang: Lang) -> bytes:
    """A summary as `csv` or `xlsx`."""
    if form == "csv":
        return csv_text(flat(report.document, report.about, lang)).encode()
    lines = about_lines(report.document, report.about, lang)
    return xlsx_bytes(sheets(report.document, lang), lines, word("about", lang))


def file_name(report: Mapping[str, Any], kind: str, form: str) -> str:
    """What a download is called: ASCII, with area and day where they were asked for."""
    area = report.get("area")
    parts = ["chengtu", kind, str(area["code"]) if area else "", report.get("as_of") or ""]
    name = "-".join(part for part in parts if part)
    return (
        "".join(
            letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "_" for letter in name
        )
        + f".{form}"
    )
