"""The store of tiles: whole or not at all, within its limit, the longest unread go first, faults cost only speed."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from app.tiles import shelf
from app.tiles.shelf import Shelf, packed, stored

MIB = 2**20
KEY = "ab" + "0" * 30
TILE = stored(b"tile" * 1000, "buildings;shown=1;matched=2")


def key(number: int) -> str:
    return f"{number:032x}"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def fresh(folder: Path, limit: int = MIB) -> Shelf:
    """A shelf that remembers nothing, as another worker has it."""
    return Shelf(folder / "tiles", limit)


@pytest.mark.parametrize("tile", [TILE, packed(TILE), stored(b"x")])
def test_another_worker_finds_what_one_has_written(tmp_path, tile):
    assert fresh(tmp_path).find(KEY) is None
    fresh(tmp_path).write(KEY, tile)
    other = fresh(tmp_path)
    assert other.recall(KEY) is None
    assert other.has(KEY)
    assert other.find(KEY) == tile
    assert other.recall(KEY) == tile


def test_bytes_have_one_hash_and_one_packed_copy():
    assert stored(TILE.body).digest == TILE.digest
    assert stored(TILE.body + b"!").digest != TILE.digest
    assert packed(TILE) == packed(stored(TILE.body, TILE.thinned))
    assert packed(stored(b"short")).packed is None


@pytest.mark.parametrize("where", ["short", "start", "head", "body", "end", "long", "empty", "other"])
def test_a_torn_file_was_never_there(tmp_path, where):
    fresh(tmp_path).write(KEY, TILE)
    (path,) = files(tmp_path)
    content = bytearray(path.read_bytes())
    match where:
        case "short":
            del content[-100:]
        case "empty":
            content.clear()
        case "long":
            content += b"more"
        case "other":  # whole, but written for another tile
            fresh(tmp_path / "beside").write(key(7), TILE)
            content[:] = files(tmp_path / "beside")[0].read_bytes()
        case _:
            content[{"start": 0, "head": 40, "body": 500, "end": -1}[where]] ^= 1
    path.write_bytes(content)
    found = fresh(tmp_path)
    assert found.find(KEY) is None
    assert not found.has(KEY)
    found.write(KEY, TILE)
    assert fresh(tmp_path).find(KEY) == TILE


def test_a_deleted_folder_is_made_again(tmp_path):
    held = fresh(tmp_path)
    held.write(KEY, TILE)
    (tmp_path / "tiles").rename(tmp_path / "gone")
    assert fresh(tmp_path).find(KEY) is None
    held.write(KEY, TILE)
    assert fresh(tmp_path).find(KEY) == TILE


def test_a_disk_that_takes_nothing_is_told_once_and_no_more(tmp_path, caplog):
    (tmp_path / "tiles").write_text("a file where the folder should be")
    held = fresh(tmp_path)
    for number in range(3):
        held.write(key(number), TILE)
        held.remember(key(number), TILE)
    assert len(caplog.records) == 1
    assert "cannot be kept" in caplog.text
    assert held.find(key(1)) == TILE  # from memory


def test_a_disk_that_is_nearly_full_is_left_to_the_database(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(shelf, "FREE_BYTES", 2**62)
    fresh(tmp_path).write(KEY, TILE)
    assert files(tmp_path) == []
    assert "nearly full" in caplog.text


def test_what_was_not_read_for_longest_goes_first(tmp_path):
    tile = stored(os.urandom(60_000))
    held = fresh(tmp_path, MIB)
    for number in range(12):
        held.write(key(number), tile)
    for number, path in enumerate(sorted(files(tmp_path), key=lambda path: path.name)):
        os.utime(path, (1000 + number, 1000 + number))
    assert fresh(tmp_path, MIB).find(key(0)) == tile  # young again
    for number in range(12, 18):
        held.write(key(number), tile)
    kept = {path.name for path in files(tmp_path)}
    assert key(0)[2:] in kept
    assert key(1)[2:] not in kept
    assert key(17)[2:] in kept
    assert sum(path.stat().st_size for path in files(tmp_path)) <= MIB


def test_parts_of_a_process_that_died_are_removed(tmp_path):
    fresh(tmp_path).write(KEY, TILE)
    left = tmp_path / "tiles" / "ab" / "x.part"
    left.write_bytes(b"half")
    os.utime(left, (1000, 1000))
    fresh(tmp_path).write(key(1), TILE)
    assert not left.exists()
    assert fresh(tmp_path).find(KEY) == TILE


def test_memory_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(shelf, "MEMORY_BYTES", 50_000)
    held = fresh(tmp_path)
    for number in range(20):
        held.remember(key(number), TILE)
        assert held.recall(key(0)) == TILE or number > 20
    remembered = [number for number in range(20) if held.recall(key(number))]
    assert remembered == [0, *range(10, 20)]


def test_a_limit_of_nothing_keeps_nothing(tmp_path):
    held = fresh(tmp_path, 0)
    held.remember(KEY, TILE)
    held.write(KEY, TILE)
    assert (held.recall(KEY), held.find(KEY), held.has(KEY), files(tmp_path)) == (None, None, False, [])


def test_many_writers_and_readers_at_once_see_whole_tiles(tmp_path):
    tiles = [stored(bytes([number]) * 40_000) for number in range(8)]
    wrong: list[object] = []

    def work(seed: int) -> None:
        mine = fresh(tmp_path, MIB // 2)
        for step in range(60):
            number = (seed * 7 + step) % 8
            mine.write(key(number), tiles[number])
            found = fresh(tmp_path, MIB // 2).find(key((number + 3) % 8))
            if found not in (None, tiles[(number + 3) % 8]):
                wrong.append(found)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []
    assert not [path for path in files(tmp_path) if path.suffix == ".part"]
