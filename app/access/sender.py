"""Who may send a body that changes something: no page of another site, and nothing packed."""

from __future__ import annotations

from collections.abc import Mapping

from app.errors import BadInput


def check_sender(headers: Mapping[str, str]) -> None:
    """Refuse what a page of another site sends by its visitor's browser, and bodies whose size is not what it seems.

    Raises:
        BadInput: The browser says that the page is another site's, or the body is packed.
    """
    if headers.get("sec-fetch-site") == "cross-site":
        raise BadInput("A page of another site cannot write here.", "Send it from a page of this server.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise BadInput("A packed body is not read.", "Send it as it is; a .zip or .gz file stays one.")
