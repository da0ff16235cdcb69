"""Names of files as people read them: those that Chinese Windows has packed are not UTF-8."""

from __future__ import annotations

import os
from pathlib import Path


def shown(path: Path) -> str:
    """The path as text that can be printed and stored: each part read as UTF-8, else as GB18030, else with marks."""
    text = str(path)
    return text if _is_text(text) else "/".join(map(_decoded, os.fsencode(path).split(b"/")))


def shown_name(path: Path) -> str:
    """The last part of a path, as `shown` gives it."""
    return shown(Path(path.name))


def _is_text(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)


def _decoded(part: bytes) -> str:
    for encoding in ("utf-8", "gb18030"):
        try:
            return part.decode(encoding)
        except UnicodeDecodeError:
            continue
    return part.decode("utf-8", "replace")
