"""Zip archives: what is beyond the bounds is refused by its list, before anything is unpacked."""

from __future__ import annotations

import io
import os
import resource
import stat
import struct
import time
import zipfile
import zlib

import pytest

from app.errors import UnreadableFile
from app.ingest import archive
from app.ingest.archive import members, unpacked


def pack(path, files: dict[str, bytes], **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content, **options)
    return path


def named(path, raw: bytes, content: bytes = b"x"):
    """A zip with one member whose name is exactly these bytes, without the flag of UTF-8."""
    crc = zlib.crc32(content)
    head = struct.pack(
        "<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 33, crc, len(content), len(content), len(raw), 0
    )
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, crc, len(content), len(content), len(raw), 0, 0, 0, 0, 0, 0
    )  # fmt: skip
    body = head + raw + content
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entry) + len(raw), len(body), 0)
    path.write_bytes(body + entry + raw + end)
    return path


def linked(path):
    info = zipfile.ZipInfo("a.geojson")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(info, "/etc/hostname")
    return path


def locked(path):
    pack(path, {"a.geojson": b"{}"})
    content = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + at] |= 1
    path.write_bytes(content)
    return path


def lying(path):
    """The list says 1 byte, the contents are 20 MB."""
    pack(path, {"a.csv": bytes(20_000_000)})
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = (1).to_bytes(4, "little")
    path.write_bytes(content)
    return path


REFUSED = {
    "ratio": (lambda p: pack(p, {"a.csv": bytes(60_000_000)}), "times its size"),
    "members": (lambda p: pack(p, {f"{i}.csv": b"" for i in range(1_001)}), "more than 1,000 files"),
    "traversal": (lambda p: named(p, b"../../etc/cron.d/x"), "leads outside"),
    "backslashes": (lambda p: named(p, b"..\\..\\x.csv"), "leads outside"),
    "absolute": (lambda p: named(p, b"/etc/passwd"), "leads outside"),
    "drive": (lambda p: named(p, b"C:/x.csv"), "leads outside"),
    "link": (linked, "is a link or device"),
    "nested": (lambda p: pack(p, {"a/b.zip": b"PK"}), "holds another archive"),
    "locked": (locked, "locked by a password"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_beyond_the_bounds_is_refused_at_once(tmp_path, name):
    make, said = REFUSED[name]
    path = make(tmp_path / "a.zip")
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UnreadableFile, match=said) as caught, unpacked(path):
        pytest.fail("it was unpacked")
    assert time.monotonic() - started < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == [path]


def test_more_than_two_gigabytes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_UNPACKED", 1_000)
    with pytest.raises(UnreadableFile, match="more than 2 GB"):
        members(pack(tmp_path / "a.zip", {"a.csv": os.urandom(1_001)}))


def test_a_list_of_contents_that_is_a_bomb_is_not_read(tmp_path):
    path = tmp_path / "a.zip"
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65_535, 65_535, 900_000_000, 0, 0)
    path.write_bytes(b"PK\x03\x04" + bytes(1_000) + end)
    with pytest.raises(UnreadableFile, match="more than 1,000 files"):
        members(path)


def test_a_list_that_lies_is_found_while_unpacking(tmp_path):
    with pytest.raises(UnreadableFile, match="damaged"), unpacked(lying(tmp_path / "a.zip")):
        pytest.fail("it was unpacked")


def test_small_contents_may_be_packed_tightly(tmp_path):
    with unpacked(pack(tmp_path / "a.zip", {"a.csv": bytes(9_000_000)})) as folder:
        assert (folder / "a.csv").stat().st_size == 9_000_000
    assert not folder.exists()


@pytest.mark.parametrize("codec", ["gbk", "utf-8"])
def test_names_are_read_as_they_were_written(tmp_path, codec):
    path = named(tmp_path / "a.zip", "数据\\公共厕所.csv".encode(codec))
    assert [member.name for member in members(path)] == ["数据/公共厕所.csv"]
    with unpacked(path) as folder:
        assert (folder / "数据" / "公共厕所.csv").read_bytes() == b"x"


def test_what_a_mac_adds_is_passed_over(tmp_path):
    path = pack(tmp_path / "a.zip", {"a.csv": b"x", "__MACOSX/._a.csv": b"x", ".DS_Store": b"x"})
    assert [member.name for member in members(path)] == ["a.csv"]


def test_damage_is_told(tmp_path):
    path = pack(tmp_path / "a.zip", {"a.csv": os.urandom(5_000)})
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(UnreadableFile, match="its end is missing"):
        members(path)
    broken = io.BytesIO(whole).getbuffer().tobytes().replace(whole[200:300], bytes(100))
    path.write_bytes(broken)
    with pytest.raises(UnreadableFile, match=r"'a.csv' cannot be unpacked"), unpacked(path):
        pytest.fail("it was unpacked")
