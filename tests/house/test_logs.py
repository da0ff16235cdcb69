"""A record is one line and holds no secret, in both forms."""

from __future__ import annotations

import io
import json
import logging

import pytest

from app.logs import TOLD, JsonLines, TextLines, hide
from app.traces import NAME_BYTES, is_id, trace_setting, tracing

SECRET = "canary7Zq"


def _failure() -> Exception:
    try:
        _fail()
    except ValueError as error:
        return error
    raise AssertionError


def _fail() -> None:
    raise ValueError(f"first\nsecond password={SECRET}\r\nthird")


def _said(
    formatter: logging.Formatter, message: str, *args: object, told: object = None, failed: bool = False
) -> str:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    log = logging.getLogger("chengtu.test_of_logs")
    log.addHandler(handler)
    log.error(message, *args, exc_info=_failure() if failed else None, extra={TOLD: told or {}})
    log.removeHandler(handler)
    return out.getvalue()


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x1b[2K", "\x85", "\u2028", "\0"])
def test_no_text_ends_a_line_or_steers_a_terminal(end):
    for formatter in (JsonLines(), TextLines()):
        said = _said(formatter, "from %s", f"a{end}b", told={"who": f"li{end}{{}}"})
        assert said.endswith("\n")
        assert said[:-1].isprintable()
        assert len(said.splitlines()) == 1


def test_a_traceback_is_part_of_the_line_in_json_and_stands_behind_a_bar_in_text():
    found = json.loads(_said(JsonLines(), "It failed.", failed=True))
    assert "ValueError: first\nsecond" in found["traceback"]
    first, *below = _said(TextLines(), "It failed.", failed=True).rstrip("\n").split("\n")
    assert first.endswith("It failed.")
    assert below
    assert all(line.startswith("    | ") for line in below)
    assert SECRET not in json.dumps(found) + "".join(below)


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://chengtu:{SECRET}@127.0.0.1:5432/city",
        f"connection failed: host=db password={SECRET} user=x",
        f"password='{SECRET} with spaces'",
        f'{{"password": "{SECRET}"}}',
        f"Authorization: Bearer {SECRET}",
        f"Cookie: chengtu={SECRET}",
        f"Set-Cookie: __Host-chengtu={SECRET}; Path=/",
        f"GET /x?key={SECRET}&lang=en",
        f"GET /login/oidc/callback?code={SECRET}&state={SECRET}",
        f"client_secret={SECRET}",
        f"access_token={SECRET}",
        f"the key ck_{SECRET}abcdefgh was refused",
        f"the session cs_{SECRET}abcdefgh",
        f"eyJhbGciOiJIUzI1NiJ9.{SECRET}.{SECRET}",
        f"tk={SECRET}",
        f"csrf={SECRET}",
    ],
)
def test_what_is_a_secret_by_its_name_or_form_is_hidden(text):
    assert SECRET not in hide(text)
    assert "***" in hide(text)


@pytest.mark.parametrize(
    "text",
    [
        "Waiting for the database: The database is not reachable.",
        "The engine ended (code -9) and starts again in 0.4 s.",
        "relation city.api_keys, key (id)=(5) exists",
        "https://map.example.org/collections?limit=5",
    ],
)
def test_all_else_stays_as_it_is(text):
    assert hide(text) == text


@pytest.mark.parametrize("text", ["", "a b", "x" * 65, "a'b", "a\nb", "é"])
def test_what_is_no_id_is_none(text):
    assert not is_id(text)
    with tracing(text):
        assert not trace_setting()


def test_the_longest_id_fits_into_what_the_database_takes():
    with tracing("x" * 64):
        name = trace_setting().partition("'")[2].removesuffix("'")
        assert name.startswith("chengtu command xxx")
        assert len(name) == NAME_BYTES
