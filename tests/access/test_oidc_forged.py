"""Tokens that a provider never made, or made for others: none is taken, neither by the API nor for a login (S29)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pydantic import SecretStr

from app.access import gate, oidc
from app.settings import Settings
from tests.access.entrance import Door, door, me
from tests.access.provider import CLIENT, SECRET, Provider, provider
from tests.access.test_oidc import log_in

Token = Callable[[Provider, dict[str, Any]], str]


def part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def private(issuer: Provider) -> rsa.RSAPrivateKey:
    """The provider's own key."""
    return issuer.keys[0].private_key  # type: ignore[return-value]


def public_pem(issuer: Provider) -> bytes:
    return (
        private(issuer)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def rs256(key: rsa.RSAPrivateKey, header: dict[str, Any], claims: Any, digest: Any = None) -> str:
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{part(key.sign(signed.encode(), padding.PKCS1v15(), digest or hashes.SHA256()))}"


def pss(key: rsa.RSAPrivateKey, header: dict[str, Any], claims: Any) -> str:
    signed = f"{part(header)}.{part(claims)}"
    filling = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    return f"{signed}.{part(key.sign(signed.encode(), filling, hashes.SHA256()))}"


def hs256(secret: bytes, header: dict[str, Any], claims: Any) -> str:
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{part(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def es256(key: ec.EllipticCurvePrivateKey, header: dict[str, Any], claims: Any) -> str:
    signed = f"{part(header)}.{part(claims)}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{part(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def bare(head: Any, claims: Any, signature: bytes = b"x") -> str:
    """Three parts that nobody signed."""
    return f"{part(head)}.{part(claims)}.{part(signature)}"


def header(issuer: Provider, **more: Any) -> dict[str, Any]:
    plain = {"alg": "RS256", "kid": issuer.keys[0].kid, "typ": "JWT"} | more
    return {name: value for name, value in plain.items() if value is not None}


def own(**more: Any) -> Token:
    """Signed by the provider itself, with another header."""
    return lambda issuer, claims: rs256(private(issuer), header(issuer, **more), claims)


def claiming(**more: Any) -> Token:
    """Signed by the provider itself, with other claims (None leaves one out)."""

    def make(issuer: Provider, claims: dict[str, Any]) -> str:
        changed = {name: value for name, value in (claims | more).items() if value is not None}
        return rs256(private(issuer), header(issuer), changed)

    return make


def foreign() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def jwk_of(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    n, e = (part(value.to_bytes((value.bit_length() + 7) // 8)) for value in (numbers.n, numbers.e))
    return {"kty": "RSA", "n": n, "e": e}


def bringing(name: str) -> Token:
    """Signed by a key that the token itself brings along."""

    def make(issuer: Provider, claims: dict[str, Any]) -> str:
        key = foreign()
        brought = {
            "jwk": jwk_of(key),
            "jku": f"{issuer.issuer}/keys",
            "x5u": f"{issuer.issuer}/x",
            "x5c": ["AA=="],
        }
        return rs256(key, header(issuer, **{name: brought[name]}), claims)

    return make


def twice(issuer: Provider) -> bytes:
    """A header that says its algorithm twice."""
    return json.dumps(header(issuer)).encode()[:-1] + b', "alg": "none"}'


def spliced(issuer: Provider, claims: dict[str, Any]) -> str:
    """The signature of a good token under other claims."""
    good = issuer.token(sub="another").split(".")
    return f"{good[0]}.{part(claims)}.{good[2]}"


def published(key: Any, algorithm: str, kid: str, **more: Any) -> Token:
    """Signed by a key that the provider publishes, but not for this."""

    def make(issuer: Provider, claims: dict[str, Any]) -> str:
        class Published:
            def as_dict(self, **_: Any) -> dict[str, Any]:
                return jwk_of(key) | {"kid": kid} | more

        Published.kid = kid  # type: ignore[attr-defined]
        issuer.keys.append(Published())  # type: ignore[arg-type]
        return rs256(key, {"alg": algorithm, "kid": kid}, claims)

    return make


NOW = int(time.time())
FORGED: dict[str, Token] = {
    "no algorithm": lambda _, claims: bare({"alg": "none", "typ": "JWT"}, claims, b""),
    "no algorithm, a signature": lambda _, claims: bare({"alg": "none"}, claims),
    "None": lambda i, claims: bare(header(i, alg="None"), claims),
    "nOnE with the key's name": lambda i, claims: bare(header(i, alg="nOnE"), claims),
    "algorithm left out": own(alg=None),
    "algorithm empty": own(alg=""),
    "algorithm a list": own(alg=["RS256"]),
    "algorithm in small letters": own(alg="rs256"),
    "HMAC by the public key": lambda i, claims: hs256(public_pem(i), header(i, alg="HS256"), claims),
    "HMAC by the published key": lambda i, claims: hs256(
        json.dumps(i.keys[0].as_dict(private=False)).encode(), header(i, alg="HS256"), claims
    ),
    "HMAC by nothing": lambda i, claims: hs256(b"", header(i, alg="HS256"), claims),
    "HMAC by the client's secret": lambda i, claims: hs256(SECRET.encode(), header(i, alg="HS256"), claims),
    "HMAC called RS256": lambda i, claims: hs256(public_pem(i), header(i), claims),
    "RS384": lambda i, claims: rs256(private(i), header(i, alg="RS384"), claims, hashes.SHA384()),
    "RS256 by SHA-1": lambda i, claims: rs256(private(i), header(i), claims, hashes.SHA1()),
    "PS256": lambda i, claims: pss(private(i), header(i, alg="PS256"), claims),
    "PSS called RS256": lambda i, claims: pss(private(i), header(i), claims),
    "ES256 by an RSA key's name": lambda i, claims: es256(
        ec.generate_private_key(ec.SECP256R1()), header(i, alg="ES256"), claims
    ),
    "RS256 bytes called ES256": own(alg="ES256"),
    "ES256 of zeros": lambda i, claims: bare(header(i, alg="ES256"), claims, bytes(64)),
    "a stranger's key": lambda i, claims: rs256(foreign(), header(i), claims),
    "a stranger's key without a name": lambda i, claims: rs256(foreign(), header(i, kid=None), claims),
    "a name that is not there": own(kid="another"),
    "a name that is a path": own(kid="../../../../dev/null"),
    "a name that is SQL": own(kid="x' UNION SELECT 'key"),
    "a name that is an address": own(kid="http://127.0.0.1:9/keys"),
    "a name that is a number": own(kid=1),
    "a name that is empty": own(kid=""),
    "key brought along": bringing("jwk"),
    "key's address brought along": bringing("jku"),
    "certificate's address brought along": bringing("x5u"),
    "certificate brought along": bringing("x5c"),
    "an own key beside jku": own(jku="http://127.0.0.1:9/keys"),
    "crit": own(crit=["exp"], exp=NOW + 60),
    "crit empty": own(crit=[]),
    "crit unknown": own(crit=["x"], x=1),
    "b64 false": own(b64=False, crit=["b64"]),
    "zipped": own(zip="DEF"),
    "type of another token": own(typ="logout+jwt"),
    "type of DPoP": own(typ="dpop+jwt"),
    "expired": claiming(exp=NOW - 60),
    "expired long ago": claiming(exp=0),
    "never expires": claiming(exp=None),
    "expires never": claiming(exp="never"),
    "expires at infinity": claiming(exp=1e400),
    "not yet": claiming(nbf=NOW + 3600),
    "made tomorrow": claiming(iat=NOW + 86400),
    "made at no time": claiming(iat=None),
    "for another": claiming(aud="another"),
    "for nobody": claiming(aud=None),
    "for others": claiming(aud=["another", "yet another"]),
    "for part of a name": claiming(aud=CLIENT[:-1]),
    "for a name with more": claiming(aud=CLIENT + " "),
    "for a thing": claiming(aud={CLIENT: 1}),
    "of another issuer": claiming(iss="https://login.example.org"),
    "of the issuer with a slash": lambda i, claims: rs256(private(i), header(i), claims | {"iss": i.issuer + "/"}),
    "of issuers": lambda i, claims: rs256(private(i), header(i), claims | {"iss": [i.issuer]}),
    "of no issuer": claiming(iss=None),
    "of nobody": claiming(sub=None),
    "of an empty name": claiming(sub=""),
    "of a number": claiming(sub=1),
    "of a list": claiming(sub=["sub-1"]),
    "of a name with NUL": claiming(sub="sub-1\x00"),
    "of a name too long": claiming(sub="s" * 256),
    "signature empty": lambda i, claims: bare(header(i), claims, b""),
    "signature left out": lambda i, claims: f"{part(header(i))}.{part(claims)}",
    "signature of zeros": lambda i, claims: bare(header(i), claims, bytes(256)),
    "signature of another token": spliced,
    "a part too many": lambda i, claims: own()(i, claims) + ".x",
    "claims a list": lambda i, claims: rs256(private(i), header(i), [claims]),
    "claims not JSON": lambda i, _: rs256(private(i), header(i), b"{"),
    "claims nested": lambda i, _: rs256(private(i), header(i), b"[" * 5000),
    "header a list": lambda i, claims: rs256(private(i), [header(i)], claims),  # type: ignore[arg-type]
    "header not JSON": lambda _, claims: bare(b"{", claims),
    "header's names twice": lambda i, claims: bare(twice(i), claims),
    "header nested": lambda _, claims: bare(b"[" * 3000, claims),
    "five parts": lambda i, claims: bare(header(i, enc="A128GCM"), b"") + f".{part(claims)}.x",
    "not base64": lambda i, claims: f"{part(header(i))}.{part(claims)}.!!!!",
    "very long": lambda i, claims: own()(i, claims | {"more": "x" * 20_000}),
    "a key for encryption": published(foreign(), "RS256", "enc", use="enc"),
    "a key for another algorithm": published(foreign(), "RS256", "ps", alg="PS256"),
    "a key for signing alone": published(foreign(), "RS256", "ops", key_ops=["sign"]),
    "a key that is short": published(rsa.generate_private_key(65537, 1024), "RS256", "short"),
}  # fmt: skip


@pytest.fixture(scope="module")
def issuer() -> Iterator[Provider]:
    oidc._provider.cache_clear()
    with provider() as made:
        yield made


@pytest.fixture(scope="module")
def entrance(cluster_settings: Settings, template: str, issuer: Provider) -> Iterator[Door]:
    # A named audience: a token need not say that it is an access token.
    more = {
        "oidc_issuer": issuer.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SecretStr(SECRET),
        "oidc_audience": CLIENT,
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch, door(cluster_settings, template, **more) as made:
        patch.setattr(gate, "TRUSTED_S", 0.0)
        patch.setattr(oidc, "REFETCH_S", 0.0)
        made.person("wu", "viewer", password=None, oidc=(issuer.issuer, "sub-1"))
        yield made


def good(issuer: Provider) -> dict[str, Any]:
    return {"iss": issuer.issuer, "aud": CLIENT, "sub": "sub-1", "iat": NOW, "exp": int(time.time()) + 600}


def test_they_are_enough():
    assert len(FORGED) >= 40


@pytest.mark.parametrize("name", sorted(FORGED))
def test_no_forged_token_is_taken(entrance, issuer, name):
    del issuer.keys[1:]
    program = entrance.browser()
    token = FORGED[name](issuer, good(issuer))
    program.headers["Authorization"] = f"Bearer {token}"
    assert me(program).status_code == 401
    issuer.spoil = lambda claims: FORGED[name](issuer, good(issuer) | claims)
    try:
        assert log_in(entrance.browser()).status_code == 401
    finally:
        issuer.spoil = None
    assert entrance.rows("SELECT FROM city.sessions") == []


def test_what_they_differ_from_is_taken(entrance, issuer):
    """Each of them is refused for what is wrong with it alone."""
    del issuer.keys[1:]
    program = entrance.browser()
    for make in (
        own(),
        own(typ=None),
        own(kid=None),
        own(typ="at+jwt"),
        claiming(aud=[CLIENT]),
        claiming(nbf=NOW),
    ):
        program.headers["Authorization"] = f"Bearer {make(issuer, good(issuer))}"
        assert me(program).status_code == 200
    key = foreign()
    for more in ({"use": "sig"}, {"alg": "RS256"}, {"key_ops": ["verify"]}):
        del issuer.keys[1:]
        token = published(key, "RS256", str(more), **more)(issuer, good(issuer))
        program.headers["Authorization"] = f"Bearer {token}"
        assert me(program).status_code == 200
