"""Writing the next revision: which file, what may stand in it, and that released ones never change."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from app.catalogue.model import Catalogue
from app.database.revision import FOLDER, head
from app.errors import BadDeclaration, BadInput
from app.inventory.revise import MARK, difference, plan, write


@pytest.fixture
def migrations(tmp_path):
    """Revisions 0001, released, and 0002, made by the tool."""
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "0001_base.sql").write_text("SELECT 1;")
    (tmp_path / "versions" / "0002_more.sql").write_text(MARK + "SELECT 1;")
    (tmp_path / "released.sha256").write_text("abc  0001_base.sql\n")
    return tmp_path


def test_the_newest_is_made_anew_until_it_is_released(migrations):
    newest = migrations / "versions" / "0002_more.sql"
    assert plan(migrations, None) == plan(migrations, "more") == ("0001", newest)
    assert plan(migrations, "benches") == ("0002", migrations / "versions" / "0003_benches.sql")
    (migrations / "released.sha256").write_text("abc  0001_base.sql\nabc  0002_more.sql\n")
    assert plan(migrations, "more") == ("0002", migrations / "versions" / "0003_more.sql")
    with pytest.raises(BadInput, match="needs a name"):
        plan(migrations, None)


def test_what_a_hand_wrote_is_never_made_anew(migrations):
    (migrations / "versions" / "0002_more.sql").write_text("SELECT 1;")
    with pytest.raises(BadInput, match="needs a name") as error:
        plan(migrations, None)
    assert "make revision NAME=" in str(error.value.hint)
    with pytest.raises(BadInput):
        plan(migrations, "../etc")


def test_a_revision_is_written_with_the_module_that_runs_it(migrations):
    before, file = plan(migrations, "benches")
    write(file, before, "CREATE TABLE a ();\n\n")
    assert file.read_text() == MARK + "CREATE TABLE a ();\n"
    module = file.with_suffix(".py").read_text()
    assert 'revision = "0003"\ndown_revision = "0002"' in module
    compile(module, "0003_benches.py", "exec")
    write(file, before, "")
    assert file.read_text() == MARK + "SELECT 1;\n"


@pytest.mark.wide
def test_the_difference_is_what_the_catalogue_has_more(empty_settings, catalogue):
    benches = replace(catalogue.classes["toilets"], id="benches")
    more = Catalogue({**catalogue.classes, "benches": benches}, {})
    text = difference(empty_settings, more, head())
    assert text.startswith("CREATE TABLE city.benches (")
    assert "ALTER" not in text
    fewer = {name: cls for name, cls in catalogue.classes.items() if name != "toilets"}
    with pytest.raises(BadDeclaration, match="toilets is no longer declared"):
        difference(empty_settings, Catalogue(fewer, {}), head())


def test_released_revisions_never_change():
    listed = [line.split() for line in (FOLDER / "released.sha256").read_text(encoding="utf-8").splitlines()]
    assert {"0001_base.sql", "0002_classes.sql"} <= {name for _, name in listed}
    for digest, name in listed:
        assert hashlib.sha256((FOLDER / "versions" / name).read_bytes()).hexdigest() == digest, name
