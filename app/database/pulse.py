"""Whether the database answers at all: a server that takes connections and says nothing is noticed within seconds.

PostgreSQL's own limits end what takes too long, as long as the server lives. Where it is stopped, or the network
swallows what is sent, nothing comes back, and TCP finds out after minutes (over a Unix socket never). So whoever has
waited a moment asks beside it: by a connection of its own and the eight bytes to which every server says whether it
encrypts.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar

import psycopg
from psycopg import abc as psycopg_abc
from psycopg.waiting import Ready, Wait

from app.database.server import login_parameters
from app.errors import ChengtuError, Unavailable
from app.settings import Settings

T = TypeVar("T")
#: A statement that took so long is no reason to doubt, but to ask, seconds.
PATIENCE_S = 1.0
#: A server answers within so long whether it lives, seconds.
ANSWER_S = 1.5
#: Asked again at most so often, seconds.
AGAIN_S = 0.5
#: Whose word, on any connection, is no older than this is no silent server, however long it lets a question wait:
#: on an overloaded machine that may take longer than ANSWER_S. Seconds.
HEARD_S = 1.0
#: What begins a transaction takes no time, seconds: a connection that needs longer is dead.
OPENING_S = 4.0
#: The server ends a statement by itself; so much later it is given up here, seconds.
LATER_S = 2.0
#: PostgreSQL, "Message Formats": SSLRequest; answered by one byte before anything else is asked.
_QUESTION = struct.pack("!ii", 8, 80_877_103)
#: How libpq tells a folder of sockets from a name.
_FOLDER = ("/", "@")
DEFAULT_PORT = "5432"


class Silent(psycopg.OperationalError):
    """The server, or the way to it, says nothing any more."""


class Pulse:
    """What one process knows of its database: it lives, or it is silent until it answers again."""

    def __init__(self, settings: Settings, when_silent: Callable[[], object]) -> None:
        """`when_silent` is called whenever it falls silent: connections from before are good for nothing."""
        self._settings = settings
        self._when_silent = when_silent
        self._silent = False
        self._looked_at = -AGAIN_S
        self._heard_at = -HEARD_S
        self._looking = threading.Lock()

    def check(self) -> None:
        """Raise Silent at once while it is known that nothing would come; now and then one of those who ask looks."""
        if self._silent and self.is_silent():
            raise Silent("The database does not answer.")

    def is_silent(self) -> bool:
        """Whether it answers nobody. One asks for all; the others go by what is known."""
        if self._looking.acquire(blocking=False):
            try:
                if time.monotonic() - self._looked_at >= AGAIN_S:
                    self._set(silent=not (self._was_heard() or answers(self._settings) or self._was_heard()))
                    self._looked_at = time.monotonic()
            finally:
                self._looking.release()
        return self._silent

    def note_heard(self) -> None:
        """Something came from the server."""
        self._heard_at = time.monotonic()

    def note_silent(self) -> None:
        """A connection was not answered within its time."""
        if not self._was_heard():
            self._set(silent=True)
            self._looked_at = time.monotonic()

    def _was_heard(self) -> bool:
        return time.monotonic() - self._heard_at < HEARD_S

    def _set(self, *, silent: bool) -> None:
        falls, self._silent = silent and not self._silent, silent
        if falls:
            self._when_silent()


class WatchedConnection(psycopg.Connection[Any]):
    """A connection that waits for no server that is silent; one that was given up is closed."""

    pulse: Pulse | None = None
    #: How long one answer may take, seconds; None: as long as the server lives.
    limit_s: float | None = None

    def wait(self, gen: psycopg_abc.PQGen[T], *args: Any, **more: Any) -> T:
        """Wait as the driver does; raises Silent where there is nothing to wait for."""
        if self.pulse is None:
            return super().wait(gen, *args, **more)
        try:
            return super().wait(_watched(gen, self.pulse, self.limit_s), *args, **more)
        except Silent:
            with contextlib.suppress(psycopg.Error):
                self.close()
            raise


def _watched(
    gen: psycopg_abc.PQGen[T], pulse: Pulse, limit_s: float | None
) -> Generator[Wait, Ready | int, T]:
    """What `gen` wants and gives; looks at the pulse while nothing comes."""
    try:
        wanted = next(gen)
        began = 0.0
        while True:
            ready = yield wanted
            if not ready:  # nothing came within the driver's interval of a tenth of a second
                now = time.monotonic()
                began = began or now
                if limit_s is not None and now - began > limit_s:
                    raise Silent("The database did not answer in time.")
                if now - began > PATIENCE_S and pulse.is_silent():
                    raise Silent("The database does not answer.")
            elif ready & Ready.R:
                pulse.note_heard()
            wanted = gen.send(ready)
    except StopIteration as end:
        found: T = end.value
        return found


def answers(settings: Settings) -> bool:
    """Whether a server answers where the settings say; True where that is not said."""
    try:
        parameters = login_parameters(settings)
    except Unavailable:
        return False
    except ChengtuError:
        return True
    hosts = (
        [] if parameters is None else list(_places(parameters.get("host", ""), parameters.get("port", "")))
    )
    return not hosts or any(_answers(host, port) for host, port in hosts)


def _places(hosts: str, ports: str) -> Iterator[tuple[str, str]]:
    """Hosts and ports, of which libpq takes several by comma."""
    names, numbers = hosts.split(","), ports.split(",")
    for place, name in enumerate(names):
        if name:
            yield name, (numbers[place] if len(numbers) == len(names) else numbers[0]) or DEFAULT_PORT


def _answers(host: str, port: str) -> bool:
    until = time.monotonic() + ANSWER_S
    while True:
        try:
            with _connected(host, port) as asked:
                asked.sendall(_QUESTION)
                return bool(asked.recv(1))
        except BlockingIOError:
            # Over a Unix socket: so many wait to be let in that there is no more room; a living server makes some.
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        except OSError:
            return False


def _connected(host: str, port: str) -> socket.socket:
    if not host.startswith(_FOLDER):
        return socket.create_connection((host, int(port)), timeout=ANSWER_S)
    place = f"{host}/.s.PGSQL.{port}"
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(ANSWER_S)
    try:
        made.connect("\0" + place[1:] if host.startswith("@") else place)
    except OSError:
        made.close()
        raise
    return made
