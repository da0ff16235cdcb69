"""A small OpenID provider over HTTP on loopback: discovery, keys, authorization code with PKCE, tokens by joserfc.

It checks what a provider has to check, and its next ID token can be made to be another one than it should be.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT, SECRET = "chengtu", "a secret: with % and +"


@cache
def _key(kind: str, number: int) -> RSAKey | ECKey:
    """The same for all providers of a process: a new one takes a tenth of a second of a processor."""
    parameters = {"kid": secrets.token_hex(4), "use": "sig"}
    return RSAKey.generate_key(2048, parameters) if kind == "RSA" else ECKey.generate_key("P-256", parameters)


@dataclass
class Provider:
    """Who is logged in there (`claims`), its keys, what it was asked, and how its next ID token is spoilt."""

    issuer: str
    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "sub-1"})
    keys: list[RSAKey | ECKey] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    spoil: Callable[[dict[str, Any]], str] | None = None
    error: str | None = None
    rotated: int = 0

    def rotate(self, kind: str = "RSA") -> RSAKey | ECKey:
        """A new key, by which it signs from now on; the old ones are published no more."""
        self.rotated += 1
        key = _key(kind, self.rotated)
        self.keys = [key]
        return key

    def access_token(self, key: RSAKey | ECKey | None = None, **claims: Any) -> str:
        """A token that says by RFC 9068 that it is for programs."""
        return self.token(key, "at+jwt", **claims)

    def token(self, key: RSAKey | ECKey | None = None, kind: str = "JWT", **claims: Any) -> str:
        """A token of the provider, for the client, now; `claims` change it (None leaves one out)."""
        signing, now = key or self.keys[0], int(time.time())
        plain = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, **self.claims} | claims
        algorithm = "RS256" if isinstance(signing, RSAKey) else "ES256"
        header = {"alg": algorithm, "kid": signing.kid, "typ": kind}
        return jwt.encode(
            header, {name: value for name, value in plain.items() if value is not None}, signing
        )

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "authorization_response_iss_parameter_supported": True,
        } | self.document  # fmt: skip

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        back = {"state": asked["state"], "iss": self.issuer}
        if self.error:
            return (
                asked["redirect_uri"]
                + "?"
                + urlencode(back | {"error": self.error, "error_description": "no"})
            )
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return asked["redirect_uri"] + "?" + urlencode(back | {"code": code, "session_state": "x"})

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Tokens for a code, once, for the client that asked for it, with the verifier of its challenge."""
        kind, _, pair = authorization.partition(" ")
        client, _, secret = base64.b64decode(pair).decode().partition(":")
        begun = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(
            b"="
        )
        if (kind, unquote(client), unquote(secret)) != ("Basic", CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        if (
            begun is None
            or form["grant_type"] != "authorization_code"
            or form["redirect_uri"] != begun["redirect_uri"]
            or challenge.decode() != begun["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        claims = {"nonce": begun["nonce"]}
        token = self.token(**claims) if self.spoil is None else self.spoil(claims)
        return 200, {"id_token": token, "access_token": "opaque", "token_type": "Bearer"}


def _handler(known: dict[str, Provider]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider, path = known["one"], urlsplit(self.path)
            provider.asked.append(path.path)
            if path.path == "/.well-known/openid-configuration":
                self._send(200, provider.discovery())
            elif path.path == "/keys":
                self._send(200, {"keys": [key.as_dict(private=False) for key in provider.keys]})
            elif path.path == "/authorize":
                self.send_response(302)
                asked = {name: values[0] for name, values in parse_qs(path.query).items()}
                self.send_header("Location", provider.authorize(asked))
                self.end_headers()
            else:
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
                self.end_headers()

        def do_POST(self) -> None:
            provider = known["one"]
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._send(*provider.exchange(form, self.headers.get("Authorization", "")))

        def _send(self, status: int, value: dict[str, Any]) -> None:
            text = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def provider() -> Iterator[Provider]:
    known: dict[str, Provider] = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(known)) as server:
        made = known["one"] = Provider(f"http://127.0.0.1:{server.server_port}")
        made.rotate()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield made
        server.shutdown()
        thread.join()
