"""An import in a process that can be killed: started by the tests of what a kill leaves."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

from app.catalogue.loader import load_catalogue
from app.database.engine import open_database
from app.ingest.options import ImportOptions
from app.ingest.sandbox import Limits
from app.ingest.service import Importing, import_with
from app.settings import Settings


def run(settings: Settings, path: Path, options: ImportOptions, pipe: Connection) -> None:
    """Import `path`, telling each step by a word."""
    pipe.send("started")
    database = open_database(settings)
    means = Importing(
        database, load_catalogue(settings.geodata), "test", limits=Limits.of(settings),
        progress=lambda *step: pipe.send(step[2]),
    )  # fmt: skip
    import_with(means, path, options)
    pipe.send("done")
