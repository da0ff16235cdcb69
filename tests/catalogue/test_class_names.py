"""A class by any of its names."""

from __future__ import annotations

import pytest

from app.catalogue.class_names import find_class
from app.errors import NotFound


@pytest.mark.parametrize("name", ["toilets", "公共厕所", "公厕", "Public toilets", "WC", " Toilets "])
def test_a_class_is_found_by_its_id_titles_and_aliases(catalogue, name):
    assert find_class(catalogue, name).id == "toilets"


def test_an_id_counts_before_the_names_of_others(catalogue):
    for class_id in catalogue.classes:
        assert find_class(catalogue, class_id).id == class_id


def test_an_unknown_name_hints_at_the_nearest(catalogue):
    with pytest.raises(NotFound) as error:
        find_class(catalogue, "公共厕")
    assert "toilets (公共厕所)" in str(error.value.hint)
    with pytest.raises(NotFound) as error:
        find_class(catalogue, "zzzz")
    assert "Valid names" in str(error.value.hint)
