"""Passwords: which are taken, hashed by argon2id, checked at the same cost whether or not there is one."""

from __future__ import annotations

import re
import secrets
import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import BadInput, Unavailable
from app.refused import refused

SHORTEST, LONGEST = 12, 200
#: Passwords hashed at once in a process: each takes 64 MiB and a processor.
AT_ONCE = 2
PATIENCE_S = 10.0
#: RFC 9106 §4, the second recommended option: 3 passes over 64 MiB.
_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4, hash_len=32, salt_len=16)
_TURNS = threading.BoundedSemaphore(AT_ONCE)
#: Characters of a made password: none that is taken for another.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_LEET = str.maketrans("013457@$!", "oieastasi")
#: What passwords that many people choose are made of, beside digits.
_COMMON = frozenset(
    "password passw pass admin administrator root user login welcome letmein qwerty qwertyuiop asdfgh asdfghjkl "
    "zxcvbnm qazwsx qazwsxedc iloveyou monkey dragon sunshine princess football baseball master superman trustno "
    "secret changeme "
    "default test guest abc abcd abcdef abcdefg abcdefgh woaini woaiwojia mima zhongguo china beijing shanghai chengtu "
    "chengguan geren gongzuo huanying nihao".split()
)
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "01234567890",
    "1qaz2wsx3edc4rfv5tgb",
)
_FEWEST_CHARACTERS = 5


def check_password(password: str, name: str) -> None:
    """Raise BadInput where a password is too short, is the name, or is among those that are tried first."""
    plain = _normal(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        raise BadInput(
            f"A password has {SHORTEST} to {LONGEST} characters.",
            "Several words in a row are easy to remember.",
        )
    if _is_guessed(plain.casefold(), _normal(name).casefold()):
        raise BadInput(
            "This password is among the first that are tried.",
            "Take several words that have nothing to do with you.",
        )


def _is_guessed(plain: str, name: str) -> bool:
    if len(set(plain)) < _FEWEST_CHARACTERS or plain.isdecimal():
        return True
    rest = plain
    for part in {name, *re.split(r"[\W_]+", name)}:
        if len(part) >= 2:
            rest = rest.replace(part, "")
    if len(rest) < SHORTEST // 2:
        return True
    stripped = re.sub(r"[\W\d_]+", "", rest)
    worded = re.sub(r"[^a-z]+", "", rest.translate(_LEET))
    if stripped in _COMMON or worded in _COMMON or (not stripped and rest.isascii()):
        return True
    return _is_repeated(plain) or any(_runs_along(plain, row) for row in _ROWS)


def _is_repeated(plain: str) -> bool:
    """Whether it is one short piece again and again."""
    return re.fullmatch(r"(.{1,6})\1+(.{0,5})", plain) is not None


def _runs_along(plain: str, row: str) -> bool:
    """Whether most of it follows a row of the keyboard or the alphabet, in either direction."""
    pairs = {row[i : i + 2] for i in range(len(row) - 1)}
    pairs |= {pair[::-1] for pair in pairs}
    steps = sum(plain[i : i + 2] in pairs for i in range(len(plain) - 1))
    return steps >= (len(plain) - 1) * 0.7


def hash_password(password: str) -> str:
    """What is kept of a password."""
    with _Turn():
        return _HASHER.hash(_normal(password))


def is_password(hashed: str | None, password: str) -> bool:
    """Whether it is the password; where there is none, as much is computed for nothing."""
    with _Turn():
        try:
            _HASHER.verify(hashed or _nobodys(), _normal(password))
        except (VerificationError, InvalidHashError):
            return False
    return hashed is not None


def is_outdated(hashed: str) -> bool:
    """Whether it was hashed with other parameters than today's."""
    return _HASHER.check_needs_rehash(hashed)


def make_password() -> str:
    """A password of a hundred random bits to be told once, in groups that can be read out."""
    letters = [secrets.choice(_ALPHABET) for _ in range(20)]
    return "-".join("".join(letters[i : i + 5]) for i in range(0, 20, 5))


@cache
def _nobodys() -> str:
    """A hash that no password has."""
    return _HASHER.hash(secrets.token_hex(32))


def prepare() -> None:
    """Compute what the first login would otherwise take longer for than those after it."""
    _nobodys()


def _normal(password: str) -> str:
    """The same text whatever keyboard it came from."""
    return unicodedata.normalize("NFKC", password)


class _Turn:
    """One of few hashes at a time, for the length of a block."""

    def __enter__(self) -> None:
        if not _TURNS.acquire(timeout=PATIENCE_S):
            refused("logins")
            raise Unavailable("Many people are logging in right now.", "Try again in a moment.")

    def __exit__(self, *_: object) -> None:
        _TURNS.release()
