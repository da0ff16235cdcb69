"""A database of its own for a benchmark: a cluster in a temporary folder, gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.database.cluster import stop
from app.database.engine import Database, open_database
from app.settings import Settings


@contextmanager
def scratch() -> Iterator[tuple[Settings, Catalogue, Database]]:
    """Settings, catalogue and the migrated, empty database."""
    with tempfile.TemporaryDirectory(prefix="chengtu-bench-") as home:
        Path(home).chmod(0o755)
        settings = Settings(home=Path(home), DATABASE_URL=None)
        db = open_database(settings, make=True)
        try:
            yield settings, load_catalogue(settings.geodata), db
        finally:
            db.dispose()
            stop(settings)
