"""HTTP of people, parties, grants and keys, for security administrators: one page of forms, and the same as JSON."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Response
from fastapi.responses import JSONResponse, RedirectResponse

from app.access import key_service, key_store, people_service, people_store, users_page
from app.access.dependencies import ALSO_A_PAGE, HtmlWanted, LangDep, ServiceConn, SettingsDep
from app.access.forms import check_form, private_page
from app.access.people import check_role, grants_of
from app.access.people_service import NewPerson, check_level
from app.access.principal import Grant
from app.access.users_page import Told
from app.catalogue.model import Lang
from app.database.transactions import Connection
from app.errors import BadInput

router = APIRouter(tags=["access"], prefix="/users", dependencies=[Depends(check_form)])

Person = Annotated[int, Path(ge=1, lt=2**63, description="Number of the person.")]
KeyId = Annotated[int, Path(ge=1, lt=2**63, description="Number of the key.")]
Text = Annotated[str, Form(max_length=300)]
Code = Annotated[str, Form(max_length=100, description="Code of an area; empty: the whole city.")]


@router.get(
    "", summary="People, parties and keys on record", response_model=dict[str, Any], responses=ALSO_A_PAGE
)
def get_users(conn: ServiceConn, lang: LangDep, html: HtmlWanted) -> Response:
    """Nothing of passwords and keys but whether there are some."""
    return _answer(conn, lang, html=html)


@router.post("", summary="Make a person known", response_class=Response)
def post_user(
    conn: ServiceConn,
    settings: SettingsDep,
    lang: LangDep,
    html: HtmlWanted,
    name: Text,
    title: Text = "",
    role: Text = "",
    area: Code = "",
    level: Text = "internal",
    party: Text = "",
    subject: Text = "",
) -> Response:
    """With a password that is shown once and must be changed at once; with a `subject`, who logs in at the provider."""
    grants = (Grant(check_role(role), area or None),) if role else ()
    if role != people_service.LAST and not people_store.anyone(conn):
        raise BadInput("The first person grants everybody else's roles.", "Give them the role security.")
    oidc = (settings.oidc_issuer, subject) if subject and settings.oidc_issuer else None
    password = None if oidc else people_service.new_password()
    new = NewPerson(
        name, grants, check_level(level), title or None, party or None, password, password is not None, oidc
    )
    made = people_service.make_person(conn, new)
    return _answer(conn, lang, html=html, told=Told("password", made.name, password), status=201)


@router.post("/parties", summary="Make a party known", response_class=Response)
def post_party(
    conn: ServiceConn, lang: LangDep, html: HtmlWanted, name: Text, kind: Text = "office"
) -> Response:
    """An office, a squad, a contractor or an assessor."""
    people_service.make_party(conn, name, kind)
    return _back(conn, lang, html=html)


@router.post("/keys", summary="Make an API key", response_class=Response)
def post_key(
    conn: ServiceConn,
    lang: LangDep,
    html: HtmlWanted,
    name: Text,
    role: Text,
    area: Code = "",
    days: Annotated[float, Form(gt=0, le=366)] = 90,
    level: Text = "internal",
    party: Text = "",
) -> Response:
    """It is shown now and never again."""
    grants = grants_of([role], [area] if area else [])
    key, made = key_service.make_key(conn, name, grants, days * 24, check_level(level), party or None)
    return _answer(conn, lang, html=html, told=Told("key", made.name, key), status=201)


@router.post("/keys/{key}/revoke", summary="Let a key end now", response_class=Response)
def post_key_end(conn: ServiceConn, lang: LangDep, html: HtmlWanted, key: KeyId) -> Response:
    """It opens nothing any more, within seconds."""
    key_service.revoke(conn, key)
    return _back(conn, lang, html=html)


@router.post("/{person}/grants", summary="Let a person do more", response_class=Response)
def post_grant(
    conn: ServiceConn, lang: LangDep, html: HtmlWanted, person: Person, role: Text, area: Code = ""
) -> Response:
    """In an area, or in the whole city."""
    people_service.grant(conn, people_service.get_person(conn, person), role, area or None)
    return _back(conn, lang, html=html)


@router.post("/{person}/revoke", summary="Let a person do less", response_class=Response)
def post_revoke(
    conn: ServiceConn, lang: LangDep, html: HtmlWanted, person: Person, role: Text, area: Code = ""
) -> Response:
    """Takes one grant away; it counts within seconds."""
    people_service.revoke(conn, people_service.get_person(conn, person), role, area or None)
    return _back(conn, lang, html=html)


@router.post("/{person}/password", summary="Give a person another password", response_class=Response)
def post_password(conn: ServiceConn, lang: LangDep, html: HtmlWanted, person: Person) -> Response:
    """It is made, shown once, and must be changed at once; all sessions of the person end."""
    found = people_service.get_person(conn, person)
    made = people_service.give_password(conn, found, None)
    return _answer(conn, lang, html=html, told=Told("password", found.name, made))


@router.post("/{person}/level", summary="Up to which sensitivity a person sees", response_class=Response)
def post_level(conn: ServiceConn, lang: LangDep, html: HtmlWanted, person: Person, level: Text) -> Response:
    """`public`, `internal` or `restricted`."""
    people_service.set_clearance(conn, people_service.get_person(conn, person), check_level(level))
    return _back(conn, lang, html=html)


@router.post("/{person}/state", summary="Let a person log in no more, or again", response_class=Response)
def post_state(
    conn: ServiceConn,
    lang: LangDep,
    html: HtmlWanted,
    person: Person,
    disabled: Annotated[bool, Form()],
) -> Response:
    """Sessions end at once; what was done stays on record."""
    people_service.set_disabled(conn, people_service.get_person(conn, person), disabled=disabled)
    return _back(conn, lang, html=html)


def _answer(
    conn: Connection, lang: Lang, *, html: bool, told: Told | None = None, status: int = 200
) -> Response:
    people, keys = people_store.list_people(conn), key_store.list_keys(conn)
    parties = people_store.list_parties(conn)
    if html:
        areas = key_store.list_areas(conn)
        return private_page(users_page.render_users(people, keys, parties, areas, told, lang), lang)
    plain = users_page.plain(people, keys, parties)
    secret = {} if told is None or told.secret is None else {told.kind: told.secret}
    return JSONResponse({**plain, **secret}, status, {"Cache-Control": "no-store"})


def _back(conn: Connection, lang: Lang, *, html: bool) -> Response:
    """The page anew, by an address that may be loaded again."""
    if html:
        return RedirectResponse(f"/users?f=html&lang={lang}", 303, {"Cache-Control": "no-store"})
    return _answer(conn, lang, html=False)
