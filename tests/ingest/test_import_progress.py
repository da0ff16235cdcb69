"""How far an import is: its rows are told as they are handed on, and the job's share only grows, to 1 at its end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.ingest import upload_service
from app.ingest.layer import CHUNK_ROWS
from app.ingest.upload_service import _Teller
from app.jobs.context import JobContext
from app.main import create_app
from tests.importing import import_path, own_home, working

ROWS = 2 * CHUNK_ROWS + 10


def table() -> bytes:
    rows = [f"t{i},厕所{i},{115.8 + i % 1000 / 10000:.4f},{28.6 + i // 1000 / 1000:.3f}" for i in range(ROWS)]
    return "\n".join(["code,name,lon,lat", *rows]).encode()


def test_rows_are_told_chunk_by_chunk_and_out_of_how_many_once_that_is_known(database, catalogue, tmp_path):
    path = tmp_path / "toilets.csv"
    path.write_bytes(table())
    told: list[tuple[float, float | None, str]] = []
    import_path(database, catalogue, path, who="test", progress=lambda *step: told.append(step))
    written = [(done, total) for done, total, text in told if text == "writing"]
    assert [done for done, _ in written] == [0, CHUNK_ROWS, 2 * CHUNK_ROWS, ROWS]
    # Chunks are handed on while those behind them are read: how many there are may be known late.
    assert {total for _, total in written} <= {None, ROWS}


@pytest.mark.wide
def test_the_share_of_a_job_only_grows_and_is_1_at_its_end_alone(settings, database, tmp_path, monkeypatch):
    shares: list[float | None] = []
    progress = JobContext.progress

    def keep(self: JobContext, share: float | None, message: str = "") -> None:
        shares.append(share)
        progress(self, share, message)

    monkeypatch.setattr(JobContext, "progress", keep)
    monkeypatch.setattr(upload_service, "TELL_S", 0.0)
    folder = tmp_path / "home"
    folder.mkdir()
    home = own_home(settings, folder)
    with working(home), TestClient(create_app(home)) as client:
        sent = client.post("/imports", files={"file": ("toilets.csv", table())})
        assert sent.status_code == 201, sent.text
        job = client.get(f"/jobs/{client.get(sent.headers['location']).json()['job']}").json()
    assert job["progress"] == 1
    known = [share for share in shares if share is not None]
    assert known == shares == sorted(known)
    assert (known[0], known[-1] < 1, len(set(known)) >= 3) == (0, True, True)


@pytest.mark.parametrize(
    ("steps", "shares"),
    [
        (
            [(5, None, "reading"), (0, None, "writing"), (10, 20, "writing"), (20, 20, "toilets")],
            [0, 0.05, 0.325, 0.99],
        ),
        ([(20, 20, "writing"), (10, 40, "writing"), (5, 10, "toilets")], [0.6, 0.6, 0.795]),
    ],
)  # fmt: skip
def test_each_step_has_its_part_of_the_whole(steps, shares, monkeypatch):
    monkeypatch.setattr(upload_service, "TELL_S", 0.0)
    context: Any = SimpleNamespace(
        finished=False, check=lambda: None, progress=lambda share, _text: told.append(share)
    )
    told: list[float] = []
    teller = _Teller(context)
    for step in steps:
        teller(*step)
    assert told == shares
