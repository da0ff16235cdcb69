"""XML files as UTF-8, whatever encoding they declare: parsers know few of the encodings in which Chinese is written."""

from __future__ import annotations

import re

from app.errors import UnreadableFile
from app.ingest.files import SourceFile

MAX_BYTES = 1024**3
SAMPLE_BYTES = 16 * 1024**2
_DECLARED = re.compile(rb"\A\s*<\?xml[^>]*?encoding\s*=\s*[\"']([\w.:-]+)[\"'][^>]*\?>")
_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml.*?\?>", re.DOTALL)
HINT = "Export it again in UTF-8, or name its encoding with --encoding."


def utf8_xml(file: SourceFile, asked: str | None) -> tuple[bytes, str]:
    """The XML text in UTF-8 without its declaration, and the encoding in which it stands in the file.

    `asked` counts before a byte order mark, which counts before the declaration, which counts before UTF-8. Text that
    is not in the encoding that it declares is taken as UTF-8 or GB18030, where it is that.

    Raises:
        UnreadableFile: It is larger than 1 GB, or is in none of these encodings.
    """
    if file.path.stat().st_size > MAX_BYTES:
        raise UnreadableFile(f"'{file.name}' is larger than 1 GB.", "Save it as GeoPackage.")
    raw = file.path.read_bytes()
    found = _DECLARED.match(raw[:200])
    declared = found[1].decode("ascii").lower() if found else "utf-8"
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        declared = "utf-16"
    for encoding in [asked] if asked else [_wide(declared), "utf-8", "gb18030"]:
        if encoding == "gb18030" and not asked and mostly_utf8(raw):
            continue
        try:
            text = raw.decode(encoding)
        except UnicodeError:
            continue
        except LookupError as error:
            if asked:
                raise UnreadableFile(f"There is no encoding '{asked}'.", HINT) from error
            continue
        return _DECLARATION.sub("", text).lstrip("\ufeff").encode(), encoding.upper()
    raise UnreadableFile(f"'{file.name}' is not in {asked or declared}.", HINT)


def mostly_utf8(raw: bytes) -> bool:
    """Whether the text is UTF-8 but for a few damaged bytes: GB18030 would read something else into it."""
    text = raw[:SAMPLE_BYTES].decode("utf-8", "replace")
    wide = sum(character > "\x7f" for character in text)
    return text.count("\ufffd") * 10 < wide


def _wide(declared: str) -> str:
    """GB18030 for its subsets, which writers name when they use characters beyond them."""
    return "gb18030" if declared in {"gb2312", "gbk", "cp936", "gb_2312-80"} else declared
