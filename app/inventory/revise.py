"""`make revision`: writes the revision that brings a migrated database to what the catalogue declares now.

`python -m app.inventory.revise [NAME]`. The newest revision is made anew as long as this tool made it and it is not
released; else the next number is taken. Released ones stand in migrations/released.sha256 and never change.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.database import cluster
from app.database.location import find_location
from app.database.migrate import migrate
from app.database.revision import FOLDER
from app.database.server import admin_parameters
from app.errors import BadDeclaration, BadInput, ChengtuError
from app.inventory.growth import Growth, Narrowing, compare
from app.inventory.schema_store import read_tables
from app.inventory.tables import SCHEMA
from app.settings import Settings

MARK = "-- Made by `make revision` from the difference between the revision before and the catalogue.\n"
#: A developer may change a rule (the rows stored are theirs to look after); nothing else may be narrowed.
RULE_KEYS = frozenset({"choices", "minimum"})
_PYTHON = '''"""{title}"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "{number}"
down_revision = "{before}"


def upgrade() -> None:
    # Frozen text; the driver takes the whole file as one message.
    driver = op.get_bind().connection.driver_connection
    driver.execute("SET LOCAL ROLE chengtu_owner")
    driver.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
'''


def plan(folder: Path, name: str | None) -> tuple[str, Path]:
    """The revision to start from and the file to write: the newest one anew, or one more named `name`.

    Raises:
        BadInput: One more is needed and has no name, or a name that no file can bear.
    """
    files = sorted((folder / "versions").glob("[0-9][0-9][0-9][0-9]_*.sql"))
    newest = files[-1]
    released = (folder / "released.sha256").read_text(encoding="utf-8")
    own = newest.read_text(encoding="utf-8").startswith(MARK) and newest.name not in released
    if own and name in {None, newest.stem[5:]}:
        return files[-2].stem[:4], newest
    if name is None or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise BadInput(
            f"The revision after {newest.stem} needs a name.",
            "Say what it adds, in a-z, 0-9 and _: make revision NAME=benches",
        )
    return newest.stem[:4], newest.with_name(f"{int(newest.stem[:4]) + 1:04d}_{name}.sql")


def difference(settings: Settings, catalogue: Catalogue, before: str) -> str:
    """The DDL between revision `before` and the catalogue; `settings` name a database to try it in.

    Raises:
        BadDeclaration: The catalogue takes away what a city may have stored.
    """
    migrate(settings, to=before)
    with psycopg.connect(**admin_parameters(settings)) as connection:
        growth = compare(read_tables(connection, [SCHEMA]), catalogue)
    _check(growth)
    return "".join(f"{_tidy(statement)};\n\n" for statement in growth.statements)


def _check(growth: Growth) -> None:
    problems = [_told(item) for item in growth.narrowings if item.key not in RULE_KEYS]
    problems += [
        f"{table}{f', {column}' if column else ''} is no longer declared" for _, table, column in growth.left
    ]
    if problems:
        raise BadDeclaration(
            f"The catalogue takes away what a city may have stored: {'; '.join(problems)}.",
            "Declare it again, or write such a revision by hand.",
        )


def _told(item: Narrowing) -> str:
    return f"classes/{item.class_id}.yaml, {item.field or 'class'}, {item.key}: {item.reason}"


def _tidy(statement: str) -> str:
    return "\n".join(line.rstrip().replace("\t", "    ") for line in statement.splitlines())


def write(file: Path, before: str, statements: str) -> None:
    """Write the revision: its SQL, and beside it the module that runs it, unless that stands already."""
    file.write_text(MARK + (statements.rstrip() or "SELECT 1;") + "\n", encoding="utf-8")
    module = file.with_suffix(".py")
    if not module.exists():
        title = f"Classes and fields added to the catalogue: {file.stem[5:].replace('_', ' ')}."
        module.write_text(_PYTHON.format(title=title, number=file.stem[:4], before=before), encoding="utf-8")


@contextmanager
def scratch() -> Iterator[Settings]:
    """Settings of an embedded database of its own, removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="chengtu-revision-"))
    settings = Settings(home=home, DATABASE_URL=None)
    try:
        yield settings
    finally:
        location = find_location(home)
        cluster.stop(settings)
        if location is not None:
            shutil.rmtree(location.root, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def main(arguments: list[str]) -> None:
    """Write the revision and say where it is."""
    before, file = plan(FOLDER, next(iter(arguments), None) or None)
    with scratch() as settings:
        statements = difference(settings, load_catalogue(Settings().geodata), before)
    if not statements and not file.exists():
        sys.stdout.write("The newest revision has all that the catalogue declares: nothing to write.\n")
        return
    write(file, before, statements)
    count = statements.count(";\n\n")
    sys.stdout.write(f"{file.parent.parent.name}/{file.parent.name}/{file.name}: {count} statements.\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ChengtuError as error:
        sys.exit(f"{error.message}\n{error.hint or ''}".rstrip())
