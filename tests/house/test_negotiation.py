"""Which language and which form a client gets, by the rules of RFC 9110."""

from __future__ import annotations

import pytest

from app.access.compression import chosen_coding
from app.access.negotiation import choose_format, choose_lang


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "zh"),
        ("", "zh"),
        ("en", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("fr-FR,fr;q=0.9", "zh"),
        ("fr;q=0.9,en;q=0.3", "en"),
        ("zh;q=0,en;q=0.1", "en"),
        ("en;q=nonsense", "zh"),
        ("*", "zh"),
    ],
)
def test_language(header, expected):
    assert choose_lang(header, "zh") == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
        ("application/geo+json,text/html;q=0.5", "json"),
        ("text/html;q=0", "json"),
        (";;;,,=", "json"),
    ],
)
def test_form(header, expected):
    assert choose_format(header) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, ""),
        ("identity", ""),
        ("gzip, deflate", "gzip"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0, *", "br"),
        ("br;q=0.1, gzip;q=1", "br"),
        ("*;q=0", ""),
    ],
)
def test_coding(header, expected):
    assert chosen_coding(header) == expected
