"""Completeness of responsibility and checks of areas, put together for pages, files and the command line."""

from __future__ import annotations

from typing import Any

from app.catalogue.model import Catalogue, Lang
from app.catalogue.restricted import restricted_in
from app.database.transactions import Connection
from app.inventory.area_check_service import check_areas
from app.inventory.area_rows import list_areas
from app.inventory.completeness import completeness, lacking
from app.inventory.few import in_words
from app.reports.check_tables import completeness_table, findings_table
from app.reports.files import csv_text
from app.reports.service import CHOSEN_LEVELS, Report, read_city
from app.reports.summary_page import Asked, grouped
from app.reports.summary_tables import LEVEL_TITLES, area_name
from app.web.templates import render

#: Findings that a page shows; the files have all.
SHOWN = 200
#: Features of one page of a list.
PAGE = 100


def completeness_report(conn: Connection, catalogue: Catalogue, asked: Asked, lang: Lang) -> Report:
    """Who is missing where; raises NotFound for an unknown area or level."""
    return Report(completeness(conn, catalogue, asked.area, asked.level), read_city(conn, catalogue, lang))


def completeness_csv(report: Report, lang: Lang) -> bytes:
    """The report as CSV."""
    return csv_text(completeness_table(report.document, report.about, lang)).encode()


def completeness_html(
    conn: Connection, catalogue: Catalogue, report: Report, asked: Asked, lang: Lang
) -> str:
    """The report as a page."""
    document, city = report.document, report.city
    areas = [area for level in CHOSEN_LEVELS for area in list_areas(conn, level)]
    area = document["area"]
    filled = [item for item in document["classes"] if item["count"] or "fewer_than" in item]
    return render(
        "reports/completeness.html",
        lang,
        city=city,
        place=area_name(area, lang) if area else city.name or {"zh": "本市", "en": "The city"}[lang],
        document=document,
        classes=sorted(
            filled, key=lambda item: 2 if item["share_complete"] is None else item["share_complete"]
        ),
        few=in_words,
        asked=asked,
        reasons=bool(restricted_in(catalogue, None)),
        groups=grouped(areas, area, lang),
        levels={level: LEVEL_TITLES[level][lang] for level in ("community", "grid")},
    )


def lacking_report(
    conn: Connection,
    catalogue: Catalogue,
    class_id: str,
    asked: Asked,
    missing: str | None,
    after: int,
    lang: Lang,
) -> Report:
    """One page of the features of a class that lack somebody."""
    found = lacking(conn, catalogue, class_id, asked.area, missing, after, PAGE)
    return Report(found, read_city(conn, catalogue, lang))


def lacking_html(report: Report, asked: Asked, missing: str | None, lang: Lang) -> str:
    """The list as a page."""
    return render(
        "reports/lacking.html",
        lang,
        city=report.city,
        document=report.document,
        asked=asked,
        missing=missing,
    )


def check_report(conn: Connection, catalogue: Catalogue, lang: Lang) -> Report:
    """The checks of areas, with every finding."""
    return Report(check_areas(conn, lang), read_city(conn, catalogue, lang))


def check_csv(document: dict[str, Any], lang: Lang) -> bytes:
    """The findings as CSV."""
    return csv_text(findings_table(document, lang)).encode()


def check_html(report: Report, lang: Lang) -> str:
    """The checks as a page."""
    return render(
        "reports/areas_check.html",
        lang,
        city=report.city,
        document=report.document,
        findings=report.document["findings"][:SHOWN],
        levels={level: titles[lang] for level, titles in LEVEL_TITLES.items()},
    )
