"""Rows of a file are used while those behind them are still read; nothing else may come of it."""

from __future__ import annotations

import json
import os
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import text

from app.errors import UnreadableFile
from app.ingest import sandbox
from app.ingest.files import recognise
from app.ingest.layer import Ask
from app.ingest.plain_files import read_plain
from app.ingest.sandbox import Begun, Limits, begin, open_layers
from tests.importing import import_path


@pytest.fixture
def slow(tmp_path, monkeypatch):
    """Begins to read a file with the slow reader."""
    monkeypatch.setattr(sandbox, "MODULE", "tests.ingest.slow_reader")

    def slow(then: str) -> AbstractContextManager[Begun]:
        path = tmp_path / "toilets.geojson"
        path.write_text(json.dumps({"then": then}), encoding="utf-8")
        return begin(recognise(path), Ask(), Limits(512, 20, 16, tmp_path / "spool"))

    return slow


def go_on(begun) -> None:
    (begun.folder / "go").touch()


def test_the_first_rows_are_there_before_the_last_are_read(slow):
    with slow("go on") as begun, open_layers(begun.file, begun.ask, begun=begun) as (layer,):
        chunks = layer.chunks()
        first = next(chunks)
        assert (layer.name, layer.headings, layer.crs, layer.empty) == (
            "toilets",
            ("name",),
            "EPSG:4326",
            False,
        )
        assert (first.rows, layer.noted) == ([1, 2], ("1",))
        assert not (begun.folder / "result.json").exists()
        go_on(begun)
        assert next(chunks).columns == {"name": ["亭3", "亭4"]}
        assert next(chunks, None) is None
        assert (layer.count, layer.notes, layer.bounds) == (4, ("1", "3"), (1, 1, 4, 1))
        # Whoever goes through it again, finds the same.
        assert [chunk.rows for chunk in layer.chunks()] == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("then", "said"), [("break", "It breaks off."), ("turn", "The file was not read to its end.")]
)
def test_what_goes_wrong_behind_them_is_told_by_the_rows(slow, then, said):
    with slow(then) as begun, open_layers(begun.file, begun.ask, begun=begun) as (layer,):
        chunks = layer.chunks()
        next(chunks)
        go_on(begun)
        with pytest.raises(UnreadableFile) as caught:
            list(chunks)
        assert caught.value.message == said
        with pytest.raises(UnreadableFile):
            _ = layer.count


def test_a_file_that_breaks_off_leaves_nothing_of_its_first_rows(slow, database, catalogue):
    with slow("break") as begun:
        go_on(begun)
        with pytest.raises(UnreadableFile) as caught:
            import_path(database, catalogue, begun.file.path, class_id="toilets", who="test", begun=begun)
    assert caught.value.message == "It breaks off."
    with database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM city.toilets")).scalar_one() == 0
        assert conn.execute(text("SELECT state FROM city.imports")).scalars().all() == ["failed"]


def test_what_has_begun_is_gone_on_with_only_as_it_was_asked_for(slow):
    with slow("go on") as begun:
        go_on(begun)
        for ask, same in ((Ask(), True), (Ask("GB18030"), False)):
            with open_layers(begun.file, ask, None, Limits(folder=begun.folder.parent), begun) as (layer,):
                read = {path.name for path in begun.folder.parent.glob("read-*/")}
                assert (read == {begun.folder.name}) == same
                if same:
                    assert layer.count == 4
                else:
                    assert next(layer.chunks()).rows == [1, 2]


def test_only_files_themselves_are_taken(tmp_path):
    (tmp_path / "plain").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "plain")
    os.mkfifo(tmp_path / "pipe")
    assert read_plain(tmp_path / "plain", 5) == b"12345"
    for name, most in (("plain", 4), ("link", 9), ("pipe", 9), ("none", 9), (".", 9)):
        with pytest.raises(OSError):
            read_plain(tmp_path / name, most)
