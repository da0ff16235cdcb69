"""OpenID Connect: a provider's answers are believed only as far as its signatures and claims go.

The provider is the configured issuer, found by discovery (OpenID Connect Discovery 1.0); people come by authorization
code with PKCE (RFC 7636), state and nonce; programs bear its tokens (RFC 6750, RFC 9068).
"""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from app.access import oidc_tokens
from app.access.oidc_fetch import LATER, Fetch
from app.errors import LoginFailed, Unavailable
from app.settings import Settings

#: How long what the provider says of itself and its keys is taken for good, seconds.
DISCOVERY_S, KEYS_S = 3600.0, 600.0
#: For a key that is not known its keys are asked for anew, at most this often.
REFETCH_S = 60.0
#: A provider that did not answer is asked again after so long, seconds.
AWAY_S = 5.0


class Provider:
    """The configured issuer, as one process knows it."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        secret: str | None,
        audience: str | None,
        hosts: tuple[str, ...] = (),
    ) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self._secret = secret
        self._audience = audience
        self._fetch = Fetch(issuer, hosts)
        self._lock = threading.Lock()
        self._document: tuple[dict[str, Any], float] | None = None
        self._keys: tuple[list[dict[str, Any]], float] | None = None
        self._asked = -REFETCH_S
        self._away = ("", 0.0)

    def discover(self) -> dict[str, Any]:
        """What the provider says of itself.

        Raises:
            Unavailable: It does not answer, or not as itself.
        """
        with self._lock:
            if self._document is None or time.monotonic() > self._document[1]:
                found = self._get(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
                if found.get("issuer") != self.issuer:
                    raise Unavailable("The login provider names another issuer than the one that is set.")
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    if not isinstance(found.get(name), str):
                        raise Unavailable(f"The login provider does not tell its {name}.")
                self._document = (found, time.monotonic() + DISCOVERY_S)
            return self._document[0]

    def keys(self, *, anew: bool = False) -> list[dict[str, Any]]:
        """The keys by which it signs; `anew` asks again, at most once a minute."""
        address = self.discover()["jwks_uri"]
        with self._lock:
            now = time.monotonic()
            fresh = self._keys is not None and now < self._keys[1]
            if not fresh or (anew and now >= self._asked + REFETCH_S):
                self._asked = now
                found = self._get(address).get("keys")
                listed = [key for key in found if isinstance(key, dict)] if isinstance(found, list) else []
                self._keys = (listed, now + KEYS_S)
            assert self._keys is not None
            return self._keys[0]

    def _get(self, address: str) -> dict[str, Any]:
        """A document of the provider; one that was just away is not waited for again by everybody who asks."""
        if time.monotonic() < self._away[1]:
            raise Unavailable(self._away[0], LATER)
        try:
            return self._fetch.get(address)
        except Unavailable as error:
            self._away = (error.message, time.monotonic() + AWAY_S)
            raise

    def address(self, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """Where the browser is sent to log in."""
        query = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": redirect_uri,
            "scope": "openid email profile", "state": state, "nonce": nonce,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        endpoint = str(self.discover()["authorization_endpoint"])
        return endpoint + ("&" if "?" in endpoint else "?") + urlencode(query)

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> str:
        """The ID token for a code.

        Raises:
            LoginFailed: The provider gives none for it.
        """
        document = self.discover()
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
            "client_id": self.client_id, "code_verifier": verifier,
        }  # fmt: skip
        methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = None
        if self._secret is not None and "client_secret_basic" in methods:
            basic = (self.client_id, self._secret)
        elif self._secret is not None:
            form["client_secret"] = self._secret
        token = self._fetch.post(document["token_endpoint"], form, basic).get("id_token")
        if not isinstance(token, str):
            raise LoginFailed("The login provider gave no identity for the code.", "Log in again: /login")
        return token

    def check_identity(self, token: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token for this client and this login; raises LoginFailed."""
        header, claims = self._claims(token, self.client_id)
        oidc_tokens.check_for_login(header, claims, self.client_id, nonce)
        return claims

    def check_bearer(self, token: str) -> dict[str, Any]:
        """The claims of an access token that a program bears; raises KeyRequired."""
        try:
            header, claims = self._claims(token, self._audience or self.client_id)
            oidc_tokens.check_for_access(header, claims, named=self._audience is not None)
        except LoginFailed as error:
            raise oidc_tokens.refused(error) from error
        return claims

    def _claims(self, token: str, audience: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims of a token that the provider signed for an audience."""
        header = oidc_tokens.read_header(token)
        key = oidc_tokens.choose_key(header, self.keys())
        if key is None:
            key = oidc_tokens.choose_key(header, self.keys(anew=True))
        return header, oidc_tokens.verify(token, header, key, self.issuer, audience)


@lru_cache(maxsize=8)
def _provider(
    issuer: str, client_id: str, secret: str | None, audience: str | None, hosts: tuple[str, ...]
) -> Provider:
    return Provider(issuer, client_id, secret, audience, hosts)


def provider_of(settings: Settings) -> Provider | None:
    """The provider that settings name, None without one."""
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    secret = None if settings.oidc_client_secret is None else settings.oidc_client_secret.get_secret_value()
    named = settings.oidc_issuer, settings.oidc_client_id, secret, settings.oidc_audience or None
    return _provider(*named, settings.oidc_hosts)
