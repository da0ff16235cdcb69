"""The encoding of a dBase table's text: as asked, by `.cpg`, by language byte, strict UTF-8, GB18030; never a guess."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import UnreadableFile
from app.ingest.readers.encoding import MIN_COMMON, NAME_IT, common_share

#: A text with bytes beyond ASCII, and the width of its field, at which it may be cut within a character.
Cell = tuple[bytes, int]
#: Language bytes (LDID) that name an encoding; 0 and 0x57 ("ANSI") name none.
_LANGUAGES = {
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x13: "cp932", 0x4D: "gb18030", 0x4E: "cp949", 0x4F: "cp950",
    0x50: "cp874", 0x58: "cp1252", 0x59: "cp1252", 0x64: "cp852", 0x65: "cp866", 0x78: "cp950", 0x79: "cp949",
    0x7A: "gb18030", 0x7B: "cp932", 0x7C: "cp874", 0xC8: "cp1250", 0xC9: "cp1251", 0xCA: "cp1254", 0xCB: "cp1253",
    0xCC: "cp1257",
}  # fmt: skip
_TITLES = {"utf-8": "UTF-8", "gb18030": "GB18030"}
#: Encodings of western Europe, in which any bytes can be read: Chinese written under their name is not theirs.
_WESTERN = {"iso8859-1", "iso8859-15", "cp1252", "cp437", "cp850"}
#: Tables of which fewer texts than this do not fit are taken; those texts stay bytes and their rows are refused.
MAX_DAMAGED = 0.1
#: So many are damage and no other encoding, where one is declared.
FEW_DAMAGED = 3


@dataclass(frozen=True, slots=True)
class Chosen:
    """`codec` is Python's name, `title` what people call it; `notes` say how it was found."""

    codec: str
    title: str
    notes: tuple[str, ...]


def choose(
    name: str, cells: Sequence[Cell], asked: str | None, declared: str | None, language: int
) -> Chosen:
    """The encoding in which the texts can be read: the first that fits of those that are asked for or declared.

    Raises:
        UnreadableFile: `asked` is no encoding or does not fit, or no encoding can be told.
    """
    high = [cell for cell in cells if any(byte > 127 for byte in cell[0])]
    if asked is not None:
        return _as_asked(name, high, asked)
    if not high:
        return Chosen("utf-8", "UTF-8", ("encoding: all text is ASCII",))
    failed: list[str] = []
    for codec, said in _candidates(declared, language):
        share = _failing(high, codec) / len(high)
        if share:
            failed.append(f"{said or _title(codec)}, which {share:.0%} of its texts are not")
        elif codec in _WESTERN and _looks_chinese(high):
            failed.append(f"{said}, but the text is Chinese")
        elif codec != "utf-8" and _is_chinese_utf8(high):
            failed.append(f"{said}, but the text is UTF-8")
        else:
            return _found(codec, said, high, failed)
    if _failing(high, "gb18030") == 0 and _looks_chinese(high):
        return _found("gb18030", "", high, failed)
    return _with_damage(name, high, failed, _codec(declared) if declared else None)


def _as_asked(name: str, high: list[Cell], asked: str) -> Chosen:
    codec = _codec(asked)
    if codec is None:
        raise UnreadableFile(f"There is no encoding '{asked}'.", NAME_IT)
    share = _failing(high, codec) / max(len(high), 1)
    if share > MAX_DAMAGED:
        raise UnreadableFile(f"'{name}' is not in {asked}: {share:.0%} of its texts do not fit.", NAME_IT)
    return Chosen(codec, asked, (f"encoding {asked}: as asked", *_cut_note(high, codec)))


def _candidates(declared: str | None, language: int) -> Iterator[tuple[str, str]]:
    """Encodings to try, each with who says so; UTF-8 comes last, on its own evidence."""
    if declared and (codec := _codec(declared)):
        yield codec, f"its .cpg says {declared}"
    if codec := _LANGUAGES.get(language):
        yield codec, f"its language byte (0x{language:02X}) says {_title(codec)}"
    if not (declared and _codec(declared) == "utf-8"):
        yield "utf-8", ""


