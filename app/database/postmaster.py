"""The server process: is it running, start it, wait for it, stop it. Knows processes, not SQL."""

from __future__ import annotations

import os
import signal
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.database.account import Account
from app.database.binaries import Binaries
from app.database.locks import is_free, try_lock
from app.errors import ChengtuError, NoSpace, SetupFailed, Unavailable

POLL_S = 0.01
#: Recovery after a crash replays the log since the last checkpoint: minutes at worst.
READY_S = 300.0
STOP_S = 60.0
#: How long children of a killed server may take to notice, before they are killed too.
ORPHAN_S = 5.0
#: Where `pg_control` holds the state of the cluster, and those of a server that was shut down (DBState, since 9.2).
_STATE, _STATE_AT, _SHUT_DOWN = struct.Struct("=i"), 16, {1, 2}


@dataclass(frozen=True, slots=True)
class Running:
    """A living server: process id, and the folder and number of its socket."""

    pid: int
    socket_dir: Path
    port: int
    ready: bool


def find_running(data: Path) -> Running | None:
    """The server of this data directory; None when it is not running, whatever its pid file says."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid, port, socket_dir = int(lines[0]), int(lines[3]), lines[4]
    except (FileNotFoundError, NotADirectoryError, ValueError, IndexError):
        return None
    if not _is_server_of(pid, data):
        return None
    return Running(pid, Path(socket_dir), port, len(lines) > 7 and lines[7].strip() == "ready")


def _is_server_of(pid: int, data: Path) -> bool:
    """Whether `pid` is a server started for `data`: a pid alone may since belong to any other process."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return Path(os.fsdecode(command[0])).name in {"postgres", "postmaster"} and os.fsencode(data) in command


def start(binaries: Binaries, account: Account, data: Path, log: Path, alive: Path) -> None:
    """Start the server and wait until it takes connections; raises with the server's own reason where it does not."""
    clear(data, alive)
    said = log.stat().st_size if log.exists() else 0
    pid = _spawn([binaries.program("postgres"), "-D", str(data)], account, log, alive)
    _wait(lambda: _is_ready(data) or not _exists(pid), READY_S)
    if not _is_ready(data):
        raise _failure(log, said)


def clear(data: Path, alive: Path) -> None:
    """Remove what a dead server left: processes, then its pid file (its id may be another process's by now)."""
    end_orphans(data, alive)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _spawn(command: list[str], account: Account, log: Path, alive: Path) -> int:
    """Start a process that outlives us; it and all its children hold the lock of `alive` until the last one ends."""
    descriptor = os.open(alive, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try_lock(descriptor)
        # The shell leaves at once, so that the server is nobody's child; words are passed, never spliced into text.
        script = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'
        shell = ["/bin/sh", "-c", script, "sh", str(log), *command]
        done = account.run(shell, pass_fds=(descriptor,), start_new_session=True)
        return int(done.stdout)
    finally:
        os.close(descriptor)


def stop(data: Path, alive: Path) -> bool:
    """Stop the server if it runs: sessions are ended, everything committed is on disk. Says whether it ran."""
    running = find_running(data)
    if running is None:
        return False
    for kind in (signal.SIGINT, signal.SIGQUIT):  # "fast", then "immediate"
        _signal(running.pid, kind)
        if _wait(lambda: not _is_server_of(running.pid, data), STOP_S):
            break
    end_orphans(data, alive)
    return True


def was_stopped(data: Path) -> bool:
    """Whether the server that is not running was shut down in order; else it was killed, or could not go on."""
    try:
        control = (data / "global" / "pg_control").read_bytes()
    except OSError:
        return True  # nothing here that could be started
    return bool(_STATE.unpack_from(control, _STATE_AT)[0] in _SHUT_DOWN)


def wait_ready(data: Path) -> bool:
    """Wait for a server that somebody else is starting; False where it ends instead."""
    _wait(lambda: _is_ready(data) or find_running(data) is None, READY_S)
    return _is_ready(data)


def end_orphans(data: Path, alive: Path) -> None:
    """Wait until no process of a dead server is left, and end those that do not notice; Unavailable if they stay."""
    if _wait(lambda: is_free(alive), ORPHAN_S):
        return
    for pid in _processes_in(data):
        _signal(pid, signal.SIGKILL)
    if not _wait(lambda: is_free(alive), ORPHAN_S):
        raise Unavailable(
            f"Processes of an earlier database server in {data} are still ending.", "Try again in a minute."
        )


def _processes_in(data: Path) -> Iterator[int]:
    """Server processes whose working directory is the data directory (every backend's is)."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == data and (entry / "comm").read_text().strip() == "postgres":
                yield int(entry.name)
        except OSError:
            continue


def _is_ready(data: Path) -> bool:
    running = find_running(data)
    return running is not None and running.ready


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _signal(pid: int, kind: signal.Signals) -> None:
    try:
        os.kill(pid, kind)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise SetupFailed(
            "The database server belongs to another user and cannot be stopped from here.",
            "Run as that user.",
        ) from error


def _wait(reached: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _failure(log: Path, offset: int) -> ChengtuError:
    """Why the server did not start, in its own words."""
    with log.open("rb") as file:
        file.seek(offset)
        text = file.read().decode("utf-8", "replace")
    return failure("The database server did not start", text, f"The whole story is in {log}")


def failure(what: str, text: str, hint: str) -> ChengtuError:
    """The error for a server program's output `text`, quoting its decisive line."""
    if "No space left on device" in text or "Disk quota exceeded" in text:
        return NoSpace(f"{what}: the disk is full.", "Free some space and try again.")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    decisive = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "error:"))]
    reason = (decisive or lines or ["it ended without a word"])[-1]
    return SetupFailed(f"{what}: {reason.rpartition(':  ')[2]}.", f"{hint}.")
