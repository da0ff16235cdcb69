"""The reading process with a reader that gives a chunk and, once `go` lies in its folder, does what it is told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import shapely

from app.errors import UnreadableFile
from app.ingest import child
from app.ingest.layer import Layer
from app.ingest.spool import write_spool


def run(request, spool, pipe) -> None:
    """Two chunks of a layer that is alone in its file; what comes of the second the file says."""
    spool.mkdir()
    then = json.loads(Path(request["path"]).read_text(encoding="utf-8"))["then"]
    write_spool(_layers(spool.parent, then), spool)


def _layers(folder: Path, then: str) -> Iterator[Layer]:
    yield _layer(1, "name")
    while not (folder / "go").exists():
        time.sleep(0.01)
    if then == "break":
        raise UnreadableFile("It breaks off.", "Save it again.")
    yield _layer(3, "title" if then == "turn" else "name")


def _layer(first: int, heading: str) -> Layer:
    rows = [first, first + 1]
    shapes = shapely.points(rows, 1)
    names = [f"亭{row}" for row in rows]
    return Layer(
        "toilets", rows, np.asarray(shapes), {heading: names}, "EPSG:4326", notes=(f"{first}",), alone=True
    )


class _Work:
    run = staticmethod(run)


if __name__ == "__main__":
    child.work = _Work
    child.main()