def _codec(name: str) -> str | None:
    """Python's name for what users, `.cpg` files and ESRI call an encoding; None where it is none of text."""
    plain = name.strip().strip("\ufeff").lower()
    digits = re.search(r"(?:^|\D)(\d{3,5})$", plain)
    number = digits[1] if digits else ""
    spelled = {"936": "gb18030", "54936": "gb18030", "65001": "utf-8"}.get(number)
    iso = f"iso8859-{number[4:]}" if number.startswith("8859") else f"cp{number}"
    for one in (spelled, plain, plain.replace(" ", "-"), iso):
        try:
            found = codecs.lookup(one or "").name
            b"".decode(found)
        except LookupError:
            continue
        # GB18030 holds all of GBK and GB 2312, and the rare characters that those lack.
        return "gb18030" if found in {"gbk", "gb2312", "cp936", "hz"} else found
    return None


def _title(codec: str) -> str:
    return _TITLES.get(codec, codec)


def _found(codec: str, said: str, high: list[Cell], failed: list[str]) -> Chosen:
    if said:
        how = said
    elif codec == "utf-8":
        how = "all text fits"
    else:
        how = f"not valid UTF-8, all text decodes, {_common(high):.0%} of it to common Chinese"
    against = tuple(f"{reason}: read as {_title(codec)}" for reason in failed if reason.startswith("its "))
    return Chosen(
        codec, _title(codec), (f"encoding {_title(codec)}: {how}", *against, *_cut_note(high, codec))
    )


def _with_damage(name: str, high: list[Cell], failed: list[str], declared: str | None) -> Chosen:
    """What is declared, UTF-8 or GB18030, where most texts are; the others stay bytes, and their rows are refused."""
    for codec in dict.fromkeys((declared or "utf-8", "utf-8", "gb18030")):
        fit = [cell for cell in high if not _failing([cell], codec)]
        lost = len(high) - len(fit)
        chinese = _is_chinese_utf8(fit) if codec == "utf-8" else _common(fit) >= MIN_COMMON
        told = codec == declared and (lost <= FEW_DAMAGED or lost < len(fit))
        if (
            told
            or (lost <= MAX_DAMAGED * len(high) and (chinese or codec == "utf-8"))
            or (lost < len(fit) and chinese)
        ):
            note = f"encoding {_title(codec)}: {len(fit)} texts are, {lost} others are damaged"
            return Chosen(codec, _title(codec), (note, *_cut_note(high, codec)))
    tried = "; ".join(failed)
    raise UnreadableFile(f"The encoding of the text in '{name}' cannot be told ({tried}).", NAME_IT)


def _failing(high: list[Cell], codec: str) -> int:
    return sum(isinstance(decode_cell(raw, width, codec, "bytes"), bytes) for raw, width in high)


def _looks_chinese(high: list[Cell]) -> bool:
    return _common(high) >= MIN_COMMON


def _is_chinese_utf8(high: list[Cell]) -> bool:
    """Whether all is UTF-8, most of it Chinese: its three bytes a character may be read in other encodings as well."""
    if _failing(high, "utf-8"):
        return False
    wide = [c for raw, width in high for c in str(decode_cell(raw, width, "utf-8", "replace")) if c > "\x7f"]
    return sum(c >= "\u2e80" for c in wide) > len(wide) / 2


def _common(high: list[Cell]) -> float:
    """The share of common Chinese (GB 2312) in what is not ASCII, read as GB18030."""
    wide, common = common_share("".join(raw.decode("gb18030", "replace") for raw, _ in high))
    return common / wide if wide else 0.0


def _cut_note(high: list[Cell], codec: str) -> tuple[str, ...]:
    cut = sum(_is_cut(raw, width, codec) for raw, width in high)
    return (f"{cut} texts were cut within a character at the width of their field",) if cut else ()


def _is_cut(raw: bytes, width: int, codec: str) -> bool:
    try:
        raw.decode(codec)
    except UnicodeDecodeError:
        return isinstance(decode_cell(raw, width, codec, "bytes"), str)
    return False


def decode_cell(raw: bytes, width: int, codec: str, errors: str) -> Any:
    """The text of a cell, None where it is blank; a character cut off at the field's end is left out.

    With `errors` "bytes" a text that does not fit stays bytes; else `errors` is as in `bytes.decode`.
    """
    if not raw:
        return None
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        if len(raw) > width - 4 and (text := _without_cut(raw, codec)):
            return text
        return raw if errors == "bytes" else raw.decode(codec, errors)


def _without_cut(raw: bytes, codec: str) -> str:
    """The text up to a character of which the end is missing; empty where that is not all that is wrong."""
    try:
        return codecs.getincrementaldecoder(codec)("strict").decode(raw, final=False)
    except (UnicodeDecodeError, LookupError):
        return ""
