"""HTTP of the audit record, for auditors: entries as a page, JSON or CSV; whether it is whole."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from app.access import audit_service
from app.access.audit_store import Wanted
from app.access.audit_words import EVENT_WORDS, KIND_WORDS, in_words, one_line
from app.access.dependencies import DatabaseDep, LangDep
from app.access.forms import private_page
from app.access.negotiation import choose_of
from app.catalogue.export_names import quoted
from app.catalogue.model import Lang
from app.database.scope import as_service
from app.database.transactions import Database
from app.errors import BadInput
from app.web.templates import render

router = APIRouter(tags=["access"])

LOCAL = ZoneInfo("Asia/Shanghai")
OFFERED = {
    "json": ("application/json",),
    "html": ("text/html", "application/xhtml+xml"),
    "csv": ("text/csv",),
}
HEADINGS = ("seq", "at", "who", "kind", "address", "event", "object", "detail", "hash")
NO_STORE = {"Cache-Control": "no-store", "Vary": "Accept, Cookie"}
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entries are asked for; a form sends every field, empty where nothing was written."""

    who: Annotated[str | None, Query(max_length=200, description="Who did it.")] = None
    event: Annotated[
        str | None, Query(max_length=60, description="An event, or its first part (`key` of `key.made`).")
    ] = None
    about: Annotated[
        str | None, Query(alias="object", max_length=500, description="What it was done to.")
    ] = None
    since: Annotated[
        str | None, Query(max_length=40, description="From this day or moment on (`2026-11-01`).")
    ] = None
    until: Annotated[
        str | None, Query(max_length=40, description="Until this day, which counts, or before this moment.")
    ] = None
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="Go on below this number.")] = None

    def wanted(self) -> Wanted:
        """The same for the service; raises BadInput for what is no day or moment."""
        return Wanted(
            _clean(self.who),
            _clean(self.event),
            _clean(self.about),
            since=_moment("since", self.since),
            until=_moment("until", self.until, whole_day=True),
            before=self.before,
        )

    def query(self, **more: object) -> str:
        """The address that asks for the same."""
        given = {
            "who": self.who, "event": self.event, "object": self.about, "since": self.since, "until": self.until,
        }  # fmt: skip
        return urlencode({**{name: value for name, value in given.items() if value}, **more})


AskedDep = Annotated[Asked, Depends()]
Form = Annotated[
    Literal["json", "html", "csv"] | None,
    Query(alias="f", description="Form of the answer; else `Accept` decides."),
]


@router.get(
    "/audit",
    summary="Who did what, the newest first",
    response_model=dict[str, Any],
    responses={200: {"content": {"text/html": {}, "text/csv": {}}}},
)
def get_audit(
    request: Request,
    db: DatabaseDep,
    lang: LangDep,
    asked: AskedDep,
    limit: Annotated[int, Query(ge=1, le=PAGE, description="At most this many; CSV gives all.")] = 50,
    form: Form = None,
) -> Response:
    """The record of changes, imports, exports, logins, grants and reads of restricted data; for auditors alone."""
    wanted = asked.wanted()
    chosen = form or choose_of(request.headers.get("accept"), OFFERED)
    if chosen == "csv":
        return _download(db, asked, wanted)
    found = audit_service.entries(db, wanted, limit)
    if chosen == "html":
        return private_page(_page(db, asked, found, lang), lang)
    return JSONResponse(found, headers=NO_STORE)


@router.get("/audit/verify", summary="Check the whole record", response_model=dict[str, Any])
def get_verdict(db: DatabaseDep) -> JSONResponse:
    """Each entry is hashed anew and compared with the one before and with the heads kept outside the database."""
    return JSONResponse(audit_service.verify(db).plain(), headers=NO_STORE)


def _page(db: Database, asked: Asked, found: dict[str, Any], lang: Lang) -> str:
    shown = [
        {
            **one,
            "at": _local(one["at"]),
            "event_words": in_words(EVENT_WORDS, one["event"], lang),
            "kind_words": in_words(KIND_WORDS, one["kind"], lang),
            "detail": one_line(one["detail"]),
        }
        for one in found["entries"]
    ]
    state = audit_service.state_now(db)
    for name in ("checked_at", "since"):
        if state.get(name):
            state[name] = _local(state[name])
    more = found["next_before"]
    return render(
        "access/audit.html", lang,
        entries=shown, state=state, asked=asked, events=EVENT_WORDS, filtered=bool(asked.query()),
        more=None if more is None else asked.query(f="html", lang=lang, before=more),
        csv=asked.query(f="csv"), other=asked.query(f="html", lang="en" if lang == "zh" else "zh"),
    )  # fmt: skip


def _download(db: Database, asked: Asked, wanted: Wanted) -> StreamingResponse:
    with as_service(), db.write() as conn:
        audit_service.exported(conn, "audit", "csv", filter=asked.query() or None)
    return StreamingResponse(
        _rows(db, wanted),
        media_type="text/csv; charset=utf-8; header=present",
        headers={**NO_STORE, "Content-Disposition": 'attachment; filename="audit.csv"'},
    )


def _rows(db: Database, wanted: Wanted) -> Iterator[str]:
    """The entries as CSV with a byte order mark, a page at a time."""
    out = io.StringIO(newline="")
    table = csv.writer(out)
    out.write("\ufeff")
    table.writerow(HEADINGS)
    before = wanted.before
    while True:
        found = audit_service.entries(db, replace(wanted, before=before), PAGE)
        for one in found["entries"]:
            row = {**one, "detail": json.dumps(one["detail"], ensure_ascii=False)}
            table.writerow(
                [quoted(row[name]) if isinstance(row[name], str) else row[name] for name in HEADINGS]
            )
        yield out.getvalue()
        out.seek(0)
        out.truncate()
        before = found["next_before"]
        if before is None:
            return


def _clean(text: str | None) -> str | None:
    return (text or "").replace("\0", "").strip() or None


def _moment(name: str, text: str | None, *, whole_day: bool = False) -> datetime | None:
    """A day or a moment; without an offset it is the city's time."""
    given = _clean(text)
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
        local = found if found.tzinfo is not None else found.replace(tzinfo=LOCAL)
        return local + timedelta(days=1) if whole_day and len(given) == len("2026-11-01") else local
    except (ValueError, OverflowError) as error:
        raise BadInput(
            f"{name}: '{given}' is neither a day nor a moment.", "Write 2026-11-01 or 2026-11-01T18:00."
        ) from error


def _local(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(LOCAL).strftime("%Y-%m-%d %H:%M:%S")
