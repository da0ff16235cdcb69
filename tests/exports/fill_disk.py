"""Run in a mount namespace of its own: exports a class in every format to a disk without room, tells what came of it.

`fill_disk.py FOLDER CLASS` prints JSON: ending → what was raised, and the files that are left. The disk goes with the
process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from app.catalogue.loader import load_catalogue
from app.database.engine import open_database
from app.errors import ChengtuError
from app.exports.formats import FORMATS
from app.exports.service import export
from app.settings import Settings


def main() -> None:
    """Mount, export, tell."""
    place, class_id = Path(sys.argv[1]), sys.argv[2]
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1040k", "tmpfs", place], check=True)
    settings = Settings()
    catalogue, database = load_catalogue(settings.geodata), open_database(settings)
    found = {}
    for ending in FORMATS:
        raised = "nothing"
        try:
            export(database, catalogue, class_id, place / f"x.{ending}")
        except ChengtuError as error:
            raised = type(error).__name__
        found[ending] = [raised, [item.name for item in place.iterdir()]]
    database.dispose()
    sys.stdout.write(json.dumps(found))


main()
