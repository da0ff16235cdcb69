"""Addresses of licences' texts, by the names that people give them."""

from __future__ import annotations

import pytest

from app.catalogue.licences import licence_address


@pytest.mark.parametrize(
    ("licence", "address"),
    [
        ("ODbL-1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
        ("ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
        ("CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/"),
        ("cc by-sa 3.0", "https://creativecommons.org/licenses/by-sa/3.0/"),
        ("CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
        (" https://example.org/terms ", "https://example.org/terms"),
        ("javascript:alert(1)", None),
        ('https://example.org/"onclick=', None),
        ("仅供内部使用", None),
        ("", None),
    ],
)
def test_a_licence_is_found_by_its_name_or_is_its_own_address(licence, address):
    assert licence_address(licence) == address
