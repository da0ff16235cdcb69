"""Databases that filters are tried on: drawn rows of every type, and the layers of the standard's Annex A."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.database.migrate import migrate
from app.database.transactions import Connection, Database
from app.inventory.batch import Change
from app.inventory.changes import raw
from app.inventory.local_growth import LocalGrowth
from app.inventory.service import write_batches
from app.inventory.tables import table_name
from app.ogc.cql2.compiler import compile_filter
from app.ogc.cql2.parse import parse
from app.ogc.crs import LONLAT, NamedCrs
from app.ogc.queryables import queryables_of
from app.settings import ROOT, Settings
from tests.clones import clone, opened
from tests.importing import import_path
from tests.ogc.cql2 import annex, drawn


@dataclass(frozen=True)
class Filtered:
    """A database with classes of its own."""

    settings: Settings
    database: Database
    catalogue: Catalogue

    def ids(
        self, conn: Connection, collection: str, text: str, lang: str | None = None, crs: NamedCrs = LONLAT
    ) -> set[int]:
        """The ids of the features that a filter chooses."""
        condition = compile_filter(parse(text, lang), queryables_of(self.catalogue, collection), crs)
        table = table_name(self.catalogue.get_class(collection))
        rows = raw(conn).execute(f"SELECT id FROM {table} WHERE {condition.sql}".encode(), condition.values)
        return {row[0] for row in rows}


@contextmanager
def _own(settings: Settings, template: str, folder: Path) -> Iterator[Filtered]:
    """A clone of the template with the classes that `folder` declares."""
    with clone(settings, template) as plain:
        own = Settings(home=plain.home_path, DATABASE_URL=plain.database_url, local=folder)
        migrate(own, then=LocalGrowth(own))
        with opened(own) as database:
            yield Filtered(own, database, load_catalogue(ROOT / "geodata", folder))


@pytest.fixture(scope="session")
def town(cluster_settings, template, tmp_path_factory) -> Iterator[Filtered]:
    """Drawn points, lines and polygons with fields of every type."""
    folder = drawn.write_classes(tmp_path_factory.mktemp("drawn"))
    with _own(cluster_settings, template, folder) as found:
        with found.database.write() as conn:
            write_batches(conn, found.catalogue, drawn.batches(), Change("test", "drawn"))
        yield found


@pytest.fixture(scope="session")
def layers(cluster_settings, template, data_dir, tmp_path_factory) -> Iterator[Filtered]:
    """The three layers of Annex A, imported from OGC's file."""
    folder = annex.write_classes(tmp_path_factory.mktemp("annex"))
    with _own(cluster_settings, template, folder) as found:
        import_path(found.database, found.catalogue, data_dir / "ogc" / "ne110m4cql2.gpkg")
        yield found
