"""The process that reads one stranger's file: `python -m app.ingest.child FOLDER PROGRESS_FD`, started by sandbox.py.

It gives up what it does not need, then looks at the file and reads it. What to do stands in `request.json` of the
folder; layers go to its `spool`, how it ended to `result.json`.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from app.errors import ChengtuError
from app.ingest.confine import confine
from app.lazy import lazy_module, leave_out

#: Libraries start threads, and are loaded only when the process is confined.
work = lazy_module("app.ingest.child_work")

REQUEST, RESULT, SPOOL = "request.json", "result.json", "spool"
Told = dict[str, Any]


def main() -> None:
    """Do what the request says, and leave how it ended."""
    # Loading them takes longer than reading most files; nothing here needs them.
    leave_out("pandas", "geopandas")
    folder, pipe = Path(sys.argv[1]), int(sys.argv[2])
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    barriers = confine(
        folder, Path(request["path"]), map(Path, request["parts"]), request["memory"], request["seconds"],
        request["disk"], request["parent"],
    )  # fmt: skip
    told = {} if request.get("probe") else _read(request, folder / SPOOL, pipe)
    text = json.dumps({**told, "barriers": barriers})
    (folder / RESULT).write_text(text, encoding="ascii")
    # Nothing that a library does at its end matters any more.
    sys.stderr.flush()
    os._exit(0)


def _read(request: Told, spool: Path, pipe: int) -> Told:
    """Read the file into `spool`; what went wrong as plain values."""
    try:
        work.run(request, spool, pipe)
    except ChengtuError as error:
        return {"error": error.code, "message": error.message, "hint": error.hint}
    except MemoryError:
        return {"limit": "memory"}
    except OSError as error:
        traceback.print_exc()
        return {"errno": error.errno}
    except Exception:  # noqa: BLE001 - whatever a stranger's file brings about ends here
        traceback.print_exc()
        return {"failed": True}
    return {}


if __name__ == "__main__":
    main()
