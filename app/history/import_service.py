"""Imports on record, as plain values, pages and files."""

from __future__ import annotations

from typing import Any

from app.catalogue.model import Catalogue, Lang
from app.catalogue.restricted import restricted_in
from app.database.transactions import Connection
from app.errors import NotFound
from app.history import import_files, import_page
from app.history.rejected_workbook import rejected_workbook
from app.inventory import history_store
from app.maps import service as maps
from app.maps.figure import script_json
from app.web.bundle import bundle
from app.web.templates import render
from app.words.sentences import told, told_report


def list_plain(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """The newest imports; each reason of their reports with its Chinese, and options as a request names them."""
    return [_told(one) for one in history_store.list_imports(conn, limit)]


def one_plain(conn: Connection, import_id: str) -> dict[str, Any]:
    """One import, told as by `list_plain`; NotFound where there is none."""
    return _told(_find(conn, import_id))


def _find(conn: Connection, import_id: str) -> dict[str, Any]:
    """The import of this id or of these first digits; raises as `find_import`."""
    return history_store.get_import(conn, history_store.find_import(conn, import_id))


def _told(one: dict[str, Any]) -> dict[str, Any]:
    report, error = one["report"], one["error"]
    return {
        **one,
        "report": None if report is None else told_report(report, http=True),
        "error": None if error is None else told(error, http=True),
    }


def list_csv(conn: Connection, limit: int) -> str:
    """The newest imports as a table."""
    return import_files.imports_csv(history_store.list_imports(conn, limit))


def list_html(conn: Connection, catalogue: Catalogue, limit: int, lang: Lang) -> str:
    """The page of the newest imports."""
    found = history_store.list_imports(conn, limit)
    shown = import_page.list_view(found, catalogue, lang)
    more = len(found) == limit
    return _page(conn, catalogue, lang, "imports/list.html", imports=shown, limit=limit, more=more)


def one_html(conn: Connection, catalogue: Catalogue, import_id: str, lang: Lang) -> str:
    """The page of one import; NotFound where there is none."""
    one = _find(conn, import_id)
    view = import_page.one_view(one, catalogue, lang)
    undo = script_json(import_page.undo_view(one, catalogue, lang))
    reasons = bool(restricted_in(catalogue, _classes(one)))
    return _page(
        conn, catalogue, lang, "imports/one.html", one=view, undo=undo, script=bundle("undo.js").address,
        reasons=reasons,
    )  # fmt: skip


def _page(conn: Connection, catalogue: Catalogue, lang: Lang, template: str, **values: Any) -> str:
    city = maps.city(conn, catalogue, maps.versions(conn, catalogue), lang)
    return render(template, lang, city=city, **values)


def reasons(conn: Connection, import_id: str) -> tuple[str, str]:
    """Name and text of the CSV of rejected rows and warnings; NotFound where there is no such import."""
    one = _find(conn, import_id)
    stem = import_page.file_name(one["path"]).split(".")[0]
    return f"{stem}.report.csv", import_files.reasons_csv(one["report"] or {})


def classes_of(conn: Connection, import_id: str) -> tuple[str, list[str] | None]:
    """The whole id of an import and the classes of which its rows are, None where that was not found out."""
    one = _find(conn, import_id)
    return one["id"], _classes(one)


def _classes(one: dict[str, Any]) -> list[str] | None:
    found = {*(one["classes"] or ()), *(one["report"] or {}).get("classes", {})}
    return sorted(found) or None


def rejected(conn: Connection, import_id: str, *, workbook: bool, lang: Lang) -> tuple[str, bytes]:
    """Name and content of the file of refused rows, to be mended and imported again; `workbook`: as XLSX, with the
    words of one language.

    Raises:
        NotFound: There is no such import, or none of its rows are kept.
    """
    found = history_store.find_import(conn, import_id)
    one = history_store.get_import(conn, found)
    files = history_store.read_rejects(conn, found)
    if not files:
        name = import_page.file_name(one["path"])
        refused = sum(found.get("rejected", 0) for found in (one["report"] or {}).get("classes", {}).values())
        hint = "Its refused rows were too many to keep: see `chengtu import --rejects FILE`."
        raise NotFound(
            f"No refused rows of '{name}' are kept.",
            hint if refused else "None were refused.",
        )
    return rejected_workbook(files, lang) if workbook else import_files.one_file(files)
