"""SIGTERM and SIGINT in the middle of an import, a computation, a download: it ends soon, and goes on where it was."""

from __future__ import annotations

import http.client
import signal
import threading
from typing import Any

import pytest

from app.serve import GRACE_S
from tests.safety.audits import check_record, failed_jobs, left_over, no_jobs_left
from tests.safety.house import LONG, Served, asking, house, serving, tell, until
from tests.safety.load import Client, Told

pytestmark = pytest.mark.slow

ROWS = 4000
CLASS = "monuments"


def table(word: str) -> bytes:
    rows = [f"m{i},{word},{115.8 + i % 1000 / 10000:.4f},{28.6 + i // 1000 / 1000:.3f}" for i in range(ROWS)]
    return "\n".join(["code,name,lon,lat", *rows]).encode()


def begin_import(served: Served) -> str:
    with Client(served.port, Told()) as client:
        status, said, _ = client.ask(
            "POST", f"/imports?class={CLASS}&allow_outside=true&filename=m.csv", table("停"),
            Content_Type="text/csv", Prefer="wait=0",
        )  # fmt: skip
    assert status == 202, said
    return str(said["job"])


def begin_coverage(served: Served) -> str:
    body = b'{"policy": "toilet-300", "mode": "both"}'
    with Client(served.port, Told()) as client:
        status, said, _ = client.ask(
            "POST", "/coverage", body, Content_Type="application/json", Prefer="wait=0"
        )
    assert status == 202, said
    return str(said["job"])


def state_of(settings: Any, job: str) -> tuple[str, int]:
    with asking(settings) as admin:
        row = admin.execute("SELECT state, attempts FROM city.jobs WHERE id = %s", [job]).fetchone()
    assert row is not None
    return row[0], row[1]


def download(served: Served, heard: list[object]) -> None:
    """A download of the whole city: whole, or seen to be cut off."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=120)
    try:
        connection.request("GET", "/exports/city.gpkg")
        reply = connection.getresponse()
        heard.append((reply.status, len(reply.read()) == int(reply.headers["content-length"])))
    except (OSError, http.client.HTTPException) as error:
        heard.append(type(error).__name__)
    finally:
        connection.close()


#: `make soak` does both.
CASES = ((signal.SIGTERM, begin_import), (signal.SIGINT, begin_coverage))[: None if LONG else 1]


@pytest.mark.wide
def test_a_server_that_is_asked_to_stop_ends_soon_and_its_jobs_are_taken_up_again(tmp_path):
    with house("stop") as settings, serving(settings, tmp_path / "serve.log") as served:
        for by, begin in CASES:
            heard: list[object] = []
            loading = threading.Thread(target=download, args=(served, heard))
            loading.start()
            job = begin(served)
            until(lambda job=job: state_of(settings, job)[0] != "queued", "it is begun")  # type: ignore[misc]
            took = until(lambda by=by: served.stop(by) == 0, "it ends")  # type: ignore[misc]
            loading.join()
            tell(
                f"\n{by.name}: ended after {took:.1f} s; the job is {state_of(settings, job)}, the download {heard}"
            )
            # Each of the three kinds of children has its grace.
            assert took < 3 * GRACE_S
            assert heard[0] in [(200, True), (503, True)] or isinstance(heard[0], str)
            # What was in hand is back in the queue, not counted as tried; or through; or its grace was over, and the
            # next worker takes it from the dead one.
            assert state_of(settings, job) in [("queued", 0), ("done", 1), ("running", 1)]
            served.start()
            served.wait_ready()
            no_jobs_left(settings)
            assert state_of(settings, job)[0] == "done"
        assert failed_jobs(settings) == []
        # What was being written for a download has no name yet; the next ones remove it after an hour.
        assert left_over(settings, ("spool",)) == []
        with asking(settings) as admin:
            many = admin.execute(
                f"SELECT count(*) FROM city.{CLASS} WHERE code LIKE 'm%'".encode()
            ).fetchone()
        assert many == (ROWS,)
        check_record(settings)
