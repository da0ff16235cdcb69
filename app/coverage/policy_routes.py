"""HTTP for policies: the declared ones, and the city's own editions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from app.access.dependencies import (
    ALSO_A_PAGE,
    CatalogueDep,
    DatabaseDep,
    HtmlWanted,
    LangDep,
    ReadConn,
    ServiceConn,
)
from app.catalogue.model import Policy
from app.coverage import edition_service as editions
from app.coverage.editions import JSON_TYPES, YAML_TYPES, text_of
from app.coverage.list_page import policies_html, policy_html
from app.coverage.policy_views import parameter_views, policy_view
from app.coverage.scenario_routes import page_reply
from app.database.scope import author
from app.database.transactions import Connection
from app.errors import Unavailable

router = APIRouter(tags=["coverage"])
WHO = "http"
PolicyId = Annotated[str, Path(max_length=100, description="Policy id, see /policies.")]
Why = Annotated[str | None, Query(max_length=500, description="The reason, kept with the version.")]
_EXAMPLE = {
    "id": "toilet-8min",
    "title": {"zh": "8分钟如厕圈", "en": "Eight minutes to a toilet"},
    "based_on": "toilet-10min",
    "parameters": {"minutes": 8},
}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "A policy as docs/policies.md says, as YAML or JSON.",
        "content": {
            **{kind: {"schema": {"type": "object"}, "example": _EXAMPLE} for kind in JSON_TYPES},
            **{kind: {"schema": {"type": "string"}} for kind in YAML_TYPES[:1]},
        },
    }
}


async def read_text(request: Request) -> str:
    """The body of a request as the text of a policy."""
    return text_of(await request.body(), request.headers.get("content-type", ""))


Text = Annotated[str, Depends(read_text)]


@router.get(
    "/policies",
    summary="The metrics: declared, of the city's own folder, and saved editions",
    response_model=dict[str, Any],
    responses=ALSO_A_PAGE,
)
def list_policies(
    db: DatabaseDep,
    catalogue: CatalogueDep,
    lang: LangDep,
    html: HtmlWanted,
    default: Annotated[
        bool | None, Query(description="Only those computed without being asked for, or only the others.")
    ] = None,
) -> dict[str, Any] | Response:
    """All policies, and the parameters that a request may set; `editions`: whether the saved ones could be read.

    A browser gets a page with links.
    """
    try:
        with db.read() as conn:
            found, known = editions.with_editions(conn, catalogue), True
    except Unavailable:
        # The declared ones are known without a database.
        found, known = catalogue, False
    shown = [
        policy_view(item, whole=False)
        for item in found.policies.values()
        if default is None or item.default is default
    ]
    if html:
        return page_reply(policies_html(shown, lang, known=known), lang)
    return {
        "policies": shown,
        "editions": known,
        "parameters": parameter_views(),
    }


@router.get(
    "/policies/{policy}",
    summary="One metric, whole; of an edition any version",
    response_model=dict[str, Any],
    responses=ALSO_A_PAGE,
)
def get_policy(
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    html: HtmlWanted,
    policy: PolicyId,
    version: Annotated[int | None, Query(ge=1, description="Version of a saved edition.")] = None,
) -> dict[str, Any] | Response:
    """One policy with its supplies, demand, switches and text; an edition with its versions. A browser gets a page."""
    if version is not None:
        found = editions.get_version(conn, catalogue, policy, version)
    else:
        found = editions.with_editions(conn, catalogue).get_policy(policy)
    view = _view(conn, found)
    return page_reply(policy_html(view, catalogue, lang), lang) if html else view


@router.post(
    "/policies",
    status_code=201,
    summary="Save a policy of the city's own, or its next version",
    openapi_extra=_BODY,
)
def post_policy(
    response: Response, conn: ServiceConn, catalogue: CatalogueDep, text: Text, why: Why = None
) -> dict[str, Any]:
    """Checked as a declared one is; in force at once, in every process."""
    saved = editions.save(conn, catalogue, text, author(WHO), why)
    response.headers["Location"] = f"/policies/{saved.id}"
    return _view(conn, saved)


@router.put("/policies/{policy}", summary="Save the next version of an edition", openapi_extra=_BODY)
def put_policy(
    conn: ServiceConn,
    catalogue: CatalogueDep,
    policy: PolicyId,
    text: Text,
    why: Why = None,
    if_match: Annotated[
        str | None,
        Header(
            pattern=r'^"?\d{1,9}"?$',
            description="The version that is changed; 412 where it is not the newest.",
        ),
    ] = None,
) -> dict[str, Any]:
    """The version before stays readable; runs made by it keep its text."""
    seen = None if if_match is None else int(if_match.strip('"'))
    return _view(conn, editions.save(conn, catalogue, text, author(WHO), why, policy, seen))


@router.delete("/policies/{policy}", status_code=204, summary="Take an edition out of force")
def delete_policy(conn: ServiceConn, policy: PolicyId, why: Why = None) -> None:
    """Nothing is lost: its versions and runs stay."""
    editions.retire(conn, policy, author(WHO), why)


def _view(conn: Connection, policy: Policy) -> dict[str, Any]:
    view = policy_view(policy, whole=True)
    return view | {"versions": editions.history(conn, policy.id)} if policy.origin == "edition" else view
