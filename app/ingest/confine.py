"""What a process gives up before it reads a stranger's file: network, other files, new processes, time, memory, disk.

Standard library only: all of it must hold before a library starts a thread.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from app.ingest.landlock import LIST, READ, WRITE, restrict_files
from app.ingest.seccomp import restrict_calls

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
#: `_LINUX_CAPABILITY_VERSION_3`, and the process itself.
_CAPABILITIES = struct.pack("=II", 0x20080522, 0)
#: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: with them root reads what is not its own.
_READ_ALL = 0b110
#: The user "nobody" of Linux distributions (and the kernel's overflow user).
NOBODY = 65534
OPEN_FILES = 256
#: Address space over the memory: code of libraries, and files that are mapped.
MAPPED_BYTES = 2 * 1024**3
#: Whoever outlives the soft limit of processor time is ended this much later.
GRACE_S = 5

APP = Path(__file__).resolve().parent.parent
#: What the interpreter and its libraries read; of devices and the kernel's files only what they need of them.
SYSTEM = tuple(
    Path(name)
    for name in (
        sys.prefix, sys.base_prefix, sys.exec_prefix, "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share",
        "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom", "/proc/meminfo", "/proc/cpuinfo",
        "/sys/devices/system/cpu",
    )
)  # fmt: skip
NULL_DEVICE = Path("/dev/null")


def confine(
    folder: Path, source: Path, parts: Iterable[Path], memory: int, seconds: int, disk: int, parent: int
) -> dict[str, bool]:
    """Leave this process only `source` with its `parts` to read, `folder` to write, and bytes and seconds as told.

    It dies with the process `parent`. The answer names each barrier and whether the kernel holds it; those over time,
    memory and size of files always hold.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _limit(memory, seconds, disk)
    network = _leave_network(libc)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    user = _drop_user(libc, folder, source)
    files = restrict_files(_allowed(folder, source, list(parts)))
    calls = restrict_calls()
    # Last, since the kernel forgets it when the user changes.
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    return {"network": network, "user": user, "files": files, "calls": calls}


def _limit(memory: int, seconds: int, disk: int) -> None:
    wanted = {
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_CPU: (seconds, seconds + GRACE_S),
        resource.RLIMIT_FSIZE: (disk, disk),
        resource.RLIMIT_NOFILE: (OPEN_FILES, OPEN_FILES),
        resource.RLIMIT_DATA: (memory, memory),
        resource.RLIMIT_AS: (memory + MAPPED_BYTES, memory + MAPPED_BYTES),
    }
    for kind, (soft, hard) in wanted.items():
        given = resource.getrlimit(kind)[1]
        most = hard if given == resource.RLIM_INFINITY else min(hard, given)
        resource.setrlimit(kind, (min(soft, most), most))


def _leave_network(libc: ctypes.CDLL) -> bool:
    """A network of its own, which has no way out; where not root, in a user namespace of its own."""
    return bool(
        libc.unshare(_CLONE_NEWNET) == 0
        or (os.geteuid() != 0 and libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)
    )


def _drop_user(libc: ctypes.CDLL, folder: Path, source: Path) -> bool:
    """Root becomes nobody where nobody can read all that is needed, else root without capabilities."""
    if os.geteuid() != 0:
        return True
    before = folder.stat()
    os.chown(folder, NOBODY, NOBODY)
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    enough = _can_work(folder, source)
    os.seteuid(0)
    os.setegid(0)
    if enough:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        return True
    os.chown(folder, before.st_uid, before.st_gid)
    return _drop_capabilities(libc, source)


def _drop_capabilities(libc: ctypes.CDLL, source: Path) -> bool:
    """Root keeps no capability, or where the file is not its own, those alone by which it reads it."""
    given = ctypes.create_string_buffer(24)
    libc.capget(_CAPABILITIES, given)
    kept = struct.unpack("=IIIIII", given.raw)[1] & _READ_ALL
    done = _set_capabilities(libc, 0, kept)
    if not os.access(source, os.R_OK, effective_ids=True):
        return done and _set_capabilities(libc, kept, kept)
    return done and _set_capabilities(libc, 0, 0)


def _set_capabilities(libc: ctypes.CDLL, effective: int, permitted: int) -> bool:
    return bool(libc.capset(_CAPABILITIES, struct.pack("=IIIIII", effective, permitted, 0, 0, 0, 0)) == 0)


def _can_work(folder: Path, source: Path) -> bool:
    spec = importlib.util.find_spec("numpy")
    libraries = [Path(os.__file__), APP, *([Path(spec.origin)] if spec and spec.origin else [])]
    readable = all(os.access(path, os.R_OK, effective_ids=True) for path in [*libraries, source])
    return readable and os.access(folder, os.W_OK | os.X_OK, effective_ids=True)


def _allowed(folder: Path, source: Path, parts: list[Path]) -> list[tuple[Path, int]]:
    """Paths and rights; of a folder among the parts only the names of its files."""
    own = [(source, READ), *((part, LIST if part.is_dir() else READ) for part in parts)]
    return [(folder, WRITE), (NULL_DEVICE, WRITE), (APP, READ), *own, *((path, READ) for path in SYSTEM)]
