"""How long the server is patient with a connection: until its request has come whole, and while it takes up the reply.

A connection costs little as long as nothing happens on it, but there are only so many. One that says nothing, sends a
byte now and then or takes nothing up is closed; what one address has open at once is bounded.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.access.keys import is_loopback
from app.access.peer import is_proxy, network_of
from app.refused import refused
from app.settings import Settings

#: The first line and the headers of a request come within so long, seconds, and are so long at most.
HEADERS_S = 10.0
MAX_HEADER_BYTES = 64 * 1024
#: Of a body so many bytes come within so long, seconds, until it is whole.
BODY_S, BODY_BYTES = 30.0, 1000
#: So much of a body whose request is answered already (it was too large) may still come before the connection ends.
MAX_PASSED_BYTES = 4_000_000
#: Something of a reply is taken up within so long, seconds.
STALL_S = 60.0
#: Between two requests a connection is kept so long, seconds.
KEEP_ALIVE_S = 30.0
#: Connections of one address that one worker process keeps open; the machine itself and trusted proxies have more.
MAX_CONNECTIONS, MAX_PER_ADDRESS = 2000, 256
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_OPEN: Counter[str] = Counter()


class PatientProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with an end to its patience."""

    settings: Settings

    _place = ""
    _timer: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _in_headers = True
    _header_bytes = 0
    #: Of headers what is already taken apart, of a body what came since it was looked at.
    _came_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or close it where there are too many."""
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        alone = bool(host) and not is_loopback(host) and not is_proxy(host, self.settings)
        self._place = network_of(host) if alone else ""
        _OPEN[self._place] += 1
        if (alone and _OPEN[self._place] > MAX_PER_ADDRESS) or len(self.connections) > MAX_CONNECTIONS:
            refused("own_clients" if len(self.connections) <= MAX_CONNECTIONS else "clients")
            transport.abort()
            return
        self._wait(HEADERS_S, self._end_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        self._wait(0, None)
        self._set_stalled(None)
        _OPEN[self._place] -= 1
        if not _OPEN[self._place]:
            del _OPEN[self._place]

    def data_received(self, data: bytes) -> None:
        """Take some bytes, of headers only so many."""
        super().data_received(data)
        if self._in_headers:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                refused("header_bytes")
                self._end(_TOO_LONG)

    def on_message_begin(self) -> None:
        """A request begins: its headers have their time."""
        super().on_message_begin()
        self._in_headers, self._header_bytes, self._came_bytes = True, 0, 0
        self._wait(HEADERS_S, self._end_slow)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes at once is counted here."""
        super().on_header(name, value)
        self._came_bytes += len(name) + len(value)
        if self._came_bytes + len(self.url) > MAX_HEADER_BYTES:
            refused("header_bytes")
            raise ValueError("The headers are too long.")

    def on_headers_complete(self) -> None:
        """Begin to answer; a body has its time."""
        self._in_headers, self._came_bytes = False, 0
        self._wait(BODY_S, self._check_body)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; of one that was answered already, so much is let pass by."""
        self._came_bytes += len(body)
        super().on_body(body)
        if self.cycle.response_complete and self._came_bytes > MAX_PASSED_BYTES:
            self.transport.close()

    def on_message_complete(self) -> None:
        """The request has come whole."""
        self._wait(0, None)
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client takes nothing up just now."""
        super().pause_writing()
        self._set_stalled(self.loop.call_later(STALL_S, self._end_stalled))

    def resume_writing(self) -> None:
        """The client goes on."""
        super().resume_writing()
        self._set_stalled(None)

    def _check_body(self) -> None:
        # Where we do not read, because what came is still being written to a disk, the client is not slow.
        if self._came_bytes < BODY_BYTES and not self.flow.read_paused:
            refused("body_pace")
            self._end(_TOO_SLOW)
            return
        self._came_bytes = 0
        self._wait(BODY_S, self._check_body)

    def _end_slow(self) -> None:
        # Between two requests nothing is refused: a connection that is kept for the next one just ends.
        if self._header_bytes or self._came_bytes:
            refused("header_time")
        self._end(_TOO_SLOW)

    def _end_stalled(self) -> None:
        refused("reply_pace")
        self.transport.abort()

    def _end(self, reply: bytes) -> None:
        """Close the connection, with a word where nothing was answered yet."""
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.write(reply)
        self.transport.close()

    def _wait(self, seconds: float, then: Callable[[], None] | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if then is None else self.loop.call_later(seconds, then)

    def _set_stalled(self, timer: asyncio.TimerHandle | None) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
        self._stalled = timer


def patient_protocol(settings: Settings) -> type[PatientProtocol]:
    """The protocol of a server with these settings."""
    return type("Patient", (PatientProtocol,), {"settings": settings})
