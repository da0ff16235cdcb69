"""Who may send a body that changes something: no page of another site, and nothing packed."""

from __future__ import annotations

from collections.abc import Mapping

from app.errors import BadInput


def check_origin(headers: Mapping[str, str]) -> None:
    """Refuse what a page of another site has its visitor's browser send (cross-site request forgery).

    Browsers say where a page is from by `Sec-Fetch-Site` (only to trustworthy addresses, so not by plain HTTP in an
    office network) and by `Origin`; programs say neither.

    Raises:
        BadInput: The page is another site's, or one that is no site's.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site in {"same-origin", "none"}:
        return
    own = {headers.get("host", ""), headers.get("x-forwarded-host", "")} - {""}
    foreign = origin is not None and origin.partition("://")[2] not in own
    if site is not None or foreign:
        raise BadInput("A page of another site cannot write here.", "Send it from a page of this server.")


def check_sender(headers: Mapping[str, str]) -> None:
    """Refuse what a page of another site sends by its visitor's browser, and bodies whose size is not what it seems.

    Raises:
        BadInput: The browser says that the page is another site's, or the body is packed.
    """
    check_origin(headers)
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise BadInput("A packed body is not read.", "Send it as it is; a .zip or .gz file stays one.")
