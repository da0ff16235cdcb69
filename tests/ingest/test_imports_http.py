"""Imports over HTTP: a file sent in is taken as it comes, imported once, and on record whatever becomes of it."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.errors import Away, NoSpace
from app.ingest.records_store import begin
from app.ingest.upload import Sink, new_upload
from app.ingest.upload_service import do_import
from app.jobs import store
from app.jobs.worker import Worker
from app.main import create_app
from tests.importing import own_home, working
from tests.width import thin

HEAD = "code,name,lon,lat,stalls\n"
ROWS = [f"t{i},厕所{i},{115.8 + i / 1000:.3f},28.68,{i}" for i in range(10)]


def table(*rows: str) -> bytes:
    return (HEAD + "\n".join(rows or ROWS) + "\n").encode()


@pytest.fixture
def home(settings, database, tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return own_home(settings, folder)


@pytest.fixture
def client(home):
    with working(home), TestClient(create_app(home), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def idle(home):
    """A server whose jobs nobody does."""
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def count(database):
    def count(table: str, rule: str = "true") -> int:
        with database.read() as conn:
            return conn.execute(text(f"SELECT count(*) FROM city.{table} WHERE {rule}")).scalar_one()

    return count


def send(client, content: bytes, name: str = "toilets.csv", headers=None, **fields: str):
    return client.post("/imports", files={"file": (name, content)}, data=fields, headers=headers or {})


def test_a_file_is_sent_imported_and_on_record(client, home, count):
    sent = send(client, table(), source="城管局", licence="CC-BY-4.0")
    assert sent.status_code == 201, sent.text
    report = sent.json()
    assert report["classes"]["toilets"]["loaded"] == 10 == count("toilets")
    assert report["path"] == "toilets.csv"
    assert sent.headers["location"] == f"/imports/{report['import']}"
    told = client.get(sent.headers["location"]).json()
    assert (told["state"], told["path"], told["who"], told["source"]) == (
        "done",
        "toilets.csv",
        "http",
        "城管局",
    )
    assert told["job"]
    assert list((home.home_path / "uploads").iterdir()) == []
    again = send(client, table())
    assert again.json()["classes"]["toilets"]["unchanged"] == 10


def test_a_body_alone_bears_its_name_and_its_options_in_the_query(client, count):
    headers = {
        "Content-Type": "text/csv",
        "Content-Disposition": "attachment; filename*=UTF-8''%E5%85%AC%E5%8E%95.csv",
    }
    sent = client.post("/imports?class=toilets&crs=EPSG:4326", content=table(), headers=headers)
    assert sent.status_code == 201, sent.text
    assert sent.json()["path"] == "公厕.csv"
    named = client.post(
        "/imports?filename=toilets.csv", content=table(), headers={"Content-Type": "text/csv"}
    )
    assert named.json()["classes"]["toilets"]["unchanged"] == 10 == count("toilets")


def test_a_dry_run_tells_and_leaves_no_trace(client, count):
    sent = send(client, table(), dry_run="true")
    assert (sent.status_code, sent.json()["import"]) == (200, None)
    assert sent.json()["difference"]["toilets"]["new"] == 10
    assert (count("toilets"), count("imports")) == (0, 0)


REFUSED = [
    ({"clas": "toilets"}, "Did you mean class"),
    ({"class": "toiletts"}, "toilets"),
    ({"crs": "EPSG:99999"}, "EPSG:99999"),
    ({"strict": "perhaps"}, "strict"),
    ({"on_conflict": "mine"}, "on_conflict"),
    ({"valid_from": "yesterday"}, "valid_from"),
    ({"mapping": "class: toilets\ncolumns: {name: nowhere}\n"}, "nowhere"),
    ({"where": "a ="}, "where"),
    ({"delete_missing": "1", "where": "stalls > 1"}, "missing"),
    ({"code_system": "gbt"}, "gbt"),
]  # fmt: skip


def test_what_cannot_be_is_refused_before_it_is_queued(idle, home, count):
    for fields, said in REFUSED:
        answer = send(idle, table(), **fields)
        assert answer.status_code in {400, 404}, answer.text
        assert said.lower() in answer.text.lower()
        assert str(home.home_path) not in answer.text
    assert (count("jobs"), count("imports")) == (0, 0)
    assert list((home.home_path / "uploads").iterdir()) == []


def test_bodies_that_are_no_upload_are_refused(idle, home):
    client = idle
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    whole = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nx\r\n--x'
    answers = [
        client.post("/imports", content=b"", headers={"Content-Type": "text/csv"}),
        client.post("/imports", content=whole, headers=form),
        client.post("/imports", content=b"nothing", headers=form),
        client.post("/imports", content=whole, headers={"Content-Type": "multipart/form-data"}),
        client.post(
            "/imports", content=b"file=x", headers={"Content-Type": "application/x-www-form-urlencoded"}
        ),
        client.post("/imports", content=b"x", headers={"Content-Encoding": "gzip"}),
        client.post("/imports", files=[("file", ("a.csv", b"x")), ("file", ("b.csv", b"y"))]),
        client.post("/imports", data={"class": "toilets"}, files={"mapping": ("m.yaml", b"class: toilets")}),
        client.post("/imports?claas=toilets", content=b"x"),
        client.post("/imports", content=table(), headers={"Sec-Fetch-Site": "cross-site"}),
    ]
    assert [answer.status_code for answer in answers] == [400] * len(answers)
    assert all(answer.json()["hint"] for answer in answers)
    uploads = home.home_path / "uploads"
    assert not uploads.exists() or list(uploads.iterdir()) == []


def test_a_name_is_never_a_path(client, home, count):
    for name in ("../../../toilets.csv", "/etc/toilets.csv", "C:\\x\\toilets.csv", ".\x00toilets.csv"):
        sent = send(client, table(), name, **{"class": "toilets"})
        assert sent.status_code == 201, sent.text
        assert sent.json()["path"].endswith("toilets.csv")
        assert "/" not in sent.json()["path"]
    kept = {item.name for item in home.home_path.iterdir() if not item.is_symlink()}
    assert kept - {"audit"} == {"uploads", "spool"}
    assert count("toilets") == 10


def test_more_than_the_limit_is_refused_and_nothing_else_is_let_through(home, count):
    small = home.model_copy(update={"upload_limit_mb": 2})
    with TestClient(create_app(small), raise_server_exceptions=False) as client:
        whole = b"x" * 3_000_000
        told = client.post("/imports", content=whole, headers={"Content-Type": "text/csv"})
        assert (told.status_code, "2 MB" in told.text) == (413, True)
        streamed = client.post(
            "/imports", content=iter([b"x" * 500_000] * 6), headers={"Content-Type": "text/csv"}
        )
        assert (streamed.status_code, "2 MB" in streamed.text) == (413, True)
        assert list((small.home_path / "uploads").iterdir()) == []
        assert client.post("/coverage", content=whole[:1_500_000]).status_code == 413
    assert count("jobs") == 0


def test_the_same_key_gives_the_same_import(client, count):
    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda _: send(client, table(), headers={"Idempotency-Key": "a"}), range(12)))
    assert {answer.status_code for answer in sent} == {201}
    assert len({answer.json()["import"] for answer in sent}) == 1
    assert (count("imports"), count("jobs", "kind = 'import'"), count("toilets")) == (1, 1, 10)
    other = send(client, table(*ROWS[:3]), headers={"Idempotency-Key": "a"})
    assert other.status_code == 409
    assert (
        send(client, table(), headers={"Idempotency-Key": "b"}).json()["import"] != sent[0].json()["import"]
    )


KEYED = {"Idempotency-Key": "again"}


@pytest.mark.parametrize(
    "failure",
    thin([NoSpace("The disk is full."), Away("The engine is not running."), ZeroDivisionError("ours")]),
)
def test_what_the_machine_made_fail_is_done_anew_under_the_same_key(idle, home, database, count, failure):
    def fail(_: object) -> dict:
        raise failure

    first = send(idle, table(), headers={**KEYED, "Prefer": "wait=0"}).json()["import"]
    worker = Worker(database, {"import": fail})
    while worker.run_one():
        pass
    assert count("jobs", "state = 'failed' AND (error ->> 'status')::int >= 500") == 1
    # another file is another import, whatever became of the first one
    assert send(idle, table(*ROWS[:3]), headers={**KEYED, "Prefer": "wait=0"}).status_code == 409
    with working(home), ThreadPoolExecutor(8) as pool:
        again = list(
            pool.map(lambda _: send(idle, table(), headers={**KEYED, "Prefer": "wait=30"}), range(12))
        )
    assert {answer.status_code for answer in again} == {201}
    (second,) = {answer.json()["import"] for answer in again}
    assert second != first
    assert (count("toilets"), count("jobs"), count("jobs", "idempotency_key IS NOT NULL")) == (10, 2, 1)


def test_what_the_file_made_fail_stays_the_answer_to_its_key(client, count):
    sent = [send(client, b"code,name\na,b\n", headers=KEYED) for _ in range(3)]
    assert {answer.status_code for answer in sent} == {400}
    assert len({answer.json()["detail"] for answer in sent}) == 1
    assert (count("jobs"), count("imports", "state = 'failed'")) == (1, 1)


def test_what_takes_longer_goes_on_as_a_job(idle, home, count):
    sent = send(idle, table(), headers={"Prefer": "wait=0"})
    assert sent.status_code == 202
    assert idle.get(f"/imports/{sent.json()['import']}").status_code == 404
    stopped = send(idle, table(*ROWS[:2]), headers={"Prefer": "wait=0"})
    assert idle.delete(stopped.headers["location"]).json()["state"] == "cancelled"
    with working(home):
        done = ended(idle, sent.headers["location"])
    assert done["result"]["classes"]["toilets"]["loaded"] == 10 == count("toilets")
    assert idle.get(f"/imports/{sent.json()['import']}").json()["state"] == "done"


def ended(client, job: str) -> dict:
    """The job once it has ended."""
    deadline = time.monotonic() + 30
    while (told := client.get(job).json())["state"] in {"queued", "running"}:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return told


def test_a_running_import_is_stopped_and_rolled_back(idle, home, catalogue, database, count):
    rows = [f"t{i},厕所{i},{115.8 + i / 1e6:.6f},28.68,{i % 9}" for i in range(60_000)]
    sent = send(idle, table(*rows), headers={"Prefer": "wait=0"})
    job, record = sent.headers["location"], f"/imports/{sent.json()['import']}"
    worker = Worker(database, {"import": lambda context: do_import(context, catalogue)}, beat_s=0.05)
    database.settings = home
    thread = threading.Thread(target=worker.run_one)
    thread.start()
    while idle.get(record).status_code == 404:
        time.sleep(0.01)
    assert idle.get(record).json()["state"] == "running"
    idle.delete(job)
    thread.join(30)
    assert idle.get(job).json()["state"] == "cancelled"
    told = idle.get(record).json()
    assert (told["state"], told["error"]["code"]) == ("interrupted", "cancelled")
    assert (count("toilets"), count("changes")) == (0, 0)
    assert list((home.home_path / "uploads").iterdir()) == []


def test_a_job_whose_worker_died_is_done_again_under_the_same_id(idle, home, database, count):
    sent = send(idle, table(), headers={"Prefer": "wait=0"}).json()
    with database.write() as conn:
        assert store.claim(conn, ["import"], uuid4()) is not None
        conn.execute(text("UPDATE city.jobs SET heartbeat_at = clock_timestamp() - interval '1 hour'"))
        begin(conn, UUID(sent["import"]), "toilets.csv", "delimited", "http", UUID(sent["job"]))
    assert idle.get(f"/imports/{sent['import']}").json()["state"] == "interrupted"
    with working(home):
        done = ended(idle, f"/jobs/{sent['job']}")
    assert (done["state"], done["result"]["import"]) == ("done", sent["import"])
    assert (count("imports"), count("imports", "state = 'done'"), count("toilets")) == (1, 1, 10)


def test_a_full_disk_is_told_while_a_file_comes(tmp_path):
    upload = new_upload(tmp_path)
    sink = Sink(upload, "toilets.csv")
    sink._file.close()
    with Path("/dev/full").open("wb", buffering=0) as full:
        sink._file = full
        with pytest.raises(NoSpace):
            sink.write(b"x")


def test_a_file_that_cannot_be_read_is_on_record_as_failed(client, count, home):
    sent = send(client, b"AC1015\x00\x00\x00" + bytes(500), "plan.dwg")
    assert sent.status_code == 400
    assert "DXF" in sent.json()["hint"]
    error = client.get(f"/jobs/{sent.json()['job']}").json()["error"]
    assert error["message_zh"] == "“plan.dwg”是 DWG 图，不读取这种文件。"
    told = client.get(f"/imports/{sent.json()['import']}").json()
    assert (told["state"], told["error"]["code"], told["path"]) == ("failed", "unreadable-file", "plan.dwg")
    assert str(home.home_path) not in json.dumps(told)
    strict = send(client, table(*ROWS, "x,甲,999,999,1"), strict="true")
    assert strict.status_code == 409
    told = client.get(f"/imports/{strict.json()['import']}").json()
    assert (told["state"], told["rejected_files"]) == ("failed", ["toilets.rejected.csv"])
    assert count("toilets") == 0


def test_refused_rows_are_mended_and_imported_again(client, count):
    bad = [row.replace("115.80", "9115.80") if i < 3 else row for i, row in enumerate(ROWS)]
    bad[0] = bad[0].replace("厕所0", "=甲")
    first = send(client, table(*bad), crs="EPSG:4326", source="城管局").json()
    assert (first["classes"]["toilets"]["loaded"], first["classes"]["toilets"]["rejected"]) == (7, 3)
    answer = client.get(f"/imports/{first['import']}/rejected")
    assert "toilets.rejected.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["rejected_row"] for row in rows] == ["2", "3", "4"]
    assert rows[0]["name"] == "'=甲"
    mended = answer.content.replace(b"9115.80", b"115.80")
    again = send(client, mended, "toilets.rejected.csv", crs="EPSG:4326").json()
    assert again["classes"]["toilets"]["loaded"] == 3
    assert (count("toilets"), count("toilets", "extra <> '{}'"), count("toilets", "name_zh = '=甲'")) == (
        10,
        0,
        1,
    )
    assert client.get(f"/imports/{again['import']}/rejected").status_code == 404


def test_reasons_come_as_csv_that_is_no_formula(client):
    sent = send(client, table("t1,甲,=1+1,28.68,2", *ROWS[2:])).json()
    answer = client.get(f"/imports/{sent['import']}?f=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == sent["classes"]["toilets"]["rejected"] + len(sent["warnings"]) > 0
    assert not [cell for row in rows for cell in row.values() if cell and cell[0] in "=+-@\t\r"]


def test_the_pages_tell_all_and_escape_it(client):
    head = "code,name,lon,lat,<script>alert(1)</script>\n"
    content = (head + "a,甲,115.8,28.68,x\nb,乙,<img src=x onerror=alert(1)>,28.68,y\n").encode()
    sent = send(client, content, "toilets.csv").json()
    browser = {"Accept": "text/html", "Accept-Language": "zh-CN"}
    listed = client.get("/imports", headers=browser)
    one = client.get(f"/imports/{sent['import']}", headers=browser)
    assert "导入记录" in listed.text
    assert sent["import"] in listed.text
    assert "被拒绝的行" in one.text
    assert "&lt;script&gt;alert(1)" in one.text
    for page in (listed, one):
        assert page.headers["content-type"].startswith("text/html")
        # Scripts are files of our own, and data for them in which no markup stands.
        assert "<script>" not in page.text
        assert page.text.count("<script") == page.text.count("</script>") <= 2
        assert "<img" not in page.text
        assert " style=" not in page.text
    assert "Rejected rows" in client.get(f"/imports/{sent['import']}?f=html&lang=en").text


def test_the_definition_describes_the_upload(idle):
    told = idle.get("/api").json()["paths"]["/imports"]["post"]
    fields = told["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert {"file", "class", "crs", "mapping", "dry_run", "on_conflict"} <= set(fields)
    assert {"class", "filename", "strict"} <= {item["name"] for item in told["parameters"]}
    assert {"201", "202", "413"} <= set(told["responses"])
