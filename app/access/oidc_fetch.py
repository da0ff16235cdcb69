"""Asks the configured issuer, and nobody else: no redirects, little patience, little to read."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from app.errors import LoginFailed, Unavailable
from app.settings import LOOPBACK

TIMEOUT_S = 5.0
MAX_BYTES = 1_000_000
LATER = "Try again in a moment; security administrators can log in by password."


class Fetch:
    """Requests to one issuer: its own host, and those that settings name beside it."""

    def __init__(self, issuer: str, hosts: tuple[str, ...] = ()) -> None:
        self._issuer = issuer
        self._hosts = hosts
        proxies: dict[str, str] | None = {} if urlsplit(issuer).hostname in LOOPBACK else None
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies), _NoRedirects())

    def may_ask(self, address: str) -> bool:
        """Whether an address is the issuer's: its own scheme, host and port, or HTTPS on a host that settings name."""
        scheme, host, port = _origin(address)
        return (scheme, host, port) == _origin(self._issuer) or (
            scheme == "https" and port == 443 and host in self._hosts
        )

    def get(self, address: str) -> dict[str, Any]:
        """A document; raises Unavailable where it does not come."""
        return self._ask(self._request(address, None, {}))

    def post(self, address: str, form: Mapping[str, str], basic: tuple[str, str] | None) -> dict[str, Any]:
        """What is answered to a form; raises LoginFailed where it is refused."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if basic is not None:
            # RFC 6749 §2.3.1: both are form-encoded before they are put together.
            pair = ":".join(quote(part, safe="") for part in basic)
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        return self._ask(self._request(address, urlencode(form).encode(), headers))

    def _request(
        self, address: str, body: bytes | None, headers: Mapping[str, str]
    ) -> urllib.request.Request:
        if not self.may_ask(address):
            raise Unavailable(
                "The login provider names an address on another host.",
                "If that host is the provider's too, name it in CHENGTU_OIDC_HOSTS.",
            )
        return urllib.request.Request(address, body, {"Accept": "application/json", **headers})  # noqa: S310

    def _ask(self, request: urllib.request.Request) -> dict[str, Any]:
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as reply:
                text = reply.read(MAX_BYTES + 1)
        except urllib.error.HTTPError as error:
            if request.data is not None and error.code in {400, 401, 403}:
                raise LoginFailed("The login provider refuses this login.", "Log in again: /login") from error
            raise Unavailable("The login provider does not answer as it should.", LATER) from error
        except (OSError, ValueError) as error:
            raise Unavailable("The login provider is not reachable.", LATER) from error
        try:
            found = json.loads(text) if len(text) <= MAX_BYTES else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Unavailable("The login provider's answer cannot be read.", LATER)
        return found


def _origin(address: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(address)
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", None, None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Whoever sends us elsewhere is not asked again."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""
