"""A city says otherwise who may see a built-in class, and its database follows."""

from __future__ import annotations

import pytest
import shapely
from sqlalchemy.exc import ProgrammingError

from app.catalogue.loader import load_catalogue
from app.database.engine import open_database
from app.database.migrate import migrate
from app.database.scope import Scope, within
from app.inventory.local_growth import LocalGrowth
from app.settings import ROOT
from tests.coverage.test_loading import drawn, write

SEEN = Scope("internal", None)
COUNT = "SELECT count(*) FROM city.toilets"


@pytest.fixture
def ours(settings, tmp_path):
    """The settings of a city with a folder of its own."""
    folder = tmp_path / "ours"
    (folder / "sensitivity").mkdir(parents=True)
    return settings.model_copy(update={"local": folder})


def say(ours, text, name="toilets"):
    path = ours.local / "sensitivity" / f"{name}.yaml"
    if text is None:
        path.unlink()
    else:
        path.write_text(text, "utf-8")
    growth = LocalGrowth(ours)
    migrate(ours, then=growth)
    return growth.changed


def seen(db, sql=COUNT):
    with within(SEEN), db.read() as conn:
        return conn.exec_driver_sql(sql).scalar()


@pytest.mark.wide
def test_rows_fields_and_classes_are_hidden_and_shown_again(ours):
    say(ours, "owned_by: [owner]\n")
    db = open_database(ours)
    try:
        catalogue = load_catalogue(ROOT / "geodata", ours.local)
        places = {"a": shapely.Point(0, 0), "b": shapely.Point(100, 0), "c": shapely.Point(200, 0)}
        write(
            db, catalogue, drawn("toilets", places, {"kind": ["public", "mobile", None], "stalls": [1, 2, 3]})
        )
        assert seen(db) == 3
        assert say(ours, "restricted: {kind: [mobile]}\nfields: {stalls: restricted}\n") == [
            "sensitivity/toilets.yaml"
        ]
        assert seen(db) == 1
        with pytest.raises(ProgrammingError, match="permission denied"):
            seen(db, "SELECT stalls FROM city.toilets")
        say(ours, "sensitivity: restricted\n")
        assert seen(db) == 0
        # What it no longer says is as built in, and there is nothing more to do.
        assert say(ours, None) == ["sensitivity/toilets.yaml"]
        assert seen(db, "SELECT sum(stalls) FROM city.toilets") == 6
        growth = LocalGrowth(ours)
        migrate(ours, then=growth)
        assert growth.changed == []
    finally:
        db.dispose()
