"""What a provider signed: header, key, signature, claims. Pure; every doubt is a refusal."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from typing import Any

import jwt

from app.errors import KeyRequired, LoginFailed

#: Algorithms by which tokens are signed, with the type of key each needs; no other is looked at.
ALGORITHMS: Mapping[str, str] = {"RS256": "RSA", "ES256": "EC"}
#: Headers by which a token would bring or fetch its own key, or change what its parts mean.
REFUSED_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc"})
#: How an access token's header names itself (RFC 9068 §2.1).
ACCESS_TYPES = frozenset({"at+jwt", "application/at+jwt"})
TYPES = frozenset({"jwt"}) | ACCESS_TYPES
#: Claims that ID tokens alone have (OpenID Connect Core §2, §3.3.2.11; FAPI 1.0).
ID_CLAIMS = frozenset({"at_hash", "c_hash", "s_hash"})
MAX_LENGTH = 16_384
MAX_SUBJECT = 255
#: Clocks may differ by this much, seconds.
LEEWAY_S = 30
FEWEST_RSA_BITS = 2048
AGAIN = "Log in again; if it stays so, the clocks or the settings of the provider differ."


def read_header(token: str) -> dict[str, Any]:
    """The header of a signed token, looked at and not yet believed; raises LoginFailed."""
    parts = token.split(".")
    if len(token) > MAX_LENGTH or len(parts) != 3 or not all(parts):
        raise _doubt("It is no signed token")
    try:
        header = json.loads(_bytes(parts[0]), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _doubt("Its header cannot be read") from error
    if not isinstance(header, dict) or header.get("alg") not in [*ALGORITHMS]:
        raise _doubt("It is not signed by RS256 or ES256")
    if REFUSED_HEADERS & header.keys():
        raise _doubt("Its header brings a key or an extension")
    if not isinstance(header.get("kid", ""), str) or str(header.get("typ", "JWT")).lower() not in TYPES:
        raise _doubt("Its header is not that of such a token")
    return header


def choose_key(header: Mapping[str, Any], keys: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The provider's key that a header names; where it names none, the only one of its algorithm; None without one."""
    fitting = [key for key in keys if _fits(key, header["alg"])]
    if "kid" in header:
        fitting = [key for key in fitting if key.get("kid") == header["kid"]]
    return fitting[0] if len(fitting) == 1 else None


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    """Whether a key of the provider signs by an algorithm: of its type, for signatures, public."""
    return (
        key.get("kty") == ALGORITHMS[algorithm]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and "verify" in key.get("key_ops", ["verify"])
        and (_bits(key) >= FEWEST_RSA_BITS if key["kty"] == "RSA" else key.get("crv") == "P-256")
    )


def _bits(key: Mapping[str, Any]) -> int:
    """The length of an RSA key, 0 of what is none."""
    try:
        return int.from_bytes(_bytes(str(key.get("n", "")))).bit_length()
    except ValueError:
        return 0


def verify(
    token: str, header: Mapping[str, Any], key: Mapping[str, Any] | None, issuer: str, audience: str
) -> dict[str, Any]:
    """The claims of a token that a key signed, for an audience, now; raises LoginFailed."""
    if key is None:
        raise _doubt("The provider has no such key")
    algorithm = header["alg"]
    public = {name: value for name, value in key.items() if name in {"kty", "n", "e", "crv", "x", "y"}}
    try:
        made = jwt.PyJWK.from_dict(public, algorithm)
        claims: dict[str, Any] = jwt.decode(
            token,
            made,
            algorithms=[algorithm],
            audience=audience,
            issuer=issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "iss", "aud", "sub"], "verify_signature": True},
        )
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise _doubt("Signature or claims do not hold") from error
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or "\x00" in subject:
        raise _doubt("It names nobody")
    return claims


def check_for_access(header: Mapping[str, Any], claims: Mapping[str, Any], *, named: bool) -> None:
    """Raise LoginFailed where a token tells who logged in (an ID token) and not what a program may ask for.

    Whoever has logged in anywhere with our client has such a token in hand. `named`: whether settings name the audience
    of access tokens; else one that does not say what it is cannot be told from an ID token, which has the same one.
    """
    says_access = _is_access(header) or claims.get("typ") == "Bearer" or claims.get("token_use") == "access"
    says_id = claims.get("typ") == "ID" or claims.get("token_use") == "id" or not ID_CLAIMS.isdisjoint(claims)
    if says_id or ("nonce" in claims and not says_access):
        raise _doubt("It is an ID token, which is for logging in alone")
    if not (says_access or named):
        raise _doubt("It does not say that it is an access token")


def _is_access(header: Mapping[str, Any]) -> bool:
    return str(header.get("typ", "")).lower() in ACCESS_TYPES


def check_for_login(header: Mapping[str, Any], claims: Mapping[str, Any], client_id: str, nonce: str) -> None:
    """Raise LoginFailed where an ID token is not for this client and this login (OpenID Connect Core §3.1.3.7)."""
    if _is_access(header):
        raise _doubt("It is an access token, which names nobody who logs in")
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise _doubt("It belongs to another login")
    audience = claims["aud"]
    several = isinstance(audience, list) and len(audience) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise _doubt("It was made for another client")


def refused(error: LoginFailed) -> KeyRequired:
    """The same of a token that a program bears."""
    return KeyRequired(error.message, "Get a new token from the provider, or use an API key.")


def _doubt(why: str) -> LoginFailed:
    return LoginFailed(f"The provider's token is not accepted: {why[0].lower()}{why[1:]}.", AGAIN)


def _bytes(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are said once."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found
