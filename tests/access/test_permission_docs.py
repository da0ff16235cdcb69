"""The page on who may do what says what the server does."""

from __future__ import annotations

import pytest

from app.access.permission_docs import FOLDER, PAGES, WORDS, matrix, with_matrix
from app.access.permissions import HOLDERS, PERMISSIONS
from app.access.principal import ROLES


@pytest.mark.parametrize("lang", PAGES)
def test_the_table_is_that_of_the_server(lang):
    page = (FOLDER / PAGES[lang]).read_text(encoding="utf-8")
    assert matrix(lang) in page, "run: python -m app.access.permission_docs"
    assert with_matrix(page, lang) == page


def test_all_permissions_that_a_role_gives_are_told():
    assert set(WORDS) == set(PERMISSIONS) - {"open", "self"}
    for permission, row in zip(WORDS, matrix("en").splitlines()[2:], strict=True):
        marks = [cell.strip() for cell in row.split("|")[2:-1]]
        assert [role for role, mark in zip(ROLES, marks, strict=True) if mark] == [
            role for role in ROLES if role in HOLDERS[permission]
        ]
