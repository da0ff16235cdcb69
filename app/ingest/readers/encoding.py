"""Which encoding a text file is in, by its bytes: byte order mark, the user's word, UTF-8, GB18030; never a guess."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from app.errors import UnreadableFile

BLOCK = 1 << 20
#: MiB of text that tell whether it is Chinese.
SAMPLE_BLOCKS = 16
#: Longest first: the mark of UTF-32 LE begins with that of UTF-16 LE.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Text in another 8-bit encoding that happens to be valid GB18030 decodes to characters that Chinese seldom writes.
MIN_COMMON = 0.6
NAME_IT = "Name the encoding with --encoding, for example gb18030, big5, shift_jis or latin-1."
TITLES = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-32": "UTF-32", "utf-8": "UTF-8"}


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """`codec` is Python's name of it, `title` what people call it; `evidence` says how it was found."""

    codec: str
    title: str
    evidence: str


def find_encoding(path: Path, asked: str | None = None) -> TextEncoding:
    """The encoding in which every byte of the file can be read.

    A byte order mark counts before `asked`, which counts before strict UTF-8, which counts before GB18030; the last
    only where most of what is not ASCII is common Chinese (GB 2312).

    Raises:
        UnreadableFile: `asked` is no encoding, or bytes of the file do not fit; the sentence names the first line.
    """
    with path.open("rb") as file:
        head = file.read(BLOCK)
    mark = next((codec for bom, codec in MARKS if head.startswith(bom)), None)
    if mark is not None:
        return _strict(path, mark, f"encoding {TITLES[mark]}: the file begins with a byte order mark")
    if asked is not None:
        return _strict(path, _codec(asked), f"encoding {asked}: as asked")
    # A few NUL bytes are dirt in a cell; UTF-16 has one in most of its ASCII characters.
    if head.count(0) * 40 > len(head):
        return _wide(path, head)
    bad = first_bad_line(path, "utf-8")
    if bad is None:
        return TextEncoding("utf-8", "UTF-8", "encoding UTF-8: every byte fits")
    return _chinese(path, bad)


def common_share(text: str) -> tuple[int, int]:
    """How many characters of `text` are not ASCII, and how many of these are common Chinese (GB 2312)."""
    wide = "".join(character for character in text if character > "\x7f")
    return len(wide), len(wide.encode("gb2312", "ignore")) // 2


def _codec(asked: str) -> str:
    try:
        codec = codecs.lookup(asked).name
        # Codecs that make bytes of bytes (base64, zip) are refused as no text encodings.
        "a".encode(codec)
    except LookupError as error:
        raise UnreadableFile(f"There is no encoding '{asked}' of text.", NAME_IT) from error
    return codec


def _strict(path: Path, codec: str, evidence: str) -> TextEncoding:
    bad = first_bad_line(path, codec)
    if bad is not None:
        title = TITLES.get(codec, codec)
        raise UnreadableFile(
            f"'{path.name}' is not {title}: line {bad} holds bytes that do not fit.", NAME_IT
        )
    return TextEncoding(codec, TITLES.get(codec, codec), evidence)


def _wide(path: Path, head: bytes) -> TextEncoding:
    """UTF-16 without a mark: the NUL bytes of its ASCII characters stand on one side, few (as in 开) on the other."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) < 5 * min(even, odd):
        raise UnreadableFile(f"'{path.name}' is not text: it holds NUL bytes.", NAME_IT)
    codec, title = ("utf-16-le", "UTF-16 LE") if odd > even else ("utf-16-be", "UTF-16 BE")
    return _strict(path, codec, f"encoding {title}: every second byte of its ASCII text is NUL")


def _chinese(path: Path, bad_utf8: int) -> TextEncoding:
    bad = first_bad_line(path, "gb18030")
    if bad is not None:
        raise UnreadableFile(
            f"'{path.name}' is neither UTF-8 (line {bad_utf8} does not fit) nor GB18030 (line {bad}).",
            NAME_IT,
        )
    wide = common = 0
    for text in islice(_decoded(path, "gb18030"), SAMPLE_BLOCKS):
        more, known = common_share(text)
        wide, common = wide + more, common + known
    share = common / wide if wide else 0.0
    if share < MIN_COMMON:
        raise UnreadableFile(
            f"'{path.name}' is not UTF-8 (line {bad_utf8} does not fit), and read as GB18030 only {share:.0%} of its "
            "characters outside ASCII are common Chinese.",
            NAME_IT,
        )
    why = f"not valid UTF-8 (line {bad_utf8}), {share:.0%} of what is not ASCII is common Chinese"
    return TextEncoding("gb18030", "GB18030", f"encoding GB18030: {why}")


def _decoded(path: Path, codec: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(codec)("strict")
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield decoder.decode(block)
    yield decoder.decode(b"", True)


def first_bad_line(path: Path, codec: str) -> int | None:
    """The line, from 1, of the first byte that is not `codec`; None where all are."""
    lines = 1
    try:
        for text in _decoded(path, codec):
            lines += text.count("\n")
    except UnicodeDecodeError as error:
        start = bytes(error.object[: error.start])
        return lines + start.decode(codec, "ignore").count("\n")
    return None
