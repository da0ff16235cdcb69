"""What of the catalogue each level of sensitivity shows: classes, fields, and no value that only hidden rows have."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.requests import Request

from app.access.dependencies import get_catalogue
from app.catalogue.public_part import LEVELS, lower, may_see, part_of, parts_of, seen_by
from app.database.scope import LEVELS as SCOPES
from app.database.scope import Scope, within
from app.database.transactions import Database
from app.main import create_app


def test_the_levels_are_those_of_scopes():
    assert LEVELS == SCOPES
    assert seen_by("internal") == ("public", "internal")
    assert lower("internal", "public") == lower("public", "restricted") == "public"


def test_who_may_see_everything_sees_the_same_catalogue(catalogue):
    assert part_of(catalogue, "restricted") is catalogue
    assert not catalogue.open_only


@pytest.mark.parametrize("level", ["public", "internal"])
def test_a_part_holds_nothing_above_its_level(catalogue, level):
    part = part_of(catalogue, level)
    assert part.level == level
    assert part.open_only == (level == "public")
    assert set(part.classes) == {
        cls.id for cls in catalogue.classes.values() if may_see(level, cls.sensitivity)
    }
    for cls in part.classes.values():
        whole = catalogue.classes[cls.id]
        assert [item.name for item in cls.fields] == [
            item.name for item in whole.fields if may_see(level, item.sensitivity)
        ]
        assert set(cls.z) | set(cls.owned_by) <= {item.name for item in cls.fields}
        for name, hidden in whole.restricted_rows.items():
            shown = cls.get_field(name)
            assert hidden.isdisjoint(choice.value for choice in shown.choices)
            assert hidden.isdisjoint(shown.osm_values.values())
            assert shown.choices
            assert all(hidden.isdisjoint(rule.where.get(name, ())) for rule in cls.zooms)
            assert not any(rule.set.get(name) in hidden for rule in cls.osm)


def test_a_class_of_which_nothing_is_hidden_is_the_same_object(catalogue):
    public, internal = part_of(catalogue, "public"), part_of(catalogue, "internal")
    assert public.classes["toilets"] is internal.classes["toilets"] is catalogue.classes["toilets"]
    assert internal.classes["grid_cells"] is catalogue.classes["grid_cells"]
    assert public.classes["grid_cells"] is not catalogue.classes["grid_cells"]


def test_an_internal_reader_knows_no_gas_main(catalogue):
    cls = part_of(catalogue, "internal").classes["pipes"]
    kinds = [choice.value for choice in cls.get_field("kind").choices]
    assert kinds == ["reclaimed", "storm", "sewer", "combined", "heat", "cooling", "telecom"]
    assert cls.z == ()
    assert [rule.where for rule in cls.zooms] == [{"kind": ("combined", "sewer", "storm")}, {}]
    assert "start_depth_m" not in {item.name for item in cls.fields}
    assert "gas_devices" not in part_of(catalogue, "internal").classes


@pytest.fixture
def served(settings, catalogue):
    app = FastAPI()
    app.state.db = Database(settings, closed=True)
    app.state.catalogue, app.state.catalogues = catalogue, parts_of(catalogue)
    return app


def asked(app, query=b""):
    return Request(
        {"type": "http", "method": "GET", "path": "/", "query_string": query, "headers": [], "app": app}
    )


@pytest.mark.parametrize("level", LEVELS)
def test_a_request_sees_the_part_of_its_scope_and_a_public_view_the_public_one(served, level):
    with within(Scope(level, ("360102",))):
        assert get_catalogue(asked(served)).level == level
        assert get_catalogue(asked(served, b"view=public")).level == "public"


def test_a_request_of_no_scope_sees_what_anybody_may(served):
    assert get_catalogue(asked(served)).level == "public"


def test_the_application_keeps_a_part_for_each_level(settings):
    app = create_app(settings)
    assert {level: part.level for level, part in app.state.catalogues.items()} == {
        level: level for level in LEVELS
    }
    assert app.state.catalogues["restricted"] is app.state.catalogue
