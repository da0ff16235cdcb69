"""HTTP of oneself: who am I here, what may I do where, until when; another password."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from app.access import key_store, login_service, people_store
from app.access.dependencies import ALSO_A_PAGE, DatabaseDep, HtmlWanted, LangDep, SettingsDep
from app.access.forms import check_form, keep_session, private_page
from app.access.people import Person
from app.access.principal import Principal, principal_of
from app.access.role_words import LEVEL_WORDS, PARTY_WORDS, ROLE_WORDS
from app.catalogue.model import Lang
from app.database.scope import as_service
from app.database.transactions import Database
from app.errors import BadInput, ChengtuError, LoginFailed, TooMany
from app.web.templates import render
from app.words.sentences import say

router = APIRouter(tags=["access"])


@router.get(
    "/me",
    summary="Who asks, and what they may do where",
    response_model=dict[str, Any],
    responses=ALSO_A_PAGE,
)
def get_me(
    request: Request,
    db: DatabaseDep,
    lang: LangDep,
    html: HtmlWanted,
    changed: Annotated[bool, Query(description="Whether the password was just changed.")] = False,
) -> dict[str, Any] | Response:
    """`csrf` is what a page of this session sends as `X-CSRF-Token` with whatever changes something."""
    principal = principal_of(request)
    person, areas = _known(db, principal)
    if html:
        return _page(principal, person, areas, lang, changed=changed)
    return JSONResponse(
        _plain(principal, person, areas), headers={"Cache-Control": "no-store", "Vary": "Cookie"}
    )


@router.post(
    "/me/password",
    summary="Change one's own password",
    response_class=Response,
    dependencies=[Depends(check_form)],
)
def post_password(
    request: Request,
    db: DatabaseDep,
    settings: SettingsDep,
    lang: LangDep,
    old: Annotated[str, Form(max_length=2000)] = "",
    new: Annotated[str, Form(max_length=2000)] = "",
    again: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """All other sessions end; where it fails, the page again with what is wrong."""
    principal = principal_of(request)
    try:
        _check_same(new, again)
        agent = request.headers.get("user-agent")
        entered = login_service.change_password(db, principal.person_id, old, new, agent)
    except (BadInput, LoginFailed, TooMany) as error:
        person, areas = _known(db, principal)
        return _page(principal, person, areas, lang, error=error)
    reply = RedirectResponse("/me?f=html&changed=1", 303, {"Cache-Control": "no-store"})
    keep_session(request, settings, reply, entered.token)
    return reply


def _check_same(new: str, again: str) -> None:
    if new != again:
        raise BadInput("The two new passwords differ.", "Type it again.")


def _known(db: Database, principal: Principal) -> tuple[Person | None, dict[str, str]]:
    """The person on record, and the names of the areas of the grants."""
    codes = {grant.area for grant in principal.grants if grant.area is not None}
    if principal.person_id is None and not codes:
        return None, {}
    with as_service(), db.read(timeout_s=5) as conn:
        number = principal.person_id
        person = None if number is None else people_store.find_person(conn, number)
        return person, key_store.area_names(conn, codes)


def _plain(principal: Principal, person: Person | None, areas: dict[str, str]) -> dict[str, Any]:
    return {
        "kind": principal.kind,
        "name": principal.name,
        "title": None if person is None else person.title,
        "roles": sorted(principal.roles) if principal.kind != "open" else [],
        "grants": [
            {"role": one.role, "area": one.area, "area_name": areas.get(one.area or "")}
            for one in principal.grants
        ],
        "level": principal.scope.level,
        "party": principal.party,
        "party_kind": principal.party_kind,
        "until": None if principal.until is None else principal.until.isoformat(),
        "change_password": _must_change(principal, person),
        "csrf": principal.csrf,
    }


def _must_change(principal: Principal, person: Person | None) -> bool:
    return person is not None and person.password_once and principal.csrf is not None and not principal.roles


def _page(
    principal: Principal,
    person: Person | None,
    areas: dict[str, str],
    lang: Lang,
    *,
    error: ChengtuError | None = None,
    changed: bool = False,
) -> Response:
    text = render(
        "access/me.html",
        lang,
        me=_plain(principal, person, areas),
        person=person,
        until=None if principal.until is None else f"{principal.until.astimezone():%Y-%m-%d %H:%M}",
        roles=ROLE_WORDS,
        levels=LEVEL_WORDS,
        parties=PARTY_WORDS,
        message=None if error is None else say(error.message, lang),
        hint=None if error is None or error.hint is None else say(error.hint, lang),
        changed=changed and error is None,
    )
    return private_page(
        text, lang, 200 if error is None else error.status, {} if error is None else error.headers
    )
