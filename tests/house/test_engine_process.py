"""The engine process: frames cross the socket unchanged, errors keep their type, nothing ends the server."""

from __future__ import annotations

import socket
import stat
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.coverage.engine_client import EngineClient
from app.coverage.engine_frames import MAX_FRAME_BYTES, receive_frame, send_frame
from app.coverage.engine_server import EngineServer
from app.coverage.stages import Report
from app.errors import BadInput, NotFound, Unavailable, error_from_plain, error_to_plain, unknown

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=20,
)


@given(plain)
def test_a_frame_arrives_as_it_was_sent(value):
    left, right = socket.socketpair()
    with left, right:
        send_frame(left, value)
        left.close()
        assert receive_frame(right) == value
        assert receive_frame(right) is None


def test_a_long_frame_arrives_whole():
    left, right = socket.socketpair()
    with left, right:
        sender = threading.Thread(target=send_frame, args=(left, b"x" * 20_000_000))
        sender.start()
        assert len(receive_frame(right)) == 20_000_000
        sender.join()


def test_half_a_character_does_not_stop_a_frame():
    left, right = socket.socketpair()
    with left, right:
        send_frame(left, {"code": "a\ud800"})
        assert receive_frame(right) == {"code": "a?"}


def test_a_frame_cut_midway_or_too_long_is_an_error():
    for head in (struct.pack("!I", 10) + b"abc", struct.pack("!I", MAX_FRAME_BYTES + 1), b"\x00\x00"):
        left, right = socket.socketpair()
        with left, right:
            left.sendall(head)
            left.close()
            with pytest.raises(Unavailable):
                receive_frame(right)


#: What the engine did, for clients that leave.
DONE: list[str] = []


def _answer(request: dict, report: Report | None) -> dict:
    match request["op"]:
        case "long":
            for number in range(request["stages_of"]):
                if report is not None:
                    report(number / request["stages_of"], f"stage {number}")
                DONE.append(f"stage {number}")
                time.sleep(request.get("each_s", 0))
            return {"stages": request["stages_of"]}
        case "echo":
            return {"value": request["value"]}
        case "unknown":
            raise unknown("policy", "green-300", ["green-300-500"])
    raise ZeroDivisionError("inner detail")


@pytest.fixture
def client(tmp_path):
    path = tmp_path / "engine.sock"
    with EngineServer(path, _answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield EngineClient(path, timeout_s=5)
        server.shutdown()
        thread.join()


def test_answers_come_back_to_those_who_asked(client):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: client.answer({"op": "echo", "value": n}), range(100)))
    assert answers == [{"value": n} for n in range(100)]


def test_stages_are_told_before_the_answer(client):
    told = []
    answer = client.answer(
        {"op": "long", "stages_of": 3}, lambda share, message: told.append((share, message))
    )
    assert answer == {"stages": 3}
    assert told == [(0, "stage 0"), (1 / 3, "stage 1"), (2 / 3, "stage 2")]


def test_a_client_that_gives_up_ends_the_work(client):
    """Two stages are told, then the client leaves: of a thousand stages only a few more are begun."""
    DONE.clear()

    def give_up(_: float, message: str) -> None:
        if message == "stage 1":
            raise KeyError

    with pytest.raises(KeyError):
        client.answer({"op": "long", "stages_of": 1000, "each_s": 0.001}, give_up)
    # the next answer waits for the first work to end
    assert client.answer({"op": "echo", "value": 1}) == {"value": 1}
    assert 2 <= len(DONE) < 100


def test_an_error_keeps_its_type_status_and_hint(client):
    with pytest.raises(NotFound) as raised:
        client.answer({"op": "unknown"})
    assert raised.value.status == 404
    assert raised.value.hint == "Did you mean green-300-500?"


def test_an_unexpected_failure_leaks_nothing_and_ends_nothing(client):
    with pytest.raises(Exception, match="failed on this request") as raised:
        client.answer({"op": "divide"})
    assert "inner detail" not in str(raised.value)
    assert client.answer({"op": "echo", "value": 1}) == {"value": 1}


def test_a_client_that_sends_nonsense_ends_nothing(client):
    with socket.socket(socket.AF_UNIX) as rude:
        rude.connect(str(client.path))
        rude.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert client.is_up()


def test_the_socket_is_its_owners_alone(client):
    assert stat.S_IMODE(client.path.stat().st_mode) == 0o600


def test_an_engine_that_is_away_is_told_so(tmp_path):
    for path in (tmp_path / "nothing.sock", None):
        away = EngineClient(path)
        assert not away.is_up()
        with pytest.raises(Unavailable) as raised:
            away.answer({"op": "echo"})
        assert raised.value.hint


def test_every_error_crosses_the_socket():
    for error in (BadInput("a", "b"), Unavailable("c"), NotFound("d")):
        again = error_from_plain(error_to_plain(error))
        assert type(again) is type(error)
        assert (again.message, again.hint, again.status) == (error.message, error.hint, error.status)
